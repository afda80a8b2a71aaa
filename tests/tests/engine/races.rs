//! Racers from two engines at once: exactly one wins, every refusal is true, and every fen is accounted for.

use std::time::Duration;

use futures_util::future::join_all;
use hefu_audit::Replay;
use hefu_domain::command::RejectApplication;
use hefu_domain::{Command, Fen, Instant, Stop, VoucherId};
use hefu_engine::Engine;
use hefu_scenario::made_up::pick;
use hefu_store::EventRow;

use crate::on_both;
use crate::support::*;

const HERE: &str = COUNTIES[0];
const MONEY: Fen = Fen(10 * ONE_VOUCHER.0);
const RACERS: usize = 8;
/// Each caller's calls, where callers ask one thing after the other.
const CALLS: usize = 48;
const SEED: u64 = 15;

/// Half of the racers through each engine, all at once.
async fn race(field: &Field, commands: Vec<Command>) -> Vec<Reply> {
    let racers: Vec<_> = commands
        .into_iter()
        .enumerate()
        .map(|(n, command)| {
            let engine = [&field.one, &field.two][n / 2 % 2].clone();
            tokio::spawn(async move { engine.submit(command.into()).await })
        })
        .collect();
    join_all(racers)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

/// What a caller was told about a command, and the sizes of the log between asking and hearing it.
struct Told {
    command: Command,
    asked_at: usize,
    heard_at: usize,
    reply: Reply,
}

async fn size(engine: &Engine) -> usize {
    let heads = engine.store().heads(&[HERE.to_owned()]).await.unwrap();
    usize::try_from(heads[0].size).unwrap()
}

/// One caller's commands, one after the other.
async fn ask_all(engine: Engine, commands: Vec<Command>) -> Vec<Told> {
    let mut told = Vec::new();
    for command in commands {
        let asked_at = size(&engine).await;
        let reply = engine.submit(command.clone().into()).await;
        let heard_at = size(&engine).await;
        told.push(Told {
            command,
            asked_at,
            heard_at,
            reply,
        });
    }
    told
}

/// What the rules say of a command where the log ends so.
fn decided_on(log: &[EventRow], command: &Command) -> String {
    let mut replay = Replay::new(command.region.clone());
    for event in log {
        replay.feed(&event.bytes).unwrap();
    }
    match hefu_domain::decide(&replay.end().world, command, Instant(NOW_MS)) {
        Ok(_) => "recorded".to_owned(),
        Err(Stop::Refused(refusals)) => codes(&refusals),
        Err(Stop::Missing(need)) => panic!("a replay misses {need:?}"),
    }
}

/// A caller's random issues and revocations of these vouchers, one voucher after the other: so all callers want the same one at
/// about the same time.
fn issues_and_revocations(field: &Field, caller: u64, vouchers: &[VoucherId]) -> Vec<Command> {
    let each = CALLS / vouchers.len();
    let calls = vouchers.iter().flat_map(|voucher| vec![*voucher; each]);
    (caller * CALLS as u64..)
        .zip(calls)
        .map(|(call, voucher)| match pick(SEED, "act", call, 2) {
            0 => field.issue(HERE, voucher),
            _ => field.revoke(HERE, voucher),
        })
        .collect()
}

on_both! {
    // Rule 6: every refusal was true when it was given: of some head between the question and the answer.
    async fn every_refusal_was_true_when_it_was_given(field, ONE_VOUCHER) {
        let mut vouchers = Vec::new();
        for _ in 0..12 {
            vouchers.push(field.applied(HERE).await.0);
        }
        let callers = (0..4).map(|caller: u64| {
            let engine = if caller.is_multiple_of(2) { &field.one } else { &field.two };
            let commands = issues_and_revocations(&field, caller, &vouchers);
            tokio::spawn(ask_all(engine.clone(), commands))
        });
        let told: Vec<Told> = join_all(callers).await.into_iter().flat_map(Result::unwrap).collect();
        let log = field.store().events(HERE, 0, 0, 100_000).await.unwrap();
        let mut refused = 0;
        for Told { command, asked_at, heard_at, reply } in told {
            let said = said(&reply);
            if said != "recorded" {
                refused += 1;
                let true_of = |size| decided_on(&log[..size], &command) == said;
                assert!((asked_at..=heard_at).any(true_of), "{said} in {asked_at}..={heard_at}: {command:?}");
            }
        }
        assert!(refused > 0, "nobody was refused, so nothing was tried");
    }

    // Nullifiers: once only holds across regions and engines.
    async fn one_person_from_two_regions_gets_one_voucher(field, MONEY) {
        let people = [field.register(COUNTIES[0], 1).await, field.register(COUNTIES[1], 1).await];
        let racers = (0..2 * RACERS).map(|n| field.apply(COUNTIES[n % 2], people[n % 2]).1);
        let replies = race(&field, racers.collect()).await;
        assert_eq!(settle(&replies), (1, vec!["LIVE_VOUCHER_EXISTS".to_owned()]));
    }

    // Nullifiers: two regions of one batch that want the same one are decided one after the other.
    async fn one_person_from_two_regions_of_one_batch_gets_one_voucher(field, MONEY) {
        let people = [field.register(COUNTIES[0], 1).await, field.register(COUNTIES[1], 1).await];
        let requests = (0..RACERS).map(|n| field.apply(COUNTIES[n % 2], people[n % 2]).1.into());
        let replies = field.in_one_batch(requests.collect()).await;
        assert_eq!(settle(&replies), (1, vec!["LIVE_VOUCHER_EXISTS".to_owned()]));
    }

    // Nullifiers are never cached beyond a batch: what one region gives back is free for another at once.
    async fn what_one_region_gives_back_another_may_take(field, MONEY) {
        let people = [field.register(COUNTIES[0], 1).await, field.register(COUNTIES[1], 1).await];
        let (voucher, apply) = field.apply(COUNTIES[0], people[0]);
        recorded(field.one.submit(apply.into()).await);
        let (_, apply) = field.apply(COUNTIES[1], people[1]);
        let refused = field.one.submit(apply.clone().into()).await;
        assert_eq!(said(&refused), "LIVE_VOUCHER_EXISTS");
        let back = field.withdraw(COUNTIES[0], voucher, people[0]);
        recorded(field.two.submit(back.into()).await);
        recorded(field.one.submit(apply.into()).await);
    }

    // No fen is overspent: the head is the version of the money too.
    async fn the_last_money_is_reserved_once(field, ONE_VOUCHER) {
        let mut racers = Vec::new();
        for _ in 0..RACERS {
            let (voucher, _) = field.applied(HERE).await;
            racers.push(field.issue(HERE, voucher));
        }
        let replies = race(&field, racers).await;
        assert_eq!(settle(&replies), (1, vec!["FUNDS_EXHAUSTED".to_owned()]));
        let account = field.account(HERE).await;
        assert_eq!((account.available, account.reserved), (Fen::ZERO, ONE_VOUCHER));
    }

    // No voucher moves twice: issued or rejected, never both.
    async fn one_voucher_is_issued_or_rejected(field, MONEY) {
        let (voucher, _) = field.applied(HERE).await;
        let racers = (0..RACERS).map(|n| match n % 2 {
            0 => field.issue(HERE, voucher),
            _ => field.command(HERE, "clerk", RejectApplication { voucher, reason: "NOT_ELIGIBLE".parse().unwrap() }),
        });
        let replies = race(&field, racers.collect()).await;
        assert_eq!(settle(&replies).0, 1, "{replies:?}");
    }

    // Rule 3: a request sent to both engines at once is done once, and both say the same.
    async fn one_request_sent_to_both_engines_is_done_once(field, MONEY) {
        let (voucher, _) = field.applied(HERE).await;
        let issue = field.issue(HERE, voucher);
        let replies = race(&field, vec![issue.clone(); RACERS]).await;
        let answers: Vec<_> = replies.into_iter().map(recorded).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(field.events_of(&issue).await, 1);
    }

    // Rule 4: several heads are locked in region order, so that two engines never wait for each other.
    async fn allocations_over_two_regions_neither_deadlock_nor_lose_a_fen(field, MONEY) {
        const ROUNDS: usize = 24;
        let amount = Fen(1_000);
        field.appropriate(CITY, Fen(ROUNDS as i64 / 2 * amount.0)).await;
        let mut racers = Vec::new();
        for n in 0..ROUNDS {
            racers.push(field.allocate(COUNTIES[n % 2], amount));
            racers.push(field.bystander(COUNTIES[n / 2 % 2]));
        }
        let raced = tokio::time::timeout(Duration::from_secs(60), race(&field, racers)).await;
        let replies = raced.expect("nobody waits for ever");
        // The city's money is enough for half of the allocations.
        assert_eq!(settle(&replies), (ROUNDS + ROUNDS / 2, vec!["FUNDS_EXHAUSTED".to_owned()]));
        let mut counties = Fen::ZERO;
        for county in COUNTIES {
            let account = field.account(county).await;
            assert_eq!(account.allocated, account.available);
            counties += account.allocated;
        }
        assert_eq!(field.account(CITY).await.allocated, Fen::ZERO);
        assert_eq!(counties, Fen(2 * MONEY.0 + ROUNDS as i64 / 2 * amount.0));
    }
}
