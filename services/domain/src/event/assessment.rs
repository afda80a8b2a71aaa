//! Assessment sessions and their results.

use serde::{Deserialize, Serialize};

use crate::ids::*;
use crate::state::*;
use crate::time::Instant;

/// An assessment's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssessmentResult {
    /// Passed.
    Pass,
    /// Failed.
    Fail,
    /// Did not come.
    Absent,
}

/// Body of the event `SessionFiled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionFiled {
    pub session: SessionId,
    pub by: StaffId,
    pub filing: SessionFiling,
}

/// Body of the event `SessionApproved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionApproved {
    pub session: SessionId,
    pub by: StaffId,
}

/// Body of the event `SessionRejected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionRejected {
    pub session: SessionId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `SessionFinished`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionFinished {
    pub session: SessionId,
    pub by: StaffId,
}

/// Body of the event `SessionCancelled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionCancelled {
    pub session: SessionId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `SessionClosed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionClosed {
    pub session: SessionId,
}

/// Body of the event `Assessed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Assessed {
    pub voucher: VoucherId,
    pub session: SessionId,
    pub result: AssessmentResult,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Instant>,
    pub occupation_not_covered: bool,
    pub takes: Vec<Held>,
}

/// Body of the event `CertificateConfirmed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CertificateConfirmed {
    pub voucher: VoucherId,
    pub known: bool,
    /// The number that the register denies is no certificate's: it is free again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frees: Vec<Tag>,
}
