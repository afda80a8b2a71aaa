//! Being a witness (C2SP tlog-witness): whoever distrusts an operator runs one, and cosigns what the operator's logs
//! publish as long as each goes on from where it was seen last.
//!
//! The invariant: what was seen is on this witness's own disk before a cosignature over it leaves, so that neither a
//! crash nor a race makes it vouch for two histories. A damaged memory stops it; it is never taken for an empty one.

mod state;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State as Shared};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hefu_audit::witness::{AddCheckpoint, Declined};
use hefu_engine::{Clock, Source};
use hefu_log::Vkey;
use hefu_token::private_file::FileError;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::files::Failure;

pub use state::{Failed, Opened, State};

/// Longest request, in bytes: a note with many signatures and 63 hashes come to a tenth of it.
const LONGEST_BODY: usize = 256 * 1024;

/// How long a request may take, a slow sender's included.
const LONGEST_REQUEST: Duration = Duration::from_secs(10);

/// What tlog-witness calls the answer with the size that was seen.
const SIZE: &str = "text/x.tlog.size";

/// What a witness is made of.
pub struct Setup {
    /// Its folder: its key, and what it saw of each log.
    pub state: PathBuf,
    /// Its name, needed at its first start; later it must be the one that it was made with.
    pub name: Option<String>,
    /// The keys of the logs that it watches, each named like its log.
    pub logs: Vec<Vkey>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its clock.
    pub clock: Clock,
    /// Randomness, for its key.
    pub source: Source,
}

/// Why a witness does not start: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// Its folder, or a file in it.
    #[error(transparent)]
    Folder(#[from] Failure),
    /// Its address.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// A file of its own that cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// What it saw of a log is not readable any more.
    #[error(
        "{}: {what}. Without it this witness might vouch for a second history, so it does not start. Put the file back from a copy not older than its last cosignature, or start a new witness under another name",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Two processes would not know what the other has signed.
    #[error("{} is used by another process", .0.display())]
    InUse(PathBuf),
    /// A first start without a name.
    #[error("a new witness needs a name: --name, such as witness.example.org/hefu")]
    NoName,
    /// Another name than its own.
    #[error(
        "this witness is called {own}, not {asked}: leave --name out, or name another --state folder"
    )]
    OtherName {
        /// What its key file says.
        own: String,
        /// What was asked for.
        asked: String,
    },
    /// A name or key that cannot be.
    #[error(transparent)]
    Log(#[from] hefu_log::LogError),
    /// A key that is not one of our logs'.
    #[error("{0} is not the key of a log: those are named <deployment>/<region>/<epoch>")]
    NoLog(String),
    /// Nothing to watch.
    #[error(
        "no log to watch: name a file of verifier keys with --log, such as the log.vkey of a deployment"
    )]
    NoLogs,
}

/// A witness that runs until it is told to stop.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its folder, held by this process.
    pub state: Arc<State>,
    /// Whether this start made its key.
    pub first_start: bool,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Lets the requests under way end, and gives the folder up.
    pub async fn stop(self) {
        // The server may have ended already.
        let _ = self.stop.send(());
        if let Err(error) = self.served.await {
            tracing::error!(%error, "the witness ended badly");
        }
    }

    /// Waits until the witness ends by itself.
    pub async fn wait(&mut self) {
        if let Err(error) = (&mut self.served).await {
            tracing::error!(%error, "the witness ended badly");
        }
    }
}

/// Starts a witness.
///
/// # Errors
/// See [`WitnessError`]; nothing serves then.
pub async fn serve(setup: Setup) -> Result<Running, WitnessError> {
    let opened = State::open(
        &setup.state,
        setup.name.as_deref(),
        setup.logs,
        setup.clock,
        || setup.source.draw(&["witness"]),
    )?;
    let listening = |source| WitnessError::Listen(setup.listen, source);
    let listener = TcpListener::bind(setup.listen).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    let state = Arc::new(opened.state);
    let app = routes(state.clone());
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(async move {
        let until = async {
            // Told to stop, or nobody is left who could tell.
            let _ = stopped.await;
        };
        let server = axum::serve(listener, app).with_graceful_shutdown(until);
        if let Err(error) = server.await {
            tracing::error!(%error, "the witness ended");
        }
    });
    Ok(Running {
        address,
        state,
        first_start: opened.made,
        stop,
        served,
    })
}

fn routes(state: Arc<State>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(axum::middleware::from_fn(in_time))
        .with_state(state)
}

/// Nobody holds a connection by sending nothing.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(LONGEST_REQUEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

/// `POST /add-checkpoint`.
async fn add_checkpoint(Shared(state): Shared<Arc<State>>, body: Bytes) -> Response {
    let request = std::str::from_utf8(&body)
        .map_err(|_| Declined::Malformed("not UTF-8"))
        .and_then(AddCheckpoint::parse);
    let request = match request {
        Ok(request) => request,
        Err(declined) => return answer(&Failed::Declined(declined)),
    };
    // It waits for the disk.
    let added = tokio::task::spawn_blocking(move || {
        let added = state.add(&request);
        if let Err(failed) = &added {
            report(&request, failed);
        }
        added
    });
    match added.await {
        Ok(Ok(signature)) => (StatusCode::OK, format!("{signature}\n")).into_response(),
        Ok(Err(failed)) => answer(&failed),
        Err(error) => {
            tracing::error!(%error, "a request ended badly");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The answer that tlog-witness wants for each reason.
fn answer(failed: &Failed) -> Response {
    let declined = match failed {
        Failed::Declined(declined) => declined,
        // What is wrong with the disk is the witness's operator's to know.
        Failed::Disk(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let status = match declined {
        Declined::Conflict { size } | Declined::Fork { size } => {
            let size = format!("{size}\n");
            return (StatusCode::CONFLICT, [(header::CONTENT_TYPE, SIZE)], size).into_response();
        }
        Declined::Malformed(_) => StatusCode::BAD_REQUEST,
        Declined::UnknownLog => StatusCode::NOT_FOUND,
        Declined::Unsigned => StatusCode::FORBIDDEN,
        Declined::Proof => StatusCode::UNPROCESSABLE_ENTITY,
        Declined::ClockBehind { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{declined}\n")).into_response()
}

/// A log that signed what contradicts itself has proved it with its own signature, so the note is kept in the witness's
/// own log for whoever must be told.
fn report(request: &AddCheckpoint, failed: &Failed) {
    let log = request.origin();
    match failed {
        Failed::Declined(declined @ (Declined::Fork { .. } | Declined::Proof)) => {
            tracing::error!(log, note = %request.note, "not cosigned: {declined}");
        }
        Failed::Declined(declined @ Declined::ClockBehind { .. }) => {
            tracing::error!(log, "not cosigned: {declined}");
        }
        Failed::Declined(
            declined @ (Declined::Malformed(_)
            | Declined::UnknownLog
            | Declined::Unsigned
            | Declined::Conflict { .. }),
        ) => tracing::debug!(log, "not cosigned: {declined}"),
        Failed::Disk(error) => tracing::error!(log, %error, "not cosigned"),
    }
}
