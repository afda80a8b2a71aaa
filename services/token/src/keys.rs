//! Signing keys in the state folder, one file each: `token-<kid8>.key` and `log-<kid8>.key`, where `kid8` is the first
//! eight characters of the key's name. The newest key of a use is the active one, all older ones are retired. Files are
//! never changed: a rotation adds one. Logs are signed by Ed25519 keys; a log key of another suite signs beside them.
//!
//! ```text
//! hefu signing key, version 2
//! use: token
//! suite: ed25519-sha256
//! created: 2026-11-23T08:00:00.000Z
//! kid: kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
//! seed: <32 bytes in base64url: the secret half, RFC 8032 section 5.1.5; of SM2 the number d>
//! ```
//!
//! Files of version 1 have no line `suite`: their keys are of `ed25519-sha256`.
//!
//! Beside each stands its public half, `token-<kid8>.pub`, for a process that verifies and must not be able to sign:
//!
//! ```text
//! hefu public key, version 1
//! use: token
//! suite: ed25519-sha256
//! created: 2026-11-23T08:00:00.000Z
//! public: <the public half in base64url>
//! ```

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use hefu_domain::Instant;
use hefu_suite::{SecretKey, Suite, SuiteError};
use zeroize::Zeroizing;

use crate::base64url;
use crate::private_file::{self, FileError, Reader, Writer};
use crate::signer::{PublicKey, Signer};

const TITLE: &str = "hefu signing key, version 2";
const TITLE_1: &str = "hefu signing key, version 1";
const PUBLIC_TITLE: &str = "hefu public key, version 1";
const KID_IN_NAME: usize = 8;

/// What a key signs. A key is never used for two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Use {
    /// Voucher tokens.
    Token,
    /// Checkpoints of the region logs.
    Log,
}

impl Use {
    /// Every use.
    pub const ALL: [Use; 2] = [Use::Token, Use::Log];

    /// The word for it in file names and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Use::Token => "token",
            Use::Log => "log",
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What may be told of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// What it signs.
    pub usage: Use,
    /// Its name: the RFC 7638 thumbprint of the public half.
    pub kid: String,
    /// When it was made.
    pub created: Instant,
    /// The public half, which says of which suite it is.
    pub public: hefu_suite::PublicKey,
    /// Where the secret half is.
    pub path: PathBuf,
}

impl KeyInfo {
    /// Of which suite it is.
    pub fn suite(&self) -> Suite {
        self.public.suite()
    }

    /// Whether it does the work of that use by itself: any key of tokens, and an Ed25519 key of logs.
    pub fn serves(&self, usage: Use) -> bool {
        self.usage == usage && (usage == Use::Token || self.suite() == Suite::Ed25519Sha256)
    }
}

/// A key with its secret half; the seed is wiped from memory when this is dropped.
pub struct KeyFile {
    info: KeyInfo,
    seed: Zeroizing<[u8; 32]>,
    secret: SecretKey,
}

impl KeyFile {
    /// What may be told of the key.
    pub fn info(&self) -> &KeyInfo {
        &self.info
    }

    /// The secret half's bytes, for whoever signs other things than tokens with Ed25519.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The key as it signs, for whoever signs other things than tokens with any suite.
    pub fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// The public half as tokens name it, and when the key was made.
    pub fn public(&self) -> (PublicKey, Instant) {
        (self.signer().public().clone(), self.info.created)
    }

    /// The key as a signer of tokens.
    pub fn signer(&self) -> Signer {
        Signer::new(self.secret.clone())
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// Why a key could not be made or loaded.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file could not be written or used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A suite that is not built, or a seed that is no secret of it.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// The folder could not be listed.
    #[error("cannot list {}: {source}", path.display())]
    Folder {
        /// The state folder.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// A new key must be the newest, or it would not become the active one.
    #[error(
        "the clock says {created}, yet the active {usage} key was made at {active}: a new key must be newer"
    )]
    NotNewest {
        /// The use of both.
        usage: Use,
        /// The new key's time.
        created: Instant,
        /// The active key's time.
        active: Instant,
    },
    /// There is no key of this use yet.
    #[error("there is no {usage} key in {}", path.display())]
    NoKey {
        /// The use that was asked for.
        usage: Use,
        /// The state folder.
        path: PathBuf,
    },
}

/// Makes the Ed25519 key of this seed the active one, as [`new_key_of`] does.
pub fn new_key(
    state_dir: &Path,
    usage: Use,
    seed: &[u8; 32],
    created: Instant,
) -> Result<KeyInfo, KeyError> {
    new_key_of(state_dir, (usage, Suite::Ed25519Sha256), seed, created)
}

/// Makes the key of this seed the active one. `created` must be later than every other's whose place it takes: those of
/// the same use, and of logs those of the same suite. The seed is the caller's randomness; the same seed again is
/// refused, its file exists.
pub fn new_key_of(
    state_dir: &Path,
    (usage, suite): (Use, Suite),
    seed: &[u8; 32],
    created: Instant,
) -> Result<KeyInfo, KeyError> {
    let signer = Signer::new(SecretKey::from_seed(suite, seed)?);
    let info = KeyInfo {
        usage,
        kid: signer.kid().to_owned(),
        created,
        public: signer.public().key().clone(),
        path: state_dir.join(file_name(usage, signer.kid())),
    };
    if info.path.exists() {
        return Err(FileError::Exists(info.path).into());
    }
    let keys = read_all(state_dir, usage)?;
    let mut rivals = keys
        .iter()
        .filter(|key| usage == Use::Token || key.info.suite() == suite);
    if let Some(active) = rivals.next().filter(|key| key.info.created >= created) {
        return Err(KeyError::NotNewest {
            usage,
            created,
            active: active.info.created,
        });
    }
    Writer::new(TITLE)
        .field("use", usage.as_str())
        .field("suite", suite.as_str())
        .field("created", &created.to_string())
        .field("kid", &info.kid)
        .secret("seed", seed)
        .create(&info.path)?;
    write_public(&info)?;
    Ok(info)
}

/// Writes the public half of every key of that use beside it where it is missing.
pub fn publish(state_dir: &Path, usage: Use) -> Result<(), KeyError> {
    for key in read_all(state_dir, usage)? {
        if !public_path(&key.info.path).exists() {
            write_public(&key.info)?;
        }
    }
    Ok(())
}

fn write_public(info: &KeyInfo) -> Result<(), FileError> {
    let written = Writer::new(PUBLIC_TITLE)
        .field("use", info.usage.as_str())
        .field("suite", info.suite().as_str())
        .field("created", &info.created.to_string())
        .field("public", &base64url::encode(info.public.as_bytes()))
        .create(&public_path(&info.path));
    match written {
        // Another process was quicker.
        Err(FileError::Exists(_)) => Ok(()),
        written => written,
    }
}

fn public_path(key: &Path) -> PathBuf {
    key.with_extension("pub")
}

/// The public halves of the keys of one use with the instants at which they were made, newest first; there is at least one. No secret
/// half is read.
pub fn load_public(state_dir: &Path, usage: Use) -> Result<Vec<(PublicKey, Instant)>, KeyError> {
    let read = |path: PathBuf| read_public(&path, usage);
    let keys = files(state_dir, usage, false)?.into_iter().map(read);
    let mut keys: Vec<_> = keys.collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(KeyError::NoKey {
            usage,
            path: state_dir.to_owned(),
        });
    }
    keys.sort_by(|(a, made), (b, since)| (since, b.kid()).cmp(&(made, a.kid())));
    Ok(keys)
}

fn read_public(path: &Path, usage: Use) -> Result<(PublicKey, Instant), FileError> {
    let text = private_file::read(path)?;
    let mut reader = Reader::new(path, &text, PUBLIC_TITLE)?;
    if reader.field("use")? != usage.as_str() {
        return Err(reader.refuse("the key's use is not the one that its file is named for"));
    }
    let suite: Suite =
        (reader.field("suite")?.parse()).map_err(|e: SuiteError| reader.refuse(e.to_string()))?;
    let created = reader
        .field("created")?
        .parse()
        .map_err(|_| reader.refuse("\"created\" is not a time"))?;
    let public = base64url::decode(reader.field("public")?);
    let public = public.ok_or_else(|| reader.refuse("\"public\" is not base64url"))?;
    let key = PublicKey::from_bytes(suite, &public).map_err(|e| reader.refuse(e.to_string()))?;
    let name = public_path(Path::new(&file_name(usage, key.kid())));
    if path.file_name() != Some(name.as_os_str()) {
        return Err(reader.refuse("the file's name and its key do not belong together"));
    }
    reader.end()?;
    Ok((key, created))
}

/// Every key of the folder, by use, newest first.
pub fn list(state_dir: &Path) -> Result<Vec<KeyInfo>, KeyError> {
    let mut infos = Vec::new();
    for usage in Use::ALL {
        infos.extend(read_all(state_dir, usage)?.into_iter().map(|key| key.info));
    }
    Ok(infos)
}

/// The keys of one use, newest first: the first is the active one, and there is at least one.
pub fn load(state_dir: &Path, usage: Use) -> Result<Vec<KeyFile>, KeyError> {
    let keys = read_all(state_dir, usage)?;
    if keys.is_empty() {
        return Err(KeyError::NoKey {
            usage,
            path: state_dir.to_owned(),
        });
    }
    Ok(keys)
}

fn file_name(usage: Use, kid: &str) -> String {
    format!("{usage}-{}.key", &kid[..KID_IN_NAME])
}

/// The files of the keys of one use, or of their public halves, by name.
pub(crate) fn files(state_dir: &Path, usage: Use, secret: bool) -> Result<Vec<PathBuf>, KeyError> {
    let failed = |source| KeyError::Folder {
        path: state_dir.to_owned(),
        source,
    };
    let end = if secret { ".key" } else { ".pub" };
    let mut files = Vec::new();
    for entry in fs::read_dir(state_dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let is_key = name.to_str().is_some_and(|name| {
            name.strip_prefix(usage.as_str())
                .is_some_and(|rest| rest.starts_with('-') && rest.ends_with(end))
        });
        files.extend(is_key.then(|| state_dir.join(name)));
    }
    files.sort();
    Ok(files)
}

fn read_all(state_dir: &Path, usage: Use) -> Result<Vec<KeyFile>, KeyError> {
    let read = |path: PathBuf| read(&path, usage);
    let keys = files(state_dir, usage, true)?.into_iter().map(read);
    let mut keys: Vec<KeyFile> = keys.collect::<Result<_, _>>()?;
    // Times differ (`new_key` sees to it); the name decides between files that were brought together from elsewhere.
    keys.sort_by(|a, b| (b.info.created, &b.info.kid).cmp(&(a.info.created, &a.info.kid)));
    Ok(keys)
}

fn read(path: &Path, usage: Use) -> Result<KeyFile, FileError> {
    let text = private_file::read(path)?;
    let is_first = text.lines().next() == Some(TITLE_1);
    let mut reader = Reader::new(path, &text, if is_first { TITLE_1 } else { TITLE })?;
    if reader.field("use")? != usage.as_str() {
        return Err(reader.refuse("the key's use is not the one that its file is named for"));
    }
    let suite = match is_first {
        true => Suite::Ed25519Sha256,
        false => (reader.field("suite")?.parse())
            .map_err(|e: SuiteError| reader.refuse(e.to_string()))?,
    };
    let created = reader
        .field("created")?
        .parse()
        .map_err(|_| reader.refuse("\"created\" is not a time"))?;
    let kid = reader.field("kid")?;
    let seed = reader.secret("seed")?;
    let secret = SecretKey::from_seed(suite, &seed).map_err(|e| reader.refuse(e.to_string()))?;
    let signer = Signer::new(secret.clone());
    // A key under another key's name would sign what nobody can check, or retire the wrong one.
    if signer.kid() != kid || path.file_name() != Some(file_name(usage, kid).as_ref()) {
        return Err(reader.refuse("the file's name, its kid and its seed do not belong together"));
    }
    reader.end()?;
    let info = KeyInfo {
        usage,
        kid: kid.to_owned(),
        created,
        public: signer.public().key().clone(),
        path: path.to_owned(),
    };
    Ok(KeyFile { info, seed, secret })
}
