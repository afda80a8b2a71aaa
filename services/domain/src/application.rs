//! Application (申请): apply, withdraw, reject, reopen, and the correction of an identity.
//! Nobody has a voucher that they do not know of: what somebody else applied for is issued once the holder has confirmed it, by the
//! portal or before a clerk. What an institution says of its people's consent counts for nothing.

use std::collections::BTreeSet;

use crate::command::*;
use crate::decide::Ask;
use crate::eligibility;
use crate::event::{self, Event};
use crate::people;
use crate::policy::{Programme, VoucherKind};
use crate::redemption::NO_DIGEST;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::{Instant, plus_days};
use crate::voucher;
use crate::world::World;

/// → Applied: by the holder, or by an institution for its people, who confirm it afterwards.
pub(crate) fn apply(ask: &Ask, act: &Apply) -> Result<Vec<Event>, Stop> {
    // Of somebody who is not on record, or not any more, nothing else can be asked.
    people::not_erased(ask, &act.person)?;
    let (_, policy) = ask.world.policy(act.year, ask.at)?;
    let by_holder = ask.speaks_for(&act.person, Some(&act.person));
    let due = Instant::after(policy.dates.training_ends);
    let trade = act.occupation.as_ref().zip(act.level);
    let mut checks = Checks::new();
    checks.take(ask.year_open(act.year))?;
    checks.require(ask.at < due, Code::ApplicationsOver);
    checks.require(
        ask.world.get(&Key::Voucher(act.voucher))?.is_none(),
        Code::DuplicateEntry,
    );
    checks.require(by_holder || ask.is(Role::Institution), Code::NotYours);
    checks.take(ask.world.rules(act.year, act.programme, ask.at))?;
    checks.take(names_what_it_must(act))?;
    checks.take(employer(ask, act, by_holder))?;
    let answers = checks.take(eligibility::answers(
        ask,
        policy,
        act.programme,
        &act.category,
        &act.person,
    ))?;
    let takes = checks.take(eligibility::taken_at_apply(
        ask,
        act.person,
        act.programme,
        act.year,
    ))?;
    if policy.categories.contains_key(&act.category) {
        checks.take(eligibility::checked_at_apply(
            ask,
            act.person,
            act.programme,
            act.year,
            &act.category,
            trade,
        ))?;
    }
    checks.done()?;
    Ok(vec![Event::Applied(event::Applied {
        voucher: act.voucher,
        person: act.person,
        year: act.year,
        programme: act.programme,
        category: act.category.clone(),
        occupation: act.occupation.clone(),
        level: act.level,
        employer: act.employer.clone(),
        by: ask.caller.person.clone(),
        by_holder,
        answers: answers.unwrap_or_default(),
        due,
        takes: takes.unwrap_or_default(),
    })])
}

/// Applied: the holder says that they know of what somebody else asked for in their name, by phone or with their card at a terminal; or
/// a clerk does who saw them, their card or their signature, or called them back.
pub(crate) fn confirm(ask: &Ask, act: &ConfirmApplication) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let by_holder = ask.speaks_for(&voucher.person, act.holder.as_ref());
    let theirs = match act.how {
        ConfirmedBy::Phone => by_holder,
        ConfirmedBy::Card => true,
        ConfirmedBy::Paper | ConfirmedBy::CallBack => !by_holder,
    };
    let mut checks = Checks::new();
    checks.require(by_holder || ask.is(Role::Clerk), Code::NotYours);
    checks.require(
        matches!(voucher.state, VoucherState::Applied),
        Code::VoucherNotApplied,
    );
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(!voucher.hands.known_to_holder(), Code::NothingToConfirm);
    checks.require(
        theirs && act.evidence != NO_DIGEST,
        Code::ConfirmationMissing,
    );
    checks.require(
        by_holder || voucher.hands.applied != ask.caller.person,
        Code::SamePerson,
    );
    checks.done()?;
    Ok(vec![Event::ApplicationConfirmed(
        event::ApplicationConfirmed {
            voucher: act.voucher,
            by: ask.caller.person.clone(),
            by_holder,
            how: act.how,
            evidence: act.evidence,
        },
    )])
}

pub(crate) fn apply_confirmed(
    world: &mut World,
    e: &event::ApplicationConfirmed,
) -> Result<(), Stop> {
    let hands = &mut world.edit_voucher(&e.voucher)?.hands;
    hands.confirmed = true;
    hands.handled.insert(e.by.clone());
    Ok(())
}

/// An assessment names occupation and level: its rate depends on them.
fn names_what_it_must(act: &Apply) -> Result<(), Stop> {
    let mut checks = Checks::new();
    if act.programme.kind() == VoucherKind::Assessment {
        checks.require(act.occupation.is_some(), Code::OccupationNeeded);
        checks.require(act.level.is_some(), Code::LevelNeeded);
    }
    checks.done()
}

/// Staff programmes name the employer, and an institution applies for its own people only.
fn employer(ask: &Ask, act: &Apply, by_holder: bool) -> Result<(), Stop> {
    let mut checks = Checks::new();
    let staff = for_staff(act.programme);
    checks.require_of(
        !staff || act.employer.is_some(),
        Code::InstitutionNotFound,
        "employer",
    );
    if let Some(employer) = &act.employer {
        checks.take(ask.world.institution(employer))?;
        checks.require(
            by_holder || !staff || ask.acts_for(employer),
            Code::NotYours,
        );
    }
    checks.done()
}

/// Programmes for an enterprise's own people.
fn for_staff(programme: Programme) -> bool {
    match programme {
        Programme::EnterpriseStaff | Programme::Apprenticeship => true,
        Programme::OrderProject
        | Programme::General
        | Programme::Entrepreneurship
        | Programme::Assessment => false,
    }
}

pub(crate) fn apply_applied(world: &mut World, e: &event::Applied) -> Result<(), Stop> {
    let hands = Hands {
        applied: e.by.clone(),
        by_holder: e.by_holder,
        confirmed: false,
        handled: BTreeSet::new(),
        issued: None,
    };
    let new = Voucher {
        person: e.person,
        year: e.year,
        programme: e.programme,
        category: e.category.clone(),
        occupation: e.occupation.clone(),
        level: e.level,
        employer: e.employer.clone(),
        state: VoucherState::Applied,
        frozen: None,
        due: Some(e.due),
        money: None,
        token: None,
        token_serial: 0,
        place: None,
        held: Vec::new(),
        hands,
        reopened: false,
        attempts: 0,
        pass: None,
        carried_days: Default::default(),
        override_: None,
        lifted: Lifted::default(),
        correction: None,
        claw_back: None,
        holds: None,
    };
    voucher::count_new(world, &new)?;
    world.edit_person(&e.person)?.vouchers.insert(e.voucher);
    world.add(Key::Voucher(e.voucher), Fact::Voucher(new));
    voucher::take(world, e.voucher, &e.takes)
}

/// Applied, Issued → Withdrawn: by the holder, whoever applied, or by the applicant.
pub(crate) fn withdraw(ask: &Ask, act: &Withdraw) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let holder = ask.speaks_for(&voucher.person, act.holder.as_ref());
    // An enterprise that applied for its staff may withdraw through whoever speaks for it today.
    let for_its_staff = !voucher.hands.by_holder
        && for_staff(voucher.programme)
        && voucher
            .employer
            .as_ref()
            .is_some_and(|own| ask.acts_for(own));
    // The portal applied for every holder alike: it names the one for whom it speaks.
    let applicant =
        (!voucher.hands.by_holder && voucher.hands.applied == ask.caller.person) || for_its_staff;
    let mut checks = Checks::new();
    checks.require(holder || applicant, Code::NotYours);
    checks.require(
        matches!(voucher.state, VoucherState::Applied | VoucherState::Issued),
        Code::VoucherNotIssued,
    );
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.done()?;
    Ok(vec![Event::Withdrawn(voucher::ending(
        act.voucher,
        voucher,
        Some(&ask.caller.person),
        None,
    ))])
}

/// Applied → Rejected, by a clerk.
pub(crate) fn reject(ask: &Ask, act: &RejectApplication) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let mut checks = Checks::new();
    checks.require(
        matches!(voucher.state, VoucherState::Applied),
        Code::VoucherNotApplied,
    );
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(voucher.hands.applied != ask.caller.person, Code::SamePerson);
    checks.done()?;
    Ok(vec![Event::ApplicationRejected(voucher::ending(
        act.voucher,
        voucher,
        Some(&ask.caller.person),
        Some(act.reason.clone()),
    ))])
}

pub(crate) fn apply_rejected(
    world: &mut World,
    e: &event::VoucherEnded,
    at: Instant,
) -> Result<(), Stop> {
    if let Some(by) = &e.by {
        world
            .edit_voucher(&e.voucher)?
            .hands
            .handled
            .insert(by.clone());
    }
    voucher::end(world, e, End::Rejected, at, None)
}

/// Rejected → Applied, once, by another reviewer, within the policy's days.
pub(crate) fn reopen(ask: &Ask, act: &ReopenApplication) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let (since, rejected_by) = match &voucher.state {
        VoucherState::Ended {
            how: End::Rejected,
            at,
            by,
            ..
        } => (*at, by),
        VoucherState::Ended { .. }
        | VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Completed { .. }
        | VoucherState::Claimed { .. }
        | VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. } => return Err(Code::VoucherNotRejected.into()),
    };
    let (_, policy) = ask.world.policy(voucher.year, ask.at)?;
    let due = Instant::after(policy.dates.training_ends);
    let mut checks = Checks::new();
    checks.take(ask.year_open(voucher.year))?;
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(
        rejected_by.as_ref() != Some(&ask.caller.person),
        Code::SamePerson,
    );
    checks.require(!voucher.reopened, Code::ReopenedBefore);
    checks.require(
        ask.at < Instant::after(plus_days(since.date(), policy.claims.reopen_days)),
        Code::ReopenTooLate,
    );
    checks.require(ask.at < due, Code::ApplicationsOver);
    let takes = checks.take(eligibility::taken_at_apply(
        ask,
        voucher.person,
        voucher.programme,
        voucher.year,
    ))?;
    checks.done()?;
    let by = ask.caller.person.clone();
    Ok(vec![Event::ApplicationReopened(
        event::ApplicationReopened {
            voucher: act.voucher,
            by,
            due,
            takes: takes.unwrap_or_default(),
        },
    )])
}

pub(crate) fn apply_reopened(
    world: &mut World,
    e: &event::ApplicationReopened,
) -> Result<(), Stop> {
    let voucher = world.edit_voucher(&e.voucher)?;
    voucher.reopened = true;
    voucher.due = Some(e.due);
    voucher.hands.handled.insert(e.by.clone());
    voucher::take(world, e.voucher, &e.takes)?;
    voucher::move_to(world, e.voucher, VoucherState::Applied)
}

/// Before approval: the voucher is somebody else's, whom a clerk registered under the right number. A new proposal replaces one
/// that still waits: it was wrong itself.
pub(crate) fn propose_correction(ask: &Ask, act: &ProposeCorrection) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let mut checks = Checks::new();
    checks.take(correctable(voucher))?;
    checks.require(voucher.person != act.person, Code::IdentityUnchanged);
    checks.take(ask.world.person(&act.person))?;
    checks.done()?;
    let by = ask.caller.person.clone();
    Ok(vec![Event::CorrectionProposed(event::CorrectionProposed {
        voucher: act.voucher,
        person: act.person,
        by,
    })])
}

fn correctable(voucher: &Voucher) -> Result<(), Stop> {
    let mut checks = Checks::new();
    let before_approval = match &voucher.state {
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Completed { .. }
        | VoucherState::Claimed { .. } => true,
        VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. }
        | VoucherState::Ended { .. } => false,
    };
    checks.require(before_approval, Code::VoucherEnded);
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.done()
}

pub(crate) fn apply_correction_proposed(
    world: &mut World,
    e: &event::CorrectionProposed,
) -> Result<(), Stop> {
    let voucher = world.edit_voucher(&e.voucher)?;
    // Whoever chooses the person handles the application, and does not issue to them.
    voucher.hands.handled.insert(e.by.clone());
    voucher.correction = Some(Box::new(Correction {
        person: e.person,
        proposed_by: e.by.clone(),
    }));
    Ok(())
}

/// Confirmed by a reviewer: every uniqueness rule runs again for the right person, and the token dies.
pub(crate) fn confirm_correction(ask: &Ask, act: &ConfirmCorrection) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let correction = voucher.correction.as_ref().ok_or(Code::NoCorrection)?;
    let (_, policy) = ask.world.policy(voucher.year, ask.at)?;
    let mut checks = Checks::new();
    checks.take(correctable(voucher))?;
    checks.require(
        correction.proposed_by != ask.caller.person,
        Code::SamePerson,
    );
    checks.require(correction.person == act.person, Code::ApprovalChanged);
    checks.take(eligibility::answers(
        ask,
        policy,
        voucher.programme,
        &voucher.category,
        &correction.person,
    ))?;
    let takes = checks.take(eligibility::retaken(
        ask,
        act.voucher,
        voucher,
        correction.person,
    ))?;
    checks.done()?;
    Ok(vec![Event::CorrectionConfirmed(
        event::CorrectionConfirmed {
            voucher: act.voucher,
            person: correction.person,
            by: ask.caller.person.clone(),
            frees: voucher::held_tags(voucher, |once| *once != Once::Certificate),
            takes: takes.unwrap_or_default(),
        },
    )])
}

/// Refused by a reviewer: the voucher stays whose it was, and is no longer held up.
pub(crate) fn refuse_correction(ask: &Ask, act: &RefuseCorrection) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let correction = voucher.correction.as_ref().ok_or(Code::NoCorrection)?;
    let mut checks = Checks::new();
    checks.require(
        correction.proposed_by != ask.caller.person,
        Code::SamePerson,
    );
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.done()?;
    Ok(vec![Event::CorrectionRefused(event::CorrectionRefused {
        voucher: act.voucher,
        by: ask.caller.person.clone(),
        reason: act.reason.clone(),
    })])
}

pub(crate) fn apply_correction_refused(
    world: &mut World,
    e: &event::CorrectionRefused,
) -> Result<(), Stop> {
    world.edit_voucher(&e.voucher)?.correction = None;
    Ok(())
}

pub(crate) fn apply_correction_confirmed(
    world: &mut World,
    e: &event::CorrectionConfirmed,
) -> Result<(), Stop> {
    voucher::free(world, e.voucher, &e.frees)?;
    voucher::take(world, e.voucher, &e.takes)?;
    // It was theirs, too: what was done in their name is not forgotten.
    world.edit_person(&e.person)?.vouchers.insert(e.voucher);
    let voucher = world.edit_voucher(&e.voucher)?;
    voucher.hands.handled.insert(e.by.clone());
    // Whoever confirmed it was somebody else.
    voucher.hands.confirmed = false;
    voucher.person = e.person;
    voucher.correction = None;
    voucher.token = None;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Caller;
    use crate::sample::*;

    type Played = Result<Vec<&'static str>, Vec<Code>>;

    /// Person 1 asks for a general voucher.
    fn asked() -> Apply {
        Apply {
            voucher: voucher_id(1),
            person: person_id(1),
            year: year(),
            programme: Programme::General,
            category: code("other_worker"),
            occupation: None,
            level: None,
            employer: None,
        }
    }

    fn applies(county: &mut County, by: &Caller, when: &str, act: &Apply) -> Played {
        county.play(by, at(when), |ask| apply(ask, act))
    }

    fn applied() -> County {
        let mut county = County::new();
        let done = applies(&mut county, &holder(1), "05-01", &asked());
        assert_eq!(done, Ok(vec!["Applied"]));
        county
    }

    fn rejects(county: &mut County, by: &str, when: &str) -> Played {
        let act = RejectApplication {
            voucher: voucher_id(1),
            reason: code("PAPERS_MISSING"),
        };
        county.play(&staff(by, Role::Clerk), at(when), |ask| reject(ask, &act))
    }

    fn reopens(county: &mut County, by: &str, when: &str) -> Played {
        let act = ReopenApplication {
            voucher: voucher_id(1),
        };
        let by = staff(by, Role::Reviewer);
        county.play(&by, at(when), |ask| reopen(ask, &act))
    }

    #[test]
    fn a_person_has_one_live_voucher_of_a_programme_and_year() {
        let mut county = applied();
        let again = Apply {
            voucher: voucher_id(2),
            ..asked()
        };
        let said = applies(&mut county, &holder(1), "05-02", &again);
        assert_eq!(said, Err(vec![Code::LiveVoucherExists]));
        let withdrawal = Withdraw {
            voucher: voucher_id(1),
            holder: None,
        };
        let stranger = county.play(&holder(2), at("05-02"), |ask| withdraw(ask, &withdrawal));
        assert_eq!(stranger, Err(vec![Code::NotYours]));
        let own = county.play(&holder(1), at("05-02"), |ask| withdraw(ask, &withdrawal));
        assert_eq!(own, Ok(vec!["Withdrawn"]));
        let said = applies(&mut county, &holder(1), "05-02", &again);
        assert_eq!(said, Ok(vec!["Applied"]));
    }

    fn confirms(county: &mut County, by: &Caller, how: ConfirmedBy) -> Played {
        let act = ConfirmApplication {
            voucher: voucher_id(1),
            holder: None,
            how,
            evidence: crate::Digest([7; 32]),
        };
        county.play(by, at("05-02"), |ask| confirm(ask, &act))
    }

    #[test]
    fn what_somebody_else_asked_for_is_confirmed_by_the_holder_or_before_a_clerk() {
        let (phone, paper) = (ConfirmedBy::Phone, ConfirmedBy::Paper);
        let clerk = staff("clerk-7", Role::Clerk);
        let mut county = County::new();
        let said = applies(&mut county, &holder(2), "05-01", &asked());
        assert_eq!(said, Err(vec![Code::NotYours]));
        let said = applies(&mut county, &of(SCHOOL), "05-01", &asked());
        assert_eq!(said, Ok(vec!["Applied"]));
        assert!(!county.voucher(voucher_id(1)).hands.known_to_holder());
        // Neither the institution nor another holder speaks for them, and a clerk has nobody's phone.
        for (by, how) in [(of(SCHOOL), phone), (of(SCHOOL), paper), (holder(2), phone)] {
            let said = confirms(&mut county, &by, how).unwrap_err();
            assert!(said.contains(&Code::NotYours), "{said:?}");
        }
        let said = confirms(&mut county, &clerk, phone);
        assert_eq!(said, Err(vec![Code::ConfirmationMissing]));
        let said = confirms(&mut county, &holder(1), paper);
        assert_eq!(said, Err(vec![Code::ConfirmationMissing]));
        let said = confirms(&mut county, &clerk, paper);
        assert_eq!(said, Ok(vec!["ApplicationConfirmed"]));
        let hands = &county.voucher(voucher_id(1)).hands;
        assert!(hands.known_to_holder() && hands.handled.contains(&clerk.person));
        let said = confirms(&mut county, &holder(1), phone);
        assert_eq!(said, Err(vec![Code::NothingToConfirm]));
        // What a holder asked for themselves needs no second word.
        let mut county = applied();
        let said = confirms(&mut county, &holder(1), phone);
        assert_eq!(said, Err(vec![Code::NothingToConfirm]));
    }

    #[test]
    fn an_application_ends_with_the_training_and_an_assessment_names_its_trade() {
        let mut county = County::new();
        let said = applies(&mut county, &holder(1), "12-01", &asked());
        assert_eq!(said, Err(vec![Code::ApplicationsOver]));
        let mut act = asked();
        act.programme = Programme::Assessment;
        let said = applies(&mut county, &holder(1), "05-01", &act);
        assert_eq!(said, Err(vec![Code::OccupationNeeded, Code::LevelNeeded]));
        act.category = code("nobody");
        act.occupation = Some(code(OCCUPATION));
        act.level = Some(level(2));
        let said = applies(&mut county, &holder(1), "05-01", &act);
        assert_eq!(said, Err(vec![Code::CategoryUnknown]));
    }

    #[test]
    fn a_rejected_application_is_reopened_once_by_another_in_time() {
        let mut county = applied();
        assert!(rejects(&mut county, "clerk", "05-02 9").is_ok());
        assert!(county.voucher(voucher_id(1)).held.is_empty());
        let said = reopens(&mut county, "clerk", "05-03");
        assert_eq!(said, Err(vec![Code::SamePerson]));
        // Thirty days from the day of the rejection, whole days.
        let said = reopens(&mut county, "reviewer", "06-02");
        assert_eq!(said, Err(vec![Code::ReopenTooLate]));
        let said = reopens(&mut county, "reviewer", "06-01 23");
        assert_eq!(said, Ok(vec!["ApplicationReopened"]));
        assert_eq!(county.voucher(voucher_id(1)).held.len(), 1);
        assert!(rejects(&mut county, "clerk", "06-02").is_ok());
        let said = reopens(&mut county, "reviewer", "06-03");
        assert_eq!(said, Err(vec![Code::ReopenedBefore]));
    }

    #[test]
    fn a_reopened_application_gives_way_to_a_newer_one() {
        let mut county = applied();
        assert!(rejects(&mut county, "clerk", "05-02").is_ok());
        let newer = Apply {
            voucher: voucher_id(2),
            ..asked()
        };
        assert!(applies(&mut county, &holder(1), "05-03", &newer).is_ok());
        let said = reopens(&mut county, "reviewer", "05-04");
        assert_eq!(said, Err(vec![Code::LiveVoucherExists]));
    }

    #[test]
    fn a_corrected_identity_holds_what_the_wrong_one_held_and_kills_the_token() {
        let mut county = applied();
        county.issued(2, 2, Programme::General);
        let proposes = |county: &mut County, person: u128| {
            let act = ProposeCorrection {
                voucher: voucher_id(1),
                person: person_id(person),
            };
            let clerk = staff("clerk", Role::Clerk);
            county.play(&clerk, at("05-02"), |ask| propose_correction(ask, &act))
        };
        let said = proposes(&mut county, 1);
        assert_eq!(said, Err(vec![Code::IdentityUnchanged]));
        // The clerk took the wrong person's number; a second proposal stands instead of the first.
        assert!(proposes(&mut county, 2).is_ok());
        assert!(proposes(&mut county, 3).is_ok());
        let confirms = |county: &mut County, by: &str, person: u128| {
            let act = ConfirmCorrection {
                voucher: voucher_id(1),
                person: person_id(person),
            };
            let by = staff(by, Role::Reviewer);
            county.play(&by, at("05-03"), |ask| confirm_correction(ask, &act))
        };
        let said = confirms(&mut county, "clerk", 3);
        assert_eq!(said, Err(vec![Code::SamePerson]));
        // Whoever looked at the first proposal does not confirm the second unseen.
        let said = confirms(&mut county, "reviewer", 2);
        assert_eq!(said, Err(vec![Code::ApprovalChanged]));
        let before = county.voucher(voucher_id(1)).held.clone();
        assert!(confirms(&mut county, "reviewer", 3).is_ok());
        let voucher = county.voucher(voucher_id(1));
        assert_eq!(
            (voucher.person, voucher.token.is_none()),
            (person_id(3), true)
        );
        assert!(voucher.held.len() == 1 && voucher.held != before);
        // The right person has no second live voucher; the wrong one is free again.
        let mut again = asked();
        again.voucher = voucher_id(3);
        assert!(applies(&mut county, &holder(1), "05-03", &again).is_ok());
        again.voucher = voucher_id(4);
        again.person = person_id(3);
        let said = applies(&mut county, &holder(3), "05-03", &again);
        assert_eq!(said, Err(vec![Code::LiveVoucherExists]));
    }
}
