//! The door of every RPC: whoever shows no credential is turned away before a byte of the message is read, unless the table of access
//! says that the RPC is open. What a credential may do is decided later, by the region's grants.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use hefu_domain::{Door, Rpc};

use crate::caller;

/// Lets a call in, or answers UNAUTHENTICATED.
pub(super) async fn asked(request: Request, next: Next) -> Response {
    if is_open(request.uri().path()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let bare = axum::http::Request::from_parts(parts.clone(), ());
    match caller::of(&tonic::Request::from_http(bare)) {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(status) => status.into_http(),
    }
}

/// Whether the RPC at that path asks for nothing. One without a row is shut.
fn is_open(path: &str) -> bool {
    let rpc = path
        .strip_prefix("/voucher.v1.")
        .and_then(|method| method.split_once('/'))
        .and_then(|(service, name)| Rpc::named(service, name));
    rpc.is_some_and(|rpc| rpc.door() == Door::Open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_table_calls_open_is_open() {
        assert!(is_open("/voucher.v1.PolicyService/ListRegions"));
        for shut in [
            "/voucher.v1.RedemptionService/GetNotice",
            "/voucher.v1.RedemptionService/BatchRedeem",
            "/voucher.v1.PolicyService/NoSuchMethod",
            "/voucher.v1.AuditService/ListRegions",
            "/PolicyService/ListRegions",
            "",
        ] {
            assert!(!is_open(shut), "{shut}");
        }
    }
}
