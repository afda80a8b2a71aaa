//! Messages that are too large, are not what they say, or cannot be read.

use hefu_wire::v1;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use tonic::codec::CompressionEncoding;

use crate::wire::{frame, http2, send, whole};
use crate::*;

const MIB: usize = 1 << 20;

/// What it is, headers, body, and what its sender hears.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Vec<u8>, (Code, &'a str));

/// A registration of exactly so many bytes: what a later version might have in a field that this one does not know.
fn padded(scene: &Scene, person: u64, length: usize) -> Vec<u8> {
    let mut message = scene.registration(person).encode_to_vec();
    // Field 1000, a text, with three bytes for its length.
    let rest = length - message.len() - 5;
    message.extend([0xc2, 0x3e]);
    prost::encoding::encode_varint(rest as u64, &mut message);
    message.resize(length, b'x');
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_the_largest_size_is_read_and_one_byte_more_is_refused() {
    let scene = Scene::open(Limits::default()).await;
    let before = scene.heads().await;
    let mut door = http2(scene.running.address).await;
    let large = padded(&scene, 1, MIB + 1);
    let body = whole(frame(0, (MIB + 1) as u32, &large));
    let answered = send(&mut door, scene.clerk(0), REGISTER, &[], body).await;
    let status = answered.status.unwrap();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert_eq!(reason(&status), "MESSAGE_TOO_LARGE");
    assert!(status.message().contains("1048576"), "{status}");
    assert_eq!(scene.heads().await, before);
    let fits = whole(frame(0, MIB as u32, &padded(&scene, 1, MIB)));
    let answered = send(&mut door, scene.clerk(0), REGISTER, &[], fits).await;
    assert_eq!(answered.status.unwrap().code(), Code::Ok);
    assert_ne!(scene.heads().await, before);
}

/// What a desk or an integrator sends at most, with tokens as long as a large deployment's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_batch_of_redemptions_fits_a_message() {
    let scene = Scene::open(Limits::default()).await;
    let before = scene.heads().await;
    let channel = scene.channel().await;
    let parent = scene.office.parent();
    let item = |number: usize| v1::RedeemRequest {
        name: format!("{parent}/vouchers/01890000-0000-7000-8000-{number:012}"),
        token: "x".repeat(700),
        request_id: format!("a-request-id-of-a-usual-length-{number:06}"),
        ..v1::RedeemRequest::default()
    };
    let batch = v1::BatchRedeemRequest {
        parent: parent.clone(),
        mode: v1::Mode::Each.into(),
        requests: (0..1_000).map(item).collect(),
        ..v1::BatchRedeemRequest::default()
    };
    assert!(batch.encoded_len() < MIB, "{}", batch.encoded_len());
    let method = "RedemptionService/BatchRedeem";
    let key = scene.clerk(0);
    let answer: v1::BatchRedeemResponse = call(&channel, key, method, batch).await.unwrap();
    assert_eq!(answer.results.len(), 1_000);
    assert_eq!(scene.heads().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_is_not_unpacked() {
    let scene = Scene::open(Limits::default()).await;
    let before = scene.heads().await;
    let mut registration = scene.registration(1);
    // A thousandth of it goes over the wire.
    registration.display_name = "0".repeat(64 << 20);
    let bearer = format!("Bearer {}", scene.clerk(0)).parse().unwrap();
    let mut request = Request::new(registration);
    request.metadata_mut().insert("authorization", bearer);
    let grpc = Grpc::new(scene.channel().await);
    let mut grpc = grpc.send_compressed(CompressionEncoding::Gzip);
    grpc.ready().await.unwrap();
    let path = format!("/voucher.v1.{REGISTER}").parse().unwrap();
    let codec = ProstCodec::<_, ()>::default();
    let status = grpc.unary(request, path, codec).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
    assert_eq!(reason(&status), "NOT_IMPLEMENTED");
    assert_eq!(scene.heads().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_lie_are_refused_and_leave_nothing_behind() {
    let scene = Scene::open(Limits::default()).await;
    let before = scene.heads().await;
    let mut door = http2(scene.running.address).await;
    let good = scene.registration(1).encode_to_vec();
    let length = good.len() as u32;
    let unreadable = (Code::InvalidArgument, "MESSAGE_UNREADABLE");
    let cases: [Case; 11] = [
        ("nothing", &[], Vec::new(), unreadable),
        ("half a prefix", &[], vec![0, 0, 0], unreadable),
        ("a prefix alone", &[], frame(0, length, &[]), unreadable),
        (
            "a cut message",
            &[],
            frame(0, length, &good[..20]),
            unreadable,
        ),
        (
            "more than there is",
            &[],
            frame(0, length + 1, &good),
            unreadable,
        ),
        (
            "less than there is",
            &[],
            frame(0, length - 1, &good),
            unreadable,
        ),
        ("no such flag", &[], frame(2, length, &good), unreadable),
        ("packed in no way", &[], frame(1, length, &good), unreadable),
        (
            "longer than any memory",
            &[],
            frame(0, u32::MAX, &good),
            (Code::InvalidArgument, "MESSAGE_TOO_LARGE"),
        ),
        (
            "packed",
            &[("grpc-encoding", "gzip")],
            frame(1, length, &good),
            (Code::Unimplemented, "NOT_IMPLEMENTED"),
        ),
        (
            "packed in a way that nobody knows",
            &[("grpc-encoding", "snappy")],
            frame(1, length, &good),
            (Code::Unimplemented, "NOT_IMPLEMENTED"),
        ),
    ];
    for (what, headers, body, (code, why)) in cases {
        let answered = send(&mut door, scene.clerk(0), REGISTER, headers, whole(body)).await;
        let status = answered.status.unwrap();
        assert_eq!(status.code(), code, "{what}: {status:?}");
        assert_eq!(reason(&status), why, "{what}: {status:?}");
    }
    assert_eq!(scene.heads().await, before);
    let body = whole(frame(0, length, &good));
    let answered = send(&mut door, scene.clerk(0), REGISTER, &[], body).await;
    assert_eq!(answered.status.unwrap().code(), Code::Ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_headers_are_refused_and_the_connection_serves_on() {
    let scene = Scene::open(Limits::default()).await;
    let mut door = http2(scene.running.address).await;
    let good = scene.get_head().encode_to_vec();
    let asked = || whole(frame(0, good.len() as u32, &good));
    let long = "x".repeat(20 << 10);
    let headers = [("x-filling", long.as_str())];
    let answered = send(&mut door, scene.clerk(0), GET_HEAD, &headers, asked()).await;
    assert_eq!(answered.http.as_u16(), 431, "{answered:?}");
    let answered = send(&mut door, scene.clerk(0), GET_HEAD, &[], asked()).await;
    assert_eq!(answered.status.unwrap().code(), Code::Ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_end_ends_with_the_deadline() {
    let limits = Limits {
        deadline_seconds: 1,
        ..Limits::default()
    };
    let scene = Scene::open(limits).await;
    let before = scene.heads().await;
    let mut door = http2(scene.running.address).await;
    let good = scene.registration(1).encode_to_vec();
    let most = Bytes::from(frame(0, good.len() as u32, &good[..good.len() - 1]));
    let first = futures_util::stream::iter([Ok(Frame::data(most))]);
    let endless = futures_util::StreamExt::chain(first, futures_util::stream::pending());
    let body = StreamBody::new(endless).boxed_unsync();
    let answered = send(&mut door, scene.clerk(0), REGISTER, &[], body).await;
    let status = answered.status.unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
    assert_eq!(scene.heads().await, before);
}
