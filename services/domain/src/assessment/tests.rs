use super::*;
use crate::decide::Caller;
use crate::event::Event;
use crate::sample::*;

type Played = Result<Vec<&'static str>, Vec<Code>>;

fn assessor(n: u8) -> Caller {
    Caller {
        institution: Some(institution(n)),
        ..staff(&format!("examiner-{n}"), Role::Assessor)
    }
}

/// A session of one seat on 20 June.
fn session_filing(body: u8) -> SessionFiling {
    SessionFiling {
        year: year(),
        body: institution(body),
        payee: institution(body),
        occupation: code(OCCUPATION),
        level: level(2),
        date: date("06-20"),
        examiners: vec![code("examiner-1")],
        capacity: 1,
        contract: None,
    }
}

fn approved(county: &mut County, n: u128, filing: SessionFiling) -> SessionId {
    let session = session_id(n);
    let by = Caller {
        institution: Some(filing.body.clone()),
        ..staff("examiner", Role::Assessor)
    };
    let act = FileSession { session, filing };
    let done = county.play(&by, at("06-01"), |ask| file_session(ask, &act));
    assert_eq!(done, Ok(vec!["SessionFiled"]));
    let act = ApproveSession { session };
    let by = staff("reviewer", Role::Reviewer);
    let done = county.play(&by, at("06-02"), |ask| approve_session(ask, &act));
    assert_eq!(done, Ok(vec!["SessionApproved"]));
    session
}

fn passes(number: u8) -> Outcome {
    Outcome::Pass {
        number: Tag([number; 16]),
        certificate: Digest([number; 32]),
    }
}

fn recorded(n: u8, person: u8, session: SessionId, outcome: Outcome) -> RecordAssessment {
    RecordAssessment {
        voucher: voucher_id(n.into()),
        session,
        token: Some(token(n)),
        identity: identity(person),
        outcome,
        occupation_not_covered: false,
    }
}

fn records(county: &mut County, by: u8, when: &str, act: &RecordAssessment) -> Played {
    county.play(&assessor(by), at(when), |ask| record_assessment(ask, act))
}

/// A voucher whose holder sits in a class of that deliverer.
fn in_class(county: &mut County, n: u8, programme: Programme, deliverer: u8) {
    let id = county.issued(n, n, programme);
    let class = class_id(n.into());
    let mut filing = filing(programme, &["06-05"]);
    filing.deliverer = institution(deliverer);
    let filed = Event::ClassFiled(event::ClassFiled {
        class,
        by: code("desk"),
        filing,
    });
    let moved = |ask: &Ask| {
        ask.world.booking(&code("room-1"))?;
        ask.world.booking(&code("trainer-1"))?;
        Ok(vec![filed.clone()])
    };
    assert!(county.play(&of(SCHOOL), at("05-29"), moved).is_ok());
    county.edit(id, |voucher| {
        voucher.state = VoucherState::Enrolled { class, seat: 0 };
    });
}

#[test]
fn a_pass_completes_an_assessment_voucher_and_takes_the_certificates_number() {
    let mut county = County::new();
    let session = approved(&mut county, 1, session_filing(BODY));
    let id = county.issued(1, 1, Programme::Assessment);
    let act = recorded(1, 1, session, passes(8));
    let said = records(&mut county, BODY, "06-19 23", &act);
    assert_eq!(said, Err(vec![Code::OutsideTimetable]));
    let said = records(&mut county, SCHOOL, "06-20 9", &act);
    assert_eq!(said, Err(vec![Code::NotYours]));
    assert_eq!(
        records(&mut county, BODY, "06-20 9", &act),
        Ok(vec!["Assessed"])
    );
    let voucher = county.voucher(id);
    let occasion = Occasion::Session(session);
    assert_eq!(voucher.state, VoucherState::Completed { occasion, seat: 0 });
    // A hundred and twenty days to claim it, before the year's own last day.
    assert_eq!(voucher.due, Some(Instant::after(date("10-18"))));
    assert_eq!(county.world.session(&session).unwrap().unsettled, 1);
    // The only seat is taken, and so is the number.
    county.issued(2, 2, Programme::Assessment);
    let said = records(
        &mut county,
        BODY,
        "06-20 9",
        &recorded(2, 2, session, passes(8)),
    );
    assert_eq!(said, Err(vec![Code::ClassFull, Code::CertificateTaken]));
}

#[test]
fn an_assessment_asks_for_the_token_and_the_holder() {
    let mut county = County::new();
    let session = approved(&mut county, 1, session_filing(BODY));
    county.issued(1, 1, Programme::Assessment);
    let mut act = recorded(1, 2, session, passes(8));
    act.token = None;
    let said = records(&mut county, BODY, "06-20 9", &act);
    assert_eq!(said, Err(vec![Code::TokenBad]));
    act.token = Some(token(9));
    let said = records(&mut county, BODY, "06-20 9", &act);
    assert_eq!(said, Err(vec![Code::TokenBad, Code::HolderMismatch]));
}

#[test]
fn attempts_are_counted_and_used_up() {
    let mut county = County::new();
    let session = approved(&mut county, 1, session_filing(BODY));
    let id = county.issued(1, 1, Programme::Assessment);
    for outcome in [Outcome::Fail, Outcome::Absent, Outcome::Fail] {
        let act = recorded(1, 1, session, outcome);
        assert_eq!(
            records(&mut county, BODY, "06-20 9", &act),
            Ok(vec!["Assessed"])
        );
    }
    assert_eq!(county.voucher(id).state, VoucherState::Issued);
    let said = records(
        &mut county,
        BODY,
        "06-20 9",
        &recorded(1, 1, session, passes(8)),
    );
    assert_eq!(said, Err(vec![Code::DeadlineAttempts]));
}

#[test]
fn who_teaches_general_training_does_not_assess_it_nor_do_their_relatives() {
    let mut county = County::new();
    county.register(4, &[Capacity::AssessmentBody, Capacity::School], &[SCHOOL]);
    county.list(4, Capacity::AssessmentBody);
    let related = approved(&mut county, 1, session_filing(4));
    let other = approved(&mut county, 2, session_filing(BODY));
    in_class(&mut county, 1, Programme::General, SCHOOL);
    let said = records(
        &mut county,
        4,
        "06-20 9",
        &recorded(1, 1, related, passes(8)),
    );
    assert_eq!(said, Err(vec![Code::AssessorNotAllowed]));
    let said = records(
        &mut county,
        BODY,
        "06-20 9",
        &recorded(1, 1, other, passes(8)),
    );
    assert_eq!(said, Ok(vec!["Assessed"]));
    // The pass is on record; the voucher keeps its state.
    let voucher = county.voucher(voucher_id(1));
    assert!(voucher.pass.is_some() && matches!(voucher.state, VoucherState::Enrolled { .. }));
    let said = records(
        &mut county,
        BODY,
        "06-20 9",
        &recorded(1, 1, other, passes(9)),
    );
    assert_eq!(said, Err(vec![Code::AssessedBefore]));
}

#[test]
fn a_trainer_examines_nobody_they_taught() {
    let mut county = County::new();
    let mut filing = session_filing(BODY);
    filing.examiners.push(code("trainer-1"));
    let session = approved(&mut county, 1, filing);
    in_class(&mut county, 1, Programme::General, SCHOOL);
    let said = records(
        &mut county,
        BODY,
        "06-20 9",
        &recorded(1, 1, session, passes(8)),
    );
    assert_eq!(said, Err(vec![Code::ExaminerTrained]));
}

#[test]
fn an_enterprises_own_body_comes_first_where_it_covers_the_occupation() {
    let mut county = County::new();
    let both = [Capacity::Enterprise, Capacity::AssessmentBody];
    county.register(ENTERPRISE, &both, &[]);
    let mut filing = session_filing(BODY);
    filing.capacity = 2;
    let other = approved(&mut county, 1, filing);
    in_class(&mut county, 1, Programme::EnterpriseStaff, ENTERPRISE);
    let mut act = recorded(1, 1, other, passes(8));
    let said = records(&mut county, BODY, "06-20 9", &act);
    assert_eq!(said, Err(vec![Code::AssessorNotAllowed]));
    act.occupation_not_covered = true;
    assert_eq!(
        records(&mut county, BODY, "06-20 9", &act),
        Ok(vec!["Assessed"])
    );
    // Where the catalogue says that its own body covers the occupation, the reason is no reason.
    in_class(&mut county, 2, Programme::EnterpriseStaff, ENTERPRISE);
    let mut covered = recorded(2, 2, other, passes(9));
    covered.occupation_not_covered = true;
    county.list(ENTERPRISE, Capacity::AssessmentBody);
    let said = records(&mut county, BODY, "06-20 9", &covered);
    assert_eq!(said, Err(vec![Code::AssessorNotAllowed]));
    let own = approved(&mut county, 2, session_filing(ENTERPRISE));
    covered.session = own;
    covered.occupation_not_covered = false;
    assert!(records(&mut county, ENTERPRISE, "06-20 9", &covered).is_ok());
}

#[test]
fn a_register_that_denies_a_certificate_leaves_no_pass() {
    let mut county = County::new();
    let session = approved(&mut county, 1, session_filing(BODY));
    in_class(&mut county, 1, Programme::General, SCHOOL);
    let answers = |county: &mut County, known: bool| {
        let act = ConfirmCertificate {
            voucher: voucher_id(1),
            known,
        };
        let clerk = staff("clerk", Role::Clerk);
        county.play(&clerk, at("06-21"), |ask| confirm_certificate(ask, &act))
    };
    assert_eq!(
        answers(&mut county, true),
        Err(vec![Code::NothingToConfirm])
    );
    assert!(
        records(
            &mut county,
            BODY,
            "06-20 9",
            &recorded(1, 1, session, passes(8))
        )
        .is_ok()
    );
    assert_eq!(
        answers(&mut county, false),
        Ok(vec!["CertificateConfirmed"])
    );
    assert_eq!(
        answers(&mut county, false),
        Err(vec![Code::NothingToConfirm])
    );
    let again = recorded(1, 1, session, passes(9));
    assert_eq!(
        records(&mut county, BODY, "06-22", &again),
        Ok(vec!["Assessed"])
    );
    assert_eq!(answers(&mut county, true), Ok(vec!["CertificateConfirmed"]));
}

#[test]
fn a_session_nobody_passed_is_cancelled_and_one_without_claims_closes_at_once() {
    let mut county = County::new();
    let first = approved(&mut county, 1, session_filing(BODY));
    let finish = FinishSession { session: first };
    let finishes = |county: &mut County, when: &str| {
        county.play(&assessor(BODY), at(when), |ask| {
            finish_session(ask, &finish)
        })
    };
    assert_eq!(
        finishes(&mut county, "06-19"),
        Err(vec![Code::ClassNotOver])
    );
    assert_eq!(
        finishes(&mut county, "06-20"),
        Ok(vec!["SessionFinished", "SessionClosed"])
    );
    let nobody = approved(&mut county, 3, session_filing(BODY));
    let cancel = CancelSession {
        session: nobody,
        reason: code("FLOOD"),
    };
    let said = county.play(&assessor(BODY), at("06-21"), |ask| {
        cancel_session(ask, &cancel)
    });
    assert_eq!(said, Ok(vec!["SessionCancelled"]));
    let second = approved(&mut county, 2, session_filing(BODY));
    county.issued(1, 1, Programme::Assessment);
    let cancel = CancelSession {
        session: second,
        reason: code("FLOOD"),
    };
    let cancels = |county: &mut County| {
        county.play(&assessor(BODY), at("06-21"), |ask| {
            cancel_session(ask, &cancel)
        })
    };
    assert!(
        records(
            &mut county,
            BODY,
            "06-20 9",
            &recorded(1, 1, second, passes(8))
        )
        .is_ok()
    );
    assert_eq!(cancels(&mut county), Err(vec![Code::ClassOver]));
}
