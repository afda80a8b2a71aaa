//! The reports' read model: counters by day and by month, fed from the logs by index.
//!
//! Invariants: a report is made in one snapshot, of the counters that stand there and, in memory, of the events behind them; so it never waits
//! for the worker to be right, only to be quick. Whoever feeds moves the cursor in the transaction that writes the counters. A cursor
//! of another fold's version, or behind another event than the log has there, counts for nothing: everything is built anew.

mod feed;
mod offline;
mod stretch;
mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use hefu_domain::state::Fact as State;
use hefu_domain::{Key, Region};
use hefu_engine::rows;
use hefu_report::{
    Ask, AskError, Fact, Figures, FoldError, MonthSum, RegionFigures, Report, Wanted, build,
};
use hefu_store::{Head, ReportFactsUnder, ReportQuery, Snapshot, Store, StoreError};
use tokio::sync::Mutex;

pub use offline::{OfflineReport, of_logs};
pub(crate) use worker::keep_feeding;

use stretch::Stretch;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportsError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The figures that stand are not those of the log.
    #[error("region {region}: {error}")]
    Fold {
        /// The region.
        region: String,
        /// What does not fit.
        error: FoldError,
    },
    /// Nothing is reported of a log that is in doubt.
    #[error("the log of region {region} is in doubt: {alarm}")]
    InDoubt {
        /// Which.
        region: String,
        /// As its head says.
        alarm: String,
    },
    /// The figures are being built, and that takes longer than somebody waits.
    #[error(
        "the figures of region {region} are being built from its log, {done} of {of} events so far; ask again later"
    )]
    Behind {
        /// Which.
        region: String,
        /// Events that count already.
        done: u64,
        /// Events of the log.
        of: u64,
    },
}

/// The reports of a database. Cheap to clone.
#[derive(Clone)]
pub struct ReadModel {
    store: Store,
    /// Two who feed one region would do each other's work.
    feeding: Arc<Mutex<()>>,
}

impl ReadModel {
    /// The reports of that database.
    pub fn new(store: Store) -> ReadModel {
        ReadModel {
            store,
            feeding: Arc::default(),
        }
    }

    /// Writes the counters of all events that there are in these regions' logs now, or as many as there is time for.
    ///
    /// # Errors
    /// `Behind` when the time is over; the store's.
    pub async fn catch_up(
        &self,
        regions: &[Region],
        within: Option<Duration>,
    ) -> Result<(), ReportsError> {
        let watch = Stopwatch::now();
        for region in regions {
            loop {
                let fed = {
                    let _alone = self.feeding.lock().await;
                    self.feed(region.as_str()).await?
                };
                let Some(behind) = fed.behind else { break };
                if within.is_some_and(|within| watch.elapsed() > within) {
                    return Err(ReportsError::Behind {
                        region: region.to_string(),
                        done: behind.done,
                        of: behind.of,
                    });
                }
            }
        }
        Ok(())
    }

    /// The regions that a report is of: the one that is asked for, then those below it by code.
    ///
    /// # Errors
    /// `NoRegion`; the store's.
    pub async fn tree(&self, ask: &Ask) -> Result<Vec<Region>, ReportsError> {
        let heads = self.store.all_heads().await?;
        let places: Vec<_> = heads
            .iter()
            .map(|head| rows::fact_key(&head.region, &Key::Region))
            .collect();
        let mut parents: Vec<(Region, Option<Region>)> = Vec::new();
        for row in self.store.load(&places).await? {
            if let (Ok(region), State::Region(state)) = (row.region.parse(), rows::fact(&row)?) {
                parents.push((region, state.parent));
            }
        }
        tree(ask, &parents).ok_or_else(|| AskError::NoRegion(ask.region.clone()).into())
    }

    /// The report, as of what stands in the logs now.
    ///
    /// # Errors
    /// See [`ReportsError`].
    pub async fn report(&self, ask: &Ask) -> Result<Report, ReportsError> {
        let regions = self.tree(ask).await?;
        let mut snapshot = self.store.snapshot().await?;
        let codes: Vec<String> = regions.iter().map(Region::to_string).collect();
        let heads = snapshot.heads(&codes).await?;
        let mut known = Vec::with_capacity(regions.len());
        for region in regions {
            let head = heads.iter().find(|head| head.region == region.as_str());
            let head = head.ok_or_else(|| AskError::NoRegion(region.clone()))?;
            if let Some(alarm) = &head.alarm {
                return Err(ReportsError::InDoubt {
                    region: region.to_string(),
                    alarm: alarm.clone(),
                });
            }
            let tail = Stretch::begin(&mut snapshot, head).await?;
            let tail = tail.read_out(&mut snapshot, head).await?;
            let facts = facts(&mut snapshot, &region, ask, &tail).await?;
            known.push((region, tail, facts));
        }
        let own = known.first().map(|(_, _, facts)| facts.as_slice());
        let wants = ask.wants(ask.plan_year(own.unwrap_or_default())?);
        let mut figures = Vec::with_capacity(known.len());
        for (region, tail, facts) in known {
            let mut of_region = Vec::with_capacity(wants.len());
            for wanted in &wants {
                of_region.push(figure(&mut snapshot, &region, wanted, &tail).await?);
            }
            figures.push(RegionFigures {
                region,
                facts,
                figures: of_region,
            });
        }
        snapshot.end().await?;
        Ok(build(ask, &figures)?)
    }
}

/// The regions that a report is of, its own first.
fn tree(ask: &Ask, parents: &[(Region, Option<Region>)]) -> Option<Vec<Region>> {
    let mut tree = below(&ask.region, parents)?;
    if !ask.below {
        tree.truncate(1);
    }
    Some(tree)
}

/// A region and those below it: children of children, too. `None` where it is not there.
fn below(of: &Region, parents: &[(Region, Option<Region>)]) -> Option<Vec<Region>> {
    parents.iter().find(|(region, _)| region == of)?;
    let mut found = vec![of.clone()];
    let mut from = 0;
    while from < found.len() {
        let parent = found[from].clone();
        let children = parents
            .iter()
            .filter(|(region, above)| above.as_ref() == Some(&parent) && !found.contains(region));
        let children: Vec<Region> = children.map(|(region, _)| region.clone()).collect();
        found.extend(children);
        from += 1;
    }
    found[1..].sort();
    Some(found)
}

/// What is remembered of a region's things that the report asks for, as of the tail's end.
async fn facts(
    snapshot: &mut Snapshot,
    region: &Region,
    ask: &Ask,
    tail: &Stretch,
) -> Result<Vec<(String, Fact)>, ReportsError> {
    let mut facts = std::collections::BTreeMap::new();
    for prefix in ask.facts() {
        if !tail.anew {
            let under = ReportFactsUnder {
                region: region.to_string(),
                prefix: prefix.clone(),
            };
            for row in snapshot.report_facts_under(&under).await? {
                let fact = stretch::read(&row)?;
                facts.insert(row.id, fact);
            }
        }
        let newer = tail.book.under(&prefix);
        facts.extend(newer.map(|(id, fact)| (id.to_owned(), fact.clone())));
    }
    Ok(facts.into_iter().collect())
}

/// Counters as they stand, and as the tail goes on from them.
async fn figure(
    snapshot: &mut Snapshot,
    region: &Region,
    wanted: &Wanted,
    tail: &Stretch,
) -> Result<Figures, ReportsError> {
    let mut sums = Vec::new();
    if !tail.anew {
        let query = ReportQuery {
            region: region.to_string(),
            subject: wanted.subject.as_str().to_owned(),
            prefix: wanted.prefix.clone(),
            after: wanted.after.map(|day| day.to_string()).unwrap_or_default(),
            until: wanted.until.to_string(),
        };
        let stored = snapshot.report_sums(&query).await?;
        sums.extend(stored.into_iter().map(|sum| MonthSum {
            item: sum.item,
            month: sum.month,
            value: sum.value,
        }));
    }
    sums.extend(wanted.select(tail.book.counts()));
    Ok(Figures::of(sums))
}

/// How far a region's log still goes.
pub(crate) struct Behind {
    pub(crate) done: u64,
    pub(crate) of: u64,
}

impl Behind {
    fn of(head: &Head, (epoch, idx): (u64, u64)) -> Option<Behind> {
        (epoch < head.epoch || (epoch == head.epoch && idx < head.size)).then_some(Behind {
            done: idx,
            of: head.size,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_the_region_itself_and_then_all_below_it_by_code() {
        let region = |code: &str| code.parse::<Region>().unwrap();
        let parents = [
            (region("140781"), Some(region("140700"))),
            (region("140700"), Some(region("140000"))),
            (region("140000"), None),
            (region("140702"), Some(region("140700"))),
            (region("150000"), None),
        ];
        let tree = |code: &str| {
            let found = below(&region(code), &parents)?;
            Some(found.iter().map(Region::to_string).collect::<Vec<_>>())
        };
        let strings = |codes: &[&str]| Some(codes.iter().map(|code| (*code).to_owned()).collect());
        assert_eq!(tree("140700"), strings(&["140700", "140702", "140781"]));
        assert_eq!(
            tree("140000"),
            strings(&["140000", "140700", "140702", "140781"])
        );
        assert_eq!(tree("140702"), strings(&["140702"]));
        assert_eq!(tree("140703"), None);
    }
}
