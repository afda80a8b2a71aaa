//! Funds: requests read into moves.

use hefu_domain::command::{self as act, Act};

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

impl Move for v1::SetTargetsRequest {
    request!("SetTargets");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let year = r.plan_year_name("name", &self.name);
        let targets = r.list("targets", &self.targets, 200, |r, target| {
            Some((
                r.code::<hefu_domain::Category>("code", &target.code)?
                    .to_string(),
                target.people,
            ))
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
