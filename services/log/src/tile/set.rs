//! Proofs out of tiles. The invariant: which tiles a proof needs is known before any of them is read, so that a
//! server fetches them in one go and a client knows what to ask for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::{TILE_HEIGHT, TILE_WIDTH, Tile, TileKind, TilePath};
use crate::merkle::root_of;
use crate::proof::{Node, Nodes, consistency_proof, inclusion_proof};
use crate::{Hash, LogError};

/// Tiles in memory, by level and index; any node inside them can be read.
#[derive(Clone, Debug, Default)]
pub struct TileSet {
    tiles: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl TileSet {
    /// No tiles.
    pub const fn new() -> Self {
        Self {
            tiles: BTreeMap::new(),
        }
    }

    /// Adds a tile; of two with the same place the wider stays.
    pub fn insert(&mut self, tile: Tile) {
        let held = self.tiles.entry((tile.level, tile.index)).or_default();
        if held.len() < tile.hashes.len() {
            *held = tile.hashes;
        }
    }
}

impl FromIterator<Tile> for TileSet {
    fn from_iter<I: IntoIterator<Item = Tile>>(tiles: I) -> Self {
        let mut set = Self::new();
        tiles.into_iter().for_each(|tile| set.insert(tile));
        set
    }
}

impl Nodes for TileSet {
    fn node(&self, node: Node) -> Result<Hash, LogError> {
        let missing = LogError::Missing(node);
        let Some((level, tile, first)) = place(node) else {
            return Err(missing);
        };
        let entries = first..first + (1 << (node.level % TILE_HEIGHT));
        let hashes = self
            .tiles
            .get(&(level, tile))
            .and_then(|hashes| hashes.get(entries));
        hashes.map(root_of).ok_or(missing)
    }
}

/// Where a node's subtree starts: tile level, tile index, entry. A node never crosses a tile's border, since both are
/// aligned to powers of two. Nothing for a node that no tree of 2^64 leaves has.
fn place(node: Node) -> Option<(u8, u64, usize)> {
    let height = u32::from(node.level % TILE_HEIGHT);
    if node.index.leading_zeros() < height {
        return None;
    }
    let entry = node.index << height;
    let width = u64::from(TILE_WIDTH);
    Some((
        node.level / TILE_HEIGHT,
        entry / width,
        (entry % width) as usize,
    ))
}

/// The tiles that [`inclusion_proof`] reads, as they stand in a log of `size` events.
///
/// # Errors
/// `Range` unless `index < size`.
pub fn tiles_for_inclusion(index: u64, size: u64) -> Result<Vec<TilePath>, LogError> {
    recorded(size, |nodes| inclusion_proof(index, size, nodes))
}

/// The tiles that [`consistency_proof`] reads, as they stand in a log of `new` events.
///
/// # Errors
/// `Range` unless `old <= new`.
pub fn tiles_for_consistency(old: u64, new: u64) -> Result<Vec<TilePath>, LogError> {
    recorded(new, |nodes| consistency_proof(old, new, nodes))
}

/// Makes a proof of nothing and notes what it asks for.
fn recorded(
    size: u64,
    proof: impl FnOnce(&dyn Nodes) -> Result<Vec<Hash>, LogError>,
) -> Result<Vec<TilePath>, LogError> {
    let paths = RefCell::new(BTreeSet::new());
    proof(&|node: Node| {
        let (level, index, _) = place(node).ok_or(LogError::Missing(node))?;
        let path = TilePath::in_log(TileKind::Hashes(level), index, size)
            .ok_or(LogError::Missing(node))?;
        paths.borrow_mut().insert(path);
        Ok(Hash::EMPTY)
    })?;
    Ok(paths.into_inner().into_iter().collect())
}
