//! The class's life: Filed → Approved → Running → Finished → Closed; Rejected, Cancelled.

use std::collections::BTreeSet;

use crate::calendar::Calendars;
use crate::command::*;
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::ids::*;
use crate::policy::{Capacity, Policy, Programme, ProgrammeRules, VoucherKind};
use crate::refusal::{Checks, Code, Stop};
use crate::registry;
use crate::state::*;
use crate::time::{Date, Instant};
use crate::voucher;
use crate::world::World;

use super::{days_earned, dropped};

/// Seats of one class at most.
pub(crate) const MOST_SEATS: u16 = 500;

/// → Filed (开班备案), some working days before the start.
pub(crate) fn file_class(ask: &Ask, act: &FileClass) -> Result<Vec<Event>, Stop> {
    let filing = &act.filing;
    let (policy, rules) = ask.world.rules(filing.year, filing.programme, ask.at)?;
    let mut checks = Checks::new();
    checks.require(
        ask.world.get(&Key::Class(act.class))?.is_none(),
        Code::DuplicateEntry,
    );
    checks.require(
        ask.acts_for(&filing.deliverer) || ask.acts_for(&filing.sponsor),
        Code::NotYours,
    );
    checks.take(ask.year_open(filing.year))?;
    checks.require(
        filing.programme.kind() == VoucherKind::Training,
        Code::ProgrammeMismatch,
    );
    checks.take(well_filed(policy, rules, filing))?;
    checks.take(parties(ask, rules, filing))?;
    if let Some(first) = filing.timetable.first() {
        let between = working_days(ask, ask.at.date(), first.date)?;
        checks.require(
            between >= policy.classes.filed_working_days,
            Code::FiledTooLate,
        );
    }
    checks.take(bookable(ask, act.class, filing))?;
    checks.done()?;
    Ok(vec![Event::ClassFiled(event::ClassFiled {
        class: act.class,
        by: ask.caller.person.clone(),
        filing: filing.clone(),
    })])
}

/// Working days from the day of filing up to the day before the start.
fn working_days(ask: &Ask, from: Date, to: Date) -> Result<u16, Stop> {
    if to <= from {
        return Ok(0);
    }
    calendars(ask, from, to)?
        .working_days_between(from, to)
        .ok_or_else(|| Code::CalendarMissing.into())
}

/// The region's calendars that cover a stretch of days.
pub(crate) fn calendars<'a>(ask: &'a Ask, from: Date, to: Date) -> Result<Calendars<'a>, Stop> {
    let mut found = Vec::new();
    for year in from.year()..=to.year() {
        let year = u16::try_from(year).map_err(|_| Stop::from(Code::CalendarMissing))?;
        if let Some(Fact::Calendar(calendar)) = ask.world.get(&Key::Calendar(year))? {
            found.push(calendar);
        }
    }
    Ok(Calendars(found))
}

/// What a filing says of itself: timetable, days, modules, seats.
fn well_filed(policy: &Policy, rules: &ProgrammeRules, filing: &ClassFiling) -> Result<(), Stop> {
    let slots = &filing.timetable;
    let ordered = slots
        .windows(2)
        .all(|pair| (pair[0].date, pair[0].part) < (pair[1].date, pair[1].part));
    let lessons = slots
        .iter()
        .all(|slot| (1..=policy.classes.slot_lessons).contains(&slot.lessons));
    let taught: BTreeSet<_> = slots.iter().flat_map(|slot| &slot.modules).collect();
    let mut checks = Checks::new();
    checks.require(!slots.is_empty() && ordered && lessons, Code::BadTimetable);
    checks.require((1..=MOST_SEATS).contains(&filing.capacity), Code::ClassFull);
    checks.require(filing.putonghua, Code::PutonghuaMissing);
    checks.require(
        policy
            .classes
            .modules
            .iter()
            .all(|module| taught.contains(module)),
        Code::ModulesMissing,
    );
    let in_year = |slot: &Slot| {
        slot.date <= policy.dates.training_ends
            && i32::from(slot.date.year()) == i32::from(filing.year.number())
    };
    checks.require(slots.iter().all(in_year), Code::OutsideTrainingPeriod);
    // An order or project class is as long as the enterprise needs, within the days that are paid.
    let too_long = filing.programme == Programme::OrderProject
        && rules.max_days.is_some_and(|most| filing.days() > most);
    checks.require(!too_long, Code::TooManyDays);
    checks.done()
}

/// Who teaches, who is paid: standing, capacities, licence, catalogue.
fn parties(ask: &Ask, rules: &ProgrammeRules, filing: &ClassFiling) -> Result<(), Stop> {
    let deliverer = ask.world.institution(&filing.deliverer)?;
    let payee = ask.world.institution(&filing.payee)?;
    let own_staff = filing.programme == Programme::EnterpriseStaff
        && deliverer.capacities.contains(&Capacity::Enterprise);
    let mut checks = Checks::new();
    checks.take(ask.world.institution(&filing.sponsor))?;
    checks.take(registry::in_good_standing(deliverer))?;
    checks.take(registry::in_good_standing(payee))?;
    checks.require(
        rules
            .paid_to
            .iter()
            .any(|capacity| payee.capacities.contains(capacity)),
        Code::CapacityMissing,
    );
    checks.require_of(
        filing.payee == filing.deliverer || filing.contract.is_some(),
        Code::UndertakingMissing,
        "contract",
    );
    if !own_staff || rules.own_staff_need_catalogue {
        checks.require(
            deliverer.licence.contains(&filing.occupation),
            Code::NotLicensed,
        );
        let listed = registry::in_catalogue(
            ask,
            &filing.deliverer,
            Capacity::TrainingBody,
            &filing.occupation,
            filing.year,
        )?;
        checks.require(listed, Code::NotInCatalogue);
    }
    checks.done()
}

/// Trainers and the room, each in one class per slot.
fn resources(filing: &ClassFiling) -> impl Iterator<Item = &Resource> {
    filing.trainers.iter().chain(std::iter::once(&filing.site))
}

fn bookable(ask: &Ask, class: ClassId, filing: &ClassFiling) -> Result<(), Stop> {
    let mut checks = Checks::new();
    for resource in resources(filing) {
        if let Some(booking) = ask.world.booking(resource)? {
            let taken = filing.timetable.iter().find(|slot| {
                booking
                    .slots
                    .get(&slot.name())
                    .is_some_and(|other| *other != class)
            });
            checks.require_of(taken.is_none(), Code::DoubleBooked, resource);
        }
    }
    checks.done()
}

fn book(world: &mut World, class: ClassId, filing: &ClassFiling, take: bool) -> Result<(), Stop> {
    for resource in resources(filing) {
        let booking = world.edit_booking(resource)?;
        for slot in &filing.timetable {
            if take {
                booking.slots.insert(slot.name(), class);
            } else if booking.slots.get(&slot.name()) == Some(&class) {
                booking.slots.remove(&slot.name());
            }
        }
    }
    Ok(())
}

pub(crate) fn apply_class_filed(world: &mut World, e: &event::ClassFiled) -> Result<(), Stop> {
    book(world, e.class, &e.filing, true)?;
    let class = TrainingClass {
        filing: e.filing.clone(),
        state: ClassState::Filed,
        approved_by: None,
        seats: Vec::new(),
        sheets: Vec::new(),
        unsettled: 0,
        open_sheets: 0,
    };
    world.add(Key::Class(e.class), Fact::Class(class));
    world.add(
        Key::Attendance(e.class),
        Fact::Attendance(Attendance::default()),
    );
    world.add(
        Key::Employment(e.class),
        Fact::Employment(Employment::default()),
    );
    Ok(())
}

/// Changes a class ahead of the sessions that change; a change of what has begun is void.
pub(crate) fn change_class(ask: &Ask, act: &ChangeClass) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let (before, after) = (&class.filing, &act.filing);
    let (policy, rules) = ask.world.rules(before.year, before.programme, ask.at)?;
    let begun = |filing: &ClassFiling| -> Vec<Slot> {
        filing
            .timetable
            .iter()
            .filter(|slot| slot.span().0 <= ask.at)
            .cloned()
            .collect()
    };
    let open = matches!(
        class.state,
        ClassState::Filed | ClassState::Approved | ClassState::Running
    );
    let fixed = class.state != ClassState::Filed;
    let same_terms = (
        before.year,
        before.programme,
        &before.occupation,
        before.level,
    ) == (after.year, after.programme, &after.occupation, after.level);
    let same_parties = (&before.payee, &before.deliverer, &before.sponsor)
        == (&after.payee, &after.deliverer, &after.sponsor);
    let seated = class.seats.iter().any(|seat| seat.left.is_none());
    let mut checks = Checks::new();
    checks.require(ask.acts_for(&before.deliverer), Code::NotYours);
    checks.require(open, Code::ClassOver);
    checks.require(
        !fixed || (same_terms && same_parties),
        Code::ProgrammeMismatch,
    );
    checks.require(begun(before) == begun(after), Code::ChangeTooLate);
    // Whoever is enrolled holds those days, and no others.
    checks.require(
        !seated || before.dates() == after.dates(),
        Code::ChangeTooLate,
    );
    checks.require(
        usize::from(after.capacity) >= class.seats.len(),
        Code::ClassFull,
    );
    checks.take(well_filed(policy, rules, after))?;
    checks.take(parties(ask, rules, after))?;
    checks.take(bookable(ask, act.class, after))?;
    checks.done()?;
    Ok(vec![Event::ClassChanged(event::ClassChanged {
        class: act.class,
        by: ask.caller.person.clone(),
        filing: after.clone(),
    })])
}

pub(crate) fn apply_class_changed(world: &mut World, e: &event::ClassChanged) -> Result<(), Stop> {
    let before = world.class(&e.class)?.filing.clone();
    book(world, e.class, &before, false)?;
    book(world, e.class, &e.filing, true)?;
    world.edit_class(&e.class)?.filing = e.filing.clone();
    Ok(())
}

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
    checks.require(
        class
            .filing
            .timetable
            .first()
            .is_some_and(|slot| ask.at < slot.span().0),
        Code::FiledTooLate,
    );
    checks.done()?;
    Ok(vec![Event::ClassApproved(event::ClassApproved {
        class: act.class,
        by: ask.caller.person.clone(),
    })])
}

pub(crate) fn apply_class_approved(
    world: &mut World,
    e: &event::ClassApproved,
) -> Result<(), Stop> {
    let class = world.edit_class(&e.class)?;
    class.state = ClassState::Approved;
    class.approved_by = Some(e.by.clone());
    Ok(())
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
) -> Result<(), Stop> {
    let filing = world.class(&e.class)?.filing.clone();
    book(world, e.class, &filing, false)?;
    world.edit_class(&e.class)?.state = ClassState::Rejected;
    Ok(())
}

/// Running → Finished, after the last slot. Late entries must stay within the policy's share.
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

/// Filed, Approved, Running → Cancelled; the enrolled return to Issued, or expire. What they earned in a class that the bureau
/// stopped is carried along.
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

pub(crate) fn apply_class_cancelled(
    world: &mut World,
    e: &event::ClassCancelled,
) -> Result<(), Stop> {
    let filing = world.class(&e.class)?.filing.clone();
    book(world, e.class, &filing, false)?;
    world.edit_class(&e.class)?.state = ClassState::Cancelled;
    Ok(())
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
    let first = filing.timetable.first().map(|slot| slot.date);
    first.is_none_or(|first| {
        at >= Instant::start_of(crate::time::plus_days(first, policy.classes.grace_days))
    })
}
