//! `/log/…`: the public files of the signed logs, for whoever wants to check them (C2SP tlog-tiles). Nobody is asked for a key,
//! for nothing in them is personal; what they are made of is [`crate::log_files`]'s.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;

use super::{Shown, without};
use crate::log_files::{LogFile, LogFileError, LogFiles, LogPath, NoSuchName};

/// Where the files stand; their paths below it are those of an export.
const PREFIX: &str = "/log/";

/// Tiles of an epoch that is over never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Tiles of the current epoch never change while it lasts; after an accepted fork the same path is another log's.
const WHILE_THE_EPOCH_LASTS: &str = "public, max-age=300";
/// A busy log has a new checkpoint every second.
const FOR_A_MOMENT: &str = "public, max-age=1";

pub(super) fn routes(files: LogFiles) -> Router {
    Router::new()
        .route("/log/{*path}", get(file))
        .with_state(files)
}

/// One file. The path is taken as it was sent: one that needs decoding names nothing.
async fn file(State(files): State<LogFiles>, uri: Uri, asked: HeaderMap) -> Response {
    let path = uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let path = match path.parse() {
        Ok(path) if uri.query().is_none() => path,
        Ok(_) | Err(NoSuchName) => {
            return without(StatusCode::NOT_FOUND, "no file of a log has this name");
        }
    };
    match files.read(&path).await {
        Ok(Some(bytes)) => {
            let shown = Shown {
                content_type: content_type(&path),
                caching: caching(&path),
            };
            shown.answer(bytes, &asked)
        }
        Ok(None) => without(
            StatusCode::NOT_FOUND,
            "nothing is published under this name",
        ),
        Err(error) => failed(&error),
    }
}

fn content_type(path: &LogPath) -> &'static str {
    match path {
        LogPath::OfLog {
            file: LogFile::Tile(_),
            ..
        } => "application/octet-stream",
        LogPath::OfLog {
            file: LogFile::Checkpoint | LogFile::Checkpoints(_),
            ..
        }
        | LogPath::Keys
        | LogPath::Regions => "text/plain; charset=utf-8",
    }
}

fn caching(path: &LogPath) -> &'static str {
    match path {
        LogPath::OfLog {
            epoch,
            file: LogFile::Tile(_),
            ..
        } => match epoch {
            Some(_) => FOR_EVER,
            None => WHILE_THE_EPOCH_LASTS,
        },
        LogPath::OfLog {
            file: LogFile::Checkpoint | LogFile::Checkpoints(_),
            ..
        }
        | LogPath::Keys
        | LogPath::Regions => FOR_A_MOMENT,
    }
}

/// What went wrong inside is the operator's to know.
fn failed(error: &LogFileError) -> Response {
    match error {
        LogFileError::Store(hefu_store::StoreError::Unavailable { .. }) => {
            tracing::warn!(%error, "a log's file could not be read");
            without(StatusCode::SERVICE_UNAVAILABLE, "try again in a moment")
        }
        LogFileError::Store(_) | LogFileError::Keys { .. } => {
            tracing::error!(%error, "a log's file could not be read");
            let reason = "an error inside this server; its operator's log says more";
            without(StatusCode::INTERNAL_SERVER_ERROR, reason)
        }
    }
}
