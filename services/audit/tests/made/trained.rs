//! What most of a real log is: classes of forty that are taught, claimed for, paid and written off; a few of their people never come.

use hefu_domain::command::{Confirmation, ConfirmedBy};
use hefu_domain::event::*;
use hefu_domain::state::*;
use hefu_domain::time::plus_days;
use hefu_domain::{
    ClassId, Date, Days, Digest, Event, Fen, InstitutionId, PlanYear, Programme, SheetId, VoucherId,
};

use super::{FIRST, WAVE, begin, code, digest, id, step_of, tag};

/// Of a class, so many of its people have their vouchers revoked before it begins.
const ABSENT: u64 = 4;
/// Sessions of a class.
const SESSIONS: u16 = 5;

/// A county's events, without end.
pub(crate) fn county() -> impl Iterator<Item = Event> {
    let year = PlanYear::try_from(2023).unwrap();
    begin(year)
        .into_iter()
        .chain((0..).flat_map(move |wave| class_of(year, wave)))
}

/// The life of a class.
fn class_of(year: PlanYear, wave: u64) -> Vec<Event> {
    let people = || wave * WAVE..(wave + 1) * WAVE;
    let trained = || people().skip(ABSENT as usize);
    let class: ClassId = id("020", wave);
    let sheet: SheetId = id("021", wave);
    let by = || code("140725-clerk");
    let mut events = Vec::new();
    for step in 0..4 {
        events.extend(people().map(|n| step_of(year, n, step)));
    }
    let revoked = people().take(ABSENT as usize);
    events.extend(revoked.map(|n| step_of(year, n, 7)));
    let filing = filing(year, wave);
    events.push(Event::ClassFiled(ClassFiled {
        class,
        by: by(),
        filing: filing.clone(),
    }));
    events.push(Event::ClassApproved(ClassApproved {
        class,
        by: by(),
        seats: 0,
    }));
    let seats = || (0_u16..).zip(trained().map(voucher));
    for ((seat, voucher), n) in seats().zip(trained()) {
        let day = |slot: &Slot| Held {
            once: Once::Day { date: slot.date },
            tag: tag(format!("day {n} {}", slot.date)),
        };
        events.push(Event::Enrolled(Enrolled {
            voucher,
            class,
            seat,
            reserve: AMOUNT,
            due: hefu_domain::Instant(FIRST + 200 * 86_400_000),
            takes: filing.timetable.iter().take(1).map(day).collect(),
        }));
    }
    for slot in 0..SESSIONS {
        events.push(Event::AttendanceRecorded(AttendanceRecorded {
            class,
            slot,
            entries: seats().map(|(seat, _)| entry(wave, slot, seat)).collect(),
        }));
    }
    for (seat, voucher) in seats() {
        events.push(Event::Completed(Completed {
            voucher,
            class,
            seat,
            days: Days(SESSIONS),
        }));
    }
    events.push(Event::ClassFinished(ClassFinished { class, by: by() }));
    for (seat, voucher) in seats() {
        events.push(Event::Redeemed(Redeemed {
            voucher,
            sheet,
            opened: (seat == 0).then_some(1),
            occasion: Occasion::Class(class),
            seat,
            amount: AMOUNT,
            trail: Vec::new(),
            undertaking: digest(format!("undertaking {wave}")),
            confirmation: Confirmation {
                by: ConfirmedBy::Phone,
                evidence: digest(format!("confirmed {wave} {seat}")),
                witness: None,
            },
        }));
    }
    events.extend(settled(sheet, wave, trained()));
    events.push(Event::ClassClosed(ClassClosed { class }));
    events
}

const AMOUNT: Fen = Fen::yuan(1_500);

fn voucher(n: u64) -> VoucherId {
    id("019", n)
}

fn filing(year: PlanYear, wave: u64) -> ClassFiling {
    let school: InstitutionId = code("91350100M000100Y43");
    let first: Date = code("2023-06-05");
    ClassFiling {
        brand: None,
        year,
        programme: Programme::General,
        occupation: code("6-31-01-03"),
        level: 3.try_into().unwrap(),
        sponsor: school.clone(),
        deliverer: school.clone(),
        payee: school,
        contract: None,
        site: code(digest(format!("room {}", wave % 20))),
        trainers: vec![code(digest(format!("trainer {}", wave % 50)))],
        capacity: WAVE as u16,
        putonghua: false,
        timetable: (0..SESSIONS)
            .map(|day| Slot {
                date: plus_days(first, day),
                part: DayPart::Morning,
                lessons: 4,
                modules: Vec::new(),
            })
            .collect(),
    }
}

fn entry(wave: u64, slot: u16, seat: u16) -> AttendanceEntry {
    AttendanceEntry {
        seat,
        lessons: 4,
        method: Method::Face,
        evidence: digest(format!("face {wave} {slot} {seat}")),
        presence_checks: 0,
    }
}

/// A sheet from its submission to the last write-off.
fn settled(sheet: SheetId, wave: u64, trained: impl Iterator<Item = u64> + Clone) -> Vec<Event> {
    let lines = trained.clone().count();
    let total = Fen(AMOUNT.0 * lines as i64);
    let (approval, batch): (Digest, Digest) = (
        digest(format!("approval {wave}")),
        digest(format!("batch {wave}")),
    );
    let mut events = vec![
        Event::ClaimSubmitted(ClaimSubmitted {
            sheet,
            by: code("school-desk"),
            total,
            employment: None,
        }),
        Event::ClaimApproved(ClaimApproved {
            sheet,
            by: code("140725-reviewer"),
            total,
            approval,
            notice_until: None,
            released: vec![Fen(0); lines],
        }),
        Event::PayoutSent(PayoutSent {
            sheet,
            by: code("140725-finance"),
            approval,
            total,
            batch,
        }),
        Event::PayoutRecorded(PayoutRecorded {
            sheet,
            by: code("140725-finance"),
            batch,
            reference: code(format!("BANK-{wave}")),
        }),
    ];
    events.extend(trained.map(|n| {
        Event::WrittenOff(WrittenOff {
            voucher: voucher(n),
            sheet,
            by: code("140725-finance"),
            amount: AMOUNT,
            frees: vec![tag(format!("live {n}"))],
        })
    }));
    events.push(Event::ClaimClosed(ClaimClosed { sheet }));
    events
}
