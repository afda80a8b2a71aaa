//! What stands for SM2 in a build without it: types that have no value, so that nothing can be signed or verified.

use crate::{SIGNATURE_BYTES, Suite, SuiteError};

const MISSING: SuiteError = SuiteError::NotBuilt(Suite::Sm2Sm3);

#[derive(Clone)]
pub(crate) enum Secret {}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Public {}

pub(crate) const fn key(_seed: &[u8; 32]) -> Result<(Secret, Public), SuiteError> {
    Err(MISSING)
}

impl Secret {
    pub(crate) const fn sign(&self, _message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        match *self {}
    }
}

impl Public {
    pub(crate) const fn from_bytes(_bytes: &[u8]) -> Result<Public, SuiteError> {
        Err(MISSING)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        match *self {}
    }

    pub(crate) const fn verifies(
        &self,
        _message: &[u8],
        _signature: &[u8; SIGNATURE_BYTES],
    ) -> bool {
        match *self {}
    }
}
