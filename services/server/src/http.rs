//! What is served over plain HTTP on the gRPC port: the token key set, the signed logs' public files, and a liveness answer
//! for people and load balancers.

mod log;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use hefu_engine::Engine;

use crate::limits::{Gate, public};
use crate::log_files::LogFiles;
use crate::signer::Signing;

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
    let alive = move || async move { health(engine.stopped().is_none() && !signing.alarmed()) };
    Router::new()
        .route("/.well-known/jwks.json", get(key_set))
        .merge(log::routes(files))
        .layer(axum::middleware::from_fn_with_state(gate, public))
        // Whatever else is going on, a load balancer hears whether this server serves.
        .route("/healthz", get(alive))
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
