//! The signed status lists of the regions, made when they are asked for and kept for a while.
//!
//! Invariants: a list is made anew at most once in [`TTL`], and only if its region's log went on since; one is made at a time, whoever
//! asks for how many. So what strangers can cost is bounded, and nobody's move waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hefu_domain::{Instant, Region};
use hefu_engine::Engine;
use hefu_store::{Head, StoreError};
use hefu_token::{EncodedList, ListTimes};

/// How long a list is served, and kept by whoever fetched it, before it is looked at again, in seconds.
const TTL: i64 = 60;
/// When a list that says what it said is signed again, in seconds: long before it runs out.
const SIGNED_AGAIN: i64 = 15 * 60;
/// How long a signed list says anything, in seconds: nobody passes an old one off as today's.
const LIFE: i64 = 3_600;
/// How many lists are kept; the one that was looked at longest ago goes first.
const MOST_KEPT: usize = 1_024;

/// Why there is no list now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StatusListError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process of this deployment signs tokens and what is said of them.
    #[error("this process holds no key that signs tokens")]
    NoKey,
    /// Nothing is signed about a region whose log is in doubt.
    #[error("the log of region {region} is in doubt: {alarm}")]
    InDoubt {
        /// Which.
        region: Region,
        /// As its head says.
        alarm: String,
    },
}

/// A list to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    /// The signed list, a compact JWS.
    pub(crate) token: String,
    /// For how many seconds it need not be asked for again.
    pub(crate) fresh_for: i64,
}

/// The lists of a process.
pub(crate) struct StatusLists {
    engine: Engine,
    kept: Mutex<HashMap<(Region, u64), Arc<Kept>>>,
    making: tokio::sync::Mutex<()>,
}

/// A list as it was last made.
struct Kept {
    /// Epoch and size of the log that it is at least as new as.
    log: (u64, u64),
    list: EncodedList,
    token: String,
    signed: Instant,
    looked_at: Instant,
}

impl Kept {
    fn served(&self, now: Instant) -> Served {
        let age = now.0 - self.looked_at.0;
        Served {
            token: self.token.clone(),
            fresh_for: TTL - age.div_euclid(1_000),
        }
    }
}

impl StatusLists {
    pub(crate) fn new(engine: Engine) -> StatusLists {
        StatusLists {
            engine,
            kept: Mutex::default(),
            making: tokio::sync::Mutex::default(),
        }
    }

    /// The list; `None` where there is none.
    pub(crate) async fn get(
        &self,
        region: &Region,
        list: u64,
    ) -> Result<Option<Served>, StatusListError> {
        let place = (region.clone(), list);
        if let Some(served) = self.fresh(&place) {
            return Ok(Some(served));
        }
        if !self.engine.has_status_list(region, list).await? {
            return Ok(None);
        }
        let _one_at_a_time = self.making.lock().await;
        if let Some(served) = self.fresh(&place) {
            return Ok(Some(served));
        }
        self.make(&place).await
    }

    /// Makes the list, as far as it has to be.
    async fn make(&self, place: &(Region, u64)) -> Result<Option<Served>, StatusListError> {
        let (region, list) = place;
        let heads = self.engine.store().heads(&[region.to_string()]).await?;
        let Some(head) = heads.into_iter().next() else {
            return Ok(None);
        };
        refuse_doubt(region, &head)?;
        let now = self.engine.clock().now();
        let (log, before) = ((head.epoch, head.size), self.kept(place));
        let list = match &before {
            Some(before) if before.log == log => before.list.clone(),
            Some(_) | None => match self.engine.status_list(region, *list).await? {
                Some(list) => list.encode(),
                None => return Ok(None),
            },
        };
        // The very bytes again as long as they say the same, so that whoever has them need not fetch them.
        let still = before.filter(|before| before.list == list);
        let still = still.filter(|before| within(before.signed, now, SIGNED_AGAIN));
        let (token, signed) = match still {
            Some(before) => (before.token.clone(), before.signed),
            None => (self.sign(place, &list, now)?, now),
        };
        let kept = Arc::new(Kept {
            log,
            list,
            token,
            signed,
            looked_at: now,
        });
        let served = kept.served(now);
        self.keep(place.clone(), kept);
        Ok(Some(served))
    }

    fn sign(
        &self,
        (region, list): &(Region, u64),
        lst: &EncodedList,
        now: Instant,
    ) -> Result<String, StatusListError> {
        let people = self.engine.people();
        let iat = now.0.div_euclid(1_000);
        let times = ListTimes {
            iat,
            exp: iat + LIFE,
            ttl: TTL as u32,
        };
        let uri = people.status_list_uri(region, *list);
        let signed = people.tokens().sign_status_list(&uri, lst, times);
        signed.ok_or(StatusListError::NoKey)
    }

    fn kept(&self, place: &(Region, u64)) -> Option<Arc<Kept>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(place).cloned()
    }

    /// What is kept of it, if it need not be looked at again yet.
    fn fresh(&self, place: &(Region, u64)) -> Option<Served> {
        let kept = self.kept(place)?;
        let now = self.engine.clock().now();
        within(kept.looked_at, now, TTL).then(|| kept.served(now))
    }

    fn keep(&self, place: (Region, u64), list: Arc<Kept>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT && !kept.contains_key(&place) {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.looked_at);
            if let Some(oldest) = oldest.map(|(place, _)| place.clone()) {
                kept.remove(&oldest);
            }
        }
        kept.insert(place, list);
    }
}

/// Whether less than so many seconds have passed. A clock that went back tells nothing.
fn within(since: Instant, now: Instant, seconds: i64) -> bool {
    (0..seconds * 1_000).contains(&(now.0 - since.0))
}

fn refuse_doubt(region: &Region, head: &Head) -> Result<(), StatusListError> {
    match &head.alarm {
        None => Ok(()),
        Some(alarm) => Err(StatusListError::InDoubt {
            region: region.clone(),
            alarm: alarm.clone(),
        }),
    }
}
