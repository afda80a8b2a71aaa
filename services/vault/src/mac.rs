//! HMAC-SHA-256 (RFC 2104) over a sequence of fields. Every field is preceded by its length, so no two sequences are
//! the same bytes, and the first field is a label that no other use of the vault shares.

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;

/// HMAC over `label` and `fields`, each as its length in four bytes, big-endian, then its bytes.
pub(crate) fn mac(key: &[u8; 32], label: &str, fields: &[&[u8]]) -> [u8; 32] {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for field in [label.as_bytes()].iter().chain(fields) {
        let length = u32::try_from(field.len()).expect("no field comes near 4 GiB");
        hmac.update(&length.to_be_bytes());
        hmac.update(field);
    }
    hmac.finalize().into_bytes().into()
}

/// The first 16 bytes: 128 bits, as RFC 2104 section 5 allows.
pub(crate) fn mac16(key: &[u8; 32], label: &str, fields: &[&[u8]]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&mac(key, label, fields)[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cannot_lend_each_other_bytes() {
        let key = [1; 32];
        let tags = [
            mac(&key, "l", &[b"ab", b"c"]),
            mac(&key, "l", &[b"a", b"bc"]),
            mac(&key, "l", &[b"abc"]),
            mac(&key, "l", &[b"abc", b""]),
            mac(&key, "la", &[b"b", b"c"]),
            mac(&[2; 32], "l", &[b"ab", b"c"]),
        ];
        for (i, a) in tags.iter().enumerate() {
            assert!(tags[i + 1..].iter().all(|b| a != b));
        }
        assert_eq!(mac16(&key, "l", &[b"ab", b"c"]), tags[0][..16]);
    }
}
