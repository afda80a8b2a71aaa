//! The edge's share of a move's stages ([`hefu_engine::stages`]): access, decode and reply, told along the call as it passes by.
//!
//! The invariant: each move has each stage once, however many moves come in one call.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::Extensions;
use hefu_engine::stages::{Mark, Stage, note};

/// When a call came in and was let in, among its extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entered {
    received: Mark,
    admitted: Mark,
}

impl Entered {
    /// A call came in.
    pub(crate) fn received(request: &mut Request) {
        let received = Mark::now();
        if received.is_set() {
            let admitted = received;
            request
                .extensions_mut()
                .insert(Entered { received, admitted });
        }
    }

    /// It is let in.
    pub(crate) fn admitted(mut request: Request) -> Request {
        if let Some(entered) = request.extensions_mut().get_mut::<Entered>() {
            entered.admitted = Mark::now();
        }
        request
    }

    /// Of so many moves that came in one call it is noted what access took; what follows is their decoding.
    pub(crate) fn decoding(asked: &Extensions, moves: usize) -> Decoding {
        let Some(Entered { received, admitted }) = asked.get() else {
            return Decoding::default();
        };
        received.to(*admitted, Stage::Access, moves);
        Decoding {
            since: *admitted,
            before: Duration::ZERO,
            waited: Duration::ZERO,
        }
    }
}

/// A move that is being decoded.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Decoding {
    since: Mark,
    /// Its share of what was decoded with others.
    before: Duration,
    /// What of the time since then it stood in line.
    waited: Duration,
}

impl Decoding {
    /// Meanwhile it stood in line, and nothing was decoded.
    pub(crate) fn waited(self, waited: Duration) -> Decoding {
        Decoding { waited, ..self }
    }

    /// From here on each of so many moves is decoded by itself, when its turn comes.
    pub(crate) fn each(self, moves: usize) -> Decoding {
        let moves = u32::try_from(moves).unwrap_or(u32::MAX).max(1);
        Decoding {
            since: Mark::default(),
            before: self.since.elapsed().saturating_sub(self.waited) / moves,
            waited: Duration::ZERO,
        }
    }

    /// Its turn has come.
    pub(crate) fn begin(self) -> Decoding {
        Decoding {
            since: Mark::now(),
            ..self
        }
    }

    /// It is submitted, or an ATOMIC group of so many.
    pub(crate) fn end(self, moves: usize) {
        if self.since.is_set() {
            let decoding = self.since.elapsed().saturating_sub(self.waited);
            note(Stage::Decode, self.before + decoding, moves);
        }
    }
}

/// Moves whose answer is being made: it is as soon as nobody holds this any more. Of a batch's items each is its own, and what encodes all
/// of them is none's.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replying(Option<Arc<Answered>>);

#[derive(Debug)]
struct Answered {
    since: Mark,
    moves: usize,
}

impl Replying {
    /// So many moves were answered by the engine.
    pub(crate) fn begin(moves: usize) -> Replying {
        let since = Mark::now();
        Replying(since.is_set().then(|| Arc::new(Answered { since, moves })))
    }

    /// Goes with the answer.
    pub(crate) fn go_with<T>(self, response: &mut tonic::Response<T>) {
        if self.0.is_some() {
            response.extensions_mut().insert(self);
        }
    }

    /// What goes with an answer, whose body is about to be made.
    pub(crate) fn taken(answer: &mut Extensions) -> Replying {
        answer.remove().unwrap_or_default()
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.since.to(Mark::now(), Stage::Reply, self.moves);
    }
}
