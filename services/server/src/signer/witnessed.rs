//! Signed checkpoints on their way through the witnesses: each waits here until enough of them have cosigned it.
//!
//! The invariant: what too few witnesses cosigned is never published, and the checkpoint before it stays. Signing does not
//! wait for any of this, and writing even less. A log's newest checkpoint takes the place of an older one that still
//! waits: nothing piles up, and no witness is asked to vouch today for a tree of yesterday.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use hefu_log::tile::tiles_for_consistency;
use hefu_log::{Checkpoint, Hash, LogError, Note, consistency_proof};
use hefu_store::{CheckpointRow, Store, StoreError};
use tokio::sync::Notify;

use super::{SignerError, metrics};
use crate::log_files::{LogFiles, Published};
use crate::witnesses::{Cosigned, Witnesses};

/// How long witnesses that did not cosign are left alone.
const PAUSE: Duration = Duration::from_millis(750);

/// Region and epoch.
type Log = (String, u64);

/// The witnesses' part of a signer. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Witnessed {
    witnesses: Witnesses,
    waiting: Arc<Mutex<BTreeMap<Log, CheckpointRow>>>,
    offered: Arc<Notify>,
    store: Store,
}

impl Witnessed {
    pub(crate) fn new(witnesses: Witnesses, store: Store) -> Witnessed {
        Witnessed {
            witnesses,
            waiting: Arc::default(),
            offered: Arc::default(),
            store,
        }
    }

    /// Has these checkpoints cosigned and then published. Their full tiles are stored already.
    pub(crate) fn offer(&self, rows: Vec<CheckpointRow>) {
        self.lock(|waiting| {
            let by_log = rows
                .into_iter()
                .map(|row| ((row.region.clone(), row.epoch), row));
            waiting.extend(by_log);
        });
        self.offered.notify_one();
    }

    /// Asks for what is offered, and again for what too few cosigned.
    pub(crate) async fn keep_asking(self) {
        loop {
            let all = match self.ask().await {
                Ok(all) => all,
                Err(error) => {
                    tracing::error!(%error, "checkpoints could not be published; the next round tries again");
                    false
                }
            };
            let offered = self.offered.notified();
            if all {
                offered.await;
            } else {
                // Whatever comes first: a newer checkpoint, or the time to try again.
                let _ = tokio::time::timeout(PAUSE, offered).await;
            }
        }
    }

    /// Asks the witnesses about everything that waits, and publishes what enough have cosigned. Whether nothing waits any more.
    pub(crate) async fn ask(&self) -> Result<bool, SignerError> {
        let asked: Vec<CheckpointRow> = self.lock(|waiting| waiting.values().cloned().collect());
        let answers = join_all(asked.iter().map(|row| self.cosign(row))).await;
        let mut rows = Vec::new();
        for (row, answer) in asked.into_iter().zip(answers) {
            let cosigned = answer?;
            if cosigned.enough {
                let note = cosigned.note.to_string();
                rows.push(CheckpointRow { note, ..row });
            }
        }
        if !rows.is_empty() {
            self.store.publish(Vec::new(), rows.clone()).await?;
            metrics::signed(rows.len());
        }
        Ok(self.lock(|waiting| {
            for row in &rows {
                // A newer one may have taken its place meanwhile. Of an epoch before it nothing more can be proven, perhaps.
                waiting.retain(|(region, epoch), now| {
                    *region != row.region
                        || *epoch > row.epoch
                        || (*epoch == row.epoch && now.size != row.size)
                });
            }
            waiting.is_empty()
        }))
    }

    async fn cosign(&self, row: &CheckpointRow) -> Result<Cosigned, SignerError> {
        let note = Note::parse(&row.note)?;
        let checkpoint: Checkpoint = note.text().parse()?;
        let log = Published {
            region: row.region.parse().map_err(|_| corrupt(row))?,
            epoch: row.epoch,
            size: row.size,
            note: row.note.clone(),
            ended: false,
        };
        let files = LogFiles::new(self.store.clone(), None);
        let proof = |old| proof(&files, &log, old);
        Ok(self.witnesses.cosign(&checkpoint, note, proof).await)
    }

    fn lock<T>(&self, with: impl FnOnce(&mut BTreeMap<Log, CheckpointRow>) -> T) -> T {
        with(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// That the signed tree extends that of `old` events.
async fn proof(files: &LogFiles, log: &Published, old: u64) -> Result<Vec<Hash>, SignerError> {
    let tiles = tiles_for_consistency(old, log.size)?;
    let tiles = files.tiles(log, &tiles).await?;
    let tiles = tiles.ok_or(LogError::Tile("what was signed is not all there any more"))?;
    Ok(consistency_proof(old, log.size, &tiles)?)
}

fn corrupt(row: &CheckpointRow) -> StoreError {
    StoreError::Corrupt {
        table: "checkpoint",
        column: "region",
        key: row.region.clone(),
    }
}
