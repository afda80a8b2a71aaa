//! Counters and histograms, by move and code only: nothing personal has a place in them.

use std::sync::LazyLock;
use std::time::Duration;

use hefu_domain::Command;
use opentelemetry::metrics::{Counter, Gauge, Histogram};
use opentelemetry::{KeyValue, global};

use crate::batch::Verdict;
use crate::error::EngineError;
use crate::queue::Full;

struct Instruments {
    moves: Counter<u64>,
    refusals: Counter<u64>,
    commit: Histogram<f64>,
    batch: Histogram<u64>,
    guard_lost: Counter<u64>,
    retried: Counter<u64>,
    waiting: Gauge<u64>,
    full: Counter<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("hefu");
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
        waiting: meter
            .u64_gauge("hefu.queue.depth")
            .with_unit("{move}")
            .with_description("Moves that wait or are under way, in all regions")
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

pub(crate) fn waiting(moves: usize) {
    INSTRUMENTS.waiting.record(moves as u64, &[]);
}

/// Whose queue it was, and not which region's: anybody can ask for any code.
pub(crate) fn full(whose: Full) {
    let whose = match whose {
        Full::Region => "region",
        Full::Caller => "caller",
        Full::All => "all",
    };
    INSTRUMENTS.full.add(1, &[KeyValue::new("queue", whose)]);
}
