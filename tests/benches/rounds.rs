//! How long a round of the signer takes when many logs have grown since the last one, on both engines:
//! `cargo bench -p hefu-tests --bench rounds`, with `HEFU_LOGS` (400) for how many. DESIGN.md promises a checkpoint within a
//! second of a write, of which 750 ms are the wait for the next round.

#![allow(clippy::unwrap_used)] // it measures, or it ends

use std::time::{Duration, Instant as Stopwatch};

use hefu_domain::Instant;
use hefu_engine::{Clock, Source};
use hefu_server::Signer;
use hefu_tests::engines::{Engine, Folder, fresh};
use hefu_tests::published::{DEPLOYMENT, Made};
use hefu_token::keys::{self, Use};

/// Rounds that are measured.
const ROUNDS: usize = 7;
/// Events that each log grows by between two rounds.
const EVENTS: u64 = 5;

fn main() {
    hefu_tests::canaries::do_not_listen();
    let logs = std::env::var("HEFU_LOGS").map_or(400, |logs| logs.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for engine in Engine::BOTH {
        let mut took = runtime.block_on(rounds(engine, logs));
        took.sort();
        println!(
            "{engine:?}: {logs} logs grown by {EVENTS} events each are signed in {:?} (of {ROUNDS} rounds the quickest {:?}, the slowest {:?})",
            took[ROUNDS / 2],
            took[0],
            took[ROUNDS - 1]
        );
    }
}

async fn rounds(engine: Engine, logs: u32) -> Vec<Duration> {
    let (store, _place) = fresh(engine).await;
    let state = Folder::new("hefu-rounds");
    let clock = Clock::simulated(Instant(0)).0;
    keys::new_key(
        state.path(),
        Use::Log,
        &Source::System.draw(&[]),
        Instant(0),
    )
    .unwrap();
    let mut made = Vec::new();
    for number in 0..logs {
        let region: &'static str = Box::leak(format!("{:06}", 110_000 + number).into_boxed_str());
        made.push(Made::open(&store, region).await);
    }
    let mut signer = Signer::new(store.clone(), clock, state.path(), DEPLOYMENT).unwrap();
    signer.round().await.unwrap();
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        for log in &mut made {
            log.grow(&store, EVENTS).await;
        }
        let watch = Stopwatch::now();
        let round = signer.round().await.unwrap();
        took.push(watch.elapsed());
        assert_eq!(
            (round.published.len(), round.alarmed.len()),
            (logs as usize, 0)
        );
    }
    store.close().await;
    took
}
