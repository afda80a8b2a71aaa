//! What signing, tiles and published checkpoints add to a write. One server takes moves over gRPC for about as long as
//! passes between two rounds of a signer, then rests while a round signs them, and so on: what each half takes is seen by
//! itself, where the difference of two servers, one of which signs, would drown in the machine's noise.
//!
//! `throwaway-postgres run -- cargo bench -p hefu-tests --bench signing`; `HEFU_BENCH_ROUNDS` is another number of turns,
//! `HEFU_BENCH_MOVES` another number of moves in a turn. CPU is that of this process, which is client, server and SQLite,
//! and of every PostgreSQL process of this machine. The wall clock sees a round wait for the disk while nobody else works,
//! which a server at work does not: it is the most that signing can add.

#![allow(clippy::unwrap_used)] // a benchmark's own steps must succeed

use std::sync::Arc;
use std::time::Instant as Stopwatch;

use hefu_engine::{Clock, Source};
use hefu_scenario::Client;
use hefu_server::{RegionTree, Running, Setup, Signer, Witnesses, serve};
use hefu_tests::cpu::cpu_seconds;
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::{Office, must};
use hefu_wire::v1;
use tokio::task::JoinSet;

const DEPLOYMENT: &str = "bench.hefu.local";
const REGION: &str = "140725";
/// More than they can spend.
const MONEY_FEN: i64 = 1_000_000_000_000;
/// Callers that each wait for their answer before they send the next move.
const IN_FLIGHT: u64 = 64;
/// A person is registered with answers, applies, and is issued a voucher.
const MOVES_OF_ONE: u64 = 4;

/// A server that takes moves, and the signer of its logs, which signs when it is told to.
struct Desk {
    running: Running,
    client: Client,
    office: Arc<Office>,
    signer: Signer,
    people: u64,
    _state: Folder,
    _place: Place,
}

impl Desk {
    async fn open(engine: Engine) -> Desk {
        let (place, folder) = (Place::new(engine).await, Folder::new("hefu-bench"));
        let (clock, state) = (Clock::system(), folder.path().join("state"));
        let now = clock.now();
        let running = serve(Setup {
            database: place.url(),
            state: state.clone(),
            listen: ([127, 0, 0, 1], 0).into(),
            deployment: DEPLOYMENT.to_owned(),
            tree: RegionTree::read(None).unwrap(),
            clock: clock.clone(),
            source: Source::Seeded([7; 32]),
            writers: 2,
            witnesses: Witnesses::none(),
            limits: hefu_server::Limits::default(),
        })
        .await
        .unwrap();
        let address = format!("http://{}", running.address);
        let client = Client::connect(&address).await.unwrap();
        let office = Office::open(&client, &running.operator_key, REGION, now, 1, MONEY_FEN);
        let office = Arc::new(office.await);
        running.signing.clone().stop().await;
        let store = running.engine.store().clone();
        let signer = Signer::new(store, clock, &state, DEPLOYMENT).unwrap();
        Desk {
            running,
            client,
            office,
            signer,
            people: 0,
            _state: folder,
            _place: place,
        }
    }

    /// Takes so many people through their first moves.
    async fn write(&mut self, people: u64) {
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
    }

    /// Signs what was written.
    async fn sign(&mut self) {
        let round = self.signer.round().await.unwrap();
        assert!(round.signs && !round.published.is_empty());
    }
}

/// Seconds that something took.
#[derive(Clone, Copy, Default)]
struct Took {
    wall: f64,
    cpu: f64,
}

impl Took {
    async fn by(work: impl Future<Output = ()>) -> Took {
        let (watch, cpu) = (Stopwatch::now(), cpu_seconds());
        work.await;
        Took {
            wall: watch.elapsed().as_secs_f64(),
            cpu: cpu_seconds() - cpu,
        }
    }

    fn add(&mut self, more: Took) {
        self.wall += more.wall;
        self.cpu += more.cpu;
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect(name))
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    hefu_tests::canaries::do_not_listen();
    let turns = number("HEFU_BENCH_ROUNDS", 40);
    let people = number("HEFU_BENCH_MOVES", 4_000) / MOVES_OF_ONE;
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        // The first turn fills caches.
        desk.write(people).await;
        desk.sign().await;
        let [mut written, mut signed] = [Took::default(); 2];
        for _ in 0..turns {
            written.add(Took::by(desk.write(people)).await);
            signed.add(Took::by(desk.sign()).await);
        }
        let moves = (turns * people * MOVES_OF_ONE) as f64;
        let micros = |seconds: f64| seconds / moves * 1e6;
        println!(
            "{engine:?}: a move takes {:.1} us and {:.1} us of CPU, its signature {:.2} us and {:.2} us: {:.2} % and {:.2} % of it ({turns} turns of {:.2} s)",
            micros(written.wall),
            micros(written.cpu),
            micros(signed.wall),
            micros(signed.cpu),
            signed.wall / written.wall * 100.0,
            signed.cpu / written.cpu * 100.0,
            written.wall / turns as f64,
        );
        desk.running.stop().await;
    }
}
