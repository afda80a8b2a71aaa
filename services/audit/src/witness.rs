//! What a witness must ask before it cosigns (C2SP tlog-witness, "add-checkpoint"): the rules alone, for whoever keeps
//! what was seen.
//!
//! The invariant: a witness vouches for one history of each log. It never accepts two roots for one size, nor a size or
//! a time below one that it accepted before; and what it accepts extends what it accepted, which a proof shows.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hefu_log::{Checkpoint, Hash, MAX_INTEGER, Note, Vkey, verify_consistency};

/// No tree of 64 bits needs a longer consistency proof; whoever sends more lines is refused (tlog-witness).
const MAX_PROOF: usize = 63;

/// What a witness last cosigned of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How many events the log had.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// When it was cosigned, in seconds since 1970.
    pub time: u64,
}

impl Seen {
    /// Of a log that was never cosigned: the empty tree, which every log extends.
    pub const NOTHING: Seen = Seen {
        size: 0,
        root: Hash::EMPTY,
        time: 0,
    };
}

/// The body of an add-checkpoint request: `old <size>`, a consistency proof a hash a line, an empty line, and the
/// signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Of which size the sender believes that the witness saw the log last.
    pub old: u64,
    /// That the checkpoint extends the log of that size; empty for sizes that are equal, and for 0.
    pub proof: Vec<Hash>,
    /// The checkpoint as a signed note.
    pub note: Note,
}

impl AddCheckpoint {
    /// Reads a request's body.
    ///
    /// # Errors
    /// `Malformed`, with what is wrong.
    pub fn parse(body: &str) -> Result<AddCheckpoint, Declined> {
        let (head, note) = body
            .split_once("\n\n")
            .ok_or(Declined::Malformed("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(decimal)
            .ok_or(Declined::Malformed("the first line is not the old size"))?;
        let proof = lines
            .map(hash)
            .collect::<Option<Vec<Hash>>>()
            .filter(|proof| proof.len() <= MAX_PROOF)
            .ok_or(Declined::Malformed("not a proof of 63 hashes at most"))?;
        let note = Note::parse(note).map_err(|_| Declined::Malformed("not a signed note"))?;
        Ok(AddCheckpoint { old, proof, note })
    }

    /// Whether this checkpoint may be cosigned at that time (seconds since 1970) by a witness that last saw `seen` of
    /// the log, and what it has then seen. `logs` are the keys that it trusts, each named like its log.
    ///
    /// # Errors
    /// Why not, in the order in which tlog-witness asks.
    pub fn judge(&self, logs: &[Vkey], seen: &Seen, time: u64) -> Result<Seen, Declined> {
        let keys: Vec<Vkey> = logs
            .iter()
            .filter(|key| key.name() == self.origin())
            .cloned()
            .collect();
        if keys.is_empty() {
            return Err(Declined::UnknownLog);
        }
        self.note.open(&keys).map_err(|_| Declined::Unsigned)?;
        let checkpoint: Checkpoint = self
            .note
            .text()
            .parse()
            .map_err(|_| Declined::Malformed("not a checkpoint without extension lines"))?;
        let Checkpoint { size, root, .. } = checkpoint;
        if self.old > size {
            return Err(Declined::Malformed(
                "the old size is beyond the checkpoint's",
            ));
        }
        if self.old != seen.size {
            return Err(Declined::Conflict { size: seen.size });
        }
        if size == seen.size && root != seen.root {
            return Err(Declined::Fork { size });
        }
        verify_consistency(seen.size, &seen.root, size, &root, &self.proof)
            .map_err(|_| Declined::Proof)?;
        // The word "by now this was the largest" would be untrue of a time before the last one given.
        if time < seen.time {
            return Err(Declined::ClockBehind { last: seen.time });
        }
        Ok(Seen { size, root, time })
    }

    /// The log that the checkpoint claims to be of: its first line.
    pub fn origin(&self) -> &str {
        self.note.text().split('\n').next().unwrap_or_default()
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", BASE64_STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Declined {
    /// The request is not what it should be.
    #[error("{0}")]
    Malformed(&'static str),
    /// Nobody told this witness to watch the log.
    #[error("this witness does not watch that log")]
    UnknownLog,
    /// The log's own key has not signed it.
    #[error("not signed by a key of that log")]
    Unsigned,
    /// It does not go on from where this witness last saw the log.
    #[error("this witness last saw the log at size {size}")]
    Conflict {
        /// The size it last cosigned.
        size: u64,
    },
    /// The log has signed two roots for one size: two histories.
    #[error("this witness saw the log with another root at size {size}")]
    Fork {
        /// The size it last cosigned.
        size: u64,
    },
    /// The checkpoint is not shown to extend what this witness saw.
    #[error("the proof does not show that this log extends the one seen before")]
    Proof,
    /// The witness's clock stands before its own last cosignature.
    #[error("this witness's clock stands before its last cosignature, of {last} s after 1970")]
    ClockBehind {
        /// The time of that one, in seconds since 1970.
        last: u64,
    },
}

/// A size as it is written: digits without sign or leading zero.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok().filter(|number| *number <= MAX_INTEGER)?;
    (number.to_string() == text).then_some(number)
}

fn hash(line: &str) -> Option<Hash> {
    Hash::try_from(BASE64_STANDARD.decode(line).ok()?.as_slice()).ok()
}

#[cfg(test)]
mod tests;
