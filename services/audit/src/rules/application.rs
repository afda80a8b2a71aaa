//! What was asked for, read back from what an application and its correction made of it.

use hefu_domain::command::*;
use hefu_domain::event;
use hefu_domain::{Act, World};

pub(super) fn apply(e: &event::Applied) -> Act {
    Apply {
        voucher: e.voucher,
        person: e.person,
        year: e.year,
        programme: e.programme,
        category: e.category.clone(),
        occupation: e.occupation.clone(),
        level: e.level,
        employer: e.employer.clone(),
    }
    .into()
}

/// For whom a portal speaks stands as a recorded result, as in a withdrawal.
pub(super) fn confirm(world: &World, e: &event::ApplicationConfirmed) -> Act {
    let voucher = world.voucher(&e.voucher).ok();
    ConfirmApplication {
        voucher: e.voucher,
        holder: voucher
            .filter(|_| e.by_holder)
            .map(|voucher| voucher.person),
        how: e.how,
        evidence: e.evidence,
    }
    .into()
}

/// For whom a portal speaks is a check of identity, and stands as a recorded result: it named the voucher's holder.
pub(super) fn withdraw(world: &World, e: &event::VoucherEnded) -> Act {
    let voucher = world.voucher(&e.voucher);
    Withdraw {
        voucher: e.voucher,
        holder: voucher.ok().map(|voucher| voucher.person),
    }
    .into()
}

/// A rejection without a reason is none.
pub(super) fn reject(e: &event::VoucherEnded) -> Option<Act> {
    Some(
        RejectApplication {
            voucher: e.voucher,
            reason: e.reason.clone()?,
        }
        .into(),
    )
}

pub(super) fn reopen(e: &event::ApplicationReopened) -> Act {
    ReopenApplication { voucher: e.voucher }.into()
}

pub(super) fn propose_correction(e: &event::CorrectionProposed) -> Act {
    ProposeCorrection {
        voucher: e.voucher,
        person: e.person,
    }
    .into()
}

pub(super) fn confirm_correction(e: &event::CorrectionConfirmed) -> Act {
    ConfirmCorrection {
        voucher: e.voucher,
        person: e.person,
    }
    .into()
}

pub(super) fn refuse_correction(e: &event::CorrectionRefused) -> Act {
    RefuseCorrection {
        voucher: e.voucher,
        reason: e.reason.clone(),
    }
    .into()
}
