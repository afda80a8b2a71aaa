use proptest::prelude::*;
use signed_note::{StandardVerifier, VerifierList};

use super::*;

/// The example of C2SP signed-note, made by Go's sumdb code.
const GO_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn signer(name: &str, seed: u8) -> NoteSigner {
    NoteSigner::new(name, &[seed; 32]).unwrap()
}

fn signed(text: &str, signers: &[&NoteSigner]) -> Note {
    let mut note = Note::new(text.to_owned()).unwrap();
    for signer in signers {
        note.add(signer.sign(&note));
    }
    note
}

#[test]
fn a_note_made_by_the_go_implementation_opens() {
    let vkey: Vkey = GO_VKEY.parse().unwrap();
    assert_eq!(vkey.to_string(), GO_VKEY);
    let note = Note::parse(GO_NOTE).unwrap();
    assert_eq!(note.to_string(), GO_NOTE);
    assert_eq!(note.open(std::slice::from_ref(&vkey)).unwrap(), [&vkey]);
}

#[test]
fn another_implementation_opens_our_notes() {
    let signer = signer("hefu.example/140725/0", 1);
    let note = signed("text\n\nwith an empty line\n", &[&signer]).to_string();
    let verifier = StandardVerifier::new(&signer.vkey().to_string()).unwrap();
    let theirs = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
    let (verified, unverified) = theirs
        .verify(&VerifierList::new(vec![Box::new(verifier)]))
        .unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0));
}

#[test]
fn a_note_opens_only_under_a_known_key() {
    let (log, witness, stranger) = (
        signer("log", 1),
        signer("witness", 2),
        signer("stranger", 3),
    );
    let note = signed("text\n", &[&log, &witness, &log]);
    let note = Note::parse(&note.to_string()).unwrap();
    let known = [log.vkey().clone(), witness.vkey().clone()];
    assert_eq!(note.open(&known).unwrap(), [&known[0], &known[1]]);
    assert_eq!(note.open(&known[1..]).unwrap(), [&known[1]]);
    assert_eq!(
        note.open(&[stranger.vkey().clone()]),
        Err(LogError::Unsigned)
    );
    assert_eq!(note.open(&[]), Err(LogError::Unsigned));
    // The same name with another key is another key.
    assert_eq!(
        note.open(&[signer("log", 9).vkey().clone()]),
        Err(LogError::Unsigned)
    );
}

#[test]
fn a_wrong_signature_of_a_known_key_spoils_the_note() {
    let (log, witness) = (signer("log", 1), signer("witness", 2));
    let known = [log.vkey().clone(), witness.vkey().clone()];
    let mut note = signed("text\n", &[&log]);
    note.add(witness.sign(&Note::new("other text\n".to_owned()).unwrap()));
    assert_eq!(
        note.open(&known),
        Err(LogError::Signature("witness".to_owned()))
    );
    let edited = signed("text\n", &[&log])
        .to_string()
        .replace("text", "test");
    assert_eq!(
        Note::parse(&edited).unwrap().open(&known),
        Err(LogError::Signature("log".to_owned()))
    );
    let mut cut = log.sign(&note);
    cut.bytes.pop();
    let mut note = Note::new("text\n".to_owned()).unwrap();
    note.add(cut);
    assert_eq!(
        note.open(&known),
        Err(LogError::Signature("log".to_owned()))
    );
}

#[test]
fn what_has_not_the_form_of_a_note_is_refused() {
    let good = signed("text\n", &[&signer("log", 1)]).to_string();
    assert!(Note::parse(&good).is_ok());
    let line = good.lines().last().unwrap();
    for (why, wrong) in [
        ("nothing", String::new()),
        ("no signatures", "text\n".to_owned()),
        ("an empty signature block", "text\n\n".to_owned()),
        ("no empty line", format!("text\n{line}\n")),
        ("no newline at the end", good.trim_end().to_owned()),
        ("a line that is no signature", format!("{good}hello\n")),
        ("a hyphen for the dash", good.replace('\u{2014}', "-")),
        ("a plus in a name", good.replace("log", "l+g")),
        ("a space in a name", good.replace("log", "l g")),
        (
            "an ideographic space in a name",
            good.replace("log", "l\u{3000}g"),
        ),
        ("no base64", good.replace("log ", "log !")),
        (
            "a key id and nothing else",
            "text\n\n\u{2014} log AAAAAA==\n".to_owned(),
        ),
        ("a control character", good.replace("text", "te\tt")),
        ("a carriage return", good.replace('\n', "\r\n")),
        (
            "too many signatures",
            format!("{good}{}", format!("{line}\n").repeat(100)),
        ),
        ("too long", format!("{}{good}", "x".repeat(MAX_NOTE))),
    ] {
        assert!(Note::parse(&wrong).is_err(), "{why}");
    }
    assert!(Note::new("no newline".to_owned()).is_err());
    assert!(Note::new(String::new()).is_err());
}

#[test]
fn a_verifier_key_has_one_text_and_its_own_id() {
    let vkey = signer("log", 1).vkey().clone();
    let text = vkey.to_string();
    assert_eq!(text.parse(), Ok(vkey.clone()));
    let (head, key) = text.rsplit_once('+').unwrap();
    for wrong in [
        String::new(),
        head.to_owned(),
        text.replacen("log", "lag", 1),
        text.replacen("log", "", 1),
        head.to_uppercase() + "+" + key,
        format!("{head}+{}", &key[..40]),
        format!("{head}+{}", key.replacen('A', "B", 1)),
        format!("{head}+{key}="),
    ] {
        assert!(wrong.parse::<Vkey>().is_err(), "{wrong}");
    }
    let mut small_order = [0; 32];
    small_order[0] = 1;
    assert_eq!(
        Vkey::new("log", &small_order),
        Err(LogError::Key("an Ed25519 key of small order"))
    );
    assert!(Vkey::new("two words", vkey.public()).is_err());
}

#[test]
fn a_signer_does_not_print_its_secret() {
    let shown = format!("{:?}", signer("log", 1));
    assert_eq!(shown, format!("NoteSigner({})", signer("log", 1).vkey()));
}

proptest! {
    #[test]
    fn signed_notes_read_back_as_themselves(lines in prop::collection::vec("\\PC{0,20}", 1..5), seed: u8) {
        let text = lines.join("\n") + "\n";
        let signer = signer("name", seed);
        let note = signed(&text, &[&signer]);
        let read = Note::parse(&note.to_string()).unwrap();
        prop_assert_eq!(&read, &note);
        prop_assert!(read.open(&[signer.vkey().clone()]).is_ok());
    }

    #[test]
    fn no_text_makes_reading_panic(text in "(\u{2014} |\n|[a-zA-Z0-9+/= ]|\\PC){0,60}") {
        let _ = Note::parse(&text);
        let _ = text.parse::<Vkey>();
    }
}
