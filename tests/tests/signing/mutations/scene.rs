//! The log that is falsified, in its database and in a copy, and the command that is asked about it.

use std::path::Path;

use hefu_log::tile::{decode_entries, encode_entries};
use hefu_log::{Frontier, TileBuilder, TileKind, TilePath, leaf_hash};
use hefu_store::{EventRow, Head};
use hefu_tests::cli::{audit_json, audit_text};
use hefu_tests::engines::Folder;
use serde_json::Value;

use super::{APPLIED, Fit, ISSUED};
use crate::desk::{Desk, HERE};
use crate::restored::{literal, set_head};
use crate::support::recorded;

/// Tables of which a mutation may change a row.
const TABLES: [&str; 7] = [
    "event",
    "tile",
    "checkpoint",
    "head",
    "voucher",
    "account",
    "nullifier",
];

/// A county's signed log of more than a bundle, an export of it, and the keys that an auditor noted down long ago.
pub(crate) struct Scene {
    pub(crate) desk: Desk,
    pub(crate) rows: Vec<EventRow>,
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) copies: Folder,
    pub(crate) keys: String,
    pub(crate) state: String,
}

impl Scene {
    pub(crate) async fn new(mut desk: Desk) -> Scene {
        let (voucher, _) = desk.field.applied(HERE).await;
        recorded(
            desk.field
                .one
                .submit(desk.field.issue(HERE, voucher).into())
                .await,
        );
        let many = (0..265)
            .map(|_| desk.field.bystander(HERE).into())
            .collect();
        for reply in desk.field.in_one_batch(many).await {
            recorded(reply);
        }
        desk.signs().await;
        let copies = Folder::new("hefu-mutations");
        let keys = copies.path().join("keys");
        let state = desk.field.state.path();
        std::fs::copy(state.join("log.vkey"), &keys).unwrap();
        let state = state.to_str().unwrap().to_owned();
        for table in TABLES {
            let kept = format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}");
            desk.field.tamper(leak(kept)).await;
        }
        let rows = desk.field.store().events(HERE, 0, 0, 1_000).await.unwrap();
        let log: Vec<Vec<u8>> = rows.iter().map(|row| row.bytes.clone()).collect();
        assert_eq!(
            (&*rows[APPLIED].kind, &*rows[ISSUED].kind),
            ("Applied", "Issued")
        );
        let keys = keys.to_str().unwrap().to_owned();
        let scene = Scene {
            desk,
            rows,
            log,
            copies,
            keys,
            state,
        };
        scene.export("good");
        scene
    }

    pub(crate) fn size(&self) -> u64 {
        self.log.len() as u64
    }

    pub(crate) fn copy(&self, name: &str) -> String {
        self.copies.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn url(&self) -> String {
        self.desk.field.place.url()
    }

    /// Copies the logs as they stand.
    pub(crate) fn export(&self, name: &str) {
        let (url, out) = (self.url(), self.copy(name));
        let from = [
            "export",
            "--database",
            &url,
            "--state",
            &self.state,
            "--out",
            &out,
        ];
        let (code, said) = audit_text(&from);
        assert_eq!(code, Some(0), "{said}");
    }

    /// What `hefu audit verify` finds wrong, as JSON and in words, with these arguments besides.
    pub(crate) fn fails(&self, source: &[&str], what: &str, check: &str, index: u64) {
        let ask = [&["verify"], source, &["--vkey", &self.keys]].concat();
        let (code, report) = audit_json(&ask);
        assert_eq!(
            (code, &report["verified"]),
            (Some(1), &Value::Bool(false)),
            "{what}: {report}"
        );
        let failure = &report["failure"];
        let found = (&failure["region"], &failure["check"], &failure["index"]);
        assert_eq!(
            found,
            (&HERE.into(), &check.into(), &index.into()),
            "{what}: {report}"
        );
        let (code, said) = audit_text(&ask);
        let words = format!("event {index}: the check of \"{check}\" failed; ");
        assert!(code == Some(1) && said.contains(&words), "{what}: {said}");
    }

    pub(crate) fn database_fails(&self, what: &str, check: &str, index: u64) {
        let url = self.url();
        self.fails(
            &["--database", &url, "--state", &self.state],
            what,
            check,
            index,
        );
    }

    pub(crate) fn copy_fails(&self, name: &str, check: &str, index: u64) {
        self.fails(&["--dir", &self.copy(name)], name, check, index);
    }

    /// Exit code and JSON of a command over the database.
    pub(crate) fn database(&self, command: &[&str]) -> (Option<i32>, Value) {
        let url = self.url();
        audit_json(&[command, &["--database", &url]].concat())
    }

    /// Exit code and report of a verification of the database.
    pub(crate) fn verified(&self, more: &[&str]) -> (Option<i32>, Value) {
        self.database(
            &[
                &["verify", "--state", &self.state, "--vkey", &self.keys],
                more,
            ]
            .concat(),
        )
    }

    pub(crate) async fn tamper(&self, sql: String) {
        self.desk.field.tamper(leak(sql)).await;
    }

    /// Puts all rows back.
    pub(crate) async fn undo(&self) {
        for table in TABLES {
            self.tamper(format!("DELETE FROM {table}")).await;
            self.tamper(format!("INSERT INTO {table} SELECT * FROM kept_{table}"))
                .await;
        }
    }

    pub(crate) fn hex(&self, bytes: &[u8]) -> String {
        literal(&self.desk, bytes)
    }

    /// Makes the county's rows say this.
    pub(crate) async fn write_rows(&self, log: &[Vec<u8>], fit: Fit) {
        let size = log.len();
        self.tamper(format!(
            "DELETE FROM event WHERE region = '{HERE}' AND idx >= {size}"
        ))
        .await;
        for added in self.log.len()..size {
            self.tamper(format!(
                "INSERT INTO event SELECT region, epoch, {added}, kind, stream, version, NULL, request, ordinal, digest, at_ms, leaf, bytes \
                 FROM event WHERE region = '{HERE}' AND idx = 20"
            ))
            .await;
        }
        let changed = (0..size).filter(|at| self.log.get(*at) != Some(&log[*at]));
        let changed: Vec<usize> = changed.collect();
        let mut columns = Vec::new();
        if !changed.is_empty() {
            let case = |column: &str, value: &dyn Fn(&[u8]) -> Vec<u8>| {
                let whens = changed
                    .iter()
                    .map(|at| format!("WHEN {at} THEN {}", self.hex(&value(&log[*at]))));
                format!(
                    "{column} = CASE idx {} ELSE {column} END",
                    whens.collect::<Vec<_>>().join(" ")
                )
            };
            columns.push(case("bytes", &|event| event.to_vec()));
            if fit == Fit::All {
                columns.push(case("leaf", &|event| leaf_hash(event).0.to_vec()));
            }
            self.tamper(format!(
                "UPDATE event SET {} WHERE region = '{HERE}'",
                columns.join(", ")
            ))
            .await;
        }
        if fit == Fit::All {
            let mut tiles = TileBuilder::new();
            let mut full = Vec::new();
            log.iter()
                .for_each(|event| tiles.push(leaf_hash(event), |tile| full.push(tile)));
            // Of a log that was cut below it the full tile stays: it would be missed sooner than the events.
            if let Some(tile) = full.first() {
                let hashes = self.hex(&tile.to_bytes());
                self.tamper(format!(
                    "UPDATE tile SET hashes = {hashes} WHERE region = '{HERE}'"
                ))
                .await;
            }
            let edge = frontier(log);
            let head = Head {
                size: edge.size(),
                root: edge.root().0,
                frontier: edge.to_bytes(),
                ..self.desk.field.head(HERE).await
            };
            set_head(&self.desk, &head).await;
        }
    }

    /// Makes a copy of the export whose files of the county say this.
    pub(crate) fn write_files(&self, name: &str, log: &[Vec<u8>], fit: Fit) {
        copy_folder(
            &self.copies.path().join("good"),
            &self.copies.path().join(name),
        );
        let folder = self.copies.path().join(name).join(HERE);
        let put = |path: TilePath, bytes: &[u8]| {
            let path = folder.join(path.to_string());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        // The names stay, since they follow from the checkpoint's size.
        let (first, rest) = log.split_at(log.len().min(256));
        let size = self.size();
        for (number, entries) in [first, rest].into_iter().enumerate() {
            let path = TilePath::in_log(TileKind::Entries, number as u64, size).unwrap();
            put(path, &encode_entries(entries).unwrap_or_default());
        }
        if fit == Fit::All {
            let mut tiles = TileBuilder::new();
            log.iter().for_each(|event| {
                tiles.push(leaf_hash(event), |tile| put(tile.path(), &tile.to_bytes()))
            });
            tiles
                .partial()
                .iter()
                .for_each(|tile| put(tile.path(), &tile.to_bytes()));
        }
    }
}

fn leak(sql: String) -> &'static str {
    Box::leak(sql.into_boxed_str())
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_folder(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// The export's events of the county.
pub(crate) fn exported(folder: &Path) -> Vec<Vec<u8>> {
    let text = std::fs::read(folder.join(HERE).join("tile/entries/000")).unwrap();
    decode_entries(&text, 256)
        .unwrap()
        .into_iter()
        .map(<[u8]>::to_vec)
        .collect()
}

pub(crate) fn frontier(log: &[Vec<u8>]) -> Frontier {
    let mut frontier = Frontier::new();
    log.iter().for_each(|event| frontier.push(leaf_hash(event)));
    frontier
}
