//! A PostgreSQL for tests: the server that `HEFU_TEST_POSTGRES_URL` names, or a throw-away cluster (`hefu_cluster`).
//!
//! A missing server is a failure that says what to install, never a skipped test. A cluster keeps its whole write-ahead log: what was
//! ever written, in databases that were dropped since too, can be looked into at the end.

use crate::canaries::{self, Looked};
use hefu_cluster::of_database;
pub use hefu_cluster::tools;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use std::io;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable that names a server in which tests may make databases.
pub const URL_VARIABLE: &str = "HEFU_TEST_POSTGRES_URL";
/// Set to `off`, throw-away clusters do not wait for the disk.
pub const FSYNC_VARIABLE: &str = "HEFU_TEST_FSYNC";

/// The write-ahead log that a cluster keeps at the most, in place of what its checkpoints would leave of it. A run of all tests writes a
/// few GB of it.
const WAL_KEPT: &str = "16GB";

/// A cluster that ends with this process, or earlier when it is dropped.
#[derive(Debug)]
pub struct Cluster(hefu_cluster::Cluster);

impl Cluster {
    /// Makes and starts a cluster on a free port of the loopback interface.
    pub fn start() -> Cluster {
        let fsync = std::env::var(FSYNC_VARIABLE).unwrap_or_else(|_| "on".to_owned());
        let settings = [
            format!("fsync={fsync}"),
            "max_connections=300".to_owned(),
            "shared_buffers=128MB".to_owned(),
            "autovacuum_naptime=10s".to_owned(),
            format!("wal_keep_size={WAL_KEPT}"),
            "log_parameter_max_length_on_error=-1".to_owned(),
        ];
        match hefu_cluster::Cluster::start(&settings) {
            Ok(cluster) => Cluster(cluster),
            Err(e) => {
                panic!("{e}. Or set {URL_VARIABLE} to a server in which databases may be made")
            }
        }
    }

    /// Its maintenance database, as a superuser.
    pub fn url(&self) -> &str {
        self.0.url()
    }

    /// Stops the server and looks for canaries in everything that it leaves: tables, its log, and the write-ahead log.
    ///
    /// # Errors
    /// A server that does not stop, a file that cannot be read.
    pub fn search(&self) -> io::Result<Searched> {
        self.0.stop().map_err(io::Error::other)?;
        let data = self.0.data();
        let first = data.join("pg_wal/000000010000000000000001");
        Ok(Searched {
            looked: canaries::in_folder(data)?,
            is_whole: first.is_file(),
        })
    }
}

/// What stands in a cluster that was stopped.
#[derive(Debug)]
pub struct Searched {
    pub looked: Looked,
    /// Whether the write-ahead log is there from its first segment on. Where it is not, the run wrote more of it than a cluster keeps.
    pub is_whole: bool,
}

/// The server for this process's tests.
pub fn server() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    match std::env::var(URL_VARIABLE) {
        Ok(url) if !url.is_empty() => url,
        _ => CLUSTER.get_or_init(Cluster::start).url().to_owned(),
    }
}

/// An empty database of its own, dropped with this value.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    pub async fn create() -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = server();
        let mut conn = connect(&server).await.expect("the test server answers");
        loop {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("hefu_test_{}_{next}", std::process::id());
            match conn
                .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
                .await
            {
                Ok(_) => {
                    let _ = conn.close().await;
                    let url = of_database(&server, &name);
                    return Database { server, name, url };
                }
                // Left behind by an earlier process of this number.
                Err(e)
                    if e.as_database_error()
                        .is_some_and(|e| e.code().as_deref() == Some("42P04")) => {}
                Err(e) => panic!("making a test database: {e}"),
            }
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// A copy as it stands now. Nobody may be connected.
    pub async fn copy(&self) -> Database {
        let copy = Database::create().await;
        copy.becomes(self).await;
        copy
    }

    /// Becomes what `other` is. Nobody may be connected to that.
    pub async fn becomes(&self, other: &Database) {
        let mut conn = connect(&self.server)
            .await
            .expect("the test server answers");
        let (own, other) = (&self.name, &other.name);
        for sql in [
            format!("DROP DATABASE {own} WITH (FORCE)"),
            format!("CREATE DATABASE {own} TEMPLATE {other}"),
        ] {
            let done = conn.execute(AssertSqlSafe(sql)).await;
            done.expect("nobody is connected to a test's database");
        }
        let _ = conn.close().await;
    }

    /// A connection with all rights, to look behind the store's back.
    pub async fn connect(&self) -> PgConnection {
        connect(&self.url).await.expect("the test server answers")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let server = self.server.clone();
        let drop_it = AssertSqlSafe(format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            self.name
        ));
        // The test's own runtime may be ending: a thread with one of its own is always there.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    if let Ok(mut conn) = connect(&server).await {
                        let _ = conn.execute(drop_it).await;
                    }
                });
            }
        });
        let _ = dropped.join();
    }
}

async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    PgConnectOptions::from_str(url)?
        .disable_statement_logging()
        .connect()
        .await
}
