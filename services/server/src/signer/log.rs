//! One region's log as the signer follows it: picked up where it was signed last, then hashed on, event by event.

use hefu_domain::{Event, Region};
use hefu_log::growth::{self, Claim, Doubt, Growth, Stored};
use hefu_log::{Frontier, Hash, LogError, Opened, Origin, Tile, TileBuilder, TileKind, Vkey};
use hefu_store::{Head, LeafRow, Reads, Store, StoreError, TileKey, TileRow};

use super::memory::Memory;
use super::{Failed, Keys};

/// Events of one read: at 65 kB each they still fit a small machine's memory.
pub(crate) const PAGE: u32 = 512;
/// Full tiles that are held before they are stored, 8 kB each: a long log that was never signed must not fill the memory.
const MOST_TILES: usize = 256;
/// What the bytes of an event hold that hands the log over to another key, and hardly any others.
const ROTATED: &str = "\"kind\":\"LogKeyRotated\"";

/// A log under way.
#[derive(Debug)]
pub(crate) struct Log {
    /// The tree that is signed, or is about to be.
    pub(crate) memory: Memory,
    pub(crate) builder: TileBuilder,
    /// Filled since the last checkpoint that was published.
    pub(crate) tiles: Vec<TileRow>,
    /// Whether the checkpoint over `memory` was published.
    pub(crate) published: bool,
}

impl Log {
    /// A log that was never signed.
    pub(crate) fn begin(memory: Memory) -> Log {
        Log {
            memory,
            builder: TileBuilder::new(),
            tiles: Vec::new(),
            published: false,
        }
    }

    /// Picks a log up where its memory left it. What is read from the database on the way counts only if it leads to the tree
    /// that is remembered; if published tiles do not, the events themselves are asked, from the first on.
    pub(crate) async fn resume(reads: &mut Reads, memory: Memory) -> Result<Log, Failed> {
        let (region, epoch) = (memory.origin.region(), memory.origin.epoch());
        let size = memory.tree.size();
        let published = reads.checkpoint(region, epoch, size).await?;
        let published = published.map_or(0, |checkpoint| checkpoint.size);
        let picked_up = match builder_at(reads, &memory.origin, published).await {
            Ok(builder) => hash_on(reads, &memory.origin, Growth::from(builder), size).await,
            Err(failed) => Err(failed),
        };
        let (growth, published) = match picked_up {
            Ok(growth) if growth.frontier()? == memory.tree => (growth, published == size),
            Ok(_) | Err(Failed::Doubt(_)) => {
                tracing::warn!(origin = %memory.origin, "the tiles of this log do not lead to what was signed: it is hashed from its first event on");
                (anew(reads, &memory).await?, false)
            }
            Err(error) => return Err(error),
        };
        Ok(Log::at(memory, growth, published))
    }

    fn at(memory: Memory, mut growth: Growth, published: bool) -> Log {
        let tiles = rows(&memory.origin, growth.take_tiles());
        Log {
            memory,
            builder: growth.into_builder(),
            tiles,
            published,
        }
    }

    /// Follows the log to its head. True if it has a tree now that was not signed yet.
    pub(crate) async fn follow(
        &mut self,
        store: &Store,
        reads: &mut Reads,
        head: &Head,
        keys: &Keys,
    ) -> Result<bool, Failed> {
        let claim = Claim {
            size: head.size,
            root: Hash(head.root),
            frontier: &head.frontier,
        };
        if !growth::has_grown(&self.memory.tree, &claim)? {
            return Ok(false);
        }
        let mut growth = Growth::from(self.builder.clone());
        let (mut key, mut tiles) = (self.memory.key.clone(), Vec::new());
        let origin = &self.memory.origin;
        loop {
            // One more than the head has: nothing may stand beyond it.
            let wanted = (head.size - growth.size()).saturating_add(1);
            let limit = u32::try_from(wanted).unwrap_or(PAGE).min(PAGE);
            let page = page(reads, origin, growth.size(), limit).await?;
            for event in &page {
                if growth.size() == head.size {
                    return Err(Doubt::Beyond { index: event.idx }.into());
                }
                growth.feed(stored(event))?;
                if let Some(next) = handed_over(event, origin, &key, keys)? {
                    key = next;
                }
            }
            tiles.extend(rows(origin, growth.take_tiles()));
            if tiles.len() >= MOST_TILES {
                // No checkpoint covers them yet, so nobody relies on them.
                store
                    .publish(std::mem::take(&mut tiles), Vec::new())
                    .await?;
            }
            if page.len() < limit as usize {
                break;
            }
        }
        let tree = match growth.end(&claim) {
            Ok(tree) => tree,
            Err(doubt) => return Err(named(reads, origin, doubt, head.size).await?.into()),
        };
        self.builder = growth.into_builder();
        self.tiles.append(&mut tiles);
        (self.memory.tree, self.memory.key) = (tree, key);
        self.published = false;
        Ok(true)
    }
}

/// A builder at a size that was published, from its tiles and the events of the last one.
async fn builder_at(reads: &mut Reads, origin: &Origin, size: u64) -> Result<TileBuilder, Failed> {
    let wanted = TileBuilder::tiles_to_resume(size)?;
    let full: Vec<TileKey> = wanted
        .iter()
        .filter(|path| path.is_full())
        .filter_map(|path| match path.kind() {
            TileKind::Hashes(level) => Some(key(origin, level, path.index())),
            TileKind::Entries => None,
        })
        .collect();
    let mut found: Vec<TileRow> = reads.tiles(&full).await?;
    let first = size - size % u64::from(hefu_log::tile::TILE_WIDTH);
    let mut leaves = Vec::new();
    if first < size {
        let limit = u32::try_from(size - first).unwrap_or(PAGE);
        for event in page(reads, origin, first, limit).await? {
            leaves.push(hefu_log::leaf_hash(&event.bytes));
        }
    }
    let builder = TileBuilder::resume(size, |path| {
        let TileKind::Hashes(level) = path.kind() else {
            return Err(LogError::Tile("a bundle of entries, not hashes"));
        };
        if !path.is_full() {
            return Tile::new(level, path.index(), std::mem::take(&mut leaves));
        }
        let key = key(origin, level, path.index());
        let at = found.iter().position(|row| row.key == key);
        let row = found.swap_remove(at.ok_or(LogError::Tile("it is missing"))?);
        Tile::from_bytes(path, &row.hashes)
    });
    // A tile that is missing, or has gone bad, is made again from the events.
    builder.map_err(|_| Doubt::Tile { index: first }.into())
}

/// Hashes a log's events up to a size.
async fn hash_on(
    reads: &mut Reads,
    origin: &Origin,
    mut growth: Growth,
    size: u64,
) -> Result<Growth, Failed> {
    while growth.size() < size {
        let limit = u32::try_from(size - growth.size())
            .unwrap_or(PAGE)
            .min(PAGE);
        let page = page(reads, origin, growth.size(), limit).await?;
        if page.is_empty() {
            let index = growth.size();
            return Err(Doubt::Gap { index }.into());
        }
        for event in &page {
            growth.feed(stored(event))?;
        }
    }
    Ok(growth)
}

/// Hashes a log from its first event to the tree that is remembered, and says which event is the wrong one if it does not get there.
async fn anew(reads: &mut Reads, memory: &Memory) -> Result<Growth, Failed> {
    let (origin, size) = (&memory.origin, memory.tree.size());
    let growth = hash_on(reads, origin, Growth::from(TileBuilder::new()), size).await?;
    if growth.frontier()? == memory.tree {
        return Ok(growth);
    }
    let doubt = Doubt::Root { index: 0 };
    Err(named(reads, origin, doubt, size).await?.into())
}

/// A doubt about many events, narrowed down: to one whose bytes belong elsewhere, or differ from the tile that was published of them.
pub(crate) async fn named(
    reads: &mut Reads,
    origin: &Origin,
    doubt: Doubt,
    size: u64,
) -> Result<Doubt, StoreError> {
    let Doubt::Root { index: mut from } = doubt else {
        return Ok(doubt);
    };
    while from < size {
        let page = page(reads, origin, from, PAGE).await?;
        let inside: Vec<&LeafRow> = page.iter().filter(|event| event.idx < size).collect();
        for event in &inside {
            if let Err(place) = growth::in_place(origin.region(), &stored(event)) {
                return Ok(place);
            }
        }
        match inside.last() {
            Some(last) => from = last.idx + 1,
            None => break,
        }
    }
    Ok(doubt)
}

/// The name of the key that signs from here on, if this event hands the log over to it.
fn handed_over(
    event: &LeafRow,
    origin: &Origin,
    key: &str,
    keys: &Keys,
) -> Result<Option<String>, Failed> {
    let text = std::str::from_utf8(&event.bytes).unwrap_or_default();
    if !text.contains(ROTATED) {
        return Ok(None);
    }
    let Ok(opened) = Opened::<Box<serde_json::value::RawValue>>::decode(&event.bytes) else {
        return Ok(None);
    };
    let Some(Ok(Event::LogKeyRotated(rotated))) = Event::decode(&opened.kind, opened.body.get())
    else {
        return Ok(None);
    };
    let doubt = || Doubt::Key { index: event.idx };
    let old = keys.vkey(origin, key)?;
    let new: Vkey = rotated.new.parse().map_err(|_| doubt())?;
    let next = keys.named(&new).filter(|_| rotated.old == old.to_string());
    match next {
        Some(next) if new.name() == origin.to_string() => Ok(Some(next.to_owned())),
        Some(_) | None => Err(doubt().into()),
    }
}

/// A page of one log's events.
pub(crate) async fn page(
    reads: &mut Reads,
    origin: &Origin,
    from: u64,
    limit: u32,
) -> Result<Vec<LeafRow>, StoreError> {
    reads
        .leaves(origin.region(), origin.epoch(), from, limit)
        .await
}

pub(crate) fn stored(event: &LeafRow) -> Stored<'_> {
    Stored {
        index: event.idx,
        leaf: Hash(event.leaf),
        bytes: &event.bytes,
    }
}

pub(crate) fn key(origin: &Origin, level: u8, index: u64) -> TileKey {
    TileKey {
        region: origin.region().to_owned(),
        epoch: origin.epoch(),
        level,
        idx: index,
    }
}

/// Full tiles as they are stored.
pub(crate) fn rows(origin: &Origin, tiles: Vec<Tile>) -> Vec<TileRow> {
    let row = |tile: Tile| match tile.path().kind() {
        TileKind::Hashes(level) => Some(TileRow {
            key: key(origin, level, tile.path().index()),
            hashes: tile.to_bytes(),
        }),
        TileKind::Entries => None,
    };
    tiles.into_iter().filter_map(row).collect()
}

/// The origin of a region's log, which with a made-up clock says so.
pub(crate) fn origin(
    deployment: &str,
    simulated: bool,
    region: &Region,
    epoch: u64,
) -> Result<Origin, LogError> {
    let made_up = if simulated { "/simulated" } else { "" };
    Origin::new(&format!("{deployment}{made_up}"), region.as_str(), epoch)
}

/// The tree of no events.
pub(crate) fn nothing() -> Frontier {
    Frontier::new()
}
