//! The signer's place in the state folder: `signer/`, with a file per region and the lock that one process holds, and
//! beside it `log.vkey`, the public keys of every log, for publishing elsewhere.
//!
//! The invariant: a file is replaced whole or not at all, and is on the disk when a call returns.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle};

use hefu_token::private_file;

use super::SignerError;
use super::memory::Memory;
use crate::files::{failed, lock, replace, sync_folder};

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
        let lock = lock(&folder.join("lock"))?;
        Ok(lock.map(|lock| Desk {
            folder,
            vkeys: state.join(VKEYS),
            _lock: lock,
        }))
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
        Ok(sync_folder(&self.folder)?)
    }

    fn put(&self, memory: &Memory) -> Result<(), SignerError> {
        let path = self.file(memory.origin.region());
        Ok(replace(&path, memory.text().as_bytes(), 0o600)?)
    }

    /// The public keys on record, a line each.
    pub(crate) fn vkeys(&self) -> Result<BTreeSet<String>, SignerError> {
        match fs::read_to_string(&self.vkeys) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(error) => Err(failed("read", &self.vkeys)(error).into()),
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
            Err(error) => return Err(failed("read", &self.vkeys)(error).into()),
        };
        fresh
            .iter()
            .for_each(|line| text.extend([line.as_str(), "\n"]));
        replace(&self.vkeys, text.as_bytes(), 0o644)?;
        Ok(sync_folder(self.vkeys.parent().unwrap_or(&self.folder))?)
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
        Ok(sync_folder(&self.folder)?)
    }

    fn file(&self, region: &str) -> PathBuf {
        self.folder.join(format!("{region}.state"))
    }
}
