//! What the reports are made of: counters by day and by month, what the fold remembers, and how far each log is folded.
//!
//! A projection of `event`, fed by index; it takes no part in any guard of the writer's. What a counter means is the report crate's
//! business. Invariant: counters, facts and cursor of a region change in one transaction, and only if the cursor is still where
//! whoever folded had found it. So any number of processes may feed at the same time, and each event counts once.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::rows::{At, MAX_BODY_BYTES};

/// Bytes of `YYYY-MM`.
const MONTH: usize = 7;

/// How far a region's log is folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportCursor {
    pub region: String,
    /// Of the fold.
    pub version: u64,
    /// Of the next event.
    pub epoch: u64,
    /// Of the next event.
    pub idx: u64,
    /// Of the last event that was folded.
    pub leaf: Option<[u8; 32]>,
}

/// What the fold remembers of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFact {
    pub id: String,
    /// JSON, opaque here.
    pub body: String,
}

/// By how much a counter changed on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportCount {
    pub subject: String,
    pub item: String,
    /// `YYYY-MM-DD`.
    pub day: String,
    pub value: i64,
}

/// A stretch of a region's log, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFold {
    /// The cursor as it was found; none: there was none.
    pub found: Option<ReportCursor>,
    /// The cursor after it.
    pub cursor: ReportCursor,
    /// Whether everything that stands of the region goes first.
    pub anew: bool,
    pub facts: Vec<ReportFact>,
    /// Each subject, item and day once.
    pub counts: Vec<ReportCount>,
}

impl ReportFold {
    /// By how much each counter changed in each month: by subject, item and month.
    pub(crate) fn months(&self) -> BTreeMap<(&str, &str, &str), i64> {
        let mut months = BTreeMap::new();
        for count in &self.counts {
            let place = (
                count.subject.as_str(),
                count.item.as_str(),
                month(&count.day),
            );
            *months.entry(place).or_default() += count.value;
        }
        months
    }

    pub(crate) fn check(&self) -> Result<()> {
        let cursor = &self.cursor;
        let at = At("report_cursor", &cursor.region);
        at.key("region", &cursor.region)?;
        for (column, number) in [
            ("version", cursor.version),
            ("epoch", cursor.epoch),
            ("idx", cursor.idx),
        ] {
            at.number(column, number)?;
        }
        for fact in &self.facts {
            let at = At("report_fact", &fact.id);
            at.key("id", &fact.id)?;
            at.size("body", fact.body.as_bytes(), MAX_BODY_BYTES)?;
            at.no_nul("body", &fact.body)?;
        }
        for count in &self.counts {
            let at = At("report_count", &count.item);
            at.key("subject", &count.subject)?;
            at.key("item", &count.item)?;
            at.key("day", &count.day)?;
            at.key("month", month(&count.day))?;
        }
        Ok(())
    }
}

/// The `YYYY-MM` of a day; empty where there is none.
pub(crate) fn month(day: &str) -> &str {
    day.get(..MONTH).unwrap_or_default()
}

/// Which counters of a region, summed by item and month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportQuery {
    pub region: String,
    pub subject: String,
    /// Items that begin with it.
    pub prefix: String,
    /// Days after this one, `YYYY-MM-DD`; empty: from the first on.
    pub after: String,
    /// Days up to and with this one.
    pub until: String,
}

impl ReportQuery {
    /// The first text behind all that begin with the prefix, in the order of bytes.
    pub(crate) fn end(&self) -> String {
        // No item has a character beyond it.
        format!("{}\u{10FFFF}", self.prefix)
    }
}

/// What an item's counter changed by in a month, of the days asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSum {
    pub item: String,
    /// `YYYY-MM`.
    pub month: String,
    pub value: i64,
}

/// What the fold remembers of things whose ids begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFactsUnder {
    pub region: String,
    pub prefix: String,
}

/// What the fold remembers of these things of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFactKeys {
    pub region: String,
    pub ids: Vec<String>,
}
