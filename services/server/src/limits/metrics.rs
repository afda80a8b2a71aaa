//! What was turned away, and who probes: by limit only, nothing of anybody. Whose credential it was stands in the log.

use std::sync::LazyLock;

use opentelemetry::metrics::{Counter, Gauge};
use opentelemetry::{KeyValue, global};

struct Instruments {
    limited: Counter<u64>,
    probes: Counter<u64>,
    connections: Gauge<u64>,
    turned_away: Counter<u64>,
    slow_readers: Counter<u64>,
    deadlines: Counter<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("hefu");
    Instruments {
        limited: meter
            .u64_counter("hefu.limited")
            .with_unit("{request}")
            .with_description("Requests turned away by a limit, by whose it was")
            .build(),
        probes: meter
            .u64_counter("hefu.probes")
            .with_unit("{move}")
            .with_description(
                "Dry runs and refused applications, by kind and whether they were answered",
            )
            .build(),
        connections: meter
            .u64_gauge("hefu.connections")
            .with_unit("{connection}")
            .with_description("Open connections")
            .build(),
        turned_away: meter
            .u64_counter("hefu.connections.refused")
            .with_unit("{connection}")
            .with_description("Connections turned away, by whose limit it was")
            .build(),
        slow_readers: meter
            .u64_counter("hefu.slow_readers")
            .with_unit("{answer}")
            .with_description("Answers given up because nobody took them")
            .build(),
        deadlines: meter
            .u64_counter("hefu.deadline.exceeded")
            .with_unit("{request}")
            .with_description("Calls that were not answered in time")
            .build(),
    }
});

pub(crate) fn limited(whose: &'static str) {
    INSTRUMENTS.limited.add(1, &[KeyValue::new("limit", whose)]);
}

pub(crate) fn probe(kind: &'static str, answered: bool) {
    let result = if answered { "answered" } else { "limited" };
    let labels = [KeyValue::new("kind", kind), KeyValue::new("result", result)];
    INSTRUMENTS.probes.add(1, &labels);
}

pub(crate) fn connections(open: usize) {
    INSTRUMENTS.connections.record(open as u64, &[]);
}

pub(crate) fn turned_away(whose: &'static str) {
    INSTRUMENTS
        .turned_away
        .add(1, &[KeyValue::new("limit", whose)]);
}

pub(crate) fn slow_readers(answers: usize) {
    INSTRUMENTS.slow_readers.add(answers as u64, &[]);
}

pub(crate) fn deadline() {
    INSTRUMENTS.deadlines.add(1, &[]);
}
