//! What an auditor runs: the region's log checked byte by byte, and replayed into every state and every fen.
//!
//! Nothing here knows a store: bytes in, facts or the first failure out. It never trusts what it checks.

mod aside;
mod auditor;
pub mod cosigned;
mod files;
mod history;
mod replay;
mod rules;
pub mod verify;
mod walk;
pub mod witness;

pub use auditor::{Audited, Auditor};
pub use files::{Dir, Files, MAX_FILE};
pub use history::{Historian, History, SaidBy, Step, Tree};
pub use replay::{Check, Failure, Replay, Replayed, StreamHead};
pub use rules::{Finding, Flagged, Kind, Ledger, across};
pub use walk::{MOST_EPOCHS, Stretch, audit_region, audit_regions, stretches};
