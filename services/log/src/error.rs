//! One error for the whole crate. None of them is a refusal of a rule: each says that bytes, a proof or a signature
//! are not what they claim to be, or that a value cannot be logged at all.

use std::fmt;

use crate::proof::Node;

/// Why something could not be logged, decoded or verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A value that canonical bytes do not know: null, a float, an integer beyond 2^53 - 1, a key twice.
    #[error("cannot be logged{}: {what}", Place(at))]
    Value {
        /// Dotted path to the value, empty at the top.
        at: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The canonical bytes are longer than [`crate::MAX_BYTES`].
    #[error("{bytes} bytes are too many for one event (65535 at most)")]
    TooLarge {
        /// How long they would have been.
        bytes: usize,
    },
    /// A type's own `Serialize` failed.
    #[error("cannot be serialised: {0}")]
    Serialize(String),
    /// Stored bytes are not the JSON of an event.
    #[error("not an event: {0}")]
    Decode(String),
    /// A field of the envelope breaks the envelope's own rules.
    #[error("envelope field `{field}` {what}")]
    Envelope {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Not 32 bytes, or not their base64url.
    #[error("not a hash of 32 bytes")]
    Hash,
    /// The stored right edge does not fit its size.
    #[error("not a frontier: {0}")]
    Frontier(&'static str),
    /// A proof was asked for, or offered, outside the tree.
    #[error("{at} lies outside a tree of {size}")]
    Range {
        /// Index or old size.
        at: u64,
        /// Size of the tree.
        size: u64,
    },
    /// A node of the tree that the reader does not have.
    #[error("node {} of level {} is missing", .0.index, .0.level)]
    Missing(Node),
    /// The proof does not lead to the root.
    #[error("the proof does not hold")]
    Proof,
    /// Not a tile path, tile or entry bundle.
    #[error("not a tile: {0}")]
    Tile(&'static str),
    /// Not a signed note.
    #[error("not a signed note: {0}")]
    Note(&'static str),
    /// Not a key name or verifier key.
    #[error("not a verifier key: {0}")]
    Key(&'static str),
    /// A known key's signature is wrong.
    #[error("the signature of {0} is wrong")]
    Signature(String),
    /// Nobody whom we know has signed.
    #[error("no signature by a known key")]
    Unsigned,
    /// Not a receipt.
    #[error("not a receipt: {0}")]
    Receipt(&'static str),
    /// The note's text is not a checkpoint.
    #[error("not a checkpoint: {0}")]
    Checkpoint(&'static str),
}

impl LogError {
    pub(crate) fn value(what: &'static str) -> Self {
        Self::Value {
            at: String::new(),
            what,
        }
    }

    /// Puts one more step in front of the path of a value that could not be logged.
    pub(crate) fn under(self, step: &str) -> Self {
        match self {
            Self::Value { at, what } if at.is_empty() => Self::Value {
                at: step.to_owned(),
                what,
            },
            Self::Value { at, what } => Self::Value {
                at: format!("{step}.{at}"),
                what,
            },
            other => other,
        }
    }
}

impl serde::ser::Error for LogError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Serialize(message.to_string())
    }
}

struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, " at {}", self.0)
        }
    }
}
