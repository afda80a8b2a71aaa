//! The class's life after its filing: Filed → Approved → Running → Finished → Closed; Rejected, Cancelled.
//! A class closes by itself, in the same move that settles its last voucher or sheet.

use crate::command::*;
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::ids::*;
use crate::policy::Policy;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::supervision;
use crate::time::Instant;
use crate::voucher;
use crate::world::World;

use super::{book, days_earned, dropped, line_given_back, line_seats, parties, take_line_seats};

/// Filed → Approved: deliverer and payee stand as at filing; the payee is fixed from now on.
pub(crate) fn approve_class(ask: &Ask, act: &ApproveClass) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let (_, rules) = ask
        .world
        .rules(class.filing.year, class.filing.programme, ask.at)?;
    let mut checks = Checks::new();
    checks.require(class.state == ClassState::Filed, Code::ClassNotFiled);
    checks.take(ask.year_open(class.filing.year))?;
    checks.take(parties(ask, rules, &class.filing))?;
    checks.take(supervision::in_good_credit(
        ask.world.institution(&class.filing.deliverer)?,
    ))?;
    checks.require(
        class
            .filing
            .timetable
            .first()
            .is_some_and(|slot| ask.at < slot.span().0),
        Code::FiledTooLate,
    );
    let seats = checks.take(line_seats(ask, rules, class, &class.filing))?;
    checks.done()?;
    Ok(vec![Event::ClassApproved(event::ClassApproved {
        class: act.class,
        by: ask.caller.person.clone(),
        seats: seats.unwrap_or_default(),
    })])
}

pub(crate) fn apply_class_approved(
    world: &mut World,
    e: &event::ClassApproved,
) -> Result<(), Stop> {
    let class = world.edit_class(&e.class)?;
    class.state = ClassState::Approved;
    class.approved_by = Some(e.by.clone());
    take_line_seats(world, &e.class, e.seats)
}

/// Filed → Rejected.
pub(crate) fn reject_class(ask: &Ask, act: &RejectClass) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    checks.require(
        ask.world.class(&act.class)?.state == ClassState::Filed,
        Code::ClassNotFiled,
    );
    checks.done()?;
    let (class, by, reason) = (act.class, ask.caller.person.clone(), act.reason.clone());
    Ok(vec![Event::ClassRejected(event::ClassRejected {
        class,
        by,
        reason,
    })])
}

pub(crate) fn apply_class_rejected(
    world: &mut World,
    e: &event::ClassRejected,
    at: Instant,
) -> Result<(), Stop> {
    let filing = world.class(&e.class)?.filing.clone();
    book(world, e.class, &filing, false, at)?;
    world.edit_class(&e.class)?.state = ClassState::Rejected;
    Ok(())
}

/// Running → Finished, after the last slot. From then on nothing more is recorded: a late entry that still waits comes to nothing,
/// and whoever is still Enrolled is completed, dropped, or expires.
pub(crate) fn finish_class(ask: &Ask, act: &FinishClass) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let mut checks = Checks::new();
    checks.require(ask.acts_for(&class.filing.deliverer), Code::NotYours);
    checks.require(class.state == ClassState::Running, Code::ClassNotRunning);
    checks.require(
        class
            .filing
            .timetable
            .last()
            .is_some_and(|slot| ask.at >= slot.span().1),
        Code::ClassNotOver,
    );
    checks.done()?;
    let mut events = vec![Event::ClassFinished(event::ClassFinished {
        class: act.class,
        by: ask.caller.person.clone(),
    })];
    if class.unsettled == 0 && class.open_sheets == 0 {
        events.push(Event::ClassClosed(event::ClassClosed { class: act.class }));
    }
    Ok(events)
}

pub(crate) fn apply_class_finished(
    world: &mut World,
    e: &event::ClassFinished,
) -> Result<(), Stop> {
    world.edit_class(&e.class)?.state = ClassState::Finished;
    Ok(())
}

/// Filed, Approved, Running → Cancelled, while nobody has completed it: who has is paid for it. The enrolled return to Issued, or expire, frozen ones too: one frozen voucher does not keep
/// a class going. What they earned in a class that the bureau stopped is carried along.
pub(crate) fn cancel_class(ask: &Ask, act: &CancelClass) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let (policy, rules) = ask
        .world
        .rules(class.filing.year, class.filing.programme, ask.at)?;
    let by_bureau = ask.is(Role::Reviewer);
    let mut checks = Checks::new();
    checks.require(
        by_bureau || ask.acts_for(&class.filing.deliverer),
        Code::NotYours,
    );
    checks.require(
        matches!(
            class.state,
            ClassState::Filed | ClassState::Approved | ClassState::Running
        ),
        Code::ClassOver,
    );
    line_given_back(ask, class)?;
    for seat in class.seats.iter().filter(|seat| seat.left.is_none()) {
        let completed = has_completed(&ask.world.voucher(&seat.voucher)?.state);
        checks.require_of(!completed, Code::ClassOver, seat.voucher);
    }
    checks.done()?;
    let (by, reason) = (ask.caller.person.clone(), act.reason.clone());
    let mut events = vec![Event::ClassCancelled(event::ClassCancelled {
        class: act.class,
        by,
        by_bureau,
        reason: reason.clone(),
    })];
    for (number, seat) in class
        .seats
        .iter()
        .enumerate()
        .filter(|(_, seat)| seat.left.is_none())
    {
        let voucher = ask.world.voucher(&seat.voucher)?;
        if !matches!(voucher.state, VoucherState::Enrolled { .. }) {
            continue;
        }
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        let earned = if by_bureau {
            days_earned(ask.world, &act.class, number, rules)?
        } else {
            Default::default()
        };
        events.extend(dropped(
            ask,
            policy,
            seat.voucher,
            voucher,
            (act.class, number),
            &reason,
            earned,
        )?);
    }
    Ok(events)
}

/// Completed or further, and not ended.
fn has_completed(state: &VoucherState) -> bool {
    match state {
        VoucherState::Completed { .. }
        | VoucherState::Claimed { .. }
        | VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. } => true,
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Ended { .. } => false,
    }
}

pub(crate) fn apply_class_cancelled(
    world: &mut World,
    e: &event::ClassCancelled,
    at: Instant,
) -> Result<(), Stop> {
    let filing = world.class(&e.class)?.filing.clone();
    book(world, e.class, &filing, false, at)?;
    world.edit_class(&e.class)?.state = ClassState::Cancelled;
    take_line_seats(world, &e.class, 0)
}

pub(crate) fn apply_class_closed(world: &mut World, e: &event::ClassClosed) -> Result<(), Stop> {
    world.edit_class(&e.class)?.state = ClassState::Closed;
    Ok(())
}

/// The classes and sessions that are all settled once these vouchers are no longer unsettled and these sheets are over.
pub(crate) fn closing_after(
    ask: &Ask,
    leaving: &[VoucherId],
    sheets_over: &[SheetId],
) -> Result<Vec<Event>, Stop> {
    let mut touched: Vec<(Occasion, u16, u16)> = Vec::new();
    let mut count = |occasion: Occasion, vouchers: u16, sheets: u16| match touched
        .iter_mut()
        .find(|(other, ..)| *other == occasion)
    {
        Some((_, v, s)) => (*v, *s) = (*v + vouchers, *s + sheets),
        None => touched.push((occasion, vouchers, sheets)),
    };
    for id in leaving {
        if let Some(occasion) = voucher::unsettled(&ask.world.voucher(id)?.state) {
            count(occasion, 1, 0);
        }
    }
    for id in sheets_over {
        count(ask.world.sheet(id)?.occasion, 0, 1);
    }
    let mut events = Vec::new();
    for (occasion, vouchers, sheets) in touched {
        match occasion {
            Occasion::Class(id) => {
                let class = ask.world.class(&id)?;
                if class.state == ClassState::Finished
                    && class.unsettled <= vouchers
                    && class.open_sheets <= sheets
                {
                    events.push(Event::ClassClosed(event::ClassClosed { class: id }));
                }
            }
            Occasion::Session(id) => {
                let session = ask.world.session(&id)?;
                if session.state == ClassState::Finished
                    && session.unsettled <= vouchers
                    && session.open_sheets <= sheets
                {
                    events.push(Event::SessionClosed(event::SessionClosed { session: id }));
                }
            }
        }
    }
    Ok(events)
}

/// Whether the roster is locked: after the grace days from the first day on.
pub(crate) fn roster_locked(policy: &Policy, filing: &ClassFiling, at: Instant) -> bool {
    lock_instant(policy, filing).is_none_or(|lock| at >= lock)
}

/// From when on nobody is enrolled any more.
pub(crate) fn lock_instant(policy: &Policy, filing: &ClassFiling) -> Option<Instant> {
    let first = filing.timetable.first()?.date;
    let locked = crate::time::plus_days(first, policy.classes.grace_days);
    Some(Instant::start_of(locked))
}
