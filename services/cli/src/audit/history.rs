//! `hefu audit history`: one voucher's life on one page, each event with the proof that it is in the log.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use hefu_audit::{Dir, Files, Historian, History, SaidBy, Step};
use hefu_domain::{Fen, Region, VoucherId};
use hefu_log::{Checkpoint, Hash, Note};
use hefu_store::{Head, OpenOptions, Snapshot, Store};

/// Events of one read.
const PAGE: u32 = 2_000;
/// The longest name of a caller that still leaves the page 100 columns.
const WHO: usize = 28;

#[derive(Args)]
pub(crate) struct HistoryOf {
    /// Its id, or regions/REGION/vouchers/ID.
    voucher: String,
    #[command(flatten)]
    log: Log,
    /// Print one JSON object, with every proof.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Log {
    /// An exported log.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// sqlite://PATH or postgres://…
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

pub(crate) async fn run(asked: HistoryOf) -> anyhow::Result<ExitCode> {
    let (region, voucher) = named(&asked.voucher)?;
    let history = match &asked.log.database {
        Some(database) => in_database(database, region, voucher).await?,
        None => {
            let dir = Dir::new(asked.log.dir.clone().context("no folder was named")?);
            tokio::task::spawn_blocking(move || in_files(&dir, region, voucher)).await??
        }
    };
    let Some(history) = history else {
        bail!("no log here knows the voucher {voucher}");
    };
    if asked.json {
        println!("{}", serde_json::to_string(&history)?);
    } else {
        print!("{}", page(&history));
    }
    let proven = history.steps.iter().all(|step| step.proven);
    Ok(if proven {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
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

fn in_files(
    files: &dyn Files,
    region: Option<Region>,
    voucher: VoucherId,
) -> anyhow::Result<Option<History>> {
    let regions = match region {
        Some(region) => vec![region],
        None => files.regions()?,
    };
    for region in regions {
        if let Some(history) = hefu_audit::history(files, &region, voucher)?? {
            return Ok(Some(history));
        }
    }
    Ok(None)
}

async fn in_database(
    database: &str,
    region: Option<Region>,
    voucher: VoucherId,
) -> anyhow::Result<Option<History>> {
    let store = Store::open(database, OpenOptions::reading()).await?;
    let mut snapshot = store.snapshot().await?;
    let mut found = None;
    for head in snapshot.all_heads().await? {
        let code: Region = head.region.parse()?;
        if found.is_none() && region.as_ref().is_none_or(|region| *region == code) {
            found = in_log(&mut snapshot, &head, code, voucher).await?;
        }
    }
    drop(snapshot);
    store.close().await;
    Ok(found)
}

async fn in_log(
    snapshot: &mut Snapshot,
    head: &Head,
    code: Region,
    voucher: VoucherId,
) -> anyhow::Result<Option<History>> {
    let mut historian = Historian::new(code, voucher);
    for epoch in 0..=head.epoch {
        if epoch > 0 {
            historian.next_epoch();
        }
        let mut from = 0;
        loop {
            let page = snapshot
                .event_bytes(&head.region, epoch, from, PAGE)
                .await?;
            for bytes in &page {
                historian.feed(bytes)?;
            }
            from += page.len() as u64;
            if page.len() < PAGE as usize {
                break;
            }
        }
    }
    let signed = snapshot
        .checkpoint(&head.region, head.epoch, head.size)
        .await?;
    let signed = signed.and_then(|row| {
        let note = Note::parse(&row.note).ok()?;
        note.text().parse::<Checkpoint>().ok()
    });
    Ok(match signed {
        Some(signed) => historian.end(signed.size, signed.root, SaidBy::Checkpoint),
        None => historian.end(head.size, Hash(head.root), SaidBy::Head),
    })
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
            SaidBy::Head => "the head, not signed yet, of",
        };
        let (epoch, size, root) = (tree.epoch, tree.size, tree.root);
        text.push_str(&format!(
            "tree of {said} epoch {epoch}: {size} events, root\n  {root}\n"
        ));
    }
    text.push_str(&proofs(history));
    text
}

/// Whether every event is in the log, in a sentence.
fn proofs(history: &History) -> String {
    let steps = history.steps.len();
    let missing: Vec<String> = history
        .steps
        .iter()
        .filter(|step| !step.proven)
        .map(place)
        .collect();
    if missing.is_empty() {
        let hashes = history.steps.iter().map(|step| step.proof.len()).max();
        let most = hashes.unwrap_or_default();
        format!(
            "all {steps} events are in these trees: proofs of up to {most} hashes each; --json shows them\n"
        )
    } else {
        format!(
            "NOT PROVEN to be in these trees: event {}\n",
            missing.join(", ")
        )
    }
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
