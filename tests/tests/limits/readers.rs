//! Readers that do not read.

use hefu_wire::v1;
use tonic::Streaming;
use v1::audit_service_client::AuditServiceClient;

use crate::*;

/// A follower's stream of events, of which the server may send ahead so many bytes.
async fn follow(scene: &Scene, window: u32) -> Result<Streaming<v1::EventRecord>, Status> {
    let endpoint = Endpoint::from_shared(scene.running.url()).unwrap();
    let endpoint = endpoint.initial_stream_window_size(window);
    let channel = endpoint.connect().await.unwrap();
    let mut request = Request::new(v1::StreamEventsRequest {
        parent: scene.office.parent(),
        follow: true,
        ..v1::StreamEventsRequest::default()
    });
    let bearer = format!("Bearer {}", scene.running.operator_key);
    let bearer = bearer.parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let mut client = AuditServiceClient::new(channel);
    Ok(client.stream_events(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_is_given_up_and_one_that_waits_is_not() {
    let limits = Limits {
        slow_reader_seconds: 1,
        streams_per_caller: 2,
        ..Limits::default()
    };
    let scene = Scene::open(limits).await;
    // More than HTTP/2 holds ready for a reader, whatever they take.
    let channel = scene.channel().await;
    let batch = v1::BatchRegisterPersonRequest {
        parent: scene.office.parent(),
        mode: v1::Mode::Each.into(),
        requests: (0..200).map(|person| scene.registration(person)).collect(),
        ..v1::BatchRegisterPersonRequest::default()
    };
    let method = "PeopleService/BatchRegisterPerson";
    told(&channel, scene.clerk(0), method, batch).await.unwrap();
    let there = scene.size(REGION).await;
    // One takes everything and waits for more; the other's window holds less than the log.
    let mut waiting = follow(&scene, 1 << 20).await.unwrap();
    for _ in 0..there {
        waiting.message().await.unwrap().unwrap();
    }
    let mut slow = follow(&scene, 1_000).await.unwrap();
    let status = follow(&scene, 1_000).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert_eq!(reason(&status), "TOO_MANY_STREAMS");
    // Its place is free again as soon as the slow one is given up.
    let third = loop {
        match follow(&scene, 1 << 20).await {
            Ok(stream) => break stream,
            Err(status) => assert_eq!(reason(&status), "TOO_MANY_STREAMS"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let mut read = 0;
    let ended = loop {
        match slow.message().await {
            Ok(Some(_)) => read += 1,
            Ok(None) => panic!("it ended as if all had been read"),
            Err(status) => break status,
        }
    };
    assert!(read < there, "{read} of {there}: {ended}");
    // Whoever waits for events gets them.
    told(
        &channel,
        scene.clerk(0),
        REGISTER,
        scene.registration(1_000),
    )
    .await
    .unwrap();
    let event = waiting.message().await.unwrap().unwrap();
    assert_eq!(event.index, there);
    drop(third);
}
