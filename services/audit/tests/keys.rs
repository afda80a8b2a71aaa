//! Whose signatures count over changes of keys and forks, and that nobody gets past them with a key that was replaced, with
//! the new one alone, or with none.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod made;

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hefu_audit::verify::{Asked, Check, Head, Older};
use hefu_domain::event::*;
use hefu_domain::{Digest, Event};
use hefu_log::{Note, NoteSigner};

use made::*;

/// A change of keys in the log of a county: which tree it names, from which key to which, and who signed it.
fn rotation(
    signed: LogTree,
    [old, new]: [&NoteSigner; 2],
    [by_old, by_new]: [&NoteSigner; 2],
) -> Event {
    let (old, new) = (old.vkey().to_string(), new.vkey().to_string());
    let note = Note::new(LogKeyRotated::statement(&old, &new, &signed)).unwrap();
    let sign = |signer: &NoteSigner| BASE64_STANDARD.encode(signer.sign(&note).bytes());
    let (by_old, by_new) = (sign(by_old), sign(by_new));
    Event::LogKeyRotated(LogKeyRotated {
        old,
        new,
        signed,
        by_old,
        by_new,
    })
}

/// A county's events, with a change of keys at that index over all before it.
fn rotated(mut events: Vec<Event>, at: usize, keys: [&NoteSigner; 2]) -> Vec<Event> {
    let signed = Chain::default()
        .log(COUNTY, 0, events[..at].to_vec())
        .tree();
    events.insert(at, rotation(signed, keys, keys));
    events
}

fn events(size: usize) -> Vec<Event> {
    county().take(size).collect()
}

/// The log of these events in a folder, its checkpoint signed with that key.
fn log(name: &str, events: Vec<Event>, signer: &NoteSigner) -> (History, PathBuf) {
    let history = Chain::default().log(COUNTY, 0, events);
    let dir = folder(name);
    history.write(&dir.join(COUNTY), signer);
    (history, dir)
}

#[test]
fn a_log_key_follows_another_only_by_both_their_signatures() {
    let [first, second, third, stranger] = [1, 2, 3, 9].map(|seed| signer(COUNTY, 0, seed));
    let good = || rotated(events(700), 300, [&first, &second]);
    let (history, dir) = log("rotated", good(), &second);
    assert!(holds(&dir, &asked(&[&first])).verified);
    assert!(holds(&dir, &asked(&[&second])).verified);
    assert!(holds(&dir, &asked(&[&second, &first])).verified);
    expect(&failure(&dir, &asked(&[&stranger])), Check::Key, 701);
    // What was signed before the change, the old key signed; what was signed after it, only the new one.
    for (size, signer, sound) in [
        (300, &first, true),
        (300, &second, false),
        (301, &second, true),
        (301, &first, false),
    ] {
        let since = vec![Older::parse(&history.note(size, signer)).unwrap()];
        let report = run(
            &dir,
            &Asked {
                since,
                ..asked(&[&first])
            },
        );
        assert_eq!(
            report.failure.map(|failure| (failure.check, failure.index)),
            (!sound).then_some((Check::Signature, size as u64))
        );
    }
    let (_, dir) = log("rotated-unheeded", good(), &first);
    expect(&failure(&dir, &asked(&[&first])), Check::Signature, 701);
    let twice = rotated(good(), 400, [&second, &third]);
    let (_, dir) = log("rotated-twice", twice, &third);
    for key in [&first, &second, &third] {
        assert!(holds(&dir, &asked(&[key])).verified);
    }
    let city = signer(CITY, 0, 2);
    let lies = [
        ("old-alone", [&first, &second], [&first, &first]),
        ("new-alone", [&first, &second], [&second, &second]),
        ("by-strangers", [&first, &second], [&stranger, &stranger]),
        ("to-itself", [&first, &first], [&first, &first]),
        ("other-log", [&first, &city], [&first, &city]),
    ];
    let signed = History::county(300).tree();
    for (name, keys, by) in lies {
        let mut lied = events(700);
        lied.insert(300, rotation(signed, keys, by));
        let (_, dir) = log(&format!("rotated-{name}"), lied, &second);
        expect(&failure(&dir, &asked(&[&first])), Check::Rotation, 300);
    }
    let skipping = rotated(good(), 400, [&first, &third]);
    let (_, dir) = log("rotated-skipping", skipping, &third);
    expect(&failure(&dir, &asked(&[&first])), Check::Rotation, 400);
}

#[test]
fn a_change_of_keys_holds_only_in_the_history_that_the_old_key_signed() {
    let [first, second] = [1, 2].map(|seed| signer(COUNTY, 0, seed));
    let keys = [&first, &second];
    let tree = History::county(300).tree();
    let other_root = Digest(rewritten().tree_at(500).root.0);
    for (name, at, signed) in [
        (
            "root",
            500,
            LogTree {
                root: other_root,
                size: 500,
                ..tree
            },
        ),
        ("size", 300, LogTree { size: 299, ..tree }),
        ("ahead", 299, tree),
        ("epoch", 300, LogTree { epoch: 1, ..tree }),
    ] {
        let mut lied = events(700);
        lied.insert(at, rotation(signed, keys, keys));
        let (_, dir) = log(&format!("rotated-over-{name}"), lied, &second);
        expect(
            &failure(&dir, &asked(&[&first])),
            Check::Rotation,
            at as u64,
        );
    }
    // Whoever has the new key alone takes the change out of the log and puts it into a history that the old key never saw.
    let genuine = rotated(events(700), 500, keys).remove(500);
    let mut forged: Vec<Event> = another_county().take(700).collect();
    forged.insert(500, genuine);
    let (_, dir) = log("rotated-elsewhere", forged, &second);
    for known in [&[&first][..], &[&second], &[&first, &second]] {
        expect(&failure(&dir, &asked(known)), Check::Rotation, 500);
    }
    // Events that the old key had not signed yet when the change was written are no lie.
    let mut late = events(700);
    late.insert(310, rotation(tree, keys, keys));
    let (_, dir) = log("rotated-late", late, &second);
    assert!(holds(&dir, &asked(&[&first])).verified);
}

#[test]
fn a_key_that_was_replaced_does_not_hide_that_it_was() {
    let [first, second, third] = [1, 2, 3].map(|seed| signer(COUNTY, 0, seed));
    // Its holder writes the log anew, from the first event, and no change of keys is in it.
    let forged: Vec<Event> = another_county().take(700).collect();
    let (_, dir) = log("replaced-hidden", forged, &first);
    expect(&failure(&dir, &asked(&[&second])), Check::Signature, 700);
    for order in [[&first, &second], [&second, &first]] {
        expect(&failure(&dir, &asked(&order)), Check::Replaced, 700);
    }
    // And the second one's, with the first change in it and not the next.
    let (_, dir) = log(
        "replaced-second",
        rotated(events(700), 300, [&first, &second]),
        &second,
    );
    expect(
        &failure(&dir, &asked(&[&first, &second, &third])),
        Check::Replaced,
        701,
    );
    // Nor does an epoch that has ended stand in for a later one of which the key is known.
    let (_, dir) = log("replaced-epoch", events(700), &first);
    assert!(holds(&dir, &asked(&[&first])).verified);
    let later = signer(COUNTY, 1, 1);
    expect(
        &failure(&dir, &asked(&[&first, &later])),
        Check::Replaced,
        700,
    );
    // Nor is a whole region hidden from somebody who has a key of it; of other deployments nothing is expected.
    let city = signer(CITY, 3, 1);
    let found = failure(&dir, &asked(&[&first, &city]));
    assert_eq!((found.check, found.region.as_str()), (Check::Missing, CITY));
    let mut some = asked(&[&first, &city]);
    some.regions = vec![code(COUNTY)];
    assert_eq!(holds(&dir, &some).missing, []);
    // A copy of one region is told from the whole.
    let mut copy = asked(&[&first, &city]);
    copy.partial = true;
    let report = holds(&dir, &copy);
    assert!(report.verified);
    assert_eq!(report.missing, [code(CITY)]);
    let elsewhere = NoteSigner::new("taiyuan.example/140100/0", &[1; 32]).unwrap();
    assert!(holds(&dir, &asked(&[&first, &elsewhere])).verified);
}

/// A log of 500 events that was signed at 600 and goes on in a second epoch, whose checkpoint that key signs.
fn forked(name: &str, kept: Vec<Event>, old: &NoteSigner, new: &NoteSigner) -> (PathBuf, u64) {
    let mut chain = Chain::default();
    let kept = chain.log(COUNTY, 0, kept);
    let fork = Event::ForkAccepted(ForkAccepted {
        reason: code("RESTORED_BACKUP"),
        signed: Some(kept.tree()),
        kept: kept.tree(),
    });
    let after = chain.log(
        COUNTY,
        1,
        [fork].into_iter().chain(county().skip(500).take(10)),
    );
    let dir = folder(name);
    kept.write(&dir.join(COUNTY).join("epoch/0"), old);
    after.write(&dir.join(COUNTY), new);
    (dir, after.size())
}

#[test]
fn a_key_that_was_replaced_signs_no_later_epoch() {
    let [first, second] = [1, 2].map(|seed| signer(COUNTY, 0, seed));
    let [first_later, second_later] = [1, 2].map(|seed| signer(COUNTY, 1, seed));
    let kept = || rotated(events(500), 300, [&first, &second]);
    let (good, _) = forked("fork-by-new", kept(), &second, &second_later);
    let (bad, size) = forked("fork-by-old", kept(), &second, &first_later);
    for known in [
        &[&first][..],
        &[&second],
        &[&first, &second],
        &[&first, &second, &second_later],
    ] {
        let report = holds(&good, &asked(known));
        assert!(report.verified && report.forks[0].confirmed);
        expect(&failure(&bad, &asked(known)), Check::Signature, size);
    }
    // A backup from before the change was restored: which of the two keys signs cannot be told any more.
    let (good, size) = forked("fork-before-new", events(500), &first, &second_later);
    let (bad, _) = forked("fork-before-old", events(500), &first, &first_later);
    for dir in [&good, &bad] {
        expect(&failure(dir, &asked(&[&first, &second])), Check::Key, size);
    }
    let told = asked(&[&first, &second, &second_later]);
    assert!(holds(&good, &told).verified);
    expect(&failure(&bad, &told), Check::Signature, size);
}

#[test]
fn a_change_of_keys_that_nobody_signed_yet_vouches_for_nobody() {
    let [first, second] = [1, 2].map(|seed| signer(COUNTY, 0, seed));
    let history = Chain::default().log(COUNTY, 0, rotated(events(700), 650, [&first, &second]));
    let dir = folder("rotated-unsigned");
    let county = dir.join(COUNTY);
    history.write_files(&county);
    let head = Head {
        region: code(COUNTY),
        epoch: 0,
        size: history.size(),
        root: history.root(),
        frontier: Some(history.frontier_at(701)),
        stray: None,
    };
    let with = |size: usize, by: &NoteSigner, known: &NoteSigner| {
        put(&county, "checkpoint", history.note(size, by).as_bytes());
        let published = History {
            entries: history.entries[..size].to_vec(),
            ..history.clone()
        };
        published.write_files(&county);
        history.write_files(&county);
        let report = run_with_heads(&dir, &asked(&[known]), std::slice::from_ref(&head));
        report.failure.map(|failure| failure.check)
    };
    assert_eq!(with(600, &first, &first), None);
    assert_eq!(with(600, &first, &second), Some(Check::Signature));
    assert_eq!(with(651, &second, &second), None);
    assert_eq!(with(650, &first, &first), None);
    assert_eq!(with(651, &first, &second), Some(Check::Signature));
}
