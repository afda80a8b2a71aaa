//! `hefu audit verify`: every byte, signature, fork and record of the logs, trusting nobody.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant as Stopwatch;

use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use hefu_audit::cosigned::Word;
use hefu_audit::verify::{Report, Seen, verify};
use hefu_domain::Region;

use super::source::{self, Source};

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    source: Source,
    /// A signed checkpoint that you kept, of this or an earlier epoch: today's log must extend it.
    #[arg(long, value_name = "FILE")]
    since: Vec<PathBuf>,
    /// A witness's public key that you trust, in a file: who cosigned each log is shown, and an event whose time
    /// contradicts a witness is found.
    #[arg(long, value_name = "VKEYFILE")]
    witness: Vec<PathBuf>,
    /// How many of these witnesses must have cosigned each log's checkpoint.
    #[arg(long, value_name = "K", default_value_t = 0, requires = "witness")]
    witnesses_required: usize,
    /// Only these regions.
    #[arg(long, value_name = "CODE")]
    region: Vec<Region>,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(asked: Verify) -> anyhow::Result<ExitCode> {
    let watch = Stopwatch::now();
    match report(&asked).await {
        Ok(report) => {
            let seconds = watch.elapsed().as_secs_f64();
            if asked.json {
                println!("{}", source::as_json(&report, seconds)?);
            } else {
                println!("{}", logs(&report));
                for file in asked.since.iter().filter(|_| report.failure.is_none()) {
                    println!("nothing before {} was touched", file.display());
                }
                source::say(&report, seconds);
            }
            Ok(source::exit(&report))
        }
        Err(error) => Ok(source::unchecked(&error)),
    }
}

async fn report(asked: &Verify) -> anyhow::Result<Report> {
    let since = asked.since.iter().map(|file| source::checkpoint(file));
    let since = since.collect::<anyhow::Result<_>>()?;
    let witnesses = source::witnesses(&asked.witness, asked.witnesses_required)?;
    let logs = asked.source.open().await?;
    let mut what = logs.asked();
    what.since = since;
    what.witnesses = witnesses;
    what.regions.clone_from(&asked.region);
    let files = logs.files.as_ref();
    let report =
        tokio::task::block_in_place(|| verify(files, &what, &|| logs.heads(), |_| (), |_, ()| {}));
    Ok(report?)
}

/// A witness's word: its name, and the time that it bears.
fn word(word: &Word) -> String {
    format!("{} {}", word.witness, word.at())
}

/// The ids of the keys that signed.
fn keys(log: &Seen) -> String {
    match log.second {
        Some(second) => format!("{:08x}\n{second:08x} (SM2)", log.signer),
        None => format!("{:08x}", log.signer),
    }
}

/// The logs that held.
fn logs(report: &Report) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header([
        "region",
        "epoch",
        "events",
        "unsigned",
        "root",
        "key",
        "last event",
        "cosigned by",
    ]);
    for log in &report.logs {
        table.add_row([
            log.region.to_string(),
            log.epoch.to_string(),
            log.size.to_string(),
            log.unsigned.to_string(),
            log.root.to_string(),
            keys(log),
            log.at.clone().unwrap_or_default(),
            log.words.iter().map(word).collect::<Vec<_>>().join("\n"),
        ]);
    }
    for column in 1..4 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
