//! Copying one log. The invariant: what is copied leads to the checkpoint's root, tile by tile, or it is not signed off; and a log
//! that does not go on from what an earlier export holds is refused, whatever its new checkpoint says.

use anyhow::{Context as _, bail, ensure};
use hefu_audit::Files;
use hefu_log::tile::{TILE_WIDTH, decode_entries};
use hefu_log::{Checkpoint, Hash, Note, Tile, TileBuilder, TileKind, TilePath, leaf_hash};
use indicatif::ProgressBar;

use super::Log;
use super::folder::Folder;
use super::tables::Tables;

/// How many files came from where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Copied {
    /// From the source.
    pub(super) fetched: u64,
    /// From an earlier export.
    pub(super) kept: u64,
}

/// What a log shows contradicts itself, or what was exported of it before.
#[derive(Debug)]
struct Wrong(String);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

/// Copies everything that a log's checkpoint covers, and the checkpoint not yet.
pub(super) fn log(
    source: &dyn Files,
    folder: &Folder,
    log: &Log,
    tables: &mut Tables,
    progress: &ProgressBar,
) -> anyhow::Result<Copied> {
    let before = exported(folder, &log.prefix)?;
    let (mark, position) = (tables.mark()?, progress.position());
    let mut copy = Copy::new(source, folder, log, before.clone());
    let failed = match copy.all(tables, progress) {
        Ok(()) => return Ok(copy.copied),
        Err(error) if error.is::<Wrong>() && copy.copied.kept > 0 => error,
        Err(error) => return Err(error),
    };
    // A file of the earlier export may be damaged: once more, and nothing is kept.
    tracing::warn!(log = log.prefix, error = %failed, "fetching everything anew");
    tables.back_to(mark)?;
    progress.set_position(position);
    let mut copy = Copy::new(source, folder, log, before);
    copy.anew = true;
    copy.all(tables, progress)?;
    Ok(copy.copied)
}

/// Writes the checkpoint, for everything that it covers is there; then the partial tiles of an earlier one may go.
pub(super) fn sign_off(source: &dyn Files, folder: &Folder, log: &Log) -> anyhow::Result<()> {
    let checkpoints = format!("{}/checkpoints", log.prefix);
    if let Some(notes) = source.read(&checkpoints)? {
        folder.write_synced(&checkpoints, &notes)?;
    }
    folder.write_synced(&format!("{}/checkpoint", log.prefix), log.note.as_bytes())?;
    if log.checkpoint.size > 0 {
        folder.remove_partial(&log.prefix, &partial(log.checkpoint.size))?;
    }
    Ok(())
}

/// The checkpoint that an earlier export signed off.
pub(super) fn exported(folder: &Folder, prefix: &str) -> anyhow::Result<Option<Checkpoint>> {
    let path = format!("{prefix}/checkpoint");
    let Some(note) = folder.read(&path)? else {
        return Ok(None);
    };
    let cannot = || format!("{} is no checkpoint", folder.at(&path).display());
    let note = String::from_utf8(note).with_context(cannot)?;
    let note = Note::parse(&note).with_context(cannot)?;
    note.text().parse().map(Some).with_context(cannot)
}

/// The partial tiles and bundle at the right edge of a log of this size.
fn partial(size: u64) -> Vec<String> {
    let width = u64::from(TILE_WIDTH);
    let levels = (0..8).map(TileKind::Hashes).chain([TileKind::Entries]);
    let edge = levels.filter_map(|kind| {
        let height = match kind {
            TileKind::Hashes(level) => 8 * u32::from(level),
            TileKind::Entries => 0,
        };
        TilePath::in_log(kind, (size >> height) / width, size)
    });
    edge.map(|path| path.to_string()).collect()
}

struct Copy<'a> {
    source: &'a dyn Files,
    folder: &'a Folder,
    log: &'a Log,
    /// What an earlier export signed off, until it was passed.
    before: Option<Checkpoint>,
    /// Keep nothing of what is there.
    anew: bool,
    builder: TileBuilder,
    copied: Copied,
}

impl<'a> Copy<'a> {
    fn new(
        source: &'a dyn Files,
        folder: &'a Folder,
        log: &'a Log,
        before: Option<Checkpoint>,
    ) -> Copy<'a> {
        Copy {
            source,
            folder,
            log,
            before,
            anew: false,
            builder: TileBuilder::new(),
            copied: Copied::default(),
        }
    }

    fn all(&mut self, tables: &mut Tables, progress: &ProgressBar) -> anyhow::Result<()> {
        let size = self.log.checkpoint.size;
        self.not_shorter()?;
        for index in 0..size.div_ceil(TILE_WIDTH.into()) {
            let path = TilePath::in_log(TileKind::Entries, index, size);
            let path = path.context("a bundle outside its log")?;
            self.bundle(&path, tables)?;
            progress.inc(path.width().into());
        }
        for tile in self.builder.partial().iter().filter(|tile| is_above(tile)) {
            self.tile(tile)?;
        }
        holds(
            self.builder.frontier()?.root() == self.log.checkpoint.root,
            || "what is shown of it does not lead to its own checkpoint".to_owned(),
        )
    }

    /// A bundle, the tile of its leaves, and every tile above that they fill.
    fn bundle(&mut self, path: &TilePath, tables: &mut Tables) -> anyhow::Result<()> {
        let (bytes, is_new) = self.obtain(path)?;
        let entries = decode_entries(&bytes, path.width())
            .map_err(|_| Wrong(format!("{path} is no bundle of events")))?;
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        self.tile(&Tile::new(0, path.index(), leaves.clone())?)?;
        if is_new {
            self.keep(path, &bytes)?;
        }
        let mut full = Vec::new();
        for leaf in &leaves {
            self.builder.push(*leaf, |tile| full.push(tile));
            self.goes_on()?;
        }
        for tile in full.iter().filter(|tile| is_above(tile)) {
            self.tile(tile)?;
        }
        let first = path.index() * u64::from(TILE_WIDTH);
        let epoch = self.log.checkpoint.origin.epoch();
        for ((entry, leaf), index) in entries.into_iter().zip(&leaves).zip(first..) {
            tables.add(epoch, index, entry, leaf)?;
        }
        Ok(())
    }

    /// A tile as it follows from the events, which is what the source must show.
    fn tile(&mut self, tile: &Tile) -> anyhow::Result<()> {
        let path = tile.path();
        let (bytes, is_new) = self.obtain(&path)?;
        holds(bytes == tile.to_bytes(), || {
            format!("{path} is not what the events hash to")
        })?;
        if is_new {
            self.keep(&path, &bytes)?;
        }
        Ok(())
    }

    /// A file: from an earlier export, or else, and then it is new, from the source.
    fn obtain(&mut self, path: &TilePath) -> anyhow::Result<(Vec<u8>, bool)> {
        let name = format!("{}/{path}", self.log.prefix);
        if !self.anew
            && let Some(bytes) = self.folder.read(&name)?
        {
            self.copied.kept += 1;
            return Ok((bytes, false));
        }
        self.copied.fetched += 1;
        match self.source.read(&name)? {
            Some(bytes) => Ok((bytes, true)),
            None => bail!("{name} is not shown, though its checkpoint covers it"),
        }
    }

    fn keep(&self, path: &TilePath, bytes: &[u8]) -> anyhow::Result<()> {
        self.folder
            .write(&format!("{}/{path}", self.log.prefix), bytes)
    }

    /// The log has not lost what was exported before.
    fn not_shorter(&mut self) -> anyhow::Result<()> {
        let Some(before) = &self.before else {
            return Ok(());
        };
        let now = &self.log.checkpoint;
        ensure!(
            before.origin == now.origin,
            "the folder holds the log {}, and {} is shown",
            before.origin,
            now.origin
        );
        ensure!(
            before.size <= now.size,
            "it was exported with {} events and is shown with {} now: keep both, the log was cut or this is an old copy of it",
            before.size,
            now.size
        );
        self.goes_on()
    }

    /// Where the earlier export ended, the tree must be the same.
    fn goes_on(&mut self) -> anyhow::Result<()> {
        let size = self.builder.size();
        let Some(before) = self.before.take_if(|before| before.size == size) else {
            return Ok(());
        };
        let root: Hash = self.builder.frontier()?.root();
        holds(root == before.root, || {
            format!(
                "it does not go on from what was exported before at {size} events: keep both, the log was changed"
            )
        })
    }
}

/// Whether a tile is not the one of the leaves themselves.
fn is_above(tile: &Tile) -> bool {
    tile.path().kind() != TileKind::Hashes(0)
}

fn holds(it_does: bool, otherwise: impl FnOnce() -> String) -> anyhow::Result<()> {
    if it_does {
        Ok(())
    } else {
        Err(Wrong(otherwise()).into())
    }
}
