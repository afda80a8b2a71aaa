//! Connections that say what no client of good manners says.

use std::convert::Infallible;
use std::net::SocketAddr;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{HeaderMap, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tonic::Status;

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A connection from one of this machine's own addresses, 127.0.0.x.
pub(crate) async fn connect(to: SocketAddr, from: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, from], 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// A connection that speaks HTTP/2 well, and sends whatever it is told to.
pub(crate) async fn http2(to: SocketAddr) -> SendRequest<Body> {
    let io = TokioIo::new(connect(to, 1).await);
    let (send, connection) = handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    send
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) http: StatusCode,
    /// Of gRPC, where there is one.
    pub(crate) status: Option<Status>,
}

/// Bytes as the whole body of a request.
pub(crate) fn whole(bytes: Vec<u8>) -> Body {
    Full::new(Bytes::from(bytes)).boxed_unsync()
}

/// A gRPC frame, with a flag and a length that need not be true.
pub(crate) fn frame(flag: u8, length: u32, message: &[u8]) -> Vec<u8> {
    [&[flag], &length.to_be_bytes()[..], message].concat()
}

/// Sends a body to a method, with more headers.
pub(crate) async fn send(
    send: &mut SendRequest<Body>,
    key: &str,
    method: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Answered {
    let mut request = hyper::Request::post(format!("http://here/voucher.v1.{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {key}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send.ready().await.unwrap();
    let answer = send.send_request(request.body(body).unwrap()).await;
    let (head, body) = answer.unwrap().into_parts();
    let status = |headers: &HeaderMap| Status::from_header_map(headers);
    let trailers = body.collect().await.unwrap().trailers().cloned();
    Answered {
        http: head.status,
        status: status(&head.headers).or_else(|| status(&trailers?)),
    }
}

/// HTTP/2, frame by frame.
pub(crate) struct Frames(TcpStream);

pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

impl Frames {
    /// The preface and empty settings.
    pub(crate) async fn open(stream: TcpStream) -> Frames {
        let mut frames = Frames(stream);
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        // Whoever was turned away finds out when they read.
        let _ = frames.0.write_all(preface).await;
        let _ = frames.write(SETTINGS, 0, 0, &[]).await;
        frames
    }

    /// Writes a frame; the other side may have hung up.
    pub(crate) async fn write(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> std::io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()[..]].concat();
        self.0.write_all(&[&head, payload].concat()).await
    }

    /// Begins a request, whose body is still to come.
    pub(crate) async fn begin(
        &mut self,
        stream: u32,
        key: &str,
        method: &str,
    ) -> std::io::Result<()> {
        let mut block = Vec::new();
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", format!("/voucher.v1.{method}").as_str()),
            (":authority", "here"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("authorization", format!("Bearer {key}").as_str()),
        ] {
            // A literal without indexing and without Huffman's code (RFC 7541, 6.2.2).
            block.push(0);
            for text in [name, value] {
                assert!(text.len() < 127);
                block.push(u8::try_from(text.len()).unwrap());
                block.extend(text.as_bytes());
            }
        }
        self.write(HEADERS, END_HEADERS, stream, &block).await
    }

    /// Writes the same bytes again and again until the other side takes no more, or so often.
    pub(crate) async fn flood(&mut self, bytes: &[u8], times: usize) -> std::io::Result<()> {
        for _ in 0..times {
            self.0.write_all(bytes).await?;
        }
        Ok(())
    }

    /// The next frame: kind, flags and payload; nothing once the other side has hung up.
    pub(crate) async fn next(&mut self) -> Option<(u8, u8, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((head[3], head[4], payload))
    }

    /// Reads until the other side says goodbye or hangs up; the error code of its goodbye.
    pub(crate) async fn goodbye(&mut self) -> Option<u32> {
        let mut said = None;
        while let Some((kind, _, payload)) = self.next().await {
            if kind == GOAWAY {
                said = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            }
        }
        said
    }

    /// Reads on to the acknowledgement of a ping: everything sent before it was read.
    pub(crate) async fn ping(&mut self) -> Option<()> {
        self.write(PING, 0, 0, b"are you?").await.ok()?;
        loop {
            let (kind, flags, _) = self.next().await?;
            if (kind, flags) == (PING, ACK) {
                return Some(());
            }
        }
    }
}
