//! Whether every log is signed to its end: the last checkpoint of each, opened with the public keys of the state folder.

use std::path::Path;

use anyhow::Context;
use hefu_log::{Checkpoint, Hash, VerifierKeys};
use hefu_store::{Head, Store};

/// What does not hold, in words; nothing where every region's last checkpoint covers its whole log.
pub(crate) async fn unsigned(store: &Store, state: &Path) -> anyhow::Result<Vec<String>> {
    let file = state.join("log.vkey");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let vkeys = VerifierKeys::parse(&text)?.keys;
    let mut failed = Vec::new();
    for head in store.all_heads().await? {
        let row = store.checkpoint(&head.region, head.epoch, u64::MAX).await?;
        let checkpoint = row.map(|row| Checkpoint::open(&row.note, &vkeys));
        let covers = matches!(&checkpoint, Some(Ok(checkpoint)) if covers(checkpoint, &head));
        if !covers {
            failed.push(format!(
                "region {}: no checkpoint covers the whole log",
                head.region
            ));
        }
    }
    Ok(failed)
}

fn covers(checkpoint: &Checkpoint, head: &Head) -> bool {
    let origin = &checkpoint.origin;
    (origin.region(), origin.epoch()) == (head.region.as_str(), head.epoch)
        && (checkpoint.size, checkpoint.root) == (head.size, Hash(head.root))
}
