//! What one transaction writes, and how it ended.
//!
//! Invariant: a [`Plan`] names every row it touches once, all of it in regions whose heads it moves,
//! with dense event indexes. Locks are taken in one order by everybody: heads by region, then
//! nullifiers inserted by ascending tag, then everything that only the holder of the head can touch.

use crate::error::Result;
use crate::rows::{
    At, CommittedSecret, EventRow, Head, Nullifier, PersonKey, PersonSecret, RequestKey, Row, Tag,
};
use crate::tables::Table;
use crate::times::{Passed, Times};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// One transaction: everything in it, or nothing.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    pub regions: Vec<RegionCommit>,
    /// Regions of which nothing is written but something was answered: their heads must still be
    /// these, read after the locks.
    pub check: Vec<Head>,
    /// Regions of which it was answered that they are not open: they still must not be, read after the locks.
    pub absent: Vec<String>,
    pub takes: Vec<Nullifier>,
    /// Each must hit exactly one row: the tag, taken by this voucher in this region.
    pub frees: Vec<Nullifier>,
    pub secrets: Vec<PersonSecret>,
    pub committed: Vec<CommittedSecret>,
    pub erased: Erased,
    /// When it was where.
    pub times: Times,
}

/// Ciphertexts that are destroyed, as far as they are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    pub people: Vec<PersonKey>,
    /// Region and commitment.
    pub committed: Vec<(String, String)>,
}

impl Erased {
    pub fn is_empty(&self) -> bool {
        self.people.is_empty() && self.committed.is_empty()
    }

    pub(crate) fn check(&self) -> Result<()> {
        for person in &self.people {
            At("person_secret", &person.person).key("region", &person.region)?;
            At("person_secret", &person.person).key("person", &person.person)?;
        }
        for (region, commitment) in &self.committed {
            At("committed_secret", commitment).key("region", region)?;
            At("committed_secret", commitment).key("commitment", commitment)?;
        }
        Ok(())
    }
}

/// What one region's share of a transaction writes.
#[derive(Debug, Clone)]
pub struct RegionCommit {
    /// The head decided on, as read; none for a region that is opened now.
    pub read: Option<Head>,
    pub next: Head,
    /// In index order, from the head's size on (from 0 where the epoch is raised).
    pub events: Vec<EventRow>,
    /// Upserts, each row at most once.
    pub rows: Vec<Row>,
}

/// How a transaction ended. Anything but `Committed` was rolled back: nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Committed,
    /// Somebody else wrote to these regions since their heads were read.
    GuardLost(Vec<String>),
    /// These tags stand already.
    NullifierTaken(Vec<Tag>),
    /// These requests have events already.
    RequestExists(Vec<RequestKey>),
    /// These people's identity tags belong to somebody else in their region.
    TagTaken(Vec<PersonKey>),
}

/// A commit as the engines want it: checked, sorted, each key's net effect.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) opened: Vec<Head>,
    /// (as read, next), by region.
    pub(crate) moved: Vec<(Head, Head)>,
    check: Vec<Head>,
    absent: Vec<String>,
    /// By tag.
    pub(crate) takes: Vec<Nullifier>,
    /// Freed and taken again in the same transaction: (as it stands, as it shall be).
    pub(crate) handed_on: Vec<(Nullifier, Nullifier)>,
    pub(crate) frees: Vec<Nullifier>,
    pub(crate) events: Vec<EventRow>,
    pub(crate) rows: BTreeMap<Table, Vec<Row>>,
    pub(crate) secrets: Vec<PersonSecret>,
    pub(crate) committed: Vec<CommittedSecret>,
    pub(crate) erased: Erased,
    pub(crate) times: Times,
}

impl Plan {
    pub(crate) fn of(commit: Commit) -> Result<Plan> {
        let mut plan = Plan::default();
        let mut regions = BTreeSet::new();
        for part in commit.regions {
            if !regions.insert(part.next.region.clone()) {
                return Err(At("head", &part.next.region).invalid("region", "is written twice"));
            }
            plan.add_region(part)?;
        }
        plan.opened.sort_by(|a, b| a.region.cmp(&b.region));
        plan.moved.sort_by(|a, b| a.0.region.cmp(&b.0.region));
        for head in &commit.check {
            head.check()?;
            if regions.contains(&head.region) {
                return Err(
                    At("head", &head.region).invalid("region", "is both written and only checked")
                );
            }
        }
        plan.check = commit.check;
        plan.absent = commit.absent;
        plan.net_nullifiers(commit.takes, commit.frees, &regions)?;
        plan.net_secrets(commit.secrets, commit.erased, &regions)?;
        for secret in &commit.committed {
            secret.check()?;
            within(
                "committed_secret",
                &secret.commitment,
                &secret.region,
                &regions,
            )?;
        }
        plan.committed = commit.committed;
        plan.each_row_once()?;
        plan.times = commit.times;
        plan.times.pass(Passed::Planned);
        Ok(plan)
    }

    /// Every head the transaction locks, in locking order.
    pub(crate) fn locks(&self) -> Vec<String> {
        self.moved
            .iter()
            .map(|(read, _)| read.region.clone())
            .collect()
    }

    /// The requests whose events this transaction writes.
    pub(crate) fn requests(&self) -> Vec<RequestKey> {
        let keys: BTreeSet<RequestKey> = self
            .events
            .iter()
            .filter_map(EventRow::request_key)
            .collect();
        keys.into_iter().collect()
    }

    /// The regions of which nothing is written, and whose heads are looked at again after the locks.
    pub(crate) fn checked(&self) -> Vec<String> {
        let heads = self.check.iter().map(|head| &head.region);
        heads.chain(&self.absent).cloned().collect()
    }

    /// The checked regions that are not now as they were read.
    pub(crate) fn check_lost(&self, now: &[Head]) -> Vec<String> {
        let moved = self
            .check
            .iter()
            .filter(|head| !now.iter().any(|other| head.guards(other)))
            .map(|head| &head.region);
        let opened = self
            .absent
            .iter()
            .filter(|region| now.iter().any(|head| head.region == **region));
        moved.chain(opened).cloned().collect()
    }

    fn add_region(&mut self, part: RegionCommit) -> Result<()> {
        part.next.check()?;
        let first = match &part.read {
            Some(read) => {
                read.check()?;
                if read.region != part.next.region {
                    return Err(
                        At("head", &read.region).invalid("region", "differs from the next head's")
                    );
                }
                if read.epoch == part.next.epoch {
                    read.size
                } else {
                    0
                }
            }
            None => 0,
        };
        let region = &part.next.region;
        for (idx, event) in (first..).zip(&part.events) {
            event.check()?;
            if event.region != *region || event.epoch != part.next.epoch || event.idx != idx {
                return Err(
                    At("event", &event.request).invalid("idx", "is not the head's next index")
                );
            }
        }
        if first.checked_add(part.events.len() as u64) != Some(part.next.size) {
            return Err(At("head", region).invalid("size", "is not the number of events"));
        }
        for row in part.rows {
            row.check()?;
            if row.region != *region {
                return Err(At(row.table.spec().name, &row.id)
                    .invalid("region", "is not its part's region"));
            }
            self.rows.entry(row.table).or_default().push(row);
        }
        self.events.extend(part.events);
        match part.read {
            Some(read) => self.moved.push((read, part.next)),
            None => self.opened.push(part.next),
        }
        Ok(())
    }

    /// Only the region that took a nullifier frees it, so under its head's lock a free waits for
    /// nobody; that the regions are the transaction's own is therefore checked here.
    fn net_nullifiers(
        &mut self,
        takes: Vec<Nullifier>,
        frees: Vec<Nullifier>,
        regions: &BTreeSet<String>,
    ) -> Result<()> {
        let mut freed: BTreeMap<Tag, Nullifier> = BTreeMap::new();
        for free in frees {
            free.check()?;
            within("nullifier", &free.voucher, &free.region, regions)?;
            let voucher = free.voucher.clone();
            if freed.insert(free.tag, free).is_some() {
                return Err(At("nullifier", &voucher).invalid("tag", "is freed twice"));
            }
        }
        let mut taken: BTreeMap<Tag, Nullifier> = BTreeMap::new();
        for take in takes {
            take.check()?;
            within("nullifier", &take.voucher, &take.region, regions)?;
            let voucher = take.voucher.clone();
            if taken.insert(take.tag, take).is_some() {
                return Err(At("nullifier", &voucher).invalid("tag", "is taken twice"));
            }
        }
        for (tag, take) in taken {
            match freed.remove(&tag) {
                Some(free) => self.handed_on.push((free, take)),
                None => self.takes.push(take),
            }
        }
        self.frees = freed.into_values().collect();
        Ok(())
    }

    /// A replaced secret is removed and inserted again: two people may so exchange their tags.
    fn net_secrets(
        &mut self,
        inserted: Vec<PersonSecret>,
        erased: Erased,
        regions: &BTreeSet<String>,
    ) -> Result<()> {
        erased.check()?;
        for key in &erased.people {
            within("person_secret", &key.person, &key.region, regions)?;
        }
        for (region, commitment) in &erased.committed {
            within("committed_secret", commitment, region, regions)?;
        }
        self.erased = erased;
        self.secrets = inserted;
        let mut people = HashSet::new();
        for secret in &self.secrets {
            secret.check()?;
            within("person_secret", &secret.person, &secret.region, regions)?;
            if !people.insert(secret.key()) {
                return Err(
                    At("person_secret", &secret.person).invalid("person", "is inserted twice")
                );
            }
        }
        Ok(())
    }

    fn each_row_once(&self) -> Result<()> {
        for (table, rows) in &self.rows {
            let mut seen = HashSet::with_capacity(rows.len());
            for row in rows {
                if !seen.insert((&row.region, &row.id)) {
                    return Err(At(table.spec().name, &row.id).invalid("id", "is written twice"));
                }
            }
        }
        Ok(())
    }
}

fn within(
    table: &'static str,
    key: &str,
    region: &String,
    regions: &BTreeSet<String>,
) -> Result<()> {
    match regions.contains(region) {
        true => Ok(()),
        false => Err(At(table, key).invalid("region", "is not a region of this transaction")),
    }
}
