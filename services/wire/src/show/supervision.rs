//! Samples, inspections, findings, flags and credit shown to callers.

use hefu_domain::event::FlagClearanceProposed;
use hefu_domain::policy::Severity;
use hefu_domain::state::*;
use hefu_domain::{FindingId, FlagId, InspectionId, InstitutionId, Region, SampleId};

use super::{Eyes, bytes, timestamp};
use crate::{names, v1};

/// A sample.
pub fn sample(region: &Region, id: SampleId, sample: &Sample) -> v1::Sample {
    let plan = &sample.plan;
    let (mut taught_on, mut submitted, mut paid) = (String::new(), false, None);
    match plan.frame {
        Frame::Classes { on } => taught_on = on.to_string(),
        Frame::Sheets => submitted = true,
        Frame::Paid { epoch, from, until } => paid = Some(v1::LogSpan { epoch, from, until }),
        Frame::Named => {}
    }
    v1::Sample {
        name: names::child(region, "samples", id),
        kind: kind(plan.kind).into(),
        taught_on,
        submitted,
        paid,
        by: by(plan.by).into(),
        strata: strata(region, plan),
        commitment: bytes(plan.commitment),
        planned_by: sample.planned_by.to_string(),
        planned_at: Some(timestamp(sample.planned_at)),
        draw: sample.draw.as_ref().map(|drawn| draw(region, drawn)),
    }
}

fn kind(kind: SampleKind) -> v1::SampleKind {
    match kind {
        SampleKind::Daily => v1::SampleKind::Daily,
        SampleKind::Proportional => v1::SampleKind::Proportional,
        SampleKind::Special => v1::SampleKind::Special,
        SampleKind::ThirdParty => v1::SampleKind::ThirdParty,
    }
}

fn by(by: Strata) -> v1::Strata {
    match by {
        Strata::Whole => v1::Strata::Whole,
        Strata::Deliverer => v1::Strata::Deliverer,
        Strata::Programme => v1::Strata::Programme,
        Strata::Credit => v1::Strata::Credit,
    }
}

/// A plan's population.
pub fn strata(region: &Region, plan: &SamplePlan) -> Vec<v1::SampleStratum> {
    let show = |(name, stratum): (&String, &Stratum)| v1::SampleStratum {
        name: name.clone(),
        quota: stratum.quota.into(),
        members: all(region, &stratum.members),
    };
    plan.strata.iter().map(show).collect()
}

fn all(region: &Region, things: &[About]) -> Vec<String> {
    let name = |about| names::about(region, about);
    things.iter().map(name).collect()
}

/// A draw.
pub fn draw(region: &Region, draw: &Draw) -> v1::SampleDraw {
    v1::SampleDraw {
        planned: Some(place(&draw.planned)),
        checkpoint_size: draw.tree.size,
        root: draw.tree.root.0.to_vec(),
        secret: bytes(draw.secret),
        drawn: all(region, &draw.drawn),
    }
}

fn place(place: &LogPlace) -> v1::LogPlace {
    v1::LogPlace {
        epoch: place.epoch,
        index: place.index,
    }
}

/// An inspection.
pub fn inspection(region: &Region, id: InspectionId, inspection: &Inspection) -> v1::Inspection {
    let outcome = inspection.outcome.as_ref();
    let absent = outcome.into_iter().flat_map(|outcome| &outcome.absent);
    v1::Inspection {
        name: names::child(region, "inspections", id),
        class: names::child(region, "classes", inspection.class),
        slot: inspection.slot.into(),
        present: inspection.present.iter().copied().map(u32::from).collect(),
        evidence: inspection.evidence.0.to_vec(),
        sample: inspection
            .sample
            .map(|sample| names::child(region, "samples", sample))
            .unwrap_or_default(),
        entered_by: inspection.entered_by.to_string(),
        at: Some(timestamp(inspection.at)),
        proposal: inspection.digest().0.to_vec(),
        confirmed_by: outcome
            .map(|outcome| outcome.confirmed_by.to_string())
            .unwrap_or_default(),
        absent: absent.copied().map(u32::from).collect(),
        missing: outcome.map_or(0, |outcome| outcome.missing.into()),
        of: outcome.map_or(0, |outcome| outcome.of.into()),
    }
}

/// A finding; who recorded it is the bureau's own affair.
pub fn finding(region: &Region, id: FindingId, finding: &Finding, eyes: Eyes) -> v1::Finding {
    // A county's finding is about things of the county.
    let of = finding.county.as_ref().unwrap_or(region);
    let staff = eyes == Eyes::Staff;
    let evidence = match &finding.state {
        FindingState::Rectified { proof, .. } | FindingState::Closed { proof, .. } => Some(*proof),
        FindingState::Open | FindingState::Reported => None,
    };
    v1::Finding {
        name: names::child(region, "findings", id),
        about: names::about(of, &finding.about),
        institution: finding
            .institution
            .as_ref()
            .map(|own| names::child(of, "institutions", own))
            .unwrap_or_default(),
        code: finding.code.to_string(),
        grave: finding.grave,
        blocks: finding.blocks,
        due: finding.due.to_string(),
        evidence: finding.evidence.0.to_vec(),
        recorded_by: match staff {
            true => finding.recorded_by.to_string(),
            false => String::new(),
        },
        inspection: finding
            .inspection
            .map(|inspection| names::child(of, "inspections", inspection))
            .unwrap_or_default(),
        county: finding
            .county
            .as_ref()
            .map(names::region)
            .unwrap_or_default(),
        state: finding.state.code().to_owned(),
        state_evidence: bytes(evidence),
    }
}

/// A flag.
pub fn flag(region: &Region, id: FlagId, flag: &Flag) -> v1::Flag {
    let (by, why, proposal) = match &flag.state {
        FlagState::Open => (String::new(), String::new(), Vec::new()),
        FlagState::Proposed { by, reason, proof } => {
            let proposed = FlagClearanceProposed {
                flag: id,
                by: by.clone(),
                reason: reason.clone(),
                evidence: *proof,
            };
            let proposal = proposed.digest().0.to_vec();
            (by.to_string(), reason.to_string(), proposal)
        }
        FlagState::Cleared { by, reason } => (by.to_string(), reason.to_string(), Vec::new()),
    };
    let severity = match flag.severity {
        Severity::Warning => "warning",
        Severity::Block => "block",
    };
    v1::Flag {
        name: names::child(region, "flags", id),
        rule: flag.rule.as_str().to_owned(),
        version: flag.version.into(),
        severity: severity.to_owned(),
        about: names::about(region, &flag.about),
        evidence: flag.evidence.iter().map(place).collect(),
        state: flag.state.code().to_owned(),
        by,
        reason: why,
        proposal,
    }
}

/// An institution's credit; who recorded what is the bureau's own affair.
pub fn credit(region: &Region, id: &InstitutionId, credit: &Credit) -> v1::CreditRating {
    let line = |line: &CreditLine| v1::CreditLine {
        at: Some(timestamp(line.at)),
        code: line.code.to_string(),
        points: line.points,
        score: line.score,
        credit_class: line.class.as_str().to_owned(),
    };
    v1::CreditRating {
        institution: names::child(region, "institutions", id),
        score: credit.score,
        credit_class: credit.class.as_str().to_owned(),
        history: credit.history.iter().map(line).collect(),
    }
}
