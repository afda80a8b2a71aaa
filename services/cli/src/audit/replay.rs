//! `hefu audit replay`: every state and every fen from the log alone.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant as Stopwatch;

use anyhow::Context;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use hefu_audit::{Audited, Dir, Finding, Flagged, Ledger, across, audit_regions};
use hefu_domain::Region;
use hefu_domain::state::Account;
use hefu_store::{OpenOptions, Store};
use serde_json::{Value, json};

use super::source;
use crate::check::{Checked, Figures, check};

/// Regions that are replayed side by side.
const LANES: usize = 2;

#[derive(Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    log: Log,
    /// Decide every move again, and name whatever the rules have against it.
    #[arg(long)]
    rules: bool,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Log {
    /// An exported log.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// sqlite://PATH or postgres://…: its logs, and its tables held against them.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

pub(crate) async fn run(replay: Replay) -> anyhow::Result<ExitCode> {
    let watch = Stopwatch::now();
    let (checked, compared) = match replayed(&replay).await {
        Ok(replayed) => replayed,
        Err(error) => return Ok(source::unchecked(&error)),
    };
    let seconds = watch.elapsed().as_secs_f64();
    if replay.json {
        println!("{}", object(&checked, compared, seconds));
    } else {
        report(&checked, compared, replay.rules, seconds);
    }
    let holds = checked.failed.is_empty() && checked.findings.is_empty();
    Ok(if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(source::FAILED)
    })
}

/// What was found, and whether there were tables to compare with.
async fn replayed(replay: &Replay) -> anyhow::Result<(Checked, bool)> {
    match &replay.log.database {
        Some(database) => {
            let store = Store::open(database, OpenOptions::reading()).await?;
            let checked = check(&store, replay.rules, false).await?;
            store.close().await;
            Ok((checked, true))
        }
        None => {
            let dir = replay.log.dir.clone().context("no folder was named")?;
            let rules = replay.rules;
            let checked = tokio::task::spawn_blocking(move || folder(&Dir::new(dir), rules));
            Ok((checked.await??, false))
        }
    }
}

/// One region's share of what a folder comes to.
type Kept = (
    Result<Figures, String>,
    Vec<Finding>,
    Option<Ledger>,
    Vec<Flagged>,
);

/// Replays an exported folder; there are no tables to compare with.
fn folder(dir: &Dir, rules: bool) -> anyhow::Result<Checked> {
    let mut checked = Checked {
        log_verified: true,
        ..Checked::default()
    };
    let mut ledgers = Vec::new();
    for (figures, findings, ledger, flags) in audit_regions(dir, rules, LANES, keep)? {
        match figures {
            Ok(figures) => checked.regions.push(figures),
            Err(failure) => {
                checked.log_verified = false;
                checked.failed.push(failure);
            }
        }
        checked.findings.extend(findings);
        ledgers.extend(ledger);
        checked.flags.extend(flags);
    }
    checked.findings.extend(across(&ledgers));
    Ok(checked)
}

fn keep(region: &Region, audited: Audited) -> Kept {
    let figures = match &audited.log {
        Ok(replayed) => Ok(Figures::of(region, replayed)),
        Err(failure) => Err(failure.to_string()),
    };
    (figures, audited.findings, audited.ledger, audited.flags)
}

fn object(checked: &Checked, compared: bool, seconds: f64) -> Value {
    let regions = checked.regions.iter().map(|region| {
        json!({
            "region": region.code,
            "name": region.name,
            "epoch": region.epoch,
            "size": region.size,
            "root": region.root,
            "events": region.events,
            "vouchers": region.vouchers,
            "funds": funds(&region.funds),
        })
    });
    let events = checked.events();
    json!({
        "events": events,
        "seconds": (seconds * 1_000.0).round() / 1_000.0,
        "events_per_second": (events as f64 / seconds).round(),
        "log_verified": checked.log_verified,
        "equal": compared.then_some(checked.replay_equal),
        "differences": checked.failed,
        "findings": checked.findings,
        "flags": checked.flags,
        "vouchers": checked.vouchers(),
        "funds": funds(&checked.funds()),
        "regions": regions.collect::<Vec<_>>(),
    })
}

fn funds(account: &Account) -> Value {
    json!({
        "allocated_fen": account.allocated,
        "available_fen": account.available,
        "reserved_fen": account.reserved,
        "payable_fen": account.payable,
        "paid_fen": account.paid,
    })
}

fn report(checked: &Checked, compared: bool, rules: bool, seconds: f64) {
    println!("{}", vouchers(checked));
    println!("{}", money(checked));
    let events = checked.events();
    let rate = events as f64 / seconds;
    println!("{events} events replayed in {seconds:.1} s: {rate:.0} a second");
    let tick = |holds: bool| if holds { "holds" } else { "BROKEN" };
    let log = tick(checked.log_verified);
    println!("log: bytes, chains, indexes and every fen: {log}");
    if compared {
        let equal = tick(checked.replay_equal);
        println!("the tables equal the replay, row by row: {equal}");
    }
    for failed in &checked.failed {
        println!("  {failed}");
    }
    if rules {
        println!(
            "every move decided again: {} findings",
            checked.findings.len()
        );
        println!("{}", flags(checked));
    }
    for finding in &checked.findings {
        println!("  {}", said(finding));
    }
}

/// What the fraud rules saw, in a line.
fn flags(checked: &Checked) -> String {
    let recorded = checked.flags.iter().filter(|flag| flag.recorded).count();
    format!(
        "the fraud rules see {} flags in the logs, {recorded} of them on record",
        checked.flags.len()
    )
}

/// A finding in a line.
fn said(finding: &Finding) -> String {
    let kind = match serde_json::to_value(finding.kind) {
        Ok(Value::String(kind)) => kind.replace('_', " "),
        Ok(_) | Err(_) => String::new(),
    };
    let (region, epoch, index) = (&finding.region, finding.epoch, finding.index);
    let epoch = if epoch > 0 {
        format!(", epoch {epoch}")
    } else {
        String::new()
    };
    format!(
        "region {region}{epoch}, event {index}: {kind}: {}",
        finding.detail
    )
}

/// Vouchers by region and state, states that nobody is in left out.
fn vouchers(checked: &Checked) -> Table {
    let all = checked.vouchers();
    let states: BTreeSet<&String> = all.keys().collect();
    let mut table = table(
        ["region", "", "events"]
            .into_iter()
            .map(str::to_owned)
            .chain(states.iter().map(|state| state.replace('_', " "))),
    );
    let cells =
        |code: &str, name: &str, events: u64, of: &std::collections::BTreeMap<String, u64>| {
            let counts = states
                .iter()
                .map(|state| of.get(*state).copied().unwrap_or_default());
            let row = [code.to_owned(), name.to_owned(), events.to_string()];
            row.into_iter()
                .chain(counts.map(|count| count.to_string()))
                .collect::<Vec<_>>()
        };
    for region in &checked.regions {
        table.add_row(cells(
            region.code.as_str(),
            &region.name,
            region.events,
            &region.vouchers,
        ));
    }
    table.add_row(cells("all", "", checked.events(), &all));
    table
}

/// Every region's money.
fn money(checked: &Checked) -> Table {
    let head = [
        "region",
        "",
        "allocated, yuan",
        "available",
        "reserved",
        "payable",
        "paid",
    ];
    let mut table = table(head.into_iter().map(str::to_owned));
    let cells = |code: &str, name: &str, account: &Account| {
        let parts = [
            account.allocated,
            account.available,
            account.reserved,
            account.payable,
            account.paid,
        ];
        let row = [code.to_owned(), name.to_owned()];
        row.into_iter()
            .chain(parts.map(|part| part.to_string()))
            .collect::<Vec<_>>()
    };
    for region in &checked.regions {
        table.add_row(cells(region.code.as_str(), &region.name, &region.funds));
    }
    table.add_row(cells("all", "", &checked.funds()));
    table
}

fn table(head: impl Iterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(head.collect::<Vec<_>>());
    let columns = table.column_count();
    for column in 2..columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
