//! Rule 9 of the region writer, as a client and an operator meet it: a server with a wrong clock takes no writes and says so.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hefu_domain::Event;
use hefu_engine::{Clock, EngineError, Source, Stopped};
use hefu_server::{RegionTree, Setup, StartError, serve};
use hefu_tests::engines::{Engine, Folder, Place};
use tonic::Code;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

use crate::endpoints::{channel, get};
use crate::{Api, ISSUER, reason};

/// What `grpc.health.v1` says of the whole server.
async fn health(api: &Api) -> ServingStatus {
    let mut health = HealthClient::new(channel(api).await);
    let asked = HealthCheckRequest {
        service: String::new(),
    };
    health.check(asked).await.unwrap().into_inner().status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_clock_jumps_takes_no_writes_and_says_so() {
    let (clock, hand) = Clock::adjustable(0);
    let api = Api::start_at(clock).await;
    let before = api.head().await;
    assert_eq!(health(&api).await, ServingStatus::Serving);
    hand.store(-6_000, Ordering::SeqCst);
    let registration = api.office.registration(1, api.office.fresh("person"));
    let status = api
        .refused(api.clerk(), "PeopleService/RegisterPerson", registration)
        .await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "NOT_SERVING")
    );
    let told = async {
        while health(&api).await != ServingStatus::NotServing {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), told).await;
    in_time.expect("the health check still says that writes are taken");
    let (head, body) = get(api.running.address, "/healthz").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    // That it does not serve is everybody's to know; why is the operator's.
    assert_eq!(body, "not serving\n");
    // What stands can still be read, and nothing came to it.
    assert_eq!(api.head().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_clock_is_not_the_databases_does_not_start() {
    for by_ms in [6_000, -6_000] {
        let place = Place::new(Engine::Postgres).await;
        let state = Folder::new("hefu-clock");
        let started = serve(Setup {
            database: place.url(),
            state: state.path().join("state"),
            listen: ([127, 0, 0, 1], 0).into(),
            deployment: ISSUER.to_owned(),
            tree: RegionTree::read(None).unwrap(),
            clock: Clock::adjustable(by_ms).0,
            source: Source::Seeded([7; 32]),
            writers: 2,
            witnesses: hefu_server::Witnesses::none(),
            limits: hefu_server::Limits::default(),
        })
        .await;
        let Err(StartError::Engine(EngineError::Stopped(why))) = started.map(|_| ()) else {
            panic!("it serves");
        };
        assert!(matches!(why, Stopped::ClockApart { .. }), "{why:?}");
        let heads = place.open().await.all_heads().await;
        assert_eq!(heads, Ok(Vec::new()));
    }
}

/// Rule 9: whether a log's times are made up stands in its first event, where nobody can take it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_event_of_a_log_says_whether_its_clock_was_made_up() {
    for (api, simulated) in [
        (Api::start().await, true),
        (Api::start_at(Clock::system()).await, false),
    ] {
        let store = api.running.engine.store();
        for head in store.all_heads().await.unwrap() {
            let events = store.events(&head.region, 0, 0, 1).await.unwrap();
            let Event::RegionOpened(opened) = hefu_engine::decode(&events[0]).unwrap() else {
                panic!("{}", events[0].kind);
            };
            assert_eq!(opened.simulated, simulated, "{}", head.region);
        }
    }
}
