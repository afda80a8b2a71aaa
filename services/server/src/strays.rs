//! Event rows that belong to no log: behind the end of a region's log, or of one that a fork ended. Nobody who reads a log
//! up to its end comes by them, yet a request or a stream could be looked up among them.

use hefu_domain::Event;
use hefu_domain::event::ForkAccepted;
use hefu_store::{Head, Reads, StoreError};

/// Where the first such row of a region stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stray {
    /// In which epoch.
    pub epoch: u64,
    /// Under which index.
    pub index: u64,
    /// The epoch of the log that goes on behind it, if it is not the last row.
    pub before: Option<u64>,
}

impl Stray {
    /// The statement that removes it and what follows it up to the next log.
    pub fn removal(&self, region: &str) -> String {
        let before = self.before.map(|epoch| format!(" AND epoch < {epoch}"));
        format!(
            "DELETE FROM event WHERE region = '{region}' AND (epoch, idx) >= ({}, {}){}",
            self.epoch,
            self.index,
            before.unwrap_or_default()
        )
    }
}

/// The first row that belongs to none of the logs that end in this head, the present one asked first. `reads` must see one
/// instant: between a head and its events a writer may have gone on.
///
/// # Errors
/// The store's.
pub async fn find(reads: &mut Reads, head: &Head) -> Result<Option<Stray>, StoreError> {
    let mut epoch = head.epoch;
    let (mut end, mut before) = ((epoch, head.size), None);
    loop {
        let rows = reads.events_onwards(&head.region, end, 1).await?;
        let stray = rows
            .first()
            .filter(|row| before.is_none_or(|before| row.epoch < before));
        if let Some(row) = stray {
            return Ok(Some(Stray {
                epoch: row.epoch,
                index: row.idx,
                before,
            }));
        }
        let fork = fork(reads, &head.region, epoch).await?;
        // An epoch goes on from an earlier one, whatever its first event says.
        let Some(fork) = fork.filter(|fork| fork.kept.epoch < epoch) else {
            return Ok(None);
        };
        before = Some(epoch);
        epoch = fork.kept.epoch;
        end = (epoch, fork.kept.size);
    }
}

/// The fork that an epoch of a log began with, if it did.
pub(crate) async fn fork(
    reads: &mut Reads,
    region: &str,
    epoch: u64,
) -> Result<Option<ForkAccepted>, StoreError> {
    let first = reads.events(region, epoch, 0, 1).await?;
    let event = first.first().map(hefu_engine::decode);
    match event {
        Some(Ok(Event::ForkAccepted(fork))) => Ok(Some(fork)),
        Some(Ok(_) | Err(_)) | None => Ok(None),
    }
}
