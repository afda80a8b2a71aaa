//! What a stranger finds without a key: reflection, health, the token key set.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hefu_domain::Instant;
use hefu_tests::office::{GENERAL_MAX_FEN, must};
use hefu_token::{KeySet, PublicKey, Suite, TokenError};
use hefu_wire::v1;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::{Api, ISSUER, NOW};

const SUBJECTS: [&str; 14] = [
    "Access",
    "Application",
    "Assessment",
    "Audit",
    "Funds",
    "Issuance",
    "People",
    "Policy",
    "Redemption",
    "Registry",
    "Reporting",
    "Settlement",
    "Supervision",
    "Training",
];

pub(crate) async fn channel(api: &Api) -> Channel {
    let address = format!("http://{}", api.running.address);
    let endpoint = Endpoint::from_shared(address).unwrap();
    endpoint.connect().await.unwrap()
}

/// Status line with headers, and body, of a GET over HTTP/1.1.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let reading = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = reading.await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_says_serving_over_grpc_and_http() {
    let api = Api::start().await;
    let mut health = HealthClient::new(channel(&api).await);
    let asked = HealthCheckRequest {
        service: String::new(),
    };
    let answer = health.check(asked).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);
    for subject in SUBJECTS {
        let service = format!("voucher.v1.{subject}Service");
        let answer = health.check(HealthCheckRequest { service }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    }
    let (head, body) = get(api.running.address, "/healthz").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, "serving\n");
    let (head, _) = get(api.running.address, "/no-such-page").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reflection_lists_every_service() {
    let api = Api::start().await;
    let mut reflection = ServerReflectionClient::new(channel(&api).await);
    let asked = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let stream = futures_util::stream::iter([asked]);
    let mut answers = reflection
        .server_reflection_info(stream)
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("not a list of services: {answer:?}");
    };
    let names: Vec<&str> = list.service.iter().map(|s| s.name.as_str()).collect();
    for subject in SUBJECTS {
        let name = format!("voucher.v1.{subject}Service");
        assert!(names.contains(&name.as_str()), "{name} is not in {names:?}");
    }
    assert!(names.contains(&"grpc.health.v1.Health"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetched_token_is_verified_with_nothing_but_the_published_key_set() {
    let api = Api::start().await;
    let office = &api.office;
    let person = office.person(&api.client, 1).await;
    let voucher = office.applied(&api.client, &person).await;
    let issue = office.issue(&voucher, office.fresh("issue"));
    let _: v1::IssueResponse = must(
        &api.client,
        &office.reviewer,
        "IssuanceService/Issue",
        issue,
    )
    .await;
    let fetch = v1::FetchTokenRequest {
        name: voucher.clone(),
        holder: person,
        request_id: office.fresh("fetch"),
        validate_only: false,
    };
    let fetched: v1::FetchTokenResponse = must(
        &api.client,
        &office.portal,
        "IssuanceService/FetchToken",
        fetch,
    )
    .await;

    let (head, body) = get(api.running.address, "/.well-known/jwks.json").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("application/jwk-set+json"), "{head}");
    let published: serde_json::Value = serde_json::from_str(&body).unwrap();
    let mut keys = KeySet::new(ISSUER);
    for jwk in published["keys"].as_array().unwrap() {
        assert_eq!((&jwk["kty"], &jwk["alg"]), (&"OKP".into(), &"EdDSA".into()));
        assert!(jwk.get("d").is_none(), "a private key is published");
        let x = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
        let key = PublicKey::from_bytes(Suite::Ed25519Sha256, &x).unwrap();
        assert_eq!(jwk["kid"], key.kid());
        keys.insert(key, None);
    }
    let claims = keys.verify(&fetched.token, NOW).unwrap();
    assert!(voucher.ends_with(&claims.jti.to_string()));
    assert_eq!(claims.cap.0, GENERAL_MAX_FEN);

    let mut tampered = fetched.token.clone().into_bytes();
    let middle = tampered.len() / 2;
    tampered[middle] = if tampered[middle] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).unwrap();
    assert_eq!(keys.verify(&tampered, NOW), Err(TokenError::BadSignature));
    let after = Instant(claims.exp * 1_000);
    assert_eq!(keys.verify(&fetched.token, after), Err(TokenError::Expired));
}
