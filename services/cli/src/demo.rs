//! `hefu demo`: Jinzhong's plan year 2023, played through real gRPC on loopback under a made-up clock, then checked to the fen.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant as Stopwatch;

use anyhow::{Context, bail};
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use hefu_domain::calendar::Calendar;
use hefu_domain::{Fen, Instant, Policy};
use hefu_engine::{Clock, Source};
use hefu_report::{Lang, Mark, Report};
use hefu_scenario::{Client, Script, Tally, Year};
use hefu_server::{RegionTree, Running, Setup};
use hefu_store::Store;
use hefu_wire::v1;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sha2::{Digest as _, Sha256};

use crate::check::{Checked, check};
use crate::policy::JINZHONG_2023;
use crate::report;
use crate::signed::unsigned;

const CALENDARS: [&str; 2] = [
    include_str!("../../../policy/calendar-2023.toml"),
    include_str!("../../../policy/calendar-2024.toml"),
];
/// 2023-04-19 08:00 in Asia/Shanghai: the day on which the notice takes effect.
const START_MS: i64 = 1_681_862_400_000;

#[derive(Args)]
pub(crate) struct Demo {
    /// Vouchers to play, training and assessment, about.
    #[arg(long, default_value_t = 37_500)]
    vouchers: u64,
    /// Decides people, plan, keys and what goes wrong.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// sqlite://PATH or postgres://…; it must be empty. Default: a fresh SQLite file under hefu-data/.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Keys. Default: beside the SQLite file, or hefu-data/.
    #[arg(long, env = "HEFU_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
    /// Go on serving afterwards, on 127.0.0.1:8080.
    #[arg(long)]
    serve: bool,
}

pub(crate) async fn run(demo: Demo) -> anyhow::Result<ExitCode> {
    let database = demo.database.clone().map_or_else(fresh_file, Ok)?;
    let state = demo
        .state
        .clone()
        .or_else(|| crate::beside(&database))
        .unwrap_or_else(|| PathBuf::from("hefu-data"));
    refuse_used(&database).await?;
    let (clock, hand) = Clock::simulated(Instant(START_MS));
    let listen = if demo.serve {
        SocketAddr::from(([127, 0, 0, 1], 8080))
    } else {
        SocketAddr::from(([127, 0, 0, 1], 0))
    };
    let seed = Sha256::digest(format!("hefu demo {}", demo.seed)).into();
    let running = hefu_server::serve(Setup {
        database: database.clone(),
        state: state.clone(),
        listen: listen.into(),
        deployment: "demo.hefu.local".to_owned(),
        tree: RegionTree::read(None)?,
        clock,
        source: Source::Seeded(seed),
        writers: 2,
        witnesses: hefu_server::Witnesses::none(),
        limits: hefu_server::Limits::default(),
    })
    .await?;
    let client = Client::connect(&format!("http://{}", running.address)).await?;
    let script = script(&demo, &running)?;
    let bar = bar(demo.json);
    let watch = Stopwatch::now();
    let engine = running.engine.clone();
    let unrecorded = RefCell::new(Vec::new());
    let flags = Cell::new(0);
    let set_clock = async |at: i64| {
        debug_assert_eq!(
            engine.in_flight(),
            0,
            "the clock moves only when nothing is in flight"
        );
        let before = hand.load(Ordering::SeqCst);
        // The fraud rules look at each day once it is over.
        if hefu_scenario::day(at) > hefu_scenario::day(before) {
            match running.watch_logs().await {
                Ok(watched) => flags.set(flags.get() + watched.flags),
                Err(error) => unrecorded.borrow_mut().push(error.to_string()),
            }
        }
        // The counties' checkpoints go into the city's log at each month's end, whatever the real time.
        if hefu_scenario::month(at) > hefu_scenario::month(before) {
            let recorded = running.record_checkpoints().await;
            unrecorded
                .borrow_mut()
                .extend(recorded.err().map(|error| error.to_string()));
        }
        // The server's own moves are counted off a moment after they are answered.
        while engine.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
        // A made-up clock goes forward only.
        hand.fetch_max(at, Ordering::SeqCst);
    };
    let year = hefu_scenario::play(&client, &script, set_clock, |at| {
        bar.set_length(at.of as u64);
        bar.set_position(at.done as u64);
        bar.set_message(at.day.to_string());
    })
    .await?;
    let seconds = watch.elapsed().as_secs_f64();
    bar.set_message("checking the log and every fen");
    let progress = progress(&client, &running.operator_key).await?;
    running.record_checkpoints().await?;
    running.signing.sign().await?;
    let mut checked = check(running.engine.store(), false, true).await?;
    checked.failed.extend(unrecorded.take());
    let unsigned = unsigned(running.engine.store(), &state).await?;
    checked.failed.extend(unsigned);
    bar.finish_and_clear();
    let tally = client.tally().clone();
    if demo.json {
        println!(
            "{}",
            serde_json::to_string(&json(&checked, &tally, seconds))?
        );
    } else {
        print(&checked, &tally, seconds, &database, &state);
        println!("{}", supervision(&tally, flags.get(), &year));
        println!("{}", report::table(&progress, Lang::En));
    }
    let code = if checked.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    };
    if demo.serve {
        eprintln!(
            "Serving on http://{} under the made-up clock; Ctrl-C ends it. The operator's key: {}",
            running.address,
            running.operator_key_file.display()
        );
        tokio::signal::ctrl_c().await?;
    }
    running.stop().await;
    Ok(code)
}

/// The plan against what was reached: the city's own line and its counties.
async fn progress(client: &Client, key: &str) -> anyhow::Result<Report> {
    let request = v1::GetReportRequest {
        name: "regions/140700/reports/progress".to_owned(),
        as_of: "2024-03-31".to_owned(),
        plan_year: 2023,
        language: Lang::En.as_str().to_owned(),
        ..v1::GetReportRequest::default()
    };
    let answer: v1::Report = client
        .call(key, "ReportingService/GetReport", request)
        .await
        .context("the progress report")?;
    let report = hefu_wire::show::read_report(&answer).context("the progress report is none")?;
    Ok(sums(report))
}

/// A report's sums alone, one line for each region.
fn sums(mut report: Report) -> Report {
    report.rows.retain(|row| row.mark == Mark::Sum);
    let shown = |key: &str| !matches!(key, "programme" | "applied" | "skilled_share");
    let kept: Vec<bool> = report.columns.iter().map(|c| shown(&c.key)).collect();
    let mut columns = kept.iter();
    report.columns.retain(|_| *columns.next().unwrap_or(&true));
    for row in &mut report.rows {
        let mut cells = kept.iter();
        row.cells.retain(|_| *cells.next().unwrap_or(&true));
    }
    report
}

/// What the office did beside the vouchers.
fn supervision(tally: &Tally, flags: usize, year: &Year) -> String {
    let made = |method: &str| tally.single.get(method).copied().unwrap_or_default();
    format!(
        "supervision: {} samples drawn, {} inspections, {} findings put right, {flags} flags raised and {} cleared, {} credit events\n\
         linked records: {} rosters and {} lists of certificates; top-ups granted: {}; papers on their dates: {}",
        made("DrawSample"),
        made("ConfirmInspection"),
        made("Recheck"),
        made("ClearFlag"),
        made("CreditPoints") + made("RestoreCredit"),
        made("ImportRoster"),
        made("ImportCertificates"),
        made("DecideTopUp"),
        year.papers.len(),
    )
}

/// `hefu-data/demo-N.db`, the first that is not there.
fn fresh_file() -> anyhow::Result<String> {
    std::fs::create_dir_all("hefu-data").context("cannot make the folder hefu-data here")?;
    let free = (1..10_000)
        .map(|n| PathBuf::from(format!("hefu-data/demo-{n}.db")))
        .find(|path| !path.exists());
    Ok(format!(
        "sqlite://{}",
        free.context("hefu-data is full of demos; remove some")?
            .display()
    ))
}

/// A demo's made-up year has no place in a database that holds anything else.
async fn refuse_used(database: &str) -> anyhow::Result<()> {
    let store = Store::open(database, hefu_store::OpenOptions::default()).await?;
    let empty = store.is_empty().await?;
    store.close().await;
    if !empty {
        bail!(
            "the database is not empty: a demo's made-up year has no place in it. Name another one with --database, or none for a fresh file"
        );
    }
    Ok(())
}

fn script(demo: &Demo, running: &Running) -> anyhow::Result<Script> {
    let policy = Policy::from_toml(JINZHONG_2023).context("the shipped policy")?;
    Ok(Script {
        seed: demo.seed,
        vouchers: demo.vouchers,
        operator: running.operator_key.clone(),
        policy_json: serde_json::to_string(&policy)?,
        calendars: calendars()?,
        sequential: false,
    })
}

/// The shipped working-day calendars.
pub(crate) fn calendars() -> anyhow::Result<Vec<hefu_wire::v1::Calendar>> {
    let calendars: Vec<Calendar> = CALENDARS
        .iter()
        .map(|text| toml::from_str(text))
        .collect::<Result<_, _>>()
        .context("the shipped calendars")?;
    Ok(calendars.iter().map(hefu_wire::show::calendar).collect())
}

fn bar(quiet: bool) -> ProgressBar {
    let target = if quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn count(checked: &Checked, state: &str) -> u64 {
    checked.vouchers().get(state).copied().unwrap_or_default()
}

fn json(checked: &Checked, tally: &Tally, seconds: f64) -> serde_json::Value {
    let refused: u64 = tally.refused.values().sum();
    let (vouchers, funds) = (checked.vouchers(), checked.funds());
    serde_json::json!({
        "vouchers": vouchers.values().sum::<u64>(),
        "written_off": count(checked, "written_off"),
        "states": vouchers,
        "refused": tally.refused,
        "events": checked.events(),
        "moves": tally.accepted,
        "refusals": refused,
        "seconds": (seconds * 1_000.0).round() / 1_000.0,
        "moves_per_second": (tally.accepted as f64 / seconds).round(),
        "regions": checked.regions.len(),
        "roots": checked.regions.iter().map(|region| (region.code.to_string(), region.root.clone())).collect::<std::collections::BTreeMap<_, _>>(),
        "funds": {
            "allocated_fen": funds.allocated,
            "available_fen": funds.available,
            "reserved_fen": funds.reserved,
            "payable_fen": funds.payable,
            "paid_fen": funds.paid,
        },
        "log_verified": checked.log_verified,
        "replay_equal": checked.replay_equal,
        "invariants_failed": checked.failed,
    })
}

fn print(checked: &Checked, tally: &Tally, seconds: f64, database: &str, state: &std::path::Path) {
    println!("{}", counties(checked));
    println!("{}", refusals(tally));
    let funds = checked.funds();
    println!(
        "funds, yuan: allocated {} = available {} + reserved {} + payable {} + paid {}",
        funds.allocated, funds.available, funds.reserved, funds.payable, funds.paid
    );
    let moves = tally.accepted;
    println!(
        "{moves} moves and {} events in {seconds:.1} s: {:.0} moves a second",
        checked.events(),
        moves as f64 / seconds
    );
    let tick = |holds: bool| if holds { "holds" } else { "BROKEN" };
    println!(
        "log: bytes, chains, indexes and Merkle roots: {}",
        tick(checked.log_verified)
    );
    println!(
        "replay of the log equals the tables, row by row: {}",
        tick(checked.replay_equal)
    );
    println!(
        "funds to the fen, every voucher final, no reserve open, no nullifier twice, every log signed to its end: {}",
        tick(checked.failed.is_empty())
    );
    for failed in &checked.failed {
        println!("  {failed}");
    }
    println!("database {database}, keys in {}", state.display());
}

fn counties(checked: &Checked) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "region",
        "",
        "training",
        "assessment",
        "written off",
        "ended otherwise",
        "paid, yuan",
        "carried over, yuan",
        "events",
    ]);
    let mut row = |code: String,
                   name: String,
                   training: u64,
                   assessment: u64,
                   vouchers: &std::collections::BTreeMap<String, u64>,
                   paid: Fen,
                   rest: Fen,
                   events: u64| {
        let written_off = vouchers.get("written_off").copied().unwrap_or_default();
        let others = vouchers.values().sum::<u64>() - written_off;
        table.add_row([
            code,
            name,
            training.to_string(),
            assessment.to_string(),
            written_off.to_string(),
            others.to_string(),
            paid.to_string(),
            rest.to_string(),
            events.to_string(),
        ]);
    };
    for region in &checked.regions {
        let code = region.code.to_string();
        row(
            code,
            region.name.clone(),
            region.training,
            region.assessment,
            &region.vouchers,
            region.funds.paid,
            region.funds.available,
            region.events,
        );
    }
    let funds = checked.funds();
    let sum = |of: fn(&crate::check::Figures) -> u64| checked.regions.iter().map(of).sum::<u64>();
    let (training, assessment) = (sum(|r| r.training), sum(|r| r.assessment));
    row(
        "all".to_owned(),
        String::new(),
        training,
        assessment,
        &checked.vouchers(),
        funds.paid,
        funds.available,
        checked.events(),
    );
    for column in 2..9 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn refusals(tally: &Tally) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["refused because", "times"]);
    for (code, times) in &tally.refused {
        table.add_row([code.clone(), times.to_string()]);
    }
    table
}
