//! A second signature under a checkpoint, by a key of the suite `sm2-sm3`: for those whose rules ask for it.
//!
//! The invariant: it stands beside the log's Ed25519 signature and never for it. Its type is 0xff with a name of its own,
//! as C2SP signed-note leaves to types that it assigns no byte, so that whoever knows Ed25519 only skips the line in the note
//! and the key among the log's. Key ids and the tree stay SHA-256.

use std::fmt;
use std::str::FromStr;

use hefu_suite::{PublicKey, SecretKey, Suite};

use crate::note::{ED25519, check_name, key_id, public_key, read_vkey, write_vkey};
use crate::{LogError, Note, Signature, Vkey};

/// The byte of types that have none assigned.
const PRIVATE: u8 = 0xff;

/// What follows it: the object identifier of SM2 signatures with SM3 (GM/T 0006), in digits.
const SM2_WITH_SM3: &[u8] = b"1.2.156.10197.1.501";

/// A public key with its name: `<name>+<key id in hex>+<base64 of 0xff ‖ "1.2.156.10197.1.501" ‖ 0x04 ‖ x ‖ y>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecondKey {
    name: String,
    id: [u8; 4],
    key: PublicKey,
}

impl SecondKey {
    fn new(name: &str, key: PublicKey) -> Result<Self, LogError> {
        check_name(name)?;
        if key.suite() != Suite::Sm2Sm3 {
            return Err(LogError::Key("not of a suite for second signatures"));
        }
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, &kind(), key.as_bytes()),
            key,
        })
    }

    /// The key's name, which is its log's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256(name ‖ 0x0A ‖ 0xff ‖ "1.2.156.10197.1.501" ‖ key).
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The same key under another name: that of a log which goes on from the one it was given for.
    ///
    /// # Errors
    /// `Key` for a name that is empty or holds spaces, controls or a plus.
    pub fn under(&self, name: &str) -> Result<Self, LogError> {
        Self::new(name, self.key.clone())
    }

    /// Whether it is another key than `other`, under the same name and id, so that nobody could say which of them signed.
    fn collides(&self, other: &SecondKey) -> bool {
        self != other && self.name == other.name && self.id == other.id
    }
}

impl fmt::Display for SecondKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_vkey(f, &self.name, self.id, &kind(), self.key.as_bytes())
    }
}

impl FromStr for SecondKey {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        let (name, kind, rest) = read_vkey(text)?;
        let key = rest
            .strip_prefix(SM2_WITH_SM3)
            .filter(|_| kind == PRIVATE)
            .ok_or(LogError::Key("not of SM2's type"))?;
        let key = Self::new(name, public_key(Suite::Sm2Sm3, key)?)?;
        // A wrong id, or one in other digits.
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(LogError::Key("its id is not its own"))
        }
    }
}

/// A log's second key. Its `Debug` is the public half.
pub struct SecondSigner {
    public: SecondKey,
    key: SecretKey,
}

impl SecondSigner {
    /// A signer from a key name, which is the log's, and a secret key of the suite `sm2-sm3`.
    ///
    /// # Errors
    /// `Key` for a name that is empty or holds spaces, controls or a plus, and for a key of another suite.
    pub fn new(name: &str, key: SecretKey) -> Result<Self, LogError> {
        Ok(Self {
            public: SecondKey::new(name, key.public().clone())?,
            key,
        })
    }

    /// The public half.
    pub const fn public(&self) -> &SecondKey {
        &self.public
    }

    /// The signature line over a note's text.
    pub fn sign(&self, note: &Note) -> Signature {
        let bytes = self.key.sign(note.text().as_bytes()).to_vec();
        Signature::new(&self.public.name, self.public.id, bytes)
    }
}

impl fmt::Debug for SecondSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecondSigner({})", self.public)
    }
}

/// Which of `known` signed a note, each once, in the order of its lines. Lines of others count for nothing.
///
/// # Errors
/// `Signature` if one of `known` is named with a wrong signature, as such a line spoils any signed note; `Key` if two
/// different keys of `known` have the same name and id.
pub fn signers<'k>(note: &Note, known: &'k [SecondKey]) -> Result<Vec<&'k SecondKey>, LogError> {
    let mut signers: Vec<&SecondKey> = Vec::new();
    for signature in note.signatures() {
        let claimed =
            |key: &&SecondKey| (key.name(), key.id()) == (signature.name(), signature.id());
        let Some(key) = known.iter().find(claimed) else {
            continue;
        };
        if known.iter().any(|other| key.collides(other)) {
            return Err(LogError::Key("two keys have the same name and id"));
        }
        if !key.key.verifies(note.text().as_bytes(), signature.bytes()) {
            return Err(LogError::Signature(key.name.clone()));
        }
        if !signers.contains(&key) {
            signers.push(key);
        }
    }
    Ok(signers)
}

/// What a file of verifier keys holds, such as a deployment's `log.vkey`: a key a line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VerifierKeys {
    /// The Ed25519 keys: those that must have signed.
    pub keys: Vec<Vkey>,
    /// Keys of second signatures.
    pub second: Vec<SecondKey>,
    /// Lines of other types, or of a suite that this build is without. What they sign is not checked.
    pub skipped: Vec<String>,
}

impl VerifierKeys {
    /// Reads a file's text; space around a line and empty lines mean nothing.
    ///
    /// # Errors
    /// `Key` for a line that is no verifier key, or one of a known type that is damaged.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let mut read = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, kind, rest) = read_vkey(line)?;
            check_name(name)?;
            let is_sm2 = kind == PRIVATE && rest.starts_with(SM2_WITH_SM3);
            if kind == ED25519 {
                read.keys.push(line.parse()?);
            } else if is_sm2 && Suite::Sm2Sm3.is_built() {
                read.second.push(line.parse()?);
            } else {
                read.skipped.push(line.to_owned());
            }
        }
        Ok(read)
    }

    /// What to tell of the lines that were skipped; nothing if there are none.
    pub fn warning(&self) -> Option<String> {
        let first = self.skipped.first()?;
        let name = first.split('+').next().unwrap_or_default();
        Some(format!(
            "{} verifier keys are of a type that this build does not check, the first is {name}'s: \
             their signatures are ignored (a build with --features sm2-sm3 checks those of SM2)",
            self.skipped.len()
        ))
    }
}

/// The signature type in key ids and verifier keys.
fn kind() -> Vec<u8> {
    [&[PRIVATE], SM2_WITH_SM3].concat()
}

#[cfg(test)]
mod tests;
