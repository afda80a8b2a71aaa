//! Applications, up to their decision.

use serde::{Deserialize, Serialize};

use crate::command::{CheckAnswer, ConfirmedBy};
use crate::ids::*;
use crate::policy::Programme;
use crate::state::*;
use crate::time::Instant;

/// Body of the event `Applied`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Applied {
    pub voucher: VoucherId,
    pub person: PersonId,
    pub year: PlanYear,
    pub programme: Programme,
    pub category: Category,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occupation: Option<Occupation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<SkillLevel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employer: Option<InstitutionId>,
    pub by: StaffId,
    pub by_holder: bool,
    pub answers: Vec<CheckAnswer>,
    pub due: Instant,
    pub takes: Vec<Held>,
}

/// Body of the event `ApplicationConfirmed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ApplicationConfirmed {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub by_holder: bool,
    pub how: ConfirmedBy,
    pub evidence: Digest,
}

/// Body of the event `ApplicationReopened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ApplicationReopened {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub due: Instant,
    pub takes: Vec<Held>,
}

/// Body of the event `CorrectionProposed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CorrectionProposed {
    pub voucher: VoucherId,
    pub person: PersonId,
    pub by: StaffId,
}

/// Body of the event `CorrectionConfirmed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CorrectionConfirmed {
    pub voucher: VoucherId,
    pub person: PersonId,
    pub by: StaffId,
    pub frees: Vec<Tag>,
    pub takes: Vec<Held>,
}

/// Body of the event `CorrectionRefused`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CorrectionRefused {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub reason: Reason,
}
