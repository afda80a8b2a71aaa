//! `hefu audit history`: one voucher's life on one page, each event with the proof that it is in a log that was verified.

use std::process::ExitCode;
use std::time::Instant as Stopwatch;

use anyhow::{Context, bail, ensure};
use clap::Args;
use hefu_audit::verify::{Report, verify};
use hefu_audit::{Historian, History, SaidBy, Step};
use hefu_domain::{Fen, Region, VoucherId};
use serde_json::{Value, json};

use super::source::{self, Source};

/// The longest name of a caller that still leaves the page 100 columns.
const WHO: usize = 28;

#[derive(Args)]
pub(crate) struct HistoryOf {
    /// Its id, or regions/REGION/vouchers/ID. By the id alone all regions are looked through.
    voucher: String,
    #[command(flatten)]
    source: Source,
    /// Print one JSON object, with every proof.
    #[arg(long)]
    json: bool,
}

/// What was found.
struct Found {
    report: Report,
    /// Absent where a log failed.
    history: Option<History>,
}

pub(crate) async fn run(asked: HistoryOf) -> anyhow::Result<ExitCode> {
    let watch = Stopwatch::now();
    let found = match find(&asked).await {
        Ok(found) => found,
        Err(error) => return Ok(source::unchecked(&error)),
    };
    let seconds = watch.elapsed().as_secs_f64();
    if asked.json {
        println!("{}", as_json(&found, seconds)?);
    } else {
        if let Some(history) = &found.history {
            print!("{}", page(history));
        }
        source::say(&found.report, seconds);
    }
    let missing = found
        .history
        .as_ref()
        .map_or(0, |history| unproven(history).count());
    Ok(match missing {
        0 => source::exit(&found.report),
        _ => ExitCode::from(source::FAILED),
    })
}

/// Tells the history while the logs are verified.
async fn find(asked: &HistoryOf) -> anyhow::Result<Found> {
    let (region, voucher) = named(&asked.voucher)?;
    let logs = asked.source.open().await?;
    let mut what = logs.asked();
    what.regions.extend(region);
    let mut known = None;
    let begin = |region: &Region| Historian::new(region.clone(), voucher);
    let report = tokio::task::block_in_place(|| {
        let end = |region: &Region, historian: Historian| {
            if historian.knows() {
                known = Some((region.clone(), historian));
            }
        };
        verify(logs.files.as_ref(), &what, &|| logs.heads(), begin, end)
    })?;
    let history = known.and_then(|(region, historian)| {
        let log = report.logs.iter().find(|log| log.region == region)?;
        historian.end(log.size, log.root)
    });
    ensure!(
        history.is_some() || report.failure.is_some(),
        "no log here knows the voucher {voucher}"
    );
    Ok(Found { report, history })
}

fn as_json(found: &Found, seconds: f64) -> anyhow::Result<Value> {
    let report = source::as_json(&found.report, seconds)?;
    Ok(json!({"history": found.history, "report": report}))
}

/// The events that no tree proves, though one covers them.
fn unproven(history: &History) -> impl Iterator<Item = &Step> {
    let late: Vec<(u64, u64)> = history.unsigned().map(at).collect();
    let missing = move |step: &&Step| !step.proven && !late.contains(&at(step));
    history.steps.iter().filter(missing)
}

fn at(step: &Step) -> (u64, u64) {
    (step.epoch, step.index)
}

/// The voucher's id, and its region where the name says it.
fn named(name: &str) -> anyhow::Result<(Option<Region>, VoucherId)> {
    let parts: Vec<&str> = name.split('/').collect();
    let (region, id) = match parts[..] {
        [id] => (None, id),
        ["regions", region, "vouchers", id] => (Some(region.parse()?), id),
        _ => bail!("a voucher is named by its id, or regions/REGION/vouchers/ID"),
    };
    let id = id
        .parse()
        .with_context(|| format!("{id} is no voucher's id"))?;
    Ok((region, id))
}

/// The page that a person reads, 100 columns wide.
fn page(history: &History) -> String {
    let mut text = format!(
        "voucher {} of region {} {}\n{}, plan year {}, person {}: {}\n\n",
        history.voucher,
        history.region,
        history.name,
        history.programme.as_str().replace('_', " "),
        history.year,
        history.person,
        history.state.replace('_', " "),
    );
    let title = line("event", "when (UTC+8)", "what", "who", "then", "yuan");
    text.push_str(&title);
    for steps in history.steps.chunk_by(one_line) {
        text.push_str(&told(steps));
    }
    text.push('\n');
    for tree in &history.trees {
        let said = match tree.said_by {
            SaidBy::Checkpoint => "the checkpoint of",
            SaidBy::Fork => "the fork that ended",
        };
        let (epoch, size, root) = (tree.epoch, tree.size, tree.root);
        text.push_str(&format!(
            "tree of {said} epoch {epoch}: {size} events, root\n  {root}\n"
        ));
    }
    text.push_str(&proofs(history));
    text
}

/// Whether every event is in the log, in a sentence or two.
fn proofs(history: &History) -> String {
    let places = |steps: Vec<&Step>| steps.into_iter().map(place).collect::<Vec<_>>().join(", ");
    let late: Vec<&Step> = history.unsigned().collect();
    let missing: Vec<&Step> = unproven(history).collect();
    let mut text = match late.is_empty() {
        true => String::new(),
        false => format!("not signed yet: event {}\n", places(late)),
    };
    if missing.is_empty() {
        let proven = history.steps.iter().filter(|step| step.proven);
        let count = proven.clone().count();
        let most = proven
            .map(|step| step.proof.len())
            .max()
            .unwrap_or_default();
        text.push_str(&format!(
            "all {count} events are in these trees: proofs of up to {most} hashes each; --json shows them\n"
        ));
    } else {
        let places = places(missing);
        text.push_str(&format!(
            "NOT PROVEN to be in these trees: event {places}\n"
        ));
    }
    text
}

/// Sessions that one school recorded one after the other are told in one line.
fn one_line(step: &Step, next: &Step) -> bool {
    let attended = |step: &Step| step.kind == "AttendanceRecorded";
    attended(step) && attended(next) && (step.epoch, &step.caller) == (next.epoch, &next.caller)
}

fn told(steps: &[Step]) -> String {
    let [step, ..] = steps else {
        return String::new();
    };
    let amount = step.amount_fen.map_or(String::new(), |fen| fen.to_string());
    let state = step.state.replace('_', " ");
    let mut text = line(
        &place(step),
        &local(step),
        step.kind,
        &step.caller,
        &state,
        &amount,
    );
    for rule in &step.trail {
        let days = rule
            .days
            .map_or(String::new(), |days| format!(" {} days", days.0));
        let rate = |rate: Fen| format!(" of {rate} yuan");
        let rate = rule.rate.map_or(String::new(), rate);
        let (name, sum) = (&rule.rule, rule.amount);
        text.push_str(&format!("{:11}{name}:{days}{rate} = {sum} yuan\n", ""));
    }
    if let (Some(note), _) | (None, Some(note)) = (&step.note, &sessions(steps)) {
        text.push_str(&format!("{:11}{note}\n", ""));
    }
    for places in places(&steps[1..]) {
        text.push_str(&format!("{:11}{places}\n", ""));
    }
    text
}

/// How many sessions were attended, until when, and how many lessons.
fn sessions(steps: &[Step]) -> Option<String> {
    let last = steps.last()?;
    let lessons: u32 = steps
        .iter()
        .filter_map(|step| step.lessons)
        .map(u32::from)
        .sum();
    last.lessons?;
    let sessions = steps.len();
    Some(match sessions {
        1 => format!("{lessons} lessons"),
        _ => format!(
            "{sessions} sessions to {}, {lessons} lessons; the other events:",
            local(last)
        ),
    })
}

/// Where events stand, in lines of the page's width.
fn places(steps: &[Step]) -> Vec<String> {
    let places: Vec<String> = steps.iter().map(place).collect();
    places.chunks(10).map(|some| some.join(", ")).collect()
}

/// `123`, or `1/123` in an epoch after the first.
fn place(step: &Step) -> String {
    match step.epoch {
        0 => step.index.to_string(),
        epoch => format!("{epoch}/{}", step.index),
    }
}

/// The instant in the region's time zone.
fn local(step: &Step) -> String {
    let local = jiff::Timestamp::from_millisecond(step.at.0)
        .map(|at| jiff::tz::offset(8).to_datetime(at))
        .map(|at| at.strftime("%Y-%m-%d %H:%M").to_string());
    local.unwrap_or_else(|_| step.at.to_string())
}

fn line(event: &str, when: &str, what: &str, who: &str, then: &str, yuan: &str) -> String {
    let who: String = match who.chars().count() {
        short if short <= WHO => who.to_owned(),
        _ => who.chars().take(WHO - 1).chain(['…']).collect(),
    };
    let text = format!("{event:>9}  {when:16}  {what:18} {who:WHO$} {then:11} {yuan:>9}");
    format!("{}\n", text.trim_end())
}
