//! The wrapped data keys, in a file apart from the database, so that no backup of the database brings back somebody who
//! was erased. A key is on the disk before `put_many` returns and hence before the transaction that needs it commits; a
//! transaction that fails leaves an orphan, which is swept later. A data key is never replaced; a rotation wraps it anew.
//!
//! Erasures are kept here as well, as a list of owners without a key: an erasure is announced before the transaction that puts
//! it on record, and done after it. So a crash in between, or a backup of the database restored from before it, never brings anybody back.
//!
//! Calls block; from async code go through `spawn_blocking`.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hefu_domain::Instant;
use hefu_token::private_file::{self, FileError};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::error::VaultError;
use crate::kek::KekId;
use crate::kms::{Kms, Wrapped};
use crate::owner::Owner;
use crate::seal::Nonce;

/// "hefu" in ASCII: tells the file from any other SQLite database.
const APPLICATION_ID: i32 = 0x6865_6675;
const VERSION: i32 = 4;
const KEYS: &str = "CREATE TABLE wrapped_key (
    owner TEXT PRIMARY KEY NOT NULL,
    wrapped BLOB NOT NULL,
    put_at INTEGER NOT NULL -- milliseconds since 1970
) STRICT, WITHOUT ROWID";
/// Since version 2.
const ERASURES: &str = "CREATE TABLE erasure (
    owner TEXT PRIMARY KEY NOT NULL,
    done INTEGER NOT NULL -- 0 while only announced
) STRICT, WITHOUT ROWID";
/// Since version 3: the key encryption keys that wrap nothing any more.
const RETIRED: &str = "CREATE TABLE retired_kek (
    id BLOB PRIMARY KEY NOT NULL,
    emptied INTEGER NOT NULL -- 0 while data keys are still wrapped under it
) STRICT, WITHOUT ROWID";
/// Since version 4: the instant up to which orphans were looked for, and the keys in the order in which they were put, so that a sweep
/// passes over what was put since the last one and not over everybody.
const SWEPT: &str = "CREATE TABLE swept (before INTEGER NOT NULL) STRICT;
INSERT INTO swept (before) VALUES (0);
CREATE INDEX wrapped_key_put_at ON wrapped_key (put_at)";
/// How many rows a sweep or a rotation looks at, and changes, at a time.
const PAGE_ROWS: i64 = 1000;

/// The store of wrapped keys: SQLite in WAL mode with `synchronous=FULL`.
#[derive(Debug)]
pub struct WrappedKeys {
    connection: Mutex<Connection>,
}

impl WrappedKeys {
    /// Opens `wrapped-keys.sqlite` in the state folder, or makes it, 0600.
    pub fn open(state_dir: &Path) -> Result<WrappedKeys, VaultError> {
        let path = state_dir.join("wrapped-keys.sqlite");
        match private_file::create(&path, &[]) {
            // SQLite takes an empty file for a new database and gives its side files the same mode.
            Ok(()) => {}
            Err(FileError::Exists(_)) => private_file::refuse_exposed(&path)?,
            Err(other) => return Err(other.into()),
        }
        let mut connection = Connection::open(&path)?;
        prepare(&mut connection, &path)?;
        Ok(WrappedKeys {
            connection: Mutex::new(connection),
        })
    }

    /// Stores keys as [`Self::put_many`] does. What a rotation overtook is wrapped anew, with 12 random bytes of `nonce`'s each.
    ///
    /// # Errors
    /// As for [`Self::put_many`], but for `KekRetired`.
    pub fn keep(
        &self,
        kms: &dyn Kms,
        keys: &[(Owner, Wrapped)],
        at: Instant,
        nonce: &mut dyn FnMut() -> Nonce,
    ) -> Result<(), VaultError> {
        match self.put_many(keys, at) {
            Err(VaultError::KekRetired(_) | VaultError::KeyReplaced(_)) => {
                kms.refresh()?;
                self.put_many(&self.overtaken(kms, keys, nonce)?, at)
            }
            done => done,
        }
    }

    /// The same data keys as they are wrapped by now: as they stand here already, or else under the active key.
    fn overtaken(
        &self,
        kms: &dyn Kms,
        keys: &[(Owner, Wrapped)],
        nonce: &mut dyn FnMut() -> Nonce,
    ) -> Result<Vec<(Owner, Wrapped)>, VaultError> {
        let owners: Vec<Owner> = keys.iter().map(|(owner, _)| owner.clone()).collect();
        let stored = self.get_many(&owners)?.into_iter();
        let wrapped = keys.iter().zip(stored).map(|((owner, wrapped), stored)| {
            let key = kms.unwrap_key(owner, wrapped)?;
            let wrapped = match stored {
                Some(stored) if kms.unwrap_key(owner, &stored)? == key => stored,
                Some(_) => return Err(VaultError::KeyReplaced(owner.clone())),
                None => kms.wrap_key(owner, &key, nonce())?,
            };
            Ok((owner.clone(), wrapped))
        });
        wrapped.collect()
    }

    /// Stores keys, all or none; they are synced to the disk when this returns. The same key again is fine and counts
    /// as put at the later time; another key for an owner who has one is refused. `at` is what [`Self::sweep_orphans`]
    /// goes by.
    ///
    /// # Errors
    /// `KeyReplaced`; `KekRetired` for what is wrapped under a key that a rotation retired.
    pub fn put_many(&self, keys: &[(Owner, Wrapped)], at: Instant) -> Result<(), VaultError> {
        self.write(|tx| {
            let retired = retired(tx)?;
            let wrapped_by = keys.iter().filter_map(|(_, wrapped)| wrapped.kek());
            refuse_retired(&retired, wrapped_by)?;
            let mut put = tx.prepare_cached(
                "INSERT INTO wrapped_key (owner, wrapped, put_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (owner) DO UPDATE SET put_at = max(put_at, excluded.put_at) WHERE wrapped = excluded.wrapped",
            )?;
            for (owner, wrapped) in keys {
                if put.execute(params![owner.to_string(), wrapped.as_bytes(), at.0])? == 0 {
                    return Err(VaultError::KeyReplaced(owner.clone()));
                }
            }
            Ok(())
        })
    }

    /// The keys of these owners, in their order; `None` for one who has none, or none any more.
    pub fn get_many(&self, owners: &[Owner]) -> Result<Vec<Option<Wrapped>>, VaultError> {
        let connection = self.connection();
        let tx = connection.unchecked_transaction()?;
        let mut get = tx.prepare_cached("SELECT wrapped FROM wrapped_key WHERE owner = ?1")?;
        owners
            .iter()
            .map(|owner| {
                Ok(get
                    .query_row([owner.to_string()], |row| row.get(0).map(Wrapped))
                    .optional()?)
            })
            .collect()
    }

    /// Retires key encryption keys: from now on nothing is stored under them.
    pub(crate) fn retire(&self, others: &[KekId]) -> Result<(), VaultError> {
        self.write(|tx| {
            let mut retire = tx.prepare_cached(
                "INSERT INTO retired_kek (id, emptied) VALUES (?1, 0) ON CONFLICT (id) DO NOTHING",
            )?;
            for id in others {
                retire.execute([id.0])?;
            }
            Ok(())
        })
    }

    /// The retired key encryption keys, and whether they wrap nothing any more.
    pub fn retired(&self) -> Result<Vec<(KekId, bool)>, VaultError> {
        retired(&self.connection())
    }

    /// Wraps every data key under the active key encryption key that stands under another, all of which are `retired`; `seen` is told
    /// after every thousand how many that were so far. Returns how many. What was wrapped before is overwritten in the file.
    ///
    /// # Errors
    /// `KekRetired` if another rotation has retired the active key meanwhile.
    pub(crate) fn wrap_anew(
        &self,
        kms: &dyn Kms,
        retired: &[KekId],
        nonce: &mut dyn FnMut() -> Nonce,
        seen: &mut dyn FnMut(usize),
    ) -> Result<usize, VaultError> {
        let active = kms.active();
        let (mut anew, mut after) = (0, String::new());
        loop {
            let page = self.page_after(&after)?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            let mut pairs = Vec::new();
            for (name, old) in page {
                if old.kek() == Some(active) {
                    continue;
                }
                let corrupt = |_| VaultError::Corrupt { key: name.clone() };
                let owner: Owner = name.parse().map_err(corrupt)?;
                let key = kms.unwrap_key(&owner, &old)?;
                pairs.push((name, old, kms.wrap_key(&owner, &key, nonce())?));
            }
            anew += self.write(|tx| {
                refuse_retired(&self::retired(tx)?, std::iter::once(active))?;
                // Whoever was erased meanwhile stays so.
                let mut change = tx.prepare_cached(
                    "UPDATE wrapped_key SET wrapped = ?3 WHERE owner = ?1 AND wrapped = ?2",
                )?;
                let change = |(name, old, new): &(String, Wrapped, Wrapped)| {
                    Ok(change.execute(params![name, old.0, new.0])?)
                };
                pairs.iter().map(change).sum::<Result<usize, VaultError>>()
            })?;
            seen(anew);
        }
        self.write(|tx| {
            let mut empty =
                tx.prepare_cached("UPDATE retired_kek SET emptied = 1 WHERE id = ?1")?;
            for id in retired {
                empty.execute([id.0])?;
            }
            Ok(())
        })?;
        self.empty_log()?;
        Ok(anew)
    }

    fn page_after(&self, after: &str) -> Result<Vec<(String, Wrapped)>, VaultError> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "SELECT owner, wrapped FROM wrapped_key WHERE owner > ?1 ORDER BY owner LIMIT ?2",
        )?;
        let rows = select.query_map(params![after, PAGE_ROWS], |row| {
            Ok((row.get(0)?, Wrapped(row.get(1)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Says that these owners are about to be erased, before the transaction that puts it on record.
    pub fn announce(&self, owners: &[Owner]) -> Result<(), VaultError> {
        self.write(|tx| {
            let mut announce = tx.prepare_cached(
                "INSERT INTO erasure (owner, done) VALUES (?1, 0) ON CONFLICT (owner) DO NOTHING",
            )?;
            for owner in owners {
                announce.execute([owner.to_string()])?;
            }
            Ok(())
        })
    }

    /// Takes announcements back whose transaction never committed. Erasures that were done stay.
    pub fn recall(&self, owners: &[Owner]) -> Result<(), VaultError> {
        self.write(|tx| {
            let mut recall =
                tx.prepare_cached("DELETE FROM erasure WHERE owner = ?1 AND done = 0")?;
            for owner in owners {
                recall.execute([owner.to_string()])?;
            }
            Ok(())
        })
    }

    /// Every owner whose erasure was announced, and whether it was done, in the order of their names.
    pub fn erasures(&self) -> Result<Vec<(Owner, bool)>, VaultError> {
        let connection = self.connection();
        let mut select =
            connection.prepare_cached("SELECT owner, done FROM erasure ORDER BY owner")?;
        let rows = select.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))
        })?;
        rows.map(|row| {
            let (owner, done) = row?;
            let owner = owner
                .parse()
                .map_err(|_| VaultError::Corrupt { key: owner })?;
            Ok((owner, done))
        })
        .collect()
    }

    /// Destroys the keys of these owners, and with them everything of theirs that is sealed, and keeps it on record; returns how
    /// many there were. Owners without a key are passed over, so asking again is harmless.
    ///
    /// The bytes are overwritten in the file and the write-ahead log is emptied. Backups of this file must be kept
    /// shorter than the promise to erase, and what a disk keeps of overwritten blocks is beyond any program.
    pub fn erase(&self, owners: &[Owner]) -> Result<usize, VaultError> {
        let removed = self.write(|tx| {
            let mut remove = tx.prepare_cached("DELETE FROM wrapped_key WHERE owner = ?1")?;
            let mut done = tx.prepare_cached(
                "INSERT INTO erasure (owner, done) VALUES (?1, 1) ON CONFLICT (owner) DO UPDATE SET done = 1",
            )?;
            owners
                .iter()
                .map(|owner| {
                    done.execute([owner.to_string()])?;
                    Ok(remove.execute([owner.to_string()])?)
                })
                .sum()
        })?;
        self.empty_log()?;
        Ok(removed)
    }

    /// Removes keys put before `before`, and since the last sweep, whose owner `known` does not know: their transaction never committed.
    /// Returns how many. `before` must lie further back than any transaction lasts, and `known` must have read the database
    /// after that instant, or a key that is about to be needed would go. `known` is asked for up to a thousand owners
    /// at a time; `None` says that it cannot tell, and ends the sweep.
    pub fn sweep_orphans(
        &self,
        before: Instant,
        known: &mut dyn FnMut(&[Owner]) -> Option<Vec<bool>>,
    ) -> Result<usize, VaultError> {
        let mut swept = 0;
        let mut after = (self.swept_before()?, String::new());
        loop {
            let rows = self.put_after(&after, before)?;
            let Some(last) = rows.last() else {
                self.note_swept(before)?;
                break;
            };
            after.clone_from(last);
            let owners = rows.iter().map(|(_, owner)| {
                owner
                    .parse()
                    .map_err(|_| VaultError::Corrupt { key: owner.clone() })
            });
            let owners: Vec<Owner> = owners.collect::<Result<_, _>>()?;
            let Some(known) = known(&owners) else { break };
            let orphans: Vec<String> = rows
                .into_iter()
                .zip(known)
                .filter_map(|((_, owner), known)| (!known).then_some(owner))
                .collect();
            swept += self.write(|tx| {
                // A key that was put again meanwhile is somebody's.
                let mut remove =
                    tx.prepare_cached("DELETE FROM wrapped_key WHERE owner = ?1 AND put_at < ?2")?;
                orphans
                    .iter()
                    .map(|owner| Ok(remove.execute(params![owner, before.0])?))
                    .sum::<Result<usize, VaultError>>()
            })?;
        }
        if swept > 0 {
            self.empty_log()?;
        }
        Ok(swept)
    }

    /// A page of the keys put before `before`, and after that instant and owner.
    fn put_after(
        &self,
        (at, owner): &(i64, String),
        before: Instant,
    ) -> Result<Vec<(i64, String)>, VaultError> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "SELECT put_at, owner FROM wrapped_key WHERE (put_at, owner) > (?1, ?2) AND put_at < ?3
             ORDER BY put_at, owner LIMIT ?4",
        )?;
        let rows = select.query_map(params![at, owner, before.0, PAGE_ROWS], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn swept_before(&self) -> Result<i64, VaultError> {
        let connection = self.connection();
        let mut select = connection.prepare_cached("SELECT before FROM swept")?;
        Ok(select.query_row([], |row| row.get(0))?)
    }

    /// No orphan that was put before that instant is left.
    fn note_swept(&self, before: Instant) -> Result<(), VaultError> {
        self.write(|tx| {
            tx.execute("UPDATE swept SET before = max(before, ?1)", [before.0])?;
            Ok(())
        })
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let mut connection = self.connection();
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&tx)?;
        tx.commit()?;
        Ok(done)
    }

    fn empty_log(&self) -> Result<(), VaultError> {
        let held: bool =
            self.connection()
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if held {
            Err(VaultError::LogHeld)
        } else {
            Ok(())
        }
    }

    /// A panic elsewhere leaves no transaction open (its guard rolls back), so the connection stays good.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn retired(connection: &Connection) -> Result<Vec<(KekId, bool)>, VaultError> {
    let mut select =
        connection.prepare_cached("SELECT id, emptied FROM retired_kek ORDER BY id")?;
    let rows = select.query_map([], |row| Ok((KekId(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn refuse_retired(
    retired: &[(KekId, bool)],
    used: impl Iterator<Item = KekId>,
) -> Result<(), VaultError> {
    for id in used {
        if retired.iter().any(|(old, _)| *old == id) {
            return Err(VaultError::KekRetired(id));
        }
    }
    Ok(())
}

fn prepare(connection: &mut Connection, path: &Path) -> Result<(), VaultError> {
    connection.busy_timeout(Duration::from_secs(5))?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(VaultError::NoWal(PathBuf::from(path)));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS a plain fsync does not reach the platter.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "secure_delete", true)?;

    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let pragma = |name: &str| tx.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (pragma("application_id")?, pragma("user_version")?) {
        (0, 0) if tables == 0 => {
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.pragma_update(None, "user_version", VERSION)?;
            tx.execute_batch(KEYS)?;
            tx.execute_batch(ERASURES)?;
            tx.execute_batch(RETIRED)?;
            tx.execute_batch(SWEPT)?;
            Ok(tx.commit()?)
        }
        (APPLICATION_ID, version @ (2 | 3)) => {
            tx.pragma_update(None, "user_version", VERSION)?;
            if version == 2 {
                tx.execute_batch(RETIRED)?;
            }
            tx.execute_batch(SWEPT)?;
            Ok(tx.commit()?)
        }
        (APPLICATION_ID, VERSION) => Ok(()),
        _ => Err(VaultError::UnknownStore(PathBuf::from(path))),
    }
}
