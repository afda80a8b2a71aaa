//! One epoch of one region's log, as files. The invariant: whatever is asked for is what a tree of the given size has;
//! a partial file may have given way to the full one that begins with it (C2SP tlog-tiles), and nothing else may differ.

use std::io;

use hefu_domain::event::{ForkAccepted, LogTree};
use hefu_domain::{Instant, Region};
use hefu_log::{Checkpoint, Hash, Note, Tile, TileKind, TilePath, leaf_hash};

use super::check::{Check, Stop};
use crate::Files;
use crate::cosigned::Intervals;
use crate::replay;

/// A log and where it stands.
pub(super) struct Log<'f> {
    files: &'f dyn Files,
    /// Whose.
    pub(super) region: Region,
    /// Of which epoch.
    pub(super) epoch: u64,
    /// The folder, with a slash behind it.
    folder: String,
    /// How many events are walked over.
    pub(super) size: u64,
    /// How large a tree is published as tiles.
    pub(super) tiled: u64,
    /// Whether this is the region's present epoch, whose files are all there.
    pub(super) current: bool,
    /// The tree that was left of it, if an accepted fork ended it.
    pub(super) kept: Option<LogTree>,
    /// And the last one that was signed of it, if the fork knows.
    pub(super) signed: Option<LogTree>,
    /// When its events were written, by the witnesses' clocks.
    pub(super) intervals: Option<Intervals>,
}

/// A checkpoint with the note that says so; its signatures are not looked at yet.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) note: Note,
    pub(super) checkpoint: Checkpoint,
}

impl Said {
    /// Reads a signed note.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let note = Note::parse(std::str::from_utf8(bytes).ok()?).ok()?;
        let checkpoint = note.text().parse().ok()?;
        Some(Self { note, checkpoint })
    }
}

/// A file of a log, and how many entries of the tree it stands for.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) width: usize,
    /// Whether it is the full file in place of a partial one.
    pub(super) wider: bool,
}

impl<'f> Log<'f> {
    /// The log that is written today.
    pub(super) fn current(files: &'f dyn Files, region: &Region, said: &Checkpoint) -> Self {
        Self {
            files,
            region: region.clone(),
            epoch: said.origin.epoch(),
            folder: format!("{region}/"),
            size: said.size,
            tiled: said.size,
            current: true,
            kept: None,
            signed: None,
            intervals: None,
        }
    }

    /// A log that an accepted fork ended, as far as it was kept.
    pub(super) fn ended(files: &'f dyn Files, region: &Region, fork: &ForkAccepted) -> Self {
        let epoch = fork.kept.epoch;
        Self {
            files,
            region: region.clone(),
            epoch,
            folder: format!("{region}/epoch/{epoch}/"),
            size: fork.kept.size,
            tiled: 0,
            current: false,
            kept: Some(fork.kept),
            signed: fork.signed.filter(|signed| signed.epoch == epoch),
            intervals: None,
        }
    }

    /// The signed checkpoint in a region's folder for today's log, or in that of an epoch before it.
    pub(super) fn said(
        files: &dyn Files,
        region: &Region,
        ended: Option<u64>,
    ) -> io::Result<Option<Vec<u8>>> {
        match ended {
            None => files.read(&format!("{region}/checkpoint")),
            Some(epoch) => files.read(&format!("{region}/epoch/{epoch}/checkpoint")),
        }
    }

    /// The published checkpoints of at least so many events, as far as one page holds them.
    pub(super) fn published(&self, from: u64) -> io::Result<Option<Vec<u8>>> {
        self.files
            .read(&format!("{}checkpoints/{from}", self.folder))
    }

    /// Whether an event's time, as it is spelt, contradicts a witness.
    pub(super) fn is_back_dated(&self, index: u64, at: &str) -> Result<bool, Check> {
        let Some(intervals) = &self.intervals else {
            return Ok(false);
        };
        let at: Instant = at.parse().map_err(|_| replay::Check::Time)?;
        Ok(intervals.check(index, at).is_some())
    }

    /// How many bundles of entries it has.
    pub(super) const fn bundles(&self) -> u64 {
        self.size.div_ceil(256)
    }

    /// A bundle of entries.
    pub(super) fn bundle(&self, number: u64) -> Result<Piece, Stop> {
        let missing = || Stop::Failed(number * 256, Check::Entries);
        let path = TilePath::in_log(TileKind::Entries, number, self.size).ok_or_else(missing)?;
        self.piece(&path)?.ok_or_else(missing)
    }

    /// Holds a published tile against what the entries give. `computed` are the hashes from the tile's first on.
    pub(super) fn check_tile(&self, level: u8, number: u64, computed: &[Hash]) -> Result<(), Stop> {
        let Some(path) = TilePath::in_log(TileKind::Hashes(level), number, self.tiled) else {
            return Ok(());
        };
        // Which event a hash of this level begins with.
        let event = |hash: usize| (number * 256 + hash as u64) << (8 * u32::from(level));
        let Some(piece) = self.piece(&path)? else {
            // An ended log was published as far as its last checkpoint; beyond its full tiles nothing is owed.
            let owed = self.current || path.is_full();
            return if owed {
                Err(Stop::Failed(event(0), Check::Tile))
            } else {
                Ok(())
            };
        };
        let (hashes, stray) = piece.bytes.as_chunks();
        let check = if level == 0 { Check::Leaf } else { Check::Tile };
        for (at, hash) in computed.iter().take(piece.width).enumerate() {
            match hashes.get(at) {
                Some(published) if *published == hash.0 => {}
                Some(_) => return Err(Stop::Failed(event(at), check)),
                None => return Err(Stop::Failed(event(at), Check::Tile)),
            }
        }
        let longer = hashes.len() > piece.width && !piece.wider;
        if longer || !stray.is_empty() {
            return Err(Stop::Failed(event(piece.width), Check::Tile));
        }
        Ok(())
    }

    /// The leaf hashes of a bundle that was walked over before. The caller holds their root against what it kept.
    pub(super) fn leaves(&self, number: u64) -> Result<Vec<Hash>, Stop> {
        let piece = self.bundle(number)?;
        let mut rest = piece.bytes.as_slice();
        let mut leaves = Vec::with_capacity(piece.width);
        while leaves.len() < piece.width {
            let (entry, after) = split_entry(rest).ok_or(Stop::Failed(
                number * 256 + leaves.len() as u64,
                Check::Entries,
            ))?;
            leaves.push(leaf_hash(entry));
            rest = after;
        }
        Ok(leaves)
    }

    fn piece(&self, path: &TilePath) -> io::Result<Option<Piece>> {
        let width = usize::from(path.width());
        let read = |path: &TilePath| self.files.read(&format!("{}{path}", self.folder));
        if let Some(bytes) = read(path)? {
            let wider = false;
            return Ok(Some(Piece {
                bytes,
                width,
                wider,
            }));
        }
        let Ok(full) = TilePath::new(path.kind(), path.index(), hefu_log::tile::TILE_WIDTH) else {
            return Ok(None);
        };
        if path.is_full() {
            return Ok(None);
        }
        Ok(read(&full)?.map(|bytes| Piece {
            bytes,
            width,
            wider: true,
        }))
    }
}

/// The first entry of a bundle and what follows it.
pub(super) fn split_entry(bundle: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, after) = bundle.split_first_chunk()?;
    after.split_at_checked(u16::from_be_bytes(*length).into())
}

/// The root over up to 256 hashes of neighbouring subtrees of equal size; [`Hash::EMPTY`] for none.
pub(super) fn root_of(hashes: &[Hash]) -> Hash {
    Tile::new(0, 0, hashes.to_vec()).map_or(Hash::EMPTY, |tile| tile.root())
}
