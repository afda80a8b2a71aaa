//! Event rows that belong to no log: left of a tail that was lost, or put there by somebody. No log is signed over them, none
//! goes on beside them, and whoever checks finds them.

use hefu_engine::verify;
use hefu_server::{OfflineError, Signing};

use crate::desk::{Desk, HERE};
use crate::on_both;
use crate::restored::{restore, set_head};

/// Somebody puts a copy of the county's event 5 where no log has one.
async fn put(desk: &Desk, epoch: u64, index: u64) {
    let sql = format!(
        "INSERT INTO event SELECT region, {epoch}, {index}, kind, stream, version, NULL, 'stray', 0, digest, at_ms, leaf, bytes FROM event WHERE region = '{HERE}' AND epoch = 0 AND idx = 5"
    );
    desk.field.tamper(Box::leak(sql.into_boxed_str())).await;
}

/// What the county's alarm says when everything was hashed anew.
async fn scrubbed(desk: &mut Desk) -> String {
    let signing = Signing::start(desk.give_signer()).await.unwrap();
    signing.scrub().await.unwrap();
    signing.stop().await;
    desk.alarm(HERE).await.unwrap_or_default()
}

async fn replays(desk: &Desk) -> bool {
    let mut snapshot = desk.field.store().snapshot().await.unwrap();
    let found = verify(&mut snapshot, |_, _| ()).await.unwrap();
    found.log_verified
}

/// The county's log loses what was written since, and the fork is accepted.
async fn fork(desk: &mut Desk) {
    let backup = desk.field.head(HERE).await;
    desk.write(HERE, 3).await;
    desk.signs().await;
    restore(desk, &backup).await;
    desk.refuses("check \"length\" failed").await;
    let reason = "RESTORED_BACKUP".parse().unwrap();
    let accepted = desk.accept_fork(&HERE.parse().unwrap(), reason).await;
    assert_eq!(accepted.unwrap().epoch(), 1);
}

on_both! {
    async fn a_row_beyond_a_log_that_stands_still_is_found_by_the_scrub(desk) {
        desk.signs().await;
        put(&desk, 0, 11).await;
        assert!(!replays(&desk).await);
        let alarm = scrubbed(&mut desk).await;
        assert!(alarm.starts_with("check \"end of log\" failed at event 11"), "{alarm}");
    }

    async fn a_row_of_a_later_epoch_is_found_by_the_scrub(desk) {
        desk.signs().await;
        put(&desk, 3, 0).await;
        let alarm = scrubbed(&mut desk).await;
        assert!(alarm.starts_with("in epoch 3, check \"end of log\" failed at event 0"), "{alarm}");
    }

    async fn a_row_beyond_what_a_fork_kept_is_found_by_the_scrub_and_the_replay(desk) {
        fork(&mut desk).await;
        assert_eq!(scrubbed(&mut desk).await, "");
        assert!(replays(&desk).await);
        put(&desk, 0, 40).await;
        assert!(!replays(&desk).await);
        let alarm = scrubbed(&mut desk).await;
        assert!(alarm.starts_with("in epoch 0, check \"end of log\" failed at event 40"), "{alarm}");
    }

    async fn no_log_goes_on_while_rows_of_its_lost_tail_are_there(desk) {
        let backup = desk.field.head(HERE).await;
        desk.write(HERE, 3).await;
        desk.signs().await;
        // A half-done restore: the head is the backup's, the events are not.
        set_head(&desk, &backup).await;
        desk.refuses("check \"length\" failed at event 11").await;
        let (here, reason) = (HERE.parse().unwrap(), "RESTORED_BACKUP".parse().unwrap());
        let refused = desk.accept_fork(&here, reason).await.unwrap_err();
        assert!(matches!(&refused, OfflineError::Strays { stray, .. } if (stray.epoch, stray.index) == (0, 11)), "{refused}");
        assert!(refused.to_string().contains("DELETE FROM event WHERE region = '140725' AND (epoch, idx) >= (0, 11)"), "{refused}");
        let head = desk.field.head(HERE).await;
        assert_eq!((head.epoch, head.size), (0, 11));
        assert!(head.alarm.is_some(), "it stays in doubt");
        restore(&desk, &head).await;
        desk.restart();
        desk.round().await;
        desk.accept_fork(&here, "RESTORED_BACKUP".parse().unwrap()).await.unwrap();
        desk.signs().await;
        desk.field.close().await;
    }
}
