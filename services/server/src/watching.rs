//! The fraud checks at work: every region's log is followed in its order, some time behind the moves, and what the rules make of it is put
//! on record. The rules are the domain's ([`hefu_domain::Watch`]); an auditor who runs them over the same log comes to the same flags.
//!
//! What it remembers is written down now and then ([`kept`]), and a start goes on from there, or reads the log anew: whatever was put on
//! record before is refused as there already. So two processes that watch one log do no harm, and
//! over one state folder only one of them does.

mod kept;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use hefu_domain::state::LogPlace;
use hefu_domain::{Code, Command, CredentialId, Event, Instant, Raised, Region, RequestId, Watch};
use hefu_engine::{Engine, EngineError};
use hefu_store::{Head, StoreError};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use crate::files::Duty;
use kept::Kept;

/// Events that are read at once.
const PAGE: u32 = 1_000;
/// After each full page the watch rests so many times as long as that took: moves come first.
const REST: u32 = 2;

/// What is remembered is written down after so many events, at the least.
const KEEP_AFTER: u64 = 10_000;

/// And after this part of the whole log: what is written in all stays a small multiple of what is remembered in the end.
const KEEP_PART: u64 = 8;

/// One region's log, as far as it was seen.
#[derive(Default)]
struct Followed {
    /// Epoch and index of the next event.
    next: (u64, u64),
    /// Leaf hash of the last one.
    leaf: Option<[u8; 32]>,
    /// How many events were seen, of the whole log.
    seen: u64,
    /// And since that was written down.
    unkept: u64,
    watch: Watch,
    /// Flags that are not on record yet, in the order in which they were made.
    waiting: VecDeque<Raised>,
}

impl Followed {
    /// A flag that waited, and was put on record before this process saw what made it.
    fn leave_out_recorded(&mut self, event: &Event) {
        if let Event::FlagRaised(raised) = event {
            self.waiting.retain(|flag| flag.flag() != raised.flag);
        }
    }
}

/// What a round of the watch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watched {
    /// Events that it saw.
    pub events: usize,
    /// Flags that it put on record.
    pub flags: usize,
}

/// The watch over the logs of a deployment. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Watching {
    engine: Engine,
    operator: CredentialId,
    kept: Kept,
    logs: Arc<Mutex<BTreeMap<Region, Followed>>>,
}

impl Watching {
    /// `state` is the state folder.
    pub(crate) fn new(engine: Engine, operator: CredentialId, state: &Path) -> Watching {
        Watching {
            engine,
            operator,
            kept: Kept::new(state),
            logs: Arc::default(),
        }
    }

    /// Sees what was written since the last time, in every region.
    ///
    /// # Errors
    /// The store's or the engine's; the next round goes on where this one stopped.
    pub(crate) async fn round(&self) -> Result<Watched, EngineError> {
        let mut logs = self.logs.lock().await;
        let mut watched = Watched::default();
        for head in self.engine.store().all_heads().await? {
            let corrupt = |_| StoreError::Corrupt {
                table: "head",
                column: "region",
                key: head.region.clone(),
            };
            let region: Region = head.region.parse().map_err(corrupt)?;
            // A log in doubt is not written.
            if head.alarm.is_none() {
                let log = match logs.remove(&region) {
                    Some(log) => log,
                    None => self.take_up(&region).await?,
                };
                let log = logs.entry(region.clone()).or_insert(log);
                self.follow(&region, &head, log, &mut watched).await?;
            }
        }
        Ok(watched)
    }

    /// Writes down what is remembered of every log, for the next start to go on from there.
    pub(crate) async fn keep_all(&self) {
        for (region, log) in &mut *self.logs.lock().await {
            if log.unkept > 0 && log.waiting.is_empty() {
                self.keep(region, log).await;
            }
        }
    }

    /// Goes on where an earlier process stood, if that is a place in this log: a restored backup may hold another one.
    async fn take_up(&self, region: &Region) -> Result<Followed, EngineError> {
        let (kept, of) = (self.kept.clone(), region.clone());
        let kept = spawn_blocking(move || kept.get(&of)).await.ok().flatten();
        let Some(log) = kept else {
            return Ok(Followed::default());
        };
        let (epoch, next) = log.next;
        let last = next.saturating_sub(1);
        let store = self.engine.store();
        let leaves = store.leaves(region.as_str(), epoch, last, 1).await?;
        let there = leaves.first().filter(|there| there.idx == last);
        if there.is_some_and(|there| Some(there.leaf) == log.leaf) {
            return Ok(log);
        }
        tracing::warn!(%region, "what the fraud rules remember is of another log; this one is read from its beginning");
        Ok(Followed::default())
    }

    async fn follow(
        &self,
        region: &Region,
        head: &Head,
        log: &mut Followed,
        watched: &mut Watched,
    ) -> Result<(), EngineError> {
        while log.next < (head.epoch, head.size) {
            let began = Stopwatch::now();
            let store = self.engine.store();
            let page = store
                .events_onwards(region.as_str(), log.next, PAGE)
                .await?;
            for row in &page {
                let event = hefu_engine::decode(row)?;
                let place = LogPlace {
                    epoch: row.epoch,
                    index: row.idx,
                };
                let made = log.watch.see(place, Instant(row.at_ms), &event);
                log.waiting.extend(made);
                log.leave_out_recorded(&event);
                log.next = (row.epoch, row.idx + 1);
                log.leaf = Some(row.leaf);
                log.seen += 1;
                log.unkept += 1;
            }
            watched.events += page.len();
            if log.waiting.is_empty() && log.unkept >= KEEP_AFTER.max(log.seen / KEEP_PART) {
                self.keep(region, log).await;
            }
            if page.len() < PAGE as usize {
                break;
            }
            tokio::time::sleep(began.elapsed() * REST).await;
        }
        watched.flags += self.put_on_record(region, log).await?;
        Ok(())
    }

    /// Writes down what is remembered, when no flag waits.
    async fn keep(&self, region: &Region, log: &mut Followed) {
        let (kept, of, taken) = (self.kept.clone(), region.clone(), std::mem::take(log));
        let done = spawn_blocking(move || {
            let done = kept.put(&of, &taken);
            (taken, done)
        });
        let Ok((taken, done)) = done.await else {
            return; // the process ends, or the log is read anew
        };
        *log = taken;
        log.unkept = 0;
        if let Err(error) = done {
            tracing::warn!(%region, %error, "what the fraud rules remember was not written down; a start now would read more of the log again");
        }
    }

    /// Puts what waits on record, in order: a flag that cannot be written holds up those after it.
    async fn put_on_record(
        &self,
        region: &Region,
        log: &mut Followed,
    ) -> Result<usize, EngineError> {
        let mut raised = 0;
        while let Some(flag) = log.waiting.front() {
            raised += usize::from(self.submit(region, flag).await?);
            log.waiting.pop_front();
        }
        Ok(raised)
    }

    /// True if it was put on record just now.
    async fn submit(&self, region: &Region, flag: &Raised) -> Result<bool, EngineError> {
        let id = flag.flag();
        // One flag is one request, so that a lost answer never raises it twice.
        let request: RequestId = format!("flag-{}", id.0.simple())
            .parse()
            .map_err(|_| EngineError::Endless)?;
        let secrets = self.engine.people().secrets();
        let command = Command {
            region: region.clone(),
            by: self.operator.clone(),
            request,
            digest: secrets.request_digest("RaiseFlag", id.to_string().as_bytes()),
            seals: Vec::new(),
            act: flag.act().into(),
        };
        match self.engine.submit(command.into()).await {
            Ok(_) => Ok(true),
            Err(EngineError::Refused(refusals)) if refusals.has(Code::FlagExists) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Watches the logs as long as the server runs and that is its duty.
pub(crate) async fn keep_watching(watching: Watching, duty: Duty, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        if !duty.is_ours() {
            continue;
        }
        let round = watching.round().await;
        match &round {
            Ok(Watched { flags: 0, .. }) => {}
            Ok(Watched { flags, .. }) => tracing::info!(flags, "the fraud rules saw something"),
            Err(error) if !failing => {
                tracing::warn!(%error, "the logs could not be watched; the next round goes on")
            }
            Err(_) => {}
        }
        failing = round.is_err();
    }
}
