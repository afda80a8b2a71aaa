//! Callers whom a provider vouches for, and what its tokens must not get away with.

use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hefu_server::ProviderAt;
use hefu_server::caller::of_subject;
use hefu_wire::v1;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tonic::Code;
use v1::access_service_client::AccessServiceClient;

use super::rustls::ServerConfig;
use super::rustls::pki_types::pem::PemObject as _;
use super::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use super::*;

const ISSUER: &str = "https://id.example.gov/realm";
const AUDIENCE: &str = "hefu";
const SUBJECT: &str = "alice";

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A provider's keys, one of each kind.
struct Keys {
    ed: Ed25519KeyPair,
    ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
}

impl Keys {
    fn new() -> Keys {
        Keys {
            ed: Ed25519KeyPair::generate().unwrap(),
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        }
    }

    fn rsa_modulus(&self) -> &[u8] {
        // A sequence of two integers: 256 bytes after a zero, and 65,537.
        let der = self.rsa.public_key().as_ref();
        assert_eq!((der.len(), &der[265..]), (270, &[2, 3, 1, 0, 1][..]));
        &der[9..265]
    }

    fn set(&self) -> String {
        let point = self.ec.public_key().as_ref();
        json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(self.ed.public_key().as_ref())},
            {"kty": "EC", "crv": "P-256", "kid": "ec", "x": b64(&point[1..33]), "y": b64(&point[33..])},
            {"kty": "RSA", "kid": "rsa", "n": b64(self.rsa_modulus()), "e": "AQAB", "use": "sig"},
        ]})
        .to_string()
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let signed = format!(
            "{}.{}",
            b64(header.to_string().as_bytes()),
            b64(claims.to_string().as_bytes())
        );
        let (message, random) = (signed.as_bytes(), SystemRandom::new());
        let signature = match header["alg"].as_str().unwrap() {
            "EdDSA" => self.ed.sign(message).as_ref().to_vec(),
            "ES256" => self.ec.sign(&random, message).unwrap().as_ref().to_vec(),
            "RS256" => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                let signed = self
                    .rsa
                    .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.unwrap();
                signature
            }
            "HS256" => {
                // The confusion: what everybody knows of the RSA key, taken for a secret.
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.rsa.public_key().as_ref());
                hmac::sign(&key, message).as_ref().to_vec()
            }
            _ => Vec::new(),
        };
        format!("{signed}.{}", b64(&signature))
    }
}

fn header(alg: &str, kid: &str) -> Value {
    json!({"alg": alg, "kid": kid, "typ": "JWT"})
}

fn now() -> i64 {
    Clock::system().now().0 / 1000
}

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "exp": now() + 300})
}

/// The claims with one of them changed, or taken out.
fn claims_but(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => claims.as_object_mut().unwrap().remove(name),
        value => claims
            .as_object_mut()
            .unwrap()
            .insert(name.to_owned(), value),
    };
    claims
}

fn provider(jwks: String, ca: Option<std::path::PathBuf>) -> ProviderAt {
    let text = format!("issuer = '{ISSUER}'\naudience = '{AUDIENCE}'\njwks = '{jwks}'\n");
    let at: ProviderAt = toml::from_str(&text).unwrap();
    ProviderAt { ca, ..at }
}

/// A grant of that subject as an operator, who may write.
fn grant(of: &str, request: &str) -> v1::GrantCallerRequest {
    v1::GrantCallerRequest {
        parent: format!("regions/{REGION}"),
        credential: of_subject(ISSUER, of).to_string(),
        grant: Some(v1::Grant {
            subject: of.to_owned(),
            person: of.to_owned(),
            roles: vec![v1::Role::Operator.into()],
            ..v1::Grant::default()
        }),
        request_id: request.to_owned(),
        validate_only: false,
    }
}

async fn events(running: &Running) -> Vec<i64> {
    let heads = running.engine.store().all_heads().await.unwrap();
    heads.iter().map(|head| head.size as i64).collect()
}

/// Whoever bears that grants to somebody.
async fn write(running: &Running, bearer: &str, to: &str) -> Result<(), Status> {
    let mut access = AccessServiceClient::connect(running.url()).await.unwrap();
    let message = asked(grant(to, &format!("grant-{to}")), Some(bearer));
    access.grant_caller(message).await.map(|_| ())
}

on_both_engines! {
    async fn a_subject_that_is_granted_calls_by_a_token_and_no_forged_or_foreign_token_does(store: Store, place: Place) {
        store.close().await; // the server opens it itself
        let (house, keys) = (House::at(place), Keys::new());
        let file = house.folder.path().join("jwks.json");
        std::fs::write(&file, keys.set()).unwrap();
        let trusted = vec![provider(file.to_str().unwrap().to_owned(), None)];
        let running = house.serve_with(None, trusted).await.unwrap();
        let genuine = keys.token(&header("EdDSA", "ed"), &claims());
        let status = write(&running, &genuine, "early").await.unwrap_err();
        assert_eq!(
            reason(&status),
            "CALLER_UNKNOWN",
            "vouched for, and not granted"
        );
        write(&running, &running.operator_key, SUBJECT)
            .await
            .unwrap();
        let several = claims_but("aud", json!(["other", AUDIENCE]));
        let late = claims_but("exp", json!(now() - 30));
        for (to, token) in [
            ("by-ed", genuine.clone()),
            ("by-ec", keys.token(&header("ES256", "ec"), &claims())),
            ("by-rsa", keys.token(&header("RS256", "rsa"), &claims())),
            ("several", keys.token(&header("EdDSA", "ed"), &several)),
            ("leeway", keys.token(&header("EdDSA", "ed"), &late)),
        ] {
            write(&running, &token, to).await.unwrap();
        }
        let before = events(&running).await;
        let by = |header: Value, claims: Value| keys.token(&header, &claims);
        let ed = || header("EdDSA", "ed");
        let with = |name: &str, value: Value| by(ed(), claims_but(name, value));
        let mut flipped = genuine.clone().into_bytes();
        let at = genuine.rfind('.').unwrap() + 5;
        flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
        let (_, rest) = genuine.split_once('.').unwrap();
        let foreign = Keys::new().token(&ed(), &claims());
        let mut critical = ed();
        critical["crit"] = json!(["exp"]);
        let attacks = [
            ("JWT_ALGORITHM", by(header("none", "ed"), claims())),
            ("JWT_ALGORITHM", by(header("HS256", "rsa"), claims())),
            ("JWT_ALGORITHM", by(header("RS256", "ed"), claims())),
            ("JWT_ALGORITHM", by(header("EdDSA", "rsa"), claims())),
            ("JWT_ALGORITHM", by(header("eddsa", "ed"), claims())),
            ("JWT_KEY_UNKNOWN", by(header("EdDSA", "other"), claims())),
            ("JWT_KEY_UNKNOWN", by(json!({"alg": "EdDSA"}), claims())),
            ("JWT_SIGNATURE", foreign),
            ("JWT_SIGNATURE", String::from_utf8(flipped).unwrap()),
            (
                "JWT_SIGNATURE",
                genuine[..genuine.rfind('.').unwrap() + 1].to_owned(),
            ),
            (
                "JWT_ISSUER",
                with("iss", json!("https://id.example.gov/other")),
            ),
            ("JWT_ISSUER", with("iss", json!(format!("{ISSUER}/")))),
            ("JWT_AUDIENCE", with("aud", json!("hefu2"))),
            ("JWT_AUDIENCE", with("aud", json!(["other"]))),
            ("JWT_AUDIENCE", with("aud", Value::Null)),
            ("JWT_EXPIRED", with("exp", json!(now() - 61))),
            ("JWT_EXPIRED", with("exp", Value::Null)),
            ("JWT_NOT_YET_VALID", with("nbf", json!(now() + 120))),
            ("JWT_SUBJECT", with("sub", Value::Null)),
            ("JWT_SUBJECT", with("sub", json!(""))),
            ("JWT_SUBJECT", with("sub", json!("a".repeat(256)))),
            ("JWT_TOO_LARGE", with("more", json!("a".repeat(7_000)))),
            ("JWT_MALFORMED", by(critical, claims())),
            ("JWT_MALFORMED", with("exp", json!("tomorrow"))),
            ("JWT_MALFORMED", format!("bm9uc2Vuc2U.{rest}")),
            ("CREDENTIAL_MISSING", format!("{genuine}.a")),
        ];
        for (at, (wanted, token)) in attacks.iter().enumerate() {
            let status = write(&running, token, "mallory").await.unwrap_err();
            assert_eq!(status.code(), Code::Unauthenticated, "{at}: {status}");
            assert_eq!(&reason(&status), wanted, "{at}: {status}");
        }
        // The transport takes no header of that size, so that it reaches nobody.
        let huge = with("more", json!("a".repeat(100_000)));
        write(&running, &huge, "mallory").await.unwrap_err();
        let other = by(ed(), claims_but("sub", json!("bob")));
        let status = write(&running, &other, "mallory").await.unwrap_err();
        assert_eq!(reason(&status), "CALLER_UNKNOWN", "another subject");
        assert_eq!(events(&running).await, before, "nothing was written");
        write(&running, &genuine, "after").await.unwrap();
        running.stop().await;
    }
}

/// Answers every connection with that key set, over TLS.
async fn publish(authority: &Authority, set: String) -> String {
    let made = authority.certify("127.0.0.1");
    let certificate = CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}/jwks", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whoever does not trust us hangs up here.
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 4096]).await;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", set.len());
                let answer = format!("{head}Connection: close\r\n\r\n{set}");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_fetched_over_https_from_whom_the_ca_vouches_for_and_else_nobody_is_let_in() {
    let (house, keys) = (House::new().await, Keys::new());
    let address = publish(&house.authority, keys.set()).await;
    let trusted = |ca| vec![provider(address.clone(), Some(ca))];
    let token = keys.token(&header("ES256", "ec"), &claims());
    let running = house
        .serve_with(None, trusted(house.authority.file()))
        .await
        .unwrap();
    let status = write(&running, &token, "bob").await.unwrap_err();
    assert_eq!(reason(&status), "CALLER_UNKNOWN", "vouched for: {status}");
    running.stop().await;
    let stranger = Authority::new("stranger");
    let running = house
        .serve_with(None, trusted(stranger.file()))
        .await
        .unwrap();
    let status = write(&running, &token, "bob").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(reason(&status), "JWT_KEYS_UNAVAILABLE");
    running.stop().await;
    let none = provider("http://127.0.0.1/jwks".to_owned(), None);
    let refused = house.serve_with(None, vec![none]).await.err().unwrap();
    assert!(
        refused.to_string().contains("must be https://"),
        "{refused}"
    );
    let unsafe_algorithm = "issuer='a'\naudience='b'\njwks='c'\nalgorithms=['HS256']";
    let refused = toml::from_str::<ProviderAt>(unsafe_algorithm)
        .err()
        .unwrap()
        .to_string();
    assert!(
        refused.contains("HS256") && refused.contains("EdDSA"),
        "{refused}"
    );
}
