//! Strict verification of tokens on the vectors of `hefu-suite`: its `tests/ed25519.json` says where each comes from.
//! Flipped bits, and tokens cut short or lengthened, are in `tokens.rs`.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the test's answer"
)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hefu_domain::Instant;
use hefu_token::{KeySet, PublicKey, Suite, TokenError};
use serde_json::Value;

const IN_DATE: Instant = Instant(1_690_000_000_000);

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../suite/tests/ed25519.json")).unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

#[test]
fn a_token_has_one_signature() {
    let vectors = vectors();
    let message = &vectors["messages"]["token"];
    let key = PublicKey::from_bytes(Suite::Ed25519Sha256, &bytes(&message["key"])).unwrap();
    let mut set = KeySet::new("voucher.example.cn");
    set.insert(key, None);
    let all = vectors["signatures"].as_array().unwrap().iter();
    let mut judged = (0, 0);
    for vector in all.filter(|vector| vector["over"] == "token") {
        let signature = bytes(&vector["signature"]);
        let signed = message["message"].as_str().unwrap();
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&signature));
        let verified = set.verify(&token, IN_DATE);
        if vector["valid"].as_bool().unwrap() {
            // What was signed says nothing of a status list: past its signature, and no further.
            assert_eq!(verified, Err(TokenError::Claims));
            judged.0 += 1;
        } else {
            let because = match signature.len() {
                64 => TokenError::BadSignature,
                _ => TokenError::Shape,
            };
            assert_eq!(verified, Err(because), "{vector}");
            judged.1 += 1;
        }
    }
    assert_eq!(judged, (1, 75));
}

#[test]
fn a_weak_or_misspelt_key_is_no_token_key() {
    let vectors = vectors();
    let refused = vectors["refused_keys"].as_array().unwrap();
    assert_eq!(refused.len(), 37);
    for vector in refused {
        let key = PublicKey::from_bytes(Suite::Ed25519Sha256, &bytes(&vector["key"]));
        assert_eq!(key, Err(TokenError::WeakKey), "{vector}");
    }
}
