//! How long it takes to verify, and to verify and replay, an export of a million events of about 400 bytes. A plain
//! harness: one run takes a second, so statistics of thousands of runs would tell nothing more.
//!
//! `cargo bench -p hefu-audit` makes the export under the target folder on its first run; `HEFU_BENCH_EVENTS` is
//! another number of events, `HEFU_BENCH_RUNS` another number of runs.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

#[path = "../tests/made/mod.rs"]
mod made;

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use hefu_audit::verify::{Asked, Keys, no_heads, verify};
use hefu_audit::{Dir, Replay};
use hefu_domain::Region;

use made::{COUNTY, Chain, county, signer};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn number(name: &str, otherwise: usize) -> usize {
    env::var(name).map_or(otherwise, |text| text.parse().expect(name))
}

fn main() {
    let events = number("HEFU_BENCH_EVENTS", 1_000_000);
    let dir = export(events);
    let keys = Keys::from_outside(&signer(COUNTY, 0, 1).vkey().to_string()).expect("a key");
    let asked = Asked::all(keys);
    let files = Dir::new(&dir);
    for _ in 0..number("HEFU_BENCH_RUNS", 5) {
        time("verify", events, || {
            let report = verify(&files, &asked, &no_heads, |_| (), |_, ()| {}).expect("files");
            assert!(report.verified, "{:?}", report.failure);
        });
    }
    println!("peak RSS after verify: {} MiB", peak_mib());
    for _ in 0..number("HEFU_BENCH_RUNS", 5) {
        time("verify + replay", events, || {
            let begin = |region: &Region| Replay::new(region.clone());
            let report = verify(&files, &asked, &no_heads, begin, |_, replay| {
                assert_eq!(replay.head().0, events as u64);
                // Taking a million facts apart again is no part of an audit: the process ends.
                std::mem::forget(replay);
            });
            let report = report.expect("files");
            assert!(report.verified, "{:?}", report.failure);
        });
    }
    println!("peak RSS after verify + replay: {} MiB", peak_mib());
}

fn time(what: &str, events: usize, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    let seconds = start.elapsed().as_secs_f64();
    let rate = events as f64 / seconds;
    println!("{what}: {seconds:.3} s, {rate:.0} events/s");
}

/// An export that is made once.
fn export(events: usize) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("export-{events}"));
    if !dir.join(COUNTY).join("checkpoint").exists() {
        let history = Chain::default().log(COUNTY, 0, county().take(events));
        history.write(&dir.join(COUNTY), &signer(COUNTY, 0, 1));
        let bytes: usize = history.entries.iter().map(Vec::len).sum();
        println!("made {}: {} bytes an event", dir.display(), bytes / events);
    }
    dir
}

/// The most memory that the process has held, in MiB.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse().ok())
        .map_or(0, |kib: u64| kib / 1024)
}
