//! Payouts, write-offs and claw-backs.

use serde::{Deserialize, Serialize};

use crate::ids::*;
use crate::money::Fen;
use crate::state::*;

/// Body of the event `PayoutSent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PayoutSent {
    pub sheet: SheetId,
    pub by: StaffId,
    /// Hash of what finance saw approved: it was the approval's.
    pub approval: Digest,
    pub total: Fen,
    pub batch: Digest,
}

/// Body of the event `PayoutRecorded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PayoutRecorded {
    pub sheet: SheetId,
    pub by: StaffId,
    pub batch: Digest,
    pub reference: Reference,
}

/// Body of the event `PayoutReturned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PayoutReturned {
    pub sheet: SheetId,
    pub by: StaffId,
    pub reference: Reference,
    pub reason: Reason,
    /// The plan year whose account owes it now, when the one that paid is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed_by: Option<PlanYear>,
}

/// Body of the event `WrittenOff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct WrittenOff {
    pub voucher: VoucherId,
    pub sheet: SheetId,
    pub by: StaffId,
    pub amount: Fen,
    pub frees: Vec<Tag>,
}

/// Body of the event `ClaimClosed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimClosed {
    pub sheet: SheetId,
}

/// Body of the event `ClawBackProposed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClawBackProposed {
    pub voucher: VoucherId,
    pub claw_back: ClawBack,
}

/// Body of the event `ClawBackConfirmed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClawBackConfirmed {
    pub voucher: VoucherId,
    pub by: StaffId,
    /// Hash of what they saw proposed: it was the standing proposal's.
    pub proposal: Digest,
    pub frees: Vec<Tag>,
}

/// Body of the event `ClawBackReceived`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClawBackReceived {
    pub voucher: VoucherId,
    pub amount: Fen,
    pub year: PlanYear,
    pub source: Source,
    pub reference: Reference,
}
