//! One Ed25519 key: its signing half, its public half, and the names and hashes that go with them.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hefu_domain::Digest;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::base64url;
use crate::claims::{Claims, TokenError};

/// The media type of a voucher token, without `application/` (RFC 7515 section 4.1.9).
pub(crate) const TYP: &str = "tv+jwt";
/// The one algorithm, Ed25519 (RFC 8037 section 3.1).
pub(crate) const ALG: &str = "EdDSA";

/// Signs voucher tokens. The seed is wiped from memory when this is dropped.
pub struct Signer {
    key: SigningKey,
    public: PublicKey,
    /// The encoded header with its dot: the same for every token of this key.
    header: String,
}

impl Signer {
    /// The key whose secret half is this seed (RFC 8032 section 5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Signer {
        let key = SigningKey::from_bytes(seed);
        let public = PublicKey::named(key.verifying_key());
        let header = base64url::encode(public.header().as_bytes()) + ".";
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

    /// The token of these claims. The same claims and key always give the same bytes (RFC 8032 signs without
    /// randomness), so a token can be derived again for its holder without being stored.
    pub fn sign(&self, claims: &Claims) -> String {
        let mut token = self.header.clone();
        token.push_str(&base64url::encode(&claims.to_bytes()));
        let signature = self.key.sign(token.as_bytes());
        token.push('.');
        token.push_str(&base64url::encode(&signature.to_bytes()));
        token
    }
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
    key: VerifyingKey,
    kid: String,
}

impl PublicKey {
    /// Decodes 32 bytes (RFC 8032 section 5.1.2). Refuses points of small order, under which one signature can fit
    /// many messages.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<PublicKey, TokenError> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(PublicKey::named(key)),
            Ok(_) | Err(_) => Err(TokenError::WeakKey),
        }
    }

    fn named(key: VerifyingKey) -> PublicKey {
        // RFC 7638 section 3: the required members only, in this order, without space; for OKP see RFC 8037, part 2.
        let x = base64url::encode(key.as_bytes());
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        PublicKey {
            kid: base64url::encode(&Sha256::digest(jwk)),
            key,
        }
    }

    /// The key's name: its RFC 7638 thumbprint, SHA-256 in base64url, 43 characters.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The header of every token of this key, in its one spelling.
    pub(crate) fn header(&self) -> String {
        format!(r#"{{"alg":"{ALG}","kid":"{}","typ":"{TYP}"}}"#, self.kid)
    }

    /// The 32 bytes of the key.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The key as base64url, as `x` in a JWK (RFC 8037 section 2).
    pub fn x(&self) -> String {
        base64url::encode(self.key.as_bytes())
    }

    /// Whether this is the key's signature, by the strict rules: canonical S, no point of small order, and the
    /// equation without cofactor, so that every verifier of the world comes to the same answer.
    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8; 64]) -> bool {
        self.key
            .verify_strict(signed, &Signature::from_bytes(signature))
            .is_ok()
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
        let signature = signer.key.sign(signed).to_bytes();
        assert_eq!(
            base64url::encode(&signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert!(signer.public().verifies(signed, &signature));
    }

    #[test]
    fn a_signature_whose_s_is_not_canonical_is_refused() {
        let signer = rfc_8037();
        let mut signature = signer.key.sign(b"x").to_bytes();
        assert!(signer.public().verifies(b"x", &signature));
        // The group's order L, little-endian (RFC 8032 section 5.1): S and S + L satisfy the same equation.
        let order: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
            0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let mut carry = 0u16;
        for (s, l) in signature[32..].iter_mut().zip(order) {
            carry += u16::from(*s) + u16::from(l);
            *s = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        assert!(!signer.public().verifies(b"x", &signature));
    }

    #[test]
    fn keys_of_small_order_and_bytes_off_the_curve_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity), Err(TokenError::WeakKey));
        assert_eq!(PublicKey::from_bytes(&[0; 32]), Err(TokenError::WeakKey));
        let mut off = [0; 32];
        off[0] = 2;
        assert_eq!(PublicKey::from_bytes(&off), Err(TokenError::WeakKey));
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
