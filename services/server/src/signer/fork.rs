//! Going on from a log that is not what was signed: the operator's decision, on record as the first event of a new origin.

use hefu_domain::event::{ForkAccepted, LogTree};
use hefu_domain::{Digest, Event, Reason, Region};
use hefu_engine::system::{self, Notice};
use hefu_log::{Checkpoint, Frontier, Opened, Origin, Vkey, leaf_hash};
use hefu_store::{Head, Store, StoreError};
use serde_json::value::RawValue;

use super::memory::Memory;
use super::{Signer, SignerError, log, signs};
use crate::offline::{Offline, OfflineError};
use crate::strays;

impl Offline {
    /// The regions whose log is in doubt, in order.
    ///
    /// # Errors
    /// The store's and the signer's.
    pub async fn in_doubt(&mut self) -> Result<Vec<Region>, OfflineError> {
        let round = self.signer.round().await?;
        let regions = round.alarmed.iter().map(|region| {
            region.parse().map_err(|_| StoreError::Corrupt {
                table: "head",
                column: "region",
                key: region.clone(),
            })
        });
        Ok(regions.collect::<Result<_, _>>()?)
    }

    /// Accepts that a region's log is not what was signed of it, and begins a new epoch on what is there. Returns its first
    /// checkpoint's origin. What an earlier call began that was killed is finished, for the reason that was given then.
    ///
    /// # Errors
    /// `NotOpen` and `NoAlarm` where there is nothing to accept, `Strays` where rows would be left that belong to no log; the
    /// store's and the signer's.
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
        let kept = kept(&self.store, &head).await?;
        let end = Head {
            size: kept.size,
            ..head.clone()
        };
        if let Some(stray) = strays::find(&mut *self.store.snapshot().await?, &end).await? {
            let region = region.clone();
            return Err(OfflineError::Strays { region, stray });
        }
        if let Some(origin) = self.begun(region, &head).await? {
            self.signer.begin_anew(&origin)?;
            self.store.set_alarm(region.as_str(), None).await?;
            self.signer.round().await?;
            return Ok(origin);
        }
        let signed = self.signer.last_signed(&head).await?;
        let signed = signed.map(|(tree, _)| tree);
        // No origin is ever used twice, not even one that a restored backup and a lost memory know nothing of.
        let last = self.signer.last_epoch(region)?.unwrap_or(0);
        let epoch = 1 + signed.map_or(head.epoch, |tree| tree.epoch.max(head.epoch));
        let epoch = epoch.max(last + 1);
        let accepted = ForkAccepted {
            reason,
            signed,
            kept,
        };
        let request = format!("accept-fork-{epoch}");
        let notice = Notice {
            region,
            at: self.clock.now(),
            request: &request,
            digest: self.digest(region, epoch, &accepted),
            event: Event::ForkAccepted(accepted),
        };
        system::begin_epoch(&self.store, &notice, head, epoch).await?;
        let origin = log::origin(&self.deployment, self.clock.is_simulated(), region, epoch);
        let origin = origin.map_err(SignerError::from)?;
        self.signer.begin_anew(&origin)?;
        self.signer.round().await?;
        Ok(origin)
    }

    /// The origin of a log that an earlier call began and was killed over: never signed, and begun by an event that bears this
    /// deployment's own digest. Whoever has nothing but the database cannot make one.
    async fn begun(&self, region: &Region, head: &Head) -> Result<Option<Origin>, OfflineError> {
        let origin = self.signer.origin(head)?;
        if self.signer.last_epoch(region)? >= Some(head.epoch) {
            return Ok(None);
        }
        let first = self.store.events(region.as_str(), head.epoch, 0, 1).await?;
        let Some(first) = first.first() else {
            return Ok(None);
        };
        let Ok(Event::ForkAccepted(accepted)) = hefu_engine::decode(first) else {
            return Ok(None);
        };
        let own = self.digest(region, head.epoch, &accepted).to_string();
        let opened = Opened::<Box<RawValue>>::decode(&first.bytes);
        let is_own = opened.is_ok_and(|opened| opened.digest == own);
        Ok(is_own.then_some(origin))
    }

    /// What stands for an accepted fork in its event's envelope.
    fn digest(&self, region: &Region, epoch: u64, accepted: &ForkAccepted) -> Digest {
        let said = format!("{region} {epoch} {accepted:?}");
        self.secrets.request_digest("AcceptFork", said.as_bytes())
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

    /// The last epoch of a region's log that was ever signed, or was about to be, by the public keys on record.
    fn last_epoch(&self, region: &Region) -> Result<Option<u64>, SignerError> {
        let Some(desk) = &self.desk else {
            return Ok(None);
        };
        let lines = desk.vkeys()?;
        let known = lines.iter().filter_map(|line| signs(line));
        let own = known.filter(|origin| origin.region() == region.as_str());
        Ok(own.map(|origin| origin.epoch()).max())
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
            .leaves(&head.region, head.epoch, from, log::PAGE)
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
