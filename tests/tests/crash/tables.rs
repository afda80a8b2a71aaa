//! The tables of a database against its logs: nothing is missing, nothing is left over, nothing is half there.

use std::collections::BTreeSet;
use std::time::Duration;

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
        let facts = replayed.each(|key, _| {
            if let Key::Person(id) = key {
                people.insert((region.to_string(), id.to_string()));
            }
        });
        facts.unwrap();
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

/// Every log is signed to its end, and none was ever in doubt: whatever was killed when, a signer went on from what it remembered.
pub(crate) async fn are_signed(place: &Place) {
    let store = Store::open(&place.url(), OpenOptions::reading())
        .await
        .unwrap();
    let signed = async {
        loop {
            let mut behind = Vec::new();
            for head in store.all_heads().await.unwrap() {
                assert_eq!(head.alarm, None, "{}", head.region);
                let row = store.checkpoint(&head.region, 0, u64::MAX).await.unwrap();
                if row.is_none_or(|row| row.size != head.size) {
                    behind.push(head.region);
                }
            }
            if behind.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let signed = tokio::time::timeout(Duration::from_secs(30), signed).await;
    assert!(signed.is_ok(), "nobody signs");
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
