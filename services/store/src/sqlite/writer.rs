//! The writer's thread: steps in a queue, one after the other, on the one connection that writes.
//!
//! Invariant: no step leaves a transaction open behind it, and after a failed disk no step follows.

use super::{Lane, blocking, failure};
use crate::error::{Result, StoreError};
use rusqlite::Connection;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a held transaction may keep everybody else waiting.
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// One piece of work on the writer's connection.
pub(crate) type Step = Box<dyn FnOnce(&Connection) -> Next + Send>;

/// What the thread does after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Go,
    /// Close the connection: the disk failed, or the store is closed.
    End,
}

#[derive(Debug)]
pub(crate) struct Writer {
    steps: mpsc::Sender<Step>,
    thread: Mutex<Option<JoinHandle<()>>>,
    closed: AtomicBool,
}

impl Writer {
    pub(crate) fn start(conn: Connection, lock: File) -> Result<Writer> {
        let (steps, queue) = mpsc::channel::<Step>();
        let thread = std::thread::Builder::new()
            .name("hefu-sqlite-writer".to_owned())
            .spawn(move || {
                while let Ok(step) = queue.recv() {
                    if step(&conn) == Next::End {
                        break;
                    }
                }
                drop(conn);
                drop(lock); // only now may another process write
            })
            .map_err(|e| StoreError::setup(format!("starting the writer's thread: {e}")))?;
        Ok(Writer {
            steps,
            thread: Mutex::new(Some(thread)),
            closed: AtomicBool::new(false),
        })
    }

    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let tidied = |conn: &Connection| match work(conn) {
            Err(fatal @ StoreError::Fatal { .. }) => Err(fatal),
            result => tidy(conn).and(result),
        };
        submit(&self.steps, tidied)
            .await
            .map_err(|e| self.explain(e))?
    }

    /// Begins a transaction and keeps the thread in it until the lane is dropped or commits.
    pub(crate) async fn hold(&self) -> Result<Lane> {
        let (lane, queue) = mpsc::channel::<Step>();
        let (begun, has_begun) = oneshot::channel();
        let step: Step = Box::new(move |conn| {
            let begin = conn.execute_batch("BEGIN IMMEDIATE").map_err(failure);
            let next = after(&begin);
            if begun.send(begin).is_ok() && next == Next::Go {
                while !conn.is_autocommit() {
                    let Ok(step) = queue.recv_timeout(LONGEST_HOLD) else {
                        break;
                    };
                    if step(conn) == Next::End {
                        return Next::End;
                    }
                }
            }
            match tidy(conn) {
                Ok(()) => next,
                Err(_) => Next::End,
            }
        });
        self.steps.send(step).map_err(|_| self.explain(Ended))?;
        has_begun.await.map_err(|_| self.explain(Ended))??;
        Ok(Lane::Held(lane))
    }

    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let _ = self.steps.send(Box::new(|_| Next::End));
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let joined = blocking(move || {
                thread
                    .join()
                    .map_err(|_| StoreError::fatal("the writer's thread panicked"))
            });
            if let Err(e) = joined.await {
                tracing::error!(error = %e, "closing the database");
            }
        }
    }

    /// Why the thread is not there: closed by us, or ended by the disk.
    fn explain(&self, _: Ended) -> StoreError {
        match self.closed.load(Ordering::Acquire) {
            true => StoreError::unavailable("the store is closed"),
            false => StoreError::fatal("the writer of the database file has ended"),
        }
    }
}

/// The queue's thread or transaction has ended: the work was not done.
pub(super) struct Ended;

/// Sends work to a queue and waits for its result.
pub(super) async fn submit<T: Send + 'static>(
    steps: &mpsc::Sender<Step>,
    work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
) -> Result<Result<T>, Ended> {
    let (answer, answered) = oneshot::channel();
    let step: Step = Box::new(move |conn| {
        let result = work(conn);
        let next = after(&result);
        let _ = answer.send(result); // whoever asked may have given up
        next
    });
    steps.send(step).map_err(|_| Ended)?;
    answered.await.map_err(|_| Ended)
}

fn after<T>(result: &Result<T>) -> Next {
    match result {
        Err(StoreError::Fatal { .. }) => Next::End,
        _ => Next::Go,
    }
}

/// Ends a transaction that a step left open.
fn tidy(conn: &Connection) -> Result<()> {
    if conn.is_autocommit() {
        return Ok(());
    }
    conn.execute_batch("ROLLBACK")
        .map_err(|e| StoreError::fatal(format!("rolling back: {e}")))
}
