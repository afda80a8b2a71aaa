//! What a report of the city and its eleven counties costs over the read model of a year of a million vouchers, on both engines. Nothing is
//! folded meanwhile: it is the reading of the counters, and the making of the table.
//!
//! `throwaway-postgres run -- cargo bench -p hefu-tests --bench reports`; a name behind `--` is one of them.

#![allow(clippy::unwrap_used)] // a benchmark's own steps must succeed

use std::time::Duration;

use criterion::Criterion;
use hefu_report::Name;
use hefu_tests::engines::Engine;
use hefu_tests::large_year::LargeYear;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DAYS: usize = 365;

fn main() {
    hefu_tests::canaries::do_not_listen();
    let runtime = Runtime::new().unwrap();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    for engine in Engine::BOTH {
        let year = runtime.block_on(LargeYear::of_days(engine, DAYS));
        for name in Name::ALL {
            if name == Name::Institution {
                continue;
            }
            let ask = LargeYear::ask(name);
            criterion.bench_function(&format!("{name}, {engine:?}"), |b| {
                b.iter(|| runtime.block_on(year.model.report(&ask)).unwrap());
            });
        }
        runtime.block_on(year.close());
    }
    criterion.final_summary();
}
