//! Into a class and out of it: enrol, drop, complete.

use std::collections::BTreeSet;

use crate::command::*;
use crate::decide::Ask;
use crate::eligibility;
use crate::event::{self, Event};
use crate::ids::*;
use crate::issuance;
use crate::money::{Days, Fen};
use crate::policy::{Policy, Programme};
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::subsidy;
use crate::supervision;
use crate::time::{Date, Instant};
use crate::voucher;
use crate::world::World;

use super::{
    MOST_SEATS, days_earned, earns_completion, may_teach, roster_locked, sealed_earns_completion,
    shares,
};

/// Issued → Enrolled: this voucher's genuine token, its holder in person, a seat left, and none of the days taken anywhere.
pub(crate) fn enrol(ask: &Ask, act: &Enrol) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let class = ask.world.class(&act.class)?;
    let filing = &class.filing;
    let (policy, rules) = ask.world.rules(voucher.year, voucher.programme, ask.at)?;
    let mut checks = Checks::new();
    checks.require(ask.acts_for(&filing.deliverer), Code::NotYours);
    checks.require(
        matches!(voucher.state, VoucherState::Issued),
        Code::VoucherNotIssued,
    );
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(
        voucher.due.is_none_or(|due| ask.at < due),
        Code::VoucherExpired,
    );
    checks.take(ask.year_open(voucher.year))?;
    checks.take(presented(ask, voucher, &act.token, &act.identity))?;
    checks.require(
        matches!(class.state, ClassState::Approved | ClassState::Running),
        Code::ClassNotApproved,
    );
    checks.require(!roster_locked(policy, filing, ask.at), Code::RosterLocked);
    checks.require(
        class.occupied() < usize::from(filing.capacity)
            && class.seats.len() < usize::from(MOST_SEATS),
        Code::ClassFull,
    );
    let level_fits = voucher.level.is_none_or(|level| level == filing.level);
    let occupation_fits = voucher
        .occupation
        .as_ref()
        .is_none_or(|occupation| *occupation == filing.occupation);
    checks.require(
        (voucher.programme, voucher.year) == (filing.programme, filing.year)
            && level_fits
            && occupation_fits,
        Code::ProgrammeMismatch,
    );
    checks.require(taught_for_employer(voucher, filing), Code::NotYours);
    let deliverer = ask.world.institution(&filing.deliverer)?;
    checks.take(crate::registry::in_good_standing(deliverer))?;
    checks.take(supervision::in_good_credit(deliverer))?;
    let listed = voucher.lifted.catalogue || may_teach(ask, rules, filing)?;
    checks.require(listed, Code::NotInCatalogue);
    let takes = checks.take(eligibility::taken_at_enrol(
        ask,
        act.voucher,
        voucher,
        filing,
    ))?;
    let need = checks.take(subsidy::entitlement(
        rules,
        Some(filing.level),
        filing.days() + voucher.carried_days,
        voucher.lifted.cap,
    ))?;
    let need = need.map_or(Fen::ZERO, |need| need.amount);
    if let Some(money) = &voucher.money {
        checks.require(
            ask.available(money.year, &money.source)? >= need.saturating_sub(money.amount),
            Code::FundsExhausted,
        );
    }
    checks.done()?;
    Ok(vec![Event::Enrolled(event::Enrolled {
        voucher: act.voucher,
        class: act.class,
        seat: u16::try_from(class.seats.len()).unwrap_or(u16::MAX),
        reserve: need,
        due: Instant::after(policy.dates.claim_by),
        takes: takes.unwrap_or_default(),
    })])
}

/// Staff are taught in a class that is paid to their own enterprise, host of the dispatched ("给予企业职业技能培训补贴"); apprentices
/// in one that it sponsors or is paid for.
fn taught_for_employer(voucher: &Voucher, filing: &ClassFiling) -> bool {
    match voucher.programme {
        Programme::EnterpriseStaff => voucher.employer.as_ref() == Some(&filing.payee),
        Programme::Apprenticeship => voucher
            .employer
            .as_ref()
            .is_some_and(|employer| [&filing.payee, &filing.sponsor].contains(&employer)),
        Programme::OrderProject
        | Programme::General
        | Programme::Entrepreneurship
        | Programme::Assessment => true,
    }
}

/// The token in force, genuine and in date, and the holder's own identity.
pub(crate) fn presented(
    ask: &Ask,
    voucher: &Voucher,
    token: &PresentedToken,
    identity: &Tag,
) -> Result<(), Stop> {
    let in_force = voucher
        .token
        .as_ref()
        .is_some_and(|t| same(&t.hash, &token.hash) && ask.at < t.expires);
    let mut checks = Checks::new();
    checks.require(voucher.token.is_some(), Code::TokenDead);
    checks.require(in_force && token.genuine, Code::TokenBad);
    checks.require(
        ask.world.identity(identity)? == Some(voucher.person),
        Code::HolderMismatch,
    );
    checks.done()
}

/// Compares hashes in a time that does not tell where they differ.
pub(crate) fn same(left: &Digest, right: &Digest) -> bool {
    left.0
        .iter()
        .zip(right.0)
        .fold(0, |differ, (l, r)| differ | (l ^ r))
        == 0
}

pub(crate) fn apply_enrolled(
    world: &mut World,
    e: &event::Enrolled,
    at: Instant,
) -> Result<(), Stop> {
    world.edit_class(&e.class)?.seats.push(Seat {
        voucher: e.voucher,
        taken: at,
        left: None,
    });
    issuance::set_reserve(world, e.voucher, e.reserve)?;
    voucher::take(world, e.voucher, &e.takes)?;
    world.edit_voucher(&e.voucher)?.due = Some(e.due);
    voucher::move_to(
        world,
        e.voucher,
        VoucherState::Enrolled {
            class: e.class,
            seat: e.seat,
        },
    )
}

/// Enrolled → Issued, or Expired when its time is over; the days to come are free again.
pub(crate) fn drop_out(ask: &Ask, act: &Drop) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let VoucherState::Enrolled { class: id, seat } = voucher.state else {
        return Err(Code::VoucherNotEnrolled.into());
    };
    let class = ask.world.class(&id)?;
    let (_, policy) = ask.world.policy(voucher.year, ask.at)?;
    let mut checks = Checks::new();
    checks.require(ask.acts_for(&class.filing.deliverer), Code::NotYours);
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.done()?;
    let mut events = dropped(
        ask,
        policy,
        act.voucher,
        voucher,
        (id, seat),
        &act.reason,
        Days(0),
    )?;
    events.extend(super::closing_after(ask, &[act.voucher], &[])?);
    Ok(events)
}

/// The class's days that a seat which is left now gives back: it attended no lesson of them that is on record, and no session of
/// them that it sat in is still to be entered. What may yet be recorded for a seat is exactly what keeps its day.
fn untaught(
    ask: &Ask,
    class: &TrainingClass,
    attendance: &Attendance,
    seat: u16,
) -> BTreeSet<Date> {
    let left = |seat: &Seat| Seat {
        left: Some(ask.at),
        ..seat.clone()
    };
    let sat = class.seats.get(usize::from(seat)).map(left);
    let to_be_entered = |date: &Date| {
        let slots = class.filing.timetable.iter().zip(0u16..);
        slots
            .filter(|(slot, _)| slot.date == *date)
            .any(|(slot, number)| {
                !attendance.slots.contains_key(&number)
                    && sat.as_ref().is_some_and(|sat| sat.overlaps(slot))
            })
    };
    let attended = |date: &Date| {
        let day = attendance.lessons.get(date);
        day.and_then(|seats| seats.get(usize::from(seat)))
            .is_some_and(|lessons| *lessons > 0)
    };
    // Who by the approved seal attended no day that counts holds none of them.
    let never_came = attendance
        .in_force()
        .is_some_and(|sealed| sealed.days_of(seat) == Days(0));
    let dates = class.filing.dates().into_iter();
    dates
        .filter(|date| never_came || !attended(date) && !to_be_entered(date))
        .collect()
}

/// The events of a drop. Days that were taught stay taken, in this class and in those left before it; what belonged to the
/// training as a whole is free.
pub(crate) fn dropped(
    ask: &Ask,
    policy: &Policy,
    id: VoucherId,
    voucher: &Voucher,
    (class, seat): (ClassId, u16),
    reason: &Reason,
    carried_days: Days,
) -> Result<Vec<Event>, Stop> {
    let attendance = ask.world.attendance(&class)?;
    let untaught = untaught(ask, ask.world.class(&class)?, attendance, seat);
    let frees = voucher::held_tags(voucher, |once| match once {
        Once::Day { date } => untaught.contains(date),
        Once::Trained { .. }
        | Once::Yearly { .. }
        | Once::GeneralPaid { .. }
        | Once::Apprenticeship { .. } => true,
        Once::Live { .. } | Once::Assessed { .. } | Once::Graduation { .. } | Once::Certificate => {
            false
        }
    });
    let due = Instant::after(policy.dates.use_by);
    let mut events = vec![Event::Dropped(event::Dropped {
        voucher: id,
        class,
        seat,
        reason: reason.clone(),
        due,
        carried_days,
        frees: frees.clone(),
    })];
    if ask.at >= due {
        let mut expired = voucher::ending(id, voucher, None, None);
        expired.frees.retain(|tag| !frees.contains(tag));
        events.push(Event::Expired(expired));
    }
    Ok(events)
}

pub(crate) fn apply_dropped(
    world: &mut World,
    e: &event::Dropped,
    at: Instant,
) -> Result<(), Stop> {
    if let Some(seat) = world
        .edit_class(&e.class)?
        .seats
        .get_mut(usize::from(e.seat))
    {
        seat.left = Some(at);
    }
    voucher::free(world, e.voucher, &e.frees)?;
    let voucher = world.edit_voucher(&e.voucher)?;
    voucher.due = Some(e.due);
    voucher.carried_days = voucher.carried_days + e.carried_days;
    voucher::move_to(world, e.voucher, VoucherState::Issued)
}

/// Enrolled → Completed, when the class's last session is over or on record: attendance, lessons and modules as the policy asks.
/// Short of it nothing is earned.
pub(crate) fn complete(ask: &Ask, act: &Complete) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let VoucherState::Enrolled { class: id, seat } = voucher.state else {
        return Err(Code::VoucherNotEnrolled.into());
    };
    let class = ask.world.class(&id)?;
    let attendance = ask.world.attendance(&id)?;
    let (policy, rules) = ask.world.rules(voucher.year, voucher.programme, ask.at)?;
    let mut checks = Checks::new();
    checks.require(ask.acts_for(&class.filing.deliverer), Code::NotYours);
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(
        voucher.due.is_none_or(|due| ask.at < due),
        Code::VoucherExpired,
    );
    checks.take(ask.year_open(voucher.year))?;
    checks.require(
        matches!(class.state, ClassState::Running | ClassState::Finished),
        Code::ClassNotRunning,
    );
    checks.require(
        last_session_over(ask, class, attendance),
        Code::ClassNotOver,
    );
    checks.take(if class.filing.is_classified() {
        sealed_earns_completion(attendance, &class.filing, seat, (policy, rules))
    } else {
        earns_completion(attendance, &class.filing, seat, (policy, rules))
    })?;
    checks.take(shares(ask.world, &id, &policy.classes))?;
    checks.done()?;
    let days = days_earned(ask.world, &id, seat, rules)?;
    Ok(vec![Event::Completed(event::Completed {
        voucher: act.voucher,
        class: id,
        seat,
        days,
    })])
}

/// The last session is on record, or its time is over.
fn last_session_over(ask: &Ask, class: &TrainingClass, attendance: &Attendance) -> bool {
    let timetable = &class.filing.timetable;
    let recorded = u16::try_from(timetable.len())
        .ok()
        .and_then(|slots| slots.checked_sub(1))
        .is_some_and(|last| attendance.slots.contains_key(&last));
    recorded || timetable.last().is_some_and(|slot| ask.at >= slot.span().1)
}

pub(crate) fn apply_completed(world: &mut World, e: &event::Completed) -> Result<(), Stop> {
    voucher::move_to(
        world,
        e.voucher,
        VoucherState::Completed {
            occasion: Occasion::Class(e.class),
            seat: e.seat,
        },
    )
}
