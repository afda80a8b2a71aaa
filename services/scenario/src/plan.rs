//! The plan of a made-up year: how many classes and sessions each region holds, when, of what size, and what goes wrong in which.

use jiff::civil::{Date, Weekday, date};

use crate::made_up::pick;
use crate::office::OCCUPATIONS;

/// Regions with their share of the plan in permille: the city line and eleven counties.
pub(crate) const SHARES: [(&str, u64); 12] = [
    ("140700", 60),
    ("140702", 160),
    ("140703", 90),
    ("140721", 50),
    ("140722", 55),
    ("140723", 55),
    ("140724", 70),
    ("140725", 80),
    ("140727", 85),
    ("140728", 105),
    ("140729", 85),
    ("140781", 105),
];

/// People of one ordinary class.
const SEATS: u64 = 40;

/// What goes wrong in a class or a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing out of the ordinary.
    None,
    /// One session is entered after the window.
    LateEntry,
    /// The employment share stays just below the gate.
    EmploymentShort,
    /// The sheet is returned once.
    Returned,
    /// One voucher is struck out for good.
    StruckOut,
    /// Somebody objects; it is dismissed.
    Objection,
    /// Somebody objects, rightly: one voucher is struck out.
    ObjectionUpheld,
    /// The bank returns the payout once.
    PayoutReturned,
    /// A voucher is frozen while its sheet is reviewed, then unfrozen.
    Frozen,
    /// A voucher is clawed back after its write-off.
    ClawedBack,
    /// A copied token is tried at another institution, and a voucher is redeemed twice.
    CopiedToken,
}

const TROUBLES: [Trouble; 9] = [
    Trouble::LateEntry,
    Trouble::Returned,
    Trouble::StruckOut,
    Trouble::Objection,
    Trouble::PayoutReturned,
    Trouble::Frozen,
    Trouble::ClawedBack,
    Trouble::CopiedToken,
    Trouble::ObjectionUpheld,
];

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    General,
    EnterpriseStaff,
    OrderProject,
    Assessment,
}

/// A class or an assessment session to come.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    /// Its number within its region.
    pub(crate) number: u64,
    /// Vouchers applied for.
    pub(crate) applied: u64,
    /// Days of a class, in order; a session's one day.
    pub(crate) days: Vec<Date>,
    pub(crate) occupation: &'static str,
    pub(crate) level: u32,
    pub(crate) trouble: Trouble,
    /// When its payout is sent.
    pub(crate) payout: Date,
}

impl Plan {
    /// This session, held on that day for that class's people and what they were taught.
    pub(crate) fn of_class(self, class: &Plan, day: Date) -> Plan {
        Plan {
            applied: class.applied,
            days: vec![day],
            occupation: class.occupation,
            level: class.level,
            ..self
        }
    }
}

/// Public holidays and harvest weeks, in which nothing starts.
fn pauses(day: Date) -> bool {
    let harvest = (date(2023, 6, 12)..=date(2023, 6, 18)).contains(&day)
        || (date(2023, 9, 18)..=date(2023, 10, 8)).contains(&day);
    harvest || (date(2023, 6, 22)..=date(2023, 6, 24)).contains(&day)
}

/// The `count` teaching days from the first Monday to Saturday on or after `from` on; Sundays and pauses are free.
fn teaching_days(from: Date, count: usize) -> Vec<Date> {
    let mut days = Vec::with_capacity(count);
    let mut day = from;
    while days.len() < count {
        if day.weekday() != Weekday::Sunday && !pauses(day) {
            days.push(day);
        }
        day = day.tomorrow().unwrap_or(day);
    }
    days
}

/// A day between May and mid-November, by seed: classes spread over the year.
fn start(seed: u64, label: &str, number: u64, of: u64) -> Date {
    let span = 180;
    let even = (number * span).checked_div(of).unwrap_or(0);
    let day = (even + pick(seed, label, number, 8)).min(span);
    date(2023, 5, 15)
        .checked_add(jiff::Span::new().days(i64::try_from(day).unwrap_or(0)))
        .unwrap_or(date(2023, 5, 15))
}

/// Payouts are bunched from January to March.
fn payout(seed: u64, region: &str, number: u64) -> Date {
    let day = pick(seed, &format!("payout/{region}"), number, 62);
    date(2024, 1, 10)
        .checked_add(jiff::Span::new().days(i64::try_from(day).unwrap_or(0)))
        .unwrap_or(date(2024, 1, 10))
}

/// A region's plan: `vouchers` is the whole deployment's number of vouchers, training and assessment, three to two.
pub(crate) fn of_region(seed: u64, region: &str, share: u64, vouchers: u64) -> Vec<Plan> {
    // Counties reach 88 to 108% of their plan.
    let reached = 900 + pick(seed, "reached", share + region.len() as u64, 200);
    let mine = |all: u64| (all * share * reached / 1_000_000).max(1);
    let training = mine(vouchers * 60 / 100);
    let assessment = mine(vouchers * 40 / 100);
    let mut plans = Vec::new();
    let order = training * 65 / 1_000;
    let staff = training * 350 / 1_000;
    let general = training - order - staff;
    for (kind, heads, days) in [
        (Kind::OrderProject, order, 12),
        (Kind::EnterpriseStaff, staff, 3),
        (Kind::General, general, 10),
        (Kind::Assessment, assessment, 1),
    ] {
        // Most sessions assess a class, of which some are gone by then.
        let seats = match kind {
            Kind::General | Kind::EnterpriseStaff | Kind::OrderProject => SEATS + 5,
            Kind::Assessment => SEATS,
        };
        let classes = heads.div_ceil(seats).max(u64::from(heads > 0));
        for n in 0..classes {
            let number = plans.len() as u64;
            let applied = (heads * (n + 1) / classes) - (heads * n / classes);
            if applied == 0 {
                continue;
            }
            let length = match kind {
                Kind::General => days - usize::try_from(pick(seed, region, number, 3)).unwrap_or(0),
                Kind::EnterpriseStaff | Kind::OrderProject | Kind::Assessment => days,
            };
            let from = start(seed, region, n, classes);
            plans.push(Plan {
                kind,
                number,
                applied,
                days: teaching_days(from, length),
                occupation: OCCUPATIONS[(number % OCCUPATIONS.len() as u64) as usize],
                level: 2 + u32::try_from(number % 3).unwrap_or(0),
                trouble: trouble(region, kind, number, n),
                payout: payout(seed, region, number),
            });
        }
    }
    plans
}

fn trouble(region: &str, kind: Kind, number: u64, n: u64) -> Trouble {
    // One order class of the largest county stays just below the gate.
    if kind == Kind::OrderProject && n == 0 && region == "140702" {
        return Trouble::EmploymentShort;
    }
    let digits: u64 = region.bytes().map(u64::from).sum();
    let pick = (number + digits) % 14;
    let trouble = TROUBLES
        .get(usize::try_from(pick).unwrap_or(usize::MAX))
        .copied()
        .unwrap_or(Trouble::None);
    match (kind, trouble) {
        (Kind::Assessment, Trouble::LateEntry | Trouble::CopiedToken) => Trouble::None,
        (
            Kind::OrderProject | Kind::EnterpriseStaff | Kind::General | Kind::Assessment,
            trouble,
        ) => trouble,
    }
}
