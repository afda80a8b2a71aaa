//! The comparing of tables with what a replay says that they are, page by page.

use std::collections::HashMap;

use hefu_audit::Replayed;
use hefu_domain::{Key, Region, Tag, VoucherId};
use hefu_store::{Nullifier, Row, Snapshot, StoreError, Table};

use super::{MOST_NAMED, PAGE, Verified};
use crate::rows;

/// Who holds a nullifier: the region's place in the order of heads, and the voucher. There are hundreds of thousands of them.
type Held = (usize, VoucherId);

/// A region's replay, and which of its facts no row was found for yet. Rows are made one at a time from what the replay holds already: a
/// second copy of a large region would be the most memory that this process ever takes.
pub(super) struct Expected {
    region: Region,
    replayed: Replayed,
    left: HashMap<(Table, String), Key>,
    differences: Vec<String>,
}

impl Expected {
    pub(super) fn new(region: Region, replayed: Replayed) -> Expected {
        let facts = replayed.world.all();
        let left = facts
            .into_iter()
            .map(|(key, _)| (rows::place(key), key.clone()))
            .collect();
        Expected {
            region,
            replayed,
            left,
            differences: Vec::new(),
        }
    }

    pub(super) fn compare(&mut self, page: Vec<Row>) -> Result<(), StoreError> {
        for row in page {
            let place = (row.table, row.id);
            let wanted = match self.left.remove(&place) {
                Some(key) => self.row(&key)?,
                None => None,
            };
            let row = Row { id: place.1, ..row };
            if wanted.as_ref() != Some(&row) {
                let (region, name) = (&self.region, row.table.spec().name);
                if self.differences.len() < MOST_NAMED {
                    let what = format!(
                        "region {region}: {name}/{} is not what the log says",
                        row.id
                    );
                    self.differences.push(what);
                }
            }
        }
        Ok(())
    }

    /// A fact's row as the log says that it must be.
    fn row(&self, key: &Key) -> Result<Option<Row>, StoreError> {
        let Ok(Some(fact)) = self.replayed.world.get(key) else {
            return Ok(None);
        };
        let (version, leaf) = self
            .replayed
            .streams
            .get(key)
            .map_or((0, None), |(version, leaf)| (*version, Some(leaf.0)));
        rows::row(self.region.as_str(), key, fact, version, leaf).map(Some)
    }

    /// Every row was seen: what is left over is missing.
    pub(super) fn end(self, verified: &mut Verified) -> Replayed {
        let region = &self.region;
        let mut missing: Vec<_> = self.left.into_keys().collect();
        missing.sort();
        let missing = missing.into_iter().map(|(table, id)| {
            let name = table.spec().name;
            format!("region {region}: {name}/{id} is missing from the tables")
        });
        self.differences
            .into_iter()
            .chain(missing)
            .for_each(|what| verified.differs(what));
        self.replayed
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
