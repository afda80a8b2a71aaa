//! Floods: of one caller, of many bad credentials, of readers, and of questions about people. They are counted, never timed: the rates of
//! these servers are so low that a few tokens come back while a test runs, and no more.

use hefu_wire::v1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::wire::connect;
use crate::*;

/// Buckets of this size, which fill by a token a second.
fn bursts(caller: u64, address: u64) -> Limits {
    Limits {
        caller_per_second: 1,
        caller_burst: caller,
        address_per_second: 1,
        address_burst: address,
        ..Limits::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_one_caller_is_turned_away_and_everybody_else_gets_through() {
    let scene = Scene::open(bursts(60, 1_000)).await;
    let channel = scene.channel().await;
    let (flooder, other) = (scene.clerk(0), scene.clerk(1));
    let before = scene.size(REGION).await;
    let (mut accepted, mut limited) = (0, 0);
    for round in 0..200 {
        let message = scene.registration(round);
        match told(&channel, flooder, REGISTER, message).await {
            Ok(()) => accepted += 1,
            Err(status) => {
                come_back(&status, Code::ResourceExhausted, "RATE_LIMITED");
                assert_eq!(whose(&status), "caller");
                limited += 1;
            }
        }
        if round % 10 == 0 {
            let message = scene.registration(1_000 + round);
            told(&channel, other, REGISTER, message).await.unwrap();
        }
    }
    assert!(accepted >= 60 && limited >= 20, "{accepted} {limited}");
    // Exactly what was acknowledged.
    assert_eq!(scene.size(REGION).await, before + accepted + 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_costs_as_much_as_its_moves() {
    let scene = Scene::open(bursts(100, 1_000)).await;
    let channel = scene.channel().await;
    let key = scene.clerk(0);
    told(&channel, key, REGISTER, scene.registration(0))
        .await
        .unwrap();
    let batch = |from: u64| v1::BatchRegisterPersonRequest {
        parent: scene.office.parent(),
        mode: v1::Mode::Each.into(),
        requests: (from..from + 90)
            .map(|person| scene.registration(person))
            .collect(),
        ..v1::BatchRegisterPersonRequest::default()
    };
    let method = "PeopleService/BatchRegisterPerson";
    let before = scene.size(REGION).await;
    let answer: v1::BatchRegisterPersonResponse =
        call(&channel, key, method, batch(1)).await.unwrap();
    assert_eq!(answer.results.len(), 90);
    // It finds a token still, and is taken; what it costs beyond that is owed.
    told(&channel, key, method, batch(100)).await.unwrap();
    assert_eq!(scene.size(REGION).await, before + 180);
    let status = told(&channel, key, method, batch(200)).await.unwrap_err();
    come_back(&status, Code::ResourceExhausted, "RATE_LIMITED");
    assert_eq!(scene.size(REGION).await, before + 180);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_bad_credentials_are_one_stranger_and_a_good_one_comes_in_beside_them() {
    let scene = Scene::open(bursts(1_000, 60)).await;
    let channel = scene.channel().await;
    let known = scene.clerk(0);
    told(&channel, known, REGISTER, scene.registration(1))
        .await
        .unwrap();
    let before = scene.heads().await;
    let (mut unknown, mut limited) = (0, 0);
    for number in 0..200 {
        let key = stranger(number);
        let message = scene.registration(2);
        let status = told(&channel, &key, REGISTER, message).await.unwrap_err();
        match status.code() {
            Code::PermissionDenied => {
                assert_eq!(reason(&status), "CALLER_UNKNOWN");
                unknown += 1;
            }
            _ => {
                come_back(&status, Code::ResourceExhausted, "RATE_LIMITED");
                assert_eq!(whose(&status), "address");
                limited += 1;
            }
        }
    }
    assert!(limited >= 20, "{unknown} {limited}");
    // One without any credential is a stranger, too.
    let nobody = told(&channel, "", REGISTER, scene.registration(2)).await;
    assert_eq!(whose(&nobody.unwrap_err()), "address");
    assert_eq!(scene.heads().await, before);
    for person in 10..20 {
        told(&channel, known, REGISTER, scene.registration(person))
            .await
            .unwrap();
    }
}

/// A stranger's batch is not one call: each of its items would be looked up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_batch_costs_its_address_as_much_as_its_items() {
    let scene = Scene::open(bursts(1_000, 100)).await;
    let channel = scene.channel().await;
    let batch = || v1::BatchRegisterPersonRequest {
        parent: scene.office.parent(),
        mode: v1::Mode::Each.into(),
        requests: (0..200).map(|person| scene.registration(person)).collect(),
        ..v1::BatchRegisterPersonRequest::default()
    };
    let before = scene.heads().await;
    let method = "PeopleService/BatchRegisterPerson";
    told(&channel, &stranger(0), method, batch()).await.unwrap();
    let status = told(&channel, &stranger(1), method, batch())
        .await
        .unwrap_err();
    come_back(&status, Code::ResourceExhausted, "RATE_LIMITED");
    assert_eq!(whose(&status), "address");
    assert_eq!(scene.heads().await, before);
}

/// One HTTP/1 answer.
async fn get(scene: &Scene, from: u8, path: &str) -> String {
    let mut stream = connect(scene.running.address, from).await;
    let asked = format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_files_are_limited_by_address_and_health_is_always_told() {
    let limits = Limits {
        public_per_second: 1,
        public_burst: 5,
        ..Limits::default()
    };
    let scene = Scene::open(limits).await;
    let mut limited = 0;
    for _ in 0..40 {
        for path in ["/log/regions", "/.well-known/jwks.json"] {
            let answer = get(&scene, 2, path).await;
            if !answer.starts_with("HTTP/1.1 200") {
                assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
                assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
                limited += 1;
            }
        }
        assert!(get(&scene, 2, "/healthz").await.starts_with("HTTP/1.1 200"));
    }
    assert!(limited >= 10, "{limited}");
    // Another address does not feel it, and neither does gRPC.
    assert!(
        get(&scene, 3, "/log/regions")
            .await
            .starts_with("HTTP/1.1 200")
    );
    let channel = scene.channel().await;
    let key = &scene.running.operator_key;
    told(&channel, key, GET_HEAD, scene.get_head())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_about_people_by_applying_for_them_is_stopped() {
    let limits = Limits {
        probes_per_minute: 1,
        probes_burst: 5,
        ..Limits::default()
    };
    let scene = Scene::open(limits).await;
    let channel = scene.channel().await;
    let person = scene.office.person(&scene.client, 1).await;
    let other = scene.office.person(&scene.client, 2).await;
    scene.office.applied(&scene.client, &person).await;
    let before = scene.heads().await;
    let apply = |person: &str, validate_only| v1::ApplyRequest {
        validate_only,
        ..scene
            .office
            .application(person, scene.office.fresh("probe"))
    };
    let (portal, method) = (&scene.office.portal, "ApplicationService/Apply");
    // Whoever asks again hears that they have a voucher already, and then nothing more.
    for _ in 0..5 {
        let status = told(&channel, portal, method, apply(&person, false)).await;
        assert_eq!(status.unwrap_err().code(), Code::FailedPrecondition);
    }
    for dry in [false, true] {
        let status = told(&channel, portal, method, apply(&person, dry))
            .await
            .unwrap_err();
        come_back(&status, Code::ResourceExhausted, "PROBES_LIMITED");
        assert_eq!(whose(&status), "probes");
    }
    // No other move waits for it, and nobody else.
    let clerk = scene.clerk(0);
    let dry = v1::RegisterPersonRequest {
        validate_only: true,
        ..scene.registration(3)
    };
    for _ in 0..5 {
        told(&channel, clerk, REGISTER, dry.clone()).await.unwrap();
    }
    let status = told(&channel, clerk, REGISTER, dry).await.unwrap_err();
    come_back(&status, Code::ResourceExhausted, "PROBES_LIMITED");
    assert_eq!(scene.heads().await, before);
    told(&channel, clerk, REGISTER, scene.registration(3))
        .await
        .unwrap();
    // Not even a good application of theirs goes through meanwhile: it might have been a bad one.
    let status = told(&channel, portal, method, apply(&other, false))
        .await
        .unwrap_err();
    come_back(&status, Code::ResourceExhausted, "PROBES_LIMITED");
}
