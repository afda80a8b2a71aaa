//! Whose signature counts. The invariant: the chain of keys of a log begins with one that was given from outside, each
//! link is signed by both its keys, and the last key before a checkpoint is the one that must have signed it. Only
//! where nothing was given from outside do the keys beside the log stand in, and then nothing is proven by them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hefu_domain::event::LogKeyRotated;
use hefu_log::{LogError, Note, Origin, Vkey};

use super::check::Check;

/// Verifier keys and where they come from.
#[derive(Clone, Debug)]
pub struct Keys {
    keys: Vec<Vkey>,
    from_outside: bool,
}

impl Keys {
    /// Keys that somebody who distrusts the operator got elsewhere: a verifier key a line, empty lines apart.
    ///
    /// # Errors
    /// `Key` for a line that is none.
    pub fn from_outside(text: &str) -> Result<Self, LogError> {
        Self::parse(text, true)
    }

    /// The keys that lie beside the log itself: with them a log is consistent with itself, and no more.
    ///
    /// # Errors
    /// `Key` for a line that is none.
    pub fn published(text: &str) -> Result<Self, LogError> {
        Self::parse(text, false)
    }

    /// Whether they prove anything.
    pub const fn are_from_outside(&self) -> bool {
        self.from_outside
    }

    fn parse(text: &str, from_outside: bool) -> Result<Self, LogError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys = lines.map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { keys, from_outside })
    }
}

/// The keys of one log as far as it was walked over.
pub(super) struct LogKeys {
    origin: String,
    /// Where a chain may begin.
    roots: Vec<Vkey>,
    links: Vec<Change>,
}

struct Change {
    index: u64,
    old: Vkey,
    new: Vkey,
}

impl LogKeys {
    /// The keys of a log. An accepted fork gives it another name and leaves it its key, so the keys of the logs before
    /// it count under its own name too.
    pub(super) fn of(origin: &Origin, keys: &Keys, before: &[LogKeys]) -> Self {
        let name = origin.to_string();
        let mut roots: Vec<Vkey> = (keys.keys.iter())
            .filter(|key| key.name() == name)
            .cloned()
            .collect();
        let earlier = before.iter().flat_map(LogKeys::trusted);
        let same_log = |key: &&Vkey| {
            key.name().parse().is_ok_and(|named: Origin| {
                named.deployment() == origin.deployment()
                    && named.region() == origin.region()
                    && named.epoch() < origin.epoch()
            })
        };
        for key in earlier.chain(keys.keys.iter().filter(same_log)) {
            roots.extend(Vkey::new(&name, key.public()).ok());
        }
        Self {
            origin: name,
            roots,
            links: Vec::new(),
        }
    }

    /// Whether they are the keys of that log.
    pub(super) fn are_of(&self, origin: &Origin) -> bool {
        self.origin == origin.to_string()
    }

    /// Takes a change of keys.
    pub(super) fn rotate(&mut self, index: u64, event: &LogKeyRotated) -> Result<(), Check> {
        let key = |line: &str| -> Result<Vkey, Check> {
            let key: Vkey = line.parse().map_err(|_| Check::Rotation)?;
            (key.name() == self.origin)
                .then_some(key)
                .ok_or(Check::Rotation)
        };
        let (old, new) = (key(&event.old)?, key(&event.new)?);
        let statement = LogKeyRotated::statement(&event.old, &event.new);
        let follows = self.links.last().is_none_or(|last| last.new == old);
        if follows
            && old != new
            && signed(&statement, &old, &event.by_old)
            && signed(&statement, &new, &event.by_new)
        {
            self.links.push(Change { index, old, new });
            Ok(())
        } else {
            Err(Check::Rotation)
        }
    }

    /// Checks a checkpoint of `size` events: it is signed by the key in force, and that key's chain begins outside.
    pub(super) fn check(&self, note: &Note, size: u64) -> Result<Vkey, Check> {
        let in_force = self.in_force(size);
        if in_force.is_empty() {
            return Err(Check::Key);
        }
        let signer = note
            .open(&in_force)
            .ok()
            .and_then(|signers| signers.first().copied().cloned())
            .ok_or(Check::Signature)?;
        if self.trusted().any(|key| *key == signer) {
            Ok(signer)
        } else {
            Err(Check::Key)
        }
    }

    /// Whether a note bears a wrong signature of a key that is known before anything was walked over.
    pub(super) fn are_belied(&self, note: &Note) -> bool {
        matches!(note.open(&self.roots), Err(LogError::Signature(_)))
    }

    /// Whether anything at all is known of who signs this log.
    pub(super) fn known(&self) -> bool {
        !self.roots.is_empty()
    }

    /// The keys that may have signed a tree of `size` events.
    fn in_force(&self, size: u64) -> Vec<Vkey> {
        let last = self.links.iter().rev().find(|link| link.index < size);
        match (last, self.links.first()) {
            (Some(change), _) => vec![change.new.clone()],
            (None, Some(change)) => vec![change.old.clone()],
            (None, None) => self.roots.clone(),
        }
    }

    /// The roots, and every key that follows one of them. A key that comes before one of them is vouched for by it
    /// too: it signed the change, and the checkpoint over the change is signed in the root's name.
    fn trusted(&self) -> impl Iterator<Item = &Vkey> {
        let chained = self
            .links
            .iter()
            .any(|link| self.roots.contains(&link.old) || self.roots.contains(&link.new));
        let links = self.links.iter().filter(move |_| chained);
        self.roots
            .iter()
            .chain(links.flat_map(|link| [&link.old, &link.new]))
    }
}

/// Whether a key signed a statement: the 64 bytes in base64 behind a note's signature line.
fn signed(statement: &str, key: &Vkey, signature: &str) -> bool {
    let Ok(bytes) = BASE64_STANDARD.decode(signature) else {
        return false;
    };
    let line = BASE64_STANDARD.encode([&key.id()[..], &bytes].concat());
    let note = format!("{statement}\n\u{2014} {} {line}\n", key.name());
    Note::parse(&note).is_ok_and(|note| note.open(std::slice::from_ref(key)).is_ok())
}
