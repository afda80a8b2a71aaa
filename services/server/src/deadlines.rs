//! What the clock ends (DOMAIN, section 2, move 16): vouchers expire at the instant, and their reserves are free, whether or not anybody asks;
//! also what fell due while no server ran. Every move holds its own deadline besides, so nothing is used after it in the meantime.
//!
//! The invariant: nothing is decided here. A voucher that a list calls due is submitted to the rules as the deployment's operator's request,
//! under an id that follows from the voucher; so several processes, or a start after a crash, do it once.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use hefu_domain::command::{Act, Expire};
use hefu_domain::{Code, Command, CredentialId, Instant, Region, RequestId, VoucherId};
use hefu_engine::{Engine, EngineError};
use hefu_store::StoreError;

/// How many are submitted at once: people's own moves find room between two of them.
const AT_ONCE: u32 = 100;
/// So many refused ones in one region are a defect that is not passed by.
const MOST_REFUSED: usize = 1_000;

/// Lets expire what is due, as the deployment's operator.
#[derive(Clone)]
pub struct Deadlines {
    engine: Engine,
    operator: CredentialId,
}

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Vouchers that expired.
    pub expired: u64,
    /// When the next one is due, as far as this round saw.
    pub next: Option<Instant>,
}

impl Deadlines {
    pub(crate) const fn new(engine: Engine, operator: CredentialId) -> Deadlines {
        Deadlines { engine, operator }
    }

    /// Lets everything expire that is due by the server's clock, in every region. A region that cannot be written now is told in the log
    /// and left to the next round.
    ///
    /// # Errors
    /// The store's, while it lists the regions.
    pub async fn expire_due(&self) -> Result<Round, EngineError> {
        let mut round = Round::default();
        for head in self.engine.store().all_heads().await? {
            let Ok(region) = head.region.parse::<Region>() else {
                continue;
            };
            match self.expire_due_in(&region).await {
                Ok(of) => {
                    round.expired += of.expired;
                    round.next = [round.next, of.next].into_iter().flatten().min();
                }
                Err(error) => {
                    tracing::warn!(%region, %error, "what is due did not expire; the next round tries again");
                }
            }
        }
        Ok(round)
    }

    async fn expire_due_in(&self, region: &Region) -> Result<Round, EngineError> {
        let store = self.engine.store();
        let now = self.engine.clock().now();
        // A deadline is exclusive: from that instant on.
        let after = Instant(now.0 + 1).to_string();
        let mut round = Round::default();
        let mut refused = BTreeSet::new();
        loop {
            let most = AT_ONCE + u32::try_from(refused.len()).unwrap_or(u32::MAX);
            let mut due = store.due(region.as_str(), &after, most).await?;
            due.retain(|id| !refused.contains(id));
            if due.is_empty() {
                break;
            }
            let asked = join_all(due.iter().map(|id| self.expire(region, id))).await;
            for (id, expired) in due.into_iter().zip(asked) {
                if expired? {
                    round.expired += 1;
                } else {
                    refused.insert(id);
                }
            }
            if refused.len() > MOST_REFUSED {
                tracing::warn!(%region, refused = refused.len(), "vouchers that are listed as due do not expire");
                break;
            }
        }
        let next = store.next_due(region.as_str(), &after).await?;
        round.next = next.and_then(|due| due.parse().ok());
        Ok(round)
    }

    /// True if it expired, by this request or by the same one of another process. Whoever was faster with another move of theirs is
    /// refused here.
    async fn expire(&self, region: &Region, id: &str) -> Result<bool, EngineError> {
        let voucher: VoucherId = id.parse().map_err(|_| {
            EngineError::Store(StoreError::Corrupt {
                table: "voucher",
                column: "id",
                key: format!("{region}/{id}"),
            })
        })?;
        let request: RequestId = format!("due-{voucher}")
            .parse()
            .map_err(|_| EngineError::Endless)?;
        let secrets = self.engine.people().secrets();
        let command = Command {
            region: region.clone(),
            by: self.operator.clone(),
            request,
            digest: secrets.request_digest("Expire", voucher.to_string().as_bytes()),
            seals: Vec::new(),
            act: Act::Expire(Expire { voucher }),
        };
        match self.engine.submit(command.into()).await {
            Ok(_) => Ok(true),
            Err(EngineError::Refused(refusals)) => {
                let overtaken = refusals.has(Code::VoucherEnded) || refusals.has(Code::NotDue);
                if !overtaken {
                    tracing::warn!(%region, %refusals, "a voucher that is due does not expire");
                }
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Goes on as long as the server runs: at once, then at every instant at which something is due, and every so often besides, for what
    /// was applied for since.
    pub(crate) async fn keep(self, every: Duration) {
        loop {
            let round = match self.expire_due().await {
                Ok(round) => round,
                Err(error) => {
                    tracing::warn!(%error, "what is due did not expire; the next round tries again");
                    Round::default()
                }
            };
            if round.expired > 0 {
                tracing::info!(expired = round.expired, "vouchers expired");
            }
            tokio::time::sleep(self.until(round.next).min(every)).await;
        }
    }

    /// How long it is until then. A made-up clock is looked at every so often: nobody knows when it is set forward.
    fn until(&self, next: Option<Instant>) -> Duration {
        let clock = self.engine.clock();
        match next.filter(|_| !clock.is_simulated()) {
            Some(next) => {
                let left = next.0.saturating_sub(clock.now().0).max(1);
                Duration::from_millis(u64::try_from(left).unwrap_or(1))
            }
            None => Duration::MAX,
        }
    }
}
