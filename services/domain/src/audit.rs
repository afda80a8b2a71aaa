//! What the log says of logs: an accepted fork, the checkpoints that a city recorded, a log key that followed another.
//!
//! Roots and signatures are recorded results here: the log's own tools check them, the rules only keep them.

use serde::{Deserialize, Serialize};

use crate::ids::{Digest, Reason, Region};
use crate::refusal::Stop;
use crate::world::World;

/// A tree of one log: how many events, and the Merkle root over them (RFC 6962).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogTree {
    /// The log's epoch.
    pub epoch: u64,
    /// Events.
    pub size: u64,
    /// Root over them.
    pub root: Digest,
}

/// Body of the event `ForkAccepted`, the first of every epoch but the first: the log before it no longer extends what
/// was signed of it (a restored backup, a rewritten row), and the operator goes on from what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkAccepted {
    /// Why, in the operator's code.
    pub reason: Reason,
    /// The last tree of the old log that was signed; absent where the signer's memory of it is lost as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<LogTree>,
    /// The tree of the old log that stood in the database: what the new epoch carries on.
    pub kept: LogTree,
}

/// Body of the event `CheckpointsRecorded`: the trees of other regions' logs, as their signed checkpoints had them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointsRecorded {
    /// By region, each once.
    pub checkpoints: Vec<RegionTree>,
}

/// One region's signed tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionTree {
    /// Whose log.
    pub region: Region,
    /// The log's epoch.
    pub epoch: u64,
    /// Events.
    pub size: u64,
    /// Root over them.
    pub root: Digest,
}

/// Body of the event `LogKeyRotated`: from the checkpoint that covers it on, the new key signs this log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogKeyRotated {
    /// The verifier key so far (C2SP signed-note), named like the log's origin.
    pub old: String,
    /// The one from now on.
    pub new: String,
    /// The old key's signature over [`LogKeyRotated::statement`], base64.
    pub by_old: String,
    /// The new key's.
    pub by_new: String,
}

impl LogKeyRotated {
    /// The text that both keys sign.
    pub fn statement(old: &str, new: &str) -> String {
        format!("hefu log key rotation\n{old}\n{new}\n")
    }
}

/// None of them changes what a rule reads: the region's stream moves, and that is all.
pub(crate) fn apply_recorded(world: &mut World) -> Result<(), Stop> {
    world.edit_region().map(|_| ())
}
