//! Money in, money allocated, and the plan year's life. allocated = available + reserved + payable + paid, each at least 0, after every event.

mod top_up;

pub(crate) use top_up::*;

use std::collections::{BTreeMap, BTreeSet};

use crate::command::*;
use crate::decide::Ask;
use crate::event::{self, CarriedAccount, Event};
use crate::ids::*;
use crate::issuance;
use crate::money::Fen;
use crate::redemption;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::Instant;
use crate::world::World;

/// The most vouchers of one closing step, so that its events stay within one group's bounds.
const MOST_CLOSED: usize = 400;
/// The most sheets that one closing names, so that the event stays within its bound.
const MOST_CARRIED: usize = 1_000;
/// The reason of everything that a closing ends.
const PLAN_YEAR_CLOSED: &str = "PLAN_YEAR_CLOSED";

/// Money enters an account (treasury reference).
pub(crate) fn appropriate(ask: &Ask, act: &AppropriateFunds) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    checks.require(act.amount > Fen::ZERO, Code::BadAmount);
    checks.require(
        fits(ask.world, act.year, &act.source, act.amount)?,
        Code::BadAmount,
    );
    checks.take(ask.year_open(act.year))?;
    checks.done()?;
    let (year, source, amount, reference) = (
        act.year,
        act.source.clone(),
        act.amount,
        act.reference.clone(),
    );
    Ok(vec![Event::FundsAppropriated(event::FundsAppropriated {
        year,
        source,
        amount,
        reference,
    })])
}

fn fits(world: &World, year: PlanYear, source: &Source, amount: Fen) -> Result<bool, Stop> {
    Ok(match world.get(&Key::Account(year, source.clone()))? {
        Some(Fact::Account(account)) => account.allocated.checked_add(amount).is_some(),
        _ => (Fen::ZERO..=Fen::MAX).contains(&amount),
    })
}

pub(crate) fn apply_funds_appropriated(
    world: &mut World,
    e: &event::FundsAppropriated,
) -> Result<(), Stop> {
    credit(world, e.year, &e.source, e.amount)
}

/// Money enters an account, which is opened if there is none: allocated and available go up alike.
fn credit(world: &mut World, year: PlanYear, source: &Source, amount: Fen) -> Result<(), Stop> {
    let account = account_or_new(world, year, source)?;
    account.allocated += amount;
    account.available += amount;
    Ok(())
}

/// An account, opened with nothing in it if there is none; the plan year knows of which sources it has one.
pub(crate) fn account_or_new<'w>(
    world: &'w mut World,
    year: PlanYear,
    source: &Source,
) -> Result<&'w mut Account, Stop> {
    let key = Key::Account(year, source.clone());
    if world.get(&key)?.is_none() {
        world.edit_year(&year)?.sources.insert(source.clone());
        world.add(key, Fact::Account(Account::default()));
    }
    world.edit_account(&year, source)
}

/// Money moves from a city's account to one of its counties': one transaction, an event in each log that names the other.
pub(crate) fn allocate(
    ask: &Ask,
    to: &World,
    act: &AllocateFunds,
) -> Result<(Vec<Event>, Vec<Event>), Stop> {
    let county = to.state_of_region()?;
    let mut checks = Checks::new();
    checks.require(act.to != *ask.world.region(), Code::SameRegion);
    checks.require(
        county.parent.as_ref() == Some(ask.world.region()),
        Code::RegionNotFound,
    );
    checks.require(act.amount > Fen::ZERO, Code::BadAmount);
    checks.require(
        ask.available(act.year, &act.source)? >= act.amount,
        Code::FundsExhausted,
    );
    checks.require(
        fits(to, act.year, &act.source, act.amount)?,
        Code::BadAmount,
    );
    checks.take(ask.year_open(act.year))?;
    checks.require(
        to.year(&act.year)?.phase == YearPhase::Open,
        Code::PlanYearClosed,
    );
    checks.done()?;
    let (year, source, amount, reference) = (
        act.year,
        act.source.clone(),
        act.amount,
        act.reference.clone(),
    );
    let out = event::FundsAllocatedOut {
        to: act.to.clone(),
        year,
        source: source.clone(),
        amount,
        reference: reference.clone(),
        top_up: None,
    };
    let into = event::FundsAllocatedIn {
        from: ask.world.region().clone(),
        year,
        source,
        amount,
        reference,
        top_up: None,
    };
    Ok((
        vec![Event::FundsAllocatedOut(out)],
        vec![Event::FundsAllocatedIn(into)],
    ))
}

pub(crate) fn apply_funds_allocated_out(
    world: &mut World,
    e: &event::FundsAllocatedOut,
) -> Result<(), Stop> {
    let account = world.edit_account(&e.year, &e.source)?;
    account.available = account
        .available
        .checked_sub(e.amount)
        .ok_or(Code::FundsExhausted)?;
    account.allocated -= e.amount;
    Ok(())
}

pub(crate) fn apply_funds_allocated_in(
    world: &mut World,
    e: &event::FundsAllocatedIn,
) -> Result<(), Stop> {
    credit(world, e.year, &e.source, e.amount)
}

/// Opens a plan year.
pub(crate) fn open_plan_year(ask: &Ask, act: &OpenPlanYear) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    checks.require(
        ask.world.get(&Key::Year(act.year))?.is_none(),
        Code::PlanYearAlreadyOpen,
    );
    checks.done()?;
    Ok(vec![Event::PlanYearOpened(event::PlanYearOpened {
        year: act.year,
    })])
}

pub(crate) fn apply_plan_year_opened(
    world: &mut World,
    e: &event::PlanYearOpened,
) -> Result<(), Stop> {
    let year = YearState {
        phase: YearPhase::Open,
        vouchers: BTreeMap::new(),
        sheets: BTreeMap::new(),
        targets: BTreeMap::new(),
        sources: BTreeSet::new(),
    };
    world.add(Key::Year(e.year), Fact::Year(year));
    Ok(())
}

/// Sets the year's targets; named ones replace, the others stay.
pub(crate) fn set_targets(ask: &Ask, act: &SetTargets) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    checks.take(ask.year_open(act.year))?;
    checks.require((1..=200).contains(&act.targets.len()), Code::TooMany);
    checks.done()?;
    Ok(vec![Event::TargetsSet(event::TargetsSet {
        year: act.year,
        targets: act.targets.clone(),
    })])
}

pub(crate) fn apply_targets_set(world: &mut World, e: &event::TargetsSet) -> Result<(), Stop> {
    world.edit_year(&e.year)?.targets.extend(e.targets.clone());
    Ok(())
}

/// A step of the closing run ("最晚于次年3月底完成"). It can be stopped after any step and resumed.
pub(crate) fn close_plan_year(ask: &Ask, act: &ClosePlanYear) -> Result<Vec<Event>, Stop> {
    match &act.step {
        ClosingStep::Begin => begin_closing(ask, act.year),
        ClosingStep::Vouchers(ids) => close_vouchers(ask, act.year, ids),
        ClosingStep::Sheet(sheet) => close_sheet(ask, act.year, *sheet),
        ClosingStep::Finish { carried } => finish_closing(ask, act.year, carried),
    }
}

fn begin_closing(ask: &Ask, year: PlanYear) -> Result<Vec<Event>, Stop> {
    let (_, policy) = ask.world.policy(year, ask.at)?;
    let mut checks = Checks::new();
    checks.take(ask.year_open(year))?;
    checks.require(
        ask.at >= Instant::after(policy.dates.closes),
        Code::PlanYearNotDue,
    );
    checks.require(next_is_open(ask, year)?, Code::NextYearNotOpen);
    checks.done()?;
    Ok(vec![Event::PlanYearClosing(event::PlanYearClosing {
        year,
        by: ask.caller.person.clone(),
    })])
}

fn next_is_open(ask: &Ask, year: PlanYear) -> Result<bool, Stop> {
    Ok(
        matches!(ask.world.get(&Key::Year(year.next()))?, Some(Fact::Year(next)) if next.phase == YearPhase::Open),
    )
}

pub(crate) fn apply_plan_year_closing(
    world: &mut World,
    e: &event::PlanYearClosing,
) -> Result<(), Stop> {
    world.edit_year(&e.year)?.phase = YearPhase::Closing;
    Ok(())
}

fn closing(ask: &Ask, year: PlanYear) -> Result<(), Stop> {
    if ask.world.year(&year)?.phase == YearPhase::Closing {
        Ok(())
    } else {
        Err(Code::PlanYearNotClosing.into())
    }
}

fn reason() -> Result<Reason, Stop> {
    PLAN_YEAR_CLOSED
        .parse()
        .map_err(|_| Code::ReasonUnknown.into())
}

/// Applied, Issued, Enrolled and Completed vouchers expire.
fn close_vouchers(ask: &Ask, year: PlanYear, ids: &[VoucherId]) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    checks.take(closing(ask, year))?;
    checks.require((1..=MOST_CLOSED).contains(&ids.len()), Code::TooMany);
    for (i, id) in ids.iter().enumerate() {
        let voucher = ask.world.voucher(id)?;
        let closes = match &voucher.state {
            VoucherState::Applied
            | VoucherState::Issued
            | VoucherState::Enrolled { .. }
            | VoucherState::Completed { .. } => true,
            VoucherState::Claimed { .. }
            | VoucherState::Approved { .. }
            | VoucherState::Paid { .. }
            | VoucherState::WrittenOff { .. }
            | VoucherState::Ended { .. } => false,
        };
        checks.require_of(closes && voucher.year == year, Code::NotDue, id);
        checks.require_of(!ids[..i].contains(id), Code::DuplicateEntry, id);
    }
    checks.done()?;
    let mut events = Vec::with_capacity(ids.len());
    for id in ids {
        events.push(issuance::expired(
            *id,
            ask.world.voucher(id)?,
            Some(reason()?),
        ));
    }
    events.extend(crate::training::closing_after(ask, ids, &[])?);
    Ok(events)
}

/// An Open or Submitted sheet is refused with its vouchers.
fn close_sheet(ask: &Ask, year: PlanYear, id: SheetId) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&id)?;
    let mut checks = Checks::new();
    checks.take(closing(ask, year))?;
    checks.require(
        sheet.year == year
            && matches!(sheet.state, SheetState::Open | SheetState::Submitted { .. }),
        Code::SheetNotSubmitted,
    );
    checks.done()?;
    redemption::refusal(ask, id, reason()?)
}

/// The last step: what is under way is named and carried into the next year's account with the rest ("结余可于下一年度滚存使用").
fn finish_closing(ask: &Ask, year: PlanYear, carried: &[SheetId]) -> Result<Vec<Event>, Stop> {
    let state = ask.world.year(&year)?;
    let voucher_count = |codes: &[&str]| -> u32 {
        state
            .vouchers
            .values()
            .flat_map(|counts| codes.iter().filter_map(|code| counts.get(*code)))
            .sum()
    };
    let sheet_count = |codes: &[&str]| -> u32 {
        codes
            .iter()
            .filter_map(|code| state.sheets.get(*code))
            .sum()
    };
    let under_way = sheet_count(&["approved", "paying", "paid"]);
    let mut checks = Checks::new();
    checks.take(closing(ask, year))?;
    checks.require(
        voucher_count(&["applied", "issued", "enrolled", "completed", "claimed"]) == 0,
        Code::PlanYearNotEmpty,
    );
    checks.require(
        sheet_count(&["open", "submitted"]) == 0,
        Code::PlanYearNotEmpty,
    );
    checks.require(next_is_open(ask, year)?, Code::NextYearNotOpen);
    checks.require(carried.len() <= MOST_CARRIED, Code::TooMany);
    let mut named = 0;
    for (i, id) in carried.iter().enumerate() {
        let sheet = ask.world.sheet(id)?;
        let goes_on = matches!(
            sheet.state,
            SheetState::Approved { .. } | SheetState::Paying { .. } | SheetState::Paid { .. }
        );
        // A sheet that an earlier closing carried over and that is still owed goes on with this year's account.
        checks.require_of(goes_on && sheet.year <= year, Code::SheetNotApproved, id);
        checks.require_of(!carried[..i].contains(id), Code::DuplicateEntry, id);
        named += u32::from(sheet.year == year);
    }
    checks.require_of(named == under_way, Code::PlanYearNotEmpty, "carried");
    checks.done()?;
    let accounts = accounts_of(ask, year, carried)?;
    Ok(vec![Event::PlanYearClosed(event::PlanYearClosed {
        year,
        by: ask.caller.person.clone(),
        carried: carried.to_vec(),
        accounts,
    })])
}

/// Every account of the year, policy or not: money that a sector earmarked is carried over like the rest.
/// What is still reserved, or owed beside the sheets that are named, belongs to something that was left out.
fn accounts_of(
    ask: &Ask,
    year: PlanYear,
    carried: &[SheetId],
) -> Result<Vec<CarriedAccount>, Stop> {
    let mut owed = owed_on(ask, year, carried)?;
    let mut checks = Checks::new();
    let mut accounts = Vec::new();
    for source in &ask.world.year(&year)?.sources {
        ask.world.get(&Key::Account(year.next(), source.clone()))?;
        let account = ask.world.account(&year, source)?;
        let named = owed.remove(source).unwrap_or_default();
        checks.require_of(
            account.reserved == Fen::ZERO && account.payable == named,
            Code::PlanYearNotEmpty,
            source,
        );
        accounts.push(CarriedAccount {
            source: source.clone(),
            payable: account.payable,
            rest: account.available,
        });
    }
    checks.done()?;
    Ok(accounts)
}

/// What the sheets that go on still owe out of the year's accounts, by source: what is paid already stays where it was paid from.
fn owed_on(ask: &Ask, year: PlanYear, carried: &[SheetId]) -> Result<BTreeMap<Source, Fen>, Stop> {
    let mut owed: BTreeMap<Source, Fen> = BTreeMap::new();
    for id in carried {
        let sheet = ask.world.sheet(id)?;
        if matches!(sheet.state, SheetState::Paid { .. }) {
            continue;
        }
        for line in sheet.standing() {
            if let Some(money) = &ask.world.voucher(&line.voucher)?.money
                && money.year == year
            {
                *owed.entry(money.source.clone()).or_default() += money.amount;
            }
        }
    }
    Ok(owed)
}

pub(crate) fn apply_plan_year_closed(
    world: &mut World,
    e: &event::PlanYearClosed,
) -> Result<(), Stop> {
    for carried in &e.accounts {
        let old = world.edit_account(&e.year, &carried.source)?;
        old.payable = old
            .payable
            .checked_sub(carried.payable)
            .ok_or(Code::FundsExhausted)?;
        old.available = old
            .available
            .checked_sub(carried.rest)
            .ok_or(Code::FundsExhausted)?;
        old.allocated -= carried.payable + carried.rest;
        let next = account_or_new(world, e.year.next(), &carried.source)?;
        next.allocated += carried.payable + carried.rest;
        next.payable += carried.payable;
        next.available += carried.rest;
    }
    for sheet in &e.carried {
        let sheet = world.sheet(sheet)?;
        // What is paid already stays in the old account; what is owed went with the money.
        if matches!(sheet.state, SheetState::Paid { .. }) {
            continue;
        }
        let vouchers: Vec<VoucherId> = sheet.standing().map(|line| line.voucher).collect();
        for voucher in vouchers {
            if let Some(money) = &mut world.edit_voucher(&voucher)?.money
                && money.year == e.year
            {
                money.year = e.year.next();
            }
        }
    }
    world.edit_year(&e.year)?.phase = YearPhase::Closed;
    Ok(())
}

#[cfg(test)]
mod tests;
