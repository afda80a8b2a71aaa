//! Commands that share a transaction share nothing else: neither a refusal nor a poisoned neighbour nor half a group.

use hefu_domain::command::{
    Issue, OpenPlanYear, RegisterInstitution, RegisterPerson, RejectApplication,
};
use hefu_domain::policy::Capacity;
use hefu_domain::{Command, Fen, PersonId, Tag};
use hefu_engine::Request;
use hefu_scenario::made_up;

use crate::on_both;
use crate::support::*;

const HERE: &str = COUNTIES[0];
const MONEY: Fen = Fen(10 * ONE_VOUCHER.0);

/// Commands under one request id, all or none of them.
fn group(mut commands: Vec<Command>) -> Request {
    let (request, digest) = (commands[0].request.clone(), commands[0].digest);
    for command in &mut commands {
        (command.request, command.digest) = (request.clone(), digest);
    }
    Request {
        commands,
        dry: false,
        secrets: Vec::new(),
        bytes: 0,
        let_in: true,
    }
}

/// The registration of an institution of that name.
fn registration(name: String) -> RegisterInstitution {
    RegisterInstitution {
        affiliation: None,
        institution: made_up::credit_code("140725", 1).parse().unwrap(),
        name,
        capacities: [Capacity::TrainingBody].into(),
        licence: ["4-10-01-06".parse().unwrap()].into(),
        related: Default::default(),
    }
}

/// More than an event may hold.
fn too_long() -> String {
    "校".repeat(30_000)
}

on_both! {
    // Rule 2: while a commit is under way the next batch gathers, over all regions of the writer; one commit answers it.
    async fn what_comes_in_during_a_commit_is_one_batch(field, MONEY) {
        let requests = (0..12).map(|n| field.bystander(COUNTIES[n % 2]).into());
        let (pause, mut replies) = field.at_their_commit(requests.collect()).await;
        let mut another = field.store().faults().pause_next();
        assert_eq!(field.one.in_flight(), 12, "nobody is answered before the commit");
        pause.release();
        tokio::select! {
            replies = &mut replies => {
                for reply in replies.unwrap() {
                    recorded(reply);
                }
            }
            () = another.reached() => panic!("they were not one batch"),
        }
    }

    // Rule 6: facts that came in while somebody else wrote may fit no single head, and what seems impossible over them may be well
    // under the next; so it is told from under the lock only.
    async fn what_cannot_be_written_is_told_from_under_the_lock(field, MONEY) {
        let held = field.store().locked(&[HERE.to_owned()]).await.unwrap();
        let engine = field.one.clone();
        let poison = field.command(HERE, "clerk", registration(too_long()));
        let told = tokio::spawn(async move { engine.submit(poison.into()).await });
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert!(!told.is_finished(), "it was decided without the lock");
        drop(held);
        let told = said(&told.await.unwrap());
        assert!(told.starts_with("cannot be recorded"), "{told}");
    }

    // Rule 7: a group of more than 1,000 events would hold its region up for everybody else.
    async fn a_group_of_too_many_events_is_not_written(field, MONEY) {
        let bystanders = |count| (0..count).map(|_| field.bystander(HERE)).collect();
        let most = group(bystanders(1_000));
        let more = group(bystanders(1_001));
        let (largest, too_large) = (most.commands[0].clone(), more.commands[0].clone());
        let replies = field.in_one_batch(vec![more, field.bystander(HERE).into(), most]).await;
        let told: Vec<_> = replies.iter().map(said).collect();
        assert_eq!(told, ["cannot be recorded: a group makes at most 1000 events", "recorded", "recorded"]);
        assert_eq!(field.events_of(&too_large).await, 0);
        assert_eq!(field.events_of(&largest).await, 1_000);
    }

    // Rule 7: one command's refusal never spoils its neighbours.
    async fn a_refusal_does_not_spoil_its_neighbours(field, ONE_VOUCHER) {
        let mut issues = Vec::new();
        for _ in 0..3 {
            issues.push(field.applied(HERE).await.0);
        }
        let opened_already = field.command(HERE, "operator", OpenPlanYear { year: year() });
        let requests: Vec<Request> = vec![
            opened_already.into(),
            field.issue(HERE, issues[0]).into(),
            field.issue(HERE, issues[1]).into(),
            field.bystander(HERE).into(),
            field.bystander(COUNTIES[1]).into(),
        ];
        let told: Vec<_> = field.in_one_batch(requests).await.iter().map(said).collect();
        // The second issue waits for the first, which took the last money.
        assert_eq!(told[1..], ["recorded", "FUNDS_EXHAUSTED", "recorded", "recorded"]);
        assert_ne!(told[0], "recorded");
        assert_eq!(field.account(HERE).await.available, Fen::ZERO);
    }

    // Rule 7: an ATOMIC group goes through whole, and its repetition gives the same answer in the same parts.
    async fn a_group_goes_through_whole_and_answers_the_same_again(field, MONEY) {
        let mut issues = Vec::new();
        for _ in 0..3 {
            issues.push(field.applied(HERE).await.0);
        }
        let commands = issues.iter().map(|voucher| field.issue(HERE, *voucher)).collect();
        let whole = group(commands);
        let first = recorded(field.one.submit(whole.clone()).await);
        assert_eq!(first.parts, [1, 1, 1]);
        for engine in [&field.one, &field.two] {
            assert_eq!(recorded(engine.submit(whole.clone()).await), first);
        }
        assert_eq!(field.account(HERE).await.reserved, Fen(3 * ONE_VOUCHER.0));
    }

    // Rule 7: or nothing of it does, and what it tried is not there for its neighbours.
    async fn a_group_with_a_refused_item_never_was(field, ONE_VOUCHER) {
        let (first, _) = field.applied(HERE).await;
        let (second, _) = field.applied(HERE).await;
        let (third, _) = field.applied(HERE).await;
        let refused = group(vec![field.issue(HERE, first), field.issue(HERE, second)]);
        let request = refused.commands[0].clone();
        let neighbour = field.issue(HERE, third);
        let replies = field.in_one_batch(vec![refused, neighbour.into()]).await;
        let told: Vec<_> = replies.iter().map(said).collect();
        // The money that the group's first item had reserved is the neighbour's.
        assert_eq!(told, ["item 1: FUNDS_EXHAUSTED", "recorded"]);
        assert_eq!(field.events_of(&request).await, 0);
    }

    // Rule 7: a poisoned command makes the batch split, and leaves nothing behind.
    async fn a_command_that_cannot_be_recorded_leaves_nothing_behind(field, MONEY) {
        let (voucher, _) = field.applied(HERE).await;
        let poison = field.command(HERE, "clerk", registration(too_long()));
        let requests = vec![field.bystander(HERE).into(), poison.clone().into(), field.issue(HERE, voucher).into()];
        let told: Vec<_> = field.in_one_batch(requests).await.iter().map(said).collect();
        assert_eq!((&*told[0], &*told[2]), ("recorded", "recorded"));
        assert!(told[1].starts_with("cannot be recorded"), "{told:?}");
        let alone = said(&field.one.submit(poison.clone().into()).await);
        assert!(alone.starts_with("cannot be recorded"), "{alone}");
        assert_eq!(field.events_of(&poison).await, 0);
        // A ghost would say that the institution is registered already.
        field.must(HERE, "clerk", registration("平遥技工学校".to_owned())).await;
    }

    // Rule 7: the same for a group whose last item fails inside: its first items never were.
    async fn a_group_that_fails_inside_never_was(field, MONEY) {
        let (voucher, _) = field.applied(HERE).await;
        let reason = "NOT_ELIGIBLE".parse().unwrap();
        let reject = field.command(HERE, "clerk", RejectApplication { voucher, reason });
        let poison = field.command(HERE, "clerk", registration(too_long()));
        let poisoned = group(vec![reject.clone(), poison]);
        let replies = field.in_one_batch(vec![poisoned, field.bystander(HERE).into()]).await;
        assert!(said(&replies[0]).starts_with("cannot be recorded"), "{replies:?}");
        assert_eq!(said(&replies[1]), "recorded");
        assert_eq!(field.events_of(&reject).await, 0);
        field.must(HERE, "reviewer", Issue { voucher }).await;
    }

    // Rule 7: somebody whom the vault cannot open is nobody else's trouble.
    async fn a_person_whom_the_vault_does_not_have_is_that_commands_failure(field, MONEY) {
        let (person, tag) = (PersonId(uuid::Uuid::from_u128(7)), Tag([7; 16]));
        field.must(HERE, "clerk", RegisterPerson { person, tag }).await;
        let (_, apply) = field.apply(HERE, person);
        let replies = field.in_one_batch(vec![apply.clone().into(), field.bystander(HERE).into()]).await;
        assert!(said(&replies[0]).starts_with("the vault failed"), "{replies:?}");
        assert_eq!(said(&replies[1]), "recorded");
        assert_eq!(field.events_of(&apply).await, 0);
    }
}
