//! Cosignatures as C2SP tlog-cosignature has them, with Ed25519 ("cosignature/v1"): a witness's word that at that time
//! this was the largest tree it had seen of the log, and that it extends every tree it saw before.
//!
//! The invariant: a cosignature counts only under a key of its own type (0x04) and over its own time with the whole
//! text, so that a log's signature never passes for a witness's, and nobody can move a time.

use std::fmt;
use std::str::FromStr;

use hefu_suite::{PublicKey, SecretKey, Suite};

use crate::note::{check_name, exactly_32, key_id, public_key, read_vkey, write_vkey};
use crate::{LogError, Note, Signature};

/// What signature type a cosignature is in key ids and verifier keys.
const COSIGNATURE: u8 = 0x04;

/// The last time a cosignature can bear, 2^63 - 1 (tlog-cosignature, "Format").
const MAX_TIME: u64 = i64::MAX as u64;

/// A witness's public key with its name: `<name>+<key id in hex>+<base64 of 0x04 ‖ key>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WitnessKey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
    key: PublicKey,
}

impl WitnessKey {
    /// A witness's key from its name and the 32 bytes of an Ed25519 public key.
    ///
    /// # Errors
    /// `Key`, as [`crate::Vkey::new`] has it.
    pub fn new(name: &str, key: &[u8; 32]) -> Result<Self, LogError> {
        check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, &[COSIGNATURE], key),
            public: *key,
            key: public_key(Suite::Ed25519Sha256, key)?,
        })
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 bytes of the Ed25519 public key. A cosignature does not sign its witness's name, so whoever counts
    /// witnesses counts these.
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Whether a signature line says that this key made it.
    pub fn claims(&self, signature: &Signature) -> bool {
        signature.name() == self.name && signature.id() == self.id
    }

    /// The time that this witness signed with a note's text, in seconds since 1970.
    ///
    /// # Errors
    /// `Signature` unless it is this key's, has 8 bytes of time and 64 of signature, and holds.
    pub fn verify(&self, note: &Note, signature: &Signature) -> Result<u64, LogError> {
        self.time(note, signature)
            .ok_or_else(|| LogError::Signature(self.name.clone()))
    }

    fn time(&self, note: &Note, signature: &Signature) -> Option<u64> {
        let (time, bytes) = signature.bytes().split_first_chunk()?;
        let time = u64::from_be_bytes(*time);
        let holds = self.claims(signature)
            && time <= MAX_TIME
            && self.key.verifies(message(note, time).as_bytes(), bytes);
        holds.then_some(time)
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_vkey(f, &self.name, self.id, &[COSIGNATURE], &self.public)
    }
}

impl FromStr for WitnessKey {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        let (name, kind, key) = read_vkey(text)?;
        if kind != COSIGNATURE {
            return Err(LogError::Key("not of a witness's type"));
        }
        let witness = Self::new(name, &exactly_32(&key)?)?;
        // A wrong id, or one in other digits.
        if witness.to_string() == text {
            Ok(witness)
        } else {
            Err(LogError::Key("its id is not its own"))
        }
    }
}

/// A witness's secret key. Its `Debug` is the public half.
pub struct Cosigner {
    public: WitnessKey,
    key: SecretKey,
}

impl Cosigner {
    /// A cosigner from a witness's name and the 32 secret bytes of an Ed25519 key, which serves no other name.
    ///
    /// # Errors
    /// `Key` for a name that is empty or holds spaces, controls or a plus.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, LogError> {
        let key = SecretKey::ed25519(seed);
        Ok(Self {
            public: WitnessKey::new(name, &exactly_32(key.public().as_bytes())?)?,
            key,
        })
    }

    /// The public half.
    pub const fn public(&self) -> &WitnessKey {
        &self.public
    }

    /// The signature line over a note's text and a time in seconds since 1970. Whether it may be signed is not asked
    /// here: that takes what the witness saw before.
    ///
    /// # Errors
    /// `Note` for a time beyond 2^63 - 1.
    pub fn cosign(&self, note: &Note, time: u64) -> Result<Signature, LogError> {
        if time > MAX_TIME {
            return Err(LogError::Note("a time out of bounds"));
        }
        let signature = self.key.sign(message(note, time).as_bytes());
        let bytes = [&time.to_be_bytes()[..], &signature].concat();
        Ok(Signature::new(&self.public.name, self.public.id, bytes))
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({})", self.public)
    }
}

/// A witness's word on a checkpoint, verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cosigned<'k> {
    /// Who gave it.
    pub witness: &'k WitnessKey,
    /// When, in seconds since 1970.
    pub time: u64,
}

/// Which witnesses of `known` cosigned a note, and when, in the order of its lines. Lines of others count for nothing.
///
/// # Errors
/// `Signature` if one of `known` is named with a wrong cosignature, as such a line spoils any signed note; `Key` if two
/// different keys of `known` have the same name and id.
pub fn cosignatures<'k>(
    note: &Note,
    known: &'k [WitnessKey],
) -> Result<Vec<Cosigned<'k>>, LogError> {
    let mut cosigned = Vec::new();
    for signature in note.signatures() {
        let mut claimed = known.iter().filter(|witness| witness.claims(signature));
        let Some(witness) = claimed.next() else {
            continue;
        };
        if claimed.any(|other| other != witness) {
            return Err(LogError::Key("two keys have the same name and id"));
        }
        let time = witness.verify(note, signature)?;
        cosigned.push(Cosigned { witness, time });
    }
    Ok(cosigned)
}

/// Refuses keys that would count one witness twice: a key under two names, or a name with two keys, of which nobody
/// could say which is meant.
///
/// # Errors
/// `Key` if there are such.
pub fn distinct(witnesses: &[WitnessKey]) -> Result<(), LogError> {
    for (i, witness) in witnesses.iter().enumerate() {
        let alike =
            |other: &WitnessKey| other.public == witness.public || other.name == witness.name;
        if witnesses[..i].iter().any(alike) {
            return Err(LogError::Key("one witness twice, by its key or its name"));
        }
    }
    Ok(())
}

/// What is signed: two lines that no checkpoint begins with, then the whole text of the note.
fn message(note: &Note, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{}", note.text())
}

#[cfg(test)]
mod tests;
