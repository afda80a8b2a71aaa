//! When events were written down, by witnesses' clocks rather than the operator's.
//!
//! The invariant: an event's own time must lie in its cosigning interval. A witness that cosigned a log without the event
//! says that the event came later; one that cosigned a log with it says that it had come by then. Both are words of
//! somebody whom the auditor chose to trust, so the strictest of them hold, and each finding names whose it was.

use hefu_domain::Instant;
use hefu_log::{Checkpoint, LogError, Note, Origin, WitnessKey, cosignatures};

/// How far an operator's and a witness's clock may differ, with the time that it takes to sign and send a checkpoint,
/// in milliseconds.
pub const TOLERANCE_MS: i64 = 5 * 60 * 1000;

/// A published checkpoint and who cosigned it, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigning {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The witnesses' words on it, in the order of the note.
    pub words: Vec<Word>,
}

/// A witness's word on a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word {
    /// When it was given, in seconds since 1970.
    pub time: u64,
    /// By whom.
    pub witness: String,
}

impl Word {
    /// The same time as events have it.
    pub fn at(&self) -> Instant {
        let ms = i64::try_from(self.time)
            .ok()
            .and_then(|s| s.checked_mul(1000));
        Instant(ms.unwrap_or(i64::MAX))
    }
}

impl Cosigning {
    /// Reads a published note, cosigned or not. The log's own signature is looked at by whoever knows its keys: a
    /// witness did so before it gave its word, and what counts here is the word.
    ///
    /// # Errors
    /// `Checkpoint` if the text is none; those of [`cosignatures`].
    pub fn read(note: &Note, witnesses: &[WitnessKey]) -> Result<Self, LogError> {
        let checkpoint: Checkpoint = note.text().parse()?;
        let words = cosignatures(note, witnesses)?
            .into_iter()
            .map(|cosigned| Word {
                time: cosigned.time,
                witness: cosigned.witness.name().to_owned(),
            })
            .collect();
        Ok(Cosigning { checkpoint, words })
    }

    /// How many different witnesses cosigned it.
    pub fn witnesses(&self) -> usize {
        let mut names: Vec<&str> = self.words.iter().map(|word| &*word.witness).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }
}

/// An event whose time cannot be true, if the witness is to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackDated {
    /// Which event.
    pub index: u64,
    /// The time that it bears.
    pub at: Instant,
    /// On which side of its cosigning interval that lies.
    pub side: Side,
    /// What it contradicts.
    pub said: Said,
}

/// On which side of its cosigning interval an event's time lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Older than the word on a checkpoint without the event: it was written later than it says.
    Before,
    /// Newer than the word on a checkpoint with the event: it was written earlier than it says.
    After,
}

/// A witness's word, and the size of the checkpoint that it is on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// How many events that checkpoint covers.
    pub size: u64,
    /// Who cosigned it, and when.
    pub word: Word,
}

/// The cosigning intervals of one log.
#[derive(Debug, Clone)]
pub struct Intervals {
    /// By size: the latest word on a checkpoint of this size or a smaller one.
    latest_without: Vec<(u64, Said)>,
    /// By size: the earliest word on a checkpoint of this size or a larger one.
    earliest_with: Vec<(u64, Said)>,
}

impl Intervals {
    /// The intervals that a log's cosigned checkpoints make, in whatever order they come. `None` for a log with a
    /// simulated clock, whose times are made up and contradict every witness.
    pub fn new(origin: &Origin, cosignings: &[Cosigning]) -> Option<Intervals> {
        if is_simulated(origin) {
            return None;
        }
        let mut said: Vec<Said> = Vec::new();
        for one in cosignings {
            let size = one.checkpoint.size;
            said.extend(one.words.iter().cloned().map(|word| Said { size, word }));
        }
        said.sort();
        let mut latest_without: Vec<(u64, Said)> = Vec::with_capacity(said.len());
        for next in &said {
            let latest = match latest_without.last() {
                Some((_, before)) if before.word.time > next.word.time => before,
                Some(_) | None => next,
            };
            latest_without.push((next.size, latest.clone()));
        }
        let mut earliest_with: Vec<(u64, Said)> = Vec::with_capacity(said.len());
        for next in said.iter().rev() {
            let earliest = match earliest_with.last() {
                Some((_, after)) if after.word.time < next.word.time => after,
                Some(_) | None => next,
            };
            earliest_with.push((next.size, earliest.clone()));
        }
        earliest_with.reverse();
        Some(Intervals {
            latest_without,
            earliest_with,
        })
    }

    /// Whether an event's time contradicts a witness by more than [`TOLERANCE_MS`].
    pub fn check(&self, index: u64, at: Instant) -> Option<BackDated> {
        let without = self
            .latest_without
            .partition_point(|(size, _)| *size <= index);
        if let Some((_, said)) = self.latest_without[..without].last()
            && at.0 < said.word.at().0.saturating_sub(TOLERANCE_MS)
        {
            let (side, said) = (Side::Before, said.clone());
            return Some(BackDated {
                index,
                at,
                side,
                said,
            });
        }
        let with = self
            .earliest_with
            .partition_point(|(size, _)| *size <= index);
        if let Some((_, said)) = self.earliest_with.get(with)
            && at.0 > said.word.at().0.saturating_add(TOLERANCE_MS)
        {
            let (side, said) = (Side::After, said.clone());
            return Some(BackDated {
                index,
                at,
                side,
                said,
            });
        }
        None
    }
}

/// Whether a log's clock is made up: its deployment ends in `/simulated`.
pub fn is_simulated(origin: &Origin) -> bool {
    origin.deployment().ends_with("/simulated")
}

#[cfg(test)]
mod tests;
