//! Counters and histograms, by move and code only: nothing personal has a place in them.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hefu_domain::Command;
use opentelemetry::metrics::{Counter, Histogram, Meter};
use opentelemetry::{KeyValue, global};

use crate::batch::Verdict;
use crate::error::EngineError;
use crate::queue::{Queue, Whose};

struct Instruments {
    moves: Counter<u64>,
    refusals: Counter<u64>,
    commit: Histogram<f64>,
    batch: Histogram<u64>,
    guard_lost: Counter<u64>,
    retried: Counter<u64>,
    full: Counter<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("hefu");
    WAITING.told_by(
        &meter,
        "hefu.queue.depth",
        "Moves that waited or were under way in all regions, the most since it was told last",
    );
    BOUND.told_by(
        &meter,
        "hefu.queue.bound",
        "Single moves beyond which calls were refused, the most since it was told last",
    );
    Instruments {
        moves: meter
            .u64_counter("hefu.moves")
            .with_unit("{move}")
            .with_description("Moves answered, by move and result")
            .build(),
        refusals: meter
            .u64_counter("hefu.refusals")
            .with_unit("{refusal}")
            .with_description("Rules that said no, by code")
            .build(),
        commit: meter
            .f64_histogram("hefu.commit.duration")
            .with_unit("s")
            .with_description("Time of one commit")
            .build(),
        batch: meter
            .u64_histogram("hefu.batch.size")
            .with_unit("{request}")
            .with_description("Requests of one transaction")
            .build(),
        guard_lost: meter
            .u64_counter("hefu.guard.lost")
            .with_unit("{batch}")
            .with_description("Batches that somebody else overtook")
            .build(),
        retried: meter
            .u64_counter("hefu.commit.retried")
            .with_unit("{batch}")
            .with_description("Batches tried again")
            .build(),
        full: meter
            .u64_counter("hefu.queue.full")
            .with_unit("{request}")
            .with_description(
                "Requests turned away because too much waited, by whose queue was full",
            )
            .build(),
    }
});

static WAITING: Peak = Peak::new();
static BOUND: Peak = Peak::new();

/// A number that goes up and down faster than anybody looks.
struct Peak {
    now: AtomicU64,
    most: AtomicU64,
}

impl Peak {
    const fn new() -> Peak {
        Peak {
            now: AtomicU64::new(0),
            most: AtomicU64::new(0),
        }
    }

    fn set(&self, value: usize) {
        self.now.store(value as u64, Ordering::Relaxed);
        self.most.fetch_max(value as u64, Ordering::Relaxed);
    }

    /// The most since it was asked for last.
    fn take(&self) -> u64 {
        let now = self.now.load(Ordering::Relaxed);
        self.most.swap(now, Ordering::Relaxed).max(now)
    }

    fn told_by(&'static self, meter: &Meter, name: &'static str, what: &'static str) {
        meter
            .u64_observable_gauge(name)
            .with_unit("{move}")
            .with_description(what)
            .with_callback(|told| told.observe(self.take(), &[]))
            .build();
    }
}

pub(crate) fn answered(command: Option<&Command>, verdict: &Verdict) {
    let Some(command) = command else { return };
    let result = match verdict {
        Ok(_) => "accepted",
        Err(EngineError::Refused(refusals) | EngineError::GroupRefused { refusals, .. }) => {
            for refusal in refusals.reasons() {
                INSTRUMENTS
                    .refusals
                    .add(1, &[KeyValue::new("code", refusal.code.as_str())]);
            }
            "refused"
        }
        Err(_) => "failed",
    };
    INSTRUMENTS.moves.add(
        1,
        &[
            KeyValue::new("move", command.act.name()),
            KeyValue::new("result", result),
        ],
    );
}

pub(crate) fn committed(took: Duration, jobs: usize) {
    INSTRUMENTS.commit.record(took.as_secs_f64(), &[]);
    INSTRUMENTS.batch.record(jobs as u64, &[]);
}

pub(crate) fn guard_lost() {
    INSTRUMENTS.guard_lost.add(1, &[]);
}

pub(crate) fn retried() {
    INSTRUMENTS.retried.add(1, &[]);
}

pub(crate) fn waiting(queue: &Queue) {
    // Its instruments are there from the first move on.
    LazyLock::force(&INSTRUMENTS);
    WAITING.set(queue.moves());
    BOUND.set(queue.bound());
}

/// Whose queue it was, and not which region's: anybody can ask for any code.
pub(crate) fn full(whose: Whose) {
    INSTRUMENTS
        .full
        .add(1, &[KeyValue::new("queue", whose.as_str())]);
}
