//! `/log/…`: the public files of the signed logs, for whoever wants to check them (C2SP tlog-tiles). Nobody is asked for a key,
//! for nothing in them is personal; what they are made of is [`crate::log_files`]'s.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::log_files::{LogFile, LogFileError, LogFiles, LogPath, NoSuchName};

/// Where the files stand; their paths below it are those of an export.
const PREFIX: &str = "/log/";

/// Tiles of an epoch that is over never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Tiles of the current epoch never change while it lasts; after an accepted fork the same path is another log's.
const WHILE_THE_EPOCH_LASTS: &str = "public, max-age=300";
/// A busy log has a new checkpoint every second.
const FOR_A_MOMENT: &str = "public, max-age=1";
/// What is not there now may be there a second later.
const NEVER: &str = "no-store";

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
        Ok(Some(bytes)) => shown(&path, bytes, &asked),
        Ok(None) => without(
            StatusCode::NOT_FOUND,
            "nothing is published under this name",
        ),
        Err(error) => failed(&error),
    }
}

/// The file with what caches need to know, or "as you have it".
fn shown(path: &LogPath, bytes: Vec<u8>, asked: &HeaderMap) -> Response {
    let digest = Sha256::digest(&bytes);
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..16]));
    let fixed = [
        (header::CONTENT_TYPE, content_type(path)),
        (header::CACHE_CONTROL, caching(path)),
        // The bytes are what they are called, whatever a browser makes of them.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A page that verifies a log may come from anywhere.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    let known = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|known| known.to_str().ok())
        .is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut response = match known {
        true => (fixed, StatusCode::NOT_MODIFIED).into_response(),
        false => (fixed, bytes).into_response(),
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
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

/// An answer without a file: the reason, and nothing for a cache.
fn without(status: StatusCode, reason: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, NEVER),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, format!("{reason}\n")).into_response()
}
