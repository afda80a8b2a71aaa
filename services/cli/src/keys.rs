//! `hefu keys`: signing keys in the state folder.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use comfy_table::{Table, presets};
use hefu_engine::{Clock, Source};
use hefu_token::{Suite, keys};

use crate::log::Place;

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a new active key; older ones go on verifying what they signed.
    New {
        /// What it signs.
        #[arg(long = "use", value_enum)]
        usage: Usage,
        /// Its suite: ed25519-sha256, or sm2-sm3 in a build with that feature (not certified). A log key of sm2-sm3 signs
        /// checkpoints a second time, beside the log's own.
        #[arg(long, value_name = "SUITE", default_value_t = Suite::Ed25519Sha256)]
        suite: Suite,
        /// The state folder.
        #[arg(
            long,
            env = "HEFU_STATE",
            default_value = "hefu-data",
            value_name = "DIR"
        )]
        state: PathBuf,
    },
    /// Let a new log key follow the one in use, in every log and on record there. No server may run meanwhile.
    Rotate {
        /// What it signs.
        #[arg(long = "use", value_enum)]
        usage: Usage,
        #[command(flatten)]
        place: Place,
    },
    /// List the keys, the active one of each use first.
    List {
        /// The state folder.
        #[arg(
            long,
            env = "HEFU_STATE",
            default_value = "hefu-data",
            value_name = "DIR"
        )]
        state: PathBuf,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Usage {
    /// Voucher tokens.
    Token,
    /// Checkpoints of the logs.
    Log,
}

pub(crate) async fn run(command: KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::New {
            usage,
            suite,
            state,
        } => {
            std::fs::create_dir_all(&state)
                .with_context(|| format!("cannot make the state folder {}", state.display()))?;
            let usage = match usage {
                Usage::Token => keys::Use::Token,
                // A log's readers must find on record that another key signs it, but not who signs beside it.
                Usage::Log if suite == Suite::Ed25519Sha256 && state.join("signer").exists() => {
                    bail!(
                        "logs are signed by this folder's key already: hefu keys rotate --use log"
                    )
                }
                Usage::Log => keys::Use::Log,
            };
            let key = keys::new_key_of(
                &state,
                (usage, suite),
                &Source::System.draw(&[]),
                Clock::system().now(),
            )?;
            println!("{} key {} made: {}", key.usage, key.kid, key.path.display());
            println!("A running server takes it up at its next start.");
        }
        KeysCommand::Rotate { usage, place } => match usage {
            Usage::Token => bail!("a new token key follows by itself: hefu keys new --use token"),
            Usage::Log => rotate_log_key(&place).await?,
        },
        KeysCommand::List { state } => {
            let mut table = Table::new();
            table
                .load_style(presets::UTF8_BORDERS_ONLY)
                .set_header(["use", "suite", "kid", "made", "file"]);
            for key in keys::list(&state)? {
                table.add_row([
                    key.usage.to_string(),
                    key.suite().to_string(),
                    key.kid,
                    key.created.to_string(),
                    key.path.display().to_string(),
                ]);
            }
            println!("{table}");
        }
    }
    Ok(())
}

async fn rotate_log_key(place: &Place) -> anyhow::Result<()> {
    let mut offline = place.open().await?;
    let rotated = offline.rotate_log_key().await;
    offline.close().await;
    let (key, logs) = rotated?;
    println!("log key {key} signs {logs} logs from now on");
    println!(
        "Their public keys are in {}; publish them where the others are.",
        place.state.join("log.vkey").display()
    );
    Ok(())
}
