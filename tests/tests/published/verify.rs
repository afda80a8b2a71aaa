//! `hefu audit verify`, `diff` and `receipt` as somebody runs them who distrusts the operator: on an export, on a server
//! and on its database, untouched and tampered with; what they print, and what they exit with.

use std::path::Path;

use hefu_tests::cli::{audit_json as json, audit_text as text};
use hefu_tests::engines::{Folder, Place};
use hefu_tests::on_both_engines;
use hefu_tests::published::tamper;
use serde_json::Value;

use super::export::{REGION, exported, server};

fn at(folder: &Folder, path: &str) -> String {
    folder.path().join(path).to_str().unwrap().to_owned()
}

fn flip(file: &str, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

/// The folder of a server's state, an export of its logs, and the key that somebody noted down long ago.
struct Auditor {
    export: Folder,
    keys: String,
    state: String,
    address: String,
    url: String,
}

impl Auditor {
    fn dir(&self) -> String {
        at(&self.export, "out")
    }

    fn log(&self, file: &str) -> String {
        format!("{}/{REGION}/{file}", self.dir())
    }
}

fn an_auditor_exports(address: String, url: String, state: &Path) -> Auditor {
    let export = Folder::new("hefu-verify");
    let out = export.path().join("out");
    exported(&["--server", &address], &out);
    let keys = at(&export, "keys");
    std::fs::copy(out.join("log.vkey"), &keys).unwrap();
    let state = state.to_str().unwrap().to_owned();
    Auditor {
        export,
        keys,
        state,
        address,
        url,
    }
}

/// Every source says the same, by every key.
fn untouched_logs_verify(auditor: &Auditor) {
    let (dir, keys) = (auditor.dir(), auditor.keys.as_str());
    let database = [
        "--database",
        auditor.url.as_str(),
        "--state",
        &auditor.state,
    ];
    for source in [
        &["--dir", &dir][..],
        &["--server", &auditor.address],
        &database,
    ] {
        let verify = [&["verify"], source].concat();
        let (code, report) = json(&[&verify[..], &["--vkey", keys]].concat());
        assert_eq!(code, Some(0), "{report}");
        for (field, value) in [
            ("verified", Value::Bool(true)),
            ("key_from_outside", Value::Bool(true)),
            ("regions", 12.into()),
            ("forks", Value::Array(Vec::new())),
            ("witnesses", Value::Array(Vec::new())),
            ("failure", Value::Null),
        ] {
            assert_eq!(report[field], value, "{field} in {report}");
        }
        let fields: Vec<&String> = report.as_object().unwrap().keys().collect();
        let all = [
            "events",
            "failure",
            "forks",
            "key_from_outside",
            "missing",
            "regions",
            "second_signatures",
            "seconds",
            "verified",
            "witnesses",
        ];
        assert_eq!(fields, all, "{report}");
        assert!(report["events"].as_u64() >= Some(12) && report["seconds"].is_number());
        // The keys that lie beside the logs are the operator's own.
        let (code, said) = text(&verify);
        assert!(
            code == Some(4) && said.contains("SELF-CONSISTENT ONLY"),
            "{said}"
        );
    }
}

/// A copy of one region holds by the keys of all, and what is not in it is named.
fn a_part_verifies_and_is_told_from_the_whole(auditor: &Auditor) {
    let part = auditor.export.path().join("part");
    let from = ["--server", &auditor.address, "--region", REGION];
    exported(&from, &part);
    let verify = [
        "verify",
        "--dir",
        part.to_str().unwrap(),
        "--vkey",
        &auditor.keys,
    ];
    let (code, report) = json(&verify);
    assert_eq!((code, &report["regions"]), (Some(0), &1.into()), "{report}");
    assert_eq!(report["missing"].as_array().unwrap().len(), 11, "{report}");
    let (code, said) = text(&verify);
    assert!(
        code == Some(0) && said.contains("not in this copy") && !said.contains(", 140725"),
        "{said}"
    );
}

fn receipts_hold_or_do_not(auditor: &Auditor) {
    let receipt = at(&auditor.export, "receipt");
    let ask = [
        "get-receipt",
        "--server",
        &auditor.address,
        "--region",
        REGION,
        "--index",
        "0",
    ];
    assert_eq!(text(&[&ask[..], &["--out", &receipt]].concat()).0, Some(0));
    let check = ["receipt", &receipt, "--vkey", &auditor.keys];
    let (code, said) = text(&check);
    assert!(
        code == Some(0) && said.contains("RegionOpened") && said.contains("event    0 of"),
        "{said}"
    );
    let (code, found) = json(&check);
    assert_eq!(
        (code, &found["holds"], &found["index"]),
        (Some(0), &Value::Bool(true), &0.into())
    );
    let good = std::fs::read_to_string(&receipt).unwrap();
    for (from, to) in [
        ("index 0", "index 1"),
        ("hefu receipt v1", "hefu receipt v2"),
        ("entry ", "entry A"),
    ] {
        std::fs::write(&receipt, good.replacen(from, to, 1)).unwrap();
        let (code, said) = text(&check);
        assert!(
            code == Some(1) && said.contains("DOES NOT HOLD"),
            "{from}: {said}"
        );
    }
    assert_eq!(
        text(&["receipt", "no-such-file", "--vkey", &auditor.keys]).0,
        Some(2)
    );
}

fn two_checkpoints_tell_what_happened(auditor: &Auditor) {
    let notes = std::fs::read_to_string(auditor.log("checkpoints/0")).unwrap();
    let first: Vec<&str> = notes.split("\n\n").take(2).collect();
    let old = at(&auditor.export, "old");
    std::fs::write(&old, format!("{}\n", first.join("\n\n").trim_end())).unwrap();
    let (dir, new) = (auditor.dir(), auditor.log("checkpoint"));
    let with = ["--dir", &dir, "--vkey", &auditor.keys];
    let (code, found) = json(&[&["diff", &new, &old], &with[..]].concat());
    assert_eq!(
        (code, &found["consistent"]),
        (Some(0), &Value::Bool(true)),
        "{found}"
    );
    let (from, to) = (found["from"]["size"].as_u64(), found["to"]["size"].as_u64());
    assert!(from <= to, "the earlier one first, however they are given");
    let events = found["change"]["events"].as_u64();
    assert_eq!(events, Some(to.unwrap() - from.unwrap()));
    let (code, said) = text(&[&["verify", "--since", &old], &with[..]].concat());
    assert!(code == Some(0) && said.contains("verified:"), "{said}");
    // A checkpoint that nobody signed proves nothing.
    let forged = std::fs::read_to_string(&old)
        .unwrap()
        .replacen("\n", "\n9", 1);
    std::fs::write(&old, forged).unwrap();
    let (code, found) = json(&[&["diff", &new, &old], &with[..]].concat());
    assert_eq!(
        (code, &found["consistent"]),
        (Some(1), &Value::Bool(false)),
        "{found}"
    );
    assert_eq!(found["report"]["failure"]["check"], "signature");
}

fn a_changed_export_fails_where_it_was_changed(auditor: &Auditor) {
    let (dir, checkpoint) = (auditor.dir(), auditor.log("checkpoint"));
    let verify = ["verify", "--dir", &dir, "--vkey", &auditor.keys];
    let entries = std::fs::read_dir(auditor.log("tile/entries/000.p")).unwrap();
    let entries = entries.last().unwrap().unwrap().path();
    let entries = entries.to_str().unwrap();
    flip(entries, 40);
    let (code, report) = json(&verify);
    assert_eq!((code, &report["verified"]), (Some(1), &Value::Bool(false)));
    let failure = &report["failure"];
    assert_eq!(
        (&failure["region"], &failure["index"]),
        (&REGION.into(), &0.into()),
        "{report}"
    );
    let (code, said) = text(&verify);
    assert!(
        code == Some(1) && said.contains("NOT VERIFIED: region 140725, epoch 0, event 0"),
        "{said}"
    );
    flip(entries, 40);
    flip(&checkpoint, 40);
    assert_eq!(json(&verify).0, Some(1));
    flip(&checkpoint, 40);
    assert_eq!(json(&verify).0, Some(0));
    // What cannot be checked at all is neither right nor wrong.
    for wrong in [
        &["verify", "--dir", "no-such-folder", "--vkey", &auditor.keys][..],
        &["verify", "--dir", &dir, "--vkey", "no-such-file"],
        &["verify", "--dir", &dir, "--since", &auditor.keys],
        &["verify", "--dir", &dir, "--region", "999999"],
        &["verify"],
        &["diff", &checkpoint, &auditor.keys, "--dir", &dir],
    ] {
        let (code, said) = text(wrong);
        assert!(
            code == Some(2) && !said.is_empty(),
            "{wrong:?} exits with {code:?}: {said}"
        );
    }
}

/// A row that belongs to no log, a head row that is not the log's, and an event that is gone are found in the database itself.
async fn a_changed_database_fails_where_it_was_changed(auditor: &Auditor, place: &Place) {
    let verify = [
        "verify",
        "--database",
        &auditor.url,
        "--state",
        &auditor.state,
        "--vkey",
        &auditor.keys,
    ];
    let stray = "INSERT INTO event SELECT region, epoch, 900, kind, stream, version, NULL, 'stray', 0, digest, at_ms, leaf, bytes \
                 FROM event WHERE region = '140725' AND idx = 0";
    tamper(place, stray).await;
    let (code, report) = json(&verify);
    assert_eq!(
        (code, &report["failure"]["check"]),
        (Some(1), &"end of log".into()),
        "{report}"
    );
    assert_eq!(report["failure"]["index"], 900);
    let head = "UPDATE head SET root = (SELECT leaf FROM event e WHERE e.region = '140700' AND e.idx = 0) \
                WHERE region = '140725'";
    tamper(place, head).await;
    let (code, report) = json(&verify);
    assert_eq!(
        (code, &report["failure"]["check"]),
        (Some(1), &"head row".into()),
        "{report}"
    );
    assert_eq!(report["failure"]["region"], REGION);
    if let Place::Sqlite(_) = place {
        tamper(place, "DROP TRIGGER event_is_never_deleted").await;
    }
    tamper(
        place,
        "DELETE FROM event WHERE region = '140725' AND idx = 0",
    )
    .await;
    let (code, report) = json(&verify);
    assert_eq!(
        (code, &report["failure"]["index"]),
        (Some(1), &0.into()),
        "{report}"
    );
}

on_both_engines! {
    async fn a_stranger_checks_everything_and_finds_what_was_changed(store: Store, place: Place) {
        store.close().await;
        let state = Folder::new("hefu-verify-state");
        let running = server(&place, &state).await;
        running.signing.sign().await.unwrap();
        let (address, url) = (format!("http://{}", running.address), place.url());
        let folder = state.path().join("state");
        let auditor = tokio::task::spawn_blocking(move || {
            let auditor = an_auditor_exports(address, url, &folder);
            untouched_logs_verify(&auditor);
            a_part_verifies_and_is_told_from_the_whole(&auditor);
            receipts_hold_or_do_not(&auditor);
            two_checkpoints_tell_what_happened(&auditor);
            a_changed_export_fails_where_it_was_changed(&auditor);
            auditor
        });
        let auditor = auditor.await.unwrap();
        running.stop().await;
        a_changed_database_fails_where_it_was_changed(&auditor, &place).await;
    }
}
