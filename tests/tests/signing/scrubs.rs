//! What was changed below a checkpoint: no round looks there, and the scrub does.

use hefu_log::leaf_hash;
use hefu_server::Signing;
use hefu_store::TileKey;

use crate::desk::{Desk, HERE};
use crate::on_both;
use crate::restored::{literal, restore};

/// Hashes everything anew, and says what the county's alarm then is.
async fn scrubbed(desk: &mut Desk) -> Option<String> {
    let signing = Signing::start(desk.give_signer()).await.unwrap();
    assert_eq!(desk.alarm(HERE).await, None, "a round sees nothing of it");
    signing.scrub().await.unwrap();
    signing.stop().await;
    desk.alarm(HERE).await
}

on_both! {
    async fn a_log_as_it_was_signed_passes(desk) {
        desk.write(HERE, 300).await;
        desk.signs().await;
        assert_eq!(scrubbed(&mut desk).await, None);
        desk.field.close().await;
    }

    async fn an_old_event_whose_bytes_changed_is_named(desk) {
        desk.write(HERE, 260).await;
        desk.signs().await;
        desk.field.tamper("UPDATE event SET bytes = leaf WHERE region = '140725' AND idx = 3").await;
        let alarm = scrubbed(&mut desk).await.unwrap_or_default();
        assert!(alarm.starts_with("check \"leaf hash\" failed at event 3"), "{alarm}");
    }

    async fn an_old_event_that_was_edited_with_its_leaf_hash_is_named_by_its_tile(desk) {
        desk.write(HERE, 260).await;
        desk.signs().await;
        let mut event = desk.field.store().events(HERE, 0, 40, 1).await.unwrap().remove(0).bytes;
        // Still an event of this place, and one digit of its digest is another.
        let at = event.windows(10).position(|window| window == b"\"digest\":\"").unwrap() + 10;
        event[at] = if event[at] == b'A' { b'B' } else { b'A' };
        let (bytes, leaf) = (literal(&desk, &event), literal(&desk, &leaf_hash(&event).0));
        let sql = format!("UPDATE event SET bytes = {bytes}, leaf = {leaf} WHERE region = '140725' AND idx = 40");
        desk.field.tamper(Box::leak(sql.into_boxed_str())).await;
        let alarm = scrubbed(&mut desk).await.unwrap_or_default();
        assert!(alarm.starts_with("check \"root\" failed at event 40"), "{alarm}");
    }

    async fn an_old_event_that_is_gone_is_named(desk) {
        desk.write(HERE, 260).await;
        desk.signs().await;
        desk.field.tamper("DELETE FROM event WHERE region = '140725' AND idx = 7").await;
        let alarm = scrubbed(&mut desk).await.unwrap_or_default();
        assert!(alarm.starts_with("check \"dense indexes\" failed at event 7"), "{alarm}");
    }

    async fn a_published_tile_that_was_changed_is_found(desk) {
        desk.write(HERE, 260).await;
        desk.signs().await;
        let signing = Signing::start(desk.give_signer()).await.unwrap();
        let key = TileKey { region: HERE.to_owned(), epoch: 0, level: 0, idx: 0 };
        let mut hashes = desk.field.store().tiles(&[key]).await.unwrap().remove(0).hashes;
        hashes[9 * 32] ^= 1;
        let sql = format!("UPDATE tile SET hashes = {} WHERE region = '140725'", literal(&desk, &hashes));
        desk.field.tamper(Box::leak(sql.into_boxed_str())).await;
        signing.scrub().await.unwrap();
        signing.stop().await;
        let alarm = desk.alarm(HERE).await.unwrap_or_default();
        assert!(alarm.starts_with("check \"tile\" failed at event 9"), "{alarm}");
    }

    async fn tiles_that_are_gone_are_made_again(desk) {
        desk.write(HERE, 260).await;
        desk.signs().await;
        let signer = desk.give_signer();
        let signing = Signing::start(signer).await.unwrap();
        desk.field.tamper("DELETE FROM tile").await;
        signing.scrub().await.unwrap();
        signing.stop().await;
        assert_eq!(desk.alarm(HERE).await, None);
        let key = TileKey { region: HERE.to_owned(), epoch: 0, level: 0, idx: 0 };
        assert_eq!(desk.field.store().tiles(&[key]).await.unwrap().len(), 1);
        desk.field.close().await;
    }

    async fn the_epochs_before_an_accepted_fork_are_hashed_too(desk) {
        let backup = desk.field.head(HERE).await;
        desk.write(HERE, 1).await;
        desk.signs().await;
        restore(&desk, &backup).await;
        desk.round().await;
        desk.accept_fork(&HERE.parse().unwrap(), "RESTORED_BACKUP".parse().unwrap()).await.unwrap();
        assert_eq!(scrubbed(&mut desk).await, None);
        desk.field.tamper("UPDATE event SET bytes = leaf WHERE region = '140725' AND epoch = 0 AND idx = 3").await;
        let alarm = scrubbed(&mut desk).await.unwrap_or_default();
        assert!(alarm.starts_with("in epoch 0, check \"leaf hash\" failed at event 3"), "{alarm}");
    }
}
