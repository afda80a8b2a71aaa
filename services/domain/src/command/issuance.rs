//! Vouchers and their tokens.

use crate::ids::*;
use crate::state::*;

moves! {
    /// Issues a voucher (发券).
    Issue {
        /// Which.
        voucher: VoucherId,
    }
    /// Revokes an issued or enrolled voucher.
    Revoke {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
    }
    /// Hands the token in force to its holder.
    FetchToken {
        /// Which.
        voucher: VoucherId,
        /// The holder for whom the portal speaks.
        holder: Option<PersonId>,
    }
    /// Signs a new token; the old one is dead.
    ReissueToken {
        /// Which.
        voucher: VoucherId,
        /// Hash of the record that the clerk saw the person's card.
        card_seen: Digest,
    }
    /// Lets a voucher expire whose time is over.
    Expire {
        /// Which.
        voucher: VoucherId,
    }
    /// Proposes to lift the cap, the gate or the catalogue for one voucher.
    ProposeOverride {
        /// Which.
        voucher: VoucherId,
        /// What is lifted.
        lift: Lift,
        /// Why.
        reason: Reason,
    }
    /// Confirms an override; reserves the difference or is refused.
    ConfirmOverride {
        /// Which.
        voucher: VoucherId,
        /// Hash of the proposal that was seen; must be the standing one's.
        proposal: Digest,
    }
}
