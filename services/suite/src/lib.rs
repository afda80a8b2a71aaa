//! Signature suites: which algorithm a key is for, and the one place where signatures are made and verified.
//!
//! The invariant: the suite is the key's, never the signature's or the message's choice; a public key and a signature
//! have one encoding each, and whatever another verifier of the world might judge otherwise is refused.
//!
//! Every suite signs without randomness. A voucher token that nobody kept is derived again from its claims, so the same
//! message must give the same signature; and no bad generator can repeat a nonce over two messages. Ed25519 draws its nonce
//! from seed and message (RFC 8032), SM2 from secret and message by HMAC-SM3 (RFC 6979).

mod ed25519;
#[cfg(feature = "sm2-sm3")]
mod sm2;
#[cfg(not(feature = "sm2-sm3"))]
#[path = "without_sm2.rs"]
mod sm2;

use std::fmt;
use std::str::FromStr;

/// How long a signature is, in every suite.
pub const SIGNATURE_BYTES: usize = 64;

/// A signature algorithm with its hash, by the id that stands in key files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suite {
    /// Ed25519 (RFC 8032), always built; what is around it is hashed with SHA-256.
    Ed25519Sha256,
    /// SM2 with SM3 (GB/T 32918.2 over the curve of GB/T 32918.5, user id `1234567812345678`), built with the feature
    /// `sm2-sm3`. Not certified.
    Sm2Sm3,
}

impl Suite {
    /// Every suite, whether this build has it or not.
    pub const ALL: [Suite; 2] = [Suite::Ed25519Sha256, Suite::Sm2Sm3];

    /// Its id.
    pub const fn as_str(self) -> &'static str {
        match self {
            Suite::Ed25519Sha256 => "ed25519-sha256",
            Suite::Sm2Sm3 => "sm2-sm3",
        }
    }

    /// Whether this build can use it.
    pub const fn is_built(self) -> bool {
        match self {
            Suite::Ed25519Sha256 => true,
            Suite::Sm2Sm3 => cfg!(feature = "sm2-sm3"),
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Suite {
    type Err = SuiteError;

    fn from_str(id: &str) -> Result<Suite, SuiteError> {
        let suite = Suite::ALL.into_iter().find(|suite| suite.as_str() == id);
        suite.ok_or_else(|| SuiteError::Unknown(id.to_owned()))
    }
}

/// Why there is no key. No variant carries anything secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuiteError {
    /// An id that this version does not know.
    #[error("no suite is called \"{0}\": this version knows ed25519-sha256 and sm2-sm3")]
    Unknown(String),
    /// A suite that this build was made without.
    #[error(
        "hefu was built without the suite {0}: build it with cargo build --release --features {0}"
    )]
    NotBuilt(Suite),
    /// 32 bytes that are no secret of this suite.
    #[error("not a secret of the suite {0}: draw another")]
    Secret(Suite),
    /// Bytes that are no public key of this suite.
    #[error("{0}")]
    Public(&'static str),
}

/// A key that signs.
#[derive(Clone)]
pub struct SecretKey {
    kind: Secret,
    public: PublicKey,
}

#[derive(Clone)]
enum Secret {
    Ed25519(Box<ed25519::Secret>),
    Sm2(sm2::Secret),
}

impl SecretKey {
    /// The Ed25519 key of this seed (RFC 8032 section 5.1.5).
    pub fn ed25519(seed: &[u8; 32]) -> SecretKey {
        let (secret, public) = ed25519::key(seed);
        SecretKey {
            kind: Secret::Ed25519(Box::new(secret)),
            public: PublicKey(Public::Ed25519(public)),
        }
    }

    /// The key of these 32 secret bytes: the seed of Ed25519, the number d of SM2 with its highest byte first.
    ///
    /// # Errors
    /// `NotBuilt`; `Secret` for a number out of SM2's range, which one draw in four thousand million is.
    pub fn from_seed(suite: Suite, seed: &[u8; 32]) -> Result<SecretKey, SuiteError> {
        match suite {
            Suite::Ed25519Sha256 => Ok(SecretKey::ed25519(seed)),
            Suite::Sm2Sm3 => {
                let (secret, public) = sm2::key(seed)?;
                Ok(SecretKey {
                    kind: Secret::Sm2(secret),
                    public: PublicKey(Public::Sm2(public)),
                })
            }
        }
    }

    /// The public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature over a message; the same each time.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        match &self.kind {
            Secret::Ed25519(secret) => secret.sign(message),
            Secret::Sm2(secret) => secret.sign(message),
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {:?})", self.public)
    }
}

/// A key that verifies.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Public);

#[derive(Clone, PartialEq, Eq)]
enum Public {
    Ed25519(ed25519::Public),
    Sm2(sm2::Public),
}

impl PublicKey {
    /// Decodes a public key: 32 bytes of Ed25519 (RFC 8032 section 5.1.2), 65 of SM2 (0x04 ‖ x ‖ y).
    ///
    /// # Errors
    /// `NotBuilt`; `Public` for another length, bytes that are no point, a second spelling of one, or a point of small
    /// order, under which one signature fits many messages.
    pub fn from_bytes(suite: Suite, bytes: &[u8]) -> Result<PublicKey, SuiteError> {
        let public = match suite {
            Suite::Ed25519Sha256 => Public::Ed25519(ed25519::Public::from_bytes(bytes)?),
            Suite::Sm2Sm3 => Public::Sm2(sm2::Public::from_bytes(bytes)?),
        };
        Ok(PublicKey(public))
    }

    /// Which suite it is of.
    pub const fn suite(&self) -> Suite {
        match &self.0 {
            Public::Ed25519(_) => Suite::Ed25519Sha256,
            Public::Sm2(_) => Suite::Sm2Sm3,
        }
    }

    /// The key's one encoding.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Public::Ed25519(key) => key.as_bytes(),
            Public::Sm2(key) => key.as_bytes(),
        }
    }

    /// Whether this is the key's signature over the message: 64 bytes, in their one encoding, by the strict rules.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = signature.try_into() else {
            return false;
        };
        match &self.0 {
            Public::Ed25519(key) => key.verifies(message, signature),
            Public::Sm2(key) => key.verifies(message, signature),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.suite())?;
        self.as_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
