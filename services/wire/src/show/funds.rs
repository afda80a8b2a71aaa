//! Requests for more money as they are shown.

use hefu_domain::Region;
use hefu_domain::state::{TopUp, TopUpPurpose};

use super::{staff, timestamp};
use crate::{names, v1};

/// A request for more money.
pub fn top_up(region: &Region, id: &str, asked: &TopUp) -> v1::TopUp {
    let decision = asked.decision.as_ref();
    let purpose = match asked.purpose {
        TopUpPurpose::Shortfall => v1::TopUpPurpose::Shortfall,
        TopUpPurpose::Earmarked => v1::TopUpPurpose::Earmarked,
    };
    v1::TopUp {
        name: names::child(region, "topUps", id),
        account: names::account(region, asked.year, &asked.source),
        amount_fen: asked.amount.0,
        purpose: purpose.into(),
        reason: asked.reason.to_string(),
        papers: asked.papers.0.to_vec(),
        requested_by: asked.by.to_string(),
        at: Some(timestamp(asked.at)),
        state: asked.code().to_owned(),
        granted_fen: decision.map_or(0, |decision| decision.granted.0),
        decided_by: staff(decision.map(|decision| &decision.by)),
        refusal: decision
            .and_then(|decision| decision.reason.as_ref())
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}
