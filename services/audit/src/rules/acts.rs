//! From events back to what was asked for: one table of every event, by subject. What an event does not say, it was no part of.

use hefu_domain::{Act, Event, World};

use super::{
    access, application, assessment, funds, issuance, records, redemption, registry, settlement,
    supervision, training,
};

/// What an event says of the command that made it.
pub(super) enum Asked {
    /// It is the first of a command's events, and it was one of these.
    For(Vec<Act>),
    /// It is recorded, not decided: a fork, a new log key.
    Recorded,
    /// It only ever follows another one, or lacks what its command must have said.
    Nothing,
}

impl From<Act> for Asked {
    fn from(act: Act) -> Asked {
        Asked::For(vec![act])
    }
}

impl From<Option<Act>> for Asked {
    fn from(act: Option<Act>) -> Asked {
        act.map_or(Asked::Nothing, Asked::from)
    }
}

/// What was asked for, by the first of a command's events and those after it. `world` is as the command found it.
pub(super) fn asked<'a>(world: &World, events: impl Iterator<Item = &'a Event> + Clone) -> Asked {
    let mut follows = events.clone();
    let Some(first) = follows.next() else {
        return Asked::Nothing;
    };
    match first {
        Event::RegionOpened(e) => access::open_region(e, follows).into(),
        Event::ForkAccepted(_) | Event::LogKeyRotated(_) => Asked::Recorded,
        Event::CheckpointsRecorded(e) => access::record_checkpoints(e).into(),
        Event::PolicyAdopted(e) => access::adopt_policy(e).into(),
        Event::CalendarAdopted(e) => access::adopt_calendar(e).into(),
        Event::CallerGranted(e) => access::grant_caller(e).into(),
        Event::CallerRevoked(e) => access::revoke_caller(e).into(),
        Event::DeputyAppointed(e) => access::appoint_deputy(e).into(),
        Event::PersonRegistered(e) => registry::register_person(e).into(),
        Event::CheckAnswersRecorded(e) => registry::record_check_answers(e).into(),
        Event::SubjectErased(e) => registry::erase_subject(e).into(),
        Event::PersonRevealed(e) => registry::reveal_person(e).into(),
        Event::RosterImported(e) => records::import_roster(e).into(),
        Event::CertificatesImported(e) => records::import_certificates(e).into(),
        Event::PayoutFileExported(e) => records::export_payouts(e).into(),
        Event::InstitutionRegistered(e) => registry::register_institution(e).into(),
        Event::InstitutionChanged(e) => registry::change_institution(e).into(),
        Event::ClassifiedRegistered(e) => registry::register_classified(e).into(),
        Event::AccountRegistered(e) => registry::register_account(e).into(),
        Event::AccountConfirmed(e) => registry::confirm_account(e).into(),
        Event::InstitutionSuspended(e) => registry::suspend_institution(e).into(),
        Event::InstitutionStruckOff(e) => registry::strike_off_institution(e).into(),
        Event::CatalogueEntryFiled(e) => registry::file_catalogue_entry(e).into(),
        Event::CatalogueEntryChanged(e) => registry::change_catalogue_entry(e).into(),
        Event::CatalogueEntryApproved(e) => registry::approve_catalogue_entry(e).into(),
        Event::CatalogueEntryRefused(e) => registry::refuse_catalogue_entry(e).into(),
        Event::CatalogueEntrySuspended(e) => registry::suspend_catalogue_entry(e).into(),
        Event::CatalogueEntryStruckOff(e) => registry::strike_off_catalogue_entry(e).into(),
        Event::PlanYearOpened(e) => funds::open_plan_year(e).into(),
        Event::TargetsSet(e) => funds::set_targets(e).into(),
        Event::FundsAppropriated(e) => funds::appropriate(e).into(),
        Event::FundsAllocatedOut(e) => funds::allocate(e).into(),
        Event::TopUpRequested(e) => funds::request_top_up(e).into(),
        Event::TopUpRefused(e) => funds::refuse_top_up(e).into(),
        // Their command stands in the city's log.
        Event::FundsAllocatedIn(_) | Event::TopUpDecided(_) => Asked::Nothing,
        Event::PlanYearClosing(e) => funds::begin_closing(e).into(),
        Event::PlanYearClosed(e) => funds::finish_closing(e).into(),
        Event::Applied(e) => application::apply(e).into(),
        Event::ApplicationConfirmed(e) => application::confirm(world, e).into(),
        Event::Withdrawn(e) => application::withdraw(world, e).into(),
        Event::ApplicationRejected(e) => application::reject(e).into(),
        Event::ApplicationReopened(e) => application::reopen(e).into(),
        Event::CorrectionProposed(e) => application::propose_correction(e).into(),
        Event::CorrectionConfirmed(e) => application::confirm_correction(e).into(),
        Event::CorrectionRefused(e) => application::refuse_correction(e).into(),
        Event::Issued(e) => issuance::issue(e).into(),
        Event::Revoked(e) => issuance::revoke(e).into(),
        Event::TokenFetched(e) => issuance::fetch_token(e).into(),
        Event::TokenReissued(e) => issuance::reissue_token(e).into(),
        Event::Expired(e) => match issuance::expired_by_closing(first) {
            Some(_) => funds::close_vouchers(world, events).into(),
            None => issuance::expire(e).into(),
        },
        Event::OverrideProposed(e) => issuance::propose_override(e).into(),
        Event::OverrideConfirmed(e) => issuance::confirm_override(e).into(),
        Event::Frozen(e) => supervision::freeze(e).into(),
        Event::Unfrozen(e) => supervision::unfreeze(e).into(),
        Event::SamplePlanned(e) => supervision::plan_sample(e).into(),
        Event::SampleDrawn(e) => supervision::draw_sample(e).into(),
        Event::Inspected(e) => supervision::inspect(e).into(),
        Event::InspectionConfirmed(e) => supervision::confirm_inspection(e, follows).into(),
        Event::FindingRecorded(e) => supervision::record_finding(world, e).into(),
        // Its command stands in the county's log.
        Event::FindingReported(_) | Event::FindingClosureReported(_) => Asked::Nothing,
        Event::FindingRectified(e) => supervision::rectify(e).into(),
        Event::FindingRechecked(e) => supervision::recheck(world, e).into(),
        Event::FlagRaised(e) => supervision::raise_flag(e).into(),
        Event::FlagClearanceProposed(e) => supervision::propose_clearance(e).into(),
        Event::FlagCleared(e) => supervision::clear_flag(e).into(),
        Event::CreditPointed(e) => supervision::credit_points(e).into(),
        Event::CreditRestored(e) => supervision::restore_credit(e).into(),
        Event::ClassFiled(e) => training::file_class(e).into(),
        Event::ClassChanged(e) => training::change_class(e).into(),
        Event::ClassApproved(e) => training::approve_class(e).into(),
        Event::ClassRejected(e) => training::reject_class(e).into(),
        Event::ClassFinished(e) => training::finish_class(e).into(),
        Event::ClassCancelled(e) => training::cancel_class(e).into(),
        Event::Enrolled(e) => training::enrol(world, e).into(),
        Event::AttendanceRecorded(e) => training::record_attendance(e).into(),
        Event::LateEntryRequested(e) => training::request_late_entry(e).into(),
        Event::LateEntryApproved(e) => training::approve_late_entry(e).into(),
        Event::AttendanceSealed(e) => training::seal_attendance(e).into(),
        Event::SealedAttendanceApproved(e) => training::approve_sealed_attendance(e).into(),
        Event::Dropped(e) => training::drop_out(e).into(),
        Event::Completed(e) => training::complete(e).into(),
        Event::EmploymentRecorded(e) => training::record_employment(e).into(),
        Event::SessionFiled(e) => assessment::file_session(e).into(),
        Event::SessionApproved(e) => assessment::approve_session(e).into(),
        Event::SessionRejected(e) => assessment::reject_session(e).into(),
        Event::SessionFinished(e) => assessment::finish_session(e).into(),
        Event::SessionCancelled(e) => assessment::cancel_session(e).into(),
        Event::Assessed(e) => assessment::record_assessment(world, e).into(),
        Event::CertificateConfirmed(e) => assessment::confirm_certificate(e).into(),
        Event::Redeemed(e) => redemption::redeem(world, e).into(),
        Event::ClaimSubmitted(e) => redemption::submit(e).into(),
        Event::StruckOut(e) => redemption::strike_out(e).into(),
        Event::ClaimReturned(e) => redemption::return_claim(e).into(),
        Event::ClaimRefused(e) => Asked::For(redemption::refuse(world, e)),
        Event::ClaimReopened(e) => redemption::reopen(e).into(),
        Event::ClaimApproved(e) => redemption::approve(e).into(),
        Event::ObjectionRaised(e) => redemption::raise_objection(e).into(),
        Event::ObjectionDecided(e) => redemption::decide_objection(e, follows).into(),
        Event::PayoutSent(e) => settlement::send_payout(e).into(),
        Event::PayoutRecorded(e) => settlement::record_payout(e).into(),
        Event::PayoutReturned(e) => settlement::return_payout(e).into(),
        Event::WrittenOff(e) => settlement::write_off(e).into(),
        Event::ClawBackProposed(e) => settlement::propose_claw_back(e).into(),
        Event::ClawBackConfirmed(e) => settlement::confirm_claw_back(e).into(),
        Event::ClawBackReceived(e) => settlement::receive_claw_back(e).into(),
        Event::ClassClosed(_)
        | Event::SessionClosed(_)
        | Event::ClaimClosed(_)
        | Event::ClaimVoucherRefused(_)
        | Event::Reclaimed(_) => Asked::Nothing,
    }
}
