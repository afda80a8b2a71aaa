//! What somebody does to a log with the database in hand, and what the signer then says.

use std::fs;

use hefu_engine::verify;
use hefu_log::{Frontier, leaf_hash};
use hefu_store::Head;

use crate::desk::{Desk, HERE};
use crate::on_both;
use crate::restored::set_head;

/// Statements by which an event that no checkpoint covers yet is made another one, and what is then found. Eleven events were signed;
/// three more follow.
const SINCE: [(&[&str], &str); 6] = [
    (
        &["UPDATE event SET bytes = leaf WHERE region = '140725' AND idx = 12"],
        "check \"leaf hash\" failed at event 12: its bytes were changed",
    ),
    (
        &["UPDATE event SET bytes = leaf, leaf = digest WHERE region = '140725' AND idx = 12"],
        "check \"leaf hash\" failed at event 12: its bytes were changed",
    ),
    (
        &["DELETE FROM event WHERE region = '140725' AND idx = 12"],
        "check \"dense indexes\" failed at event 12: it is missing",
    ),
    (
        &["DELETE FROM event WHERE region = '140725' AND idx = 13"],
        "check \"dense indexes\" failed at event 13: it is missing",
    ),
    (
        &[
            "UPDATE event SET idx = 99 WHERE region = '140725' AND idx = 11",
            "UPDATE event SET idx = 11 WHERE region = '140725' AND idx = 12",
            "UPDATE event SET idx = 12 WHERE region = '140725' AND idx = 99",
        ],
        "check \"place\" failed at event 11: its bytes belong somewhere else",
    ),
    (
        &[
            "INSERT INTO event SELECT region, epoch, 14, kind, stream, version, NULL, request, ordinal, digest, at_ms, leaf, bytes FROM event WHERE region = '140725' AND idx = 13",
        ],
        "check \"end of log\" failed at event 14: it stands beyond the log's end",
    ),
];

on_both! {
    async fn whatever_is_done_to_an_event_since_the_last_checkpoint_is_found(desk) {
        let kind = desk.field.place.engine();
        for (statements, found) in SINCE {
            desk = Desk::open(kind).await;
            desk.signs().await;
            assert_eq!(desk.field.head(HERE).await.size, 11);
            desk.write(HERE, 3).await;
            for sql in statements {
                desk.field.tamper(sql).await;
            }
            desk.refuses(found).await;
            assert_eq!(desk.checkpoint(HERE).await.size, 11, "nothing of it was signed");
        }
    }

    async fn a_log_cut_off_below_what_was_signed_is_found(desk) {
        desk.write(HERE, 3).await;
        desk.signs().await;
        desk.field.tamper("DELETE FROM event WHERE region = '140725' AND idx >= 12").await;
        rehash(&desk).await;
        desk.refuses("check \"length\" failed at event 12: 12 events are left of 14 that were signed").await;
        desk.restart();
        desk.round().await;
        assert!(desk.alarm(HERE).await.is_some(), "it stays so over a start");
    }

    async fn a_log_that_was_chained_anew_without_the_key_is_found(desk) {
        desk.write(HERE, 3).await;
        desk.signs().await;
        desk.write(HERE, 2).await;
        rechain(&desk, 5).await;
        desk.refuses("check \"root\" failed at event 14").await;
    }

    async fn a_root_that_was_changed_under_a_log_that_stood_still_is_found(desk) {
        desk.signs().await;
        rechain(&desk, 5).await;
        desk.refuses("check \"root\" failed at event 0").await;
    }

    async fn a_voucher_or_a_fund_that_the_log_says_nothing_of_is_found_by_the_replay(desk) {
        let (voucher, _) = desk.field.applied(HERE).await;
        desk.signs().await;
        desk.field.tamper("UPDATE voucher SET body = replace(body, 'general', 'enterprise_staff'), state = 'issued'").await;
        desk.field.tamper("UPDATE account SET body = replace(body, '\"available\":100000', '\"available\":900000') WHERE region = '140725'").await;
        // No event was touched, so there is nothing that the signer could refuse.
        desk.signs().await;
        let mut snapshot = desk.field.store().snapshot().await.unwrap();
        let mut found = verify(&mut snapshot, |_, _| ()).await.unwrap().failed;
        found.sort();
        assert_eq!(found, [
            "region 140725: account/2023/city is not what the log says".to_owned(),
            format!("region 140725: voucher/{voucher} is not what the log says"),
        ]);
    }

    async fn a_lost_memory_is_no_fresh_start(desk) {
        desk.signs().await;
        fs::remove_file(desk.memory(HERE)).unwrap();
        desk.restart();
        desk.refuses("check \"signer state\" failed at event 0: the log was signed before").await;
        // Whoever takes the alarm off changes nothing.
        desk.field.store().set_alarm(HERE, None).await.unwrap();
        desk.refuses("check \"signer state\" failed").await;
    }

    async fn a_lost_memory_is_known_by_the_public_keys_alone(desk) {
        desk.signs().await;
        fs::remove_file(desk.memory(HERE)).unwrap();
        desk.field.tamper("DELETE FROM checkpoint").await;
        desk.restart();
        desk.write(HERE, 1).await;
        desk.round().await;
        assert!(desk.alarm(HERE).await.unwrap_or_default().contains("signer state"));
    }

    async fn a_memory_that_was_cut_off_remembers_nothing(desk) {
        desk.signs().await;
        let text = fs::read_to_string(desk.memory(HERE)).unwrap();
        fs::write(desk.memory(HERE), &text[..text.len() / 2]).unwrap();
        desk.restart();
        desk.refuses("check \"signer state\" failed").await;
    }

    async fn a_memory_of_another_log_is_no_memory_of_this_one(desk) {
        desk.signs().await;
        let text = fs::read_to_string(desk.memory(HERE)).unwrap();
        let other = text.replace("/140725/0", "/140725/1");
        fs::write(desk.memory(HERE), other).unwrap();
        desk.restart();
        desk.refuses("check \"origin\" failed at event 0: the log that was signed last is test.hefu.local/simulated/140725/1").await;
    }

    async fn an_alarm_stops_the_writers_of_its_region_and_says_why(desk) {
        desk.signs().await;
        desk.write(HERE, 1).await;
        desk.field.tamper("UPDATE event SET bytes = leaf WHERE region = '140725' AND idx = 11").await;
        desk.refuses("check \"leaf hash\" failed at event 11").await;
        let reply = desk.field.one.submit(desk.field.bystander(HERE).into()).await;
        let said = crate::support::said(&reply);
        assert!(said.contains("region 140725 has an alarm: check \"leaf hash\" failed at event 11"), "{said}");
    }
}

/// Changes an event and makes all that follows fit it: bytes, leaf hashes, the head's root and edge. Only the key is missing.
async fn rechain(desk: &Desk, idx: u64) {
    let sql = format!("UPDATE event SET bytes = digest WHERE region = '140725' AND idx = {idx}");
    desk.field.tamper(Box::leak(sql.into_boxed_str())).await;
    rehash(desk).await;
}

/// Makes the head fit whatever events there are now.
async fn rehash(desk: &Desk) {
    let events = desk.field.store().events(HERE, 0, 0, 1_000).await.unwrap();
    let mut frontier = Frontier::new();
    events
        .iter()
        .for_each(|event| frontier.push(leaf_hash(&event.bytes)));
    let head = Head {
        size: frontier.size(),
        root: frontier.root().0,
        frontier: frontier.to_bytes(),
        ..desk.field.head(HERE).await
    };
    set_head(desk, &head).await;
}
