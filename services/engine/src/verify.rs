//! A whole database held against its own logs: every log is verified and replayed, and what comes out must equal the tables row by row,
//! both ways. What the log does not say is as wrong as what is missing.
//!
//! Regions go side by side in two lanes over one snapshot: while one lane reads, the other replays. What a region comes to never
//! depends on which lane it went.

mod tables;

use std::future::Future;
use std::sync::{Mutex as Lock, PoisonError};

use hefu_audit::{Audited, Auditor, Finding, Flagged, Ledger, Replayed, across};
use hefu_domain::{Fact, Region, Tag, VoucherId};
use hefu_store::{Head, Snapshot, StoreError};
use tokio::sync::Mutex;

use tables::{Expected, compare_nullifiers};

/// Events or rows of one read.
const PAGE: u32 = 2_000;
/// The most rows of a region that are named: a table that is wholly wrong needs no list.
const MOST_NAMED: usize = 50;

/// What the comparison found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Bytes, chains, indexes and roots are as they must be.
    pub log_verified: bool,
    /// The tables equal the replay.
    pub replay_equal: bool,
    /// What does not hold, in words.
    pub failed: Vec<String>,
    /// What the rules have against the moves, where they were asked; by region and index.
    pub findings: Vec<Finding>,
    /// What the fraud rules make of the logs, where the rules were asked.
    pub flags: Vec<Flagged>,
}

/// What one region came to.
struct Checked {
    region: Region,
    verified: Verified,
    ledger: Option<Ledger>,
    nullifiers: Vec<(Tag, VoucherId)>,
}

/// What the lanes share.
struct Shared<'a, 's, F> {
    snapshot: Mutex<&'a mut Snapshot>,
    heads: Lock<std::vec::IntoIter<Head>>,
    rules: bool,
    each: Lock<&'s mut F>,
}

/// Verifies every region of one snapshot; each replay is shown to `each` before it is compared: comparing takes it apart.
///
/// # Errors
/// The store's own; whatever it shows that is not as the log says is found, not an error.
pub async fn verify(
    snapshot: &mut Snapshot,
    each: impl FnMut(&Region, &Replayed),
) -> Result<Verified, StoreError> {
    audit(snapshot, false, each).await
}

/// [`verify`], and with `rules` every move decided again.
///
/// # Errors
/// As [`verify`].
pub async fn audit(
    snapshot: &mut Snapshot,
    rules: bool,
    mut each: impl FnMut(&Region, &Replayed),
) -> Result<Verified, StoreError> {
    let heads = snapshot.all_heads().await?;
    let shared = Shared {
        snapshot: Mutex::new(snapshot),
        heads: Lock::new(heads.into_iter()),
        rules,
        each: Lock::new(&mut each),
    };
    let (mut regions, others) = tokio::try_join!(lane(&shared), lane(&shared))?;
    regions.extend(others);
    regions.sort_by(|one, other| one.region.cmp(&other.region));
    let mut verified = Verified {
        log_verified: true,
        replay_equal: true,
        ..Verified::default()
    };
    let mut ledgers = Vec::new();
    let mut held = Vec::new();
    for region in regions {
        verified.log_verified &= region.verified.log_verified;
        verified.replay_equal &= region.verified.replay_equal;
        verified.failed.extend(region.verified.failed);
        verified.findings.extend(region.verified.findings);
        verified.flags.extend(region.verified.flags);
        ledgers.extend(region.ledger);
        held.push((region.region, region.nullifiers));
    }
    verified.findings.extend(across(&ledgers));
    drop(ledgers);
    compare_nullifiers(shared.snapshot.into_inner(), held, &mut verified).await?;
    Ok(verified)
}

/// Takes one region after the other until none is left.
async fn lane<F: FnMut(&Region, &Replayed)>(
    shared: &Shared<'_, '_, F>,
) -> Result<Vec<Checked>, StoreError> {
    let mut checked = Vec::new();
    while let Some(head) = shared.next_head() {
        checked.push(region(shared, &head).await?);
    }
    Ok(checked)
}

impl<F> Shared<'_, '_, F> {
    fn next_head(&self) -> Option<Head> {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.next()
    }

    async fn epoch_after(&self, head: &Head, epoch: u64) -> Result<Option<u64>, StoreError> {
        let mut snapshot = self.snapshot.lock().await;
        snapshot.epoch_after(&head.region, epoch).await
    }

    fn show(&self, region: &Region, replayed: &Replayed)
    where
        F: FnMut(&Region, &Replayed),
    {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        each(region, replayed);
    }

    async fn events(&self, head: &Head, epoch: u64, from: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut snapshot = self.snapshot.lock().await;
        let events = snapshot.leaves(&head.region, epoch, from, PAGE).await?;
        Ok(events.into_iter().map(|event| event.bytes).collect())
    }
}

async fn region<F: FnMut(&Region, &Replayed)>(
    shared: &Shared<'_, '_, F>,
    head: &Head,
) -> Result<Checked, StoreError> {
    let region = code(head)?;
    let audited = replay(shared, &region, head).await?;
    let mut verified = Verified {
        log_verified: true,
        replay_equal: true,
        findings: audited.findings,
        flags: audited.flags,
        ..Verified::default()
    };
    let nullifiers = match audited.log {
        Err(failure) => {
            verified.log_verified = false;
            verified.replay_equal = false;
            verified.failed.push(failure.to_string());
            Vec::new()
        }
        Ok(mut replayed) => {
            if !ends_at(&replayed, head) {
                verified.log_verified = false;
                verified.replay_equal = false;
                let what = format!("region {region}: the head is not the log's end");
                verified.failed.push(what);
            }
            shared.show(&region, &replayed);
            let nullifiers = std::mem::take(&mut replayed.nullifiers);
            tables(shared, &region, replayed, &mut verified).await?;
            if shared.rules {
                let late = drawn_late(shared, &region).await?;
                verified.failed.extend(late);
            }
            nullifiers.into_iter().collect()
        }
    };
    Ok(Checked {
        region,
        verified,
        ledger: audited.ledger,
        nullifiers,
    })
}

fn code(head: &Head) -> Result<Region, StoreError> {
    head.region.parse().map_err(|_| StoreError::Corrupt {
        table: "head",
        column: "region",
        key: head.region.clone(),
    })
}

fn ends_at(replayed: &Replayed, head: &Head) -> bool {
    (replayed.epoch, replayed.size, replayed.at.0) == (head.epoch, head.size, head.at_ms)
        && replayed.root.0 == head.root
}

/// Replays one region's log from the stored bytes, epoch after epoch. The next page is read while one is replayed.
async fn replay<F>(
    shared: &Shared<'_, '_, F>,
    region: &Region,
    head: &Head,
) -> Result<Audited, StoreError> {
    let mut auditor = Auditor::new(region.clone(), shared.rules);
    let mut next = Some(0);
    // What stands beyond the head's epoch is for the tables to miss.
    while let Some(epoch) = next.filter(|epoch| *epoch <= head.epoch) {
        if epoch > 0 {
            auditor.enter(epoch);
        }
        let mut from = 0;
        let mut page = shared.events(head, epoch, from).await?;
        while !page.is_empty() && !auditor.has_failed() {
            from += page.len() as u64;
            let more = page.len() == PAGE as usize;
            let feeding = aside(move || {
                page.iter().for_each(|bytes| auditor.feed(bytes));
                auditor
            });
            let reading = async {
                match more {
                    true => shared.events(head, epoch, from).await,
                    false => Ok(Vec::new()),
                }
            };
            (auditor, page) = tokio::try_join!(feeding, reading)?;
        }
        next = shared.epoch_after(head, epoch).await?;
    }
    aside(move || auditor.end()).await
}

/// Compares a region's tables with its replay. The next page is read while one is compared.
async fn tables<F>(
    shared: &Shared<'_, '_, F>,
    region: &Region,
    replayed: Replayed,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let mut expected = Expected::new(region.clone(), replayed);
    for table in hefu_store::Table::ALL {
        let read = async |after: Option<&str>| {
            let mut snapshot = shared.snapshot.lock().await;
            snapshot.rows(table, region.as_str(), after, PAGE).await
        };
        let mut page = read(None).await?;
        while !page.is_empty() {
            let more = page.len() == PAGE as usize;
            let last = page.last().map(|row| row.id.clone());
            let comparing = aside(move || {
                expected.compare(page)?;
                Ok(expected)
            });
            let reading = async {
                match more {
                    true => read(last.as_deref()).await,
                    false => Ok(Vec::new()),
                }
            };
            let compared: Result<Expected, StoreError>;
            (compared, page) = tokio::try_join!(comparing, reading)?;
            expected = compared?;
        }
    }
    expected.end(verified);
    Ok(())
}

/// Samples that were not drawn from the first published checkpoint that covers their plan: whoever may wait for a later one chooses.
async fn drawn_late<F>(
    shared: &Shared<'_, '_, F>,
    region: &Region,
) -> Result<Vec<String>, StoreError> {
    let (table, mut after, mut late) = (hefu_store::Table::Sample, None::<String>, Vec::new());
    loop {
        let mut snapshot = shared.snapshot.lock().await;
        let page = snapshot
            .rows(table, region.as_str(), after.as_deref(), PAGE)
            .await?;
        for row in &page {
            let Fact::Sample(sample) = crate::rows::fact(row)? else {
                continue;
            };
            let Some(draw) = sample.draw else { continue };
            let (epoch, covers) = (draw.planned.epoch, draw.planned.index + 1);
            let first = snapshot
                .checkpoints(region.as_str(), epoch, covers, 1)
                .await?;
            if first.first().map(|first| first.size) != Some(draw.tree.size) {
                late.push(format!(
                    "region {region}: sample {} was not drawn from the first published checkpoint that covers its plan",
                    row.id
                ));
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.id.clone()),
            Some(_) | None => return Ok(late),
        }
    }
}

/// Runs what only computes where it holds up no reading.
fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, StoreError>> {
    let running = tokio::task::spawn_blocking(work);
    async {
        running.await.map_err(|error| StoreError::Unavailable {
            what: format!("the audit was stopped: {error}"),
        })
    }
}

impl Verified {
    fn differs(&mut self, what: String) {
        self.replay_equal = false;
        if self.failed.len() < MOST_NAMED {
            self.failed.push(what);
        }
    }
}
