//! Funds: requests read into moves.

use std::collections::BTreeSet;

use hefu_domain::TopUpId;
use hefu_domain::command::{self as act, Act, TopUpRuling};
use hefu_domain::state::TopUpPurpose;

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::AppropriateFundsRequest {
    request!("AppropriateFunds");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let account = r.account_name("name", &self.name);
        let amount = r.fen("amount_fen", self.amount_fen);
        let reference = r.code("reference", &self.reference);
        let (year, source) = account?;
        Some(
            act::AppropriateFunds {
                year,
                source,
                amount: amount?,
                reference: reference?,
            }
            .into(),
        )
    }
}

impl Move for v1::AllocateFundsRequest {
    request!("AllocateFunds");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let account = r.account_name("name", &self.name);
        let to = r.other_region("to", &self.to);
        let amount = r.fen("amount_fen", self.amount_fen);
        let reference = r.code("reference", &self.reference);
        let (year, source) = account?;
        Some(
            act::AllocateFunds {
                to: to?,
                year,
                source,
                amount: amount?,
                reference: reference?,
            }
            .into(),
        )
    }
}

impl Move for v1::OpenPlanYearRequest {
    request!("OpenPlanYear");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let year = r.plan_year_name("name", &self.name);
        Some(act::OpenPlanYear { year: year? }.into())
    }
}

impl Move for v1::RequestTopUpRequest {
    request!("RequestTopUp");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let account = r.account_name("name", &self.name);
        let amount = r.fen("amount_fen", self.amount_fen);
        let purpose = match v1::TopUpPurpose::try_from(self.purpose) {
            Ok(v1::TopUpPurpose::Shortfall) => Some(TopUpPurpose::Shortfall),
            Ok(v1::TopUpPurpose::Earmarked) => Some(TopUpPurpose::Earmarked),
            Ok(v1::TopUpPurpose::Unspecified) | Err(_) => None,
        };
        let purpose = r.said("purpose", purpose);
        let reason = r.code("reason", &self.reason);
        let papers = r.digest("papers", &self.papers);
        let (year, source) = account?;
        Some(
            act::RequestTopUp {
                top_up: TopUpId((r.edge.draw)("top_up")),
                year,
                source,
                amount: amount?,
                purpose: purpose?,
                reason: reason?,
                papers: papers?,
            }
            .into(),
        )
    }
}

impl Move for v1::DecideTopUpRequest {
    request!("DecideTopUp");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let asked = r.other_name("top_up", &self.top_up, "topUps");
        let decision = match self.amount_fen {
            0 => {
                if !self.reference.is_empty() {
                    r.wrong("reference", "of a grant only, which has an amount");
                }
                r.code("reason", &self.reason)
                    .map(|reason| TopUpRuling::Refuse { reason })
            }
            fen => {
                if !self.reason.is_empty() {
                    r.wrong("reason", "of a refusal only, which has no amount");
                }
                let amount = r.fen("amount_fen", fen);
                let reference = r.code("reference", &self.reference);
                amount
                    .zip(reference)
                    .map(|(amount, reference)| TopUpRuling::Grant { amount, reference })
            }
        };
        let (county, top_up) = asked?;
        Some(
            act::DecideTopUp {
                county,
                top_up,
                decision: decision?,
            }
            .into(),
        )
    }
}

impl Move for v1::SetTargetsRequest {
    request!("SetTargets");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let year = r.plan_year_name("name", &self.name);
        let mut named = BTreeSet::new();
        let targets = r.list("targets", &self.targets, 200, |r, target| {
            let code: hefu_domain::Category = r.code("code", &target.code)?;
            if !named.insert(code.to_string()) {
                r.wrong("code", "stands in the list already");
                return None;
            }
            Some((code.to_string(), target.people))
        });
        Some(
            act::SetTargets {
                year: year?,
                targets: targets?.into_iter().collect(),
            }
            .into(),
        )
    }
}
