//! What is checked of a log, and the first place where it failed. The invariant: a failure names the check, the place
//! and what to do, so that whoever reads it can go and look.

use std::fmt;

use hefu_domain::Region;
use serde::{Serialize, Serializer};

use crate::replay;

/// What was checked when a log failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// One of the checks of an event by itself and of its place after those before it.
    Event(replay::Check),
    /// A bundle of entries is there, and holds as many as the tree has.
    Entries,
    /// The entry's hash is the one that its tile of level 0 holds.
    Leaf,
    /// A tile is there, and holds what the entries give.
    Tile,
    /// The checkpoint is there, and is a signed note of origin, size and root.
    Checkpoint,
    /// The checkpoint's origin is this region's, of this epoch, of the deployment that event 0 names.
    Origin,
    /// The entries give the root that the checkpoint says.
    Root,
    /// A key from outside is at the start of the chain of keys that leads to the signature.
    Key,
    /// The checkpoint is signed by the key of this log that was in force.
    Signature,
    /// The checkpoint bears the second signature that a key was brought along for.
    Second,
    /// A change of the log's key is signed by both keys and follows the one before.
    Rotation,
    /// Every log of the deployment that a key was brought along for is here.
    Missing,
    /// The log tells of every key that was brought along for it, or for a later epoch of it.
    Replaced,
    /// An epoch begins with the fork that was accepted, and that fork tells the truth about the logs before it.
    Fork,
    /// The older checkpoint is one of this log: its tree is a beginning of today's.
    Since,
    /// What a city recorded of a log is what the log has.
    Recorded,
    /// The database's head row says what the log gives.
    Head,
    /// The database has no event rows but those of the logs.
    Beyond,
    /// What witnesses cosigned is this log: each of their signatures holds, over a tree that the log has.
    Cosigned,
    /// As many witnesses as were asked for cosigned the checkpoint.
    Witnesses,
    /// The event's time lies in its cosigning interval.
    BackDated,
}

impl Check {
    /// What to do when it failed.
    pub const fn advice(self) -> &'static str {
        match self {
            Check::Event(_) => {
                "compare the event with another copy of the log; the operator must say what became of it"
            }
            Check::Entries => {
                "export again; if it is still missing, the operator must say where the events are"
            }
            Check::Leaf => {
                "compare the event and its tile with another copy: one of the two was changed"
            }
            Check::Tile => "export again, or compare the tile with another copy of the log",
            Check::Checkpoint => "export again, or ask whether the log's signer runs",
            Check::Origin => "ask whose log this is: it is not the one that its folder says",
            Check::Root => {
                "an event was changed, or the checkpoint is another log's: compare both with another copy"
            }
            Check::Key => {
                "get this log's verifier key from a place that you trust, and name it with --vkey"
            }
            Check::Signature => {
                "take the checkpoint for a forgery until the operator shows who signed it"
            }
            Check::Second => {
                "the second signature is wrong, or somebody took it away: ask the operator; of a copy from before the log had its second key, leave that key's line out"
            }
            Check::Rotation => {
                "take no signature of the new key; ask the operator for proof of the change"
            }
            Check::Missing => {
                "you brought a key for this log, and it is not here: ask the operator for it, or name the others with --region"
            }
            Check::Replaced => {
                "you brought a key that follows those of this log: it is an older copy, or signed by a key that was replaced. Get a newer one, or bring only the keys of its time"
            }
            Check::Fork => {
                "keep both logs and the checkpoint: they prove that two histories were shown"
            }
            Check::Since => {
                "keep both checkpoints: together they prove that two histories were shown"
            }
            Check::Recorded => "keep both logs: city and county were shown two histories",
            Check::Head => "stop the writers; the table was changed, or restored without the log",
            Check::Beyond => {
                "ask who put the row there: it belongs to no log, and what is looked up in the table may come by it"
            }
            Check::Cosigned => {
                "keep this copy and what the witness saw: together they prove that two histories were shown"
            }
            Check::Witnesses => {
                "ask the operator which witness is behind, and the witness why; until then others may be shown another log"
            }
            Check::BackDated => {
                "ask the operator when it was written: by the witnesses' clocks not when it says"
            }
        }
    }
}

impl From<replay::Check> for Check {
    fn from(check: replay::Check) -> Self {
        Self::Event(check)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Check::Event(check) => return check.fmt(f),
            Check::Entries => "entries",
            Check::Leaf => "leaf hash",
            Check::Tile => "tile",
            Check::Checkpoint => "checkpoint",
            Check::Origin => "origin",
            Check::Root => "root",
            Check::Key => "key",
            Check::Signature => "signature",
            Check::Second => "second signature",
            Check::Rotation => "key rotation",
            Check::Missing => "missing log",
            Check::Replaced => "replaced key",
            Check::Fork => "fork",
            Check::Since => "older checkpoint",
            Check::Recorded => "recorded checkpoint",
            Check::Head => "head row",
            Check::Beyond => "end of log",
            Check::Cosigned => "cosigned checkpoints",
            Check::Witnesses => "witnesses required",
            Check::BackDated => "back-dating",
        })
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The first place at which a log failed, and which check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("region {region}, epoch {epoch}, event {index}: the check of \"{check}\" failed; {}", check.advice())]
pub struct Failure {
    /// Whose log.
    pub region: Region,
    /// Of which epoch.
    pub epoch: u64,
    /// Which event, from 0. A checkpoint stands behind its last event: at its size.
    pub index: u64,
    /// Which check.
    pub check: Check,
}

/// Why a walk over a log ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// A check failed at an event of the log.
    Failed(u64, Check),
    /// The log could not be read.
    Unread(std::io::Error),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Unread(error)
    }
}
