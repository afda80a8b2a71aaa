//! Witnesses over HTTP, on loopback: being one, asking several, and a server whose checkpoints wait for them.

// A failed expectation is this test's answer.
#![allow(clippy::unwrap_used)]

mod asking;
mod killed;
mod serving;
mod signing;
mod tls;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use hefu_audit::witness::AddCheckpoint;
use hefu_domain::Instant;
use hefu_engine::{Clock, Source};
use hefu_log::{
    Checkpoint, Frontier, Hash, LogError, Node, Note, NoteSigner, Vkey, WitnessKey, leaf_hash,
    node_hash,
};
use hefu_server::witness::{Running, Setup, WitnessError, serve};
use hefu_server::{WitnessAt, Witnesses};

/// 2026-09-21 14:13:20 UTC, in seconds and milliseconds after 1970.
const NOON: u64 = 1_790_000_000;
const NOON_MS: i64 = 1_790_000_000_000;

/// A county's log in memory. Two of the same region and a different telling are two histories.
struct Log {
    signer: NoteSigner,
    leaves: Vec<Hash>,
}

impl Log {
    fn new(region: &str, events: u64) -> Log {
        Log::told(region, events, events, "")
    }

    /// The same events up to `same`, others from there on.
    fn told(region: &str, same: u64, events: u64, otherwise: &str) -> Log {
        let leaf = |event: u64| {
            let telling = if event < same { "" } else { otherwise };
            leaf_hash(format!("{event}{telling}").as_bytes())
        };
        let origin = format!("hefu.example/{region}/0");
        Log {
            signer: NoteSigner::new(&origin, &[1; 32]).unwrap(),
            leaves: (0..events).map(leaf).collect(),
        }
    }

    fn key(&self) -> Vkey {
        self.signer.vkey().clone()
    }

    fn checkpoint(&self, size: u64) -> Checkpoint {
        let mut tree = Frontier::new();
        let leaves = &self.leaves[..size as usize];
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        Checkpoint {
            origin: self.signer.vkey().name().parse().unwrap(),
            size,
            root: tree.root(),
        }
    }

    fn note(&self, size: u64) -> Note {
        self.checkpoint(size).sign(&self.signer).unwrap()
    }

    fn node(&self, node: Node) -> Result<Hash, LogError> {
        let first = (node.index << node.level) as usize;
        let mut row = self.leaves[first..first + (1 << node.level)].to_vec();
        while row.len() > 1 {
            let pairs = row.chunks(2);
            row = pairs.map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        Ok(row[0])
    }

    fn proof(&self, old: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        hefu_log::consistency_proof(old, size, &|node| self.node(node))
    }

    fn request(&self, old: u64, size: u64) -> AddCheckpoint {
        let (proof, note) = (self.proof(old, size).unwrap(), self.note(size));
        AddCheckpoint { old, proof, note }
    }

    /// Has these witnesses asked about the log at that size.
    async fn cosign(&self, witnesses: &Witnesses, size: u64) -> hefu_server::Cosigned {
        let proof = |old| async move { self.proof(old, size) };
        witnesses
            .cosign(&self.checkpoint(size), self.note(size), proof)
            .await
    }
}

/// A witness's settings: its folder, and the logs that it watches.
fn setup(folder: &Path, logs: &[&Log], clock: Clock) -> Setup {
    Setup {
        state: folder.to_owned(),
        name: Some("witness.example/w1".to_owned()),
        logs: logs.iter().map(|log| log.key()).collect(),
        listen: ([127, 0, 0, 1], 0).into(),
        clock,
        source: Source::Seeded([5; 32]),
    }
}

/// A witness whose clock stands at noon.
async fn witness(folder: &Path, logs: &[&Log]) -> Running {
    let clock = Clock::simulated(Instant(NOON_MS)).0;
    serve(setup(folder, logs, clock)).await.unwrap()
}

/// Why a witness does not start.
async fn refused(setup: Setup) -> WitnessError {
    match serve(setup).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

/// As a deployment's configuration names it.
fn at(address: SocketAddr, key: &WitnessKey) -> WitnessAt {
    WitnessAt {
        url: format!("http://{address}/"),
        vkey: key.to_string(),
        ca: None,
    }
}

/// Those witnesses, asked by somebody whose clock stands at noon but is watched, as a real one is.
fn witnesses(all: &[WitnessAt], required: usize) -> Witnesses {
    let ahead = NOON_MS - Clock::system().now().0;
    Witnesses::new(all, required, Clock::adjustable(ahead).0).unwrap()
}

/// Status, content type and body of a POST over HTTP/1.1.
async fn post(address: SocketAddr, path: &str, body: &str) -> (u16, String, String) {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = tokio::task::spawn_blocking(move || exchange(address, &request));
    let answer = answer.await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let head = head.to_ascii_lowercase();
    let kind = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "));
    (status, kind.unwrap_or_default().to_owned(), body.to_owned())
}

fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Somebody who answers every request in their own way, with a status and a body.
fn somebody(answer: impl Fn(&AddCheckpoint) -> (u16, String) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some(request) = read_request(&mut stream) else {
                continue;
            };
            let (status, body) = answer(&request);
            let kind = if status == 409 {
                "text/x.tlog.size"
            } else {
                "text/plain"
            };
            let head = format!(
                "HTTP/1.1 {status} So\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            // Whoever asked may have left.
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    address
}

/// A request's body, once all of it is there.
fn read_request(stream: &mut TcpStream) -> Option<AddCheckpoint> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let line = line.to_ascii_lowercase();
                line.strip_prefix("content-length: ")?.parse::<usize>().ok()
            });
            if body.len() >= length? {
                return AddCheckpoint::parse(body).ok();
            }
        }
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => text.push_str(std::str::from_utf8(&buffer[..read]).ok()?),
            Ok(0) | Err(_) => return None,
        }
    }
}
