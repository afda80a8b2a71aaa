//! How long it takes to verify, and to verify and replay, an export of a million events: vouchers that are applied for,
//! issued, trained with, redeemed and written off, forty to a class, and a few that are revoked, some 600 bytes an event; or,
//! with `HEFU_BENCH_LOG=issued`, vouchers that are issued, frozen and revoked, some 400 bytes an event. A plain harness: one
//! run takes a second, so statistics of thousands of runs would tell nothing more.
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
use hefu_domain::{Event, Region};

use made::{COUNTY, Chain, county, signer, trained};

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
        // Taking a replay apart again is no part of an audit, whose process ends then.
        let _replay = time("verify + replay", events, || {
            let begin = |region: &Region| Replay::new(region.clone());
            let mut ended = None;
            let report = verify(&files, &asked, &no_heads, begin, |_, replay| {
                ended = Some(replay);
            });
            let report = report.expect("files");
            assert!(report.verified, "{:?}", report.failure);
            let replay = ended.expect("a region that held");
            assert_eq!(replay.head().0, events as u64);
            replay
        });
    }
    println!("peak RSS after verify + replay: {} MiB", peak_mib());
}

fn time<T>(what: &str, events: usize, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = run();
    let seconds = start.elapsed().as_secs_f64();
    let rate = events as f64 / seconds;
    println!("{what}: {seconds:.3} s, {rate:.0} events/s");
    done
}

/// An export that is made once.
fn export(events: usize) -> PathBuf {
    let kind = env::var("HEFU_BENCH_LOG").unwrap_or("lives".to_owned());
    let made: Box<dyn Iterator<Item = Event>> = match kind.as_str() {
        "lives" => Box::new(trained::county()),
        "issued" => Box::new(county()),
        _ => panic!("HEFU_BENCH_LOG is lives or issued"),
    };
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{kind}-{events}"));
    if !dir.join(COUNTY).join("checkpoint").exists() {
        let history = Chain::default().log(COUNTY, 0, made.take(events));
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
