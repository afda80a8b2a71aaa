//! Samples, inspections, findings, flags and credit as a county meets them.

mod credit;
mod findings;
mod flags;
mod inspections;
mod samples;

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::audit::LogTree;
use crate::command::*;
use crate::decide::Caller;
use crate::event::Event;
use crate::policy::{CreditClass, FraudRule, Programme, Severity};
use crate::redemption;
use crate::sample::*;
use crate::time::Instant;
use crate::training;

fn digest(n: u8) -> Digest {
    Digest([n; 32])
}

fn finding_id(n: u128) -> FindingId {
    FindingId(Uuid::from_u128(n))
}

fn sample_id(n: u128) -> SampleId {
    SampleId(Uuid::from_u128(n))
}

fn inspection_id(n: u128) -> InspectionId {
    InspectionId(Uuid::from_u128(n))
}

fn supervisor() -> Caller {
    staff("supervisor", Role::Supervisor)
}

fn reviewer() -> Caller {
    staff("reviewer-2", Role::Reviewer)
}

/// A class that is approved, with so many people in it since its first morning.
fn class(county: &mut County, n: u128, people: u8) {
    let mut filing = filing(Programme::General, &["06-05", "06-06", "06-07"]);
    filing.capacity = 30;
    filing.site = code(&format!("room-{n}"));
    filing.trainers = vec![code(&format!("trainer-{n}"))];
    let filed = FileClass {
        class: class_id(n),
        filing,
    };
    let file = |ask: &Ask| training::file_class(ask, &filed);
    county.play(&of(SCHOOL), at("05-29"), file).unwrap();
    let approve = ApproveClass { class: class_id(n) };
    let by = staff("reviewer", Role::Reviewer);
    let approved = county.play(&by, at("05-30"), |ask| {
        training::approve_class(ask, &approve)
    });
    assert_eq!(approved, Ok(vec!["ClassApproved"]));
    for person in 1..=people {
        let voucher = county.issued(person, person, Programme::General);
        let enrol = Enrol {
            voucher,
            class: class_id(n),
            token: token(person),
            identity: identity(person),
        };
        let seated = county.play(&of(SCHOOL), at("06-05 8"), |ask| {
            training::enrol(ask, &enrol)
        });
        assert_eq!(seated, Ok(vec!["Enrolled"]));
    }
}

fn attend(county: &mut County, when: &str, slot: u16, seats: &[u16]) {
    let entry = |seat: &u16| AttendanceEntry {
        seat: *seat,
        lessons: 4,
        method: Method::Face,
        evidence: Digest([u8::try_from(slot * 10 + seat).unwrap(); 32]),
        presence_checks: 0,
    };
    let act = RecordAttendance {
        class: class_id(1),
        slot,
        entries: seats.iter().map(entry).collect(),
    };
    let said = county.play(&of(SCHOOL), at(when), |ask| {
        training::record_attendance(ask, &act)
    });
    assert_eq!(said, Ok(vec!["AttendanceRecorded"]));
}

fn inspect_at(county: &mut County, when: &str, slot: u16, present: &[u16]) -> Said {
    let act = Inspect {
        inspection: inspection_id(1),
        class: class_id(1),
        slot,
        present: present.iter().copied().collect(),
        evidence: digest(1),
        sample: None,
    };
    county.play(&staff("officer-1", Role::Clerk), at(when), |ask| {
        inspect(ask, &act)
    })
}

type Said = Result<Vec<&'static str>, Vec<Code>>;

fn confirm(county: &mut County, by: &str, when: &str) -> Said {
    let seen = county.world.inspection(&inspection_id(1)).unwrap().digest();
    let act = ConfirmInspection {
        inspection: inspection_id(1),
        proposal: seen,
        finding: finding_id(9),
    };
    county.play(&staff(by, Role::Supervisor), at(when), |ask| {
        confirm_inspection(ask, &act)
    })
}

/// The days that a seat earned so far.
fn days(county: &County, seat: u16) -> u16 {
    let rules = &policy().programmes[&Programme::General];
    training::days_earned(&county.world, &class_id(1), seat, rules)
        .unwrap()
        .0
}

fn record(about: About, blocks: bool) -> RecordFinding {
    RecordFinding {
        finding: finding_id(1),
        about,
        code: code("FEE_CHARGED"),
        grave: false,
        blocks,
        due: date("07-01"),
        evidence: digest(1),
        inspection: None,
        report_to: None,
    }
}

fn points(county: &mut County, event: &str, when: Instant) -> Said {
    let act = CreditPoints {
        institution: institution(SCHOOL),
        code: code(event),
        evidence: digest(1),
        finding: None,
    };
    county.play(&supervisor(), when, |ask| credit_points(ask, &act))
}
