//! Going on from a log that is not what was signed: the operator's decision, on record as the first event of a new origin.

use hefu_domain::event::{ForkAccepted, LogTree};
use hefu_domain::{Digest, Event, Reason, Region};
use hefu_engine::system::{self, Notice};
use hefu_log::{Checkpoint, Frontier, Origin, Vkey, leaf_hash};
use hefu_store::{Head, Store, StoreError};

use super::memory::Memory;
use super::{Signer, SignerError, log};
use crate::offline::{Offline, OfflineError};

impl Offline {
    /// Accepts that a region's log is not what was signed of it, and begins a new epoch on what is there. Returns its first
    /// checkpoint's origin.
    ///
    /// # Errors
    /// `NotOpen` and `NoAlarm` where there is nothing to accept; the store's and the signer's.
    pub async fn accept_fork(
        &mut self,
        region: &Region,
        reason: Reason,
    ) -> Result<Origin, OfflineError> {
        // What is wrong may not have been found yet.
        self.signer.round().await?;
        let heads = self.store.heads(&[region.to_string()]).await?;
        let head = heads.into_iter().next();
        let head = head.ok_or_else(|| OfflineError::NotOpen(region.clone()))?;
        if head.alarm.is_none() {
            return Err(OfflineError::NoAlarm(region.clone()));
        }
        let signed = self.signer.last_signed(&head).await?;
        let accepted = ForkAccepted {
            reason,
            signed: signed.as_ref().map(|(tree, _)| *tree),
            kept: kept(&self.store, &head).await?,
        };
        // No origin is ever used twice, not even one that a restored backup knows nothing of.
        let epoch = 1 + signed.map_or(head.epoch, |(tree, _)| tree.epoch.max(head.epoch));
        let request = format!("accept-fork-{epoch}");
        let said = format!("{region} {epoch} {accepted:?}");
        let notice = Notice {
            region,
            at: self.clock.now(),
            request: &request,
            digest: self.secrets.request_digest("AcceptFork", said.as_bytes()),
            event: Event::ForkAccepted(accepted),
        };
        system::begin_epoch(&self.store, &notice, epoch).await?;
        let origin = log::origin(&self.deployment, self.clock.is_simulated(), region, epoch);
        let origin = origin.map_err(SignerError::from)?;
        self.signer.begin_anew(&origin)?;
        self.signer.round().await?;
        Ok(origin)
    }
}

impl Signer {
    /// The last tree of a region's log that was signed, as it is remembered, or else as the last checkpoint says that one of our keys
    /// signed; and that log's origin.
    async fn last_signed(&self, head: &Head) -> Result<Option<(LogTree, Origin)>, SignerError> {
        let memory = self.desk.as_ref().map(|desk| desk.memory(&head.region));
        if let Some(Ok(Some(Memory { origin, tree, .. }))) = memory {
            let tree = LogTree {
                epoch: origin.epoch(),
                size: tree.size(),
                root: Digest(tree.root().0),
            };
            return Ok(Some((tree, origin)));
        }
        let row = self.store.checkpoint(&head.region, head.epoch, u64::MAX);
        let Some(row) = row.await? else {
            return Ok(None);
        };
        let origin = self.origin(head)?;
        let known: Vec<Vkey> = self.keys.vkeys(&origin)?;
        let opened = Checkpoint::open(&row.note, &known).ok();
        let own = opened.filter(|checkpoint| checkpoint.origin == origin);
        Ok(own.map(|checkpoint| {
            let tree = LogTree {
                epoch: origin.epoch(),
                size: checkpoint.size,
                root: Digest(checkpoint.root.0),
            };
            (tree, origin)
        }))
    }

    /// Remembers a log that begins now, in the place of whatever was remembered of its region.
    fn begin_anew(&mut self, origin: &Origin) -> Result<(), SignerError> {
        self.logs.remove(origin.region());
        let memory = Memory {
            origin: origin.clone(),
            key: self.keys.newest().to_owned(),
            tree: log::nothing(),
        };
        match &self.desk {
            Some(desk) => desk.keep(&[memory]),
            None => Ok(()),
        }
    }
}

/// The tree of what stands in the database, hashed from the events themselves up to where they end or the head says that they do.
async fn kept(store: &Store, head: &Head) -> Result<LogTree, StoreError> {
    let mut tree = Frontier::new();
    'log: while tree.size() < head.size {
        let from = tree.size();
        let page = store
            .events(&head.region, head.epoch, from, log::PAGE)
            .await?;
        if page.is_empty() {
            break;
        }
        for event in &page {
            if event.idx != tree.size() || event.idx >= head.size {
                break 'log;
            }
            tree.push(leaf_hash(&event.bytes));
        }
    }
    Ok(LogTree {
        epoch: head.epoch,
        size: tree.size(),
        root: Digest(tree.root().0),
    })
}
