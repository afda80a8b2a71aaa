//! Tiles and checkpoints: written together, read by place and by size.

use crate::build::*;
use hefu_store::{CheckpointRow, StoreError, TILE_BYTES, TileKey, TileRow};
use hefu_tests::on_both_engines;

fn key(region: &str, level: u8, idx: u64) -> TileKey {
    TileKey {
        region: region.to_owned(),
        epoch: 0,
        level,
        idx,
    }
}

fn tile(region: &str, level: u8, idx: u64, fill: u8) -> TileRow {
    TileRow {
        key: key(region, level, idx),
        hashes: vec![fill; TILE_BYTES],
    }
}

fn checkpoint(region: &str, epoch: u64, size: u64) -> CheckpointRow {
    CheckpointRow {
        region: region.to_owned(),
        epoch,
        size,
        at_ms: 1_700_000_000_000 + size as i64,
        note: format!("demo/{region}/{epoch}\n{size}\n…\n\n— demo …\n"),
    }
}

on_both_engines! {
    async fn a_tile_is_found_by_its_place(store: Store, _place: Place) {
        let tiles = vec![tile(SHOUYANG, 0, 0, 1), tile(SHOUYANG, 1, 0, 2), tile(QIXIAN, 0, 7, 3)];
        store.publish(tiles.clone(), vec![]).await.unwrap();
        let asked = [key(QIXIAN, 0, 7), key(SHOUYANG, 1, 0), key(SHOUYANG, 0, 9), key(PINGYAO, 0, 0)];
        let mut found = store.tiles(&asked).await.unwrap();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!(found, tiles[1..]);
        store.publish(vec![tile(SHOUYANG, 1, 0, 9)], vec![]).await.unwrap();
        assert_eq!(store.tiles(&[key(SHOUYANG, 1, 0)]).await.unwrap(), [tile(SHOUYANG, 1, 0, 9)]);
    }

    async fn checkpoints_are_found_by_size_within_their_epoch(store: Store, _place: Place) {
        let rows: Vec<_> = [3, 10, 700].map(|size| checkpoint(SHOUYANG, 0, size)).into();
        let others = vec![checkpoint(SHOUYANG, 1, 5), checkpoint(QIXIAN, 0, 9)];
        store.publish(vec![], [rows.clone(), others.clone()].concat()).await.unwrap();
        let at_most = async |epoch, size| store.checkpoint(SHOUYANG, epoch, size).await.unwrap();
        assert_eq!(at_most(0, u64::MAX).await.as_ref(), Some(&rows[2]));
        assert_eq!(at_most(0, 699).await.as_ref(), Some(&rows[1]));
        assert_eq!(at_most(0, 2).await, None);
        assert_eq!(at_most(1, u64::MAX).await.as_ref(), Some(&others[0]));
        assert_eq!(store.checkpoints(SHOUYANG, 0, 10, 100).await.unwrap(), rows[1..]);
        assert_eq!(store.checkpoints(SHOUYANG, 0, 0, 1).await.unwrap(), rows[..1]);
        assert_eq!(store.checkpoints(PINGYAO, 0, 0, 100).await.unwrap(), []);
    }

    async fn a_published_checkpoint_is_never_replaced(store: Store, _place: Place) {
        let first = checkpoint(SHOUYANG, 0, 3);
        store.publish(vec![], vec![first.clone()]).await.unwrap();
        let again = CheckpointRow { note: "another".to_owned(), at_ms: 5, ..first.clone() };
        store.publish(vec![], vec![again, checkpoint(SHOUYANG, 0, 4)]).await.unwrap();
        assert_eq!(store.checkpoints(SHOUYANG, 0, 0, 9).await.unwrap(), [first, checkpoint(SHOUYANG, 0, 4)]);
    }

    async fn what_cannot_stand_leaves_nothing_behind(store: Store, _place: Place) {
        let short = TileRow { hashes: vec![1; TILE_BYTES - 1], ..tile(SHOUYANG, 0, 1, 1) };
        let refused = store.publish(vec![tile(SHOUYANG, 0, 0, 1), short], vec![checkpoint(SHOUYANG, 0, 1)]).await;
        assert!(matches!(refused, Err(StoreError::Invalid { table: "tile", .. })), "{refused:?}");
        let nul = CheckpointRow { note: "a\0b".to_owned(), ..checkpoint(SHOUYANG, 0, 1) };
        let refused = store.publish(vec![tile(SHOUYANG, 0, 0, 1)], vec![nul]).await;
        assert!(matches!(refused, Err(StoreError::Invalid { table: "checkpoint", .. })), "{refused:?}");
        assert_eq!(store.tiles(&[key(SHOUYANG, 0, 0)]).await.unwrap(), []);
        assert_eq!(store.checkpoints(SHOUYANG, 0, 0, 9).await.unwrap(), []);
    }
}
