//! What an auditor finds out with witnesses: that enough of them cosigned, what they cosigned, and which event bears a
//! time that they contradict. The county writes an event a second, from its first one on.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod made;

use std::path::{Path, PathBuf};

use hefu_audit::Dir;
use hefu_audit::verify::{Asked, Check, Keys, Report, Witnesses, verify};
use hefu_domain::Event;
use hefu_log::{Checkpoint, Cosigner, Note, NoteSigner, Origin, series};

use made::*;

/// The first event's instant, in seconds since 1970.
const FIRST: u64 = 1_681_862_400;

fn witness(name: &str) -> Cosigner {
    let seed = name.bytes().fold(1, u8::wrapping_add);
    Cosigner::new(name, &[seed; 32]).unwrap()
}

/// A county's log of 700 events with its folder and key, under whatever name.
struct County {
    history: History,
    signer: NoteSigner,
    dir: PathBuf,
}

impl County {
    fn new(name: &str) -> County {
        County::of(name, History::county(700), origin(COUNTY, 0))
    }

    /// A log with a made-up clock, which says so in its first event and in its name.
    fn simulated(name: &str) -> County {
        let events = county().map(|event| match event {
            Event::RegionOpened(mut region) => {
                region.simulated = true;
                Event::RegionOpened(region)
            }
            other => other,
        });
        let history = Chain::default().log(COUNTY, 0, events.take(700));
        let origin = format!("{DEPLOYMENT}/simulated/{COUNTY}/0");
        County::of(name, history, origin.parse().unwrap())
    }

    fn of(name: &str, history: History, origin: Origin) -> County {
        let signer = NoteSigner::new(&origin.to_string(), &[1; 32]).unwrap();
        let dir = folder(name);
        history.write_files(&dir.join(COUNTY));
        County {
            history,
            signer,
            dir,
        }
    }

    /// The log's signed checkpoint, cosigned by these so many seconds after the first event.
    fn note(&self, size: usize, by: &[(&str, i64)]) -> Note {
        let checkpoint = Checkpoint {
            origin: self.signer.vkey().name().parse().unwrap(),
            size: size as u64,
            root: self.history.frontier_at(size).root(),
        };
        let mut note = checkpoint.sign(&self.signer).unwrap();
        for (name, seconds) in by {
            let time = FIRST.checked_add_signed(*seconds).unwrap();
            note.add(witness(name).cosign(&note, time).unwrap());
        }
        note
    }

    /// Publishes these checkpoints on one page, the last of them as the present one.
    fn publish(&self, notes: &[Note]) {
        page(&self.dir, 0, notes);
        let present = notes.last().unwrap().to_string();
        put(&self.dir.join(COUNTY), "checkpoint", present.as_bytes());
    }

    /// What is found with those witnesses, by one thread and by two alike.
    fn verify(&self, witnesses: &[&str], required: usize) -> Report {
        let keys = Keys::from_outside(&self.signer.vkey().to_string()).unwrap();
        let known = witnesses.iter().map(|name| witness(name).public().clone());
        let asked = Asked {
            witnesses: Witnesses::new(known.collect(), required).unwrap(),
            ..Asked::all(keys)
        };
        let [one, two] = [1, 2].map(|threads| {
            let asked = Asked {
                threads,
                ..asked.clone()
            };
            let dir = Dir::new(&self.dir);
            verify(&dir, &asked, &|| Ok(Vec::new()), |_| (), |_, ()| {}).unwrap()
        });
        assert_eq!(one, two);
        one
    }

    /// The check that failed and at which event, with the witness `w` trusted.
    fn failed(&self) -> (Check, u64) {
        let report = self.verify(&["w"], 0);
        assert!(!report.verified);
        let failure = report.failure.expect("something is wrong with it");
        assert_eq!(failure.region.as_str(), COUNTY);
        (failure.check, failure.index)
    }
}

/// The page of published checkpoints that begins at that size.
fn page(dir: &Path, from: u64, notes: &[Note]) {
    let mut text = String::new();
    notes
        .iter()
        .for_each(|note| series::append(&mut text, note).unwrap());
    put(
        &dir.join(COUNTY),
        &format!("checkpoints/{from}"),
        text.as_bytes(),
    );
}

#[test]
fn a_log_that_was_cosigned_as_it_was_written_holds_and_tells_by_whom_and_when() {
    let county = County::new("cosigned-in-time");
    county.publish(&[
        county.note(0, &[("w", 0)]),
        county.note(100, &[("w", 101)]),
        county.note(300, &[]),
        county.note(301, &[("w", 302), ("v", 305)]),
        county.note(700, &[("w", 700), ("stranger", 0), ("v", 703)]),
    ]);
    let report = county.verify(&["w", "v"], 2);
    assert_eq!(report.failure, None);
    assert!(report.verified);
    assert_eq!(report.witnesses, ["v", "w"]);
    let words = report.logs[0].words.iter();
    let words: Vec<_> = words
        .map(|word| (&*word.witness, word.time - FIRST))
        .collect();
    assert_eq!(words, [("w", 700), ("v", 703)]);
}

#[test]
fn an_event_that_was_not_there_when_it_says_is_back_dated() {
    let county = County::new("back-dated");
    // Ten minutes after the 300th event's time a witness saw a log without it.
    county.publish(&[
        county.note(300, &[("w", 900)]),
        county.note(700, &[("w", 950)]),
    ]);
    assert_eq!(county.failed(), (Check::BackDated, 300));
    // To the second: with five minutes of tolerance event 300 may have been written a moment after.
    county.publish(&[
        county.note(300, &[("w", 600)]),
        county.note(700, &[("w", 950)]),
    ]);
    assert!(county.verify(&["w"], 1).verified);
    county.publish(&[
        county.note(300, &[("w", 601)]),
        county.note(700, &[("w", 950)]),
    ]);
    assert_eq!(county.failed(), (Check::BackDated, 300));
    // Only the witnesses that the auditor trusts can tell.
    assert!(county.verify(&["v"], 0).verified);
    assert!(county.verify(&[], 0).verified);
}

#[test]
fn an_event_that_was_there_before_it_says_is_found_too() {
    let county = County::new("post-dated");
    county.publish(&[
        county.note(300, &[("w", -10)]),
        county.note(700, &[("w", 700)]),
    ]);
    assert_eq!(county.failed(), (Check::BackDated, 291));
}

#[test]
fn the_times_of_a_made_up_clock_are_not_held_against_it() {
    let county = County::simulated("simulated");
    // The made-up year was cosigned long after, as a demo's is.
    let later = 3 * 365 * 86_400;
    county.publish(&[
        county.note(300, &[("w", later)]),
        county.note(700, &[("w", later + 1)]),
    ]);
    let report = county.verify(&["w"], 1);
    assert_eq!((report.failure, report.verified), (None, true));
    // What was cosigned is looked at all the same.
    let mut other = Note::new(county.note(300, &[]).text().replace("300", "301")).unwrap();
    other.add(county.signer.sign(&other));
    other.add(witness("w").cosign(&other, FIRST + later as u64).unwrap());
    county.publish(&[other, county.note(700, &[("w", later)])]);
    assert_eq!(county.failed(), (Check::Cosigned, 301));
}

#[test]
fn so_many_different_witnesses_must_have_cosigned_the_checkpoint() {
    let county = County::new("required");
    county.publish(&[
        county.note(300, &[("w", 300), ("v", 300)]),
        county.note(700, &[("w", 700), ("w", 701)]),
    ]);
    assert!(county.verify(&["w", "v"], 1).verified);
    let report = county.verify(&["w", "v"], 2);
    let failure = report.failure.unwrap();
    assert_eq!((failure.check, failure.index), (Check::Witnesses, 700));
    let key = |name| witness(name).public().clone();
    assert!(Witnesses::new(vec![key("w"), key("v")], 3).is_err());
    assert!(Witnesses::new(vec![key("w"), key("w")], 1).is_err());
}

#[test]
fn a_history_that_only_the_witness_was_shown_is_found() {
    let county = County::new("shown-to-the-witness");
    let mut rewritten = History::county(700);
    rewritten.entries.swap(400, 401);
    let shown = County::of("shown-to-the-witness-other", rewritten, origin(COUNTY, 0));
    // Up to event 400 the two are one.
    county.publish(&[
        shown.note(400, &[("w", 400)]),
        shown.note(500, &[("w", 500)]),
        county.note(700, &[("w", 700)]),
    ]);
    assert_eq!(county.failed(), (Check::Cosigned, 500));
    // The operator need not even publish it: whoever has the witness's copy puts it there.
    county.publish(&[
        county.note(500, &[("w", 500)]),
        county.note(700, &[("w", 700)]),
    ]);
    assert!(county.verify(&["w"], 1).verified);
}

#[test]
fn a_wrong_cosignature_of_a_known_witness_is_found() {
    let county = County::new("wrong-cosignature");
    let borrowed = county.note(300, &[("w", 300)]).signatures()[1].clone();
    let mut forged = county.note(301, &[]);
    forged.add(borrowed);
    county.publish(&[forged.clone(), county.note(700, &[("w", 700)])]);
    assert_eq!(county.failed().0, Check::Cosigned);
    assert!(county.verify(&["v"], 0).verified);
    let mut present = county.note(700, &[]);
    present.add(forged.signatures()[1].clone());
    county.publish(&[present]);
    assert_eq!(county.failed().0, Check::Cosigned);
}

#[test]
fn every_page_of_published_checkpoints_is_read() {
    let county = County::new("pages");
    county.publish(&[county.note(100, &[("w", 100)]), county.note(200, &[])]);
    page(&county.dir, 201, &[county.note(300, &[("w", 900)])]);
    page(&county.dir, 301, &[county.note(700, &[("w", 950)])]);
    let present = county.note(700, &[("w", 950)]).to_string();
    put(&county.dir.join(COUNTY), "checkpoint", present.as_bytes());
    assert_eq!(county.failed(), (Check::BackDated, 300));
    // A page that goes back would hide what it leaves out.
    page(&county.dir, 301, &[county.note(300, &[("w", 300)])]);
    assert_eq!(county.failed(), (Check::Cosigned, 300));
    put(&county.dir.join(COUNTY), "checkpoints/301", b"no notes\n");
    assert_eq!(county.failed(), (Check::Cosigned, 301));
    let neighbour = Checkpoint {
        origin: origin(CITY, 0),
        ..county.note(700, &[]).text().parse().unwrap()
    };
    let city = made::signer(CITY, 0, 1);
    page(&county.dir, 301, &[neighbour.sign(&city).unwrap()]);
    assert_eq!(county.failed(), (Check::Cosigned, 700));
}
