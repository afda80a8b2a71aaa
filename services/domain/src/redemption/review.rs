//! The review of a claim sheet: approve, refuse, reopen. An approval binds the hash of what was approved, and turns each
//! voucher's reserve into what is owed; a refusal gives everything back and can be undone once, by another reviewer.

use std::collections::BTreeMap;

use super::*;
use crate::calendar::Calendars;
use crate::event::VoucherEnded;
use crate::issuance;
use crate::settlement;
use crate::supervision;
use crate::time::Date;
use crate::voucher::Bucket;
use sha2::{Digest as _, Sha256};

/// Submitted → Approved, by a reviewer who issued none of its vouchers; the public notice opens, unless it is a classified unit's.
pub(crate) fn approve(ask: &Ask, act: &ApproveClaim) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&act.sheet)?;
    let (policy, rules) = ask.world.rules(sheet.year, sheet.programme, ask.at)?;
    // Only a submitted sheet's vouchers stand where the other rules look for them.
    let SheetState::Submitted { at: submitted } = sheet.state else {
        return Err(Code::SheetNotSubmitted.into());
    };
    let mut checks = Checks::new();
    checks.require(sheet.standing().next().is_some(), Code::SheetEmpty);
    checks.require(claims_run(policy, ask.at), Code::SheetOverdue);
    checks.take(ask.year_open(sheet.year))?;
    checks.take(supervision::may_be_approved(ask, sheet))?;
    let mut released = Vec::new();
    for line in sheet.standing() {
        let voucher = ask.world.voucher(&line.voucher)?;
        checks.require_of(
            voucher.hands.issued.as_ref() != Some(&ask.caller.person),
            Code::SamePerson,
            line.voucher,
        );
        checks.require_of(voucher.frozen.is_none(), Code::SheetHasFrozen, line.voucher);
        checks.require_of(
            voucher.correction.is_none(),
            Code::CorrectionPending,
            line.voucher,
        );
        checks.take(certificate(voucher, line.voucher, rules.pass_required))?;
        if sheet.programme == Programme::Assessment {
            checks.take(eligibility::insurance_asked_again(
                ask, policy, voucher, submitted,
            ))?;
        }
        let reserve = voucher
            .money
            .as_ref()
            .map_or(Fen::ZERO, |money| money.amount);
        checks.require_of(reserve >= line.amount, Code::FundsExhausted, line.voucher);
        released.push(reserve.saturating_sub(line.amount));
    }
    let notice_until = if Place::of(ask.world, sheet.occasion)?.classified {
        None
    } else {
        let days = policy.claims.notice_working_days;
        checks.take(working_days_after(ask.world, ask.at.date(), days))?
    };
    checks.done()?;
    let lines: Vec<&Line> = sheet.standing().collect();
    Ok(vec![Event::ClaimApproved(event::ClaimApproved {
        sheet: act.sheet,
        by: ask.caller.person.clone(),
        total: sheet.total(),
        approval: approval_digest(act.sheet, &sheet.payee, &lines),
        notice_until,
        released,
    })])
}

/// The certificate behind a pass that is paid for stands in the register.
fn certificate(voucher: &Voucher, id: VoucherId, pass_required: bool) -> Result<(), Stop> {
    if !pass_required && voucher.programme != Programme::Assessment {
        return Ok(());
    }
    match voucher.pass.as_ref().map(|pass| pass.confirmed) {
        None => Err(Code::PassMissing.about(id)),
        Some(None) => Err(Code::CertificateUnconfirmed.about(id)),
        Some(Some(false)) => Err(Code::CertificateDenied.about(id)),
        Some(Some(true)) => Ok(()),
    }
}

/// What an approval binds: SHA-256 over the lines `sheet <id>`, `payee <credit code>` and `<voucher> <fen>` for each standing
/// line in the sheet's order, each ended by a newline.
pub(crate) fn approval_digest(id: SheetId, payee: &InstitutionId, lines: &[&Line]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(format!("sheet {id}\npayee {payee}\n"));
    for line in lines {
        hash.update(format!("{} {}\n", line.voucher, line.amount.0));
    }
    Digest(hash.finalize().into())
}

/// The day on which the count's last working day falls; the next year's calendar is asked for only when the count reaches it.
fn working_days_after(world: &World, from: Date, count: u16) -> Result<Date, Stop> {
    let year = u16::try_from(from.year()).map_err(|_| Code::CalendarMissing)?;
    let this = world.calendar(&year)?;
    if let Some(day) = Calendars(vec![this]).working_days_after(from, count) {
        return Ok(day);
    }
    let next = world.calendar(&(year + 1))?;
    Calendars(vec![this, next])
        .working_days_after(from, count)
        .ok_or_else(|| Code::CalendarMissing.into())
}

pub(crate) fn apply_approved(world: &mut World, e: &event::ClaimApproved) -> Result<(), Stop> {
    let sheet = world.edit_sheet(&e.sheet)?;
    sheet.approved_by = Some(e.by.clone());
    let lines: Vec<Line> = sheet.standing().cloned().collect();
    for (line, rest) in lines.iter().zip(&e.released) {
        let voucher = world.edit_voucher(&line.voucher)?;
        voucher.due = None;
        let state = voucher.state.clone();
        if let Some(money) = &mut voucher.money {
            money.amount = line.amount;
            let money = money.clone();
            voucher::shift(
                world,
                money.year,
                &money.source,
                *rest,
                Bucket::Reserved,
                Bucket::Available,
            )?;
            voucher::shift(
                world,
                money.year,
                &money.source,
                line.amount,
                Bucket::Reserved,
                Bucket::Payable,
            )?;
        }
        if let VoucherState::Claimed {
            occasion,
            seat,
            sheet,
        } = state
        {
            voucher::move_to(
                world,
                line.voucher,
                VoucherState::Approved {
                    occasion,
                    seat,
                    sheet,
                },
            )?;
        }
    }
    voucher::move_sheet(
        world,
        e.sheet,
        SheetState::Approved {
            approval: e.approval,
            notice_until: e.notice_until,
        },
    )
}

/// Submitted → Refused, with its vouchers.
pub(crate) fn refuse(ask: &Ask, act: &RefuseClaim) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&act.sheet)?;
    let mut checks = Checks::new();
    checks.require(
        matches!(sheet.state, SheetState::Submitted { .. }),
        Code::SheetNotSubmitted,
    );
    checks.done()?;
    refusal(ask, act.sheet, act.reason.clone())
}

/// The events by which a sheet that is not with the bank is refused: the sheet, each standing voucher, and what closes with them.
pub(crate) fn refusal(ask: &Ask, id: SheetId, reason: Reason) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&id)?;
    let refusable = match &sheet.state {
        SheetState::Open | SheetState::Submitted { .. } | SheetState::Approved { .. } => true,
        SheetState::Paying { .. }
        | SheetState::Paid { .. }
        | SheetState::Closed
        | SheetState::Refused { .. } => false,
    };
    if !refusable {
        return Err(Code::SheetNotSubmitted.into());
    }
    let by = ask.caller.person.clone();
    let mut events = vec![Event::ClaimRefused(event::ClaimRefused {
        sheet: id,
        by: by.clone(),
        reason: reason.clone(),
    })];
    let mut leaving = Vec::new();
    for line in sheet.standing() {
        let voucher = ask.world.voucher(&line.voucher)?;
        if matches!(voucher.state, VoucherState::Claimed { .. }) {
            leaving.push(line.voucher);
        }
        events.push(Event::ClaimVoucherRefused(unpaid_ending(
            ask,
            line.voucher,
            voucher,
            &reason,
        )?));
    }
    events.extend(training::closing_after(ask, &leaving, &[id])?);
    Ok(events)
}

/// How a claim that is not paid ends: everything free, its money released from the account that holds it now.
pub(super) fn unpaid_ending(
    ask: &Ask,
    id: VoucherId,
    voucher: &Voucher,
    reason: &Reason,
) -> Result<VoucherEnded, Stop> {
    let mut ended = voucher::ending(id, voucher, Some(&ask.caller.person), Some(reason.clone()));
    if let Some(money) = &mut ended.release {
        money.year = settlement::current_year(ask.world, money.year)?;
    }
    Ok(ended)
}

pub(crate) fn apply_refused(
    world: &mut World,
    e: &event::ClaimRefused,
    at: Instant,
) -> Result<(), Stop> {
    voucher::move_sheet(
        world,
        e.sheet,
        SheetState::Refused {
            at,
            by: e.by.clone(),
        },
    )
}

/// The voucher ends and keeps where its claim stood. Its line stays unstruck: a reopened sheet takes it back by it.
pub(crate) fn apply_voucher_refused(
    world: &mut World,
    e: &VoucherEnded,
    at: Instant,
) -> Result<(), Stop> {
    let voucher = world.voucher(&e.voucher)?;
    let freed = voucher
        .held
        .iter()
        .filter(|held| e.frees.contains(&held.tag));
    let claim = match voucher.state {
        VoucherState::Claimed {
            occasion,
            seat,
            sheet,
        }
        | VoucherState::Approved {
            occasion,
            seat,
            sheet,
        } => Some(EndedClaim {
            occasion,
            seat,
            sheet,
            freed: freed.map(|held| held.once.clone()).collect(),
        }),
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Completed { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. }
        | VoucherState::Ended { .. } => None,
    };
    voucher::end(world, e, End::Refused, at, claim)
}

/// Refused → Open, once, by another reviewer: its vouchers reserve and take their nullifiers again, or it stays refused.
pub(crate) fn reopen(ask: &Ask, act: &ReopenClaim) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&act.sheet)?;
    let (policy, rules) = ask.world.rules(sheet.year, sheet.programme, ask.at)?;
    let mut checks = Checks::new();
    match &sheet.state {
        SheetState::Refused { at, by } => {
            let last_day = plus_days(at.date(), policy.claims.reopen_days);
            checks.require(ask.at < Instant::after(last_day), Code::ReopenTooLate);
            checks.require(*by != ask.caller.person, Code::SamePerson);
        }
        SheetState::Open
        | SheetState::Submitted { .. }
        | SheetState::Approved { .. }
        | SheetState::Paying { .. } => checks.require(false, Code::SheetNotRefused),
        SheetState::Paid { .. } | SheetState::Closed => {
            checks.require(false, Code::SheetNotRefused)
        }
    }
    checks.require(!sheet.reopened, Code::ReopenedBefore);
    checks.require(
        ask.at < Instant::after(policy.dates.claim_by),
        Code::SheetOverdue,
    );
    checks.take(ask.year_open(sheet.year))?;
    // Whether its vouchers can come back is asked only of a sheet that may: elsewhere they stand where they are.
    checks.done()?;
    let mut checks = Checks::new();
    let mut events = vec![Event::ClaimReopened(event::ClaimReopened {
        sheet: act.sheet,
        by: ask.caller.person.clone(),
    })];
    let mut left = BTreeMap::new();
    for source in rules.sources.iter().chain(&rules.beyond_plan) {
        left.insert(source.clone(), ask.available(sheet.year, source)?);
    }
    for (line, more) in sheet.standing().zip(0u32..) {
        let voucher = ask.world.voucher(&line.voucher)?;
        checks.require_of(
            refused_here(voucher, act.sheet),
            Code::VoucherNotClaimed,
            line.voucher,
        );
        checks.require_of(voucher.frozen.is_none(), Code::VoucherFrozen, line.voucher);
        let takes = checks.take(eligibility::retaken(
            ask,
            line.voucher,
            voucher,
            voucher.person,
        ))?;
        let source = issuance::payers(ask, policy, rules, sheet.year, more)?
            .iter()
            .find(|source| left.get(*source).is_some_and(|rest| *rest >= line.amount));
        checks.require_of(source.is_some(), Code::FundsExhausted, line.voucher);
        if let (Some(takes), Some(source)) = (takes, source) {
            left.entry(source.clone())
                .and_modify(|rest| *rest -= line.amount);
            events.push(Event::Reclaimed(event::Reclaimed {
                voucher: line.voucher,
                sheet: act.sheet,
                money: Money {
                    year: sheet.year,
                    source: source.clone(),
                    amount: line.amount,
                },
                due: claim_due(policy, voucher, sheet.occasion),
                takes,
            }));
        }
    }
    checks.done()?;
    Ok(events)
}

/// The voucher ended with this very sheet.
fn refused_here(voucher: &Voucher, sheet: SheetId) -> bool {
    match &voucher.state {
        VoucherState::Ended {
            how: End::Refused,
            claim: Some(claim),
            ..
        } => claim.sheet == sheet,
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Completed { .. } => false,
        VoucherState::Claimed { .. }
        | VoucherState::Approved { .. }
        | VoucherState::Paid { .. } => false,
        VoucherState::WrittenOff { .. } | VoucherState::Ended { .. } => false,
    }
}

pub(crate) fn apply_reopened(world: &mut World, e: &event::ClaimReopened) -> Result<(), Stop> {
    let sheet = world.edit_sheet(&e.sheet)?;
    sheet.reopened = true;
    sheet.approved_by = None;
    let occasion = sheet.occasion;
    voucher::move_sheet(world, e.sheet, SheetState::Open)?;
    // A class that closed with the refusal is not settled any more.
    let state = match occasion {
        Occasion::Class(id) => &mut world.edit_class(&id)?.state,
        Occasion::Session(id) => &mut world.edit_session(&id)?.state,
    };
    if *state == ClassState::Closed {
        *state = ClassState::Finished;
    }
    Ok(())
}

pub(crate) fn apply_reclaimed(world: &mut World, e: &event::Reclaimed) -> Result<(), Stop> {
    voucher::shift(
        world,
        e.money.year,
        &e.money.source,
        e.money.amount,
        Bucket::Available,
        Bucket::Reserved,
    )?;
    voucher::take(world, e.voucher, &e.takes)?;
    let voucher = world.edit_voucher(&e.voucher)?;
    voucher.money = Some(e.money.clone());
    voucher.due = Some(e.due);
    let claim = match &voucher.state {
        VoucherState::Ended { claim, .. } => claim.clone(),
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Completed { .. } => None,
        VoucherState::Claimed { .. }
        | VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. } => None,
    };
    let EndedClaim {
        occasion,
        seat,
        sheet,
        freed: _,
    } = claim.ok_or(Code::VoucherNotClaimed)?;
    voucher::move_to(
        world,
        e.voucher,
        VoucherState::Claimed {
            occasion,
            seat,
            sheet,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_binds_sheet_payee_vouchers_and_amounts() {
        let id = |n: u128| uuid::Uuid::from_u128(n);
        let payee: InstitutionId = "91350100M000100Y43".parse().unwrap();
        let line = |n, fen| Line {
            voucher: VoucherId(id(n)),
            amount: Fen(fen),
            struck: None,
        };
        let (first, second) = (line(1, 100), line(2, 200));
        let digest = approval_digest(SheetId(id(9)), &payee, &[&first, &second]);
        assert_eq!(
            digest,
            approval_digest(SheetId(id(9)), &payee, &[&first, &second])
        );
        assert_ne!(
            digest,
            approval_digest(SheetId(id(8)), &payee, &[&first, &second])
        );
        assert_ne!(digest, approval_digest(SheetId(id(9)), &payee, &[&first]));
        assert_ne!(
            digest,
            approval_digest(SheetId(id(9)), &payee, &[&first, &line(2, 201)])
        );
    }
}
