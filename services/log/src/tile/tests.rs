use proptest::prelude::*;

use super::*;
use crate::merkle::tests::{leaves, naive_root};
use crate::{
    Frontier, LogError, consistency_proof, inclusion_proof, root_at, verify_consistency,
    verify_inclusion,
};

fn path(kind: TileKind, index: u64, width: u16) -> TilePath {
    TilePath::new(kind, index, width).unwrap()
}

#[test]
fn paths_are_spelt_as_the_specification_spells_them() {
    let cases = [
        (path(TileKind::Hashes(0), 0, 256), "tile/0/000"),
        (
            path(TileKind::Hashes(0), 1_234_067, 256),
            "tile/0/x001/x234/067",
        ),
        (path(TileKind::Hashes(1), 999, 1), "tile/1/999.p/1"),
        (
            path(TileKind::Hashes(63), 1000, 255),
            "tile/63/x001/000.p/255",
        ),
        (
            path(TileKind::Entries, 1_234_067, 8),
            "tile/entries/x001/x234/067.p/8",
        ),
        (
            path(TileKind::Entries, u64::MAX, 256),
            "tile/entries/x018/x446/x744/x073/x709/x551/615",
        ),
    ];
    for (path, text) in cases {
        assert_eq!(path.to_string(), text);
        assert_eq!(text.parse(), Ok(path));
    }
}

#[test]
fn any_other_spelling_of_a_path_is_refused() {
    for text in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/+0/000",
        "tile/64/000",
        "tile/256/000",
        "tile/-1/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/x001",
        "tile/0/xx01/000",
        "tile/0/+01",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "tile/0/000/",
        "tile/8/0/000",
        "tile/data/000",
        "/tile/0/000",
        "tile/entries/x018/x446/x744/x073/x709/x551/616",
        "tile/0/\u{664}\u{664}\u{664}",
    ] {
        assert!(text.parse::<TilePath>().is_err(), "{text}");
    }
}

#[test]
fn a_tile_of_a_log_is_as_wide_as_the_log_makes_it() {
    let width = |kind, index, size| TilePath::in_log(kind, index, size).map(|path| path.width());
    assert_eq!(width(TileKind::Entries, 0, 0), None);
    assert_eq!(width(TileKind::Entries, 0, 255), Some(255));
    assert_eq!(width(TileKind::Entries, 0, 256), Some(256));
    assert_eq!(width(TileKind::Hashes(0), 1, 256), None);
    assert_eq!(width(TileKind::Hashes(1), 0, 255), None);
    assert_eq!(width(TileKind::Hashes(1), 0, 70_000), Some(256));
    assert_eq!(width(TileKind::Hashes(1), 1, 70_000), Some(17));
    assert_eq!(width(TileKind::Hashes(8), 0, u64::MAX), None);
    assert_eq!(width(TileKind::Hashes(0), u64::MAX, u64::MAX), None);
}

#[test]
fn bundles_give_back_what_was_put_in() {
    let events: [&[u8]; 3] = [b"one", b"", &[7; MAX_BYTES]];
    let bundle = encode_entries(&events).unwrap();
    assert_eq!(&bundle[..7], b"\x00\x03one\x00\x00");
    assert_eq!(decode_entries(&bundle, 3).unwrap(), events);
    for (cut, width) in [(1, 1), (4, 1), (bundle.len() - 1, 3)] {
        assert!(decode_entries(&bundle[..cut], width).is_err());
    }
    assert!(decode_entries(&bundle, 2).is_err() && decode_entries(&bundle, 4).is_err());
    assert_eq!(
        encode_entries(&[vec![0; MAX_BYTES + 1]]),
        Err(LogError::TooLarge { bytes: 65_536 })
    );
    assert!(encode_entries::<&[u8]>(&[]).is_err());
    assert!(encode_entries(&[b"x"; 257]).is_err());
}

/// A log of `size` leaves: its builder, and all its tiles.
fn log(size: usize) -> (TileBuilder, TileSet, Vec<Tile>) {
    let mut builder = TileBuilder::new();
    let mut full = Vec::new();
    for leaf in leaves(size) {
        builder.push(leaf, |tile| full.push(tile));
    }
    let set = full.iter().cloned().chain(builder.partial()).collect();
    (builder, set, full)
}

#[test]
fn tiles_hold_the_roots_of_the_subtrees_below_them() {
    let all = leaves(66_000);
    let (builder, set, full) = log(66_000);
    assert_eq!(full.len(), 257 + 1);
    assert!(full.iter().all(|tile| tile.path().is_full()));
    let top = full
        .iter()
        .find(|tile| tile.path().to_string() == "tile/1/000")
        .unwrap();
    assert_eq!(top.hashes()[3], naive_root(&all[3 * 256..4 * 256]));
    assert_eq!(top.root(), naive_root(&all[..65_536]));
    let partial: Vec<_> = builder
        .partial()
        .iter()
        .map(|tile| tile.path().to_string())
        .collect();
    assert_eq!(
        partial,
        ["tile/0/257.p/208", "tile/1/001.p/1", "tile/2/000.p/1"]
    );
    assert_eq!(root_at(66_000, &set).unwrap(), naive_root(&all));
}

#[test]
fn a_builder_picks_up_where_another_left_off() {
    for size in [0, 1, 255, 256, 257, 65_535, 65_536, 65_800] {
        let (builder, set, full) = log(size);
        let partial = builder.partial();
        let mut wanted = TileBuilder::tiles_to_resume(size as u64)
            .unwrap()
            .into_iter();
        let resumed = TileBuilder::resume(size as u64, |path| {
            assert_eq!(wanted.next().as_ref(), Some(path), "named beforehand");
            let at_zero = matches!(path.kind(), TileKind::Hashes(0));
            assert!(
                path.is_full() || at_zero,
                "only full tiles are kept: {path}"
            );
            let tile = full
                .iter()
                .chain(&partial)
                .find(|tile| tile.path() == *path);
            tile.cloned().ok_or(LogError::Tile("not kept"))
        })
        .unwrap();
        assert_eq!(wanted.next(), None, "{size}: no more than is read");
        assert_eq!(resumed.partial(), partial, "{size}");
        assert_eq!(resumed.frontier(), builder.frontier());
        assert_eq!(
            resumed.frontier().unwrap().root(),
            root_at(size as u64, &set).unwrap()
        );
    }
    let liar = |_: &TilePath| Tile::new(0, 9, leaves(3));
    assert!(TileBuilder::resume(3, liar).is_err());
}

#[test]
fn proofs_need_only_the_tiles_that_are_named_beforehand() {
    let size = 66_000;
    let all = leaves(size as usize);
    let (builder, _, full) = log(size as usize);
    let root = naive_root(&all);
    let everything: Vec<Tile> = full.into_iter().chain(builder.partial()).collect();
    let fetched = |paths: Vec<TilePath>| -> TileSet {
        let named = |path: TilePath| {
            everything
                .iter()
                .find(|tile| tile.path() == path)
                .unwrap()
                .clone()
        };
        paths.into_iter().map(named).collect()
    };
    for index in [0, 255, 256, 40_000, 65_535, 65_536, 65_999] {
        let tiles = fetched(tiles_for_inclusion(index, size).unwrap());
        let proof = inclusion_proof(index, size, &tiles).unwrap();
        verify_inclusion(&all[index as usize], index, size, &proof, &root).unwrap();
        let tiles = fetched(tiles_for_consistency(index, size).unwrap());
        let proof = consistency_proof(index, size, &tiles).unwrap();
        let old = naive_root(&all[..index as usize]);
        verify_consistency(index, &old, size, &root, &proof).unwrap();
    }
    assert!(tiles_for_inclusion(size, size).is_err() && tiles_for_consistency(2, 1).is_err());
}

#[test]
fn another_implementation_reads_our_tiles() {
    struct Files(Vec<Tile>);
    impl tlog_tiles::TileReader for Files {
        fn height(&self) -> u8 {
            8
        }
        fn read_tiles(
            &self,
            tiles: &[tlog_tiles::Tile],
        ) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
            let find = |tile: &tlog_tiles::Tile| {
                let named = |ours: &&Tile| {
                    let path = ours.path();
                    path.kind() == TileKind::Hashes(tile.level())
                        && path.index() == tile.level_index()
                        && u32::from(path.width()) == tile.width()
                };
                self.0
                    .iter()
                    .find(named)
                    .expect("every tile of the log is there")
                    .to_bytes()
            };
            Ok(tiles.iter().map(find).collect())
        }
        fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
    }
    let size = 66_000;
    let all = leaves(size as usize);
    let (builder, _, full) = log(size as usize);
    let files = Files(full.into_iter().chain(builder.partial()).collect());
    let root = tlog_tiles::Hash(builder.frontier().unwrap().root().0);
    let reader = tlog_tiles::TileHashReader::new(size, root, &files);
    for index in [0, 40_000, 65_999] {
        let proof = tlog_tiles::prove_record(size, index, &reader).unwrap();
        let leaf = tlog_tiles::Hash(all[index as usize].0);
        tlog_tiles::check_record(&proof, size, root, index, leaf).unwrap();
    }
}

#[test]
fn tile_files_of_the_wrong_length_are_refused() {
    let tile = Tile::new(0, 5, leaves(3)).unwrap();
    let bytes = tile.to_bytes();
    assert_eq!(Tile::from_bytes(&tile.path(), &bytes), Ok(tile.clone()));
    assert!(Tile::from_bytes(&tile.path(), &bytes[1..]).is_err());
    assert!(Tile::from_bytes(&path(TileKind::Hashes(0), 5, 4), &bytes).is_err());
    assert!(Tile::from_bytes(&path(TileKind::Entries, 5, 3), &bytes).is_err());
    assert!(Tile::new(0, 0, leaves(257)).is_err() && Tile::new(0, 0, Vec::new()).is_err());
}

proptest! {
    #[test]
    fn every_path_reads_back_as_itself(level in 0_u8..=63, index: u64, width in 1_u16..=256, entries: bool) {
        let kind = if entries { TileKind::Entries } else { TileKind::Hashes(level) };
        let path = path(kind, index, width);
        prop_assert_eq!(path.to_string().parse(), Ok(path));
    }

    #[test]
    fn no_text_or_bytes_make_reading_panic(text in "(tile/)?(entries|[0-9]{0,3})/?[x0-9./p]{0,20}", bytes: Vec<u8>) {
        if let Ok(path) = text.parse::<TilePath>() {
            prop_assert_eq!(path.to_string(), text);
            let _ = Tile::from_bytes(&path, &bytes);
        }
        let _ = decode_entries(&bytes, bytes.len() as u16);
    }

    #[test]
    fn tiles_and_edge_agree_at_every_size(size in 0_usize..1500) {
        let mut frontier = Frontier::new();
        leaves(size).into_iter().for_each(|leaf| frontier.push(leaf));
        prop_assert_eq!(log(size).0.frontier().unwrap(), frontier);
    }
}
