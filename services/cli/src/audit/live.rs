//! Reading the logs where they are served or stored, as the files that an export has.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hefu_audit::{Files, MAX_FILE};
use hefu_domain::Region;
use hefu_server::log_files::{LogFiles, StoreFiles};
use hefu_server::outbound::{self, Answered, Failed, Http};
use hefu_store::{OpenOptions, Store};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tonic::codegen::http::{Request, StatusCode, header};

use crate::connect::no_answer;

/// The list of the logs that are there.
const REGIONS: &str = "regions";

/// How long one file may take, unless a test is in a hurry.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How often a file is asked for when the server does not answer, with a pause that doubles.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);

/// How much of a server's reason is shown, in characters.
const REASON: usize = 200;

/// Where live logs are: a server, or its database.
#[derive(Debug, Clone, clap::Args)]
#[command(group = clap::ArgGroup::new("live").required(true).args(["server", "database"]))]
pub(crate) struct Live {
    /// The server, http://HOST:PORT or https://HOST, or wherever else its /log/ is copied to. No key is needed.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The database itself, sqlite://PATH or postgres://…; a serving process may go on beside it.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// With --database: the state folder, whose log.vkey says which keys sign.
    #[arg(long, env = "HEFU_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
}

impl Live {
    /// Nowhere, for tests that bring their own files.
    #[cfg(test)]
    pub(crate) fn none() -> Live {
        Live {
            server: None,
            database: None,
            state: None,
        }
    }

    /// Opens it. The reader waits for each file: ask it from where waiting is allowed.
    pub(crate) async fn open(&self) -> anyhow::Result<Box<dyn Files>> {
        let runtime = Handle::current();
        match (&self.server, &self.database) {
            (Some(server), _) => Ok(Box::new(ServerFiles::connect(server, runtime).await?)),
            (None, Some(database)) => {
                let store = Store::open(database, OpenOptions::reading()).await?;
                let state = self.state.clone().or_else(|| crate::beside(database));
                let keys = state.map(|state| state.join("log.vkey"));
                Ok(Box::new(StoreFiles::new(
                    LogFiles::new(store, keys),
                    runtime,
                )))
            }
            (None, None) => {
                anyhow::bail!("name a server with --server or a database with --database")
            }
        }
    }
}

/// The files that a server shows below `/log/`; it need not be hefu, any host of files will do.
pub(crate) struct ServerFiles {
    server: Server,
    runtime: Handle,
    /// What is being fetched before it is asked for, by its path.
    expected: Mutex<HashMap<String, JoinHandle<File>>>,
}

/// A file's bytes, if it is there.
type File = io::Result<Option<Vec<u8>>>;

impl ServerFiles {
    /// The files of a server, which must answer: a wrong address is said at once.
    pub(crate) async fn connect(address: &str, runtime: Handle) -> anyhow::Result<ServerFiles> {
        let is_secure = outbound::is_secure(&outbound::below(address, REGIONS)?);
        let server = Server {
            http: Http::new(is_secure)?,
            address: address.trim_end_matches('/').to_owned(),
            patience: TIMEOUT,
        };
        match server.ask(REGIONS).await {
            Ok(_) => Ok(ServerFiles {
                server,
                runtime,
                expected: Mutex::default(),
            }),
            Err(failed) => Err(no_answer(address, &failed)),
        }
    }

    fn expected(&self) -> MutexGuard<'_, HashMap<String, JoinHandle<File>>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<T>(&self, read: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        tokio::task::block_in_place(|| self.runtime.block_on(read))
    }
}

/// Where they come from.
#[derive(Clone)]
struct Server {
    http: Http,
    address: String,
    /// How long one file may take from the request to its last byte: a server may begin to answer and never end.
    patience: Duration,
}

impl Server {
    /// One file; what may pass by itself is tried again.
    async fn file(&self, path: &str) -> File {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.once(path).await {
                Err(error) if is_passing(&error) => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.once(path).await
    }

    async fn once(&self, path: &str) -> File {
        let answer = self.ask(path).await.map_err(|failed| {
            let kind = match failed {
                Failed::Broken(_) => io::ErrorKind::ConnectionAborted,
                Failed::Long(_) => io::ErrorKind::InvalidData,
                Failed::NoRoots(_) | Failed::Untrusted(_) => io::ErrorKind::Other,
            };
            io::Error::new(kind, format!("{}/log/{path}: {failed}", self.address))
        })?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body.into())),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(self.declined(path, status, &answer)),
        }
    }

    async fn ask(&self, path: &str) -> Result<Answered, Failed> {
        let broken = |error: &dyn std::error::Error| Failed::Broken(error.to_string());
        let uri = outbound::below(&self.address, &format!("log/{path}"));
        let request = Request::get(uri.map_err(|error| broken(&error))?)
            .body(Default::default())
            .map_err(|error| broken(&error))?;
        match tokio::time::timeout(self.patience, self.http.ask(request, MAX_FILE)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failed::Broken(format!("not there in {:?}", self.patience))),
        }
    }

    /// An answer that is neither the file nor that there is none.
    fn declined(&self, path: &str, status: StatusCode, answer: &Answered) -> io::Error {
        let elsewhere = answer.headers.get(header::LOCATION);
        let reason = match elsewhere.and_then(|to| to.to_str().ok()) {
            Some(to) => format!("it is at {to}: name that server with --server"),
            None => String::from_utf8_lossy(&answer.body).trim().to_owned(),
        };
        let reason = reason.chars().filter(|c| !c.is_control()).take(REASON);
        let reason: String = reason.collect();
        let what = format!(
            "{} answers {status} for /log/{path}: {reason}",
            self.address
        );
        let kind = match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, what)
    }
}

impl Files for ServerFiles {
    fn read(&self, path: &str) -> File {
        let expected = self.expected().remove(path);
        self.wait(async {
            match expected {
                Some(fetched) => fetched.await.map_err(io::Error::other)?,
                None => self.server.file(path).await,
            }
        })
    }

    fn expect(&self, path: &str) {
        let (server, file) = (self.server.clone(), path.to_owned());
        let fetched = self.runtime.spawn(async move { server.file(&file).await });
        self.expected().insert(path.to_owned(), fetched);
    }

    fn regions(&self) -> io::Result<Vec<Region>> {
        let Some(listing) = self.read(REGIONS)? else {
            let what = format!(
                "{} has no file /log/regions: is it a hefu server, or a copy of its logs?",
                self.server.address
            );
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        };
        let listing = String::from_utf8_lossy(&listing);
        let region = |line: &str| line.split(' ').next().and_then(|code| code.parse().ok());
        let regions: Option<Vec<Region>> = listing.lines().map(region).collect();
        regions.ok_or_else(|| {
            let what = format!(
                "{}: /log/regions is no list of regions",
                self.server.address
            );
            io::Error::new(io::ErrorKind::InvalidData, what)
        })
    }
}

fn is_passing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionAborted
}

#[cfg(test)]
mod tests;
