//! Writing what was folded: counters, facts and cursor in one transaction.

use hefu_report::{Count, FOLD_VERSION};
use hefu_store::{ReportCount, ReportCursor, ReportFact, ReportFold};

use super::stretch::Stretch;
use super::{Behind, ReadModel, ReportsError};

/// What one step came to.
pub(crate) struct Fed {
    /// How far the log still goes, if it does.
    pub(crate) behind: Option<Behind>,
}

impl ReadModel {
    /// Folds the next page of a region's log and writes it. Where somebody else did meanwhile, their work stands.
    pub(crate) async fn feed(&self, region: &str) -> Result<Fed, ReportsError> {
        let mut snapshot = self.store.snapshot().await?;
        let heads = snapshot.heads(&[region.to_owned()]).await?;
        let Some(head) = heads.first() else {
            snapshot.end().await?;
            return Ok(Fed { behind: None });
        };
        let mut stretch = Stretch::begin(&mut snapshot, head).await?;
        let grew = stretch.page(&mut snapshot, head).await?;
        snapshot.end().await?;
        let behind = Behind::of(head, stretch.next);
        if grew {
            self.store.fold_report(written(region, stretch)).await?;
        }
        Ok(Fed { behind })
    }
}

fn written(region: &str, mut stretch: Stretch) -> ReportFold {
    let changes = stretch.book.take();
    let count = |(count, value): (Count, i64)| ReportCount {
        subject: count.subject.as_str().to_owned(),
        item: count.item,
        day: count.day.to_string(),
        value,
    };
    let facts = changes.facts.into_iter();
    ReportFold {
        found: stretch.found,
        anew: stretch.anew,
        cursor: ReportCursor {
            region: region.to_owned(),
            version: FOLD_VERSION,
            epoch: stretch.next.0,
            idx: stretch.next.1,
            leaf: stretch.leaf,
        },
        facts: facts.map(|(id, body)| ReportFact { id, body }).collect(),
        counts: changes.counts.into_iter().map(count).collect(),
    }
}
