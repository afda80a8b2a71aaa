//! `/status/{region}/{n}`: the status lists that voucher tokens point at (draft-ietf-oauth-status-list-17, section 8.1). Nobody is
//! asked for a key: whoever checks a voucher offline has none. What the lists say is made by [`crate::status_lists`].

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use hefu_domain::Region;
use hefu_store::StoreError;

use super::{Shown, without};
use crate::status_lists::{StatusListError, StatusLists};

const PREFIX: &str = "/status/";
const CONTENT_TYPE: &str = "application/statuslist+jwt";

pub(super) fn routes(lists: Arc<StatusLists>) -> Router {
    Router::new()
        .route("/status/{*path}", get(list))
        .with_state(lists)
}

async fn list(State(lists): State<Arc<StatusLists>>, uri: Uri, asked: HeaderMap) -> Response {
    let named = named(uri.path()).filter(|_| uri.query().is_none());
    let Some((region, list)) = named else {
        let reason = "a status list is called /status/{region}/{number}";
        return without(StatusCode::NOT_FOUND, reason);
    };
    match lists.get(&region, list).await {
        Ok(Some(served)) => {
            let shown = Shown {
                content_type: CONTENT_TYPE,
                caching: &format!("public, max-age={}", served.fresh_for),
            };
            shown.answer(served.token.into_bytes(), &asked)
        }
        Ok(None) => without(StatusCode::NOT_FOUND, "there is no such status list"),
        Err(error) => failed(&error),
    }
}

/// Region and number of a list, each in its one spelling. The path is taken as it was sent.
fn named(path: &str) -> Option<(Region, u64)> {
    let (region, list) = path.strip_prefix(PREFIX)?.split_once('/')?;
    let number: u64 = list.parse().ok()?;
    (number.to_string() == list).then_some((region.parse().ok()?, number))
}

/// What went wrong inside is the operator's to know.
fn failed(error: &StatusListError) -> Response {
    match error {
        StatusListError::Store(StoreError::Unavailable { .. }) => {
            tracing::warn!(%error, "a status list could not be read");
            without(StatusCode::SERVICE_UNAVAILABLE, "try again in a moment")
        }
        StatusListError::NoKey => {
            let reason = "status lists are served by the process that issues tokens";
            without(StatusCode::NOT_FOUND, reason)
        }
        StatusListError::InDoubt { .. } => {
            tracing::warn!(%error, "a status list was asked for and not signed");
            let reason = "nothing is signed about this region now; its bureau knows why";
            without(StatusCode::SERVICE_UNAVAILABLE, reason)
        }
        StatusListError::Store(_) => {
            tracing::error!(%error, "a status list could not be read");
            let reason = "an error inside this server; its operator's log says more";
            without(StatusCode::INTERNAL_SERVER_ERROR, reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_one_name() {
        let region = "140725".parse().unwrap();
        assert_eq!(named("/status/140725/0"), Some((region, 0)));
        for other in [
            "/status/140725",
            "/status/140725/",
            "/status/140725/00",
            "/status/140725/+1",
            "/status/140725/-1",
            "/status/140725/0/",
            "/status/140725/18446744073709551616",
            "/status/shouyang/0",
            "/status//0",
            "/status/140725/%30",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }
}
