//! What the parts of a redemption cost by themselves, over the facts of a real one: the rules, the event's bytes with its place in the
//! tree, a token's signature and its check, an event read back, and what it costs to tell of one move where the time went. `hefu bench
//! --profile` tells what they cost together.
//!
//! `cargo bench -p hefu-tests --bench parts`; a name behind `--` is one of them.

#![allow(clippy::unwrap_used)] // a benchmark's own steps must succeed

use std::hint::black_box;
use std::sync::atomic::Ordering;

use criterion::Criterion;
use hefu_domain::command::{Confirmation, ConfirmedBy, PresentedToken, Redeem};
use hefu_domain::{Command, CredentialId, Digest, Event, Instant, Policy, Region, SheetId, World};
use hefu_engine::stages::{Mark, Stage};
use hefu_engine::{Clock, Source, rows};
use hefu_log::{Envelope, Frontier, Hash};
use hefu_scenario::{Client, Desk, Opening, Trainee, credential};
use hefu_server::{Limits, RegionTree, Running, Setup, Witnesses, serve, telemetry};
use hefu_store::EventRow;
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::must;
use hefu_token::{Claims, token_hash};
use hefu_wire::v1;
use jiff::civil::date;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REGION: &str = "140725";
/// 2023-04-19 15:00 in Asia/Shanghai.
const FILED: Instant = Instant(1_681_887_600_000);
const DAY_MS: i64 = 86_400_000;
const POLICY: &str = include_str!("../../policy/jinzhong-2023.toml");

/// A voucher that is about to be redeemed, and a neighbour's redemption as it stands in the log.
struct Case {
    running: Running,
    world: World,
    command: Command,
    at: Instant,
    events: Vec<Event>,
    token: String,
    claims: Claims,
    row: EventRow,
    frontier: Frontier,
    _state: Folder,
    _place: Place,
}

impl Case {
    async fn new() -> Case {
        let (place, folder) = (Place::new(Engine::Sqlite).await, Folder::new("hefu-bench"));
        let (clock, hand) = Clock::simulated(FILED);
        let running = serve(Setup {
            database: place.url(),
            state: folder.path().join("state"),
            listen: ([127, 0, 0, 1], 0).into(),
            deployment: "bench.hefu.local".to_owned(),
            tree: RegionTree::read(None).unwrap(),
            clock,
            source: Source::Seeded([7; 32]),
            writers: 1,
            witnesses: Witnesses::none(),
            limits: Limits::default(),
        })
        .await
        .unwrap();
        let client = Client::connect(&format!("http://{}", running.address)).await;
        let client = client.unwrap();
        let opening = Opening {
            seed: 1,
            operator: running.operator_key.clone(),
            policy_json: policy_json(),
            calendars: Vec::new(),
        };
        let desk = Desk::open(&client, REGION, &opening).await.unwrap();
        let classes = desk.classes(&client, date(2023, 4, 20), 1, 2).await;
        let mut groups = classes.unwrap();
        groups[0].trainees = desk.issued(&client, 2).await.unwrap();
        hand.store(FILED.0 + DAY_MS, Ordering::SeqCst);
        desk.teach(&client, &groups).await.unwrap();
        let [done, next] = &groups[0].trainees[..] else {
            panic!("two people were taught");
        };
        let method = "RedemptionService/Redeem";
        let _: v1::RedeemResponse =
            must(&client, desk.school(), method, desk.redemption(done)).await;
        let command = redeem(next, desk.school());
        Case::of(running, command, next.token.clone(), (folder, place)).await
    }

    async fn of(
        running: Running,
        command: Command,
        token: String,
        (state, place): (Folder, Place),
    ) -> Case {
        let engine = &running.engine;
        let decided = |world: &World, at| {
            let events = hefu_domain::decide(world, &command, at)?;
            Ok((world.clone(), events, at))
        };
        let (world, events, at) = engine
            .inspect(&command.region, decided)
            .await
            .unwrap()
            .unwrap();
        let claims = engine.people().tokens().verify(&token, at).unwrap();
        let heads = engine.store().heads(&[REGION.to_owned()]).await.unwrap();
        let head = &heads[0];
        let last = engine
            .store()
            .events(REGION, head.epoch, head.size - 1, 1)
            .await;
        Case {
            row: last.unwrap().remove(0),
            frontier: Frontier::from_bytes(&head.frontier).unwrap(),
            running,
            world,
            command,
            at,
            events,
            token,
            claims,
            _state: state,
            _place: place,
        }
    }

    fn decide(&self) -> Vec<Event> {
        hefu_domain::decide(&self.world, &self.command, self.at).unwrap()
    }

    /// As the writer does it with every event.
    fn encode(&self, frontier: &mut Frontier) {
        for event in &self.events {
            let stream = rows::stream(&event.stream());
            let encoded = Envelope {
                region: REGION,
                index: frontier.size(),
                at: &self.at.to_string(),
                kind: event.kind(),
                stream: &stream,
                version: 9,
                prev: Some(Hash([7; 32])),
                caller: "school",
                request: self.command.request.as_str(),
                digest: &self.command.digest.to_string(),
                policy: Some(1),
                body: event,
            };
            frontier.push(black_box(encoded.encode().unwrap()).leaf);
        }
    }
}

/// The shipped rules with classes of one afternoon that are filed the day before, as `hefu bench` has them.
fn policy_json() -> String {
    let mut policy = Policy::from_toml(POLICY).unwrap();
    policy.classes.filed_working_days = 0;
    for rules in policy.programmes.values_mut() {
        rules.day_lessons = rules.day_lessons.min(4);
        rules.min_lessons = rules.min_lessons.min(4);
    }
    serde_json::to_string(&policy).unwrap()
}

fn redeem(trainee: &Trainee, school: &str) -> Command {
    let (_, voucher) = trainee.voucher.rsplit_once('/').unwrap();
    let by: CredentialId = credential(school).parse().unwrap();
    Command {
        region: REGION.parse::<Region>().unwrap(),
        by,
        request: "redeem-000001".parse().unwrap(),
        digest: Digest([7; 32]),
        seals: Vec::new(),
        act: Redeem {
            voucher: voucher.parse().unwrap(),
            new_sheet: SheetId(uuid::Uuid::from_u128(1)),
            token: PresentedToken {
                hash: token_hash(&trainee.token),
                genuine: false,
            },
            undertaking: Digest([8; 32]),
            confirmation: Confirmation {
                by: ConfirmedBy::Phone,
                evidence: Digest([9; 32]),
                witness: None,
            },
        }
        .into(),
    }
}

/// What a move pays for being told apart into stages; of a batch's stages it is less.
fn stages() {
    for stage in Stage::ALL {
        Mark::now().to(Mark::now(), stage, 1);
    }
}

fn main() {
    hefu_tests::canaries::do_not_listen();
    let runtime = Runtime::new().unwrap();
    let case = runtime.block_on(Case::new());
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("decide", |b| b.iter(|| case.decide()));
    let mut frontier = case.frontier.clone();
    criterion.bench_function("encode", |b| b.iter(|| case.encode(&mut frontier)));
    let tokens = case.running.engine.people().tokens();
    criterion.bench_function("token sign", |b| b.iter(|| tokens.sign(&case.claims)));
    criterion.bench_function("token check", |b| {
        b.iter(|| tokens.verify(&case.token, case.at).unwrap());
    });
    criterion.bench_function("event decode", |b| {
        b.iter(|| hefu_engine::decode(&case.row).unwrap());
    });
    criterion.bench_function("stages, nobody watches", |b| b.iter(stages));
    let telemetry = {
        let _within = runtime.enter();
        // Nobody listens there, and nothing is sent before this is over.
        telemetry::start("off", Some("http://127.0.0.1:9")).unwrap()
    };
    criterion.bench_function("stages, watched", |b| b.iter(stages));
    criterion.final_summary();
    runtime.block_on(case.running.stop());
    // What was gathered goes nowhere: the process ends without waiting for it.
    drop(telemetry);
}
