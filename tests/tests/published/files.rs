//! Every file of a log at the sizes where tiles begin and end, held against hashes that are made here once more.

use hefu_audit::Files as _;
use hefu_log::tile::{TILE_WIDTH, decode_entries};
use hefu_log::{Frontier, Hash, TileKind, TilePath, leaf_hash};
use hefu_server::log_files::{LogFiles, StoreFiles};
use hefu_store::Store;
use hefu_tests::engines::Folder;
use hefu_tests::on_both_engines;
use hefu_tests::published::Made;

const REGION: &str = "140725";
const WIDTH: u64 = TILE_WIDTH as u64;

/// One file, as the auditor's tools read it.
fn read(files: &StoreFiles, path: &str) -> Option<Vec<u8>> {
    files.read(path).unwrap()
}

fn over(store: &Store) -> StoreFiles {
    let runtime = tokio::runtime::Handle::current();
    StoreFiles::new(LogFiles::new(store.clone(), None), runtime)
}

/// The root over some leaves, by nothing but appending.
fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

/// What a tile must hold, from the leaves alone.
fn tile(made: &Made, level: u8, index: u64, width: u64) -> Vec<u8> {
    let leaves = WIDTH.pow(level.into());
    let entry = |entry: u64| {
        let first = (entry * leaves) as usize;
        root(&made.leaves[first..first + leaves as usize])
    };
    let first = index * WIDTH;
    (first..first + width).flat_map(|e| entry(e).0).collect()
}

/// Everything that a log of that published size shows of one tile, and nothing wider.
fn check_tile(files: &StoreFiles, made: &Made, size: u64, level: u8, index: u64) {
    let entries = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
    let entries = entries.saturating_sub(index * WIDTH);
    let there = entries.min(WIDTH);
    for width in [1, 2, 255, 256, there, there.saturating_sub(1), there + 1] {
        let Ok(path) = TilePath::new(TileKind::Hashes(level), index, width as u16) else {
            continue;
        };
        let expected = (width <= there).then(|| tile(made, level, index, width));
        let found = read(files, &format!("{REGION}/{path}"));
        assert_eq!(found, expected, "{path} at size {size}");
    }
}

/// The same of one bundle of entries.
fn check_bundle(files: &StoreFiles, made: &Made, size: u64, index: u64) {
    let there = size.saturating_sub(index * WIDTH).min(WIDTH);
    for width in [1, 255, 256, there, there + 1] {
        let Ok(path) = TilePath::new(TileKind::Entries, index, width as u16) else {
            continue;
        };
        let found = read(files, &format!("{REGION}/{path}"));
        assert_eq!(found.is_some(), width <= there, "{path} at size {size}");
        let Some(bundle) = found else { continue };
        let entries = decode_entries(&bundle, width as u16).unwrap();
        let leaves: Vec<Hash> = entries.iter().map(|bytes| leaf_hash(bytes)).collect();
        let first = (index * WIDTH) as usize;
        assert_eq!(leaves, made.leaves[first..first + width as usize], "{path}");
    }
}

on_both_engines! {
    async fn a_log_shows_what_its_checkpoint_covers_and_nothing_more(store: Store, _place: Place) {
        let mut made = Made::open(&store, REGION).await;
        made.grow(&store, 599).await;
        let files = over(&store);
        assert_eq!(read(&files, "140725/checkpoint"), None);
        assert_eq!(read(&files, "140725/tile/0/000.p/1"), None);
        assert_eq!(read(&files, "140725/tile/entries/000.p/1"), None);
        assert_eq!(read(&files, "regions"), Some(Vec::new()));
        assert_eq!(files.regions().unwrap(), []);
        let mut notes: Vec<String> = Vec::new();
        for size in [0, 1, 255, 256, 257, 511, 512, 600] {
            notes.push(made.publish(&store, size).await);
            let shown = |path: &str| String::from_utf8(read(&files, path).unwrap()).unwrap();
            assert_eq!(shown("140725/checkpoint"), notes[notes.len() - 1]);
            assert_eq!(shown("140725/checkpoints/0"), notes.join("\n"));
            assert_eq!(shown("regions"), format!("140725 0 {size}\n"));
            for index in 0..4 {
                check_tile(&files, &made, size, 0, index);
                check_bundle(&files, &made, size, index);
            }
            for level in [1, 2, 7, 8, 63] {
                check_tile(&files, &made, size, level, 0);
            }
        }
        assert_eq!(files.regions().unwrap(), [REGION.parse().unwrap()]);
    }

    async fn a_log_of_three_levels_shows_all_of_them(store: Store, _place: Place) {
        let size = 256 * 256 + 256 + 3;
        let mut made = Made::open(&store, REGION).await;
        made.grow(&store, size - 1).await;
        made.publish(&store, size).await;
        let files = over(&store);
        for (level, index) in [(2, 0), (1, 0), (1, 1), (0, 0), (0, 255), (0, 256), (0, 257)] {
            check_tile(&files, &made, size, level, index);
        }
        check_bundle(&files, &made, size, 257);
    }

    async fn an_earlier_epoch_stays_where_it_is_said_to_stand(store: Store, _place: Place) {
        let mut made = Made::open(&store, REGION).await;
        made.grow(&store, 319).await;
        let before = made.publish(&store, 300).await;
        let files = over(&store);
        let shown = |path: &str| read(&files, path).map(|file| String::from_utf8(file).unwrap());
        assert_eq!(shown("140725/epoch/0/checkpoint"), None);
        made.fork(&store).await;
        // Nothing of the new log is signed yet: everybody still sees the old one.
        assert_eq!(shown("140725/checkpoint").as_ref(), Some(&before));
        assert_eq!(shown("140725/epoch/0/checkpoint"), None);
        assert_eq!(shown("140725/epoch/1/checkpoint"), None);
        let first = read(&files, "140725/tile/0/000");
        assert_eq!(read(&files, "140725/tile/entries/001.p/64"), None);
        let now = made.publish(&store, 1).await;
        assert_eq!(shown("140725/checkpoint").as_ref(), Some(&now));
        assert_eq!(shown("regions").unwrap(), "140725 1 1\n");
        assert_eq!(shown("140725/epoch/0/checkpoint").as_ref(), Some(&before));
        assert_eq!(shown("140725/epoch/0/checkpoints/0").as_ref(), Some(&before));
        assert_eq!(read(&files, "140725/epoch/0/tile/0/000"), first);
        assert_eq!(read(&files, "140725/tile/0/000"), None);
        // The new log's first event says that it goes on from 320 events, so they are public; what was hashed and signed are 300.
        assert!(read(&files, "140725/epoch/0/tile/entries/001.p/64").is_some());
        assert_eq!(read(&files, "140725/epoch/0/tile/entries/001.p/65"), None);
        assert!(read(&files, "140725/epoch/0/tile/0/001.p/44").is_some());
        assert_eq!(read(&files, "140725/epoch/0/tile/0/001.p/45"), None);
        // One path for each log: the current one has no other name.
        assert_eq!(shown("140725/epoch/1/checkpoint"), None);
        assert_eq!(shown("140725/epoch/2/checkpoint"), None);
    }

    async fn of_a_log_that_was_cut_is_shown_what_is_left(store: Store, _place: Place) {
        // 600 events were signed; a backup brought 280 of them back, and the operator went on from those.
        let mut made = Made::open(&store, REGION).await;
        made.grow(&store, 279).await;
        let mut whole = made.clone();
        let (elsewhere, _other) = hefu_tests::engines::fresh(hefu_tests::engines::Engine::Sqlite).await;
        let mut copy = Made::open(&elsewhere, REGION).await;
        copy.grow(&elsewhere, 599).await;
        whole.leaves = copy.leaves;
        let signed = whole.publish(&store, 600).await;
        made.fork(&store).await;
        made.publish(&store, 1).await;
        let files = over(&store);
        let note = read(&files, "140725/epoch/0/checkpoint").unwrap();
        assert_eq!(String::from_utf8(note).unwrap(), signed);
        assert!(read(&files, "140725/epoch/0/tile/entries/001.p/24").is_some());
        assert_eq!(read(&files, "140725/epoch/0/tile/entries/001.p/25"), None);
        // The full tiles of what is lost are evidence; a partial one cannot be made any more.
        assert!(read(&files, "140725/epoch/0/tile/0/001").is_some());
        assert_eq!(read(&files, "140725/epoch/0/tile/0/002.p/88"), None);
        assert!(read(&files, "140725/epoch/0/tile/1/000.p/2").is_some());
    }

    async fn what_no_log_has_is_no_file(store: Store, _place: Place) {
        let made = Made::open(&store, REGION).await;
        made.publish(&store, 1).await;
        let files = over(&store);
        for path in [
            "", "/", "140725", "140725/", "checkpoint", "log.vkey", "140726/checkpoint",
            "140725/tile/0/000", "140725/tile/0/000.p/0", "140725/tile/0/0", "140725/tile/00/000.p/1",
            "140725/../140725/checkpoint", "140725/checkpoint/", "140725/epoch/0/checkpoint",
            "140725/tile/0/000.p/1/", "140725/tile/entries/001.p/1",
        ] {
            assert_eq!(read(&files, path), None, "{path}");
        }
    }

    async fn a_published_tile_that_is_gone_is_an_error_and_no_missing_file(store: Store, place: Place) {
        let mut made = Made::open(&store, REGION).await;
        made.grow(&store, 299).await;
        made.publish(&store, 300).await;
        hefu_tests::published::forget_tiles(&place).await;
        let files = over(&store);
        let told = files.read("140725/tile/0/000").unwrap_err().to_string();
        assert!(told.contains("tile") && told.contains(REGION), "{told}");
        // What is made from the events is there still.
        assert!(files.read("140725/tile/0/001.p/44").unwrap().is_some());
        assert!(files.read("140725/tile/entries/000").unwrap().is_some());
    }

    async fn the_keys_are_those_of_the_state_folder(store: Store, _place: Place) {
        let state = Folder::new("hefu-keys");
        let keys = state.path().join("log.vkey");
        let runtime = tokio::runtime::Handle::current();
        let files = StoreFiles::new(LogFiles::new(store.clone(), Some(keys.clone())), runtime);
        assert_eq!(read(&files, "log.vkey"), None);
        std::fs::write(&keys, "a key\n").unwrap();
        assert_eq!(read(&files, "log.vkey"), Some(b"a key\n".to_vec()));
        std::fs::remove_file(&keys).unwrap();
        std::fs::create_dir(&keys).unwrap();
        let told = files.read("log.vkey").unwrap_err().to_string();
        assert!(told.contains("log.vkey"), "{told}");
    }

    async fn events_are_read_on_over_epochs(store: Store, _place: Place) {
        let mut made = Made::open(&store, REGION).await;
        made.grow(&store, 3).await;
        made.fork(&store).await;
        made.grow(&store, 2).await;
        let mut found = Vec::new();
        let mut from = (0, 2);
        loop {
            let page = store.events_onwards(REGION, from, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            from = (last.epoch, last.idx + 1);
            found.extend(page.iter().map(|row| (row.epoch, row.idx)));
        }
        assert_eq!(found, [(0, 2), (0, 3), (1, 0), (1, 1), (1, 2)]);
    }
}
