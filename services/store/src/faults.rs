//! Failures on demand, so that tests see what a crash or a cut connection does. Inert unless asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// How the next commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The transaction fails before COMMIT is sent: nothing is written.
    BeforeCommit,
    /// The connection is cut at COMMIT, after the database carried it out.
    CutAfterCommit,
    /// The connection is cut at COMMIT, before the database saw it.
    CutBeforeCommit,
    /// The connection is cut at COMMIT, which PostgreSQL carries out only a while later. On SQLite, whose one writer does
    /// nothing else meanwhile, like `CutAfterCommit`.
    CutDuringCommit,
    /// The disk fails under the commit: the end of an SQLite process, and on PostgreSQL a server
    /// that went away, like `CutBeforeCommit`.
    Disk,
}

/// A store's handle for failures on demand.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Queues>>);

#[derive(Debug, Default)]
struct Queues {
    faults: VecDeque<Fault>,
    pauses: VecDeque<Gate>,
}

#[derive(Debug)]
struct Gate {
    reached: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
}

/// A commit that stops before its guard until it is released (or this is dropped).
#[derive(Debug)]
pub struct Pause {
    reached: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Faults {
    /// The next commit fails so; several calls queue up.
    pub fn next_commit(&self, fault: Fault) {
        self.queues().faults.push_back(fault);
    }

    /// How many commits are still to fail.
    pub fn pending(&self) -> usize {
        self.queues().faults.len()
    }

    /// The next commit stops before its transaction begins.
    pub fn pause_next(&self) -> Pause {
        let (reached, is_reached) = oneshot::channel();
        let (release, released) = oneshot::channel();
        self.queues().pauses.push_back(Gate { reached, released });
        Pause {
            reached: is_reached,
            release,
        }
    }

    /// Called by every commit: waits at a pause, then says how to fail.
    pub(crate) async fn enter(&self) -> Option<Fault> {
        let gate = self.queues().pauses.pop_front();
        if let Some(gate) = gate {
            // Whoever asked for the pause may have gone: then there is nobody to wait for.
            if gate.reached.send(()).is_ok() {
                let _ = gate.released.await;
            }
        }
        self.queues().faults.pop_front()
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pause {
    /// Returns once a commit stands before its guard.
    pub async fn reached(&mut self) {
        let _ = (&mut self.reached).await;
    }

    /// Lets it go on.
    pub fn release(self) {
        let _ = self.release.send(());
    }
}
