//! Supervision: requests read into moves.

use std::collections::BTreeSet;

use hefu_domain::command::{self as act, Act};
use hefu_domain::event::LogTree;
use hefu_domain::state::{About, Frame, LogPlace, SampleKind, Share, Strata};
use hefu_domain::{Digest, FindingId, InspectionId, Region, SampleId};

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::FreezeRequest {
    request!("Freeze");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let reason = r.code("reason", &self.reason);
        let finding = r.optional_name("finding", &self.finding, "findings");
        Some(
            act::Freeze {
                voucher: voucher?,
                reason: reason?,
                finding: finding?,
            }
            .into(),
        )
    }
}

impl Move for v1::UnfreezeRequest {
    request!("Unfreeze");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let reason = r.code("reason", &self.reason);
        Some(
            act::Unfreeze {
                voucher: voucher?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::PlanSampleRequest {
    request!("PlanSample");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let kind = r.said("kind", sample_kind(self.kind()));
        let frame = frame(r, self.of.as_ref());
        let by = r.said("strata", strata(self.strata()));
        let share = share(r, self.share.as_ref());
        let commitment = r.optional_digest("commitment", &self.commitment);
        let (frame, members) = frame?;
        Some(
            act::PlanSample {
                sample: SampleId((r.edge.draw)("sample")),
                kind: kind?,
                frame,
                by: by?,
                share: share?,
                members,
                commitment: commitment?,
            }
            .into(),
        )
    }
}

fn sample_kind(kind: v1::SampleKind) -> Option<SampleKind> {
    match kind {
        v1::SampleKind::Daily => Some(SampleKind::Daily),
        v1::SampleKind::Proportional => Some(SampleKind::Proportional),
        v1::SampleKind::Special => Some(SampleKind::Special),
        v1::SampleKind::ThirdParty => Some(SampleKind::ThirdParty),
        v1::SampleKind::Unspecified => None,
    }
}

fn strata(by: v1::Strata) -> Option<Strata> {
    match by {
        v1::Strata::Whole => Some(Strata::Whole),
        v1::Strata::Deliverer => Some(Strata::Deliverer),
        v1::Strata::Programme => Some(Strata::Programme),
        v1::Strata::Credit => Some(Strata::Credit),
        v1::Strata::Unspecified => None,
    }
}

/// Of what a sample is taken. Its members are found by the server, but for those that are named.
fn frame(
    r: &mut Reader,
    given: Option<&v1::plan_sample_request::Of>,
) -> Option<(Frame, Vec<About>)> {
    use v1::plan_sample_request::Of;
    match r.required("of", given)? {
        Of::TaughtOn(day) => {
            let on = r.date("taught_on", day)?;
            Some((Frame::Classes { on }, Vec::new()))
        }
        Of::Submitted(true) => Some((Frame::Sheets, Vec::new())),
        Of::Submitted(false) => {
            r.wrong("submitted", "true, or left out");
            None
        }
        Of::Paid(v1::LogSpan { epoch, from, until }) => {
            if from >= until || *until > MOST_INDEX || *epoch > MOST_INDEX {
                r.wrong("paid", "from an index to a later one");
                return None;
            }
            let (epoch, from, until) = (*epoch, *from, *until);
            Some((Frame::Paid { epoch, from, until }, Vec::new()))
        }
        Of::Named(named) => {
            let members = r.list("named.names", &named.names, MOST_NAMED, |r, name| {
                r.about("", name)
            });
            Some((Frame::Named, members?))
        }
    }
}

/// The largest number that an event holds exactly.
const MOST_INDEX: u64 = (1 << 53) - 1;
/// The most things of one sample.
const MOST_NAMED: usize = 500;
/// The most seats of a class.
const MOST_SEATS: usize = 500;

fn share(r: &mut Reader, given: Option<&v1::plan_sample_request::Share>) -> Option<Share> {
    use v1::plan_sample_request::Share as Given;
    match r.required("share", given)? {
        Given::Percent(percent) => r.small("percent", *percent).map(Share::Percent),
        Given::Count(count) => r.small("count", *count).map(Share::Count),
        Given::ByCredit(true) => Some(Share::ByCredit),
        Given::ByCredit(false) => {
            r.wrong("by_credit", "true, or left out");
            None
        }
    }
}

impl Move for v1::DrawSampleRequest {
    request!("DrawSample");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let sample = r.name("name", &self.name, "samples");
        let secret = r.optional_digest("secret", &self.secret);
        // Where the plan stands, and which checkpoint covers it, the server finds; until then nothing does.
        Some(
            act::DrawSample {
                sample: sample?,
                planned: LogPlace { epoch: 0, index: 0 },
                tree: LogTree {
                    epoch: 0,
                    size: 0,
                    root: Digest([0; 32]),
                },
                secret: secret?,
            }
            .into(),
        )
    }
}

impl Move for v1::InspectRequest {
    request!("Inspect");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        let slot = r.small("slot", self.slot);
        let present = r.list("present", &self.present, MOST_SEATS, |r, seat| {
            r.small("", *seat)
        });
        let evidence = r.digest("evidence", &self.evidence);
        let sample = r.optional_name("sample", &self.sample, "samples");
        let given = present?;
        let present: BTreeSet<u16> = given.iter().copied().collect();
        if present.len() < given.len() {
            r.wrong("present", "each seat once");
        }
        Some(
            act::Inspect {
                inspection: InspectionId((r.edge.draw)("inspection")),
                class: class?,
                slot: slot?,
                present,
                evidence: evidence?,
                sample: sample?,
            }
            .into(),
        )
    }
}

impl Move for v1::ConfirmInspectionRequest {
    request!("ConfirmInspection");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let inspection = r.name("name", &self.name, "inspections");
        let proposal = r.digest("proposal", &self.proposal);
        Some(
            act::ConfirmInspection {
                inspection: inspection?,
                proposal: proposal?,
                finding: FindingId((r.edge.draw)("finding")),
            }
            .into(),
        )
    }
}

impl Move for v1::RecordFindingRequest {
    request!("RecordFinding");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let region = r.parent("parent", &self.parent);
        let about = r.about("about", &self.about);
        let code = r.code("code", &self.code);
        let due = r.date("due", &self.due);
        let evidence = r.digest("evidence", &self.evidence);
        let inspection = r.optional_name("inspection", &self.inspection, "inspections");
        Some(
            act::RecordFinding {
                finding: FindingId((r.edge.draw)("finding")),
                about: about?,
                code: code?,
                grave: self.grave,
                blocks: self.blocks,
                due: due?,
                evidence: evidence?,
                inspection: inspection?,
                report_to: region.filter(|_| self.grave).and_then(|own| city_of(&own)),
            }
            .into(),
        )
    }
}

/// The city that a county reports to; a city has none.
fn city_of(region: &Region) -> Option<Region> {
    let city = region.city().parse().ok();
    city.filter(|city| city != region)
}

impl Move for v1::RectifyRequest {
    request!("Rectify");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let finding = r.name("name", &self.name, "findings");
        let evidence = r.digest("evidence", &self.evidence);
        Some(
            act::Rectify {
                finding: finding?,
                evidence: evidence?,
            }
            .into(),
        )
    }
}

impl Move for v1::RecheckRequest {
    request!("Recheck");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let finding = r.name("name", &self.name, "findings");
        let evidence = r.digest("evidence", &self.evidence);
        let due = match self.due.as_str() {
            "" => Some(None),
            day => r.date("due", day).map(Some),
        };
        Some(
            act::Recheck {
                finding: finding?,
                evidence: evidence?,
                due: due?,
                // Whether a city heard of it is a fact of the region.
                report_to: None,
            }
            .into(),
        )
    }
}

impl Move for v1::ClearFlagRequest {
    request!("ClearFlag");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let flag = r.name("name", &self.name, "flags");
        let reason = r.code("reason", &self.reason);
        let evidence = r.digest("evidence", &self.evidence);
        Some(
            act::ClearFlag {
                flag: flag?,
                reason: reason?,
                evidence: evidence?,
            }
            .into(),
        )
    }
}

impl Move for v1::ConfirmClearFlagRequest {
    request!("ConfirmClearFlag");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let flag = r.name("name", &self.name, "flags");
        let proposal = r.digest("proposal", &self.proposal);
        Some(
            act::ConfirmClearFlag {
                flag: flag?,
                proposal: proposal?,
            }
            .into(),
        )
    }
}

impl Move for v1::CreditPointsRequest {
    request!("CreditPoints");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let institution = r.name("name", &self.name, "institutions");
        let code = r.code("code", &self.code);
        let evidence = r.digest("evidence", &self.evidence);
        let finding = r.optional_name("finding", &self.finding, "findings");
        Some(
            act::CreditPoints {
                institution: institution?,
                code: code?,
                evidence: evidence?,
                finding: finding?,
            }
            .into(),
        )
    }
}

impl Move for v1::RestoreCreditRequest {
    request!("RestoreCredit");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let institution = r.name("name", &self.name, "institutions");
        let reason = r.code("reason", &self.reason);
        let evidence = r.digest("evidence", &self.evidence);
        Some(
            act::RestoreCredit {
                institution: institution?,
                reason: reason?,
                evidence: evidence?,
            }
            .into(),
        )
    }
}

super::batches! {
    BatchFreezeRequest => FreezeRequest, FreezeResponse, freeze_result::FreezeResult, BatchFreezeResponse;
    BatchUnfreezeRequest => UnfreezeRequest, UnfreezeResponse, unfreeze_result::UnfreezeResult, BatchUnfreezeResponse;
}
