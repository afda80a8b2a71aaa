//! `hefu audit export` as an auditor runs it: from a database and from a server, cut short, and while the log grows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use hefu_engine::{Clock, Source};
use hefu_log::tile::encode_entries;
use hefu_log::{Checkpoint, Note, Receipt, Vkey};
use hefu_server::offline::Offline;
use hefu_server::{RegionTree, Running, Setup, serve};
use hefu_store::Store;
use hefu_tests::cli::hefu;
use hefu_tests::engines::{Folder, Place};
use hefu_tests::on_both_engines;
use hefu_tests::published::Made;
use hefu_wire::v1;

pub(crate) const REGION: &str = "140725";

fn export(from: &[&str], out: &Path) -> Output {
    let mut command = hefu();
    command.args(["audit", "export", "--json"]).args(from);
    command.arg("--out").arg(out).output().unwrap()
}

/// An export that must go well; what it says of each log.
pub(crate) fn exported(from: &[&str], out: &Path) -> Vec<serde_json::Value> {
    let output = export(from, out);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    told["logs"].as_array().unwrap().clone()
}

/// An export that must fail; what it says.
fn refused(from: &[&str], out: &Path) -> String {
    let output = export(from, out);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

/// Every file below a folder, by its path.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

/// The exported checkpoint, read and not verified.
fn checkpoint(out: &Path) -> Checkpoint {
    let note = std::fs::read_to_string(out.join(REGION).join("checkpoint")).unwrap();
    Note::parse(&note).unwrap().text().parse().unwrap()
}

/// The exported events of the office's region are the stored ones, byte for byte, up to the checkpoint.
async fn holds_the_rows(store: &Store, out: &Path) {
    let size = checkpoint(out).size;
    let rows = store.events(REGION, 0, 0, size as u32).await.unwrap();
    let stored: Vec<&[u8]> = rows.iter().map(|row| row.bytes.as_slice()).collect();
    let lines: Vec<u8> = stored
        .iter()
        .flat_map(|bytes| [bytes, b"\n".as_slice()].concat())
        .collect();
    assert!(std::fs::read(out.join(REGION).join("events.jsonl")).unwrap() == lines);
    let found = files(&out.join(REGION).join("tile/entries"));
    let bundles: Vec<Vec<u8>> = stored
        .chunks(256)
        .map(|b| encode_entries(b).unwrap())
        .collect();
    // In path order a full bundle stands before the partial one after it.
    assert!(found.into_values().eq(bundles));
    let csv = std::fs::read_to_string(out.join(REGION).join("events.csv")).unwrap();
    assert_eq!(csv.split_terminator("\r\n").count() as u64, size + 1);
}

pub(crate) async fn server(place: &Place, state: &Folder) -> Running {
    let setup = Setup {
        database: place.url(),
        state: state.path().join("state"),
        listen: ([127, 0, 0, 1], 0).into(),
        deployment: hefu_tests::published::DEPLOYMENT.to_owned(),
        tree: RegionTree::read(None).unwrap(),
        clock: Clock::system(),
        source: Source::System,
        writers: 2,
        witnesses: hefu_server::Witnesses::none(),
        limits: hefu_server::Limits::default(),
    };
    serve(setup).await.unwrap()
}

#[test]
fn a_command_whose_reader_went_away_ends_without_a_word() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = hefu();
    let ended = command.args(["policy", "show"]).stdout(writer).output();
    let ended = ended.unwrap();
    assert_eq!(ended.status.code(), Some(141));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

on_both_engines! {
    async fn an_export_is_the_database_byte_for_byte_and_goes_on_after_a_cut(store: Store, place: Place) {
        let mut made = Made::open(&store, REGION).await;
        made.grow(&store, 9_999).await;
        made.publish(&store, 9_500).await;
        let (url, out) = (place.url(), Folder::new("hefu-export"));
        let from = ["--database", url.as_str()];
        // Killed when a few files are there: what is there has its name, and nothing is signed off.
        let mut command = hefu();
        command.args(["audit", "export"]).args(from).arg("--out").arg(out.path());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let fourth = out.path().join("140725/tile/entries/003");
        while !fourth.exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(fourth.exists());
        assert!(!out.path().join("140725/checkpoint").exists(), "the cut came too late");
        let told = exported(&from, out.path());
        assert!(told[0]["kept"].as_u64().unwrap() >= 4, "{told:?}");
        assert_eq!((told[0]["size"].as_u64(), told[0]["signed"].as_bool()), (Some(9_500), Some(false)));
        holds_the_rows(&store, out.path()).await;
        let fresh = Folder::new("hefu-export");
        exported(&from, fresh.path());
        assert_eq!(files(out.path()), files(fresh.path()));
        // It grew since: only what is new is fetched.
        made.publish(&store, 10_000).await;
        let told = exported(&from, out.path());
        assert!(told[0]["fetched"].as_u64().unwrap() < 10, "{told:?}");
        holds_the_rows(&store, out.path()).await;
        let fresh = Folder::new("hefu-export");
        exported(&from, fresh.path());
        assert_eq!(files(out.path()), files(fresh.path()));
    }

    async fn a_server_and_its_database_export_alike_and_receipts_hold(store: Store, place: Place) {
        store.close().await;
        let state = Folder::new("hefu-export-state");
        let running = server(&place, &state).await;
        running.signing.sign().await.unwrap();
        let (address, url) = (format!("http://{}", running.address), place.url());
        let folder = state.path().join("state");
        let folder = folder.to_str().unwrap();
        let (one, other) = (Folder::new("hefu-export"), Folder::new("hefu-export"));
        let over = tokio::task::spawn_blocking({
            let (address, url, folder) = (address.clone(), url.clone(), folder.to_owned());
            let (one, other) = (one.path().to_owned(), other.path().to_owned());
            move || {
                let from = ["--database", &url, "--state", &folder];
                (exported(&["--server", &address], &one), exported(&from, &other))
            }
        });
        let (by_server, by_database) = over.await.unwrap();
        assert_eq!(by_server, by_database);
        assert_eq!(by_server.len(), 12);
        assert!(by_server.iter().all(|log| log["signed"] == true));
        assert_eq!(files(one.path()), files(other.path()));
        holds_the_rows(running.engine.store(), one.path()).await;
        // A receipt out of the same files holds with the exported keys.
        let receipt = tokio::task::spawn_blocking(move || {
            let mut command = hefu();
            command.args(["audit", "get-receipt", "--region", REGION, "--index", "0"]);
            command.args(["--server", &address]).output().unwrap()
        });
        let receipt = receipt.await.unwrap();
        assert!(receipt.status.success(), "{}", String::from_utf8_lossy(&receipt.stderr));
        let receipt: Receipt = String::from_utf8(receipt.stdout).unwrap().parse().unwrap();
        let keys = std::fs::read_to_string(one.path().join("log.vkey")).unwrap();
        let keys: Vec<Vkey> = keys.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(receipt.verify(&keys).unwrap(), checkpoint(one.path()));
        running.stop().await;
    }

    async fn after_an_accepted_fork_both_epochs_are_exported_and_proven(store: Store, place: Place) {
        store.close().await;
        let state = Folder::new("hefu-export-state");
        let (url, folder) = (place.url(), state.path().join("state"));
        let running = server(&place, &state).await;
        running.signing.sign().await.unwrap();
        running.stop().await;
        let out = Folder::new("hefu-export");
        let from = ["--database", &url, "--state", folder.to_str().unwrap(), "--region", REGION];
        let ended = exported(&from, out.path());
        let store = place.open().await;
        store.set_alarm(REGION, Some("found in a drill")).await.unwrap();
        store.close().await;
        let mut offline = Offline::open(&url, &folder).await.unwrap();
        let reason = "DRILL".parse().unwrap();
        offline.accept_fork(&REGION.parse().unwrap(), reason).await.unwrap();
        offline.close().await;
        // What was exported is the epoch that ended: it is kept, and only the new one is fetched.
        let told = exported(&from, out.path());
        assert_eq!(told.len(), 2);
        assert_eq!((&told[0]["root"], &told[0]["fetched"]), (&ended[0]["root"], &0.into()));
        assert_eq!((&told[1]["epoch"], &told[1]["size"]), (&1.into(), &1.into()));
        let fresh = Folder::new("hefu-export");
        exported(&from, fresh.path());
        assert_eq!(files(out.path()), files(fresh.path()));
        // Either epoch's events are proven, by the files and by the server.
        let running = server(&place, &state).await;
        let client = hefu_scenario::Client::connect(&format!("http://{}", running.address)).await.unwrap();
        let keys = std::fs::read_to_string(out.path().join("log.vkey")).unwrap();
        let keys: Vec<Vkey> = keys.lines().map(|line| line.parse().unwrap()).collect();
        for (epoch, kind) in [(Some(0), "RegionOpened"), (Some(1), "ForkAccepted"), (None, "ForkAccepted")] {
            let asked = v1::GetReceiptRequest {
                parent: format!("regions/{REGION}"),
                of: Some(v1::get_receipt_request::Of::Index(0)),
                epoch,
            };
            let told: v1::GetReceiptResponse = client.call("", "AuditService/GetReceipt", asked).await.unwrap();
            let receipt: Receipt = told.receipts[0].text.parse().unwrap();
            assert_eq!(receipt.verify(&keys).unwrap().origin.epoch(), epoch.unwrap_or(1));
            let event: hefu_log::Opened = hefu_log::Opened::decode(&receipt.entry).unwrap();
            assert_eq!(event.kind, kind);
        }
        running.stop().await;
    }

    async fn an_export_of_a_growing_log_is_whole_at_its_checkpoint(store: Store, place: Place) {
        let mut made = Made::open(&store, REGION).await;
        made.grow(&store, 4_000).await;
        made.publish(&store, 4_001).await;
        let (url, out) = (place.url(), Folder::new("hefu-export"));
        let mut runs = 0;
        for _ in 0..3 {
            let (url, out) = (url.clone(), out.path().to_owned());
            let run = tokio::task::spawn_blocking(move || exported(&["--database", &url], &out));
            while !run.is_finished() {
                made.grow(&store, 37).await;
                made.publish(&store, made.leaves.len() as u64).await;
            }
            let told = run.await.unwrap();
            runs += u32::from(told[0]["size"].as_u64().unwrap() < made.leaves.len() as u64);
        }
        assert!(runs > 0, "nothing was written while an export ran");
        holds_the_rows(&store, out.path()).await;
    }

    async fn what_cannot_be_exported_is_said_plainly(store: Store, place: Place) {
        let mut made = Made::open(&store, REGION).await;
        made.grow(&store, 2_999).await;
        let (url, out) = (place.url(), Folder::new("hefu-export"));
        let from = ["--database", url.as_str()];
        let said = refused(&from, out.path());
        assert!(said.contains("no log is published there yet"), "{said}");
        made.publish(&store, 3_000).await;
        let said = refused(&[&from[..], &["--region", "140726"]].concat(), out.path());
        assert!(said.contains("no log of region 140726 is published"), "{said}");
        let file = out.path().join("a-file");
        std::fs::write(&file, "").unwrap();
        let said = refused(&from, &file.join("below"));
        assert!(said.contains("cannot make the folder"), "{said}");
        let said = refused(&["--server", "http://127.0.0.1:9"], out.path());
        assert!(said.contains("no server answers at http://127.0.0.1:9"), "{said}");
        // A disk on which no file may grow beyond 64 kB.
        let full = "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\"";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", full]).arg(hefu().get_program());
        command.args(["audit", "export"]).args(from).arg("--out").arg(out.path());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot write") && said.contains("too large"), "{said}");
        assert!(!out.path().join("140725/checkpoint").exists());
    }
}
