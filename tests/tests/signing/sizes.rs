//! Rounds of every size, around the width of a tile and beyond what is held at once.

use hefu_domain::Instant;
use hefu_engine::{Clock, Source};
use hefu_log::{Checkpoint, Frontier, TileBuilder, Vkey};
use hefu_server::Signer;
use hefu_store::{Store, TileKey};
use hefu_tests::engines::Folder;
use hefu_tests::on_both_engines;
use hefu_tests::published::{DEPLOYMENT, Made};
use hefu_token::keys::{self, Use};

use crate::desk::HERE;

/// A signer as a process has it that starts now.
fn signer(store: &Store, state: &Folder) -> Signer {
    let clock = Clock::adjustable(0).0;
    Signer::new(store.clone(), clock, state.path(), DEPLOYMENT).unwrap()
}

/// The checkpoint over all that was made, and every full tile below it, are there.
async fn is_signed(store: &Store, state: &Folder, made: &Made) {
    let row = store.checkpoint(HERE, 0, u64::MAX).await.unwrap().unwrap();
    let text = std::fs::read_to_string(state.path().join("log.vkey")).unwrap();
    let vkeys: Vec<Vkey> = text.lines().map(|line| line.parse().unwrap()).collect();
    let checkpoint = Checkpoint::open(&row.note, &vkeys).unwrap();
    let (mut tree, mut builder, mut tiles) = (Frontier::new(), TileBuilder::new(), Vec::new());
    for leaf in &made.leaves {
        tree.push(*leaf);
        builder.push(*leaf, |tile| tiles.push(tile));
    }
    assert_eq!(
        (checkpoint.size, checkpoint.root),
        (tree.size(), tree.root())
    );
    for tile in tiles {
        let hefu_log::TileKind::Hashes(level) = tile.path().kind() else {
            panic!("{}", tile.path())
        };
        let key = TileKey {
            region: HERE.to_owned(),
            epoch: 0,
            level,
            idx: tile.path().index(),
        };
        let stored = store.tiles(&[key]).await.unwrap();
        assert_eq!(
            stored.first().map(|row| &row.hashes),
            Some(&tile.to_bytes()),
            "{}",
            tile.path()
        );
    }
}

on_both_engines! {
    async fn whatever_a_log_grows_by_in_one_round_is_signed_with_its_tiles(store: Store, _place: Place) {
        let state = Folder::new("hefu-signing");
        keys::new_key(state.path(), Use::Log, &Source::Seeded([6; 32]).draw(&[]), Instant(0)).unwrap();
        let mut made = Made::open(&store, HERE).await;
        let mut one = signer(&store, &state);
        let mut size = 1;
        for (turn, by) in [0, 254, 1, 1, 255, 256, 257, 512, 65_536].into_iter().enumerate() {
            made.grow(&store, by).await;
            if turn % 2 == 1 {
                drop(one);
                one = signer(&store, &state);
            }
            let round = one.round().await.unwrap();
            assert!(round.alarmed.is_empty(), "after {by} events");
            size += by;
            assert_eq!(made.leaves.len() as u64, size);
            is_signed(&store, &state, &made).await;
        }
        assert_eq!(one.round().await.unwrap().published, []);
    }
}
