//! The auditor's side: a log that tells the truth has nothing found in it, and an operator who holds the log's key and lies is found
//! out, with the place of the lie.
//!
//! Every lie here is well-formed: canonical bytes, dense indexes, unbroken chains. Only the rules know better.

use hefu_audit::verify::{Asked, Keys, Seen, no_heads, verify};
use hefu_audit::{Check, Finding, Historian, Kind, SaidBy, across, audit_regions};
use hefu_domain::event::{
    FindingClosureReported, FindingRechecked, FindingRecorded, FindingReported, ForkAccepted,
    LogTree,
};
use hefu_domain::state::*;
use hefu_domain::*;
use hefu_log::View;

use crate::support::*;

/// One claim of 1,000 yuan, on a sheet that is submitted.
const SUBMITTED: &str = "
    voucher v1 general
    class   c1 general days=10 from=2023-06-05
    enrol   v1 c1
    teach   c1
    complete v1
    redeem  v1 -> Redeemed 1000.00
    submit  c1#1";

/// A request's events, as whoever holds the log's key may write them.
struct Told {
    caller: String,
    request: String,
    at: Instant,
    events: Vec<Event>,
}

/// What a move would honestly come to; nothing happens.
fn honestly(town: &Town, line: &str) -> Told {
    let mut copy = town.copy();
    let events = copy.run(line).unwrap();
    let last = copy.stored.events.last().unwrap();
    let view = View::read(last).unwrap();
    Told {
        caller: view.caller.to_owned(),
        request: format!("{}-told", view.request),
        at: copy.now,
        events,
    }
}

/// Writes a request into the log behind every rule's back; returns where its first event stands.
fn write(town: &mut Town, told: &Told) -> u64 {
    let at = town.stored.events.len() as u64;
    for event in &told.events {
        let asked = (told.caller.as_str(), told.request.as_str());
        // One policy rules here from the first day on.
        let region = town.region.clone();
        town.stored.write(&region, told.at, asked, Some(1), event);
    }
    at
}

/// What an auditor finds: where, of what kind, by which rules.
fn found(town: &Town) -> Vec<(u64, Kind, Vec<Code>)> {
    let findings = town.stored.audited(&town.region).findings;
    let short = |finding: Finding| (finding.index, finding.kind, finding.codes);
    findings.into_iter().map(short).collect()
}

fn after(script: &str) -> Town {
    let mut town = county();
    check_on(&mut town, script);
    town
}

#[test]
fn an_approval_by_whoever_issued_the_voucher_is_found() {
    let mut town = after(SUBMITTED);
    let issuer = town.voucher("v1").unwrap().hands.issued.clone().unwrap();
    let mut told = honestly(&town, "approve c1#1");
    told.caller = issuer.to_string();
    for event in &mut told.events {
        if let Event::ClaimApproved(approved) = event {
            approved.by = issuer.clone();
        }
    }
    let at = write(&mut town, &told);
    let kind = Kind::SeparationOfDuties;
    assert_eq!(found(&town), [(at, kind, vec![Code::SamePerson])]);
}

#[test]
fn an_approval_in_anothers_name_is_found() {
    let mut town = after(SUBMITTED);
    let mut told = honestly(&town, "approve c1#1");
    told.caller = "reviewer".to_owned();
    let at = write(&mut town, &told);
    // The caller is the issuer, whoever the event says that it was.
    let kind = Kind::SeparationOfDuties;
    assert_eq!(found(&town), [(at, kind, vec![Code::SamePerson])]);
}

#[test]
fn an_amount_that_is_one_fen_off_is_found() {
    let (claim, _) = SUBMITTED.split_once("redeem").unwrap();
    for wrong in [Fen(99_999), Fen(100_001)] {
        let mut town = after(claim);
        let mut told = honestly(&town, "redeem v1");
        for event in &mut told.events {
            if let Event::Redeemed(redeemed) = event {
                redeemed.amount = wrong;
            }
        }
        let at = write(&mut town, &told);
        assert_eq!(found(&town), [(at, Kind::Amount, vec![])]);
    }
}

#[test]
fn a_claim_a_minute_after_its_deadline_is_found_and_one_a_minute_before_it_is_none() {
    let (claim, _) = SUBMITTED.split_once("redeem").unwrap();
    for (minutes, late) in [(-1, false), (0, true), (1, true)] {
        let mut town = after(claim);
        let mut told = honestly(&town, "redeem v1");
        let due = town.voucher("v1").unwrap().due.unwrap();
        told.at = Instant(due.0 + minutes * 60_000);
        let at = write(&mut town, &told);
        let finding = (at, Kind::Deadline, vec![Code::VoucherExpired]);
        assert_eq!(found(&town), Vec::from_iter(late.then_some(finding)));
    }
}

#[test]
fn a_voucher_that_is_paid_for_once_more_is_found() {
    let (claim, rest) = SUBMITTED.split_once("redeem").unwrap();
    let mut town = after(claim);
    let mut again = honestly(&town, "redeem v1");
    check_on(&mut town, &format!("redeem {rest}"));
    check_on(
        &mut town,
        "approve c1#1
        at 2023-07-10
        send c1#1
        paid c1#1",
    );
    again.at = town.now;
    for event in &mut again.events {
        if let Event::Redeemed(redeemed) = event {
            // Onto a sheet of its own: the first one is paid.
            redeemed.sheet = SheetId(uuid("another sheet"));
            redeemed.opened = Some(2);
        }
    }
    let at = write(&mut town, &again);
    let codes = vec![Code::VoucherAlreadyRedeemed];
    assert_eq!(found(&town), [(at, Kind::DoublePayment, codes)]);
}

#[test]
fn a_lie_in_the_middle_of_a_batch_spoils_no_neighbour() {
    let mut town = after(
        "
        person p1
        person p2
        person p3
        apply v1 general of=p1
        apply v2 general of=p2
        apply v3 general of=p3",
    );
    let mut batch = honestly(&town, "issue v1");
    for line in ["issue v2", "issue v3"] {
        batch.events.extend(honestly(&town, line).events);
    }
    let clerk: StaffId = "reviewer-3".parse().unwrap();
    // Each was decided by itself: one after the other, they take one place after the other.
    for (place, event) in (0..).map(Place).zip(&mut batch.events) {
        if let Event::Issued(issued) = event {
            issued.place = place;
        }
    }
    if let Event::Issued(second) = &mut batch.events[1] {
        second.by = clerk;
    }
    let at = write(&mut town, &batch);
    assert_eq!(found(&town), [(at + 1, Kind::Rule, vec![])]);
}

#[test]
fn what_no_command_makes_is_found() {
    let mut town = after(SUBMITTED);
    let class = ClassId(town.id("c1"));
    let told = Told {
        events: vec![Event::ClassClosed(event::ClassClosed { class })],
        ..honestly(&town, "approve c1#1")
    };
    let at = write(&mut town, &told);
    assert_eq!(found(&town), [(at, Kind::Rule, vec![])]);
}

#[test]
fn a_policy_that_was_not_in_force_is_found() {
    let mut town = after(SUBMITTED);
    let told = honestly(&town, "approve c1#1");
    let at = town.stored.events.len() as u64;
    let asked = (told.caller.as_str(), told.request.as_str());
    let region = town.region.clone();
    let event = &told.events[0];
    town.stored.write(&region, told.at, asked, Some(2), event);
    assert_eq!(found(&town), [(at, Kind::Rule, vec![])]);
}

#[test]
fn one_person_who_is_paid_in_two_counties_is_found_in_the_later_one() {
    let paid = format!(
        "{SUBMITTED}
        approve c1#1
        at 2023-07-10
        send c1#1
        paid c1#1"
    );
    // Nobody keeps the two counties' nullifiers in one table, as a lying operator would not.
    let county = |code: &str, later: i64| {
        let mut town = region(code, Some("140700"));
        town.now = Instant(town.now.0 + later);
        town.run("appropriate city 2023 100000.00").unwrap();
        check_on(&mut town, &paid);
        town
    };
    let (here, there) = (county("140725", 0), county("140727", 3_600_000));
    let ledger = |town: &Town| town.stored.audited(&town.region).ledger.unwrap();
    assert_eq!((found(&here), found(&there)), (vec![], vec![]));
    let doubles = across(&[ledger(&here), ledger(&there)]);
    let place = |town: &Town, kind: &str| {
        let kinds = town.log.iter().map(|(_, event)| event.kind());
        kinds.into_iter().position(|other| other == kind).unwrap() as u64
    };
    let said: Vec<_> = doubles
        .iter()
        .map(|finding| {
            assert_eq!(
                (finding.region.as_str(), finding.kind),
                ("140727", Kind::DoublePayment)
            );
            let first = if finding.codes == [Code::LiveVoucherExists] {
                "Applied"
            } else {
                "Enrolled"
            };
            let there_too = format!("event {} of its log", place(&here, first));
            assert!(finding.detail.contains(&there_too), "{}", finding.detail);
            assert!(
                finding.detail.contains("region 140725"),
                "{}",
                finding.detail
            );
            (finding.index, finding.codes.clone())
        })
        .collect();
    assert_eq!(
        said,
        [
            (place(&there, "Applied"), vec![Code::LiveVoucherExists]),
            (
                place(&there, "Enrolled"),
                vec![
                    Code::YearlyLimit,
                    Code::TrainedBefore,
                    Code::GeneralPaid,
                    Code::DayTaken
                ]
            ),
        ]
    );
}

#[test]
fn what_one_county_freed_another_may_take() {
    let mut here = region("140725", Some("140700"));
    check_on(
        &mut here,
        "
        person p1
        apply v1 general of=p1
        withdraw v1",
    );
    let mut there = region("140727", Some("140700"));
    there.now = Instant(here.now.0 + 3_600_000);
    check_on(&mut there, "person p1\napply v1 general of=p1");
    let ledger = |town: &Town| town.stored.audited(&town.region).ledger.unwrap();
    assert_eq!(across(&[ledger(&here), ledger(&there)]), []);
}

/// A county's grave finding, as its city's log has it in that state.
fn grave(state: FindingState, county: Option<&str>) -> hefu_domain::state::Finding {
    hefu_domain::state::Finding {
        about: About::Institution(institution("plant")),
        institution: None,
        code: "FEE_CHARGED".parse().unwrap(),
        grave: true,
        blocks: false,
        due: "2023-06-01".parse().unwrap(),
        evidence: digest("receipts"),
        recorded_by: "zhang".parse().unwrap(),
        inspection: None,
        county: county.map(|code| code.parse().unwrap()),
        state,
    }
}

/// Both logs of a finding that is recorded and closed an hour later, with what of the closing they are to have.
fn closed(in_county: bool, in_city: bool) -> (Town, Town) {
    let finding: FindingId = "01890000-0000-7000-8000-000000000001".parse().unwrap();
    let mut county = region("140725", Some("140700"));
    let mut city = region("140700", None);
    let write = |town: &mut Town, event: Event, by: &str, request: &str| {
        let mut world = World::new(town.region.clone());
        town.bring(&mut world, Need::Fact(Key::Region));
        town.commit(world, vec![event], (by, request));
    };
    let its = "region/140725";
    city.now = county.now;
    let recorded = Event::FindingRecorded(FindingRecorded {
        finding,
        record: grave(FindingState::Open, None),
    });
    write(&mut county, recorded, "supervisor", "found-0001");
    let reported = Event::FindingReported(FindingReported {
        finding,
        record: grave(FindingState::Reported, Some("140725")),
    });
    write(&mut city, reported, its, "found-0001");
    for town in [&mut county, &mut city] {
        town.now = town.now.plus_hours(1);
    }
    let (by, evidence): (StaffId, Digest) = ("li".parse().unwrap(), digest("seen"));
    let rechecked = Event::FindingRechecked(FindingRechecked {
        finding,
        by: by.clone(),
        evidence,
        due: None,
    });
    if in_county {
        write(&mut county, rechecked, "reviewer", "closed-0001");
    }
    let state = FindingState::Closed {
        by,
        proof: evidence,
    };
    let heard = Event::FindingClosureReported(FindingClosureReported {
        finding,
        record: grave(state, Some("140725")),
    });
    if in_city {
        write(&mut city, heard, its, "closed-0001");
    }
    // A log that ends here could not say it yet.
    for town in [&mut county, &mut city] {
        town.now = town.now.plus_hours(1);
        town.run("person p1").unwrap();
    }
    (county, city)
}

#[test]
fn a_grave_finding_is_closed_in_both_logs_or_it_is_found_out() {
    let said = |(county, city): (Town, Town)| {
        let ledger = |town: &Town| town.stored.audited(&town.region).ledger.unwrap();
        let found = across(&[ledger(&county), ledger(&city)]);
        let told = |finding: Finding| (finding.region.to_string(), finding.detail);
        found.into_iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(said(closed(true, true)), []);
    assert_eq!(said(closed(false, false)), []);
    let unheard = "the city did not hear that this was closed".to_owned();
    assert_eq!(said(closed(true, false)), [("140725".to_owned(), unheard)]);
    let unsaid = "no county's log closed this finding".to_owned();
    assert_eq!(said(closed(false, true)), [("140700".to_owned(), unsaid)]);
}

/// The county's log ends as it is, and a new epoch carries it on.
fn fork(town: &mut Town, change: impl Fn(&mut LogTree)) {
    let mut kept = town.stored.next_epoch();
    change(&mut kept);
    let accepted = Event::ForkAccepted(ForkAccepted {
        reason: "RESTORED".parse().unwrap(),
        signed: None,
        kept,
    });
    let mut world = World::new(town.region.clone());
    town.bring(&mut world, Need::Fact(Key::Region));
    town.commit(world, vec![accepted], ("log", "fork-1"));
}

#[test]
fn a_new_epoch_carries_states_streams_and_money_on_from_index_0() {
    let mut town = after(SUBMITTED);
    let before = town.stored.events.len() as u64;
    fork(&mut town, |_| ());
    for line in [
        "approve c1#1",
        "at 2023-07-10",
        "send c1#1",
        "paid c1#1",
        "write-off v1",
    ] {
        town.run(line).unwrap();
    }
    let audited = town.stored.audited(&town.region);
    assert_eq!(audited.findings, []);
    let replayed = audited.log.unwrap();
    let now = town.stored.events.len() as u64;
    let counted = (replayed.epoch, replayed.size, replayed.events);
    assert_eq!(counted, (1, now, before + now));
    let key = Key::Voucher(VoucherId(town.id("v1")));
    assert_eq!(replayed.world.get(&key).unwrap(), town.facts.get(&key));
}

#[test]
fn an_epoch_that_does_not_begin_with_what_the_old_one_was_left_at_fails() {
    let failed = |change: fn(&mut LogTree)| {
        let mut town = after("person p1");
        fork(&mut town, change);
        let failure = town.stored.audited(&town.region).log.err();
        failure.map(|failure| (failure.epoch, failure.index, failure.check))
    };
    assert_eq!(failed(|_| ()), None);
    let fork = Some((1, 0, Check::Fork));
    assert_eq!(failed(|kept| kept.size -= 1), fork);
    assert_eq!(failed(|kept| kept.epoch += 1), fork);
    assert_eq!(failed(|kept| kept.root = digest("another")), fork);
}

#[test]
fn a_fork_stands_at_the_beginning_of_an_epoch_and_nowhere_else() {
    let mut town = after("person p1");
    town.stored.next_epoch();
    town.run("person p2").unwrap();
    let failure = town.stored.audited(&town.region).log.err().unwrap();
    assert_eq!(
        (failure.epoch, failure.index, failure.check),
        (1, 0, Check::Fork)
    );
    let said = failure.to_string();
    assert_eq!(said, "region 140725, epoch 1, event 0: fork failed");

    let mut town = after("person p1");
    let in_the_middle = town.stored.events.len() as u64;
    let kept = town.stored.clone().next_epoch();
    let told = Told {
        caller: "log".to_owned(),
        request: "fork-1".to_owned(),
        at: town.now,
        events: vec![Event::ForkAccepted(ForkAccepted {
            reason: "RESTORED".parse().unwrap(),
            signed: None,
            kept,
        })],
    };
    write(&mut town, &told);
    let failure = town.stored.audited(&town.region).log.err().unwrap();
    assert_eq!((failure.index, failure.check), (in_the_middle, Check::Fork));
}

/// From application to write-off, over a fork.
fn a_long_life() -> Town {
    let mut town = after(SUBMITTED);
    fork(&mut town, |_| ());
    for line in [
        "approve c1#1",
        "at 2023-07-10",
        "send c1#1",
        "paid c1#1",
        "write-off v1",
    ] {
        town.run(line).unwrap();
    }
    town
}

#[test]
fn an_exported_folder_is_replayed_region_by_region_and_epoch_by_epoch() {
    let long = a_long_life();
    let mut other = region("140727", Some("140700"));
    check_on(&mut other, "person p1\napply v1 general of=p1");
    let export = Export::of(&[&other, &long]);
    let facts = |town: &Town| town.facts.clone();
    for threads in [1, 2] {
        let kept = audit_regions(&export, true, threads, |region, audited| {
            assert_eq!(audited.findings, []);
            let all = audited.log.unwrap();
            let facts = all.world.all().into_iter();
            let facts = facts.map(|(key, fact)| (key.clone(), fact.clone()));
            (region.to_string(), all.epoch, facts.collect())
        });
        let wanted = [
            ("140725".to_owned(), 1, facts(&long)),
            ("140727".to_owned(), 0, facts(&other)),
        ];
        assert_eq!(kept.unwrap(), wanted);
    }
}

#[test]
fn a_folder_with_a_bundle_missing_is_an_error_and_no_short_log() {
    let mut export = Export::of(&[&a_long_life()]);
    let bundle = export
        .files
        .keys()
        .find(|path| path.contains("epoch/0/tile/entries/"))
        .cloned();
    let bundle = bundle.unwrap();
    export.files.remove(&bundle).unwrap();
    let error = audit_regions(&export, false, 1, |_, _| ()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("is missing"), "{error}");
}

#[test]
fn a_vouchers_history_tells_every_event_of_its_life_with_its_proof() {
    let town = a_long_life();
    let (historian, log) = historian(&town, "v1");
    let told = historian.end(log.size, log.root).unwrap();
    assert_eq!((told.state, told.trees.len()), ("written_off", 2));
    assert_eq!(
        told.trees
            .iter()
            .map(|tree| tree.said_by)
            .collect::<Vec<_>>(),
        [SaidBy::Fork, SaidBy::Checkpoint]
    );
    let mut said: Vec<(u64, &str, &str)> = Vec::new();
    for step in &told.steps {
        assert!(step.proven, "{step:?}");
        // One line for the sessions, one after the other.
        if said.last().is_none_or(|(_, kind, _)| *kind != step.kind) {
            said.push((step.epoch, step.kind, step.state));
        }
    }
    assert_eq!(
        said,
        [
            (0, "Applied", "applied"),
            (0, "Issued", "issued"),
            (0, "Enrolled", "enrolled"),
            (0, "AttendanceRecorded", "enrolled"),
            (0, "Completed", "completed"),
            (0, "Redeemed", "claimed"),
            (0, "ClaimSubmitted", "claimed"),
            (1, "ClaimApproved", "approved"),
            (1, "PayoutSent", "approved"),
            (1, "PayoutRecorded", "paid"),
            (1, "WrittenOff", "written_off"),
            (1, "ClaimClosed", "written_off"),
        ]
    );
    let redeemed = told
        .steps
        .iter()
        .find(|step| step.kind == "Redeemed")
        .unwrap();
    assert_eq!(redeemed.amount_fen, Some(Fen::yuan(1_000)));
    assert_eq!(redeemed.trail[0].rule, "DAILY");
    let sessions = told
        .steps
        .iter()
        .filter(|step| step.kind == "AttendanceRecorded");
    assert_eq!(
        sessions.count(),
        town.class("c1").unwrap().filing.timetable.len()
    );
}

#[test]
fn an_event_that_is_in_no_published_tree_is_not_said_to_be_proven() {
    let mut town = after(SUBMITTED);
    let (_, before) = historian(&town, "v1");
    town.run("approve c1#1").unwrap();
    let (told, log) = historian(&town, "v1");
    // Another tree of the same size was signed.
    let told = told.end(log.size, before.root).unwrap();
    assert!(told.steps.iter().all(|step| !step.proven));
    assert_eq!(told.unsigned().count(), 0);
    // And one without the last event, which is nothing but late.
    let (told, _) = historian(&town, "v1");
    let told = told.end(before.size, before.root).unwrap();
    let (last, others) = told.steps.split_last().unwrap();
    assert!(!last.proven && others.iter().all(|step| step.proven));
    assert_eq!(
        told.unsigned().map(|step| step.index).collect::<Vec<_>>(),
        [last.index]
    );
}

#[test]
fn a_voucher_that_the_log_does_not_know_has_no_history() {
    let town = after("person p1");
    let (nobody, log) = historian(&town, "v9");
    assert!(!nobody.knows());
    assert!(nobody.end(log.size, log.root).is_none());
}

/// Whoever has read a town's whole log for a voucher, and what was signed of it.
fn historian(town: &Town, voucher: &str) -> (Historian, Seen) {
    let export = Export::of(&[town]);
    let voucher = VoucherId(town.id(voucher));
    let asked = Asked::all(Keys::from_outside(&export.vkeys).unwrap());
    let begin = |region: &Region| Historian::new(region.clone(), voucher);
    let mut historian = None;
    let end = |_: &Region, told| historian = Some(told);
    let mut report = verify(&export, &asked, &no_heads, begin, end).unwrap();
    assert_eq!(report.failure, None);
    (historian.unwrap(), report.logs.remove(0))
}

#[test]
fn a_training_of_the_year_that_was_in_another_county_counts_when_the_next_one_is_decided_again() {
    let mut there = region("140727", Some("140700"));
    let mut here = region("140725", Some("140700"));
    here.nullifiers = there.nullifiers.clone();
    for town in [&mut there, &mut here] {
        town.run("appropriate city 2023 100000.00").unwrap();
    }
    check_on(
        &mut there,
        "
        voucher v1 general of=p1
        class c1 general days=2 from=2023-05-22
        enrol v1 c1",
    );
    check_on(
        &mut here,
        "
        voucher v1 order_project of=p1
        class c1 order_project days=2 from=2023-06-05 occupation=6-18-01-07
        enrol v1 c1",
    );
    let second = |held: &Held| matches!(held.once, Once::Yearly { slot: 2, .. });
    assert!(here.voucher("v1").unwrap().held.iter().any(second));
}
