//! What signing, tiles and published checkpoints add to a write: two servers of this process on databases of their own, of
//! which one signs its logs. Both take the same moves over gRPC, in turns, so that a noisy machine is noisy for both. A
//! plain harness: the figure is a ratio of two long runs.
//!
//! `throwaway-postgres run -- cargo bench -p hefu-tests --bench signing`; `HEFU_BENCH_ROUNDS` is another number of turns
//! for each, `HEFU_BENCH_MOVES` another number of moves in a turn. CPU is that of this process: both servers, their
//! client, and SQLite; PostgreSQL's own is not in it.

#![allow(clippy::unwrap_used)] // a benchmark's own steps must succeed

use std::sync::Arc;
use std::time::Instant as Stopwatch;

use hefu_engine::{Clock, Source};
use hefu_scenario::Client;
use hefu_server::{RegionTree, Running, Setup, Witnesses, serve};
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::{Office, must};
use hefu_wire::v1;
use tokio::task::JoinSet;

const REGION: &str = "140725";
/// More than they can spend.
const MONEY_FEN: i64 = 1_000_000_000_000;
/// Callers that each wait for their answer before they send the next move.
const IN_FLIGHT: u64 = 64;
/// A person is registered with answers, applies, and is issued a voucher.
const MOVES_OF_ONE: u64 = 4;

/// A server that takes moves.
struct Desk {
    running: Running,
    client: Client,
    office: Arc<Office>,
    people: u64,
    _state: Folder,
    _place: Place,
}

impl Desk {
    async fn open(engine: Engine, signs: bool) -> Desk {
        let (place, state) = (Place::new(engine).await, Folder::new("hefu-bench"));
        let clock = Clock::system();
        let now = clock.now();
        let running = serve(Setup {
            database: place.url(),
            state: state.path().join("state"),
            listen: ([127, 0, 0, 1], 0).into(),
            deployment: "bench.hefu.local".to_owned(),
            tree: RegionTree::read(None).unwrap(),
            clock,
            source: Source::Seeded([7; 32]),
            writers: 2,
            witnesses: Witnesses::none(),
        })
        .await
        .unwrap();
        let address = format!("http://{}", running.address);
        let client = Client::connect(&address).await.unwrap();
        let office = Office::open(&client, &running.operator_key, REGION, now, 1, MONEY_FEN);
        let office = Arc::new(office.await);
        if !signs {
            running.signing.clone().stop().await;
        }
        Desk {
            running,
            client,
            office,
            people: 0,
            _state: state,
            _place: place,
        }
    }

    /// Takes so many people through their first moves. Returns wall and CPU seconds a move.
    async fn turn(&mut self, people: u64) -> [f64; 2] {
        let (watch, cpu) = (Stopwatch::now(), cpu_seconds());
        let mut callers = JoinSet::new();
        for caller in 0..IN_FLIGHT {
            let (client, office) = (self.client.clone(), self.office.clone());
            let first = self.people + caller;
            let numbers = (first..self.people + people).step_by(IN_FLIGHT as usize);
            callers.spawn(async move {
                for number in numbers {
                    let person = office.person(&client, number).await;
                    let voucher = office.applied(&client, &person).await;
                    let issue = office.issue(&voucher, office.fresh("issue"));
                    let reviewer = &office.reviewer;
                    let _: v1::IssueResponse =
                        must(&client, reviewer, "IssuanceService/Issue", issue).await;
                }
            });
        }
        while let Some(done) = callers.join_next().await {
            done.unwrap();
        }
        self.people += people;
        let moves = (people * MOVES_OF_ONE) as f64;
        let [wall, cpu] = [watch.elapsed().as_secs_f64(), cpu_seconds() - cpu];
        [wall / moves, cpu / moves]
    }
}

/// What this process has used so far, by its own account: 10 ms a tick.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = |field: &str| field.parse::<f64>().unwrap();
    let mut fields = fields.split_whitespace().skip(11);
    (ticks(fields.next().unwrap()) + ticks(fields.next().unwrap())) / 100.0
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect(name))
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let rounds = number("HEFU_BENCH_ROUNDS", 9);
    let people = number("HEFU_BENCH_MOVES", 20_000) / MOVES_OF_ONE;
    for engine in Engine::BOTH {
        let mut unsigned = Desk::open(engine, false).await;
        let mut signed = Desk::open(engine, true).await;
        // The first turns fill caches.
        unsigned.turn(people).await;
        signed.turn(people).await;
        let mut micros = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
        for round in 0..rounds {
            // Whoever goes first is another one each time.
            for which in [round % 2, 1 - round % 2] {
                let desk = if which == 0 {
                    &mut unsigned
                } else {
                    &mut signed
                };
                let took = desk.turn(people).await;
                for (all, one) in micros[which as usize].iter_mut().zip(took) {
                    all.push(one * 1e6);
                }
            }
        }
        let [[wall, cpu], [wall_signed, cpu_signed]] = micros.map(|of| of.map(median));
        println!(
            "{engine:?}: a move takes {wall:.1} us and {cpu:.1} us of CPU unsigned, {wall_signed:.1} us and {cpu_signed:.1} us signed: {:.3} and {:.3} of it",
            wall_signed / wall,
            cpu_signed / cpu
        );
        unsigned.running.stop().await;
        signed.running.stop().await;
    }
}
