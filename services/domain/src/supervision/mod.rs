//! Supervision (2023 notice, part 7, item 6): samples whose choice anyone can recompute, inspections by two officers, findings and how
//! they are put right, fraud flags, and credit. What stands in the way of a claim is kept with the thing that is claimed for, so that
//! no claim reads more for it.

mod credit;
mod draw;
mod finding;
mod flag;
mod freeze;
mod inspection;
mod record;
mod samples;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use credit::*;
pub use draw::{draw, quota, seed};
pub(crate) use finding::*;
pub use flag::flag_id;
pub(crate) use flag::*;
pub(crate) use freeze::*;
pub(crate) use inspection::*;
pub use record::*;
pub(crate) use samples::*;
pub use watch::{Raised, Watch};

use crate::decide::Ask;
use crate::ids::*;
use crate::policy::SupervisionRules;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::voucher;
use crate::world::World;

/// A plan year's rules of supervision.
pub(crate) fn rules_of<'a>(ask: &Ask<'a>, year: PlanYear) -> Result<&'a SupervisionRules, Stop> {
    let (_, policy) = ask.world.policy(year, ask.at)?;
    let rules = policy.supervision.as_ref();
    rules.ok_or_else(|| Code::SupervisionMissing.into())
}

/// The rules of supervision for what belongs to no plan year: this year's, or until they are adopted those of the year before.
pub(crate) fn rules_now<'a>(ask: &Ask<'a>) -> Result<&'a SupervisionRules, Stop> {
    let this_year = u16::try_from(ask.at.date().year()).unwrap_or_default();
    for year in [this_year, this_year.saturating_sub(1)] {
        let year = PlanYear::try_from(year).map_err(|_| Stop::from(Code::PolicyMissing))?;
        if ask.world.get(&Key::Policy(year))?.is_some()
            && let Ok(rules) = rules_of(ask, year)
        {
            return Ok(rules);
        }
    }
    Err(Code::SupervisionMissing.into())
}

/// The finding that a move names is on record.
pub(crate) fn named(ask: &Ask, finding: Option<FindingId>) -> Result<(), Stop> {
    finding.map_or(Ok(()), |id| ask.world.finding(&id).map(|_| ()))
}

/// The sample that a move names is on record.
fn named_sample(ask: &Ask, sample: Option<SampleId>) -> Result<(), Stop> {
    sample.map_or(Ok(()), |id| ask.world.sample(&id).map(|_| ()))
}

/// What supervision is about exists.
fn exists(world: &World, about: &About) -> Result<(), Stop> {
    match about {
        About::Class(id) => world.class(id).map(|_| ()),
        About::Session(id) => world.session(id).map(|_| ()),
        About::Sheet(id) => world.sheet(id).map(|_| ()),
        About::Voucher(id) => world.voucher(id).map(|_| ()),
        About::Institution(id) => world.institution(id).map(|_| ()),
    }
}

/// Where its fact stands.
pub(crate) fn key(about: &About) -> Key {
    match about {
        About::Class(id) => Key::Class(*id),
        About::Session(id) => Key::Session(*id),
        About::Sheet(id) => Key::Sheet(*id),
        About::Voucher(id) => Key::Voucher(*id),
        About::Institution(id) => Key::Institution(id.clone()),
    }
}

/// Who has to answer for it: who teaches or assesses, or is paid.
fn answers_for(world: &World, about: &About) -> Result<Option<InstitutionId>, Stop> {
    Ok(match about {
        About::Class(id) => Some(world.class(id)?.filing.deliverer.clone()),
        About::Session(id) => Some(world.session(id)?.filing.body.clone()),
        About::Sheet(id) => Some(world.sheet(id)?.payee.clone()),
        About::Institution(id) => Some(id.clone()),
        About::Voucher(id) => match voucher::occasion(world, world.voucher(id)?)? {
            Some(Occasion::Class(class)) => Some(world.class(&class)?.filing.deliverer.clone()),
            Some(Occasion::Session(id)) => Some(world.session(&id)?.filing.body.clone()),
            None => None,
        },
    })
}

/// Changes what stands in the way of a thing's claims.
fn hold(world: &mut World, about: &About, change: impl FnOnce(&mut Holds)) -> Result<(), Stop> {
    let slot = match about {
        About::Class(id) => &mut world.edit_class(id)?.holds,
        About::Session(id) => &mut world.edit_session(id)?.holds,
        About::Sheet(id) => &mut world.edit_sheet(id)?.holds,
        About::Voucher(id) => &mut world.edit_voucher(id)?.holds,
        About::Institution(id) => &mut world.edit_institution(id)?.holds,
    };
    let mut holds = slot.take().unwrap_or_default();
    change(&mut holds);
    *slot = (*holds != Holds::default()).then_some(holds);
    Ok(())
}

/// Everything of a sheet that something may stand in the way of: itself, its class or session, its payee, its standing vouchers.
fn holds_of<'a>(world: &'a World, sheet: &'a Sheet) -> Result<Vec<(&'a Holds, bool)>, Stop> {
    let occasion = match sheet.occasion {
        Occasion::Class(id) => &world.class(&id)?.holds,
        Occasion::Session(id) => &world.session(&id)?.holds,
    };
    let payee = &world.institution(&sheet.payee)?.holds;
    // Whoever cleared a flag about an institution is not kept from all its claims for ever.
    let mut holds = vec![(&sheet.holds, true), (occasion, true), (payee, false)];
    for line in sheet.standing() {
        holds.push((&world.voucher(&line.voucher)?.holds, true));
    }
    let there = holds.into_iter();
    Ok(there
        .filter_map(|(holds, personal)| Some((holds.as_deref()?, personal)))
        .collect())
}

/// No finding that blocks stands in the way of a sheet.
pub(crate) fn no_finding_open(ask: &Ask, sheet: &Sheet) -> Result<(), Stop> {
    let mut checks = Checks::new();
    for (holds, _) in holds_of(ask.world, sheet)? {
        for finding in &holds.findings {
            checks.require_of(false, Code::FindingOpen, finding);
        }
    }
    checks.done()
}

/// Nothing stands in the way of an approval, and whoever approves cleared none of it.
pub(crate) fn may_be_approved(ask: &Ask, sheet: &Sheet) -> Result<(), Stop> {
    let mut checks = Checks::new();
    for (holds, personal) in holds_of(ask.world, sheet)? {
        for flag in &holds.flags {
            checks.require_of(false, Code::BlockingFlag, flag);
        }
        let cleared = personal && holds.cleared_by.contains(&ask.caller.person);
        checks.require(!cleared, Code::SamePerson);
    }
    checks.take(no_finding_open(ask, sheet))?;
    checks.done()
}
