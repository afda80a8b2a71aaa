//! The claim sheet while its payee and the reviewer pass it on: submit, strike out, return.
//! A sheet is submitted when its class is over and the class's gates hold; single vouchers leave it, the rest goes on.

use super::*;
use crate::policy::ClaimRules;
use crate::supervision;
use crate::time::Date;
use crate::voucher::Bucket;
use sha2::{Digest as _, Sha256};

/// Open → Submitted, by the payee, when the class or session is finished and its gates hold.
pub(crate) fn submit(ask: &Ask, act: &SubmitClaim) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&act.sheet)?;
    let (policy, rules) = ask.world.rules(sheet.year, sheet.programme, ask.at)?;
    let place = Place::of(ask.world, sheet.occasion)?;
    let mut checks = Checks::new();
    checks.require(ask.acts_for(&sheet.payee), Code::NotYours);
    checks.require(matches!(sheet.state, SheetState::Open), Code::SheetNotOpen);
    checks.require(sheet.standing().next().is_some(), Code::SheetEmpty);
    checks.require(place.state == ClassState::Finished, Code::ClassNotFinished);
    checks.require(
        ask.at < Instant::after(policy.dates.claim_by),
        Code::SheetOverdue,
    );
    checks.take(ask.year_open(sheet.year))?;
    checks.take(supervision::no_finding_open(ask, sheet))?;
    let mut gate_lifted = true;
    for line in sheet.standing() {
        let voucher = ask.world.voucher(&line.voucher)?;
        checks.require_of(
            voucher.due.is_none_or(|due| ask.at < due),
            Code::VoucherExpired,
            line.voucher,
        );
        gate_lifted &= voucher.lifted.gate;
    }
    let mut employment = None;
    if let Occasion::Class(class) = sheet.occasion {
        checks.take(training::shares(ask.world, &class, &policy.classes))?;
        // The gate is the class's, so an override lifts it only when every voucher on the sheet has one.
        if let Some(percent) = rules.employment_percent
            && !gate_lifted
        {
            employment = checks.take(employment_share(ask, &class, policy, percent))?;
        }
    }
    checks.done()?;
    Ok(vec![Event::ClaimSubmitted(event::ClaimSubmitted {
        sheet: act.sheet,
        by: ask.caller.person.clone(),
        total: sheet.total(),
        employment,
    })])
}

/// The class's employment share ("就业率达到80%及以上"), compared as integers. Of everyone who was enrolled when the roster
/// locked, less the excluded, so many hold their employment for the policy's days.
fn employment_share(
    ask: &Ask,
    class: &ClassId,
    policy: &Policy,
    percent: u16,
) -> Result<event::EmploymentShare, Stop> {
    let filing = &ask.world.class(class)?.filing;
    let nobody = Employment::default();
    let statement = match ask.world.get(&Key::Employment(*class))? {
        Some(Fact::Employment(statement)) => statement,
        Some(_) | None => &nobody,
    };
    let at_lock = |seat: &Seat| {
        seat.left
            .is_none_or(|left| training::roster_locked(policy, filing, left))
    };
    let seats = &ask.world.class(class)?.seats;
    let enrolled = seats
        .iter()
        .zip(0u16..)
        .filter(|(seat, _)| at_lock(seat))
        .map(|(_, number)| number);
    let count = count_employed(enrolled, statement, ask.at.date(), &policy.claims);
    if count.reaches(count.held, percent) {
        return Ok(event::EmploymentShare {
            employed: count.held,
            of: count.of,
            statement: statement_digest(statement),
        });
    }
    let code = if count.reaches(count.employed, percent) {
        Code::EmploymentHeld
    } else {
        Code::EmploymentShort
    };
    Err(code.about(format!("{} of {}", count.held, count.of)))
}

/// The numbers of an employment statement.
struct EmployedCount {
    employed: u32,
    held: u32,
    of: u32,
}

impl EmployedCount {
    fn reaches(&self, count: u32, percent: u16) -> bool {
        self.of > 0 && u64::from(count) * 100 >= u64::from(self.of) * u64::from(percent)
    }
}

fn count_employed(
    enrolled: impl Iterator<Item = u16>,
    statement: &Employment,
    today: Date,
    rules: &ClaimRules,
) -> EmployedCount {
    let mut count = EmployedCount {
        employed: 0,
        held: 0,
        of: 0,
    };
    for seat in enrolled {
        match statement.seats.get(&seat) {
            Some(Employed::Excluded { .. }) => {}
            Some(Employed::Yes {
                since,
                monthly_income_fen,
                ..
            }) => {
                let employed = *monthly_income_fen >= rules.minimum_living_fen;
                let held = plus_days(*since, rules.employment_held_days) <= today;
                count.of += 1;
                count.employed += u32::from(employed);
                count.held += u32::from(employed && held);
            }
            Some(Employed::No) | None => count.of += 1,
        }
    }
    count
}

/// The statement's hash: SHA-256 over one line per seat, in seat order, `<seat> yes <evidence> <since> <fen a month>`, `<seat> no`
/// or `<seat> excluded <reason>`, each ended by a newline.
fn statement_digest(statement: &Employment) -> Digest {
    let mut hash = Sha256::new();
    for (seat, employed) in &statement.seats {
        let line = match employed {
            Employed::Yes {
                evidence,
                since,
                monthly_income_fen: income,
            } => format!("{seat} yes {evidence} {since} {}\n", income.0),
            Employed::No => format!("{seat} no\n"),
            Employed::Excluded { reason } => format!("{seat} excluded {reason}\n"),
        };
        hash.update(line);
    }
    Digest(hash.finalize().into())
}

pub(crate) fn apply_submitted(
    world: &mut World,
    e: &event::ClaimSubmitted,
    at: Instant,
) -> Result<(), Stop> {
    voucher::move_sheet(world, e.sheet, SheetState::Submitted { at })
}

/// One voucher leaves a submitted or approved sheet, frozen or not: refused for good, or back to Completed.
pub(crate) fn strike_out(ask: &Ask, act: &StrikeOut) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&act.sheet)?;
    let reviewable = matches!(
        sheet.state,
        SheetState::Submitted { .. } | SheetState::Approved { .. }
    );
    if !reviewable {
        return Err(Code::SheetNotSubmitted.into());
    }
    striking(ask, act.sheet, act.voucher, &act.reason, act.refuse)
}

/// The events by which a voucher leaves its sheet. The sheet's last one closes it, and maybe its class.
pub(super) fn striking(
    ask: &Ask,
    id: SheetId,
    voucher_id: VoucherId,
    reason: &Reason,
    refuse: bool,
) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&id)?;
    sheet
        .standing()
        .find(|line| line.voucher == voucher_id)
        .ok_or(Code::VoucherNotClaimed)?;
    let voucher = ask.world.voucher(&voucher_id)?;
    let mut due = None;
    if !refuse {
        // Back to Completed only where it can be claimed again: the year is still open.
        ask.year_open(sheet.year)?;
        due = Some(claim_due(
            ask.world.policy(sheet.year, ask.at)?.1,
            voucher,
            sheet.occasion,
        ));
    }
    let rest: Vec<&Line> = sheet
        .standing()
        .filter(|line| line.voucher != voucher_id)
        .collect();
    let approval = match sheet.state {
        SheetState::Approved { .. } => Some(approval_digest(id, &sheet.payee, &rest)),
        SheetState::Open
        | SheetState::Submitted { .. }
        | SheetState::Paying { .. }
        | SheetState::Paid { .. } => None,
        SheetState::Closed | SheetState::Refused { .. } => None,
    };
    let ended = if refuse {
        Some(unpaid_ending(ask, voucher_id, voucher, reason)?)
    } else {
        None
    };
    let (release, frees) = ended.map_or((None, Vec::new()), |ended| (ended.release, ended.frees));
    let mut events = vec![Event::StruckOut(event::StruckOut {
        sheet: id,
        voucher: voucher_id,
        by: ask.caller.person.clone(),
        reason: reason.clone(),
        refuse,
        release,
        frees,
        due,
        approval,
    })];
    let over = if rest.is_empty() {
        vec![id]
    } else {
        Vec::new()
    };
    if rest.is_empty() {
        events.push(Event::ClaimClosed(event::ClaimClosed { sheet: id }));
    }
    // A voucher that goes back to Completed stays unsettled, so its class stays open.
    if refuse {
        let leaving: &[VoucherId] = if matches!(voucher.state, VoucherState::Claimed { .. }) {
            &[voucher_id]
        } else {
            &[]
        };
        events.extend(training::closing_after(ask, leaving, &over)?);
    }
    Ok(events)
}

pub(crate) fn apply_struck_out(
    world: &mut World,
    e: &event::StruckOut,
    at: Instant,
) -> Result<(), Stop> {
    voucher::strike_line(world, e.sheet, e.voucher, &e.reason)?;
    let sheet = world.edit_sheet(&e.sheet)?;
    if let (SheetState::Approved { approval, .. }, Some(rest)) = (&mut sheet.state, e.approval) {
        *approval = rest;
    }
    if e.refuse {
        let ended = event::VoucherEnded {
            voucher: e.voucher,
            by: Some(e.by.clone()),
            reason: Some(e.reason.clone()),
            release: e.release.clone(),
            frees: e.frees.clone(),
        };
        return voucher::end(world, &ended, End::Refused, at, None);
    }
    let voucher = world.edit_voucher(&e.voucher)?;
    voucher.due = e.due;
    let (state, money) = (voucher.state.clone(), voucher.money.clone());
    match (state, money) {
        (VoucherState::Approved { occasion, seat, .. }, Some(money)) => {
            voucher::shift(
                world,
                money.year,
                &money.source,
                money.amount,
                Bucket::Payable,
                Bucket::Reserved,
            )?;
            voucher::move_to(world, e.voucher, VoucherState::Completed { occasion, seat })
        }
        (
            VoucherState::Claimed { occasion, seat, .. }
            | VoucherState::Approved { occasion, seat, .. },
            _,
        ) => voucher::move_to(world, e.voucher, VoucherState::Completed { occasion, seat }),
        (
            VoucherState::Applied
            | VoucherState::Issued
            | VoucherState::Enrolled { .. }
            | VoucherState::Completed { .. }
            | VoucherState::Paid { .. }
            | VoucherState::WrittenOff { .. }
            | VoucherState::Ended { .. },
            _,
        ) => Err(Code::VoucherNotClaimed.into()),
    }
}

/// Submitted → Open: the payee mends it and submits again.
pub(crate) fn return_claim(ask: &Ask, act: &ReturnClaim) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&act.sheet)?;
    let mut checks = Checks::new();
    checks.require(
        matches!(sheet.state, SheetState::Submitted { .. }),
        Code::SheetNotSubmitted,
    );
    checks.done()?;
    let by = ask.caller.person.clone();
    Ok(vec![Event::ClaimReturned(event::ClaimReturned {
        sheet: act.sheet,
        by,
        reason: act.reason.clone(),
    })])
}

pub(crate) fn apply_returned(world: &mut World, e: &event::ClaimReturned) -> Result<(), Stop> {
    voucher::move_sheet(world, e.sheet, SheetState::Open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn statement(since: &[Option<Date>]) -> Employment {
        let evidence = Digest([1; 32]);
        let seats = since.iter().zip(0u16..).map(|(since, seat)| {
            let employed = since.map_or(Employed::No, |since| Employed::Yes {
                evidence,
                since,
                monthly_income_fen: Fen::yuan(3_000),
            });
            (seat, employed)
        });
        Employment {
            seats: seats.collect(),
        }
    }

    /// The policy that ships, but for the days that employment must be held.
    fn rules(employment_held_days: u16) -> ClaimRules {
        ClaimRules {
            employment_held_days,
            ..crate::sample::policy().claims
        }
    }

    #[test]
    fn who_earns_less_than_the_minimum_living_standard_is_not_employed() {
        let mut statement = statement(&[Some(date(2023, 6, 1)), Some(date(2023, 6, 1))]);
        let least = rules(0).minimum_living_fen;
        for (seat, income) in [(0, least), (1, least - Fen(1))] {
            if let Some(Employed::Yes {
                monthly_income_fen, ..
            }) = statement.seats.get_mut(&seat)
            {
                *monthly_income_fen = income;
            }
        }
        let count = count_employed(0..2, &statement, date(2023, 12, 1), &rules(0));
        assert_eq!((count.employed, count.held, count.of), (1, 1, 2));
    }

    #[test]
    fn four_of_five_reach_eighty_percent_and_three_of_four_do_not() {
        let june = Some(date(2023, 6, 1));
        let count = count_employed(
            0..5,
            &statement(&[june, june, june, june, None]),
            date(2023, 12, 1),
            &rules(90),
        );
        assert!(count.reaches(count.held, 80));
        let count = count_employed(
            0..4,
            &statement(&[june, june, june, None]),
            date(2023, 12, 1),
            &rules(90),
        );
        assert!(!count.reaches(count.held, 80));
    }

    #[test]
    fn employment_counts_on_the_day_on_which_it_was_held_long_enough_and_not_before() {
        let statement = statement(&[Some(date(2023, 6, 1))]);
        assert_eq!(
            count_employed(0..1, &statement, date(2023, 6, 10), &rules(10)).held,
            0
        );
        assert_eq!(
            count_employed(0..1, &statement, date(2023, 6, 11), &rules(10)).held,
            1
        );
    }

    #[test]
    fn the_excluded_leave_the_denominator_and_the_unrecorded_stay_in_it() {
        let mut statement = statement(&[Some(date(2023, 6, 1))]);
        if let Ok(reason) = "ENLISTMENT".parse() {
            statement.seats.insert(1, Employed::Excluded { reason });
        }
        let count = count_employed(0..3, &statement, date(2023, 12, 1), &rules(0));
        assert_eq!((count.employed, count.of), (1, 2));
        assert!(!count_employed(0..0, &statement, date(2023, 12, 1), &rules(0)).reaches(0, 80));
    }
}
