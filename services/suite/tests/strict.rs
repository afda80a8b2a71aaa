//! Ed25519 on vectors: what `ed25519.json` says of each is what is answered, and where a lax verifier would say yes, it
//! does. The tests of voucher tokens and of signed notes read the same file.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the test's answer"
)]

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Verifier as _, VerifyingKey};
use hefu_suite::{PublicKey, SecretKey, Suite, SuiteError};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    rfc8032: Vec<Printed>,
    refused_keys: Vec<Refused>,
    messages: BTreeMap<String, Message>,
    signatures: Vec<Vector>,
}

#[derive(Deserialize)]
struct Printed {
    name: String,
    seed: String,
    key: String,
    message: String,
    signature: String,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    source: String,
    key: String,
}

#[derive(Deserialize)]
struct Message {
    seed: String,
    key: String,
    message: String,
}

#[derive(Deserialize)]
struct Vector {
    over: String,
    case: String,
    name: String,
    signature: String,
    valid: bool,
    lax: bool,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("ed25519.json")).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2));
    (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

fn public(hex: &str) -> PublicKey {
    PublicKey::from_bytes(Suite::Ed25519Sha256, &bytes(hex)).unwrap()
}

fn secret(hex: &str) -> SecretKey {
    SecretKey::ed25519(&bytes(hex).try_into().unwrap())
}

#[test]
fn what_rfc_8032_prints_is_signed_and_verified() {
    let vectors = vectors();
    assert_eq!(vectors.rfc8032.len(), 4);
    for vector in vectors.rfc8032 {
        let (secret, message) = (secret(&vector.seed), bytes(&vector.message));
        let signature = bytes(&vector.signature);
        assert_eq!(secret.public(), &public(&vector.key), "{}", vector.name);
        assert_eq!(secret.sign(&message).to_vec(), signature, "{}", vector.name);
        assert!(public(&vector.key).verifies(&message, &signature));
    }
}

#[test]
fn each_signature_is_judged_as_the_file_says() {
    let vectors = vectors();
    let (mut cases, mut lax) = (BTreeSet::new(), 0);
    for vector in &vectors.signatures {
        let message = &vectors.messages[&vector.over];
        let (key, signature) = (bytes(&message.key), bytes(&vector.signature));
        let what = format!("{}: {} ({})", vector.over, vector.name, vector.case);
        let verified = public(&message.key).verifies(message.message.as_bytes(), &signature);
        assert_eq!(verified, vector.valid, "{what}");
        let signature = ed25519_dalek::Signature::from_slice(&signature);
        let key = VerifyingKey::from_bytes(key.as_slice().try_into().unwrap()).unwrap();
        let verified = signature
            .is_ok_and(|signature| key.verify(message.message.as_bytes(), &signature).is_ok());
        assert_eq!(verified, vector.lax, "lax: {what}");
        lax += u32::from(vector.lax && !vector.valid);
        cases.insert(vector.case.as_str());
    }
    assert_eq!(lax, 3, "one for each message");
    assert_eq!(
        cases.into_iter().collect::<Vec<_>>(),
        [
            "InvalidEncoding",
            "InvalidKtv",
            "InvalidSignature",
            "MixedOrderR",
            "SignatureMalleability",
            "SignatureWithGarbage",
            "SmallOrderR",
            "TruncatedSignature",
            "Valid",
            "WrongKey",
            "WrongMessage",
        ]
    );
}

#[test]
fn the_messages_signatures_are_their_seeds() {
    let vectors = vectors();
    let valid = vectors.signatures.iter().filter(|vector| vector.valid);
    let mut seen = 0;
    for vector in valid {
        let message = &vectors.messages[&vector.over];
        let signature = secret(&message.seed).sign(message.message.as_bytes());
        assert_eq!(signature.to_vec(), bytes(&vector.signature));
        assert_eq!(secret(&message.seed).public(), &public(&message.key));
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn weak_and_misspelt_keys_are_refused() {
    let (mut misspelt, vectors) = (0, vectors());
    assert_eq!(vectors.refused_keys.len(), 37);
    for refused in vectors.refused_keys {
        let key = bytes(&refused.key);
        let answer = PublicKey::from_bytes(Suite::Ed25519Sha256, &key);
        assert!(
            matches!(answer, Err(SuiteError::Public(_))),
            "{} ({})",
            refused.name,
            refused.source
        );
        // Those that the library alone would take.
        let decoded = VerifyingKey::from_bytes(key.as_slice().try_into().unwrap());
        misspelt += u32::from(decoded.is_ok_and(|key| !key.is_weak()));
    }
    assert_eq!(misspelt, 20);
}

#[test]
fn keys_of_another_length_are_refused() {
    for length in [0, 31, 33, 64, 65] {
        let answer = PublicKey::from_bytes(Suite::Ed25519Sha256, &vec![9; length]);
        assert!(matches!(answer, Err(SuiteError::Public(_))), "{length}");
    }
}

#[test]
fn a_suite_has_one_id_and_one_that_is_not_built_says_what_to_build() {
    for suite in Suite::ALL {
        assert_eq!(suite.as_str().parse(), Ok(suite));
    }
    for other in ["", "ed25519", "SM2-SM3", "sm2-sm3 ", "none"] {
        let unknown = other.parse::<Suite>().unwrap_err().to_string();
        assert!(unknown.contains("this version knows ed25519-sha256 and sm2-sm3"));
    }
    let key = SecretKey::from_seed(Suite::Sm2Sm3, &[1; 32]);
    if Suite::Sm2Sm3.is_built() {
        let key = key.unwrap();
        assert_eq!(key.public().suite(), Suite::Sm2Sm3);
        let again = PublicKey::from_bytes(Suite::Sm2Sm3, key.public().as_bytes()).unwrap();
        assert!(again.verifies(b"x", &key.sign(b"x")));
        // Its bytes mean nothing to the other suite, nor the other's signatures to it.
        assert!(PublicKey::from_bytes(Suite::Ed25519Sha256, key.public().as_bytes()).is_err());
        assert!(!again.verifies(b"x", &SecretKey::ed25519(&[1; 32]).sign(b"x")));
    } else {
        let missing = SuiteError::NotBuilt(Suite::Sm2Sm3);
        assert!(missing.to_string().ends_with("--features sm2-sm3"));
        assert_eq!(key.unwrap_err(), missing);
        let public = PublicKey::from_bytes(Suite::Sm2Sm3, &[4; 65]);
        assert_eq!(public, Err(missing));
    }
}

#[test]
fn a_secret_does_not_show_itself() {
    let key = SecretKey::ed25519(&[1; 32]);
    assert_eq!(
        format!("{key:?}"),
        format!("SecretKey(of {:?})", key.public())
    );
}
