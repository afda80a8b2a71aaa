//! What was signed of the logs and may be shown to anybody: full hash tiles and checkpoints.
//!
//! Both are projections of `event`, fed by the one signer; they take no part in any guard.

use crate::error::Result;
use crate::rows::{At, MAX_BODY_BYTES};

/// Hashes of a full tile, each of 32 bytes: C2SP tlog-tiles.
pub const TILE_BYTES: usize = 256 * 32;

/// Where a full hash tile stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileKey {
    pub region: String,
    pub epoch: u64,
    /// 0 for leaf hashes.
    pub level: u8,
    pub idx: u64,
}

/// A full hash tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileRow {
    pub key: TileKey,
    /// [`TILE_BYTES`] of hashes.
    pub hashes: Vec<u8>,
}

impl TileRow {
    pub(crate) fn check(&self) -> Result<()> {
        let at = At("tile", &self.key.region);
        at.key("region", &self.key.region)?;
        at.number("epoch", self.key.epoch)?;
        at.number("idx", self.key.idx)?;
        match self.hashes.len() == TILE_BYTES {
            true => Ok(()),
            false => Err(at.invalid("hashes", "is not a full tile")),
        }
    }
}

/// A published checkpoint of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    pub region: String,
    pub epoch: u64,
    /// Events that it covers.
    pub size: u64,
    /// When it was signed, Unix milliseconds.
    pub at_ms: i64,
    /// The signed note whole.
    pub note: String,
}

impl CheckpointRow {
    pub(crate) fn check(&self) -> Result<()> {
        let at = At("checkpoint", &self.region);
        at.key("region", &self.region)?;
        at.number("epoch", self.epoch)?;
        at.number("size", self.size)?;
        at.size("note", self.note.as_bytes(), MAX_BODY_BYTES)?;
        at.no_nul("note", &self.note)
    }
}

/// A page of one log's checkpoints, by size.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointPage {
    pub(crate) region: String,
    pub(crate) epoch: u64,
    /// From this size on, or down from it.
    pub(crate) from: u64,
    pub(crate) down: bool,
    pub(crate) limit: u32,
}
