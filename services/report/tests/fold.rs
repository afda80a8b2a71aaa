//! The fold over small logs, as an official could read them; each is folded whole, and event by event with everything forgotten in between but
//! what was written: both must count the same.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

use std::collections::BTreeMap;

use hefu_domain::{Event, Instant};
use hefu_report::{Ask, Book, Cell, Fact, Figures, Lang, Name, RegionFigures, Report, build};
use serde_json::{Value, json};

/// A log of made-up events, a day each from 2023-06-01 on.
#[derive(Default)]
struct Log(Vec<Event>);

type Counts = BTreeMap<String, i64>;

fn id(number: u64) -> String {
    format!("01890000-0000-7000-8000-{number:012}")
}

const SCHOOL: &str = "91350100M000100Y43";

fn tag() -> String {
    "A".repeat(22)
}

fn digest() -> String {
    "A".repeat(43)
}

impl Log {
    fn put(&mut self, kind: &str, body: Value) -> &mut Log {
        let event = Event::decode(kind, &body.to_string());
        let event = event.unwrap_or_else(|| panic!("no event {kind}"));
        self.0
            .push(event.unwrap_or_else(|error| panic!("{kind}: {error}")));
        self
    }

    fn year(&mut self, year: u16) -> &mut Log {
        self.put("PlanYearOpened", json!({ "year": year }))
    }

    fn applied(&mut self, voucher: u64, person: u64, programme: &str) -> &mut Log {
        self.put(
            "Applied",
            json!({
                "voucher": id(voucher), "person": id(1_000 + person), "year": 2023, "programme": programme,
                "category": "flexible", "by": "zhang", "by_holder": true, "answers": [], "due": 0, "takes": [],
            }),
        )
    }

    fn issued(&mut self, voucher: u64, fen: i64) -> &mut Log {
        let token = json!({ "hash": digest(), "cap": fen, "issued": 0, "expires": 0 });
        let money = json!({ "year": 2023, "source": "city", "amount": fen });
        self.put(
            "Issued",
            json!({ "voucher": id(voucher), "by": "li", "money": money, "due": 0, "token": token, "serial": 1, "place": 0, "takes": [] }),
        )
    }

    fn session(&mut self, session: u64, level: u8) -> &mut Log {
        let filing = json!({
            "year": 2023, "body": SCHOOL, "payee": SCHOOL, "occupation": "6-31-01-03", "level": level, "date": "2023-06-01",
            "examiners": [], "capacity": 40,
        });
        self.put(
            "SessionFiled",
            json!({ "session": id(2_000 + session), "by": "desk", "filing": filing }),
        )
    }

    fn passed(&mut self, voucher: u64, session: u64) -> &mut Log {
        self.put(
            "Assessed",
            json!({
                "voucher": id(voucher), "session": id(2_000 + session), "result": "pass", "certificate": digest(),
                "occupation_not_covered": false, "takes": [],
            }),
        )
    }

    fn confirmed(&mut self, voucher: u64, known: bool) -> &mut Log {
        self.put(
            "CertificateConfirmed",
            json!({ "voucher": id(voucher), "known": known }),
        )
    }

    fn redeemed(&mut self, voucher: u64, sheet: u64, opens: bool, fen: i64) -> &mut Log {
        let mut body = json!({
            "voucher": id(voucher), "sheet": id(3_000 + sheet), "occasion": { "session": id(2_001) }, "seat": 0, "amount": fen,
            "trail": [], "undertaking": digest(), "confirmation": { "by": "phone", "evidence": digest() },
        });
        if opens {
            body["opened"] = json!(1);
        }
        self.put("Redeemed", body)
    }

    fn approved(&mut self, sheet: u64, total: i64, released: &[i64]) -> &mut Log {
        self.put(
            "ClaimApproved",
            json!({ "sheet": id(3_000 + sheet), "by": "wang", "total": total, "approval": digest(), "released": released }),
        )
    }

    fn paid(&mut self, sheet: u64) -> &mut Log {
        self.put(
            "PayoutRecorded",
            json!({ "sheet": id(3_000 + sheet), "by": "zhao", "batch": digest(), "reference": "B-1" }),
        )
    }

    /// Counters that are not nothing in the end: folded whole, and with nothing in memory from one event to the next.
    fn counts(&self) -> Counts {
        let at = |number: usize| {
            let first: hefu_domain::Date = "2023-06-01".parse().unwrap();
            Instant(Instant::start_of(first).0 + number as i64 * 86_400_000)
        };
        let mut whole = Book::whole();
        for (number, event) in self.0.iter().enumerate() {
            whole.fold(at(number), 0, event).unwrap();
        }
        let whole = whole.take();
        let mut stored: BTreeMap<String, String> = BTreeMap::new();
        let mut counts = BTreeMap::new();
        for (number, event) in self.0.iter().enumerate() {
            let mut book = Book::new();
            loop {
                let needs = book.needs(event);
                if needs.is_empty() {
                    break;
                }
                for id in needs {
                    let fact = stored.get(&id).map(|body| Fact::read(&id, body).unwrap());
                    book.bring(id, fact);
                }
            }
            book.fold(at(number), 0, event).unwrap();
            let changes = book.take();
            stored.extend(changes.facts);
            for (count, by) in changes.counts {
                *counts.entry(count).or_insert(0) += by;
            }
        }
        counts.retain(|_, value| *value != 0);
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), whole.counts);
        assert_eq!(stored, whole.facts.into_iter().collect());
        let mut sums = Counts::new();
        for (count, by) in whole.counts {
            let item = format!("{} {}", count.subject.as_str(), count.item);
            *sums.entry(item).or_default() += by;
        }
        sums.retain(|_, value| *value != 0);
        sums
    }
}

/// A report of the whole log.
fn report(log: &Log, name: Name) -> Report {
    let mut book = Book::whole();
    let first = Instant::start_of("2023-06-01".parse().unwrap());
    for event in &log.0 {
        book.fold(first, 0, event).unwrap();
    }
    let ask = Ask {
        name,
        region: "140725".parse().unwrap(),
        below: false,
        as_of: "2023-12-31".parse().unwrap(),
        year: None,
        institution: None,
        lang: Lang::En,
    };
    let mut facts = Vec::new();
    for prefix in ask.facts() {
        let under = book.under(&prefix);
        facts.extend(under.map(|(id, fact)| (id.to_owned(), fact.clone())));
    }
    let wants = ask.wants(ask.plan_year(&facts).unwrap());
    let figures = wants
        .iter()
        .map(|wanted| Figures::of(wanted.select(book.counts())));
    let own = RegionFigures {
        region: ask.region.clone(),
        figures: figures.collect(),
        facts,
    };
    build(&ask, &[own]).unwrap()
}

/// The numbers of the row of that name, by columns' keys.
fn numbers(report: &Report, row: &str, keys: &[&str]) -> Vec<Option<i64>> {
    let named = |cells: &&hefu_report::Row| cells.cells[1] == Cell::Text(row.to_owned());
    let row = report.rows.iter().find(named).unwrap();
    let at = |key: &&str| report.columns.iter().position(|column| column.key == **key);
    let number = |key| match &row.cells[at(key).unwrap()] {
        Cell::Number(number) => Some(*number),
        Cell::Empty | Cell::Text(_) => None,
    };
    keys.iter().map(number).collect()
}

fn of(counts: &Counts, item: &str) -> i64 {
    counts.get(item).copied().unwrap_or_default()
}

/// Certificates, newly skilled, newly high-skilled, whatever the level.
fn people(counts: &Counts) -> [i64; 3] {
    ["/certificates", "/first", "/first_high"].map(|measure| {
        let meant = counts
            .iter()
            .filter(|(item, _)| item.starts_with("certificate ") && item.ends_with(measure));
        meant.map(|(_, value)| value).sum()
    })
}

#[test]
fn a_first_certificate_makes_somebody_skilled_once() {
    let mut log = Log::default();
    log.applied(1, 1, "general")
        .applied(2, 1, "assessment")
        .applied(3, 2, "assessment");
    log.session(1, 3).session(2, 4);
    assert_eq!(people(&log.passed(1, 1).counts()), [1, 1, 0]);
    // The same person's second one, at 高级工.
    assert_eq!(people(&log.passed(2, 2).counts()), [2, 1, 1]);
    assert_eq!(people(&log.passed(3, 2).counts()), [3, 2, 2]);
    let counts = log.counts();
    assert_eq!(of(&counts, "certificate 2023/general/3/flexible/first"), 1);
    assert_eq!(
        of(&counts, "certificate 2023/assessment/4/flexible/first_high"),
        2
    );
    assert_eq!(
        of(
            &counts,
            &format!("institution {SCHOOL}/2023/assessment/passed")
        ),
        2
    );
}

/// Somebody's certificate may be older than any plan year: it counts in none that a report is of, and its holder is skilled already.
#[test]
fn a_certificate_of_long_ago_is_counted_where_it_belongs_and_stops_nothing() {
    let mut log = Log::default();
    log.put(
        "CertificatesImported",
        json!({
            "import": id(9_001), "by": "zhang", "list": "L-1", "part": 1, "parts": 1,
            "certificates": [{
                "person": id(1_001), "occupation": "6-31-01-03", "level": 3, "on": "1998-05-01", "number": tag(), "certificate": digest(),
            }],
        }),
    );
    assert_eq!(people(&log.counts()), [1, 1, 0]);
    log.applied(1, 1, "general").session(1, 3).passed(1, 1);
    let counts = log.counts();
    assert_eq!(people(&counts), [2, 1, 0]);
    assert_eq!(of(&counts, "certificate 1998/none/3/none/first"), 1);
    assert_eq!(of(&counts, "certificate 2023/general/3/flexible/first"), 0);
}

#[test]
fn a_certificate_that_the_register_denies_was_none() {
    let mut log = Log::default();
    log.applied(1, 1, "general").applied(2, 1, "assessment");
    log.session(1, 3).session(2, 4).passed(1, 1).passed(2, 2);
    assert_eq!(people(&log.confirmed(1, true).counts()), [2, 1, 1]);
    let counts = log.confirmed(1, false).counts();
    // The second one is the first now.
    assert_eq!(people(&counts), [1, 1, 1]);
    assert_eq!(
        of(&counts, "certificate 2023/assessment/4/flexible/first"),
        1
    );
    assert_eq!(people(&log.confirmed(2, false).counts()), [0, 0, 0]);
    // Taken again under the right number.
    assert_eq!(people(&log.passed(1, 1).counts()), [1, 1, 0]);
    assert_eq!(people(&log.confirmed(1, true).counts()), [1, 1, 0]);
}

#[test]
fn a_corrected_identity_takes_its_certificate_along() {
    let mut log = Log::default();
    log.applied(1, 1, "assessment").applied(2, 2, "assessment");
    log.session(1, 4).passed(1, 1).passed(2, 1);
    assert_eq!(people(&log.counts()), [2, 2, 2]);
    log.put(
        "CorrectionConfirmed",
        json!({ "voucher": id(1), "person": id(1_002), "by": "wang", "frees": [tag()], "takes": [] }),
    );
    // It was the second person's all along, who has one already.
    assert_eq!(people(&log.counts()), [2, 1, 1]);
}

#[test]
fn money_moves_as_the_events_say_and_adds_up() {
    let mut log = Log::default();
    let money =
        |fen: i64| json!({ "year": 2023, "source": "city", "amount": fen, "reference": "T-1" });
    log.year(2023).put("FundsAppropriated", money(1_000_000));
    log.session(1, 3);
    log.applied(1, 1, "assessment")
        .applied(2, 2, "assessment")
        .applied(3, 3, "assessment");
    log.issued(1, 100_000).issued(2, 100_000).issued(3, 100_000);
    let buckets = |counts: &Counts, year: u16| {
        ["allocated", "available", "reserved", "payable", "paid"]
            .map(|bucket| of(counts, &format!("fund {year}/city/{bucket}")))
    };
    assert_eq!(
        buckets(&log.counts(), 2023),
        [1_000_000, 700_000, 300_000, 0, 0]
    );
    log.redeemed(1, 1, true, 80_000)
        .redeemed(2, 1, false, 90_000)
        .redeemed(3, 1, false, 100_000);
    log.approved(1, 270_000, &[20_000, 10_000, 0]);
    assert_eq!(
        buckets(&log.counts(), 2023),
        [1_000_000, 730_000, 0, 270_000, 0]
    );
    // One is struck out: what was owed for it is reserved again. Then its time runs out.
    log.put(
        "StruckOut",
        json!({ "sheet": id(3_001), "voucher": id(2), "by": "wang", "reason": "WRONG", "refuse": false, "frees": [] }),
    );
    assert_eq!(
        buckets(&log.counts(), 2023),
        [1_000_000, 730_000, 90_000, 180_000, 0]
    );
    let release = json!({ "year": 2023, "source": "city", "amount": 90_000 });
    log.put(
        "Expired",
        json!({ "voucher": id(2), "release": release, "frees": [] }),
    );
    assert_eq!(
        buckets(&log.counts(), 2023),
        [1_000_000, 820_000, 0, 180_000, 0]
    );
    log.paid(1);
    let counts = log.counts();
    assert_eq!(buckets(&counts, 2023), [1_000_000, 820_000, 0, 0, 180_000]);
    assert_eq!(of(&counts, "plan 2023/assessment/paid"), 2);
    assert_eq!(
        of(
            &counts,
            &format!("institution {SCHOOL}/2023/assessment/paid_fen")
        ),
        180_000
    );
    // The bank returns it, once it has paid; nothing more happens when it returns what never arrived.
    let returned =
        json!({ "sheet": id(3_001), "by": "zhao", "reference": "B-2", "reason": "CLOSED_ACCOUNT" });
    log.put("PayoutReturned", returned.clone());
    assert_eq!(
        buckets(&log.counts(), 2023),
        [1_000_000, 820_000, 0, 180_000, 0]
    );
    log.put("PayoutReturned", returned);
    let counts = log.counts();
    assert_eq!(buckets(&counts, 2023), [1_000_000, 820_000, 0, 180_000, 0]);
    assert_eq!(
        (
            of(&counts, "plan 2023/assessment/paid"),
            of(&counts, "plan 2023/assessment/approved")
        ),
        (0, 2)
    );
    // The year closes; what is owed is the next year's to pay.
    let accounts = json!([{ "source": "city", "payable": 180_000, "rest": 820_000 }]);
    log.year(2024).put(
        "PlanYearClosed",
        json!({ "year": 2023, "by": "zhao", "carried": [id(3_001)], "accounts": accounts }),
    );
    let counts = log.paid(1).counts();
    assert_eq!(buckets(&counts, 2023), [0, 0, 0, 0, 0]);
    assert_eq!(buckets(&counts, 2024), [1_000_000, 820_000, 0, 0, 180_000]);
    assert_eq!(
        of(&counts, "plan 2023/assessment/paid_fen"),
        180_000,
        "of the year in which it was earned"
    );
    // Claimed back: it is owed by whoever was paid, and comes back to the account that paid.
    let claw_back = json!({
        "amount": 80_000, "reason": "WRONG", "decision": digest(), "hearing": digest(), "due": "2024-06-01", "sheet": id(3_001),
        "payee": SCHOOL, "proposed_by": "wang", "received": 0,
    });
    log.put(
        "ClawBackProposed",
        json!({ "voucher": id(1), "claw_back": claw_back }),
    );
    log.put(
        "ClawBackConfirmed",
        json!({ "voucher": id(1), "by": "li", "proposal": digest(), "frees": [] }),
    );
    log.put(
        "ClawBackReceived",
        json!({ "voucher": id(1), "amount": 30_000, "year": 2024, "source": "city", "reference": "R-1" }),
    );
    let counts = log.counts();
    assert_eq!(buckets(&counts, 2024), [1_000_000, 850_000, 0, 0, 150_000]);
    assert_eq!(
        of(
            &counts,
            &format!("institution {SCHOOL}/2023/assessment/clawed_back_fen")
        ),
        80_000
    );
}

#[test]
fn a_target_that_is_set_anew_counts_from_that_day_on() {
    let mut log = Log::default();
    log.year(2023).put(
        "TargetsSet",
        json!({ "year": 2023, "targets": { "general": 500, "trained": 900 } }),
    );
    log.put(
        "TargetsSet",
        json!({ "year": 2023, "targets": { "general": 450 } }),
    );
    let counts = log.counts();
    assert_eq!(of(&counts, "target 2023/general"), 450);
    assert_eq!(of(&counts, "target 2023/trained"), 900);
}

/// Assessments have a plan of their own, which is reached with certificates; the plan of training is not the larger for it.
#[test]
fn a_plan_of_assessments_is_reached_with_certificates_and_is_no_training() {
    let mut log = Log::default();
    log.put(
        "RegionOpened",
        json!({ "name": "寿阳县", "name_en": "Shouyang", "deployment": "test", "simulated": true, "parent": "140700" }),
    );
    log.year(2023).put(
        "TargetsSet",
        json!({ "year": 2023, "targets": { "general": 4, "assessment": 6 } }),
    );
    log.applied(1, 1, "assessment")
        .applied(2, 2, "assessment")
        .applied(3, 3, "general");
    log.session(1, 3).passed(1, 1).passed(2, 1).passed(3, 1);
    let progress = report(&log, Name::Progress);
    let keys = ["target", "certificates", "percent"];
    let line = numbers(&progress, "assessment", &keys);
    assert_eq!(line, [Some(6), Some(2), Some(333)]);
    let subtotal = numbers(&progress, "subtotal", &keys);
    assert_eq!(subtotal, [Some(4), Some(3), Some(0)]);
    let indicators = report(&log, Name::Indicators);
    let reached = numbers(&indicators, "assessment", &["target", "reached"]);
    assert_eq!(reached, [Some(6), Some(2)]);
}

#[test]
fn a_voucher_that_no_log_made_is_refused() {
    let mut log = Log::default();
    log.issued(1, 100);
    let mut book = Book::whole();
    let error = book.fold(Instant(0), 0, &log.0[0]).unwrap_err();
    assert!(error.to_string().contains(&id(1)), "{error}");
}

/// A class of that programme, whose payee is the institution of the other tests.
fn class(log: &mut Log, class: u64, programme: &str, brand: Option<&str>) {
    let mut filing = json!({
        "year": 2023, "programme": programme, "occupation": "6-31-01-03", "level": 3, "sponsor": SCHOOL, "deliverer": SCHOOL,
        "payee": SCHOOL, "site": "room-1", "trainers": ["t-1"], "capacity": 40, "putonghua": true, "timetable": [],
    });
    if let Some(brand) = brand {
        filing["brand"] = json!(brand);
    }
    log.put(
        "ClassFiled",
        json!({ "class": id(4_000 + class), "by": "desk", "filing": filing }),
    );
}

fn completed(log: &mut Log, voucher: u64, class: u64) {
    log.put(
        "Completed",
        json!({ "voucher": id(voucher), "class": id(4_000 + class), "seat": 0, "days": 3 }),
    );
}

#[test]
fn staff_count_with_the_enterprise_that_is_paid_and_anybody_with_the_class_s_brand() {
    let mut log = Log::default();
    class(&mut log, 1, "enterprise_staff", None);
    class(&mut log, 2, "general", Some("qixian-glassware"));
    for (voucher, programme) in [(1, "enterprise_staff"), (2, "general"), (3, "general")] {
        log.applied(voucher, voucher, programme);
    }
    completed(&mut log, 1, 1);
    completed(&mut log, 2, 2);
    completed(&mut log, 3, 2);
    let counts = log.counts();
    let shares: Vec<_> = counts
        .iter()
        .filter(|(item, _)| item.starts_with("share "))
        .map(|(item, value)| (item.as_str(), *value))
        .collect();
    let staff = format!("share 2023/staff/{SCHOOL}");
    assert_eq!(
        shares,
        [("share 2023/brand/qixian-glassware", 2), (&staff, 1)]
    );
}

#[test]
fn a_student_s_first_certificate_counts_with_the_school_that_the_register_named() {
    let mut log = Log::default();
    let policy = hefu_domain::Policy::from_toml(include_str!("../../../policy/jinzhong-2023.toml"));
    log.put(
        "PolicyAdopted",
        json!({ "version": 1, "effective": 0, "policy": policy.unwrap() }),
    );
    let student = |log: &mut Log, voucher: u64, category: &str, school: Option<&str>| {
        let mut answer =
            json!({ "check": "student", "answer": "graduating", "valid_until": "2024-03-31" });
        if let Some(school) = school {
            answer["employer"] = json!(school);
        }
        log.put(
            "Applied",
            json!({
                "voucher": id(voucher), "person": id(1_000 + voucher), "year": 2023, "programme": "assessment", "category": category,
                "by": "zhang", "by_holder": true, "answers": [answer], "due": 0, "takes": [],
            }),
        );
    };
    student(&mut log, 1, "graduating_student", Some(SCHOOL));
    student(&mut log, 2, "graduating_student", None);
    // Only the answer that proves a graduating category names a school.
    student(&mut log, 3, "flexible", Some(SCHOOL));
    log.session(1, 3).passed(1, 1).passed(2, 1).passed(3, 1);
    let item = format!("share 2023/student/{SCHOOL}");
    assert_eq!(of(&log.counts(), &item), 1);
    // Denied, it was none.
    assert_eq!(of(&log.confirmed(1, false).counts(), &item), 0);
}
