use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use signed_note::{StandardVerifier, VerifierList};

use super::*;
use crate::{Checkpoint, NoteSigner};

const LOG: &str = "hefu.example/140725/0";
const TEXT: &str = "hefu.example/140725/0\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

/// What OpenSSL 3.0 makes of the key in GB/T 32918.5 annex A: its verifier key, and a signature over [`TEXT`] by
/// `openssl pkeyutl -sign -rawin -digest sm3 -pkeyopt distid:1234567812345678`, r and s in 32 bytes each.
const KEY: &str = "hefu.example/140725/0+deeb669e+/zEuMi4xNTYuMTAxOTcuMS41MDEECfnfMR5UIaFQ3X0WHkvFxnIXn60YM/wHa7CP81bzUCDM6kkM4md1pS3G6nGMwapgCu0F+/NeCEpmMvYHLamtEw==";
const LINE: &str = "\u{2014} hefu.example/140725/0 3utmnmibrrnfEvlBwv6lKP1Ifw0je+935R6B2OitwSEZ3y82BQko5HNYUoQVpCF8jEef7UHG4eGQzUOdp+KW0u76Eo8=\n";

fn log() -> NoteSigner {
    NoteSigner::new(LOG, &[1; 32]).unwrap()
}

/// The checkpoint, signed by the log and with OpenSSL's second line.
fn note() -> Note {
    let mut note = Note::new(TEXT.to_owned()).unwrap();
    note.add(log().sign(&note));
    Note::parse(&(note.to_string() + LINE)).unwrap()
}

/// A file of both keys and one of a type that nobody knows.
fn file() -> String {
    let unknown = BASE64_STANDARD.encode(b"\xffa type of the year 2100 and its key");
    format!("{}\n\n  {KEY}\n{LOG}+01020304+{unknown}\n", log().vkey())
}

#[test]
fn who_knows_ed25519_only_skips_the_line_and_the_key() {
    let known = [log().vkey().clone()];
    assert_eq!(note().open(&known).unwrap(), [&known[0]]);
    let opened = Checkpoint::open(&note().to_string(), &known).unwrap();
    assert_eq!(opened.size, 3);
    // So does another implementation.
    let text = note().to_string();
    let theirs = signed_note::Note::from_bytes(text.as_bytes()).unwrap();
    let verifier = StandardVerifier::new(&known[0].to_string()).unwrap();
    let list = VerifierList::new(vec![Box::new(verifier)]);
    let (verified, unverified) = theirs.verify(&list).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 1));
    assert!(KEY.parse::<Vkey>().is_err());
}

#[test]
fn a_file_of_keys_tells_what_was_skipped() {
    let read = VerifierKeys::parse(&file()).unwrap();
    assert_eq!(read.keys, [log().vkey().clone()]);
    let built = Suite::Sm2Sm3.is_built();
    let skipped = read.skipped.len();
    assert_eq!(
        (read.second.len(), skipped),
        (usize::from(built), 2 - usize::from(built))
    );
    let warning = read.warning().unwrap();
    assert!(
        warning.starts_with(&format!("{skipped} verifier keys")),
        "{warning}"
    );
    assert!(warning.contains(LOG) && warning.contains("--features sm2-sm3"));
    let known = VerifierKeys::parse(&format!("{}\n", log().vkey())).unwrap();
    assert_eq!(known.warning(), None);
}

#[test]
fn a_line_that_is_no_key_is_not_skipped() {
    let ours = log().vkey().to_string();
    for wrong in [
        "# a comment".to_owned(),
        "name+id".to_owned(),
        "name+01020304+".to_owned(),
        "two words+01020304+/2E=".to_owned(),
        "name+01020304+no base64".to_owned(),
        ours.replacen('h', "H", 1),
    ] {
        let read = VerifierKeys::parse(&format!("{ours}\n{wrong}\n"));
        assert!(matches!(read, Err(LogError::Key(_))), "{wrong}");
    }
}

#[test]
fn an_ed25519_key_signs_nothing_second() {
    let key = SecretKey::ed25519(&[1; 32]);
    assert!(matches!(SecondSigner::new(LOG, key), Err(LogError::Key(_))));
}

#[test]
fn a_build_without_the_suite_says_so() {
    let read = KEY.parse::<SecondKey>();
    match Suite::Sm2Sm3.is_built() {
        true => assert_eq!(read.unwrap().to_string(), KEY),
        false => assert_eq!(
            read,
            Err(LogError::Key("of a suite that this build is without"))
        ),
    }
}

#[cfg(feature = "sm2-sm3")]
mod built {
    use super::*;

    /// d of GB/T 32918.5 annex A.
    fn signer() -> SecondSigner {
        let hex = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
        let d = std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap());
        SecondSigner::new(LOG, SecretKey::from_seed(Suite::Sm2Sm3, &d).unwrap()).unwrap()
    }

    /// The checkpoint with the last line's bytes changed.
    fn tampered(change: impl Fn(&mut Vec<u8>)) -> Note {
        let note = note();
        let mut changed = Note::new(TEXT.to_owned()).unwrap();
        changed.add(note.signatures()[0].clone());
        let mut bytes = note.signatures()[1].bytes().to_vec();
        change(&mut bytes);
        changed.add(Signature::new(LOG, signer().public().id(), bytes));
        changed
    }

    #[test]
    fn what_openssl_signed_is_verified_and_ours_is_the_same_key_s() {
        let known = [KEY.parse().unwrap()];
        assert_eq!(signers(&note(), &known).unwrap(), [&known[0]]);
        assert_eq!(signer().public(), &known[0]);
        let mut ours = Note::new(TEXT.to_owned()).unwrap();
        ours.add(signer().sign(&ours));
        ours.add(signer().sign(&ours));
        let ours = Note::parse(&ours.to_string()).unwrap();
        assert_eq!(ours.signatures()[0], ours.signatures()[1], "deterministic");
        assert_eq!(signers(&ours, &known).unwrap(), [&known[0]], "once");
        assert_eq!(format!("{:?}", signer()), format!("SecondSigner({KEY})"));
    }

    #[test]
    fn a_wrong_second_signature_spoils_the_note_for_who_knows_its_key() {
        let known = [signer().public().clone()];
        type Change = fn(&mut Vec<u8>);
        let changes: [(&str, Change); 6] = [
            ("a bit of r", |bytes| bytes[0] ^= 1),
            ("a bit of s", |bytes| bytes[63] ^= 1),
            ("cut", |bytes| bytes.truncate(63)),
            ("lengthened", |bytes| bytes.push(0)),
            ("r and s swapped", |bytes| bytes.rotate_left(32)),
            ("the log's own", |bytes| {
                *bytes = note().signatures()[0].bytes().to_vec();
            }),
        ];
        for (why, change) in changes {
            let wrong = Err(LogError::Signature(LOG.to_owned()));
            assert_eq!(signers(&tampered(change), &known), wrong, "{why}");
        }
        let larger = note().to_string().replacen("\n3\n", "\n4\n", 1);
        assert!(signers(&Note::parse(&larger).unwrap(), &known).is_err());
    }

    #[test]
    fn a_second_signature_never_stands_for_the_log_s_own() {
        let mut alone = Note::new(TEXT.to_owned()).unwrap();
        alone.add(signer().sign(&alone));
        let known = [log().vkey().clone()];
        let opened = Checkpoint::open(&alone.to_string(), &known);
        assert_eq!(opened, Err(LogError::Unsigned));
        // Nor the other way round, not even relabelled.
        let second = [signer().public().clone()];
        let mut first = Note::new(TEXT.to_owned()).unwrap();
        first.add(log().sign(&first));
        assert_eq!(signers(&first, &second), Ok(Vec::new()));
    }

    #[test]
    fn a_damaged_sm2_key_is_refused_and_not_skipped() {
        let (head, key) = KEY.split_at("hefu.example/140725/0+deeb669e".len());
        let key = &key[1..];
        let decoded = BASE64_STANDARD.decode(key).unwrap();
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = decoded.clone();
            change(&mut bytes);
            format!("{head}+{}", BASE64_STANDARD.encode(bytes))
        };
        assert_eq!(with(&|_| ()), KEY);
        for wrong in [
            KEY.replacen("deeb", "DEEB", 1),
            KEY.replacen("deeb", "deec", 1),
            KEY.replacen("/0+", "/1+", 1),
            with(&|bytes| bytes[84] ^= 1),
            with(&|bytes| bytes.truncate(84)),
            with(&|bytes| bytes.push(0)),
            with(&|bytes| bytes[20] = 6),
        ] {
            assert!(wrong.parse::<SecondKey>().is_err(), "{wrong}");
            assert!(VerifierKeys::parse(&wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_pass_by_chance(bytes in prop::collection::vec(any::<u8>(), 1..80)) {
            let known = [signer().public().clone()];
            let note = tampered(|signature| signature.clone_from(&bytes));
            prop_assert!(signers(&note, &known).is_err());
        }
    }
}
