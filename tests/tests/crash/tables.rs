//! The tables of a database against its logs: nothing is missing, nothing is left over, nothing is half there.

use std::collections::BTreeSet;

use hefu_domain::Key;
use hefu_engine::audit;
use hefu_store::{OpenOptions, Snapshot, Store};
use hefu_tests::engines::Place;

/// Rows, nullifiers and people's secrets are what the logs say, both ways; read from the database itself, beside whoever serves it.
pub(crate) async fn are_what_the_logs_say(place: &Place) {
    let store = Store::open(&place.url(), OpenOptions::reading())
        .await
        .unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    let mut people = BTreeSet::new();
    let verified = audit(&mut snapshot, true, |region, replayed| {
        for (key, _) in replayed.world.all() {
            if let Key::Person(id) = key {
                people.insert((region.to_string(), id.to_string()));
            }
        }
    })
    .await
    .unwrap();
    assert!(verified.failed.is_empty(), "{:#?}", verified.failed);
    assert!(verified.findings.is_empty(), "{:#?}", verified.findings);
    assert!(verified.log_verified && verified.replay_equal);
    assert_eq!(
        secrets(&mut snapshot).await,
        people,
        "nobody is erased here"
    );
    drop(snapshot);
    store.close().await;
}

/// Whose names and numbers the vault's table keeps.
async fn secrets(snapshot: &mut Snapshot) -> BTreeSet<(String, String)> {
    let mut kept = BTreeSet::new();
    for head in snapshot.all_heads().await.unwrap() {
        let page = snapshot.people(&head.region, None, u32::MAX).await.unwrap();
        kept.extend(page.into_iter().map(|kept| (kept.region, kept.person)));
    }
    kept
}
