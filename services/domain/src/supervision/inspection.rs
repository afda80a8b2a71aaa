//! Unannounced inspections: one officer enters who was there, another one confirms it. Whoever was enrolled and missing loses the day,
//! whatever the attendance says; a gap above the policy's opens a finding, which blocks the class's claims until it is closed.

use std::collections::BTreeSet;

use super::{FindingRecorded, Inspected, InspectionConfirmed, named_sample, rules_of};
use crate::command::{ConfirmInspection, Inspect};
use crate::decide::Ask;
use crate::event::Event;
use crate::policy::SupervisionRules;
use crate::proposal;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::plus_days;
use crate::world::World;

/// What a gap that is too wide is recorded as.
const ATTENDANCE_GAP: &str = "ATTENDANCE_GAP";

/// Enters an inspection, while it is fresh.
pub(crate) fn inspect(ask: &Ask, act: &Inspect) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let rules = rules_of(ask, class.filing.year)?;
    let slot = class.filing.timetable.get(usize::from(act.slot));
    let slot = slot.ok_or_else(|| Code::SlotUnknown.about(act.slot))?;
    let (begins, ends) = slot.span();
    let mut checks = Checks::new();
    checks.take(officer(ask))?;
    let is_new = ask.world.get(&Key::Inspection(act.inspection))?.is_none();
    checks.require_of(is_new, Code::DuplicateEntry, act.inspection);
    checks.require(!class.filing.is_classified(), Code::AttendanceSealed);
    checks.require(
        matches!(class.state, ClassState::Approved | ClassState::Running),
        Code::ClassNotRunning,
    );
    let closes = ends.plus_hours(rules.inspection_entry_hours);
    checks.require(begins <= ask.at && ask.at < closes, Code::InspectionWindow);
    for seat in &act.present {
        let sits = class.seats.get(usize::from(*seat));
        let sits = sits.is_some_and(|seat| seat.overlaps(slot));
        checks.require_of(sits, Code::BadSeat, seat);
    }
    checks.take(named_sample(ask, act.sample))?;
    checks.done()?;
    Ok(vec![Event::Inspected(Inspected {
        inspection: act.inspection,
        record: Inspection {
            class: act.class,
            slot: act.slot,
            present: act.present.clone(),
            evidence: act.evidence,
            sample: act.sample,
            entered_by: ask.caller.person.clone(),
            at: ask.at,
            outcome: None,
        },
    })])
}

/// Whoever inspects is the bureau's, and of no institution.
fn officer(ask: &Ask) -> Result<(), Stop> {
    if ask.caller.institution.is_none() {
        Ok(())
    } else {
        Err(Code::NotYours.into())
    }
}

pub(crate) fn apply_inspected(world: &mut World, e: &Inspected) -> Result<(), Stop> {
    let fact = Fact::Inspection(e.record.clone());
    world.add(Key::Inspection(e.inspection), fact);
    Ok(())
}

/// The second officer confirms what the first one entered.
pub(crate) fn confirm_inspection(ask: &Ask, act: &ConfirmInspection) -> Result<Vec<Event>, Stop> {
    let inspection = ask.world.inspection(&act.inspection)?;
    let class = ask.world.class(&inspection.class)?;
    let rules = rules_of(ask, class.filing.year)?;
    let mut checks = Checks::new();
    checks.take(officer(ask))?;
    checks.require(inspection.outcome.is_none(), Code::AlreadyConfirmed);
    let other = inspection.entered_by != ask.caller.person;
    checks.require(other, Code::SamePerson);
    checks.take(proposal::seen(inspection.digest(), act.proposal))?;
    let slot = class.filing.timetable.get(usize::from(inspection.slot));
    let slot = slot.ok_or_else(|| Code::SlotUnknown.about(inspection.slot))?;
    checks.done()?;
    let gap = gap(ask.world, class, inspection, slot)?;
    let confirmed = InspectionConfirmed {
        inspection: act.inspection,
        by: ask.caller.person.clone(),
        proposal: act.proposal,
        absent: gap.absent,
        missing: gap.missing,
        of: gap.of,
    };
    let mut events = Vec::with_capacity(2);
    let is_wide = u64::from(gap.missing) * 100 > u64::from(gap.of) * u64::from(rules.gap_percent);
    events.push(Event::InspectionConfirmed(confirmed));
    if is_wide {
        events.push(too_wide(ask, act, inspection, rules)?);
    }
    Ok(events)
}

/// How far those who were there fell short of those who stood to be paid for the day.
struct Gap {
    absent: BTreeSet<u16>,
    missing: u16,
    of: u16,
}

/// Who was enrolled when the officers were there and was not present. Once the session is on record, whoever is not on record for the
/// day has nothing to lose and makes no gap.
fn gap(
    world: &World,
    class: &TrainingClass,
    inspection: &Inspection,
    slot: &Slot,
) -> Result<Gap, Stop> {
    let attendance = world.attendance(&inspection.class)?;
    let on_record = attendance.slots.contains_key(&inspection.slot);
    let day = attendance.lessons.get(&slot.date);
    let mut gap = Gap {
        absent: BTreeSet::new(),
        missing: 0,
        of: 0,
    };
    for (number, seat) in (0u16..).zip(&class.seats) {
        let sat = seat.taken <= inspection.at && seat.left.is_none_or(|left| left > inspection.at);
        if !sat || !seat.overlaps(slot) {
            continue;
        }
        let lessons = day.and_then(|day| day.get(usize::from(number)));
        let counts = !on_record || lessons.is_some_and(|lessons| *lessons > 0);
        gap.of += u16::from(counts);
        if !inspection.present.contains(&number) {
            gap.absent.insert(number);
            gap.missing += u16::from(counts);
        }
    }
    Ok(gap)
}

fn too_wide(
    ask: &Ask,
    act: &ConfirmInspection,
    inspection: &Inspection,
    rules: &SupervisionRules,
) -> Result<Event, Stop> {
    let about = About::Class(inspection.class);
    let code = ATTENDANCE_GAP.parse().map_err(|_| Code::ReasonUnknown)?;
    if ask.world.get(&Key::Finding(act.finding))?.is_some() {
        return Err(Code::DuplicateEntry.about(act.finding));
    }
    Ok(Event::FindingRecorded(FindingRecorded {
        finding: act.finding,
        record: Finding {
            institution: super::answers_for(ask.world, &about)?,
            about,
            code,
            grave: false,
            blocks: true,
            due: plus_days(ask.at.date(), rules.rectify_days),
            evidence: inspection.evidence,
            recorded_by: ask.caller.person.clone(),
            inspection: Some(act.inspection),
            county: None,
            state: FindingState::Open,
        },
    }))
}

pub(crate) fn apply_inspection_confirmed(
    world: &mut World,
    e: &InspectionConfirmed,
) -> Result<(), Stop> {
    let inspection = world.edit_inspection(&e.inspection)?;
    inspection.outcome = Some(InspectionOutcome {
        confirmed_by: e.by.clone(),
        absent: e.absent.clone(),
        missing: e.missing,
        of: e.of,
    });
    let (class, slot) = (inspection.class, inspection.slot);
    if e.absent.is_empty() {
        return Ok(());
    }
    let slot = world.class(&class)?.filing.timetable.get(usize::from(slot));
    let day = slot.ok_or(Code::SlotUnknown)?.date;
    let lost = world.edit_attendance(&class)?.absent.entry(day);
    lost.or_default().extend(e.absent.iter().copied());
    Ok(())
}
