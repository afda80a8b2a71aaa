//! Claim sheets and the objections to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Holds;
use crate::ids::*;
use crate::money::Fen;
use crate::policy::Programme;
use crate::time::{Date, Instant};

/// Where a claim sheet stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SheetState {
    /// Vouchers may be put on it.
    Open,
    /// Waiting for review.
    Submitted {
        /// Since when: registers are asked again from then on.
        at: Instant,
    },
    /// Approved; the public notice, if there is one, runs until the end of `notice_until`.
    Approved {
        /// Hash of what was approved: lines and amounts.
        approval: Digest,
        /// Last day of the public notice; a classified unit's has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notice_until: Option<Date>,
    },
    /// With the bank.
    Paying {
        /// Hash of what was approved.
        approval: Digest,
        /// Last day of the public notice; a classified unit's has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notice_until: Option<Date>,
        /// Hash of account, name and amount.
        batch: Digest,
        /// It stands in a file for the bank: in a second one it could be paid a second time.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        in_file: bool,
    },
    /// The bank has paid.
    Paid {
        /// Hash of what was approved.
        approval: Digest,
        /// Last day of the public notice; a classified unit's has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notice_until: Option<Date>,
        /// Hash of account, name and amount.
        batch: Digest,
        /// The bank's reference.
        reference: Reference,
    },
    /// Every voucher is written off or clawed back.
    Closed,
    /// Refused as a whole.
    Refused {
        /// When.
        at: Instant,
        /// By whom.
        by: StaffId,
    },
}

impl SheetState {
    /// The state's code.
    pub fn code(&self) -> &'static str {
        match self {
            SheetState::Open => "open",
            SheetState::Submitted { .. } => "submitted",
            SheetState::Approved { .. } => "approved",
            SheetState::Paying { .. } => "paying",
            SheetState::Paid { .. } => "paid",
            SheetState::Closed => "closed",
            SheetState::Refused { .. } => "refused",
        }
    }
}

/// What a sheet claims for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A class.
    Class(ClassId),
    /// An assessment session.
    Session(SessionId),
}

/// A claim sheet (申领表).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The plan year.
    pub year: PlanYear,
    /// What it claims for.
    pub occasion: Occasion,
    /// Its number among the occasion's sheets, from 1.
    pub number: u16,
    /// Who is paid.
    pub payee: InstitutionId,
    /// The programme.
    pub programme: Programme,
    /// Where it stands.
    #[serde(flatten)]
    pub state: SheetState,
    /// Its lines in the order of redeeming.
    pub lines: Vec<Line>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<StaffId>,
    /// Reopened once already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reopened: bool,
    /// Objections.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub objections: BTreeMap<ObjectionId, Objection>,
    /// Lines that are paid and not yet written off or clawed back.
    pub to_write_off: u16,
    /// What stands in the way of its claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Box<Holds>>,
}

impl Sheet {
    /// The lines that still stand.
    pub fn standing(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.struck.is_none())
    }

    /// The amount of the lines that stand.
    pub fn total(&self) -> Fen {
        self.standing().map(|line| line.amount).sum()
    }
}

/// A sheet's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The voucher.
    pub voucher: VoucherId,
    /// Its amount.
    pub amount: Fen,
    /// Why it was struck out, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub struck: Option<Reason>,
}

/// An objection during the public notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objection {
    /// Hash of what was said; the text stands in the vault.
    pub statement: Digest,
    /// The decision: upheld or dismissed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upheld: Option<bool>,
}
