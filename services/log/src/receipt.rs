//! What somebody keeps of an event: its bytes, and the proof that a log which signed for it holds them. It is checked offline, with
//! the log's verifier key and nothing else.
//!
//! ```text
//! hefu receipt v1
//! entry <base64 of the event's bytes>
//! c2sp.org/tlog-proof@v1
//! index <number>
//! <proof hash, base64, a line each>
//!
//! <the signed checkpoint>
//! ```
//!
//! From the third line on it is a proof as C2SP tlog-proof has it. The invariant: a receipt has one text.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::{
    Checkpoint, Hash, LogError, MAX_BYTES, MAX_INTEGER, Vkey, leaf_hash, verify_inclusion,
};

const FIRST: &str = "hefu receipt v1\n";
const PROOF: &str = "c2sp.org/tlog-proof@v1\n";

/// The most hashes of a proof: one for each level of the largest tree.
const MOST_HASHES: usize = 63;

/// An event with its proof; nothing holds until [`Receipt::verify`] says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The event's bytes, as they are stored.
    pub entry: Vec<u8>,
    /// Number of the event in its log.
    pub index: u64,
    /// Sibling hashes from the leaf up (RFC 6962, 2.1.1), in the tree of the checkpoint's size.
    pub proof: Vec<Hash>,
    /// The signed checkpoint whole, cosignatures included.
    pub note: String,
}

impl Receipt {
    /// Checks that a log whose key is known signed for a tree in which the event stands at this index.
    ///
    /// # Errors
    /// Those of [`Checkpoint::open`]; `Range` or `Proof` if the event is not in that tree.
    pub fn verify(&self, known: &[Vkey]) -> Result<Checkpoint, LogError> {
        let checkpoint = Checkpoint::open(&self.note, known)?;
        verify_inclusion(
            &leaf_hash(&self.entry),
            self.index,
            checkpoint.size,
            &self.proof,
            &checkpoint.root,
        )?;
        Ok(checkpoint)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST}entry {}", BASE64_STANDARD.encode(&self.entry))?;
        writeln!(f, "{PROOF}index {}", self.index)?;
        for hash in &self.proof {
            writeln!(f, "{}", BASE64_STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

impl FromStr for Receipt {
    type Err = LogError;

    /// # Errors
    /// `Receipt` for anything that [`Receipt`]'s `Display` does not write. The note is not looked into.
    fn from_str(text: &str) -> Result<Self, LogError> {
        const SHAPE: LogError = LogError::Receipt("not entry, index, proof and checkpoint");
        let rest = text.strip_prefix(FIRST);
        let rest = rest.ok_or(LogError::Receipt("its first line is not `hefu receipt v1`"))?;
        let (entry, rest) = line(rest, "entry ").ok_or(SHAPE)?;
        let rest = rest.strip_prefix(PROOF).ok_or(SHAPE)?;
        let (index, mut rest) = line(rest, "index ").ok_or(SHAPE)?;
        let mut proof = Vec::new();
        while !rest.starts_with('\n') {
            let (hash, after) = line(rest, "").ok_or(SHAPE)?;
            let hash = BASE64_STANDARD.decode(hash).map_err(|_| SHAPE)?;
            proof.push(Hash::try_from(hash.as_slice()).map_err(|_| SHAPE)?);
            if proof.len() > MOST_HASHES {
                return Err(LogError::Receipt("too many hashes"));
            }
            rest = after;
        }
        let entry = BASE64_STANDARD.decode(entry).map_err(|_| SHAPE)?;
        if entry.len() > MAX_BYTES {
            return Err(LogError::TooLarge { bytes: entry.len() });
        }
        let receipt = Self {
            entry,
            index: index.parse().map_err(|_| SHAPE)?,
            proof,
            note: rest[1..].to_owned(),
        };
        // A sign or a zero in front of the index: whatever else parses is spelt differently.
        if receipt.index > MAX_INTEGER || receipt.to_string() != text {
            return Err(SHAPE);
        }
        Ok(receipt)
    }
}

/// The rest of a line that starts with these words, and what follows it.
fn line<'t>(text: &'t str, words: &str) -> Option<(&'t str, &'t str)> {
    text.split_once('\n')
        .and_then(|(line, after)| Some((line.strip_prefix(words)?, after)))
}

#[cfg(test)]
mod tests;
