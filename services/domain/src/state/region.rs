//! What a region is governed by: its opening, policies, plan years, accounts, callers.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::audit::LogTree;
use crate::ids::*;
use crate::money::Fen;
use crate::policy::{Adopted, Programme};
use crate::status::Place;
use crate::time::Instant;

/// What event 0 says of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionState {
    /// The parent region, absent at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Region>,
    /// Its Chinese name.
    pub name: String,
    /// Its English name.
    pub name_en: String,
    /// The deployment that runs it: the first part of the log's origin and the tokens' issuer.
    pub deployment: String,
    /// Whether its clock is made up (a demo's).
    pub simulated: bool,
    /// The last tree of each region below it that its log has on record.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub recorded: BTreeMap<Region, LogTree>,
    /// The place in its status lists that its next token gets.
    #[serde(default, skip_serializing_if = "Place::is_first")]
    pub next_place: Place,
}

/// The policy versions of one plan year that are in force or will be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Policies {
    /// In order of `effective`; the first is the one in force when the last was adopted.
    pub versions: Vec<Adopted>,
}

/// A plan year's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum YearPhase {
    /// Vouchers are applied for, issued, used, claimed and paid.
    Open,
    /// The closing run is under way: nothing new begins.
    Closing,
    /// Closed; what was under way is carried in the next year's account.
    Closed,
}

/// A plan year and its running counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearState {
    /// Where it stands.
    pub phase: YearPhase,
    /// Vouchers by programme, then by state code.
    pub vouchers: BTreeMap<Programme, BTreeMap<String, u32>>,
    /// Sheets by state code.
    pub sheets: BTreeMap<String, u32>,
    /// Planned people by programme or indicator code.
    pub targets: BTreeMap<String, u32>,
    /// Sources of which the year has an account, so that its closing leaves none out.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sources: BTreeSet<Source>,
}

impl YearState {
    /// A programme's vouchers that were issued and have not ended unused or unpaid.
    pub fn issued(&self, programme: Programme) -> u32 {
        const ISSUED: [&str; 7] = [
            "issued",
            "enrolled",
            "completed",
            "claimed",
            "approved",
            "paid",
            "written_off",
        ];
        self.vouchers.get(&programme).map_or(0, |counts| {
            ISSUED.iter().filter_map(|state| counts.get(*state)).sum()
        })
    }
}

/// A fund account: allocated = available + reserved + payable + paid, each at least 0, after every event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// 已下达.
    pub allocated: Fen,
    /// 可用.
    pub available: Fen,
    /// 预留.
    pub reserved: Fen,
    /// 应付.
    pub payable: Fen,
    /// 已付.
    pub paid: Fen,
}

/// What a county asks more money for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopUpPurpose {
    /// Order and project training is short of money ("向市级申请").
    Shortfall,
    /// A sector applies for earmarked money ("专项申请").
    Earmarked,
}

/// A request for more money, of the region above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// The account's plan year.
    pub year: PlanYear,
    /// The account's source.
    pub source: Source,
    /// How much.
    pub amount: Fen,
    /// What for.
    pub purpose: TopUpPurpose,
    /// Why.
    pub reason: Reason,
    /// Hash of the papers.
    pub papers: Digest,
    /// Who asked.
    pub by: StaffId,
    /// When.
    pub at: Instant,
    /// What was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<TopUpDecision>,
}

impl TopUp {
    /// Its state's code: `requested`, `granted` or `refused`.
    pub fn code(&self) -> &'static str {
        match &self.decision {
            None => "requested",
            Some(decision) if decision.granted > Fen::ZERO => "granted",
            Some(_) => "refused",
        }
    }
}

/// What was decided about a request for more money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUpDecision {
    /// By whom.
    pub by: StaffId,
    /// How much of it is granted; nothing, where it was refused.
    pub granted: Fen,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// What a caller may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person with a voucher, or the bureau's portal that has authenticated one.
    Holder,
    /// An institution's account.
    Institution,
    /// An assessment body's account.
    Assessor,
    /// 经办 (maker).
    Clerk,
    /// 复核 (checker).
    Reviewer,
    /// 财务.
    Finance,
    /// 监督.
    Supervisor,
    /// 审计.
    Auditor,
    /// Runs the system: regions, callers, policies, calendars.
    Operator,
}

/// A grant: who calls with this credential, and as what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Stable while keys change.
    pub subject: SubjectId,
    /// The member of staff behind it: incompatible duties are kept apart by person.
    pub person: StaffId,
    /// What they may do. One person may hold several.
    pub roles: BTreeSet<Role>,
    /// The institution that they act for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub institution: Option<InstitutionId>,
    /// The one holder that they are, for role `holder`; absent: the bureau's portal, acting for a named holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<PersonId>,
    /// When it runs out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Instant>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Instant>,
    /// Roles lent to a deputy, each from one instant to another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deputies: Vec<Deputy>,
}

/// A role lent for a time (代理).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deputy {
    /// Which role.
    pub role: Role,
    /// From then.
    pub from: Instant,
    /// Until then, exclusive.
    pub until: Instant,
}
