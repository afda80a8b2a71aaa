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
    checks.take(super::named(ask, act.finding))?;
    checks.done()?;
    Ok(vec![Event::Frozen(event::Frozen {
        voucher: act.voucher,
        by: ask.caller.person.clone(),
        reason: act.reason.clone(),
        finding: act.finding,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Programme;
    use crate::sample::*;
    use crate::state::Role;

    #[test]
    fn a_voucher_is_frozen_once_and_thawed_once() {
        let mut county = County::new();
        let voucher = county.issued(1, 1, Programme::General);
        let supervisor = staff("supervisor", Role::Supervisor);
        let (on, off) = (
            Freeze {
                voucher,
                reason: code("SUSPECTED_FRAUD"),
                finding: None,
            },
            Unfreeze {
                voucher,
                reason: code("CLEARED"),
            },
        );
        let said = county.play(&supervisor, at("05-01"), |ask| unfreeze(ask, &off));
        assert_eq!(said, Err(vec![Code::VoucherNotFrozen]));
        let said = county.play(&supervisor, at("05-01"), |ask| freeze(ask, &on));
        assert_eq!(said, Ok(vec!["Frozen"]));
        let said = county.play(&supervisor, at("05-01"), |ask| freeze(ask, &on));
        assert_eq!(said, Err(vec![Code::VoucherFrozen]));
        let said = county.play(&supervisor, at("05-01"), |ask| unfreeze(ask, &off));
        assert_eq!(said, Ok(vec!["Unfrozen"]));
    }
}
