//! The public files of the signed logs, made from the store: checkpoints, hash tiles and bundles of entries (C2SP
//! tlog-checkpoint, tlog-tiles), under the paths that an export has.
//!
//! The invariant: nothing beyond a published checkpoint is ever shown. What a checkpoint covers never changes, so a file
//! is read without a lock or snapshot: the checkpoint first, then what it covers. A log that ended in an accepted fork
//! shows what is left of it, and whatever the log after it says that it goes on from.

mod path;

use std::path::PathBuf;

use hefu_domain::{Event, Region};
use hefu_log::tile::{TILE_WIDTH, encode_entries};
use hefu_log::{Hash, LogError, MAX_INTEGER, Tile, TileKind, TilePath, TileSet};
use hefu_store::{CheckpointRow, LeafRow, Store, StoreError, TileKey};
use tokio::runtime::Handle;

pub use path::{LogFile, LogPath, NoSuchName};

/// Checkpoints of one page.
const PAGE: u32 = 1_000;

/// Why a file could not be read; that there is none is no error.
#[derive(Debug, thiserror::Error)]
pub enum LogFileError {
    /// The store's own, or what it shows cannot be.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file of verifier keys is there and cannot be read.
    #[error("cannot read {path}: {source}")]
    Keys {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What is public of one log: its last published checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Whose log.
    pub region: Region,
    /// Which epoch of it.
    pub epoch: u64,
    /// How many events are covered.
    pub size: u64,
    /// The signed note whole.
    pub note: String,
    /// Whether a fork was accepted since, from which a later epoch goes on: then what is covered may be lost.
    pub ended: bool,
}

/// How much of a log is shown.
struct Shown<'a> {
    region: &'a Region,
    epoch: u64,
    /// The size of the tree whose hash tiles are shown.
    hashed: u64,
    /// How many entries are shown.
    entries: u64,
    /// Whether what is not there any more is no defect.
    ended: bool,
}

impl Published {
    fn shown(&self) -> Shown<'_> {
        Shown {
            region: &self.region,
            epoch: self.epoch,
            hashed: self.size,
            entries: self.size,
            ended: self.ended,
        }
    }
}

/// The public files of a deployment's logs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LogFiles {
    store: Store,
    keys: Option<PathBuf>,
}

impl LogFiles {
    /// The files of a store. `keys` is the file of verifier keys that the signer keeps in the state folder; without it
    /// there is no `log.vkey`.
    pub fn new(store: Store, keys: Option<PathBuf>) -> LogFiles {
        LogFiles { store, keys }
    }

    /// One file's bytes, or nothing where there is no such file.
    ///
    /// # Errors
    /// See [`LogFileError`].
    pub async fn read(&self, path: &LogPath) -> Result<Option<Vec<u8>>, LogFileError> {
        let (region, epoch, file) = match path {
            LogPath::Keys => return self.keys(),
            LogPath::Regions => return Ok(Some(self.listing().await?.into_bytes())),
            LogPath::OfLog {
                region,
                epoch,
                file,
            } => (region, *epoch, *file),
        };
        match (file, epoch) {
            (LogFile::Tile(path), None) => self.tile_of_current(region, &path).await,
            (LogFile::Tile(path), Some(epoch)) => self.tile_of_ended(region, epoch, &path).await,
            (LogFile::Checkpoint, _) => {
                let log = self.published(region, epoch).await?;
                Ok(log.map(|log| log.note.into_bytes()))
            }
            (LogFile::Checkpoints(from), _) => match self.published(region, epoch).await? {
                Some(log) => Ok(self.checkpoints(&log, from).await?),
                None => Ok(None),
            },
        }
    }

    /// What is public of every log's current epoch, by region.
    ///
    /// # Errors
    /// The store's.
    pub async fn regions(&self) -> Result<Vec<Published>, StoreError> {
        let mut logs = Vec::new();
        for head in self.store.all_heads().await? {
            let region = head.region.parse().map_err(|_| StoreError::Corrupt {
                table: "head",
                column: "region",
                key: head.region.clone(),
            })?;
            logs.extend(self.newest(&region, head.epoch).await?);
        }
        Ok(logs)
    }

    /// What is public of one log: of its current epoch, or of one before it. An epoch is current once its first checkpoint is
    /// published; until then the log that it goes on from is what everybody sees.
    ///
    /// # Errors
    /// The store's.
    pub async fn published(
        &self,
        region: &Region,
        epoch: Option<u64>,
    ) -> Result<Option<Published>, StoreError> {
        let heads = self.store.heads(&[region.to_string()]).await?;
        let Some(head) = heads.first() else {
            return Ok(None);
        };
        let current = self.newest(region, head.epoch).await?;
        match (epoch, &current) {
            (None, _) => Ok(current),
            (Some(epoch), Some(current)) if epoch < current.epoch => {
                let log = self.checkpoint(region, epoch, MAX_INTEGER).await?;
                Ok(log.map(|log| Published { ended: true, ..log }))
            }
            (Some(_), _) => Ok(None),
        }
    }

    /// The last checkpoint of that epoch which covers at most so many events; whether the epoch has ended is not looked at.
    ///
    /// # Errors
    /// The store's.
    pub async fn checkpoint(
        &self,
        region: &Region,
        epoch: u64,
        at_most: u64,
    ) -> Result<Option<Published>, StoreError> {
        let row = self
            .store
            .checkpoint(region.as_str(), epoch, at_most)
            .await?;
        Ok(row.map(|row| published(region, row)))
    }

    /// The tiles at these paths, from which proofs are made; nothing if a log has ended and they are not all there any more.
    ///
    /// # Errors
    /// The store's; `Corrupt` where a log that has not ended lacks what it published.
    pub async fn tiles(
        &self,
        log: &Published,
        paths: &[TilePath],
    ) -> Result<Option<TileSet>, StoreError> {
        let mut set = TileSet::new();
        for path in paths {
            let Some(bytes) = self.tile(&log.shown(), path).await? else {
                return Ok(None);
            };
            let tile = Tile::from_bytes(path, &bytes);
            set.insert(tile.map_err(|_: LogError| corrupt(&log.shown(), path))?);
        }
        Ok(Some(set))
    }

    async fn tile_of_current(
        &self,
        region: &Region,
        path: &TilePath,
    ) -> Result<Option<Vec<u8>>, LogFileError> {
        match self.published(region, None).await? {
            Some(log) => Ok(self.tile(&log.shown(), path).await?),
            None => Ok(None),
        }
    }

    /// Of a log that has ended all entries are shown that the log after it goes on from: its first event, which is published, says
    /// how many. They may be more than were signed, and fewer.
    async fn tile_of_ended(
        &self,
        region: &Region,
        epoch: u64,
        path: &TilePath,
    ) -> Result<Option<Vec<u8>>, LogFileError> {
        let current = self.published(region, None).await?;
        let Some(current) = current.filter(|current| epoch < current.epoch) else {
            return Ok(None);
        };
        let signed = self.checkpoint(region, epoch, MAX_INTEGER).await?;
        let signed = signed.map_or(0, |log| log.size);
        let shown = Shown {
            region,
            epoch,
            hashed: signed,
            entries: self.kept(&current, epoch).await?.unwrap_or(signed),
            ended: true,
        };
        Ok(self.tile(&shown, path).await?)
    }

    /// How many events of an epoch the one after it goes on from.
    async fn kept(&self, current: &Published, epoch: u64) -> Result<Option<u64>, StoreError> {
        let after = (epoch + 1, 0);
        let rows = self
            .store
            .events_onwards(current.region.as_str(), after, 1)
            .await?;
        let first = rows
            .first()
            .filter(|row| row.epoch < current.epoch || current.size > 0);
        let said = first.and_then(|row| hefu_engine::decode(row).ok());
        Ok(match said {
            Some(Event::ForkAccepted(fork)) if fork.kept.epoch == epoch => Some(fork.kept.size),
            _ => None,
        })
    }

    /// A tile or bundle as wide as asked for, if so much is shown: of a wider one its beginning, since that is what the partial one
    /// was.
    async fn tile(&self, log: &Shown<'_>, path: &TilePath) -> Result<Option<Vec<u8>>, StoreError> {
        let size = match path.kind() {
            TileKind::Hashes(_) => log.hashed,
            TileKind::Entries => log.entries,
        };
        let covered = TilePath::in_log(path.kind(), path.index(), size);
        let Some(covered) = covered.filter(|covered| path.width() <= covered.width()) else {
            return Ok(None);
        };
        let found = match path.kind() {
            TileKind::Entries => self.entries(log, path).await?,
            TileKind::Hashes(level) if covered.is_full() => {
                let full = self.full_tiles(log, level, path.index(), 1).await?;
                full.and_then(|full| full.into_iter().next())
                    .map(|mut hashes| {
                        hashes.truncate(usize::from(path.width()) * size_of::<Hash>());
                        hashes
                    })
            }
            TileKind::Hashes(0) => self.leaves(log, path).await?,
            TileKind::Hashes(level) => self.roots_of_children(log, level, path).await?,
        };
        match found {
            None if !log.ended => Err(corrupt(log, path)),
            found => Ok(found),
        }
    }

    /// The events themselves.
    async fn entries(
        &self,
        log: &Shown<'_>,
        path: &TilePath,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(rows) = self.events(log, path).await? else {
            return Ok(None);
        };
        let entries: Vec<&[u8]> = rows.iter().map(|row| row.bytes.as_slice()).collect();
        encode_entries(&entries)
            .map(Some)
            .map_err(|_| corrupt(log, path))
    }

    /// The leaf hashes at the log's right edge, which no full tile holds yet.
    async fn leaves(
        &self,
        log: &Shown<'_>,
        path: &TilePath,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.events(log, path).await?;
        Ok(rows.map(|rows| rows.iter().flat_map(|row| row.leaf).collect()))
    }

    /// The events that a tile or bundle is about, if all of them are there.
    async fn events(
        &self,
        log: &Shown<'_>,
        path: &TilePath,
    ) -> Result<Option<Vec<LeafRow>>, StoreError> {
        let first = path.index() * u64::from(TILE_WIDTH);
        let rows = self
            .store
            .leaves(log.region.as_str(), log.epoch, first, path.width().into())
            .await?;
        let dense = rows
            .iter()
            .zip(first..)
            .all(|(row, index)| row.idx == index);
        Ok((dense && rows.len() == usize::from(path.width())).then_some(rows))
    }

    /// A partial tile above the leaves: each of its hashes is the root of a full tile one level down.
    async fn roots_of_children(
        &self,
        log: &Shown<'_>,
        level: u8,
        path: &TilePath,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let first = path.index() * u64::from(TILE_WIDTH);
        let count = path.width().into();
        let Some(children) = self.full_tiles(log, level - 1, first, count).await? else {
            return Ok(None);
        };
        let mut hashes = Vec::with_capacity(children.len() * size_of::<Hash>());
        for (child, index) in children.iter().zip(first..) {
            let root = TilePath::new(TileKind::Hashes(level - 1), index, TILE_WIDTH)
                .and_then(|path| Tile::from_bytes(&path, child))
                .map(|tile| tile.root());
            hashes.extend(root.map_err(|_: LogError| corrupt(log, path))?.0);
        }
        Ok(Some(hashes))
    }

    /// So many neighbouring full tiles of one level, if all of them are there.
    async fn full_tiles(
        &self,
        log: &Shown<'_>,
        level: u8,
        first: u64,
        count: u64,
    ) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        let key = |idx| TileKey {
            region: log.region.to_string(),
            epoch: log.epoch,
            level,
            idx,
        };
        let keys: Vec<TileKey> = (first..first + count).map(key).collect();
        let mut rows = self.store.tiles(&keys).await?;
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        let all = rows.iter().map(|row| &row.key).eq(&keys);
        Ok(all.then(|| rows.into_iter().map(|row| row.hashes).collect()))
    }

    /// The next notes of a log from a size on, up to its last one, an empty line between each two: with their cosignatures they
    /// say when the log was how large.
    async fn checkpoints(&self, log: &Published, from: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let page = self
            .store
            .checkpoints(log.region.as_str(), log.epoch, from, PAGE)
            .await?;
        let shown = page.into_iter().filter(|row| row.size <= log.size);
        let notes: Vec<String> = shown.map(|row| row.note).collect();
        Ok((!notes.is_empty()).then(|| notes.join("\n").into_bytes()))
    }

    async fn listing(&self) -> Result<String, StoreError> {
        let line = |log: Published| format!("{} {} {}\n", log.region, log.epoch, log.size);
        Ok(self.regions().await?.into_iter().map(line).collect())
    }

    fn keys(&self) -> Result<Option<Vec<u8>>, LogFileError> {
        let Some(path) = &self.keys else {
            return Ok(None);
        };
        match std::fs::read(path) {
            Ok(keys) => Ok(Some(keys)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LogFileError::Keys {
                path: path.clone(),
                source,
            }),
        }
    }

    /// The newest epoch of which something is published, and its last checkpoint.
    async fn newest(&self, region: &Region, head: u64) -> Result<Option<Published>, StoreError> {
        let found = self.checkpoint(region, head, MAX_INTEGER).await?;
        if found.is_some() || head == 0 {
            return Ok(found);
        }
        // Of an epoch that begins now nothing is published yet.
        let mut earlier = vec![0];
        let mut last = 0;
        while let Some(epoch) = self.store.epoch_after(region.as_str(), last).await?
            && epoch < head
        {
            earlier.push(epoch);
            last = epoch;
        }
        for epoch in earlier.into_iter().rev() {
            let found = self.checkpoint(region, epoch, MAX_INTEGER).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// The same files for whoever reads them without waiting: the auditor's tools.
#[derive(Debug, Clone)]
pub struct StoreFiles {
    files: LogFiles,
    runtime: Handle,
}

impl StoreFiles {
    /// Reads on that runtime, which must have several threads: a reader holds the one that it is on.
    pub fn new(files: LogFiles, runtime: Handle) -> StoreFiles {
        StoreFiles { files, runtime }
    }

    fn wait<T>(&self, read: impl Future<Output = Result<T, LogFileError>>) -> std::io::Result<T> {
        tokio::task::block_in_place(|| self.runtime.block_on(read)).map_err(std::io::Error::other)
    }
}

impl hefu_audit::Files for StoreFiles {
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        match path.parse() {
            Ok(path) => self.wait(self.files.read(&path)),
            Err(NoSuchName) => Ok(None),
        }
    }

    fn regions(&self) -> std::io::Result<Vec<Region>> {
        let logs = self.wait(async { Ok(self.files.regions().await?) })?;
        Ok(logs.into_iter().map(|log| log.region).collect())
    }
}

fn published(region: &Region, row: CheckpointRow) -> Published {
    Published {
        region: region.clone(),
        epoch: row.epoch,
        size: row.size,
        note: row.note,
        ended: false,
    }
}

/// The store does not hold what a published checkpoint covers.
fn corrupt(log: &Shown<'_>, path: &TilePath) -> StoreError {
    let (table, column) = match path.kind() {
        TileKind::Hashes(_) => ("tile", "hashes"),
        TileKind::Entries => ("event", "bytes"),
    };
    StoreError::Corrupt {
        table,
        column,
        key: format!("{} epoch {} {path}", log.region, log.epoch),
    }
}
