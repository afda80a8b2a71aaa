//! Freezing: a frozen voucher takes no move but Unfreeze, Expire, RefuseClaim and ClawBack.

use crate::command::{Freeze, Unfreeze};
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::refusal::{Checks, Code, Stop};
use crate::world::World;

/// Freezes a live voucher.
pub(crate) fn freeze(ask: &Ask, act: &Freeze) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let mut checks = Checks::new();
    checks.require(voucher.state.is_live(), Code::VoucherEnded);
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.done()?;
    Ok(vec![Event::Frozen(event::Frozen {
        voucher: act.voucher,
        by: ask.caller.person.clone(),
        reason: act.reason.clone(),
    })])
}

/// Lifts a freeze.
pub(crate) fn unfreeze(ask: &Ask, act: &Unfreeze) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let mut checks = Checks::new();
    checks.require(voucher.frozen.is_some(), Code::VoucherNotFrozen);
    checks.done()?;
    Ok(vec![Event::Unfrozen(event::Unfrozen {
        voucher: act.voucher,
        by: ask.caller.person.clone(),
        reason: act.reason.clone(),
    })])
}

pub(crate) fn apply_frozen(world: &mut World, e: &event::Frozen) -> Result<(), Stop> {
    world.edit_voucher(&e.voucher)?.frozen = Some(e.reason.clone());
    Ok(())
}

pub(crate) fn apply_unfrozen(world: &mut World, e: &event::Unfrozen) -> Result<(), Stop> {
    world.edit_voucher(&e.voucher)?.frozen = None;
    Ok(())
}
