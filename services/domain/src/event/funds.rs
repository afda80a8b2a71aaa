//! Plan years and their money.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::*;
use crate::money::Fen;
use crate::state::*;

/// An account's money at a closing: it moves into the next year's account of the same source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedAccount {
    /// The source.
    pub source: Source,
    /// Owed on the sheets carried over.
    pub payable: Fen,
    /// The rest (结余).
    pub rest: Fen,
}

/// Body of the event `PlanYearOpened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PlanYearOpened {
    pub year: PlanYear,
}

/// Body of the event `TargetsSet`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TargetsSet {
    pub year: PlanYear,
    pub targets: BTreeMap<String, u32>,
}

/// Body of the event `FundsAppropriated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FundsAppropriated {
    pub year: PlanYear,
    pub source: Source,
    pub amount: Fen,
    pub reference: Reference,
}

/// Body of the event `FundsAllocatedOut`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FundsAllocatedOut {
    pub to: Region,
    pub year: PlanYear,
    pub source: Source,
    pub amount: Fen,
    pub reference: Reference,
    /// The county's request that it grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_up: Option<TopUpId>,
}

/// Body of the event `FundsAllocatedIn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FundsAllocatedIn {
    pub from: Region,
    pub year: PlanYear,
    pub source: Source,
    pub amount: Fen,
    pub reference: Reference,
    /// The request that it grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_up: Option<TopUpId>,
}

/// Body of the event `TopUpRequested`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TopUpRequested {
    pub top_up: TopUpId,
    pub by: StaffId,
    pub year: PlanYear,
    pub source: Source,
    pub amount: Fen,
    pub purpose: TopUpPurpose,
    pub reason: Reason,
    pub papers: Digest,
}

/// Body of the event `TopUpRefused`, in the log of the region that refused it. A grant is `FundsAllocatedOut`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TopUpRefused {
    pub to: Region,
    pub top_up: TopUpId,
    pub year: PlanYear,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `TopUpDecided`, in the log of the region that asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TopUpDecided {
    pub top_up: TopUpId,
    /// By which region.
    pub from: Region,
    pub decision: TopUpDecision,
}

/// Body of the event `PlanYearClosing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PlanYearClosing {
    pub year: PlanYear,
    pub by: StaffId,
}

/// Body of the event `PlanYearClosed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PlanYearClosed {
    pub year: PlanYear,
    pub by: StaffId,
    pub carried: Vec<SheetId>,
    pub accounts: Vec<CarriedAccount>,
}
