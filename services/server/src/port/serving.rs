//! Connections, each on a task of its own: HTTP/1 and HTTP/2 within their limits, until nobody uses them.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::{Accepted, Port};
use crate::limits::{Answers, Gate, Limits, Use, metrics};
use crate::stages::Replying;

/// How long a connection that is told to end may take, with nothing under way on it.
const FAREWELL: Duration = Duration::from_secs(5);
/// What one request may have sent ahead of being read, and one connection.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// What may lie ready for one reader.
const SEND_BUFFER: usize = 64 << 10;
/// A peer that does not answer a ping for so long is gone.
const PING_EVERY: Duration = Duration::from_secs(60);
const PING_ANSWERED: Duration = Duration::from_secs(20);
/// Streams that were reset by the peer before they were looked at, and by us for the peer's errors: beyond these the connection is an
/// attack (CVE-2023-44487, CVE-2025-8671) and ends.
const MOST_RESETS_UNSEEN: usize = 20;
const MOST_RESETS_OF_ERRORS: usize = 256;
/// The smallest buffer that HTTP/1 takes.
const SMALLEST_BUFFER: usize = 8 << 10;

/// Serves until told to stop, and then until what is under way has ended.
pub(crate) async fn serve(
    mut port: Port,
    app: Router,
    gate: Gate,
    stop: impl Future<Output = ()> + Send,
) {
    let speaking = Arc::new(Speaking {
        builder: builder(gate.limits()),
        app,
        gate,
    });
    let stopping = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = port.accept() => {
                let connection = Arc::clone(&speaking).converse(accepted, stopping.clone());
                connections.spawn(connection);
            }
            Some(_) = connections.join_next() => {}
        }
        metrics::connections(connections.len());
    }
    drop(port);
    stopping.cancel();
    while connections.join_next().await.is_some() {}
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let header_list = u32::try_from(limits.header_bytes).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.calls_per_connection)
        .max_header_list_size(header_list)
        .max_pending_accept_reset_streams(MOST_RESETS_UNSEEN)
        .max_local_error_reset_streams(MOST_RESETS_OF_ERRORS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_ANSWERED);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.first_request_seconds))
        .max_buf_size(limits.header_bytes.max(SMALLEST_BUFFER));
    builder
}

/// What every connection is served with.
struct Speaking {
    builder: Builder<TokioExecutor>,
    app: Router,
    gate: Gate,
}

impl Speaking {
    async fn converse(self: Arc<Self>, accepted: Accepted, stopping: CancellationToken) {
        let Accepted { io, peer, _place } = accepted;
        let answers = Answers::new(self.gate.budget(), self.gate.limits());
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            let peer = ConnectInfo(peer.clone());
            request.extensions_mut().insert(peer);
            let call = answers.begin();
            let answer = self.app.clone().call(request);
            async move {
                let mut answer = answer.await?;
                let replying = Replying::taken(answer.extensions_mut());
                Ok::<_, Infallible>(answer.map(|body| call.answer(body, replying)))
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(io), service);
        let mut connection = pin!(connection);
        let mut looks = tokio::time::interval(Answers::every(self.gate.limits()));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = None;
        loop {
            tokio::select! {
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection broke");
                    }
                    return;
                }
                () = stopping.cancelled(), if told.is_none() => {
                    connection.as_mut().graceful_shutdown();
                    told = Some(Instant::now());
                }
                _ = looks.tick() => match (answers.look(), told) {
                    (Use::Busy, _) => {}
                    (Use::Idle, None) => {
                        connection.as_mut().graceful_shutdown();
                        told = Some(Instant::now());
                    }
                    // It does not even take its leave.
                    (Use::Idle, Some(when)) if when.elapsed() >= FAREWELL => return,
                    (Use::Idle, Some(_)) => {}
                },
            }
        }
    }
}
