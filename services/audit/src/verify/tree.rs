//! The tree over the entries, kept thin. The invariant: of the leaves only those of the open bundle are held, and of
//! every level above them one hash for 256 below; whatever was asked of the leaves since is read and hashed again,
//! and counts only if it gives the hash that is held.

use hefu_log::proof::{frontier_at, root_at};
use hefu_log::{Frontier, Hash, LogError, Node};

use super::check::{Check, Stop};
use super::log::{Log, root_of};

/// The tree of the entries that were walked over.
#[derive(Default)]
pub(super) struct Tree {
    size: u64,
    /// Leaves behind the last full bundle, at most 255.
    open: Vec<Hash>,
    /// The hashes of tile level 1, 2, …: roots of the full tiles one level below.
    above: Vec<Vec<Hash>>,
    /// Of a log that ended: the first event that is not the one in its tile. From there on its tiles are of another tree.
    pub(super) unlike: Option<u64>,
}

impl Tree {
    /// How many events it is over.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a bundle's leaves, whose `root` is known if they are 256, and holds each tile that they fill against
    /// the published one. Tiles of level 0 were checked with the entries.
    pub(super) fn append(
        &mut self,
        leaves: impl Iterator<Item = Hash>,
        root: Option<Hash>,
        log: &Log<'_>,
    ) -> Result<(), Stop> {
        let Some(root) = root else {
            self.open.extend(leaves);
            self.size += self.open.len() as u64;
            return Ok(());
        };
        self.size += 256;
        let mut hash = root;
        for level in 1.. {
            if self.above.len() < level {
                self.above.push(Vec::new());
            }
            let hashes = &mut self.above[level - 1];
            hashes.push(hash);
            if !hashes.len().is_multiple_of(256) {
                break;
            }
            let number = hashes.len() / 256 - 1;
            let tile = &hashes[number * 256..];
            if self.unlike.is_none() && (log.tiled >> (8 * level)) / 256 > number as u64 {
                log.check_tile(level as u8, number as u64, tile)?;
            }
            hash = root_of(tile);
        }
        Ok(())
    }

    /// Holds the tiles at the right edge of what is published, those of level 0 apart, against the entries.
    pub(super) fn check_edge(&self, log: &Log<'_>) -> Result<(), Stop> {
        if self.unlike.is_some() {
            return Ok(());
        }
        for (level, hashes) in (1_u8..).zip(&self.above) {
            let published = log.tiled >> (8 * u32::from(level));
            if published.is_multiple_of(256) {
                continue;
            }
            let number = published / 256;
            let computed = hashes.get((number * 256) as usize..).unwrap_or_default();
            log.check_tile(level, number, computed)?;
        }
        Ok(())
    }

    /// The root of the first `size` events.
    pub(super) fn root_at(&self, size: u64, log: &Log<'_>) -> Result<Hash, Stop> {
        self.with_nodes(size, log, |nodes| root_at(size, nodes))
    }

    /// The roots of trees of these sizes, which ascend. Of a bundle in which many of them end, the leaves are read once.
    pub(super) fn roots(&self, sizes: &[u64], log: &Log<'_>) -> Result<Vec<Hash>, Stop> {
        let mut roots = Vec::with_capacity(sizes.len());
        for ends in sizes.chunk_by(|one, next| one / 256 == next / 256) {
            let (Some(first), Some(last)) = (ends.first(), ends.last()) else {
                continue;
            };
            let mut tree = self.frontier_at(first - first % 256, log)?;
            let mut leaves = self.leaves_before(*last, log)?.into_iter();
            for size in ends {
                while tree.size() < *size {
                    let short = Stop::Failed(tree.size(), Check::Entries);
                    tree.push(leaves.next().ok_or(short)?);
                }
                roots.push(tree.root());
            }
        }
        Ok(roots)
    }

    /// The right edge of the first `size` events.
    pub(super) fn frontier_at(&self, size: u64, log: &Log<'_>) -> Result<Frontier, Stop> {
        self.with_nodes(size, log, |nodes| frontier_at(size, nodes))
    }

    fn with_nodes<T>(
        &self,
        size: u64,
        log: &Log<'_>,
        ask: impl FnOnce(&dyn hefu_log::Nodes) -> Result<T, LogError>,
    ) -> Result<T, Stop> {
        let short = Stop::Failed(size.min(self.size), Check::Entries);
        if size > self.size {
            return Err(short);
        }
        let leaves = self.leaves_before(size, log)?;
        ask(&|node: Node| self.node(node, &leaves).ok_or(LogError::Missing(node)))
            .map_err(|_| short)
    }

    /// The leaves of the bundle in which a tree of `size` ends, if it ends within one.
    fn leaves_before(&self, size: u64, log: &Log<'_>) -> Result<Vec<Hash>, Stop> {
        let bundle = size / 256;
        if size.is_multiple_of(256) {
            return Ok(Vec::new());
        }
        if bundle == self.size / 256 {
            return Ok(self.open.clone());
        }
        let leaves = log.leaves(bundle)?;
        let kept = self
            .above
            .first()
            .and_then(|roots| roots.get(bundle as usize));
        if kept == Some(&root_of(&leaves)) {
            Ok(leaves)
        } else {
            Err(Stop::Failed(bundle * 256, Check::Leaf))
        }
    }

    /// A complete subtree; below a full bundle only that of the bundle whose leaves are given, the last one asked for.
    fn node(&self, node: Node, leaves: &[Hash]) -> Option<Hash> {
        let width = 1_usize << (node.level % 8);
        let first = usize::try_from(node.index).ok()?.checked_mul(width)?;
        let hashes = match usize::from(node.level / 8).checked_sub(1) {
            None => leaves.get(first % 256..first % 256 + width)?,
            Some(level) => self.above.get(level)?.get(first..first + width)?,
        };
        Some(root_of(hashes))
    }
}
