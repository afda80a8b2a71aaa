//! Answers on their way to their readers, of one connection.
//!
//! The invariant: what nobody takes is given up. An answer goes out in small parts; while the next one waits for its reader too long, what
//! it is made of is dropped, and with it whatever feeds it. The connection, on which others may call, stays.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use super::budget::{Budget, Charge};
use super::{Limits, metrics};
use crate::stages::Replying;

/// The largest part: HTTP/2 may hold one more for each answer.
const PART: usize = 16 << 10;

/// How a connection is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Something is under way, or was a moment ago.
    Busy,
    /// Nothing was for too long.
    Idle,
}

/// What is under way on one connection.
pub(crate) struct Answers {
    budget: Budget,
    first_request: Duration,
    idle: Duration,
    slow_reader: Duration,
    state: Mutex<State>,
}

struct State {
    /// Requests without an answer yet.
    asked: usize,
    answers: HashMap<u64, Arc<Answer>>,
    next: u64,
    /// Since when nothing is under way, where nothing is.
    quiet_since: Instant,
    ever_asked: bool,
}

/// A request that is under way, until it is dropped.
pub(crate) struct Call {
    answers: Arc<Answers>,
    /// Of its answer, once there is one.
    number: Option<u64>,
}

struct Answer(Mutex<Taking>);

struct Taking {
    /// What it is made of; nothing where it was given up.
    body: Option<Body>,
    /// What came out of it already.
    rest: Bytes,
    charge: Charge,
    /// Since when its reader has a part to take; not while it waits for us.
    offered: Option<Instant>,
    /// Until its first part is made.
    replying: Replying,
}

/// An answer's body.
pub(crate) struct Parts {
    answer: Arc<Answer>,
    _call: Call,
}

impl Answers {
    pub(crate) fn new(budget: &Budget, limits: &Limits) -> Arc<Answers> {
        let state = State {
            asked: 0,
            answers: HashMap::new(),
            next: 0,
            quiet_since: Instant::now(),
            ever_asked: false,
        };
        Arc::new(Answers {
            budget: budget.clone(),
            first_request: Duration::from_secs(limits.first_request_seconds),
            idle: Duration::from_secs(limits.idle_seconds),
            slow_reader: Duration::from_secs(limits.slow_reader_seconds),
            state: Mutex::new(state),
        })
    }

    /// How often [`Answers::look`] is called for, so that no bound is overrun by much.
    pub(crate) fn every(limits: &Limits) -> Duration {
        let shortest = limits
            .first_request_seconds
            .min(limits.idle_seconds)
            .min(limits.slow_reader_seconds);
        Duration::from_secs(shortest)
            .div_f64(4.0)
            .min(Duration::from_secs(5))
    }

    /// A request came in.
    pub(crate) fn begin(self: &Arc<Answers>) -> Call {
        let mut state = self.state();
        state.asked += 1;
        state.ever_asked = true;
        Call {
            answers: Arc::clone(self),
            number: None,
        }
    }

    /// Gives up what its readers do not take, and says how the connection is used.
    pub(crate) fn look(&self) -> Use {
        let now = Instant::now();
        let mut state = self.state();
        let mut given_up = Vec::new();
        state.answers.retain(|_, answer| {
            let mut taking = answer.taking();
            let waited = taking.offered.map(|since| now.duration_since(since));
            let is_slow = waited.is_some_and(|waited| waited >= self.slow_reader);
            if is_slow {
                given_up.extend(taking.body.take());
                taking.rest = Bytes::new();
                taking.charge.none();
            }
            !is_slow
        });
        if !given_up.is_empty() {
            metrics::slow_readers(given_up.len());
            tracing::debug!(answers = given_up.len(), "a reader was too slow");
            state.quiet(now);
        }
        let longest = match state.ever_asked {
            true => self.idle,
            false => self.first_request,
        };
        let is_idle = state.is_quiet() && now.duration_since(state.quiet_since) >= longest;
        // What a body drops may lock what it likes.
        drop(state);
        drop(given_up);
        match is_idle {
            true => Use::Idle,
            false => Use::Busy,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_quiet(&self) -> bool {
        self.asked == 0 && self.answers.is_empty()
    }

    fn quiet(&mut self, now: Instant) {
        if self.is_quiet() {
            self.quiet_since = now;
        }
    }
}

impl Call {
    /// The request is answered.
    pub(crate) fn answer(mut self, body: Body, replying: Replying) -> Parts {
        let answer = Arc::new(Answer(Mutex::new(Taking {
            body: Some(body),
            rest: Bytes::new(),
            charge: self.answers.budget.charge(),
            offered: Some(Instant::now()),
            replying,
        })));
        let mut state = self.answers.state();
        let number = state.next;
        state.next += 1;
        state.asked -= 1;
        state.answers.insert(number, Arc::clone(&answer));
        drop(state);
        self.number = Some(number);
        Parts {
            answer,
            _call: self,
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.answers.state();
        let answer = match self.number {
            Some(number) => state.answers.remove(&number),
            None => {
                state.asked -= 1;
                None
            }
        };
        state.quiet(Instant::now());
        drop(state);
        drop(answer);
    }
}

impl Answer {
    fn taking(&self) -> MutexGuard<'_, Taking> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an answer ends before its end.
fn cut(why: &'static str) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
    Poll::Ready(Some(Err(why.into())))
}

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let mut held = self.answer.taking();
        let taking = &mut *held;
        if taking.rest.is_empty() {
            let Some(body) = &mut taking.body else {
                return cut("its reader was too slow");
            };
            taking.charge.none();
            // From here on it waits for us.
            taking.offered = None;
            let frame = match ready!(Pin::new(body).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => frame,
            };
            taking.offered = Some(Instant::now());
            taking.replying = Replying::default();
            let data = match frame.into_data() {
                Ok(data) if data.len() > PART => data,
                Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            };
            if !taking.charge.more(data.len()) {
                metrics::limited("bytes");
                taking.body = None;
                return cut("too many answers wait for their readers");
            }
            taking.rest = data;
        }
        taking.offered = Some(Instant::now());
        let part = taking.rest.len().min(PART);
        let part = taking.rest.split_to(part);
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        let taking = self.answer.taking();
        let is_over = taking.body.as_ref().is_some_and(HttpBody::is_end_stream);
        taking.rest.is_empty() && is_over
    }

    fn size_hint(&self) -> SizeHint {
        let taking = self.answer.taking();
        let rest = taking.rest.len() as u64;
        let body = taking.body.as_ref().map(HttpBody::size_hint);
        let body = body.unwrap_or_default();
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    const SECOND: Duration = Duration::from_secs(1);

    fn answers(bytes: usize) -> Arc<Answers> {
        let limits = Limits {
            first_request_seconds: 10,
            idle_seconds: 100,
            slow_reader_seconds: 5,
            ..Limits::default()
        };
        Answers::new(&Budget::new(bytes), &limits)
    }

    fn long() -> Vec<u8> {
        (0..100_000).map(|n: u32| n.to_le_bytes()[0]).collect()
    }

    #[tokio::test]
    async fn a_long_answer_comes_in_small_parts_and_whole() {
        let mut parts = answers(1 << 20)
            .begin()
            .answer(Body::from(long()), Replying::default());
        assert_eq!(parts.size_hint().exact(), Some(100_000));
        let mut read = Vec::new();
        while let Some(frame) = parts.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            assert!(data.len() <= PART);
            read.extend(data);
            let left = 100_000 - read.len() as u64;
            assert_eq!(parts.size_hint().exact(), Some(left));
        }
        assert_eq!(read, long());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_is_given_up_and_what_waits_for_us_is_not() {
        let answers = answers(100_000);
        let mut slow = answers
            .begin()
            .answer(Body::from(long()), Replying::default());
        slow.frame().await.unwrap().unwrap();
        let never = futures_util::stream::pending::<Result<Bytes, axum::Error>>();
        let mut waiting = answers
            .begin()
            .answer(Body::from_stream(never), Replying::default());
        assert!(futures_util::poll!(std::pin::pin!(waiting.frame())).is_pending());
        // While it is held there is no room for another.
        let mut third = answers
            .begin()
            .answer(Body::from(long()), Replying::default());
        assert!(third.frame().await.unwrap().is_err());
        drop(third);
        tokio::time::advance(6 * SECOND).await;
        assert_eq!(answers.look(), Use::Busy);
        assert!(slow.frame().await.unwrap().is_err());
        assert_eq!(answers.state().answers.len(), 1, "that which waits for us");
        let mut third = answers
            .begin()
            .answer(Body::from(long()), Replying::default());
        third.frame().await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_when_nothing_is_under_way_for_too_long() {
        let answers = answers(1 << 20);
        tokio::time::advance(9 * SECOND).await;
        assert_eq!(answers.look(), Use::Busy);
        tokio::time::advance(SECOND).await;
        assert_eq!(answers.look(), Use::Idle, "it never asked");
        let call = answers.begin();
        tokio::time::advance(1_000 * SECOND).await;
        assert_eq!(answers.look(), Use::Busy);
        drop(call);
        tokio::time::advance(99 * SECOND).await;
        assert_eq!(answers.look(), Use::Busy);
        tokio::time::advance(SECOND).await;
        assert_eq!(answers.look(), Use::Idle);
        // An answer that nobody takes does not keep it open.
        let _untaken = answers
            .begin()
            .answer(Body::from(long()), Replying::default());
        tokio::time::advance(5 * SECOND).await;
        assert_eq!(answers.look(), Use::Busy);
        tokio::time::advance(100 * SECOND).await;
        assert_eq!(answers.look(), Use::Idle);
    }
}
