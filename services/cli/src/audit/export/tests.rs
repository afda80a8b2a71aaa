//! Sources that lie, folders that were damaged, and copies that were cut short: none of them is signed off.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use hefu_domain::event::{ForkAccepted, LogTree};
use hefu_log::tile::encode_entries;
use hefu_log::{Envelope, NoteSigner, Origin, TileBuilder};

use super::*;

const REGION: &str = "140725";

/// Files in memory; a path can be made to fail.
#[derive(Default)]
struct Shelf {
    files: BTreeMap<String, Vec<u8>>,
    breaks_at: Option<String>,
    asked: Mutex<Vec<String>>,
    /// What was said to be needed soon and was not asked for yet, and how many files those were at the most.
    expected: Mutex<(Vec<String>, usize)>,
}

impl Files for Shelf {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.asked.lock().unwrap().push(path.to_owned());
        let mut expected = self.expected.lock().unwrap();
        expected.0.retain(|other| other != path);
        drop(expected);
        if self.breaks_at.as_deref() == Some(path) {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "gone"));
        }
        Ok(self.files.get(path).cloned())
    }

    fn expect(&self, path: &str) {
        let (expected, most) = &mut *self.expected.lock().unwrap();
        expected.push(path.to_owned());
        *most = expected.len().max(*most);
    }

    fn regions(&self) -> io::Result<Vec<Region>> {
        Ok(vec![REGION.parse().unwrap()])
    }
}

fn entry(epoch: u64, index: u64) -> Vec<u8> {
    made(epoch, index, "Made, \"up\"", index)
}

/// The first event of a log that goes on from another.
fn fork(epoch: u64, kept: LogTree) -> Vec<u8> {
    let fork = ForkAccepted {
        reason: "BACKUP_RESTORED".parse().unwrap(),
        signed: None,
        kept,
    };
    made(epoch, 0, "ForkAccepted", fork)
}

fn made(epoch: u64, index: u64, kind: &str, body: impl serde::Serialize) -> Vec<u8> {
    let envelope = Envelope {
        region: REGION,
        index,
        at: "2023-05-10T02:00:00.000Z",
        kind,
        stream: "region",
        version: 1,
        prev: None,
        caller: "clerk",
        request: &format!("{epoch}-{index}"),
        digest: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        policy: None,
        body,
    };
    envelope.encode().unwrap().bytes
}

/// So many events, one of them perhaps another one.
fn entries(epoch: u64, size: u64, changed: Option<u64>) -> Vec<Vec<u8>> {
    let of = |index| match changed == Some(index) {
        true => entry(epoch + 7, index),
        false => entry(epoch, index),
    };
    (0..size).map(of).collect()
}

/// The tree of some events, and its tiles.
fn tree(epoch: u64, entries: &[Vec<u8>]) -> (LogTree, Vec<hefu_log::Tile>) {
    let mut builder = TileBuilder::new();
    let mut tiles = Vec::new();
    for bytes in entries {
        builder.push(hefu_log::leaf_hash(bytes), |tile| tiles.push(tile));
    }
    tiles.extend(builder.partial());
    let tree = LogTree {
        epoch,
        size: builder.size(),
        root: hefu_domain::Digest(builder.frontier().unwrap().root().0),
    };
    (tree, tiles)
}

/// Puts bundles of these events on the shelf.
fn put_bundles(shelf: &mut Shelf, prefix: &str, entries: &[Vec<u8>]) {
    for (index, bundle) in (0..).zip(entries.chunks(256)) {
        let width = bundle.len() as u16;
        let path = hefu_log::TilePath::new(hefu_log::TileKind::Entries, index, width).unwrap();
        let at = format!("{prefix}/{path}");
        shelf.files.insert(at, encode_entries(bundle).unwrap());
    }
}

/// Puts the tiles and checkpoint of these events on the shelf.
fn put_signed(shelf: &mut Shelf, prefix: &str, epoch: u64, entries: &[Vec<u8>]) {
    let (tree, tiles) = tree(epoch, entries);
    for tile in tiles {
        let at = format!("{prefix}/{}", tile.path());
        shelf.files.insert(at, tile.to_bytes());
    }
    let origin = Origin::new("test.hefu.local", REGION, epoch).unwrap();
    let signer = NoteSigner::new(&origin.to_string(), &[3; 32]).unwrap();
    let checkpoint = Checkpoint {
        origin,
        size: tree.size,
        root: Hash(tree.root.0),
    };
    let note = checkpoint.sign(&signer).unwrap().to_string().into_bytes();
    shelf
        .files
        .insert(format!("{prefix}/checkpoint"), note.clone());
    shelf.files.insert(format!("{prefix}/checkpoints/0"), note);
    let keys = shelf.files.entry("log.vkey".to_owned()).or_default();
    let line = format!("{}\n", signer.vkey());
    if !String::from_utf8_lossy(keys).contains(&line) {
        keys.extend_from_slice(line.as_bytes());
    }
}

/// Puts a log of that size on the shelf, with one entry made another one.
fn put(shelf: &mut Shelf, prefix: &str, epoch: u64, size: u64, changed: Option<u64>) {
    let entries = entries(epoch, size, changed);
    put_bundles(shelf, prefix, &entries);
    put_signed(shelf, prefix, epoch, &entries);
}

/// A log of 300 signed events that ended with these kept, and the log of five that goes on from them.
fn forked(kept: &[Vec<u8>]) -> Shelf {
    let mut shelf = Shelf::default();
    put_bundles(&mut shelf, "140725/epoch/0", kept);
    put_signed(&mut shelf, "140725/epoch/0", 0, &entries(0, 300, None));
    let mut after = entries(1, 5, None);
    after[0] = fork(1, tree(0, kept).0);
    put_bundles(&mut shelf, REGION, &after);
    put_signed(&mut shelf, REGION, 1, &after);
    shelf
}

fn shelf(size: u64) -> Shelf {
    let mut shelf = Shelf::default();
    put(&mut shelf, REGION, 0, size, None);
    shelf
}

/// A folder that goes when this is dropped.
struct Out(PathBuf);

impl Out {
    fn new() -> Out {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("hefu-export-{}-{next}", std::process::id());
        Out(std::env::temp_dir().join(name))
    }

    fn file(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn export(source: &Shelf, out: &Out) -> Result<Copied, String> {
    export_with(source, out, cfg!(feature = "parquet"))
}

fn export_with(source: &Shelf, out: &Out, parquet: bool) -> Result<Copied, String> {
    let export = Export {
        live: Live::none(),
        out: out.0.clone(),
        region: Vec::new(),
        parquet,
        json: false,
    };
    let exported = all(source, &export).map_err(|error| format!("{error:#}"))?;
    Ok(exported.last().unwrap().copied)
}

/// Every file of the folder that the shelf has too, and whether they are equal.
fn same_as(shelf: &Shelf, out: &Out) -> bool {
    let equal = |(path, bytes): (&String, &Vec<u8>)| {
        std::fs::read(out.file(path)).is_ok_and(|file| file == *bytes)
    };
    shelf.files.iter().all(equal)
}

fn is_there(path: &Path) -> bool {
    path.exists()
}

#[test]
fn an_export_is_the_source_file_by_file_and_its_events_line_by_line() {
    for size in [0, 1, 255, 256, 257, 600] {
        let (shelf, out) = (shelf(size), Out::new());
        export(&shelf, &out).unwrap();
        assert!(same_as(&shelf, &out), "{size}");
        let lines: Vec<Vec<u8>> = (0..size).map(|index| entry(0, index)).collect();
        let jsonl = std::fs::read(out.file("140725/events.jsonl")).unwrap();
        let read: Vec<&[u8]> = jsonl.split(|byte| *byte == b'\n').collect();
        assert_eq!(read[..size as usize], lines[..]);
        assert_eq!(read[size as usize..], [b""]);
        let csv = std::fs::read_to_string(out.file("140725/events.csv")).unwrap();
        assert_eq!(csv.split_terminator("\r\n").count(), size as usize + 1);
        if let Some(first) = csv.split("\r\n").nth(1).filter(|_| size > 0) {
            let leaf = hefu_log::leaf_hash(&lines[0]);
            let expected = format!(
                "0,0,2023-05-10T02:00:00.000Z,\"Made, \"\"up\"\"\",region,1,clerk,0-0,{leaf}"
            );
            assert_eq!(first, expected);
        }
    }
}

#[test]
fn a_second_export_fetches_only_what_is_new_and_leaves_nothing_over() {
    let out = Out::new();
    let first = export(&shelf(300), &out).unwrap();
    assert_eq!((first.fetched, first.kept), (5, 0));
    assert_eq!(export(&shelf(300), &out).unwrap().fetched, 0);
    let grown = shelf(600);
    let second = export(&grown, &out).unwrap();
    // Bundle and tile 0 were there; 1 is full now, 2 and the tile above are new partial ones.
    assert_eq!((second.fetched, second.kept), (5, 2));
    assert!(same_as(&grown, &out));
    assert!(!is_there(&out.file("140725/tile/0/001.p")));
    assert!(!is_there(&out.file("140725/tile/entries/001.p")));
}

#[test]
fn an_interrupted_export_goes_on_where_it_stopped_and_signs_nothing_before() {
    let out = Out::new();
    let mut breaking = shelf(900);
    breaking.breaks_at = Some("140725/tile/entries/002".to_owned());
    let told = export(&breaking, &out).unwrap_err();
    assert!(told.contains("gone"), "{told}");
    assert!(!is_there(&out.file("140725/checkpoint")));
    assert!(!is_there(&out.file("140725/events.jsonl")));
    assert!(!is_there(&out.file("140725/events.jsonl.part")));
    let whole = shelf(900);
    let second = export(&whole, &out).unwrap();
    assert_eq!(second.kept, 4);
    assert!(same_as(&whole, &out));
    // Once signed off, a failing source does not spoil what is there.
    let mut breaking = shelf(1_200);
    breaking.breaks_at = Some("140725/tile/1/000.p/4".to_owned());
    export(&breaking, &out).unwrap_err();
    assert!(same_as(&whole, &out));
}

#[test]
fn whatever_does_not_lead_to_the_checkpoint_is_refused() {
    let spoilt = |spoil: &dyn Fn(&mut Shelf)| {
        let (mut shelf, out) = (shelf(600), Out::new());
        spoil(&mut shelf);
        let told = export(&shelf, &out).unwrap_err();
        assert!(!is_there(&out.file("140725/checkpoint")), "{told}");
        told
    };
    let flip = |path: &'static str| {
        spoilt(&move |shelf| *shelf.files.get_mut(path).unwrap().last_mut().unwrap() ^= 1)
    };
    for (path, said) in [
        (
            "140725/tile/entries/001",
            "tile/0/001 is not what the events hash to",
        ),
        (
            "140725/tile/entries/002.p/88",
            "tile/0/002.p/88 is not what",
        ),
        ("140725/tile/0/000", "tile/0/000 is not what"),
        ("140725/tile/1/000.p/2", "tile/1/000.p/2 is not what"),
    ] {
        let told = flip(path);
        assert!(told.contains(said), "{path}: {told}");
    }
    let told = spoilt(&|shelf| drop(shelf.files.remove("140725/tile/entries/001")));
    assert!(told.contains("tile/entries/001 is not shown"), "{told}");
    let told = spoilt(&|shelf| {
        drop(
            shelf
                .files
                .insert("140725/tile/entries/000".into(), vec![0]),
        )
    });
    assert!(told.contains("no bundle of events"), "{told}");
    // Events and tiles that agree with each other, under the checkpoint of another log of this size.
    let told = spoilt(&|other| {
        let note = other.files["140725/checkpoint"].clone();
        put(other, REGION, 0, 600, Some(3));
        other.files.insert("140725/checkpoint".to_owned(), note);
    });
    assert!(
        told.contains("does not lead to its own checkpoint"),
        "{told}"
    );
    // A signature that is none of the published keys'.
    let told = spoilt(&|shelf| {
        let note = shelf.files.get_mut("140725/checkpoint").unwrap();
        let text = String::from_utf8(note.clone()).unwrap();
        *note = text.replacen("\n600\n", "\n599\n", 1).into_bytes();
    });
    assert!(told.contains("no key of log.vkey signed"), "{told}");
}

#[test]
fn a_log_that_does_not_go_on_from_what_was_exported_is_refused_and_replaces_nothing_of_it() {
    let honest = shelf(300);
    for (changed, said) in [
        (280, "does not go on from what was exported before"),
        (10, "is not what the events hash to"),
    ] {
        let out = Out::new();
        export(&honest, &out).unwrap();
        let mut other = Shelf::default();
        put(&mut other, REGION, 0, 600, Some(changed));
        let told = export(&other, &out).unwrap_err();
        assert!(told.contains(said), "{told}");
        assert!(same_as(&honest, &out), "{changed}");
        // What came of it and is no good does not stand in the way of the log itself.
        let grown = shelf(600);
        export(&grown, &out).unwrap();
        assert!(same_as(&grown, &out), "{changed}");
    }
    let out = Out::new();
    export(&honest, &out).unwrap();
    let told = export(&shelf(299), &out).unwrap_err();
    assert!(
        told.contains("exported with 300 events and is shown with 299"),
        "{told}"
    );
    assert!(same_as(&honest, &out));
}

#[cfg(feature = "parquet")]
#[test]
fn typed_columns_hold_every_epochs_events_and_go_when_they_would_lag_behind() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    let (after, out) = (forked(&entries(0, 320, None)), Out::new());
    export_with(&after, &out, true).unwrap();
    let table = std::fs::File::open(out.file("140725/events.parquet")).unwrap();
    let rows = SerializedFileReader::new(table).unwrap();
    assert_eq!(rows.metadata().file_metadata().num_rows(), 325);
    export_with(&after, &out, false).unwrap();
    assert!(!is_there(&out.file("140725/events.parquet")));
}

#[test]
fn a_build_without_parquet_says_how_to_get_it() {
    for (asked, built_with_it) in [(false, false), (false, true), (true, true)] {
        possible(asked, built_with_it).unwrap();
    }
    let told = possible(true, false).unwrap_err().to_string();
    assert!(
        told.contains("cargo build --release --features parquet"),
        "{told}"
    );
}

#[test]
fn what_is_fetched_ahead_is_needed_and_never_more_than_a_few_files() {
    let (source, out) = (shelf(3_000), Out::new());
    export(&source, &out).unwrap();
    let (unread, most) = source.expected.into_inner().unwrap();
    assert_eq!((unread.len(), most), (0, 8));
    // The last bundle and its tile are new, and nothing else.
    let grown = shelf(3_001);
    export(&grown, &out).unwrap();
    let (unread, most) = grown.expected.into_inner().unwrap();
    assert_eq!((unread.len(), most), (0, 2));
    // Of a log that ended no tile is read that need not be there.
    let after = forked(&entries(0, 1_000, None));
    export(&after, &Out::new()).unwrap();
    assert_eq!(after.expected.into_inner().unwrap(), (Vec::new(), 4));
}

#[test]
fn a_damaged_file_of_an_earlier_export_is_mended() {
    let (whole, out) = (shelf(600), Out::new());
    for damaged in [
        "140725/tile/entries/000",
        "140725/tile/0/001",
        "140725/tile/1/000.p/2",
    ] {
        export(&whole, &out).unwrap();
        std::fs::write(out.file(damaged), b"damaged").unwrap();
        export(&whole, &out).unwrap();
        assert!(same_as(&whole, &out), "{damaged}");
    }
    let csv = std::fs::read_to_string(out.file("140725/events.csv")).unwrap();
    assert_eq!(csv.split_terminator("\r\n").count(), 601);
}

#[test]
fn after_a_fork_the_earlier_epoch_moves_to_its_own_place() {
    let out = Out::new();
    export(&shelf(300), &out).unwrap();
    let after = forked(&entries(0, 300, None));
    let copied = export(&after, &out).unwrap();
    assert_eq!(copied.fetched, 2);
    assert!(same_as(&after, &out));
    let csv = std::fs::read_to_string(out.file("140725/events.csv")).unwrap();
    assert_eq!(csv.split_terminator("\r\n").count(), 306);
    // A source that shows the log which has ended as current.
    let told = export(&shelf(300), &out).unwrap_err();
    assert!(
        told.contains("an epoch never ends without a trace"),
        "{told}"
    );
    assert!(same_as(&after, &out));
}

#[test]
fn a_log_that_ended_is_exported_as_it_was_kept_whether_more_or_fewer_events_than_were_signed() {
    for kept in [
        entries(0, 320, None),
        entries(0, 280, None),
        entries(0, 300, Some(10)),
    ] {
        let (after, out) = (forked(&kept), Out::new());
        export(&after, &out).unwrap();
        assert!(same_as(&after, &out), "{}", kept.len());
        let jsonl = std::fs::read(out.file("140725/events.jsonl")).unwrap();
        let lines: Vec<&[u8]> = jsonl.split(|byte| *byte == b'\n').collect();
        assert_eq!(lines[..kept.len()], kept[..]);
        assert_eq!(lines.len(), kept.len() + 5 + 1);
    }
    // Kept are other events than the new log says.
    let mut lie = forked(&entries(0, 320, None));
    put_bundles(&mut lie, "140725/epoch/0", &entries(0, 320, Some(310)));
    let told = export(&lie, &Out::new()).unwrap_err();
    assert!(
        told.contains("is not what the log after it goes on from"),
        "{told}"
    );
    // A later epoch that says nothing of the one before.
    let mut silent = Shelf::default();
    put(&mut silent, REGION, 1, 5, None);
    let told = export(&silent, &Out::new()).unwrap_err();
    assert!(
        told.contains("does not say which log it goes on from"),
        "{told}"
    );
}

#[test]
fn what_was_exported_of_a_log_is_not_replaced_by_what_a_fork_kept_of_it() {
    for (kept, said) in [
        (
            entries(0, 280, None),
            "exported with 300 events and is shown with 280",
        ),
        (
            entries(0, 300, Some(10)),
            "is not what the log after it goes on from",
        ),
        (
            entries(0, 300, Some(290)),
            "is not what the log after it goes on from",
        ),
    ] {
        let (before, out) = (shelf(300), Out::new());
        export(&before, &out).unwrap();
        let told = export(&forked(&kept), &out).unwrap_err();
        assert!(told.contains(said), "{told}");
        for (path, bytes) in &before.files {
            let now = path.replace("140725/", "140725/epoch/0/");
            if path != "log.vkey" {
                assert_eq!(
                    std::fs::read(out.file(&now)).ok().as_ref(),
                    Some(bytes),
                    "{now}"
                );
            }
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let out = Out::new();
    std::fs::write(&out.0, b"a file").unwrap();
    let told = export(&shelf(1), &out).unwrap_err();
    assert!(told.contains(out.0.to_str().unwrap()), "{told}");
    std::fs::remove_file(&out.0).unwrap();
}
