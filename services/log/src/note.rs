//! Signed notes as C2SP signed-note has them, with Ed25519. Signatures of other types are [`crate::second`]'s.
//!
//! The invariant: a note is its text to the byte, and whoever opens one gets the text only after a known key's
//! signature over exactly that text held. Signatures of unknown keys are carried along and count for nothing; a wrong
//! signature of a known key spoils the note.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hefu_suite::{PublicKey, SecretKey, Suite, SuiteError};
use sha2::{Digest as _, Sha256};

use crate::LogError;

/// What signature type Ed25519 is in key ids and verifier keys.
pub(crate) const ED25519: u8 = 0x01;

/// Longest note that is read, in bytes, and the most signatures on it.
const MAX_NOTE: usize = 1_000_000;
const MAX_SIGNATURES: usize = 100;

/// What a signature line starts with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// A public key with its name: `<name>+<key id in hex>+<base64 of 0x01 ‖ key>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vkey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
    key: PublicKey,
}

impl Vkey {
    /// A verifier key from a name and the 32 bytes of an Ed25519 public key.
    ///
    /// # Errors
    /// `Key` for a name that is empty or holds spaces, controls or a plus; for bytes that are no point, a second
    /// spelling of one, or one of the few of small order, under which anybody can sign.
    pub fn new(name: &str, key: &[u8; 32]) -> Result<Self, LogError> {
        check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, &[ED25519], key),
            public: *key,
            key: public_key(Suite::Ed25519Sha256, key)?,
        })
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key).
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The 32 bytes of the Ed25519 public key.
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    fn verify(&self, text: &str, signature: &Signature) -> Result<(), LogError> {
        match self.key.verifies(text.as_bytes(), &signature.bytes) {
            true => Ok(()),
            false => Err(LogError::Signature(self.name.clone())),
        }
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_vkey(f, &self.name, self.id, &[ED25519], &self.public)
    }
}

impl FromStr for Vkey {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        let (name, kind, key) = read_vkey(text)?;
        if kind != ED25519 {
            return Err(LogError::Key("not of the Ed25519 type"));
        }
        let vkey = Self::new(name, &exactly_32(&key)?)?;
        // A wrong id, or one in other digits.
        if vkey.to_string() == text {
            Ok(vkey)
        } else {
            Err(LogError::Key("its id is not its own"))
        }
    }
}

/// One signature line: `— <name> <base64 of key id ‖ signature>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl Signature {
    pub(crate) fn new(name: &str, id: [u8; 4], bytes: Vec<u8>) -> Self {
        let name = name.to_owned();
        Self { name, id, bytes }
    }

    /// Who signed, as the line says.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id, as the line says.
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// What follows the key id; 64 bytes if it is plain Ed25519.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(line: &str) -> Result<Self, LogError> {
        const SHAPE: LogError = LogError::Note("not a signature line");
        let (name, code) = line
            .strip_prefix(DASH)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(SHAPE)?;
        check_name(name)?;
        let decoded = BASE64_STANDARD.decode(code).map_err(|_| SHAPE)?;
        let (id, bytes) = decoded.split_first_chunk().ok_or(SHAPE)?;
        if bytes.is_empty() {
            return Err(SHAPE);
        }
        Ok(Self::new(name, *id, bytes.to_vec()))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = BASE64_STANDARD.encode([&self.id[..], &self.bytes].concat());
        write!(f, "{DASH}{} {code}", self.name)
    }
}

/// A log's key. It shows itself to nobody: its `Debug` is the public half.
pub struct NoteSigner {
    vkey: Vkey,
    key: SecretKey,
}

impl NoteSigner {
    /// A signer from a key name and the 32 secret bytes of an Ed25519 key. A log's key is named like its origin.
    ///
    /// # Errors
    /// `Key` for a name that is empty or holds spaces, controls or a plus.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, LogError> {
        let key = SecretKey::ed25519(seed);
        Ok(Self {
            vkey: Vkey::new(name, &exactly_32(key.public().as_bytes())?)?,
            key,
        })
    }

    /// The public half, for those who verify.
    pub const fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// The signature line over a note's text.
    pub fn sign(&self, note: &Note) -> Signature {
        let bytes = self.key.sign(note.text.as_bytes()).to_vec();
        Signature::new(&self.vkey.name, self.vkey.id, bytes)
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({})", self.vkey)
    }
}

/// A text and its signatures; nothing is verified until [`Note::open`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// A note that nobody has signed yet.
    ///
    /// # Errors
    /// `Note` unless the text ends with a newline and holds no other control character.
    pub fn new(text: String) -> Result<Self, LogError> {
        if !text.ends_with('\n') {
            return Err(LogError::Note("its text does not end with a newline"));
        }
        if text.chars().any(|c| c < ' ' && c != '\n') {
            return Err(LogError::Note("its text holds control characters"));
        }
        Ok(Self {
            text,
            signatures: Vec::new(),
        })
    }

    /// Reads a note; its signatures are split off but not verified.
    ///
    /// # Errors
    /// `Note` if it is too long, or has not the form of a signed note with at least one signature.
    pub fn parse(note: &str) -> Result<Self, LogError> {
        if note.len() > MAX_NOTE {
            return Err(LogError::Note("too long"));
        }
        // The last empty line divides, as the text may hold such lines itself.
        let at = note.rfind("\n\n").ok_or(LogError::Note("no signatures"))?;
        let (text, lines) = (&note[..=at], &note[at + 2..]);
        let lines = lines
            .strip_suffix('\n')
            .ok_or(LogError::Note("its last line has no end"))?;
        let mut parsed = Self::new(text.to_owned())?;
        for line in lines.split('\n') {
            if parsed.signatures.len() == MAX_SIGNATURES {
                return Err(LogError::Note("too many signatures"));
            }
            parsed.signatures.push(Signature::parse(line)?);
        }
        Ok(parsed)
    }

    /// The text that is signed, its last newline included. Of a note from outside it means nothing before `open`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature line.
    pub fn add(&mut self, signature: Signature) {
        self.signatures.push(signature);
    }

    /// Verifies the note and names the keys of `known` that signed it.
    ///
    /// # Errors
    /// `Unsigned` if none did; `Signature` if one is named with a wrong signature; `Key` if two different keys of
    /// `known` have the same name and id.
    pub fn open<'k>(&self, known: &'k [Vkey]) -> Result<Vec<&'k Vkey>, LogError> {
        let mut signers: Vec<&Vkey> = Vec::new();
        for signature in &self.signatures {
            let mut keys = known
                .iter()
                .filter(|key| key.name == signature.name && key.id == signature.id);
            let Some(key) = keys.next() else { continue };
            if keys.any(|other| other != key) {
                return Err(LogError::Key("two keys have the same name and id"));
            }
            key.verify(&self.text, signature)?;
            if !signers.contains(&key) {
                signers.push(key);
            }
        }
        if signers.is_empty() {
            Err(LogError::Unsigned)
        } else {
            Ok(signers)
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_str("\n")?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// Key names: not empty, no spaces of any script, no plus; no controls, since they stand in a note.
pub(crate) fn check_name(name: &str) -> Result<(), LogError> {
    if name.is_empty()
        || name
            .chars()
            .any(|c| c == '+' || c.is_whitespace() || c.is_control())
    {
        return Err(LogError::Key(
            "a name that is empty or holds spaces, controls or a plus",
        ));
    }
    Ok(())
}

/// A public key that only its holder can sign for.
pub(crate) fn public_key(suite: Suite, key: &[u8]) -> Result<PublicKey, LogError> {
    PublicKey::from_bytes(suite, key).map_err(|error| match error {
        SuiteError::Public(why) => LogError::Key(why),
        SuiteError::NotBuilt(_) | SuiteError::Unknown(_) | SuiteError::Secret(_) => {
            LogError::Key("of a suite that this build is without")
        }
    })
}

pub(crate) fn exactly_32(key: &[u8]) -> Result<[u8; 32], LogError> {
    key.try_into()
        .map_err(|_| LogError::Key("an Ed25519 key is 32 bytes"))
}

/// The first four bytes of SHA-256(name ‖ 0x0A ‖ signature type ‖ key).
pub(crate) fn key_id(name: &str, kind: &[u8], key: &[u8]) -> [u8; 4] {
    let mut sha = Sha256::new();
    sha.update(name);
    sha.update(b"\n");
    sha.update(kind);
    sha.update(key);
    let [a, b, c, d, ..] = <[u8; 32]>::from(sha.finalize());
    [a, b, c, d]
}

/// The text of a verifier key: `<name>+<key id in hex>+<base64 of signature type ‖ key>`.
pub(crate) fn write_vkey(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    id: [u8; 4],
    kind: &[u8],
    key: &[u8],
) -> fmt::Result {
    let key = BASE64_STANDARD.encode([kind, key].concat());
    write!(f, "{name}+{:08x}+{key}", u32::from_be_bytes(id))
}

/// Name, signature type and key of a verifier key's text; of type 0xff what names the type stands before the key. The id
/// is not looked at: whoever reads one writes it again.
pub(crate) fn read_vkey(text: &str) -> Result<(&str, u8, Vec<u8>), LogError> {
    const SHAPE: LogError = LogError::Key("not name+id+key");
    let (name, rest) = text.split_once('+').ok_or(SHAPE)?;
    let (_, key) = rest.split_once('+').ok_or(SHAPE)?;
    let mut key = BASE64_STANDARD.decode(key).map_err(|_| SHAPE)?;
    match key.is_empty() {
        true => Err(SHAPE),
        false => Ok((name, key.remove(0), key)),
    }
}

#[cfg(test)]
mod tests;
