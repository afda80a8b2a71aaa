//! Why the vault could not do what it was asked. No variant carries a key, a ciphertext or anything personal.

use std::path::PathBuf;

use hefu_token::private_file::FileError;

use crate::kek::KekId;
use crate::owner::Owner;

/// An error of the vault.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A file of secrets could not be made or used.
    #[error(transparent)]
    File(#[from] FileError),
    /// One of the two files of secrets is there and the other is not.
    #[error(
        "{} is missing beside {}: restore it from its backup, for no new one opens what is stored; \
         if this deployment never started, remove {} and start again", missing.display(), present.display(), present.display()
    )]
    HalfOfSecrets {
        /// The file that is not there.
        missing: PathBuf,
        /// The file that is.
        present: PathBuf,
    },
    /// The folder could not be listed.
    #[error("cannot list {}: {source}", path.display())]
    Folder {
        /// The state folder.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The files of key encryption keys are gone.
    #[error(
        "there is no key encryption key (kek-*.key) in {}: restore it from its backup, for no new one opens what is stored", .0.display()
    )]
    NoKek(PathBuf),
    /// The caller's source of randomness gave zeros or the same bytes twice.
    #[error("the source of randomness repeats itself; no key was made")]
    NoRandomness,
    /// The ciphertext is not this key's, this owner's or this field's, or it was changed.
    #[error("cannot open {field} of {owner}: the key is another one, or the bytes were changed")]
    CannotOpen {
        /// Whose secret it is.
        owner: Owner,
        /// Which of their secrets.
        field: String,
    },
    /// Genuine bytes that are not what this version writes.
    #[error("{field} of {owner} opens, but is not in a form that this version knows")]
    UnknownForm {
        /// Whose secret it is.
        owner: Owner,
        /// Which of their secrets.
        field: String,
    },
    /// The data key was wrapped under a key encryption key that is not here.
    #[error(
        "the data key of {owner} is wrapped under key {kek}, which is not here: put kek-{kek}.key back"
    )]
    UnknownKek {
        /// Whose data key it is.
        owner: Owner,
        /// The id of the key that wrapped it.
        kek: KekId,
    },
    /// A rotation went by since the data key was wrapped.
    #[error("key {0} is retired: nothing is stored under it any more")]
    KekRetired(KekId),
    /// An owner has one data key for life; another one would make what is sealed unreadable.
    #[error("{0} has another data key already; a data key is never replaced")]
    KeyReplaced(Owner),
    /// The file of wrapped keys holds something that was not written by this program.
    #[error("corrupt row in wrapped_key: {key}")]
    Corrupt {
        /// The row's key as it stands there.
        key: String,
    },
    /// The file of wrapped keys is of another kind or version.
    #[error("{} is not a file of wrapped keys, or a newer version's", .0.display())]
    UnknownStore(PathBuf),
    /// The folder's file system cannot share memory between processes, as network ones cannot.
    #[error("{} cannot use a write-ahead log here; keep the state folder on a local disk", .0.display())]
    NoWal(PathBuf),
    /// The keys are removed, but a reader keeps the file's write-ahead log from being cleared.
    #[error(
        "the keys are removed, but another reader still holds the write-ahead log: ask again when it is done"
    )]
    LogHeld,
    /// SQLite said no. After an error of writing or syncing, close the store and end the process.
    #[error("the file of wrapped keys: {0}")]
    Store(#[from] rusqlite::Error),
}
