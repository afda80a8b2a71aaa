//! `hefu audit export`: the signed logs as a folder, under the paths that they have over HTTP.
//!
//! The invariant: the folder is at every moment a whole export of the checkpoints in it. A log's checkpoint is written last, when
//! everything that it covers is there and leads to its root; nothing that the source says is believed before that.

#[cfg(feature = "parquet")]
mod columns;
mod copy;
mod folder;
pub(super) mod keys;
mod tables;

#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use hefu_audit::{Dir, Files, MOST_EPOCHS};
use hefu_domain::Region;
use hefu_log::{Checkpoint, Hash, Origin};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::live::Live;
use copy::Copied;
use folder::Folder;
use keys::{Keys, Opened};
use tables::Tables;

#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    live: Live,
    /// The folder to write. What an earlier export left there is kept and not fetched again.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only these regions.
    #[arg(long, value_name = "CODE")]
    region: Vec<Region>,
    /// Write each region's events.parquet too, typed columns for data frames and SQL. Without it an earlier export's is removed, which
    /// would lack what is new.
    #[arg(long)]
    parquet: bool,
    /// Say as JSON what was exported.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(export: &Export) -> anyhow::Result<ExitCode> {
    possible(export.parquet, cfg!(feature = "parquet"))?;
    let files = export.live.open().await?;
    let exported = tokio::task::block_in_place(|| all(files.as_ref(), export))?;
    if exported.iter().any(|log| !log.signed) {
        eprintln!(
            "hefu: no log.vkey was found, so no signature was checked; name the state folder with --state"
        );
    }
    if export.json {
        println!("{}", as_json(&exported));
    } else {
        println!("{}", as_table(&exported));
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether typed columns can be written, if they are asked for.
fn possible(parquet: bool, built_with_it: bool) -> anyhow::Result<()> {
    ensure!(
        built_with_it || !parquet,
        "this hefu was built without Parquet: build it with `cargo build --release --features parquet`"
    );
    Ok(())
}

/// One log to be exported: where it stands, and what it must come to.
struct Log {
    /// `140725`, or `140725/epoch/0` for an epoch before the current one.
    prefix: String,
    origin: Origin,
    /// How many events are copied, and the root that they lead to: the checkpoint's, or of a log that ended in an accepted fork what
    /// the log after it goes on from.
    size: u64,
    root: Hash,
    /// Its last checkpoint; that of a log that has ended may be lost.
    said: Option<Said>,
    /// Whether it ended in an accepted fork.
    ended: bool,
}

/// A log's last checkpoint.
struct Said {
    note: String,
    checkpoint: Checkpoint,
    /// Whether a key was known that signed it.
    signed: bool,
}

/// What was exported of one log.
struct Exported {
    origin: Origin,
    size: u64,
    root: Hash,
    signed: bool,
    copied: Copied,
}

fn all(source: &dyn Files, export: &Export) -> anyhow::Result<Vec<Exported>> {
    let folder = Folder::open(&export.out)?;
    let regions = regions(source, &export.region)?;
    // Keys after checkpoints: whatever signed one is published by then.
    let notes: Vec<(Region, String)> = regions
        .into_iter()
        .map(|region| Ok((region.clone(), note(source, &region.to_string())?)))
        .collect::<anyhow::Result<_>>()?;
    let keys = known_keys(source, &folder)?;
    let mut logs = Vec::with_capacity(notes.len());
    for (region, note) in notes {
        logs.push(epochs(source, &region, note, &keys)?);
    }
    let events = logs.iter().flatten().map(|log| log.size).sum();
    let progress = progress(events);
    if !keys.text().is_empty() {
        folder.write_synced(keys::PATH, keys.text().as_bytes())?;
    }
    let mut exported = Vec::new();
    for logs in logs {
        exported.extend(region(source, &folder, logs, export.parquet, &progress)?);
    }
    folder.write_synced("regions", listing(&folder)?.as_bytes())?;
    progress.finish_and_clear();
    Ok(exported)
}

/// Every log that is here, as a server lists its own: so a web server with this folder below `/log/` is read like that one.
fn listing(folder: &Folder) -> anyhow::Result<String> {
    let mut listing = String::new();
    for region in Dir::new(folder.at("")).regions()? {
        if let Some(log) = copy::exported(folder, region.as_str())? {
            listing += &format!("{region} {} {}\n", log.origin.epoch(), log.size);
        }
    }
    Ok(listing)
}

/// The regions asked for, or all that there are.
fn regions(source: &dyn Files, asked: &[Region]) -> anyhow::Result<Vec<Region>> {
    let there = source.regions()?;
    if let Some(missing) = asked.iter().find(|region| !there.contains(region)) {
        bail!("no log of region {missing} is published there");
    }
    ensure!(
        !there.is_empty(),
        "no log is published there yet: a server signs its logs within a second of its start"
    );
    Ok(if asked.is_empty() {
        there
    } else {
        there.into_iter().filter(|r| asked.contains(r)).collect()
    })
}

/// The keys that are published, behind those that an earlier export knew.
fn known_keys(source: &dyn Files, folder: &Folder) -> anyhow::Result<Keys> {
    let before = folder.read(keys::PATH)?.unwrap_or_default();
    let before = String::from_utf8(before)
        .with_context(|| format!("{} is no text", folder.at(keys::PATH).display()))?;
    Ok(Keys::of(source)?.after(Keys::parse(&before)?))
}

fn note(source: &dyn Files, prefix: &str) -> anyhow::Result<String> {
    let path = format!("{prefix}/checkpoint");
    let note = source.read(&path)?;
    let note = note.with_context(|| format!("{path} is not published"))?;
    String::from_utf8(note).with_context(|| format!("{path} is no text"))
}

/// A region's logs, the earliest first. Each but the first says in its first event which log it goes on from.
fn epochs(
    source: &dyn Files,
    region: &Region,
    note_of_current: String,
    keys: &Keys,
) -> anyhow::Result<Vec<Log>> {
    let prefix = region.to_string();
    let said = said(&prefix, note_of_current, keys)?;
    ensure!(
        said.checkpoint.origin.region() == region.as_str(),
        "{prefix}/checkpoint is of another log: {}",
        said.checkpoint.origin
    );
    let mut logs = vec![Log {
        prefix,
        origin: said.checkpoint.origin.clone(),
        size: said.checkpoint.size,
        root: said.checkpoint.root,
        said: Some(said),
        ended: false,
    }];
    while let Some(log) = logs.last().filter(|log| log.origin.epoch() > 0) {
        ensure!(
            logs.len() <= MOST_EPOCHS,
            "{} goes on from one log of too many",
            log.origin
        );
        let before = ended(source, region, log, keys)?;
        logs.push(before);
    }
    logs.reverse();
    Ok(logs)
}

/// The log that another goes on from.
fn ended(source: &dyn Files, region: &Region, log: &Log, keys: &Keys) -> anyhow::Result<Log> {
    let kept = copy::kept(source, log)?;
    let prefix = format!("{region}/epoch/{}", kept.epoch);
    let origin = Origin::new(log.origin.deployment(), log.origin.region(), kept.epoch)?;
    let note = source.read(&format!("{prefix}/checkpoint"))?;
    let said = match note {
        None => None,
        Some(note) => {
            let note = String::from_utf8(note)
                .with_context(|| format!("{prefix}/checkpoint is no text"))?;
            let said = said(&prefix, note, keys)?;
            ensure!(
                said.checkpoint.origin == origin,
                "{prefix}/checkpoint is of another log: {}",
                said.checkpoint.origin
            );
            Some(said)
        }
    };
    Ok(Log {
        prefix,
        origin,
        size: kept.size,
        root: Hash(kept.root.0),
        said,
        ended: true,
    })
}

fn said(prefix: &str, note: String, keys: &Keys) -> anyhow::Result<Said> {
    let Opened { checkpoint, signed } = keys
        .open(&note)
        .with_context(|| format!("{prefix}/checkpoint"))?;
    Ok(Said {
        note,
        checkpoint,
        signed,
    })
}

/// Exports a region's logs and its tables.
fn region(
    source: &dyn Files,
    folder: &Folder,
    logs: Vec<Log>,
    parquet: bool,
    progress: &ProgressBar,
) -> anyhow::Result<Vec<Exported>> {
    let Some(current) = logs.last() else {
        return Ok(Vec::new());
    };
    make_way(folder, current)?;
    let mut tables = Tables::begin(folder, &current.prefix)?;
    let mut exported = Vec::with_capacity(logs.len());
    for log in &logs {
        let copied = copy::log(source, folder, log, &mut tables, progress)
            .with_context(|| format!("region {} was not exported", log.prefix))?;
        exported.push(Exported {
            origin: log.origin.clone(),
            size: log.size,
            root: log.root,
            // One that is lost has no signature to check.
            signed: log.said.as_ref().is_none_or(|said| said.signed),
            copied,
        });
    }
    for pair in logs.windows(2) {
        copy::goes_on(folder, &pair[0], &pair[1])?;
    }
    tables.finish()?;
    typed(folder, &logs, parquet)?;
    for log in &logs {
        copy::sign_off(source, folder, log)?;
    }
    Ok(exported)
}

/// Writes the events of a region's logs as typed columns too, if it is asked for.
#[cfg_attr(not(feature = "parquet"), expect(unused_variables))]
fn typed(folder: &Folder, logs: &[Log], asked: bool) -> anyhow::Result<()> {
    let Some(current) = logs.last() else {
        return Ok(());
    };
    #[cfg(feature = "parquet")]
    if asked {
        let sizes: Vec<(u64, u64)> = logs
            .iter()
            .map(|log| (log.origin.epoch(), log.size))
            .collect();
        return columns::write(folder, &current.prefix, &sizes);
    }
    folder.remove(&format!("{}/{}", current.prefix, tables::PARQUET))
}

/// When a fork was accepted since the last export, what was the current epoch then gets its place among the earlier ones.
fn make_way(folder: &Folder, current: &Log) -> anyhow::Result<()> {
    let Some(before) = copy::exported(folder, &current.prefix)? else {
        return Ok(());
    };
    let (then, now) = (before.origin.epoch(), current.origin.epoch());
    ensure!(
        then <= now,
        "{} was exported up to epoch {then}, and epoch {now} is shown now: an epoch never ends without a trace",
        current.prefix
    );
    if then < now {
        // The checkpoint last: until it is moved, an interrupted run begins here again.
        for name in ["tile", "checkpoints", "checkpoint"] {
            let to = format!("{}/epoch/{then}/{name}", current.prefix);
            folder.rename(&format!("{}/{name}", current.prefix), &to)?;
        }
    }
    Ok(())
}

fn progress(events: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} events, {eta} left");
    let bar = ProgressBar::new(events);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn as_json(exported: &[Exported]) -> serde_json::Value {
    let log = |log: &Exported| {
        json!({
            "origin": log.origin.to_string(),
            "region": log.origin.region(),
            "epoch": log.origin.epoch(),
            "size": log.size,
            "root": log.root.to_string(),
            "signed": log.signed,
            "fetched": log.copied.fetched,
            "kept": log.copied.kept,
        })
    };
    json!({ "logs": exported.iter().map(log).collect::<Vec<_>>() })
}

fn as_table(exported: &[Exported]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header([
        "log",
        "events",
        "root",
        "files fetched",
        "kept",
    ]);
    for log in exported {
        table.add_row([
            log.origin.to_string(),
            log.size.to_string(),
            log.root.to_string(),
            log.copied.fetched.to_string(),
            log.copied.kept.to_string(),
        ]);
    }
    for column in [1, 3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
