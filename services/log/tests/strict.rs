//! Strict verification of notes, checkpoints and cosignatures on the vectors of `hefu-suite`: its
//! `tests/ed25519.json` says where each comes from.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the test's answer"
)]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hefu_log::{
    Checkpoint, Cosigner, LogError, Note, NoteSigner, VerifierKeys, Vkey, WitnessKey, cosignatures,
};
use serde_json::Value;

const LOG: &str = "hefu.example/140725/0";
const WITNESS: &str = "witness.example/w1";
const TIME: u64 = 1_790_000_000;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../suite/tests/ed25519.json")).unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

fn text(vectors: &Value) -> String {
    let text = &vectors["messages"]["note"]["message"];
    text.as_str().unwrap().to_owned()
}

/// A note as somebody might send it: whatever stands behind the key's id.
fn note(text: &str, name: &str, id: [u8; 4], signature: &[u8]) -> String {
    let code = BASE64_STANDARD.encode([&id[..], signature].concat());
    format!("{text}\n\u{2014} {name} {code}\n")
}

fn over<'v>(vectors: &'v Value, message: &str) -> Vec<&'v Value> {
    let all = vectors["signatures"].as_array().unwrap().iter();
    let of = all
        .filter(|vector| vector["over"] == message)
        .collect::<Vec<_>>();
    assert_eq!(of.len(), 76);
    of
}

#[test]
fn a_checkpoint_opens_under_its_one_signature_only() {
    let vectors = vectors();
    let key = bytes(&vectors["messages"]["note"]["key"]);
    let vkey = Vkey::new(LOG, key.as_slice().try_into().unwrap()).unwrap();
    let known = [vkey];
    for vector in over(&vectors, "note") {
        let signature = bytes(&vector["signature"]);
        let said = note(&text(&vectors), LOG, known[0].id(), &signature);
        let opened = Checkpoint::open(&said, &known);
        match (vector["valid"].as_bool().unwrap(), signature.is_empty()) {
            (true, _) => assert_eq!(opened.unwrap().size, 3),
            (false, false) => {
                assert_eq!(opened, Err(LogError::Signature(LOG.to_owned())), "{vector}");
                // Nor beside a genuine one: a wrong signature of a known key spoils the note.
                let signer = NoteSigner::new(LOG, &[1; 32]).unwrap();
                let mut both = Note::parse(&said).unwrap();
                both.add(signer.sign(&both));
                assert!(both.open(&known).is_err(), "{vector}");
            }
            // A line without a signature is none.
            (false, true) => assert!(matches!(opened, Err(LogError::Note(_))), "{vector}"),
        }
    }
}

#[test]
fn a_cosignature_counts_under_its_one_signature_only() {
    let vectors = vectors();
    let key = bytes(&vectors["messages"]["cosignature"]["key"]);
    let known = [WitnessKey::new(WITNESS, key.as_slice().try_into().unwrap()).unwrap()];
    let id = Cosigner::new(WITNESS, &[2; 32]).unwrap();
    let id = id
        .cosign(&Note::new(text(&vectors)).unwrap(), TIME)
        .unwrap()
        .id();
    for vector in over(&vectors, "cosignature") {
        let timed = [&TIME.to_be_bytes()[..], &bytes(&vector["signature"])].concat();
        let said = Note::parse(&note(&text(&vectors), WITNESS, id, &timed)).unwrap();
        let counted = cosignatures(&said, &known);
        if vector["valid"].as_bool().unwrap() {
            assert_eq!(counted.unwrap()[0].time, TIME);
        } else {
            let wrong = LogError::Signature(WITNESS.to_owned());
            assert_eq!(counted, Err(wrong), "{vector}");
        }
    }
}

/// What nobody may be known by: each of them with an id and a type that are right.
#[test]
fn a_weak_or_misspelt_key_is_no_verifier_key() {
    let vectors = vectors();
    let refused = vectors["refused_keys"].as_array().unwrap();
    assert_eq!(refused.len(), 37);
    for vector in refused {
        let key = bytes(&vector["key"]);
        let exact = key.as_slice().try_into().unwrap();
        assert!(matches!(Vkey::new(LOG, exact), Err(LogError::Key(_))));
        assert!(matches!(WitnessKey::new(LOG, exact), Err(LogError::Key(_))));
        let line = |kind: u8| {
            let key = BASE64_STANDARD.encode([&[kind][..], &key].concat());
            format!("{LOG}+00000000+{key}")
        };
        // It is refused for the key, not for the id, which is wrong as well.
        for refusal in [
            line(1).parse::<Vkey>().unwrap_err(),
            line(4).parse::<WitnessKey>().unwrap_err(),
            VerifierKeys::parse(&line(1)).unwrap_err(),
        ] {
            assert!(matches!(refusal, LogError::Key(_)));
            assert_ne!(refusal, LogError::Key("its id is not its own"), "{vector}");
        }
    }
}

#[test]
fn a_key_of_another_length_is_no_verifier_key() {
    for length in [0, 31, 33, 64] {
        for kind in [1u8, 4] {
            let key = BASE64_STANDARD.encode([vec![kind], vec![9; length]].concat());
            let line = format!("{LOG}+00000000+{key}");
            assert!(line.parse::<Vkey>().is_err(), "{line}");
            assert!(line.parse::<WitnessKey>().is_err(), "{line}");
        }
    }
}
