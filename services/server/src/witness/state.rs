//! A witness's folder, held by one process: `witness.key` with its secret key, `witness.vkey` with the public one to
//! hand out, and a file per log with what it last cosigned of it:
//!
//! ```text
//! hefu witness state, version 1
//! log: hefu.example.org/140725/0
//! size: 1204
//! root: <32 bytes in base64url>
//! time: 1790000000
//! check: <SHA-256 of the lines above, in base64url>
//! ```
//!
//! and `witness.logs` with the name of each log that has such a file, a line each: a log that was watched before and whose
//! file is gone is not begun with anew.
//!
//! The invariant: a file is replaced whole and synced before the cosignature over what it says is made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hefu_audit::witness::{AddCheckpoint, Declined, Seen};
use hefu_engine::Clock;
use hefu_log::{Cosigner, Hash, Origin, Signature, Vkey, WitnessKey};
use hefu_token::private_file::{self, FileError, Reader, Writer};
use sha2::{Digest as _, Sha256};

use super::WitnessError;
use crate::files::{self, failed};

const KEY_TITLE: &str = "hefu witness key, version 1";
const SEEN_TITLE: &str = "hefu witness state, version 1";

/// A witness's folder, open.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    cosigner: Cosigner,
    logs: Vec<Vkey>,
    /// By log. The lock spans judging, writing and signing: two requests never go on from one state.
    seen: BTreeMap<String, Mutex<Seen>>,
    clock: Clock,
    _lock: File,
}

/// A folder that was opened.
#[derive(Debug)]
pub struct Opened {
    /// It.
    pub state: State,
    /// Whether its key was made just now.
    pub made: bool,
}

/// Why nothing was cosigned.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The rules say no.
    #[error(transparent)]
    Declined(#[from] Declined),
    /// It could not be written down.
    #[error(transparent)]
    Disk(#[from] WitnessError),
}

impl State {
    /// Opens a witness's folder and takes it for this process; a first start makes the key, from `seed`.
    ///
    /// # Errors
    /// See [`WitnessError`].
    pub fn open(
        folder: &Path,
        name: Option<&str>,
        logs: Vec<Vkey>,
        clock: Clock,
        seed: impl FnOnce() -> [u8; 32],
    ) -> Result<Opened, WitnessError> {
        if logs.is_empty() {
            return Err(WitnessError::NoLogs);
        }
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
        let lock = take(folder)?;
        let made = !key_file(folder).exists();
        if made {
            // The list before the key: a key without one has lost it.
            begin_list(&list_file(folder))?;
            make_key(folder, name.ok_or(WitnessError::NoName)?, &seed())?;
        }
        let cosigner = read_key(folder, name)?;
        let seen = take_up(folder, &logs)?;
        let state = State {
            folder: folder.to_owned(),
            cosigner,
            logs,
            seen,
            clock,
            _lock: lock,
        };
        Ok(Opened { state, made })
    }

    /// The witness's public key.
    pub fn public(&self) -> &WitnessKey {
        self.cosigner.public()
    }

    /// The file with the public key, to hand out.
    pub fn public_file(&self) -> PathBuf {
        self.folder.join("witness.vkey")
    }

    /// The file with the secret key.
    pub fn key_file(&self) -> PathBuf {
        key_file(&self.folder)
    }

    /// How many logs are watched.
    pub fn logs(&self) -> usize {
        self.seen.len()
    }

    /// Cosigns a checkpoint, if the rules allow it and once that is written down.
    ///
    /// # Errors
    /// `Declined` by the rules; `Disk` if it could not be written down, and then what was seen before stands.
    pub fn add(&self, request: &AddCheckpoint) -> Result<Signature, Failed> {
        let log = request.origin();
        let seen = self.seen.get(log).ok_or(Declined::UnknownLog)?;
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let time = self.clock.now().0.max(0).unsigned_abs() / 1000;
        let next = request.judge(&self.logs, &seen, time)?;
        replace(
            &seen_file(&self.folder, log),
            write_seen(log, &next).as_bytes(),
        )?;
        *seen = next;
        let signature = self.cosigner.cosign(&request.note, time);
        Ok(signature.map_err(WitnessError::Log)?)
    }
}

/// What was seen of each log. A log that is watched for the first time gets its file before it is on the list of those
/// that have one; both are on the disk when this returns.
fn take_up(folder: &Path, logs: &[Vkey]) -> Result<BTreeMap<String, Mutex<Seen>>, WitnessError> {
    let list = list_file(folder);
    let mut known = known_logs(&list)?;
    let (mut seen, before) = (BTreeMap::new(), known.len());
    for log in logs {
        let origin: Origin = log
            .name()
            .parse()
            .map_err(|_| WitnessError::NoLog(log.to_string()))?;
        let log = origin.to_string();
        let path = seen_file(folder, &log);
        let last = match read_seen(&path, &log)? {
            Some(last) => last,
            None if known.contains(&log) => {
                let what = "it is gone";
                return Err(WitnessError::Damaged { path, what });
            }
            None => {
                replace(&path, write_seen(&log, &Seen::NOTHING).as_bytes())?;
                Seen::NOTHING
            }
        };
        known.insert(log.clone());
        seen.insert(log, Mutex::new(last));
    }
    if known.len() > before {
        let lines: String = known.iter().map(|log| format!("{log}\n")).collect();
        replace(&list, lines.as_bytes())?;
    }
    Ok(seen)
}

fn list_file(folder: &Path) -> PathBuf {
    folder.join("witness.logs")
}

/// An empty list, if there is none.
fn begin_list(list: &Path) -> Result<(), WitnessError> {
    match list.exists() {
        true => Ok(()),
        false => replace(list, b""),
    }
}

/// The logs that were ever watched. Without the list nobody knows which they are.
fn known_logs(list: &Path) -> Result<BTreeSet<String>, WitnessError> {
    match fs::read_to_string(list) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(WitnessError::Damaged {
            path: list.to_owned(),
            what: "it is gone",
        }),
        Err(error) => Err(failed("read", list)(error).into()),
    }
}

/// The lock is the folder's: it is released when the process ends, however it ends.
fn take(folder: &Path) -> Result<File, WitnessError> {
    let lock = files::lock(&folder.join("witness.lock"))?;
    lock.ok_or_else(|| WitnessError::InUse(folder.to_owned()))
}

fn key_file(folder: &Path) -> PathBuf {
    folder.join("witness.key")
}

fn make_key(folder: &Path, name: &str, seed: &[u8; 32]) -> Result<(), WitnessError> {
    let public = Cosigner::new(name, seed)?.public().to_string();
    // The public half first: whoever finds the secret one has both.
    replace(
        &folder.join("witness.vkey"),
        format!("{public}\n").as_bytes(),
    )?;
    Writer::new(KEY_TITLE)
        .field("name", name)
        .secret("seed", seed)
        .create(&key_file(folder))?;
    Ok(())
}

fn read_key(folder: &Path, asked: Option<&str>) -> Result<Cosigner, WitnessError> {
    let path = key_file(folder);
    let text = private_file::read(&path)?;
    let mut reader = Reader::new(&path, &text, KEY_TITLE)?;
    let name = reader.field("name")?;
    let seed = reader.secret("seed")?;
    reader.end()?;
    match asked {
        Some(asked) if asked != name => Err(WitnessError::OtherName {
            own: name.to_owned(),
            asked: asked.to_owned(),
        }),
        Some(_) | None => Ok(Cosigner::new(name, &seed)?),
    }
}

/// A log's name has slashes and any letters; the file's has neither slashes nor two meanings.
fn seen_file(folder: &Path, log: &str) -> PathBuf {
    let name = log.replace('%', "%25").replace('/', "%2F");
    folder.join(format!("{name}.seen"))
}

fn write_seen(log: &str, seen: &Seen) -> String {
    let text = format!(
        "{SEEN_TITLE}\nlog: {log}\nsize: {}\nroot: {}\ntime: {}\n",
        seen.size, seen.root, seen.time
    );
    let check = check(&text);
    format!("{text}check: {check}\n")
}

fn check(text: &str) -> Hash {
    Hash(Sha256::digest(text).into())
}

/// What was seen of a log; `None` if there is no file of it.
fn read_seen(path: &Path, log: &str) -> Result<Option<Seen>, WitnessError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path)(error).into()),
    };
    let damaged = |what| WitnessError::Damaged {
        path: path.to_owned(),
        what,
    };
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
    let seen = parse_seen(path, &text).map_err(|_| damaged("it is not what this witness wrote"))?;
    // One text for one state: the sum over it, the log's name and each number are as they were written.
    if write_seen(log, &seen) == text {
        Ok(Some(seen))
    } else {
        Err(damaged("its lines do not belong together"))
    }
}

fn parse_seen(path: &Path, text: &str) -> Result<Seen, FileError> {
    let mut reader = Reader::new(path, text, SEEN_TITLE)?;
    reader.field("log")?;
    let number = |reader: &mut Reader<'_>, name| {
        let text = reader.field(name)?;
        text.parse().map_err(|_| reader.refuse("not a number"))
    };
    let size = number(&mut reader, "size")?;
    let root = reader.field("root")?;
    let root = root.parse().map_err(|_| reader.refuse("not a hash"))?;
    let time = number(&mut reader, "time")?;
    reader.field("check")?;
    reader.end()?;
    Ok(Seen { size, root, time })
}

/// Puts a file in another's place: the new one is on the disk under its name when this returns.
fn replace(path: &Path, contents: &[u8]) -> Result<(), WitnessError> {
    files::replace(path, contents, 0o644)?;
    Ok(files::sync_folder(path.parent().unwrap_or(Path::new(".")))?)
}
