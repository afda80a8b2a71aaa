//! Where the measured databases are: a SQLite file in a temporary folder, a database of a throw-away PostgreSQL cluster, or one of a
//! server that somebody named. What was made for the bench goes with it, unless it is to be kept.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context, bail};
use hefu_cluster::{Cluster, of_database};
use hefu_store::{OpenOptions, Store};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;

use super::server::Server;

/// What a cluster of the bench is told. A commit waits for the disk, as PostgreSQL has it unless told otherwise; the rest is what anybody
/// would give a machine with some memory. pgbench runs on the same cluster.
const SETTINGS: [&str; 5] = [
    "fsync=on",
    "synchronous_commit=on",
    "max_connections=100",
    "shared_buffers=512MB",
    "max_wal_size=4GB",
];

/// What the database is for that is measured.
const MEASURED: &str = "measured";

fn name(purpose: &str) -> String {
    format!("hefu_bench_{purpose}_{}", std::process::id())
}

/// The two engines, and whatever a server has that runs elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    Sqlite,
    Elsewhere,
}

impl Engine {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Engine::Postgres => "postgres",
            Engine::Sqlite => "sqlite",
            Engine::Elsewhere => "server",
        }
    }
}

/// A PostgreSQL server in which databases may be made.
pub(crate) struct Postgres {
    url: String,
    /// Into how many tables those that grow are parted.
    partitions: Option<u32>,
    /// Ours, and gone with us.
    _cluster: Option<Cluster>,
}

impl Postgres {
    /// A cluster of our own.
    pub(crate) fn throw_away() -> anyhow::Result<Postgres> {
        let cluster = Cluster::start(&SETTINGS.map(ToOwned::to_owned))?;
        Ok(Postgres {
            url: cluster.url().to_owned(),
            partitions: None,
            _cluster: Some(cluster),
        })
    }

    /// A cluster of our own that stays in that folder.
    pub(crate) fn kept(folder: &Path) -> anyhow::Result<Postgres> {
        let cluster = Cluster::kept(&folder.join("cluster"), &SETTINGS.map(ToOwned::to_owned))?;
        Ok(Postgres {
            url: cluster.url().to_owned(),
            partitions: None,
            _cluster: Some(cluster),
        })
    }

    /// Somebody's server, by the URL of a database in it.
    pub(crate) fn named(url: &str) -> Postgres {
        Postgres {
            url: url.to_owned(),
            partitions: None,
            _cluster: None,
        }
    }

    /// The same, with databases whose tables are parted so.
    pub(crate) fn parted(self, partitions: Option<u32>) -> Postgres {
        Postgres { partitions, ..self }
    }

    /// Makes the tables of a database of ours, where they are to be parted; otherwise the server makes them.
    async fn part(&self, url: &str) -> anyhow::Result<()> {
        if let Some(parts) = self.partitions {
            let store = Store::open(url, OpenOptions::default()).await?;
            store.migrate().await?;
            store.partition(parts).await?;
            store.close().await;
        }
        Ok(())
    }

    /// The same server, for somebody else to ask.
    pub(crate) fn again(&self) -> Postgres {
        Postgres::named(&self.url)
    }

    /// Makes an empty database of this process for some purpose, and returns its URL. What an earlier process of this number left goes.
    pub(crate) async fn database(&self, purpose: &str) -> anyhow::Result<String> {
        self.drop_database(purpose).await?;
        let name = name(purpose);
        self.execute(format!("CREATE DATABASE {name}")).await?;
        Ok(of_database(&self.url, &name))
    }

    /// The URL of a database of that name, which is made where there is none.
    async fn kept_database(&self, name: &str) -> anyhow::Result<String> {
        let mut connection = self.connect().await?;
        let sql = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
        let there: bool = sqlx::query_scalar(sql)
            .bind(name)
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        let url = of_database(&self.url, name);
        if !there {
            self.execute(format!("CREATE DATABASE {name}")).await?;
            self.part(&url).await?;
        }
        Ok(url)
    }

    pub(crate) async fn drop_database(&self, purpose: &str) -> anyhow::Result<()> {
        let name = name(purpose);
        self.execute(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            .await
    }

    async fn execute(&self, sql: String) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        let done = connection.execute(AssertSqlSafe(sql.clone())).await;
        done.with_context(|| {
            format!("PostgreSQL refused {sql}: the bench makes databases of its own")
        })?;
        connection.close().await?;
        Ok(())
    }

    async fn connect(&self) -> anyhow::Result<PgConnection> {
        let options = PgConnectOptions::from_str(&self.url)?.disable_statement_logging();
        let connected = options.connect().await;
        connected.with_context(|| "PostgreSQL does not answer at the given --database".to_owned())
    }

    /// How much write-ahead log there was so far, in bytes. All databases of the server count.
    pub(crate) async fn wal_bytes(&self) -> anyhow::Result<u64> {
        let mut connection = self.connect().await?;
        let sql = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
        let bytes: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// What a database takes on the disk, in bytes: all of its tables and indexes.
    async fn database_bytes(&self, url: &str) -> anyhow::Result<u64> {
        let mut connection = Postgres::named(url).connect().await?;
        let sql = "SELECT pg_database_size(current_database())";
        let bytes: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(u64::try_from(bytes).unwrap_or_default())
    }
}

/// One engine's database, with the folder for whatever else its server needs.
pub(crate) struct Place {
    pub(crate) engine: Engine,
    pub(crate) url: String,
    folder: PathBuf,
    /// None, where the folder is to stay.
    temporary: Option<TempDir>,
}

impl Place {
    /// A fresh one. Folders are below `TMPDIR`, which must be on a disk for figures to mean anything.
    pub(crate) async fn new(engine: Engine, postgres: Option<&Postgres>) -> anyhow::Result<Place> {
        let folder = tempfile::Builder::new()
            .prefix("hefu-bench-")
            .tempdir()
            .context("cannot make a temporary folder; TMPDIR says where")?;
        let url = match (engine, postgres) {
            (Engine::Sqlite, _) => format!("sqlite://{}", folder.path().join("hefu.db").display()),
            (Engine::Postgres, Some(postgres)) => {
                let url = postgres.database(MEASURED).await?;
                postgres.part(&url).await?;
                url
            }
            (Engine::Postgres, None) => bail!("{}", hefu_cluster::WANTED),
            (Engine::Elsewhere, _) => String::new(),
        };
        Ok(Place {
            engine,
            url,
            folder: folder.path().to_owned(),
            temporary: Some(folder),
        })
    }

    /// One that stays, in a folder and, on PostgreSQL, in the database of that name; made where it is not there yet.
    pub(crate) async fn kept(
        engine: Engine,
        folder: &Path,
        postgres: Option<&Postgres>,
        database: &str,
    ) -> anyhow::Result<Place> {
        let url = match (engine, postgres) {
            (Engine::Postgres, Some(postgres)) => postgres.kept_database(database).await?,
            (Engine::Postgres, None) => bail!("{}", hefu_cluster::WANTED),
            (Engine::Sqlite | Engine::Elsewhere, _) => {
                format!("sqlite://{}", folder.join("hefu.db").display())
            }
        };
        Ok(Place {
            engine,
            url,
            folder: folder.to_owned(),
            temporary: None,
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the database takes on the disk, in bytes; of SQLite its file and the log beside it.
    pub(crate) async fn bytes(&self, postgres: Option<&Postgres>) -> anyhow::Result<u64> {
        match (self.engine, postgres) {
            (Engine::Postgres, Some(postgres)) => postgres.database_bytes(&self.url).await,
            (Engine::Postgres | Engine::Sqlite | Engine::Elsewhere, _) => {
                Ok(sqlite_bytes(&self.folder.join("hefu.db")))
            }
        }
    }

    /// What the wrapped data keys take, which stand in a file of their own.
    pub(crate) fn keys_bytes(&self) -> u64 {
        sqlite_bytes(&self.folder.join("state/wrapped-keys.sqlite"))
    }

    /// What the database has written so far to keep moves, in bytes: PostgreSQL's write-ahead log; what SQLite's process had written to
    /// storage, its log and what is copied from there into the file, in whole pages.
    pub(crate) async fn written(
        &self,
        server: &Server,
        postgres: Option<&Postgres>,
    ) -> anyhow::Result<Option<u64>> {
        match (self.engine, postgres) {
            (Engine::Postgres, Some(postgres)) => postgres.wal_bytes().await.map(Some),
            (Engine::Postgres | Engine::Sqlite | Engine::Elsewhere, _) => server.written_bytes(),
        }
    }

    /// Removes what was made in somebody's server and is not to stay; the rest goes by itself.
    pub(crate) async fn remove(self, postgres: Option<&Postgres>) -> anyhow::Result<()> {
        match (self.engine, postgres) {
            (Engine::Postgres, Some(postgres)) if self.temporary.is_some() => {
                postgres.drop_database(MEASURED).await
            }
            (Engine::Postgres | Engine::Sqlite | Engine::Elsewhere, _) => Ok(()),
        }
    }
}

/// A SQLite file with the log beside it.
fn sqlite_bytes(file: &Path) -> u64 {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    size(file) + size(Path::new(&log))
}
