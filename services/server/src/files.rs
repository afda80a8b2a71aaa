//! Files of the state folder. One is replaced whole: whenever the machine stops, the old one is there or the new one. And a lock is held by
//! one process, as long as that lives.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A step with a file that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {source}", path.display())]
pub struct Failure {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// What was being done with which file, for an error to say.
pub(crate) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let path = path.to_owned();
    move |source| Failure {
        doing,
        path,
        source,
    }
}

/// Writes a file under another name, syncs it and gives it its own. Its folder is for the caller to sync, after the last of its files.
pub(crate) fn replace(path: &Path, contents: &[u8], mode: u32) -> Result<(), Failure> {
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

/// The names in a folder are on the disk when this returns.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Failure> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed("sync", folder))
}

/// Other systems give no handle to a folder; their file systems journal names themselves.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> Result<(), Failure> {
    Ok(())
}

/// What one of several processes over a state folder does: the first that comes, and another when that one has ended.
#[derive(Debug, Clone)]
pub(crate) struct Duty {
    path: PathBuf,
    held: Arc<Mutex<Option<File>>>,
}

impl Duty {
    /// By that name, in that state folder.
    pub(crate) fn new(state: &Path, name: &str) -> Duty {
        Duty {
            path: state.join(format!("{name}.lock")),
            held: Arc::default(),
        }
    }

    /// Whether it is this process's. Who cannot find out takes it for theirs: it does no harm twice, only cost.
    pub(crate) fn is_ours(&self) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            match lock(&self.path) {
                Ok(lock) => *held = lock,
                Err(error) => {
                    tracing::warn!(%error, "nobody can tell whose work this is; it may be done twice");
                    return true;
                }
            }
        }
        held.is_some()
    }
}

/// Takes a lock, or finds that another process has it.
pub(crate) fn lock(path: &Path) -> Result<Option<File>, Failure> {
    let mut options = File::options();
    options.create(true).append(true);
    let lock = options.open(path).map_err(failed("open", path))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(failed("lock", path)(source)),
    }
}
