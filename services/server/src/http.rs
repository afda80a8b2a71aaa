//! What is served over plain HTTP on the gRPC port: the token key set and status lists, the signed logs' public files, the two catalogues
//! as pages, and a liveness answer for people and load balancers.

mod catalogue;
mod log;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hefu_engine::Engine;
use sha2::{Digest as _, Sha256};

use crate::limits::{Gate, public};
use crate::log_files::LogFiles;
use crate::signer::Signing;
use crate::status_lists::StatusLists;

/// What is not there now may be there a second later.
const NEVER: &str = "no-store";

/// The public routes.
pub(crate) fn routes(engine: Engine, signing: Signing, files: LogFiles, gate: Gate) -> Router {
    let people = engine.people().clone();
    let key_set = move || async move {
        (
            [
                (header::CONTENT_TYPE, "application/jwk-set+json"),
                (header::CACHE_CONTROL, "public, max-age=300"),
            ],
            people.tokens().jwks_json().to_string(),
        )
    };
    let lists = Arc::new(StatusLists::new(engine.clone()));
    let catalogues = catalogue::routes(engine.clone());
    let alive = move || async move { health(engine.stopped().is_none() && !signing.alarmed()) };
    Router::new()
        .route("/.well-known/jwks.json", get(key_set))
        .merge(log::routes(files))
        .merge(catalogues)
        .merge(status::routes(lists))
        .layer(axum::middleware::from_fn_with_state(gate, public))
        // Whatever else is going on, a load balancer hears whether this server serves.
        .route("/healthz", get(alive))
}

/// How bytes are shown to anybody.
struct Shown<'a> {
    content_type: &'static str,
    /// `Cache-Control`.
    caching: &'a str,
}

impl Shown<'_> {
    /// The bytes with what caches need to know, or "as you have it".
    fn answer(&self, bytes: Vec<u8>, asked: &HeaderMap) -> Response {
        let digest = Sha256::digest(&bytes);
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..16]));
        let fixed = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, self.caching),
            // The bytes are what they are called, whatever a browser makes of them.
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // A page that verifies a log or a voucher may come from anywhere.
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
}

/// An answer without what was asked for: the reason, and nothing for a cache.
fn without(status: StatusCode, reason: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, NEVER),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, format!("{reason}\n")).into_response()
}

/// Whether this server serves. Why it does not is the operator's to know, and stands in their log.
fn health(serves: bool) -> (StatusCode, &'static str) {
    match serves {
        true => (StatusCode::OK, "serving\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not serving\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_learns_that_a_server_is_stopped_and_not_why() {
        assert_eq!(health(true), (StatusCode::OK, "serving\n"));
        let stopped = health(false);
        assert_eq!(stopped, (StatusCode::SERVICE_UNAVAILABLE, "not serving\n"));
    }
}
