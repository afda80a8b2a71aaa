//! Queues that are full, and calls that are not answered in time.

use futures_util::future::{join_all, select_all};
use hefu_wire::v1;
use tonic_types::RpcStatusExt as _;

use crate::wire::{frame, http2, send, whole};
use crate::*;

/// Turns each `async fn name(engine: Engine)` into two tests, `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($($name:ident)+) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(hefu_tests::engines::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(hefu_tests::engines::Engine::Postgres).await;
            }
        }
    )+};
}

on_both! {
    a_full_region_turns_away_what_it_does_not_take_and_writes_what_it_took
    what_would_wait_too_long_is_turned_away_at_the_door_and_nothing_else_is
    a_call_that_is_not_answered_in_time_may_be_made_and_its_id_tells
}

/// One commit is held up; what comes in meanwhile waits, up to the bounds.
async fn a_full_region_turns_away_what_it_does_not_take_and_writes_what_it_took(engine: Engine) {
    let limits = Limits {
        region_queue: 8,
        region_queue_per_caller: 4,
        ..Limits::default()
    };
    let scene = Scene::open_on(engine, limits).await;
    let channel = scene.channel().await;
    let (before, elsewhere) = (scene.size(REGION).await, scene.size("140727").await);
    let mut pause = scene.running.engine.store().faults().pause_next();
    let register = |clerk: usize, person: u64| {
        let (channel, key) = (channel.clone(), scene.clerk(clerk).to_owned());
        let message = scene.registration(person);
        tokio::spawn(async move { told(&channel, &key, REGISTER, message).await })
    };
    let mut taken = vec![register(0, 1)];
    pause.reached().await;
    taken.extend((2..=4).map(|person| register(0, person)));
    scene.in_flight(4).await;
    // The first clerk has their share; others do not feel it.
    let status = register(0, 100).await.unwrap().unwrap_err();
    come_back(&status, Code::ResourceExhausted, "TOO_MANY_WAITING");
    taken.extend((5..=8).map(|person| register(1, person)));
    scene.in_flight(8).await;
    let status = register(2, 101).await.unwrap().unwrap_err();
    come_back(&status, Code::ResourceExhausted, "QUEUE_FULL");
    // A batch is told for each of its items; reads wait for nobody.
    let batch = v1::BatchRegisterPersonRequest {
        parent: scene.office.parent(),
        mode: v1::Mode::Each.into(),
        requests: (102..105)
            .map(|person| scene.registration(person))
            .collect(),
        ..v1::BatchRegisterPersonRequest::default()
    };
    let method = "PeopleService/BatchRegisterPerson";
    let answer: v1::BatchRegisterPersonResponse =
        call(&channel, scene.clerk(2), method, batch).await.unwrap();
    assert_eq!(answer.results.len(), 3);
    for result in answer.results {
        let Some(v1::register_person_result::Result::Error(error)) = result.result else {
            panic!("a full queue took an item");
        };
        assert_eq!(error.code, i32::from(Code::ResourceExhausted));
        let told = error.get_error_details();
        let delay = told.retry_info().and_then(|info| info.retry_delay);
        assert!(delay.is_some_and(|delay| !delay.is_zero()), "{error:?}");
    }
    let key = &scene.running.operator_key;
    told(&channel, key, GET_HEAD, scene.get_head())
        .await
        .unwrap();
    assert_eq!(scene.size(REGION).await, before);
    pause.release();
    for answer in join_all(taken).await {
        answer.unwrap().unwrap();
    }
    // Exactly what was acknowledged, and there is room again.
    assert_eq!(scene.size(REGION).await, before + 8);
    assert_eq!(scene.size("140727").await, elsewhere);
    register(2, 101).await.unwrap().unwrap();
    assert_eq!(scene.size(REGION).await, before + 9);
    assert_eq!(scene.running.engine.in_flight(), 0);
}

/// While a commit hangs, as many moves wait as are let in before any rate is known: single ones, and those of batches in a room of their own.
async fn what_would_wait_too_long_is_turned_away_at_the_door_and_nothing_else_is(engine: Engine) {
    let limits = Limits {
        address_per_second: 1_000_000,
        address_burst: 1_000_000,
        ..Limits::default()
    };
    let scene = Scene::open_on(engine, limits).await;
    let channel = scene.channel().await;
    let before = scene.size(REGION).await;
    let mut pause = scene.running.engine.store().faults().pause_next();
    let bulk = |clerk: usize, people: std::ops::Range<u64>| {
        let (channel, key) = (channel.clone(), scene.clerk(clerk).to_owned());
        let batch = v1::BatchRegisterPersonRequest {
            parent: scene.office.parent(),
            mode: v1::Mode::Each.into(),
            requests: people.map(|person| scene.registration(person)).collect(),
            ..v1::BatchRegisterPersonRequest::default()
        };
        tokio::spawn(async move {
            let method = "PeopleService/BatchRegisterPerson";
            call::<_, v1::BatchRegisterPersonResponse>(&channel, &key, method, batch).await
        })
    };
    // Large calls are let in whole, by what is in front of them.
    let mut taken = vec![bulk(0, 1_000..1_400)];
    pause.reached().await;
    scene.in_flight(400).await;
    for (clerk, first) in [(1, 2_000), (2, 3_000), (0, 4_000)] {
        let there = scene.running.engine.in_flight();
        taken.push(bulk(clerk, first..first + 1_000));
        scene.in_flight(there + 1_000).await;
    }
    // Others wait in line, and who has enough there hears so.
    let nine = (5_000..5_009).map(|person| bulk(2, person..person + 1));
    let (first_answered, _, in_line) = select_all(nine).await;
    let status = first_answered.unwrap().unwrap_err();
    taken.extend(in_line);
    come_back(&status, Code::ResourceExhausted, "TOO_MANY_WAITING");
    // Single moves have their own room, of which one caller gets four fifths.
    let mut singles = Vec::new();
    for connection in 0..4 {
        let channel = scene.channel().await;
        for number in 0..205 {
            let (channel, key) = (channel.clone(), scene.clerk(1).to_owned());
            let registration = scene.registration(6_000 + 205 * connection + number);
            singles.push(tokio::spawn(async move {
                told(&channel, &key, REGISTER, registration).await
            }));
        }
    }
    scene.in_flight(3_400 + 820).await;
    let refused = [
        told(&channel, scene.clerk(1), REGISTER, scene.registration(1)).await,
        // A message that nobody can read: it is not read.
        told(&channel, scene.clerk(1), REGISTER, scene.get_head()).await,
    ];
    for status in refused.map(Result::unwrap_err) {
        come_back(&status, Code::ResourceExhausted, "TOO_MANY_WAITING");
    }
    // Nor does one region get more; whoever has a key of their own making hears the same.
    let refused = [
        told(&channel, scene.clerk(2), REGISTER, scene.registration(1)).await,
        told(&channel, &stranger(1), REGISTER, scene.registration(1)).await,
    ];
    for status in refused.map(Result::unwrap_err) {
        come_back(&status, Code::ResourceExhausted, "QUEUE_FULL");
    }
    // Who shows nothing is nobody, and what only reads is answered.
    let status = told(&channel, "nonsense", REGISTER, scene.registration(1))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    let status = told(&channel, &stranger(1), GET_HEAD, scene.get_head())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    let key = &scene.running.operator_key;
    told(&channel, key, GET_HEAD, scene.get_head())
        .await
        .unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let check = tonic_health::pb::HealthCheckRequest::default();
    health.check(check).await.unwrap();
    assert_eq!(scene.running.engine.in_flight(), 3_400 + 820);
    pause.release();
    for single in join_all(singles).await {
        single.unwrap().unwrap();
    }
    let mut registered = 0;
    for answer in join_all(taken).await {
        let results = answer.unwrap().unwrap().results;
        let accepted = |result: &v1::RegisterPersonResult| {
            let result = result.result.as_ref();
            matches!(
                result,
                Some(v1::register_person_result::Result::Response(_))
            )
        };
        assert!(results.iter().all(accepted));
        registered += results.len() as u64;
    }
    assert_eq!(registered, 3_408);
    told(&channel, scene.clerk(1), REGISTER, scene.registration(1))
        .await
        .unwrap();
    assert_eq!(scene.size(REGION).await, before + 3_408 + 821);
}

/// The reply is lost, the move is not, and it is made once.
async fn a_call_that_is_not_answered_in_time_may_be_made_and_its_id_tells(engine: Engine) {
    let scene = Scene::open_on(engine, Limits::default()).await;
    let before = scene.size(REGION).await;
    let message = scene.registration(1);
    let encoded = message.encode_to_vec();
    let mut pause = scene.running.engine.store().faults().pause_next();
    let mut door = http2(scene.running.address).await;
    let body = whole(frame(0, encoded.len() as u32, &encoded));
    // The caller's own patience, shorter than ours.
    let timeout = [("grpc-timeout", "300m")];
    let answered = send(&mut door, scene.clerk(0), REGISTER, &timeout, body).await;
    let status = answered.status.unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
    assert!(status.message().contains("request id"), "{status}");
    pause.reached().await;
    pause.release();
    let channel = scene.channel().await;
    let again: v1::RegisterPersonResponse =
        call(&channel, scene.clerk(0), REGISTER, message.clone())
            .await
            .unwrap();
    assert_eq!(scene.size(REGION).await, before + 1);
    let once_more: v1::RegisterPersonResponse = call(&channel, scene.clerk(0), REGISTER, message)
        .await
        .unwrap();
    assert_eq!(again, once_more);
    assert_eq!(scene.size(REGION).await, before + 1);
}
