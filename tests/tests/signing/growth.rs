//! What grows is signed.

use hefu_log::{Hash, TileBuilder, leaf_hash};
use hefu_store::TileKey;

use crate::desk::{DEPLOYMENT, HERE, THERE};
use crate::on_both;
use crate::support::CITY;

on_both! {
    async fn every_log_is_signed_at_its_head_under_its_origin_and_key(desk) {
        desk.signs().await;
        for region in [CITY, HERE, THERE] {
            let head = desk.field.head(region).await;
            let checkpoint = desk.checkpoint(region).await;
            assert_eq!(checkpoint.origin.to_string(), format!("{DEPLOYMENT}/simulated/{region}/0"));
            assert_eq!((checkpoint.size, checkpoint.root), (head.size, Hash(head.root)));
        }
        assert_eq!(desk.vkeys().len(), 3, "a line per log");
        desk.field.close().await;
    }

    async fn a_log_that_did_not_grow_is_not_signed_again(desk) {
        assert_eq!(desk.round().await.published.len(), 3);
        assert_eq!(desk.round().await.published, []);
        desk.write(HERE, 1).await;
        let published = desk.round().await.published;
        assert_eq!(published.len(), 1);
        assert_eq!(published[0].region(), HERE);
        desk.field.close().await;
    }

    async fn the_next_start_goes_on_where_the_last_one_stopped(desk) {
        for events in [1, 3, 250] {
            desk.write(HERE, events).await;
            desk.signs().await;
            desk.restart();
            assert_eq!(desk.round().await.published, [], "nothing was written in between");
        }
        let head = desk.field.head(HERE).await;
        assert_eq!(desk.checkpoint(HERE).await.size, head.size);
        // The tiles are those of the events, whoever stored them when.
        let mut builder = TileBuilder::new();
        let mut tiles = Vec::new();
        for event in desk.field.store().events(HERE, 0, 0, 1_000).await.unwrap() {
            builder.push(leaf_hash(&event.bytes), |tile| tiles.push(tile));
        }
        assert!(!tiles.is_empty());
        for tile in tiles {
            let key = TileKey { region: HERE.to_owned(), epoch: 0, level: 0, idx: tile.path().index() };
            let row = desk.field.store().tiles(&[key]).await.unwrap().remove(0);
            assert_eq!(row.hashes, tile.to_bytes());
        }
        desk.field.close().await;
    }

    async fn two_signers_on_one_state_folder_never_sign_both(desk) {
        desk.signs().await;
        let mut other = hefu_server::Signer::new(
            desk.field.two.store().clone(),
            desk.field.two.clock().clone(),
            desk.field.state.path(),
            DEPLOYMENT,
        ).unwrap();
        desk.write(HERE, 1).await;
        assert!(!other.round().await.unwrap().signs);
        assert!(desk.round().await.signs);
        // The first one's process ends; the other takes over at its next round.
        desk.restart();
        desk.write(HERE, 1).await;
        let round = other.round().await.unwrap();
        assert!(round.signs);
        assert_eq!(round.published.len(), 1);
        assert!(!desk.round().await.signs);
        assert_eq!(desk.checkpoint(HERE).await.size, desk.field.head(HERE).await.size);
        desk.field.close().await;
    }

    async fn a_tree_that_was_kept_and_not_published_is_published_by_the_next_start(desk) {
        desk.signs().await;
        let before = desk.checkpoint(HERE).await;
        desk.write(HERE, 300).await;
        desk.signs().await;
        let size = desk.field.head(HERE).await.size;
        // As after a crash between the two: the memory is on the disk, the transaction never was.
        desk.field.tamper("DELETE FROM checkpoint WHERE region = '140725' AND size > 30").await;
        desk.field.tamper("DELETE FROM tile WHERE region = '140725'").await;
        assert_eq!(desk.checkpoint(HERE).await, before);
        desk.restart();
        desk.signs().await;
        assert_eq!(desk.checkpoint(HERE).await.size, size);
        let key = TileKey { region: HERE.to_owned(), epoch: 0, level: 0, idx: 0 };
        assert_eq!(desk.field.store().tiles(&[key]).await.unwrap().len(), 1);
        desk.field.close().await;
    }

    async fn tiles_that_were_lost_are_made_again_from_the_events(desk) {
        desk.write(HERE, 300).await;
        desk.signs().await;
        desk.field.tamper("DELETE FROM tile").await;
        desk.restart();
        desk.write(HERE, 1).await;
        desk.signs().await;
        let key = TileKey { region: HERE.to_owned(), epoch: 0, level: 0, idx: 0 };
        assert_eq!(desk.field.store().tiles(&[key]).await.unwrap().len(), 1);
        desk.field.close().await;
    }
}
