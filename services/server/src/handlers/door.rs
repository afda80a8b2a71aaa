//! The door of every RPC: whoever shows no credential is turned away before a byte of the message is read, unless the table of access
//! says that the RPC is open; and so is a move while more moves wait than are written in time. What a credential may do is decided later, by the region's grants; whoever was let in once has a rate of
//! their own from then on.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hefu_domain::{CredentialId, Door, Rpc};
use hefu_engine::Engine;
use tonic::Status;

use crate::caller;
use crate::errors;
use crate::limits::{Gate, LetIn, Proof};
use crate::stages::Entered;

/// Lets a call in, or answers UNAUTHENTICATED, or RESOURCE_EXHAUSTED to who comes too often or while too much waits.
pub(super) async fn asked(
    State((gate, engine)): State<(Gate, Engine)>,
    mut request: Request,
    next: Next,
) -> Response {
    let rpc = named(request.uri().path());
    let door = rpc.map(Rpc::door);
    if door == Some(Door::Open) {
        return next.run(request).await;
    }
    let by = match caller::among(request.extensions()) {
        Ok(by) => by,
        Err(status) => return status.into_http(),
    };
    // It is there where nobody was let in with it lately: that call was its address's.
    let Some(proof) = request.extensions_mut().remove::<Proof>() else {
        let let_in = gate.caller(&by);
        return match let_in.and_then(|()| room(&gate, &engine, &by, &mut request)) {
            Ok(()) => next.run(Entered::admitted(request)).await,
            Err(status) => status.into_http(),
        };
    };
    // Whoever they are, they hear no more than that much is going on.
    if let Err(status) = room(&gate, &engine, &by, &mut request) {
        return status.into_http();
    }
    let is_batch = is_batch(request.uri().path());
    let answer = next.run(Entered::admitted(request)).await;
    let accepted = match is_batch {
        true => answer.extensions().get::<LetIn>().is_some(),
        false => Status::from_header_map(answer.headers()).is_none(),
    };
    if accepted && door == Some(Door::Granted) {
        gate.let_in(&by, &proof);
    }
    answer
}

/// Whether a move would be answered in time; a batch gets a place in line. What only reads waits for nobody.
fn room(
    gate: &Gate,
    engine: &Engine,
    by: &CredentialId,
    request: &mut Request,
) -> Result<(), Status> {
    let path = request.uri().path();
    if !named(path).is_some_and(Rpc::is_move) {
        return Ok(());
    }
    if !is_batch(path) {
        return engine.room(by).map_err(errors::status);
    }
    let place = gate.line_up(engine, by)?;
    request.extensions_mut().insert(place);
    Ok(())
}

/// The RPC at that path. One without a row is shut.
fn named(path: &str) -> Option<Rpc> {
    let (service, name) = path.strip_prefix("/voucher.v1.")?.split_once('/')?;
    Rpc::named(service, name)
}

/// Whether a success of that path may be all failures.
fn is_batch(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with("Batch"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_open(path: &str) -> bool {
        named(path).is_some_and(|rpc| rpc.door() == Door::Open)
    }

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
