//! The fold's book: what is known, what changed, and the counters' deltas.
//!
//! The invariant: an event changes nothing until every fact that it needs is here ([`Book::needs`] names them), so that a stretch of the log
//! that is folded in pieces counts what it counts in one.

use std::collections::{BTreeMap, BTreeSet};

use hefu_domain::{Date, Event, Instant};

use crate::fact::Fact;
use crate::fold;
use crate::words::Subject;

/// A log that the fold cannot read on: its facts are not those that the log before makes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{id} is not on record as the log before makes it: the reports' figures have to be built anew from the log"
)]
pub struct FoldError {
    /// Which thing.
    pub id: String,
}

/// A counter on a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    /// What about.
    pub subject: Subject,
    /// Which counter.
    pub item: String,
    /// The day, in Asia/Shanghai.
    pub day: Date,
}

/// What a stretch of the log changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Facts by id, as JSON.
    pub facts: Vec<(String, String)>,
    /// Counters by how much; none of them by nothing.
    pub counts: Vec<(Count, i64)>,
}

/// What is known of one region, and what changed.
#[derive(Debug, Default)]
pub struct Book {
    /// What was brought or made; absent things were brought as `None`.
    facts: BTreeMap<String, Option<Fact>>,
    /// Whether nothing is known that was not made here: a book of the whole log.
    whole: bool,
    changed: BTreeSet<String>,
    counts: BTreeMap<Count, i64>,
}

impl Book {
    /// A book to which whatever its events need is brought.
    pub fn new() -> Book {
        Book::default()
    }

    /// A book that begins with a log's first event: what it has not made is not there.
    pub fn whole() -> Book {
        Book {
            whole: true,
            ..Book::default()
        }
    }

    /// Brings what is on record of a thing, or that nothing is. What the book knows already stays.
    pub fn bring(&mut self, id: String, fact: Option<Fact>) {
        self.facts.entry(id).or_insert(fact);
    }

    /// What has to be brought before this event is folded. It may be more after that was: a sheet names its vouchers.
    pub fn needs(&self, event: &Event) -> Vec<String> {
        if self.whole {
            return Vec::new();
        }
        let mut needs = fold::needs(self, event);
        needs.retain(|id| !self.facts.contains_key(id));
        needs
    }

    /// Counts an event at its place in the log's epoch.
    ///
    /// # Errors
    /// The thing that is not on record as the log before makes it.
    pub fn fold(&mut self, at: Instant, epoch: u64, event: &Event) -> Result<(), FoldError> {
        let day = at.date();
        // The log's own length by day: a report says as of which index it counts.
        self.count(Subject::Log, format!("{epoch:010}"), day, 1);
        fold::fold(self, day, event)
    }

    /// What changed since the last time; the facts stay known.
    pub fn take(&mut self) -> Changes {
        let facts = std::mem::take(&mut self.changed).into_iter();
        let json = |id: String| {
            let fact = self.facts.get(&id)?.as_ref()?;
            Some((id, serde_json::to_string(fact).ok()?))
        };
        let facts = facts.filter_map(json).collect();
        let counts = std::mem::take(&mut self.counts).into_iter();
        Changes {
            facts,
            counts: counts.filter(|(_, by)| *by != 0).collect(),
        }
    }

    /// What is known of things whose ids begin so, by id.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Fact)> {
        let from = self.facts.range(prefix.to_owned()..);
        from.take_while(move |(id, _)| id.starts_with(prefix))
            .filter_map(|(id, fact)| Some((id.as_str(), fact.as_ref()?)))
    }

    /// The counters that were not taken yet.
    pub fn counts(&self) -> &BTreeMap<Count, i64> {
        &self.counts
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Fact> {
        self.facts.get(id)?.as_ref()
    }

    /// A thing that the log before has made.
    pub(crate) fn edit(&mut self, id: &str) -> Result<&mut Fact, FoldError> {
        match self.facts.get_mut(id) {
            Some(Some(fact)) => {
                self.changed.insert(id.to_owned());
                Ok(fact)
            }
            Some(None) | None => Err(FoldError { id: id.to_owned() }),
        }
    }

    pub(crate) fn put(&mut self, id: String, fact: Fact) {
        self.changed.insert(id.clone());
        self.facts.insert(id, Some(fact));
    }

    pub(crate) fn count(&mut self, subject: Subject, item: String, day: Date, by: i64) {
        let count = Count { subject, item, day };
        *self.counts.entry(count).or_default() += by;
    }
}
