//! `hefu keys`: signing keys in the state folder.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use comfy_table::{Table, presets};
use hefu_engine::{Clock, Source};
use hefu_token::keys;

use crate::log::Place;

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a new active key; older ones go on verifying what they signed.
    New {
        /// What it signs.
        #[arg(long = "use", value_enum)]
        usage: Usage,
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
        KeysCommand::New { usage, state } => {
            std::fs::create_dir_all(&state)
                .with_context(|| format!("cannot make the state folder {}", state.display()))?;
            let usage = match usage {
                Usage::Token => keys::Use::Token,
                // A log's readers must find on record that another key signs it.
                Usage::Log if state.join("signer").exists() => {
                    bail!(
                        "logs are signed by this folder's key already: hefu keys rotate --use log"
                    )
                }
                Usage::Log => keys::Use::Log,
            };
            let key = keys::new_key(
                &state,
                usage,
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
                .set_header(["use", "kid", "made", "file"]);
            for key in keys::list(&state)? {
                table.add_row([
                    key.usage.to_string(),
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
