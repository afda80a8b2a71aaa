//! Credit.

use super::*;

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
