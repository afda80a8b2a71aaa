//! Appending leaves and cutting tiles. The invariant: of each level the builder holds the entries that follow the
//! last full tile, fewer than 256, and every full tile is handed out exactly once, lower levels first.

use super::{TILE_HEIGHT, TILE_WIDTH, Tile, TileKind, TilePath};
use crate::merkle::root_of;
use crate::{Frontier, Hash, LogError};

const WIDTH: usize = TILE_WIDTH as usize;

/// The partial tiles at the right edge of a log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TileBuilder {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl TileBuilder {
    /// The builder of an empty log.
    pub const fn new() -> Self {
        Self {
            size: 0,
            levels: Vec::new(),
        }
    }

    /// Picks up a log of `size` leaves. `read` is asked for full hash tiles and for the partial one of level 0, the
    /// latter being the leaf hashes of the last events.
    ///
    /// # Errors
    /// Those of `read`; `Tile` if it answers with another tile than the one asked for.
    pub fn resume<F>(size: u64, mut read: F) -> Result<Self, LogError>
    where
        F: FnMut(&TilePath) -> Result<Tile, LogError>,
    {
        let mut ask = |path: TilePath| {
            let tile = read(&path)?;
            if tile.path() == path {
                Ok(tile)
            } else {
                Err(LogError::Tile("not the tile that was asked for"))
            }
        };
        let mut builder = Self {
            size,
            levels: Vec::new(),
        };
        let mut entries = size;
        let mut level = 0;
        while entries > 0 {
            let full = entries / u64::from(TILE_WIDTH);
            let width = (entries % u64::from(TILE_WIDTH)) as u16;
            let hashes = if width == 0 {
                Vec::new()
            } else if level == 0 {
                ask(TilePath::new(TileKind::Hashes(0), full, width)?)?.hashes
            } else {
                (entries - u64::from(width)..entries)
                    .map(|child| {
                        ask(TilePath::new(
                            TileKind::Hashes(level - 1),
                            child,
                            TILE_WIDTH,
                        )?)
                    })
                    .map(|tile| tile.map(|tile| tile.root()))
                    .collect::<Result<_, _>>()?
            };
            builder.levels.push(hashes);
            entries = full;
            level += 1;
        }
        Ok(builder)
    }

    /// The tiles that [`TileBuilder::resume`] asks for, so that they can be read in one go.
    ///
    /// # Errors
    /// Those of [`TilePath::new`], which no log has.
    pub fn tiles_to_resume(size: u64) -> Result<Vec<TilePath>, LogError> {
        let mut paths = Vec::new();
        Self::resume(size, |path| {
            paths.push(*path);
            let TileKind::Hashes(level) = path.kind() else {
                return Err(LogError::Tile("a bundle of entries, not hashes"));
            };
            let hashes = vec![Hash::EMPTY; usize::from(path.width())];
            Tile::new(level, path.index(), hashes)
        })?;
        Ok(paths)
    }

    /// How many leaves the log has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf and hands out each tile that it fills.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(Tile)) {
        self.size += 1;
        let mut entry = leaf;
        let mut entries = self.size;
        for level in 0.. {
            if self.levels.len() == usize::from(level) {
                self.levels.push(Vec::new());
            }
            let hashes = &mut self.levels[usize::from(level)];
            hashes.push(entry);
            if hashes.len() < WIDTH {
                return;
            }
            entries /= u64::from(TILE_WIDTH);
            let tile = Tile {
                level,
                index: entries - 1,
                hashes: std::mem::take(hashes),
            };
            entry = tile.root();
            full(tile);
        }
    }

    /// The partial tiles as they stand, lower levels first.
    pub fn partial(&self) -> Vec<Tile> {
        (0..)
            .zip(&self.levels)
            .filter(|(_, hashes)| !hashes.is_empty())
            .map(|(level, hashes)| {
                let entries = self.size >> (u32::from(level) * u32::from(TILE_HEIGHT));
                Tile {
                    level,
                    index: entries / u64::from(TILE_WIDTH),
                    hashes: hashes.clone(),
                }
            })
            .collect()
    }

    /// The right edge of the same tree.
    ///
    /// # Errors
    /// `Frontier` for a size beyond 2^53 - 1.
    pub fn frontier(&self) -> Result<Frontier, LogError> {
        let mut edge = Vec::with_capacity(self.size.count_ones() as usize);
        for hashes in self.levels.iter().rev() {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
                edge.push(root_of(subtree));
                rest = after;
            }
        }
        Frontier::from_parts(self.size, edge)
    }
}
