//! Copying one log. The invariant: what is copied leads to the checkpoint's root, tile by tile, or it is not signed off; and a log
//! that does not go on from what an earlier export holds is refused, whatever its new checkpoint says.

use anyhow::{Context as _, ensure};
use hefu_audit::{Dir, Files};
use hefu_domain::event::{ForkAccepted, LogTree};
use hefu_log::tile::{TILE_WIDTH, decode_entries};
use hefu_log::{
    Checkpoint, Hash, Note, Opened, Tile, TileBuilder, TileKind, TilePath, leaf_hash, series,
};
use indicatif::ProgressBar;

use super::Log;
use super::folder::Folder;
use super::tables::Tables;

/// So many bundles of events, each with the tile of its leaves, are on their way before they are needed.
const AHEAD: u64 = 4;

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

/// Copies everything that a log must come to, and its checkpoint not yet.
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
    // A file here may be damaged, so everything is fetched anew, except for what was just proven to be whole: that is evidence, and
    // nothing that a source shows may replace it.
    tracing::warn!(log = log.prefix, error = %failed, "fetching anew");
    let proven = copy.proven;
    let mut again = |writes| {
        tables.back_to(mark)?;
        progress.set_position(position);
        let mut copy = Copy::new(source, folder, log, before.clone());
        copy.keeps = Keeps::Evidence(proven);
        copy.writes = writes;
        copy.all(tables, progress)?;
        Ok(copy.copied)
    };
    if before.is_some() && proven == 0 {
        // What was signed off is damaged: it is only replaced by what leads to the same root.
        again(false)?;
    }
    again(true)
}

/// Writes the checkpoint, for everything that it covers is there; then the partial tiles of an earlier one may go.
pub(super) fn sign_off(source: &dyn Files, folder: &Folder, log: &Log) -> anyhow::Result<()> {
    let Some(said) = &log.said else {
        return Ok(());
    };
    fetch_checkpoints(source, folder, log)?;
    folder.write_synced(&format!("{}/checkpoint", log.prefix), said.note.as_bytes())?;
    if log.size > 0 && !log.ended {
        folder.remove_partial(&log.prefix, &partial(log.size))?;
    }
    Ok(())
}

/// Fetches the pages of all that was published. One that has another behind it is whole, and is not fetched again.
fn fetch_checkpoints(source: &dyn Files, folder: &Folder, log: &Log) -> anyhow::Result<()> {
    let name = |from: u64| format!("{}/checkpoints/{from}", log.prefix);
    let mut from = 0;
    loop {
        let held = folder.read(&name(from))?;
        if let Some(next) = held.and_then(|page| behind(&page, from))
            && folder.read(&name(next))?.is_some()
        {
            from = next;
            continue;
        }
        let Some(page) = source.read(&name(from))? else {
            return Ok(());
        };
        let next = behind(&page, from);
        let next = next.with_context(|| format!("{} is no page of checkpoints", name(from)))?;
        folder.write_synced(&name(from), &page)?;
        from = next;
    }
}

/// Where the page behind this one begins; nothing if it is no page of checkpoints of at least so many events.
fn behind(page: &[u8], from: u64) -> Option<u64> {
    let notes = series::read(std::str::from_utf8(page).ok()?).ok()?;
    let last: Checkpoint = notes.last()?.text().parse().ok()?;
    (last.size >= from).then_some(last.size + 1)
}

/// What a log says in its first event that it goes on from.
pub(super) fn kept(files: &dyn Files, log: &Log) -> anyhow::Result<LogTree> {
    let path = TilePath::in_log(TileKind::Entries, 0, log.size)
        .with_context(|| format!("{} is empty, and goes on from nothing", log.origin))?;
    let name = format!("{}/{path}", log.prefix);
    let bundle = files
        .read(&name)?
        .with_context(|| format!("{name} is not shown, though its checkpoint covers it"))?;
    let entries = decode_entries(&bundle, path.width())
        .with_context(|| format!("{name} is no bundle of events"))?;
    let fork: Option<Opened<ForkAccepted>> =
        entries.first().and_then(|entry| Opened::decode(entry).ok());
    let kept = fork
        .filter(|fork| fork.kind == "ForkAccepted")
        .map(|fork| fork.body.kept)
        .filter(|kept| kept.epoch < log.origin.epoch());
    kept.with_context(|| format!("{} does not say which log it goes on from", log.origin))
}

/// Whether the copied log says itself that it goes on from what was copied of the other: the source was asked before anything was
/// checked, and may have said something else.
pub(super) fn goes_on(folder: &Folder, before: &Log, log: &Log) -> anyhow::Result<()> {
    let kept = kept(&Dir::new(folder.at("")), log)?;
    ensure!(
        (kept.epoch, kept.size, kept.root.0) == (before.origin.epoch(), before.size, before.root.0),
        "{} goes on from another log than was shown at first",
        log.origin
    );
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
    /// So many events here were proven to be those that were signed off.
    proven: u64,
    keeps: Keeps,
    /// Whether what is fetched is written.
    writes: bool,
    builder: TileBuilder,
    /// So many bundles were said to be needed.
    expected: u64,
    copied: Copied,
}

/// Which files of an earlier export are kept and not fetched again.
#[derive(Clone, Copy)]
enum Keeps {
    All,
    /// The first so many events, and what a log signed before it ended. Other tiles follow from the events.
    Evidence(u64),
}

impl Keeps {
    fn covers(self, path: &TilePath, log: &Log) -> bool {
        match (self, path.kind()) {
            (Keeps::All, _) => true,
            (Keeps::Evidence(events), TileKind::Entries) => {
                path.index() * u64::from(TILE_WIDTH) + u64::from(path.width()) <= events
            }
            (Keeps::Evidence(_), TileKind::Hashes(_)) => log.ended,
        }
    }
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
            proven: 0,
            keeps: Keeps::All,
            writes: true,
            builder: TileBuilder::new(),
            expected: 0,
            copied: Copied::default(),
        }
    }

    fn all(&mut self, tables: &mut Tables, progress: &ProgressBar) -> anyhow::Result<()> {
        let size = self.log.size;
        self.not_shorter()?;
        for index in 0..size.div_ceil(TILE_WIDTH.into()) {
            let path = TilePath::in_log(TileKind::Entries, index, size);
            let path = path.context("a bundle outside its log")?;
            self.expect(index + AHEAD);
            self.bundle(&path, tables)?;
            progress.inc(path.width().into());
        }
        for tile in self.builder.partial().iter().filter(|tile| is_above(tile)) {
            self.tile(tile)?;
        }
        holds(self.builder.frontier()?.root() == self.log.root, || {
            match self.log.ended {
                false => "what is shown of it does not lead to its own checkpoint",
                true => "what is shown of it is not what the log after it goes on from",
            }
            .to_owned()
        })?;
        match &self.log.said {
            Some(said) if self.log.ended => self.signed_tiles(said.checkpoint.size),
            Some(_) | None => Ok(()),
        }
    }

    /// Lets the source fetch what comes next, up to this bundle.
    fn expect(&mut self, to: u64) {
        for index in self.expected..to {
            for kind in [TileKind::Entries, TileKind::Hashes(0)] {
                let Some(path) = TilePath::in_log(kind, index, self.log.size) else {
                    return;
                };
                let name = format!("{}/{path}", self.log.prefix);
                let is_read = kind == TileKind::Entries || !self.log.ended;
                let is_kept = self.keeps.covers(&path, self.log) && self.folder.at(&name).exists();
                if is_read && !is_kept {
                    self.source.expect(&name);
                }
            }
        }
        self.expected = self.expected.max(to);
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
            self.passes_before()?;
        }
        for tile in full.iter().filter(|tile| is_above(tile)) {
            self.tile(tile)?;
        }
        let first = path.index() * u64::from(TILE_WIDTH);
        let epoch = self.log.origin.epoch();
        for ((entry, leaf), index) in entries.into_iter().zip(&leaves).zip(first..) {
            tables.add(epoch, index, entry, leaf)?;
        }
        Ok(())
    }

    /// What is left of the tiles that a log published before it ended. They say what was signed, which may be another thing than
    /// what was kept: they are copied as they are.
    fn signed_tiles(&mut self, size: u64) -> anyhow::Result<()> {
        for level in 0..8 {
            let entries = size >> (8 * u32::from(level));
            for index in 0..entries.div_ceil(TILE_WIDTH.into()) {
                let path = TilePath::in_log(TileKind::Hashes(level), index, size);
                let path = path.context("a tile outside its log")?;
                let Some((bytes, is_new)) = self.find(&path)? else {
                    break;
                };
                if is_new {
                    self.keep(&path, &bytes)?;
                }
            }
        }
        Ok(())
    }

    /// A tile as it follows from the events, which is what the source must show of a log that goes on.
    fn tile(&mut self, tile: &Tile) -> anyhow::Result<()> {
        if self.log.ended {
            return Ok(());
        }
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

    /// A file that must be there.
    fn obtain(&mut self, path: &TilePath) -> anyhow::Result<(Vec<u8>, bool)> {
        let found = self.find(path)?;
        found.with_context(|| format!("{}/{path} is not shown, though it must be", self.log.prefix))
    }

    /// A file: from an earlier export, or else, and then it is new, from the source.
    fn find(&mut self, path: &TilePath) -> anyhow::Result<Option<(Vec<u8>, bool)>> {
        let name = format!("{}/{path}", self.log.prefix);
        if self.keeps.covers(path, self.log)
            && let Some(bytes) = self.folder.read(&name)?
        {
            self.copied.kept += 1;
            return Ok(Some((bytes, false)));
        }
        let found = self.source.read(&name)?;
        self.copied.fetched += u64::from(found.is_some());
        Ok(found.map(|bytes| (bytes, true)))
    }

    fn keep(&self, path: &TilePath, bytes: &[u8]) -> anyhow::Result<()> {
        if !self.writes {
            return Ok(());
        }
        self.folder
            .write(&format!("{}/{path}", self.log.prefix), bytes)
    }

    /// The log has not lost what was exported before.
    fn not_shorter(&mut self) -> anyhow::Result<()> {
        let Some(before) = &self.before else {
            return Ok(());
        };
        ensure!(
            before.origin == self.log.origin,
            "the folder holds the log {}, and {} is shown",
            before.origin,
            self.log.origin
        );
        let said = self.log.said.as_ref().map(|said| said.checkpoint.size);
        let now = self.log.size.min(said.unwrap_or(self.log.size));
        ensure!(
            before.size <= now,
            "it was exported with {} events and is shown with {now} now: keep both, the log was cut or this is an old copy of it",
            before.size,
        );
        self.passes_before()
    }

    /// Where the earlier export ended, the tree must be the same.
    fn passes_before(&mut self) -> anyhow::Result<()> {
        let size = self.builder.size();
        let Some(before) = self.before.take_if(|before| before.size == size) else {
            return Ok(());
        };
        let root: Hash = self.builder.frontier()?.root();
        holds(root == before.root, || {
            format!(
                "it does not go on from what was exported before at {size} events: keep both, the log was changed"
            )
        })?;
        self.proven = size;
        Ok(())
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
