//! What was attended: one call per session with all entries, in time ("实时录入"); late entries wait for a clerk.
//! A session is recorded once, and what is on record is never changed. Shares of paper, online and late entries are checked when
//! somebody completes and when a claim is submitted, because until then the whole is not known.

use crate::command::*;
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::ids::*;
use crate::money::Days;
use crate::policy::{ClassRules, Policy, ProgrammeRules};
use crate::proposal;
use crate::redemption::NO_DIGEST;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::world::World;

/// Reasons that leave a person out of the employment share's denominator.
const EXCLUSIONS: [&str; 3] = ["DEATH", "ILLNESS", "ENLISTMENT"];

/// Records one session of an approved or running class, within the entry window.
pub(crate) fn record_attendance(ask: &Ask, act: &RecordAttendance) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let (_, policy) = ask.world.policy(class.filing.year, ask.at)?;
    let mut checks = Checks::new();
    let slot = checks.take(recordable(ask, act.class, class, act.slot, &act.entries))?;
    if let Some(slot) = slot {
        let (begins, ends) = slot.span();
        checks.require(ask.at >= begins, Code::OutsideTimetable);
        checks.require(
            ask.at < ends.plus_hours(policy.classes.entry_window_hours),
            Code::EntryWindowOver,
        );
    }
    checks.done()?;
    Ok(vec![Event::AttendanceRecorded(event::AttendanceRecorded {
        class: act.class,
        slot: act.slot,
        entries: act.entries.clone(),
    })])
}

/// What holds of every recording: whose class, which slot, each seat once and within the slot's lessons.
fn recordable<'a>(
    ask: &Ask,
    id: ClassId,
    class: &'a TrainingClass,
    slot: u16,
    entries: &[AttendanceEntry],
) -> Result<&'a Slot, Stop> {
    let attendance = ask.world.attendance(&id)?;
    let timetable = class
        .filing
        .timetable
        .get(usize::from(slot))
        .ok_or_else(|| Code::SlotUnknown.about(slot))?;
    let mut checks = Checks::new();
    checks.require(ask.acts_for(&class.filing.deliverer), Code::NotYours);
    checks.require(!class.filing.is_classified(), Code::AttendanceSealed);
    checks.require(
        matches!(class.state, ClassState::Approved | ClassState::Running),
        Code::ClassNotRunning,
    );
    checks.require(!attendance.slots.contains_key(&slot), Code::SlotRecorded);
    checks.require(
        !entries.is_empty() && entries.len() <= class.seats.len(),
        Code::BadSeat,
    );
    let mut seen = vec![false; class.seats.len()];
    for entry in entries {
        match class.seats.get(usize::from(entry.seat)) {
            Some(seat) => {
                checks.require_of(seat.overlaps(timetable), Code::BadSeat, entry.seat);
                checks.require_of(
                    !std::mem::replace(&mut seen[usize::from(entry.seat)], true),
                    Code::DuplicateEntry,
                    entry.seat,
                );
            }
            None => checks.require_of(false, Code::BadSeat, entry.seat),
        }
        checks.require_of(
            entry.lessons <= timetable.lessons,
            Code::OutsideTimetable,
            entry.seat,
        );
        checks.require_of(
            entry.method != Method::Online || entry.presence_checks > 0,
            Code::PresenceMissing,
            entry.seat,
        );
    }
    checks.done()?;
    Ok(timetable)
}

pub(crate) fn apply_attendance_recorded(
    world: &mut World,
    e: &event::AttendanceRecorded,
) -> Result<(), Stop> {
    enter(world, e.class, e.slot, &e.entries, false)
}

/// Enters a session: the class is Running from its first one on.
fn enter(
    world: &mut World,
    id: ClassId,
    number: u16,
    entries: &[AttendanceEntry],
    late: bool,
) -> Result<(), Stop> {
    let class = world.edit_class(&id)?;
    if class.state == ClassState::Approved {
        class.state = ClassState::Running;
    }
    let seats = class.seats.len();
    let slot = class
        .filing
        .timetable
        .get(usize::from(number))
        .cloned()
        .ok_or(Code::SlotUnknown)?;
    let attendance = world.edit_attendance(&id)?;
    attendance.slots.insert(
        number,
        RecordedSlot {
            lessons: slot.lessons,
            late,
            modules: slot.modules.clone(),
        },
    );
    attendance.late_requests.remove(&number);
    let day = attendance.lessons.entry(slot.date).or_default();
    day.resize(seats.max(day.len()), 0);
    for entry in entries {
        if let Some(lessons) = day.get_mut(usize::from(entry.seat)) {
            *lessons += entry.lessons;
        }
    }
    attendance.entries += u32::try_from(entries.len()).unwrap_or(u32::MAX);
    attendance.paper += count(entries, Method::Paper);
    attendance.online += count(entries, Method::Online);
    Ok(())
}

fn count(entries: &[AttendanceEntry], method: Method) -> u32 {
    entries
        .iter()
        .map(|entry| u32::from(entry.method == method))
        .sum()
}

/// After the entry window: reason and evidence; a clerk decides.
pub(crate) fn request_late_entry(ask: &Ask, act: &RequestLateEntry) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let (_, policy) = ask.world.policy(class.filing.year, ask.at)?;
    let mut checks = Checks::new();
    if let Some(slot) = checks.take(recordable(ask, act.class, class, act.slot, &act.entries))? {
        let closed = slot.span().1.plus_hours(policy.classes.entry_window_hours);
        checks.require(ask.at >= closed, Code::EntryWindowOpen);
        checks.require(
            ask.at < closed.plus_hours(policy.classes.late_window_hours),
            Code::LateWindowOver,
        );
    }
    checks.done()?;
    Ok(vec![Event::LateEntryRequested(event::LateEntryRequested {
        class: act.class,
        slot: act.slot,
        entries: act.entries.clone(),
        reason: act.reason.clone(),
        evidence: act.evidence,
    })])
}

pub(crate) fn apply_late_entry_requested(
    world: &mut World,
    e: &event::LateEntryRequested,
) -> Result<(), Stop> {
    world
        .edit_attendance(&e.class)?
        .late_requests
        .insert(e.slot, e.request());
    Ok(())
}

/// A clerk approves a late entry; it is counted and flagged.
pub(crate) fn approve_late_entry(ask: &Ask, act: &ApproveLateEntry) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let attendance = ask.world.attendance(&act.class)?;
    let mut checks = Checks::new();
    match attendance.late_requests.get(&act.slot) {
        Some(request) => checks.take(proposal::seen(request.digest(), act.proposal))?,
        None => checks.take(Err(Code::NothingToConfirm.into()))?,
    };
    checks.require(
        matches!(class.state, ClassState::Approved | ClassState::Running),
        Code::ClassNotRunning,
    );
    checks.done()?;
    Ok(vec![Event::LateEntryApproved(event::LateEntryApproved {
        class: act.class,
        slot: act.slot,
        by: ask.caller.person.clone(),
        proposal: act.proposal,
    })])
}

pub(crate) fn apply_late_entry_approved(
    world: &mut World,
    e: &event::LateEntryApproved,
) -> Result<(), Stop> {
    let request = world
        .edit_attendance(&e.class)?
        .late_requests
        .remove(&e.slot)
        .ok_or(Code::NothingToConfirm)?;
    enter(world, e.class, e.slot, &request.entries, true)
}

/// Lessons that a seat attended in all, on days that it did not lose.
pub(crate) fn attended(attendance: &Attendance, seat: u16) -> u32 {
    attendance.lessons_of(seat).map(u32::from).sum()
}

/// Days whose lessons reach the programme's minimum; of a classified unit's class, those that two officers approved.
pub(crate) fn days_earned(
    world: &World,
    class: &ClassId,
    seat: u16,
    rules: &ProgrammeRules,
) -> Result<Days, Stop> {
    let attendance = world.attendance(class)?;
    if let Some(sealed) = attendance.in_force() {
        return Ok(sealed.days_of(seat));
    }
    let count = attendance
        .lessons_of(seat)
        .filter(|lessons| *lessons > 0 && *lessons >= rules.day_lessons)
        .count();
    Ok(Days(u16::try_from(count).unwrap_or(u16::MAX)))
}

/// What is on record of a seat completes its training: attendance, lessons and modules as the policy asks. The share is of the filed
/// lessons, so that a session left unrecorded never helps anybody.
pub(super) fn earns_completion(
    attendance: &Attendance,
    filing: &ClassFiling,
    seat: u16,
    (policy, rules): (&Policy, &ProgrammeRules),
) -> Result<(), Stop> {
    let attended = attended(attendance, seat);
    let mut checks = Checks::new();
    checks.require(
        reaches(
            attended,
            filing.lessons(),
            policy.classes.attendance_percent,
        ),
        Code::AttendanceShort,
    );
    checks.require(attended >= u32::from(rules.min_lessons), Code::LessonsShort);
    let taught = attendance.slots.values().flat_map(|slot| &slot.modules);
    for module in &policy.classes.modules {
        let module_taught = taught.clone().any(|other| other == module);
        checks.require(module_taught, Code::ModulesMissing);
    }
    checks.done()
}

/// Paper, online and late entries within the policy's shares of the whole class.
pub(crate) fn shares(world: &World, class: &ClassId, rules: &ClassRules) -> Result<(), Stop> {
    let attendance = world.attendance(class)?;
    let slots = u32::try_from(attendance.slots.len()).unwrap_or(u32::MAX);
    let late = attendance
        .slots
        .values()
        .map(|slot| u32::from(slot.late))
        .sum();
    let mut checks = Checks::new();
    checks.require(
        within(attendance.paper, attendance.entries, rules.paper_percent),
        Code::PaperShare,
    );
    checks.require(
        within(attendance.online, attendance.entries, rules.online_percent),
        Code::OnlineShare,
    );
    checks.require(within(late, slots, rules.late_percent), Code::LateShare);
    checks.done()
}

/// A part is within a share of the whole; both are whole numbers, so nothing is rounded.
fn within(part: u32, of: u32, percent: u16) -> bool {
    u64::from(part) * 100 <= u64::from(of) * u64::from(percent)
}

/// A part reaches a share of the whole; of nothing, nothing is reached.
pub(super) fn reaches(part: u32, of: u32, percent: u16) -> bool {
    of > 0 && u64::from(part) * 100 >= u64::from(of) * u64::from(percent)
}

/// Records what became of a finished class's people. The statement binds all its claims: while one of them is under review or
/// approved, it stands.
pub(crate) fn record_employment(ask: &Ask, act: &RecordEmployment) -> Result<Vec<Event>, Stop> {
    let class = ask.world.class(&act.class)?;
    let mut checks = Checks::new();
    checks.require(
        ask.acts_for(&class.filing.deliverer) || ask.acts_for(&class.filing.payee),
        Code::NotYours,
    );
    checks.require(class.state == ClassState::Finished, Code::ClassNotFinished);
    checks.require(!act.seats.is_empty(), Code::BadSeat);
    for id in &class.sheets {
        let bound = binds_statement(ask.world.sheet(id)?);
        checks.require_of(!bound, Code::SheetNotOpen, id);
    }
    for (seat, employed) in &act.seats {
        checks.require_of(usize::from(*seat) < class.seats.len(), Code::BadSeat, seat);
        match employed {
            Employed::Yes {
                since, evidence, ..
            } => {
                checks.require_of(*evidence != NO_DIGEST, Code::EvidenceMissing, seat);
                checks.require_of(*since <= ask.at.date(), Code::BadDates, seat);
            }
            Employed::Excluded { reason } => {
                let known = EXCLUSIONS.contains(&reason.as_str());
                checks.require_of(known, Code::ReasonUnknown, reason);
            }
            Employed::No => {}
        }
    }
    checks.done()?;
    Ok(vec![Event::EmploymentRecorded(event::EmploymentRecorded {
        class: act.class,
        seats: act.seats.clone(),
    })])
}

/// A sheet that went on from Open with vouchers on it rests on the statement, unless it came back or was refused.
fn binds_statement(sheet: &Sheet) -> bool {
    match sheet.state {
        SheetState::Open | SheetState::Refused { .. } => false,
        SheetState::Submitted { .. }
        | SheetState::Approved { .. }
        | SheetState::Paying { .. }
        | SheetState::Paid { .. } => true,
        // Closed with nothing left on it: every voucher was struck out.
        SheetState::Closed => sheet.standing().next().is_some(),
    }
}

pub(crate) fn apply_employment_recorded(
    world: &mut World,
    e: &event::EmploymentRecorded,
) -> Result<(), Stop> {
    world
        .edit_employment(&e.class)?
        .seats
        .extend(e.seats.clone());
    Ok(())
}
