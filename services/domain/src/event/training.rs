//! Classes and who sits in them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::*;
use crate::money::{Days, Fen};
use crate::state::*;
use crate::time::Instant;

/// Body of the event `ClassFiled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassFiled {
    pub class: ClassId,
    pub by: StaffId,
    pub filing: ClassFiling,
}

/// Body of the event `ClassChanged`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassChanged {
    pub class: ClassId,
    pub by: StaffId,
    pub filing: ClassFiling,
}

/// Body of the event `ClassApproved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassApproved {
    pub class: ClassId,
    pub by: StaffId,
    /// Seats that it takes of its deliverer's catalogue line for the year.
    #[serde(default, skip_serializing_if = "crate::state::is_zero")]
    pub seats: u16,
}

/// Body of the event `ClassRejected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassRejected {
    pub class: ClassId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `ClassFinished`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassFinished {
    pub class: ClassId,
    pub by: StaffId,
}

/// Body of the event `ClassCancelled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassCancelled {
    pub class: ClassId,
    pub by: StaffId,
    pub by_bureau: bool,
    pub reason: Reason,
}

/// Body of the event `ClassClosed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassClosed {
    pub class: ClassId,
}

/// Body of the event `Enrolled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Enrolled {
    pub voucher: VoucherId,
    pub class: ClassId,
    pub seat: u16,
    pub reserve: Fen,
    pub due: Instant,
    pub takes: Vec<Held>,
}

/// Body of the event `AttendanceRecorded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AttendanceRecorded {
    pub class: ClassId,
    pub slot: u16,
    pub entries: Vec<AttendanceEntry>,
}

/// Body of the event `LateEntryRequested`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LateEntryRequested {
    pub class: ClassId,
    pub slot: u16,
    pub entries: Vec<AttendanceEntry>,
    pub reason: Reason,
    pub evidence: Digest,
}

/// Body of the event `LateEntryApproved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LateEntryApproved {
    pub class: ClassId,
    pub slot: u16,
    pub by: StaffId,
    /// Hash of what they saw proposed: it was the standing proposal's.
    pub proposal: Digest,
}

/// Body of the event `AttendanceSealed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AttendanceSealed {
    pub class: ClassId,
    pub sealed: SealedAttendance,
}

/// Body of the event `SealedAttendanceApproved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SealedAttendanceApproved {
    pub class: ClassId,
    pub by: StaffId,
    /// Hash of what they saw sealed: it was the standing seal's.
    pub proposal: Digest,
}

/// Body of the event `Dropped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Dropped {
    pub voucher: VoucherId,
    pub class: ClassId,
    pub seat: u16,
    pub reason: Reason,
    pub due: Instant,
    pub carried_days: Days,
    pub frees: Vec<Tag>,
}

/// Body of the event `Completed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Completed {
    pub voucher: VoucherId,
    pub class: ClassId,
    pub seat: u16,
    pub days: Days,
}

/// Body of the event `EmploymentRecorded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EmploymentRecorded {
    pub class: ClassId,
    pub seats: BTreeMap<u16, Employed>,
}
