//! One key of voucher tokens: its signing half, its public half, and the names and hashes that go with them.

use std::fmt;

use hefu_domain::Digest;
use hefu_suite::{SIGNATURE_BYTES, SecretKey, Suite};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::base64url;
use crate::claims::{Claims, TokenError};

/// The media type of a voucher token, without `application/` (RFC 7515 section 4.1.9).
pub(crate) const TYP: &str = "tv+jwt";

/// What JOSE calls a suite: the algorithm, the key's type and its curve. Ed25519 has its names from RFC 8037, SM2 has
/// none that are registered; these are of draft-dang-webauthn-sm2.
pub(crate) struct Jose {
    pub(crate) alg: &'static str,
    pub(crate) kty: &'static str,
    pub(crate) crv: &'static str,
}

const fn jose(suite: Suite) -> Jose {
    match suite {
        Suite::Ed25519Sha256 => Jose {
            alg: "EdDSA",
            kty: "OKP",
            crv: "Ed25519",
        },
        Suite::Sm2Sm3 => Jose {
            alg: "SM2",
            kty: "EC",
            crv: "SM2",
        },
    }
}

/// Signs voucher tokens. An Ed25519 seed is wiped from memory when this is dropped.
pub struct Signer {
    key: SecretKey,
    public: PublicKey,
    /// The encoded header with its dot: the same for every token of this key.
    header: String,
}

impl Signer {
    /// The Ed25519 key whose secret half is this seed (RFC 8032 section 5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Signer {
        Signer::new(SecretKey::ed25519(seed))
    }

    /// A signer with that key, of whichever suite.
    pub fn new(key: SecretKey) -> Signer {
        let public = PublicKey::named(key.public().clone());
        let header = encoded_header(&public, TYP);
        Signer {
            key,
            public,
            header,
        }
    }

    /// The key's name: the RFC 7638 thumbprint of its public half.
    pub fn kid(&self) -> &str {
        &self.public.kid
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The token of these claims. The same claims and key always give the same bytes (no suite signs with randomness),
    /// so a token can be derived again for its holder without being stored.
    pub fn sign(&self, claims: &Claims) -> String {
        self.sign_below(self.header.clone(), &claims.to_bytes())
    }

    /// Claims of another type than a voucher's, signed with the same key.
    pub(crate) fn sign_as(&self, typ: &str, claims: &[u8]) -> String {
        self.sign_below(encoded_header(&self.public, typ), claims)
    }

    fn sign_below(&self, header: String, claims: &[u8]) -> String {
        let mut token = header;
        token.push_str(&base64url::encode(claims));
        let signature = self.key.sign(token.as_bytes());
        token.push('.');
        token.push_str(&base64url::encode(&signature));
        token
    }
}

/// A header as a token begins with it, its dot included.
fn encoded_header(key: &PublicKey, typ: &str) -> String {
    base64url::encode(key.header(typ).as_bytes()) + "."
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("kid", &self.public.kid)
            .finish_non_exhaustive()
    }
}

/// A public key and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: hefu_suite::PublicKey,
    kid: String,
}

impl PublicKey {
    /// Decodes a public key, as [`hefu_suite::PublicKey::from_bytes`] does.
    ///
    /// # Errors
    /// `WeakKey` for what that refuses.
    pub fn from_bytes(suite: Suite, bytes: &[u8]) -> Result<PublicKey, TokenError> {
        match hefu_suite::PublicKey::from_bytes(suite, bytes) {
            Ok(key) => Ok(PublicKey::named(key)),
            Err(_) => Err(TokenError::WeakKey),
        }
    }

    fn named(key: hefu_suite::PublicKey) -> PublicKey {
        let (Jose { kty, crv, .. }, (x, y)) = (jose(key.suite()), coordinates(&key));
        // RFC 7638 section 3: the required members only, in this order, without space; for OKP see RFC 8037, part 2.
        let y = y.map_or(String::new(), |y| format!(r#","y":"{y}""#));
        let jwk = format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}"{y}}}"#);
        PublicKey {
            kid: base64url::encode(&Sha256::digest(jwk)),
            key,
        }
    }

    /// The key's name: its RFC 7638 thumbprint, SHA-256 in base64url, 43 characters.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key without its name.
    pub(crate) fn key(&self) -> &hefu_suite::PublicKey {
        &self.key
    }

    /// Which suite it is of, and thereby its tokens' algorithm.
    pub fn suite(&self) -> Suite {
        self.key.suite()
    }

    pub(crate) fn jose(&self) -> Jose {
        jose(self.key.suite())
    }

    /// The header of everything of that type that this key signs, in its one spelling.
    pub(crate) fn header(&self, typ: &str) -> String {
        let alg = self.jose().alg;
        format!(r#"{{"alg":"{alg}","kid":"{}","typ":"{typ}"}}"#, self.kid)
    }

    /// The bytes of the key.
    pub fn as_bytes(&self) -> &[u8] {
        self.key.as_bytes()
    }

    /// The key in base64url, as `x` in a JWK (RFC 8037 section 2); of a curve with two coordinates the first.
    pub fn x(&self) -> String {
        coordinates(&self.key).0
    }

    /// The second coordinate, as `y` in a JWK (RFC 7518 section 6.2.1), where the key has one.
    pub fn y(&self) -> Option<String> {
        coordinates(&self.key).1
    }

    /// Whether this is the key's signature, by its suite's strict rules.
    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        self.key.verifies(signed, signature)
    }
}

/// A JWK's `x` and `y`.
fn coordinates(key: &hefu_suite::PublicKey) -> (String, Option<String>) {
    match (key.suite(), key.as_bytes()) {
        (Suite::Ed25519Sha256, bytes) => (base64url::encode(bytes), None),
        // 0x04, then 32 bytes each.
        (Suite::Sm2Sm3, bytes) => {
            let (x, y) = bytes[1..].split_at(32);
            (base64url::encode(x), Some(base64url::encode(y)))
        }
    }
}

/// The hash by which a voucher's row knows its one token: SHA-256 over the token's ASCII bytes.
pub fn token_hash(token: &str) -> Digest {
    Digest(Sha256::digest(token.as_bytes()).into())
}

/// Compares two hashes in a time that tells nothing of where they differ.
pub fn same_hash(left: &Digest, right: &Digest) -> bool {
    left.0.ct_eq(&right.0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.1 and A.2.
    const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn rfc_8037() -> Signer {
        let mut seed = [0; 32];
        assert!(base64url::decode_array(D, &mut seed));
        Signer::from_seed(&seed)
    }

    #[test]
    fn the_key_of_rfc_8037_has_the_thumbprint_that_it_prints() {
        let signer = rfc_8037();
        assert_eq!(signer.public().x(), X);
        assert_eq!(signer.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_signature_of_rfc_8037_is_ours_and_passes() {
        let signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signer = rfc_8037();
        let signature = signer.key.sign(signed);
        assert_eq!(
            base64url::encode(&signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert!(signer.public().verifies(signed, &signature));
    }

    #[test]
    fn debug_output_names_the_key_and_shows_no_secret() {
        let shown = format!("{:?}", rfc_8037());
        assert_eq!(
            shown,
            r#"Signer { kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", .. }"#
        );
    }
}
