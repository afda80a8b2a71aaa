//! The comparing of tables with what a replay says that they are, page by page.

use std::collections::HashMap;

use hefu_audit::Replayed;
use hefu_domain::{Key, Region, Tag, VoucherId};
use hefu_store::{Nullifier, Row, Snapshot, StoreError};

use super::{MOST_NAMED, PAGE, Verified};
use crate::rows;

/// Who holds a nullifier: the region's place in the order of heads, and the voucher. There are hundreds of thousands of them.
type Held = (usize, VoucherId);

/// A region's replay, of which every fact is taken out as its row comes by. Rows are made one at a time: a second copy of a large region
/// would be the most memory that this process ever takes.
pub(super) struct Expected {
    region: Region,
    replayed: Replayed,
    differences: Vec<String>,
}

impl Expected {
    pub(super) fn new(region: Region, replayed: Replayed) -> Expected {
        Expected {
            region,
            replayed,
            differences: Vec::new(),
        }
    }

    pub(super) fn compare(&mut self, page: Vec<Row>) -> Result<(), StoreError> {
        for row in page {
            let wanted = match rows::key(row.table, &row.id) {
                Some(key) => self.row(&key)?,
                None => None,
            };
            if wanted.as_ref() != Some(&row) && self.differences.len() < MOST_NAMED {
                let (region, name, id) = (&self.region, row.table.spec().name, row.id);
                let what = format!("region {region}: {name}/{id} is not what the log says");
                self.differences.push(what);
            }
        }
        Ok(())
    }

    /// A fact's row as the log says that it must be.
    fn row(&mut self, key: &Key) -> Result<Option<Row>, StoreError> {
        let taken = self.replayed.take(key);
        let taken = taken.map_err(|error| StoreError::Unavailable {
            what: format!("the audit's temporary file cannot be read: {error}"),
        })?;
        let Some((fact, head)) = taken else {
            return Ok(None);
        };
        let (version, leaf) = head.map_or((0, None), |(version, leaf)| (version, Some(leaf.0)));
        rows::row(self.region.as_str(), key, &fact, version, leaf).map(Some)
    }

    /// Every row was seen: what is left over is missing.
    pub(super) fn end(self, verified: &mut Verified) {
        let region = &self.region;
        let left = self.replayed.left();
        let mut missing: Vec<_> = left.iter().map(rows::place).collect();
        missing.sort();
        let missing = missing.into_iter().map(|(table, id)| {
            let name = table.spec().name;
            format!("region {region}: {name}/{id} is missing from the tables")
        });
        self.differences
            .into_iter()
            .chain(missing)
            .for_each(|what| verified.differs(what));
    }
}

/// Compares the table of nullifiers with what all logs say, both ways.
pub(super) async fn compare_nullifiers(
    snapshot: &mut Snapshot,
    regions: Vec<(Region, Vec<(Tag, VoucherId)>)>,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let mut codes = Vec::with_capacity(regions.len());
    let mut expected: HashMap<Tag, Held> = HashMap::new();
    for (region, held) in regions {
        for (tag, voucher) in held {
            // The region that is looked at now is the next of the list.
            if expected.insert(tag, (codes.len(), voucher)).is_some() {
                let what = format!("region {region}: a nullifier is held twice");
                verified.failed.push(what);
            }
        }
        codes.push(region);
    }
    let holds = |(region, voucher): Held, row: &Nullifier| {
        codes[region].as_str() == row.region && voucher.to_string() == row.voucher
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
