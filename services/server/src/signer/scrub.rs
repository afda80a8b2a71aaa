//! The scrub: everything that is stored of a log hashed anew, from its first event on, and held against what was signed.
//!
//! A page at a time and mostly asleep: it must neither fill the memory nor disturb whoever writes.

use std::time::{Duration, Instant as Stopwatch};

use hefu_log::tile::TILE_WIDTH;
use hefu_log::{Doubt, Growth, Hash, Origin, Tile, TileBuilder, TileKind};
use hefu_store::{Store, StoreError};

use super::log::{self, PAGE};
use super::memory::Memory;
use super::{Failed, SignerError};
use crate::strays;

/// How much longer than a page took it sleeps before the next.
const REST: u32 = 3;
/// Tiles of one read, 8 kB each.
const TILES: usize = 64;

/// A log that was found to be another one than what was signed.
#[derive(Debug)]
pub(crate) struct Found {
    /// Which of its epochs, if not the last.
    pub(crate) epoch: Option<u64>,
    /// What is wrong with it.
    pub(crate) doubt: Doubt,
}

/// Hashes a region's log anew, the epochs before its last one too.
///
/// # Errors
/// The store's. What is not as it was signed is found, not an error.
pub(crate) async fn scrub(store: &Store, memory: &Memory) -> Result<Option<Found>, SignerError> {
    let mut origin = memory.origin.clone();
    let (mut size, mut root) = (memory.tree.size(), memory.tree.root());
    loop {
        let current = origin == memory.origin;
        match epoch(store, &origin, size, root, current).await {
            Ok(()) => {}
            Err(Failed::Doubt(doubt)) => {
                let epoch = (!current).then_some(origin.epoch());
                return Ok(Some(Found { epoch, doubt }));
            }
            Err(Failed::Error(error)) => return Err(error),
        }
        let mut reads = store.snapshot().await?;
        let fork = strays::fork(&mut reads, origin.region(), origin.epoch()).await?;
        reads.end().await?;
        let Some(fork) = fork else {
            return stray(store, memory).await;
        };
        // The first event of an epoch, which was signed, says what the epoch before came to.
        (size, root) = (fork.kept.size, Hash(fork.kept.root.0));
        origin = Origin::new(origin.deployment(), origin.region(), fork.kept.epoch)?;
    }
}

/// The first row that no epoch's log ends with.
async fn stray(store: &Store, memory: &Memory) -> Result<Option<Found>, SignerError> {
    let mut reads = store.snapshot().await?;
    let heads = reads.heads(&[memory.origin.region().to_owned()]).await?;
    let Some(head) = heads.first() else {
        return Ok(None);
    };
    let stray = strays::find(&mut reads, head).await?;
    Ok(stray.map(|stray| Found {
        epoch: (stray.epoch != head.epoch).then_some(stray.epoch),
        doubt: Doubt::Beyond { index: stray.index },
    }))
}

/// Hashes one epoch of a log up to a size. The tiles of an epoch that ended in a fork may be those of the log that was lost.
async fn epoch(
    store: &Store,
    origin: &Origin,
    size: u64,
    root: Hash,
    with_tiles: bool,
) -> Result<(), Failed> {
    let mut growth = Growth::from(TileBuilder::new());
    let mut tiles = Tiles::Same;
    while growth.size() < size {
        let watch = Stopwatch::now();
        page(store, origin, &mut growth, size).await?;
        let full = growth.take_tiles();
        if with_tiles {
            tiles = tiles.then(compare(store, origin, &full).await?);
        }
        rest(watch.elapsed()).await;
    }
    let same = growth.frontier()?.root() == root;
    match (same, tiles) {
        (true, Tiles::Same) => Ok(()),
        (true, Tiles::Missing) => restore(store, origin, size).await,
        (true, Tiles::Other { index }) => Err(Doubt::Tile { index }.into()),
        (false, Tiles::Other { index }) => Err(Doubt::Root { index }.into()),
        (false, Tiles::Same | Tiles::Missing) => {
            let mut reads = store.snapshot().await?;
            let doubt = log::named(&mut reads, origin, Doubt::Root { index: 0 }, size).await?;
            // Every event below a full tile is what it was when that was stored.
            let index = match doubt {
                Doubt::Root { .. } if with_tiles => size - size % u64::from(TILE_WIDTH),
                other => return Err(other.into()),
            };
            Err(Doubt::Root { index }.into())
        }
    }
}

/// Feeds the next page of a log's events.
async fn page(
    store: &Store,
    origin: &Origin,
    growth: &mut Growth,
    size: u64,
) -> Result<(), Failed> {
    let limit = u32::try_from(size - growth.size())
        .unwrap_or(PAGE)
        .min(PAGE);
    let (region, from) = (origin.region(), growth.size());
    let events = store.leaves(region, origin.epoch(), from, limit).await?;
    if events.is_empty() {
        return Err(Doubt::Gap { index: from }.into());
    }
    for event in &events {
        growth.feed(log::stored(event))?;
    }
    Ok(())
}

/// What the stored tiles are beside those that the events make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tiles {
    /// The same.
    Same,
    /// Some are not there.
    Missing,
    /// The hash over this event is another one.
    Other { index: u64 },
}

impl Tiles {
    /// The graver of the two, the earlier of two that are as grave.
    fn then(self, next: Tiles) -> Tiles {
        match (self, next) {
            (Tiles::Other { .. }, _) | (_, Tiles::Same) => self,
            (Tiles::Same, Tiles::Missing | Tiles::Other { .. }) => next,
            (Tiles::Missing, Tiles::Missing | Tiles::Other { .. }) => next,
        }
    }
}

async fn compare(store: &Store, origin: &Origin, made: &[Tile]) -> Result<Tiles, StoreError> {
    let mut tiles = Tiles::Same;
    for made in made.chunks(TILES) {
        let rows = log::rows(origin, made.to_vec());
        let keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
        let stored = store.tiles(&keys).await?;
        for (tile, row) in made.iter().zip(&rows) {
            let found = stored.iter().find(|stored| stored.key == row.key);
            tiles = tiles.then(match found {
                None => Tiles::Missing,
                Some(found) if found.hashes == row.hashes => Tiles::Same,
                Some(found) => Tiles::Other {
                    index: first_other(tile, &found.hashes),
                },
            });
        }
    }
    Ok(tiles)
}

/// The first event below the first hash that differs.
fn first_other(tile: &Tile, stored: &[u8]) -> u64 {
    let (hashes, _) = stored.as_chunks::<32>();
    let same = tile.hashes().iter().zip(hashes);
    let entry = same.take_while(|(made, stored)| made.0 == **stored).count() as u64;
    let level = match tile.path().kind() {
        TileKind::Hashes(level) => u32::from(level),
        TileKind::Entries => 0,
    };
    let entry = tile.path().index() * u64::from(TILE_WIDTH) + entry;
    entry.saturating_mul(u64::from(TILE_WIDTH).saturating_pow(level))
}

/// Stores a log's full tiles again: its events are those that were signed, and tiles are made of nothing else.
async fn restore(store: &Store, origin: &Origin, size: u64) -> Result<(), Failed> {
    tracing::warn!(%origin, "tiles of this log were missing and are made again");
    let mut growth = Growth::from(TileBuilder::new());
    while growth.size() < size {
        let watch = Stopwatch::now();
        page(store, origin, &mut growth, size).await?;
        let tiles = log::rows(origin, growth.take_tiles());
        store.publish(tiles, Vec::new()).await?;
        rest(watch.elapsed()).await;
    }
    Ok(())
}

async fn rest(worked: Duration) {
    tokio::time::sleep(worked * REST).await;
}
