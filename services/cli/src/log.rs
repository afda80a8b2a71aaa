//! `hefu log`: what an operator does about a region's log while no server runs.

use std::path::PathBuf;

use anyhow::Context;
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
    /// The region whose alarm stands.
    #[arg(long, value_name = "CODE")]
    region: Region,
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
    let accepted = offline.accept_fork(&command.region, command.reason).await;
    offline.close().await;
    let origin = accepted.with_context(|| format!("the fork of region {}", command.region))?;
    println!("The log of region {} goes on as {origin}.", command.region);
    println!(
        "Its public key is in {}; publish it where the others are.",
        command.place.state.join("log.vkey").display()
    );
    Ok(())
}
