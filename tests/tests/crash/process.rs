//! A `hefu serve` of its own, as an operator would start it: killed without warning, and started again on what it left.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::Duration;

use hefu_scenario::Client;

/// A start includes the migrations of a fresh database and the opening of twelve regions.
const STARTING: Duration = Duration::from_secs(60);

/// The file in the state folder that a server's errors go to.
pub(crate) const SAID: &str = "said.log";

/// A server process; killed at the latest when this is dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
    operator: String,
}

impl Server {
    /// Starts a server and waits until it serves.
    pub(crate) fn start(database: &str, state: &Path) -> Server {
        Server::spawn(Command::new(binary()), database, state)
    }

    /// Starts a server on a disk that fails once a file is to grow beyond so many blocks of 512 bytes: with the signal ignored,
    /// writing fails with EFBIG, which SQLite calls an IO error.
    pub(crate) fn start_on_a_failing_disk(database: &str, state: &Path, blocks: u32) -> Server {
        let mut command = Command::new("/bin/sh");
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        command.arg("-c").arg(limited).arg(binary());
        Server::spawn(command, database, state)
    }

    fn spawn(mut command: Command, database: &str, state: &Path) -> Server {
        std::fs::create_dir_all(state).unwrap();
        let said = state.join(SAID);
        let errors = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&said)
            .unwrap();
        let mut child = command
            .args(["serve", "--database", database, "--listen", "127.0.0.1:0"])
            .arg("--state")
            .arg(state)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, told) = mpsc::channel();
        // Reads on to the end, so that the server never waits for somebody to read what it prints.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(rest) = line.strip_prefix("hefu serves on ") {
                    let _ = tell.send(rest.split(' ').next().unwrap_or_default().to_owned());
                }
            }
        });
        let Ok(address) = told.recv_timeout(STARTING) else {
            let _ = child.kill();
            let said = std::fs::read_to_string(said).unwrap_or_default();
            panic!("the server does not start:\n{said}");
        };
        let text = std::fs::read_to_string(state.join("operator.key")).unwrap();
        let operator = text.lines().find(|line| line.starts_with("hefu_"));
        Server {
            child,
            address,
            operator: operator.unwrap().to_owned(),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn operator(&self) -> &str {
        &self.operator
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.address).await.unwrap()
    }

    /// SIGKILL: no handler runs, nothing is flushed, connections break off.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself; whether it called that a success.
    pub(crate) async fn ends(&mut self) -> bool {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `hefu` of this build, beside the tests; built first if it is missing or older than its sources.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let own = std::env::current_exe().unwrap();
        let folder = own
            .ancestors()
            .nth(2)
            .expect("tests lie in deps/ of the target folder");
        let binary = folder.join("hefu");
        if is_stale(&binary) {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let built = Command::new(cargo)
                .args(["build", "--quiet", "-p", "hefu"])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status();
            assert!(
                built.is_ok_and(|status| status.success()) && binary.is_file(),
                "these tests start {}: build it with `cargo build -p hefu`",
                binary.display()
            );
        }
        binary
    })
}

/// Missing, or one of the sources that cargo notes beside it is newer.
fn is_stale(binary: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    let Some(built) = changed(binary) else {
        return true;
    };
    let Ok(noted) = std::fs::read_to_string(binary.with_extension("d")) else {
        return true;
    };
    noted
        .split_whitespace()
        .skip(1)
        .any(|source| changed(Path::new(source)).is_none_or(|at| at > built))
}
