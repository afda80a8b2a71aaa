//! What it costs to find out who calls and whether they may, beside what a single move costs: the share must stay small. The move
//! records registers' answers about a person, one at a time from 64 callers: far less than a redemption does.
//!
//! `throwaway-postgres run -- cargo bench -p hefu-tests --bench admission`; `HEFU_BENCH_ROUNDS` is another number of turns,
//! `HEFU_BENCH_MOVES` another number of moves in a turn. CPU is that of this process, which is client, server and SQLite, and of every
//! PostgreSQL process of this machine.

#![allow(clippy::unwrap_used)] // a benchmark's own steps must succeed

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant as Stopwatch;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hefu_domain::{Rpc, admitted};
use hefu_engine::{Clock, Source};
use hefu_scenario::{Client, credential};
use hefu_server::caller::resolve;
use hefu_server::{ProviderAt, Providers, RegionTree, Running, Setup, Witnesses, serve};
use hefu_tests::cpu::cpu_seconds;
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::{Office, must};
use hefu_wire::v1;
use serde_json::json;
use tokio::task::JoinSet;

const REGION: &str = "140725";
const CALLERS: u64 = 64;
/// How often something that takes microseconds is done to be timed.
const OFTEN: u32 = 20_000;
const ISSUER: &str = "https://id.example.gov";

struct Desk {
    running: Running,
    client: Client,
    office: Arc<Office>,
    people: Vec<String>,
    _state: Folder,
    _place: Place,
}

impl Desk {
    /// A server with a person for each caller.
    async fn open(engine: Engine) -> Desk {
        let (place, folder) = (Place::new(engine).await, Folder::new("hefu-bench"));
        let clock = Clock::system();
        let now = clock.now();
        let running = serve(Setup {
            database: place.url(),
            state: folder.path().join("state"),
            listen: ([127, 0, 0, 1], 0).into(),
            deployment: "bench.hefu.local".to_owned(),
            tree: RegionTree::read(None).unwrap(),
            clock,
            source: Source::Seeded([7; 32]),
            writers: 2,
            limits: hefu_server::Limits::default(),
            witnesses: Witnesses::none(),
        });
        let running = running.await.unwrap();
        let client = Client::connect(&running.url()).await.unwrap();
        let operator = &running.operator_key;
        let office = Office::open(&client, operator, REGION, now, 1, 1_000_000_000_000).await;
        let mut people = Vec::new();
        for number in 0..CALLERS {
            people.push(office.person(&client, number).await);
        }
        Desk {
            running,
            client,
            office: Arc::new(office),
            people,
            _state: folder,
            _place: place,
        }
    }

    /// So many moves of each caller's.
    async fn move_on(&self, each: u64) {
        let mut callers = JoinSet::new();
        for person in self.people.clone() {
            let (client, office) = (self.client.clone(), self.office.clone());
            callers.spawn(async move {
                for _ in 0..each {
                    let answers = office.answers(&person, office.fresh("answers"));
                    let method = "PeopleService/RecordCheckAnswers";
                    let _: v1::RecordCheckAnswersResponse =
                        must(&client, &office.clerks[0], method, answers).await;
                }
            });
        }
        while let Some(done) = callers.join_next().await {
            done.unwrap();
        }
    }

    /// Seconds of one access check.
    async fn access(&self) -> f64 {
        let by = credential(&self.office.clerks[0]).parse().unwrap();
        let region = REGION.parse().unwrap();
        let timed = self.running.engine.inspect(&region, |world, at| {
            admitted(world, Rpc::RecordCheckAnswers, &by, at)?;
            let watch = Stopwatch::now();
            for _ in 0..OFTEN {
                black_box(admitted(black_box(world), Rpc::RecordCheckAnswers, &by, at))?;
            }
            Ok(watch.elapsed())
        });
        timed.await.unwrap().unwrap().as_secs_f64() / f64::from(OFTEN)
    }
}

/// Seconds of finding out who shows that.
async fn authentication(shown: &str, providers: &Providers) -> f64 {
    let header = || Some(format!("Bearer {shown}").parse().unwrap());
    resolve(header(), None, providers).await.unwrap();
    let watch = Stopwatch::now();
    for _ in 0..OFTEN {
        black_box(resolve(black_box(header()), None, providers).await).unwrap();
    }
    watch.elapsed().as_secs_f64() / f64::from(OFTEN)
}

/// A provider whose key set is a file, and a token of its.
fn provider(folder: &Folder) -> (Providers, String) {
    let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key = Ed25519KeyPair::generate().unwrap();
    let set = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(key.public_key().as_ref())},
    ]});
    let jwks = folder.path().join("jwks.json");
    std::fs::write(&jwks, set.to_string()).unwrap();
    let toml = format!("issuer = {ISSUER:?}\naudience = \"hefu\"\njwks = {jwks:?}\n");
    let at: ProviderAt = toml::from_str(&toml).unwrap();
    let clock = Clock::system();
    let exp = clock.now().0 / 1_000 + 3_600;
    let header = json!({"alg": "EdDSA", "kid": "ed", "typ": "JWT"}).to_string();
    let claims = json!({"iss": ISSUER, "sub": "alice", "aud": "hefu", "exp": exp}).to_string();
    let signed = format!("{}.{}", b64(header.as_bytes()), b64(claims.as_bytes()));
    let signature = b64(key.sign(signed.as_bytes()).as_ref());
    let providers = Providers::new(&[at], clock).unwrap();
    (providers, format!("{signed}.{signature}"))
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect(name))
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let turns = number("HEFU_BENCH_ROUNDS", 9);
    let each = number("HEFU_BENCH_MOVES", 6_400) / CALLERS;
    let folder = Folder::new("hefu-bench");
    let (providers, jwt) = provider(&folder);
    for engine in Engine::BOTH {
        let desk = Desk::open(engine).await;
        desk.move_on(each).await; // fills caches
        let mut shares = Vec::new();
        for _ in 0..turns {
            let (watch, cpu) = (Stopwatch::now(), cpu_seconds());
            desk.move_on(each).await;
            let moves = (each * CALLERS) as f64;
            let wall = watch.elapsed().as_secs_f64() / moves;
            let cpu = (cpu_seconds() - cpu) / moves;
            let by_key = authentication(&desk.office.clerks[0], &providers).await;
            let by_jwt = authentication(&jwt, &providers).await;
            let access = desk.access().await;
            shares.push([wall, cpu, by_key, by_jwt, access]);
        }
        let median = |of: fn(&[f64; 5]) -> f64| {
            let mut values: Vec<f64> = shares.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!(
            "{engine:?}: a move takes {:.1} us and {:.1} us of CPU; a key {:.2} us, a JWT {:.2} us, the access check {:.2} us: with a key {:.2} % of the move's CPU, with a JWT {:.2} % (medians of {turns} turns)",
            median(|s| s[0]) * 1e6,
            median(|s| s[1]) * 1e6,
            median(|s| s[2]) * 1e6,
            median(|s| s[3]) * 1e6,
            median(|s| s[4]) * 1e6,
            median(|s| (s[2] + s[4]) / s[1]) * 100.0,
            median(|s| (s[3] + s[4]) / s[1]) * 100.0,
        );
        desk.running.stop().await;
    }
}
