//! A PostgreSQL cluster for the bench and the tests: a throw-away one, or one whose folder is kept.
//!
//! Invariant: a server never outlives the process that started it, however that ends. A watchdog holds the other end of a pipe: when
//! the pipe closes, it stops the server and, of a throw-away cluster, removes the folder.

mod owner;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use owner::Owner;

/// What is needed and was not found.
pub const WANTED: &str = "PostgreSQL's server is needed: install Debian's package `postgresql`, \
     or put initdb, pg_ctl and postgres into PATH";

/// Why there is no cluster: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No server programs.
    #[error("{WANTED}")]
    NoServer,
    /// `initdb` and `postgres` refuse root, and nobody else can run them.
    #[error(
        "root can run PostgreSQL as `postgres` or `nobody`, but neither is there: make one of them"
    )]
    NoOwner,
    /// A command did not do what it must.
    #[error("{command}: {said}")]
    Failed {
        /// Which.
        command: String,
        /// What it said.
        said: String,
    },
    /// The folder.
    #[error("the cluster's folder {path} cannot be made: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

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
    /// Makes and starts a cluster on a free port of the loopback interface, with these settings (`name=value`) besides PostgreSQL's own.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn start(settings: &[String]) -> Result<Cluster, ClusterError> {
        let tools = tools().ok_or(ClusterError::NoServer)?;
        Cluster::within(&tools, &new_folder()?, settings, false)
    }

    /// Starts the cluster of that folder, which stays there when the server ends; makes it where there is none.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn kept(folder: &Path, settings: &[String]) -> Result<Cluster, ClusterError> {
        let tools = tools().ok_or(ClusterError::NoServer)?;
        let made = std::fs::create_dir_all(folder).and_then(|()| std::path::absolute(folder));
        let folder = made.map_err(|source| ClusterError::Folder {
            path: folder.to_owned(),
            source,
        })?;
        Cluster::within(&tools, &folder, settings, true)
    }

    fn within(
        tools: &Path,
        folder: &Path,
        settings: &[String],
        kept: bool,
    ) -> Result<Cluster, ClusterError> {
        let owner = Owner::find()?;
        owner.adopt(folder)?;
        let data = folder.join("data");
        if !data.join("PG_VERSION").is_file() {
            let mut initdb = owner.command(&tools.join("initdb"))?;
            initdb.args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
            ]);
            if !kept {
                initdb.arg("--no-sync");
            }
            owner::run(initdb.arg("-D").arg(&data), "initdb")?;
        }
        // The watchdog is there before the server is: nothing can be left behind.
        let mut stop = owner.command(&tools.join("pg_ctl"))?;
        let mode = if kept { "fast" } else { "immediate" };
        stop.args(["-m", mode, "-t", "300", "-D"])
            .arg(&data)
            .arg("stop");
        let mut watchdog = watch(&stop, (!kept).then_some(folder))?;
        let pipe = watchdog.stdin.take();
        let mut cluster = Cluster {
            url: String::new(),
            data,
            watchdog,
            pipe,
        };
        let port = start_server(&owner, tools, &cluster.data, settings)?;
        cluster.url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        Ok(cluster)
    }

    /// Its maintenance database, as a superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Stops the server; its folder stays until this is dropped.
    ///
    /// # Errors
    /// A server that does not stop.
    pub fn stop(&self) -> Result<(), ClusterError> {
        let tools = tools().ok_or(ClusterError::NoServer)?;
        let mut stop = Owner::find()?.command(&tools.join("pg_ctl"))?;
        stop.args(["-m", "fast", "-w", "-t", "300", "-D"])
            .arg(&self.data)
            .arg("stop");
        owner::run(&mut stop, "pg_ctl stop")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.watchdog.wait();
    }
}

/// `postgres://user@host:port/OTHER?params` for a server's address.
pub fn of_database(server: &str, name: &str) -> String {
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

/// Waits for our end, then stops the server and removes the folder, if one is named. In a process group of its own: an interrupt at
/// the terminal must not take it before its work is done.
fn watch(stop: &Command, folder: Option<&Path>) -> Result<std::process::Child, ClusterError> {
    let mut watchdog = Command::new("/bin/sh");
    let script = r#"read -r _; folder=$1; shift; "$@"; [ -z "$folder" ] || rm -rf "$folder""#;
    watchdog
        .args(["-c", script, "watchdog"])
        .arg(folder.unwrap_or(Path::new("")))
        .arg(stop.get_program())
        .args(stop.get_args());
    watchdog
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .process_group(0);
    watchdog.spawn().map_err(|error| ClusterError::Failed {
        command: "/bin/sh".to_owned(),
        said: error.to_string(),
    })
}

/// Starts the server on a free port and says which. Between finding a port and using it somebody else may take it: then another is
/// tried.
fn start_server(
    owner: &Owner,
    tools: &Path,
    data: &Path,
    settings: &[String],
) -> Result<u16, ClusterError> {
    let log = data.join("server.log");
    let settings: String = settings.iter().map(|set| format!(" -c {set}")).collect();
    for _ in 0..5 {
        let port = free_port()?;
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''{settings}"
        );
        let mut start = owner.command(&tools.join("pg_ctl"))?;
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
            return Ok(port);
        }
    }
    Err(ClusterError::Failed {
        command: "the throw-away PostgreSQL does not start".to_owned(),
        said: std::fs::read_to_string(&log).unwrap_or_default(),
    })
}

fn free_port() -> Result<u16, ClusterError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|bound| bound.local_addr());
    match listener {
        Ok(address) => Ok(address.port()),
        Err(error) => Err(ClusterError::Failed {
            command: "looking for a free port".to_owned(),
            said: error.to_string(),
        }),
    }
}

fn new_folder() -> Result<PathBuf, ClusterError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("hefu-postgres-{}-{next}", std::process::id()));
        let made = match std::fs::create_dir(&path) {
            Ok(()) => {
                let open = std::fs::Permissions::from_mode(0o755);
                std::fs::set_permissions(&path, open)
            }
            // Left behind by an earlier process of this number.
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => continue,
            Err(e) => Err(e),
        };
        return match made {
            Ok(()) => Ok(path),
            Err(source) => Err(ClusterError::Folder { path, source }),
        };
    }
}
