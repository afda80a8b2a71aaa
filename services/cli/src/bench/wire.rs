//! A gRPC client that costs as little as one can: HTTP/2 connections, requests that were encoded before, answers decoded only where
//! somebody reads them. It shares the machine with the server that it measures.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use h2::RecvStream;
use h2::client::SendRequest;
use http::{HeaderMap, Request, header};
use prost::Message;
use tokio::net::TcpStream;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// What stands before a gRPC message: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// So much may be on its way to us, of one answer and of all on a connection.
const WINDOW: u32 = 4 << 20;

/// Where a call goes, and as whom.
pub(crate) struct Call(Request<()>);

impl Call {
    /// A call of `Service/Method` with a key, at `http://HOST:PORT`.
    pub(crate) fn new(address: &str, method: &str, key: &str) -> anyhow::Result<Call> {
        let request = Request::post(format!("{address}/voucher.v1.{method}"))
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .body(());
        request
            .map(Call)
            .with_context(|| format!("{method} at {address}"))
    }
}

/// A message with its prefix.
pub(crate) fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.encode_raw(&mut frame);
    frame.freeze()
}

/// The message within a frame.
pub(crate) fn body(frame: &Bytes) -> Bytes {
    frame.slice(PREFIX.min(frame.len())..)
}

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The server said no: a gRPC code, its words, and when to come back.
    #[error("the server said no ({code:?}): {message}")]
    Status {
        code: Code,
        message: String,
        retry: Option<Duration>,
    },
    /// The connection broke.
    #[error("the connection to the server broke: {0}")]
    Broken(#[from] h2::Error),
    /// The answer is none of that kind.
    #[error("the server's answer cannot be read: {0}")]
    Unreadable(#[from] prost::DecodeError),
}

/// Some connections to one server, or to several in turn.
pub(crate) struct Wire {
    connections: Vec<SendRequest<Bytes>>,
    next: AtomicUsize,
}

impl Wire {
    /// Opens so many connections to `http://HOST:PORT`.
    pub(crate) async fn connect(address: &str, connections: usize) -> anyhow::Result<Wire> {
        let host = address
            .strip_prefix("http://")
            .with_context(|| format!("{address}: the bench speaks plain HTTP/2 only; name the server as http://HOST:PORT"))?
            .trim_end_matches('/');
        let mut open = Vec::with_capacity(connections);
        for _ in 0..connections {
            let stream = TcpStream::connect(host)
                .await
                .with_context(|| format!("no server answers at {address}"))?;
            stream.set_nodelay(true)?;
            let (sender, connection) = h2::client::Builder::new()
                .initial_window_size(WINDOW)
                .initial_connection_window_size(4 * WINDOW)
                .handshake(stream)
                .await
                .with_context(|| format!("{address} does not speak HTTP/2"))?;
            // Its end is seen by whoever calls on it.
            tokio::spawn(connection);
            open.push(sender);
        }
        Ok(Wire {
            connections: open,
            next: AtomicUsize::new(0),
        })
    }

    /// Calls go by the connections of both in turn, wherever they are addressed to.
    pub(crate) fn and(mut self, other: Wire) -> Wire {
        let mut theirs = other.connections.into_iter();
        let ours = std::mem::take(&mut self.connections).into_iter();
        self.connections = ours
            .flat_map(|own| std::iter::once(own).chain(theirs.next()))
            .collect();
        self
    }

    /// Sends a frame and waits for the answer's.
    pub(crate) async fn send(&self, call: &Call, frame: Bytes) -> Result<Bytes, Refused> {
        let mut stream = self.open(call, frame).await?;
        let mut answer = Bytes::new();
        while let Some(part) = stream.data().await {
            let part = part?;
            stream.flow_control().release_capacity(part.len())?;
            if answer.is_empty() {
                answer = part;
            } else {
                let mut longer = BytesMut::with_capacity(answer.len() + part.len());
                longer.put(answer);
                longer.put(part);
                answer = longer.freeze();
            }
        }
        accepted(stream.trailers().await?.as_ref())?;
        Ok(answer)
    }

    /// The same, and where the server says when to come back, it is sent again then, as long as there is time.
    pub(crate) async fn send_until(
        &self,
        call: &Call,
        frame: &Bytes,
        until: Instant,
    ) -> Result<Bytes, Refused> {
        loop {
            match self.send(call, frame.clone()).await {
                Err(Refused::Status {
                    retry: Some(retry), ..
                }) if Instant::now() + retry < until => tokio::time::sleep(retry).await,
                answer => return answer,
            }
        }
    }

    /// Sends a message and reads the answer.
    pub(crate) async fn ask<Q: Message, A: Message + Default>(
        &self,
        call: &Call,
        message: &Q,
    ) -> Result<A, Refused> {
        let mut answer = self.send(call, framed(message)).await?;
        answer.advance(PREFIX.min(answer.len()));
        Ok(A::decode(answer)?)
    }

    /// Sends a frame and returns what comes back, as it comes.
    pub(crate) async fn open(&self, call: &Call, frame: Bytes) -> Result<RecvStream, Refused> {
        let lane = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        let mut sender = self.connections[lane].clone().ready().await?;
        let (answer, mut request) = sender.send_request(call.0.clone(), false)?;
        // Whoever is turned away at the door may hear so, and the stream be over, before the message is sent.
        let sent = request.send_data(frame, true);
        let (head, stream) = answer.await?.into_parts();
        // What is refused at once has its status here and nothing else.
        if head.headers.contains_key("grpc-status") {
            accepted(Some(&head.headers))?;
        }
        sent?;
        Ok(stream)
    }
}

/// Whether the status at an answer's end is a good one.
pub(crate) fn accepted(trailers: Option<&HeaderMap>) -> Result<(), Refused> {
    let status = trailers.and_then(|trailers| trailers.get("grpc-status"));
    if status.is_some_and(|status| status == "0") {
        return Ok(());
    }
    let status = trailers.and_then(Status::from_header_map);
    let status = status.unwrap_or_else(|| Status::unknown("the answer has no status"));
    let told = status.get_error_details();
    Err(Refused::Status {
        code: status.code(),
        message: status.message().to_owned(),
        retry: told.retry_info().and_then(|info| info.retry_delay),
    })
}

/// Counts the messages of a stream as their bytes pass by.
#[derive(Default)]
pub(crate) struct Frames {
    /// Of a prefix that is not whole yet.
    prefix: Vec<u8>,
    /// Bytes of the present message that are still to come.
    rest: usize,
    /// Whole prefixes so far.
    pub(crate) messages: u64,
}

impl Frames {
    /// Takes the next bytes.
    pub(crate) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.rest > 0 {
                let taken = self.rest.min(bytes.len());
                self.rest -= taken;
                bytes = &bytes[taken..];
                continue;
            }
            let taken = (PREFIX - self.prefix.len()).min(bytes.len());
            self.prefix.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if let [_, a, b, c, d] = self.prefix[..] {
                self.rest = u32::from_be_bytes([a, b, c, d]) as usize;
                self.prefix.clear();
                self.messages += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_however_their_bytes_are_cut() {
        let stream = [
            &[0, 0, 0, 0, 3, 1, 2, 3][..],
            &[0, 0, 0, 0, 0],
            &[0, 0, 0, 0, 1, 9],
        ]
        .concat();
        for size in 1..=stream.len() {
            let mut frames = Frames::default();
            stream.chunks(size).for_each(|bytes| frames.pass(bytes));
            assert_eq!(
                (frames.messages, frames.rest),
                (3, 0),
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn a_frame_is_a_prefix_and_the_message() {
        let message = hefu_wire::v1::GetHeadRequest {
            name: "regions/140725".to_owned(),
        };
        let frame = framed(&message);
        assert_eq!(frame[..PREFIX], [0, 0, 0, 0, 16]);
        assert_eq!(body(&frame), message.encode_to_vec());
    }
}
