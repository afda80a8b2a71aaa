//! Plan years and their money.

use std::collections::BTreeMap;

use crate::ids::*;
use crate::money::Fen;
use crate::state::*;

/// What is decided about a top-up request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopUpRuling {
    /// Granted, in full or in part.
    Grant {
        /// How much.
        amount: Fen,
        /// Treasury reference.
        reference: Reference,
    },
    /// Refused.
    Refuse {
        /// Why.
        reason: Reason,
    },
}

/// A step of the closing run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClosingStep {
    /// From now on nothing new begins.
    Begin,
    /// These vouchers expire (PLAN_YEAR_CLOSED).
    Vouchers(Vec<VoucherId>),
    /// This sheet is refused with its vouchers (PLAN_YEAR_CLOSED).
    Sheet(SheetId),
    /// What is under way is named and carried over with the rest. `carried` are all sheets still Approved, Paying or Paid with a line not written off.
    Finish {
        /// Sheets carried over.
        carried: Vec<SheetId>,
    },
}

moves! {
    /// Money enters (treasury).
    AppropriateFunds {
        /// The account's plan year.
        year: PlanYear,
        /// The account's source.
        source: Source,
        /// How much.
        amount: Fen,
        /// Treasury reference.
        reference: Reference,
    }
    /// Money moves from the city's account to a county's: an event in each log, in one transaction.
    AllocateFunds {
        /// The county.
        to: Region,
        /// The accounts' plan year.
        year: PlanYear,
        /// The accounts' source.
        source: Source,
        /// How much.
        amount: Fen,
        /// Treasury reference.
        reference: Reference,
    }
    /// Asks the region above for more money (追加、专项申请).
    RequestTopUp {
        /// Its id, drawn at the edge.
        top_up: TopUpId,
        /// The account's plan year.
        year: PlanYear,
        /// The account's source.
        source: Source,
        /// How much.
        amount: Fen,
        /// What for.
        purpose: TopUpPurpose,
        /// Why.
        reason: Reason,
        /// Hash of the papers.
        papers: Digest,
    }
    /// Grants a county's request, which is the allocation itself, or refuses it: an event in each log, in one transaction.
    DecideTopUp {
        /// The county.
        county: Region,
        /// Which.
        top_up: TopUpId,
        /// How.
        decision: TopUpRuling,
    }
    /// Opens a plan year.
    OpenPlanYear {
        /// Which.
        year: PlanYear,
    }
    /// A step of the closing run.
    ClosePlanYear {
        /// Which.
        year: PlanYear,
        /// The step.
        step: ClosingStep,
    }
    /// Sets the year's targets.
    SetTargets {
        /// Which year.
        year: PlanYear,
        /// Planned people by programme or indicator code.
        targets: BTreeMap<String, u32>,
    }
}
