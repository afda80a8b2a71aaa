//! Claims and their sheets, up to the approval.

use serde::{Deserialize, Serialize};

use crate::command::Confirmation;
use crate::ids::*;
use crate::money::Fen;
use crate::state::*;
use crate::subsidy::TrailLine;
use crate::time::{Date, Instant};

/// The employment share that a sheet was submitted with, compared as integers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmploymentShare {
    /// Employed.
    pub employed: u32,
    /// Everyone enrolled when the roster locked, less the excluded.
    pub of: u32,
    /// Hash of the class's statement.
    pub statement: Digest,
}

/// Body of the event `Redeemed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Redeemed {
    pub voucher: VoucherId,
    pub sheet: SheetId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<u16>,
    pub occasion: Occasion,
    pub seat: u16,
    pub amount: Fen,
    pub trail: Vec<TrailLine>,
    pub undertaking: Digest,
    pub confirmation: Confirmation,
}

/// Body of the event `ClaimSubmitted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimSubmitted {
    pub sheet: SheetId,
    pub by: StaffId,
    pub total: Fen,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employment: Option<EmploymentShare>,
}

/// Body of the event `StruckOut`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StruckOut {
    pub sheet: SheetId,
    pub voucher: VoucherId,
    pub by: StaffId,
    pub reason: Reason,
    pub refuse: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Money>,
    pub frees: Vec<Tag>,
    /// Until when a voucher that is back to Completed is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Instant>,
    /// Hash of what stays approved, when the sheet was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Digest>,
}

/// Body of the event `ClaimReturned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimReturned {
    pub sheet: SheetId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `ClaimRefused`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimRefused {
    pub sheet: SheetId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `ClaimReopened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimReopened {
    pub sheet: SheetId,
    pub by: StaffId,
}

/// Body of the event `Reclaimed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Reclaimed {
    pub voucher: VoucherId,
    pub sheet: SheetId,
    pub money: Money,
    pub due: Instant,
    pub takes: Vec<Held>,
}

/// Body of the event `ClaimApproved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimApproved {
    pub sheet: SheetId,
    pub by: StaffId,
    pub total: Fen,
    pub approval: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_until: Option<Date>,
    pub released: Vec<Fen>,
}

/// Body of the event `ObjectionRaised`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ObjectionRaised {
    pub sheet: SheetId,
    pub objection: ObjectionId,
    pub statement: Digest,
}

/// Body of the event `ObjectionDecided`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ObjectionDecided {
    pub sheet: SheetId,
    pub objection: ObjectionId,
    pub by: StaffId,
    pub upheld: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}
