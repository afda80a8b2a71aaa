use hefu_log::{Cosigner, Hash, NoteSigner};

use super::*;

const ORIGIN: &str = "hefu.example/140725/0";
const NOON: u64 = 1_790_000_000;

/// A checkpoint of that size, cosigned by these witnesses at so many seconds after noon.
fn cosigned(size: u64, words: &[(&str, u64)]) -> Cosigning {
    Cosigning {
        checkpoint: Checkpoint {
            origin: ORIGIN.parse().unwrap(),
            size,
            root: Hash([size as u8; 32]),
        },
        words: words
            .iter()
            .map(|(witness, seconds)| Word {
                time: NOON + seconds,
                witness: (*witness).to_owned(),
            })
            .collect(),
    }
}

fn intervals(cosignings: &[Cosigning]) -> Intervals {
    Intervals::new(&ORIGIN.parse().unwrap(), cosignings).unwrap()
}

/// So many seconds after noon.
fn at(seconds: i64) -> Instant {
    Instant((NOON as i64 + seconds) * 1000)
}

/// What is found of an event: the side, and whose word on which size it contradicts.
fn found(intervals: &Intervals, index: u64, at: Instant) -> Option<(Side, String, u64)> {
    intervals
        .check(index, at)
        .map(|found| (found.side, found.said.word.witness, found.said.size))
}

#[test]
fn an_event_written_between_two_cosigned_checkpoints_bears_a_time_between_them() {
    let day = intervals(&[cosigned(10, &[("w", 0)]), cosigned(20, &[("w", 3600)])]);
    for (index, seconds) in [(9, 0), (10, 0), (15, 1800), (19, 3600), (25, 7200)] {
        assert_eq!(found(&day, index, at(seconds)), None, "event {index}");
    }
    // Event 15 was not there at noon, and was there an hour later.
    let before = Some((Side::Before, "w".to_owned(), 10));
    let after = Some((Side::After, "w".to_owned(), 20));
    assert_eq!(found(&day, 15, at(-301)), before);
    assert_eq!(found(&day, 15, at(3901)), after);
    // The last before the cut and the first after it.
    assert_eq!(
        found(&day, 9, at(301)),
        Some((Side::After, "w".to_owned(), 10))
    );
    assert_eq!(found(&day, 10, at(-301)), before);
    // Nothing bounds the first events from below, nor the last from above.
    assert_eq!(found(&day, 0, Instant(0)), None);
    assert_eq!(found(&day, 20, at(1_000_000)), None);
}

#[test]
fn clocks_may_differ_by_five_minutes_to_the_millisecond() {
    let day = intervals(&[cosigned(10, &[("w", 0)]), cosigned(20, &[("w", 0)])]);
    for (ms, reported) in [
        (-300_001, true),
        (-300_000, false),
        (300_000, false),
        (300_001, true),
    ] {
        let at = Instant(NOON as i64 * 1000 + ms);
        assert_eq!(day.check(15, at).is_some(), reported, "{ms} ms");
    }
}

#[test]
fn the_strictest_word_of_any_witness_holds_over_all_checkpoints() {
    // The second witness came late to the first checkpoint and early to the last.
    let day = intervals(&[
        cosigned(30, &[("slow", 9000), ("quick", 7300)]),
        cosigned(10, &[("slow", 3000), ("quick", 0)]),
        cosigned(20, &[("quick", 3600)]),
    ]);
    let word = |side, witness: &str, size| Some((side, witness.to_owned(), size));
    assert_eq!(found(&day, 12, at(2699)), word(Side::Before, "slow", 10));
    assert_eq!(found(&day, 12, at(2700)), None);
    assert_eq!(found(&day, 12, at(3901)), word(Side::After, "quick", 20));
    assert_eq!(found(&day, 22, at(7601)), word(Side::After, "quick", 30));
    // A witness that cosigned a larger log early speaks for all that is in it.
    let early = intervals(&[cosigned(10, &[("w", 5000)]), cosigned(50, &[("v", 100)])]);
    assert_eq!(found(&early, 3, at(401)), word(Side::After, "v", 50));
    // And one that cosigned a small log late says that nothing more was there.
    assert_eq!(found(&early, 30, at(0)), word(Side::Before, "w", 10));
}

#[test]
fn a_log_with_a_made_up_clock_is_not_held_against_witnesses() {
    let origin = |text: &str| text.parse::<Origin>().unwrap();
    let simulated = origin("hefu.example/simulated/140725/0");
    assert!(is_simulated(&simulated));
    assert!(Intervals::new(&simulated, &[cosigned(10, &[("w", 0)])]).is_none());
    for real in [
        ORIGIN,
        "simulated/140725/0",
        "hefu.example/simulated.cn/140725/0",
    ] {
        assert!(Intervals::new(&origin(real), &[]).is_some(), "{real}");
    }
}

#[test]
fn without_any_word_nothing_is_reported() {
    let none = intervals(&[cosigned(10, &[]), cosigned(20, &[])]);
    assert_eq!(found(&none, 15, Instant(0)), None);
    assert_eq!(found(&none, 15, at(1_000_000_000)), None);
}

#[test]
fn a_published_note_tells_who_cosigned_it_and_when() {
    let log = NoteSigner::new(ORIGIN, &[1; 32]).unwrap();
    let witness = |name, seed| Cosigner::new(name, &[seed; 32]).unwrap();
    let (a, b, stranger) = (witness("a", 2), witness("b", 3), witness("c", 4));
    let checkpoint = cosigned(7, &[]).checkpoint;
    let mut note = checkpoint.sign(&log).unwrap();
    for (cosigner, time) in [
        (&b, NOON),
        (&stranger, NOON),
        (&a, NOON + 1),
        (&b, NOON + 2),
    ] {
        note.add(cosigner.cosign(&note, time).unwrap());
    }
    let known = [a.public().clone(), b.public().clone()];
    let read = Cosigning::read(&note, &known).unwrap();
    assert_eq!(read, cosigned(7, &[("b", 0), ("a", 1), ("b", 2)]));
    assert_eq!(read.witnesses(), 2);
    assert_eq!(read.words[1].at(), at(1));
    let mut no_checkpoint = Note::new("hefu\n".to_owned()).unwrap();
    no_checkpoint.add(a.cosign(&no_checkpoint, NOON).unwrap());
    assert!(Cosigning::read(&no_checkpoint, &known).is_err());
}
