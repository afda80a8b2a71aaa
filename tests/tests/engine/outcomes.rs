//! What a caller is told when a commit fails, is cut off, or is asked for twice.

use std::sync::atomic::Ordering;

use hefu_domain::Fen;
use hefu_engine::{Clock, Stopped};
use hefu_store::Fault;
use hefu_tests::engines::Engine as Kind;
use sqlx::{ConnectOptions, Executor};

use crate::on_both;
use crate::support::*;

const HERE: &str = COUNTIES[0];
/// As often as the engine tries before it tells a caller to come back.
const ATTEMPTS: usize = 12;
const UNKNOWN: &str = "outcome unknown, retry with the same request id";
/// Over half a year, in milliseconds: beyond the year's last day of training.
const MUCH_LATER_MS: i64 = 250 * 86_400_000;

/// Changes the table of the wrapped data keys behind the vault's back.
async fn wrapped_keys(field: &Field, change: &'static str) {
    let file = field.state.path().join("wrapped-keys.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    options
        .connect()
        .await
        .unwrap()
        .execute(change)
        .await
        .unwrap();
}

on_both! {
    // Rule 4: only an acknowledged COMMIT turns the overlay into the cache.
    async fn a_commit_that_fails_leaves_nothing_behind(field, ONE_VOUCHER) {
        let (voucher, _) = field.applied(HERE).await;
        let before = field.head(HERE).await;
        for _ in 0..ATTEMPTS {
            field.store().faults().next_commit(Fault::BeforeCommit);
        }
        let issue = field.issue(HERE, voucher);
        let failed = field.one.submit(issue.clone().into()).await;
        assert!(said(&failed).starts_with("busy"), "{failed:?}");
        assert_eq!(field.head(HERE).await, before);
        // A ghost of the first attempt would say that it is issued already, or that the money is gone.
        let done = recorded(field.one.submit(issue.into()).await);
        assert_eq!(done.first_index, before.size);
        let account = field.account(HERE).await;
        assert_eq!((account.available, account.reserved), (Fen::ZERO, ONE_VOUCHER));
    }

    // Rule 8: an unknown outcome is looked up under the lock, and the caller hears what happened.
    async fn a_commit_cut_off_is_told_as_it_ended_and_done_once(field, Fen(10 * ONE_VOUCHER.0)) {
        use Fault::{CutAfterCommit, CutBeforeCommit};
        for faults in [&[CutAfterCommit][..], &[CutBeforeCommit], &[CutBeforeCommit, CutAfterCommit], &[CutBeforeCommit, CutBeforeCommit]] {
            let (voucher, _) = field.applied(HERE).await;
            let size = field.head(HERE).await.size;
            for fault in faults {
                field.store().faults().next_commit(*fault);
            }
            let issue = field.issue(HERE, voucher);
            let told = recorded(field.one.submit(issue.clone().into()).await);
            assert_eq!(told.first_index, size, "{faults:?}");
            assert_eq!(field.head(HERE).await.size, size + 1, "{faults:?}");
            assert_eq!(field.events_of(&issue).await, 1, "{faults:?}");
            let again = recorded(field.one.submit(issue.clone().into()).await);
            assert_eq!(again, told, "{faults:?}");
            assert_eq!(recorded(field.two.submit(issue.into()).await), told, "{faults:?}");
        }
    }

    // Rule 8: who cannot find out says so, and the same request id tells.
    async fn an_outcome_that_stays_unknown_is_told_as_such(field, ONE_VOUCHER) {
        let (voucher, _) = field.applied(HERE).await;
        for _ in 1..ATTEMPTS {
            field.store().faults().next_commit(Fault::CutBeforeCommit);
        }
        field.store().faults().next_commit(Fault::CutAfterCommit);
        let issue = field.issue(HERE, voucher);
        let told = field.one.submit(issue.clone().into()).await;
        assert_eq!(said(&told), UNKNOWN);
        recorded(field.one.submit(issue.clone().into()).await);
        assert_eq!(field.events_of(&issue).await, 1);
    }

    // Rule 8: the heads are locked before the requests are looked for. A commit that is carried out only after the cut holds them,
    // and whoever looked past it would decide what stands already.
    async fn a_commit_carried_out_late_is_waited_for(field, ONE_VOUCHER) {
        let (voucher, _) = field.applied(HERE).await;
        let size = field.head(HERE).await.size;
        let issue = field.issue(HERE, voucher);
        let mut pause = field.store().faults().pause_next();
        field.store().faults().next_commit(Fault::CutDuringCommit);
        let late = field.submit(issue.clone());
        pause.reached().await;
        // Decided now, it would be refused.
        field.hand.store(NOW_MS + MUCH_LATER_MS, Ordering::SeqCst);
        pause.release();
        let told = late.await.unwrap();
        assert_eq!(said(&told), "recorded");
        assert_eq!(recorded(told).first_index, size);
        assert_eq!(field.events_of(&issue).await, 1);
    }

    // Rule 8: a batch whose outcome is unknown may have to be split before anybody looked; its parts know no more than it did.
    async fn the_parts_of_a_batch_of_unknown_outcome_promise_nothing(field, Fen(2 * ONE_VOUCHER.0)) {
        let mut issues = Vec::new();
        for _ in 0..2 {
            issues.push(field.issue(HERE, field.applied(HERE).await.0));
        }
        let requests = issues.iter().cloned().map(Into::into).collect();
        let (pause, replies) = field.at_their_commit(requests).await;
        field.store().faults().next_commit(Fault::CutAfterCommit);
        // Without the vault nothing can be decided, and so nothing can be looked for.
        wrapped_keys(&field, "ALTER TABLE wrapped_key RENAME TO away").await;
        pause.release();
        let told: Vec<_> = replies.await.unwrap().iter().map(said).collect();
        assert_eq!(told, [UNKNOWN, UNKNOWN]);
        wrapped_keys(&field, "ALTER TABLE away RENAME TO wrapped_key").await;
        for issue in &issues {
            recorded(field.one.submit(issue.clone().into()).await);
            assert_eq!(field.events_of(issue).await, 1);
        }
    }

    // Rule 3: requests already done are facts; section 7: a refusal stores nothing and is decided afresh.
    async fn a_request_id_gives_its_answer_again_and_belongs_to_one_body(field, Fen::ZERO) {
        let (voucher, _) = field.applied(HERE).await;
        let (other, _) = field.applied(HERE).await;
        let issue = field.issue(HERE, voucher);
        let refused = field.one.submit(issue.clone().into()).await;
        assert_eq!(said(&refused), "FUNDS_EXHAUSTED");
        assert_eq!(field.events_of(&issue).await, 0);
        field.appropriate(HERE, Fen(2 * ONE_VOUCHER.0)).await;
        let first = recorded(field.one.submit(issue.clone().into()).await);
        for engine in [&field.one, &field.two] {
            assert_eq!(recorded(engine.submit(issue.clone().into()).await), first);
            let request = issue.request.as_str();
            let reused = field.command_of(HERE, "reviewer", request, hefu_domain::command::Issue { voucher: other });
            let told = engine.submit(reused.into()).await;
            assert_eq!(said(&told), "the request id was used for another request");
        }
        let mine = hefu_domain::command::RejectApplication { voucher: other, reason: "INCOMPLETE".parse().unwrap() };
        let other_caller = field.command_of(HERE, "clerk", issue.request.as_str(), mine);
        assert_ne!(said(&field.one.submit(other_caller.into()).await), "the request id was used for another request");
        assert_eq!(field.account(HERE).await.reserved, ONE_VOUCHER);
    }

    // Rule 3: what the rules would let through again is done once all the same, and its neighbours are written.
    async fn money_that_is_appropriated_again_by_the_same_request_comes_once(field, Fen::ZERO) {
        let act = hefu_domain::command::AppropriateFunds {
            year: year(),
            source: "city".parse().unwrap(),
            amount: ONE_VOUCHER,
            reference: "CZ-2023/1".parse().unwrap(),
        };
        let command = field.command(HERE, "finance", act);
        let first = recorded(field.one.submit(command.clone().into()).await);
        let neighbour = field.bystander(HERE);
        let again: Vec<hefu_engine::Request> = [command.clone(), neighbour.clone(), command.clone()].map(Into::into).into();
        for reply in field.in_one_batch(again).await.into_iter().step_by(2) {
            assert_eq!(recorded(reply), first);
        }
        assert_eq!(field.events_of(&neighbour).await, 1);
        assert_eq!(field.account(HERE).await.available, ONE_VOUCHER);
    }

    // Rule 3, within one batch: the second of two equal requests is answered by the first.
    async fn equal_requests_of_one_batch_are_done_once(field, ONE_VOUCHER) {
        let (voucher, _) = field.applied(HERE).await;
        let issue = field.issue(HERE, voucher);
        let replies = field.in_one_batch(vec![issue.clone().into(); 4]).await;
        let answers: Vec<_> = replies.into_iter().map(recorded).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(field.events_of(&issue).await, 1);
    }
}

/// Rule 8: a process that stops while an outcome is unknown has not looked either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_stops_after_a_cut_commit_promises_nothing() {
    let (clock, hand) = Clock::adjustable(0);
    let field = Field::under(Kind::Sqlite, clock, hand.clone()).await;
    field.open_log(CITY).await;
    let mut pause = field.store().faults().pause_next();
    field.store().faults().next_commit(Fault::CutAfterCommit);
    let command = field.bystander(CITY);
    let cut = field.submit(command.clone());
    pause.reached().await;
    hand.store(6_000, Ordering::SeqCst);
    pause.release();
    assert_eq!(said(&cut.await.unwrap()), UNKNOWN);
    let told = said(&field.one.submit(command.clone().into()).await);
    assert!(told.starts_with("not serving"), "{told}");
    assert_eq!(field.events_of(&command).await, 1);
}

/// Rule 8: after a disk error the outcome is unknown, and this process says nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_disk_error_the_engine_writes_no_more() {
    let field = Field::open(Kind::Sqlite, ONE_VOUCHER).await;
    let before = field.head(HERE).await;
    let commands = [field.bystander(HERE), field.bystander(COUNTIES[1])];
    let (pause, replies) = field
        .at_their_commit(commands.clone().map(Into::into).into())
        .await;
    field.store().faults().next_commit(Fault::Disk);
    pause.release();
    let told: Vec<_> = replies.await.unwrap().iter().map(said).collect();
    assert_eq!(told, [UNKNOWN, UNKNOWN]);
    let stopped = field.one.stopped().unwrap();
    assert!(matches!(stopped, Stopped::Disk { .. }), "{stopped:?}");
    assert!(stopped.ends_the_process());
    let told = said(&field.one.submit(commands[0].clone().into()).await);
    assert!(
        told.starts_with("not serving: the database file failed"),
        "{told}"
    );
    // The bystander that was under way before stands; the next process finds that much, once this one has let the file go.
    field.store().close().await;
    let next = field.place.open().await;
    let heads = next.heads(&[HERE.to_owned()]).await.unwrap();
    assert_eq!(heads[0].size, before.size + 1);
}
