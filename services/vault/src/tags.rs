//! Keyed tags: they answer "the same as before?" and say nothing else. Each kind has a key and a label of its own, so
//! tags of two kinds, or lookup tags of two regions, cannot be matched with each other.

use hefu_domain::{Digest, PersonId, Region, Tag};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::identity::Identity;
use crate::mac::{mac, mac16};
use crate::secrets::Secrets;

/// 32 random bytes that hide what a commitment commits to; kept in the vault beside the value.
pub type Salt = [u8; 32];

/// Something of a classified unit that is sealed. It has no `Debug`, so that nobody logs it.
#[derive(Clone, Copy)]
pub struct Sealed<'a> {
    /// The unit's credit code.
    pub unit: &'a str,
    /// `unit`, `name` or `occupation`.
    pub what: &'a str,
    /// How it reads.
    pub value: &'a str,
}

impl Secrets {
    /// What makes "once only" hold across regions without sharing identities: the same person, rule and scope give the
    /// same tag everywhere, and whoever lacks the key learns nothing (DESIGN, section 3). First 16 bytes of
    /// HMAC-SHA-256 over identity, rule and scope, each preceded by its length.
    pub fn nullifier(&self, identity: &Identity, rule: &str, scope: &str) -> Tag {
        let fields = [
            identity.expose().as_bytes(),
            rule.as_bytes(),
            scope.as_bytes(),
        ];
        Tag(mac16(&self.dedup, "hefu/nullifier/identity/v1", &fields))
    }

    /// A nullifier of something else than a person, such as a certificate number. It never equals a person's, even
    /// for the same text.
    pub fn nullifier_of_text(&self, subject: &str, rule: &str, scope: &str) -> Tag {
        let fields = [subject.as_bytes(), rule.as_bytes(), scope.as_bytes()];
        Tag(mac16(&self.dedup, "hefu/nullifier/text/v1", &fields))
    }

    /// Finds a person's record in one region by their identity number.
    pub fn lookup_tag(&self, region: &Region, identity: &Identity) -> Tag {
        let fields = [region.as_str().as_bytes(), identity.expose().as_bytes()];
        Tag(mac16(&self.lookup, "hefu/lookup/v1", &fields))
    }

    /// Binds a voucher's token to its holder (`hb`). It covers the person's random id, so two persons' or two regions'
    /// tokens of one holder cannot be linked.
    pub fn holder_binding(&self, region: &Region, person: PersonId, identity: &Identity) -> Tag {
        let fields = [
            region.as_str().as_bytes(),
            person.0.as_bytes().as_slice(),
            identity.expose().as_bytes(),
        ];
        Tag(mac16(&self.binding, "hefu/binding/v1", &fields))
    }

    /// Whether the presented identity is the one that the token is bound to, in a time that does not tell how near it is.
    pub fn is_holder(
        &self,
        region: &Region,
        person: PersonId,
        presented: &Identity,
        bound: &Tag,
    ) -> bool {
        self.holder_binding(region, person, presented)
            .0
            .ct_eq(&bound.0)
            .into()
    }

    /// What something of a classified unit is sealed with: salt, key or nonces, as `purpose` says. They follow from what is sealed, so
    /// that the same unit has the same seal in a region and is listed there once, and a listing that is tried again puts the same key.
    /// No two regions' and no two units' seals can be matched, and whoever lacks the root key can try out no unit and no occupation.
    pub fn seal_with(&self, purpose: &str, region: &Region, sealed: &Sealed) -> [u8; 32] {
        let Sealed { unit, what, value } = *sealed;
        let fields = [purpose, region.as_str(), unit, what, value].map(str::as_bytes);
        mac(&self.lookup, "hefu/seal/v1", &fields)
    }

    /// What an event keeps of the request that caused it: enough to tell whether a repeated request id has the same
    /// body, nothing that could be guessed back from a dictionary of people.
    pub fn request_digest(&self, method: &str, request: &[u8]) -> Digest {
        Digest(mac(
            &self.digest,
            "hefu/request/v1",
            &[method.as_bytes(), request],
        ))
    }
}

/// A salted commitment, as it stands in an event in place of a value that must not: SHA-256 over the 18 bytes
/// `hefu/commitment/v1`, the 32 bytes of the salt and the value. Whoever is given value and salt can check it without
/// any key; with the salt erased it says nothing.
pub fn commitment(salt: &Salt, value: &[u8]) -> Digest {
    let hash = Sha256::new()
        .chain_update("hefu/commitment/v1")
        .chain_update(salt)
        .chain_update(value);
    Digest(hash.finalize().into())
}
