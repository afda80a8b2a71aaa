//! An operator's command that was killed half-way: called again it finishes, and no origin is used for two logs.

use std::fs;

use hefu_domain::{Event, Region};
use hefu_engine::decode;
use hefu_log::{Frontier, leaf_hash};
use hefu_server::OfflineError;
use hefu_store::Head;

use crate::desk::{Desk, HERE};
use crate::on_both;
use crate::restored::{literal, restore, set_head};

fn here() -> Region {
    HERE.parse().unwrap()
}

/// Accepts the county's fork.
async fn accept(desk: &mut Desk) -> Result<hefu_log::Origin, OfflineError> {
    desk.accept_fork(&here(), "RESTORED_BACKUP".parse().unwrap())
        .await
}

/// A log of which a tail was lost, and whose fork was accepted by a call that was killed when the database had it and the
/// signer's disk had not. Returns the head as the call left it.
async fn killed(desk: &mut Desk) -> Head {
    let backup = desk.field.head(HERE).await;
    desk.write(HERE, 3).await;
    desk.signs().await;
    restore(desk, &backup).await;
    desk.refuses("check \"length\" failed").await;
    let (memory, vkeys) = (desk.memory(HERE), desk.field.state.path().join("log.vkey"));
    let before = (fs::read(&memory).unwrap(), fs::read(&vkeys).unwrap());
    accept(desk).await.unwrap();
    fs::write(memory, before.0).unwrap();
    fs::write(vkeys, before.1).unwrap();
    desk.field
        .tamper("DELETE FROM checkpoint WHERE region = '140725' AND epoch = 1")
        .await;
    desk.restart();
    desk.field.head(HERE).await
}

on_both! {
    async fn a_fork_whose_acceptance_was_killed_half_way_is_finished_by_the_next_call(desk) {
        let left = killed(&mut desk).await;
        // Nobody takes the database's word for it meanwhile.
        desk.refuses("check \"origin\" failed at event 0: the log that was signed last is test.hefu.local/simulated/140725/0").await;
        let origin = accept(&mut desk).await.unwrap();
        assert_eq!(origin.epoch(), 1);
        assert_eq!(desk.field.head(HERE).await, left);
        assert_eq!(desk.checkpoint(HERE).await.origin, origin);
        assert!(matches!(accept(&mut desk).await, Err(OfflineError::NoAlarm(_))));
        desk.restart();
        desk.signs().await;
        desk.field.close().await;
    }

    async fn so_it_is_where_the_memory_is_lost(desk) {
        killed(&mut desk).await;
        fs::remove_file(desk.memory(HERE)).unwrap();
        desk.refuses("check \"signer state\" failed").await;
        assert_eq!(accept(&mut desk).await.unwrap().epoch(), 1);
        desk.restart();
        desk.signs().await;
        desk.field.close().await;
    }

    async fn an_acceptance_that_the_deployment_did_not_write_is_not_finished(desk) {
        let left = killed(&mut desk).await;
        let mut event = desk.field.store().events(HERE, 1, 0, 1).await.unwrap().remove(0).bytes;
        let at = event.windows(10).position(|window| window == b"\"digest\":\"").unwrap() + 10;
        event[at] = if event[at] == b'A' { b'B' } else { b'A' };
        let leaf = leaf_hash(&event);
        let (bytes, hash) = (literal(&desk, &event), literal(&desk, &leaf.0));
        let sql = format!("UPDATE event SET bytes = {bytes}, leaf = {hash} WHERE region = '140725' AND epoch = 1");
        desk.field.tamper(Box::leak(sql.into_boxed_str())).await;
        let mut tree = Frontier::new();
        tree.push(leaf);
        let forged = Head { root: tree.root().0, frontier: tree.to_bytes(), ..left };
        set_head(&desk, &forged).await;
        desk.refuses("check \"origin\" failed").await;
        assert_eq!(accept(&mut desk).await.unwrap().epoch(), 2);
        let first = desk.field.store().events(HERE, 2, 0, 1).await.unwrap().remove(0);
        let Event::ForkAccepted(fork) = decode(&first).unwrap() else { panic!("a fork begins the log") };
        assert_eq!((fork.kept.epoch, fork.kept.size), (1, 1));
        assert_eq!(fork.signed.map(|tree| (tree.epoch, tree.size)), Some((0, 14)));
    }

    async fn an_origin_that_was_signed_once_is_never_begun_again_though_only_its_public_key_is_left(desk) {
        desk.signs().await;
        let backup = desk.field.head(HERE).await;
        fs::remove_file(desk.memory(HERE)).unwrap();
        desk.restart();
        desk.round().await;
        assert_eq!(accept(&mut desk).await.unwrap().epoch(), 1);
        // The database comes back from before the fork, and the memory is lost once more.
        restore(&desk, &backup).await;
        fs::remove_file(desk.memory(HERE)).unwrap();
        desk.refuses("check \"signer state\" failed").await;
        assert_eq!(accept(&mut desk).await.unwrap().epoch(), 2);
        desk.field.close().await;
    }

    async fn a_rotation_killed_when_all_logs_had_its_event_is_finished_and_not_begun_anew(desk) {
        desk.signs().await;
        let memories: Vec<_> = ["140700", HERE, "140727"].map(|region| (desk.memory(region), fs::read(desk.memory(region)).unwrap())).into();
        let (made, logs) = desk.rotate_log_key().await.unwrap();
        assert_eq!(logs, 3);
        // As the kill left them: what the new key signed was not remembered, and so not signed either.
        for (file, text) in &memories {
            fs::write(file, text).unwrap();
        }
        for head in desk.field.store().all_heads().await.unwrap() {
            let sql = format!("DELETE FROM checkpoint WHERE region = '{}' AND size = {}", head.region, head.size);
            desk.field.tamper(Box::leak(sql.into_boxed_str())).await;
        }
        desk.restart();
        let (key, logs) = desk.rotate_log_key().await.unwrap();
        assert_eq!((key, logs), (made, 3));
        desk.signs().await;
        let files = fs::read_dir(desk.field.state.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        assert_eq!(files.filter(|name| name.starts_with("log-") && name.ends_with(".key")).count(), 2, "no third key");
        desk.field.close().await;
    }
}
