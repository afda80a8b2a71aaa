//! Findings and what becomes of them: recorded, put right by the institution (整改), looked at again by another officer (复查). A grave
//! one stands in the city's log in the transaction that records it (要情报告).

use super::{
    FindingClosureReported, FindingRechecked, FindingRecorded, FindingRectified, FindingReported,
    answers_for, exists, hold,
};
use crate::command::{Recheck, RecordFinding, Rectify};
use crate::decide::Ask;
use crate::event::Event;
use crate::ids::*;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::world::World;

/// Records a finding that no city hears of at once.
pub(crate) fn record_finding(ask: &Ask, act: &RecordFinding) -> Result<Vec<Event>, Stop> {
    let parent = &ask.world.state_of_region()?.parent;
    let record = recorded(ask, act)?;
    // The city's own findings reach nobody above it.
    if act.grave && parent.is_some() && !is_city(ask.world.region()) {
        return Err(Code::NotBelow.about(ask.world.region()));
    }
    Ok(vec![Event::FindingRecorded(FindingRecorded {
        finding: act.finding,
        record,
    })])
}

fn is_city(region: &Region) -> bool {
    region.as_str() == region.city()
}

/// Records a grave finding, and reports it to the city: the county's event, then the city's.
pub(crate) fn report_finding(
    ask: &Ask,
    city: &World,
    act: &RecordFinding,
) -> Result<(Vec<Event>, Vec<Event>), Stop> {
    city.state_of_region()?;
    let own = ask.world.state_of_region()?;
    let mut checks = Checks::new();
    checks.require(act.grave, Code::SameRegion);
    let reports = own.parent.as_ref() == Some(city.region());
    checks.require_of(reports, Code::NotBelow, ask.world.region());
    let is_new = city.get(&Key::Finding(act.finding))?.is_none();
    checks.require_of(is_new, Code::DuplicateEntry, act.finding);
    let record = checks.take(recorded(ask, act))?;
    checks.done()?;
    let record = record.ok_or(Code::FindingNotFound)?;
    let reported = reported(ask.world.region(), &record);
    let finding = act.finding;
    Ok((
        vec![Event::FindingRecorded(FindingRecorded { finding, record })],
        vec![Event::FindingReported(FindingReported {
            finding,
            record: reported,
        })],
    ))
}

/// A county's finding as its city's log has it.
fn reported(county: &Region, record: &Finding) -> Finding {
    Finding {
        county: Some(county.clone()),
        state: FindingState::Reported,
        ..record.clone()
    }
}

fn recorded(ask: &Ask, act: &RecordFinding) -> Result<Finding, Stop> {
    let mut checks = Checks::new();
    let is_new = ask.world.get(&Key::Finding(act.finding))?.is_none();
    checks.require_of(is_new, Code::DuplicateEntry, act.finding);
    checks.require(act.due >= ask.at.date(), Code::BadDates);
    checks.take(exists(ask.world, &act.about))?;
    if let Some(inspection) = &act.inspection {
        checks.take(ask.world.inspection(inspection))?;
    }
    checks.done()?;
    Ok(Finding {
        about: act.about.clone(),
        institution: answers_for(ask.world, &act.about)?,
        code: act.code.clone(),
        grave: act.grave,
        blocks: act.blocks,
        due: act.due,
        evidence: act.evidence,
        recorded_by: ask.caller.person.clone(),
        inspection: act.inspection,
        county: None,
        state: FindingState::Open,
    })
}

pub(crate) fn apply_finding_recorded(world: &mut World, e: &FindingRecorded) -> Result<(), Stop> {
    let record = &e.record;
    world.add(Key::Finding(e.finding), Fact::Finding(record.clone()));
    if record.blocks {
        hold(world, &record.about, |holds| {
            holds.findings.insert(e.finding);
        })?;
    }
    if let Some(institution) = &record.institution {
        let institution = world.edit_institution(institution)?;
        institution.findings.insert(e.finding);
    }
    Ok(())
}

pub(crate) fn apply_finding_reported(world: &mut World, e: &FindingReported) -> Result<(), Stop> {
    let fact = Fact::Finding(e.record.clone());
    world.add(Key::Finding(e.finding), fact);
    Ok(())
}

/// The institution says that it put a finding right.
pub(crate) fn rectify(ask: &Ask, act: &Rectify) -> Result<Vec<Event>, Stop> {
    let finding = ask.world.finding(&act.finding)?;
    let mut checks = Checks::new();
    let own = finding.institution.as_ref();
    checks.require(
        own.is_some_and(|institution| ask.acts_for(institution)),
        Code::NotYours,
    );
    checks.take(stands(finding))?;
    checks.done()?;
    Ok(vec![Event::FindingRectified(FindingRectified {
        finding: act.finding,
        by: ask.caller.person.clone(),
        evidence: act.evidence,
    })])
}

/// Not closed, and this region's.
fn stands(finding: &Finding) -> Result<(), Stop> {
    match finding.state {
        FindingState::Open | FindingState::Rectified { .. } => Ok(()),
        FindingState::Closed { .. } => Err(Code::FindingClosed.into()),
        FindingState::Reported => Err(Code::FindingElsewhere.into()),
    }
}

pub(crate) fn apply_finding_rectified(world: &mut World, e: &FindingRectified) -> Result<(), Stop> {
    world.edit_finding(&e.finding)?.state = FindingState::Rectified {
        by: e.by.clone(),
        proof: e.evidence,
    };
    Ok(())
}

/// Another officer looks again: the finding is closed, or stands and is put right until another day. What the city heard of is not closed
/// without telling it.
pub(crate) fn recheck(ask: &Ask, act: &Recheck) -> Result<Vec<Event>, Stop> {
    let finding = ask.world.finding(&act.finding)?;
    let closes = act.due.is_none() && finding.grave;
    let parent = &ask.world.state_of_region()?.parent;
    if closes && parent.is_some() && !is_city(ask.world.region()) {
        stands(finding)?;
        return Err(Code::NotBelow.about(ask.world.region()));
    }
    rechecked(ask, act)
}

/// Closes a grave finding of a county, and tells the city: the county's event, then the city's.
pub(crate) fn report_closing(
    ask: &Ask,
    city: &World,
    act: &Recheck,
) -> Result<(Vec<Event>, Vec<Event>), Stop> {
    city.state_of_region()?;
    let own = ask.world.state_of_region()?;
    let finding = ask.world.finding(&act.finding)?;
    let mut checks = Checks::new();
    checks.require(finding.grave && act.due.is_none(), Code::SameRegion);
    let reports = own.parent.as_ref() == Some(city.region());
    checks.require_of(reports, Code::NotBelow, ask.world.region());
    checks.take(heard_of(city, ask.world.region(), &act.finding))?;
    let events = checks.take(rechecked(ask, act))?;
    checks.done()?;
    let record = Finding {
        county: Some(ask.world.region().clone()),
        state: FindingState::Closed {
            by: ask.caller.person.clone(),
            proof: act.evidence,
        },
        ..finding.clone()
    };
    let closed = Event::FindingClosureReported(FindingClosureReported {
        finding: act.finding,
        record,
    });
    Ok((events.unwrap_or_default(), vec![closed]))
}

/// The city has this county's finding as reported; or none, where its log was restored from before it.
fn heard_of(city: &World, county: &Region, id: &FindingId) -> Result<(), Stop> {
    match city.get(&Key::Finding(*id))? {
        Some(Fact::Finding(heard)) => {
            let theirs = heard.county.as_ref() == Some(county);
            match theirs && heard.state == FindingState::Reported {
                true => Ok(()),
                false => Err(Code::DuplicateEntry.about(id)),
            }
        }
        _ => Ok(()),
    }
}

pub(crate) fn apply_finding_closure_reported(
    world: &mut World,
    e: &FindingClosureReported,
) -> Result<(), Stop> {
    let fact = Fact::Finding(e.record.clone());
    world.add(Key::Finding(e.finding), fact);
    Ok(())
}

/// What no institution answers for is closed without its word.
fn rechecked(ask: &Ask, act: &Recheck) -> Result<Vec<Event>, Stop> {
    let finding = ask.world.finding(&act.finding)?;
    stands(finding)?;
    let mut checks = Checks::new();
    let other = finding.recorded_by != ask.caller.person;
    checks.require(other, Code::SamePerson);
    match act.due {
        Some(due) => checks.require(due >= ask.at.date(), Code::BadDates),
        None => {
            let rectified = matches!(finding.state, FindingState::Rectified { .. });
            checks.require(
                rectified || finding.institution.is_none(),
                Code::FindingNotRectified,
            );
        }
    }
    checks.done()?;
    Ok(vec![Event::FindingRechecked(FindingRechecked {
        finding: act.finding,
        by: ask.caller.person.clone(),
        evidence: act.evidence,
        due: act.due,
    })])
}

pub(crate) fn apply_finding_rechecked(world: &mut World, e: &FindingRechecked) -> Result<(), Stop> {
    let finding = world.edit_finding(&e.finding)?;
    if let Some(due) = e.due {
        finding.state = FindingState::Open;
        finding.due = due;
        return Ok(());
    }
    finding.state = FindingState::Closed {
        by: e.by.clone(),
        proof: e.evidence,
    };
    let (about, institution) = (finding.about.clone(), finding.institution.clone());
    hold(world, &about, |holds| {
        holds.findings.remove(&e.finding);
    })?;
    if let Some(institution) = institution {
        let institution = world.edit_institution(&institution)?;
        institution.findings.remove(&e.finding);
    }
    Ok(())
}
