use hefu_log::{Frontier, NoteSigner, consistency_proof, leaf_hash, node_hash};

use super::*;

const ORIGIN: &str = "hefu.example/140725/0";

/// A log whose events are numbers, told in one of several versions from a certain event on.
struct Log {
    signer: NoteSigner,
    leaves: Vec<Hash>,
}

impl Log {
    fn new(events: u64) -> Log {
        Log::forked(events, events, 0)
    }

    /// The same log up to an event, and another history from there on.
    fn forked(same: u64, events: u64, version: u8) -> Log {
        let leaf = |i: u64| leaf_hash(&[if i < same { 0 } else { version }, i as u8]);
        Log {
            signer: NoteSigner::new(ORIGIN, &[1; 32]).unwrap(),
            leaves: (0..events).map(leaf).collect(),
        }
    }

    fn root(&self, size: u64) -> Hash {
        let mut frontier = Frontier::default();
        self.leaves[..size as usize]
            .iter()
            .for_each(|leaf| frontier.push(*leaf));
        frontier.root()
    }

    fn proof(&self, old: u64, size: u64) -> Vec<Hash> {
        let node = |node: hefu_log::Node| {
            let first = (node.index << node.level) as usize;
            let mut level = self.leaves[first..first + (1 << node.level)].to_vec();
            while level.len() > 1 {
                level = level
                    .chunks(2)
                    .map(|pair| node_hash(&pair[0], &pair[1]))
                    .collect();
            }
            Ok(level[0])
        };
        consistency_proof(old, size, &node).unwrap()
    }

    fn note(&self, size: u64) -> Note {
        let checkpoint = Checkpoint {
            origin: ORIGIN.parse().unwrap(),
            size,
            root: self.root(size),
        };
        checkpoint.sign(&self.signer).unwrap()
    }

    fn request(&self, old: u64, size: u64) -> AddCheckpoint {
        AddCheckpoint {
            old,
            proof: self.proof(old, size),
            note: self.note(size),
        }
    }

    fn seen(&self, size: u64, time: u64) -> Seen {
        Seen {
            size,
            root: self.root(size),
            time,
        }
    }

    fn keys(&self) -> [Vkey; 1] {
        [self.signer.vkey().clone()]
    }
}

#[test]
fn a_log_that_grows_is_accepted_from_where_it_was_last_seen() {
    let log = Log::new(40);
    let mut seen = Seen::NOTHING;
    for (time, size) in [0, 0, 1, 7, 8, 8, 40].into_iter().enumerate() {
        let request = log.request(seen.size, size);
        let read = AddCheckpoint::parse(&request.to_string()).unwrap();
        assert_eq!(read, request);
        seen = read.judge(&log.keys(), &seen, time as u64).unwrap();
        assert_eq!(seen, log.seen(size, time as u64));
    }
}

#[test]
fn two_histories_of_one_log_are_never_both_accepted() {
    let (log, other) = (Log::new(20), Log::forked(5, 20, 1));
    let seen = log.seen(9, 100);
    let judge = |request: AddCheckpoint| request.judge(&log.keys(), &seen, 200);
    // Another root for the same size.
    let same_size = judge(other.request(9, 9));
    assert_eq!(same_size, Err(Declined::Fork { size: 9 }));
    // A larger log that does not hold what was seen, whatever proof comes with it.
    assert_eq!(judge(other.request(9, 15)), Err(Declined::Proof));
    let borrowed = AddCheckpoint {
        proof: log.proof(9, 15),
        ..other.request(9, 15)
    };
    assert_eq!(judge(borrowed), Err(Declined::Proof));
    let without = AddCheckpoint {
        proof: Vec::new(),
        ..log.request(9, 15)
    };
    assert_eq!(judge(without), Err(Declined::Proof));
    // Up to the event where they part, they are one log.
    let early = other
        .request(3, 5)
        .judge(&log.keys(), &log.seen(3, 100), 200);
    assert!(early.is_ok());
}

#[test]
fn a_request_from_another_size_is_told_the_size_that_was_seen() {
    let log = Log::new(20);
    let seen = log.seen(9, 100);
    for (old, size) in [(0, 15), (0, 5), (3, 9), (5, 5), (12, 15)] {
        assert_eq!(
            log.request(old, size).judge(&log.keys(), &seen, 200),
            Err(Declined::Conflict { size: 9 }),
            "from {old} to {size}"
        );
    }
}

#[test]
fn only_the_log_s_own_key_is_believed() {
    let log = Log::new(4);
    let judge = |keys: &[Vkey]| log.request(0, 4).judge(keys, &Seen::NOTHING, 1);
    let key = |name: &str, seed: u8| NoteSigner::new(name, &[seed; 32]).unwrap().vkey().clone();
    assert!(judge(&[key(ORIGIN, 1)]).is_ok());
    assert_eq!(judge(&[]), Err(Declined::UnknownLog));
    let neighbour = key("hefu.example/140726/0", 1);
    assert_eq!(judge(&[neighbour]), Err(Declined::UnknownLog));
    assert_eq!(judge(&[key(ORIGIN, 2)]), Err(Declined::Unsigned));
    // After a rotation the witness knows both keys.
    assert!(judge(&[key(ORIGIN, 2), key(ORIGIN, 1)]).is_ok());
    // A neighbour's checkpoint under this log's signature is not the neighbour's.
    let mut stolen = Note::new(log.note(4).text().replace("140725", "140726")).unwrap();
    stolen.add(log.signer.sign(&stolen));
    let stolen = AddCheckpoint {
        old: 0,
        proof: Vec::new(),
        note: stolen,
    };
    let keys = [key(ORIGIN, 1), key("hefu.example/140726/0", 3)];
    assert_eq!(
        stolen.judge(&keys, &Seen::NOTHING, 1),
        Err(Declined::Unsigned)
    );
}

#[test]
fn a_clock_set_back_gives_no_word() {
    let log = Log::new(20);
    let seen = log.seen(9, 100);
    let judge = |time| log.request(9, 15).judge(&log.keys(), &seen, time);
    assert_eq!(judge(99), Err(Declined::ClockBehind { last: 100 }));
    assert!(judge(100).is_ok());
}

#[test]
fn what_is_no_request_is_refused() {
    let log = Log::new(20);
    let good = log.request(9, 15).to_string();
    assert!(AddCheckpoint::parse(&good).is_ok());
    let hash = good.lines().nth(1).unwrap();
    for (why, wrong) in [
        ("nothing", String::new()),
        ("no old size", good.replacen("old 9\n", "", 1)),
        ("a leading zero", good.replacen("old 9", "old 09", 1)),
        ("a sign", good.replacen("old 9", "old +9", 1)),
        ("a negative size", good.replacen("old 9", "old -9", 1)),
        ("two spaces", good.replacen("old 9", "old  9", 1)),
        ("no base64", good.replacen(hash, "!", 1)),
        ("a short hash", good.replacen(hash, &hash[4..], 1)),
        ("no empty line", good.replacen("\n\n", "\n", 1)),
        ("no signature", format!("old 0\n\n{}", log.note(15).text())),
        (
            "64 hashes",
            good.replacen(hash, &vec![hash; 64].join("\n"), 1),
        ),
    ] {
        assert!(
            matches!(AddCheckpoint::parse(&wrong), Err(Declined::Malformed(_))),
            "{why}"
        );
    }
    let backwards = AddCheckpoint {
        old: 16,
        ..log.request(9, 15)
    };
    assert!(matches!(
        backwards.judge(&log.keys(), &log.seen(16, 0), 1),
        Err(Declined::Malformed(_))
    ));
    let mut extended = Note::new(log.note(15).text().to_owned() + "more\n").unwrap();
    extended.add(log.signer.sign(&extended));
    let extended = AddCheckpoint {
        note: extended,
        ..log.request(9, 15)
    };
    assert!(matches!(
        extended.judge(&log.keys(), &log.seen(9, 0), 1),
        Err(Declined::Malformed(_))
    ));
}
