//! `hefu audit replay` as an auditor runs it: what it prints, and what it exits with.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hefu_tests::cli::{audit_json, audit_text};
use serde_json::{Value, json};

use crate::desk::HERE;
use crate::mutations::scene::{Scene, frontier};
use crate::mutations::{Fit, ISSUED, flip, rechain, replace};
use crate::on_both;

/// Less is set aside for the voucher than the policy gives.
fn underpay(log: &mut [Vec<u8>]) {
    replace(&mut log[ISSUED], "\"amount\":100000", "\"amount\":90000");
}

on_both! {
    async fn a_replay_says_what_it_found_and_exits_by_it(desk) {
        let scene = Scene::new(desk).await;
        let (good, url) = (scene.copy("good"), scene.url());
        let heads = scene.desk.field.store().all_heads().await.unwrap();
        let events: u64 = heads.iter().map(|head| head.size).sum();
        for (source, equal) in [(["--database", &*url], json!(true)), (["--dir", &*good], Value::Null)] {
            for rules in [&[][..], &["--rules"]] {
                let ask = [&["replay"], &source[..], rules].concat();
                let (code, found) = audit_json(&ask);
                assert_eq!(code, Some(0), "{found}");
                assert_eq!((&found["events"], &found["equal"]), (&json!(events), &equal), "{found}");
                assert_eq!((&found["differences"], &found["findings"]), (&json!([]), &json!([])), "{found}");
                assert!(found["seconds"].is_number() && found["events_per_second"].as_f64() > Some(0.0), "{found}");
                let (code, said) = audit_text(&ask);
                assert!(code == Some(0) && said.contains("every fen: holds"), "{said}");
                assert_eq!(said.contains("row by row: holds"), equal == json!(true), "{said}");
            }
        }
        // A row that is not what the log says.
        scene.tamper("UPDATE voucher SET state = 'paid'".to_owned()).await;
        let (code, found) = audit_json(&["replay", "--database", &url]);
        assert_eq!((code, &found["equal"], &found["log_verified"]), (Some(1), &json!(false), &json!(true)), "{found}");
        let row = format!("region {HERE}: {} is not what the log says", scene.rows[ISSUED].stream);
        assert_eq!(found["differences"], json!([row]));
        let (code, said) = audit_text(&["replay", "--database", &url]);
        assert!(code == Some(1) && said.contains("row by row: BROKEN") && said.contains(&row), "{said}");
        scene.undo().await;
        // A log that is not what was published: the root tells where nothing else does.
        let mut log = scene.log.clone();
        flip(&mut log, 100);
        scene.write_files("flipped", &log, Fit::All);
        let (code, found) = audit_json(&["replay", "--dir", &scene.copy("flipped")]);
        assert_eq!((code, &found["equal"], &found["log_verified"]), (Some(1), &Value::Null, &json!(false)), "{found}");
        let failure = format!("region {HERE}, event {}: root failed", scene.size());
        assert_eq!(found["differences"], json!([failure]));
        // A move that the rules do not give, in a log that fits together to the root.
        let mut log = scene.log.clone();
        rechain(&mut log, underpay);
        scene.write_files("underpaid", &log, Fit::All);
        let copy = scene.copy("underpaid");
        let root = |log: &[Vec<u8>]| BASE64_STANDARD.encode(frontier(log).root());
        let checkpoint = format!("{copy}/{HERE}/checkpoint");
        let note = std::fs::read_to_string(&checkpoint).unwrap();
        std::fs::write(&checkpoint, note.replace(&root(&scene.log), &root(&log))).unwrap();
        let (code, found) = audit_json(&["replay", "--dir", &copy]);
        assert_eq!((code, &found["findings"]), (Some(0), &json!([])), "{found}");
        let (code, found) = audit_json(&["replay", "--dir", &copy, "--rules"]);
        assert_eq!((code, &found["equal"], &found["differences"]), (Some(1), &Value::Null, &json!([])), "{found}");
        let finding = &found["findings"][0];
        assert_eq!((&finding["region"], &finding["index"]), (&HERE.into(), &ISSUED.into()), "{found}");
        let (code, said) = audit_text(&["replay", "--dir", &copy, "--rules"]);
        assert!(code == Some(1) && said.contains(&format!("region {HERE}, event {ISSUED}: ")), "{said}");
        // What cannot be read is neither right nor wrong.
        std::fs::remove_file(format!("{good}/{HERE}/tile/entries/000")).unwrap();
        let gone = format!("sqlite://{}/gone.db", scene.copies.path().display());
        for (wrong, why) in [
            (["--dir", "no-such-folder"], "o such file"),
            (["--dir", &*good], "tile/entries/000 is missing"),
            (["--database", &*gone], "gone.db"),
        ] {
            let (code, said) = audit_text(&[&["replay"], &wrong[..]].concat());
            assert!(code == Some(2) && said.contains(why), "{wrong:?} exits with {code:?}: {said}");
        }
    }
}
