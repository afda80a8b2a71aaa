//! Every state against every move that names its kind of thing: one table each, so that a rule that opens or shuts a door is seen.
//! The answer is every event in order, or every refusal; the caller is always one who may make the move.

use std::fmt::Write as _;

use hefu_domain::Instant;

use crate::support::{Town, check_on, classified_county, county, said};

/// A state, and the script that leads to it.
type Start = (&'static str, &'static str);

/// Everybody whom the moves may name, before anything happens to v1.
const SCENE: &str = "
    person right
    voucher bystander general
    class  c9 general from=2023-10-09
    session s9 on=2023-06-12
";

const VOUCHER_STATES: [Start; 21] = [
    (
        "applied",
        "person p1
        apply v1 general of=p1",
    ),
    (
        "applied by the employer",
        "person p1 as=enterprise_employee
        apply v1 enterprise_staff of=p1 by=plant",
    ),
    ("issued", "voucher v1 general"),
    (
        "enrolled",
        "voucher v1 general
        class c1 general
        enrol v1 c1",
    ),
    (
        "taught",
        "voucher v1 general
        class c1 general
        enrol v1 c1
        teach c1",
    ),
    (
        "completed",
        "<taught>
        complete v1",
    ),
    (
        "claimed, sheet open",
        "<completed>
        redeem v1",
    ),
    (
        "claimed, sheet submitted",
        "<claimed, sheet open>
        submit c1#1",
    ),
    (
        "approved",
        "<claimed, sheet submitted>
        approve c1#1",
    ),
    (
        "approved, with the bank",
        "<approved>
        at 2023-07-10
        send c1#1",
    ),
    (
        "paid",
        "<approved, with the bank>
        paid c1#1",
    ),
    (
        "written off",
        "<paid>
        write-off v1",
    ),
    (
        "rejected",
        "<applied>
        reject v1",
    ),
    (
        "withdrawn",
        "<applied>
        withdraw v1",
    ),
    (
        "revoked",
        "<issued>
        revoke v1",
    ),
    (
        "expired",
        "<completed>
        at 2024-03-11 00
        expire v1",
    ),
    (
        "refused",
        "<claimed, sheet submitted>
        refuse c1#1",
    ),
    (
        "clawed back",
        "<paid>
        claw-back v1 100.00
        confirm-claw-back v1",
    ),
    (
        "issued, frozen",
        "<issued>
        freeze v1",
    ),
    (
        "completed, frozen",
        "<completed>
        freeze v1",
    ),
    (
        "paid, frozen",
        "<paid>
        freeze v1",
    ),
];

const VOUCHER_MOVES: [&str; 31] = [
    "confirm v1",
    "withdraw v1",
    "reject v1 by=clerk-2",
    "reopen v1 by=reviewer-3",
    "correct v1 to=right",
    "confirm-correction v1",
    "refuse-correction v1",
    "issue v1",
    "revoke v1",
    "fetch v1",
    "reissue v1",
    "expire v1",
    "override v1 cap=1200.00",
    "confirm-override v1",
    "freeze v1",
    "unfreeze v1",
    "enrol v1 c9",
    "drop v1",
    "complete v1",
    "assess v1 s9 pass",
    "assess v1 s9 fail",
    "certificate v1",
    "redeem v1",
    "strike c1#1 v1",
    "strike c1#1 v1 refused",
    "close voucher v1",
    "write-off v1",
    "claw-back v1 50.00",
    "confirm-claw-back v1",
    "receive v1 50.00",
    "apply v1 general of=right",
];

const CLASS_STATES: [Start; 8] = [
    ("no such class", ""),
    ("filed", "file c1 general"),
    ("approved", "class c1 general"),
    (
        "running",
        "voucher v1 general
        class c1 general
        enrol v1 c1
        at 2023-06-05 12
        attend c1 0",
    ),
    (
        "finished",
        "voucher v1 general
        class c1 general
        enrol v1 c1
        teach c1",
    ),
    (
        "closed",
        "<finished>
        complete v1
        redeem v1
        submit c1#1
        refuse c1#1",
    ),
    (
        "rejected",
        "<filed>
        reject-class c1",
    ),
    (
        "cancelled",
        "<approved>
        cancel c1",
    ),
];

const CLASS_MOVES: [&str; 9] = [
    "file c1 general from=2023-10-16",
    "approve-class c1",
    "reject-class c1",
    "finish c1",
    "cancel c1 by=school-a",
    "cancel c1 by=reviewer",
    "enrol bystander c1",
    "employ c1 v1=no",
    "approve-late c1 1",
];

const SESSION_STATES: [Start; 7] = [
    ("no such session", ""),
    ("filed", "file-session s1"),
    ("approved", "session s1"),
    (
        "finished",
        "voucher v1 assessment
        session s1
        at 2023-07-03
        assess v1 s1 pass
        finish-session s1",
    ),
    (
        "closed",
        "session s1
        at 2023-07-03
        finish-session s1",
    ),
    (
        "rejected",
        "<filed>
        reject-session s1",
    ),
    (
        "cancelled",
        "<approved>
        cancel-session s1",
    ),
];

const SESSION_MOVES: [&str; 7] = [
    "file-session s1 on=2023-10-16",
    "approve-session s1",
    "reject-session s1",
    "finish-session s1",
    "cancel-session s1",
    "assess candidate s1 pass",
    "assess candidate s1 absent",
];

const SHEET_STATES: [Start; 9] = [
    (
        "no such sheet",
        "voucher v1 general
        class c1 general
        enrol v1 c1
        teach c1
        complete v1",
    ),
    (
        "open",
        "<no such sheet>
        redeem v1",
    ),
    (
        "submitted",
        "<open>
        submit c1#1",
    ),
    (
        "approved, notice running",
        "<submitted>
        approve c1#1",
    ),
    (
        "approved, objection open",
        "<approved, notice running>
        object c1#1 o1
        at 2023-07-10",
    ),
    (
        "paying",
        "<approved, notice running>
        at 2023-07-10
        send c1#1",
    ),
    (
        "paid",
        "<paying>
        paid c1#1",
    ),
    (
        "closed",
        "<paid>
        write-off v1",
    ),
    (
        "refused",
        "<submitted>
        refuse c1#1",
    ),
];

const SHEET_MOVES: [&str; 16] = [
    "submit c1#1",
    "strike c1#1 v1",
    "strike c1#1 v1 refused",
    "return c1#1",
    "refuse c1#1",
    "reopen-claim c1#1",
    "approve c1#1",
    "object c1#1 o2",
    "decide c1#1 o1 dismissed",
    "decide c1#1 o1 strike v1",
    "decide c1#1 o1 refuse",
    "send c1#1",
    "paid c1#1",
    "bounced c1#1",
    "write-off v1",
    "close sheet c1#1",
];

const CLASSIFIED_STATES: [Start; 10] = [
    ("filed", "file c1 general deliverer=unit"),
    (
        "approved",
        "voucher v1 general
        class c1 general deliverer=unit
        enrol v1 c1",
    ),
    (
        "over",
        "<approved>
        at 2023-06-06 18",
    ),
    (
        "sealed",
        "<over>
        seal c1",
    ),
    (
        "sealed, one officer",
        "<sealed>
        approve-seal c1 by=clerk",
    ),
    (
        "sealed, two officers",
        "<sealed, one officer>
        approve-seal c1 by=supervisor",
    ),
    (
        "finished",
        "<sealed, two officers>
        finish c1",
    ),
    (
        "submitted",
        "<finished>
        complete v1
        redeem v1
        submit c1#1",
    ),
    (
        "approved for payment",
        "<submitted>
        approve c1#1",
    ),
    (
        "cancelled",
        "<sealed>
        cancel c1",
    ),
];

const CLASSIFIED_MOVES: [&str; 12] = [
    "attend c1 0",
    "late c1 0",
    "seal c1",
    "approve-seal c1 by=clerk",
    "approve-seal c1 by=reviewer-3",
    "finish c1",
    "cancel c1",
    "drop v1",
    "complete v1",
    "approve c1#1",
    "object c1#1 o1",
    "send c1#1",
];

/// The script of a state, with the states that it starts from written out.
fn script(states: &[Start], name: &str) -> String {
    let (_, script) = states
        .iter()
        .find(|(other, _)| *other == name)
        .unwrap_or_else(|| panic!("no state {name}"));
    match script
        .split_once('>')
        .and_then(|(before, rest)| Some((before.strip_prefix('<')?, rest)))
    {
        Some((before, rest)) => format!("{}\n{rest}", self::script(states, before)),
        None => (*script).to_owned(),
    }
}

/// One move tried on a copy of the town.
fn answer(town: &Town, line: &str) -> String {
    said(&town.copy().run(line))
}

/// What every move comes to in every state, tried at that moment or when the state was reached.
fn table(scene: &str, states: &[Start], moves: &[&str], not_before: Instant) -> String {
    table_of(county, scene, states, moves, not_before)
}

fn table_of(
    town: fn() -> Town,
    scene: &str,
    states: &[Start],
    moves: &[&str],
    not_before: Instant,
) -> String {
    let mut text = String::new();
    for (state, _) in states {
        let mut town = town();
        check_on(&mut town, scene);
        check_on(&mut town, &script(states, state));
        town.now = town.now.max(not_before);
        writeln!(text, "{state}").unwrap();
        for line in moves {
            writeln!(text, "    {line:<32} {}", answer(&town, line)).unwrap();
        }
    }
    text
}

#[test]
fn every_voucher_state_answers_every_voucher_move() {
    // The session's day has come, so that only the voucher's own state speaks.
    let session_day = Instant::start_of("2023-06-12".parse().unwrap());
    insta::assert_snapshot!(
        "voucher",
        table(SCENE, &VOUCHER_STATES, &VOUCHER_MOVES, session_day)
    );
}

#[test]
fn every_class_state_answers_every_class_move() {
    insta::assert_snapshot!(
        "class",
        table(SCENE, &CLASS_STATES, &CLASS_MOVES, Instant(0))
    );
}

#[test]
fn every_session_state_answers_every_session_move() {
    let scene = format!("{SCENE}\n voucher candidate assessment");
    insta::assert_snapshot!(
        "session",
        table(&scene, &SESSION_STATES, &SESSION_MOVES, Instant(0))
    );
}

#[test]
fn every_sheet_state_answers_every_sheet_move() {
    insta::assert_snapshot!("sheet", table("", &SHEET_STATES, &SHEET_MOVES, Instant(0)));
}

#[test]
fn every_state_of_a_classified_class_answers_every_move_of_it() {
    let states = &CLASSIFIED_STATES;
    insta::assert_snapshot!(
        "classified",
        table_of(classified_county, "", states, &CLASSIFIED_MOVES, Instant(0))
    );
}

/// Every kind of move that the domain knows stands in a matrix, or is named here as tried elsewhere.
#[test]
fn no_move_is_left_out() {
    const ELSEWHERE: [&str; 57] = [
        // Made by the county itself before every test, or tried where their rules stand.
        "OpenRegion",
        "AdoptPolicy",
        "AdoptCalendar",
        "RecordCheckpoints",
        "GrantCaller",
        "RevokeCaller",
        "AppointDeputy",
        "RegisterPerson",
        "RecordCheckAnswers",
        "EraseSubject",
        "RevealPerson",
        "ImportRoster",
        "ImportCertificates",
        "ExportPayouts",
        "RegisterInstitution",
        "ChangeInstitution",
        "RegisterClassified",
        "RegisterAccount",
        "ConfirmAccount",
        "FileCatalogueEntry",
        "ChangeCatalogueEntry",
        "ApproveCatalogueEntry",
        "RefuseCatalogueEntry",
        "SuspendCatalogueEntry",
        "StrikeOffCatalogueEntry",
        "SuspendInstitution",
        "StrikeOffInstitution",
        "AppropriateFunds",
        "AllocateFunds",
        "RequestTopUp",
        "DecideTopUp",
        "OpenPlanYear",
        "ClosePlanYear",
        "SetTargets",
        "RequestLateEntry",
        "ApproveLateEntry",
        "RecordAttendance",
        "ChangeClass",
        "RecordEmployment",
        "ConfirmCertificate",
        "RaiseObjection",
        "DecideObjection",
        "FetchToken",
        "ReceiveClawBack",
        "RecordAssessment",
        // Tried in `supervision/tests.rs`.
        "PlanSample",
        "DrawSample",
        "Inspect",
        "ConfirmInspection",
        "RecordFinding",
        "Rectify",
        "Recheck",
        "RaiseFlag",
        "ClearFlag",
        "ConfirmClearFlag",
        "CreditPoints",
        "RestoreCredit",
    ];
    let town = county();
    let mut named: Vec<&str> = ELSEWHERE.to_vec();
    for line in VOUCHER_MOVES
        .iter()
        .chain(&CLASS_MOVES)
        .chain(&SESSION_MOVES)
        .chain(&SHEET_MOVES)
    {
        named.push(town.act(&crate::support::Saying::of(line)).1.name());
    }
    let mut town = classified_county();
    check_on(&mut town, &script(&CLASSIFIED_STATES, "approved"));
    for line in CLASSIFIED_MOVES {
        named.push(town.act(&crate::support::Saying::of(line)).1.name());
    }
    for name in hefu_domain::command::Act::NAMES {
        assert!(named.contains(name), "{name} is in no matrix");
    }
}
