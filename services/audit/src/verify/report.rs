//! What a verification found. The invariant: `verified` says only what was proven, and never without a key from
//! outside.

use std::fmt;

use hefu_domain::Region;
use hefu_domain::event::{ForkAccepted, LogTree};
use hefu_log::Hash;
use serde::Serialize;

use super::check::Failure;
use super::log::Log;
use super::region::Epoch;
use crate::cosigned::Word;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Every check held, and the keys came from outside.
    pub verified: bool,
    /// Whether the keys came from outside. If not, the logs are consistent with themselves at best.
    pub key_from_outside: bool,
    /// How many regions were verified whole.
    pub regions: u64,
    /// How many events were walked over.
    pub events: u64,
    /// Forks that the operator accepted.
    pub forks: Vec<Fork>,
    /// Witnesses whose signatures held.
    pub witnesses: Vec<String>,
    /// How many logs bear the second signature that a key was brought along for. Of the others nobody asked.
    pub second_signatures: u64,
    /// What failed first.
    pub failure: Option<Failure>,
    /// Regions of which a key was brought along and no log is here.
    pub missing: Vec<Region>,
    /// The logs as they stand.
    #[serde(skip)]
    pub logs: Vec<Seen>,
    /// Checkpoints that a city recorded of logs that are not here, or of events that a fork lost.
    #[serde(skip)]
    pub unseen: u64,
}

/// A log that held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Whose.
    pub region: Region,
    /// Of which epoch.
    pub epoch: u64,
    /// How many events its checkpoint is over.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// Id of the key that signed it; its name is the log's.
    pub signer: u32,
    /// Id of the key of its second signature, where one was brought along.
    pub second: Option<u32>,
    /// When its last event happened.
    pub at: Option<String>,
    /// Events behind the checkpoint, in a database, that nobody has signed yet.
    pub unsigned: u64,
    /// What witnesses said of the checkpoint, and when.
    pub words: Vec<Word>,
}

/// A fork that the operator accepted: another log goes on from a beginning of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fork {
    /// Whose log.
    pub region: Region,
    /// The epoch that began with it.
    pub epoch: u64,
    /// Why, in the operator's code.
    pub reason: String,
    /// The last tree that was signed of the log before; absent where that is not known any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<LogTree>,
    /// The tree that the new log goes on from.
    pub kept: LogTree,
    /// Whether the old log's signed checkpoint is there and says what the operator says of it.
    pub confirmed: bool,
    /// Whether an event that was kept is not the one that was signed.
    pub rewritten: bool,
    /// The first of these, where the signed tiles still tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_rewritten: Option<u64>,
    /// Signed events that are gone, where that can be told.
    pub lost: u64,
    /// Whether it is no news: a checkpoint from before that was brought along is of this epoch or a later one.
    pub seen: bool,
}

/// In words, for whoever must hear of it.
impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "region {}, epoch {} goes on from {} events of epoch {} ({})",
            self.region, self.epoch, self.kept.size, self.kept.epoch, self.reason
        )?;
        match &self.signed {
            Some(signed) => write!(
                f,
                "; {} events of epoch {} had been signed, {} of them are gone",
                signed.size, signed.epoch, self.lost
            )?,
            None => f.write_str("; what had been signed before is not known any more")?,
        }
        match self.first_rewritten {
            Some(first) => write!(
                f,
                "; signed events were REWRITTEN, the first is event {first}"
            )?,
            None if self.rewritten => f.write_str("; signed events were REWRITTEN")?,
            None => {}
        }
        f.write_str(match self.confirmed {
            true => "; the old checkpoint confirms it",
            false => "; the operator's word alone",
        })
    }
}

impl Fork {
    pub(super) fn new(
        log: &Log<'_>,
        event: &ForkAccepted,
        confirmed: bool,
        before: &Epoch<'_>,
    ) -> Self {
        let lost = match event.signed {
            Some(signed) if signed.epoch == event.kept.epoch => {
                signed.size.saturating_sub(event.kept.size)
            }
            // Of an epoch that is gone whole nothing was kept.
            Some(signed) => signed.size,
            None => 0,
        };
        Self {
            region: log.region.clone(),
            epoch: log.epoch,
            reason: event.reason.to_string(),
            signed: event.signed,
            kept: event.kept,
            confirmed,
            rewritten: before.rewritten,
            first_rewritten: before.tree.unlike.filter(|_| before.rewritten),
            lost,
            seen: false,
        }
    }
}
