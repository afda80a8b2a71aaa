use super::*;
use crate::leaf_hash;

fn origin() -> Origin {
    Origin::new("hefu.example/jinzhong", "140725", 0).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: origin(),
        size: 1,
        root: leaf_hash(b""),
    }
}

fn signer() -> NoteSigner {
    NoteSigner::new(&origin().to_string(), &[7; 32]).unwrap()
}

#[test]
fn the_text_is_origin_size_and_root() {
    let text = "hefu.example/jinzhong/140725/0\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n";
    assert_eq!(checkpoint().to_string(), text);
    assert_eq!(text.parse(), Ok(checkpoint()));
}

#[test]
fn a_signed_checkpoint_opens_and_reads_in_another_implementation() {
    let note = checkpoint().sign(&signer()).unwrap();
    let known = [signer().vkey().clone()];
    assert_eq!(
        Checkpoint::open(&note.to_string(), &known),
        Ok(checkpoint())
    );
    let theirs = tlog_tiles::Checkpoint::from_bytes(note.text().as_bytes()).unwrap();
    assert_eq!(theirs.origin(), origin().to_string());
    assert_eq!(theirs.size(), 1);
    assert_eq!(theirs.hash().0, checkpoint().root.0);
}

#[test]
fn a_witness_alone_does_not_make_a_checkpoint() {
    let witness = NoteSigner::new("witness", &[8; 32]).unwrap();
    let mut note = Note::new(checkpoint().to_string()).unwrap();
    note.add(witness.sign(&note));
    let known = [signer().vkey().clone(), witness.vkey().clone()];
    let by_witness = Checkpoint::open(&note.to_string(), &known);
    assert_eq!(
        by_witness,
        Err(LogError::Checkpoint("not signed by its own log"))
    );
    note.add(signer().sign(&note));
    assert_eq!(
        Checkpoint::open(&note.to_string(), &known),
        Ok(checkpoint())
    );
}

#[test]
fn the_key_of_one_log_signs_no_other() {
    let other = Origin::new("hefu.example/jinzhong", "140725", 1).unwrap();
    let forked = Checkpoint {
        origin: other,
        ..checkpoint()
    };
    assert!(forked.sign(&signer()).is_err());
}

#[test]
fn any_other_text_is_refused() {
    let good = checkpoint().to_string();
    for wrong in [
        String::new(),
        good.trim_end().to_owned(),
        format!("{good}extension\n"),
        good.replace("\n1\n", "\n01\n"),
        good.replace("\n1\n", "\n+1\n"),
        good.replace("\n1\n", "\n-1\n"),
        good.replace("\n1\n", "\n9007199254740992\n"),
        good.replace("\n1\n", "\n\n"),
        good.replace("oB0=", "oB0"),
        good.replace("oB0=", "oB1="),
        good.replace("bjQL", ""),
        good.replace("/140725/0", ""),
        good.replace("/140725/0", "/140725/00"),
        good.replace("/140725/0", "//0"),
        good.replace("hefu", "he fu"),
    ] {
        assert!(wrong.parse::<Checkpoint>().is_err(), "{wrong}");
    }
}

#[test]
fn an_origin_names_deployment_region_and_epoch() {
    let read: Origin = "a/b/140725/3".parse().unwrap();
    assert_eq!(
        (read.deployment(), read.region(), read.epoch()),
        ("a/b", "140725", 3)
    );
    for (deployment, region, epoch) in [
        ("", "1", 0),
        ("a", "", 0),
        ("a", "1/2", 0),
        ("a+b", "1", 0),
        ("a", "1", 1 << 53),
    ] {
        assert!(
            Origin::new(deployment, region, epoch).is_err(),
            "{deployment} {region} {epoch}"
        );
    }
}
