//! What the signer counts: checkpoints, rounds, alarms by check.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};

struct Instruments {
    checkpoints: Counter<u64>,
    alarms: Counter<u64>,
    rounds: Histogram<f64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("hefu");
    Instruments {
        checkpoints: meter
            .u64_counter("hefu.log.checkpoints")
            .with_unit("{checkpoint}")
            .with_description("Checkpoints signed and published")
            .build(),
        alarms: meter
            .u64_counter("hefu.log.alarms")
            .with_unit("{alarm}")
            .with_description("Logs found in doubt, by check")
            .build(),
        rounds: meter
            .f64_histogram("hefu.log.sign.duration")
            .with_unit("s")
            .with_description("Time of one round of the signer")
            .build(),
    }
});

pub(crate) fn signed(checkpoints: usize) {
    INSTRUMENTS.checkpoints.add(checkpoints as u64, &[]);
}

pub(crate) fn alarmed(check: &'static str) {
    INSTRUMENTS.alarms.add(1, &[KeyValue::new("check", check)]);
}

pub(crate) fn round(took: Duration) {
    INSTRUMENTS.rounds.record(took.as_secs_f64(), &[]);
}
