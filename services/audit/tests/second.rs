//! What an auditor finds out about second signatures: one whose key was brought along must be there and hold; of others
//! nothing is asked. With and without the suite `sm2-sm3`, as the tests were built.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod made;

use std::path::PathBuf;

use hefu_audit::verify::{Asked, Check, Keys};
use hefu_domain::Event;
use hefu_domain::event::*;
use hefu_log::{Note, NoteSigner, SecondSigner};
use hefu_suite::{SecretKey, Suite};

use made::*;

const SIZE: usize = 300;

/// A second signer; nothing where the suite is not built.
fn second(epoch: u64, seed: u8) -> Option<SecondSigner> {
    let key = SecretKey::from_seed(Suite::Sm2Sm3, &[seed; 32]);
    assert_eq!(key.is_ok(), Suite::Sm2Sm3.is_built());
    let name = origin(COUNTY, epoch).to_string();
    Some(SecondSigner::new(&name, key.ok()?).unwrap())
}

fn sign(note: &str, by: &[&SecondSigner]) -> String {
    let mut note = Note::parse(note).unwrap();
    for signer in by {
        note.add(signer.sign(&note));
    }
    note.to_string()
}

/// A county's log with its checkpoint signed by these as well.
fn log(name: &str, own: &NoteSigner, by: &[&SecondSigner]) -> PathBuf {
    let history = History::county(SIZE);
    let dir = folder(name);
    history.write(&dir.join(COUNTY), own);
    let note = sign(&history.note(SIZE, own), by);
    put(&dir.join(COUNTY), "checkpoint", note.as_bytes());
    dir
}

/// The log's own keys and these second ones, from outside.
fn keys(own: &[&NoteSigner], second: &[&SecondSigner]) -> Asked {
    let own = own.iter().map(|signer| signer.vkey().to_string());
    let second = second.iter().map(|signer| signer.public().to_string());
    let lines: Vec<String> = own.chain(second).collect();
    Asked::all(Keys::from_outside(&lines.join("\n")).unwrap())
}

#[test]
fn a_key_of_an_unknown_type_is_skipped_with_a_warning() {
    let own = signer(COUNTY, 0, 1);
    let dir = log("second-unknown", &own, &[]);
    // 0xff and a name that nobody has.
    let text = format!("{}\nsomebody+01020304+/3VuaGVhcmQgb2Y=\n", own.vkey());
    let keys = Keys::from_outside(&text).unwrap();
    let warning = keys.warning().unwrap();
    assert!(warning.contains("somebody"), "{warning}");
    let report = holds(&dir, &Asked::all(keys));
    assert!(report.verified);
    assert_eq!(report.second_signatures, 0);
    assert_eq!(asked(&[&own]).keys.warning(), None);
}

#[test]
fn a_second_signature_is_checked_if_its_key_was_brought_along() {
    let own = signer(COUNTY, 0, 1);
    let (Some(one), Some(other)) = (second(0, 2), second(0, 3)) else {
        return;
    };
    let (plain, by_one) = (
        log("second-none", &own, &[]),
        log("second-one", &own, &[&one]),
    );
    let report = holds(&by_one, &keys(&[&own], &[&one]));
    assert!(report.verified);
    assert_eq!(report.second_signatures, 1);
    assert_eq!(
        report.logs[0].second,
        Some(u32::from_be_bytes(one.public().id()))
    );
    // Of a key that was followed by another, either will do.
    assert!(holds(&by_one, &keys(&[&own], &[&one, &other])).verified);
    // Nobody asks who did not bring a key.
    for dir in [&plain, &by_one] {
        let report = holds(dir, &keys(&[&own], &[]));
        assert!(report.verified);
        assert_eq!(report.second_signatures, 0);
    }
    let size = SIZE as u64;
    let missing = [(&plain, &one), (&by_one, &other)];
    for (dir, key) in missing {
        expect(&failure(dir, &keys(&[&own], &[key])), Check::Second, size);
    }
    // A wrong one spoils the checkpoint, even beside another that is right.
    let wrong = log("second-wrong", &own, &[&one, &other]);
    let path = wrong.join(COUNTY).join("checkpoint");
    let note = std::fs::read_to_string(&path).unwrap();
    let line = note.lines().last().unwrap();
    let last = note.replace(line, &format!("{}AAAA", &line[..line.len() - 4]));
    std::fs::write(&path, last).unwrap();
    expect(
        &failure(&wrong, &keys(&[&own], &[&one, &other])),
        Check::Second,
        size,
    );
    assert!(holds(&wrong, &keys(&[&own], &[&one])).verified);
}

#[test]
fn a_second_key_proves_nothing_by_itself() {
    let own = signer(COUNTY, 0, 1);
    let Some(one) = second(0, 2) else { return };
    let dir = log("second-alone", &own, &[&one]);
    let alone = keys(&[], &[&one]);
    expect(&failure(&dir, &alone), Check::Key, SIZE as u64);
    // Nor does it stand for a signature of the log's own that is not there.
    let history = History::county(SIZE);
    let stranger = signer(COUNTY, 0, 9);
    let note = sign(&history.note(SIZE, &stranger), &[&one]);
    put(&dir.join(COUNTY), "checkpoint", note.as_bytes());
    let failed = failure(&dir, &keys(&[&own], &[&one]));
    expect(&failed, Check::Signature, SIZE as u64);
}

#[test]
fn after_a_fork_the_second_key_is_the_one_before_unless_another_is_named() {
    let Some(one) = second(0, 2) else { return };
    let (first, later) = (signer(COUNTY, 0, 1), signer(COUNTY, 1, 1));
    let mut chain = Chain::default();
    let kept = chain.log(COUNTY, 0, county().take(SIZE));
    let fork = Event::ForkAccepted(ForkAccepted {
        reason: code("RESTORED_BACKUP"),
        signed: Some(kept.tree()),
        kept: kept.tree(),
    });
    let events = [fork].into_iter().chain(county().skip(SIZE).take(9));
    let after = chain.log(COUNTY, 1, events);
    let dir = folder("second-forked");
    kept.write(&dir.join(COUNTY).join("epoch/0"), &first);
    after.write(&dir.join(COUNTY), &later);
    let present = after.note(10, &later);
    let (same, another) = (second(1, 2).unwrap(), second(1, 3).unwrap());
    for (by, known, holds_with) in [
        (&[&same][..], &[&one][..], true),
        (&[&same], &[&one, &same], true),
        (&[&another], &[&one, &another], true),
        (&[&another], &[&one], false),
        (&[&same], &[&one, &another], false),
        (&[], &[&one], false),
    ] {
        put(
            &dir.join(COUNTY),
            "checkpoint",
            sign(&present, by).as_bytes(),
        );
        let asked = keys(&[&first], known);
        match holds_with {
            true => assert_eq!(holds(&dir, &asked).second_signatures, 1),
            false => expect(&failure(&dir, &asked), Check::Second, 10),
        }
    }
}
