//! Two ways to hold the world still: locked heads, to decide under, and one snapshot, to replay.

use crate::commit::{Commit, Outcome, Plan};
use crate::error::Result;
use crate::faults::Faults;
use crate::reads::{Reads, Session};
use crate::{postgres, sqlite};
use std::ops::{Deref, DerefMut};

/// A transaction that holds its regions' heads: nobody else commits to them until it ends. On SQLite
/// that is nobody at all, so it is for the last resort and for unknown outcomes. Dropped, it rolls
/// back; held longer than a minute, the database ends it.
#[derive(Debug)]
pub struct Locked {
    pub(crate) reads: Reads,
    pub(crate) faults: Faults,
}

impl Locked {
    /// Writes and ends the transaction.
    pub async fn commit(self, commit: Commit) -> Result<Outcome> {
        let plan = Plan::of(commit)?;
        let fault = self.faults.enter().await;
        match self.reads.session {
            Session::Sqlite(lane) => sqlite::commit_held(lane, plan, fault).await,
            Session::Postgres(conn) => postgres::write::finish(conn, &plan, fault).await,
        }
    }
}

impl Deref for Locked {
    type Target = Reads;

    fn deref(&self) -> &Reads {
        &self.reads
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut Reads {
        &mut self.reads
    }
}

/// Reads that all see the database as it was at one instant.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) reads: Reads,
}

impl Snapshot {
    /// Gives the connection back. One that is dropped instead takes its connection along on PostgreSQL, and whoever comes next pays for a
    /// new one, with plans of its own.
    pub async fn end(self) -> Result<()> {
        match self.reads.session {
            Session::Sqlite(_) => Ok(()),
            Session::Postgres(mut conn) => conn.roll_back().await,
        }
    }
}

impl Deref for Snapshot {
    type Target = Reads;

    fn deref(&self) -> &Reads {
        &self.reads
    }
}

impl DerefMut for Snapshot {
    fn deref_mut(&mut self) -> &mut Reads {
        &mut self.reads
    }
}
