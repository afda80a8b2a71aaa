//! Forks are accepted, and nothing else makes a log go on that is not what was signed.

use hefu_domain::{Event, Reason, Region};
use hefu_engine::decode;
use hefu_log::Hash;
use hefu_server::{Offline, OfflineError};

use crate::desk::{DEPLOYMENT, Desk, HERE};
use crate::on_both;
use crate::restored::restore;
use crate::support::{recorded, said};

/// What the operator says of it.
fn reason() -> Reason {
    "RESTORED_BACKUP".parse().unwrap()
}

fn here() -> Region {
    HERE.parse().unwrap()
}

/// The first event of the county's log.
async fn first(desk: &Desk) -> Event {
    let epoch = desk.field.head(HERE).await.epoch;
    let events = desk.field.store().events(HERE, epoch, 0, 1).await.unwrap();
    decode(&events[0]).unwrap()
}

on_both! {
    async fn a_restored_backup_is_found_and_goes_on_under_a_new_origin_once_it_is_accepted(desk) {
        let kept_request = desk.field.bystander(HERE);
        recorded(desk.field.one.submit(kept_request.clone().into()).await);
        let backup = desk.field.head(HERE).await;
        desk.write(HERE, 3).await;
        desk.signs().await;
        let signed = desk.checkpoint(HERE).await;
        assert_eq!(desk.in_doubt().await, []);
        restore(&desk, &backup).await;
        // Found by the operator, before any server runs.
        assert_eq!(desk.in_doubt().await, [here()]);
        desk.refuses("check \"length\" failed at event 12: 12 events are left of 15 that were signed").await;

        let accepted = desk.accept_fork(&here(), reason()).await.unwrap();
        assert_eq!(accepted.to_string(), format!("{DEPLOYMENT}/simulated/{HERE}/1"));
        let head = desk.field.head(HERE).await;
        assert_eq!((head.epoch, head.fence, head.size, head.alarm), (1, backup.fence + 1, 1, None));
        let Event::ForkAccepted(fork) = first(&desk).await else { panic!("a fork begins the log") };
        assert_eq!(fork.reason, reason());
        let last = fork.signed.expect("what was signed is remembered");
        assert_eq!((last.epoch, last.size, Hash(last.root.0)), (0, 15, signed.root));
        assert_eq!((fork.kept.epoch, fork.kept.size, fork.kept.root.0), (0, 12, backup.root));
        assert_eq!(desk.checkpoint(HERE).await.origin, accepted);
        assert_eq!(desk.vkeys().len(), 4, "a line for the new origin");

        // Whoever wrote before writes no more; whoever starts now does.
        let reply = desk.field.one.submit(desk.field.bystander(HERE).into()).await;
        assert!(said(&reply).contains("was fenced off"), "{}", said(&reply));
        let engine = desk.field.restarted().await;
        recorded(engine.submit(desk.field.bystander(HERE).into()).await);
        // What was asked for in the old epoch and is still there is not done again.
        let again = recorded(engine.submit(kept_request.into()).await);
        assert_eq!(again.first_index, 11);
        assert_eq!(desk.field.head(HERE).await.size, 2);
        desk.restart();
        desk.signs().await;
        assert_eq!(desk.checkpoint(HERE).await.size, 2);
        desk.field.close().await;
    }

    async fn a_backup_from_before_an_accepted_fork_never_takes_its_origin_again(desk) {
        desk.signs().await;
        let backup = desk.field.head(HERE).await;
        std::fs::remove_file(desk.memory(HERE)).unwrap();
        desk.restart();
        desk.round().await;
        desk.accept_fork(&here(), reason()).await.unwrap();
        assert_eq!(desk.field.head(HERE).await.epoch, 1);
        restore(&desk, &backup).await;
        desk.refuses("check \"origin\" failed at event 0: the log that was signed last is test.hefu.local/simulated/140725/1").await;
        desk.accept_fork(&here(), reason()).await.unwrap();
        let head = desk.field.head(HERE).await;
        assert_eq!((head.epoch, head.size), (2, 1));
        let Event::ForkAccepted(fork) = first(&desk).await else { panic!("a fork begins the log") };
        assert_eq!(fork.signed.map(|tree| (tree.epoch, tree.size)), Some((1, 1)));
        assert_eq!((fork.kept.epoch, fork.kept.root.0), (0, backup.root));
        desk.field.close().await;
    }

    async fn what_was_signed_is_known_by_the_last_checkpoint_where_the_memory_is_lost(desk) {
        desk.signs().await;
        let signed = desk.checkpoint(HERE).await;
        std::fs::remove_file(desk.memory(HERE)).unwrap();
        desk.restart();
        desk.round().await;
        desk.accept_fork(&here(), reason()).await.unwrap();
        let Event::ForkAccepted(fork) = first(&desk).await else { panic!("a fork begins the log") };
        let last = fork.signed.expect("the checkpoint is there");
        assert_eq!((last.size, Hash(last.root.0)), (signed.size, signed.root));
        desk.field.close().await;
    }

    async fn a_log_that_is_not_in_doubt_is_not_forked(desk) {
        desk.signs().await;
        let refused = desk.accept_fork(&here(), reason()).await;
        assert!(matches!(refused, Err(OfflineError::NoAlarm(region)) if region == here()));
        let refused = desk.accept_fork(&"140726".parse().unwrap(), reason()).await;
        assert!(matches!(refused, Err(OfflineError::NotOpen(_))));
        assert_eq!(desk.field.head(HERE).await.epoch, 0);
        desk.field.close().await;
    }

    async fn nobody_works_on_a_deployment_while_its_logs_are_signed(desk) {
        desk.signs().await;
        let store = desk.field.store().clone();
        let taken = Offline::over(store, desk.field.state.path()).await;
        assert!(matches!(taken, Err(OfflineError::Serving(_))));
        desk.field.close().await;
    }

    async fn a_key_that_follows_another_signs_from_the_checkpoint_that_covers_it(desk) {
        desk.signs().await;
        let old = desk.vkeys();
        let (key, logs) = desk.rotate_log_key().await.unwrap();
        assert_eq!(logs, 3);
        let new: Vec<_> = desk.vkeys().into_iter().filter(|vkey| !old.contains(vkey)).collect();
        assert_eq!(new.len(), 3, "a line per log");
        let store = desk.field.store();
        for head in store.all_heads().await.unwrap() {
            let row = store.checkpoint(&head.region, 0, u64::MAX).await.unwrap().unwrap();
            assert_eq!(row.size, head.size);
            hefu_log::Checkpoint::open(&row.note, &new).unwrap();
            assert!(hefu_log::Checkpoint::open(&row.note, &old).is_err(), "the old key signs no more");
            let before = store.checkpoint(&head.region, 0, head.size - 1).await.unwrap().unwrap();
            hefu_log::Checkpoint::open(&before.note, &old).unwrap();
            let last = store.events(&head.region, 0, head.size - 1, 1).await.unwrap().remove(0);
            let Event::LogKeyRotated(rotated) = decode(&last).unwrap() else { panic!("{}", last.kind) };
            assert_eq!((rotated.signed.epoch, rotated.signed.size), (0, head.size - 1));
            for (vkey, signature) in [(&rotated.old, &rotated.by_old), (&rotated.new, &rotated.by_new)] {
                signed_by(vkey, signature, &hefu_domain::event::LogKeyRotated::statement(&rotated.old, &rotated.new, &rotated.signed));
            }
        }
        // The next start signs with it too.
        desk.restart();
        let engine = desk.field.restarted().await;
        recorded(engine.submit(desk.field.bystander(HERE).into()).await);
        desk.signs().await;
        let row = desk.field.store().checkpoint(HERE, 0, u64::MAX).await.unwrap().unwrap();
        hefu_log::Checkpoint::open(&row.note, &new).unwrap();
        let text = std::fs::read_to_string(desk.memory(HERE)).unwrap();
        assert!(text.contains(&key));
        desk.field.close().await;
    }

    async fn a_rotation_that_stopped_half_way_goes_on_with_the_key_that_it_made(desk) {
        desk.signs().await;
        let made = desk.new_log_key();
        desk.restart();
        desk.write(HERE, 1).await;
        desk.signs().await;
        assert_eq!(desk.vkeys().len(), 3, "a key alone signs nothing");
        let (key, logs) = desk.rotate_log_key().await.unwrap();
        assert_eq!((key, logs), (made, 3));
        desk.field.close().await;
    }

    async fn a_log_in_doubt_gets_no_new_key(desk) {
        desk.signs().await;
        desk.field.store().set_alarm(HERE, Some("a doubt")).await.unwrap();
        let refused = desk.rotate_log_key().await;
        assert!(matches!(refused, Err(OfflineError::InDoubt(region)) if region == HERE));
    }
}

/// The signature must be that key's over that text, as any reader of signed notes checks it.
fn signed_by(vkey: &str, signature: &str, text: &str) {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    let vkey: hefu_log::Vkey = vkey.parse().unwrap();
    let bytes = BASE64_STANDARD.decode(signature).unwrap();
    assert_eq!(bytes.len(), 64);
    let line = BASE64_STANDARD.encode([&vkey.id()[..], &bytes].concat());
    let note = format!("{text}\n\u{2014} {} {line}\n", vkey.name());
    let note = hefu_log::Note::parse(&note).unwrap();
    assert_eq!(note.open(std::slice::from_ref(&vkey)).unwrap(), [&vkey]);
}
