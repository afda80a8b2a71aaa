//! A PostgreSQL for tests: the server that `HEFU_TEST_POSTGRES_URL` names, or a throw-away cluster.
//!
//! Invariant: a throw-away cluster never outlives the process that started it, however that ends. A
//! watchdog holds the other end of a pipe: when the pipe closes, it stops the server and removes the
//! folder. A missing server is a failure that says what to install, never a skipped test.
//! A cluster keeps its whole write-ahead log: what was ever written, in databases that were dropped since too, can be looked into at the end.

use crate::canaries::{self, Looked};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
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

const WANTED: &str = "PostgreSQL's server is needed for these tests: install Debian's package `postgresql` \
     (or put initdb, pg_ctl and postgres into PATH), or set HEFU_TEST_POSTGRES_URL";

/// A cluster that ends with this process, or earlier when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    url: String,
    data: PathBuf,
    watchdog: std::process::Child,
    /// Open while we live.
    pipe: Option<ChildStdin>,
}

impl Cluster {
    /// Makes and starts a cluster on a free port of the loopback interface.
    pub fn start() -> Cluster {
        let tools = tools().expect(WANTED);
        let folder = new_folder();
        let owner = Owner::find();
        owner.adopt(&folder);
        let data = folder.join("data");
        let mut initdb = owner.command(&tools.join("initdb"));
        initdb.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        run(initdb.arg(&data), "initdb");
        // The watchdog is there before the server is: nothing can be left behind.
        let mut stop = owner.command(&tools.join("pg_ctl"));
        stop.args(["-m", "immediate", "-D"]).arg(&data).arg("stop");
        let mut watchdog = watch(&stop, &folder);
        let pipe = watchdog.stdin.take();
        let port = start_server(&owner, &tools, &folder, &data);
        Cluster {
            url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            data,
            watchdog,
            pipe,
        }
    }

    /// Its maintenance database, as a superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the server and looks for canaries in everything that it leaves: tables, its log, and the write-ahead log.
    ///
    /// # Errors
    /// A server that does not stop, a file that cannot be read.
    pub fn search(&self) -> io::Result<Searched> {
        let tools = tools().expect(WANTED);
        let mut stop = Owner::find().command(&tools.join("pg_ctl"));
        stop.args(["-m", "fast", "-w", "-t", "300", "-D"])
            .arg(&self.data)
            .arg("stop");
        run(&mut stop, "pg_ctl stop");
        let first = self.data.join("pg_wal/000000010000000000000001");
        Ok(Searched {
            looked: canaries::in_folder(&self.data)?,
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

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.watchdog.wait();
    }
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

/// `postgres://user@host:port/OTHER?params` for a server's address.
fn of_database(server: &str, name: &str) -> String {
    let (address, parameters) = match server.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (server, String::new()),
    };
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..]
        .find('/')
        .map_or(address.len(), |at| host + at);
    format!("{}/{name}{parameters}", &address[..end])
}

/// The folder of the newest server programs on this machine.
pub fn tools() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| {
        ["initdb", "pg_ctl", "postgres"]
            .iter()
            .all(|t| folder.join(t).is_file())
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(found) = std::env::split_paths(&path).find(complete) {
        return Some(found);
    }
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(complete)
        .collect();
    versions.sort_by_key(|bin| {
        let version = bin
            .parent()
            .and_then(Path::file_name)
            .and_then(|name| name.to_str());
        version.and_then(|name| name.parse::<u32>().ok())
    });
    versions.pop()
}

/// Who runs the server: initdb and postgres refuse root.
struct Owner(Option<String>);

impl Owner {
    fn find() -> Owner {
        if output("id", &["-u"]).as_deref() != Some("0") {
            return Owner(None);
        }
        let known = ["postgres", "nobody"]
            .into_iter()
            .find(|user| output("id", &["-u", user]).is_some());
        Owner(Some(
            known
                .expect("root can run PostgreSQL as `postgres` or `nobody`, but neither is there")
                .to_owned(),
        ))
    }

    fn adopt(&self, folder: &Path) {
        if let Some(user) = &self.0 {
            run(Command::new("chown").arg(user).arg(folder), "chown");
        }
    }

    fn command(&self, program: &Path) -> Command {
        let Some(user) = &self.0 else {
            return Command::new(program);
        };
        let group = output("id", &["-g", user]).expect("a user has a group");
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={user}"))
            .arg(format!("--regid={group}"));
        command.arg("--clear-groups").arg("--").arg(program);
        command
    }
}

/// Waits for our end, then stops the server and removes the folder. In a process group of its own:
/// an interrupt at the terminal must not take it before its work is done.
fn watch(stop: &Command, folder: &Path) -> std::process::Child {
    let mut watchdog = Command::new("/bin/sh");
    let script = r#"read -r _; folder=$1; shift; "$@"; rm -rf "$folder""#;
    watchdog
        .args(["-c", script, "watchdog"])
        .arg(folder)
        .arg(stop.get_program())
        .args(stop.get_args());
    watchdog
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .process_group(0);
    watchdog.spawn().expect("/bin/sh is there")
}

/// Starts the server on a free port and says which. Between finding a port and using it somebody
/// else may take it: then another is tried.
fn start_server(owner: &Owner, tools: &Path, folder: &Path, data: &Path) -> u16 {
    let fsync = std::env::var(FSYNC_VARIABLE).unwrap_or_else(|_| "on".to_owned());
    let log = folder.join("data").join("server.log");
    for _ in 0..5 {
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .expect("a port is free")
            .port();
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync={fsync} \
             -c max_connections=300 -c shared_buffers=128MB -c autovacuum_naptime=10s \
             -c wal_keep_size={WAL_KEPT} -c log_parameter_max_length_on_error=-1"
        );
        let mut start = owner.command(&tools.join("pg_ctl"));
        start
            .args(["-w", "-t", "60", "-o", &options, "-D"])
            .arg(data)
            .arg("-l")
            .arg(&log)
            .arg("start");
        start
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/");
        if start.status().is_ok_and(|status| status.success()) {
            return port;
        }
    }
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    panic!("the throw-away PostgreSQL does not start:\n{said}");
}

fn new_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("hefu-postgres-{}-{next}", std::process::id()));
        match std::fs::create_dir(&folder) {
            Ok(()) => {
                let open = std::fs::Permissions::from_mode(0o755);
                std::fs::set_permissions(&folder, open).expect("our own folder");
                return folder;
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => panic!("{}: {e}", folder.display()),
        }
    }
}

fn run(command: &mut Command, name: &str) {
    let output = command.current_dir("/").stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
