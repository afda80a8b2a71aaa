//! Servers that never end.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// HTTP/2 frames: the server's settings, an answer 200 to the first stream, and a byte of its body.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const ANSWER: [u8; 10] = [0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88];
const BYTE: [u8; 10] = [0, 0, 1, 0, 0, 0, 0, 0, 1, b'0'];

/// Shows a file byte by byte for ever, or for as long as somebody listens.
fn drip(mut client: TcpStream, began: &AtomicBool) {
    let mut next = [SETTINGS.as_slice(), &ANSWER].concat();
    while client.write_all(&next).is_ok() {
        next = BYTE.to_vec();
        began.store(true, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn a_file_that_never_ends_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let began = Arc::new(AtomicBool::new(false));
    let shared = began.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            drip(client, &shared);
        }
    });
    let mut files = ServerFiles::connect(&address, Handle::current())
        .await
        .unwrap();
    files.patience = Duration::from_millis(200);
    let error = files.file("140725/checkpoint").await.unwrap_err();
    let wanted = format!("{address} does not show /log/140725/checkpoint within 200ms");
    assert_eq!(error.to_string(), wanted);
    assert!(began.load(Ordering::Relaxed));
}
