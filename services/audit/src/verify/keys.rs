//! Whose signature counts. The invariant: the chain of keys of a log begins with one that was given from outside, each
//! link is signed by both its keys over the tree that the old one signed last, and the last key before a checkpoint is the
//! one that must have signed it. A key that was replaced signs nothing any more: no later log, and no shorter one for
//! somebody who has heard of the key that follows. Only where nothing was given from outside do the keys beside the log
//! stand in, and then nothing is proven by them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hefu_domain::event::{LogKeyRotated, LogTree};
use hefu_log::{LogError, Note, Origin, SecondKey, VerifierKeys, Vkey, second};

use super::check::Check;

/// Verifier keys and where they come from.
#[derive(Clone, Debug)]
pub struct Keys {
    known: VerifierKeys,
    from_outside: bool,
}

impl Keys {
    /// Keys that somebody who distrusts the operator got elsewhere: a verifier key a line, empty lines apart. Lines of
    /// types that this build does not check are skipped.
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

    /// What to tell of the lines that were skipped; nothing if there are none.
    pub fn warning(&self) -> Option<String> {
        self.known.warning()
    }

    /// Which logs they are named for.
    pub(super) fn origins(&self) -> impl Iterator<Item = Origin> {
        self.known
            .keys
            .iter()
            .filter_map(|key| key.name().parse().ok())
    }

    fn parse(text: &str, from_outside: bool) -> Result<Self, LogError> {
        Ok(Self {
            known: VerifierKeys::parse(text)?,
            from_outside,
        })
    }

    /// Checks the second signature of a log's last checkpoint, if a key of one was brought along for the log: one of these
    /// must have signed, so that nobody can take the line away. Gives the id of the key that did. As for the log's own key,
    /// where none bears its name it is that of the latest log before it.
    pub(super) fn second(&self, note: &Note, origin: &Origin) -> Result<Option<[u8; 4]>, Check> {
        let named = self.known.second.iter().filter_map(|key| {
            let epoch = epoch_of(key.name(), origin)?;
            (epoch <= origin.epoch()).then_some((epoch, key))
        });
        let named: Vec<(u64, &SecondKey)> = named.collect();
        let Some(latest) = named.iter().map(|(epoch, _)| *epoch).max() else {
            return Ok(None);
        };
        let own = named.iter().filter(|(epoch, _)| *epoch == latest);
        let own: Result<Vec<SecondKey>, LogError> =
            own.map(|(_, key)| key.under(&origin.to_string())).collect();
        let signers = own.and_then(|own| {
            let signers = second::signers(note, &own)?;
            Ok(signers.first().map(|key| key.id()))
        });
        match signers {
            Ok(Some(id)) => Ok(Some(id)),
            Ok(None) | Err(_) => Err(Check::Second),
        }
    }
}

/// The keys of one log as far as it was walked over.
pub(super) struct LogKeys {
    origin: Origin,
    /// Where a chain may begin.
    roots: Vec<Vkey>,
    links: Vec<Change>,
}

/// A key that follows another.
struct Change {
    index: u64,
    old: Vkey,
    new: Vkey,
    signed: LogTree,
}

impl LogKeys {
    /// The keys of a log. An accepted fork gives it another name and leaves it its key: where no key was given under its
    /// own name, it is that of the latest log before it. `before` is the one that it goes on from; of logs between the
    /// two nothing is left.
    pub(super) fn of(origin: &Origin, keys: &Keys, before: Option<&LogKeys>) -> Self {
        let after = before.map(|before| before.origin.epoch());
        let named = keys.known.keys.iter().filter_map(|key| {
            let epoch = epoch_of(key.name(), origin)?;
            (epoch <= origin.epoch() && after < Some(epoch)).then_some((epoch, key))
        });
        let named: Vec<(u64, &Vkey)> = named.collect();
        let latest = named.iter().map(|(epoch, _)| *epoch).max();
        let given: Vec<&Vkey> = match latest {
            Some(latest) => named
                .iter()
                .filter(|(epoch, _)| *epoch == latest)
                .map(|(_, key)| *key)
                .collect(),
            None => before.and_then(LogKeys::heir).into_iter().collect(),
        };
        let mut roots: Vec<Vkey> = Vec::new();
        for key in given {
            let own = Vkey::new(&origin.to_string(), key.public());
            roots.extend(own.ok().filter(|own| !roots.contains(own)));
        }
        Self {
            origin: origin.clone(),
            roots,
            links: Vec::new(),
        }
    }

    /// Whose log it is.
    pub(super) fn deployment(&self) -> &str {
        self.origin.deployment()
    }

    /// Whether they are the keys of that log.
    pub(super) fn are_of(&self, origin: &Origin) -> bool {
        self.origin == *origin
    }

    /// Takes a change of keys. The tree that it names is for [`LogKeys::trees`] to tell.
    pub(super) fn rotate(&mut self, index: u64, event: &LogKeyRotated) -> Result<(), Check> {
        let key = |line: &str| -> Result<Vkey, Check> {
            let key: Vkey = line.parse().map_err(|_| Check::Rotation)?;
            (key.name() == self.origin.to_string())
                .then_some(key)
                .ok_or(Check::Rotation)
        };
        let (old, new) = (key(&event.old)?, key(&event.new)?);
        let signed = event.signed;
        let statement = LogKeyRotated::statement(&event.old, &event.new, &signed);
        let from = self.links.last().map_or(0, |last| last.signed.size);
        let follows = self.links.last().is_none_or(|last| last.new == old)
            && signed.epoch == self.origin.epoch()
            && (from..=index).contains(&signed.size);
        if follows
            && old != new
            && is_signed(&statement, &old, &event.by_old)
            && is_signed(&statement, &new, &event.by_new)
        {
            self.links.push(Change {
                index,
                old,
                new,
                signed,
            });
            Ok(())
        } else {
            Err(Check::Rotation)
        }
    }

    /// The trees that the changes of keys name, each with its event's index; their sizes ascend.
    pub(super) fn trees(&self) -> impl Iterator<Item = (u64, LogTree)> {
        self.links.iter().map(|link| (link.index, link.signed))
    }

    /// Forgets what stands behind the last signed event: a change of keys that nobody signed vouches for nobody.
    pub(super) fn end_at(&mut self, size: u64) {
        self.links.retain(|link| link.index < size);
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

    /// Whether the log tells of every key that was brought along for it: it has not stopped short of a change of keys, or
    /// of a fork, that whoever brought them has heard of.
    pub(super) fn reaches(&self, keys: &Keys) -> bool {
        let later = |key: &Vkey| epoch_of(key.name(), &self.origin) > Some(self.origin.epoch());
        self.is_one() && !keys.known.keys.iter().any(later)
    }

    /// Whether all roots are keys of one chain.
    fn is_one(&self) -> bool {
        let chained =
            |root: &Vkey| (self.links.iter()).any(|link| link.old == *root || link.new == *root);
        match (self.roots.len(), self.links.is_empty()) {
            (0 | 1, true) => true,
            (_, true) => false,
            (_, false) => self.roots.iter().all(chained),
        }
    }

    /// The key that signs a log which goes on from this one. None if it cannot be told which of several that is: then
    /// it has to be brought along under the later log's name.
    fn heir(&self) -> Option<&Vkey> {
        let last = self.links.last().map(|last| &last.new);
        last.or(self.roots.first())
            .filter(|_| !self.roots.is_empty() && self.is_one())
    }

    /// The roots, and every key of the chain that one of them is in. A key that comes before one of them is vouched for
    /// by it: it signed the change, and the checkpoint over the change is signed in its name.
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

/// Of which epoch's log a key of that name is, if it is of this region's.
fn epoch_of(name: &str, origin: &Origin) -> Option<u64> {
    let named: Origin = name.parse().ok()?;
    let same = named.deployment() == origin.deployment() && named.region() == origin.region();
    same.then_some(named.epoch())
}

/// Whether a key signed a statement: the 64 bytes in base64 behind a note's signature line.
fn is_signed(statement: &str, key: &Vkey, signature: &str) -> bool {
    let Ok(bytes) = BASE64_STANDARD.decode(signature) else {
        return false;
    };
    let line = BASE64_STANDARD.encode([&key.id()[..], &bytes].concat());
    let note = format!("{statement}\n\u{2014} {} {line}\n", key.name());
    Note::parse(&note).is_ok_and(|note| note.open(std::slice::from_ref(key)).is_ok())
}
