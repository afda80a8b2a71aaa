//! Lists that were imported, and files that went out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::*;
use crate::money::Fen;
use crate::state::*;
use crate::time::Date;

/// Body of the event `RosterImported`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RosterImported {
    pub import: ImportId,
    pub by: StaffId,
    #[serde(flatten)]
    pub part: ListPart,
    pub department: Department,
    /// By day the nullifiers that it takes.
    pub takes: BTreeMap<Date, Vec<Tag>>,
    /// By day those that somebody held already, a voucher or another roster: they stay theirs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<Date, Vec<Tag>>,
}

/// Body of the event `CertificatesImported`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CertificatesImported {
    pub import: ImportId,
    pub by: StaffId,
    #[serde(flatten)]
    pub part: ListPart,
    pub certificates: Vec<ListedCertificate>,
}

/// Body of the event `PayoutFileExported`: who took which payees' accounts out of the vault, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PayoutFileExported {
    pub by: StaffId,
    pub reason: Reason,
    pub sheets: Vec<SheetId>,
    pub total: Fen,
    /// Some of them may stand in an earlier file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}
