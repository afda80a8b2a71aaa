//! SM2 signatures with SM3: GB/T 32918.2 over the curve that GB/T 32918.5 recommends. The signer's id, which goes into
//! what is hashed, is the standard's default. A signature is r ‖ s, 32 bytes each with the highest first.

use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};

use crate::{SIGNATURE_BYTES, Suite, SuiteError};

/// GM/T 0009, section 10: the user id where nothing else was agreed.
const USER_ID: &str = "1234567812345678";

const PUBLIC_BYTES: usize = 65;

/// The largest d there may be, n - 2 with n the curve's order: with d = n - 1 nothing can be signed.
const LARGEST: [u8; 32] = [
    0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x72, 0x03, 0xdf, 0x6b, 0x21, 0xc6, 0x05, 0x2b, 0x53, 0xbb, 0xf4, 0x09, 0x39, 0xd5, 0x41, 0x21,
];

/// The library does not wipe it from memory.
#[derive(Clone)]
pub(crate) struct Secret(SigningKey);

#[derive(Clone)]
pub(crate) struct Public {
    key: VerifyingKey,
    bytes: [u8; PUBLIC_BYTES],
}

pub(crate) fn key(seed: &[u8; 32]) -> Result<(Secret, Public), SuiteError> {
    let refused = SuiteError::Secret(Suite::Sm2Sm3);
    if *seed > LARGEST {
        return Err(refused);
    }
    let key = SigningKey::from_slice(USER_ID, seed).map_err(|_| refused.clone())?;
    let public = Public::of(key.verifying_key().clone()).ok_or(refused)?;
    Ok((Secret(key), public))
}

impl Secret {
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let signature: Signature = self
            .0
            .try_sign(message)
            .expect("r, r + k and s are 0 for one message in 2^254");
        signature.to_bytes().into()
    }
}

impl Public {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Public, SuiteError> {
        let refused = |why| Err(SuiteError::Public(why));
        if bytes.len() != PUBLIC_BYTES || bytes[0] != 4 {
            return refused("an SM2 key is 65 bytes, 0x04 and two coordinates");
        }
        let key = VerifyingKey::from_sec1_bytes(USER_ID, bytes).ok();
        match key.and_then(Public::of) {
            Some(key) if key.bytes == *bytes => Ok(key),
            Some(_) | None => refused("not a point of SM2's curve"),
        }
    }

    fn of(key: VerifyingKey) -> Option<Public> {
        let bytes = key.to_sec1_bytes();
        let bytes = bytes.as_ref().try_into().ok()?;
        Some(Public { key, bytes })
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        // Refuses r and s outside 1 to n - 1.
        Signature::from_slice(signature)
            .and_then(|signature| self.key.verify(message, &signature))
            .is_ok()
    }
}

impl PartialEq for Public {
    fn eq(&self, other: &Public) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Public {}

#[cfg(test)]
mod tests;
