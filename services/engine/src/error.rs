//! What a caller of the engine is told besides events: a refusal, a reused request id, or that it should try again.

use hefu_domain::Refusals;
use hefu_store::StoreError;

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
    /// The commit was not answered and could not be looked up: the same request id tells.
    #[error("outcome unknown, retry with the same request id")]
    OutcomeUnknown,
    /// This process writes no more (clock, fence, alarm, disk).
    #[error("not serving: {0}")]
    Stopped(String),
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
