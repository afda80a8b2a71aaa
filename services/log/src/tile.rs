//! The public files of a log, as C2SP tlog-tiles lays them out: hash tiles of height 8, and bundles of entries.
//!
//! The invariant: a path, a tile or a bundle has one spelling, and reading anything else is an error, never a panic.
//! Entry `n` of the tile at level `l` is the root of the 256^l leaves from n · 256^l on; full tiles never change.

mod build;
mod set;

use std::fmt;
use std::str::FromStr;

pub use build::TileBuilder;
pub use set::{TileSet, tiles_for_consistency, tiles_for_inclusion};

use crate::merkle::root_of;
use crate::{Hash, LogError, MAX_BYTES};

/// Entries of a full tile or bundle.
pub const TILE_WIDTH: u16 = 256;

/// Levels of the tree that one tile spans.
pub(crate) const TILE_HEIGHT: u8 = 8;

/// What a tile path names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TileKind {
    /// Hashes of the given tile level, 0 to 63.
    Hashes(u8),
    /// The events themselves.
    Entries,
}

/// `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`, N in groups of three digits: `x001/x234/067`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TilePath {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl TilePath {
    /// A path with its parts checked.
    ///
    /// # Errors
    /// `Tile` unless the level is at most 63 and the width 1 to 256.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, LogError> {
        if let TileKind::Hashes(level) = kind
            && level > 63
        {
            return Err(LogError::Tile("level beyond 63"));
        }
        if width == 0 || width > TILE_WIDTH {
            return Err(LogError::Tile("width outside 1 to 256"));
        }
        Ok(Self { kind, index, width })
    }

    /// The path of tile `index` as it stands in a log of `size` events; nothing if it has no entry yet.
    pub fn in_log(kind: TileKind, index: u64, size: u64) -> Option<Self> {
        let height = match kind {
            TileKind::Hashes(level) => u32::from(level) * u32::from(TILE_HEIGHT),
            TileKind::Entries => 0,
        };
        let entries = size.checked_shr(height).unwrap_or(0);
        let left = entries.checked_sub(index.checked_mul(TILE_WIDTH.into())?)?;
        let width = left.min(TILE_WIDTH.into()) as u16;
        Self::new(kind, index, width).ok()
    }

    /// Hashes or entries.
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    /// Number of the tile on its level, from 0.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many entries it holds, 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it is full and so never changes.
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}")?,
            TileKind::Entries => f.write_str("tile/entries")?,
        }
        let mut groups = self.index.checked_ilog(1000).unwrap_or(0);
        while groups > 0 {
            write!(f, "/x{:03}", self.index / 1000_u64.pow(groups) % 1000)?;
            groups -= 1;
        }
        write!(f, "/{:03}", self.index % 1000)?;
        if self.is_full() {
            Ok(())
        } else {
            write!(f, ".p/{}", self.width)
        }
    }
}

impl FromStr for TilePath {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        const SHAPE: LogError = LogError::Tile("not a tile path");
        let rest = text.strip_prefix("tile/").ok_or(SHAPE)?;
        let (kind, rest) = rest.split_once('/').ok_or(SHAPE)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(level.parse().map_err(|_| SHAPE)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().map_err(|_| SHAPE)?),
            None => (rest, TILE_WIDTH),
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits: u64 = group.trim_start_matches('x').parse().map_err(|_| SHAPE)?;
            index = index
                .checked_mul(1000)
                .and_then(|high| high.checked_add(digits))
                .ok_or(SHAPE)?;
        }
        let path = Self::new(kind, index, width)?;
        // Signs, zeros too many or too few, an x out of place: whatever else parses is spelt differently.
        if path.to_string() == text {
            Ok(path)
        } else {
            Err(SHAPE)
        }
    }
}

/// A hash tile, full or partial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tile {
    level: u8,
    index: u64,
    hashes: Vec<Hash>,
}

impl Tile {
    /// A tile from its entries.
    ///
    /// # Errors
    /// `Tile` unless the level is at most 63 and there are 1 to 256 hashes.
    pub fn new(level: u8, index: u64, hashes: Vec<Hash>) -> Result<Self, LogError> {
        let width = u16::try_from(hashes.len()).unwrap_or(u16::MAX);
        TilePath::new(TileKind::Hashes(level), index, width)?;
        Ok(Self {
            level,
            index,
            hashes,
        })
    }

    /// Reads the file that stands at `path`.
    ///
    /// # Errors
    /// `Tile` if the path names entries, or the length is not 32 bytes for each of the path's width.
    pub fn from_bytes(path: &TilePath, bytes: &[u8]) -> Result<Self, LogError> {
        let TileKind::Hashes(level) = path.kind else {
            return Err(LogError::Tile("a bundle of entries, not hashes"));
        };
        let (hashes, stray) = bytes.as_chunks();
        if hashes.len() != usize::from(path.width) || !stray.is_empty() {
            return Err(LogError::Tile("length does not fit the width"));
        }
        Self::new(
            level,
            path.index,
            hashes.iter().map(|hash| Hash(*hash)).collect(),
        )
    }

    /// The file: the hashes one after another.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }

    /// Where the file stands.
    pub fn path(&self) -> TilePath {
        TilePath {
            kind: TileKind::Hashes(self.level),
            index: self.index,
            width: self.hashes.len() as u16,
        }
    }

    /// Its entries.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The root over its entries; of a full tile it is the entry that stands for it one level up.
    pub fn root(&self) -> Hash {
        root_of(&self.hashes)
    }
}

/// A bundle of events: each with its length in two bytes, big-endian, in front.
///
/// # Errors
/// `Tile` unless there are 1 to 256; `TooLarge` for one over [`MAX_BYTES`].
pub fn encode_entries<B: AsRef<[u8]>>(entries: &[B]) -> Result<Vec<u8>, LogError> {
    if entries.is_empty() || entries.len() > usize::from(TILE_WIDTH) {
        return Err(LogError::Tile("a bundle holds 1 to 256 entries"));
    }
    let length = entries.iter().map(|entry| 2 + entry.as_ref().len()).sum();
    let mut bundle = Vec::with_capacity(length);
    for entry in entries.iter().map(AsRef::as_ref) {
        let length =
            u16::try_from(entry.len()).map_err(|_| LogError::TooLarge { bytes: entry.len() })?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// The events of a bundle that should hold `width` of them.
///
/// # Errors
/// `Tile` if it is cut short, or holds more or fewer.
pub fn decode_entries(bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, LogError> {
    const CUT: LogError = LogError::Tile("a bundle that is cut short");
    let mut entries = Vec::with_capacity(usize::from(width.min(TILE_WIDTH)));
    let mut rest = bundle;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk().ok_or(CUT)?;
        let (entry, after) = after
            .split_at_checked(u16::from_be_bytes(*length).into())
            .ok_or(CUT)?;
        entries.push(entry);
        rest = after;
    }
    if entries.len() != usize::from(width) {
        return Err(LogError::Tile("a bundle with another number of entries"));
    }
    Ok(entries)
}

// A length of two bytes is what limits an event.
const _: () = assert!(MAX_BYTES == u16::MAX as usize);

#[cfg(test)]
mod tests;
