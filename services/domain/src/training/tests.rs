use std::collections::BTreeSet;

use super::*;
use crate::command::*;
use crate::decide::Caller;
use crate::ids::*;
use crate::money::{Days, Fen};
use crate::policy::Programme;
use crate::refusal::Code;
use crate::sample::*;
use crate::state::*;

/// Monday to Wednesday.
const DAYS: [&str; 3] = ["06-05", "06-06", "06-07"];

type Played = Result<Vec<&'static str>, Vec<Code>>;

fn file(county: &mut County, when: &str, class: ClassId, filing: &ClassFiling) -> Played {
    let act = FileClass {
        class,
        filing: filing.clone(),
    };
    county.play(&of(SCHOOL), at(when), |ask| file_class(ask, &act))
}

/// A county with an approved general class of three days.
fn approved() -> (County, ClassId) {
    let mut county = County::new();
    let class = class_id(1);
    let general = filing(Programme::General, &DAYS);
    assert_eq!(
        file(&mut county, "05-29", class, &general),
        Ok(vec!["ClassFiled"])
    );
    let approve = ApproveClass { class };
    let by = staff("reviewer", Role::Reviewer);
    let done = county.play(&by, at("05-30"), |ask| approve_class(ask, &approve));
    assert_eq!(done, Ok(vec!["ClassApproved"]));
    (county, class)
}

fn enrols(county: &mut County, when: &str, n: u8, class: ClassId, person: u8) -> Played {
    let act = Enrol {
        voucher: voucher_id(n.into()),
        class,
        token: token(n),
        identity: identity(person),
    };
    county.play(&of(SCHOOL), at(when), |ask| enrol(ask, &act))
}

fn entries(seats: &[u16]) -> Vec<AttendanceEntry> {
    let entry = |seat: &u16| AttendanceEntry {
        seat: *seat,
        lessons: 4,
        method: Method::Face,
        evidence: Digest([9; 32]),
        presence_checks: 0,
    };
    seats.iter().map(entry).collect()
}

fn records(
    county: &mut County,
    when: &str,
    class: ClassId,
    slot: u16,
    who: &[AttendanceEntry],
) -> Played {
    let act = RecordAttendance {
        class,
        slot,
        entries: who.to_vec(),
    };
    county.play(&of(SCHOOL), at(when), |ask| record_attendance(ask, &act))
}

fn drops(county: &mut County, when: &str, n: u128) -> Played {
    let act = Drop {
        voucher: voucher_id(n),
        reason: code("ILLNESS"),
    };
    county.play(&of(SCHOOL), at(when), |ask| drop_out(ask, &act))
}

fn completes(county: &mut County, when: &str, n: u128) -> Played {
    let act = Complete {
        voucher: voucher_id(n),
    };
    county.play(&of(SCHOOL), at(when), |ask| complete(ask, &act))
}

/// Records these sessions in time with everybody there.
fn attend(county: &mut County, class: ClassId, slots: std::ops::Range<u16>, seats: &[u16]) {
    for slot in slots {
        let hour = if slot % 2 == 0 { 12 } else { 18 };
        let when = format!("{} {hour}", DAYS[usize::from(slot / 2)]);
        let done = records(county, &when, class, slot, &entries(seats));
        assert_eq!(done, Ok(vec!["AttendanceRecorded"]));
    }
}

fn held_days(county: &County, n: u128) -> usize {
    let held = &county.voucher(voucher_id(n)).held;
    held.iter()
        .filter(|held| matches!(held.once, Once::Day { .. }))
        .count()
}

#[test]
fn a_class_is_filed_three_working_days_before_it_starts() {
    let general = filing(Programme::General, &DAYS);
    let mut county = County::new();
    // A weekend lies between: Wednesday leaves Thursday and Friday.
    assert_eq!(
        file(&mut county, "05-31", class_id(1), &general),
        Err(vec![Code::FiledTooLate])
    );
    assert_eq!(
        file(&mut county, "05-30", class_id(1), &general),
        Ok(vec!["ClassFiled"])
    );
    let mut county = County::new();
    assert_eq!(
        file(&mut county, "06-06", class_id(2), &general),
        Err(vec![Code::FiledTooLate])
    );
}

#[test]
fn a_filing_says_everything_that_is_wrong_with_it() {
    let mut county = County::new();
    let mut wrong = filing(Programme::General, &DAYS);
    wrong.timetable.swap(0, 1);
    wrong.timetable[1].modules.clear();
    wrong.capacity = 501;
    wrong.putonghua = false;
    wrong.trainers.clear();
    wrong.payee = institution(ENTERPRISE);
    let said = file(&mut county, "05-29", class_id(1), &wrong);
    let codes = [
        Code::BadTimetable,
        Code::BadCapacity,
        Code::TrainerMissing,
        Code::PutonghuaMissing,
        Code::ModulesMissing,
        Code::CapacityMissing,
        Code::ContractMissing,
    ];
    assert_eq!(said, Err(codes.to_vec()));
}

#[test]
fn a_class_trains_for_a_brand_of_the_policy_and_keeps_to_it() {
    let mut county = County::new();
    let mut general = filing(Programme::General, &DAYS);
    general.brand = Some(code("no-such-brand"));
    let said = file(&mut county, "05-29", class_id(1), &general);
    assert_eq!(said, Err(vec![Code::BrandNotListed]));
    general.brand = Some(code("shouyang-masonry"));
    let said = file(&mut county, "05-29", class_id(1), &general);
    assert_eq!(said, Ok(vec!["ClassFiled"]));
    let act = ApproveClass { class: class_id(1) };
    let reviewer = staff("reviewer", Role::Reviewer);
    let said = county.play(&reviewer, at("05-30"), |ask| approve_class(ask, &act));
    assert_eq!(said, Ok(vec!["ClassApproved"]));
    // What was approved was approved for the brand.
    let mut without = general.clone();
    without.brand = None;
    let act = ChangeClass {
        class: class_id(1),
        filing: without,
    };
    let said = county.play(&of(SCHOOL), at("05-30"), |ask| change_class(ask, &act));
    assert_eq!(said, Err(vec![Code::ProgrammeMismatch]));
}

#[test]
fn an_order_class_is_no_longer_than_what_is_paid() {
    let mut county = County::new();
    let days: Vec<String> = (5..=20).map(|day| format!("06-{day:02}")).collect();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let mut order = filing(Programme::OrderProject, &days);
    order.payee = institution(ENTERPRISE);
    order.contract = Some(Digest([1; 32]));
    assert_eq!(
        file(&mut county, "05-29", class_id(1), &order),
        Err(vec![Code::TooManyDays])
    );
    order.timetable.truncate(30);
    assert_eq!(
        file(&mut county, "05-29", class_id(1), &order),
        Ok(vec!["ClassFiled"])
    );
}

#[test]
fn an_enterprise_needs_no_catalogue_for_its_own_staff_only() {
    let mut county = County::new();
    let mut staffed = filing(Programme::EnterpriseStaff, &DAYS);
    staffed.deliverer = institution(ENTERPRISE);
    staffed.payee = institution(ENTERPRISE);
    let act = |filing: &ClassFiling| FileClass {
        class: class_id(1),
        filing: filing.clone(),
    };
    let own = act(&staffed);
    assert!(
        county
            .play(&of(ENTERPRISE), at("05-29"), |ask| file_class(ask, &own))
            .is_ok()
    );
    // Another enterprise's people are not its own.
    county.register(4, &[crate::policy::Capacity::Enterprise], &[]);
    staffed.payee = institution(4);
    staffed.contract = Some(Digest([1; 32]));
    let others = FileClass {
        class: class_id(2),
        ..act(&staffed)
    };
    let said = county.play(&of(ENTERPRISE), at("05-29"), |ask| file_class(ask, &others));
    assert_eq!(
        said,
        Err(vec![
            Code::NotInCatalogue,
            Code::DoubleBooked,
            Code::DoubleBooked
        ])
    );
}

#[test]
fn a_trainer_and_a_room_are_in_one_class_per_slot() {
    let (mut county, _) = approved();
    let mut second = filing(Programme::General, &["06-07"]);
    let said = file(&mut county, "05-29", class_id(2), &second);
    assert_eq!(said, Err(vec![Code::DoubleBooked, Code::DoubleBooked]));
    second.site = code("room-2");
    second.trainers = vec![code("trainer-2")];
    assert_eq!(
        file(&mut county, "05-29", class_id(2), &second),
        Ok(vec!["ClassFiled"])
    );
    // A rejected class lets them go.
    let reject = RejectClass {
        class: class_id(2),
        reason: code("INCOMPLETE"),
    };
    let by = staff("reviewer", Role::Reviewer);
    assert!(
        county
            .play(&by, at("05-30"), |ask| reject_class(ask, &reject))
            .is_ok()
    );
    assert_eq!(
        file(&mut county, "05-29", class_id(3), &second),
        Ok(vec!["ClassFiled"])
    );
}

#[test]
fn a_booking_forgets_the_days_that_are_over() {
    let mut county = County::new();
    let days = [&DAYS[..], &["07-10", "07-11"]];
    for (n, (days, filed)) in (1..).zip(days.into_iter().zip(["05-30", "07-03"])) {
        let filing = filing(Programme::General, days);
        file(&mut county, filed, class_id(n), &filing).unwrap();
    }
    let booked = county.world.booking(&code("room-1")).unwrap().unwrap();
    let theirs: BTreeSet<ClassId> = booked.slots.values().copied().collect();
    assert_eq!(theirs, [class_id(2)].into());
    assert!(
        booked
            .slots
            .keys()
            .all(|slot| slot.starts_with("2023-07-1"))
    );
}

#[test]
fn a_change_leaves_what_has_begun_and_whoever_taught() {
    let (mut county, class) = approved();
    let changes = |county: &mut County, when: &str, change: &dyn Fn(&mut ClassFiling)| {
        let mut filing = filing(Programme::General, &DAYS);
        change(&mut filing);
        let act = ChangeClass { class, filing };
        county.play(&of(SCHOOL), at(when), |ask| change_class(ask, &act))
    };
    let said = changes(&mut county, "06-05 9", &|filing| {
        filing.timetable[0].lessons = 3
    });
    assert_eq!(said, Err(vec![Code::ChangeTooLate]));
    let said = changes(&mut county, "06-05 9", &|filing| {
        filing.trainers = vec![code("trainer-2")]
    });
    assert_eq!(said, Err(vec![Code::ChangeTooLate]));
    let said = changes(&mut county, "06-05 9", &|filing| {
        filing.payee = institution(ENTERPRISE)
    });
    assert!(said.is_err_and(|codes| codes.contains(&Code::ProgrammeMismatch)));
    let said = changes(&mut county, "06-05 9", &|filing| {
        filing.trainers.push(code("trainer-2"));
        filing.timetable[5].lessons = 2;
    });
    assert_eq!(said, Ok(vec!["ClassChanged"]));
    // An earlier start would shorten the time of filing.
    let said = changes(&mut county, "06-02", &|filing| {
        filing.timetable[0].date = date("06-04")
    });
    assert_eq!(said, Err(vec![Code::FiledTooLate]));
}

#[test]
fn enrolling_takes_the_days_and_trims_the_reserve_to_the_class() {
    let (mut county, class) = approved();
    county.issued(1, 1, Programme::General);
    assert_eq!(county.money(), (Fen::yuan(99_000), Fen::yuan(1_000)));
    assert_eq!(
        enrols(&mut county, "06-05 8", 1, class, 1),
        Ok(vec!["Enrolled"])
    );
    assert_eq!(county.money(), (Fen::yuan(99_700), Fen::yuan(300)));
    assert_eq!(held_days(&county, 1), 3);
    assert_eq!(county.world.class(&class).unwrap().unsettled, 1);
    // The same person's other voucher finds the days taken, and one general voucher a year.
    county.issued(2, 1, Programme::General);
    let said = enrols(&mut county, "06-05 8", 2, class, 1).unwrap_err();
    assert_eq!(
        said.iter().filter(|code| **code == Code::DayTaken).count(),
        3
    );
    assert!(said.contains(&Code::GeneralPaid) && said.contains(&Code::TrainedBefore));
}

#[test]
fn enrolling_asks_for_the_token_the_holder_a_seat_and_an_open_roster() {
    let (mut county, class) = approved();
    for n in 1..=3 {
        county.issued(n, n, Programme::General);
    }
    let said = enrols(&mut county, "06-05 8", 1, class, 2);
    assert_eq!(said, Err(vec![Code::HolderMismatch]));
    let forged = Enrol {
        voucher: voucher_id(1),
        class,
        token: token(2),
        identity: identity(1),
    };
    let said = county.play(&of(SCHOOL), at("06-05 8"), |ask| enrol(ask, &forged));
    assert_eq!(said, Err(vec![Code::TokenBad]));
    let said = county.play(&of(ENTERPRISE), at("06-05 8"), |ask| enrol(ask, &forged));
    assert_eq!(said, Err(vec![Code::NotYours, Code::TokenBad]));
    // The roster is open until the first day's last moment.
    assert_eq!(
        enrols(&mut county, "06-06", 1, class, 1),
        Err(vec![Code::RosterLocked])
    );
    assert!(enrols(&mut county, "06-05 23", 1, class, 1).is_ok());
    assert!(enrols(&mut county, "06-05 23", 2, class, 2).is_ok());
    assert_eq!(
        enrols(&mut county, "06-05 23", 3, class, 3),
        Err(vec![Code::ClassFull])
    );
    // A seat that was left is free again, under a new number.
    assert!(drops(&mut county, "06-05 23", 2).is_ok());
    assert!(enrols(&mut county, "06-05 23", 3, class, 3).is_ok());
    assert!(matches!(
        county.voucher(voucher_id(3)).state,
        VoucherState::Enrolled { seat: 2, .. }
    ));
}

#[test]
fn a_session_is_entered_from_its_beginning_until_the_window_closes() {
    let (mut county, class) = approved();
    county.issued(1, 1, Programme::General);
    enrols(&mut county, "06-05 7", 1, class, 1).unwrap();
    let there = entries(&[0]);
    assert_eq!(
        records(&mut county, "06-05 7", class, 0, &there),
        Err(vec![Code::OutsideTimetable])
    );
    assert_eq!(
        records(&mut county, "06-06 12", class, 0, &there),
        Err(vec![Code::EntryWindowOver])
    );
    assert_eq!(
        records(&mut county, "06-05 8", class, 9, &there),
        Err(vec![Code::SlotUnknown])
    );
    assert!(records(&mut county, "06-06 11", class, 0, &there).is_ok());
    assert_eq!(
        county.world.class(&class).unwrap().state,
        ClassState::Running
    );
    assert_eq!(
        records(&mut county, "06-06 11", class, 0, &there),
        Err(vec![Code::SlotRecorded])
    );
}

#[test]
fn an_entry_is_of_a_seat_once_within_the_lessons_and_online_time_is_checked() {
    let (mut county, class) = approved();
    county.issued(1, 1, Programme::General);
    county.issued(2, 2, Programme::General);
    enrols(&mut county, "06-05 7", 1, class, 1).unwrap();
    enrols(&mut county, "06-05 7", 2, class, 2).unwrap();
    let mut who = entries(&[0, 0]);
    who[0].lessons = 5;
    who[1].method = Method::Online;
    let said = records(&mut county, "06-05 9", class, 0, &who);
    let codes = [
        Code::OutsideTimetable,
        Code::DuplicateEntry,
        Code::PresenceMissing,
    ];
    assert_eq!(said, Err(codes.to_vec()));
    assert_eq!(
        records(&mut county, "06-05 9", class, 0, &entries(&[7])),
        Err(vec![Code::BadSeat])
    );
    // Whoever left before the session was not in it.
    drops(&mut county, "06-05 13", 2).unwrap();
    assert!(records(&mut county, "06-05 13", class, 0, &entries(&[0, 1])).is_ok());
    assert_eq!(
        records(&mut county, "06-05 18", class, 1, &entries(&[0, 1])),
        Err(vec![Code::BadSeat])
    );
}

#[test]
fn a_late_entry_waits_for_a_clerk_and_is_flagged() {
    let (mut county, class) = approved();
    county.issued(1, 1, Programme::General);
    enrols(&mut county, "06-05 7", 1, class, 1).unwrap();
    let act = RequestLateEntry {
        class,
        slot: 0,
        entries: entries(&[0]),
        reason: code("POWER_CUT"),
        evidence: Digest([3; 32]),
    };
    let ask_late = |county: &mut County, when: &str| {
        county.play(&of(SCHOOL), at(when), |ask| request_late_entry(ask, &act))
    };
    assert_eq!(
        ask_late(&mut county, "06-06 11"),
        Err(vec![Code::EntryWindowOpen])
    );
    assert_eq!(
        ask_late(&mut county, "06-13 12"),
        Err(vec![Code::LateWindowOver])
    );
    assert!(ask_late(&mut county, "06-13 11").is_ok());
    let clerk: Caller = staff("clerk", Role::Clerk);
    let waiting = county.world.attendance(&class).unwrap().late_requests[&0].digest();
    let approve = ApproveLateEntry {
        class,
        slot: 0,
        proposal: waiting,
    };
    assert!(
        county
            .play(&clerk, at("06-14"), |ask| approve_late_entry(ask, &approve))
            .is_ok()
    );
    let attendance = county.world.attendance(&class).unwrap();
    assert!(attendance.slots[&0].late && attendance.late_requests.is_empty());
    assert_eq!(attended(attendance, 0), 4);
    // One session of one was late: over the fifth that policy allows.
    let rules = policy().classes;
    let said = shares(&county.world, &class, &rules);
    assert_eq!(said, Err(Code::LateShare.into()));
}

#[test]
fn a_share_is_compared_as_whole_numbers() {
    // 80% of 24 lessons are 19.2: nineteen fall short, twenty reach it.
    let rules = policy().classes;
    assert_eq!(rules.attendance_percent, 80);
    let (mut county, class) = approved();
    for n in 1..=2 {
        county.issued(n, n, Programme::General);
        enrols(&mut county, "06-05 7", n, class, n).unwrap();
    }
    attend(&mut county, class, 0..5, &[0, 1]);
    let mut last = entries(&[1]);
    last[0].lessons = 4;
    // Seat 0 has 20 of 24 lessons, seat 1 all.
    assert!(records(&mut county, "06-07 18", class, 5, &last).is_ok());
    assert_eq!(completes(&mut county, "06-07 18", 1), Ok(vec!["Completed"]));
    assert_eq!(completes(&mut county, "06-07 18", 2), Ok(vec!["Completed"]));
    let rules = &policy().programmes[&Programme::General];
    assert_eq!(days_earned(&county.world, &class, 0, rules), Ok(Days(2)));
    assert_eq!(days_earned(&county.world, &class, 1, rules), Ok(Days(3)));
    assert_eq!(days_earned(&county.world, &class, 7, rules), Ok(Days(0)));
}

#[test]
fn short_attendance_completes_nothing_and_the_drop_closes_the_class() {
    let (mut county, class) = approved();
    county.issued(1, 1, Programme::General);
    enrols(&mut county, "06-05 7", 1, class, 1).unwrap();
    attend(&mut county, class, 0..4, &[0]);
    let said = completes(&mut county, "06-07 13", 1);
    assert_eq!(said, Err(vec![Code::ClassNotOver, Code::AttendanceShort]));
    let finish = FinishClass { class };
    let finishes = |county: &mut County, when: &str| {
        county.play(&of(SCHOOL), at(when), |ask| finish_class(ask, &finish))
    };
    assert_eq!(
        finishes(&mut county, "06-07 17"),
        Err(vec![Code::ClassNotOver])
    );
    assert_eq!(finishes(&mut county, "06-07 18"), Ok(vec!["ClassFinished"]));
    assert_eq!(
        completes(&mut county, "06-08", 1),
        Err(vec![Code::AttendanceShort])
    );
    assert_eq!(
        drops(&mut county, "06-08", 1),
        Ok(vec!["Dropped", "ClassClosed"])
    );
    assert_eq!(
        county.world.class(&class).unwrap().state,
        ClassState::Closed
    );
}

#[test]
fn a_drop_frees_the_days_that_were_not_attended() {
    let (mut county, class) = approved();
    county.issued(1, 1, Programme::General);
    enrols(&mut county, "06-05 7", 1, class, 1).unwrap();
    attend(&mut county, class, 0..2, &[0]);
    assert_eq!(drops(&mut county, "06-06", 1), Ok(vec!["Dropped"]));
    let voucher = county.voucher(voucher_id(1));
    assert_eq!(voucher.state, VoucherState::Issued);
    assert_eq!((voucher.held.len(), held_days(&county, 1)), (1, 1));
    assert_eq!(county.world.class(&class).unwrap().unsettled, 0);
    assert_eq!(
        drops(&mut county, "06-06", 1),
        Err(vec![Code::VoucherNotEnrolled])
    );
}

#[test]
fn a_drop_after_the_year_of_use_expires_the_voucher_and_gives_the_money_back() {
    let (mut county, class) = approved();
    county.issued(1, 1, Programme::General);
    enrols(&mut county, "06-05 7", 1, class, 1).unwrap();
    assert_eq!(
        drops(&mut county, "12-01", 1),
        Ok(vec!["Dropped", "Expired"])
    );
    let voucher = county.voucher(voucher_id(1));
    assert!(matches!(
        voucher.state,
        VoucherState::Ended {
            how: End::Expired,
            ..
        }
    ));
    assert!(voucher.held.is_empty());
    assert_eq!(county.money(), (Fen::yuan(100_000), Fen::ZERO));
}

#[test]
fn days_of_a_class_that_the_bureau_stopped_are_carried_along() {
    let cancel = |by: &Caller| {
        let (mut county, class) = approved();
        county.issued(1, 1, Programme::General);
        enrols(&mut county, "06-05 7", 1, class, 1).unwrap();
        attend(&mut county, class, 0..2, &[0]);
        let act = CancelClass {
            class,
            reason: code("FLOOD"),
        };
        let said = county.play(by, at("06-06"), |ask| cancel_class(ask, &act));
        assert_eq!(said, Ok(vec!["ClassCancelled", "Dropped"]));
        let booked = county.world.booking(&code("room-1")).unwrap();
        assert!(booked.is_some_and(|booking| booking.slots.is_empty()));
        county.voucher(voucher_id(1)).carried_days
    };
    assert_eq!(cancel(&staff("reviewer", Role::Reviewer)), Days(1));
    assert_eq!(cancel(&of(SCHOOL)), Days(0));
}

#[test]
fn a_frozen_voucher_neither_enrols_nor_drops_nor_completes() {
    let (mut county, class) = approved();
    let id = county.issued(1, 1, Programme::General);
    enrols(&mut county, "06-05 7", 1, class, 1).unwrap();
    attend(&mut county, class, 0..6, &[0]);
    county.edit(id, |voucher| voucher.frozen = Some(code("SUSPECTED_FRAUD")));
    assert_eq!(
        completes(&mut county, "06-08", 1),
        Err(vec![Code::VoucherFrozen])
    );
    assert_eq!(
        drops(&mut county, "06-08", 1),
        Err(vec![Code::VoucherFrozen])
    );
}

#[test]
fn employment_is_stated_of_a_finished_class_with_known_reasons_and_no_future() {
    let (mut county, class) = approved();
    county.issued(1, 1, Programme::General);
    enrols(&mut county, "06-05 7", 1, class, 1).unwrap();
    attend(&mut county, class, 0..6, &[0]);
    let states = |county: &mut County, seat: u16, employed: Employed| {
        let act = RecordEmployment {
            class,
            seats: [(seat, employed)].into(),
        };
        county.play(&of(SCHOOL), at("06-08"), |ask| record_employment(ask, &act))
    };
    let since = |day: &str| Employed::Yes {
        evidence: Digest([5; 32]),
        since: date(day),
        monthly_income_fen: Fen::yuan(3_000),
    };
    assert_eq!(
        states(&mut county, 0, since("06-08")),
        Err(vec![Code::ClassNotFinished])
    );
    let finish = FinishClass { class };
    county
        .play(&of(SCHOOL), at("06-07 18"), |ask| {
            finish_class(ask, &finish)
        })
        .unwrap();
    assert_eq!(
        states(&mut county, 0, since("06-09")),
        Err(vec![Code::BadDates])
    );
    assert_eq!(
        states(&mut county, 4, Employed::No),
        Err(vec![Code::BadSeat])
    );
    let excluded = Employed::Excluded {
        reason: code("MOVED_AWAY"),
    };
    assert_eq!(
        states(&mut county, 0, excluded),
        Err(vec![Code::ReasonUnknown])
    );
    assert_eq!(
        states(&mut county, 0, since("06-08")),
        Ok(vec!["EmploymentRecorded"])
    );
}
