//! Reading the logs where they are served or stored, as the files that an export has.

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;
use hefu_audit::{Files, MAX_FILE};
use hefu_domain::Region;
use hefu_server::log_files::{LogFiles, StoreFiles};
use hefu_store::{OpenOptions, Store};
use tokio::runtime::Handle;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response, StatusCode};
use tonic::codegen::{Body as _, Service as _};
use tonic::transport::{Channel, Endpoint};

/// How long one file may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How often a file is asked for when the server does not answer, with a pause that doubles.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);

/// Where live logs are: a server, or its database.
#[derive(Debug, Clone, clap::Args)]
#[command(group = clap::ArgGroup::new("live").required(true).args(["server", "database"]))]
pub(crate) struct Live {
    /// The server, http://HOST:PORT. No key is needed.
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

/// The files that a server shows below `/log/`.
pub(crate) struct ServerFiles {
    channel: Channel,
    runtime: Handle,
    address: String,
    patience: Duration,
}

impl ServerFiles {
    /// A connection to a server; it is made again when it breaks.
    pub(crate) async fn connect(address: &str, runtime: Handle) -> anyhow::Result<ServerFiles> {
        let endpoint = Endpoint::from_shared(address.to_owned())
            .with_context(|| format!("{address} is not a server's address"))?
            .connect_timeout(TIMEOUT);
        let channel = endpoint
            .connect()
            .await
            .with_context(|| format!("no server answers at {address}"))?;
        Ok(ServerFiles {
            channel,
            runtime,
            address: address.to_owned(),
            patience: TIMEOUT,
        })
    }

    /// One file; what may pass by itself is tried again.
    async fn file(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.in_time(path).await {
                Err(error) if is_passing(&error) => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.in_time(path).await
    }

    /// One file whole: a server may begin to answer and never end.
    async fn in_time(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let answer = tokio::time::timeout(self.patience, self.once(path)).await;
        answer.unwrap_or_else(|_| {
            let (address, patience) = (&self.address, self.patience);
            let what = format!("{address} does not show /log/{path} within {patience:?}");
            Err(io::Error::new(io::ErrorKind::ConnectionAborted, what))
        })
    }

    async fn once(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let gone = |error: &dyn std::error::Error| {
            let what = format!("{} does not answer: {}", self.address, whole(error));
            io::Error::new(io::ErrorKind::ConnectionAborted, what)
        };
        let request = Request::get(format!("/log/{path}"))
            .body(Body::empty())
            .map_err(io::Error::other)?;
        let mut channel = self.channel.clone();
        std::future::poll_fn(|cx| channel.poll_ready(cx))
            .await
            .map_err(|error| gone(&error))?;
        let answer = channel.call(request).await.map_err(|error| gone(&error))?;
        let status = answer.status();
        let bytes = body(answer).await.map_err(|error| match error {
            Cut::Long => io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "{}: /log/{path} is longer than any file of a log",
                    self.address
                ),
            ),
            Cut::Broken(status) => gone(&status),
        })?;
        match status {
            StatusCode::OK => Ok(Some(bytes)),
            StatusCode::NOT_FOUND => Ok(None),
            status => {
                let reason = String::from_utf8_lossy(&bytes);
                let what = format!(
                    "{} answers {status} for /log/{path}: {}",
                    self.address,
                    printable(&reason).take(200).collect::<String>()
                );
                let kind = match status {
                    StatusCode::SERVICE_UNAVAILABLE => io::ErrorKind::ConnectionAborted,
                    _ => io::ErrorKind::Other,
                };
                Err(io::Error::new(kind, what))
            }
        }
    }

    fn wait<T>(&self, read: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        tokio::task::block_in_place(|| self.runtime.block_on(read))
    }
}

impl Files for ServerFiles {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.wait(self.file(path))
    }

    fn regions(&self) -> io::Result<Vec<Region>> {
        let Some(listing) = self.wait(self.file("regions"))? else {
            let what = format!("{} shows no logs: is it a hefu server?", self.address);
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        };
        let listing = String::from_utf8_lossy(&listing);
        let region = |line: &str| line.split(' ').next().and_then(|code| code.parse().ok());
        let regions: Option<Vec<Region>> = listing.lines().map(region).collect();
        regions.ok_or_else(|| {
            let what = format!("{}: /log/regions is no list of regions", self.address);
            io::Error::new(io::ErrorKind::InvalidData, what)
        })
    }
}

/// Why a body did not come whole.
enum Cut {
    /// It is longer than a file may be.
    Long,
    /// The connection broke.
    Broken(tonic::Status),
}

async fn body(answer: Response<Body>) -> Result<Vec<u8>, Cut> {
    let mut body = pin!(answer.into_body());
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(Cut::Broken)?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > MAX_FILE {
                return Err(Cut::Long);
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// A stranger's words without what a terminal would do.
fn printable(text: &str) -> impl Iterator<Item = char> {
    text.trim().chars().filter(|c| !c.is_control())
}

fn is_passing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionAborted
}

/// An error with what caused it, for a transport says the useful part last.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
