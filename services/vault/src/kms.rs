//! The seam behind which the key encryption keys lie. Today they are keys in files; a hardware slot (PKCS#11) takes the
//! same calls.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::kek::{self, Kek, KekId};
use crate::owner::Owner;
use crate::seal::{DataKey, Nonce, decrypt, encrypt};

const FORM: u8 = 1;
const FIELD: &str = "data-key";

/// A data key under a key encryption key: worthless without that key, and to be kept as carefully as it is, for without
/// it the owner's secrets are gone: `form ‖ key id (8 bytes) ‖ …`, and with [`FileKms`], whose form is 1, `nonce (12) ‖ ciphertext and
/// tag (48)`.
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

    /// The id of the key that wrapped it; `None` of bytes that are no wrapped key.
    pub(crate) fn kek(&self) -> Option<KekId> {
        let id = self.0.get(1..)?.first_chunk()?;
        Some(KekId(*id))
    }
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wrapped({} bytes)", self.0.len())
    }
}

/// Wraps and unwraps data keys. A call may block (a slot of a hardware module takes milliseconds).
///
/// A slot of a hardware module (PKCS#11) would keep the key and do the same: `C_WrapKey` and `C_UnwrapKey`, or `C_Encrypt` and
/// `C_Decrypt` of the 32 bytes under `CKM_AES_GCM` with the owner as associated data and the module's own nonce, the key found by
/// `CKA_ID`, which is the id in the wrapped key, the active one the newest by `CKA_START_DATE`. Its form is another first byte.
pub trait Kms: Send + Sync {
    /// Wraps an owner's data key under the active key. `nonce` is 12 random bytes; a module with randomness of its own may leave it aside.
    fn wrap_key(&self, owner: &Owner, key: &DataKey, nonce: Nonce) -> Result<Wrapped, VaultError>;

    /// Unwraps it again, for the same owner only, whichever of the keys wrapped it.
    fn unwrap_key(&self, owner: &Owner, wrapped: &Wrapped) -> Result<DataKey, VaultError>;

    /// The id of the active key.
    fn active(&self) -> KekId;

    /// Looks for keys that were made since, the newest of which is active from then on.
    fn refresh(&self) -> Result<(), VaultError>;
}

/// The key encryption keys of the state folder, AES-256-GCM-SIV (RFC 8452) with the owner as associated data.
pub struct FileKms {
    state: PathBuf,
    /// Newest first, never empty.
    keks: RwLock<Arc<[Kek]>>,
}

impl FileKms {
    /// Loads the keys of the state folder.
    ///
    /// # Errors
    /// `NoKek` where there is none; a file that cannot be used.
    pub fn open(state_dir: &Path) -> Result<FileKms, VaultError> {
        let keks = kek::load(state_dir)?;
        Ok(FileKms {
            state: state_dir.to_owned(),
            keks: RwLock::new(keks.into()),
        })
    }

    fn keks(&self) -> Arc<[Kek]> {
        let keks = self.keks.read();
        keks.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key of that id, also if it was made since.
    fn kek(&self, id: KekId) -> Result<Option<Kek>, VaultError> {
        let find = |keks: &[Kek]| keks.iter().find(|kek| kek.id == id).cloned();
        match find(&self.keks()) {
            Some(kek) => Ok(Some(kek)),
            None => {
                self.refresh()?;
                Ok(find(&self.keks()))
            }
        }
    }
}

impl Kms for FileKms {
    fn wrap_key(&self, owner: &Owner, key: &DataKey, nonce: Nonce) -> Result<Wrapped, VaultError> {
        let kek = &self.keks()[0];
        let mut bytes = vec![FORM];
        bytes.extend(kek.id.0);
        bytes.extend(nonce);
        bytes.extend(encrypt(&kek.key, &nonce, &associated(owner), key.bytes()));
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
        let id = KekId(*id);
        let kek = self.kek(id)?.ok_or_else(|| VaultError::UnknownKek {
            owner: owner.clone(),
            kek: id,
        })?;
        let (nonce, ciphertext) = rest.split_first_chunk().ok_or_else(changed)?;
        let plain = decrypt(&kek.key, nonce, &associated(owner), ciphertext).ok_or_else(changed)?;
        let mut key = Zeroizing::new([0; 32]);
        if plain.len() != key.len() {
            return Err(changed());
        }
        key.copy_from_slice(&plain);
        Ok(DataKey::from_bytes(key))
    }

    fn active(&self) -> KekId {
        self.keks()[0].id
    }

    fn refresh(&self) -> Result<(), VaultError> {
        let keks = kek::load(&self.state)?;
        *self.keks.write().unwrap_or_else(PoisonError::into_inner) = keks.into();
        Ok(())
    }
}

impl fmt::Debug for FileKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKms")
            .field("active", &self.active())
            .finish_non_exhaustive()
    }
}

fn associated(owner: &Owner) -> String {
    format!("{owner}/{FIELD}/v{FORM}")
}
