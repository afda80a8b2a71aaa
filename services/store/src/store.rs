//! The one store: which engine runs is decided at [`Store::open`] and known to nobody after it.

use crate::commit::{Commit, Erased, Outcome, Plan};
use crate::error::{Result, StoreError};
use crate::faults::Faults;
use crate::locked::{Locked, Snapshot};
use crate::postgres::Postgres;
use crate::published::{CheckpointRow, TileKey, TileRow};
use crate::reads::{ListQuery, Reads, Session};
use crate::reports::ReportFold;
use crate::rows::{
    At, EventRow, FactKey, Head, LeafRow, Nullifier, PersonKey, PersonSecret, RequestKey, Row, Tag,
};
use crate::sqlite::Sqlite;
use crate::tables::Table;
use std::sync::Arc;

/// What the process wants with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Serve: the one writer of an SQLite file, one of several on PostgreSQL.
    #[default]
    Write,
    /// Look only: beside a serving process, too. The database must exist.
    Read,
}

/// How to open a store.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    pub access: Access,
    /// Connections for deciding and committing. On SQLite they read; the writer is always one more.
    pub deciders: u32,
    /// Connections for lists, exports and replay: apart, so that those never starve the writers.
    pub browsers: u32,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            access: Access::Write,
            deciders: 4,
            browsers: 6,
        }
    }
}

impl OpenOptions {
    pub fn reading() -> Self {
        Self {
            access: Access::Read,
            ..Self::default()
        }
    }
}

/// The database of a deployment. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    engine: Engine,
    faults: Faults,
}

#[derive(Debug, Clone)]
enum Engine {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

/// Who is asking: decisions must not wait behind lists.
#[derive(Debug, Clone, Copy)]
pub(crate) enum For {
    Deciding,
    Browsing,
}

impl Store {
    /// Opens `sqlite://PATH` (made if missing) or `postgres://…`. Makes no tables: see
    /// [`Store::migrate`].
    pub async fn open(url: &str, options: OpenOptions) -> Result<Store> {
        let engine = if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            Engine::Sqlite(Arc::new(Sqlite::open(path, &options).await?))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Engine::Postgres(Arc::new(Postgres::open(url, &options).await?))
        } else {
            // The address may hold a password: only its scheme is shown.
            let scheme = url.split(':').next().unwrap_or_default();
            return Err(StoreError::setup(format!(
                "cannot open a database with scheme {scheme:?}: use sqlite://PATH or postgres://USER@HOST/DATABASE"
            )));
        };
        Ok(Store {
            engine,
            faults: Faults::default(),
        })
    }

    /// Brings the schema up to date. Safe to run by several processes at once, and at every start.
    pub async fn migrate(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.migrate().await,
            Engine::Postgres(postgres) => postgres.migrate().await,
        }
    }

    /// Parts the log, the vouchers and their links by region into so many tables each (PostgreSQL's hash partitions), however they stood
    /// before. Every row is copied. Calls do the same over either.
    ///
    /// # Errors
    /// `Setup` on SQLite, which has no partitions; for less than 2 or more than 64; for a role that does not own the tables; and while
    /// anybody else of hefu is connected to the database.
    pub async fn partition(&self, parts: u32) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(_) => Err(StoreError::setup(
                "SQLite has no partitions: a database that needs them belongs on PostgreSQL",
            )),
            Engine::Postgres(postgres) => postgres.partition(parts).await,
        }
    }

    /// True while no region was ever opened here (or there is no schema yet).
    pub async fn is_empty(&self) -> Result<bool> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.is_empty().await,
            Engine::Postgres(postgres) => postgres.is_empty().await,
        }
    }

    /// `sqlite` or `postgresql`, for people.
    pub fn engine_name(&self) -> &'static str {
        match &self.engine {
            Engine::Sqlite(_) => "sqlite",
            Engine::Postgres(_) => "postgresql",
        }
    }

    /// Ends all connections and gives the lock file back. Calls after it are refused.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            Engine::Postgres(postgres) => postgres.close().await,
        }
    }

    /// Failures on demand, for tests.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Writes everything in `commit`, if every head in it still stands.
    pub async fn commit(&self, commit: Commit) -> Result<Outcome> {
        let reads = self.deciding().await?;
        self.commit_after(reads, commit).await
    }

    /// [`Store::commit`] on the connection on which its facts were read, where one connection does both.
    pub async fn commit_after(&self, reads: Reads, commit: Commit) -> Result<Outcome> {
        let plan = Plan::of(commit)?;
        let fault = self.faults.enter().await;
        match (&self.engine, reads.session) {
            (Engine::Sqlite(sqlite), lane) => {
                drop(lane);
                sqlite.commit(plan, fault).await
            }
            (Engine::Postgres(postgres), Session::Postgres(conn)) => {
                postgres.commit(conn, &plan, fault).await
            }
            (Engine::Postgres(_), Session::Sqlite(_)) => {
                Err(StoreError::setup("facts of another store"))
            }
        }
    }

    /// Begins a transaction that holds these regions' heads, in region order.
    pub async fn locked(&self, regions: &[String]) -> Result<Locked> {
        let session = match &self.engine {
            Engine::Sqlite(sqlite) => Session::Sqlite(sqlite.hold().await?),
            Engine::Postgres(postgres) => Session::Postgres(postgres.lock(regions).await?),
        };
        Ok(Locked {
            reads: Reads { session },
            faults: self.faults.clone(),
        })
    }

    /// A reader that sees the database as it is now, for as long as it lives.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let session = match &self.engine {
            Engine::Sqlite(sqlite) => Session::Sqlite(sqlite.snapshot().await?),
            Engine::Postgres(postgres) => Session::Postgres(postgres.snapshot().await?),
        };
        Ok(Snapshot {
            reads: Reads { session },
        })
    }

    /// Raises or clears a region's alarm, whatever its head: every writer that read it before loses
    /// its guard. False where there is no such region.
    pub async fn set_alarm(&self, region: &str, alarm: Option<&str>) -> Result<bool> {
        At("head", region).key("region", region)?;
        At("head", region).key("alarm", alarm.unwrap_or("none"))?;
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.set_alarm(region, alarm).await,
            Engine::Postgres(postgres) => postgres.set_alarm(region, alarm).await,
        }
    }

    /// Writes full tiles and checkpoints, all or none. What stands there already is replaced.
    pub async fn publish(
        &self,
        tiles: Vec<TileRow>,
        checkpoints: Vec<CheckpointRow>,
    ) -> Result<()> {
        tiles.iter().try_for_each(TileRow::check)?;
        checkpoints.iter().try_for_each(CheckpointRow::check)?;
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.publish(tiles, checkpoints).await,
            Engine::Postgres(postgres) => postgres.publish(&tiles, &checkpoints).await,
        }
    }

    /// Writes a stretch of a region's log as the reports count it, all or none. False where the cursor was not where it was found.
    pub async fn fold_report(&self, fold: ReportFold) -> Result<bool> {
        fold.check()?;
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.fold_report(fold).await,
            Engine::Postgres(postgres) => postgres.fold_report(&fold).await,
        }
    }

    /// Records a fact of the deployment.
    pub async fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        At("meta", key).key("key", key)?;
        At("meta", key).no_nul("value", value)?;
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.set_meta(key, value).await,
            Engine::Postgres(postgres) => postgres.set_meta(key, value).await,
        }
    }

    /// Destroys these ciphertexts, as far as they are there, outside of any region's transaction: what is erased already is erased in a
    /// restored backup, too, whatever its log says. Returns how many were there.
    pub async fn erase(&self, erased: Erased) -> Result<u64> {
        erased.check()?;
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.erase(erased).await,
            Engine::Postgres(postgres) => postgres.erase(&erased).await,
        }
    }

    /// A connection for the reads that one batch is decided on: they never wait behind lists.
    pub async fn deciding(&self) -> Result<Reads> {
        self.reads(For::Deciding).await
    }

    async fn reads(&self, why: For) -> Result<Reads> {
        let session = match &self.engine {
            Engine::Sqlite(sqlite) => Session::Sqlite(sqlite.reader(why).await?),
            Engine::Postgres(postgres) => Session::Postgres(postgres.reader(why).await?),
        };
        Ok(Reads { session })
    }
}

/// The reads of [`Reads`], one connection each.
impl Store {
    pub async fn heads(&self, regions: &[String]) -> Result<Vec<Head>> {
        self.reads(For::Deciding).await?.heads(regions).await
    }

    pub async fn all_heads(&self) -> Result<Vec<Head>> {
        self.reads(For::Browsing).await?.all_heads().await
    }

    pub async fn load(&self, keys: &[FactKey]) -> Result<Vec<Row>> {
        self.reads(For::Deciding).await?.load(keys).await
    }

    pub async fn requests(&self, keys: &[RequestKey]) -> Result<Vec<EventRow>> {
        self.reads(For::Deciding).await?.requests(keys).await
    }

    pub async fn nullifiers(&self, tags: &[Tag]) -> Result<Vec<Nullifier>> {
        self.reads(For::Deciding).await?.nullifiers(tags).await
    }

    pub async fn people_by_tag(&self, tags: &[(String, Vec<u8>)]) -> Result<Vec<PersonSecret>> {
        self.reads(For::Deciding).await?.people_by_tag(tags).await
    }

    pub async fn people_secrets(&self, people: &[PersonKey]) -> Result<Vec<PersonSecret>> {
        self.reads(For::Deciding)
            .await?
            .people_secrets(people)
            .await
    }

    pub async fn events_since(&self, head: &Head) -> Result<Vec<EventRow>> {
        self.reads(For::Deciding).await?.events_since(head).await
    }

    pub async fn events(
        &self,
        region: &str,
        epoch: u64,
        from: u64,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        self.reads(For::Browsing)
            .await?
            .events(region, epoch, from, limit)
            .await
    }

    pub async fn leaves(
        &self,
        region: &str,
        epoch: u64,
        from: u64,
        limit: u32,
    ) -> Result<Vec<LeafRow>> {
        self.reads(For::Browsing)
            .await?
            .leaves(region, epoch, from, limit)
            .await
    }

    pub async fn events_onwards(
        &self,
        region: &str,
        from: (u64, u64),
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        self.reads(For::Browsing)
            .await?
            .events_onwards(region, from, limit)
            .await
    }

    pub async fn events_of_stream(
        &self,
        region: &str,
        stream: &str,
        after: Option<(u64, u64)>,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let mut reads = self.reads(For::Browsing).await?;
        reads.events_of_stream(region, stream, after, limit).await
    }

    pub async fn epoch_after(&self, region: &str, epoch: u64) -> Result<Option<u64>> {
        let mut reads = self.reads(For::Browsing).await?;
        reads.epoch_after(region, epoch).await
    }

    pub async fn tiles(&self, keys: &[TileKey]) -> Result<Vec<TileRow>> {
        self.reads(For::Browsing).await?.tiles(keys).await
    }

    pub async fn checkpoint(
        &self,
        region: &str,
        epoch: u64,
        at_most: u64,
    ) -> Result<Option<CheckpointRow>> {
        let mut reads = self.reads(For::Browsing).await?;
        reads.checkpoint(region, epoch, at_most).await
    }

    pub async fn checkpoints(
        &self,
        region: &str,
        epoch: u64,
        from_size: u64,
        limit: u32,
    ) -> Result<Vec<CheckpointRow>> {
        let mut reads = self.reads(For::Browsing).await?;
        reads.checkpoints(region, epoch, from_size, limit).await
    }

    pub async fn list(&self, query: &ListQuery) -> Result<Vec<Row>> {
        self.reads(For::Browsing).await?.list(query).await
    }

    pub async fn due(&self, region: &str, before: &str, limit: u32) -> Result<Vec<String>> {
        let mut reads = self.reads(For::Browsing).await?;
        reads.due(region, before, limit).await
    }

    pub async fn next_due(&self, region: &str, from: &str) -> Result<Option<String>> {
        let mut reads = self.reads(For::Browsing).await?;
        reads.next_due(region, from).await
    }

    pub async fn status_entries(&self, region: &str, list: u64) -> Result<Vec<String>> {
        let mut reads = self.reads(For::Browsing).await?;
        reads.status_entries(region, list).await
    }

    pub async fn count(&self, query: &ListQuery) -> Result<u64> {
        self.reads(For::Browsing).await?.count(query).await
    }

    pub async fn rows(
        &self,
        table: Table,
        region: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Row>> {
        self.reads(For::Browsing)
            .await?
            .rows(table, region, after, limit)
            .await
    }

    pub async fn all_nullifiers(&self, after: Option<Tag>, limit: u32) -> Result<Vec<Nullifier>> {
        self.reads(For::Browsing)
            .await?
            .all_nullifiers(after, limit)
            .await
    }

    pub async fn people(
        &self,
        region: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<PersonSecret>> {
        self.reads(For::Browsing)
            .await?
            .people(region, after, limit)
            .await
    }

    pub async fn meta(&self, key: &str) -> Result<Option<String>> {
        self.reads(For::Browsing).await?.meta(key).await
    }

    pub async fn clock_ms(&self) -> Result<i64> {
        self.reads(For::Deciding).await?.clock_ms().await
    }
}
