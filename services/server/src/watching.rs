//! The fraud checks at work: every region's log is followed in its order, some time behind the moves, and what the rules make of it is put
//! on record. The rules are the domain's ([`hefu_domain::Watch`]); an auditor who runs them over the same log comes to the same flags.
//!
//! Nothing is remembered between two starts: a start reads the logs from their beginning, and whatever was put on record before is refused
//! as there already. So nobody can make the watch forget, and two processes that watch one log do no harm.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hefu_domain::state::LogPlace;
use hefu_domain::{Code, Command, CredentialId, Instant, Raised, Region, RequestId, Watch};
use hefu_engine::{Engine, EngineError};
use hefu_store::{Head, StoreError};
use tokio::sync::Mutex;

/// Events that are read at once.
const PAGE: u32 = 1_000;
/// How long the watch rests between two full pages, so that a start leaves the moves their room.
const REST: Duration = Duration::from_millis(20);

/// One region's log, as far as it was seen.
#[derive(Default)]
struct Followed {
    epoch: u64,
    next: u64,
    watch: Watch,
    /// Flags that are not on record yet, in the order in which they were made.
    waiting: VecDeque<Raised>,
}

/// The watch over the logs of a deployment. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Watching {
    engine: Engine,
    operator: CredentialId,
    logs: Arc<Mutex<BTreeMap<Region, Followed>>>,
}

impl Watching {
    pub(crate) fn new(engine: Engine, operator: CredentialId) -> Watching {
        Watching {
            engine,
            operator,
            logs: Arc::default(),
        }
    }

    /// Sees what was written since the last time, in every region. Returns how many flags were put on record.
    ///
    /// # Errors
    /// The store's or the engine's; the next round goes on where this one stopped.
    pub(crate) async fn round(&self) -> Result<usize, EngineError> {
        let mut logs = self.logs.lock().await;
        let mut raised = 0;
        for head in self.engine.store().all_heads().await? {
            let corrupt = |_| StoreError::Corrupt {
                table: "head",
                column: "region",
                key: head.region.clone(),
            };
            let region: Region = head.region.parse().map_err(corrupt)?;
            // A log in doubt is not written.
            if head.alarm.is_none() {
                let followed = logs.entry(region.clone()).or_default();
                raised += self.follow(&region, &head, followed).await?;
            }
        }
        Ok(raised)
    }

    async fn follow(
        &self,
        region: &Region,
        head: &Head,
        log: &mut Followed,
    ) -> Result<usize, EngineError> {
        let mut raised = self.put_on_record(region, log).await?;
        while (log.epoch, log.next) < (head.epoch, head.size) {
            let from = (log.epoch, log.next);
            let store = self.engine.store();
            let page = store.events_onwards(region.as_str(), from, PAGE).await?;
            for row in &page {
                let event = hefu_engine::decode(row)?;
                let place = LogPlace {
                    epoch: row.epoch,
                    index: row.idx,
                };
                let made = log.watch.see(place, Instant(row.at_ms), &event);
                log.waiting.extend(made);
                (log.epoch, log.next) = (row.epoch, row.idx + 1);
            }
            raised += self.put_on_record(region, log).await?;
            if page.len() < PAGE as usize {
                break;
            }
            tokio::time::sleep(REST).await;
        }
        Ok(raised)
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

/// Watches the logs as long as the server runs.
pub(crate) async fn keep_watching(watching: Watching, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let round = watching.round().await;
        match &round {
            Ok(0) => {}
            Ok(flags) => tracing::info!(flags, "the fraud rules saw something"),
            Err(error) if !failing => {
                tracing::warn!(%error, "the logs could not be watched; the next round goes on")
            }
            Err(_) => {}
        }
        failing = round.is_err();
    }
}
