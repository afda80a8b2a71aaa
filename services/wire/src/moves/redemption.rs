//! Redemption (兑现): requests read into moves.

use hefu_domain::command::{self as act, Act};
use hefu_domain::{ObjectionId, SheetId};

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::RedeemRequest {
    request!("Redeem");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let token = r.token("token", &self.token, voucher);
        let undertaking = r.digest("undertaking", &self.undertaking);
        let confirmation = r.confirmation("confirmation", self.confirmation.as_ref());
        Some(
            act::Redeem {
                new_sheet: SheetId((r.edge.draw)("new_sheet")),
                voucher: voucher?,
                token: token?,
                undertaking: undertaking?,
                confirmation: confirmation?,
            }
            .into(),
        )
    }
}

impl Move for v1::SubmitClaimRequest {
    request!("SubmitClaim");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let sheet = r.name("name", &self.name, "sheets");
        Some(act::SubmitClaim { sheet: sheet? }.into())
    }
}

impl Move for v1::StrikeOutRequest {
    request!("StrikeOut");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let sheet = r.name("name", &self.name, "sheets");
        let voucher = r.name("voucher", &self.voucher, "vouchers");
        let reason = r.code("reason", &self.reason);
        Some(
            act::StrikeOut {
                sheet: sheet?,
                voucher: voucher?,
                reason: reason?,
                refuse: self.refuse,
            }
            .into(),
        )
    }
}

impl Move for v1::ReturnClaimRequest {
    request!("ReturnClaim");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let sheet = r.name("name", &self.name, "sheets");
        let reason = r.code("reason", &self.reason);
        Some(
            act::ReturnClaim {
                sheet: sheet?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::RefuseClaimRequest {
    request!("RefuseClaim");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let sheet = r.name("name", &self.name, "sheets");
        let reason = r.code("reason", &self.reason);
        Some(
            act::RefuseClaim {
                sheet: sheet?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::ReopenClaimRequest {
    request!("ReopenClaim");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let sheet = r.name("name", &self.name, "sheets");
        Some(act::ReopenClaim { sheet: sheet? }.into())
    }
}

impl Move for v1::ApproveClaimRequest {
    request!("ApproveClaim");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let sheet = r.name("name", &self.name, "sheets");
        Some(act::ApproveClaim { sheet: sheet? }.into())
    }
}

impl Move for v1::RaiseObjectionRequest {
    request!("RaiseObjection");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let sheet = r.name("name", &self.name, "sheets");
        let statement = r.digest("statement", &self.statement);
        Some(
            act::RaiseObjection {
                objection: ObjectionId((r.edge.draw)("objection")),
                sheet: sheet?,
                statement: statement?,
            }
            .into(),
        )
    }
}

impl Move for v1::DecideObjectionRequest {
    request!("DecideObjection");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let objection = r.objection_name("name", &self.name);
        let ruling = match self.ruling() {
            v1::Ruling::Dismiss => Some(act::Ruling::Dismiss),
            v1::Ruling::StrikeOut => {
                let voucher = r.name("voucher", &self.voucher, "vouchers");
                let reason = r.code("reason", &self.reason);
                voucher
                    .zip(reason)
                    .map(|(voucher, reason)| act::Ruling::StrikeOut {
                        voucher,
                        reason,
                        refuse: self.refuse,
                    })
            }
            v1::Ruling::Refuse => r
                .code("reason", &self.reason)
                .map(|reason| act::Ruling::Refuse { reason }),
            v1::Ruling::Unspecified => r.said("ruling", None),
        };
        let (sheet, objection) = objection?;
        Some(
            act::DecideObjection {
                sheet,
                objection,
                ruling: ruling?,
            }
            .into(),
        )
    }
}

super::batches! {
    BatchRedeemRequest => RedeemRequest, RedeemResponse, redeem_result::RedeemResult, BatchRedeemResponse;
    BatchSubmitClaimRequest => SubmitClaimRequest, SubmitClaimResponse, submit_claim_result::SubmitClaimResult, BatchSubmitClaimResponse;
    BatchStrikeOutRequest => StrikeOutRequest, StrikeOutResponse, strike_out_result::StrikeOutResult, BatchStrikeOutResponse;
    BatchReturnClaimRequest => ReturnClaimRequest, ReturnClaimResponse, return_claim_result::ReturnClaimResult, BatchReturnClaimResponse;
    BatchRefuseClaimRequest => RefuseClaimRequest, RefuseClaimResponse, refuse_claim_result::RefuseClaimResult, BatchRefuseClaimResponse;
    BatchApproveClaimRequest => ApproveClaimRequest, ApproveClaimResponse, approve_claim_result::ApproveClaimResult, BatchApproveClaimResponse;
    BatchReopenClaimRequest => ReopenClaimRequest, ReopenClaimResponse, reopen_claim_result::ReopenClaimResult, BatchReopenClaimResponse;
    BatchDecideObjectionRequest => DecideObjectionRequest, DecideObjectionResponse, decide_objection_result::DecideObjectionResult, BatchDecideObjectionResponse;
}
