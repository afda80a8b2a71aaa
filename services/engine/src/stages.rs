//! Where a move's time goes, stage by stage: the histogram `hefu.move.stage.duration`.
//!
//! The invariant: sums are true. A batch is one stopwatch that is in exactly one stage at any time, with attempts that were lost and
//! tried again; once it is answered each of its moves has an equal share of what was worked, and all of what was waited. Where nobody
//! watches, no clock is read.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hefu_domain::{Command, Need, World};
use hefu_store::{Commit, Passed, Times};
use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};

/// A stage of a move, in the order in which it goes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Who calls, and how often they may.
    Access,
    /// From the call's bytes to its command.
    Decode,
    /// Waits for its batch to begin.
    Queue,
    /// Heads, facts, nullifiers and requests that are read.
    Facts,
    /// The rules, and their events applied to the facts.
    Decide,
    /// Tokens, the events' bytes, leaf hashes, the tree's edge and rows.
    Encode,
    /// Waits for a connection of the database: on SQLite, for the transactions of others.
    Turn,
    /// Wrapped keys, and the transaction's statements before COMMIT.
    Sql,
    /// COMMIT itself.
    Commit,
    /// Waits, answered, for its caller's task to go on.
    Wake,
    /// From the events to the answer's bytes.
    Reply,
}

impl Stage {
    /// Every one, in order.
    pub const ALL: [Stage; 11] = [
        Stage::Access,
        Stage::Decode,
        Stage::Queue,
        Stage::Facts,
        Stage::Decide,
        Stage::Encode,
        Stage::Turn,
        Stage::Sql,
        Stage::Commit,
        Stage::Wake,
        Stage::Reply,
    ];

    /// Its name, as in the attribute `stage`.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Access => "access",
            Stage::Decode => "decode",
            Stage::Queue => "queue",
            Stage::Facts => "facts",
            Stage::Decide => "decide",
            Stage::Encode => "encode",
            Stage::Turn => "turn",
            Stage::Sql => "sql",
            Stage::Commit => "commit",
            Stage::Wake => "wake",
            Stage::Reply => "reply",
        }
    }

    /// Whether a move only waits in it: then all of it is the move's own, and nothing is shared with its batch.
    pub fn waits(self) -> bool {
        match self {
            Stage::Queue | Stage::Turn | Stage::Wake => true,
            Stage::Access
            | Stage::Decode
            | Stage::Facts
            | Stage::Decide
            | Stage::Encode
            | Stage::Sql
            | Stage::Commit
            | Stage::Reply => false,
        }
    }
}

/// From a microsecond to a second.
const BOUNDS: [f64; 19] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1,
    0.2, 0.5, 1.0,
];

struct Instruments {
    stage: Histogram<f64>,
    labels: [[KeyValue; 1]; Stage::ALL.len()],
    facts: Counter<u64>,
    found: [[KeyValue; 1]; 2],
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("hefu");
    Instruments {
        stage: meter
            .f64_histogram("hefu.move.stage.duration")
            .with_unit("s")
            .with_description("Time of one move by stage; of a batch's work, the move's share")
            .with_boundaries(BOUNDS.to_vec())
            .build(),
        labels: Stage::ALL.map(|stage| [KeyValue::new("stage", stage.name())]),
        facts: meter
            .u64_counter("hefu.facts")
            .with_unit("{fact}")
            .with_description("Facts that moves were decided on, by where they were found")
            .build(),
        found: ["memory", "store"].map(|place| [KeyValue::new("found", place)]),
    }
});

static WATCHED: AtomicBool = AtomicBool::new(false);

/// From now on stages are timed: somebody takes the metrics. Their provider is set before.
pub fn watch() {
    WATCHED.store(true, Ordering::Relaxed);
}

/// An instant, where somebody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mark(Option<Instant>);

impl Mark {
    /// The present one.
    pub fn now() -> Mark {
        Mark(WATCHED.load(Ordering::Relaxed).then(Instant::now))
    }

    /// Whether somebody watches.
    pub fn is_set(self) -> bool {
        self.0.is_some()
    }

    /// What passed since then.
    pub fn elapsed(self) -> Duration {
        self.0.map_or(Duration::ZERO, |then| then.elapsed())
    }

    /// Notes that so many moves were in a stage from here to there.
    pub fn to(self, end: Mark, stage: Stage, moves: usize) {
        if let (Mark(Some(from)), Mark(Some(to))) = (self, end) {
            note(stage, to.saturating_duration_since(from), moves);
        }
    }
}

/// Notes what so many moves took together in a stage.
pub fn note(stage: Stage, took: Duration, moves: usize) {
    let seconds = took.as_secs_f64();
    let each = match stage.waits() {
        true => seconds,
        false => seconds / moves.max(1) as f64,
    };
    let Instruments {
        stage: of, labels, ..
    } = &*INSTRUMENTS;
    for _ in 0..moves {
        of.record(each, &labels[stage as usize]);
    }
}

/// A batch's stopwatch. It stands until a first stage is entered.
#[derive(Debug, Default)]
pub(crate) struct Laps {
    at: Option<(Stage, Instant)>,
    took: [Duration; Stage::ALL.len()],
    /// Of the transaction that is under way.
    times: Times,
    /// Facts that were asked for and known, and facts that were read.
    known: usize,
    read: usize,
}

impl Laps {
    /// Goes on to a stage; returns the one before.
    pub(crate) fn enter(&mut self, stage: Stage) -> Stage {
        let before = self.stand();
        self.at = Mark::now().0.map(|now| (stage, now));
        before.unwrap_or(stage)
    }

    /// Stands still; returns the stage that it was in.
    pub(crate) fn stand(&mut self) -> Option<Stage> {
        let (stage, since) = self.at.take()?;
        let now = Instant::now();
        let times = std::mem::take(&mut self.times);
        match times.at(Passed::Planned) {
            Some(planned) => self.divide(&times, [since, planned, now]),
            None => self.took[stage as usize] += now - since,
        }
        Some(stage)
    }

    /// Divides what passed since a transaction was handed over. One that is decided under its locks began before.
    fn divide(&mut self, times: &Times, [since, planned, now]: [Instant; 3]) {
        let sent = times.at(Passed::Sent).unwrap_or(now);
        let begun = times.at(Passed::Begun).unwrap_or(planned);
        let mut from = since;
        for (stage, to) in [
            (Stage::Encode, planned),
            (Stage::Turn, begun),
            (Stage::Sql, sent),
            (Stage::Commit, now),
        ] {
            self.took[stage as usize] += to.saturating_duration_since(from);
            from = from.max(to);
        }
    }

    /// A transaction is handed over to the store, which tells what it does when.
    pub(crate) fn hand_over(&mut self, commit: &mut Commit) {
        self.enter(Stage::Sql);
        if self.at.is_some() {
            self.times = Times::kept();
            commit.times = self.times.clone();
        }
    }

    /// What a command needs and its region does not know yet.
    pub(crate) fn needs(&mut self, world: &World, command: &Command) -> Vec<Need> {
        let (needs, known) = hefu_domain::needs_and_known(world, command);
        self.known += known;
        needs
    }

    /// Needs are asked for anew: what was known before counts no more.
    pub(crate) fn ask_again(&mut self) {
        self.known = 0;
    }

    /// So many facts were read.
    pub(crate) fn read(&mut self, facts: usize) {
        self.read += facts;
    }

    /// So many moves were answered: each gets its share.
    pub(crate) fn note(&mut self, moves: usize) {
        self.stand();
        if self.took.iter().all(Duration::is_zero) {
            return;
        }
        for (stage, took) in Stage::ALL.into_iter().zip(self.took) {
            if took > Duration::ZERO {
                note(stage, took, moves);
            }
        }
        let Instruments { facts, found, .. } = &*INSTRUMENTS;
        let known = self.known.saturating_sub(self.read);
        facts.add(known as u64, &found[0]);
        facts.add(self.read as u64, &found[1]);
        *self = Laps::default();
    }
}
