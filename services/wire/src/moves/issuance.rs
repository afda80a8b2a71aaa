//! Issue (发券) and what follows until use: requests read into moves.

use hefu_domain::command::{self as act, Act};
use hefu_domain::state::Lift;

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::IssueRequest {
    request!("Issue");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        Some(act::Issue { voucher: voucher? }.into())
    }
}

impl Move for v1::RevokeRequest {
    request!("Revoke");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let reason = r.code("reason", &self.reason);
        Some(
            act::Revoke {
                voucher: voucher?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::FetchTokenRequest {
    request!("FetchToken");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let holder = r.optional_name("holder", &self.holder, "people");
        Some(
            act::FetchToken {
                voucher: voucher?,
                holder: holder?,
            }
            .into(),
        )
    }
}

impl Move for v1::ReissueTokenRequest {
    request!("ReissueToken");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let card_seen = r.digest("card_seen", &self.card_seen);
        Some(
            act::ReissueToken {
                voucher: voucher?,
                card_seen: card_seen?,
            }
            .into(),
        )
    }
}

impl Move for v1::ExpireRequest {
    request!("Expire");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        Some(act::Expire { voucher: voucher? }.into())
    }
}

impl Move for v1::ProposeOverrideRequest {
    request!("ProposeOverride");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let reason = r.code("reason", &self.reason);
        let lift = match self.kind() {
            v1::LiftKind::Cap => r.fen("cap_fen", self.cap_fen).map(|fen| Lift::Cap { fen }),
            v1::LiftKind::Gate => Some(Lift::Gate),
            v1::LiftKind::Catalogue => Some(Lift::Catalogue),
            v1::LiftKind::Unspecified => r.said("kind", None),
        };
        Some(
            act::ProposeOverride {
                voucher: voucher?,
                lift: lift?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::ConfirmOverrideRequest {
    request!("ConfirmOverride");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let proposal = r.digest("proposal", &self.proposal);
        Some(
            act::ConfirmOverride {
                voucher: voucher?,
                proposal: proposal?,
            }
            .into(),
        )
    }
}

super::batches! {
    BatchIssueRequest => IssueRequest, IssueResponse, issue_result::IssueResult, BatchIssueResponse;
    BatchRevokeRequest => RevokeRequest, RevokeResponse, revoke_result::RevokeResult, BatchRevokeResponse;
    BatchFetchTokenRequest => FetchTokenRequest, FetchTokenResponse, fetch_token_result::FetchTokenResult, BatchFetchTokenResponse;
    BatchExpireRequest => ExpireRequest, ExpireResponse, expire_result::ExpireResult, BatchExpireResponse;
    BatchReissueTokenRequest => ReissueTokenRequest, ReissueTokenResponse, reissue_token_result::ReissueTokenResult, BatchReissueTokenResponse;
}
