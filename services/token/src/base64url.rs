//! base64url without padding (RFC 7515 section 2). Decoding is canonical: every value has exactly one spelling.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `None` for padding, foreign characters, a dangling character, or left-over bits that are not zero.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Exactly `N` bytes, or `None`; nothing of a secret is left behind on the heap.
pub(crate) fn decode_array<const N: usize>(text: &str, out: &mut [u8; N]) -> bool {
    // `decode_slice` wants room for its estimate; the length check keeps the estimate exact.
    text.len() == (N * 4).div_ceil(3)
        && URL_SAFE_NO_PAD
            .decode_slice(text, out)
            .is_ok_and(|written| written == N)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_one_spelling() {
        assert_eq!(decode("_-8"), Some(vec![0xff, 0xef]));
        for other in ["_-9", "_-8=", "/+8", "_-8\n", " _-8", "_", "_-8_A"] {
            assert_eq!(decode(other), None, "{other:?}");
        }
        let mut out = [0; 2];
        assert!(decode_array("_-8", &mut out) && out == [0xff, 0xef]);
        assert!(!decode_array("_-", &mut out));
        assert!(!decode_array("_-8A", &mut out));
    }
}
