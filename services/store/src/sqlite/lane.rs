//! Where a read runs: on a reader's connection, or on the writer's inside a held transaction.

use super::writer::{self, Step};
use super::{BUSY, blocking, failure};
use crate::error::{Result, StoreError};
use rusqlite::{Connection, OpenFlags};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One connection's worth of reads.
#[derive(Debug)]
pub(crate) enum Lane {
    Reader(Lease),
    Held(mpsc::Sender<Step>),
}

impl Lane {
    pub(crate) async fn ask<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self {
            Lane::Reader(lease) => lease.ask(read).await,
            Lane::Held(steps) => {
                writer::submit(steps, read)
                    .await
                    .unwrap_or_else(|writer::Ended| {
                        Err(StoreError::unavailable(
                            "the transaction was held too long and has ended",
                        ))
                    })
            }
        }
    }
}

/// Read-only connections to one file, opened when first needed.
#[derive(Debug)]
pub(crate) struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Pool {
    pub(crate) fn new(path: PathBuf, size: u32) -> Pool {
        Pool {
            path,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(size.max(1) as usize)),
        }
    }

    pub(crate) async fn lane(self: &Arc<Self>) -> Result<Lane> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::unavailable("the store is closed"))?;
        Ok(Lane::Reader(Lease {
            conn: self.idle().pop(),
            pool: Arc::clone(self),
            pinned: false,
            _permit: permit,
        }))
    }

    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader's connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    conn: Option<Connection>,
    pool: Arc<Pool>,
    /// A snapshot stands on this very connection: no other can take its place.
    pinned: bool,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    async fn ask<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let conn = self.conn.take();
        if self.pinned && conn.is_none() {
            return Err(StoreError::unavailable(
                "the snapshot was lost with a read that was given up",
            ));
        }
        let pool = Arc::clone(&self.pool);
        let (conn, result) = blocking(move || {
            let conn = match conn {
                Some(conn) => conn,
                None => open(&pool)?,
            };
            let result = read(&conn);
            Ok((conn, result))
        })
        .await?;
        self.pinned = !conn.is_autocommit();
        self.conn = Some(conn);
        result
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        let clean = conn.is_autocommit() || conn.execute_batch("ROLLBACK").is_ok();
        if clean && !self.pool.permits.is_closed() {
            self.pool.idle().push(conn);
        }
    }
}

fn open(pool: &Pool) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&pool.path, flags).map_err(failure)?;
    conn.busy_timeout(BUSY).map_err(failure)?;
    conn.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096;")
        .map_err(failure)?;
    conn.set_prepared_statement_cache_capacity(256);
    Ok(conn)
}
