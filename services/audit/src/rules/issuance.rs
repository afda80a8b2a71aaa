//! What was asked for, read back from the life of a token: issued, fetched, reissued, revoked, expired, and what was lifted.

use hefu_domain::command::*;
use hefu_domain::event;
use hefu_domain::{Act, Event};

/// The reason that a year's closing gives, and nothing else does.
pub(super) const PLAN_YEAR_CLOSED: &str = "PLAN_YEAR_CLOSED";

pub(super) fn issue(e: &event::Issued) -> Act {
    Issue { voucher: e.voucher }.into()
}

/// A revocation without a reason is none.
pub(super) fn revoke(e: &event::VoucherEnded) -> Option<Act> {
    Some(
        Revoke {
            voucher: e.voucher,
            reason: e.reason.clone()?,
        }
        .into(),
    )
}

pub(super) fn fetch_token(e: &event::TokenFetched) -> Act {
    FetchToken {
        voucher: e.voucher,
        holder: e.holder,
    }
    .into()
}

pub(super) fn reissue_token(e: &event::TokenReissued) -> Act {
    ReissueToken {
        voucher: e.voucher,
        card_seen: e.card_seen,
    }
    .into()
}

/// Time ran out for one voucher.
pub(super) fn expire(e: &event::VoucherEnded) -> Act {
    Expire { voucher: e.voucher }.into()
}

/// Whether a voucher expired by its year's closing.
pub(super) fn expired_by_closing(event: &Event) -> Option<&event::VoucherEnded> {
    match event {
        Event::Expired(e) => e
            .reason
            .as_ref()
            .is_some_and(|reason| reason.as_str() == PLAN_YEAR_CLOSED)
            .then_some(e),
        _ => None,
    }
}

pub(super) fn propose_override(e: &event::OverrideProposed) -> Act {
    ProposeOverride {
        voucher: e.voucher,
        lift: e.proposal.lift.clone(),
        reason: e.proposal.reason.clone(),
    }
    .into()
}

pub(super) fn confirm_override(e: &event::OverrideConfirmed) -> Act {
    ConfirmOverride {
        voucher: e.voucher,
        proposal: e.proposal,
    }
    .into()
}
