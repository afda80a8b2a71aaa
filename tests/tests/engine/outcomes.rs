//! What a caller is told when a commit fails, is cut off, or is asked for twice.

use hefu_domain::Fen;
use hefu_store::Fault;

use crate::on_both;
use crate::support::*;

const HERE: &str = COUNTIES[0];
/// As often as the engine tries before it tells a caller to come back.
const ATTEMPTS: usize = 12;

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
