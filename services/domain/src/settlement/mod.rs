//! From approval to write-off (核销): what was approved is sent, the bank's answer recorded, and each paid voucher verified and written off.
//! Only what was approved is paid, to the payee's registered account, once; a returned payout is owed again.

mod claw_back;

pub(crate) use claw_back::*;

use crate::command::*;
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::funds;
use crate::ids::*;
use crate::money::Fen;
use crate::proposal;
use crate::redemption::approval_digest;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::supervision;
use crate::time::Instant;
use crate::training;
use crate::voucher::{self, Bucket};
use crate::world::World;
use sha2::{Digest as _, Sha256};

/// Approved → Paying, by somebody other than the approver, after the notice, where there was one, and with no objection open.
pub(crate) fn send_payout(ask: &Ask, act: &SendPayout) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&act.sheet)?;
    let SheetState::Approved {
        approval,
        notice_until,
    } = &sheet.state
    else {
        return Err(Code::SheetNotApproved.into());
    };
    let payee = ask.world.institution(&sheet.payee)?;
    let mut checks = Checks::new();
    checks.require(
        sheet.approved_by.as_ref() != Some(&ask.caller.person),
        Code::SamePerson,
    );
    checks.require(*approval == act.approval, Code::ApprovalChanged);
    checks.require(
        notice_until.is_none_or(|until| ask.at >= Instant::after(until)),
        Code::NoticeRunning,
    );
    checks.require(
        sheet
            .objections
            .values()
            .all(|objection| objection.upheld.is_some()),
        Code::ObjectionOpen,
    );
    checks.require(payee.owes == Fen::ZERO, Code::PayeeOwes);
    for line in sheet.standing() {
        let voucher = ask.world.voucher(&line.voucher)?;
        checks.require_of(voucher.frozen.is_none(), Code::SheetHasFrozen, line.voucher);
    }
    let account = checks.take(account_in_force(payee, ask.at))?;
    checks.done()?;
    let commitment = account.ok_or(Code::AccountMissing)?;
    let batch = batch_digest(&commitment, &sheet.payee, sheet.total(), act.sheet);
    Ok(vec![Event::PayoutSent(event::PayoutSent {
        sheet: act.sheet,
        by: ask.caller.person.clone(),
        approval: act.approval,
        total: sheet.total(),
        batch,
    })])
}

/// The payee's corporate account, once its waiting days are over.
fn account_in_force(payee: &Institution, at: Instant) -> Result<Digest, Stop> {
    let account = payee.account.as_ref().ok_or(Code::AccountMissing)?;
    if at.date() < account.usable_from {
        Err(Code::AccountMissing.about(account.usable_from))
    } else {
        Ok(account.commitment)
    }
}

/// What a payout batch binds: SHA-256 over the lines `account <commitment>`, `payee <credit code>`, `total <fen>` and
/// `sheet <id>`, each ended by a newline. The commitment covers the account's name and number.
pub fn batch_digest(
    commitment: &Digest,
    payee: &InstitutionId,
    total: Fen,
    sheet: SheetId,
) -> Digest {
    Digest(
        Sha256::digest(format!(
            "account {commitment}\npayee {payee}\ntotal {}\nsheet {sheet}\n",
            total.0
        ))
        .into(),
    )
}

pub(crate) fn apply_payout_sent(world: &mut World, e: &event::PayoutSent) -> Result<(), Stop> {
    let SheetState::Approved {
        approval,
        notice_until,
    } = world.sheet(&e.sheet)?.state
    else {
        return Err(Code::SheetNotApproved.into());
    };
    voucher::move_sheet(
        world,
        e.sheet,
        SheetState::Paying {
            approval,
            notice_until,
            batch: e.batch,
            in_file: false,
        },
    )
}

/// Paying → Paid, by somebody other than the approver. The money has left: a voucher frozen meanwhile does not keep the bank's answer from being recorded.
pub(crate) fn record_payout(ask: &Ask, act: &RecordPayout) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&act.sheet)?;
    let SheetState::Paying { batch, .. } = &sheet.state else {
        return Err(Code::SheetNotPaying.into());
    };
    let mut checks = Checks::new();
    checks.require(
        sheet.approved_by.as_ref() != Some(&ask.caller.person),
        Code::SamePerson,
    );
    checks.require(*batch == act.batch, Code::BatchMismatch);
    checks.done()?;
    Ok(vec![Event::PayoutRecorded(event::PayoutRecorded {
        sheet: act.sheet,
        by: ask.caller.person.clone(),
        batch: act.batch,
        reference: act.reference.clone(),
    })])
}

pub(crate) fn apply_payout_recorded(
    world: &mut World,
    e: &event::PayoutRecorded,
) -> Result<(), Stop> {
    let sheet = world.edit_sheet(&e.sheet)?;
    let SheetState::Paying {
        approval,
        notice_until,
        batch,
        in_file: _,
    } = sheet.state
    else {
        return Err(Code::SheetNotPaying.into());
    };
    let lines: Vec<VoucherId> = sheet.standing().map(|line| line.voucher).collect();
    sheet.to_write_off = u16::try_from(lines.len()).map_err(|_| Code::TooMany)?;
    for id in lines {
        let VoucherState::Approved {
            occasion,
            seat,
            sheet,
        } = world.voucher(&id)?.state
        else {
            return Err(Code::VoucherNotClaimed.into());
        };
        if let Some(mut money) = world.voucher(&id)?.money.clone() {
            // What was owed when a year closed is owed by the next one's account.
            money.year = current_year(world, money.year)?;
            world.edit_voucher(&id)?.money = Some(money.clone());
            voucher::shift(
                world,
                money.year,
                &money.source,
                money.amount,
                Bucket::Payable,
                Bucket::Paid,
            )?;
        }
        voucher::move_to(
            world,
            id,
            VoucherState::Paid {
                occasion,
                seat,
                sheet,
            },
        )?;
    }
    voucher::move_sheet(
        world,
        e.sheet,
        SheetState::Paid {
            approval,
            notice_until,
            batch,
            reference: e.reference.clone(),
        },
    )
}

/// Paying, Paid → Approved: the bank sent it back. What was written off or clawed back cannot come back this way.
pub(crate) fn return_payout(ask: &Ask, act: &ReturnPayout) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&act.sheet)?;
    let mut owed_by = None;
    match &sheet.state {
        SheetState::Paying { .. } => {}
        SheetState::Paid { .. } => {
            if usize::from(sheet.to_write_off) != sheet.standing().count() {
                return Err(Code::PayoutWrittenOff.into());
            }
            if let Some(line) = sheet.standing().next()
                && let Some(money) = &ask.world.voucher(&line.voucher)?.money
            {
                owed_by =
                    Some(current_year(ask.world, money.year)?).filter(|year| *year != money.year);
            }
        }
        SheetState::Open | SheetState::Submitted { .. } | SheetState::Approved { .. } => {
            return Err(Code::SheetNotPaying.into());
        }
        SheetState::Closed | SheetState::Refused { .. } => return Err(Code::SheetNotPaying.into()),
    }
    Ok(vec![Event::PayoutReturned(event::PayoutReturned {
        sheet: act.sheet,
        by: ask.caller.person.clone(),
        reference: act.reference.clone(),
        reason: act.reason.clone(),
        owed_by,
    })])
}

pub(crate) fn apply_payout_returned(
    world: &mut World,
    e: &event::PayoutReturned,
) -> Result<(), Stop> {
    let sheet = world.edit_sheet(&e.sheet)?;
    let (approval, notice_until, was_paid) = match sheet.state {
        SheetState::Paying {
            approval,
            notice_until,
            ..
        } => (approval, notice_until, false),
        SheetState::Paid {
            approval,
            notice_until,
            ..
        } => (approval, notice_until, true),
        SheetState::Open | SheetState::Submitted { .. } | SheetState::Approved { .. } => {
            return Err(Code::SheetNotPaying.into());
        }
        SheetState::Closed | SheetState::Refused { .. } => return Err(Code::SheetNotPaying.into()),
    };
    sheet.to_write_off = 0;
    let lines: Vec<VoucherId> = if was_paid {
        sheet.standing().map(|line| line.voucher).collect()
    } else {
        Vec::new()
    };
    for id in lines {
        let voucher = world.edit_voucher(&id)?;
        let VoucherState::Paid {
            occasion,
            seat,
            sheet,
        } = voucher.state
        else {
            return Err(Code::VoucherNotPaid.into());
        };
        if let Some(money) = &mut voucher.money {
            let paid_by = money.clone();
            money.year = e.owed_by.unwrap_or(money.year);
            let owed_by = money.year;
            give_back(world, &paid_by, owed_by, paid_by.amount, Bucket::Payable)?;
        }
        voucher::move_to(
            world,
            id,
            VoucherState::Approved {
                occasion,
                seat,
                sheet,
            },
        )?;
    }
    voucher::move_sheet(
        world,
        e.sheet,
        SheetState::Approved {
            approval,
            notice_until,
        },
    )
}

/// The plan year whose account holds what an account owed or gets back: its own, or after its closing the first that is not closed.
pub(crate) fn current_year(world: &World, paid_by: PlanYear) -> Result<PlanYear, Stop> {
    let mut year = paid_by;
    while world.year(&year)?.phase == YearPhase::Closed {
        year = year.next();
    }
    Ok(year)
}

/// Paid money comes back into a bucket of its own account; or, after the year's closing, out of the old account (its paid and
/// allocated fall) and into the current year's of the same source (its allocated and the bucket rise).
fn give_back(
    world: &mut World,
    paid_by: &Money,
    into: PlanYear,
    amount: Fen,
    to: Bucket,
) -> Result<(), Stop> {
    if into == paid_by.year {
        return voucher::shift(world, into, &paid_by.source, amount, Bucket::Paid, to);
    }
    voucher::shift(
        world,
        paid_by.year,
        &paid_by.source,
        amount,
        Bucket::Paid,
        Bucket::Available,
    )?;
    let old = world.edit_account(&paid_by.year, &paid_by.source)?;
    old.available -= amount;
    old.allocated -= amount;
    let current = funds::account_or_new(world, into, &paid_by.source)?;
    current.allocated += amount;
    current.available += amount;
    if to == Bucket::Available {
        Ok(())
    } else {
        voucher::shift(world, into, &paid_by.source, amount, Bucket::Available, to)
    }
}

/// Paid → WrittenOff, by a reviewer who did not approve the claim, when payout and approval agree to the fen.
pub(crate) fn write_off(ask: &Ask, act: &WriteOff) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let id = match &voucher.state {
        VoucherState::Paid { sheet, .. } => *sheet,
        VoucherState::WrittenOff { .. } | VoucherState::Ended { .. } => {
            return Err(Code::VoucherEnded.into());
        }
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Completed { .. } => return Err(Code::VoucherNotPaid.into()),
        VoucherState::Claimed { .. } | VoucherState::Approved { .. } => {
            return Err(Code::VoucherNotPaid.into());
        }
    };
    let sheet = ask.world.sheet(&id)?;
    let approved = match &sheet.state {
        SheetState::Paid { approval, .. } => approval,
        SheetState::Open
        | SheetState::Submitted { .. }
        | SheetState::Approved { .. }
        | SheetState::Paying { .. } => return Err(Code::SheetNotPaid.into()),
        SheetState::Closed | SheetState::Refused { .. } => return Err(Code::SheetNotPaid.into()),
    };
    let lines: Vec<&Line> = sheet.standing().collect();
    let paid = voucher
        .money
        .as_ref()
        .map_or(Fen::ZERO, |money| money.amount);
    let agrees = lines
        .iter()
        .any(|line| line.voucher == act.voucher && line.amount == paid);
    let mut checks = Checks::new();
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(
        sheet.approved_by.as_ref() != Some(&ask.caller.person),
        Code::SamePerson,
    );
    checks.require(
        agrees && approval_digest(id, &sheet.payee, &lines) == *approved,
        Code::PayoutMismatch,
    );
    checks.done()?;
    let mut events = vec![Event::WrittenOff(event::WrittenOff {
        voucher: act.voucher,
        sheet: id,
        by: ask.caller.person.clone(),
        amount: paid,
        frees: voucher::held_tags(voucher, is_live_rule),
    })];
    events.extend(closing(ask, id, sheet)?);
    Ok(events)
}

/// The rule that a life's end frees even when it was paid; all others stay: the money was spent once and is not spent again.
fn is_live_rule(once: &Once) -> bool {
    matches!(once, Once::Live { .. })
}

/// Closes a paid sheet with its last line, and its class or session if all is settled there.
fn closing(ask: &Ask, id: SheetId, sheet: &Sheet) -> Result<Vec<Event>, Stop> {
    if sheet.to_write_off > 1 {
        return Ok(Vec::new());
    }
    let mut events = vec![Event::ClaimClosed(event::ClaimClosed { sheet: id })];
    events.extend(training::closing_after(ask, &[], &[id])?);
    Ok(events)
}

pub(crate) fn apply_written_off(world: &mut World, e: &event::WrittenOff) -> Result<(), Stop> {
    voucher::free(world, e.voucher, &e.frees)?;
    world.edit_voucher(&e.voucher)?.token = None;
    settled(world, e.sheet)?;
    voucher::move_to(
        world,
        e.voucher,
        VoucherState::WrittenOff { sheet: e.sheet },
    )
}

/// One line less to write off.
fn settled(world: &mut World, id: SheetId) -> Result<(), Stop> {
    let sheet = world.edit_sheet(&id)?;
    sheet.to_write_off = sheet.to_write_off.saturating_sub(1);
    Ok(())
}

pub(crate) fn apply_claim_closed(world: &mut World, e: &event::ClaimClosed) -> Result<(), Stop> {
    voucher::move_sheet(world, e.sheet, SheetState::Closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_binds_account_payee_total_and_sheet() {
        let payee: InstitutionId = "91350100M000100Y43".parse().unwrap();
        let sheet = |n: u128| SheetId(uuid::Uuid::from_u128(n));
        let batch = batch_digest(&Digest([1; 32]), &payee, Fen(100), sheet(1));
        assert_eq!(
            batch,
            batch_digest(&Digest([1; 32]), &payee, Fen(100), sheet(1))
        );
        assert_ne!(
            batch,
            batch_digest(&Digest([2; 32]), &payee, Fen(100), sheet(1))
        );
        assert_ne!(
            batch,
            batch_digest(&Digest([1; 32]), &payee, Fen(101), sheet(1))
        );
        assert_ne!(
            batch,
            batch_digest(&Digest([1; 32]), &payee, Fen(100), sheet(2))
        );
    }

    #[test]
    fn money_that_comes_back_after_a_closing_enters_the_current_account_and_leaves_the_old_one() {
        let region: Region = "140725".parse().unwrap();
        let mut world = World::new(region);
        let year = PlanYear::try_from(2023).unwrap();
        let source: Source = "city".parse().unwrap();
        let old = Account {
            allocated: Fen(500),
            paid: Fen(500),
            ..Account::default()
        };
        world.bring(Key::Account(year, source.clone()), Some(Fact::Account(old)));
        world.bring(Key::Account(year.next(), source.clone()), None);
        let next = YearState {
            phase: YearPhase::Open,
            vouchers: Default::default(),
            sheets: Default::default(),
            targets: Default::default(),
            sources: Default::default(),
        };
        world.bring(Key::Year(year.next()), Some(Fact::Year(next)));
        let next_year = YearState {
            phase: YearPhase::Open,
            vouchers: Default::default(),
            sheets: Default::default(),
            targets: Default::default(),
            sources: Default::default(),
        };
        world.bring(Key::Year(year.next()), Some(Fact::Year(next_year)));
        let paid_by = Money {
            year,
            source: source.clone(),
            amount: Fen(300),
        };
        give_back(&mut world, &paid_by, year.next(), Fen(300), Bucket::Payable).unwrap();
        let left = Account {
            allocated: Fen(200),
            paid: Fen(200),
            ..Account::default()
        };
        let current = Account {
            allocated: Fen(300),
            payable: Fen(300),
            ..Account::default()
        };
        assert_eq!(world.account(&year, &source), Ok(&left));
        assert_eq!(world.account(&year.next(), &source), Ok(&current));
        let known = &world.year(&year.next()).unwrap().sources;
        assert!(known.contains(&source), "its own closing will find it");
    }
}
