//! The bureau's plan year over the API: deadlines that the clock enforces, the two catalogues, requests for more money, registers.

mod catalogue;
mod deadlines;
mod registers;
mod top_ups;

use hefu_server::Running;

/// The logs hold, the tables are what they say, and every move would be decided so again.
async fn holds(running: &Running) {
    let mut snapshot = running.engine.store().snapshot().await.unwrap();
    let verified = hefu_engine::audit(&mut snapshot, true, |_, _| {});
    let verified = verified.await.unwrap();
    assert!(
        verified.log_verified && verified.replay_equal,
        "{verified:?}"
    );
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
}
