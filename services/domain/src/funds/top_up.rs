//! Requests for more money: a county that is short of it for order and project training asks the city ("向市级申请"), a sector applies for
//! earmarked money ("专项申请"). What is granted is an allocation like any other, in the same transaction as the decision.

use crate::command::*;
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::money::Fen;
use crate::policy::Programme;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::Instant;
use crate::world::World;

use super::allocate;

/// Asks the region above for money. What is asked for an order or a project comes from a source out of which the policy pays those.
pub(crate) fn request_top_up(ask: &Ask, act: &RequestTopUp) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    checks.require(
        ask.world.get(&Key::TopUp(act.top_up))?.is_none(),
        Code::TopUpExists,
    );
    checks.require(
        ask.world.state_of_region()?.parent.is_some(),
        Code::NoParentRegion,
    );
    checks.require(act.amount > Fen::ZERO, Code::BadAmount);
    checks.take(ask.year_open(act.year))?;
    match act.purpose {
        TopUpPurpose::Shortfall => {
            let rules = ask.world.rules(act.year, Programme::OrderProject, ask.at);
            if let Some((_, rules)) = checks.take(rules)? {
                let pays = rules.sources.contains(&act.source);
                checks.require_of(pays, Code::SourceNotOfProgramme, &act.source);
            }
        }
        // A sector's source need not be one that the policy knows yet.
        TopUpPurpose::Earmarked => {}
    }
    checks.done()?;
    Ok(vec![Event::TopUpRequested(event::TopUpRequested {
        top_up: act.top_up,
        by: ask.caller.person.clone(),
        year: act.year,
        source: act.source.clone(),
        amount: act.amount,
        purpose: act.purpose,
        reason: act.reason.clone(),
        papers: act.papers,
    })])
}

pub(crate) fn apply_top_up_requested(
    world: &mut World,
    e: &event::TopUpRequested,
    at: Instant,
) -> Result<(), Stop> {
    let asked = TopUp {
        year: e.year,
        source: e.source.clone(),
        amount: e.amount,
        purpose: e.purpose,
        reason: e.reason.clone(),
        papers: e.papers,
        by: e.by.clone(),
        at,
        decision: None,
    };
    world.add(Key::TopUp(e.top_up), Fact::TopUp(asked));
    Ok(())
}

/// Grants a county's request, in full or in part, or refuses it. The granted money moves as by AllocateFunds, under the same rules.
pub(crate) fn decide_top_up(
    ask: &Ask,
    to: &World,
    act: &DecideTopUp,
) -> Result<(Vec<Event>, Vec<Event>), Stop> {
    let county = to.state_of_region()?;
    let mut checks = Checks::new();
    checks.require(act.county != *ask.world.region(), Code::SameRegion);
    checks.require(
        county.parent.as_ref() == Some(ask.world.region()),
        Code::RegionNotFound,
    );
    checks.done()?;
    let asked = to.top_up(&act.top_up)?;
    // Two bureaus' codes of people are each their own: who asked and who decides are kept apart by their grants.
    checks = Checks::new();
    checks.require(asked.decision.is_none(), Code::TopUpDecided);
    match &act.decision {
        TopUpRuling::Grant { amount, reference } => {
            checks.require(*amount <= asked.amount, Code::TopUpTooMuch);
            let money = AllocateFunds {
                to: act.county.clone(),
                year: asked.year,
                source: asked.source.clone(),
                amount: *amount,
                reference: reference.clone(),
            };
            let moved = checks.take(allocate(ask, to, &money))?;
            checks.done()?;
            let (mut out, mut into) = moved.unwrap_or_default();
            out.iter_mut().chain(&mut into).for_each(|event| {
                if let Event::FundsAllocatedOut(event::FundsAllocatedOut { top_up, .. })
                | Event::FundsAllocatedIn(event::FundsAllocatedIn { top_up, .. }) = event
                {
                    *top_up = Some(act.top_up);
                }
            });
            into.push(decided(ask, act, *amount, None));
            Ok((out, into))
        }
        TopUpRuling::Refuse { reason } => {
            checks.take(ask.year_open(asked.year))?;
            checks.done()?;
            let refused = Event::TopUpRefused(event::TopUpRefused {
                to: act.county.clone(),
                top_up: act.top_up,
                year: asked.year,
                by: ask.caller.person.clone(),
                reason: reason.clone(),
            });
            let into = decided(ask, act, Fen::ZERO, Some(reason.clone()));
            Ok((vec![refused], vec![into]))
        }
    }
}

fn decided(
    ask: &Ask,
    act: &DecideTopUp,
    granted: Fen,
    reason: Option<crate::ids::Reason>,
) -> Event {
    Event::TopUpDecided(event::TopUpDecided {
        top_up: act.top_up,
        from: ask.world.region().clone(),
        decision: TopUpDecision {
            by: ask.caller.person.clone(),
            granted,
            reason,
        },
    })
}

pub(crate) fn apply_top_up_decided(world: &mut World, e: &event::TopUpDecided) -> Result<(), Stop> {
    world.edit_top_up(&e.top_up)?.decision = Some(e.decision.clone());
    Ok(())
}
