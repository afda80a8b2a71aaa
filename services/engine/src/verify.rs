//! A whole database held against its own logs: every log is verified and replayed, and what comes out must equal the tables row by row,
//! both ways. What the log does not say is as wrong as what is missing.

use std::collections::HashMap;

use hefu_audit::{Replay, Replayed};
use hefu_domain::{Fact, Key, Region, Tag, VoucherId};
use hefu_store::{Head, Nullifier, Row, Snapshot, StoreError, Table};

use crate::rows;

/// Events or rows of one read.
const PAGE: u32 = 2_000;
/// The most rows that are named: a table that is wholly wrong needs no list.
const MOST_NAMED: usize = 50;

/// Who holds a nullifier: the region's place in the order of heads, and the voucher. There are hundreds of thousands of them.
type Held = (usize, VoucherId);

/// What the comparison found.
#[derive(Debug)]
pub struct Verified {
    /// Bytes, chains, indexes and roots are as they must be.
    pub log_verified: bool,
    /// The tables equal the replay.
    pub replay_equal: bool,
    /// What does not hold, in words.
    pub failed: Vec<String>,
}

/// Verifies every region of one snapshot; each replay is shown to `each` before it is dropped, for one region's is all that memory
/// should ever hold.
///
/// # Errors
/// The store's own; whatever it shows that is not as the log says is found, not an error.
pub async fn verify(
    snapshot: &mut Snapshot,
    mut each: impl FnMut(&Region, &Replayed),
) -> Result<Verified, StoreError> {
    let mut verified = Verified {
        log_verified: true,
        replay_equal: true,
        failed: Vec::new(),
    };
    let mut regions: Vec<Region> = Vec::new();
    let mut nullifiers: HashMap<Tag, Held> = HashMap::new();
    for head in snapshot.all_heads().await? {
        let region = code(&head)?;
        let Some(replayed) = replay(snapshot, &region, &head, &mut verified).await? else {
            continue;
        };
        compare(snapshot, &region, &replayed, &mut verified).await?;
        for (tag, voucher) in &replayed.nullifiers {
            // The region that is verified now is the next of the list.
            if nullifiers.insert(*tag, (regions.len(), *voucher)).is_some() {
                verified
                    .failed
                    .push(format!("region {region}: a nullifier is held twice"));
            }
        }
        each(&region, &replayed);
        regions.push(region);
    }
    compare_nullifiers(snapshot, &regions, nullifiers, &mut verified).await?;
    Ok(verified)
}

fn code(head: &Head) -> Result<Region, StoreError> {
    head.region.parse().map_err(|_| StoreError::Corrupt {
        table: "head",
        column: "region",
        key: head.region.clone(),
    })
}

/// Replays one region's log from the stored bytes and compares its end with the head.
async fn replay(
    snapshot: &mut Snapshot,
    region: &Region,
    head: &Head,
    verified: &mut Verified,
) -> Result<Option<Replayed>, StoreError> {
    let mut replay = Replay::new(region.clone());
    let mut from = 0;
    loop {
        let events = snapshot
            .events(region.as_str(), head.epoch, from, PAGE)
            .await?;
        for event in &events {
            if let Err(failure) = replay.feed(&event.bytes) {
                verified.log_verified = false;
                verified.replay_equal = false;
                verified.failed.push(failure.to_string());
                return Ok(None);
            }
        }
        from += events.len() as u64;
        if events.len() < PAGE as usize {
            break;
        }
    }
    let replayed = replay.end();
    if replayed.size != head.size || replayed.root.0 != head.root || replayed.at.0 != head.at_ms {
        verified.log_verified = false;
        verified
            .failed
            .push(format!("region {region}: the head is not the log's end"));
    }
    Ok(Some(replayed))
}

/// Compares the tables with the replay, row by row. Rows are made one at a time from what the replay holds already: a second copy of
/// a large region would be the most memory that this process ever takes.
async fn compare(
    snapshot: &mut Snapshot,
    region: &Region,
    replayed: &Replayed,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let mut expected: HashMap<(Table, String), (&Key, &Fact)> = replayed
        .world
        .all()
        .into_iter()
        .map(|(key, fact)| (rows::place(key), (key, fact)))
        .collect();
    for table in Table::ALL {
        let mut after: Option<String> = None;
        loop {
            let page = snapshot
                .rows(table, region.as_str(), after.as_deref(), PAGE)
                .await?;
            after = page.last().map(|row| row.id.clone());
            let full = page.len() == PAGE as usize;
            for row in page {
                let wanted = expected
                    .remove(&(table, row.id.clone()))
                    .map(|(key, fact)| expected_row(region, replayed, key, fact))
                    .transpose()?;
                if wanted.as_ref() != Some(&row) {
                    let name = table.spec().name;
                    verified.differs(format!(
                        "region {region}: {name}/{} is not what the log says",
                        row.id
                    ));
                }
            }
            if !full {
                break;
            }
        }
    }
    for (table, id) in expected.keys() {
        let name = table.spec().name;
        verified.differs(format!(
            "region {region}: {name}/{id} is missing from the tables"
        ));
    }
    Ok(())
}

/// A fact's row as the log says that it must be.
fn expected_row(
    region: &Region,
    replayed: &Replayed,
    key: &Key,
    fact: &Fact,
) -> Result<Row, StoreError> {
    let (version, leaf) = replayed
        .streams
        .get(key)
        .map_or((0, None), |(version, leaf)| (*version, Some(leaf.0)));
    rows::row(region.as_str(), key, fact, version, leaf)
}

async fn compare_nullifiers(
    snapshot: &mut Snapshot,
    regions: &[Region],
    mut expected: HashMap<Tag, Held>,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let holds = |(region, voucher): Held, row: &Nullifier| {
        regions[region].as_str() == row.region && voucher.to_string() == row.voucher
    };
    let mut after = None;
    loop {
        let page = snapshot.all_nullifiers(after, PAGE).await?;
        after = page.last().map(|row| row.tag);
        let full = page.len() == PAGE as usize;
        for row in page {
            let held = expected.remove(&Tag(row.tag));
            if !held.is_some_and(|held| holds(held, &row)) {
                verified.differs(format!(
                    "region {}: a nullifier of {} is not what the log says",
                    row.region, row.voucher
                ));
            }
        }
        if !full {
            break;
        }
    }
    if !expected.is_empty() {
        verified.differs(format!(
            "{} nullifiers are missing from the table",
            expected.len()
        ));
    }
    Ok(())
}

impl Verified {
    fn differs(&mut self, what: String) {
        self.replay_equal = false;
        if self.failed.len() < MOST_NAMED {
            self.failed.push(what);
        }
    }
}
