//! Signatures that held, so that a token which comes with every call is not verified anew each time: that alone would cost more than all
//! else that is asked about a caller.
//!
//! The invariant: only the signature is remembered, with the key that made it; whether the token counts is asked every time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::jwks::Key;

/// How many signatures a generation has. Two are kept: a few megabytes.
const GENERATION: usize = 8_192;

/// Tokens by their SHA-256, each with the key under which its signature held: those of late, and those before them.
#[derive(Default)]
pub(super) struct Proven(Mutex<[HashMap<[u8; 32], Key>; 2]>);

impl Proven {
    /// Whether the token's signature holds under that key; `verifies` is asked if that is not known. Only what held is kept, so nobody
    /// fills this without tokens of the provider's.
    pub(super) fn holds(&self, token: &str, key: &Key, verifies: impl FnOnce() -> bool) -> bool {
        let hash: [u8; 32] = Sha256::digest(token).into();
        if self.knows(&hash, key) {
            return true;
        }
        let holds = verifies();
        if holds {
            self.keep(hash, key.clone());
        }
        holds
    }

    fn knows(&self, hash: &[u8; 32], key: &Key) -> bool {
        let proven = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        proven.iter().any(|proven| proven.get(hash) == Some(key))
    }

    fn keep(&self, hash: [u8; 32], key: Key) {
        let mut proven = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [late, before] = &mut *proven;
        if late.len() >= GENERATION {
            *before = std::mem::take(late);
        }
        late.insert(hash, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> Key {
        Key::Ed25519(vec![n; 32])
    }

    #[test]
    fn a_signature_is_verified_once_for_each_key_and_never_if_it_did_not_hold() {
        let proven = Proven::default();
        let asked = |token, key: &Key, answer| {
            let mut asked = false;
            let held = proven.holds(token, key, || {
                asked = true;
                answer
            });
            (held, asked)
        };
        assert_eq!(asked("a.b.c", &key(1), true), (true, true));
        assert_eq!(asked("a.b.c", &key(1), false), (true, false));
        assert_eq!(asked("a.b.c", &key(2), false), (false, true), "another key");
        assert_eq!(
            asked("a.b.d", &key(1), false),
            (false, true),
            "another token"
        );
        assert_eq!(asked("a.b.d", &key(1), false), (false, true), "not kept");
    }

    #[test]
    fn two_generations_are_kept_and_no_more() {
        let proven = Proven::default();
        for n in 0..5 * GENERATION {
            assert!(proven.holds(&n.to_string(), &key(1), || true));
        }
        let kept: usize = proven.0.lock().unwrap().iter().map(HashMap::len).sum();
        assert!((GENERATION..=2 * GENERATION).contains(&kept), "{kept}");
        // What was seen last is known still.
        let last = (5 * GENERATION - 1).to_string();
        assert!(proven.holds(&last, &key(1), || false));
        assert!(!proven.holds("0", &key(1), || false));
    }
}
