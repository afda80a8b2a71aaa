//! The key encryption keys in the state folder, one file each: `kek-<id>.key`. The newest is active, the others unwrap what they wrapped
//! until nothing of it is left. Files are never changed: a rotation adds one.
//!
//! ```text
//! hefu key encryption key, version 1
//! created: 2026-11-23T08:00:00.000Z
//! id: f2c97843f0b50596
//! kek: <32 bytes in base64url>
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hefu_domain::Instant;
use hefu_token::private_file::{self, FileError, Reader, Writer};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::VaultError;

const TITLE: &str = "hefu key encryption key, version 1";
const ID_BYTES: usize = 8;

/// The name of a key encryption key: the start of a hash of it, so that a wrapped key can tell whose it is and no file can give a key a
/// wrong name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KekId(pub(crate) [u8; ID_BYTES]);

impl KekId {
    fn of(key: &[u8; 32]) -> KekId {
        let hash = Sha256::new()
            .chain_update("hefu/kek-id/v1")
            .chain_update(key)
            .finalize();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&hash[..ID_BYTES]);
        KekId(id)
    }
}

/// In hexadecimal, 16 characters.
impl fmt::Display for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KekId({self})")
    }
}

/// A key encryption key. Wiped from memory when dropped.
#[derive(Clone)]
pub(crate) struct Kek {
    pub(crate) id: KekId,
    pub(crate) key: Zeroizing<[u8; 32]>,
    created: Instant,
}

/// What may be told of a key encryption key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KekInfo {
    /// Its name.
    pub id: KekId,
    /// When it was made.
    pub created: Instant,
    /// Where it is.
    pub path: PathBuf,
}

/// Every key encryption key of the folder, the active one first.
///
/// # Errors
/// `NoKek` where there is none; a file that cannot be used.
pub fn list(state_dir: &Path) -> Result<Vec<KekInfo>, VaultError> {
    let info = |kek: Kek| KekInfo {
        path: path(state_dir, kek.id),
        id: kek.id,
        created: kek.created,
    };
    Ok(load(state_dir)?.into_iter().map(info).collect())
}

/// Makes this key the active one, synced to the disk. Where the clock stands behind the active one's time, the new one is a millisecond
/// younger than that.
pub(crate) fn create(
    state_dir: &Path,
    key: &Zeroizing<[u8; 32]>,
    created: Instant,
) -> Result<KekId, VaultError> {
    let newest = read_all(state_dir)?.into_iter().next();
    let created = newest.map_or(created, |newest| {
        Instant(created.0.max(newest.created.0 + 1))
    });
    let id = KekId::of(key);
    Writer::new(TITLE)
        .field("created", &created.to_string())
        .field("id", &id.to_string())
        .secret("kek", key)
        .create(&path(state_dir, id))?;
    Ok(id)
}

/// The keys, newest first; at least one.
pub(crate) fn load(state_dir: &Path) -> Result<Vec<Kek>, VaultError> {
    let keks = read_all(state_dir)?;
    match keks.is_empty() {
        true => Err(VaultError::NoKek(state_dir.to_owned())),
        false => Ok(keks),
    }
}

/// Whether the folder has any.
pub(crate) fn any(state_dir: &Path) -> Result<bool, VaultError> {
    Ok(!files(state_dir)?.is_empty())
}

fn read_all(state_dir: &Path) -> Result<Vec<Kek>, VaultError> {
    let read = |(id, path): (KekId, PathBuf)| read(id, &path);
    let keks: Result<Vec<Kek>, FileError> = files(state_dir)?.into_iter().map(read).collect();
    let mut keks = keks?;
    // Times differ (`create` sees to it); the id decides between files that were brought together from elsewhere.
    keks.sort_by_key(|kek| std::cmp::Reverse((kek.created, kek.id)));
    Ok(keks)
}

fn files(state_dir: &Path) -> Result<Vec<(KekId, PathBuf)>, VaultError> {
    let failed = |source| VaultError::Folder {
        path: state_dir.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(state_dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let id = name.to_str().and_then(|name| {
            let id = name.strip_prefix("kek-")?.strip_suffix(".key")?;
            id.parse().ok()
        });
        files.extend(id.map(|id: KekId| (id, state_dir.join(&name))));
    }
    Ok(files)
}

impl FromStr for KekId {
    type Err = ();

    fn from_str(text: &str) -> Result<KekId, ()> {
        let id = u64::from_str_radix(text, 16).map_err(drop)?;
        let id = KekId(id.to_be_bytes());
        // One spelling.
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(())
        }
    }
}

fn path(state_dir: &Path, id: KekId) -> PathBuf {
    state_dir.join(format!("kek-{id}.key"))
}

fn read(id: KekId, path: &Path) -> Result<Kek, FileError> {
    let text = private_file::read(path)?;
    let mut file = Reader::new(path, &text, TITLE)?;
    let created = file.field("created")?.parse();
    let created = created.map_err(|_| file.refuse("\"created\" is not a time"))?;
    let named = file.field("id")?;
    let key = file.secret("kek")?;
    if named.parse() != Ok(id) || KekId::of(&key) != id {
        return Err(file.refuse("the file's name, its id and its key do not belong together"));
    }
    file.end()?;
    Ok(Kek { id, key, created })
}
