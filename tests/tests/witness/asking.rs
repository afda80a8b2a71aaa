//! Asking several witnesses: so many must cosign, and whoever is dead, slow or lying costs its own cosignature only.

use hefu_log::{Cosigner, cosignatures};
use hefu_server::Behind;
use hefu_tests::engines::Folder;

use super::*;

const REGION: &str = "140725";

fn cosigner(name: &str) -> Cosigner {
    let seed = name.bytes().fold(0, u8::wrapping_add);
    Cosigner::new(name, &[seed; 32]).unwrap()
}

/// A witness without a memory, which answers what it is told to.
fn liar(
    name: &str,
    answer: impl Fn(&Cosigner, &AddCheckpoint) -> (u16, String) + Send + 'static,
) -> WitnessAt {
    let own = cosigner(name);
    let key = own.public().clone();
    at(somebody(move |request| answer(&own, request)), &key)
}

/// Its cosignature of a note, as a witness answers.
fn word(by: &Cosigner, note: &Note, time: u64) -> (u16, String) {
    (200, format!("{}\n", by.cosign(note, time).unwrap()))
}

/// Somebody who takes connections and never says a word.
fn silent(name: &str) -> (WitnessAt, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let witness = at(listener.local_addr().unwrap(), cosigner(name).public());
    (witness, listener)
}

/// Nobody: a port that was free a moment ago.
fn dead(name: &str) -> WitnessAt {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    at(listener.local_addr().unwrap(), cosigner(name).public())
}

#[tokio::test]
async fn two_of_three_are_enough_when_the_third_is_dead_or_lies() {
    let folder = Folder::new("hefu-witness");
    let log = Log::new(REGION, 300);
    let running = witness(folder.path(), &[&log]).await;
    let honest = at(running.address, running.state.public());
    let second = liar("second", |own, request| word(own, &request.note, NOON + 2));
    let lying =
        |own: &Cosigner, _: &AddCheckpoint| word(own, &Log::told(REGION, 0, 9, "!").note(9), NOON);
    for third in [dead("third-dead"), liar("third-liar", lying)] {
        let all = [honest.clone(), third.clone(), second.clone()];
        let cosigned = log.cosign(&witnesses(&all, 2), 300).await;
        assert!(cosigned.enough);
        assert_eq!(cosigned.behind.len(), 1);
        // The log's signature and both words, in the order in which the witnesses are configured.
        let known: Vec<WitnessKey> = all.iter().map(|at| at.vkey.parse().unwrap()).collect();
        let words = cosignatures(&cosigned.note, &known).unwrap();
        let words: Vec<&str> = words.iter().map(|word| word.witness.name()).collect();
        assert_eq!(words, ["witness.example/w1", "second"]);
        assert_eq!(cosigned.note.signatures().len(), 3);

        let cosigned = log.cosign(&witnesses(&all, 3), 300).await;
        assert!(!cosigned.enough);
    }
}

#[tokio::test]
async fn one_dead_and_one_lying_witness_of_three_leave_one() {
    let folder = Folder::new("hefu-witness");
    let log = Log::new(REGION, 300);
    let running = witness(folder.path(), &[&log]).await;
    let all = [
        dead("dead"),
        at(running.address, running.state.public()),
        liar("liar", |own, _| {
            word(own, &Log::told(REGION, 0, 9, "!").note(9), NOON)
        }),
    ];
    let cosigned = log.cosign(&witnesses(&all, 1), 300).await;
    assert!(cosigned.enough);
    let behind: Vec<&str> = cosigned.behind.iter().map(|(name, _)| &**name).collect();
    assert_eq!(behind, ["dead", "liar"]);
    assert!(matches!(cosigned.behind[0].1, Behind::Unreachable(_)));
    assert!(matches!(cosigned.behind[1].1, Behind::Wrong(_)));
    assert!(!log.cosign(&witnesses(&all, 2), 300).await.enough);
}

#[tokio::test]
async fn no_lie_passes_for_a_cosignature() {
    let log = Log::new(REGION, 9);
    type Lie = fn(&Cosigner, &AddCheckpoint) -> (u16, String);
    let lies: [(&str, Lie); 9] = [
        ("nothing", |_, _| (200, String::new())),
        ("no signature line", |_, _| (200, "cosigned!\n".to_owned())),
        ("a second line that is none", |own, request| {
            let (status, line) = word(own, &request.note, NOON);
            (status, format!("{line}and more\n"))
        }),
        ("another witness's word", |_, request| {
            word(&cosigner("somebody else"), &request.note, NOON)
        }),
        ("the log's own line", |_, request| {
            (200, format!("{}\n", request.note.signatures()[0]))
        }),
        ("a word on another note", |own, _| {
            word(own, &Log::new(REGION, 8).note(8), NOON)
        }),
        ("a word of an hour ago", |own, request| {
            word(own, &request.note, NOON - 3600)
        }),
        ("a word of tomorrow", |own, request| {
            word(own, &request.note, NOON + 86_400)
        }),
        ("more than anybody reads", |own, request| {
            let (status, line) = word(own, &request.note, NOON);
            (status, line.repeat(2_000))
        }),
    ];
    for (why, lie) in lies {
        let cosigned = log.cosign(&witnesses(&[liar("liar", lie)], 1), 9).await;
        assert!(!cosigned.enough, "{why}");
        assert_eq!(cosigned.note, log.note(9), "{why}");
    }
    let honest = liar("honest", |own, request| word(own, &request.note, NOON));
    assert!(log.cosign(&witnesses(&[honest], 1), 9).await.enough);
}

#[tokio::test]
async fn a_silent_witness_is_not_waited_for_for_ever() {
    let log = Log::new(REGION, 9);
    let (mute, _listening) = silent("mute");
    let honest = liar("honest", |own, request| word(own, &request.note, NOON));
    for (required, enough) in [(1, true), (2, false)] {
        let asked = witnesses(&[mute.clone(), honest.clone()], required);
        let cosigned = log.cosign(&asked, 9).await;
        assert_eq!(cosigned.enough, enough);
        assert_eq!(cosigned.behind, [("mute".to_owned(), Behind::Silent)]);
    }
}

#[tokio::test]
async fn a_witness_that_missed_something_is_sent_the_proof_from_where_it_was() {
    let (here, there) = (Folder::new("hefu-witness"), Folder::new("hefu-witness"));
    let log = Log::new(REGION, 700);
    let quick = witness(here.path(), &[&log]).await;
    let slow = serve(Setup {
        name: Some("slow".to_owned()),
        source: Source::Seeded([6; 32]),
        ..setup(there.path(), &[&log], Clock::simulated(Instant(NOON_MS)).0)
    })
    .await
    .unwrap();
    let (quick, slow) = (
        at(quick.address, quick.state.public()),
        at(slow.address, slow.state.public()),
    );
    let only_quick = witnesses(std::slice::from_ref(&quick), 1);
    assert!(log.cosign(&only_quick, 100).await.enough);
    assert!(log.cosign(&only_quick, 300).await.enough);
    let both = witnesses(&[quick, slow], 2);
    // One is told of for the first time, the other was seen by a server that does not remember it.
    assert!(log.cosign(&both, 301).await.enough);
    assert!(log.cosign(&only_quick, 512).await.enough);
    // What both know of the first is out of date now.
    assert!(log.cosign(&both, 700).await.enough);
}

#[tokio::test]
async fn a_witness_that_saw_another_log_says_so() {
    let folder = Folder::new("hefu-witness");
    let (log, other) = (Log::new(REGION, 20), Log::told(REGION, 4, 20, "!"));
    let running = witness(folder.path(), &[&log]).await;
    let asked = || witnesses(&[at(running.address, running.state.public())], 1);
    assert!(log.cosign(&asked(), 9).await.enough);
    let why = |cosigned: hefu_server::Cosigned| {
        assert!(!cosigned.enough);
        cosigned.behind[0].1.clone()
    };
    // A restored backup, before it has grown again and after.
    assert_eq!(
        why(log.cosign(&asked(), 5).await),
        Behind::Ahead { size: 9 }
    );
    assert_eq!(
        why(other.cosign(&asked(), 9).await),
        Behind::Fork { size: 9 }
    );
    assert_eq!(
        why(other.cosign(&asked(), 15).await),
        Behind::Fork { size: 9 }
    );
    let stranger = Log::new("140726", 20).cosign(&asked(), 9).await;
    assert!(matches!(
        why(stranger),
        Behind::Declined { status: 404, .. }
    ));
    // Somebody who names another size each time is asked twice.
    let moving = liar("moving", |_, request| {
        (409, format!("{}\n", request.old + 1))
    });
    let moving = log.cosign(&witnesses(&[moving], 1), 9).await;
    assert_eq!(why(moving), Behind::Moving);
}
