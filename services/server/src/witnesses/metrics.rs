//! What is counted of witnesses: their answers, and how far behind each is.

use std::sync::LazyLock;

use opentelemetry::metrics::{Counter, Gauge};
use opentelemetry::{KeyValue, global};

struct Instruments {
    answers: Counter<u64>,
    behind: Gauge<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("hefu");
    Instruments {
        answers: meter
            .u64_counter("hefu.witness.answers")
            .with_unit("{answer}")
            .with_description("Answers of witnesses, by witness and result")
            .build(),
        behind: meter
            .u64_gauge("hefu.witness.behind")
            .with_unit("{event}")
            .with_description("Events of a region that a witness has not cosigned yet")
            .build(),
    }
});

pub(super) fn answered(witness: &str, result: &'static str) {
    let by = [
        KeyValue::new("witness", witness.to_owned()),
        KeyValue::new("result", result),
    ];
    INSTRUMENTS.answers.add(1, &by);
}

pub(super) fn behind(witness: &str, region: &str, events: u64) {
    let by = [
        KeyValue::new("witness", witness.to_owned()),
        KeyValue::new("region", region.to_owned()),
    ];
    INSTRUMENTS.behind.record(events, &by);
}
