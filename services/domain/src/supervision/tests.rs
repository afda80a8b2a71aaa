//! Samples, inspections, findings, flags and credit as a county meets them.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::audit::LogTree;
use crate::command::*;
use crate::decide::Caller;
use crate::event::Event;
use crate::policy::{CreditClass, FraudRule, Programme, Severity};
use crate::redemption;
use crate::sample::*;
use crate::time::Instant;
use crate::training;

fn digest(n: u8) -> Digest {
    Digest([n; 32])
}

fn finding_id(n: u128) -> FindingId {
    FindingId(Uuid::from_u128(n))
}

fn sample_id(n: u128) -> SampleId {
    SampleId(Uuid::from_u128(n))
}

fn inspection_id(n: u128) -> InspectionId {
    InspectionId(Uuid::from_u128(n))
}

fn supervisor() -> Caller {
    staff("supervisor", Role::Supervisor)
}

fn reviewer() -> Caller {
    staff("reviewer-2", Role::Reviewer)
}

/// A class that is approved, with so many people in it since its first morning.
fn class(county: &mut County, n: u128, people: u8) {
    let mut filing = filing(Programme::General, &["06-05", "06-06", "06-07"]);
    filing.capacity = 30;
    filing.site = code(&format!("room-{n}"));
    filing.trainers = vec![code(&format!("trainer-{n}"))];
    let filed = FileClass {
        class: class_id(n),
        filing,
    };
    let file = |ask: &Ask| training::file_class(ask, &filed);
    county.play(&of(SCHOOL), at("05-29"), file).unwrap();
    let approve = ApproveClass { class: class_id(n) };
    let by = staff("reviewer", Role::Reviewer);
    let approved = county.play(&by, at("05-30"), |ask| {
        training::approve_class(ask, &approve)
    });
    assert_eq!(approved, Ok(vec!["ClassApproved"]));
    for person in 1..=people {
        let voucher = county.issued(person, person, Programme::General);
        let enrol = Enrol {
            voucher,
            class: class_id(n),
            token: token(person),
            identity: identity(person),
        };
        let seated = county.play(&of(SCHOOL), at("06-05 8"), |ask| {
            training::enrol(ask, &enrol)
        });
        assert_eq!(seated, Ok(vec!["Enrolled"]));
    }
}

fn attend(county: &mut County, when: &str, slot: u16, seats: &[u16]) {
    let entry = |seat: &u16| AttendanceEntry {
        seat: *seat,
        lessons: 4,
        method: Method::Face,
        evidence: Digest([u8::try_from(slot * 10 + seat).unwrap(); 32]),
        presence_checks: 0,
    };
    let act = RecordAttendance {
        class: class_id(1),
        slot,
        entries: seats.iter().map(entry).collect(),
    };
    let said = county.play(&of(SCHOOL), at(when), |ask| {
        training::record_attendance(ask, &act)
    });
    assert_eq!(said, Ok(vec!["AttendanceRecorded"]));
}

fn inspect_at(county: &mut County, when: &str, slot: u16, present: &[u16]) -> Said {
    let act = Inspect {
        inspection: inspection_id(1),
        class: class_id(1),
        slot,
        present: present.iter().copied().collect(),
        evidence: digest(1),
        sample: None,
    };
    county.play(&staff("officer-1", Role::Clerk), at(when), |ask| {
        inspect(ask, &act)
    })
}

type Said = Result<Vec<&'static str>, Vec<Code>>;

fn confirm(county: &mut County, by: &str, when: &str) -> Said {
    let seen = county.world.inspection(&inspection_id(1)).unwrap().digest();
    let act = ConfirmInspection {
        inspection: inspection_id(1),
        proposal: seen,
        finding: finding_id(9),
    };
    county.play(&staff(by, Role::Supervisor), at(when), |ask| {
        confirm_inspection(ask, &act)
    })
}

/// The days that a seat earned so far.
fn days(county: &County, seat: u16) -> u16 {
    let rules = &policy().programmes[&Programme::General];
    training::days_earned(&county.world, &class_id(1), seat, rules)
        .unwrap()
        .0
}

#[test]
fn an_inspection_takes_two_officers_and_an_absentee_loses_the_day_whenever_it_is_entered() {
    let mut county = County::new();
    class(&mut county, 1, 3);
    assert_eq!(
        inspect_at(&mut county, "06-05 7", 0, &[0]),
        Err(vec![Code::InspectionWindow])
    );
    assert_eq!(
        inspect_at(&mut county, "06-05 9", 0, &[0, 7]),
        Err(vec![Code::BadSeat])
    );
    assert_eq!(
        inspect_at(&mut county, "06-05 9", 0, &[0, 1]),
        Ok(vec!["Inspected"])
    );
    assert_eq!(
        confirm(&mut county, "officer-1", "06-05 9"),
        Err(vec![Code::SamePerson])
    );
    // One of three is more than a fifth: the gap is a finding of its own.
    assert_eq!(
        confirm(&mut county, "officer-2", "06-05 9"),
        Ok(vec!["InspectionConfirmed", "FindingRecorded"])
    );
    assert_eq!(
        confirm(&mut county, "officer-3", "06-05 9"),
        Err(vec![Code::AlreadyConfirmed])
    );
    attend(&mut county, "06-05 12", 0, &[0, 1, 2]);
    attend(&mut county, "06-05 18", 1, &[0, 1, 2]);
    attend(&mut county, "06-06 12", 2, &[0, 1, 2]);
    attend(&mut county, "06-06 18", 3, &[0, 1, 2]);
    assert_eq!([0, 1, 2].map(|seat| days(&county, seat)), [2, 2, 1]);
    let finding = county.world.finding(&finding_id(9)).unwrap();
    assert_eq!(finding.about, About::Class(class_id(1)));
    assert_eq!(finding.institution, Some(institution(SCHOOL)));
    assert!(finding.blocks && !finding.grave);
    assert_eq!(finding.due, date("06-20"));
}

#[test]
fn who_is_on_record_as_absent_makes_no_gap() {
    let mut county = County::new();
    class(&mut county, 1, 3);
    attend(&mut county, "06-05 12", 0, &[0, 1]);
    let said = inspect_at(&mut county, "06-05 13", 0, &[0, 1]);
    assert_eq!(said, Ok(vec!["Inspected"]));
    let said = confirm(&mut county, "officer-2", "06-05 13");
    assert_eq!(said, Ok(vec!["InspectionConfirmed"]));
    let inspection = county.world.inspection(&inspection_id(1)).unwrap();
    let outcome = inspection.outcome.as_ref().unwrap();
    assert_eq!((outcome.missing, outcome.of), (0, 2));
    assert_eq!(outcome.absent, BTreeSet::from([2]));
}

fn record(about: About, blocks: bool) -> RecordFinding {
    RecordFinding {
        finding: finding_id(1),
        about,
        code: code("FEE_CHARGED"),
        grave: false,
        blocks,
        due: date("07-01"),
        evidence: digest(1),
        inspection: None,
        report_to: None,
    }
}

#[test]
fn a_finding_is_put_right_by_its_institution_and_closed_by_another_officer() {
    let mut county = County::new();
    class(&mut county, 1, 0);
    let found = record(About::Class(class_id(1)), true);
    let said = county.play(&supervisor(), at("06-05"), |ask| {
        record_finding(ask, &found)
    });
    assert_eq!(said, Ok(vec!["FindingRecorded"]));
    let said = county.play(&supervisor(), at("06-05"), |ask| {
        record_finding(ask, &found)
    });
    assert_eq!(said, Err(vec![Code::DuplicateEntry]));
    let school = county.world.institution(&institution(SCHOOL)).unwrap();
    assert!(school.findings.contains(&finding_id(1)));
    let holds = |county: &County| county.world.class(&class_id(1)).unwrap().holds.clone();
    assert!(holds(&county).is_some());
    let look = |county: &mut County, by: &Caller, due: Option<&str>| {
        let act = Recheck {
            report_to: None,
            finding: finding_id(1),
            evidence: digest(2),
            due: due.map(date),
        };
        county.play(by, at("06-10"), |ask| recheck(ask, &act))
    };
    assert_eq!(
        look(&mut county, &reviewer(), None),
        Err(vec![Code::FindingNotRectified])
    );
    assert_eq!(
        look(&mut county, &reviewer(), Some("06-09")),
        Err(vec![Code::BadDates])
    );
    let rectified = Rectify {
        finding: finding_id(1),
        evidence: digest(3),
    };
    let said = county.play(&of(BODY), at("06-10"), |ask| rectify(ask, &rectified));
    assert_eq!(said, Err(vec![Code::NotYours]));
    let by_school = |ask: &Ask| rectify(ask, &rectified);
    let said = county.play(&of(SCHOOL), at("06-10"), by_school);
    assert_eq!(said, Ok(vec!["FindingRectified"]));
    assert_eq!(
        look(&mut county, &supervisor(), None),
        Err(vec![Code::SamePerson])
    );
    assert_eq!(
        look(&mut county, &reviewer(), Some("07-10")),
        Ok(vec!["FindingRechecked"])
    );
    assert!(holds(&county).is_some(), "it stands");
    county.play(&of(SCHOOL), at("06-11"), by_school).unwrap();
    let closed = look(&mut county, &reviewer(), None);
    assert_eq!(closed, Ok(vec!["FindingRechecked"]));
    assert_eq!(holds(&county), None);
    let school = county.world.institution(&institution(SCHOOL)).unwrap();
    assert!(school.findings.is_empty());
    assert_eq!(
        look(&mut county, &reviewer(), None),
        Err(vec![Code::FindingClosed])
    );
}

#[test]
fn a_grave_finding_stands_in_the_citys_log_too() {
    let mut county = County::new();
    class(&mut county, 1, 0);
    let mut city = World::new(code("140700"));
    let state = RegionState {
        parent: None,
        ..county.world.state_of_region().unwrap().clone()
    };
    city.bring(Key::Region, Some(Fact::Region(state)));
    city.bring(Key::Finding(finding_id(1)), None);
    county.world.bring(Key::Finding(finding_id(1)), None);
    let act = RecordFinding {
        grave: true,
        report_to: Some(code("140700")),
        ..record(About::Class(class_id(1)), true)
    };
    let ask = Ask {
        world: &county.world,
        caller: supervisor(),
        at: at("06-05"),
    };
    let (own, others) = report_finding(&ask, &city, &act).unwrap();
    let [Event::FindingRecorded(recorded)] = own.as_slice() else {
        panic!("{own:?}")
    };
    let [Event::FindingReported(reported)] = others.as_slice() else {
        panic!("{others:?}")
    };
    assert_eq!(reported.record.county, Some(code("140725")));
    assert_eq!(reported.record.state, FindingState::Reported);
    assert_eq!(reported.record.code, recorded.record.code);
    // Alone it is not recorded, and a city that is none of the county's hears nothing.
    let alone = RecordFinding {
        report_to: None,
        ..act.clone()
    };
    let said = county.play(&supervisor(), at("06-05"), |ask| {
        record_finding(ask, &alone)
    });
    assert_eq!(said, Err(vec![Code::NotBelow]));
    city.apply(&others, at("06-05")).unwrap();
    let rectified = Rectify {
        finding: finding_id(1),
        evidence: digest(3),
    };
    let ask = Ask {
        world: &city,
        caller: of(SCHOOL),
        at: at("06-06"),
    };
    let said = rectify(&ask, &rectified);
    assert_eq!(said, Err(Code::FindingElsewhere.into()));
    // The county closes it, and the city hears of that as well.
    county.world.apply(&own, at("06-05")).unwrap();
    county
        .play(&of(SCHOOL), at("06-06"), |ask| rectify(ask, &rectified))
        .unwrap();
    let closing = Recheck {
        finding: finding_id(1),
        evidence: digest(4),
        due: None,
        report_to: Some(code("140700")),
    };
    let said = county.play(&reviewer(), at("06-07"), |ask| recheck(ask, &closing));
    assert_eq!(said, Err(vec![Code::NotBelow]), "alone it is not closed");
    let ask = Ask {
        world: &county.world,
        caller: reviewer(),
        at: at("06-07"),
    };
    let later = Recheck {
        due: Some(date("07-01")),
        ..closing.clone()
    };
    let said = report_closing(&ask, &city, &later);
    assert_eq!(
        said,
        Err(Code::SameRegion.into()),
        "what stands is no closing"
    );
    let (own, others) = report_closing(&ask, &city, &closing).unwrap();
    assert_eq!(
        own.iter().map(Event::kind).collect::<Vec<_>>(),
        ["FindingRechecked"]
    );
    city.apply(&others, at("06-07")).unwrap();
    let heard = city.finding(&finding_id(1)).unwrap();
    assert!(matches!(heard.state, FindingState::Closed { .. }));
    assert_eq!(heard.county, Some(code("140725")));
    // Once.
    let again = report_closing(&ask, &city, &closing);
    assert_eq!(again, Err(Code::DuplicateEntry.about(finding_id(1))));
}

/// A class's sheet, submitted, with one voucher on it.
fn submitted(county: &mut County) -> SheetId {
    class(county, 1, 1);
    for slot in 0..6u16 {
        let hour = if slot.is_multiple_of(2) { 12 } else { 18 };
        let when = format!("06-0{} {hour}", 5 + slot / 2);
        attend(county, &when, slot, &[0]);
    }
    let finish = FinishClass { class: class_id(1) };
    let done = |ask: &Ask| training::finish_class(ask, &finish);
    county.play(&of(SCHOOL), at("06-08"), done).unwrap();
    let complete = Complete {
        voucher: voucher_id(1),
    };
    let done = |ask: &Ask| training::complete(ask, &complete);
    county.play(&of(SCHOOL), at("06-08"), done).unwrap();
    let sheet = SheetId(Uuid::from_u128(77));
    let redeem = Redeem {
        voucher: voucher_id(1),
        new_sheet: sheet,
        token: token(1),
        undertaking: digest(1),
        confirmation: Confirmation {
            by: ConfirmedBy::Phone,
            evidence: digest(2),
            witness: None,
        },
    };
    let done = |ask: &Ask| redemption::redeem(ask, &redeem);
    county.play(&of(SCHOOL), at("06-09"), done).unwrap();
    sheet
}

fn submit(county: &mut County, sheet: SheetId) -> Said {
    let act = SubmitClaim { sheet };
    county.play(&of(SCHOOL), at("06-09"), |ask| {
        redemption::submit(ask, &act)
    })
}

fn approve(county: &mut County, by: &str, sheet: SheetId) -> Said {
    let act = ApproveClaim { sheet };
    county.play(&staff(by, Role::Reviewer), at("06-12"), |ask| {
        redemption::approve(ask, &act)
    })
}

fn raise(about: About, severity: Severity) -> RaiseFlag {
    RaiseFlag {
        rule: FraudRule::SameEvidence,
        version: 1,
        severity,
        about,
        evidence: vec![LogPlace { epoch: 0, index: 3 }],
    }
}

fn flagged(county: &mut County, act: &RaiseFlag) -> FlagId {
    let by = staff("operator", Role::Operator);
    let said = county.play(&by, at("06-10"), |ask| raise_flag(ask, act));
    assert_eq!(said, Ok(vec!["FlagRaised"]));
    let again = county.play(&by, at("06-10"), |ask| raise_flag(ask, act));
    assert_eq!(again, Err(vec![Code::FlagExists]));
    flag_id(act.rule, act.version, &act.about, &act.evidence)
}

fn clear(county: &mut County, by: &str, flag: FlagId) -> Said {
    let act = ClearFlag {
        flag,
        reason: code("CHECKED"),
        evidence: digest(4),
    };
    county.play(&staff(by, Role::Clerk), at("06-11"), |ask| {
        clear_flag(ask, &act)
    })
}

fn confirm_clear(county: &mut County, by: &str, flag: FlagId) -> Said {
    let FlagState::Proposed {
        by: proposer,
        reason,
        proof: evidence,
    } = county.world.flag(&flag).unwrap().state.clone()
    else {
        panic!("nothing is proposed")
    };
    let proposed = FlagClearanceProposed {
        flag,
        by: proposer,
        reason,
        evidence,
    };
    let act = ConfirmClearFlag {
        flag,
        proposal: proposed.digest(),
    };
    county.play(&staff(by, Role::Reviewer), at("06-11"), |ask| {
        confirm_clear_flag(ask, &act)
    })
}

#[test]
fn a_block_stands_in_the_way_of_an_approval_and_two_people_clear_it_who_do_not_approve() {
    for about in [
        About::Class(class_id(1)),
        About::Sheet(SheetId(Uuid::from_u128(77))),
        About::Voucher(voucher_id(1)),
        About::Institution(institution(SCHOOL)),
    ] {
        let mut county = County::new();
        let sheet = submitted(&mut county);
        let flag = flagged(&mut county, &raise(about.clone(), Severity::Block));
        assert_eq!(submit(&mut county, sheet), Ok(vec!["ClaimSubmitted"]));
        let blocked = Err(vec![Code::BlockingFlag]);
        assert_eq!(approve(&mut county, "reviewer-9", sheet), blocked);
        let proposed = clear(&mut county, "clerk-1", flag);
        assert_eq!(proposed, Ok(vec!["FlagClearanceProposed"]));
        assert_eq!(approve(&mut county, "reviewer-9", sheet), blocked);
        assert_eq!(
            confirm_clear(&mut county, "clerk-1", flag),
            Err(vec![Code::SamePerson])
        );
        assert_eq!(
            confirm_clear(&mut county, "reviewer-8", flag),
            Ok(vec!["FlagCleared"])
        );
        // A county has few people: an institution's flag keeps nobody from its claims for ever.
        if !matches!(about, About::Institution(_)) {
            let own = Err(vec![Code::SamePerson]);
            assert_eq!(approve(&mut county, "reviewer-8", sheet), own);
            assert_eq!(approve(&mut county, "clerk-1", sheet), own);
        }
        assert_eq!(
            approve(&mut county, "reviewer-9", sheet),
            Ok(vec!["ClaimApproved"])
        );
        assert_eq!(
            clear(&mut county, "clerk-1", flag),
            Err(vec![Code::FlagAlreadyCleared])
        );
    }
}

#[test]
fn a_warning_blocks_nothing_and_one_person_clears_it_who_did_not_approve() {
    let mut county = County::new();
    let sheet = submitted(&mut county);
    submit(&mut county, sheet).unwrap();
    let flag = flagged(
        &mut county,
        &raise(About::Class(class_id(1)), Severity::Warning),
    );
    assert_eq!(
        approve(&mut county, "reviewer-9", sheet),
        Ok(vec!["ClaimApproved"])
    );
    assert_eq!(
        clear(&mut county, "reviewer-9", flag),
        Err(vec![Code::SamePerson])
    );
    assert_eq!(clear(&mut county, "clerk-1", flag), Ok(vec!["FlagCleared"]));
}

#[test]
fn a_finding_that_blocks_keeps_a_sheet_from_being_submitted_and_approved() {
    let mut county = County::new();
    let sheet = submitted(&mut county);
    let found = record(About::Class(class_id(1)), true);
    let by = supervisor();
    county
        .play(&by, at("06-09"), |ask| record_finding(ask, &found))
        .unwrap();
    assert_eq!(submit(&mut county, sheet), Err(vec![Code::FindingOpen]));
    // One that does not block is a finding all the same.
    let mut county = County::new();
    let sheet = submitted(&mut county);
    let found = record(About::Class(class_id(1)), false);
    county
        .play(&by, at("06-09"), |ask| record_finding(ask, &found))
        .unwrap();
    assert_eq!(submit(&mut county, sheet), Ok(vec!["ClaimSubmitted"]));
    let later = RecordFinding {
        finding: finding_id(2),
        ..record(About::Sheet(sheet), true)
    };
    county
        .play(&by, at("06-10"), |ask| record_finding(ask, &later))
        .unwrap();
    assert_eq!(
        approve(&mut county, "reviewer-9", sheet),
        Err(vec![Code::FindingOpen])
    );
}

fn points(county: &mut County, event: &str, when: Instant) -> Said {
    let act = CreditPoints {
        institution: institution(SCHOOL),
        code: code(event),
        evidence: digest(1),
        finding: None,
    };
    county.play(&supervisor(), when, |ask| credit_points(ask, &act))
}

fn restore(county: &mut County, by: &str, when: Instant) -> Said {
    let act = RestoreCredit {
        institution: institution(SCHOOL),
        reason: code("RECTIFIED"),
        evidence: digest(2),
    };
    county.play(&staff(by, Role::Supervisor), when, |ask| {
        restore_credit(ask, &act)
    })
}

fn standing(county: &County) -> (i32, CreditClass) {
    let credit = county.world.credit(&institution(SCHOOL)).unwrap();
    (credit.score, credit.class)
}

#[test]
fn credit_falls_by_coded_events_stops_what_is_new_and_is_restored_after_a_time() {
    let mut county = County::new();
    class(&mut county, 1, 0);
    let nonsense = points(&mut county, "HARD_TO_SAY", at("06-01"));
    assert_eq!(nonsense, Err(vec![Code::ReasonUnknown]));
    points(&mut county, "ATTENDANCE_GAP", at("06-01")).unwrap();
    assert_eq!(standing(&county), (85, CreditClass::B));
    points(&mut county, "ATTENDANCE_FORGED", at("06-02")).unwrap();
    assert_eq!(standing(&county), (35, CreditClass::D));
    let voucher = county.issued(1, 1, Programme::General);
    let enrol = Enrol {
        voucher,
        class: class_id(1),
        token: token(1),
        identity: identity(1),
    };
    let seat = |ask: &Ask| training::enrol(ask, &enrol);
    let said = county.play(&of(SCHOOL), at("06-05 8"), seat);
    assert_eq!(said, Err(vec![Code::CreditTooLow]));
    let filed = FileClass {
        class: class_id(2),
        filing: filing(Programme::General, &["06-19"]),
    };
    let file = |ask: &Ask| training::file_class(ask, &filed);
    county.play(&of(SCHOOL), at("06-05"), file).unwrap();
    let act = ApproveClass { class: class_id(2) };
    let by = staff("reviewer", Role::Reviewer);
    let said = county.play(&by, at("06-05"), |ask| training::approve_class(ask, &act));
    assert_eq!(said, Err(vec![Code::CreditTooLow]));
    // Too early, by the one who took the points, or with something open.
    let early = restore(&mut county, "supervisor-2", at("08-30"));
    assert_eq!(early, Err(vec![Code::RestoreTooEarly]));
    let own = restore(&mut county, "supervisor", at("09-01"));
    assert_eq!(own, Err(vec![Code::SamePerson]));
    let found = record(About::Institution(institution(SCHOOL)), false);
    county
        .play(&supervisor(), at("06-30"), |ask| {
            record_finding(ask, &found)
        })
        .unwrap();
    let open = restore(&mut county, "supervisor-2", at("09-01"));
    assert_eq!(open, Err(vec![Code::FindingOpen]));
    let rectified = Rectify {
        finding: finding_id(1),
        evidence: digest(3),
    };
    let act = |ask: &Ask| rectify(ask, &rectified);
    county.play(&of(SCHOOL), at("07-01"), act).unwrap();
    let closed = Recheck {
        report_to: None,
        finding: finding_id(1),
        evidence: digest(4),
        due: None,
    };
    let act = |ask: &Ask| recheck(ask, &closed);
    county.play(&reviewer(), at("07-02"), act).unwrap();
    let restored = restore(&mut county, "supervisor-2", at("09-01"));
    assert_eq!(restored, Ok(vec!["CreditRestored"]));
    assert_eq!(standing(&county), (75, CreditClass::B));
    let again = restore(&mut county, "supervisor-2", at("09-01"));
    assert_eq!(again, Err(vec![Code::CreditNotLow]));
    let history = &county.world.credit(&institution(SCHOOL)).unwrap().history;
    let points: Vec<i32> = history.iter().map(|line| line.points).collect();
    assert_eq!(points, [-15, -50, 40]);
}

#[test]
fn one_event_takes_points_once_and_from_whoever_answers_for_it() {
    let mut county = County::new();
    class(&mut county, 1, 0);
    let found = record(About::Institution(institution(SCHOOL)), false);
    county
        .play(&supervisor(), at("06-01"), |ask| {
            record_finding(ask, &found)
        })
        .unwrap();
    let mut take = |by: u8, proof: u8, event: &str, finding| {
        let act = CreditPoints {
            institution: institution(by),
            code: code(event),
            evidence: digest(proof),
            finding,
        };
        let two = staff("supervisor-2", Role::Supervisor);
        county.play(&two, at("06-02"), |ask| credit_points(ask, &act))
    };
    let (finding, gap) = (Some(finding_id(1)), "ATTENDANCE_GAP");
    assert_eq!(take(SCHOOL, 1, gap, finding), Ok(vec!["CreditPointed"]));
    let before = Err(vec![Code::PointedBefore]);
    assert_eq!(take(SCHOOL, 2, gap, finding), before, "the same finding");
    assert_eq!(take(SCHOOL, 1, gap, None), before, "the same evidence");
    assert_eq!(take(SCHOOL, 3, gap, None), Ok(vec!["CreditPointed"]));
    let forged = take(SCHOOL, 1, "ATTENDANCE_FORGED", finding);
    assert_eq!(forged, Ok(vec!["CreditPointed"]), "another event");
    let other = take(BODY, 4, gap, finding);
    assert_eq!(other, Err(vec![Code::FindingOfOther]));
}

fn plan(frame: Frame, by: Strata, share: Share, members: Vec<About>) -> PlanSample {
    PlanSample {
        sample: sample_id(1),
        kind: SampleKind::Daily,
        frame,
        by,
        share,
        members,
        commitment: None,
    }
}

fn planned(county: &mut County, act: &PlanSample) -> Said {
    county.play(&supervisor(), at("06-05 7"), |ask| plan_sample(ask, act))
}

#[test]
fn a_plan_takes_only_what_it_is_a_sample_of_and_more_of_whoever_has_less_credit() {
    let mut county = County::new();
    for n in 1..=3 {
        class(&mut county, n, 0);
    }
    let on = |day| Frame::Classes { on: date(day) };
    let classes: Vec<About> = (1..=3).map(|n| About::Class(class_id(n))).collect();
    let whole = |frame, members| plan(frame, Strata::Whole, Share::Percent(50), members);
    let said = planned(&mut county, &whole(on("06-05"), Vec::new()));
    assert_eq!(said, Err(vec![Code::SampleEmpty]));
    let said = planned(&mut county, &whole(on("06-08"), classes.clone()));
    assert_eq!(said, Err(vec![Code::NotInFrame; 3]));
    let twice = vec![classes[0].clone(), classes[0].clone()];
    let said = planned(&mut county, &whole(on("06-05"), twice));
    assert_eq!(said, Err(vec![Code::DuplicateEntry]));
    for (by, share) in [
        (Strata::Whole, Share::Percent(0)),
        (Strata::Whole, Share::Percent(101)),
        (Strata::Whole, Share::Count(0)),
        (Strata::Deliverer, Share::ByCredit),
    ] {
        let bad = plan(on("06-05"), by, share, classes.clone());
        assert_eq!(planned(&mut county, &bad), Err(vec![Code::BadSample]));
    }
    // Names of one's own choosing are for special checks.
    let named = whole(Frame::Named, classes.clone());
    assert_eq!(planned(&mut county, &named), Err(vec![Code::BadSample]));
    let by_credit = plan(
        on("06-05"),
        Strata::Credit,
        Share::ByCredit,
        classes.clone(),
    );
    let quotas = |county: &mut County| {
        assert_eq!(planned(county, &by_credit), Ok(vec!["SamplePlanned"]));
        let strata = &county.world.sample(&sample_id(1)).unwrap().plan.strata;
        let quotas: Vec<_> = strata.iter().map(|(n, s)| (n.clone(), s.quota)).collect();
        quotas
    };
    assert_eq!(quotas(&mut county), [("A".to_owned(), 1)]);
    let mut county = County::new();
    for n in 1..=3 {
        class(&mut county, n, 0);
    }
    points(&mut county, "ATTENDANCE_FORGED", at("06-02")).unwrap();
    assert_eq!(quotas(&mut county), [("D".to_owned(), 2)]);
}

#[test]
fn a_draw_follows_from_the_first_tree_that_covers_its_plan_and_from_the_secret_it_commits_to() {
    let mut county = County::new();
    for n in 1..=3 {
        class(&mut county, n, 0);
    }
    let classes: Vec<About> = (1..=3).map(|n| About::Class(class_id(n))).collect();
    let frame = Frame::Classes { on: date("06-05") };
    let secret = digest(5);
    let act = PlanSample {
        commitment: Some(super::draw::commitment(secret)),
        ..plan(frame, Strata::Whole, Share::Count(2), classes)
    };
    planned(&mut county, &act).unwrap();
    let draw = |size, secret| DrawSample {
        sample: sample_id(1),
        planned: LogPlace {
            epoch: 0,
            index: 40,
        },
        tree: LogTree {
            epoch: 0,
            size,
            root: digest(8),
        },
        secret,
    };
    let mut play =
        |act: &DrawSample| county.play(&supervisor(), at("06-05 8"), |ask| draw_sample(ask, act));
    let uncovered = play(&draw(40, Some(secret)));
    assert_eq!(uncovered, Err(vec![Code::SampleNotSigned]));
    for wrong in [None, Some(digest(6))] {
        let said = play(&draw(41, wrong));
        assert_eq!(said, Err(vec![Code::SampleSecret]));
    }
    assert_eq!(play(&draw(41, Some(secret))), Ok(vec!["SampleDrawn"]));
    assert_eq!(
        play(&draw(41, Some(secret))),
        Err(vec![Code::SampleAlreadyDrawn])
    );
    let sample = county.world.sample(&sample_id(1)).unwrap();
    let drawn = &sample.draw.as_ref().unwrap().drawn;
    let seed = seed(digest(8), Some(secret));
    assert_eq!(*drawn, super::draw(seed, sample_id(1), &sample.plan.strata));
    assert_eq!(drawn.len(), 2);
}

#[test]
fn what_supervision_names_must_exist() {
    let mut county = County::new();
    let voucher = county.issued(1, 1, Programme::General);
    let freeze = Freeze {
        voucher,
        reason: code("SUSPECTED_FRAUD"),
        finding: Some(finding_id(1)),
    };
    let act = |ask: &Ask| super::freeze(ask, &freeze);
    let said = county.play(&supervisor(), at("06-01"), act);
    assert_eq!(said, Err(vec![Code::FindingNotFound]));
    let mut county = County::new();
    county.issued(1, 1, Programme::General);
    let found = record(About::Voucher(voucher), false);
    county
        .play(&supervisor(), at("06-01"), |ask| {
            record_finding(ask, &found)
        })
        .unwrap();
    let said = county.play(&supervisor(), at("06-01"), act);
    assert_eq!(said, Ok(vec!["Frozen"]));
    let nobody = record(About::Class(class_id(9)), false);
    let nobody = RecordFinding {
        finding: finding_id(2),
        ..nobody
    };
    let said = county.play(&supervisor(), at("06-01"), |ask| {
        record_finding(ask, &nobody)
    });
    assert_eq!(said, Err(vec![Code::ClassNotFound]));
}

#[test]
fn the_largest_plan_fits_into_an_event_even_of_strata_of_one() {
    let sealed = |n: u16| {
        let mut bytes = [7; 32];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        InstitutionId::sealed(Digest(bytes)).to_string()
    };
    let most = u16::try_from(MOST_MEMBERS).unwrap();
    let stratum = |n: u16| Stratum {
        quota: 1,
        members: vec![About::Voucher(voucher_id(n.into()))],
    };
    let planned = SamplePlanned {
        sample: sample_id(1),
        by: code("supervisor"),
        plan: SamplePlan {
            kind: SampleKind::Proportional,
            frame: Frame::Paid {
                epoch: 9,
                from: 1 << 40,
                until: 1 << 41,
            },
            by: Strata::Deliverer,
            share: Share::Percent(100),
            strata: (0..most).map(|n| (sealed(n), stratum(n))).collect(),
            commitment: Some(digest(1)),
        },
    };
    let bytes = serde_json::to_vec(&planned).unwrap().len();
    // What the envelope adds is a few hundred.
    assert!(bytes < 65_535 - 1_000, "{bytes}");
}
