//! The signer's place in the state folder: `signer/`, with a file per region and the lock that one process holds, and
//! beside it `log.vkey`, the public keys of every log, for publishing elsewhere.
//!
//! The invariant: a file is replaced whole or not at all, and is on the disk when a call returns.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle};

use hefu_token::private_file;

use super::SignerError;
use super::memory::Memory;

/// What the file says that somebody opens who looks for the logs' public keys.
const VKEYS: &str = "log.vkey";

/// How many memories are written at once.
const LANES: usize = 16;

/// The signer's place, held by this process.
#[derive(Debug)]
pub(crate) struct Desk {
    folder: PathBuf,
    vkeys: PathBuf,
    _lock: File,
}

impl Desk {
    /// Takes the place; nothing if another process holds it.
    pub(crate) fn take(state: &Path) -> Result<Option<Desk>, SignerError> {
        let folder = state.join("signer");
        fs::create_dir_all(&folder).map_err(failed("make", &folder))?;
        let name = folder.join("lock");
        let mut options = File::options();
        options.create(true).append(true);
        let lock = options.open(&name).map_err(failed("open", &name))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Desk {
                folder,
                vkeys: state.join(VKEYS),
                _lock: lock,
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed("lock", &name)(source)),
        }
    }

    /// What is remembered of a region's log; nothing if there is no file.
    pub(crate) fn memory(&self, region: &str) -> Result<Option<Memory>, SignerError> {
        let path = self.file(region);
        // What cannot be looked for is not absent.
        if !path.try_exists().map_err(failed("look for", &path))? {
            return Ok(None);
        }
        let text = private_file::read(&path)?;
        Ok(Some(Memory::parse(&path, &text)?))
    }

    /// Keeps these memories: all of them are on the disk when this returns.
    pub(crate) fn keep(&self, memories: &[Memory]) -> Result<(), SignerError> {
        // Each file waits for the disk, and a disk that is asked by many at once takes hardly longer than for one.
        let lanes = memories.chunks(memories.len().div_ceil(LANES).max(1));
        let kept: Vec<_> = thread::scope(|scope| {
            let lanes: Vec<_> = lanes
                .map(|lane| scope.spawn(|| lane.iter().try_for_each(|memory| self.put(memory))))
                .collect();
            lanes.into_iter().map(ScopedJoinHandle::join).collect()
        });
        for kept in kept {
            kept.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        sync_folder(&self.folder)
    }

    fn put(&self, memory: &Memory) -> Result<(), SignerError> {
        let path = self.file(memory.origin.region());
        replace(&path, memory.text().as_bytes(), 0o600)
    }

    /// The public keys on record, a line each.
    pub(crate) fn vkeys(&self) -> Result<BTreeSet<String>, SignerError> {
        match fs::read_to_string(&self.vkeys) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(error) => Err(failed("read", &self.vkeys)(error)),
        }
    }

    /// Puts those public keys on record that are not yet, behind those that are.
    pub(crate) fn record_vkeys(&self, vkeys: &[String]) -> Result<(), SignerError> {
        let known = self.vkeys()?;
        let fresh: Vec<&String> = vkeys.iter().filter(|line| !known.contains(*line)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let mut text = match fs::read_to_string(&self.vkeys) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed("read", &self.vkeys)(error)),
        };
        fresh
            .iter()
            .for_each(|line| text.extend([line.as_str(), "\n"]));
        replace(&self.vkeys, text.as_bytes(), 0o644)?;
        sync_folder(self.vkeys.parent().unwrap_or(&self.folder))
    }

    /// When everything stored was last hashed anew, Unix milliseconds.
    pub(crate) fn scrubbed(&self) -> Option<i64> {
        let text = fs::read_to_string(self.folder.join("scrubbed")).ok()?;
        text.trim().parse().ok()
    }

    /// Notes when everything stored was hashed anew.
    pub(crate) fn note_scrub(&self, at_ms: i64) -> Result<(), SignerError> {
        let text = format!("{at_ms}\n");
        replace(&self.folder.join("scrubbed"), text.as_bytes(), 0o600)?;
        sync_folder(&self.folder)
    }

    fn file(&self, region: &str) -> PathBuf {
        self.folder.join(format!("{region}.state"))
    }
}

/// Writes a file under another name, syncs it and gives it its own. Its folder is for the caller to sync.
fn replace(path: &Path, contents: &[u8], mode: u32) -> Result<(), SignerError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let temporary = PathBuf::from(name);
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode; // access lists are the operator's there
    options
        .open(&temporary)
        .and_then(|mut file| file.write_all(contents).and_then(|()| file.sync_all()))
        .map_err(failed("write", &temporary))?;
    fs::rename(&temporary, path).map_err(failed("name", path))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), SignerError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed("sync", folder))
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), SignerError> {
    Ok(()) // Other systems give no handle to a folder; their file systems journal names themselves.
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SignerError {
    let path = path.to_owned();
    move |source| SignerError::Folder {
        doing,
        path,
        source,
    }
}
