//! Batches in line for the writers. Where a single move would be turned away, they wait their turn, for a while: who sends them is a program,
//! and to send a thousand items again costs more than to hold them. They go in whole, one after the other as they came, into a
//! room of their own: single moves keep theirs.

use std::sync::Arc;
use std::time::Duration;

use hefu_domain::{CredentialId, Region};
use hefu_engine::{Engine, Whose};
use tokio::sync::{Mutex, MutexGuard};
use tonic::Status;

use super::count::{Count, Counted, Enough};
use crate::errors;

/// Batches of all callers that may be in line, and of one.
const MOST: usize = 64;
const MOST_OF_ONE: usize = 8;
/// Nobody stands in it for longer.
const LONGEST: Duration = Duration::from_secs(5);

/// The line.
pub(super) struct Line {
    places: Count<CredentialId>,
    /// In the order in which it is asked for.
    first: Mutex<()>,
}

/// A place in the line, taken before the message is read.
#[derive(Clone)]
pub(crate) struct PlaceInLine {
    _held: Arc<Counted<CredentialId>>,
}

/// Whoever has it is first in line; dropped once the batch is submitted.
pub(crate) struct Turn<'a> {
    _first: MutexGuard<'a, ()>,
}

impl Line {
    pub(super) fn new() -> Line {
        Line {
            places: Count::new(MOST, MOST_OF_ONE),
            first: Mutex::new(()),
        }
    }

    pub(super) fn enter(&self, engine: &Engine, by: &CredentialId) -> Result<PlaceInLine, Status> {
        let place = self
            .places
            .enter(by.clone())
            .map_err(|enough| match enough {
                Enough::All => Whose::Time,
                Enough::OfOne => Whose::Caller,
            });
        let place = place.map_err(|whose| errors::status(engine.full(whose)))?;
        let _held = Arc::new(place);
        Ok(PlaceInLine { _held })
    }

    /// Waits for the turn of whoever has a place.
    pub(super) async fn turn(
        &self,
        engine: &Engine,
        by: &CredentialId,
        region: &Region,
    ) -> Result<Turn<'_>, Status> {
        let turn = async {
            let _first = self.first.lock().await;
            engine.room_for_many(by, region).await;
            Turn { _first }
        };
        let turn = tokio::time::timeout(LONGEST, turn).await;
        turn.map_err(|_| errors::status(engine.full(Whose::Time)))
    }
}
