use proptest::prelude::*;

use super::*;
use crate::NoteSigner;

/// A public log's checkpoint with what four public witnesses of other makes said of it, and the key of one of them.
const PUBLIC_KEY: &str = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
const PUBLIC_NOTE: &str = "arche2025h1.staging.ct.transparency.dev\n\
    1432088532\n\
    U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\
    \n\
    \u{2014} arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n\
    \u{2014} transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n\
    \u{2014} witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n\
    \u{2014} remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n";

/// The key with which that log signs its own checkpoint.
const PUBLIC_LOG: &str =
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";

const TEXT: &str = "hefu.example/140725/0\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

/// What Python's `cryptography` makes of the seed 2, 2, 2…: a witness's key and its word on [`TEXT`].
const PYTHON_KEY: &str = "witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";
const PYTHON_LINE: &str = "\u{2014} witness.example/w1 3xwKNQAAAABqsTuAjLXIS3fCb8yxLAzLM1ynerDqKm8JW7zNlzK58sw2iYwvol07SblCANEgBcLtkH6PmzRlaIqJCekpzBygdEWSAQ==";

fn cosigner(name: &str, seed: u8) -> Cosigner {
    Cosigner::new(name, &[seed; 32]).unwrap()
}

fn log() -> NoteSigner {
    NoteSigner::new("hefu.example/140725/0", &[1; 32]).unwrap()
}

/// A checkpoint that its log signed and these witnesses cosigned.
fn cosigned(by: &[(&Cosigner, u64)]) -> Note {
    let mut note = Note::new(TEXT.to_owned()).unwrap();
    note.add(log().sign(&note));
    for (witness, time) in by {
        note.add(witness.cosign(&note, *time).unwrap());
    }
    Note::parse(&note.to_string()).unwrap()
}

/// The same note with one byte of the last line's signature changed, or the signature cut or lengthened.
fn tampered(note: &Note, change: impl Fn(&mut Vec<u8>)) -> Note {
    let mut changed = Note::new(note.text().to_owned()).unwrap();
    let (last, others) = note.signatures().split_last().unwrap();
    for other in others {
        changed.add(other.clone());
    }
    let mut bytes = last.bytes().to_vec();
    change(&mut bytes);
    changed.add(Signature::new(last.name(), last.id(), bytes));
    changed
}

#[test]
fn a_public_witness_s_cosignature_verifies_with_its_time() {
    let remora: WitnessKey = PUBLIC_KEY.parse().unwrap();
    assert_eq!(remora.to_string(), PUBLIC_KEY);
    let note = Note::parse(PUBLIC_NOTE).unwrap();
    let known = [remora];
    let said = cosignatures(&note, &known).unwrap();
    assert_eq!(said.len(), 1);
    assert_eq!(
        (said[0].witness.name(), said[0].time),
        ("remora.n621.de", 1_779_573_024)
    );
    // The log's own line is a plain signature, and witnesses' lines do not spoil it.
    let vkey: crate::Vkey = PUBLIC_LOG.parse().unwrap();
    assert_eq!(note.open(std::slice::from_ref(&vkey)).unwrap(), [&vkey]);
    let other = Note::parse(&PUBLIC_NOTE.replace("1432088532", "1432088533")).unwrap();
    assert_eq!(
        cosignatures(&other, &known),
        Err(LogError::Signature("remora.n621.de".to_owned()))
    );
}

#[test]
fn another_implementation_makes_the_same_key_and_cosignature() {
    let witness = cosigner("witness.example/w1", 2);
    assert_eq!(witness.public().to_string(), PYTHON_KEY);
    let note = Note::new(TEXT.to_owned()).unwrap();
    let line = witness.cosign(&note, 1_790_000_000).unwrap();
    assert_eq!(line.to_string(), PYTHON_LINE);
}

#[test]
fn each_known_witness_is_told_with_its_time_and_strangers_count_for_nothing() {
    let (a, b, stranger) = (cosigner("a", 2), cosigner("b", 3), cosigner("c", 4));
    let note = cosigned(&[(&b, 20), (&stranger, 30), (&a, 10), (&b, 25)]);
    let known = [a.public().clone(), b.public().clone()];
    let said: Vec<_> = cosignatures(&note, &known)
        .unwrap()
        .into_iter()
        .map(|said| (said.witness.name(), said.time))
        .collect();
    assert_eq!(said, [("b", 20), ("a", 10), ("b", 25)]);
    assert_eq!(cosignatures(&note, &[]), Ok(Vec::new()));
    // The same name with another key is another witness.
    let namesake = [cosigner("a", 9).public().clone()];
    assert_eq!(cosignatures(&note, &namesake), Ok(Vec::new()));
}

#[test]
fn nobody_can_move_the_time_or_the_text_under_a_cosignature() {
    let witness = cosigner("w", 2);
    let known = [witness.public().clone()];
    let note = cosigned(&[(&witness, 1_790_000_000)]);
    assert_eq!(cosignatures(&note, &known).unwrap()[0].time, 1_790_000_000);
    type Change = fn(&mut Vec<u8>);
    let changes: [(&str, Change); 6] = [
        ("a second later", |bytes| bytes[7] += 1),
        ("a time beyond 2^63 - 1", |bytes| bytes[0] = 0x80),
        ("a byte of the signature", |bytes| bytes[20] ^= 1),
        ("a byte short", |bytes| bytes.truncate(71)),
        ("a byte too long", |bytes| bytes.push(0)),
        ("no time at all", |bytes| drop(bytes.drain(..8))),
    ];
    for (why, change) in changes {
        assert_eq!(
            cosignatures(&tampered(&note, change), &known),
            Err(LogError::Signature("w".to_owned())),
            "{why}"
        );
    }
    let larger = Note::parse(&note.to_string().replacen("\n3\n", "\n4\n", 1)).unwrap();
    assert!(cosignatures(&larger, &known).is_err());
    assert!(witness.cosign(&note, MAX_TIME).is_ok());
    assert!(witness.cosign(&note, MAX_TIME + 1).is_err());
}

#[test]
fn a_plain_signature_is_no_cosignature_nor_the_other_way_round() {
    let (witness, as_log) = (cosigner("w", 2), NoteSigner::new("w", &[2; 32]).unwrap());
    let known = [witness.public().clone()];
    let mut note = Note::new(TEXT.to_owned()).unwrap();
    note.add(as_log.sign(&note));
    assert_eq!(cosignatures(&note, &known), Ok(Vec::new()));
    let note = cosigned(&[(&witness, 5)]);
    assert_eq!(note.open(&[as_log.vkey().clone()]), Err(LogError::Unsigned));
    // Not even relabelled: the key's id is the cosigner's, the bytes are the log's.
    let plain = as_log.sign(&note);
    let relabelled = Signature::new("w", witness.public().id, plain.bytes().to_vec());
    assert!(witness.public().verify(&note, &relabelled).is_err());
}

#[test]
fn a_witness_key_has_one_text_and_its_own_type() {
    let text = cosigner("witness.example/w1", 2).public().to_string();
    assert!(text.starts_with("witness.example/w1+"));
    assert_eq!(text.parse::<WitnessKey>().unwrap().to_string(), text);
    let (head, key) = text.rsplit_once('+').unwrap();
    for wrong in [
        String::new(),
        head.to_owned(),
        text.replacen("w1", "w2", 1),
        head.to_uppercase() + "+" + key,
        format!("{head}+{}", &key[..40]),
        log().vkey().to_string(),
    ] {
        assert!(wrong.parse::<WitnessKey>().is_err(), "{wrong}");
    }
    assert!(text.parse::<crate::Vkey>().is_err());
    let mut small_order = [0; 32];
    small_order[0] = 1;
    assert!(WitnessKey::new("w", &small_order).is_err());
}

#[test]
fn one_witness_does_not_count_twice() {
    let key = |name: &str, seed: u8| cosigner(name, seed).public().clone();
    assert_eq!(distinct(&[key("a", 1), key("b", 2), key("c", 3)]), Ok(()));
    for twice in [key("a", 1), key("a", 2), key("b", 1)] {
        assert!(distinct(&[key("a", 1), key("c", 3), twice]).is_err());
    }
}

#[test]
fn a_cosigner_does_not_print_its_secret() {
    let witness = cosigner("w", 2);
    assert_eq!(
        format!("{witness:?}"),
        format!("Cosigner({})", witness.public())
    );
}

proptest! {
    #[test]
    fn a_cosignature_bears_the_time_that_it_was_made_with(time in 0..=MAX_TIME, seed: u8) {
        let witness = cosigner("w", seed);
        let known = [witness.public().clone()];
        let said = cosigned(&[(&witness, time)]);
        let said = cosignatures(&said, &known).unwrap();
        prop_assert_eq!(said, vec![Cosigned { witness: &known[0], time }]);
    }

    #[test]
    fn no_bytes_pass_by_chance(bytes in prop::collection::vec(any::<u8>(), 1..80)) {
        let witness = cosigner("w", 2);
        let note = Note::new(TEXT.to_owned()).unwrap();
        let signature = Signature::new("w", witness.public().id, bytes);
        prop_assert!(witness.public().verify(&note, &signature).is_err());
    }
}
