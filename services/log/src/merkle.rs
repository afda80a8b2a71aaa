//! The Merkle tree of RFC 6962 with SHA-256, held as its right edge.
//!
//! The invariant: a leaf's hash starts from 0x00 and a node's from 0x01, so that no event can pass for a node; and a
//! [`Frontier`] has exactly one hash per set bit of its size, the largest subtree first.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::{LogError, MAX_INTEGER};

/// Length of a hash as text: 32 bytes in base64url without padding.
const TEXT: usize = 43;

/// A SHA-256 hash. As text, in JSON too, it is base64url without padding, 43 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The root of the empty tree, SHA-256 of nothing.
    pub const EMPTY: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn text(&self) -> [u8; TEXT] {
        let mut text = [0; TEXT];
        BASE64_URL_SAFE_NO_PAD
            .encode_slice(self.0, &mut text)
            .expect("32 bytes take 43 characters of base64url");
        text
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = LogError;
    fn try_from(bytes: &[u8]) -> Result<Self, LogError> {
        bytes.try_into().map(Self).map_err(|_| LogError::Hash)
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).expect("base64url is ASCII"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = LogError;
    fn from_str(text: &str) -> Result<Self, LogError> {
        // The engine refuses padding and stray bits, so that every hash has one text.
        let mut bytes = [0; 33];
        if text.len() != TEXT {
            return Err(LogError::Hash);
        }
        match BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(32) => Self::try_from(&bytes[..32]),
            Ok(_) | Err(_) => Err(LogError::Hash),
        }
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.text()).expect("base64url is ASCII"))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Hash;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a SHA-256 hash in base64url without padding")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Hash, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The hash of an event's stored bytes: SHA-256(0x00 ‖ bytes) (RFC 6962, 2.1).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    let mut sha = Sha256::new();
    sha.update([0]);
    sha.update(bytes);
    Hash(sha.finalize().into())
}

/// The hash of two subtrees: SHA-256(0x01 ‖ left ‖ right) (RFC 6962, 2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut node = [1; 65];
    node[1..33].copy_from_slice(&left.0);
    node[33..].copy_from_slice(&right.0);
    Hash(Sha256::digest(node).into())
}

/// The root over the hashes of neighbouring subtrees of equal size, the leaves for one; [`Hash::EMPTY`] for none.
pub(crate) fn root_of(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => Hash::EMPTY,
        [one] => *one,
        many => {
            let (left, right) = many.split_at(left_size(many.len() as u64) as usize);
            node_hash(&root_of(left), &root_of(right))
        }
    }
}

/// Where RFC 6962 splits a tree of `size` leaves, two at least: the largest power of two below it.
pub(crate) fn left_size(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The right edge of a tree: all that is needed to append to it and to know its root.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The edge of the empty tree.
    pub const fn new() -> Self {
        Self {
            size: 0,
            hashes: Vec::new(),
        }
    }

    /// Puts an edge together from its parts.
    ///
    /// # Errors
    /// `Frontier` unless there is one hash per set bit of `size`, and `size` is at most 2^53 - 1.
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Result<Self, LogError> {
        if size > MAX_INTEGER {
            return Err(LogError::Frontier("size beyond 2^53 - 1"));
        }
        if hashes.len() != size.count_ones() as usize {
            return Err(LogError::Frontier("wrong number of hashes for its size"));
        }
        Ok(Self { size, hashes })
    }

    /// How many leaves the tree has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, the largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each trailing set bit is a complete subtree that the new leaf completes to the next larger one.
        for _ in 0..self.size.trailing_ones() {
            let left = self.hashes.pop().expect("one hash per set bit of the size");
            hash = node_hash(&left, &hash);
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// The root of the tree; [`Hash::EMPTY`] for the empty one.
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.hashes.iter().rev();
        match smallest_first.next() {
            None => Hash::EMPTY,
            Some(&last) => smallest_first.fold(last, |right, left| node_hash(left, &right)),
        }
    }

    /// The stored form: the size in 8 bytes, big-endian, then the hashes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 32 * self.hashes.len());
        bytes.extend_from_slice(&self.size.to_be_bytes());
        for hash in &self.hashes {
            bytes.extend_from_slice(&hash.0);
        }
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// `Frontier` for a wrong length, or a number of hashes that does not fit the size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LogError> {
        let (size, rest) = bytes
            .split_first_chunk()
            .ok_or(LogError::Frontier("too short"))?;
        let (hashes, stray) = rest.as_chunks();
        if !stray.is_empty() {
            return Err(LogError::Frontier("not a whole number of hashes"));
        }
        Self::from_parts(
            u64::from_be_bytes(*size),
            hashes.iter().map(|hash| Hash(*hash)).collect(),
        )
    }
}

#[cfg(test)]
pub(crate) mod tests;
