//! What a class is filed as (开班备案): timetable, parties, trainers and room, checked when it is filed and whenever that changes.
//! What has begun cannot be changed any more, and a trainer or room is in one class per slot.

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
use crate::world::World;

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
    checks.require(ask.acts_for(&filing.deliverer), Code::NotYours);
    checks.take(ask.year_open(filing.year))?;
    checks.require(
        filing.programme.kind() == VoucherKind::Training,
        Code::ProgrammeMismatch,
    );
    checks.take(well_filed(policy, rules, filing))?;
    checks.take(sealed_as_due(filing))?;
    checks.take(parties(ask, rules, filing))?;
    checks.take(in_time(ask, policy, filing))?;
    checks.take(bookable(ask, act.class, filing))?;
    checks.done()?;
    Ok(vec![Event::ClassFiled(event::ClassFiled {
        class: act.class,
        by: ask.caller.person.clone(),
        filing: filing.clone(),
    })])
}

/// The policy's working days lie between the day of filing and the first day.
fn in_time(ask: &Ask, policy: &Policy, filing: &ClassFiling) -> Result<(), Stop> {
    let Some(first) = filing.timetable.first() else {
        return Ok(());
    };
    let today = ask.at.date();
    let between = if first.date <= today {
        0
    } else {
        calendars(ask, today, first.date)?
            .working_days_between(today, first.date)
            .ok_or(Code::CalendarMissing)?
    };
    let mut checks = Checks::new();
    checks.require(
        first.date > today && between >= policy.classes.filed_working_days,
        Code::FiledTooLate,
    );
    checks.done()
}

/// The region's calendars that cover a stretch of days.
fn calendars<'a>(ask: &'a Ask, from: Date, to: Date) -> Result<Calendars<'a>, Stop> {
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
    checks.require(
        (1..=MOST_SEATS).contains(&filing.capacity),
        Code::BadCapacity,
    );
    checks.require(!filing.trainers.is_empty(), Code::TrainerMissing);
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
    if let Some(brand) = &filing.brand {
        checks.require_of(
            policy.brands.contains_key(brand),
            Code::BrandNotListed,
            brand,
        );
    }
    checks.done()
}

/// A classified unit's class names what it teaches, where and by whom in commitments only; nobody else's occupation is sealed.
/// What stands in clear instead is not repeated in the answer.
fn sealed_as_due(filing: &ClassFiling) -> Result<(), Stop> {
    let mut checks = Checks::new();
    if filing.is_classified() {
        // A brand says what is taught as an occupation does.
        let sealed = filing.occupation.is_sealed()
            && filing.brand.is_none()
            && resources(filing).all(Resource::is_commitment);
        checks.require(sealed, Code::ClassNotSealed);
    } else {
        checks.require(!filing.occupation.is_sealed(), Code::NotClassified);
    }
    checks.done()
}

/// Who teaches, who is paid: standing, capacities, licence, catalogue.
pub(super) fn parties(ask: &Ask, rules: &ProgrammeRules, filing: &ClassFiling) -> Result<(), Stop> {
    let deliverer = ask.world.institution(&filing.deliverer)?;
    let payee = ask.world.institution(&filing.payee)?;
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
    checks.require(
        filing.payee == filing.deliverer || filing.contract.is_some(),
        Code::ContractMissing,
    );
    // Behind a seal that the unit was not listed with there need be no occupation at all, and it would be paid for once and again.
    let unlicensed = exempt(rules, filing, deliverer) && !filing.occupation.is_sealed();
    checks.require(
        unlicensed || deliverer.licence.contains(&filing.occupation),
        Code::NotLicensed,
    );
    if !exempt(rules, filing, deliverer) {
        checks.take(registry::within_line(ask, filing))?;
    }
    // Where policy lets an override lift the catalogue, each voucher is asked for it when it is enrolled.
    checks.require(
        rules.override_catalogue || may_teach(ask, rules, filing)?,
        Code::NotInCatalogue,
    );
    checks.done()
}

/// An enterprise that teaches its own staff needs no catalogue, unless policy says so.
fn exempt(rules: &ProgrammeRules, filing: &ClassFiling, deliverer: &Institution) -> bool {
    filing.programme == Programme::EnterpriseStaff
        && filing.deliverer == filing.payee
        && deliverer.capacities.contains(&Capacity::Enterprise)
        && !rules.own_staff_need_catalogue
}

/// Whether the deliverer stands in the region's catalogue for what the class teaches, or needs not to.
pub(super) fn may_teach(
    ask: &Ask,
    rules: &ProgrammeRules,
    filing: &ClassFiling,
) -> Result<bool, Stop> {
    if exempt(rules, filing, ask.world.institution(&filing.deliverer)?) {
        return Ok(true);
    }
    registry::in_catalogue(
        ask,
        &filing.deliverer,
        Capacity::TrainingBody,
        &filing.occupation,
        filing.year,
    )
}

/// Seats that a class takes of its deliverer's catalogue line, which are no more than the line can take in the year (年培训能力). A line
/// that does not describe itself counts none; nor does an enterprise's own staff, whom no line is asked for.
pub(super) fn line_seats(
    ask: &Ask,
    rules: &ProgrammeRules,
    class: &TrainingClass,
    filing: &ClassFiling,
) -> Result<u16, Stop> {
    if exempt(rules, filing, ask.world.institution(&filing.deliverer)?) {
        return Ok(0);
    }
    registry::yearly_seats(ask, filing, class.line_seats)
}

/// What a class gives back of its line when it changes or ends early stands in the line, which is then a fact of the move.
pub(super) fn line_given_back(ask: &Ask, class: &TrainingClass) -> Result<(), Stop> {
    if class.line_seats > 0 {
        ask.world
            .catalogue_entry(&registry::training_line(&class.filing))?;
    }
    Ok(())
}

/// The class takes so many seats of its line from now on; what it took before is given back.
pub(super) fn take_line_seats(world: &mut World, id: &ClassId, seats: u16) -> Result<(), Stop> {
    let class = world.edit_class(id)?;
    let before = std::mem::replace(&mut class.line_seats, seats);
    if before == seats {
        return Ok(());
    }
    let line = registry::training_line(&class.filing);
    let line = world.edit_catalogue_entry(&line)?;
    line.seats_taken = (line.seats_taken + u32::from(seats)).saturating_sub(u32::from(before));
    Ok(())
}

/// Trainers and the room, each in one class per slot.
fn resources(filing: &ClassFiling) -> impl Iterator<Item = &Resource> {
    filing.trainers.iter().chain(std::iter::once(&filing.site))
}

/// Nobody else has the trainers or the room in a slot that is still to come.
fn bookable(ask: &Ask, class: ClassId, filing: &ClassFiling) -> Result<(), Stop> {
    let mut checks = Checks::new();
    for resource in resources(filing) {
        if let Some(booking) = ask.world.booking(resource)? {
            let taken = |slot: &&Slot| {
                let other = booking.slots.get(&slot.name());
                slot.span().0 > ask.at && other.is_some_and(|other| *other != class)
            };
            let free = !filing.timetable.iter().any(|slot| taken(&slot));
            checks.require_of(free, Code::DoubleBooked, resource);
        }
    }
    checks.done()
}

/// Books trainers and room for a class, or lets them go. Nobody asks for a day that is over, so a booking is no longer than its plans.
pub(super) fn book(
    world: &mut World,
    class: ClassId,
    filing: &ClassFiling,
    take: bool,
    at: Instant,
) -> Result<(), Stop> {
    for resource in resources(filing) {
        let booking = world.edit_booking(resource)?;
        for slot in &filing.timetable {
            if take {
                booking.slots.entry(slot.name()).or_insert(class);
            } else if booking.slots.get(&slot.name()) == Some(&class) {
                booking.slots.remove(&slot.name());
            }
        }
        booking.slots = booking.slots.split_off(&at.date().to_string());
    }
    Ok(())
}

pub(crate) fn apply_class_filed(
    world: &mut World,
    e: &event::ClassFiled,
    at: Instant,
) -> Result<(), Stop> {
    book(world, e.class, &e.filing, true, at)?;
    let class = TrainingClass {
        filing: e.filing.clone(),
        state: ClassState::Filed,
        approved_by: None,
        seats: Vec::new(),
        sheets: Vec::new(),
        unsettled: 0,
        open_sheets: 0,
        holds: None,
        line_seats: 0,
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

/// Changes a class ahead of the sessions that change; a change of what has begun is void. Once approved, its terms and parties
/// stand; once somebody is enrolled, its days do, because they hold those days and no others.
pub(crate) fn change_class(ask: &Ask, act: &ChangeClass) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let (before, after) = (&class.filing, &act.filing);
    let (policy, rules) = ask.world.rules(after.year, after.programme, ask.at)?;
    let open = matches!(
        class.state,
        ClassState::Filed | ClassState::Approved | ClassState::Running
    );
    let seated = class.occupied();
    let mut checks = Checks::new();
    checks.require(
        ask.acts_for(&before.deliverer) && ask.acts_for(&after.deliverer),
        Code::NotYours,
    );
    checks.require(open, Code::ClassOver);
    checks.take(ask.year_open(after.year))?;
    checks.require(
        class.state == ClassState::Filed || same_terms(before, after),
        Code::ProgrammeMismatch,
    );
    checks.require(
        after.programme.kind() == VoucherKind::Training,
        Code::ProgrammeMismatch,
    );
    checks.take(leaves_what_has_begun(ask, before, after))?;
    checks.require(
        seated == 0 || before.dates() == after.dates(),
        Code::ChangeTooLate,
    );
    checks.require(usize::from(after.capacity) >= seated, Code::ClassFull);
    checks.take(well_filed(policy, rules, after))?;
    checks.take(sealed_as_due(after))?;
    checks.take(parties(ask, rules, after))?;
    if before.dates().first() != after.dates().first() {
        checks.take(in_time(ask, policy, after))?;
    }
    checks.take(bookable(ask, act.class, after))?;
    if class.line_seats > 0 {
        checks.take(line_seats(ask, rules, class, after))?;
        line_given_back(ask, class)?;
    }
    checks.done()?;
    Ok(vec![Event::ClassChanged(event::ClassChanged {
        class: act.class,
        by: ask.caller.person.clone(),
        filing: after.clone(),
    })])
}

/// What is approved, and who is paid for it.
fn same_terms(before: &ClassFiling, after: &ClassFiling) -> bool {
    let terms = |filing: &ClassFiling| {
        (
            filing.year,
            filing.programme,
            filing.occupation.clone(),
            filing.level,
            filing.contract,
            filing.brand.clone(),
        )
    };
    let parties = |filing: &ClassFiling| {
        (
            filing.payee.clone(),
            filing.deliverer.clone(),
            filing.sponsor.clone(),
        )
    };
    terms(before) == terms(after) && parties(before) == parties(after)
}

/// Sessions that have begun stay as they were, and whoever has taught stays among the trainers: they may examine nobody of the class.
fn leaves_what_has_begun(ask: &Ask, before: &ClassFiling, after: &ClassFiling) -> Result<(), Stop> {
    let begun = |filing: &ClassFiling| -> Vec<Slot> {
        let slots = filing.timetable.iter();
        slots
            .filter(|slot| slot.span().0 <= ask.at)
            .cloned()
            .collect()
    };
    let taught = begun(before);
    let mut checks = Checks::new();
    checks.require(taught == begun(after), Code::ChangeTooLate);
    for trainer in &before.trainers {
        checks.require_of(
            taught.is_empty() || after.trainers.contains(trainer),
            Code::ChangeTooLate,
            trainer,
        );
    }
    checks.done()
}

pub(crate) fn apply_class_changed(
    world: &mut World,
    e: &event::ClassChanged,
    at: Instant,
) -> Result<(), Stop> {
    let before = world.class(&e.class)?.filing.clone();
    book(world, e.class, &before, false, at)?;
    book(world, e.class, &e.filing, true, at)?;
    let class = world.edit_class(&e.class)?;
    class.filing = e.filing.clone();
    match class.line_seats {
        0 => Ok(()),
        _ => take_line_seats(world, &e.class, e.filing.capacity),
    }
}
