//! Classes and sessions shown, with their seats, their attendance and their employment statements.

use hefu_domain::policy::Module;
use hefu_domain::state::*;
use hefu_domain::{ClassId, Date, Region, SheetId};

use super::{bytes, programme, timestamp};
use crate::{names, states, v1};

fn seats(region: &Region, seats: &[Seat]) -> Vec<v1::Seat> {
    let show = |(number, seat): (usize, &Seat)| v1::Seat {
        number: u32::try_from(number).unwrap_or(u32::MAX),
        voucher: names::child(region, "vouchers", seat.voucher),
        left: seat.left.map(timestamp),
    };
    seats.iter().enumerate().map(show).collect()
}

fn sheets(region: &Region, sheets: &[SheetId]) -> Vec<String> {
    sheets
        .iter()
        .map(|sheet| names::child(region, "sheets", sheet))
        .collect()
}

/// A class.
pub fn class(region: &Region, id: &str, class: &TrainingClass) -> v1::TrainingClass {
    let filing = &class.filing;
    let slot = |slot: &Slot| v1::Slot {
        date: slot.date.to_string(),
        part: match slot.part {
            DayPart::Morning => v1::DayPart::Morning,
            DayPart::Afternoon => v1::DayPart::Afternoon,
            DayPart::Evening => v1::DayPart::Evening,
        }
        .into(),
        lessons: u32::from(slot.lessons),
        modules: modules(&slot.modules),
    };
    v1::TrainingClass {
        name: names::child(region, "classes", id),
        filing: Some(v1::ClassFiling {
            plan_year: u32::from(filing.year.number()),
            programme: programme(filing.programme).into(),
            occupation: filing.occupation.to_string(),
            skill_level: u32::from(filing.level.ordinal()),
            sponsor: names::child(region, "institutions", &filing.sponsor),
            deliverer: names::child(region, "institutions", &filing.deliverer),
            payee: names::child(region, "institutions", &filing.payee),
            contract: bytes(filing.contract),
            site: filing.site.to_string(),
            trainers: filing.trainers.iter().map(ToString::to_string).collect(),
            capacity: u32::from(filing.capacity),
            putonghua: filing.putonghua,
            brand: filing
                .brand
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            timetable: filing.timetable.iter().map(slot).collect(),
        }),
        state: states::class(class.state).to_owned(),
        seats: seats(region, &class.seats),
        sheets: sheets(region, &class.sheets),
    }
}

fn modules(modules: &[Module]) -> Vec<i32> {
    let show = |module: &Module| match module {
        Module::Safety => v1::Module::Safety,
        Module::Fire => v1::Module::Fire,
        Module::Legal => v1::Module::Legal,
        Module::Putonghua => v1::Module::Putonghua,
    };
    modules.iter().map(|module| show(module).into()).collect()
}

/// A class's attendance.
pub fn attendance(region: &Region, class: ClassId, attendance: &Attendance) -> v1::Attendance {
    let slot = |(number, slot): (&u16, &RecordedSlot)| v1::RecordedSlot {
        slot: u32::from(*number),
        lessons: u32::from(slot.lessons),
        late: slot.late,
        modules: modules(&slot.modules),
    };
    let day = |(date, lessons): (&Date, &Vec<u16>)| v1::AttendedDay {
        date: date.to_string(),
        lessons: lessons.iter().map(|lessons| u32::from(*lessons)).collect(),
    };
    let late = |(number, late): (&u16, &LateRequest)| v1::LateEntry {
        slot: u32::from(*number),
        entries: late.entries.iter().map(entry).collect(),
        reason: late.reason.to_string(),
        evidence: late.evidence.0.to_vec(),
        proposal: late.digest().0.to_vec(),
    };
    v1::Attendance {
        class: names::child(region, "classes", class),
        slots: attendance.slots.iter().map(slot).collect(),
        days: attendance.lessons.iter().map(day).collect(),
        entries: attendance.entries,
        paper: attendance.paper,
        online: attendance.online,
        late_entries: attendance.late_requests.iter().map(late).collect(),
        sealed: attendance.sealed.as_ref().map(sealed),
    }
}

fn sealed(sealed: &SealedAttendance) -> v1::SealedAttendance {
    v1::SealedAttendance {
        hash: sealed.hash.0.to_vec(),
        totals: Some(v1::SealedTotals {
            slots: u32::from(sealed.totals.slots),
            entries: sealed.totals.entries,
            paper: sealed.totals.paper,
            online: sealed.totals.online,
        }),
        days: sealed.days.iter().map(|days| u32::from(days.0)).collect(),
        modules_taught: sealed.modules_taught,
        sealed_by: sealed.sealed_by.to_string(),
        approved_by: sealed.approved_by.iter().map(ToString::to_string).collect(),
        proposal: sealed.digest().0.to_vec(),
    }
}

fn entry(entry: &AttendanceEntry) -> v1::AttendanceEntry {
    let method = match entry.method {
        Method::Face => v1::Method::Face,
        Method::Card => v1::Method::Card,
        Method::Qr => v1::Method::Qr,
        Method::Paper => v1::Method::Paper,
        Method::Online => v1::Method::Online,
    };
    v1::AttendanceEntry {
        seat: u32::from(entry.seat),
        lessons: u32::from(entry.lessons),
        method: method.into(),
        evidence: entry.evidence.0.to_vec(),
        presence_checks: u32::from(entry.presence_checks),
    }
}

/// A class's employment statement.
pub fn employment(region: &Region, class: ClassId, employment: &Employment) -> v1::Employment {
    use v1::employed::Status;
    let seat = |(number, employed): (&u16, &Employed)| {
        let mut shown = v1::Employed {
            seat: u32::from(*number),
            ..v1::Employed::default()
        };
        match employed {
            Employed::Yes {
                evidence,
                since,
                monthly_income_fen,
            } => {
                shown.set_status(Status::Employed);
                shown.evidence = evidence.0.to_vec();
                shown.since = since.to_string();
                shown.monthly_income_fen = monthly_income_fen.0;
            }
            Employed::No => shown.set_status(Status::NotEmployed),
            Employed::Excluded { reason } => {
                shown.set_status(Status::Excluded);
                shown.reason = reason.to_string();
            }
        }
        shown
    };
    v1::Employment {
        class: names::child(region, "classes", class),
        seats: employment.seats.iter().map(seat).collect(),
    }
}

/// An assessment session.
pub fn session(region: &Region, id: &str, session: &Session) -> v1::AssessmentSession {
    let filing = &session.filing;
    v1::AssessmentSession {
        name: names::child(region, "sessions", id),
        filing: Some(v1::SessionFiling {
            plan_year: u32::from(filing.year.number()),
            body: names::child(region, "institutions", &filing.body),
            payee: names::child(region, "institutions", &filing.payee),
            occupation: filing.occupation.to_string(),
            skill_level: u32::from(filing.level.ordinal()),
            date: filing.date.to_string(),
            examiners: filing.examiners.iter().map(ToString::to_string).collect(),
            capacity: u32::from(filing.capacity),
            contract: bytes(filing.contract),
        }),
        state: states::class(session.state).to_owned(),
        seats: seats(region, &session.seats),
        sheets: sheets(region, &session.sheets),
    }
}
