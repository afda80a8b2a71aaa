//! `hefu audit receipt`: whether a receipt holds, offline, by a key that its owner brings along.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use hefu_log::{Checkpoint, Receipt, VerifierKeys, View, Vkey};
use serde_json::{Value, json};

use super::source;

#[derive(Args)]
pub(crate) struct CheckReceipt {
    /// The receipt.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The log's verifier keys, that you got from somewhere else than the receipt, one a line.
    #[arg(long, value_name = "FILE")]
    vkey: PathBuf,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(asked: &CheckReceipt) -> anyhow::Result<ExitCode> {
    let (text, keys) = match read(asked) {
        Ok(read) => read,
        Err(error) => return Ok(source::unchecked(&error)),
    };
    match check(&text, &keys) {
        Ok((receipt, checkpoint)) => {
            show(&receipt, &checkpoint, asked.json)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let why = format!("{error:#}");
            if asked.json {
                println!("{}", json!({"holds": false, "why": why}));
            } else {
                println!("THE RECEIPT DOES NOT HOLD: {why}");
            }
            Ok(ExitCode::from(1))
        }
    }
}

fn read(asked: &CheckReceipt) -> anyhow::Result<(String, Vec<Vkey>)> {
    let keys = VerifierKeys::parse(&source::text(&asked.vkey)?);
    let keys = keys.with_context(|| format!("{}", asked.vkey.display()))?;
    // A second signature adds nothing to a receipt: it is never asked for, so there is nothing to warn of.
    Ok((source::text(&asked.file)?, keys.keys))
}

/// The receipt and the checkpoint that it leads to.
fn check(text: &str, keys: &[Vkey]) -> anyhow::Result<(Receipt, Checkpoint)> {
    let receipt: Receipt = text.parse()?;
    let checkpoint = receipt.verify(keys)?;
    let event = View::read(&receipt.entry)?;
    ensure!(
        event.index == receipt.index && event.region == checkpoint.origin.region(),
        "the event says that it is number {} of region {}, and the log has it as number {} of {}",
        event.index,
        event.region,
        receipt.index,
        checkpoint.origin
    );
    Ok((receipt, checkpoint))
}

fn show(receipt: &Receipt, checkpoint: &Checkpoint, as_json: bool) -> anyhow::Result<()> {
    let event: Value = serde_json::from_slice(&receipt.entry)?;
    if as_json {
        let log = json!({
            "origin": checkpoint.origin.to_string(),
            "size": checkpoint.size,
            "root": checkpoint.root,
        });
        let holds = json!({"holds": true, "index": receipt.index, "log": log, "event": event});
        println!("{holds}");
        return Ok(());
    }
    // Text as it is spelt in the event: nothing in it moves a terminal's cursor.
    let told = View::read(&receipt.entry)?;
    println!("The receipt holds.");
    println!("log      {}", checkpoint.origin);
    println!("event    {} of {}", receipt.index, checkpoint.size);
    println!("time     {}", told.at);
    println!("kind     {}", told.kind);
    println!("about    {}", told.stream);
    println!("asked by {}, request {}", told.caller, told.request);
    println!("{}", serde_json::to_string_pretty(&event["body"])?);
    Ok(())
}
