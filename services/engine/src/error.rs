//! What a caller of the engine is told besides events: a refusal, a reused request id, or that it should try again.

use hefu_domain::{Refusals, Region};
use hefu_store::StoreError;

use crate::queue::Full;

/// Why a command was not recorded. Cloneable, because one failed commit answers many callers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The rules said no: every rule that did.
    #[error("refused: {0}")]
    Refused(Refusals),
    /// The request id was used for another request.
    #[error("the request id was used for another request")]
    RequestReused,
    /// One item of an ATOMIC group was refused, so nothing of it happened.
    #[error("item {item} of the group was refused: {refusals}")]
    GroupRefused {
        /// Which item, from 0.
        item: usize,
        /// Every rule that said no.
        refusals: Refusals,
    },
    /// Nothing was written; the same request may be sent again.
    #[error("busy: {0}")]
    Busy(&'static str),
    /// Nothing was written, or even looked at: too much waits already.
    #[error(transparent)]
    Full(#[from] Full),
    /// The commit was not answered and could not be looked up: the same request id tells.
    #[error("outcome unknown, retry with the same request id")]
    OutcomeUnknown,
    /// This process writes no more, here or anywhere.
    #[error("not serving: {0}")]
    Stopped(Stopped),
    /// The event would not fit the log.
    #[error("cannot be recorded: {0}")]
    Unstorable(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A person's data could not be opened.
    #[error("the vault failed: {0}")]
    Vault(String),
    /// A rule kept asking for facts: a defect of ours.
    #[error("deciding did not come to an end")]
    Endless,
}

/// Why a process writes no more: nowhere (clocks, disk), or not in one region (fence, alarm).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The wall clock left the monotonic clock.
    #[error("the clock jumped by {by_ms} ms")]
    ClockJumped {
        /// Forwards, or back where negative.
        by_ms: i64,
    },
    /// Two machines would date the same log differently.
    #[error("this machine's clock is {by_ms} ms off the database's")]
    ClockApart {
        /// Ahead, or behind where negative.
        by_ms: i64,
    },
    /// After a failed sync no later answer of the file system can be believed.
    #[error("the database file failed: {what}")]
    Disk {
        /// What the database said.
        what: String,
    },
    /// A writer ended in a defect of ours.
    #[error("a writer ended by itself")]
    Writer,
    /// The region's fence was raised since this process started.
    #[error("region {region} was fenced off: another version of this service writes now")]
    Fenced {
        /// Which.
        region: Region,
    },
    /// The region's log is in doubt.
    #[error("region {region} has an alarm: {alarm}")]
    Alarmed {
        /// Which.
        region: Region,
        /// What was found.
        alarm: String,
    },
}

impl Stopped {
    /// Whether the process must end: after the disk failed, nothing that it would still say can be relied on. What else stops the
    /// writing leaves the reading as true as it was.
    pub fn ends_the_process(&self) -> bool {
        match self {
            Stopped::Disk { .. } | Stopped::Writer => true,
            Stopped::ClockJumped { .. }
            | Stopped::ClockApart { .. }
            | Stopped::Fenced { .. }
            | Stopped::Alarmed { .. } => false,
        }
    }
}
