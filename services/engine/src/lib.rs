//! The region writer: the only code that changes what a rule reads.
//!
//! Invariants (ARCHITECTURE.md numbers them): the head is the version of everything in its region; every command is decided over
//! facts read under one head and written only while that head still stands; an answer leaves only when what it was decided on is
//! known to stand; only an acknowledged COMMIT turns the overlay into the cache; one command's refusal never spoils its neighbours.

mod batch;
mod cell;
mod clock;
mod dispatch;
mod erasures;
mod error;
mod metrics;
mod pace;
mod people;
mod queue;
pub mod rows;
pub mod stages;
mod status;
pub mod system;
mod verify;
mod writer;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::OnceLock;

use hefu_domain::event::PersonRevealed;
use hefu_domain::{Command, CredentialId, Event, Instant, Region, Stop, World};
use hefu_store::{Store, StoreError};
use hefu_vault::PersonRecord;
use tokio::sync::oneshot;

use stages::{Mark, Stage};

pub use batch::decode;
pub use clock::{Clock, Source, TOLERANCE_MS};
pub use error::{EngineError, Stopped};
pub use people::{Committed, NewSecret, People, WrappedKey};
pub use queue::{Full, Queues, Whose};
pub use verify::{Verified, audit, verify};

/// The largest ATOMIC group's events: beyond it one group would hold its region up for everybody else.
pub const MOST_GROUP_EVENTS: usize = 1_000;

/// A command's events as they stand in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The region whose log it is.
    pub region: Region,
    /// When.
    pub at: Instant,
    /// Which log of the region.
    pub epoch: u64,
    /// The index of the first; the others follow densely.
    pub first_index: u64,
    /// What happened.
    pub events: Vec<Event>,
    /// How many of the events are each command's, in order: one entry but for an ATOMIC group.
    pub parts: Vec<usize>,
}

/// The answer to an accepted command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It stands in the log.
    Recorded(Recorded),
    /// It would be accepted, as far as this region alone can tell; nothing was written.
    Dry(Recorded),
}

/// One request: a command, or the commands of an ATOMIC group under one request id.
#[derive(Debug, Clone)]
pub struct Request {
    /// In order; all of one region, caller, request id and digest.
    pub commands: Vec<Command>,
    /// Decide, and write nothing.
    pub dry: bool,
    /// The vault's share, written in the same transaction.
    pub secrets: Vec<NewSecret>,
    /// How long it was as it came in: what waits is bounded by it, too.
    pub bytes: usize,
    /// How long it will wait counts no more: it came with a call that was let in as a whole ([`Engine::room_for_many`]), or is the server's own.
    pub let_in: bool,
}

impl From<Command> for Request {
    fn from(command: Command) -> Request {
        Request {
            commands: vec![command],
            dry: false,
            secrets: Vec::new(),
            bytes: 0,
            let_in: true,
        }
    }
}

/// A request on its way.
pub(crate) struct Job {
    pub(crate) commands: Vec<Command>,
    pub(crate) dry: bool,
    pub(crate) secrets: Vec<NewSecret>,
    pub(crate) bytes: usize,
    pub(crate) let_in: bool,
    /// When it was submitted.
    pub(crate) submitted: Mark,
    /// With the instant at which it was answered.
    pub(crate) reply: oneshot::Sender<(Result<Answer, EngineError>, Mark)>,
}

impl Job {
    /// How many commands it has.
    pub(crate) fn moves(&self) -> usize {
        self.commands.len()
    }

    /// Its batch begins.
    pub(crate) fn begins(&self, now: Mark) {
        self.submitted.to(now, Stage::Queue, self.moves());
    }

    /// The regions that it touches: one, or two for an allocation.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &Region> {
        self.commands.iter().take(1).flat_map(|command| {
            let other = command.act.other_region();
            std::iter::once(&command.region).chain(other)
        })
    }
}

/// What every writer shares.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) people: People,
    stopped: OnceLock<Stopped>,
}

impl Shared {
    /// Writing ends here, for good; the health check says so.
    pub(crate) fn stop(&self, why: Stopped) -> EngineError {
        if self.stopped.set(why.clone()).is_ok() {
            tracing::error!(reason = %why, "writing stopped");
        }
        EngineError::Stopped(why)
    }

    pub(crate) fn check_running(&self) -> Result<(), EngineError> {
        if let Some(why) = self.stopped.get() {
            return Err(EngineError::Stopped(why.clone()));
        }
        let by_ms = self.clock.jump_ms();
        if by_ms.abs() > TOLERANCE_MS {
            return Err(self.stop(Stopped::ClockJumped { by_ms }));
        }
        Ok(())
    }

    /// Compares the machine's clock with the database's: times in the log are promises. A made-up clock is compared with nothing.
    pub(crate) async fn compare_clocks(&self) -> Result<(), EngineError> {
        self.check_running()?;
        if self.clock.is_simulated() {
            return Ok(());
        }
        let asked = self.clock.now().0;
        let theirs = self.store.clock_ms().await?;
        // They looked at some moment while we waited: a slow answer is no wrong clock.
        let by_ms = theirs.clamp(asked, self.clock.now().0.max(asked)) - theirs;
        if by_ms.abs() > TOLERANCE_MS {
            return Err(self.stop(Stopped::ClockApart { by_ms }));
        }
        Ok(())
    }
}

/// The engine of one process. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    dispatch: dispatch::Dispatch,
}

impl Engine {
    /// Starts so many writers over a migrated store, under the fences that stand now. No more waits for them than `most` says.
    ///
    /// # Errors
    /// The store's, or a region's code that is none.
    pub async fn start(
        store: Store,
        clock: Clock,
        people: People,
        writers: usize,
        most: Queues,
    ) -> Result<Engine, EngineError> {
        let fences = store.all_heads().await?.into_iter().map(|head| {
            let region = head.region.parse().map_err(|_| StoreError::Corrupt {
                table: "head",
                column: "region",
                key: head.region.clone(),
            })?;
            Ok((region, head.fence))
        });
        let fences = fences.collect::<Result<HashMap<Region, u64>, EngineError>>()?;
        let shared = Arc::new(Shared {
            store,
            clock,
            people,
            stopped: OnceLock::new(),
        });
        let dispatch = dispatch::Dispatch::start(&shared, writers.max(1), fences, most);
        if !shared.clock.is_simulated() {
            tokio::spawn(writer::watch_clock(Arc::downgrade(&shared)));
        }
        Ok(Engine { shared, dispatch })
    }

    /// Submits a request and waits for its answer. A caller that goes away changes nothing: the request is decided all the same.
    ///
    /// # Errors
    /// See [`EngineError`]; after `OutcomeUnknown` the same request id tells what happened.
    pub async fn submit(&self, request: Request) -> Result<Answer, EngineError> {
        self.shared.check_running()?;
        let (reply, answer) = oneshot::channel();
        let job = Job {
            commands: request.commands,
            dry: request.dry,
            secrets: request.secrets,
            bytes: request.bytes,
            let_in: request.let_in,
            submitted: Mark::now(),
            reply,
        };
        let moves = job.moves();
        self.dispatch.submit(job)?;
        let (answer, answered) = answer
            .await
            .unwrap_or((Err(EngineError::OutcomeUnknown), Mark::default()));
        answered.to(Mark::now(), Stage::Wake, moves);
        answer
    }

    /// Whether a caller's next move will be answered in time, before anything is done for it.
    ///
    /// # Errors
    /// `Full`, with the time to come back.
    pub fn room(&self, by: &CredentialId) -> Result<(), EngineError> {
        self.dispatch.room(by)
    }

    /// Waits until a call with many moves of a region may begin; one waits at a time, and has submitted its moves before the next one asks.
    pub async fn room_for_many(&self, by: &CredentialId, region: &Region) {
        self.dispatch.room_for_many(by, region).await;
    }

    /// That somebody is turned away, with the time to come back.
    pub fn full(&self, whose: Whose) -> EngineError {
        self.dispatch.full(whose)
    }

    /// Answers a question over a region's facts as they stand, without writing: the question is asked again until nothing is missing
    /// and the head did not move in between.
    pub async fn inspect<T>(
        &self,
        region: &Region,
        ask: impl Fn(&World, Instant) -> Result<T, Stop>,
    ) -> Result<Result<T, Stop>, EngineError> {
        writer::inspect(&self.shared, region, ask).await
    }

    /// The token that an event handed out, signed again for whoever it was handed to: the same bytes, whose hash is on record.
    ///
    /// # Errors
    /// `Refused` when the caller may not have it any more ([`hefu_domain::handed_out`]), or when no key at hand makes the bytes on
    /// record: it must be reissued.
    pub async fn token(
        &self,
        region: &Region,
        by: &CredentialId,
        event: &Event,
    ) -> Result<String, EngineError> {
        writer::token(&self.shared, region, by, event).await
    }

    /// The record that an event had on record that it is shown, for whoever asked for it.
    ///
    /// # Errors
    /// `Refused` when the caller may not see it any more ([`hefu_domain::revealed`]).
    pub async fn revealed(
        &self,
        region: &Region,
        by: &CredentialId,
        event: &PersonRevealed,
    ) -> Result<PersonRecord, EngineError> {
        writer::revealed(&self.shared, region, by, event).await
    }

    /// Compares the machine's clock with the database's, as it is done again every few seconds: whoever starts a server asks
    /// before it serves.
    ///
    /// # Errors
    /// `Stopped` when they are too far apart: this process then writes nothing.
    pub async fn compare_clocks(&self) -> Result<(), EngineError> {
        self.shared.compare_clocks().await
    }

    /// Why this process writes no more, if so.
    pub fn stopped(&self) -> Option<&Stopped> {
        self.shared.stopped.get()
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The store, for reads.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The people's side: identities, tags, tokens.
    pub fn people(&self) -> &People {
        &self.shared.people
    }

    /// How many requests are on their way.
    pub fn in_flight(&self) -> usize {
        self.dispatch.in_flight()
    }
}
