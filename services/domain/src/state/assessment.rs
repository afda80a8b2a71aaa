//! Assessment sessions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::*;
use crate::ids::*;
use crate::time::Date;

/// What an assessment session is filed as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFiling {
    /// The plan year.
    pub year: PlanYear,
    /// 评价机构.
    pub body: InstitutionId,
    /// 收款单位.
    pub payee: InstitutionId,
    /// The occupation.
    pub occupation: Occupation,
    /// The level.
    pub level: SkillLevel,
    /// The day.
    pub date: Date,
    /// Examiners, as commitments.
    pub examiners: Vec<Resource>,
    /// Seats, at most 500.
    pub capacity: u16,
    /// Hash of the entrustment contract, where payee and body differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Digest>,
}

impl SessionFiling {
    /// Whether it is a classified unit's session: nobody outside sees it.
    pub fn is_classified(&self) -> bool {
        [&self.body, &self.payee]
            .into_iter()
            .any(InstitutionId::is_sealed)
    }
}

/// An assessment session (评价场次).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// As filed.
    pub filing: SessionFiling,
    /// Where it stands; a session is never Running.
    pub state: ClassState,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<StaffId>,
    /// Everybody who was recorded here, whatever came of it: the session's capacity counts them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recorded: BTreeSet<VoucherId>,
    /// Assessment vouchers that passed here, in order.
    pub seats: Vec<Seat>,
    /// Its claim sheets in order.
    pub sheets: Vec<SheetId>,
    /// Vouchers of it that are Completed or Claimed.
    pub unsettled: u16,
    /// Sheets of it that are not Closed or Refused.
    pub open_sheets: u16,
    /// What stands in the way of its claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Box<Holds>>,
}
