use proptest::prelude::*;

use super::*;
use crate::{Checkpoint, Cosigner, Hash, NoteSigner};

fn note(size: u64, cosigned: u64) -> Note {
    let checkpoint = Checkpoint {
        origin: "hefu.example/140725/0".parse().unwrap(),
        size,
        root: Hash([size as u8; 32]),
    };
    let log = NoteSigner::new("hefu.example/140725/0", &[1; 32]).unwrap();
    let mut note = checkpoint.sign(&log).unwrap();
    for time in 0..cosigned {
        let witness = Cosigner::new("witness", &[2; 32]).unwrap();
        note.add(witness.cosign(&note, time).unwrap());
    }
    note
}

fn series(notes: &[Note]) -> String {
    let mut text = String::new();
    for note in notes {
        append(&mut text, note).unwrap();
    }
    text
}

#[test]
fn a_series_shows_its_notes_with_an_empty_line_between() {
    let notes = [note(1, 0), note(5, 2)];
    assert_eq!(series(&notes), format!("{}\n{}", notes[0], notes[1]));
    assert_eq!(series(&[]), "");
}

#[test]
fn what_is_no_row_of_signed_notes_is_refused() {
    let good = series(&[note(1, 0), note(2, 1)]);
    assert_eq!(read(&good).unwrap().len(), 2);
    let first = note(1, 0).to_string();
    for (why, wrong) in [
        ("a line before", format!("\n{good}")),
        ("a line after", format!("{good}\n")),
        ("no newline at the end", good.trim_end().to_owned()),
        (
            "two empty lines between",
            good.replacen(&first, &format!("{first}\n"), 1),
        ),
        ("no line between", format!("{first}{first}")),
        ("a text without signatures", format!("{first}\nhefu\n1\n")),
        (
            "signatures alone",
            good.split_once("\n\n").unwrap().1.to_owned(),
        ),
    ] {
        assert!(read(&wrong).is_err(), "{why}");
    }
}

#[test]
fn a_note_that_would_divide_a_series_is_not_appended() {
    let log = NoteSigner::new("log", &[1; 32]).unwrap();
    for text in ["one\n\ntwo\n", "\none\n"] {
        let mut divided = Note::new(text.to_owned()).unwrap();
        divided.add(log.sign(&divided));
        assert!(append(&mut String::new(), &divided).is_err(), "{text:?}");
    }
    let unsigned = Note::new("one\n".to_owned()).unwrap();
    assert!(append(&mut String::new(), &unsigned).is_err());
}

proptest! {
    #[test]
    fn a_series_reads_back_as_it_was_written(sizes in prop::collection::vec((0..1000u64, 0..3u64), 0..6)) {
        let notes: Vec<Note> = sizes.into_iter().map(|(size, cosigned)| note(size, cosigned)).collect();
        prop_assert_eq!(read(&series(&notes)).unwrap(), notes);
    }

    #[test]
    fn no_text_has_two_readings(text in "(\n|a|\u{2014} log AAAAAAA=\n){0,12}") {
        if let Ok(notes) = read(&text) {
            prop_assert_eq!(series(&notes), text);
        }
    }
}
