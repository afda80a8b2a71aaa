//! The mutation table: whatever the operator does to a signed log, where the rows are and in a copy of it, and what the
//! auditor's command says then. Each is caught, by the check and at the event that stand here; `N` is the size that was signed.
//!
//! | mutation | SQLite, PostgreSQL | export |
//! |---|---|---|
//! | a byte of an event is flipped | leaf hash, 100 | leaf hash, 100 |
//! | the same, so that it is no event any more | canonical bytes, 100 | canonical bytes, 100 |
//! | the same, leaf, tiles and head made to fit | root, N | root, N |
//! | a byte behind the last full tile, all made to fit | root, N | root, N |
//! | an event is deleted, whether or not all is made to fit | dense indexes, 100 | dense indexes, 100 |
//! | two are swapped, whether or not all is made to fit | dense indexes, 100 | dense indexes, 100 |
//! | one is inserted, whether or not all is made to fit | dense indexes, 101 | dense indexes, 101 |
//! | the tail is cut, whether or not the head is made to fit | entries, 250 | entries, 250 |
//! | an event is edited and its stream is not chained anew | stream chain, the next one of the stream | the same |
//! | an event is edited, and everything chained anew without the key | root, N | root, N |
//! | a time is set back, all made to fit | time, 100 | time, 100 |
//! | a head row's root or right edge, a tile, a checkpoint | head row, N; leaf hash or tile; origin, checkpoint | `hefu-audit`'s own tests |
//! | a head's epoch is raised beyond all that there is | head row, N | |
//! | a voucher's, a fund's or a nullifier's row is changed | `replay`: row by row | no tables are there |
//! | an older backup is restored | the signer's alarm: length; `verify --since`: older checkpoint, N | the same |
//! | two signers | the second waits: `served::of_two_servers_on_one_state_folder_one_signs` | |
//! | the signer's state is lost | the signer's alarm: signer state, 0 | |
//! | two histories are served under one key | `verify --since`, `diff`: older checkpoint | the same |
//! | a fork that was accepted kept rewritten events | the fork, and the first rewritten event | the same |

pub(crate) mod scene;

use hefu_log::{Envelope, Hash, Opened, leaf_hash};
use hefu_tests::cli::{audit_json, audit_text};
use serde_json::Value;

use crate::desk::{Desk, HERE};
use crate::on_both;
use crate::restored::restore;
use scene::{Scene, exported};

/// What is made to fit the edited events by somebody who lacks nothing but the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    Nothing,
    /// Leaf hashes, tiles and the head.
    All,
}
use Fit::{All, Nothing};

/// A way to falsify a log's events, and what is found.
struct Mutation {
    what: &'static str,
    edit: fn(&mut Vec<Vec<u8>>),
    fit: Fit,
    check: &'static str,
    /// The event; the size that was signed, if there is none.
    index: Option<u64>,
}

const fn of(
    what: &'static str,
    edit: fn(&mut Vec<Vec<u8>>),
    fit: Fit,
    check: &'static str,
    index: Option<u64>,
) -> Mutation {
    Mutation {
        what,
        edit,
        fit,
        check,
        index,
    }
}

const TABLE: [Mutation; 17] = [
    of(
        "a byte",
        |log| flip(log, 100),
        Nothing,
        "leaf hash",
        Some(100),
    ),
    of("a byte, fitted", |log| flip(log, 100), All, "root", None),
    of(
        "a byte at the edge",
        |log| flip(log, 260),
        Nothing,
        "leaf hash",
        Some(260),
    ),
    of(
        "a byte at the edge, fitted",
        |log| flip(log, 260),
        All,
        "root",
        None,
    ),
    of(
        "a brace",
        |log| log[100][0] ^= 1,
        Nothing,
        "canonical bytes",
        Some(100),
    ),
    of(
        "a brace, fitted",
        |log| log[100][0] ^= 1,
        All,
        "canonical bytes",
        Some(100),
    ),
    of(
        "deleted",
        |log| drop(log.remove(100)),
        Nothing,
        "dense indexes",
        Some(100),
    ),
    of(
        "deleted, fitted",
        |log| drop(log.remove(100)),
        All,
        "dense indexes",
        Some(100),
    ),
    of(
        "swapped",
        |log| log.swap(100, 101),
        Nothing,
        "dense indexes",
        Some(100),
    ),
    of(
        "swapped, fitted",
        |log| log.swap(100, 101),
        All,
        "dense indexes",
        Some(100),
    ),
    of("inserted", double, Nothing, "dense indexes", Some(101)),
    of("inserted, fitted", double, All, "dense indexes", Some(101)),
    of(
        "cut",
        |log| log.truncate(250),
        Nothing,
        "entries",
        Some(250),
    ),
    of(
        "cut, fitted",
        |log| log.truncate(250),
        All,
        "entries",
        Some(250),
    ),
    of(
        "edited, not chained",
        |log| edit(log),
        All,
        "stream chain",
        Some(ISSUED as u64),
    ),
    of(
        "edited and chained anew",
        |log| rechain(log, edit),
        All,
        "root",
        None,
    ),
    of("set back", |log| set_back(log), All, "time", Some(100)),
];

/// Where the county's one application stands, and its issue.
pub(crate) const APPLIED: usize = 13;
pub(crate) const ISSUED: usize = 14;

/// Another caller, of the same length.
pub(crate) fn flip(log: &mut [Vec<u8>], at: usize) {
    replace(
        &mut log[at],
        "\"caller\":\"operator\"",
        "\"caller\":\"operatos\"",
    );
}

fn double(log: &mut Vec<Vec<u8>>) {
    log.insert(100, log[100].clone());
}

/// The application is somebody else's.
fn edit(log: &mut [Vec<u8>]) {
    replace(
        &mut log[APPLIED],
        "\"category\":\"flexible\"",
        "\"category\":\"disabled\"",
    );
}

fn set_back(log: &mut [Vec<u8>]) {
    replace(&mut log[100], "\"at\":\"2023-", "\"at\":\"2022-");
}

pub(crate) fn replace(event: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(event.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    *event = text.replacen(from, to, 1).into_bytes();
}

/// Edits a log and makes every later event of a stream name the one before it again.
pub(crate) fn rechain(log: &mut [Vec<u8>], edit: fn(&mut [Vec<u8>])) {
    let leaves: Vec<Hash> = log.iter().map(|event| leaf_hash(event)).collect();
    edit(log);
    for at in 0..log.len() {
        let event: Opened<Value> = Opened::decode(&log[at]).unwrap();
        let before = event
            .prev
            .and_then(|prev| leaves.iter().position(|leaf| *leaf == prev));
        let encoded = Envelope {
            region: &event.region,
            index: event.index,
            at: &event.at,
            kind: &event.kind,
            stream: &event.stream,
            version: event.version,
            prev: before.map(|before| leaf_hash(&log[before])),
            caller: &event.caller,
            request: &event.request,
            digest: &event.digest,
            policy: event.policy,
            body: &event.body,
        };
        log[at] = encoded.encode().unwrap().bytes;
    }
}

on_both! {
    async fn every_mutation_of_the_events_is_caught_and_named(desk) {
        let scene = Scene::new(desk).await;
        let size = scene.size();
        let (code, report) = scene.verified(&[]);
        assert_eq!((code, &report["failure"]), (Some(0), &Value::Null), "{report}");
        assert_eq!(exported(&scene.copies.path().join("good")), scene.log[..256]);
        for Mutation { what, edit, fit, check, index } in &TABLE {
            let mut log = scene.log.clone();
            edit(&mut log);
            let index = index.unwrap_or(size);
            scene.write_rows(&log, *fit).await;
            scene.database_fails(what, check, index);
            scene.undo().await;
            scene.write_files(what, &log, *fit);
            scene.copy_fails(what, check, index);
        }
        let (code, report) = scene.verified(&[]);
        assert_eq!(code, Some(0), "everything was put back: {report}");
    }

    async fn every_mutation_of_another_row_is_caught_and_named(desk) {
        let scene = Scene::new(desk).await;
        let size = scene.size();
        let leaf = scene.hex(&scene.rows[5].leaf);
        let county = format!("WHERE region = '{HERE}'");
        let mut hashes: Vec<u8> = scene.rows[..256].iter().flat_map(|row| row.leaf).collect();
        hashes[100 * 32] ^= 1;
        let hashes = scene.hex(&hashes);
        for (sql, check, index) in [
            (format!("UPDATE head SET root = {leaf} {county}"), "head row", size),
            (format!("UPDATE head SET frontier = {leaf} {county}"), "head row", size),
            (format!("UPDATE head SET epoch = 9007199254740991 {county}"), "head row", size),
            (format!("UPDATE tile SET hashes = {hashes} {county}"), "leaf hash", 100),
            (format!("UPDATE tile SET hashes = {leaf} {county}"), "leaf hash", 0),
            (format!("DELETE FROM tile {county}"), "tile", 0),
            (format!("UPDATE event SET leaf = {leaf} {county} AND idx = 260"), "leaf hash", 260),
            (format!("UPDATE checkpoint SET note = replace(note, '/{HERE}/', '/140799/') {county}"), "origin", size),
            (format!("UPDATE checkpoint SET note = replace(note, '— ', '- ') {county}"), "checkpoint", 0),
            (format!("UPDATE checkpoint SET note = (SELECT note FROM checkpoint o WHERE o.region = '140727') {county}"), "origin", 10),
        ] {
            scene.tamper(sql.clone()).await;
            scene.database_fails(&sql, check, index);
            scene.undo().await;
        }
        // Rows that are no part of the log are what the log says, or the replay tells which is not.
        let voucher = &scene.rows[APPLIED].stream;
        for (sql, difference) in [
            ("UPDATE voucher SET body = replace(body, 'general', 'enterprise_staff')".to_owned(), format!("{voucher} is not what the log says")),
            ("DELETE FROM voucher".to_owned(), format!("{voucher} is missing from the tables")),
            (format!("UPDATE account SET body = replace(body, '\"paid\":0', '\"paid\":5') {county}"), "account/2023/city is not what the log says".to_owned()),
            (format!("DELETE FROM nullifier {county}"), "nullifiers are missing from the table".to_owned()),
            (format!("UPDATE head SET epoch = 9007199254740991 {county}"), "the head is not the log's end".to_owned()),
            (format!("INSERT INTO event SELECT region, epoch, {size}, kind, stream, version, NULL, request, ordinal, digest, at_ms, leaf, bytes FROM event {county} AND idx = 20"), format!("event {size}: dense indexes failed")),
        ] {
            scene.tamper(sql.clone()).await;
            let (code, found) = scene.database(&["replay"]);
            assert_eq!((code, &found["equal"]), (Some(1), &Value::Bool(false)), "{sql}: {found}");
            assert!(found["differences"].to_string().contains(&difference), "{sql}: {found}");
            scene.undo().await;
        }
        let (code, found) = scene.database(&["replay"]);
        assert_eq!((code, &found["equal"]), (Some(0), &Value::Bool(true)), "{found}");
    }

    async fn an_older_backup_is_known_by_the_signer_and_by_whoever_kept_a_checkpoint(desk) {
        let backup = desk.field.head(HERE).await;
        desk.signs().await;
        let mut scene = Scene::new(desk).await;
        let kept = format!("{}/{HERE}/checkpoint", scene.copy("good"));
        restore(&scene.desk, &backup).await;
        scene.tamper(format!("DELETE FROM tile WHERE region = '{HERE}'")).await;
        // By itself it is a log that held once.
        let (code, report) = scene.verified(&[]);
        assert_eq!(code, Some(0), "{report}");
        let size = scene.size();
        let url = scene.url();
        let database = ["--database", url.as_str(), "--state", &scene.state];
        scene.fails(&[&database[..], &["--since", &kept]].concat(), "restored", "older checkpoint", size);
        scene.export("restored");
        let copy = scene.copy("restored");
        scene.fails(&["--dir", &copy, "--since", &kept], "restored", "older checkpoint", size);
        let found = format!("check \"length\" failed at event 11: 11 events are left of {size} that were signed");
        scene.desk.refuses(&found).await;
        std::fs::remove_file(scene.desk.memory(HERE)).unwrap();
        scene.tamper(format!("UPDATE head SET alarm = NULL WHERE region = '{HERE}'")).await;
        scene.desk.restart();
        scene.desk.refuses("check \"signer state\" failed at event 0").await;
    }

    async fn two_histories_under_one_key_are_two_whatever_is_shown_to_whom(desk) {
        let kind = desk.field.place.engine();
        let scene = Scene::new(desk).await;
        // The same state folder, and another database: another county's story under the same key.
        let mut twin = Desk::open(kind).await;
        twin.write(HERE, 3).await;
        twin.signs().await;
        let size = twin.field.head(HERE).await.size;
        let row = twin.field.store().checkpoint(HERE, 0, size).await.unwrap().unwrap();
        let shown = scene.copy("shown");
        std::fs::write(&shown, row.note).unwrap();
        let url = scene.url();
        let database = ["--database", url.as_str(), "--state", &scene.state];
        scene.fails(&[&database[..], &["--since", &shown]].concat(), "two histories", "older checkpoint", size);
        let copy = scene.copy("good");
        scene.fails(&["--dir", &copy, "--since", &shown], "two histories", "older checkpoint", size);
        let own = format!("{copy}/{HERE}/checkpoint");
        let diff = ["diff", &own, &shown, "--dir", &copy, "--vkey", &scene.keys];
        let (code, found) = audit_json(&diff);
        assert_eq!((code, &found["consistent"]), (Some(1), &Value::Bool(false)), "{found}");
        assert_eq!(found["report"]["failure"]["index"], size);
    }

    async fn a_fork_that_kept_rewritten_events_says_so_wherever_it_is_read(desk) {
        let mut scene = Scene::new(desk).await;
        let mut log = scene.log.clone();
        rechain(&mut log, edit);
        scene.write_rows(&log, Fit::All).await;
        // The tiles are what was signed; a backup of the rows alone leaves them so.
        let signed: Vec<u8> = scene.rows[..256].iter().flat_map(|row| row.leaf).collect();
        let signed = scene.hex(&signed);
        scene.tamper(format!("UPDATE tile SET hashes = {signed} WHERE region = '{HERE}'")).await;
        let last = scene.size();
        scene.desk.restart();
        scene.desk.round().await;
        assert!(scene.desk.alarm(HERE).await.is_some());
        let region = HERE.parse().unwrap();
        let reason = "ROWS_REPAIRED".parse().unwrap();
        scene.desk.accept_fork(&region, reason).await.unwrap();
        scene.export("forked");
        let (url, copy) = (scene.url(), scene.copy("forked"));
        let kept = format!("{}/{HERE}/checkpoint", scene.copy("good"));
        let now = format!("{copy}/{HERE}/checkpoint");
        for source in [&["--database", &*url, "--state", &scene.state][..], &["--dir", &copy]] {
            let ask = [&["verify"], source, &["--vkey", &scene.keys]].concat();
            let (code, report) = audit_json(&ask);
            assert_eq!((code, &report["verified"]), (Some(0), &Value::Bool(true)), "{report}");
            let fork = &report["forks"][0];
            assert_eq!((&fork["rewritten"], &fork["first_rewritten"]), (&true.into(), &APPLIED.into()), "{report}");
            assert_eq!((&fork["lost"], &fork["confirmed"], &fork["seen"]), (&0.into(), &true.into(), &false.into()));
            assert_eq!((&fork["signed"]["size"], &fork["kept"]["size"]), (&last.into(), &last.into()));
            let (code, said) = audit_text(&ask);
            let words = format!("signed events were REWRITTEN, the first is event {APPLIED}");
            assert_eq!(code, Some(0), "{said}");
            assert!(said.contains("!!! FORK ACCEPTED") && said.contains(&words), "{said}");
            assert!(said.contains("VERIFIED WITH A FORK"), "{said}");
            // Whoever kept a checkpoint of before is told no, and whoever has one of after it has heard of it.
            scene.fails(&[source, &["--since", &kept]].concat(), "forked", "older checkpoint", last);
            let (code, report) = audit_json(&[&ask[..], &["--since", &now]].concat());
            assert_eq!((code, &report["forks"][0]["seen"]), (Some(0), &true.into()), "{report}");
        }
    }
}
