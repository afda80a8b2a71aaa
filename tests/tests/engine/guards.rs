//! Somebody else writes in between, or stops the writing: every answer is true of what stands when it leaves.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hefu_domain::{Fen, Instant};
use hefu_store::{Outcome, Pause};

use crate::on_both;
use crate::support::*;

const HERE: &str = COUNTIES[0];
const MONEY: Fen = Fen(10 * ONE_VOUCHER.0);
const HOUR_MS: i64 = 3_600_000;

/// The first engine stands before its commit: another's write waits until it is released.
async fn waits_for_the_lock(field: &Field, mut pause: Pause) {
    pause.reached().await;
    let (engine, rival) = (field.two.clone(), field.bystander(HERE));
    let rival = tokio::spawn(async move { engine.submit(rival.into()).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(
        !rival.is_finished(),
        "the lock is held while this is decided"
    );
    pause.release();
    recorded(rival.await.unwrap());
}

on_both! {
    // Rule 5: a guard that fails means somebody else wrote; the command is decided again and its refusal is true.
    async fn whoever_loses_the_guard_decides_again(field, MONEY) {
        let (voucher, person) = field.applied(HERE).await;
        let mut pause = field.store().faults().pause_next();
        let engine = field.one.clone();
        let issue = field.issue(HERE, voucher);
        let late = tokio::spawn(async move { engine.submit(issue.into()).await });
        pause.reached().await;
        let withdraw = field.withdraw(HERE, voucher, person);
        recorded(field.two.submit(withdraw.into()).await);
        pause.release();
        let told = said(&late.await.unwrap());
        assert!(told.starts_with("VOUCHER_NOT_APPLIED"), "{told}");
        assert_eq!(field.account(HERE).await.reserved, Fen::ZERO);
    }

    // Rule 5: after a lost guard the heads are locked first, so that a busy neighbour cannot starve anybody; and so they are for the
    // batches that follow.
    async fn who_loses_the_guard_locks_first(field, MONEY) {
        let (voucher, _) = field.applied(HERE).await;
        let issue = field.issue(HERE, voucher);
        let mut pause = field.store().faults().pause_next();
        let engine = field.one.clone();
        let late = tokio::spawn(async move { engine.submit(issue.into()).await });
        pause.reached().await;
        recorded(field.two.submit(field.bystander(HERE).into()).await);
        let under_lock = field.store().faults().pause_next();
        pause.release();
        waits_for_the_lock(&field, under_lock).await;
        recorded(late.await.unwrap());
        let under_lock = field.store().faults().pause_next();
        let (engine, next) = (field.one.clone(), field.bystander(HERE));
        let next = tokio::spawn(async move { engine.submit(next.into()).await });
        waits_for_the_lock(&field, under_lock).await;
        recorded(next.await.unwrap());
    }

    // Rule 6: a refusal leaves only when the head still equals the one decided on.
    async fn a_refusal_from_a_stale_cache_is_never_told(field, MONEY) {
        // The first engine remembers it as applied for; the second issues it.
        let (voucher, person) = field.applied(HERE).await;
        recorded(field.two.submit(field.issue(HERE, voucher).into()).await);
        let revoke = field.one.submit(field.revoke(HERE, voucher).into()).await;
        assert_eq!(said(&revoke), "recorded", "an issued voucher can be revoked");
        // The second remembers it as issued; the first has revoked it.
        let withdraw = field.withdraw(HERE, voucher, person);
        let refused = said(&field.two.submit(withdraw.into()).await);
        assert_ne!(refused, "recorded", "a revoked voucher cannot be withdrawn");
        assert_eq!(field.account(HERE).await.reserved, Fen::ZERO);
    }

    // Rule 6: nor beside a neighbour's write in another region: the heads that were only answered from are checked with it.
    async fn a_stale_refusal_beside_a_write_is_never_told(field, MONEY) {
        let (voucher, _) = field.applied(COUNTIES[1]).await;
        recorded(field.two.submit(field.issue(COUNTIES[1], voucher).into()).await);
        let requests = vec![field.bystander(HERE).into(), field.revoke(COUNTIES[1], voucher).into()];
        let told: Vec<_> = field.in_one_batch(requests).await.iter().map(said).collect();
        assert_eq!(told, ["recorded", "recorded"], "an issued voucher can be revoked");
    }

    // Rule 6: what follows an uncommitted neighbour waits for its commit, and is decided again without it.
    async fn an_answer_that_follows_a_neighbour_waits_for_its_commit(field, ONE_VOUCHER) {
        let (first, person) = field.applied(HERE).await;
        let (second, _) = field.applied(HERE).await;
        // Behind the first issue the money would be gone, and the second would be refused.
        let issues = vec![field.issue(HERE, first).into(), field.issue(HERE, second).into()];
        let (pause, replies) = field.at_their_commit(issues).await;
        assert!(!replies.is_finished());
        recorded(field.two.submit(field.withdraw(HERE, first, person).into()).await);
        pause.release();
        let told: Vec<_> = replies.await.unwrap().iter().map(said).collect();
        assert!(told[0].starts_with("VOUCHER_NOT_APPLIED"), "{told:?}");
        assert_eq!(told[1], "recorded");
        assert_eq!(field.account(HERE).await.reserved, ONE_VOUCHER);
    }

    // Rule 4: a lost guard discards the overlay for every region of the batch.
    async fn a_guard_lost_in_one_region_discards_what_was_done_in_the_other(field, ONE_VOUCHER) {
        let (voucher, _) = field.applied(HERE).await;
        let commands = [field.issue(HERE, voucher), field.bystander(COUNTIES[1])];
        let (pause, replies) = field.at_their_commit(commands.clone().map(Into::into).into()).await;
        recorded(field.two.submit(field.bystander(COUNTIES[1]).into()).await);
        pause.release();
        // A ghost of the first attempt would say that it is issued already, or that the money is gone.
        let told: Vec<_> = replies.await.unwrap().iter().map(said).collect();
        assert_eq!(told, ["recorded", "recorded"]);
        for command in &commands {
            assert_eq!(field.events_of(command).await, 1);
        }
    }

    // Rule 5: a nullifier taken meanwhile, in another region, whose guard says nothing of it: decide again.
    async fn a_nullifier_taken_meanwhile_is_decided_again(field, MONEY) {
        let people = [field.register(COUNTIES[0], 1).await, field.register(COUNTIES[1], 1).await];
        let mut pause = field.store().faults().pause_next();
        let late = field.submit(field.apply(COUNTIES[0], people[0]).1);
        pause.reached().await;
        recorded(field.two.submit(field.apply(COUNTIES[1], people[1]).1.into()).await);
        pause.release();
        assert_eq!(said(&late.await.unwrap()), "LIVE_VOUCHER_EXISTS");
    }

    // Rule 6: a dry run too.
    async fn a_dry_run_from_a_stale_cache_is_never_told(field, MONEY) {
        let (voucher, _) = field.applied(HERE).await;
        let dry = |command| hefu_engine::Request { dry: true, ..hefu_engine::Request::from(command) };
        let before = field.head(HERE).await;
        let issue = field.issue(HERE, voucher);
        assert_eq!(said(&field.one.submit(dry(issue.clone())).await), "dry");
        assert_eq!(field.head(HERE).await, before);
        recorded(field.two.submit(field.issue(HERE, voucher).into()).await);
        assert_eq!(said(&field.one.submit(dry(issue.clone())).await), "VOUCHER_NOT_APPLIED");
        assert_eq!(field.events_of(&issue).await, 0);
    }

    // Rule 9: an instant is the later of the clock and the last event's.
    async fn time_never_runs_back_in_a_region(field, MONEY) {
        field.hand.store(NOW_MS + HOUR_MS, Ordering::SeqCst);
        let late = field.one.submit(field.bystander(HERE).into()).await;
        assert_eq!(recorded(late).at, Instant(NOW_MS + HOUR_MS));
        field.hand.store(NOW_MS, Ordering::SeqCst);
        for engine in [&field.one, &field.two] {
            let next = recorded(engine.submit(field.bystander(HERE).into()).await);
            assert_eq!(next.at, Instant(NOW_MS + HOUR_MS));
        }
        // Of both regions, for a move over two: the city's clock is an hour behind the county's.
        field.appropriate(CITY, Fen(2)).await;
        let moved = recorded(field.one.submit(field.allocate(HERE, Fen(1)).into()).await);
        assert_eq!(moved.at, Instant(NOW_MS + HOUR_MS));
        assert_eq!(field.replay(CITY).await.at, moved.at);
        assert_eq!(field.replay(HERE).await.at, moved.at);
    }

    // Rule 10: whoever wrote under another fence stops; the other regions do not.
    async fn a_raised_fence_stops_the_writers_of_its_region_only(field, MONEY) {
        let done = field.bystander(HERE);
        let answer = recorded(field.one.submit(done.clone().into()).await);
        let (voucher, _) = field.applied(HERE).await;
        let mut pause = field.store().faults().pause_next();
        let engine = field.one.clone();
        let issue = field.issue(HERE, voucher);
        let under_way = tokio::spawn(async move { engine.submit(issue.into()).await });
        pause.reached().await;
        field.change_head(HERE, |head| head.fence += 1).await;
        let fenced = field.head(HERE).await;
        pause.release();
        let told = said(&under_way.await.unwrap());
        assert!(told.starts_with("not serving"), "{told}");
        let here = field.bystander(HERE);
        let there = field.bystander(COUNTIES[1]);
        let replies = field.together_there(vec![here.into(), there.into()]).await;
        assert!(said(&replies[0]).starts_with("not serving"), "{replies:?}");
        assert_eq!(said(&replies[1]), "recorded");
        assert_eq!(recorded(field.one.submit(done.into()).await), answer, "done is done");
        assert_eq!(field.head(HERE).await, fenced);
        // A process of the old version that never wrote here is stopped all the same; one that starts now is of the new version.
        let late = said(&field.two.submit(field.bystander(HERE).into()).await);
        assert!(late.starts_with("not serving"), "{late}");
        recorded(field.restarted().await.submit(field.bystander(HERE).into()).await);
    }

    // Section 5: the alarm is a row that every writer reads with its head.
    async fn an_alarm_stops_the_writers_until_it_is_cleared(field, MONEY) {
        let (voucher, _) = field.applied(HERE).await;
        let mut pause = field.store().faults().pause_next();
        let engine = field.one.clone();
        let issue = field.issue(HERE, voucher);
        let under_way = tokio::spawn({
            let issue = issue.clone();
            async move { engine.submit(issue.into()).await }
        });
        pause.reached().await;
        assert!(field.two.store().set_alarm(HERE, Some("the log was changed")).await.unwrap());
        let alarmed = field.head(HERE).await;
        pause.release();
        let told = said(&under_way.await.unwrap());
        assert!(told.starts_with("not serving"), "{told}");
        let here = field.bystander(HERE);
        let there = field.bystander(COUNTIES[1]);
        let replies = field.together_there(vec![here.into(), there.into()]).await;
        assert!(said(&replies[0]).starts_with("not serving"), "{replies:?}");
        assert_eq!(said(&replies[1]), "recorded");
        assert_eq!(field.head(HERE).await, alarmed);
        assert!(field.two.store().set_alarm(HERE, None).await.unwrap());
        recorded(field.one.submit(issue.into()).await);
    }
}

/// Rule 4: the epoch is in the guard too. What was decided on the log before a fork does not enter it after.
async fn a_raised_epoch_loses_the_guard(kind: hefu_tests::engines::Engine) {
    let field = Field::open(kind, MONEY).await;
    let (voucher, _) = field.applied(HERE).await;
    let before = field.head(HERE).await;
    let mut pause = field.store().faults().pause_next();
    let engine = field.one.clone();
    let issue = field.issue(HERE, voucher);
    let under_way = tokio::spawn(async move { engine.submit(issue.into()).await });
    pause.reached().await;
    let read = before.clone();
    let empty = hefu_log::Frontier::default();
    let next = hefu_store::Head {
        epoch: 1,
        size: 0,
        root: empty.root().0,
        frontier: empty.to_bytes(),
        ..before.clone()
    };
    let fork = hefu_store::Commit {
        regions: vec![hefu_store::RegionCommit {
            read: Some(read),
            next,
            events: Vec::new(),
            rows: Vec::new(),
        }],
        ..Default::default()
    };
    let forked = field.two.store().commit(fork).await;
    assert_eq!(forked, Ok(Outcome::Committed));
    pause.release();
    let told = recorded(under_way.await.unwrap());
    assert_eq!(told.first_index, 0);
    let old = field.store().events(HERE, 0, before.size, 10).await;
    assert_eq!(old, Ok(Vec::new()));
    assert_eq!(field.store().events(HERE, 1, 0, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raised_epoch_loses_the_guard_on_sqlite() {
    a_raised_epoch_loses_the_guard(hefu_tests::engines::Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raised_epoch_loses_the_guard_on_postgres() {
    a_raised_epoch_loses_the_guard(hefu_tests::engines::Engine::Postgres).await;
}
