//! `hefu witness`: cosign what other people's logs publish.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use hefu_engine::{Clock, Source};
use hefu_log::{VerifierKeys, Vkey};
use hefu_server::{telemetry, witness};

#[derive(Subcommand)]
pub(crate) enum WitnessCommand {
    /// Serve as a witness: cosign each log's checkpoints as long as they go on from the last one seen.
    Serve(Serve),
}

#[derive(Args)]
pub(crate) struct Serve {
    /// The witness's folder: its key, and what it saw of each log. Made if it is missing.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Where to listen, HOST:PORT.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Files with the verifier keys of the logs to watch, one a line, such as a deployment's log.vkey.
    #[arg(long, value_name = "VKEYFILE", required = true, num_args = 1..)]
    log: Vec<PathBuf>,
    /// The witness's name, needed at the first start, for instance witness.example.org/hefu.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub(crate) async fn run(command: WitnessCommand) -> anyhow::Result<ExitCode> {
    match command {
        WitnessCommand::Serve(command) => serve(command).await,
    }
}

async fn serve(command: Serve) -> anyhow::Result<ExitCode> {
    let telemetry = telemetry::start("info", None)?;
    let mut logs = Vec::new();
    for file in &command.log {
        logs.extend(vkeys(file)?);
    }
    let setup = witness::Setup {
        state: command.state,
        name: command.name,
        logs,
        listen: command.listen,
        clock: Clock::system(),
        source: Source::System,
    };
    let mut running = witness::serve(setup).await?;
    let state = &running.state;
    if running.first_start {
        println!(
            "First start: a key was made. The secret half is in {}",
            state.key_file().display()
        );
    }
    println!("{}", state.public());
    println!(
        "That is this witness's public key, also in {}: give it to those who publish the logs and to those who verify them.",
        state.public_file().display()
    );
    println!(
        "hefu cosigns {} logs on http://{}/add-checkpoint",
        state.logs(),
        running.address
    );
    tokio::select! {
        () = crate::serve::interrupted() => println!("stopping"),
        () = running.wait() => anyhow::bail!("the witness ended by itself"),
    }
    running.stop().await;
    telemetry.shutdown();
    Ok(ExitCode::SUCCESS)
}

/// The logs' verifier keys in a file, one a line. A witness goes by the logs' own signatures; others are theirs to check.
fn vkeys(file: &Path) -> anyhow::Result<Vec<Vkey>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let read = VerifierKeys::parse(&text).with_context(|| format!("{}", file.display()))?;
    Ok(read.keys)
}
