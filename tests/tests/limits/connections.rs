//! Connections: too many, idle ones, silent ones, and such as only reset.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use hefu_tests::cli::hefu;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::wire::{Frames, HEADERS, PING, RST_STREAM, connect};
use crate::*;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// ENHANCE_YOUR_CALM.
const CALM: u32 = 11;

/// Waits until the other side hangs up.
async fn hangs_up(mut stream: TcpStream) {
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    // With a reset or without.
    let _ = ended.expect("it is held for ever");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_takes_its_share_of_connections_and_others_come_in() {
    let limits = Limits {
        connections: 30,
        connections_per_address: 20,
        ..Limits::default()
    };
    let scene = Scene::open(limits).await;
    let to = scene.running.address;
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut idle = Frames::open(connect(to, 2).await).await;
        idle.ping().await.expect("it has a place");
        held.push(idle);
    }
    hangs_up(connect(to, 2).await).await;
    // The office's own connection has one of the other ten places.
    let channel = scene.channel().await;
    told(&channel, scene.clerk(0), REGISTER, scene.registration(1))
        .await
        .unwrap();
    for _ in 0..8 {
        let mut idle = Frames::open(connect(to, 3).await).await;
        idle.ping().await.expect("it has a place");
        held.push(idle);
    }
    hangs_up(connect(to, 4).await).await;
    // Whoever is in is served on; whoever goes makes room.
    told(&channel, scene.clerk(0), REGISTER, scene.registration(2))
        .await
        .unwrap();
    drop(held.pop());
    loop {
        let mut next = Frames::open(connect(to, 4).await).await;
        if next.ping().await.is_some() {
            break;
        }
    }
}

/// As many idle connections as `HEFU_CONNECTIONS` says, 500 without it, on a server of its own process: `tests/long` asks for 10,000.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_idle_connections_leaves_everybody_else_served() {
    let crowd = std::env::var("HEFU_CONNECTIONS");
    let crowd: usize = crowd.map_or(500, |text| text.parse().unwrap());
    let folder = Folder::new("hefu-crowd");
    let config = folder.path().join("hefu.toml");
    let most = crowd + 100;
    let state = folder.path().join("state");
    let text = format!(
        "database = \"sqlite://{}\"\nstate = \"{}\"\nlisten = \"127.0.0.1:0\"\n[limits]\nconnections = {most}\nconnections_per_address = {most}\n",
        folder.path().join("hefu.db").display(),
        state.display(),
    );
    std::fs::write(&config, text).unwrap();
    let mut serve = hefu();
    serve.arg("serve").arg("--config").arg(&config);
    let mut child = serve.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.map_while(Result::ok).find_map(|line| {
        let rest = line.strip_prefix("hefu serves on http://")?;
        Some(rest.split(' ').next().unwrap().to_owned())
    });
    let address = address.expect("the server starts");
    let to = address.parse().unwrap();
    let mut idle = Vec::with_capacity(crowd);
    for number in 0..crowd {
        // A quarter of them says nothing at all.
        let stream = connect(to, 2 + u8::try_from(number % 4).unwrap()).await;
        let frames = match number % 4 {
            0 => None,
            _ => Some(Frames::open(stream).await),
        };
        idle.push(frames);
    }
    let operator = std::fs::read_to_string(state.join("operator.key")).unwrap();
    let operator = operator
        .lines()
        .find(|line| line.starts_with("hefu_"))
        .unwrap();
    let client = Client::connect(&format!("http://{address}")).await.unwrap();
    let office = Office::open(&client, operator, REGION, now(), 1, 1_000_000).await;
    for person in 0..10 {
        office.person(&client, person).await;
    }
    for frames in idle.iter_mut().flatten() {
        frames.ping().await.expect("an idle connection is kept");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn now() -> Instant {
    Clock::system().now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_begins_and_takes_back_is_cut_off_and_nothing_was_written() {
    let scene = Scene::open(Limits::default()).await;
    let before = scene.heads().await;
    let mut attacker = Frames::open(connect(scene.running.address, 1).await).await;
    let mut stream = 1;
    // It ends by itself long before that (CVE-2023-44487).
    for _ in 0..100_000 {
        let begun = attacker.begin(stream, scene.clerk(0), REGISTER).await;
        let cancel = 8_u32.to_be_bytes();
        let reset = attacker.write(RST_STREAM, 0, stream, &cancel).await;
        if begun.is_err() || reset.is_err() {
            break;
        }
        stream += 2;
    }
    assert!(stream < 200_000, "it may go on for ever");
    let said = attacker.goodbye().await;
    assert!(matches!(said, None | Some(CALM)), "{said:?}");
    let channel = scene.channel().await;
    assert_eq!(scene.heads().await, before);
    told(&channel, scene.clerk(0), REGISTER, scene.registration(1))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_an_end_are_cut_off() {
    let scene = Scene::open(Limits::default()).await;
    let mut attacker = Frames::open(connect(scene.running.address, 1).await).await;
    // HEADERS without END_HEADERS, then CONTINUATION after CONTINUATION (CVE-2024-27316).
    attacker.write(HEADERS, 0, 1, &[]).await.unwrap();
    let name = [&[0, 4][..], b"name", &[100], &[b'x'; 100]].concat();
    let length = u32::try_from(name.len()).unwrap().to_be_bytes();
    let continuation = [&length[1..], &[9, 0, 0, 0, 0, 1], &name].concat();
    let flooded = attacker.flood(&continuation, 1_000_000).await;
    assert!(flooded.is_err(), "it may go on for ever");
    let channel = scene.channel().await;
    told(&channel, scene.clerk(0), REGISTER, scene.registration(1))
        .await
        .unwrap();
}

/// Pings whose answers nobody takes: what cannot be answered is not read either, so nothing piles up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_are_answered_one_at_a_time_and_hold_nobody_up() {
    let scene = Scene::open(Limits::default()).await;
    let mut attacker = Frames::open(connect(scene.running.address, 1).await).await;
    let ping = [&[0, 0, 8, PING, 0, 0, 0, 0, 0][..], b"a flood!"].concat();
    let pings = ping.repeat(1_000);
    let flood = attacker.flood(&pings, 10_000);
    // Neither side reads any more, or all were read.
    let _ = tokio::time::timeout(Duration::from_secs(2), flood).await;
    let channel = scene.channel().await;
    told(&channel, scene.clerk(0), REGISTER, scene.registration(1))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_nothing_is_let_go_and_comes_back_when_they_like() {
    let limits = Limits {
        first_request_seconds: 1,
        idle_seconds: 1,
        ..Limits::default()
    };
    let scene = Scene::open(limits).await;
    let to = scene.running.address;
    let channel = scene.channel().await;
    told(&channel, scene.clerk(0), REGISTER, scene.registration(1))
        .await
        .unwrap();
    // Silence, half a request of HTTP/1, half a preface of HTTP/2, and HTTP/2 without a request.
    let mut trickles = connect(to, 1).await;
    trickles
        .write_all(b"GET /healthz HTTP/1.1\r\nHo")
        .await
        .unwrap();
    let mut half = connect(to, 1).await;
    half.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    let mut silent = Frames::open(connect(to, 1).await).await;
    for stream in [connect(to, 1).await, trickles, half] {
        hangs_up(stream).await;
    }
    let said = tokio::time::timeout(PATIENCE, silent.goodbye()).await;
    assert_eq!(said.expect("it is held for ever"), Some(0));
    // A client of good manners does not notice.
    told(&channel, scene.clerk(0), REGISTER, scene.registration(2))
        .await
        .unwrap();
}
