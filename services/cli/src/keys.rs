//! `hefu keys`: signing keys in the state folder.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use comfy_table::{Table, presets};
use hefu_engine::{Clock, Source};
use hefu_token::{Suite, keys};
use hefu_vault::{KekInfo, VaultError, WrappedKeys};

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
    /// Let a new key follow the one in use. Servers take up a token key and a key encryption key (kek) as they run; for a log key,
    /// which every log has on record, no server may run. The deduplication key never rotates.
    Rotate {
        /// What it is for.
        #[arg(long = "use", value_enum)]
        usage: Rotation,
        /// sqlite://PATH or postgres://…, whose logs a log key signs.
        #[arg(
            long,
            env = "HEFU_DATABASE",
            value_name = "URL",
            required_if_eq("usage", "log")
        )]
        database: Option<String>,
        /// The state folder.
        #[arg(
            long,
            env = "HEFU_STATE",
            default_value = "hefu-data",
            value_name = "DIR"
        )]
        state: PathBuf,
    },
    /// List the keys, the active one of each use first; of kek, which wraps the people's data keys, a retired one wraps nothing any more.
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

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Rotation {
    /// Voucher tokens.
    Token,
    /// Checkpoints of the logs.
    Log,
    /// The key encryption key of the vault.
    Kek,
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
            println!(
                "{}",
                match key.usage {
                    keys::Use::Token => "A running server takes it up within seconds.",
                    keys::Use::Log => "A running server takes it up at its next start.",
                }
            );
        }
        KeysCommand::Rotate {
            usage,
            database,
            state,
        } => match (usage, database) {
            (Rotation::Token, _) => rotate_token_key(&state)?,
            (Rotation::Kek, _) => rotate_kek(&state)?,
            (Rotation::Log, Some(database)) => rotate_log_key(&Place { database, state }).await?,
            (Rotation::Log, None) => bail!("which database's logs? Say --database"),
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
            for (kek, retired) in keks(&state)? {
                let id = if retired {
                    format!("{} (retired)", kek.id)
                } else {
                    kek.id.to_string()
                };
                table.add_row([
                    "kek".to_owned(),
                    "aes-256-gcm-siv".to_owned(),
                    id,
                    kek.created.to_string(),
                    kek.path.display().to_string(),
                ]);
            }
            println!("{table}");
        }
    }
    Ok(())
}

/// The key encryption keys, and whether they wrap nothing any more. A folder that never served has none.
fn keks(state: &Path) -> anyhow::Result<Vec<(KekInfo, bool)>> {
    let keks = match hefu_vault::list_keks(state) {
        Err(VaultError::NoKek(_)) => return Ok(Vec::new()),
        keks => keks?,
    };
    let retired = WrappedKeys::open(state)?.retired()?;
    let is_retired = |kek: &KekInfo| retired.contains(&(kek.id, true));
    Ok(keks
        .into_iter()
        .map(|kek| {
            let retired = is_retired(&kek);
            (kek, retired)
        })
        .collect())
}

/// A new token key of the active one's suite.
fn rotate_token_key(state: &Path) -> anyhow::Result<()> {
    let active = keys::load(state, keys::Use::Token)?;
    let suite = active
        .first()
        .map_or(Suite::Ed25519Sha256, |key| key.info().suite());
    let key = keys::new_key_of(
        state,
        (keys::Use::Token, suite),
        &Source::System.draw(&[]),
        Clock::system().now(),
    )?;
    println!(
        "token key {} signs from now on: {}",
        key.kid,
        key.path.display()
    );
    println!("Running servers take it up within seconds; older keys verify what they signed.");
    Ok(())
}

fn rotate_kek(state: &Path) -> anyhow::Result<()> {
    let mut random = |buffer: &mut [u8]| {
        for part in buffer.chunks_mut(32) {
            part.copy_from_slice(&Source::System.draw(&[])[..part.len()]);
        }
    };
    let mut seen = |data_keys: usize| {
        if data_keys > 0 && std::io::stderr().is_terminal() {
            eprint!("\r{data_keys} data keys wrapped anew ");
        }
    };
    let rotated = hefu_vault::rotate_kek(state, Clock::system().now(), &mut random, &mut seen)?;
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
    println!(
        "key encryption key {} wraps from now on; {} data keys were wrapped anew",
        rotated.active, rotated.data_keys
    );
    for id in rotated.retired {
        println!(
            "kek-{id}.key wraps nothing any more: destroy it with the last backup of wrapped-keys.sqlite from before"
        );
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
