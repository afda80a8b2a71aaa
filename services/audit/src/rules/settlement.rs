//! What was asked for, read back from payouts, write-offs and claw-backs.

use hefu_domain::Act;
use hefu_domain::command::*;
use hefu_domain::event;

pub(super) fn send_payout(e: &event::PayoutSent) -> Act {
    SendPayout {
        sheet: e.sheet,
        approval: e.approval,
    }
    .into()
}

pub(super) fn record_payout(e: &event::PayoutRecorded) -> Act {
    RecordPayout {
        sheet: e.sheet,
        batch: e.batch,
        reference: e.reference.clone(),
    }
    .into()
}

pub(super) fn return_payout(e: &event::PayoutReturned) -> Act {
    ReturnPayout {
        sheet: e.sheet,
        reference: e.reference.clone(),
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn write_off(e: &event::WrittenOff) -> Act {
    WriteOff { voucher: e.voucher }.into()
}

pub(super) fn propose_claw_back(e: &event::ClawBackProposed) -> Act {
    ProposeClawBack {
        voucher: e.voucher,
        amount: e.claw_back.amount,
        reason: e.claw_back.reason.clone(),
        decision: e.claw_back.decision,
        hearing: e.claw_back.hearing,
        due: e.claw_back.due,
        finding: e.claw_back.finding,
    }
    .into()
}

pub(super) fn confirm_claw_back(e: &event::ClawBackConfirmed) -> Act {
    ConfirmClawBack {
        voucher: e.voucher,
        proposal: e.proposal,
    }
    .into()
}

pub(super) fn receive_claw_back(e: &event::ClawBackReceived) -> Act {
    ReceiveClawBack {
        voucher: e.voucher,
        amount: e.amount,
        reference: e.reference.clone(),
    }
    .into()
}
