//! What is served over plain HTTP on the gRPC port: the token key set, and a liveness answer for people and load balancers.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hefu_engine::Engine;

/// The public routes.
pub(crate) fn routes(jwks: String, engine: Engine) -> Router {
    let key_set = move || async move {
        (
            [
                (header::CONTENT_TYPE, "application/jwk-set+json"),
                (header::CACHE_CONTROL, "public, max-age=300"),
            ],
            jwks,
        )
    };
    let health = move || async move {
        match engine.stopped() {
            None => (StatusCode::OK, "serving\n".to_owned()).into_response(),
            Some(why) => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("not serving: {why}\n"),
            )
                .into_response(),
        }
    };
    Router::new()
        .route("/.well-known/jwks.json", get(key_set))
        .route("/healthz", get(health))
}
