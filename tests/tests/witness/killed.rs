//! A real witness process, killed without warning while it is asked about two histories of one log.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hefu_tests::engines::Folder;

use super::*;

const REGION: &str = "140725";
const KILLS: u64 = 5;
/// Events that the log can grow to.
const EVENTS: u64 = 4_000;

/// `hefu witness serve` of this build, and where it listens.
fn start(state: &Path, logs: &Path) -> (Child, SocketAddr) {
    let own = std::env::current_exe().unwrap();
    let folder = own.ancestors().nth(2).unwrap();
    let mut command = Command::new(folder.join("hefu"));
    command
        .args(["witness", "serve", "--listen", "127.0.0.1:0"])
        .args(["--name", "witness.example/w1", "--state"])
        .arg(state)
        .arg("--log")
        .arg(logs)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once(" on http://")?;
        rest.split('/').next()?.parse().ok()
    });
    (child, address.expect("the witness starts"))
}

/// Status and body, or nothing from a process that is gone.
fn ask(address: SocketAddr, request: &AddCheckpoint) -> Option<(u16, String)> {
    let body = request.to_string();
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// Shows one history again and again, each time from where the witness says that it stands, until it is gone. Every size that was
/// cosigned, and with which root.
fn show(
    log: &Log,
    address: SocketAddr,
    cosigned: &Mutex<BTreeMap<u64, Vec<Hash>>>,
    over: &AtomicBool,
) {
    let mut old = 0;
    while !over.load(Ordering::Relaxed) && old < EVENTS {
        let size = old + 1 + old % 7;
        let size = size.min(EVENTS);
        match ask(address, &log.request(old, size)) {
            Some((200, _)) => {
                let root = log.checkpoint(size).root;
                cosigned.lock().unwrap().entry(size).or_default().push(root);
                old = size;
            }
            Some((409, held)) => old = held.trim().parse().unwrap(),
            // The other history's witness now: it will have nothing of this one.
            Some((422, _)) => {}
            Some(other) => panic!("{other:?}"),
            None => return,
        }
    }
}

#[test]
fn a_witness_killed_at_any_moment_vouches_for_one_history_and_starts_again() {
    let folder = Folder::new("hefu-witness");
    let (state, keys) = (folder.path().join("state"), folder.path().join("log.vkey"));
    let logs = Arc::new([Log::new(REGION, EVENTS), Log::told(REGION, 0, EVENTS, "!")]);
    std::fs::write(&keys, format!("{}\n", logs[0].key())).unwrap();
    let cosigned: Arc<Mutex<BTreeMap<u64, Vec<Hash>>>> = Arc::default();
    for kill in 0..KILLS {
        let (mut child, address) = start(&state, &keys);
        let over = Arc::new(AtomicBool::new(false));
        let shown: Vec<_> = [0, 1, 0, 1]
            .map(|history| {
                let (logs, cosigned, over) = (logs.clone(), cosigned.clone(), over.clone());
                thread::spawn(move || show(&logs[history], address, &cosigned, &over))
            })
            .into();
        // It is killed while it answers: after so many cosignatures more, however long they take.
        let (before, more) = (cosigned.lock().unwrap().len(), 10 + 7 * kill as usize);
        while cosigned.lock().unwrap().len() < before + more {
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        over.store(true, Ordering::Relaxed);
        shown.into_iter().for_each(|shown| shown.join().unwrap());
    }
    let cosigned = cosigned.lock().unwrap();
    let of = |log: &Log| {
        cosigned
            .iter()
            .filter(|(size, roots)| roots.contains(&log.checkpoint(**size).root))
            .count()
    };
    let counts = [of(&logs[0]), of(&logs[1])];
    assert!(
        counts.contains(&0),
        "both histories were vouched for: {counts:?}"
    );
    // What it last vouched for is what it goes on from.
    let last = *cosigned.last_key_value().unwrap().0;
    let (mut child, address) = start(&state, &keys);
    let (status, held) = ask(address, &logs[0].request(0, 1)).unwrap();
    let held: u64 = held.trim().parse().unwrap();
    assert!(
        status == 409 && held >= last,
        "{status}: {held} after {last}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}
