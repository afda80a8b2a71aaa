//! `hefu audit diff`: what happened between two checkpoints, on a page.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant as Stopwatch;

use anyhow::ensure;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use hefu_audit::verify::{Between, Change, Older, Report, verify};
use hefu_domain::{Fen, Region};
use hefu_log::Checkpoint;
use serde_json::{Value, json};

use super::source::{self, Source};

#[derive(Args)]
pub(crate) struct Diff {
    /// A signed checkpoint of a region.
    #[arg(value_name = "CHECKPOINT")]
    one: PathBuf,
    /// Another one of the same region; which of the two is the earlier does not matter.
    #[arg(value_name = "CHECKPOINT")]
    other: PathBuf,
    #[command(flatten)]
    source: Source,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
}

/// What was found, and between which checkpoints.
struct Found {
    earlier: Checkpoint,
    later: Checkpoint,
    report: Report,
    /// Absent where the logs failed.
    change: Option<Change>,
}

pub(crate) async fn run(asked: Diff) -> anyhow::Result<ExitCode> {
    let watch = Stopwatch::now();
    match find(&asked).await {
        Ok(found) => {
            let seconds = watch.elapsed().as_secs_f64();
            if asked.json {
                println!("{}", as_json(&found, seconds)?);
            } else {
                page(&found, seconds);
            }
            Ok(source::exit(&found.report))
        }
        Err(error) => Ok(source::unchecked(&error)),
    }
}

async fn find(asked: &Diff) -> anyhow::Result<Found> {
    let (earlier, later) = in_order(
        source::checkpoint(&asked.one)?,
        source::checkpoint(&asked.other)?,
    );
    let (one, other) = (&earlier.checkpoint().origin, &later.checkpoint().origin);
    ensure!(
        (one.deployment(), one.region()) == (other.deployment(), other.region()),
        "{one} and {other} are not of the same region's log"
    );
    let logs = asked.source.open().await?;
    let mut what = logs.asked();
    what.regions = vec![one.region().parse()?];
    what.since = vec![earlier.clone(), later.clone()];
    let mut change = None;
    let begin = |region: &Region| Between::new(region, earlier.checkpoint(), later.checkpoint());
    let report = tokio::task::block_in_place(|| {
        let end = |_: &Region, between: Between| change = Some(between.end());
        verify(logs.files.as_ref(), &what, &|| logs.heads(), begin, end)
    })?;
    Ok(Found {
        earlier: earlier.checkpoint().clone(),
        later: later.checkpoint().clone(),
        report,
        change,
    })
}

fn in_order(one: Older, other: Older) -> (Older, Older) {
    let place = |older: &Older| {
        let checkpoint = older.checkpoint();
        (checkpoint.origin.epoch(), checkpoint.size)
    };
    if place(&one) <= place(&other) {
        (one, other)
    } else {
        (other, one)
    }
}

/// Money of all the region's accounts, part by part: its name, before and after.
fn money(change: &Change) -> [(&'static str, Fen, Fen); 5] {
    let (before, after) = (&change.before, &change.after);
    [
        ("allocated", before.allocated, after.allocated),
        ("available", before.available, after.available),
        ("reserved", before.reserved, after.reserved),
        ("payable", before.payable, after.payable),
        ("paid", before.paid, after.paid),
    ]
}

fn as_json(found: &Found, seconds: f64) -> anyhow::Result<Value> {
    let mark = |checkpoint: &Checkpoint| {
        json!({
            "origin": checkpoint.origin.to_string(),
            "epoch": checkpoint.origin.epoch(),
            "size": checkpoint.size,
            "root": checkpoint.root,
        })
    };
    let change = found.change.as_ref().map(|change| {
        let money = money(change).map(|(part, before, after)| {
            let fen =
                json!({"before_fen": before, "after_fen": after, "moved_fen": after.0 - before.0});
            (part.to_owned(), fen)
        });
        json!({
            "events": change.kinds.values().sum::<u64>(),
            "kinds": change.kinds,
            "first": change.times.map(|(first, _)| first.to_string()),
            "last": change.times.map(|(_, last)| last.to_string()),
            "money": Value::Object(money.into_iter().collect()),
        })
    });
    Ok(json!({
        "from": mark(&found.earlier),
        "to": mark(&found.later),
        "consistent": found.report.failure.is_none(),
        "change": change,
        "report": source::as_json(&found.report, seconds)?,
    }))
}

fn page(found: &Found, seconds: f64) {
    let (from, to) = (&found.earlier, &found.later);
    println!("{}, {} events", from.origin, from.size);
    println!("{}, {} events", to.origin, to.size);
    if let Some(change) = &found.change {
        let events = change.kinds.values().sum::<u64>();
        match change.times {
            Some((at, _)) if events == 1 => println!("1 event between them, at {at}"),
            Some((first, last)) => println!("{events} events between them, from {first} to {last}"),
            None => println!("no event between them"),
        }
        println!("The later log begins with the earlier one, byte for byte.");
        println!("{}", kinds(change));
        println!("{}", accounts(change));
    }
    source::say(&found.report, seconds);
}

fn kinds(change: &Change) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_header(["kind", "events"]);
    for (kind, events) in &change.kinds {
        table.add_row([(*kind).to_owned(), events.to_string()]);
    }
    to_the_right(&mut table, 1..2);
    table
}

fn accounts(change: &Change) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header([
        "all accounts, yuan",
        "before",
        "after",
        "moved",
    ]);
    for (part, before, after) in money(change) {
        let moved = Fen(after.0 - before.0);
        table.add_row([
            part.to_owned(),
            before.to_string(),
            after.to_string(),
            moved.to_string(),
        ]);
    }
    to_the_right(&mut table, 1..4);
    table
}

fn to_the_right(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
