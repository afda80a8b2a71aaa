//! SQLite: one writer connection on a thread of its own, readers apart.
//!
//! Invariant: one process writes a file, held by `<path>.lock`; the writer thread owns the lock, so
//! it is given back only after the writer's connection is closed. WAL and synchronous=FULL: what
//! COMMIT acknowledged is on the disk.

mod lane;
pub(crate) mod published;
pub(crate) mod read;
pub(crate) mod reports;
mod write;
mod writer;

pub(crate) use lane::Lane;
pub(crate) use write::commit_held;

use crate::commit::{Erased, Outcome, Plan};
use crate::error::{Result, StoreError};
use crate::faults::Fault;
use crate::published::{CheckpointRow, TileRow};
use crate::reports::ReportFold;
use crate::store::{Access, For, OpenOptions};
use lane::Pool;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use writer::Writer;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/sqlite");

/// STRICT tables, unixepoch('subsec') and the fixes since.
const OLDEST_VERSION: i32 = 3_045_000;
/// How long a statement waits for another process's lock on the file.
const BUSY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    /// None where the file was opened for reading.
    writer: Option<Writer>,
    deciders: Arc<Pool>,
    browsers: Arc<Pool>,
}

impl Sqlite {
    pub(crate) async fn open(path: &str, options: &OpenOptions) -> Result<Sqlite> {
        if rusqlite::version_number() < OLDEST_VERSION {
            return Err(StoreError::setup(format!(
                "SQLite {} is too old: 3.45 or later is needed",
                rusqlite::version()
            )));
        }
        if path.is_empty() || path.starts_with(":memory:") {
            return Err(StoreError::setup("SQLite needs a file: sqlite://PATH"));
        }
        let (path, options) = (PathBuf::from(path), options.clone());
        blocking(move || Sqlite::open_file(path, &options)).await
    }

    fn open_file(path: PathBuf, options: &OpenOptions) -> Result<Sqlite> {
        let (path, writer) = match options.access {
            Access::Read => (
                std::fs::canonicalize(&path).map_err(|e| file_error(&path, &e))?,
                None,
            ),
            Access::Write => {
                // Two names of one file must find the same lock.
                let path = made(&path).map_err(|e| file_error(&path, &e))?;
                let lock = lock_file(&path)?;
                let conn = writing_connection(&path)?;
                (path, Some(Writer::start(conn, lock)?))
            }
        };
        Ok(Sqlite {
            deciders: Arc::new(Pool::new(path.clone(), options.deciders)),
            browsers: Arc::new(Pool::new(path.clone(), options.browsers)),
            path,
            writer,
        })
    }

    pub(crate) async fn migrate(&self) -> Result<()> {
        self.writer()?; // a reader changes nothing
        let failed = |e: &dyn std::fmt::Display| {
            StoreError::setup(format!("migrating {}: {e}", self.path.display()))
        };
        let mut conn = SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(BUSY)
            .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
            .disable_statement_logging()
            .connect()
            .await
            .map_err(|e| failed(&e))?;
        let migrated = MIGRATIONS.run(&mut conn).await.map_err(|e| failed(&e));
        let closed = sqlx::Connection::close(conn).await.map_err(|e| failed(&e));
        migrated.and(closed)
    }

    pub(crate) async fn is_empty(&self) -> Result<bool> {
        let mut lane = self.reader(For::Browsing).await?;
        lane.ask(|conn| {
            let schema = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'head')";
            if !conn.query_row(schema, [], |row| row.get::<_, bool>(0)).map_err(failure)? {
                return Ok(true);
            }
            conn.query_row("SELECT NOT EXISTS (SELECT 1 FROM head)", [], |row| row.get(0))
                .map_err(failure)
        })
        .await
    }

    pub(crate) async fn commit(&self, plan: Plan, fault: Option<Fault>) -> Result<Outcome> {
        let writer = self.writer()?;
        writer
            .run(move |conn| write::commit(conn, &plan, fault))
            .await
    }

    pub(crate) async fn hold(&self) -> Result<Lane> {
        self.writer()?.hold().await
    }

    pub(crate) async fn reader(&self, why: For) -> Result<Lane> {
        let pool = match why {
            For::Deciding => &self.deciders,
            For::Browsing => &self.browsers,
        };
        pool.lane().await
    }

    pub(crate) async fn snapshot(&self) -> Result<Lane> {
        let mut lane = self.reader(For::Browsing).await?;
        // A deferred BEGIN takes its snapshot at the first read.
        lane.ask(|conn| {
            conn.execute_batch("BEGIN; SELECT 1 FROM head LIMIT 1;")
                .map_err(failure)
        })
        .await?;
        Ok(lane)
    }

    pub(crate) async fn set_alarm(&self, region: &str, alarm: Option<&str>) -> Result<bool> {
        let (region, alarm) = (region.to_owned(), alarm.map(str::to_owned));
        let set = move |conn: &Connection| {
            let hit = conn
                .execute(
                    "UPDATE head SET alarm = ?2 WHERE region = ?1",
                    (region, alarm),
                )
                .map_err(failure)?;
            Ok(hit == 1)
        };
        self.writer()?.run(set).await
    }

    pub(crate) async fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        let (key, value) = (key.to_owned(), value.to_owned());
        let set = move |conn: &Connection| {
            let text = "INSERT INTO meta (key, value) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            conn.execute(text, (key, value)).map_err(failure)?;
            Ok(())
        };
        self.writer()?.run(set).await
    }

    pub(crate) async fn erase(&self, erased: Erased) -> Result<u64> {
        let erase = move |conn: &Connection| write::erase(conn, &erased);
        Ok(self.writer()?.run(erase).await? as u64)
    }

    pub(crate) async fn publish(
        &self,
        tiles: Vec<TileRow>,
        checkpoints: Vec<CheckpointRow>,
    ) -> Result<()> {
        let publish = move |conn: &Connection| published::publish(conn, &tiles, &checkpoints);
        self.writer()?.run(publish).await
    }

    pub(crate) async fn fold_report(&self, fold: ReportFold) -> Result<bool> {
        let fold = move |conn: &Connection| reports::fold(conn, &fold);
        self.writer()?.run(fold).await
    }

    pub(crate) async fn close(&self) {
        self.deciders.close();
        self.browsers.close();
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }

    fn writer(&self) -> Result<&Writer> {
        self.writer.as_ref().ok_or_else(|| {
            StoreError::setup(format!(
                "{} was opened for reading only",
                self.path.display()
            ))
        })
    }
}

/// The file's one name, made with its folder if it is not there.
fn made(path: &Path) -> std::io::Result<PathBuf> {
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    // Nobody else's business; the write-ahead log takes over the file's rights.
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.create(true).append(true).open(path)?;
    std::fs::canonicalize(path)
}

fn lock_file(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = File::options()
        .create(true)
        .append(true)
        .open(&name)
        .map_err(|e| file_error(Path::new(&name), &e))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: path.display().to_string(),
        }),
        Err(TryLockError::Error(e)) => Err(file_error(Path::new(&name), &e)),
    }
}

fn writing_connection(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(failure)?;
    conn.busy_timeout(BUSY).map_err(failure)?;
    let mode: String = conn
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(failure)?;
    if mode != "wal" {
        return Err(StoreError::setup(format!(
            "{} cannot use write-ahead logging (its journal mode is {mode}): is it on a network file system?",
            path.display()
        )));
    }
    conn.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -32768;",
    )
    .map_err(failure)?;
    conn.set_prepared_statement_cache_capacity(256);
    Ok(conn)
}

fn file_error(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::setup(format!("{}: {error}", path.display()))
}

/// Runs `f` where it may wait for the disk.
async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(f).await {
        Ok(result) => result,
        Err(e) => Err(StoreError::unavailable(e)),
    }
}

/// An SQLite error before COMMIT, by what the caller has to do about it.
fn failure(error: rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(code, _) = &error else {
        return StoreError::setup(format!("SQLite: {error}"));
    };
    match code.code {
        ErrorCode::SystemIoFailure => StoreError::fatal(error),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            StoreError::corrupt("the file", "pages", error.to_string())
        }
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::DiskFull
        | ErrorCode::OutOfMemory
        | ErrorCode::OperationInterrupted => StoreError::unavailable(error),
        _ => StoreError::setup(format!("SQLite: {error}")),
    }
}
