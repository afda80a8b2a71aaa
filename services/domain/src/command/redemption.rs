//! Claims and their sheets, up to the approval.

use super::{Confirmation, PresentedToken};
use crate::ids::*;

/// What is decided about an objection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// Dismissed.
    Dismiss,
    /// Upheld: one voucher is struck out.
    StrikeOut {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
        /// Refused for good, or back to Completed.
        refuse: bool,
    },
    /// Upheld: the sheet is refused.
    Refuse {
        /// Why.
        reason: Reason,
    },
}

moves! {
    /// Puts a completed voucher on the open sheet of its class or session (兑现).
    Redeem {
        /// Which voucher.
        voucher: VoucherId,
        /// The id of the sheet that is opened if none is open, drawn at the edge.
        new_sheet: SheetId,
        /// The token's hash.
        token: PresentedToken,
        /// Hash of the signed undertaking (承诺书).
        undertaking: Digest,
        /// The holder's confirmation of the days attended and that no fee was charged.
        confirmation: Confirmation,
    }
    /// Submits a sheet.
    SubmitClaim {
        /// Which.
        sheet: SheetId,
    }
    /// Strikes one voucher out.
    StrikeOut {
        /// Which sheet.
        sheet: SheetId,
        /// Which voucher.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
        /// Refused for good, or back to Completed.
        refuse: bool,
    }
    /// Returns a submitted sheet.
    ReturnClaim {
        /// Which.
        sheet: SheetId,
        /// Why.
        reason: Reason,
    }
    /// Refuses a submitted sheet with its vouchers.
    RefuseClaim {
        /// Which.
        sheet: SheetId,
        /// Why.
        reason: Reason,
    }
    /// Reopens a refused sheet, once.
    ReopenClaim {
        /// Which.
        sheet: SheetId,
    }
    /// Approves a sheet; the public notice opens.
    ApproveClaim {
        /// Which.
        sheet: SheetId,
    }
    /// Objects during the public notice.
    RaiseObjection {
        /// Against which sheet.
        sheet: SheetId,
        /// Its id, drawn at the edge.
        objection: ObjectionId,
        /// Salted commitment to what is said.
        statement: Digest,
    }
    /// Decides an objection.
    DecideObjection {
        /// On which sheet.
        sheet: SheetId,
        /// Which.
        objection: ObjectionId,
        /// How.
        ruling: Ruling,
    }
}
