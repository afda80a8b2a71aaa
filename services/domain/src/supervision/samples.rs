//! Samples (日常检查、按比例抽查、专项检查、委托第三方核查): planned with their whole population before anybody can know what it draws, drawn
//! from the first signed tree that covers the plan. That the population is complete and the tree the first, the log itself says, and
//! `hefu audit` holds both against it.

use std::collections::{BTreeMap, BTreeSet};

use super::draw::{commitment, draw, quota, seed};
use super::{SampleDrawn, SamplePlanned, exists, rules_now};
use crate::command::{DrawSample, PlanSample};
use crate::decide::Ask;
use crate::event::Event;
use crate::ids::InstitutionId;
use crate::policy::{CreditClass, Programme};
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::Instant;
use crate::world::World;

/// The most members of one sample, so that its plan fits into an event even where each is a stratum of its own. A larger population is sampled in parts.
pub(crate) const MOST_MEMBERS: usize = 500;

/// What a stratum is called where nothing tells its members apart.
const WHOLE: &str = "all";

/// Plans a sample.
pub(crate) fn plan_sample(ask: &Ask, act: &PlanSample) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    let is_new = ask.world.get(&Key::Sample(act.sample))?.is_none();
    checks.require_of(is_new, Code::DuplicateEntry, act.sample);
    let by_credit = act.by == Strata::Credit;
    let share = match act.share {
        Share::Percent(percent) => (1..=100).contains(&percent),
        Share::Count(count) => count > 0,
        Share::ByCredit => by_credit,
    };
    checks.require(share, Code::BadSample);
    let named = act.frame == Frame::Named;
    checks.require(!named || act.kind == SampleKind::Special, Code::BadSample);
    checks.require(!act.members.is_empty(), Code::SampleEmpty);
    checks.require(act.members.len() <= MOST_MEMBERS, Code::TooMany);
    checks.done()?;
    let mut checks = Checks::new();
    let mut strata: BTreeMap<String, BTreeSet<About>> = BTreeMap::new();
    for member in &act.members {
        let stands = checks.take(within(ask.world, &act.frame, member))?;
        checks.require_of(stands != Some(false), Code::NotInFrame, member);
        if let Some(stratum) = checks.take(stratum(ask.world, act.by, member))? {
            let is_first = strata.entry(stratum).or_default().insert(member.clone());
            checks.require_of(is_first, Code::DuplicateEntry, member);
        }
    }
    checks.done()?;
    let mut sized = BTreeMap::new();
    for (name, members) in strata {
        let quota = quota_of(ask, act.share, &name, members.len())?;
        let members = members.into_iter().collect();
        sized.insert(name, Stratum { quota, members });
    }
    Ok(vec![Event::SamplePlanned(SamplePlanned {
        sample: act.sample,
        by: ask.caller.person.clone(),
        plan: SamplePlan {
            kind: act.kind,
            frame: act.frame.clone(),
            by: act.by,
            share: act.share,
            strata: sized,
            commitment: act.commitment,
        },
    })])
}

/// Whether a thing is one of those of which the sample is taken.
fn within(world: &World, frame: &Frame, member: &About) -> Result<bool, Stop> {
    Ok(match (frame, member) {
        (Frame::Classes { on }, About::Class(id)) => {
            let class = world.class(id)?;
            matches!(class.state, ClassState::Approved | ClassState::Running)
                && class.filing.timetable.iter().any(|slot| slot.date == *on)
        }
        (Frame::Sheets, About::Sheet(id)) => {
            matches!(world.sheet(id)?.state, SheetState::Submitted { .. })
        }
        (Frame::Paid { .. }, About::Voucher(id)) => matches!(
            world.voucher(id)?.state,
            VoucherState::Paid { .. } | VoucherState::WrittenOff { .. }
        ),
        (Frame::Named, about) => exists(world, about).map(|()| true)?,
        (Frame::Classes { .. } | Frame::Sheets | Frame::Paid { .. }, _) => false,
    })
}

/// The stratum to which a thing belongs.
fn stratum(world: &World, by: Strata, member: &About) -> Result<String, Stop> {
    let institution = || -> Result<InstitutionId, Stop> {
        let own = super::answers_for(world, member)?;
        own.ok_or_else(|| Code::NotInFrame.about(member))
    };
    Ok(match by {
        Strata::Whole => WHOLE.to_owned(),
        Strata::Deliverer => institution()?.to_string(),
        Strata::Programme => programme(world, member)?.as_str().to_owned(),
        Strata::Credit => {
            let credit = world.institution(&institution()?)?.credit;
            credit.unwrap_or(CreditClass::A).as_str().to_owned()
        }
    })
}

fn programme(world: &World, member: &About) -> Result<Programme, Stop> {
    Ok(match member {
        About::Class(id) => world.class(id)?.filing.programme,
        About::Session(_) => Programme::Assessment,
        About::Sheet(id) => world.sheet(id)?.programme,
        About::Voucher(id) => world.voucher(id)?.programme,
        About::Institution(_) => return Err(Code::NotInFrame.about(member)),
    })
}

/// How many of a stratum are drawn; effect of credit: whoever has less of it is looked at more ("守信激励、失信惩戒").
fn quota_of(ask: &Ask, share: Share, stratum: &str, members: usize) -> Result<u16, Stop> {
    Ok(match share {
        Share::Percent(percent) => quota(members, percent),
        Share::Count(count) => count.min(u16::try_from(members).unwrap_or(u16::MAX)),
        Share::ByCredit => {
            let shares = &rules_now(ask)?.credit.sampling_percent;
            let of = |(class, _): &(&CreditClass, &u16)| class.as_str() == stratum;
            let percent = shares.iter().find(of).map_or(100, |(_, percent)| *percent);
            quota(members, percent)
        }
    })
}

pub(crate) fn apply_sample_planned(
    world: &mut World,
    e: &SamplePlanned,
    at: Instant,
) -> Result<(), Stop> {
    let sample = Sample {
        plan: e.plan.clone(),
        planned_by: e.by.clone(),
        planned_at: at,
        draw: None,
    };
    world.add(Key::Sample(e.sample), Fact::Sample(sample));
    Ok(())
}

/// Publishes a sample's draw. The plan holds the population and its quotas, so nothing else is read.
pub(crate) fn draw_sample(ask: &Ask, act: &DrawSample) -> Result<Vec<Event>, Stop> {
    let sample = ask.world.sample(&act.sample)?;
    let mut checks = Checks::new();
    checks.require(sample.draw.is_none(), Code::SampleAlreadyDrawn);
    let covers = act.tree.epoch == act.planned.epoch && act.tree.size > act.planned.index;
    checks.require(covers, Code::SampleNotSigned);
    checks.require(
        sample.plan.commitment == act.secret.map(commitment),
        Code::SampleSecret,
    );
    checks.done()?;
    let drawn = draw(
        seed(act.tree.root, act.secret),
        act.sample,
        &sample.plan.strata,
    );
    Ok(vec![Event::SampleDrawn(SampleDrawn {
        sample: act.sample,
        by: ask.caller.person.clone(),
        draw: Draw {
            planned: act.planned,
            tree: act.tree,
            secret: act.secret,
            drawn,
        },
    })])
}

pub(crate) fn apply_sample_drawn(world: &mut World, e: &SampleDrawn) -> Result<(), Stop> {
    world.edit_sample(&e.sample)?.draw = Some(e.draw.clone());
    Ok(())
}
