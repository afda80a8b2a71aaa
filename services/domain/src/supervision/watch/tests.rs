//! Each rule on a log that it flags, and on the nearest one that it does not.

use uuid::Uuid;

use super::*;
use crate::command::{CheckAnswer, Confirmation, ConfirmedBy};
use crate::event;
use crate::policy::Programme;
use crate::sample::*;
use crate::state::Method;
use crate::time::Instant;

/// A log that is written by hand.
struct Log {
    watch: Watch,
    index: u64,
}

fn digest(n: u16) -> Digest {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    Digest(bytes)
}

fn entries(seats: std::ops::Range<u16>, lessons: u16, evidence: u16) -> Vec<AttendanceEntry> {
    let entry = |seat| AttendanceEntry {
        seat,
        lessons,
        method: Method::Face,
        evidence: digest(evidence + seat),
        presence_checks: 0,
    };
    seats.map(entry).collect()
}

impl Log {
    /// The policy is adopted.
    fn new() -> Log {
        let mut log = Log {
            watch: Watch::new(),
            index: 0,
        };
        log.adopt(policy());
        log
    }

    fn adopt(&mut self, policy: Policy) {
        let adopted = Adopted {
            version: 1,
            effective: Instant(0),
            policy,
        };
        assert_eq!(self.write("01-01", Event::PolicyAdopted(adopted)), []);
    }

    fn close(&mut self, year: u16) {
        let closed = event::PlanYearClosed {
            year: PlanYear::try_from(year).unwrap(),
            by: code("finance"),
            carried: Vec::new(),
            accounts: Vec::new(),
        };
        assert_eq!(self.write("12-31", Event::PlanYearClosed(closed)), []);
    }

    fn remembers(&self) -> usize {
        let mut written = Vec::new();
        ciborium::into_writer(&self.watch, &mut written).unwrap();
        written.len()
    }

    /// The rules that flag something because of an event.
    fn write(&mut self, when: &str, event: Event) -> Vec<FraudRule> {
        let raised = self.raised(when, event);
        raised.iter().map(|raised| raised.rule).collect()
    }

    fn raised(&mut self, when: &str, event: Event) -> Vec<Raised> {
        let place = LogPlace {
            epoch: 0,
            index: self.index,
        };
        self.index += 1;
        let raised = self.watch.see(place, at(when), &event);
        // Whatever a rule remembers is written down and read back between any two events.
        let mut written = Vec::new();
        ciborium::into_writer(&self.watch, &mut written).unwrap();
        self.watch = ciborium::from_reader(written.as_slice()).unwrap();
        raised
    }

    /// A class of a week, two slots a day, with so many seats.
    fn class(&mut self, n: u128, capacity: u16) {
        let filing = ClassFiling {
            brand: None,
            capacity,
            site: code(&format!("room-{n}")),
            trainers: vec![code(&format!("trainer-{n}"))],
            ..filing(Programme::General, &["06-05", "06-06", "06-07"])
        };
        self.file(n, filing);
    }

    fn file(&mut self, n: u128, filing: ClassFiling) {
        let filed = event::ClassFiled {
            class: class_id(n),
            by: code("desk"),
            filing,
        };
        assert_eq!(self.write("05-29", Event::ClassFiled(filed)), []);
    }

    /// A person's voucher, issued and put on the class's next seat.
    fn seat(&mut self, voucher: u128, person: u128, class: u128, seat: u16) {
        self.apply(voucher, person);
        let enrolled = event::Enrolled {
            voucher: voucher_id(voucher),
            class: class_id(class),
            seat,
            reserve: crate::Fen::ZERO,
            due: at("12-31"),
            takes: Vec::new(),
        };
        assert_eq!(self.write("06-05 8", Event::Enrolled(enrolled)), []);
    }

    fn apply(&mut self, voucher: u128, person: u128) {
        let applied = event::Applied {
            voucher: voucher_id(voucher),
            person: person_id(person),
            year: year(),
            programme: Programme::General,
            category: code("flexible"),
            occupation: None,
            level: None,
            employer: None,
            by: code("holder"),
            by_holder: true,
            answers: Vec::new(),
            due: at("12-31"),
            takes: Vec::new(),
        };
        assert_eq!(self.write("05-01", Event::Applied(applied)), []);
        let issued = event::Issued {
            voucher: voucher_id(voucher),
            by: code("reviewer"),
            money: Money {
                year: year(),
                source: code("city"),
                amount: crate::Fen::ZERO,
            },
            due: at("12-31"),
            token: TokenInForce {
                hash: digest(0),
                cap: crate::Fen::ZERO,
                issued: Instant(0),
                expires: at("12-31"),
            },
            serial: 1,
            place: crate::status::Place(0),
            takes: Vec::new(),
        };
        assert_eq!(self.write("05-02", Event::Issued(issued)), []);
    }

    fn attend(
        &mut self,
        when: &str,
        class: u128,
        slot: u16,
        entries: Vec<AttendanceEntry>,
    ) -> Vec<FraudRule> {
        let recorded = event::AttendanceRecorded {
            class: class_id(class),
            slot,
            entries,
        };
        self.write(when, Event::AttendanceRecorded(recorded))
    }

    fn answer(&mut self, person: u128, check: &str, answer: &str) -> Vec<FraudRule> {
        let answers = vec![CheckAnswer {
            check: code(check),
            answer: code(answer),
            valid_until: date("12-31"),
            reference: None,
            employer: None,
        }];
        let recorded = event::CheckAnswersRecorded {
            person: person_id(person),
            by: code("clerk"),
            answers,
        };
        self.write("06-10", Event::CheckAnswersRecorded(recorded))
    }

    fn inspect(&mut self, class: u128, slot: u16, absent: &[u16]) -> Vec<FraudRule> {
        let inspection = InspectionId(Uuid::from_u128(self.index.into()));
        let record = Inspection {
            class: class_id(class),
            slot,
            present: BTreeSet::new(),
            evidence: digest(9),
            sample: None,
            entered_by: code("clerk"),
            at: at("06-05 9"),
            outcome: None,
        };
        let entered = event::Inspected { inspection, record };
        assert_eq!(self.write("06-05 9", Event::Inspected(entered)), []);
        let confirmed = event::InspectionConfirmed {
            inspection,
            by: code("reviewer"),
            proposal: digest(1),
            absent: absent.iter().copied().collect(),
            missing: 0,
            of: 0,
        };
        self.write("06-05 10", Event::InspectionConfirmed(confirmed))
    }
}

#[test]
fn a_class_that_is_taught_as_it_should_be_is_never_flagged() {
    let mut log = Log::new();
    log.class(1, 30);
    for n in 0..30 {
        log.seat(n, 100 + n, 1, u16::try_from(n).unwrap());
    }
    for slot in 0..6u16 {
        let day = 5 + slot / 2;
        let hour = if slot.is_multiple_of(2) { 12 } else { 18 };
        let entered = entries(0..30, 4, 1_000 + slot * 100);
        let when = format!("06-0{day} {hour}");
        assert_eq!(log.attend(&when, 1, slot, entered), [], "{when}");
    }
}

#[test]
fn whoever_is_on_record_though_officers_missed_them_is_flagged_whichever_came_first() {
    let mut log = Log::new();
    log.class(1, 30);
    assert_eq!(log.inspect(1, 0, &[3]), []);
    let all = entries(0..5, 4, 10);
    assert_eq!(
        log.attend("06-05 12", 1, 0, all),
        [FraudRule::AbsentRecorded]
    );
    let mut log = Log::new();
    log.class(1, 30);
    let mut all = entries(0..5, 4, 10);
    assert_eq!(log.attend("06-05 12", 1, 0, all.clone()), []);
    assert_eq!(log.inspect(1, 0, &[3]), [FraudRule::AbsentRecorded]);
    // On record as not there at all.
    let mut log = Log::new();
    log.class(1, 30);
    all[3].lessons = 0;
    assert_eq!(log.attend("06-05 12", 1, 0, all), []);
    assert_eq!(log.inspect(1, 0, &[3]), []);
}

#[test]
fn a_later_answer_that_would_have_kept_somebody_out_is_flagged_while_it_matters() {
    let mut log = Log::new();
    log.apply(1, 1);
    assert_eq!(log.answer(1, "pension", "none"), []);
    assert_eq!(
        log.answer(1, "pension", "drawing"),
        [FraudRule::CategoryChanged]
    );
    // The same again adds nothing; what the programme does not ask is nobody's business.
    assert_eq!(log.answer(1, "student", "full_time"), []);
    log.apply(2, 2);
    assert_eq!(log.answer(2, "insurance", "employee"), []);
    assert_eq!(log.answer(2, "alive", "no"), [FraudRule::Deceased]);
    log.apply(3, 3);
    let completed = event::Completed {
        voucher: voucher_id(3),
        class: class_id(1),
        seat: 0,
        days: crate::Days(3),
    };
    assert_eq!(log.write("06-08", Event::Completed(completed)), []);
    assert_eq!(log.answer(3, "pension", "drawing"), []);
    assert_eq!(log.answer(3, "alive", "no"), [FraudRule::Deceased]);
}

#[test]
fn more_people_than_seats_and_more_lessons_than_a_day_has_are_flagged() {
    let mut log = Log::new();
    log.class(1, 4);
    assert_eq!(log.attend("06-05 12", 1, 0, entries(0..4, 4, 0)), []);
    assert_eq!(
        log.attend("06-05 18", 1, 1, entries(0..5, 4, 10)),
        [FraudRule::OverSeats]
    );
    assert_eq!(log.attend("06-06 12", 1, 2, entries(0..1, 4, 20)), []);
    assert_eq!(
        log.attend("06-06 18", 1, 3, entries(0..1, 5, 30)),
        [FraudRule::OverHours]
    );
}

#[test]
fn what_is_entered_too_early_too_late_or_all_at_once_is_flagged() {
    let mut log = Log::new();
    log.class(1, 30);
    assert_eq!(log.attend("06-05 11", 1, 0, entries(0..3, 4, 0)), []);
    assert_eq!(
        log.attend("06-05 15", 1, 1, entries(0..3, 4, 10)),
        [FraudRule::EarlyRecord]
    );
    let mut log = Log::new();
    log.class(1, 30);
    for slot in 0..2 {
        assert_eq!(
            log.attend("06-06 19", 1, slot, entries(0..3, 2, slot * 10)),
            []
        );
    }
    assert_eq!(
        log.attend("06-06 19", 1, 2, entries(0..3, 4, 20)),
        [FraudRule::ManyAtOnce]
    );
    let mut late = |slot: u16| {
        let asked = event::LateEntryRequested {
            class: class_id(1),
            slot,
            entries: entries(0..3, 4, 100 + slot * 10),
            reason: code("TERMINAL_BROKEN"),
            evidence: digest(7),
        };
        assert_eq!(log.write("06-08", Event::LateEntryRequested(asked)), []);
        let approved = event::LateEntryApproved {
            class: class_id(1),
            slot,
            by: code("clerk"),
            proposal: digest(8),
        };
        log.write("06-09", Event::LateEntryApproved(approved))
    };
    assert_eq!(late(3), []);
    assert_eq!(late(4), [FraudRule::LateEntries]);
}

#[test]
fn one_piece_of_evidence_stands_for_one_check_in_and_a_paper_list_for_one_session() {
    let mut log = Log::new();
    log.class(1, 30);
    log.class(2, 30);
    assert_eq!(log.attend("06-05 12", 1, 0, entries(0..3, 4, 0)), []);
    let copied = entries(2..3, 4, 0);
    assert_eq!(
        log.attend("06-05 12", 2, 0, copied),
        [FraudRule::SameEvidence]
    );
    let mut list = entries(0..3, 4, 50);
    for entry in &mut list {
        (entry.method, entry.evidence) = (Method::Paper, digest(99));
    }
    assert_eq!(log.attend("06-05 18", 1, 1, list.clone()), []);
    assert_eq!(
        log.attend("06-06 12", 1, 2, list),
        [FraudRule::SameEvidence]
    );
    let mut log = Log::new();
    log.class(1, 30);
    let mut one_card = entries(0..3, 4, 50);
    one_card[2].evidence = one_card[1].evidence;
    assert_eq!(
        log.attend("06-05 12", 1, 0, one_card),
        [FraudRule::SameEvidence]
    );
}

#[test]
fn this_years_evidence_is_not_last_years_and_what_was_before_is_forgotten() {
    let mut log = Log::new();
    let begun = log.remembers();
    let in_year = |n: u16| ClassFiling {
        year: PlanYear::try_from(n).unwrap(),
        site: code(&format!("room-{n}")),
        trainers: vec![code(&format!("trainer-{n}"))],
        ..filing(Programme::General, &["06-05"])
    };
    for n in [2024, 2025] {
        log.adopt(Policy {
            year: PlanYear::try_from(n).unwrap(),
            ..policy()
        });
    }
    for n in 2023..=2025 {
        log.file(n.into(), in_year(n));
    }
    log.seat(1, 1, 2023, 0);
    let entries_of = |first| entries(first..first + 1, 4, 0);
    for seat in [1, 2] {
        assert_eq!(log.attend("06-05 12", 2023, 0, entries_of(seat)), []);
    }
    log.close(2023);
    assert_eq!(
        log.attend("06-05 12", 2024, 0, entries_of(1)),
        [FraudRule::SameEvidence]
    );
    log.close(2024);
    assert_eq!(log.attend("06-05 12", 2025, 0, entries_of(2)), []);
    log.close(2025);
    log.close(2026);
    // The flag about the copied evidence stands, and nothing else.
    let left = log.remembers();
    assert!(left < begun, "{left} bytes of {begun}");
}

#[test]
fn a_trainer_or_a_person_in_two_classes_at_one_time_is_flagged() {
    let mut log = Log::new();
    let shared = filing(Programme::General, &["06-05", "06-06"]);
    log.file(1, shared.clone());
    log.file(2, shared);
    log.seat(1, 7, 1, 0);
    log.seat(2, 7, 2, 0);
    log.seat(3, 8, 2, 1);
    assert_eq!(log.attend("06-05 12", 1, 0, entries(0..1, 4, 0)), []);
    let both = log.attend("06-05 12", 2, 0, entries(0..2, 4, 10));
    assert_eq!(both, [FraudRule::DoubleBooked, FraudRule::TwoPlaces]);
    // The other slot and another person are nobody's business.
    assert_eq!(log.attend("06-06 18", 2, 3, entries(1..2, 4, 20)), []);
}

#[test]
fn one_account_and_one_confirmation_have_one_behind_them() {
    let mut log = Log::new();
    let register = |n: u8, tag: u8| {
        Event::AccountRegistered(event::AccountRegistered {
            institution: institution(n),
            commitment: digest(1),
            tag: Tag([tag; 16]),
            maker: code("clerk"),
        })
    };
    assert_eq!(log.write("06-01", register(1, 1)), []);
    assert_eq!(log.write("06-01", register(1, 1)), []);
    assert_eq!(log.write("06-01", register(2, 2)), []);
    let raised = log.raised("06-01", register(3, 1));
    assert_eq!(raised[0].rule, FraudRule::SharedAccount);
    assert_eq!(raised[0].about, About::Institution(institution(3)));
    assert_eq!(raised[0].evidence.len(), 2);
    log.apply(1, 1);
    log.apply(2, 2);
    let confirm = |voucher: u128, how| {
        Event::ApplicationConfirmed(event::ApplicationConfirmed {
            voucher: voucher_id(voucher),
            by: code("portal"),
            by_holder: true,
            how,
            evidence: digest(5),
        })
    };
    assert_eq!(log.write("06-01", confirm(1, ConfirmedBy::Phone)), []);
    // A paper list has many names on it.
    assert_eq!(log.write("06-01", confirm(2, ConfirmedBy::Paper)), []);
    assert_eq!(
        log.write("06-01", confirm(2, ConfirmedBy::Phone)),
        [FraudRule::SharedConfirmation]
    );
    let own = Confirmation {
        by: ConfirmedBy::Phone,
        evidence: digest(6),
        witness: None,
    };
    let redeemed = event::Redeemed {
        voucher: voucher_id(1),
        sheet: SheetId(Uuid::from_u128(1)),
        opened: None,
        occasion: Occasion::Class(class_id(1)),
        seat: 0,
        amount: crate::Fen::ZERO,
        trail: Vec::new(),
        undertaking: digest(2),
        confirmation: own,
    };
    assert_eq!(log.write("07-01", Event::Redeemed(redeemed)), []);
}

#[test]
fn a_pass_rate_far_from_its_peers_is_flagged_once_there_are_enough() {
    let mut log = Log::new();
    let mut session = |n: u128, passed: u32, failed: u32| {
        let filing = SessionFiling {
            year: year(),
            body: institution(BODY),
            payee: institution(BODY),
            contract: None,
            occupation: code(OCCUPATION),
            level: level(2),
            date: date("06-20"),
            examiners: vec![code("trainer-1")],
            capacity: 100,
        };
        let filed = event::SessionFiled {
            session: session_id(n),
            by: code("desk"),
            filing,
        };
        assert_eq!(log.write("06-19", Event::SessionFiled(filed)), []);
        let results = [
            (passed, event::AssessmentResult::Pass),
            (failed, event::AssessmentResult::Fail),
            (50, event::AssessmentResult::Absent),
        ];
        for (count, result) in results {
            for v in 0..count {
                let assessed = event::Assessed {
                    voucher: voucher_id(n * 1_000 + u128::from(v)),
                    session: session_id(n),
                    result,
                    certificate: None,
                    seat: None,
                    due: None,
                    occupation_not_covered: false,
                    takes: Vec::new(),
                };
                assert_eq!(log.write("06-20", Event::Assessed(assessed)), []);
            }
        }
        let finished = event::SessionFinished {
            session: session_id(n),
            by: code("desk"),
        };
        log.write("06-21", Event::SessionFinished(finished))
    };
    // Alone it has no peers.
    assert_eq!(session(1, 21, 9), []);
    assert_eq!(session(2, 9, 0), [], "too few to say anything");
    // 30 of 39 peers passed: 77 in a hundred.
    assert_eq!(session(3, 9, 1), []);
    assert_eq!(session(4, 4, 6), [FraudRule::PassRate]);
}

#[test]
fn a_flag_stands_for_its_thing_until_it_is_cleared_and_its_id_follows_from_what_it_rests_on() {
    let mut log = Log::new();
    log.class(1, 30);
    let early = |slot: u16| event::AttendanceRecorded {
        class: class_id(1),
        slot,
        entries: entries(0..1, 1, 10 * slot),
    };
    let first = log.raised("06-05 8", Event::AttendanceRecorded(early(0)));
    let again = log.raised("06-05 14", Event::AttendanceRecorded(early(1)));
    assert_eq!((first.len(), again.len()), (1, 0));
    let flag = &first[0];
    let place = LogPlace { epoch: 0, index: 2 };
    assert_eq!(flag.evidence, [place]);
    assert_eq!(flag.flag(), flag_id(flag.rule, 1, &flag.about, &[place]));
    let act = flag.act();
    let raised = event::FlagRaised {
        flag: flag.flag(),
        record: Flag {
            rule: act.rule,
            version: act.version,
            severity: act.severity,
            about: act.about,
            evidence: act.evidence,
            state: FlagState::Open,
        },
    };
    assert_eq!(log.write("06-05 15", Event::FlagRaised(raised)), []);
    let cleared = event::FlagCleared {
        flag: flag.flag(),
        by: code("clerk"),
        reason: code("TERMINAL_CLOCK"),
        evidence: Some(digest(1)),
        proposal: None,
    };
    assert_eq!(log.write("06-05 16", Event::FlagCleared(cleared)), []);
    let later = log.raised("06-06 8", Event::AttendanceRecorded(early(2)));
    assert_eq!(later.len(), 1);
    assert_ne!(later[0].flag(), flag.flag());
}

#[test]
fn without_a_policy_or_without_its_rules_nothing_is_flagged() {
    for supervision in [None, policy().supervision] {
        let mut log = Log {
            watch: Watch::new(),
            index: 0,
        };
        if let Some(mut rules) = supervision {
            rules.fraud.remove(&FraudRule::EarlyRecord);
            let adopted = Adopted {
                version: 1,
                effective: Instant(0),
                policy: Policy {
                    supervision: Some(rules),
                    ..policy()
                },
            };
            log.write("01-01", Event::PolicyAdopted(adopted));
        }
        log.class(1, 30);
        assert_eq!(log.attend("06-05 8", 1, 0, entries(0..1, 4, 0)), []);
    }
}
