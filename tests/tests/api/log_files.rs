//! The signed logs over HTTP: what a stranger without a key may fetch, and how caches are told to treat it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use hefu_log::tile::decode_entries;
use hefu_log::{Checkpoint, TileKind, TilePath, Vkey, leaf_hash};

use crate::{Api, ISSUER, REGION};

/// What a server answers.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// One request over HTTP/1.1, with more header lines.
pub(crate) async fn ask(address: SocketAddr, method: &str, path: &str, lines: &str) -> Answer {
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{lines}\r\n");
    let reading = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    });
    let answer = reading.await.unwrap();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let head = head.to_ascii_lowercase();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head,
        body: answer[end + 4..].to_vec(),
    }
}

async fn get(api: &Api, path: &str) -> Answer {
    ask(api.running.address, "GET", &format!("/log/{path}"), "").await
}

pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let mut lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(n, _)| *n == name)
        .map_or("", |(_, value)| value)
}

/// The last checkpoint of the office's region, verified with the published keys.
async fn checkpoint(api: &Api) -> Checkpoint {
    let keys = get(api, "log.vkey").await;
    assert_eq!(keys.status, 200);
    let keys = String::from_utf8(keys.body).unwrap();
    let keys: Vec<Vkey> = keys.lines().map(|line| line.parse().unwrap()).collect();
    let note = get(api, &format!("{REGION}/checkpoint")).await;
    assert_eq!(header(&note, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&note, "cache-control"), "public, max-age=1");
    Checkpoint::open(&String::from_utf8(note.body).unwrap(), &keys).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_fetches_a_whole_log_and_it_is_the_stored_one() {
    let api = Api::start().await;
    api.running.signing.sign().await.unwrap();
    let signed = checkpoint(&api).await;
    let head = api.head().await;
    assert_eq!(
        (signed.size, signed.root.0.to_vec()),
        (head.size, head.root)
    );
    let origin = format!("{ISSUER}/simulated/{REGION}/0");
    assert_eq!(signed.origin.to_string(), origin);
    let path = TilePath::in_log(TileKind::Entries, 0, signed.size).unwrap();
    let bundle = get(&api, &format!("{REGION}/{path}")).await;
    assert_eq!(header(&bundle, "content-type"), "application/octet-stream");
    assert_eq!(header(&bundle, "cache-control"), "public, max-age=300");
    let entries = decode_entries(&bundle.body, path.width()).unwrap();
    let store = api.running.engine.store();
    let rows = store.events(REGION, 0, 0, u32::MAX).await.unwrap();
    let stored: Vec<&[u8]> = rows.iter().map(|row| row.bytes.as_slice()).collect();
    assert_eq!(entries, stored);
    let path = TilePath::in_log(TileKind::Hashes(0), 0, signed.size).unwrap();
    let tile = get(&api, &format!("{REGION}/{path}")).await;
    let leaves: Vec<u8> = entries.iter().flat_map(|e| leaf_hash(e).0).collect();
    assert_eq!(tile.body, leaves);
    let listing = get(&api, "regions").await;
    let listing = String::from_utf8(listing.body).unwrap();
    assert_eq!(listing.lines().count(), 12);
    assert!(
        listing.contains(&format!("{REGION} 0 {}\n", signed.size)),
        "{listing}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_shown_before_it_is_signed() {
    let api = Api::start().await;
    api.running.signing.sign().await.unwrap();
    let signed = checkpoint(&api).await;
    // The signer goes on by itself: what counts is that a file is never wider than the checkpoint read after it.
    for number in 0..40 {
        api.office.person(&api.client, number).await;
        let head = api.head().await.size;
        let wide = TilePath::in_log(TileKind::Entries, 0, head).unwrap();
        let shown = get(&api, &format!("{REGION}/{wide}")).await;
        let now = checkpoint(&api).await.size;
        assert!(shown.status == 404 || now >= head, "{now} of {head}");
    }
    assert!(checkpoint(&api).await.size >= signed.size);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caches_are_told_what_they_may_keep_and_what_they_have() {
    let api = Api::start().await;
    api.running.signing.sign().await.unwrap();
    let path = format!("/log/{REGION}/tile/0/000.p/1");
    let address = api.running.address;
    let first = ask(address, "GET", &path, "").await;
    assert_eq!((first.status, first.body.len()), (200, 32));
    assert_eq!(header(&first, "x-content-type-options"), "nosniff");
    // The tag as it was sent, in its own case.
    let answer = ask(address, "HEAD", &path, "").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(header(&answer, "content-length"), "32");
    assert_eq!(header(&answer, "etag"), header(&first, "etag"));
    let tag = tag(address, &path).await;
    let again = ask(address, "GET", &path, &format!("If-None-Match: {tag}\r\n")).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = ask(address, "GET", &path, "If-None-Match: \"other\"\r\n").await;
    assert_eq!((other.status, other.body), (200, first.body));
    let posted = ask(address, "POST", &path, "Content-Length: 0\r\n").await;
    assert_eq!(posted.status, 405);
}

/// An entity tag in its own case.
pub(crate) async fn tag(address: SocketAddr, path: &str) -> String {
    let (head, _) = {
        let path = path.to_owned();
        let reading = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let request = format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let answer = reading.await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    };
    let line = head
        .lines()
        .find(|line| line.starts_with("etag: "))
        .unwrap();
    line["etag: ".len()..].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_file_is_answered_plainly_and_kept_by_no_cache() {
    let api = Api::start().await;
    api.running.signing.sign().await.unwrap();
    for path in [
        "",
        "nothing",
        "140725",
        "140799/checkpoint",
        "140725/tile/0/000",
        "140725/tile/0/001.p/1",
        "140725/tile/0/0",
        "140725/tile/entries/000.p/256",
        "140725/epoch/0/checkpoint",
        "140725/checkpoint?x=1",
        "140725/%63heckpoint",
        "140725%2Fcheckpoint",
        "../healthz",
        "140725/../140725/checkpoint",
    ] {
        let answer = get(&api, path).await;
        assert_eq!(answer.status, 404, "{path}");
        if !path.is_empty() {
            assert_eq!(header(&answer, "cache-control"), "no-store", "{path}");
            let reason = String::from_utf8(answer.body).unwrap();
            assert!(reason.ends_with('\n') && reason.len() < 100, "{reason}");
        }
    }
}
