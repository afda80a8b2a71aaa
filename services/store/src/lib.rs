//! Rows, not rules: one [`Store`] over SQLite or PostgreSQL.
//!
//! Invariant: a [`Commit`] is written whole or not at all, and only while every head it was decided
//! on still stands. The store knows which keys are unique and in which order locks are taken; what a
//! row means is the domain's business. What differs between the engines stands in `sqlite/` and
//! `postgres/`; nothing else knows which one runs.

mod commit;
mod error;
mod faults;
mod locked;
mod postgres;
mod published;
mod reads;
mod reports;
mod rows;
mod shown;
mod sql;
mod sqlite;
mod store;
mod tables;
mod times;

pub use commit::{Commit, Erased, Outcome, RegionCommit};
pub use error::{Result, StoreError};
pub use faults::{Fault, Faults, Pause};
pub use locked::{Locked, Snapshot};
pub use published::{CheckpointRow, TILE_BYTES, TileKey, TileRow};
pub use reads::{ListQuery, Reads, Scope};
pub use reports::{
    ReportCount, ReportCursor, ReportFact, ReportFactKeys, ReportFactsUnder, ReportFold,
    ReportQuery, ReportSum,
};
pub use rows::{
    CommittedSecret, EventRow, FactKey, Head, LeafRow, MAX_BODY_BYTES, MAX_EVENT_BYTES,
    MAX_KEY_BYTES, Nullifier, PersonKey, PersonSecret, RequestKey, Row, Tag,
};
pub use shown::Shown;
pub use store::{Access, OpenOptions, Store};
pub use tables::{Spec, Table};
pub use times::{Passed, Times};
