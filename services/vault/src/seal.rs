//! Sealing what is personal under a data key of its owner's: AES-256-GCM-SIV (RFC 8452), which stays safe even if a
//! nonce repeats. The associated data name owner and field, so a sealed value opens only where it belongs.
//!
//! A sealed value is `1 ‖ nonce (12 bytes) ‖ ciphertext and tag`, its first byte the version of the form.

use std::fmt;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce as GcmNonce};
use hefu_domain::{PersonId, Region};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::identity::Identity;
use crate::owner::Owner;
use crate::person::{PersonName, PhoneNumber};

/// 12 random bytes, drawn for every sealing.
pub type Nonce = [u8; 12];

const FORM: u8 = 1;
const RECORD: &str = "record";
/// A record's plaintext is filled up to a multiple of this, in bytes, so that its length does not tell the name's.
const BLOCK: usize = 64;

/// The key under which everything of one owner is sealed; destroying it erases them. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// A new owner's key, from 32 random bytes of the caller's.
    pub fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> DataKey {
        DataKey(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// Who a person is. Not serialisable, on purpose; it is stored sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRecord {
    /// Identity number.
    pub identity: Identity,
    /// Name as on the card.
    pub name: PersonName,
    /// Mobile number; many of the old have none.
    pub phone: Option<PhoneNumber>,
}

/// Seals a person's record; the associated data are `region/person/id/record/v1`.
pub fn seal(
    region: &Region,
    person: PersonId,
    record: &PersonRecord,
    key: &DataKey,
    nonce: Nonce,
) -> Vec<u8> {
    seal_bytes(
        &Owner::Person(region.clone(), person),
        RECORD,
        &record.encode(),
        key,
        nonce,
    )
}

/// Opens a person's record.
pub fn open(
    region: &Region,
    person: PersonId,
    sealed: &[u8],
    key: &DataKey,
) -> Result<PersonRecord, VaultError> {
    let owner = Owner::Person(region.clone(), person);
    let plain = open_bytes(&owner, RECORD, sealed, key)?;
    PersonRecord::decode(&plain).ok_or_else(|| VaultError::UnknownForm {
        owner,
        field: RECORD.to_owned(),
    })
}

/// Seals any other secret of an owner's, such as an account number. `field` tells an owner's secrets apart
/// (`account/2`); the length of the secret shows.
pub fn seal_bytes(
    owner: &Owner,
    field: &str,
    secret: &[u8],
    key: &DataKey,
    nonce: Nonce,
) -> Vec<u8> {
    let mut sealed = vec![FORM];
    sealed.extend(nonce);
    sealed.extend(encrypt(
        key.bytes(),
        &nonce,
        &associated(owner, field),
        secret,
    ));
    sealed
}

/// Opens what [`seal_bytes`] sealed for the same owner and field; wiped when dropped.
pub fn open_bytes(
    owner: &Owner,
    field: &str,
    sealed: &[u8],
    key: &DataKey,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let Some((&FORM, rest)) = sealed.split_first() else {
        return Err(VaultError::UnknownForm {
            owner: owner.clone(),
            field: field.to_owned(),
        });
    };
    rest.split_first_chunk()
        .and_then(|(nonce, ciphertext)| {
            decrypt(key.bytes(), nonce, &associated(owner, field), ciphertext)
        })
        .ok_or_else(|| VaultError::CannotOpen {
            owner: owner.clone(),
            field: field.to_owned(),
        })
}

fn associated(owner: &Owner, field: &str) -> String {
    format!("{owner}/{field}/v{FORM}")
}

/// AES-256-GCM-SIV; the tag is at the end (RFC 8452 section 4).
pub(crate) fn encrypt(key: &[u8; 32], nonce: &Nonce, associated: &str, plain: &[u8]) -> Vec<u8> {
    Aes256GcmSiv::new(&(*key).into())
        .encrypt(
            &GcmNonce::from(*nonce),
            Payload {
                msg: plain,
                aad: associated.as_bytes(),
            },
        )
        .expect("no secret comes near the cipher's limit of 64 GiB")
}

/// `None` if the bytes are not genuine for this key, nonce and associated data (RFC 8452 section 5).
pub(crate) fn decrypt(
    key: &[u8; 32],
    nonce: &Nonce,
    associated: &str,
    ciphertext: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    Aes256GcmSiv::new(&(*key).into())
        .decrypt(
            &GcmNonce::from(*nonce),
            Payload {
                msg: ciphertext,
                aad: associated.as_bytes(),
            },
        )
        .ok()
        .map(Zeroizing::new)
}

impl PersonRecord {
    /// Identity, name and phone, each as its length in two bytes, big-endian, and its bytes; no phone is length 0;
    /// then zeros up to the next multiple of [`BLOCK`].
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let phone = self.phone.as_ref().map_or("", PhoneNumber::expose);
        // The longest record: 18, 50 characters of four bytes, 11, and three lengths, filled up.
        let mut plain = Zeroizing::new(Vec::with_capacity(4 * BLOCK));
        for field in [self.identity.expose(), self.name.expose(), phone] {
            let length = u16::try_from(field.len()).expect("a name has at most 50 characters");
            plain.extend(length.to_be_bytes());
            plain.extend(field.as_bytes());
        }
        let filled = plain.len().next_multiple_of(BLOCK);
        plain.resize(filled, 0);
        plain
    }

    fn decode(plain: &[u8]) -> Option<PersonRecord> {
        let (identity, rest) = field(plain)?;
        let (name, rest) = field(rest)?;
        let (phone, rest) = field(rest)?;
        let filled =
            plain.len().is_multiple_of(BLOCK) && rest.len() < BLOCK && rest.iter().all(|b| *b == 0);
        if !filled {
            return None;
        }
        Some(PersonRecord {
            identity: identity.parse().ok()?,
            name: name.parse().ok()?,
            phone: if phone.is_empty() {
                None
            } else {
                Some(phone.parse().ok()?)
            },
        })
    }
}

fn field(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((std::str::from_utf8(value).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8452 appendix C.2, AEAD_AES_256_GCM_SIV, 8 bytes of plaintext without associated data.
    #[test]
    fn the_cipher_is_that_of_rfc_8452() {
        let mut key = [0; 32];
        key[0] = 1;
        let mut nonce = [0; 12];
        nonce[0] = 3;
        let sealed = encrypt(&key, &nonce, "", &[1, 0, 0, 0, 0, 0, 0, 0]);
        let hex: String = sealed.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28");
        assert_eq!(
            decrypt(&key, &nonce, "", &sealed).unwrap().as_slice(),
            [1, 0, 0, 0, 0, 0, 0, 0]
        );
    }

    #[test]
    fn a_record_in_another_form_is_not_guessed_at() {
        let record = PersonRecord {
            identity: "11010519491231002X".parse().unwrap(),
            name: "字".repeat(50).parse().unwrap(),
            phone: Some("13812345678".parse().unwrap()),
        };
        let plain = record.encode();
        assert_eq!(plain.len() % BLOCK, 0);
        assert_eq!(PersonRecord::decode(&plain), Some(record));
        for bad in [
            &plain[..plain.len() - 1],
            &plain[..BLOCK],
            &[],
            &[plain.as_slice(), &[0; BLOCK]].concat(),
            &[&plain[..plain.len() - 1], &[1]].concat(),
        ] {
            assert_eq!(PersonRecord::decode(bad), None);
        }
    }
}
