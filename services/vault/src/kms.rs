//! The seam behind which the key encryption key lies. Today it is a key in a file; a hardware slot (PKCS#11) takes the
//! same two calls.

use std::fmt;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::owner::Owner;
use crate::seal::{DataKey, Nonce, decrypt, encrypt};

const FORM: u8 = 1;
const ID_BYTES: usize = 8;
const FIELD: &str = "data-key";

/// A data key under a key encryption key: worthless without that key, and to be kept as carefully as it is, for without
/// it the owner's secrets are gone. With [`FileKms`]: `1 ‖ key id (8 bytes) ‖ nonce (12) ‖ ciphertext and tag (48)`.
#[derive(Clone, PartialEq, Eq)]
pub struct Wrapped(pub(crate) Vec<u8>);

impl Wrapped {
    /// Takes up a wrapped key that was stored elsewhere than in [`crate::WrappedKeys`].
    pub fn from_bytes(bytes: Vec<u8>) -> Wrapped {
        Wrapped(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wrapped({} bytes)", self.0.len())
    }
}

/// Wraps and unwraps data keys. A call may block (a slot of a hardware module takes milliseconds).
pub trait Kms: Send + Sync {
    /// Wraps an owner's data key. `nonce` is 12 random bytes; a module with randomness of its own may leave it aside.
    fn wrap_key(&self, owner: &Owner, key: &DataKey, nonce: Nonce) -> Result<Wrapped, VaultError>;

    /// Unwraps it again, for the same owner only.
    fn unwrap_key(&self, owner: &Owner, wrapped: &Wrapped) -> Result<DataKey, VaultError>;
}

/// The key encryption key of `vault.keys`, AES-256-GCM-SIV (RFC 8452) with the owner as associated data.
pub struct FileKms {
    kek: Zeroizing<[u8; 32]>,
    id: [u8; ID_BYTES],
}

impl FileKms {
    pub(crate) fn new(kek: &Zeroizing<[u8; 32]>) -> FileKms {
        // The id follows from the key, so a blob can tell whose it is and no file can give a key a wrong name.
        let hash = Sha256::new()
            .chain_update("hefu/kek-id/v1")
            .chain_update(**kek)
            .finalize();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&hash[..ID_BYTES]);
        FileKms {
            kek: kek.clone(),
            id,
        }
    }

    /// The key's id, in hexadecimal: the start of a hash of it.
    pub fn kek_id(&self) -> String {
        hex(&self.id)
    }
}

impl Kms for FileKms {
    fn wrap_key(&self, owner: &Owner, key: &DataKey, nonce: Nonce) -> Result<Wrapped, VaultError> {
        let mut bytes = vec![FORM];
        bytes.extend(self.id);
        bytes.extend(nonce);
        bytes.extend(encrypt(&self.kek, &nonce, &associated(owner), key.bytes()));
        Ok(Wrapped(bytes))
    }

    fn unwrap_key(&self, owner: &Owner, wrapped: &Wrapped) -> Result<DataKey, VaultError> {
        let Some((&FORM, rest)) = wrapped.0.split_first() else {
            return Err(VaultError::UnknownForm {
                owner: owner.clone(),
                field: FIELD.to_owned(),
            });
        };
        let changed = || VaultError::CannotOpen {
            owner: owner.clone(),
            field: FIELD.to_owned(),
        };
        let (id, rest) = rest.split_first_chunk().ok_or_else(changed)?;
        if *id != self.id {
            return Err(VaultError::UnknownKek {
                owner: owner.clone(),
                kek: hex(id),
            });
        }
        let (nonce, ciphertext) = rest.split_first_chunk().ok_or_else(changed)?;
        let plain =
            decrypt(&self.kek, nonce, &associated(owner), ciphertext).ok_or_else(changed)?;
        let mut key = Zeroizing::new([0; 32]);
        if plain.len() != key.len() {
            return Err(changed());
        }
        key.copy_from_slice(&plain);
        Ok(DataKey::from_bytes(key))
    }
}

impl fmt::Debug for FileKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKms")
            .field("kek_id", &self.kek_id())
            .finish_non_exhaustive()
    }
}

fn associated(owner: &Owner) -> String {
    format!("{owner}/{FIELD}/v{FORM}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
