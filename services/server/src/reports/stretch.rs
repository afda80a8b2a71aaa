//! A stretch of a region's log, folded in memory behind what stands in the database.

use hefu_engine::EngineError;
use hefu_report::{Book, FOLD_VERSION, Fact};
use hefu_store::{EventRow, Head, Reads, ReportCursor, ReportFact, ReportFactKeys, StoreError};

use super::ReportsError;

/// How many events are folded at once.
pub(super) const PAGE: u32 = 1_000;

/// What was folded, and from where to where.
pub(super) struct Stretch {
    /// The cursor as it stands in the database.
    pub(super) found: Option<ReportCursor>,
    /// Whether what stands there counts for nothing.
    pub(super) anew: bool,
    /// Epoch and index of the next event.
    pub(super) next: (u64, u64),
    /// Leaf of the last event.
    pub(super) leaf: Option<[u8; 32]>,
    /// The book, with what it needed of the database.
    pub(super) book: Book,
}

impl Stretch {
    /// Where the database stands, if it stands in this log.
    pub(super) async fn begin(reads: &mut Reads, head: &Head) -> Result<Stretch, ReportsError> {
        let cursors = reads
            .report_cursors(std::slice::from_ref(&head.region))
            .await?;
        let found = cursors.into_iter().next();
        let stands = match &found {
            // Behind the head there is no log, whatever rows still stand there.
            Some(cursor)
                if cursor.version == FOLD_VERSION
                    && (cursor.epoch, cursor.idx) <= (head.epoch, head.size) =>
            {
                is_of(reads, cursor).await?
            }
            Some(_) | None => false,
        };
        let at = found.as_ref().filter(|_| stands);
        Ok(Stretch {
            anew: !stands,
            next: at.map_or((0, 0), |cursor| (cursor.epoch, cursor.idx)),
            leaf: at.and_then(|cursor| cursor.leaf),
            book: match stands {
                true => Book::new(),
                false => Book::whole(),
            },
            found,
        })
    }

    /// Folds the next page of the log. False at its end.
    pub(super) async fn page(
        &mut self,
        reads: &mut Reads,
        head: &Head,
    ) -> Result<bool, ReportsError> {
        let mut rows = reads.events_onwards(&head.region, self.next, PAGE).await?;
        // What stands behind the head belongs to no log.
        rows.retain(|row| (row.epoch, row.idx) < (head.epoch, head.size));
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            events.push((
                row,
                hefu_engine::decode(row).map_err(|error| undecoded(row, error))?,
            ));
        }
        // A sheet names its vouchers, and these their people: what is needed is known in rounds.
        loop {
            let needs = events.iter().flat_map(|(_, event)| self.book.needs(event));
            let needs: std::collections::BTreeSet<String> = needs.collect();
            if needs.is_empty() {
                break;
            }
            self.bring(reads, head, needs.into_iter().collect()).await?;
        }
        for (row, event) in &events {
            loop {
                let needs = self.book.needs(event);
                if needs.is_empty() {
                    break;
                }
                self.bring(reads, head, needs).await?;
            }
            let at = hefu_domain::Instant(row.at_ms);
            let folded = self.book.fold(at, row.epoch, event);
            folded.map_err(|error| ReportsError::Fold {
                region: head.region.clone(),
                error,
            })?;
            self.next = (row.epoch, row.idx + 1);
            self.leaf = Some(row.leaf);
        }
        Ok(!rows.is_empty())
    }

    /// Folds the log to its end.
    pub(super) async fn read_out(
        mut self,
        reads: &mut Reads,
        head: &Head,
    ) -> Result<Stretch, ReportsError> {
        while self.page(reads, head).await? {}
        Ok(self)
    }

    async fn bring(
        &mut self,
        reads: &mut Reads,
        head: &Head,
        ids: Vec<String>,
    ) -> Result<(), ReportsError> {
        let keys = ReportFactKeys {
            region: head.region.clone(),
            ids,
        };
        for row in reads.report_facts(&keys).await? {
            let fact = read(&row)?;
            self.book.bring(row.id, Some(fact));
        }
        // What was not found is not there; what was stays.
        for id in keys.ids {
            self.book.bring(id, None);
        }
        Ok(())
    }
}

/// Whether the event before the cursor is the one that it says. A restored backup may hold another log than the figures are of.
async fn is_of(reads: &mut Reads, cursor: &ReportCursor) -> Result<bool, StoreError> {
    let Some(last) = cursor.idx.checked_sub(1) else {
        return Ok(cursor.leaf.is_none());
    };
    let leaves = reads.leaves(&cursor.region, cursor.epoch, last, 1).await?;
    let there = leaves.first().filter(|leaf| leaf.idx == last);
    Ok(there.is_some_and(|there| Some(there.leaf) == cursor.leaf))
}

/// Reads what the fold remembers of one thing.
pub(super) fn read(row: &ReportFact) -> Result<Fact, StoreError> {
    Fact::read(&row.id, &row.body).ok_or_else(|| StoreError::Corrupt {
        table: "report_fact",
        column: "body",
        key: row.id.clone(),
    })
}

fn undecoded(row: &EventRow, error: EngineError) -> ReportsError {
    match error {
        EngineError::Store(error) => error.into(),
        _ => ReportsError::Store(StoreError::Corrupt {
            table: "event",
            column: "bytes",
            key: format!("{}/{}/{}", row.region, row.epoch, row.idx),
        }),
    }
}
