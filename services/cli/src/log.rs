//! `hefu log`: what an operator does about a region's log while no server runs.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use hefu_domain::{Reason, Region};
use hefu_server::Offline;

#[derive(Subcommand)]
pub(crate) enum LogCommand {
    /// Go on from a log that is not what was signed of it: a new origin begins with an event that says so.
    AcceptFork(AcceptFork),
}

#[derive(Args)]
pub(crate) struct AcceptFork {
    /// The region whose alarm stands. Default: every region that has one.
    #[arg(long, value_name = "CODE")]
    region: Option<Region>,
    /// Why, for the record: a code such as RESTORED_BACKUP.
    #[arg(long, value_name = "CODE")]
    reason: Reason,
    #[command(flatten)]
    place: Place,
}

/// A deployment's database and state folder.
#[derive(Args)]
pub(crate) struct Place {
    /// sqlite://PATH or postgres://…
    #[arg(long, env = "HEFU_DATABASE", value_name = "URL")]
    pub(crate) database: String,
    /// The state folder.
    #[arg(
        long,
        env = "HEFU_STATE",
        default_value = "hefu-data",
        value_name = "DIR"
    )]
    pub(crate) state: PathBuf,
}

impl Place {
    /// Takes it, which a running server would not let happen.
    pub(crate) async fn open(&self) -> anyhow::Result<Offline> {
        Ok(Offline::open(&self.database, &self.state).await?)
    }
}

pub(crate) async fn run(command: LogCommand) -> anyhow::Result<()> {
    match command {
        LogCommand::AcceptFork(command) => accept_fork(command).await,
    }
}

async fn accept_fork(command: AcceptFork) -> anyhow::Result<()> {
    let mut offline = command.place.open().await?;
    let accepted = accept(&mut offline, &command).await;
    offline.close().await;
    accepted?;
    println!(
        "The public keys are in {}; publish the new lines where the others are.",
        command.place.state.join("log.vkey").display()
    );
    Ok(())
}

async fn accept(offline: &mut Offline, command: &AcceptFork) -> anyhow::Result<()> {
    let regions = match &command.region {
        Some(region) => vec![region.clone()],
        None => offline.in_doubt().await?,
    };
    ensure!(
        !regions.is_empty(),
        "no region has an alarm: every log extends what was signed, and there is nothing to accept"
    );
    for region in regions {
        let accepted = offline.accept_fork(&region, command.reason.clone()).await;
        let origin = accepted.with_context(|| format!("the fork of region {region}"))?;
        println!("The log of region {region} goes on as {origin}.");
    }
    Ok(())
}
