//! `hefu bench` as somebody runs it, briefly: every figure is there. How high they are is for a machine that has nothing else to do.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

use std::path::Path;

use hefu_cluster::of_database;
use hefu_engine::stages::Stage;
use hefu_tests::canaries::none_in;
use hefu_tests::cli::{audit_json, hefu};
use hefu_tests::engines::{Engine, Folder};
use hefu_tests::postgres;
use serde_json::Value;

/// Loads with calls that are timed.
const TIMED: [&str; 8] = [
    "single_1",
    "single_64",
    "single_256",
    "one_region_256",
    "bulk",
    "loop_moves",
    "reads",
    "open_loop_70",
];
const OTHERS: [&str; 8] = [
    "overload_per_second",
    "overload_p99_ms",
    "overload_goodput_ratio",
    "streamed_events_per_second",
    "replay_events_per_second",
    "server_cpu_us_per_op",
    "peak_rss_mb",
    "wal_bytes_per_op",
];

/// Runs it on one engine; returns what it told, and the picture.
fn bench(engine: Engine) -> (Value, String) {
    let folder = Folder::new("hefu-bench-test");
    let picture = folder.path().join("bench.svg");
    let mut bench = hefu();
    bench.args([
        "bench",
        "--seconds",
        "0.2",
        "--rounds",
        "1",
        "--bulk",
        "50",
        "--profile",
        "--json",
    ]);
    bench
        .arg("--svg")
        .arg(&picture)
        .env("TMPDIR", folder.path());
    match engine {
        Engine::Sqlite => bench.args(["--engine", "sqlite"]),
        Engine::Postgres => bench.args(["--engine", "postgres", "--database", &postgres::server()]),
    };
    let output = bench.output().unwrap();
    none_in("what a command prints", &output.stdout);
    none_in("what a command says", &output.stderr);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let told = serde_json::from_slice(&output.stdout).unwrap();
    (told, std::fs::read_to_string(picture).unwrap())
}

fn has_every_figure(engine: Engine, name: &str) {
    let (told, picture) = bench(engine);
    assert!(told["pgbench_tps"].is_null(), "{told}");
    let timed = TIMED.iter().flat_map(|load| {
        ["per_second", "p50_ms", "p99_ms"].map(|figure| format!("{load}_{figure}"))
    });
    for figure in timed.chain(OTHERS.map(ToOwned::to_owned)) {
        let value = told[name][&figure].as_f64();
        // Of files in memory nothing is written to storage.
        let least = if figure == "wal_bytes_per_op" {
            -1.0
        } else {
            0.0
        };
        assert!(value.is_some_and(|value| value > least), "{figure}: {told}");
    }
    for load in ["single_1", "single_64", "single_256"] {
        has_every_stage(&told[name]["profile"][load]);
    }
    assert!(picture.starts_with("<svg ") && picture.contains("redeem, 64 in flight"));
}

/// Each stage takes time, and the shares of those in which something is done are all of it.
fn has_every_stage(profile: &Value) {
    let mut shares = 0.0;
    for stage in Stage::ALL {
        let told = &profile["stages"][stage.name()];
        for figure in ["mean_us", "p50_us", "p99_us"] {
            let value = told[figure].as_f64();
            assert!(
                value.is_some_and(|value| value > 0.0),
                "{figure} of {stage:?}: {profile}"
            );
        }
        assert_eq!(told["share"].is_null(), stage.waits(), "{profile}");
        shares += told["share"].as_f64().unwrap_or_default();
    }
    assert!((shares - 1.0_f64).abs() < 1e-9, "{profile}");
    assert!(profile["batch"].as_f64().unwrap() >= 1.0, "{profile}");
    let found = profile["facts_found"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&found), "{profile}");
}

#[test]
fn a_bench_on_sqlite_tells_every_figure() {
    has_every_figure(Engine::Sqlite, "sqlite");
}

#[test]
fn a_bench_on_postgres_tells_every_figure() {
    has_every_figure(Engine::Postgres, "postgres");
}

/// Twice the capacity: whatever the machine's speed, who is refused is told when to come back, and what waits has its bound. That the
/// accepted are in the log, each once, is looked at by the bench itself: it ends in an error otherwise.
fn holds_under_overload(engine: Engine, name: &str) {
    let folder = Folder::new("hefu-overload-test");
    let mut bench = hefu();
    bench.args(["bench", "--loads", "overload", "--in-flight", "256"]);
    bench.args(["--seconds", "2", "--rounds", "1", "--bulk", "50"]);
    bench.args(["--profile", "--json"]);
    bench.env("TMPDIR", folder.path());
    match engine {
        Engine::Sqlite => bench.args(["--engine", "sqlite"]),
        Engine::Postgres => bench.args(["--engine", "postgres", "--database", &postgres::server()]),
    };
    let output = bench.output().unwrap();
    none_in("what a command prints", &output.stdout);
    none_in("what a command says", &output.stderr);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |figure: &str| {
        let value = told[name][format!("overload_{figure}")].as_f64();
        value.unwrap_or_else(|| panic!("{figure}: {told}"))
    };
    // Anything but RESOURCE_EXHAUSTED is an error of the bench.
    assert!(of("accepted") > 0.0, "{told}");
    // A busy machine may find its capacity to be half of what it is, and then twice of it is no overload.
    let never_full = of("queue_most") < of("queue_bound");
    assert!(of("refused") > 0.0 || never_full, "{told}");
    assert_eq!(of("without_retry_info"), 0.0, "{told}");
    assert!(of("queue_most") > 0.0, "{told}");
    assert!(of("queue_most") <= of("queue_bound"), "{told}");
    for figure in ["offered_per_second", "recovery_ms", "rss_growth_mb"] {
        assert!(of(figure) >= 0.0, "{told}");
    }
}

#[test]
fn overload_on_sqlite_is_refused_and_told() {
    holds_under_overload(Engine::Sqlite, "sqlite");
}

#[test]
fn overload_on_postgres_is_refused_and_told() {
    holds_under_overload(Engine::Postgres, "postgres");
}

#[test]
fn what_cannot_be_measured_is_said_at_once() {
    let refused = |arguments: &[&str]| {
        let output = hefu().arg("bench").args(arguments).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["--seconds", "0"]).contains("--seconds must be"));
    assert!(
        refused(&["--database", "sqlite://x"]).contains("--database names a PostgreSQL server")
    );
    let elsewhere = [
        "--server",
        "http://127.0.0.1:9",
        "--key",
        "k",
        "--clock",
        "127.0.0.1:9",
    ];
    let profiled = refused(&[&elsewhere[..], &["--profile"]].concat());
    assert!(
        profiled.contains("a server that the bench starts itself"),
        "{profiled}"
    );
    assert!(refused(&["--in-flight", "0"]).contains("--in-flight"));
    assert!(refused(&["--grow", "many"]).contains("numbers of vouchers"));
    assert!(refused(&["--keep", "here"]).contains("--grow"));
}

/// Grows what is kept in a folder to these sizes; returns what it told.
fn grow(engine: Engine, folder: &Path, sizes: &str) -> Value {
    let mut bench = hefu();
    bench.args(["bench", "--seconds", "0.2", "--rounds", "1", "--json"]);
    bench.args(["--in-flight", "1,4", "--bulk", "10", "--grow", sizes]);
    bench.arg("--keep").arg(folder.join("kept"));
    match engine {
        Engine::Sqlite => bench.args(["--engine", "sqlite"]),
        Engine::Postgres => bench.args(["--engine", "postgres", "--database", &postgres::server()]),
    };
    let output = bench.output().unwrap();
    none_in("what a command prints", &output.stdout);
    none_in("what a command says", &output.stderr);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What is told of every size.
const OF_A_SIZE: [&str; 14] = [
    "single_4_per_second",
    "bulk_per_second",
    "reads_p99_ms",
    "list_first_per_second",
    "list_half_way_per_second",
    "list_of_school_per_second",
    "sheets_of_school_per_second",
    "find_person_per_second",
    "history_per_second",
    "log_events",
    "bytes_per_voucher",
    "bytes_per_event",
    "keys_bytes",
    "first_write_after_s",
];

fn grows_on_from_where_it_stopped(engine: Engine, name: &str) {
    let folder = Folder::new("hefu-grow-test");
    let number = |figures: &Value, figure: &str| {
        let value = figures[name][figure].as_f64();
        value.unwrap_or_else(|| panic!("{figure}: {figures}"))
    };
    let first = grow(engine, folder.path(), "200");
    let small = &first["grow"][0];
    assert_eq!(small["vouchers"], 200);
    for figure in OF_A_SIZE {
        assert!(number(small, figure) > 0.0, "{figure}: {small}");
    }
    let filled = number(small, "filled");
    assert!((200.0..211.0).contains(&filled), "{small}");
    assert_eq!(number(small, "vouchers_before"), filled);
    // Whatever was measured stands there now, and is not filled in again.
    let stands = number(small, "vouchers_after");
    let larger = stands as u64 + 300;
    let second = grow(engine, folder.path(), &format!("200,{larger}"));
    assert_eq!(second["grow"][0], *small, "a size is measured once");
    let large = &second["grow"][1];
    assert_eq!(large["vouchers"], larger);
    let filled = number(large, "filled");
    assert!((300.0..311.0).contains(&filled), "{large}");
    assert_eq!(number(large, "vouchers_before"), stands + filled);
    assert!(number(large, "bulk_to_smallest") > 0.0);
    holds(engine, &folder.path().join("kept").join(name));
}

/// The kept database's logs verify and replay to its tables.
fn holds(engine: Engine, kept: &Path) {
    let memory = std::fs::read(kept.join("grow.json")).unwrap();
    let memory: Value = serde_json::from_slice(&memory).unwrap();
    let url = match engine {
        Engine::Sqlite => format!("sqlite://{}", kept.join("hefu.db").display()),
        Engine::Postgres => of_database(&postgres::server(), memory["database"].as_str().unwrap()),
    };
    let (code, found) = audit_json(&["replay", "--database", &url]);
    assert_eq!(code, Some(0), "{found}");
}

#[test]
fn a_kept_database_grows_on_sqlite() {
    grows_on_from_where_it_stopped(Engine::Sqlite, "sqlite");
}

#[test]
fn a_kept_database_grows_on_postgres() {
    grows_on_from_where_it_stopped(Engine::Postgres, "postgres");
}
