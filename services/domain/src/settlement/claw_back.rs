//! Claw-back (追回): decided by two people, final at confirmation, and owed by the payee until it is met.
//! It gives the person nothing back, unless their identity was misused.

use super::*;

/// The one reason that frees what the voucher used up: the person never had it.
const IDENTITY_MISUSED: &str = "IDENTITY_MISUSED";

/// Proposes a claw-back of a paid voucher. Until it is confirmed, its proposer may replace it.
pub(crate) fn propose_claw_back(ask: &Ask, act: &ProposeClawBack) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let sheet = paid_sheet(voucher)?;
    let paid = voucher
        .money
        .as_ref()
        .map_or(Fen::ZERO, |money| money.amount);
    let another = voucher.claw_back.as_ref().is_some_and(|earlier| {
        earlier.confirmed_by.is_some() || earlier.proposed_by != ask.caller.person
    });
    let mut checks = Checks::new();
    checks.require(!another, Code::ClawBackPending);
    checks.require(act.amount > Fen::ZERO, Code::BadAmount);
    checks.require(act.amount <= paid, Code::ClawBackTooMuch);
    checks.require(act.due >= ask.at.date(), Code::BadDates);
    checks.take(supervision::named(ask, act.finding))?;
    checks.done()?;
    let claw_back = ClawBack {
        amount: act.amount,
        reason: act.reason.clone(),
        decision: act.decision,
        hearing: act.hearing,
        due: act.due,
        sheet,
        payee: ask.world.sheet(&sheet)?.payee.clone(),
        proposed_by: ask.caller.person.clone(),
        confirmed_by: None,
        received: Fen::ZERO,
        finding: act.finding,
    };
    Ok(vec![Event::ClawBackProposed(event::ClawBackProposed {
        voucher: act.voucher,
        claw_back,
    })])
}

/// The sheet on which a voucher was paid, frozen or not.
fn paid_sheet(voucher: &Voucher) -> Result<SheetId, Stop> {
    match &voucher.state {
        VoucherState::Paid { sheet, .. } | VoucherState::WrittenOff { sheet } => Ok(*sheet),
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Completed { .. } => Err(Code::VoucherNotPaid.into()),
        VoucherState::Claimed { .. } | VoucherState::Approved { .. } => {
            Err(Code::VoucherNotPaid.into())
        }
        VoucherState::Ended { .. } => Err(Code::VoucherEnded.into()),
    }
}

pub(crate) fn apply_claw_back_proposed(
    world: &mut World,
    e: &event::ClawBackProposed,
) -> Result<(), Stop> {
    world.edit_voucher(&e.voucher)?.claw_back = Some(Box::new(e.claw_back.clone()));
    Ok(())
}

/// Paid, WrittenOff → ClawedBack, by a second person. The payee owes it from now on.
pub(crate) fn confirm_claw_back(ask: &Ask, act: &ConfirmClawBack) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let id = paid_sheet(voucher)?;
    let proposal = voucher
        .claw_back
        .as_ref()
        .filter(|proposal| proposal.confirmed_by.is_none())
        .ok_or(Code::NoClawBack)?;
    let mut checks = Checks::new();
    checks.require(proposal.proposed_by != ask.caller.person, Code::SamePerson);
    checks.take(proposal::seen(proposal.digest(), act.proposal))?;
    checks.done()?;
    ask.world.institution(&proposal.payee)?;
    let misused = proposal.reason.as_str() == IDENTITY_MISUSED;
    let mut events = vec![Event::ClawBackConfirmed(event::ClawBackConfirmed {
        voucher: act.voucher,
        by: ask.caller.person.clone(),
        proposal: act.proposal,
        frees: voucher::held_tags(voucher, |once| misused || is_live_rule(once)),
    })];
    if matches!(voucher.state, VoucherState::Paid { .. }) {
        events.extend(closing(ask, id, ask.world.sheet(&id)?)?);
    }
    Ok(events)
}

pub(crate) fn apply_claw_back_confirmed(
    world: &mut World,
    e: &event::ClawBackConfirmed,
    at: Instant,
) -> Result<(), Stop> {
    voucher::free(world, e.voucher, &e.frees)?;
    let voucher = world.edit_voucher(&e.voucher)?;
    voucher.token = None;
    let state = voucher.state.clone();
    let claw_back = voucher.claw_back.as_mut().ok_or(Code::NoClawBack)?;
    claw_back.confirmed_by = Some(e.by.clone());
    let (payee, amount) = (claw_back.payee.clone(), claw_back.amount);
    world.edit_institution(&payee)?.owes += amount;
    if let VoucherState::Paid { sheet, .. } = state {
        settled(world, sheet)?;
    }
    // Its money stays on it: receipts flow back to the account that paid.
    voucher::move_to(
        world,
        e.voucher,
        VoucherState::Ended {
            how: End::ClawedBack,
            at,
            by: Some(e.by.clone()),
            claim: None,
        },
    )
}

/// Money that came back: paid → available, or after the year's closing into the current account.
pub(crate) fn receive_claw_back(ask: &Ask, act: &ReceiveClawBack) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let claw_back = voucher
        .claw_back
        .as_ref()
        .filter(|claw_back| claw_back.confirmed_by.is_some())
        .ok_or(Code::NoClawBack)?;
    let money = voucher.money.as_ref().ok_or(Code::NoClawBack)?;
    let mut checks = Checks::new();
    checks.require(act.amount > Fen::ZERO, Code::BadAmount);
    checks.require(
        act.amount <= claw_back.amount.saturating_sub(claw_back.received),
        Code::ClawBackTooMuch,
    );
    checks.done()?;
    Ok(vec![Event::ClawBackReceived(event::ClawBackReceived {
        voucher: act.voucher,
        amount: act.amount,
        year: current_year(ask.world, money.year)?,
        source: money.source.clone(),
        reference: act.reference.clone(),
    })])
}

pub(crate) fn apply_claw_back_received(
    world: &mut World,
    e: &event::ClawBackReceived,
) -> Result<(), Stop> {
    let voucher = world.edit_voucher(&e.voucher)?;
    let money = voucher.money.clone().ok_or(Code::NoClawBack)?;
    let claw_back = voucher.claw_back.as_mut().ok_or(Code::NoClawBack)?;
    claw_back.received += e.amount;
    let payee = claw_back.payee.clone();
    let institution = world.edit_institution(&payee)?;
    institution.owes = institution.owes.saturating_sub(e.amount);
    give_back(world, &money, e.year, e.amount, Bucket::Available)
}
