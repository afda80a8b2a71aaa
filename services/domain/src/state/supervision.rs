//! Samples, inspections, findings, flags and credit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::audit::LogTree;
use crate::ids::*;
use crate::policy::{CreditClass, FraudRule, Severity};
use crate::time::{Date, Instant};

/// What supervision is about: one thing of the region, spelt as its resource name is below the region (`classes/{uuid}`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum About {
    /// A class.
    Class(ClassId),
    /// An assessment session.
    Session(SessionId),
    /// A claim sheet.
    Sheet(SheetId),
    /// A voucher.
    Voucher(VoucherId),
    /// An institution.
    Institution(InstitutionId),
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            About::Class(id) => write!(f, "classes/{id}"),
            About::Session(id) => write!(f, "sessions/{id}"),
            About::Sheet(id) => write!(f, "sheets/{id}"),
            About::Voucher(id) => write!(f, "vouchers/{id}"),
            About::Institution(id) => write!(f, "institutions/{id}"),
        }
    }
}

impl FromStr for About {
    type Err = BadCode;
    fn from_str(text: &str) -> Result<About, BadCode> {
        match text.split_once('/') {
            Some(("classes", id)) => id.parse().map(About::Class),
            Some(("sessions", id)) => id.parse().map(About::Session),
            Some(("sheets", id)) => id.parse().map(About::Sheet),
            Some(("vouchers", id)) => id.parse().map(About::Voucher),
            Some(("institutions", id)) => id.parse().map(About::Institution),
            Some(_) | None => Err(BadCode(
                "must be classes/{uuid}, sessions/{uuid}, sheets/{uuid}, vouchers/{uuid} or institutions/{code}"
                    .to_owned(),
            )),
        }
    }
}

impl TryFrom<String> for About {
    type Error = BadCode;
    fn try_from(text: String) -> Result<About, BadCode> {
        text.parse()
    }
}

impl From<About> for String {
    fn from(about: About) -> String {
        about.to_string()
    }
}

/// What stands in the way of a thing's claims, and who has removed some of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Holds {
    /// Open flags that block.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub flags: BTreeSet<FlagId>,
    /// Findings that block and are not closed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub findings: BTreeSet<FindingId>,
    /// Who cleared a flag about it: they approve none of its claims.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cleared_by: BTreeSet<StaffId>,
}

/// Why a sample is taken (日常检查、按比例抽查、专项检查、委托第三方核查).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleKind {
    /// 日常检查.
    Daily,
    /// 按比例抽查.
    Proportional,
    /// 专项检查.
    Special,
    /// 委托第三方核查.
    ThirdParty,
}

/// Of what a sample is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Frame {
    /// The classes that are taught on a day: approved or running.
    Classes {
        /// The day.
        on: Date,
    },
    /// The sheets that wait for review.
    Sheets,
    /// The vouchers whose payout was recorded by events of this epoch of the log, from the first index to before the second.
    Paid {
        /// The epoch.
        epoch: u64,
        /// The first index.
        from: u64,
        /// The index after the last.
        until: u64,
    },
    /// Things that the plan names one by one (special checks).
    Named,
}

/// Into which strata a sample's population falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strata {
    /// One stratum of all.
    Whole,
    /// By who delivers it: a class's deliverer, a session's body, a claim's payee.
    Deliverer,
    /// By programme.
    Programme,
    /// By that institution's credit class.
    Credit,
}

/// How many of each stratum are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// A share in percent, rounded up: at least one of whatever there is, if it is above zero.
    Percent(u16),
    /// So many, or all there are.
    Count(u16),
    /// The policy's share of each credit class.
    ByCredit,
}

/// A stratum: its members in order, and how many of them are drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stratum {
    /// How many are drawn.
    pub quota: u16,
    /// In ascending order of their names.
    pub members: Vec<About>,
}

/// A sample as planned, before anybody could know what it draws.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplePlan {
    /// Why.
    pub kind: SampleKind,
    /// Of what.
    pub frame: Frame,
    /// By what it is stratified.
    pub by: Strata,
    /// Which share.
    pub share: Share,
    /// The population, by stratum.
    pub strata: BTreeMap<String, Stratum>,
    /// SHA-256 of a secret of 32 bytes that the planner keeps until the draw is published, so that whoever reads the log cannot
    /// foresee an unannounced inspection either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<Digest>,
}

/// Where an event stands in its region's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogPlace {
    /// The epoch.
    pub epoch: u64,
    /// The index.
    pub index: u64,
}

/// A sample's draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// Where the plan stands in the log.
    pub planned: LogPlace,
    /// The first signed tree that covers the plan: its root is the seed.
    pub tree: LogTree,
    /// The planner's secret, where the plan has a commitment to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Digest>,
    /// What was drawn, by stratum, in order of names.
    pub drawn: Vec<About>,
}

/// A sample (抽查).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// As planned.
    pub plan: SamplePlan,
    /// Who planned it.
    pub planned_by: StaffId,
    /// When.
    pub planned_at: Instant,
    /// Its draw, once published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<Draw>,
}

/// An inspection of one session of a class, by two officers and unannounced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// The class.
    pub class: ClassId,
    /// The slot's number in the timetable.
    pub slot: u16,
    /// Who was there, by seat number.
    pub present: BTreeSet<u16>,
    /// Hash of the record that both officers signed.
    pub evidence: Digest,
    /// The sample that drew the class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleId>,
    /// The officer who entered it.
    pub entered_by: StaffId,
    /// When: the roster as it stood then counts.
    pub at: Instant,
    /// What came of it, once the second officer confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<InspectionOutcome>,
}

/// What a confirmed inspection found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectionOutcome {
    /// The second officer.
    pub confirmed_by: StaffId,
    /// Who was enrolled and not there, by seat number: they lose the day.
    pub absent: BTreeSet<u16>,
    /// Those of them who stood, or still stood, to be paid for the day…
    pub missing: u16,
    /// …out of so many.
    pub of: u16,
}

/// Where a finding stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FindingState {
    /// To be put right.
    Open,
    /// The institution says that it put it right (整改).
    Rectified {
        /// Who says so.
        by: StaffId,
        /// Hash of the evidence.
        proof: Digest,
    },
    /// Another officer saw that it was put right (复查).
    Closed {
        /// Who.
        by: StaffId,
        /// Hash of the evidence.
        proof: Digest,
    },
    /// A county's grave finding in the log of its city.
    Reported,
}

impl FindingState {
    /// The state's code.
    pub fn code(&self) -> &'static str {
        match self {
            FindingState::Open => "open",
            FindingState::Rectified { .. } => "rectified",
            FindingState::Closed { .. } => "closed",
            FindingState::Reported => "reported",
        }
    }
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// About what.
    pub about: About,
    /// The institution that has to put it right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub institution: Option<InstitutionId>,
    /// What was found.
    pub code: Reason,
    /// Grave ones are in the city's log at once (要情报告).
    pub grave: bool,
    /// No claim that it touches goes on before it is closed.
    pub blocks: bool,
    /// Until when it is put right.
    pub due: Date,
    /// Hash of the evidence.
    pub evidence: Digest,
    /// Who recorded it.
    pub recorded_by: StaffId,
    /// The inspection that found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inspection: Option<InspectionId>,
    /// The county whose log has it, in its city's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub county: Option<Region>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: FindingState,
}

/// Where a flag stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FlagState {
    /// Nobody has looked at it, or whoever did let it stand.
    Open,
    /// One person proposes to clear it: a block takes two.
    Proposed {
        /// Who.
        by: StaffId,
        /// Why.
        reason: Reason,
        /// Hash of the evidence.
        proof: Digest,
    },
    /// Cleared.
    Cleared {
        /// By whom.
        by: StaffId,
        /// Why.
        reason: Reason,
    },
}

impl FlagState {
    /// The state's code.
    pub fn code(&self) -> &'static str {
        match self {
            FlagState::Open => "open",
            FlagState::Proposed { .. } => "proposed",
            FlagState::Cleared { .. } => "cleared",
        }
    }
}

/// What a fraud rule saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// The rule.
    pub rule: FraudRule,
    /// Its version.
    pub version: u16,
    /// What the flag does.
    pub severity: Severity,
    /// About what.
    pub about: About,
    /// The events that it rests on, in the log's order.
    pub evidence: Vec<LogPlace>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: FlagState,
}

/// An institution's credit (信用): its score, its class, and how they came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// The score.
    pub score: i32,
    /// The class.
    pub class: CreditClass,
    /// Every event, in order.
    pub history: Vec<CreditLine>,
}

/// One event of a credit history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditLine {
    /// When.
    pub at: Instant,
    /// By whom.
    pub by: StaffId,
    /// The coded event.
    pub code: Reason,
    /// Points given or taken.
    pub points: i32,
    /// The score after it.
    pub score: i32,
    /// The class after it.
    pub class: CreditClass,
    /// Hash of the evidence of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Digest>,
    /// The finding that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<FindingId>,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::sample::*;
    use crate::state::{Fact, Key};

    /// A state stands among its record's own fields: none of its names may be one of theirs.
    fn reads_back(key: &Key, fact: Fact) {
        let json = serde_json::to_vec(&fact).unwrap();
        assert_eq!(Fact::read(key, &json).unwrap(), fact);
    }

    #[test]
    fn a_finding_and_a_flag_read_back_in_every_state() {
        let by = || code("clerk");
        let proof = Digest([9; 32]);
        let id = FindingId(Uuid::from_u128(1));
        for state in [
            FindingState::Open,
            FindingState::Rectified { by: by(), proof },
            FindingState::Closed { by: by(), proof },
            FindingState::Reported,
        ] {
            let finding = Finding {
                about: About::Class(class_id(1)),
                institution: Some(institution(SCHOOL)),
                code: code("FEE_CHARGED"),
                grave: true,
                blocks: true,
                due: date("07-01"),
                evidence: Digest([1; 32]),
                recorded_by: code("supervisor"),
                inspection: Some(InspectionId(Uuid::from_u128(2))),
                county: Some(code("140725")),
                state,
            };
            reads_back(&Key::Finding(id), Fact::Finding(finding));
        }
        let reason = || code("CHECKED");
        let id = FlagId(Uuid::from_u128(1));
        for state in [
            FlagState::Open,
            FlagState::Proposed {
                by: by(),
                reason: reason(),
                proof,
            },
            FlagState::Cleared {
                by: by(),
                reason: reason(),
            },
        ] {
            let flag = Flag {
                rule: FraudRule::SameEvidence,
                version: 1,
                severity: Severity::Block,
                about: About::Institution(institution(SCHOOL)),
                evidence: vec![LogPlace { epoch: 0, index: 3 }],
                state,
            };
            reads_back(&Key::Flag(id), Fact::Flag(flag));
        }
    }
}
