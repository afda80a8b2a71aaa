//! What was asked for, read back from what supervision recorded.

use hefu_domain::command::*;
use hefu_domain::event;
use hefu_domain::state::About;
use hefu_domain::state::{Finding, FindingState};
use hefu_domain::{
    Act, Command, Event, Fact, FindingId, Instant, Key, Region, Stop, World, decide_both,
};

use super::{Verdict, funds};
use crate::replay::Entry;

/// Decides a county's half of a report: of the city it is known only that it is open, and has no such finding yet.
pub(super) fn decide_report(
    county: &World,
    city: &Region,
    command: &Command,
    at: Instant,
) -> Result<Vec<Event>, Stop> {
    let mut other = World::complete(city.clone());
    other.bring(Key::Region, Some(funds::opened(None)));
    decide_both(county, &other, command, at).map(|(own, _)| own)
}

/// A county's grave finding in the log of its city: the county's log says the rest, and both are held against each other at the end.
pub(super) fn reported(city: &World, entry: &Entry, e: &event::FindingReported) -> Verdict {
    let Some(county) = &e.record.county else {
        return Verdict::Nothing("a report names the county whose finding it is");
    };
    if entry.caller != format!("region/{county}") || !city.region().contains(county) {
        return Verdict::Nothing("a finding of another region is that region's to report");
    }
    let is_new = matches!(city.get(&Key::Finding(e.finding)), Ok(None));
    if is_new && e.record.grave && e.record.state == FindingState::Reported {
        return Verdict::Same(1);
    }
    Verdict::Nothing("only a grave finding is reported, and once")
}

/// A county's closing of one, in the log of its city.
pub(super) fn closure_reported(
    city: &World,
    entry: &Entry,
    e: &event::FindingClosureReported,
) -> Verdict {
    let Some(county) = &e.record.county else {
        return Verdict::Nothing("a report names the county whose finding it is");
    };
    if entry.caller != format!("region/{county}") || !city.region().contains(county) {
        return Verdict::Nothing("a finding of another region is that region's to close");
    }
    let closed = matches!(e.record.state, FindingState::Closed { .. });
    let heard = match city.get(&Key::Finding(e.finding)) {
        // Only the day until which it was to be put right may have been another since.
        Ok(Some(Fact::Finding(heard))) => {
            heard.state == FindingState::Reported
                && Finding {
                    due: e.record.due,
                    state: e.record.state.clone(),
                    ..heard.clone()
                } == e.record
        }
        Ok(None) => true,
        Ok(Some(_)) | Err(_) => false,
    };
    if closed && e.record.grave && heard {
        return Verdict::Same(1);
    }
    Verdict::Nothing("only a grave finding that was reported is closed, and once")
}

pub(super) fn freeze(e: &event::Frozen) -> Act {
    Freeze {
        voucher: e.voucher,
        reason: e.reason.clone(),
        finding: e.finding,
    }
    .into()
}

pub(super) fn unfreeze(e: &event::Unfrozen) -> Act {
    Unfreeze {
        voucher: e.voucher,
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn plan_sample(e: &event::SamplePlanned) -> Act {
    let members = e.plan.strata.values().flat_map(|stratum| &stratum.members);
    PlanSample {
        sample: e.sample,
        kind: e.plan.kind,
        frame: e.plan.frame.clone(),
        by: e.plan.by,
        share: e.plan.share,
        members: members.cloned().collect::<Vec<About>>(),
        commitment: e.plan.commitment,
    }
    .into()
}

pub(super) fn draw_sample(e: &event::SampleDrawn) -> Act {
    DrawSample {
        sample: e.sample,
        planned: e.draw.planned,
        tree: e.draw.tree,
        secret: e.draw.secret,
    }
    .into()
}

pub(super) fn inspect(e: &event::Inspected) -> Act {
    Inspect {
        inspection: e.inspection,
        class: e.record.class,
        slot: e.record.slot,
        present: e.record.present.clone(),
        evidence: e.record.evidence,
        sample: e.record.sample,
    }
    .into()
}

/// The finding that a gap is recorded as follows it; where none does, its id was drawn for nothing.
pub(super) fn confirm_inspection<'a>(
    e: &event::InspectionConfirmed,
    follows: impl Iterator<Item = &'a hefu_domain::Event>,
) -> Act {
    let mut found = follows.take(1).filter_map(|event| match event {
        hefu_domain::Event::FindingRecorded(found) => Some(found.finding),
        _ => None,
    });
    ConfirmInspection {
        inspection: e.inspection,
        proposal: e.proposal,
        finding: found.next().unwrap_or(FindingId(Default::default())),
    }
    .into()
}

/// A grave finding was reported to the city in the same transaction.
pub(super) fn record_finding(world: &World, e: &event::FindingRecorded) -> Act {
    let record = &e.record;
    RecordFinding {
        finding: e.finding,
        about: record.about.clone(),
        code: record.code.clone(),
        grave: record.grave,
        blocks: record.blocks,
        due: record.due,
        evidence: record.evidence,
        inspection: record.inspection,
        report_to: city_above(world).filter(|_| record.grave),
    }
    .into()
}

pub(super) fn rectify(e: &event::FindingRectified) -> Act {
    Rectify {
        finding: e.finding,
        evidence: e.evidence,
    }
    .into()
}

/// That a grave finding was closed was reported to the city in the same transaction.
pub(super) fn recheck(world: &World, e: &event::FindingRechecked) -> Act {
    let grave = world.finding(&e.finding).is_ok_and(|found| found.grave);
    Recheck {
        finding: e.finding,
        evidence: e.evidence,
        due: e.due,
        report_to: city_above(world).filter(|_| grave && e.due.is_none()),
    }
    .into()
}

/// The city to which a county reports.
fn city_above(world: &World) -> Option<Region> {
    let own = world.state_of_region().ok()?;
    let parent = own.parent.clone();
    parent.filter(|city| city.contains(world.region()))
}

pub(super) fn raise_flag(e: &event::FlagRaised) -> Act {
    let record = &e.record;
    RaiseFlag {
        rule: record.rule,
        version: record.version,
        severity: record.severity,
        about: record.about.clone(),
        evidence: record.evidence.clone(),
    }
    .into()
}

pub(super) fn propose_clearance(e: &event::FlagClearanceProposed) -> Act {
    ClearFlag {
        flag: e.flag,
        reason: e.reason.clone(),
        evidence: e.evidence,
    }
    .into()
}

/// A block is cleared by whoever confirms it, a warning by whoever says why.
pub(super) fn clear_flag(e: &event::FlagCleared) -> Option<Act> {
    let (flag, reason) = (e.flag, e.reason.clone());
    match (e.proposal, e.evidence) {
        (Some(proposal), _) => Some(ConfirmClearFlag { flag, proposal }.into()),
        (None, Some(evidence)) => Some(
            ClearFlag {
                flag,
                reason,
                evidence,
            }
            .into(),
        ),
        (None, None) => None,
    }
}

pub(super) fn credit_points(e: &event::CreditPointed) -> Act {
    CreditPoints {
        institution: e.institution.clone(),
        code: e.code.clone(),
        evidence: e.evidence,
        finding: e.finding,
    }
    .into()
}

pub(super) fn restore_credit(e: &event::CreditRestored) -> Act {
    RestoreCredit {
        institution: e.institution.clone(),
        reason: e.reason.clone(),
        evidence: e.evidence,
    }
    .into()
}
