//! Assessment (评价): sessions, the recording of their outcomes, and the certificate register's answer.
//! Who teaches does not examine, a certificate number is on record once anywhere, and a pass counts as paid for only when the
//! register has confirmed it.

#[cfg(test)]
mod tests;

use crate::command::*;
use crate::decide::Ask;
use crate::event::{self, AssessmentResult, Event};
use crate::ids::*;
use crate::policy::{Capacity, Programme, VoucherKind};
use crate::refusal::{Checks, Code, Stop};
use crate::registry;
use crate::state::*;
use crate::time::{Instant, plus_days};
use crate::training::{MOST_SEATS, presented};
use crate::voucher;
use crate::world::{Subject, World};

/// → Filed, by a body in the region's catalogue of assessment bodies.
pub(crate) fn file_session(ask: &Ask, act: &FileSession) -> Result<Vec<Event>, Stop> {
    let filing = &act.filing;
    let (policy, rules) = ask
        .world
        .rules(filing.year, Programme::Assessment, ask.at)?;
    let payee = ask.world.institution(&filing.payee)?;
    let mut checks = Checks::new();
    checks.require(
        ask.world.get(&Key::Session(act.session))?.is_none(),
        Code::DuplicateEntry,
    );
    checks.require(ask.acts_for(&filing.body), Code::NotYours);
    checks.take(ask.year_open(filing.year))?;
    checks.take(filed_body(ask, filing))?;
    checks.take(registry::in_good_standing(payee))?;
    checks.require(
        rules
            .paid_to
            .iter()
            .any(|capacity| payee.capacities.contains(capacity)),
        Code::CapacityMissing,
    );
    checks.require(
        filing.payee == filing.body || filing.contract.is_some(),
        Code::ContractMissing,
    );
    checks.require(
        (1..=MOST_SEATS).contains(&filing.capacity),
        Code::BadCapacity,
    );
    checks.require(!filing.examiners.is_empty(), Code::TrainerMissing);
    checks.take(sealed_as_due(filing))?;
    let in_year = filing.date <= policy.dates.training_ends
        && i32::from(filing.date.year()) == i32::from(filing.year.number());
    checks.require(in_year, Code::OutsideTrainingPeriod);
    checks.require(filing.date > ask.at.date(), Code::FiledTooLate);
    checks.done()?;
    let (session, by, filing) = (act.session, ask.caller.person.clone(), filing.clone());
    Ok(vec![Event::SessionFiled(event::SessionFiled {
        session,
        by,
        filing,
    })])
}

/// A classified unit's session is sealed as its classes are, and nobody else's.
fn sealed_as_due(filing: &SessionFiling) -> Result<(), Stop> {
    let mut checks = Checks::new();
    if filing.is_classified() {
        let sealed =
            filing.occupation.is_sealed() && filing.examiners.iter().all(Resource::is_commitment);
        checks.require(sealed, Code::ClassNotSealed);
    } else {
        checks.require(!filing.occupation.is_sealed(), Code::NotClassified);
    }
    checks.done()
}

/// The body is registered, in good standing, licensed and in the catalogue for the session's occupation.
fn filed_body(ask: &Ask, filing: &SessionFiling) -> Result<(), Stop> {
    let body = ask.world.institution(&filing.body)?;
    let mut checks = Checks::new();
    checks.take(registry::in_good_standing(body))?;
    checks.require(
        body.capacities.contains(&Capacity::AssessmentBody),
        Code::CapacityMissing,
    );
    checks.require(body.licence.contains(&filing.occupation), Code::NotLicensed);
    let listed = registry::in_catalogue(
        ask,
        &filing.body,
        Capacity::AssessmentBody,
        &filing.occupation,
        filing.year,
    )?;
    checks.require(listed, Code::NotInCatalogue);
    checks.take(registry::assesses_level(ask, filing))?;
    checks.done()
}

pub(crate) fn apply_session_filed(world: &mut World, e: &event::SessionFiled) -> Result<(), Stop> {
    let session = Session {
        filing: e.filing.clone(),
        state: ClassState::Filed,
        approved_by: None,
        recorded: Default::default(),
        seats: Vec::new(),
        sheets: Vec::new(),
        unsettled: 0,
        open_sheets: 0,
        holds: None,
    };
    world.add(Key::Session(e.session), Fact::Session(session));
    Ok(())
}

/// Filed → Approved.
pub(crate) fn approve_session(ask: &Ask, act: &ApproveSession) -> Result<Vec<Event>, Stop> {
    let session = ask.world.session(&act.session)?;
    let mut checks = Checks::new();
    checks.require(session.state == ClassState::Filed, Code::ClassNotFiled);
    checks.take(ask.year_open(session.filing.year))?;
    checks.take(filed_body(ask, &session.filing))?;
    checks.require(ask.at.date() <= session.filing.date, Code::FiledTooLate);
    checks.done()?;
    Ok(vec![Event::SessionApproved(event::SessionApproved {
        session: act.session,
        by: ask.caller.person.clone(),
    })])
}

pub(crate) fn apply_session_approved(
    world: &mut World,
    e: &event::SessionApproved,
) -> Result<(), Stop> {
    let session = world.edit_session(&e.session)?;
    session.state = ClassState::Approved;
    session.approved_by = Some(e.by.clone());
    Ok(())
}

/// Filed → Rejected.
pub(crate) fn reject_session(ask: &Ask, act: &RejectSession) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    checks.require(
        ask.world.session(&act.session)?.state == ClassState::Filed,
        Code::ClassNotFiled,
    );
    checks.done()?;
    let (session, by, reason) = (act.session, ask.caller.person.clone(), act.reason.clone());
    Ok(vec![Event::SessionRejected(event::SessionRejected {
        session,
        by,
        reason,
    })])
}

pub(crate) fn apply_session_rejected(
    world: &mut World,
    e: &event::SessionRejected,
) -> Result<(), Stop> {
    world.edit_session(&e.session)?.state = ClassState::Rejected;
    Ok(())
}

/// Approved → Finished, from the session's day on.
pub(crate) fn finish_session(ask: &Ask, act: &FinishSession) -> Result<Vec<Event>, Stop> {
    let session = ask.world.session(&act.session)?;
    let mut checks = Checks::new();
    checks.require(ask.acts_for(&session.filing.body), Code::NotYours);
    checks.require(
        session.state == ClassState::Approved,
        Code::ClassNotApproved,
    );
    checks.require(ask.at.date() >= session.filing.date, Code::ClassNotOver);
    checks.done()?;
    let mut events = vec![Event::SessionFinished(event::SessionFinished {
        session: act.session,
        by: ask.caller.person.clone(),
    })];
    if session.unsettled == 0 && session.open_sheets == 0 {
        events.push(Event::SessionClosed(event::SessionClosed {
            session: act.session,
        }));
    }
    Ok(events)
}

pub(crate) fn apply_session_finished(
    world: &mut World,
    e: &event::SessionFinished,
) -> Result<(), Stop> {
    world.edit_session(&e.session)?.state = ClassState::Finished;
    Ok(())
}

/// Filed, Approved → Cancelled, while nobody has passed there.
pub(crate) fn cancel_session(ask: &Ask, act: &CancelSession) -> Result<Vec<Event>, Stop> {
    let session = ask.world.session(&act.session)?;
    let mut checks = Checks::new();
    checks.require(
        ask.is(Role::Reviewer) || ask.acts_for(&session.filing.body),
        Code::NotYours,
    );
    checks.require(
        matches!(session.state, ClassState::Filed | ClassState::Approved)
            && session.seats.is_empty(),
        Code::ClassOver,
    );
    checks.done()?;
    let (session, by, reason) = (act.session, ask.caller.person.clone(), act.reason.clone());
    Ok(vec![Event::SessionCancelled(event::SessionCancelled {
        session,
        by,
        reason,
    })])
}

pub(crate) fn apply_session_cancelled(
    world: &mut World,
    e: &event::SessionCancelled,
) -> Result<(), Stop> {
    world.edit_session(&e.session)?.state = ClassState::Cancelled;
    Ok(())
}

pub(crate) fn apply_session_closed(
    world: &mut World,
    e: &event::SessionClosed,
) -> Result<(), Stop> {
    world.edit_session(&e.session)?.state = ClassState::Closed;
    Ok(())
}

/// Records what came of an assessment. On an assessment voucher a pass completes it; on a training voucher it is put on record. A pass
/// whose number the register denied is recorded anew at the session where it was, over or not, and is no further attempt.
pub(crate) fn record_assessment(ask: &Ask, act: &RecordAssessment) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let session = ask.world.session(&act.session)?;
    let (policy, _) = ask.world.rules(voucher.year, voucher.programme, ask.at)?;
    let kind = voucher.programme.kind();
    let anew = denied_at(voucher, act.session);
    let mut checks = Checks::new();
    checks.require(ask.acts_for(&session.filing.body), Code::NotYours);
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(
        voucher.due.is_none_or(|due| ask.at < due),
        Code::VoucherExpired,
    );
    checks.take(ask.year_open(voucher.year))?;
    checks.require(
        anew || session.state == ClassState::Approved,
        Code::ClassNotApproved,
    );
    checks.require(ask.at.date() >= session.filing.date, Code::OutsideTimetable);
    checks.require(
        anew || voucher.attempts < policy.limits.attempts,
        Code::DeadlineAttempts,
    );
    checks.require(
        session.recorded.contains(&act.voucher)
            || session.recorded.len() < usize::from(session.filing.capacity),
        Code::ClassFull,
    );
    match kind {
        VoucherKind::Assessment => {
            checks.take(on_assessment_voucher(ask, act, voucher, session))?
        }
        VoucherKind::Training => checks.take(on_training_voucher(ask, act, voucher, session))?,
    };
    let (result, certificate, takes) = match &act.outcome {
        Outcome::Pass {
            number,
            certificate,
        } => {
            let takes = checks.take(certificate_number(ask, *number))?;
            (AssessmentResult::Pass, Some(*certificate), takes)
        }
        Outcome::Fail => (AssessmentResult::Fail, None, None),
        Outcome::Absent => (AssessmentResult::Absent, None, None),
    };
    checks.done()?;
    let completes = result == AssessmentResult::Pass && voucher.state == VoucherState::Issued;
    let claim_by = plus_days(session.filing.date, policy.claims.assessment_claim_days)
        .min(policy.dates.claim_by);
    Ok(vec![Event::Assessed(event::Assessed {
        voucher: act.voucher,
        session: act.session,
        result,
        certificate,
        seat: completes.then(|| u16::try_from(session.seats.len()).unwrap_or(u16::MAX)),
        due: completes.then(|| Instant::after(claim_by)),
        occupation_not_covered: act.occupation_not_covered,
        takes: takes.into_iter().collect(),
    })])
}

/// The voucher's pass was recorded at that session, with a number that the register does not know.
fn denied_at(voucher: &Voucher, session: SessionId) -> bool {
    voucher
        .pass
        .as_ref()
        .is_some_and(|pass| pass.confirmed == Some(false) && pass.session == session)
}

/// A certificate number is on record once, in whatever region.
fn certificate_number(ask: &Ask, number: Tag) -> Result<Held, Stop> {
    let once = Once::Certificate;
    match ask.world.nullifier(&Subject::Tag(number), &once)? {
        (tag, None) => Ok(Held { once, tag }),
        (_, Some(_)) => Err(Code::CertificateTaken.into()),
    }
}

/// An assessment voucher: token and holder as at an enrolment, the session's own occupation and level; and whoever was trained for
/// it is examined apart from their training. A denied pass is mended by another one only: the voucher is completed and stays so.
fn on_assessment_voucher(
    ask: &Ask,
    act: &RecordAssessment,
    voucher: &Voucher,
    session: &Session,
) -> Result<(), Stop> {
    let filing = &session.filing;
    let mends = matches!(voucher.state, VoucherState::Completed { .. })
        && denied_at(voucher, act.session)
        && matches!(act.outcome, Outcome::Pass { .. });
    let mut checks = Checks::new();
    checks.require(
        matches!(voucher.state, VoucherState::Issued) || mends,
        Code::VoucherNotIssued,
    );
    match &act.token {
        Some(token) => checks.take(presented(ask, voucher, token, &act.identity))?,
        None => checks.take(Err(Code::TokenBad.into()))?,
    };
    let same_trade = voucher.occupation.as_ref() == Some(&filing.occupation)
        && voucher.level == Some(filing.level);
    checks.require(
        same_trade && voucher.year == filing.year,
        Code::ProgrammeMismatch,
    );
    let trained = trained_here(ask, voucher.person, filing)?;
    if let Some(trained) = trained {
        checks.take(apart_from_training(ask, trained, filing))?;
    }
    // The employer's own body comes first, else that of the enterprise or school which taught them.
    let taught = trained.filter(|trained| trained.programme != Programme::General);
    let own = voucher.employer.as_ref();
    if let Some(own) = own.or(taught.map(|trained| &trained.deliverer)) {
        checks.take(own_body_first(ask, own, filing, act.occupation_not_covered))?;
    }
    checks.done()
}

/// The class in which a person was trained for the session's occupation and level, if that was in this region: the nullifier that
/// keeps it from being paid twice says on which voucher. Another region's classes cannot be seen from here.
fn trained_here<'a>(
    ask: &'a Ask,
    person: PersonId,
    filing: &SessionFiling,
) -> Result<Option<&'a ClassFiling>, Stop> {
    let once = Once::Trained {
        occupation: filing.occupation.clone(),
        level: filing.level,
    };
    let (_, holder) = ask.world.nullifier(&Subject::Person(person), &once)?;
    let Some(holder) = holder.filter(|holder| holder.region == *ask.world.region()) else {
        return Ok(None);
    };
    match voucher::occasion(ask.world, ask.world.voucher(&holder.voucher)?)? {
        Some(Occasion::Class(class)) => Ok(Some(&ask.world.class(&class)?.filing)),
        Some(Occasion::Session(_)) | None => Ok(None),
    }
}

/// No trainer of a person examines them, and whoever taught a `general` class neither assesses it nor is related to who does.
fn apart_from_training(
    ask: &Ask,
    trained: &ClassFiling,
    filing: &SessionFiling,
) -> Result<(), Stop> {
    let mut checks = Checks::new();
    checks.require(
        trained
            .trainers
            .iter()
            .all(|trainer| !filing.examiners.contains(trainer)),
        Code::ExaminerTrained,
    );
    if trained.programme == Programme::General {
        let deliverer = ask.world.institution(&trained.deliverer)?;
        let body = ask.world.institution(&filing.body)?;
        let related =
            deliverer.related.contains(&filing.body) || body.related.contains(&trained.deliverer);
        checks.require(
            trained.deliverer != filing.body && !related,
            Code::AssessorNotAllowed,
        );
    }
    checks.done()
}

/// A training voucher: the class's occupation and level; no trainer of a person examines them; who teaches `general` does not assess it;
/// and whoever holds an assessment voucher for it is recorded there only.
fn on_training_voucher(
    ask: &Ask,
    act: &RecordAssessment,
    voucher: &Voucher,
    session: &Session,
) -> Result<(), Stop> {
    let class = match &voucher.state {
        VoucherState::Enrolled { class, .. }
        | VoucherState::Completed {
            occasion: Occasion::Class(class),
            ..
        } => ask.world.class(class)?,
        VoucherState::Completed {
            occasion: Occasion::Session(_),
            ..
        }
        | VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Claimed { .. }
        | VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. }
        | VoucherState::Ended { .. } => return Err(Code::VoucherNotEnrolled.into()),
    };
    let (trained, filing) = (&class.filing, &session.filing);
    let once = Once::Assessed {
        occupation: filing.occupation.clone(),
        level: filing.level,
    };
    let (_, assessed) = ask
        .world
        .nullifier(&Subject::Person(voucher.person), &once)?;
    let mut checks = Checks::new();
    checks.require(
        ask.world.identity(&act.identity)? == Some(voucher.person),
        Code::HolderMismatch,
    );
    checks.require(
        (&trained.occupation, trained.level, trained.year)
            == (&filing.occupation, filing.level, filing.year),
        Code::ProgrammeMismatch,
    );
    checks.take(apart_from_training(ask, trained, filing))?;
    checks.require(assessed.is_none(), Code::AssessmentVoucherExists);
    // A pass whose certificate the register does not know is no pass.
    let passed = |pass: &Pass| pass.confirmed != Some(false);
    checks.require(
        !voucher.pass.as_ref().is_some_and(passed),
        Code::AssessedBefore,
    );
    if trained.programme != Programme::General {
        checks.take(own_body_first(
            ask,
            &trained.deliverer,
            filing,
            act.occupation_not_covered,
        ))?;
    }
    checks.done()
}

/// An enterprise's or a school's own filed body comes first ("优先选择本企业、本校评价机构"); another one only with the reason that its
/// own does not cover the occupation, which the catalogue must bear out.
fn own_body_first(
    ask: &Ask,
    own: &InstitutionId,
    filing: &SessionFiling,
    not_covered: bool,
) -> Result<(), Stop> {
    let has_body =
        |institution: &Institution| institution.capacities.contains(&Capacity::AssessmentBody);
    if *own == filing.body || !has_body(ask.world.institution(own)?) {
        return Ok(());
    }
    let (occupation, year) = (&filing.occupation, filing.year);
    let covered = registry::in_catalogue(ask, own, Capacity::AssessmentBody, occupation, year)?;
    if not_covered && !covered {
        Ok(())
    } else {
        Err(Code::AssessorNotAllowed.into())
    }
}

pub(crate) fn apply_assessed(
    world: &mut World,
    e: &event::Assessed,
    at: Instant,
) -> Result<(), Stop> {
    let session = world.edit_session(&e.session)?;
    session.recorded.insert(e.voucher);
    let filing = session.filing.clone();
    voucher::take(world, e.voucher, &e.takes)?;
    let voucher = world.edit_voucher(&e.voucher)?;
    if !denied_at(voucher, e.session) {
        voucher.attempts += 1;
    }
    if let Some(certificate) = e.certificate {
        voucher.pass = Some(Pass {
            level: filing.level,
            body: filing.body,
            session: e.session,
            on: filing.date,
            certificate,
            confirmed: None,
        });
    }
    if let (Some(seat), Some(due)) = (e.seat, e.due) {
        voucher.due = Some(due);
        world.edit_session(&e.session)?.seats.push(Seat {
            voucher: e.voucher,
            taken: at,
            left: None,
        });
        voucher::move_to(
            world,
            e.voucher,
            VoucherState::Completed {
                occasion: Occasion::Session(e.session),
                seat,
            },
        )?;
    }
    Ok(())
}

/// Records the certificate register's answer to a pass. A denial is final for that number, which is free again from then on:
/// a mistyped one is mended by recording the result anew.
pub(crate) fn confirm_certificate(ask: &Ask, act: &ConfirmCertificate) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let mut checks = Checks::new();
    checks.require(
        voucher
            .pass
            .as_ref()
            .is_some_and(|pass| match pass.confirmed {
                None => true,
                Some(true) => !act.known,
                Some(false) => false,
            }),
        Code::NothingToConfirm,
    );
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(voucher.state.is_live(), Code::VoucherEnded);
    checks.done()?;
    Ok(vec![Event::CertificateConfirmed(
        event::CertificateConfirmed {
            voucher: act.voucher,
            known: act.known,
            frees: voucher::held_tags(voucher, |once| !act.known && *once == Once::Certificate),
        },
    )])
}

pub(crate) fn apply_certificate_confirmed(
    world: &mut World,
    e: &event::CertificateConfirmed,
) -> Result<(), Stop> {
    if let Some(pass) = &mut world.edit_voucher(&e.voucher)?.pass {
        pass.confirmed = Some(e.known);
    }
    voucher::free(world, e.voucher, &e.frees)
}
