//! Checkpoints as C2SP tlog-checkpoint has them: what a log's key signs.
//!
//! The invariant: a checkpoint has one text, three lines without extensions, so that reading and writing it again
//! gives the bytes that were signed; and the origin names deployment, region and epoch, so that two logs never share
//! one.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::note::check_name;
use crate::{Hash, LogError, MAX_INTEGER, Note, NoteSigner, Vkey};

/// Which log: `<deployment>/<region>/<epoch>`. It is the name of the log's key too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Origin {
    deployment: String,
    region: String,
    epoch: u64,
}

impl Origin {
    /// An origin with its parts checked. A deployment may be a name with slashes, such as `example.org/vouchers`.
    ///
    /// # Errors
    /// `Checkpoint` if a part is empty, the region holds a slash, or the epoch is beyond 2^53 - 1; `Key` for spaces,
    /// controls or a plus.
    pub fn new(deployment: &str, region: &str, epoch: u64) -> Result<Self, LogError> {
        check_name(deployment)?;
        check_name(region)?;
        if region.contains('/') || epoch > MAX_INTEGER {
            return Err(LogError::Checkpoint("an origin out of bounds"));
        }
        Ok(Self {
            deployment: deployment.to_owned(),
            region: region.to_owned(),
            epoch,
        })
    }

    /// The deployment's name.
    pub fn deployment(&self) -> &str {
        &self.deployment
    }

    /// The region's code.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The epoch, raised by each accepted fork.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.deployment, self.region, self.epoch)
    }
}

impl FromStr for Origin {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        const SHAPE: LogError = LogError::Checkpoint("not deployment/region/epoch");
        let (rest, epoch) = text.rsplit_once('/').ok_or(SHAPE)?;
        let (deployment, region) = rest.rsplit_once('/').ok_or(SHAPE)?;
        Self::new(deployment, region, decimal(epoch).ok_or(SHAPE)?)
    }
}

/// How large a log was, and the root over all of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Which log.
    pub origin: Origin,
    /// How many events it had.
    pub size: u64,
    /// The root of the tree of that size.
    pub root: Hash,
}

impl Checkpoint {
    /// The signed note over this checkpoint. Further signatures can be added to it.
    ///
    /// # Errors
    /// `Checkpoint` unless the key is named like the origin, as verifiers look it up by that name.
    pub fn sign(&self, signer: &NoteSigner) -> Result<Note, LogError> {
        if signer.vkey().name() != self.origin.to_string() {
            return Err(LogError::Checkpoint("the key is not the log's"));
        }
        let mut note = Note::new(self.to_string())?;
        note.add(signer.sign(&note));
        Ok(note)
    }

    /// Reads a checkpoint that the log itself has signed: one of the verified keys is named like the origin.
    ///
    /// # Errors
    /// Those of [`Note::parse`] and [`Note::open`]; `Checkpoint` if the text is no checkpoint, or only others signed.
    pub fn open(note: &str, known: &[Vkey]) -> Result<Self, LogError> {
        let note = Note::parse(note)?;
        let signers = note.open(known)?;
        let checkpoint: Self = note.text().parse()?;
        let log = checkpoint.origin.to_string();
        if signers.iter().any(|key| key.name() == log) {
            Ok(checkpoint)
        } else {
            Err(LogError::Checkpoint("not signed by its own log"))
        }
    }
}

/// The text of the note: origin, size and root, a line each.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = BASE64_STANDARD.encode(self.root);
        write!(f, "{}\n{}\n{root}\n", self.origin, self.size)
    }
}

impl FromStr for Checkpoint {
    type Err = LogError;

    /// Strict: our logs write no extension lines, so any is refused rather than dropped.
    fn from_str(text: &str) -> Result<Self, LogError> {
        const SHAPE: LogError = LogError::Checkpoint("not origin, size and root");
        let mut lines = text.strip_suffix('\n').ok_or(SHAPE)?.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(SHAPE);
        };
        let root = BASE64_STANDARD.decode(root).map_err(|_| SHAPE)?;
        Ok(Self {
            origin: origin.parse()?,
            size: decimal(size).ok_or(SHAPE)?,
            root: Hash::try_from(root.as_slice()).map_err(|_| SHAPE)?,
        })
    }
}

/// A decimal number as checkpoints write it: digits without sign or leading zero, at most 2^53 - 1.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok().filter(|number| *number <= MAX_INTEGER)?;
    // `parse` takes "+1" and "01"; a number has one text here.
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests;
