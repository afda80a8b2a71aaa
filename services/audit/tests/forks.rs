//! Accepted forks: what the log itself says of them, what can be told of what it does not say, and that it tells the truth.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod made;

use std::fs;
use std::path::PathBuf;

use hefu_audit::verify::{Asked, Check, Older};
use hefu_domain::Event;
use hefu_domain::event::*;
use hefu_log::NoteSigner;

use made::*;

/// A county whose log was signed, was found to be another one, and was carried on in a second epoch.
struct Forked {
    /// What was signed.
    whole: History,
    /// What was there instead.
    kept: History,
    after: History,
    dir: PathBuf,
    keys: [NoteSigner; 2],
}

/// Signed at 600 events, restored at 500.
fn forked(name: &str, edit: impl Fn(&mut ForkAccepted)) -> Forked {
    let events = |size| county().take(size).collect();
    fork_of(name, events(600), events(500), edit)
}

fn fork_of(
    name: &str,
    whole: Vec<Event>,
    kept: Vec<Event>,
    edit: impl Fn(&mut ForkAccepted),
) -> Forked {
    let left = kept.len();
    let whole = Chain::default().log(COUNTY, 0, whole);
    let mut chain = Chain::default();
    let kept = chain.log(COUNTY, 0, kept);
    let mut fork = ForkAccepted {
        reason: code("RESTORED_BACKUP"),
        signed: Some(whole.tree()),
        kept: kept.tree(),
    };
    edit(&mut fork);
    let after = [Event::ForkAccepted(fork)]
        .into_iter()
        .chain(county().skip(left).take(300));
    let after = chain.log(COUNTY, 1, after);
    let keys = [signer(COUNTY, 0, 1), signer(COUNTY, 1, 1)];
    let dir = folder(name);
    let county = dir.join(COUNTY);
    let ended = county.join("epoch/0");
    kept.write_files(&ended);
    // Full tiles are kept as they were signed.
    let signed = folder(&format!("{name}-signed"));
    whole.write_files(&signed);
    for number in 0..whole.size() / 256 {
        let tile = format!("tile/0/{number:03}");
        put(&ended, &tile, &fs::read(signed.join(&tile)).unwrap());
    }
    let note = whole.note(whole.entries.len(), &keys[0]);
    put(&ended, "checkpoint", note.as_bytes());
    after.write(&county, &keys[1]);
    Forked {
        whole,
        kept,
        after,
        dir,
        keys,
    }
}

#[test]
fn an_accepted_fork_is_reported_and_everything_before_and_after_it_holds() {
    let made = forked("forked", |_| {});
    let asked = asked(&[&made.keys[0]]);
    let report = holds(&made.dir, &asked);
    assert!(
        report.verified,
        "the key of the first epoch vouches for the same key in the second"
    );
    assert_eq!(report.events, 500 + 301);
    let [fork] = &report.forks[..] else {
        panic!("one fork: {:?}", report.forks)
    };
    assert_eq!(
        (fork.epoch, fork.reason.as_str(), fork.lost, fork.confirmed),
        (1, "RESTORED_BACKUP", 100, true)
    );
    // Without the old checkpoint the operator's word stands alone, and the report says so.
    fs::remove_file(made.dir.join(COUNTY).join("epoch/0/checkpoint")).unwrap();
    assert!(!holds(&made.dir, &asked).forks[0].confirmed);
    // An older checkpoint of what was kept proves nothing of what was lost.
    put(
        &made.dir.join(COUNTY),
        "epoch/0/checkpoint",
        made.kept.note(450, &made.keys[0]).as_bytes(),
    );
    assert!(!holds(&made.dir, &asked).forks[0].confirmed);
    // An old checkpoint is extended as far as the old log was kept.
    let since = |history: &History, size, key| Asked {
        since: vec![Older::parse(&history.note(size, key)).unwrap()],
        ..asked.clone()
    };
    assert!(holds(&made.dir, &since(&made.whole, 500, &made.keys[0])).verified);
    assert!(holds(&made.dir, &since(&made.after, 200, &made.keys[1])).verified);
    expect(
        &failure(&made.dir, &since(&made.whole, 600, &made.keys[0])),
        Check::Since,
        600,
    );
    // The old epoch is walked over as well.
    flip(&made.dir.join(COUNTY), "epoch/0/tile/entries/000", 30_000);
    assert_eq!(failure(&made.dir, &asked).epoch, 0);
}

#[test]
fn a_fork_that_lies_is_found() {
    let lie = |name: &str, edit: &dyn Fn(&mut ForkAccepted)| {
        let made = forked(name, edit);
        let asked = asked(&[&made.keys[0]]);
        expect(&failure(&made.dir, &asked), Check::Fork, 0);
    };
    lie("fork-root", &|fork| fork.kept.root.0[0] ^= 1);
    lie("fork-epoch", &|fork| fork.kept.epoch = 1);
    lie("fork-signed-root", &|fork| {
        fork.signed.as_mut().unwrap().root.0[0] ^= 1
    });
    lie("fork-signed-less", &|fork| {
        fork.signed.as_mut().unwrap().size = 550
    });
    lie("fork-signed-none", &|fork| fork.signed = None);
    lie("fork-signed-later-epoch", &|fork| {
        fork.signed.as_mut().unwrap().epoch = 1
    });
    // Fewer events kept than the new log carries on from: the streams do not fit any more, or the tree does not.
    let made = forked("fork-size", |fork| fork.kept.size = 499);
    assert!(failure(&made.dir, &asked(&[&made.keys[0]])).index < 500);
    // A checkpoint that the old key did not sign, and one of another history.
    let made = forked("fork-forged", |_| {});
    let (county, asked) = (made.dir.join(COUNTY), asked(&[&made.keys[0]]));
    put(
        &county,
        "epoch/0/checkpoint",
        made.whole.note(600, &signer(COUNTY, 0, 9)).as_bytes(),
    );
    expect(&failure(&made.dir, &asked), Check::Fork, 0);
    put(
        &county,
        "epoch/0/checkpoint",
        rewritten().note(500, &made.keys[0]).as_bytes(),
    );
    expect(&failure(&made.dir, &asked), Check::Fork, 0);
}

#[test]
fn an_epoch_begins_with_its_fork_and_no_other_event_is_one() {
    let fork = Event::ForkAccepted(ForkAccepted {
        reason: code("RESTORED_BACKUP"),
        signed: None,
        kept: History::county(10).tree(),
    });
    let key = signer(COUNTY, 0, 1);
    let history = Chain::default().log(COUNTY, 0, county().take(10).chain([fork]));
    let dir = folder("fork-amid");
    history.write(&dir.join(COUNTY), &key);
    expect(&failure(&dir, &asked(&[&key])), Check::Fork, 10);
    let (history, key) = (
        Chain::default().log(COUNTY, 1, county().take(10)),
        signer(COUNTY, 1, 1),
    );
    let dir = folder("fork-absent");
    history.write(&dir.join(COUNTY), &key);
    expect(&failure(&dir, &asked(&[&key])), Check::Fork, 0);
}

#[test]
fn a_fork_that_kept_rewritten_events_is_a_fork_that_says_so() {
    let another = |size| another_county().take(size).collect::<Vec<Event>>();
    let own = |size| county().take(size).collect::<Vec<Event>>();
    for (name, whole, kept, lost, first) in [
        ("rewritten", own(600), another(600), 0, Some(410)),
        ("rewritten-grown", own(600), another(640), 0, Some(410)),
        ("rewritten-cut", own(600), another(500), 100, Some(410)),
        // No signed tile tells which event it was.
        ("rewritten-edge", own(450), another(450), 0, None),
    ] {
        let made = fork_of(name, whole, kept, |_| {});
        let asked = asked(&[&made.keys[0]]);
        // At the right edge there is no full tile, and what was published of it is made of what is there now.
        let report = holds(&made.dir, &asked);
        assert!(report.verified);
        let [fork] = &report.forks[..] else {
            panic!("one fork: {:?}", report.forks)
        };
        assert_eq!(
            (
                fork.rewritten,
                fork.first_rewritten,
                fork.lost,
                fork.confirmed
            ),
            (true, first, lost, true),
            "{name}"
        );
        assert!(fork.to_string().contains("REWRITTEN"), "{fork}");
        // Whoever kept a checkpoint over the event is told no: it is not in today's log.
        let since = vec![Older::parse(&made.whole.note(420, &made.keys[0])).unwrap()];
        let asked = Asked { since, ..asked };
        expect(&failure(&made.dir, &asked), Check::Since, 420);
    }
}

#[test]
fn what_is_changed_after_a_fork_is_no_part_of_it() {
    let own = |size| county().take(size).collect::<Vec<Event>>();
    let made = fork_of("fork-tampered", own(600), own(600), |_| {});
    let asked = asked(&[&made.keys[0]]);
    assert!(!holds(&made.dir, &asked).forks[0].rewritten);
    let ended = made.dir.join(COUNTY).join("epoch/0");
    // A tile, though everything that was signed is still there.
    flip(&ended, "tile/0/001", 44 * 32);
    let found = failure(&made.dir, &asked);
    expect(&found, Check::Leaf, 300);
    assert_eq!(found.epoch, 0);
    flip(&ended, "tile/0/001", 44 * 32);
    fs::remove_file(ended.join("tile/0/001")).unwrap();
    expect(&failure(&made.dir, &asked), Check::Tile, 256);
    // An event that was kept, once where its tile tells and once where there is none.
    let made = fork_of("fork-tampered-event", own(600), own(600), |_| {});
    let ended = made.dir.join(COUNTY).join("epoch/0");
    let desk = |file: &str| {
        let bundle = fs::read(ended.join(file)).unwrap();
        bundle.windows(4).rposition(|word| word == b"desk").unwrap()
    };
    for (file, check, index, epoch) in [
        ("tile/entries/001", Check::Leaf, 511, 0),
        ("tile/entries/002.p/88", Check::Fork, 0, 1),
    ] {
        let at = desk(file);
        if check == Check::Fork {
            fs::remove_file(ended.join("tile/0/002.p/88")).unwrap();
        }
        flip(&ended, file, at);
        let found = failure(&made.dir, &asked);
        expect(&found, check, index);
        assert_eq!(found.epoch, epoch, "{file}");
        flip(&ended, file, at);
    }
}

#[test]
fn a_log_of_many_forks_is_no_more_work_than_its_events() {
    let (key, dir) = (signer(COUNTY, 0, 1), folder("many-forks"));
    let county_folder = dir.join(COUNTY);
    let mut chain = Chain::default();
    let mut kept = chain.log(COUNTY, 0, county().take(3));
    let forks = 60;
    for epoch in 1..=forks {
        let before = epoch - 1;
        kept.write(
            &county_folder.join(format!("epoch/{before}")),
            &signer(COUNTY, before, 1),
        );
        let fork = Event::ForkAccepted(ForkAccepted {
            reason: code("RESTORED_BACKUP"),
            signed: Some(kept.tree()),
            kept: kept.tree(),
        });
        kept = chain.log(COUNTY, epoch, [fork]);
    }
    kept.write(&county_folder, &signer(COUNTY, forks, 1));
    let report = holds(&dir, &asked(&[&key]));
    assert!(report.verified);
    assert_eq!(
        (report.forks.len() as u64, report.events),
        (forks, 3 + forks)
    );
}
