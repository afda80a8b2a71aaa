//! The guard: a commit is written only while every head in it is as it was read.

use crate::build::*;
use hefu_store::{Commit, Head, Outcome, Store};
use hefu_tests::on_both_engines;

/// A commit decided on `stale` loses, and leaves nothing.
async fn loses(store: &Store, stale: Head) {
    let before = store.all_heads().await.unwrap();
    let mut part = step(&stale, &["late"]);
    part.rows.push(voucher(&stale.region, "v1", "issued", None));
    let mut commit = one(part);
    commit.takes.push(nullifier(1, &stale.region, "v1"));
    commit
        .secrets
        .push(secret(&stale.region, "p1", b"tag", b"sealed"));
    assert_eq!(
        store.commit(commit).await,
        Ok(Outcome::GuardLost(vec![stale.region.clone()]))
    );
    assert_eq!(store.all_heads().await.unwrap(), before);
    assert_eq!(store.nullifiers(&[tagged(1)]).await.unwrap(), []);
    assert_eq!(store.people(&stale.region, None, 10).await.unwrap(), []);
    assert_eq!(
        store
            .load(&[fact(hefu_store::Table::Voucher, &stale.region, "v1")])
            .await
            .unwrap(),
        []
    );
}

on_both_engines! {
    async fn a_head_that_stands_moves(store: Store, _place: Place) {
        let read = open_one(&store).await;
        assert_eq!(store.commit(one(step(&read, &["a", "b"]))).await, Ok(Outcome::Committed));
        assert_eq!(head_of(&store, SHOUYANG).await, head(SHOUYANG, 3));
    }

    async fn another_size_loses_the_guard(store: Store, _place: Place) {
        let read = open_one(&store).await;
        store.commit(one(step(&read, &["a"]))).await.unwrap();
        // The same root: the size alone must tell.
        loses(&store, Head { size: 1, root: [2; 32], ..read }).await;
    }

    async fn another_root_loses_the_guard(store: Store, _place: Place) {
        let read = open_one(&store).await;
        loses(&store, Head { root: [9; 32], ..read }).await;
    }

    async fn another_epoch_loses_the_guard(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let mut part = step(&read, &[]);
        part.next = Head { epoch: 1, size: 0, root: [0; 32], ..read.clone() };
        assert_eq!(store.commit(one(part)).await, Ok(Outcome::Committed));
        let forked = head_of(&store, SHOUYANG).await;
        assert_eq!((forked.epoch, forked.size), (1, 0));
        let mut part = step(&Head { epoch: 0, ..forked }, &["late"]);
        part.next.epoch = 0;
        assert_eq!(store.commit(one(part)).await, Ok(Outcome::GuardLost(vec![SHOUYANG.to_owned()])));
    }

    async fn another_fence_loses_the_guard(store: Store, _place: Place) {
        let read = open_one(&store).await;
        loses(&store, Head { fence: 2, ..read }).await;
    }

    async fn an_alarm_raised_or_cleared_meanwhile_loses_the_guard(store: Store, _place: Place) {
        let read = open_one(&store).await;
        assert!(store.set_alarm(SHOUYANG, Some("the log was tampered with")).await.unwrap());
        loses(&store, read.clone()).await;
        let alarmed = head_of(&store, SHOUYANG).await;
        assert_eq!(alarmed.alarm.as_deref(), Some("the log was tampered with"));
        assert!(store.set_alarm(SHOUYANG, None).await.unwrap());
        loses(&store, alarmed).await;
        assert!(!store.set_alarm("999999", Some("nobody")).await.unwrap());
    }

    async fn the_instant_and_the_frontier_are_no_part_of_the_guard(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let part = step(&Head { at_ms: 5, frontier: vec![], ..read }, &["a"]);
        assert_eq!(store.commit(one(part)).await, Ok(Outcome::Committed));
    }

    async fn a_region_opens_once(store: Store, _place: Place) {
        open_one(&store).await;
        let mut again = step(&head(SHOUYANG, 0), &["open"]);
        again.read = None;
        assert_eq!(store.commit(one(again)).await, Ok(Outcome::GuardLost(vec![SHOUYANG.to_owned()])));
    }

    async fn one_lost_head_spoils_all_and_every_lost_head_is_named(store: Store, _place: Place) {
        let heads = opened(&store, &[SHOUYANG, QIXIAN, PINGYAO]).await;
        for head in [&heads[0], &heads[2]] {
            store.commit(one(step(head, &["first"]))).await.unwrap();
        }
        let parts = heads.iter().map(|head| step(head, &["late"])).collect();
        let lost = store.commit(Commit { regions: parts, ..Commit::default() }).await.unwrap();
        assert_eq!(lost, Outcome::GuardLost(vec![SHOUYANG.to_owned(), PINGYAO.to_owned()]));
        assert_eq!(head_of(&store, QIXIAN).await.size, 1);
    }

    async fn a_refusal_of_another_region_is_checked_in_the_same_transaction(store: Store, _place: Place) {
        let heads = opened(&store, &[SHOUYANG, QIXIAN]).await;
        let mut commit = one(step(&heads[0], &["a"]));
        commit.check.push(heads[1].clone());
        assert_eq!(store.commit(commit).await, Ok(Outcome::Committed));
        store.commit(one(step(&heads[1], &["b"]))).await.unwrap();
        let mut commit = one(step(&head_of(&store, SHOUYANG).await, &["c"]));
        commit.check.push(heads[1].clone());
        assert_eq!(store.commit(commit).await, Ok(Outcome::GuardLost(vec![QIXIAN.to_owned()])));
        // Refusals alone write nothing and are still told whether they stand.
        let only = |head: &Head| Commit { check: vec![head.clone()], ..Commit::default() };
        assert_eq!(store.commit(only(&heads[1])).await, Ok(Outcome::GuardLost(vec![QIXIAN.to_owned()])));
        assert_eq!(store.commit(only(&head_of(&store, QIXIAN).await)).await, Ok(Outcome::Committed));
    }

    async fn a_region_that_was_not_open_must_not_be_open_yet(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let commit = |read: &Head| Commit {
            absent: vec![QIXIAN.to_owned()],
            ..one(step(read, &["a"]))
        };
        assert_eq!(store.commit(commit(&read)).await, Ok(Outcome::Committed));
        opened(&store, &[QIXIAN]).await;
        let read = head_of(&store, SHOUYANG).await;
        let lost = Outcome::GuardLost(vec![QIXIAN.to_owned()]);
        assert_eq!(store.commit(commit(&read)).await, Ok(lost));
        assert_eq!(head_of(&store, SHOUYANG).await, read);
    }

    async fn a_checked_head_must_stand_in_every_part_of_the_guard(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let alarm = Some("the log was tampered with".to_owned());
        for stale in [
            Head { size: 2, ..read.clone() },
            Head { root: [9; 32], ..read.clone() },
            Head { epoch: 1, ..read.clone() },
            Head { fence: 2, ..read.clone() },
            Head { alarm, ..read.clone() },
        ] {
            let only = Commit { check: vec![stale.clone()], ..Commit::default() };
            assert_eq!(store.commit(only).await, Ok(Outcome::GuardLost(vec![SHOUYANG.to_owned()])), "{stale:?}");
        }
        let only = Commit { check: vec![Head { at_ms: 5, frontier: vec![], ..read }], ..Commit::default() };
        assert_eq!(store.commit(only).await, Ok(Outcome::Committed));
    }

    async fn of_many_writers_on_one_head_exactly_one_wins(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let mut racers = tokio::task::JoinSet::new();
        for racer in 0..16 {
            let (store, commit) = (store.clone(), one(step(&read, &[&format!("racer-{racer}")])));
            racers.spawn(async move { store.commit(commit).await.unwrap() });
        }
        let outcomes = racers.join_all().await;
        let won = outcomes.iter().filter(|outcome| **outcome == Outcome::Committed).count();
        assert_eq!(won, 1);
        assert_eq!(store.events(SHOUYANG, 0, 0, 100).await.unwrap().len(), 2);
    }

    async fn commits_over_the_same_regions_in_either_order_never_block_each_other_for_good(store: Store, _place: Place) {
        opened(&store, &[SHOUYANG, QIXIAN, PINGYAO]).await;
        let orders = [[SHOUYANG, PINGYAO], [PINGYAO, SHOUYANG], [QIXIAN, SHOUYANG], [PINGYAO, QIXIAN]];
        let mut writers = tokio::task::JoinSet::new();
        for (writer, order) in orders.into_iter().enumerate() {
            let store = store.clone();
            writers.spawn(async move {
                let mut wins = 0;
                while wins < 20 {
                    let mut parts = Vec::new();
                    for region in order {
                        let request = format!("{writer}-{wins}");
                        parts.push(step(&head_of(&store, region).await, &[&request]));
                    }
                    // Any error, a deadlock among them, fails the test.
                    let outcome = store.commit(Commit { regions: parts, ..Commit::default() }).await.unwrap();
                    wins += u32::from(outcome == Outcome::Committed);
                }
            });
        }
        writers.join_all().await;
        let sizes: Vec<u64> = store.all_heads().await.unwrap().iter().map(|head| head.size).collect();
        assert_eq!(sizes, [61, 41, 61]);
    }

    async fn a_commit_waits_at_its_pause_and_then_meets_what_happened_meanwhile(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let mut pause = store.faults().pause_next();
        let slow = tokio::spawn({
            let (store, commit) = (store.clone(), one(step(&read, &["slow"])));
            async move { store.commit(commit).await }
        });
        pause.reached().await;
        assert_eq!(store.commit(one(step(&read, &["quick"]))).await, Ok(Outcome::Committed));
        pause.release();
        assert_eq!(slow.await.unwrap(), Ok(Outcome::GuardLost(vec![SHOUYANG.to_owned()])));
    }
}
