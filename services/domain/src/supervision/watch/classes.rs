//! What was entered of a class: who, when, how much, on which evidence, and who taught it.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use serde::{Deserialize, Serialize};

use super::entered::{Sitting, Years};
use super::people::People;
use super::{Now, Policies, Seen, Short};
use crate::event::Event;
use crate::ids::*;
use crate::policy::{FraudLimits, FraudRule};
use crate::state::*;
use crate::time::{Date, Instant};

const MINUTE_MS: i64 = 60_000;
const SECOND_MS: i64 = 1_000;

/// A class that is not over.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Taught {
    year: PlanYear,
    capacity: u16,
    /// Its site and trainers.
    takes: Vec<Resource>,
    timetable: Vec<Slot>,
    /// The holders by seat number.
    seats: Vec<PersonAt>,
    /// Sessions entered in time, with when.
    entered: Vec<(Instant, LogPlace)>,
    late: Vec<LogPlace>,
    /// Late entries that wait for a clerk.
    asked: BTreeMap<u16, Vec<AttendanceEntry>>,
    /// Lessons by day and seat, and the events that make them up.
    days: BTreeMap<Date, (Vec<u16>, Vec<LogPlace>)>,
    /// Who is on record as present, by slot.
    present: BTreeMap<u16, (LogPlace, BTreeSet<u16>)>,
    /// Whom two officers found missing, by slot.
    missing: BTreeMap<u16, (LogPlace, BTreeSet<u16>)>,
}

/// Whose voucher sits on a seat.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct PersonAt {
    voucher: VoucherId,
    person: Option<PersonId>,
}

/// A session that is entered.
struct Entered<'a> {
    class: ClassId,
    slot: u16,
    entries: &'a [AttendanceEntry],
    late: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Classes {
    classes: HashMap<ClassId, Taught>,
    /// Inspections that wait for the second officer.
    inspected: HashMap<InspectionId, (ClassId, u16)>,
    /// What was entered, for what is entered later to be held against.
    entered: Years,
}

impl Classes {
    pub(super) fn see(
        &mut self,
        policies: &Policies,
        people: &People,
        now: Now,
        event: &Event,
        seen: &mut Seen,
    ) {
        self.follow(people, event);
        if let Event::AttendanceRecorded(e) = event {
            let entered = Entered {
                class: e.class,
                slot: e.slot,
                entries: &e.entries,
                late: false,
            };
            self.enter(policies, now, &entered, seen);
        }
        if let Event::LateEntryApproved(e) = event {
            let class = self.classes.get_mut(&e.class);
            let entries = class.and_then(|class| class.asked.remove(&e.slot));
            let entered = Entered {
                class: e.class,
                slot: e.slot,
                entries: &entries.unwrap_or_default(),
                late: true,
            };
            self.enter(policies, now, &entered, seen);
        }
        if let Event::InspectionConfirmed(e) = event
            && let Some((id, slot)) = self.inspected.remove(&e.inspection)
            && let Some(class) = self.classes.get_mut(&id)
        {
            class.missing.insert(slot, (now.place, e.absent.clone()));
            class.found_missing(id, slot, seen);
        }
    }

    /// What belongs to a plan year before that one is over for good.
    pub(super) fn forget_before(&mut self, year: PlanYear) {
        self.classes.retain(|_, class| class.year >= year);
        let classes = &self.classes;
        self.inspected.retain(|_, (of, _)| classes.contains_key(of));
        self.entered.forget_before(year);
    }

    /// Follows classes and who sits in them.
    fn follow(&mut self, people: &People, event: &Event) {
        if let Event::ClassFiled(e) = event {
            self.classes.insert(e.class, Taught::of(&e.filing));
        }
        if let Event::ClassChanged(e) = event
            && let Some(class) = self.classes.get_mut(&e.class)
        {
            class.refile(&e.filing);
        }
        if let Event::Enrolled(e) = event
            && let Some(class) = self.classes.get_mut(&e.class)
        {
            class.seats.push(PersonAt {
                voucher: e.voucher,
                person: people.holder(e.voucher),
            });
        }
        if let Event::LateEntryRequested(e) = event
            && let Some(class) = self.classes.get_mut(&e.class)
        {
            class.asked.insert(e.slot, e.entries.clone());
        }
        if let Event::Inspected(e) = event {
            let record = &e.record;
            let of = (record.class, record.slot);
            self.inspected.insert(e.inspection, of);
        }
        if let Event::ClassRejected(e) = event {
            self.classes.remove(&e.class);
        }
        if let Event::ClassCancelled(e) = event {
            self.classes.remove(&e.class);
        }
        if let Event::ClassClosed(e) = event {
            self.classes.remove(&e.class);
        }
    }

    fn enter(&mut self, policies: &Policies, now: Now, entered: &Entered, seen: &mut Seen) {
        let Some(class) = self.classes.get_mut(&entered.class) else {
            return;
        };
        let Some(slot) = class.timetable.get(usize::from(entered.slot)).cloned() else {
            return;
        };
        let (id, year) = (entered.class, class.year);
        if let Some(rules) = policies.rules(year, now.at) {
            class.at_its_time(now, entered, &slot, &rules.limits, seen);
            class.hours(now, entered, &slot, &rules.limits, seen);
        }
        class.take_presence(now, entered, seen);
        let about = || About::Class(id);
        if entered.entries.len() > usize::from(class.capacity) {
            seen.add(FraudRule::OverSeats, year, about(), Vec::new());
        }
        let (takes, seats) = (class.takes.clone(), class.seats.clone());
        let sitting = Sitting {
            class: id,
            slot: entered.slot,
            place: now.place,
        };
        let mut others = self.entered.add(year, sitting);
        for resource in takes {
            let first = others.used(resource, slot.date, slot.part);
            if first.class != id {
                seen.add(FraudRule::DoubleBooked, year, about(), vec![first.place]);
            }
        }
        for entry in entered.entries.iter().filter(|entry| entry.lessons > 0) {
            let Some(at) = seats.get(usize::from(entry.seat)) else {
                continue;
            };
            let Some(person) = at.person else { continue };
            let first = others.was(person, slot.date);
            if first.class != id {
                let whose = About::Voucher(at.voucher);
                seen.add(FraudRule::TwoPlaces, year, whose, vec![first.place]);
            }
        }
        // One piece of evidence stands for one session; within it a paper list may stand for everybody, a face or card for one person only.
        let mut within = BTreeSet::new();
        for entry in entered.entries {
            let evidence = Short::of(&entry.evidence);
            let first = others.evidence(evidence);
            let elsewhere = (first.class, first.slot) != (id, entered.slot);
            let twice = entry.method != Method::Paper && !within.insert(evidence);
            if elsewhere || twice {
                seen.add(FraudRule::SameEvidence, year, about(), vec![first.place]);
            }
        }
    }
}

impl Taught {
    fn of(filing: &ClassFiling) -> Taught {
        let mut taught = Taught {
            year: filing.year,
            capacity: filing.capacity,
            takes: Vec::new(),
            timetable: Vec::new(),
            seats: Vec::new(),
            entered: Vec::new(),
            late: Vec::new(),
            asked: BTreeMap::new(),
            days: BTreeMap::new(),
            present: BTreeMap::new(),
            missing: BTreeMap::new(),
        };
        taught.refile(filing);
        taught
    }

    fn refile(&mut self, filing: &ClassFiling) {
        self.year = filing.year;
        self.capacity = filing.capacity;
        let site = std::iter::once(&filing.site);
        self.takes = filing.trainers.iter().chain(site).cloned().collect();
        self.timetable = filing.timetable.clone();
    }

    /// Entered while it was still being taught, after the window, or together with many others.
    fn at_its_time(
        &mut self,
        now: Now,
        entered: &Entered,
        slot: &Slot,
        limits: &FraudLimits,
        seen: &mut Seen,
    ) {
        let about = || About::Class(entered.class);
        if entered.late {
            self.late.push(now.place);
            if self.late.len() >= usize::from(limits.late_sessions) {
                let places = self.late.clone();
                seen.add(FraudRule::LateEntries, self.year, about(), places);
            }
            return;
        }
        let (_, ends) = slot.span();
        if now.at.0 + i64::from(limits.early_minutes) * MINUTE_MS < ends.0 {
            seen.add(FraudRule::EarlyRecord, self.year, about(), Vec::new());
        }
        self.entered.push((now.at, now.place));
        let since = now.at.0 - i64::from(limits.burst_seconds) * SECOND_MS;
        let lately = self.entered.iter().filter(|(at, _)| at.0 >= since);
        let lately: Vec<LogPlace> = lately.map(|(_, place)| *place).collect();
        if lately.len() >= usize::from(limits.burst_sessions) {
            seen.add(FraudRule::ManyAtOnce, self.year, about(), lately);
        }
    }

    /// Nobody has more lessons on a day than a day has.
    fn hours(
        &mut self,
        now: Now,
        entered: &Entered,
        slot: &Slot,
        limits: &FraudLimits,
        seen: &mut Seen,
    ) {
        let (lessons, places) = self.days.entry(slot.date).or_default();
        places.push(now.place);
        let mut over = false;
        for entry in entered.entries {
            let seat = usize::from(entry.seat);
            if lessons.len() <= seat {
                lessons.resize(seat + 1, 0);
            }
            lessons[seat] = lessons[seat].saturating_add(entry.lessons);
            over |= lessons[seat] > limits.day_lessons;
        }
        if over {
            let about = About::Class(entered.class);
            seen.add(FraudRule::OverHours, self.year, about, places.clone());
        }
    }

    fn take_presence(&mut self, now: Now, entered: &Entered, seen: &mut Seen) {
        let attending = entered.entries.iter().filter(|entry| entry.lessons > 0);
        let present = attending.map(|entry| entry.seat).collect();
        self.present.insert(entered.slot, (now.place, present));
        self.found_missing(entered.class, entered.slot, seen);
    }

    /// On record as present, and found missing: whichever came first.
    fn found_missing(&self, id: ClassId, slot: u16, seen: &mut Seen) {
        let (Some((entered, present)), Some((found, missing))) =
            (self.present.get(&slot), self.missing.get(&slot))
        else {
            return;
        };
        if present.intersection(missing).next().is_some() {
            let places = vec![*entered, *found];
            seen.add(
                FraudRule::AbsentRecorded,
                self.year,
                About::Class(id),
                places,
            );
        }
    }
}
