//! Credit (信用分类管理): coded events give or take the policy's points, a score makes a class, and the class decides how much is sampled and,
//! for D, that nothing new begins. Restored after rectification (信用修复); what led to it stays in the history, which is public.

use super::{CreditPointed, CreditRestored, rules_now};
use crate::command::{CreditPoints, RestoreCredit};
use crate::decide::Ask;
use crate::event::Event;
use crate::ids::*;
use crate::policy::CreditClass;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::{Instant, plus_days};
use crate::world::World;

/// Records a coded event.
pub(crate) fn credit_points(ask: &Ask, act: &CreditPoints) -> Result<Vec<Event>, Stop> {
    let institution = ask.world.institution(&act.institution)?;
    let rules = &rules_now(ask)?.credit;
    let mut checks = Checks::new();
    let struck_off = institution.standing == Standing::StruckOff;
    checks.require(!struck_off, Code::InstitutionStruckOff);
    checks.take(own_finding(ask, act))?;
    let points = rules.points.get(&act.code).copied();
    checks.require_of(points.is_some(), Code::ReasonUnknown, &act.code);
    let credit = match ask.world.get(&Key::Credit(act.institution.clone()))? {
        Some(Fact::Credit(credit)) => Some(credit),
        Some(_) | None => None,
    };
    let history = credit.map_or(&[][..], |credit| &credit.history);
    let twice = history.iter().any(|line| is_same(line, act));
    checks.require_of(!twice, Code::PointedBefore, &act.code);
    checks.done()?;
    let points = points.ok_or(Code::ReasonUnknown)?;
    let before = credit.map_or(rules.start, |credit| credit.score);
    let score = before.saturating_add(points);
    Ok(vec![Event::CreditPointed(CreditPointed {
        institution: act.institution.clone(),
        by: ask.caller.person.clone(),
        code: act.code.clone(),
        points,
        score,
        class: rules.class(score),
        evidence: act.evidence,
        finding: act.finding,
    })])
}

/// Whoever loses points for a finding is the one who has to answer for it.
fn own_finding(ask: &Ask, act: &CreditPoints) -> Result<(), Stop> {
    let Some(id) = &act.finding else {
        return Ok(());
    };
    let answers = ask.world.finding(id)?.institution.as_ref();
    match answers.is_none_or(|institution| *institution == act.institution) {
        true => Ok(()),
        false => Err(Code::FindingOfOther.about(id)),
    }
}

/// Whether a line is about the same event: the same code for the same finding, or on the same evidence.
fn is_same(line: &CreditLine, act: &CreditPoints) -> bool {
    let by_finding = act.finding.is_some() && line.finding == act.finding;
    line.code == act.code && (by_finding || line.proof == Some(act.evidence))
}

pub(crate) fn apply_credit_pointed(
    world: &mut World,
    e: &CreditPointed,
    at: Instant,
) -> Result<(), Stop> {
    let line = CreditLine {
        at,
        by: e.by.clone(),
        code: e.code.clone(),
        points: e.points,
        score: e.score,
        class: e.class,
        proof: Some(e.evidence),
        finding: e.finding,
    };
    enter(world, &e.institution, line)
}

/// Adds a line to an institution's history; its last one is where it stands.
fn enter(world: &mut World, id: &InstitutionId, line: CreditLine) -> Result<(), Stop> {
    world.edit_institution(id)?.credit = Some(line.class);
    let key = Key::Credit(id.clone());
    if world.get(&key)?.is_none() {
        let credit = Credit {
            score: line.score,
            class: line.class,
            history: vec![line],
        };
        world.add(key, Fact::Credit(credit));
        return Ok(());
    }
    let credit = world.edit_credit(id)?;
    credit.score = line.score;
    credit.class = line.class;
    credit.history.push(line);
    Ok(())
}

/// Restores credit: everything found is put right, the policy's days have passed, and somebody else decides than who took the last points.
pub(crate) fn restore_credit(ask: &Ask, act: &RestoreCredit) -> Result<Vec<Event>, Stop> {
    let institution = ask.world.institution(&act.institution)?;
    let credit = ask.world.credit(&act.institution)?;
    let rules = &rules_now(ask)?.credit;
    let mut checks = Checks::new();
    checks.require(credit.score < rules.restored, Code::CreditNotLow);
    for finding in &institution.findings {
        checks.require_of(false, Code::FindingOpen, finding);
    }
    let taken = credit.history.iter().rev().find(|line| line.points < 0);
    if let Some(taken) = taken {
        let from = Instant::start_of(plus_days(taken.at.date(), rules.restore_days));
        checks.require(ask.at >= from, Code::RestoreTooEarly);
        checks.require(taken.by != ask.caller.person, Code::SamePerson);
    }
    checks.done()?;
    Ok(vec![Event::CreditRestored(CreditRestored {
        institution: act.institution.clone(),
        by: ask.caller.person.clone(),
        reason: act.reason.clone(),
        score: rules.restored,
        class: rules.class(rules.restored),
        evidence: act.evidence,
    })])
}

pub(crate) fn apply_credit_restored(
    world: &mut World,
    e: &CreditRestored,
    at: Instant,
) -> Result<(), Stop> {
    let before = world.credit(&e.institution)?.score;
    let line = CreditLine {
        at,
        by: e.by.clone(),
        code: e.reason.clone(),
        points: e.score.saturating_sub(before),
        score: e.score,
        class: e.class,
        proof: Some(e.evidence),
        finding: None,
    };
    enter(world, &e.institution, line)
}

/// Of class D nothing new begins: no class of theirs is approved, and nobody is enrolled ("失信惩戒").
pub(crate) fn in_good_credit(institution: &Institution) -> Result<(), Stop> {
    match institution.credit {
        Some(CreditClass::D) => Err(Code::CreditTooLow.into()),
        Some(CreditClass::A | CreditClass::B | CreditClass::C) | None => Ok(()),
    }
}
