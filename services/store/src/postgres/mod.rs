//! PostgreSQL: any number of serving processes, each with two pools.
//!
//! Invariant: a serving connection holds the role `hefu_service`, which cannot change the log; it
//! plans every statement once and by index, whatever the tables held then; and COMMIT returns only
//! after the write-ahead log is on the disk.

mod conn;
pub(crate) mod published;
pub(crate) mod read;
pub(crate) mod reports;
mod several;
pub(crate) mod write;

pub(crate) use conn::Conn;

use crate::commit::{Erased, Outcome, Plan};
use crate::error::{Result, StoreError};
use crate::faults::Fault;
use crate::published::{CheckpointRow, TileRow};
use crate::reports::ReportFold;
use crate::store::{Access, For, OpenOptions};
use crate::times::Passed;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/postgres");

/// The rights of `hefu_service`; an operator may have to run it.
const GRANTS: &str = include_str!("../../../../migrations/postgres/grants.sql");

/// Parts the tables that grow by region; `hefu.partitions` says into how many.
const PARTITION: &str = include_str!("../../../../migrations/postgres/partition.sql");

/// Into so many. Each statement looks at all of them to find the one that it is about.
const PARTS: std::ops::RangeInclusive<u32> = 2..=64;

const OLDEST_VERSION: i32 = 140_000;

/// A generic plan made while a table was empty would scan it for ever; every statement of ours is
/// an index look-up, so nothing else may be chosen. A process that died while it held a head must not
/// stop the others for longer than a minute.
const SETTINGS: &str = "
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '60s';
    SET client_min_messages = warning;
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local');";

#[derive(Debug)]
pub(crate) struct Postgres {
    address: PgConnectOptions,
    access: Access,
    deciders: PgPool,
    browsers: PgPool,
}

impl Postgres {
    pub(crate) async fn open(url: &str, options: &OpenOptions) -> Result<Postgres> {
        let address = PgConnectOptions::from_str(url)
            .map_err(|e| StoreError::setup(format!("the PostgreSQL address: {e}")))?
            .application_name("hefu")
            .statement_cache_capacity(512)
            .disable_statement_logging();
        let mut conn = address.connect().await.map_err(failure)?;
        fit(&mut conn).await?;
        let _ = conn.close().await;
        let warned = Arc::new(AtomicBool::new(false));
        Ok(Postgres {
            deciders: pool(&address, options, options.deciders, &warned),
            browsers: pool(&address, options, options.browsers, &warned),
            access: options.access,
            address,
        })
    }

    /// Runs as the role that connects, which owns the tables; serving connections then give that up. A role that does not own
    /// them changes nothing: for it the schema must be up to date.
    pub(crate) async fn migrate(&self) -> Result<()> {
        self.may_write()?;
        let mut conn = self.address.connect().await.map_err(failure)?;
        if is_anothers(&mut conn).await? {
            return is_migrated(&mut conn).await;
        }
        MIGRATIONS
            .run(&mut conn)
            .await
            .map_err(|e| StoreError::setup(format!("migrating: {e}")))?;
        grant(&mut conn).await;
        let _ = conn.close().await;
        Ok(())
    }

    /// See [`crate::Store::partition`].
    pub(crate) async fn partition(&self, parts: u32) -> Result<()> {
        self.may_write()?;
        if !PARTS.contains(&parts) {
            return Err(StoreError::setup(format!(
                "a table has {} to {} partitions, not {parts}",
                PARTS.start(),
                PARTS.end()
            )));
        }
        let mut conn = self.address.connect().await.map_err(failure)?;
        if is_anothers(&mut conn).await? {
            return Err(StoreError::setup(
                "the tables are another role's: part them as the role that owns them",
            ));
        }
        sqlx::query("SELECT set_config('hefu.partitions', $1, false)")
            .bind(parts.to_string())
            .execute(&mut conn)
            .await
            .map_err(failure)?;
        conn.execute(PARTITION).await.map_err(failure)?;
        grant(&mut conn).await;
        let _ = conn.close().await;
        Ok(())
    }

    pub(crate) async fn is_empty(&self) -> Result<bool> {
        let mut conn = self.address.connect().await.map_err(failure)?;
        let schema = "SELECT to_regclass('head') IS NOT NULL";
        let made: bool = sqlx::query_scalar(schema)
            .fetch_one(&mut conn)
            .await
            .map_err(failure)?;
        let mut empty = true;
        if made {
            let text = "SELECT NOT EXISTS (SELECT 1 FROM head)";
            empty = sqlx::query_scalar(text)
                .fetch_one(&mut conn)
                .await
                .map_err(failure)?;
        }
        let _ = conn.close().await;
        Ok(empty)
    }

    pub(crate) async fn commit(
        &self,
        mut conn: Conn,
        plan: &Plan,
        fault: Option<Fault>,
    ) -> Result<Outcome> {
        self.may_write()?;
        plan.times.pass(Passed::Begun);
        conn.begin("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        // The guard locks the heads that it moves, in the order that everybody keeps. Beside one that is opened they are locked before.
        let opens = !(plan.moved.is_empty() || plan.opened.is_empty());
        if opens && let Err(e) = write::lock(conn.as_mut(), &plan.locks()).await {
            return conn.roll_back().await.and(Err(e));
        }
        write::finish(conn, plan, fault).await
    }

    /// A transaction that holds these heads.
    pub(crate) async fn lock(&self, regions: &[String]) -> Result<Conn> {
        self.may_write()?;
        let mut conn = self.take(For::Deciding).await?;
        conn.begin("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        write::lock(conn.as_mut(), regions).await?;
        Ok(conn)
    }

    pub(crate) async fn reader(&self, why: For) -> Result<Conn> {
        self.take(why).await
    }

    pub(crate) async fn snapshot(&self) -> Result<Conn> {
        let mut conn = self.take(For::Browsing).await?;
        conn.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        // Whoever replays may think for long between two pages; nobody waits for a snapshot.
        let settle = "SET LOCAL idle_in_transaction_session_timeout = 0; SELECT FROM head LIMIT 1";
        conn.as_mut().execute(settle).await.map_err(failure)?;
        Ok(conn)
    }

    pub(crate) async fn set_alarm(&self, region: &str, alarm: Option<&str>) -> Result<bool> {
        self.may_write()?;
        let mut conn = self.take(For::Deciding).await?;
        let done = sqlx::query("UPDATE head SET alarm = $2 WHERE region = $1")
            .bind(region)
            .bind(alarm)
            .execute(conn.as_mut())
            .await
            .map_err(at_autocommit)?;
        Ok(done.rows_affected() == 1)
    }

    pub(crate) async fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        self.may_write()?;
        let mut conn = self.take(For::Deciding).await?;
        let text = "INSERT INTO meta (key, value) VALUES ($1, $2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        let put = sqlx::query(text)
            .bind(key)
            .bind(value)
            .execute(conn.as_mut());
        put.await.map_err(at_autocommit).map(|_| ())
    }

    pub(crate) async fn erase(&self, erased: &Erased) -> Result<u64> {
        self.may_write()?;
        let mut conn = self.take(For::Deciding).await?;
        write::erase(conn.as_mut(), erased)
            .await
            .map_err(at_autocommit)
    }

    pub(crate) async fn publish(
        &self,
        tiles: &[TileRow],
        checkpoints: &[CheckpointRow],
    ) -> Result<()> {
        self.may_write()?;
        published::publish(self.take(For::Deciding).await?, tiles, checkpoints).await
    }

    pub(crate) async fn fold_report(&self, fold: &ReportFold) -> Result<bool> {
        self.may_write()?;
        reports::fold(self.take(For::Browsing).await?, fold).await
    }

    pub(crate) async fn close(&self) {
        self.deciders.close().await;
        self.browsers.close().await;
    }

    async fn take(&self, why: For) -> Result<Conn> {
        let pool = match why {
            For::Deciding => &self.deciders,
            For::Browsing => &self.browsers,
        };
        pool.acquire().await.map(Conn::new).map_err(failure)
    }

    fn may_write(&self) -> Result<()> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => Err(StoreError::setup(
                "the database was opened for reading only",
            )),
        }
    }
}

/// Refuses a server that cannot keep the store's promises.
async fn fit(conn: &mut PgConnection) -> Result<()> {
    let text =
        "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
                       current_setting('fsync')";
    let (version, encoding, fsync): (i32, String, String) = sqlx::query_as(text)
        .fetch_one(conn)
        .await
        .map_err(failure)?;
    if version < OLDEST_VERSION {
        return Err(StoreError::setup(format!(
            "PostgreSQL {} is too old: 14 or later is needed",
            version / 10_000
        )));
    }
    if encoding != "UTF8" {
        return Err(StoreError::setup(format!(
            "the database's encoding is {encoding}: UTF8 is needed"
        )));
    }
    if fsync != "on" {
        tracing::warn!(
            "this PostgreSQL runs with fsync = {fsync}: a crash loses acknowledged moves"
        );
    }
    Ok(())
}

/// Gives the serving role its rights, or tells how.
async fn grant(conn: &mut PgConnection) {
    let mut granted = conn.execute(GRANTS).await;
    if granted.is_err() {
        // Two databases of one cluster that are set up at the same moment collide on the role.
        granted = conn.execute(GRANTS).await;
    }
    if let Err(error) = granted {
        tracing::warn!(%error, sql = GRANTS, "the serving role could not be set up; run this SQL as a role that may");
    }
}

/// Whether the tables are there and another role owns them.
async fn is_anothers(conn: &mut PgConnection) -> Result<bool> {
    let text = "SELECT NOT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('event')";
    let anothers = sqlx::query_scalar(text).fetch_optional(conn).await;
    Ok(anothers.map_err(failure)?.unwrap_or(false))
}

/// Refuses a schema that is not the one that this program works with.
async fn is_migrated(conn: &mut PgConnection) -> Result<()> {
    let text = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";
    let applied: Vec<(i64, Vec<u8>)> = sqlx::query_as(text)
        .fetch_all(conn)
        .await
        .map_err(failure)?;
    let ours = MIGRATIONS
        .iter()
        .map(|migration| (migration.version, migration.checksum.to_vec()));
    match ours.eq(applied) {
        true => Ok(()),
        false => Err(StoreError::setup(
            "the tables are another role's, and not as this version of hefu makes them: run `hefu migrate` as the role that owns them",
        )),
    }
}

/// Connects lazily: the first connection is made after migration, when the serving role is there.
fn pool(
    address: &PgConnectOptions,
    options: &OpenOptions,
    size: u32,
    warned: &Arc<AtomicBool>,
) -> PgPool {
    let warned = Arc::clone(warned);
    let user = address.get_username().to_owned();
    let access = options.access;
    PgPoolOptions::new()
        .max_connections(size.max(1))
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                // A round trip for every call would be too dear; a server restarts while we idle.
                Ok(meta.idle_for < Duration::from_secs(5) || conn.ping().await.is_ok())
            })
        })
        .after_connect(move |conn, _| {
            let (warned, user) = (Arc::clone(&warned), user.clone());
            Box::pin(async move {
                conn.execute(SETTINGS).await?;
                let served = conn.execute("SET ROLE hefu_service").await;
                if served.is_err() && access == Access::Write && !warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        sql = %format!("{GRANTS}GRANT hefu_service TO \"{user}\";"),
                        "this process may change the log, which must be append-only; run this SQL as a role that may"
                    );
                }
                Ok(())
            })
        })
        .connect_lazy_with(address.clone())
}

/// A statement that is its own transaction: cut, its outcome is as unknown as a COMMIT's.
fn at_autocommit(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            failure(error)
        }
        _ => StoreError::unknown(error),
    }
}

/// A PostgreSQL error before COMMIT, by what the caller has to do about it.
fn failure(error: sqlx::Error) -> StoreError {
    let sqlx::Error::Database(answer) = &error else {
        return match error {
            sqlx::Error::PoolClosed => StoreError::unavailable("the store is closed"),
            sqlx::Error::Configuration(_) | sqlx::Error::Encode(_) => StoreError::setup(error),
            _ => StoreError::unavailable(error),
        };
    };
    let code = answer.code().unwrap_or_default().into_owned();
    match code.as_str() {
        // Serialization, deadlock, lock timeout, cancelled by the operator.
        "40001" | "40P01" | "55P03" | "57014" => StoreError::unavailable(error),
        "XX001" | "XX002" => StoreError::corrupt("the cluster", "pages", error.to_string()),
        // Connection, resources, shutdown, idle in transaction, I/O: the server's trouble, for a while.
        _ if ["08", "53", "57", "58", "25"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            StoreError::unavailable(error)
        }
        _ => StoreError::setup(format!("PostgreSQL ({code}): {error}")),
    }
}
