//! TLS that the server ends itself.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hefu_tests::cli::hefu;
use hefu_wire::v1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use v1::policy_service_client::PolicyServiceClient;

use super::rustls::pki_types::ServerName;
use super::rustls::{ClientConfig, ProtocolVersion};
use super::*;

/// A connection of TLS alone, and whatever kept it from coming about.
async fn shake(
    house: &House,
    running: &Running,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut config = ClientConfig::builder()
        .with_root_certificates(house.authority.roots())
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let stream = TcpStream::connect(running.address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

async fn regions(channel: Channel) -> usize {
    let mut client = PolicyServiceClient::new(channel);
    let asked = v1::ListRegionsRequest::default();
    let listed = client.list_regions(asked).await.unwrap();
    listed.into_inner().regions.len()
}

fn served_certificate(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    let (_, session) = stream.get_ref();
    session.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_port_speaks_grpc_and_http_over_tls_and_nothing_in_clear() {
    let house = House::new().await;
    let running = house.serve(Some(house.files())).await.unwrap();
    assert!(running.url().starts_with("https://"));
    let channel = connect(&running, house.trusting()).await;
    assert_eq!(regions(channel).await, 12);
    let mut stream = shake(&house, &running, &["http/1.1"]).await.unwrap();
    let (_, session) = stream.get_ref();
    assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let asked = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
    stream.write_all(asked).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("\"keys\""),
        "{answer}"
    );
    let h2 = shake(&house, &running, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(h2.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let foreign = shake(&house, &running, &["smtp"]).await;
    assert!(foreign.is_err(), "nobody else's protocol");
    let mut clear = TcpStream::connect(running.address).await.unwrap();
    clear.write_all(asked).await.unwrap();
    let mut answer = Vec::new();
    // It may hang up before all was said.
    let _ = clear.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_says_nothing_holds_nobody_up_and_makes_room() {
    let house = House::new().await;
    let running = house.serve(Some(house.files())).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..1_100 {
        silent.push(TcpStream::connect(running.address).await.unwrap());
    }
    let asked = Instant::now();
    let channel = connect(&running, house.trusting()).await;
    assert_eq!(regions(channel).await, 12);
    let waited = asked.elapsed();
    assert!(
        waited < Duration::from_secs(8),
        "{waited:?}, as long as a silent handshake"
    );
    // The first of them made room; the last may still begin to speak, for its time.
    let wait = Duration::from_secs(5);
    let first = tokio::time::timeout(wait, silent[0].read_u8()).await;
    assert!(first.expect("the oldest is held").is_err());
    let last = silent.last_mut().unwrap();
    let held = tokio::time::timeout(Duration::from_millis(100), last.read_u8()).await;
    assert!(held.is_err(), "the newest was thrown out");
    let ended = tokio::time::timeout(Duration::from_secs(20), last.read_u8()).await;
    assert!(ended.expect("a silent handshake has no end").is_err());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_served_without_a_restart() {
    let house = House::new().await;
    let files = house.files();
    let running = house.serve(Some(files.clone())).await.unwrap();
    let open = connect(&running, house.trusting()).await;
    let before = served_certificate(&shake(&house, &running, &["h2"]).await.unwrap());
    let renewed = house.renew(&files);
    assert_ne!(before, renewed);
    let asked = Instant::now();
    loop {
        let served = served_certificate(&shake(&house, &running, &["h2"]).await.unwrap());
        if served == renewed {
            break;
        }
        assert_eq!(served, before);
        assert!(
            asked.elapsed() < Duration::from_secs(60),
            "the old one is served still"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(regions(open).await, 12, "an open connection goes on");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_usable_certificate_does_not_start() {
    let house = House::new().await;
    let files = house.files();
    std::fs::write(
        &files.certificate,
        house.authority.certify("127.0.0.1").certificate,
    )
    .unwrap();
    let refused = house.serve(Some(files)).await.err().unwrap();
    assert!(matches!(refused, StartError::Tls(_)), "{refused}");
    assert!(refused.to_string().contains("server.pem"), "{refused}");
}

#[test]
fn the_command_serves_https_from_its_configuration_and_is_called_over_it() {
    let folder = Folder::new("hefu-door");
    let at = |name: &str| folder.path().join(name);
    let authority = Authority::new("city");
    let made = authority.certify("127.0.0.1");
    made.put(&at("server.pem"), &at("server.key"));
    let config = format!(
        "database = 'sqlite://{}'\nstate = '{}'\nlisten = '127.0.0.1:0'\n[tls]\ncertificate = '{}'\nkey = '{}'\n",
        at("hefu.db").display(),
        at("state").display(),
        at("server.pem").display(),
        at("server.key").display(),
    );
    std::fs::write(at("hefu.toml"), config).unwrap();
    let mut serving = hefu()
        .args(["serve", "--config"])
        .arg(at("hefu.toml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let banner = lines.find_map(|line| {
        let line = line.ok()?;
        line.strip_prefix("hefu serves on ").map(str::to_owned)
    });
    let url = banner.and_then(|banner| Some(banner.split_once(' ')?.0.to_owned()));
    let called = url.as_ref().map(|url| {
        let mut call = hefu();
        call.args(["call", "PolicyService/ListRegions", "--server", url]);
        call.env("SSL_CERT_FILE", authority.file())
            .env_remove("SSL_CERT_DIR");
        call.output().unwrap()
    });
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert!(url.unwrap().starts_with("https://127.0.0.1:"));
    let called = called.unwrap();
    let said = String::from_utf8_lossy(&called.stderr);
    assert!(called.status.success(), "{said}");
    assert!(String::from_utf8_lossy(&called.stdout).contains("regions/140725"));
    // Both at once is a contradiction, and is said to be one.
    let both = hefu()
        .args(["serve", "--plaintext", "--config"])
        .arg(at("hefu.toml"))
        .output();
    let both = both.unwrap();
    assert!(!both.status.success());
    assert!(String::from_utf8_lossy(&both.stderr).contains("exclude each other"));
}
