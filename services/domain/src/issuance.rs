//! Issue and what follows until use: the token, its reissue, revocation, expiry, overrides.
//! Issuing reserves the programme's maximum, or does not happen: no voucher is out without its money behind it.

use crate::command::*;
use crate::decide::Ask;
use crate::eligibility;
use crate::event::{self, Event};
use crate::ids::*;
use crate::money::Fen;
use crate::policy::{Policy, ProgrammeRules};
use crate::proposal;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::status;
use crate::subsidy;
use crate::time::Instant;
use crate::training;
use crate::voucher::{self, Bucket};
use crate::world::World;

/// Applied → Issued, by a reviewer who neither applied nor handled the application.
pub(crate) fn issue(ask: &Ask, act: &Issue) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let (policy, rules) = ask.world.rules(voucher.year, voucher.programme, ask.at)?;
    let mut checks = Checks::new();
    checks.require(
        matches!(voucher.state, VoucherState::Applied),
        Code::VoucherNotApplied,
    );
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(voucher.hands.known_to_holder(), Code::ConfirmationMissing);
    checks.require(
        voucher.due.is_some_and(|due| ask.at < due),
        Code::VoucherExpired,
    );
    checks.require(!had_a_hand(ask, voucher)?, Code::SamePerson);
    checks.take(ask.year_open(voucher.year))?;
    checks.take(eligibility::answers(
        ask,
        policy,
        voucher.programme,
        &voucher.category,
        &voucher.person,
    ))?;
    let takes = checks
        .take(eligibility::taken_at_issue(ask, voucher))?
        .unwrap_or_default();
    let most = checks.take(subsidy::maximum(rules, voucher.level))?;
    checks.done()?;
    let cap = most.unwrap_or(Fen::ZERO);
    let source = payers(ask, policy, rules, voucher.year, 0)?
        .iter()
        .map(|source| ask.available(voucher.year, source).map(|fen| (source, fen)))
        .collect::<Result<Vec<_>, _>>()?;
    let (source, _) = source
        .into_iter()
        .find(|(_, available)| *available >= cap)
        .ok_or(Code::FundsExhausted)?;
    let due = Instant::after(policy.dates.use_by);
    Ok(vec![Event::Issued(event::Issued {
        voucher: act.voucher,
        by: ask.caller.person.clone(),
        money: Money {
            year: voucher.year,
            source: source.clone(),
            amount: cap,
        },
        due,
        token: token(ask, cap, policy.dates.closes),
        serial: voucher.token_serial + 1,
        place: ask.world.state_of_region()?.next_place,
        takes,
    })])
}

/// The caller applied, handled the application, or recorded what registers answered about the person.
fn had_a_hand(ask: &Ask, voucher: &Voucher) -> Result<bool, Stop> {
    let (caller, hands) = (&ask.caller.person, &voucher.hands);
    let answers = &ask.world.person(&voucher.person)?.answers;
    Ok(hands.applied == *caller
        || hands.handled.contains(caller)
        || answers.values().any(|answered| answered.by == *caller))
}

/// The sources that one more voucher of a programme is paid from, in order: the policy's, or when the plan is full those that pay
/// beyond it ("超出市级下达计划数的,所需经费由各县(区、市)自行解决", 2023 notice, part 3). `more` are about to count besides.
pub(crate) fn payers<'p>(
    ask: &Ask,
    policy: &Policy,
    rules: &'p ProgrammeRules,
    year: PlanYear,
    more: u32,
) -> Result<&'p [Source], Stop> {
    let state = ask.world.year(&year)?;
    let plan = rules.counts_towards.as_ref();
    let Some(target) = plan.and_then(|plan| state.targets.get(plan)) else {
        return Ok(&rules.sources);
    };
    let counted = policy
        .programmes
        .iter()
        .filter(|(_, other)| other.counts_towards.as_ref() == plan)
        .map(|(programme, _)| state.issued(*programme))
        .sum::<u32>();
    Ok(
        if rules.beyond_plan.is_empty() || counted + more < *target {
            &rules.sources
        } else {
            &rules.beyond_plan
        },
    )
}

/// A token still unsigned: the engine signs it and puts its hash here before the event's bytes are made.
fn token(ask: &Ask, cap: Fen, last_day: crate::time::Date) -> TokenInForce {
    TokenInForce {
        hash: Digest([0; 32]),
        cap,
        issued: ask.at,
        expires: Instant::after(last_day),
    }
}

pub(crate) fn apply_issued(world: &mut World, e: &event::Issued) -> Result<(), Stop> {
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
    voucher.token = Some(e.token.clone());
    voucher.token_serial = e.serial;
    voucher.place = Some(e.place);
    voucher.hands.issued = Some(e.by.clone());
    voucher::move_to(world, e.voucher, VoucherState::Issued)?;
    status::taken(world, e.place)
}

/// Issued, Enrolled → Revoked.
pub(crate) fn revoke(ask: &Ask, act: &Revoke) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let mut checks = Checks::new();
    checks.require(
        matches!(
            voucher.state,
            VoucherState::Issued | VoucherState::Enrolled { .. }
        ),
        Code::VoucherNotIssued,
    );
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.done()?;
    let ended = voucher::ending(
        act.voucher,
        voucher,
        Some(&ask.caller.person),
        Some(act.reason.clone()),
    );
    let mut events = vec![Event::Revoked(ended)];
    events.extend(training::closing_after(ask, &[act.voucher], &[])?);
    Ok(events)
}

/// Hands the token to its holder, or to the applicant where policy says so; every fetch is an event.
pub(crate) fn fetch_token(ask: &Ask, act: &FetchToken) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let (_, rules) = ask.world.rules(voucher.year, voucher.programme, ask.at)?;
    let mut checks = Checks::new();
    let applicant = !voucher.hands.by_holder && voucher.hands.applied == ask.caller.person;
    let to_applicant = rules.token_to_applicant && applicant;
    checks.require(
        ask.speaks_for(&voucher.person, act.holder.as_ref()) || to_applicant,
        Code::NotYours,
    );
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(voucher.token.is_some(), Code::TokenDead);
    checks.done()?;
    Ok(vec![Event::TokenFetched(event::TokenFetched {
        voucher: act.voucher,
        by: ask.caller.person.clone(),
        holder: act.holder,
        serial: voucher.token_serial,
    })])
}

/// The voucher whose token an event hands out, if whoever fetched it may still have it: a request that is repeated after its caller was
/// revoked, or after the token was reissued, gives nothing away.
///
/// # Errors
/// CALLER_REVOKED, CALLER_UNKNOWN, NOT_YOURS; TOKEN_DEAD when another token is in force by now.
pub fn handed_out<'w>(
    world: &'w World,
    credential: &CredentialId,
    event: &Event,
    at: Instant,
) -> Result<(VoucherId, &'w Voucher), Stop> {
    let (id, by, serial) = if let Event::TokenFetched(e) = event {
        (e.voucher, &e.by, e.serial)
    } else if let Event::TokenReissued(e) = event {
        (e.voucher, &e.by, e.serial)
    } else {
        return Err(Code::TokenDead.into());
    };
    let caller = crate::decide::caller(world, credential, at)?;
    let voucher = world.voucher(&id)?;
    let mut checks = Checks::new();
    checks.require(caller.person == *by, Code::NotYours);
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(voucher.token_serial == serial, Code::TokenDead);
    checks.done()?;
    Ok((id, voucher))
}

/// A new token for somebody whose card the clerk saw; the old one is dead.
pub(crate) fn reissue_token(ask: &Ask, act: &ReissueToken) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let (_, policy) = ask.world.policy(voucher.year, ask.at)?;
    let usable = match &voucher.state {
        VoucherState::Issued | VoucherState::Enrolled { .. } | VoucherState::Completed { .. } => {
            true
        }
        VoucherState::Applied
        | VoucherState::Claimed { .. }
        | VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. }
        | VoucherState::Ended { .. } => false,
    };
    let mut checks = Checks::new();
    checks.require(usable, Code::VoucherNotIssued);
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.done()?;
    let cap = voucher
        .money
        .as_ref()
        .map_or(Fen::ZERO, |money| money.amount);
    Ok(vec![Event::TokenReissued(event::TokenReissued {
        voucher: act.voucher,
        by: ask.caller.person.clone(),
        card_seen: act.card_seen,
        token: token(ask, cap, policy.dates.closes),
        serial: voucher.token_serial + 1,
        place: ask.world.state_of_region()?.next_place,
    })])
}

pub(crate) fn apply_token_reissued(
    world: &mut World,
    e: &event::TokenReissued,
) -> Result<(), Stop> {
    let voucher = world.edit_voucher(&e.voucher)?;
    voucher.token = Some(e.token.clone());
    voucher.token_serial = e.serial;
    voucher.place = Some(e.place);
    status::taken(world, e.place)
}

/// Any state with a deadline → Expired, when its time is over. Frozen vouchers expire too. The last one on an open sheet closes it.
pub(crate) fn expire(ask: &Ask, act: &Expire) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let mut emptied = Vec::new();
    let can_expire = match &voucher.state {
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Completed { .. } => true,
        VoucherState::Claimed { sheet: id, .. } => {
            let sheet = ask.world.sheet(id)?;
            if sheet.standing().all(|line| line.voucher == act.voucher) {
                emptied.push(*id);
            }
            matches!(sheet.state, SheetState::Open)
        }
        VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. }
        | VoucherState::Ended { .. } => false,
    };
    let mut checks = Checks::new();
    checks.require(voucher.state.is_live(), Code::VoucherEnded);
    checks.require(
        can_expire && voucher.due.is_some_and(|due| ask.at >= due),
        Code::NotDue,
    );
    checks.done()?;
    let mut events = vec![expired(act.voucher, voucher, None)];
    // Nothing is left to claim on it: a sheet that stayed open would keep its class open.
    let closed = emptied
        .iter()
        .map(|sheet| Event::ClaimClosed(event::ClaimClosed { sheet: *sheet }));
    events.extend(closed);
    events.extend(training::closing_after(ask, &[act.voucher], &emptied)?);
    Ok(events)
}

/// The event with which a voucher expires, by the clock or by the year's closing.
pub(crate) fn expired(id: VoucherId, voucher: &Voucher, reason: Option<Reason>) -> Event {
    Event::Expired(voucher::ending(id, voucher, None, reason))
}

pub(crate) fn apply_expired(
    world: &mut World,
    e: &event::VoucherEnded,
    at: Instant,
) -> Result<(), Stop> {
    if let VoucherState::Claimed { sheet, .. } = world.voucher(&e.voucher)?.state
        && let Ok(reason) = "EXPIRED".parse()
    {
        voucher::strike_line(
            world,
            sheet,
            e.voucher,
            e.reason.as_ref().unwrap_or(&reason),
        )?;
    }
    voucher::end(world, e, End::Expired, at, None)
}

/// Proposes to lift the cap, the gate or the catalogue for one voucher, where policy allows it. What is lifted already stays so until
/// this is confirmed too.
pub(crate) fn propose_override(ask: &Ask, act: &ProposeOverride) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let (_, rules) = ask.world.rules(voucher.year, voucher.programme, ask.at)?;
    let allowed = match &act.lift {
        Lift::Cap { fen } => {
            rules.override_max_fen.is_some_and(|most| *fen <= most)
                && rules.max_fen.is_some_and(|cap| *fen > cap)
        }
        Lift::Gate => rules.override_gate,
        Lift::Catalogue => rules.override_catalogue,
    };
    let mut checks = Checks::new();
    checks.take(unused(voucher))?;
    checks.require(allowed, Code::OverrideNotAllowed);
    checks.done()?;
    let proposal = Override {
        lift: act.lift.clone(),
        reason: act.reason.clone(),
        proposed_by: ask.caller.person.clone(),
    };
    Ok(vec![Event::OverrideProposed(event::OverrideProposed {
        voucher: act.voucher,
        proposal,
    })])
}

/// Confirms an override by a second person; the difference is reserved, or it is refused.
pub(crate) fn confirm_override(ask: &Ask, act: &ConfirmOverride) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let proposal = voucher.override_.as_ref().ok_or(Code::NoOverride)?;
    let (_, rules) = ask.world.rules(voucher.year, voucher.programme, ask.at)?;
    let reserved = voucher
        .money
        .as_ref()
        .map_or(Fen::ZERO, |money| money.amount);
    let mut checks = Checks::new();
    let most = match &proposal.lift {
        Lift::Cap { fen } => {
            checks.take(subsidy::lifted_maximum(rules, voucher.level, Some(*fen)))?
        }
        Lift::Gate | Lift::Catalogue => None,
    };
    let reserve = most.map_or(reserved, |most| most.max(reserved));
    checks.take(unused(voucher))?;
    checks.take(proposal::seen(proposal.digest(), act.proposal))?;
    checks.require(proposal.proposed_by != ask.caller.person, Code::SamePerson);
    if let Some(money) = &voucher.money {
        checks.require(
            ask.available(money.year, &money.source)? >= reserve.saturating_sub(reserved),
            Code::FundsExhausted,
        );
    }
    checks.done()?;
    Ok(vec![Event::OverrideConfirmed(event::OverrideConfirmed {
        voucher: act.voucher,
        by: ask.caller.person.clone(),
        proposal: act.proposal,
        reserve,
    })])
}

/// Overrides come before the claim: afterwards the amount stands.
fn unused(voucher: &Voucher) -> Result<(), Stop> {
    let mut checks = Checks::new();
    let before_claim = match &voucher.state {
        VoucherState::Issued | VoucherState::Enrolled { .. } | VoucherState::Completed { .. } => {
            true
        }
        VoucherState::Applied
        | VoucherState::Claimed { .. }
        | VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. }
        | VoucherState::Ended { .. } => false,
    };
    checks.require(before_claim, Code::VoucherNotIssued);
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.done()
}

pub(crate) fn apply_override_confirmed(
    world: &mut World,
    e: &event::OverrideConfirmed,
) -> Result<(), Stop> {
    let voucher = world.edit_voucher(&e.voucher)?;
    let confirmed = voucher.override_.take().ok_or(Code::NoOverride)?;
    voucher.lifted = voucher.lifted.and(&confirmed.lift);
    set_reserve(world, e.voucher, e.reserve)
}

/// Sets a voucher's reserve, up or down.
pub(crate) fn set_reserve(world: &mut World, id: VoucherId, reserve: Fen) -> Result<(), Stop> {
    let Some(money) = &mut world.edit_voucher(&id)?.money else {
        return Ok(());
    };
    let before = std::mem::replace(&mut money.amount, reserve);
    let (year, source) = (money.year, money.source.clone());
    if reserve >= before {
        voucher::shift(
            world,
            year,
            &source,
            reserve - before,
            Bucket::Available,
            Bucket::Reserved,
        )
    } else {
        voucher::shift(
            world,
            year,
            &source,
            before - reserve,
            Bucket::Reserved,
            Bucket::Available,
        )
    }
}
