//! A classified unit's attendance: when the class is over the deliverer seals hash and totals of its lists, and of each seat the number
//! of days that count; two officers who saw the lists approve what was sealed, and only then do the days count.

use crate::command::{ApproveSealedAttendance, SealAttendance};
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::money::Days;
use crate::policy::{Policy, ProgrammeRules};
use crate::proposal;
use crate::redemption::NO_DIGEST;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::world::World;

use super::reaches;

/// Seals the attendance, after the last slot. Until two officers have approved it, the deliverer may seal it anew.
pub(crate) fn seal_attendance(ask: &Ask, act: &SealAttendance) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let attendance = ask.world.attendance(&act.class)?;
    let last = class.filing.timetable.last();
    let mut checks = Checks::new();
    checks.require(ask.acts_for(&class.filing.deliverer), Code::NotYours);
    checks.require(class.filing.is_classified(), Code::NotClassified);
    checks.require(attendance.in_force().is_none(), Code::AttendanceApproved);
    checks.require(
        matches!(class.state, ClassState::Approved | ClassState::Running),
        Code::ClassNotRunning,
    );
    checks.require(
        last.is_some_and(|slot| ask.at >= slot.span().1),
        Code::ClassNotOver,
    );
    checks.require(act.hash != NO_DIGEST, Code::SealInvalid);
    checks.take(days_add_up(class, act))?;
    checks.done()?;
    Ok(vec![Event::AttendanceSealed(event::AttendanceSealed {
        class: act.class,
        sealed: SealedAttendance {
            hash: act.hash,
            totals: act.totals,
            days: act.days.clone(),
            modules_taught: act.modules_taught,
            sealed_by: ask.caller.person.clone(),
            approved_by: Vec::new(),
        },
    })])
}

/// Totals and days are possible ones: no more slots than filed, no more entries than seats in them, at least an entry for each day,
/// each seat's days within the filed ones, and none for a seat that was left.
fn days_add_up(class: &TrainingClass, act: &SealAttendance) -> Result<(), Stop> {
    let SealedTotals {
        slots,
        entries,
        paper,
        online,
    } = act.totals;
    let seats = u64::try_from(class.seats.len()).unwrap_or(u64::MAX);
    let filed = class.filing.days();
    let days: u64 = act.days.iter().map(|days| u64::from(days.0)).sum();
    let possible = usize::from(slots) <= class.filing.timetable.len()
        && u64::from(entries) <= seats * u64::from(slots)
        && u64::from(paper) + u64::from(online) <= u64::from(entries)
        && days <= u64::from(entries);
    let mut checks = Checks::new();
    checks.require(possible, Code::SealInvalid);
    checks.require(act.days.len() == class.seats.len(), Code::BadSeat);
    for (number, (days, seat)) in act.days.iter().zip(&class.seats).enumerate() {
        let most = if seat.left.is_some() { Days(0) } else { filed };
        checks.require_of(*days <= most, Code::SealInvalid, number);
    }
    checks.done()
}

pub(crate) fn apply_attendance_sealed(
    world: &mut World,
    e: &event::AttendanceSealed,
) -> Result<(), Stop> {
    world.class(&e.class)?;
    world.edit_attendance(&e.class)?.sealed = Some(e.sealed.clone());
    Ok(())
}

/// An officer who saw the lists approves what was sealed of them; the second one, another person, puts it in force.
pub(crate) fn approve_sealed_attendance(
    ask: &Ask,
    act: &ApproveSealedAttendance,
) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let attendance = ask.world.attendance(&act.class)?;
    let sealed = attendance.sealed.as_ref().ok_or(Code::NothingToConfirm)?;
    let mut checks = Checks::new();
    checks.require(!sealed.is_approved(), Code::AttendanceApproved);
    checks.require(
        !sealed.approved_by.contains(&ask.caller.person),
        Code::SamePerson,
    );
    checks.take(proposal::seen(sealed.digest(), act.proposal))?;
    checks.require(
        matches!(class.state, ClassState::Approved | ClassState::Running),
        Code::ClassNotRunning,
    );
    checks.done()?;
    Ok(vec![Event::SealedAttendanceApproved(
        event::SealedAttendanceApproved {
            class: act.class,
            by: ask.caller.person.clone(),
            proposal: act.proposal,
        },
    )])
}

/// From the second approval on the class is Running, as another is from its first session on, and its totals stand for its entries.
pub(crate) fn apply_sealed_attendance_approved(
    world: &mut World,
    e: &event::SealedAttendanceApproved,
) -> Result<(), Stop> {
    let attendance = world.edit_attendance(&e.class)?;
    let sealed = attendance.sealed.as_mut().ok_or(Code::NothingToConfirm)?;
    sealed.approved_by.push(e.by.clone());
    let (approved, totals) = (sealed.is_approved(), sealed.totals);
    let class = world.edit_class(&e.class)?;
    if approved {
        class.state = ClassState::Running;
        let attendance = world.edit_attendance(&e.class)?;
        attendance.entries = totals.entries;
        attendance.paper = totals.paper;
        attendance.online = totals.online;
    }
    Ok(())
}

/// What two officers approved of a seat completes its training. The lists stay with the unit: the share is of the filed days, and each
/// day that counts had at least the lessons that make it one.
pub(super) fn sealed_earns_completion(
    attendance: &Attendance,
    filing: &ClassFiling,
    seat: u16,
    (policy, rules): (&Policy, &ProgrammeRules),
) -> Result<(), Stop> {
    let sealed = attendance.in_force().ok_or(Code::AttendanceUnapproved)?;
    let days = u32::from(sealed.days_of(seat).0);
    let lessons = days * u32::from(rules.day_lessons.max(1));
    let mut checks = Checks::new();
    checks.require(
        reaches(
            days,
            u32::from(filing.days().0),
            policy.classes.attendance_percent,
        ),
        Code::AttendanceShort,
    );
    checks.require(lessons >= u32::from(rules.min_lessons), Code::LessonsShort);
    checks.require(
        sealed.modules_taught || policy.classes.modules.is_empty(),
        Code::ModulesMissing,
    );
    checks.done()
}
