//! What every change of a voucher carries along: the plan year's counts, its class's unsettled vouchers, its money and its nullifiers.
//! Events change a voucher through here only, so that no count and no fen can be forgotten.

use crate::event::VoucherEnded;
use crate::ids::*;
use crate::money::Fen;
use crate::refusal::{Code, Stop};
use crate::state::*;
use crate::time::Instant;
use crate::world::World;

/// The occasion on which a voucher is still unsettled: Enrolled, Completed or Claimed.
pub(crate) fn unsettled(state: &VoucherState) -> Option<Occasion> {
    match state {
        VoucherState::Enrolled { class, .. } => Some(Occasion::Class(*class)),
        VoucherState::Completed { occasion, .. } | VoucherState::Claimed { occasion, .. } => {
            Some(*occasion)
        }
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. }
        | VoucherState::Ended { .. } => None,
    }
}

/// Where a voucher was used, or was about to be paid for; of one that ended unpaid, where its refused claim was earned.
pub(crate) fn occasion(world: &World, voucher: &Voucher) -> Result<Option<Occasion>, Stop> {
    let of_sheet = |sheet: &SheetId| Ok(Some(world.sheet(sheet)?.occasion));
    match &voucher.state {
        VoucherState::Applied | VoucherState::Issued => Ok(None),
        VoucherState::Enrolled { class, .. } => Ok(Some(Occasion::Class(*class))),
        VoucherState::Completed { occasion, .. }
        | VoucherState::Claimed { occasion, .. }
        | VoucherState::Approved { occasion, .. }
        | VoucherState::Paid { occasion, .. } => Ok(Some(*occasion)),
        VoucherState::WrittenOff { sheet } => of_sheet(sheet),
        VoucherState::Ended { claim, .. } => match (claim, &voucher.claw_back) {
            (Some(claim), _) => Ok(Some(claim.occasion)),
            (None, Some(claw_back)) => of_sheet(&claw_back.sheet),
            (None, None) => Ok(None),
        },
    }
}

/// The sheet on which a voucher is claimed or was paid.
pub(crate) fn sheet(voucher: &Voucher) -> Option<SheetId> {
    match &voucher.state {
        VoucherState::Claimed { sheet, .. }
        | VoucherState::Approved { sheet, .. }
        | VoucherState::Paid { sheet, .. }
        | VoucherState::WrittenOff { sheet } => Some(*sheet),
        VoucherState::Ended { claim, .. } => claim.as_ref().map(|claim| claim.sheet),
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Completed { .. } => None,
    }
}

fn count_unsettled(world: &mut World, occasion: Occasion, up: bool) -> Result<(), Stop> {
    let unsettled = match occasion {
        Occasion::Class(class) => &mut world.edit_class(&class)?.unsettled,
        Occasion::Session(session) => &mut world.edit_session(&session)?.unsettled,
    };
    *unsettled = if up {
        *unsettled + 1
    } else {
        unsettled.saturating_sub(1)
    };
    Ok(())
}

/// Moves a voucher to a state.
pub(crate) fn move_to(world: &mut World, id: VoucherId, state: VoucherState) -> Result<(), Stop> {
    let voucher = world.edit_voucher(&id)?;
    let (year, programme) = (voucher.year, voucher.programme);
    let before = std::mem::replace(&mut voucher.state, state.clone());
    let counts = world
        .edit_year(&year)?
        .vouchers
        .entry(programme)
        .or_default();
    uncount(counts, before.code());
    *counts.entry(state.code().to_owned()).or_default() += 1;
    if unsettled(&before) != unsettled(&state) {
        if let Some(occasion) = unsettled(&before) {
            count_unsettled(world, occasion, false)?;
        }
        if let Some(occasion) = unsettled(&state) {
            count_unsettled(world, occasion, true)?;
        }
    }
    Ok(())
}

/// Counts a voucher that an event made.
pub(crate) fn count_new(world: &mut World, voucher: &Voucher) -> Result<(), Stop> {
    let counts = world
        .edit_year(&voucher.year)?
        .vouchers
        .entry(voucher.programme)
        .or_default();
    *counts.entry(voucher.state.code().to_owned()).or_default() += 1;
    Ok(())
}

/// Moves a sheet to a state.
pub(crate) fn move_sheet(world: &mut World, id: SheetId, state: SheetState) -> Result<(), Stop> {
    let over =
        |state: &SheetState| matches!(state, SheetState::Closed | SheetState::Refused { .. });
    let sheet = world.edit_sheet(&id)?;
    let (year, occasion) = (sheet.year, sheet.occasion);
    let (was_over, is_over, code) = (over(&sheet.state), over(&state), state.code());
    let before = std::mem::replace(&mut sheet.state, state);
    let counts = &mut world.edit_year(&year)?.sheets;
    uncount(counts, before.code());
    *counts.entry(code.to_owned()).or_default() += 1;
    if was_over != is_over {
        let open = match occasion {
            Occasion::Class(class) => &mut world.edit_class(&class)?.open_sheets,
            Occasion::Session(session) => &mut world.edit_session(&session)?.open_sheets,
        };
        *open = if is_over {
            open.saturating_sub(1)
        } else {
            *open + 1
        };
    }
    Ok(())
}

fn uncount(counts: &mut std::collections::BTreeMap<String, u32>, code: &str) {
    if let Some(count) = counts.get_mut(code) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(code);
        }
    }
}

/// The buckets of an account, each named once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    Available,
    Reserved,
    Payable,
    Paid,
}

fn bucket(account: &mut Account, bucket: Bucket) -> &mut Fen {
    match bucket {
        Bucket::Available => &mut account.available,
        Bucket::Reserved => &mut account.reserved,
        Bucket::Payable => &mut account.payable,
        Bucket::Paid => &mut account.paid,
    }
}

/// Moves money between two buckets of one account; what is not there is not moved.
pub(crate) fn shift(
    world: &mut World,
    year: PlanYear,
    source: &Source,
    amount: Fen,
    from: Bucket,
    to: Bucket,
) -> Result<(), Stop> {
    let account = world.edit_account(&year, source)?;
    let rest = bucket(account, from)
        .checked_sub(amount)
        .ok_or(Code::FundsExhausted)?;
    *bucket(account, from) = rest;
    let sum = bucket(account, to)
        .checked_add(amount)
        .ok_or(Code::BadAmount)?;
    *bucket(account, to) = sum;
    Ok(())
}

/// The bucket in which a live voucher's money stands.
pub(crate) fn bucket_of(state: &VoucherState) -> Bucket {
    match state {
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Completed { .. }
        | VoucherState::Claimed { .. } => Bucket::Reserved,
        VoucherState::Approved { .. } => Bucket::Payable,
        VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. }
        | VoucherState::Ended { .. } => Bucket::Paid,
    }
}

/// A voucher takes nullifiers.
pub(crate) fn take(world: &mut World, id: VoucherId, takes: &[Held]) -> Result<(), Stop> {
    for held in takes {
        world.take_nullifier(held.tag, id);
    }
    let voucher = world.edit_voucher(&id)?;
    voucher.held.extend_from_slice(takes);
    voucher.held.sort();
    Ok(())
}

/// A voucher frees nullifiers.
pub(crate) fn free(world: &mut World, id: VoucherId, frees: &[Tag]) -> Result<(), Stop> {
    for tag in frees {
        world.free_nullifier(*tag, id);
    }
    world
        .edit_voucher(&id)?
        .held
        .retain(|held| !frees.contains(&held.tag));
    Ok(())
}

/// Leaves the seat of a class, if the voucher is enrolled on one.
fn leave_seat(world: &mut World, state: &VoucherState, at: Instant) -> Result<(), Stop> {
    if let VoucherState::Enrolled { class, seat } = state
        && let Some(seat) = world.edit_class(class)?.seats.get_mut(usize::from(*seat))
    {
        seat.left = Some(at);
    }
    Ok(())
}

/// Strikes a voucher's line on its sheet.
pub(crate) fn strike_line(
    world: &mut World,
    sheet: SheetId,
    id: VoucherId,
    reason: &Reason,
) -> Result<(), Stop> {
    let sheet = world.edit_sheet(&sheet)?;
    if let Some(line) = sheet
        .lines
        .iter_mut()
        .find(|line| line.voucher == id && line.struck.is_none())
    {
        line.struck = Some(reason.clone());
    }
    Ok(())
}

/// Ends a voucher's life short of being written off: money back, nullifiers free, seat left, token dead.
/// `claim` keeps where a refused claim stood, so that a reopened sheet can take it back.
pub(crate) fn end(
    world: &mut World,
    ended: &VoucherEnded,
    how: End,
    at: Instant,
    claim: Option<EndedClaim>,
) -> Result<(), Stop> {
    let voucher = world.edit_voucher(&ended.voucher)?;
    let state = voucher.state.clone();
    voucher.money = None;
    voucher.due = None;
    voucher.token = None;
    if let Some(money) = &ended.release {
        shift(
            world,
            money.year,
            &money.source,
            money.amount,
            bucket_of(&state),
            Bucket::Available,
        )?;
    }
    free(world, ended.voucher, &ended.frees)?;
    leave_seat(world, &state, at)?;
    move_to(
        world,
        ended.voucher,
        VoucherState::Ended {
            how,
            at,
            by: ended.by.clone(),
            claim,
        },
    )
}

/// The event body for an end that frees everything: every unpaid end does. Only a certificate's number stays on record, or a claim
/// that is refused and reopened could be paid beside another one for the same certificate; one that the register denied is free
/// since then.
pub(crate) fn ending(
    id: VoucherId,
    voucher: &Voucher,
    by: Option<&StaffId>,
    reason: Option<Reason>,
) -> VoucherEnded {
    VoucherEnded {
        voucher: id,
        by: by.cloned(),
        reason,
        release: voucher.money.clone(),
        frees: held_tags(voucher, |once| *once != Once::Certificate),
    }
}

/// The tags that a voucher holds under rules that `which` picks.
pub(crate) fn held_tags(voucher: &Voucher, which: impl Fn(&Once) -> bool) -> Vec<Tag> {
    voucher
        .held
        .iter()
        .filter(|held| which(&held.once))
        .map(|held| held.tag)
        .collect()
}
