//! Exports before judges that we did not write: `tlog_tiles` and `signed_note` as a reader in Rust, and a Python
//! program with pymerkle. None of them imports anything of ours.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod made;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use hefu_log::{Hash, TileBuilder, TileSet, inclusion_proof, leaf_hash};

use made::*;

const SIZES: [usize; 7] = [0, 1, 2, 255, 256, 257, 70_000];

/// An export of a county's log of that size.
fn export(name: &str, size: usize) -> (History, PathBuf) {
    let (history, dir) = (History::county(size), folder(&format!("{name}-{size}")));
    history.write(&dir, &signer(COUNTY, 0, 1));
    (history, dir)
}

/// Events whose place in the tree differs in kind: first and last, at and around the edges of tiles.
fn places(size: usize) -> Vec<u64> {
    let mut places = vec![
        0,
        1,
        127,
        128,
        254,
        255,
        256,
        size / 2,
        65_535,
        65_536,
        size.saturating_sub(1),
    ];
    places.retain(|place| *place < size);
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(|place| place as u64).collect()
}

/// A folder as `tlog_tiles` reads it.
struct Folder(PathBuf);

impl tlog_tiles::TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            let path = self.0.join(tile_path(tile));
            Ok(fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        };
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

/// Their own spelling of a tile's path has the height in it, as Go's checksum database has: tile/8/<L>/<N>.
fn tile_path(tile: &tlog_tiles::Tile) -> String {
    tile.path().replacen("tile/8/", "tile/", 1)
}

#[test]
fn a_reader_in_rust_that_is_not_ours_accepts_every_size() {
    for size in SIZES {
        let (history, dir) = export("tlog", size);
        let note = fs::read(dir.join("checkpoint")).unwrap();
        let vkey = signer(COUNTY, 0, 1).vkey().to_string();
        let verifier = signed_note::StandardVerifier::new(&vkey).unwrap();
        let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
        let theirs = signed_note::Note::from_bytes(&note).unwrap();
        let (signed, _) = theirs.verify(&known).unwrap();
        assert_eq!(signed.len(), 1);
        let checkpoint = tlog_tiles::Checkpoint::from_bytes(theirs.text()).unwrap();
        assert_eq!(
            (checkpoint.size(), checkpoint.hash().0),
            (size as u64, history.root().0)
        );
        let files = Folder(dir);
        let reader = tlog_tiles::TileHashReader::new(checkpoint.size(), *checkpoint.hash(), &files);
        for index in places(size) {
            let proof = tlog_tiles::prove_record(size as u64, index, &reader).unwrap();
            let leaf = tlog_tiles::record_hash(&history.entries[index as usize]);
            tlog_tiles::check_record(&proof, size as u64, *checkpoint.hash(), index, leaf).unwrap();
        }
    }
}

#[test]
fn a_judge_in_python_accepts_every_size() {
    for size in SIZES {
        let (history, dir) = export("python", size);
        let said = judge(&dir, &proofs(&history));
        assert_eq!(
            said,
            Ok(format!(
                "size {size}: root and {} proofs hold",
                places(size).len()
            ))
        );
    }
}

#[test]
fn a_judge_in_python_refuses_what_is_not_so() {
    let (history, dir) = export("python-lie", 257);
    let honest = proofs(&history);
    let lie = honest.replacen('a', "b", 1);
    assert_ne!(lie, honest);
    assert!(judge(&dir, &lie).is_err_and(|said| said.contains("another proof")));
    let mut entries = fs::read(dir.join("tile/entries/000")).unwrap();
    entries[50] ^= 1;
    put(&dir, "tile/entries/000", &entries);
    assert!(judge(&dir, &honest).is_err_and(|said| said.contains("not of these entries")));
}

/// Our inclusion proofs, as the judge reads them.
fn proofs(history: &History) -> String {
    let leaves: Vec<Hash> = history
        .entries
        .iter()
        .map(|entry| leaf_hash(entry))
        .collect();
    let (mut builder, mut tiles) = (TileBuilder::new(), TileSet::new());
    for leaf in leaves {
        builder.push(leaf, |tile| tiles.insert(tile));
    }
    builder
        .partial()
        .into_iter()
        .for_each(|tile| tiles.insert(tile));
    let hex = |hash: &Hash| {
        hash.0
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let proofs: Vec<_> = places(history.entries.len())
        .into_iter()
        .map(|index| {
            let proof = inclusion_proof(index, history.size(), &tiles).unwrap();
            serde_json::json!({"index": index, "proof": proof.iter().map(hex).collect::<Vec<_>>()})
        })
        .collect();
    serde_json::to_string(&proofs).unwrap()
}

/// What the judge says: its line, or why it refuses.
fn judge(log: &Path, proofs: &str) -> Result<String, String> {
    let mut judge = Command::new(python())
        .arg(foreign("judge.py"))
        .arg(log)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses the files never asks for the proofs.
    let _ = judge.stdin.take().unwrap().write_all(proofs.as_bytes());
    let said = judge.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if said.status.success() {
        Ok(text(&said.stdout))
    } else {
        Err(text(&said.stderr))
    }
}

fn foreign(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/foreign")
        .join(file)
}

/// The Python of a virtual environment under the target folder in which the judge's packages are; made when it is not
/// there. Tests run as processes of their own too, so a lock lets one of them make it.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign-python");
        let ready = venv.join("ready");
        let wanted = fs::read_to_string(foreign("requirements.txt")).unwrap();
        let python = venv.join("bin/python");
        let lock = fs::File::create(venv.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        if fs::read_to_string(&ready).is_ok_and(|had| had == wanted) {
            return python;
        }
        let _ = fs::remove_dir_all(&venv);
        const NEEDED: &str = "this test needs python3 (3.11 or newer) with venv and pip, and a package registry: \
                              apt-get install python3 python3-venv";
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&venv), NEEDED);
        let install = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r"];
        succeeds(Command::new(&python).args(install).arg(foreign("requirements.txt")), NEEDED);
        fs::write(&ready, wanted).unwrap();
        python
    })
}

fn succeeds(command: &mut Command, needed: &str) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{needed}\n{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("{needed}\n{error}"),
    }
}
