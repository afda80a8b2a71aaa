//! A whole made-up year through gRPC, call after call: the same script gives the same roots on both engines, every log verifies,
//! replays and is decided again without a finding, and what ran is final.

// A failed expectation is this test's answer.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use hefu_domain::calendar::Calendar;
use hefu_domain::{Fact, Instant, Policy};
use hefu_engine::{Clock, Source, audit};
use hefu_scenario::{Client, Script, day, month, play};
use hefu_server::{RegionTree, Setup, serve};
use hefu_tests::engines::{Engine, Folder, Place};

const POLICY: &str = include_str!("../../policy/jinzhong-2023.toml");
const CALENDARS: [&str; 2] = [
    include_str!("../../policy/calendar-2023.toml"),
    include_str!("../../policy/calendar-2024.toml"),
];
/// 2023-04-19 08:00 in Asia/Shanghai.
const START_MS: i64 = 1_681_862_400_000;

/// What a year on one engine came to.
#[derive(Debug, PartialEq)]
struct Played {
    roots: BTreeMap<String, String>,
    refused: BTreeMap<String, u64>,
    paid_fen: i64,
    states: BTreeMap<String, u32>,
}

async fn year(engine: Engine) -> Played {
    let place = Place::new(engine).await;
    let state = Folder::new("hefu-year");
    let (clock, hand) = Clock::simulated(Instant(START_MS));
    let running = serve(Setup {
        database: place.url(),
        state: state.path().join("state"),
        listen: ([127, 0, 0, 1], 0).into(),
        deployment: "test.hefu.local".to_owned(),
        tree: RegionTree::read(None).unwrap(),
        clock,
        source: Source::Seeded([7; 32]),
        writers: 2,
        witnesses: hefu_server::Witnesses::none(),
        limits: hefu_server::Limits::default(),
    })
    .await
    .unwrap();
    let client = Client::connect(&format!("http://{}", running.address))
        .await
        .unwrap();
    let calendars: Vec<Calendar> = CALENDARS.map(toml_of).into();
    let script = Script {
        seed: 3,
        vouchers: 120,
        operator: running.operator_key.clone(),
        policy_json: serde_json::to_string(&Policy::from_toml(POLICY).unwrap()).unwrap(),
        calendars: calendars.iter().map(hefu_wire::show::calendar).collect(),
        sequential: true,
    };
    play(
        &client,
        &script,
        async |at| {
            let before = hand.load(Ordering::SeqCst);
            if day(at) > day(before) {
                running.watch_logs().await.unwrap();
            }
            if month(at) > month(before) {
                running.record_checkpoints().await.unwrap();
            }
            hand.fetch_max(at, Ordering::SeqCst);
        },
        |_| {},
    )
    .await
    .unwrap();
    let store = running.engine.store().clone();
    let mut played = Played {
        roots: BTreeMap::new(),
        refused: client.tally().refused.clone(),
        paid_fen: 0,
        states: BTreeMap::new(),
    };
    let mut snapshot = store.snapshot().await.unwrap();
    let audited = audit(&mut snapshot, true, |region, replayed| {
        let opened = replayed.world.state_of_region().unwrap();
        assert!(opened.simulated, "{opened:?}");
        let root = replayed.root.to_string();
        played.roots.insert(region.to_string(), root);
        let facts = replayed.each(|_, fact| match fact {
            Fact::Account(account) => {
                assert_eq!(account.reserved.0, 0, "a reserve is open after the closing");
                played.paid_fen += account.paid.0;
            }
            Fact::Voucher(voucher) => {
                assert!(!voucher.state.is_live(), "a voucher is not final");
                *played
                    .states
                    .entry(voucher.state.code().to_owned())
                    .or_default() += 1;
            }
            _ => {}
        });
        facts.unwrap();
    });
    // Every move of the year comes out of its own events as it stands in the log, and every row is what the log says.
    let audited = audited.await.unwrap();
    assert!(audited.failed.is_empty(), "{:#?}", audited.failed);
    assert!(audited.findings.is_empty(), "{:#?}", audited.findings);
    drop(snapshot);
    running.stop().await;
    played
}

fn toml_of(text: &str) -> Calendar {
    toml::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_script_gives_the_same_roots_on_both_engines() {
    let sqlite = year(Engine::Sqlite).await;
    assert_eq!(sqlite.roots.len(), 12);
    assert!(sqlite.states["written_off"] > 60, "{:?}", sqlite.states);
    assert!(sqlite.paid_fen > 0);
    assert!(
        sqlite.refused.contains_key("LIVE_VOUCHER_EXISTS"),
        "{:?}",
        sqlite.refused
    );
    assert_eq!(sqlite, year(Engine::Postgres).await);
}
