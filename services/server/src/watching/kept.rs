//! What the watch remembers of a log, in a file of the state folder (`watch/{region}`), so that a start goes on from there. A log can always
//! be read anew, so a file that is missing, damaged, of another version or of another log stands for nothing, and the disk that fills
//! costs the next start its time and nothing else.
//!
//! ```text
//! SHA-256 of the rest, 32 bytes, then CBOR: version, events seen, epoch and index of the next, leaf hash of the last, the watch
//! ```

use std::fs;
use std::io;
use std::path::PathBuf;

use hefu_domain::{Region, Watch};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Followed;
use crate::files::{Failure, failed, replace};

/// The folder. Cheap to clone.
#[derive(Clone)]
pub(super) struct Kept {
    folder: PathBuf,
}

/// A file, after its hash.
#[derive(Serialize, Deserialize)]
struct Contents<T> {
    version: u32,
    seen: u64,
    next: (u64, u64),
    leaf: Option<[u8; 32]>,
    watch: T,
}

impl Kept {
    pub(super) fn new(state: &std::path::Path) -> Kept {
        Kept {
            folder: state.join("watch"),
        }
    }

    /// Writes down how far a log was seen, and what is remembered of it.
    pub(super) fn put(&self, region: &Region, log: &Followed) -> Result<(), Failure> {
        let path = self.folder.join(region.as_str());
        let contents = Contents {
            version: Watch::VERSION,
            seen: log.seen,
            next: log.next,
            leaf: log.leaf,
            watch: &log.watch,
        };
        let mut bytes = vec![0; 32];
        let written = ciborium::into_writer(&contents, &mut bytes);
        written.map_err(|error| failed("write", &path)(io::Error::other(error)))?;
        let hash = Sha256::digest(&bytes[32..]);
        bytes[..32].copy_from_slice(&hash);
        fs::create_dir_all(&self.folder).map_err(failed("make", &self.folder))?;
        replace(&path, &bytes, 0o600)
    }

    /// What was written down of a log, if that can be used.
    pub(super) fn get(&self, region: &Region) -> Option<Followed> {
        let path = self.folder.join(region.as_str());
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%region, %error, "what the fraud rules remember of a log cannot be read; the log is read from its beginning");
                return None;
            }
        };
        let log = read(&bytes);
        if log.is_none() {
            tracing::warn!(path = %path.display(), "not what this version of the fraud rules wrote down; the log is read from its beginning");
        }
        log
    }
}

fn read(bytes: &[u8]) -> Option<Followed> {
    let (hash, body) = bytes.split_at_checked(32)?;
    if Sha256::digest(body).as_slice() != hash {
        return None;
    }
    let contents: Contents<Watch> = ciborium::from_reader(body).ok()?;
    (contents.version == Watch::VERSION).then(|| Followed {
        next: contents.next,
        leaf: contents.leaf,
        seen: contents.seen,
        watch: contents.watch,
        ..Followed::default()
    })
}
