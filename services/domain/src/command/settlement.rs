//! Payouts, write-offs and claw-backs.

use crate::ids::*;
use crate::money::Fen;
use crate::time::Date;

moves! {
    /// Sends a payout to the bank.
    SendPayout {
        /// Which sheet.
        sheet: SheetId,
        /// Hash of what finance saw approved; must be the approval's.
        approval: Digest,
    }
    /// Records the bank's answer.
    RecordPayout {
        /// Which sheet.
        sheet: SheetId,
        /// Hash of account, name and amount in the bank's answer; must be the batch's.
        batch: Digest,
        /// The bank's reference.
        reference: Reference,
    }
    /// Records a returned payout.
    ReturnPayout {
        /// Which sheet.
        sheet: SheetId,
        /// The bank's reference.
        reference: Reference,
        /// Why.
        reason: Reason,
    }
    /// Writes a paid voucher off (核销).
    WriteOff {
        /// Which.
        voucher: VoucherId,
    }
    /// Proposes a claw-back.
    ProposeClawBack {
        /// Of which voucher.
        voucher: VoucherId,
        /// How much.
        amount: Fen,
        /// Why.
        reason: Reason,
        /// Hash of the decision.
        decision: Digest,
        /// Hash of the hearing's record.
        hearing: Digest,
        /// When it is due.
        due: Date,
        /// The finding that led to it.
        finding: Option<FindingId>,
    }
    /// Confirms a claw-back.
    ConfirmClawBack {
        /// Of which voucher.
        voucher: VoucherId,
        /// Hash of the proposal that was seen; must be the standing one's.
        proposal: Digest,
    }
    /// Records money that came back.
    ReceiveClawBack {
        /// Of which voucher.
        voucher: VoucherId,
        /// How much.
        amount: Fen,
        /// Treasury reference.
        reference: Reference,
    }
}
