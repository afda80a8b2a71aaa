//! Servers that never end.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Shows whoever asked a file byte by byte for ever, or for as long as they listen.
fn drip(mut client: TcpStream, began: &AtomicBool) {
    let mut asked = [0; 1024];
    if !client.read(&mut asked).is_ok_and(|read| read > 0) {
        return;
    }
    let mut next: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
    while client.write_all(next).is_ok() {
        next = b"0";
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
    let server = Server {
        http: Http::new(false).unwrap(),
        address: address.clone(),
        patience: Duration::from_millis(200),
    };
    let error = server.file("140725/checkpoint").await.unwrap_err();
    let wanted = format!("{address}/log/140725/checkpoint: not there in 200ms");
    assert_eq!(error.to_string(), wanted);
    assert!(began.load(Ordering::Relaxed));
}
