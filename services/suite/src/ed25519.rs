//! Ed25519 by the strict rules: canonical S and points, none of small order, and the equation without cofactor, so that
//! every verifier of the world comes to the same answer.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::{SIGNATURE_BYTES, SuiteError};

/// Wiped from memory when dropped.
#[derive(Clone)]
pub(crate) struct Secret(SigningKey);

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Public(VerifyingKey);

pub(crate) fn key(seed: &[u8; 32]) -> (Secret, Public) {
    let key = SigningKey::from_bytes(seed);
    let public = Public(key.verifying_key());
    (Secret(key), public)
}

impl Secret {
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(message).to_bytes()
    }
}

impl Public {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Public, SuiteError> {
        let refused = |why| Err(SuiteError::Public(why));
        let Ok(bytes) = <&[u8; 32]>::try_from(bytes) else {
            return refused("an Ed25519 key is 32 bytes");
        };
        let Ok(key) = VerifyingKey::from_bytes(bytes) else {
            return refused("not a point of Ed25519's curve");
        };
        if key.is_weak() {
            return refused("an Ed25519 key of small order");
        }
        // The library decodes a y beyond the prime, too: the same point under another name.
        if key.to_edwards().compress().as_bytes() != bytes {
            return refused("not the canonical encoding of an Ed25519 key");
        }
        Ok(Public(key))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        self.0
            .verify_strict(message, &Signature::from_bytes(signature))
            .is_ok()
    }
}
