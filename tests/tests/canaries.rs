//! What looks for canaries finds one that was planted: in a test's folder, in a log line, in a cluster of PostgreSQL.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Output};
use std::sync::Mutex;

use hefu_tests::canaries::{self, person};
use hefu_tests::engines::Folder;
use hefu_tests::postgres::tools;

/// What is overheard in a process is told to whichever folder goes next.
static ALONE: Mutex<()> = Mutex::new(());

/// What a folder says when it goes; nothing if it goes in peace.
fn gone(folder: Folder) -> Option<String> {
    let failed = catch_unwind(AssertUnwindSafe(|| drop(folder))).err()?;
    Some(failed.downcast_ref::<String>().unwrap().clone())
}

#[test]
fn a_folder_with_somebody_in_a_file_below_it_fails_the_test_and_does_not_say_who() {
    let _alone = ALONE.lock();
    let folder = Folder::new("hefu-canaries");
    let (path, who) = (folder.path().to_owned(), person(3));
    let below = path.join("state").join("deep");
    std::fs::create_dir_all(&below).unwrap();
    let row = format!("a row {}{} of a table", who.identity, who.phone);
    std::fs::write(below.join("some.db-wal"), row).unwrap();
    std::fs::write(path.join("clean"), "nothing of anybody").unwrap();
    let said = gone(folder).unwrap();
    let file = below.join("some.db-wal").display().to_string();
    for kind in ["an identity number", "a phone number"] {
        let line = format!("{kind} of a canary stands in {file}\n");
        assert!(said.contains(&line), "{said}");
    }
    assert!(!said.contains("clean"), "{said}");
    canaries::none_in("what is said", said.as_bytes());
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_named_after_somebody_is_found_too() {
    let _alone = ALONE.lock();
    let folder = Folder::new("hefu-canaries");
    let name = format!("{}.json", person(4).identity);
    std::fs::write(folder.path().join(name), "{}").unwrap();
    assert!(gone(folder).unwrap().contains("an identity number"));
}

#[test]
fn somebody_in_a_log_line_fails_the_test_whether_it_is_ours_or_a_librarys() {
    let _alone = ALONE.lock();
    let folder = Folder::new("hefu-canaries");
    let phone = person(5).phone;
    tracing::trace!(target: "hefu_engine::people", phone, "opened");
    let said = gone(folder).unwrap();
    let line = "a phone number of a canary stands in a log line behind ";
    assert!(
        said.contains(line) && said.contains("hefu_engine::people: opened"),
        "{said}"
    );
    let folder = Folder::new("hefu-canaries");
    tracing::debug!(target: "sqlx::query", "SELECT '{}'", person(6).phone);
    assert!(gone(folder).unwrap().contains(line));
    assert_eq!(gone(Folder::new("hefu-canaries")), None);
}

/// `throwaway-postgres run -- psql` with one statement after another, each in a transaction of its own.
fn run_on_a_cluster(statements: &[String]) -> Output {
    let initdb = tools().unwrap().join("initdb").canonicalize().unwrap();
    let psql = initdb.with_file_name("psql");
    assert!(psql.is_file(), "{} is needed", psql.display());
    let script = r#"psql=$0; for said; do "$psql" -qX -v ON_ERROR_STOP=0 -d "$HEFU_TEST_POSTGRES_URL" -c "$said"; done; true"#;
    let mut command = Command::new(env!("CARGO_BIN_EXE_throwaway-postgres"));
    command.args(["run", "--", "/bin/sh", "-c", script]);
    command.arg(psql).args(statements).output().unwrap()
}

#[test]
fn a_run_fails_on_a_cluster_in_which_somebody_stood_once() {
    let who = person(0);
    let statements = [
        "CREATE TABLE gone (who text)".to_owned(),
        format!("INSERT INTO gone VALUES ('{}')", who.identity),
        "DROP TABLE gone".to_owned(),
        "CHECKPOINT".to_owned(),
        format!("SELECT '{}' FROM nowhere", who.phone),
    ];
    let output = run_on_a_cluster(&statements);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    let found = |what: &str, place: &str| {
        let both = |line: &str| line.contains(what) && line.contains(place);
        assert!(said.lines().any(both), "{what} in {place}: {said}");
    };
    found("an identity number of a canary", "/pg_wal/");
    found("a phone number of a canary", "/server.log");
}

#[test]
fn a_run_goes_well_on_a_cluster_in_which_nobody_ever_stood() {
    let output = run_on_a_cluster(&["CREATE TABLE clean AS SELECT 1 AS one".to_owned()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("no canary in"), "{said}");
}
