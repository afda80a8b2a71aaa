//! The two doors of the domain: `decide` says which events a command makes, `apply` what an event changes.

use crate::access::Rpc;
use crate::command::{Act, Command};
use crate::event::Event;
use crate::ids::*;
use crate::money::Fen;
use crate::refusal::{Code, Stop};
use crate::state::*;
use crate::time::Instant;
use crate::voucher;
use crate::world::{Need, Subject, World};
use crate::{
    access, application, assessment, audit, funds, issuance, people, policies, records, redemption,
    registry, settlement, status, supervision, training,
};

/// A command's caller, as the region's grants say.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The member of staff.
    pub person: StaffId,
    /// Roles in force now, lent ones among them.
    pub roles: std::collections::BTreeSet<Role>,
    /// The institution that they act for.
    pub institution: Option<InstitutionId>,
    /// The one holder that they are.
    pub holder: Option<PersonId>,
}

/// What a rule is asked: facts, caller, instant.
pub(crate) struct Ask<'a> {
    pub(crate) world: &'a World,
    pub(crate) caller: Caller,
    pub(crate) at: Instant,
}

impl Ask<'_> {
    /// Whether the caller has the role now.
    pub(crate) fn is(&self, role: Role) -> bool {
        self.caller.roles.contains(&role)
    }

    /// Whether the caller acts for that institution.
    pub(crate) fn acts_for(&self, institution: &InstitutionId) -> bool {
        self.caller.institution.as_ref() == Some(institution)
    }

    /// Whether the caller is that holder, or the bureau's portal speaking for them by name.
    pub(crate) fn speaks_for(&self, person: &PersonId, named: Option<&PersonId>) -> bool {
        self.is(Role::Holder)
            && match &self.caller.holder {
                Some(holder) => holder == person,
                None => named == Some(person),
            }
    }

    /// The plan year is open: neither closing nor closed.
    pub(crate) fn year_open(&self, year: PlanYear) -> Result<(), Stop> {
        match self.world.year(&year)?.phase {
            YearPhase::Open => Ok(()),
            YearPhase::Closing | YearPhase::Closed => Err(Code::PlanYearClosed.into()),
        }
    }

    /// What an account has available; nothing, if it does not exist.
    pub(crate) fn available(&self, year: PlanYear, source: &Source) -> Result<Fen, Stop> {
        match self.world.get(&Key::Account(year, source.clone()))? {
            Some(Fact::Account(account)) => Ok(account.available),
            _ => Ok(Fen::ZERO),
        }
    }

    /// The nullifier, if it is free; the code, if another voucher holds it. `mine` may hold it already.
    pub(crate) fn claim(
        &self,
        person: PersonId,
        once: Once,
        taken: Code,
        mine: Option<VoucherId>,
    ) -> Result<Held, Stop> {
        let (tag, holder) = self.world.nullifier(&Subject::Person(person), &once)?;
        match holder {
            Some(holder) if Some(holder.voucher) != mine => Err(taken.into()),
            Some(_) | None => Ok(Held { once, tag }),
        }
    }
}

/// Who calls, by the region's grants, or why they may not.
pub(crate) fn caller(
    world: &World,
    credential: &CredentialId,
    at: Instant,
) -> Result<Caller, Stop> {
    let grant = match world.get(&Key::Credential(credential.clone()))? {
        Some(Fact::Credential(grant)) => grant,
        _ => return Err(Code::CallerUnknown.into()),
    };
    if grant.revoked.is_some_and(|revoked| revoked <= at)
        || grant.expires.is_some_and(|expires| expires <= at)
    {
        return Err(Code::CallerRevoked.into());
    }
    let lent = grant
        .deputies
        .iter()
        .filter(|deputy| deputy.from <= at && at < deputy.until)
        .map(|deputy| deputy.role);
    Ok(Caller {
        person: grant.person.clone(),
        roles: grant.roles.iter().copied().chain(lent).collect(),
        institution: grant.institution.clone(),
        holder: grant.holder,
    })
}

/// The subject under which a credential's requests are numbered; `public/…` when it has no grant here.
pub fn subject(world: &World, credential: &CredentialId) -> Result<String, Stop> {
    Ok(match world.get(&Key::Credential(credential.clone()))? {
        Some(Fact::Credential(grant)) => grant.subject.to_string(),
        _ => format!("public/{credential}"),
    })
}

/// Decides a command: its events, every rule that refused it, or the fact that is missing to say which.
pub fn decide(world: &World, command: &Command, at: Instant) -> Result<Vec<Event>, Stop> {
    if let Act::OpenRegion(act) = &command.act {
        return policies::open_region(world, act, &command.by);
    }
    if let Act::RaiseObjection(act) = &command.act {
        world.state_of_region()?;
        return redemption::raise_objection(world, act, at);
    }
    let (caller, _) = access::admitted(world, Rpc::of(&command.act), &command.by, at)?;
    let ask = Ask { world, caller, at };
    registry::names_nobody_classified(&ask, &command.seals)?;
    route(&ask, &command.act).map_err(not_yours_alone)
}

/// Whoever meddles with another's thing hears that it is not theirs, and nothing of how it stands.
fn not_yours_alone(stop: Stop) -> Stop {
    match stop {
        Stop::Refused(refusals) if refusals.has(Code::NotYours) => Code::NotYours.into(),
        Stop::Refused(_) | Stop::Missing(_) => stop,
    }
}

fn route(ask: &Ask, act: &Act) -> Result<Vec<Event>, Stop> {
    match act {
        Act::OpenRegion(_) => Err(Code::RegionAlreadyOpen.into()),
        Act::RaiseObjection(act) => redemption::raise_objection(ask.world, act, ask.at),
        // Money that moves between two regions is decided by `decide_both`, which sees them.
        Act::AllocateFunds(_) | Act::DecideTopUp(_) => Err(Code::SameRegion.into()),
        Act::PlanSample(act) => supervision::plan_sample(ask, act),
        Act::DrawSample(act) => supervision::draw_sample(ask, act),
        Act::Inspect(act) => supervision::inspect(ask, act),
        Act::ConfirmInspection(act) => supervision::confirm_inspection(ask, act),
        Act::RecordFinding(act) => supervision::record_finding(ask, act),
        Act::Rectify(act) => supervision::rectify(ask, act),
        Act::Recheck(act) => supervision::recheck(ask, act),
        Act::RaiseFlag(act) => supervision::raise_flag(ask, act),
        Act::ClearFlag(act) => supervision::clear_flag(ask, act),
        Act::ConfirmClearFlag(act) => supervision::confirm_clear_flag(ask, act),
        Act::CreditPoints(act) => supervision::credit_points(ask, act),
        Act::RestoreCredit(act) => supervision::restore_credit(ask, act),
        Act::AdoptPolicy(act) => policies::adopt_policy(ask, act),
        Act::AdoptCalendar(act) => policies::adopt_calendar(ask, act),
        Act::RecordCheckpoints(act) => audit::record_checkpoints(ask, act),
        Act::GrantCaller(act) => access::grant_caller(ask, act),
        Act::RevokeCaller(act) => access::revoke_caller(ask, act),
        Act::AppointDeputy(act) => access::appoint_deputy(ask, act),
        Act::RegisterPerson(act) => people::register_person(ask, act),
        Act::RecordCheckAnswers(act) => people::record_check_answers(ask, act),
        Act::EraseSubject(act) => people::erase_subject(ask, act),
        Act::RevealPerson(act) => people::reveal_person(ask, act),
        Act::ImportRoster(act) => records::import_roster(ask, act),
        Act::ImportCertificates(act) => records::import_certificates(ask, act),
        Act::ExportPayouts(act) => records::export_payouts(ask, act),
        Act::RegisterInstitution(act) => registry::register_institution(ask, act),
        Act::ChangeInstitution(act) => registry::change_institution(ask, act),
        Act::RegisterClassified(act) => registry::register_classified(ask, act),
        Act::RegisterAccount(act) => registry::register_account(ask, act),
        Act::ConfirmAccount(act) => registry::confirm_account(ask, act),
        Act::FileCatalogueEntry(act) => registry::file_catalogue_entry(ask, act),
        Act::ChangeCatalogueEntry(act) => registry::change_catalogue_entry(ask, act),
        Act::ApproveCatalogueEntry(act) => registry::approve_catalogue_entry(ask, act),
        Act::RefuseCatalogueEntry(act) => registry::refuse_catalogue_entry(ask, act),
        Act::SuspendCatalogueEntry(act) => registry::suspend_catalogue_entry(ask, act),
        Act::StrikeOffCatalogueEntry(act) => registry::strike_off_catalogue_entry(ask, act),
        Act::SuspendInstitution(act) => registry::suspend_institution(ask, act),
        Act::StrikeOffInstitution(act) => registry::strike_off_institution(ask, act),
        Act::AppropriateFunds(act) => funds::appropriate(ask, act),
        Act::RequestTopUp(act) => funds::request_top_up(ask, act),
        Act::OpenPlanYear(act) => funds::open_plan_year(ask, act),
        Act::ClosePlanYear(act) => funds::close_plan_year(ask, act),
        Act::SetTargets(act) => funds::set_targets(ask, act),
        Act::Apply(act) => application::apply(ask, act),
        Act::ConfirmApplication(act) => application::confirm(ask, act),
        Act::Withdraw(act) => application::withdraw(ask, act),
        Act::RejectApplication(act) => application::reject(ask, act),
        Act::ReopenApplication(act) => application::reopen(ask, act),
        Act::ProposeCorrection(act) => application::propose_correction(ask, act),
        Act::ConfirmCorrection(act) => application::confirm_correction(ask, act),
        Act::RefuseCorrection(act) => application::refuse_correction(ask, act),
        Act::Issue(act) => issuance::issue(ask, act),
        Act::Revoke(act) => issuance::revoke(ask, act),
        Act::FetchToken(act) => issuance::fetch_token(ask, act),
        Act::ReissueToken(act) => issuance::reissue_token(ask, act),
        Act::Expire(act) => issuance::expire(ask, act),
        Act::ProposeOverride(act) => issuance::propose_override(ask, act),
        Act::ConfirmOverride(act) => issuance::confirm_override(ask, act),
        Act::Freeze(act) => supervision::freeze(ask, act),
        Act::Unfreeze(act) => supervision::unfreeze(ask, act),
        Act::FileClass(act) => training::file_class(ask, act),
        Act::ChangeClass(act) => training::change_class(ask, act),
        Act::ApproveClass(act) => training::approve_class(ask, act),
        Act::RejectClass(act) => training::reject_class(ask, act),
        Act::FinishClass(act) => training::finish_class(ask, act),
        Act::CancelClass(act) => training::cancel_class(ask, act),
        Act::Enrol(act) => training::enrol(ask, act),
        Act::RecordAttendance(act) => training::record_attendance(ask, act),
        Act::RequestLateEntry(act) => training::request_late_entry(ask, act),
        Act::ApproveLateEntry(act) => training::approve_late_entry(ask, act),
        Act::SealAttendance(act) => training::seal_attendance(ask, act),
        Act::ApproveSealedAttendance(act) => training::approve_sealed_attendance(ask, act),
        Act::Drop(act) => training::drop_out(ask, act),
        Act::Complete(act) => training::complete(ask, act),
        Act::RecordEmployment(act) => training::record_employment(ask, act),
        Act::FileSession(act) => assessment::file_session(ask, act),
        Act::ApproveSession(act) => assessment::approve_session(ask, act),
        Act::RejectSession(act) => assessment::reject_session(ask, act),
        Act::FinishSession(act) => assessment::finish_session(ask, act),
        Act::CancelSession(act) => assessment::cancel_session(ask, act),
        Act::RecordAssessment(act) => assessment::record_assessment(ask, act),
        Act::ConfirmCertificate(act) => assessment::confirm_certificate(ask, act),
        Act::Redeem(act) => redemption::redeem(ask, act),
        Act::SubmitClaim(act) => redemption::submit(ask, act),
        Act::StrikeOut(act) => redemption::strike_out(ask, act),
        Act::ReturnClaim(act) => redemption::return_claim(ask, act),
        Act::RefuseClaim(act) => redemption::refuse(ask, act),
        Act::ReopenClaim(act) => redemption::reopen(ask, act),
        Act::ApproveClaim(act) => redemption::approve(ask, act),
        Act::DecideObjection(act) => redemption::decide_objection(ask, act),
        Act::SendPayout(act) => settlement::send_payout(ask, act),
        Act::RecordPayout(act) => settlement::record_payout(ask, act),
        Act::ReturnPayout(act) => settlement::return_payout(ask, act),
        Act::WriteOff(act) => settlement::write_off(ask, act),
        Act::ProposeClawBack(act) => settlement::propose_claw_back(ask, act),
        Act::ConfirmClawBack(act) => settlement::confirm_claw_back(ask, act),
        Act::ReceiveClawBack(act) => settlement::receive_claw_back(ask, act),
    }
}

/// Decides a move over two regions ([`Act::other_region`]): the events of the region in which it is asked for, then the other one's.
pub fn decide_both(
    own: &World,
    other: &World,
    command: &Command,
    at: Instant,
) -> Result<(Vec<Event>, Vec<Event>), Stop> {
    let (caller, _) = access::admitted(own, Rpc::of(&command.act), &command.by, at)?;
    let ask = Ask {
        world: own,
        caller,
        at,
    };
    if let Act::AllocateFunds(act) = &command.act {
        funds::allocate(&ask, other, act)
    } else if let Act::DecideTopUp(act) = &command.act {
        funds::decide_top_up(&ask, other, act)
    } else if let Act::RecordFinding(act) = &command.act {
        registry::names_nobody_classified(&ask, &command.seals)?;
        supervision::report_finding(&ask, other, act).map_err(not_yours_alone)
    } else if let Act::Recheck(act) = &command.act {
        registry::names_nobody_classified(&ask, &command.seals)?;
        supervision::report_closing(&ask, other, act).map_err(not_yours_alone)
    } else {
        Err(Code::SameRegion.into())
    }
}

/// The facts that a command is known to read, as far as the world shows; a guess that saves round trips, never relied upon.
pub fn needs(world: &World, command: &Command) -> Vec<Need> {
    needs_and_known(world, command).0
}

/// The same, and how many facts it would have named if they were not known already.
pub fn needs_and_known(world: &World, command: &Command) -> (Vec<Need>, usize) {
    let mut needs = vec![
        Need::Fact(Key::Region),
        Need::Fact(Key::Credential(command.by.clone())),
    ];
    let seals = command.seals.iter().cloned();
    needs.extend(seals.map(|seal| Need::Fact(Key::Institution(seal))));
    needs.extend(crate::needs::of(world, &command.act));
    let mut known = 0;
    needs.retain(|need| {
        let is_known = world.knows(need);
        known += usize::from(is_known && matches!(need, Need::Fact(_)));
        !is_known
    });
    needs.sort();
    needs.dedup();
    (needs, known)
}

/// What an event changes.
pub(crate) fn apply(world: &mut World, event: &Event, at: Instant) -> Result<(), Stop> {
    match event {
        Event::RegionOpened(e) => policies::apply_region_opened(world, e),
        Event::ForkAccepted(e) => status::after_fork(world, e),
        Event::LogKeyRotated(_) => audit::apply_noted(world),
        Event::CheckpointsRecorded(e) => audit::apply_checkpoints_recorded(world, e),
        Event::PolicyAdopted(e) => policies::apply_policy_adopted(world, e, at),
        Event::CalendarAdopted(e) => policies::apply_calendar_adopted(world, e),
        Event::CallerGranted(e) => access::apply_caller_granted(world, e),
        Event::CallerRevoked(e) => access::apply_caller_revoked(world, e, at),
        Event::DeputyAppointed(e) => access::apply_deputy_appointed(world, e),
        Event::PersonRegistered(e) => people::apply_person_registered(world, e),
        Event::CheckAnswersRecorded(e) => people::apply_check_answers_recorded(world, e, at),
        Event::SubjectErased(e) => people::apply_subject_erased(world, e),
        // Nothing changes but the record that it was shown.
        Event::PersonRevealed(e) => world.edit_person(&e.person).map(|_| ()),
        Event::RosterImported(e) => records::apply_roster_imported(world, e),
        Event::CertificatesImported(e) => records::apply_certificates_imported(world, e),
        // Nothing changes but the record that they were shown.
        Event::PayoutFileExported(e) => records::apply_payout_file_exported(world, e),
        Event::InstitutionRegistered(e) => registry::apply_institution_registered(world, e),
        Event::InstitutionChanged(e) => registry::apply_institution_changed(world, e),
        Event::ClassifiedRegistered(e) => registry::apply_classified_registered(world, e),
        Event::AccountRegistered(e) => registry::apply_account_registered(world, e),
        Event::AccountConfirmed(e) => registry::apply_account_confirmed(world, e),
        Event::InstitutionSuspended(e) => registry::apply_institution_suspended(world, e),
        Event::InstitutionStruckOff(e) => registry::apply_institution_struck_off(world, e),
        Event::CatalogueEntryFiled(e) => registry::apply_catalogue_entry_filed(world, e),
        Event::CatalogueEntryChanged(e) => registry::apply_catalogue_entry_changed(world, e),
        Event::CatalogueEntryApproved(e) => registry::apply_catalogue_entry_approved(world, e),
        Event::CatalogueEntryRefused(e) => registry::apply_catalogue_entry_refused(world, e),
        Event::CatalogueEntrySuspended(e) => registry::apply_catalogue_entry_suspended(world, e),
        Event::CatalogueEntryStruckOff(e) => registry::apply_catalogue_entry_struck_off(world, e),
        Event::PlanYearOpened(e) => funds::apply_plan_year_opened(world, e),
        Event::TargetsSet(e) => funds::apply_targets_set(world, e),
        Event::FundsAppropriated(e) => funds::apply_funds_appropriated(world, e),
        Event::FundsAllocatedOut(e) => funds::apply_funds_allocated_out(world, e),
        Event::FundsAllocatedIn(e) => funds::apply_funds_allocated_in(world, e),
        Event::TopUpRequested(e) => funds::apply_top_up_requested(world, e, at),
        // The region that refused it keeps nothing but the record.
        Event::TopUpRefused(e) => world.edit_year(&e.year).map(|_| ()),
        Event::TopUpDecided(e) => funds::apply_top_up_decided(world, e),
        Event::PlanYearClosing(e) => funds::apply_plan_year_closing(world, e),
        Event::PlanYearClosed(e) => funds::apply_plan_year_closed(world, e),
        Event::Applied(e) => application::apply_applied(world, e),
        Event::ApplicationConfirmed(e) => application::apply_confirmed(world, e),
        Event::Withdrawn(e) => voucher::end(world, e, End::Withdrawn, at, None),
        Event::ApplicationRejected(e) => application::apply_rejected(world, e, at),
        Event::ApplicationReopened(e) => application::apply_reopened(world, e),
        Event::CorrectionProposed(e) => application::apply_correction_proposed(world, e),
        Event::CorrectionConfirmed(e) => application::apply_correction_confirmed(world, e),
        Event::CorrectionRefused(e) => application::apply_correction_refused(world, e),
        Event::Issued(e) => issuance::apply_issued(world, e),
        Event::Revoked(e) => voucher::end(world, e, End::Revoked, at, None),
        // Fetching changes nothing but the record that it happened.
        Event::TokenFetched(e) => world.edit_voucher(&e.voucher).map(|_| ()),
        Event::TokenReissued(e) => issuance::apply_token_reissued(world, e),
        Event::Expired(e) => issuance::apply_expired(world, e, at),
        Event::OverrideProposed(e) => {
            world.edit_voucher(&e.voucher)?.override_ = Some(Box::new(e.proposal.clone()));
            Ok(())
        }
        Event::OverrideConfirmed(e) => issuance::apply_override_confirmed(world, e),
        Event::Frozen(e) => supervision::apply_frozen(world, e),
        Event::Unfrozen(e) => supervision::apply_unfrozen(world, e),
        Event::SamplePlanned(e) => supervision::apply_sample_planned(world, e, at),
        Event::SampleDrawn(e) => supervision::apply_sample_drawn(world, e),
        Event::Inspected(e) => supervision::apply_inspected(world, e),
        Event::InspectionConfirmed(e) => supervision::apply_inspection_confirmed(world, e),
        Event::FindingRecorded(e) => supervision::apply_finding_recorded(world, e),
        Event::FindingReported(e) => supervision::apply_finding_reported(world, e),
        Event::FindingClosureReported(e) => supervision::apply_finding_closure_reported(world, e),
        Event::FindingRectified(e) => supervision::apply_finding_rectified(world, e),
        Event::FindingRechecked(e) => supervision::apply_finding_rechecked(world, e),
        Event::FlagRaised(e) => supervision::apply_flag_raised(world, e),
        Event::FlagClearanceProposed(e) => supervision::apply_flag_clearance_proposed(world, e),
        Event::FlagCleared(e) => supervision::apply_flag_cleared(world, e),
        Event::CreditPointed(e) => supervision::apply_credit_pointed(world, e, at),
        Event::CreditRestored(e) => supervision::apply_credit_restored(world, e, at),
        Event::ClassFiled(e) => training::apply_class_filed(world, e, at),
        Event::ClassChanged(e) => training::apply_class_changed(world, e, at),
        Event::ClassApproved(e) => training::apply_class_approved(world, e),
        Event::ClassRejected(e) => training::apply_class_rejected(world, e, at),
        Event::ClassFinished(e) => training::apply_class_finished(world, e),
        Event::ClassCancelled(e) => training::apply_class_cancelled(world, e, at),
        Event::ClassClosed(e) => training::apply_class_closed(world, e),
        Event::Enrolled(e) => training::apply_enrolled(world, e, at),
        Event::AttendanceRecorded(e) => training::apply_attendance_recorded(world, e),
        Event::LateEntryRequested(e) => training::apply_late_entry_requested(world, e),
        Event::LateEntryApproved(e) => training::apply_late_entry_approved(world, e),
        Event::AttendanceSealed(e) => training::apply_attendance_sealed(world, e),
        Event::SealedAttendanceApproved(e) => training::apply_sealed_attendance_approved(world, e),
        Event::Dropped(e) => training::apply_dropped(world, e, at),
        Event::Completed(e) => training::apply_completed(world, e),
        Event::EmploymentRecorded(e) => training::apply_employment_recorded(world, e),
        Event::SessionFiled(e) => assessment::apply_session_filed(world, e),
        Event::SessionApproved(e) => assessment::apply_session_approved(world, e),
        Event::SessionRejected(e) => assessment::apply_session_rejected(world, e),
        Event::SessionFinished(e) => assessment::apply_session_finished(world, e),
        Event::SessionCancelled(e) => assessment::apply_session_cancelled(world, e),
        Event::SessionClosed(e) => assessment::apply_session_closed(world, e),
        Event::Assessed(e) => assessment::apply_assessed(world, e, at),
        Event::CertificateConfirmed(e) => assessment::apply_certificate_confirmed(world, e),
        Event::Redeemed(e) => redemption::apply_redeemed(world, e),
        Event::ClaimSubmitted(e) => redemption::apply_submitted(world, e, at),
        Event::StruckOut(e) => redemption::apply_struck_out(world, e, at),
        Event::ClaimReturned(e) => redemption::apply_returned(world, e),
        Event::ClaimRefused(e) => redemption::apply_refused(world, e, at),
        Event::ClaimVoucherRefused(e) => redemption::apply_voucher_refused(world, e, at),
        Event::ClaimReopened(e) => redemption::apply_reopened(world, e),
        Event::Reclaimed(e) => redemption::apply_reclaimed(world, e),
        Event::ClaimApproved(e) => redemption::apply_approved(world, e),
        Event::ObjectionRaised(e) => redemption::apply_objection_raised(world, e),
        Event::ObjectionDecided(e) => redemption::apply_objection_decided(world, e),
        Event::PayoutSent(e) => settlement::apply_payout_sent(world, e),
        Event::PayoutRecorded(e) => settlement::apply_payout_recorded(world, e),
        Event::PayoutReturned(e) => settlement::apply_payout_returned(world, e),
        Event::WrittenOff(e) => settlement::apply_written_off(world, e),
        Event::ClaimClosed(e) => settlement::apply_claim_closed(world, e),
        Event::ClawBackProposed(e) => settlement::apply_claw_back_proposed(world, e),
        Event::ClawBackConfirmed(e) => settlement::apply_claw_back_confirmed(world, e, at),
        Event::ClawBackReceived(e) => settlement::apply_claw_back_received(world, e),
    }
}
