//! What was asked for, read back from a claim sheet's life. The amount is nowhere asked for: deciding computes it.

use hefu_domain::command::*;
use hefu_domain::event;
use hefu_domain::{Act, Event, World};

use super::in_force;
use super::issuance::PLAN_YEAR_CLOSED;

pub(super) fn redeem(world: &World, e: &event::Redeemed) -> Act {
    Redeem {
        voucher: e.voucher,
        new_sheet: e.sheet,
        token: in_force(world, &e.voucher),
        undertaking: e.undertaking,
        confirmation: e.confirmation.clone(),
    }
    .into()
}

pub(super) fn submit(e: &event::ClaimSubmitted) -> Act {
    SubmitClaim { sheet: e.sheet }.into()
}

pub(super) fn strike_out(e: &event::StruckOut) -> Act {
    StrikeOut {
        sheet: e.sheet,
        voucher: e.voucher,
        reason: e.reason.clone(),
        refuse: e.refuse,
    }
    .into()
}

pub(super) fn return_claim(e: &event::ClaimReturned) -> Act {
    ReturnClaim {
        sheet: e.sheet,
        reason: e.reason.clone(),
    }
    .into()
}

/// A reviewer's refusal, or a step of the year's closing where the reason may be either's.
pub(super) fn refuse(world: &World, e: &event::ClaimRefused) -> Vec<Act> {
    let refusal = RefuseClaim {
        sheet: e.sheet,
        reason: e.reason.clone(),
    };
    let year = world.sheet(&e.sheet).ok().map(|sheet| sheet.year);
    let closing = year
        .filter(|_| e.reason.as_str() == PLAN_YEAR_CLOSED)
        .map(|year| ClosePlanYear {
            year,
            step: ClosingStep::Sheet(e.sheet),
        });
    closing
        .map(Act::from)
        .into_iter()
        .chain([refusal.into()])
        .collect()
}

pub(super) fn reopen(e: &event::ClaimReopened) -> Act {
    ReopenClaim { sheet: e.sheet }.into()
}

pub(super) fn approve(e: &event::ClaimApproved) -> Act {
    ApproveClaim { sheet: e.sheet }.into()
}

pub(super) fn raise_objection(e: &event::ObjectionRaised) -> Act {
    RaiseObjection {
        sheet: e.sheet,
        objection: e.objection,
        statement: e.statement,
    }
    .into()
}

/// What follows an upheld objection says how it was upheld; nothing else can follow it.
pub(super) fn decide_objection<'a>(
    e: &event::ObjectionDecided,
    mut follows: impl Iterator<Item = &'a Event>,
) -> Option<Act> {
    let ruling = if !e.upheld {
        Ruling::Dismiss
    } else {
        match follows.next()? {
            Event::StruckOut(struck) => Ruling::StrikeOut {
                voucher: struck.voucher,
                reason: struck.reason.clone(),
                refuse: struck.refuse,
            },
            Event::ClaimRefused(refused) => Ruling::Refuse {
                reason: refused.reason.clone(),
            },
            _ => return None,
        }
    };
    Some(
        DecideObjection {
            sheet: e.sheet,
            objection: e.objection,
            ruling,
        }
        .into(),
    )
}
