//! What the region decides about supervision ("采取日常检查、按比例抽查、专项检查、委托第三方核查、质量评估、信用等级评价等方式", 2023
//! notice, part 7, item 6): how a finding runs, what credit is made of, and which fraud rules run with which thresholds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::Reason;

/// Spot checks, credit and fraud checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupervisionRules {
    /// The notice's phrase.
    pub phrase: String,
    /// Hours after a session's end within which an inspection of it is entered.
    pub inspection_entry_hours: u32,
    /// The share of those on record who may be missing at an inspection before the class's claims are blocked.
    pub gap_percent: u16,
    /// Days in which what an inspection found is put right.
    pub rectify_days: u16,
    /// Days after its plan in which a sample's draw is published.
    pub draw_days: u16,
    /// Credit (信用分类管理).
    pub credit: CreditRules,
    /// The fraud rules that run, each with what its flag does.
    pub fraud: BTreeMap<FraudRule, Severity>,
    /// Their thresholds.
    pub limits: FraudLimits,
}

/// Credit: a score, four classes, and what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditRules {
    /// The notice's phrase.
    pub phrase: String,
    /// The score that an institution begins with.
    pub start: i32,
    /// The least score of class A.
    pub a: i32,
    /// The least score of class B.
    pub b: i32,
    /// The least score of class C; below it is D.
    pub c: i32,
    /// Days since the last points taken before credit is restored (信用修复).
    pub restore_days: u16,
    /// The score that a restoration gives back.
    pub restored: i32,
    /// Of each class, the share of proportional samples.
    pub sampling_percent: BTreeMap<CreditClass, u16>,
    /// Coded events, and the points that each gives or takes.
    pub points: BTreeMap<Reason, i32>,
}

impl CreditRules {
    /// The class of a score.
    pub fn class(&self, score: i32) -> CreditClass {
        match score {
            score if score >= self.a => CreditClass::A,
            score if score >= self.b => CreditClass::B,
            score if score >= self.c => CreditClass::C,
            _ => CreditClass::D,
        }
    }
}

/// A credit class (信用等级).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CreditClass {
    /// 守信.
    A,
    /// Good.
    B,
    /// Watched.
    C,
    /// 失信: no class of theirs is approved, and nobody is enrolled in one.
    D,
}

impl CreditClass {
    /// Its letter.
    pub fn as_str(self) -> &'static str {
        match self {
            CreditClass::A => "A",
            CreditClass::B => "B",
            CreditClass::C => "C",
            CreditClass::D => "D",
        }
    }
}

/// What a flag does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody looks at it; one person clears it.
    Warning,
    /// No claim that it touches is approved while it stands; two people clear it.
    Block,
}

macro_rules! fraud_rules {
    ($($(#[$doc:meta])* $name:ident $code:literal $version:literal;)+) => {
        /// A fraud rule. What each sees is told in docs/SUPERVISION.md; the version changes with what it sees.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum FraudRule {$(
            $(#[$doc])*
            #[serde(rename = $code)]
            $name,
        )+}

        impl FraudRule {
            /// Every rule.
            pub const ALL: &[FraudRule] = &[$(FraudRule::$name,)+];

            /// Its code.
            pub fn as_str(self) -> &'static str {
                match self {$(FraudRule::$name => $code,)+}
            }

            /// Its version.
            pub fn version(self) -> u16 {
                match self {$(FraudRule::$name => $version,)+}
            }
        }
    };
}

fraud_rules! {
    /// On record as present in a session at which two officers found them missing.
    AbsentRecorded "absent_recorded" 1;
    /// A register's later answer is one that would have kept the person out.
    CategoryChanged "category_changed" 1;
    /// A register says that the person died.
    Deceased "deceased" 1;
    /// A trainer or room taught in two classes in one slot.
    DoubleBooked "double_booked" 1;
    /// A session was entered long before it ended.
    EarlyRecord "early_record" 1;
    /// Many sessions of one class were entered after the window.
    LateEntries "late_entries" 1;
    /// Many sessions of one class were entered within seconds.
    ManyAtOnce "many_at_once" 1;
    /// Somebody has more lessons on a day than a day has.
    OverHours "over_hours" 1;
    /// More people were present than the class has seats.
    OverSeats "over_seats" 1;
    /// A session's pass rate lies far from its peers'.
    PassRate "pass_rate" 1;
    /// One piece of evidence stands for two sessions, or for two people's check-ins.
    SameEvidence "same_evidence" 1;
    /// One corporate account stands behind several institutions.
    SharedAccount "shared_account" 1;
    /// One confirmation stands behind several people.
    SharedConfirmation "shared_confirmation" 1;
    /// One person was in two classes on one day.
    TwoPlaces "two_places" 1;
}

/// Thresholds of the fraud rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FraudLimits {
    /// Lessons that one person may have in a day.
    pub day_lessons: u16,
    /// Minutes before its end from which on a session may be entered.
    pub early_minutes: u32,
    /// Sessions of one class that are entered late before it is seen.
    pub late_sessions: u16,
    /// So many sessions of one class…
    pub burst_sessions: u16,
    /// …entered within so many seconds.
    pub burst_seconds: u32,
    /// Points by which a pass rate may lie apart from its peers'.
    pub pass_gap: u16,
    /// People whom a session must have assessed to be compared.
    pub pass_assessed: u32,
    /// People whom the peers must have assessed.
    pub pass_peers: u32,
    /// Institutions behind one corporate account.
    pub account_institutions: u16,
    /// People behind one confirmation.
    pub confirmation_people: u16,
}

impl SupervisionRules {
    /// What it says that cannot be.
    pub(super) fn contradictions(&self) -> Vec<String> {
        let credit = &self.credit;
        let mut wrong = Vec::new();
        let mut require = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("supervision.{what}"));
            }
        };
        require(
            credit.a > credit.b && credit.b > credit.c,
            "credit: the thresholds a, b and c must fall",
        );
        require(
            credit.restored >= credit.c && credit.restored < credit.a,
            "credit.restored: restoration leads to class B or C",
        );
        let all = [
            CreditClass::A,
            CreditClass::B,
            CreditClass::C,
            CreditClass::D,
        ];
        let shares = all.map(|class| credit.sampling_percent.get(&class).copied());
        require(
            shares
                .iter()
                .all(|share| share.is_some_and(|percent| percent <= 100)),
            "credit.sampling_percent: each of A, B, C and D has a share of at most 100 percent",
        );
        require(
            shares.is_sorted(),
            "credit.sampling_percent: whoever has less credit is not sampled less",
        );
        require(
            credit.points.values().all(|points| *points != 0),
            "credit.points: an event gives or takes points",
        );
        require(
            self.gap_percent <= 100 && self.limits.pass_gap <= 100,
            "gap_percent, limits.pass_gap: a share above 100 percent",
        );
        let counts = [
            self.limits.late_sessions,
            self.limits.burst_sessions,
            self.limits.account_institutions,
            self.limits.confirmation_people,
        ];
        require(
            counts.iter().all(|count| *count > 0),
            "limits: a count of nothing would flag everybody",
        );
        wrong
    }
}
