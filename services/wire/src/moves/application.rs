//! Applications (申请): requests read into moves.

use hefu_domain::VoucherId;
use hefu_domain::command::{self as act, Act};

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::ApplyRequest {
    request!("Apply");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let person = r.name("person", &self.person, "people");
        let year = r.plan_year("plan_year", self.plan_year);
        let programme = super::programme(r, "programme", self.programme);
        let category = r.code("category", &self.category);
        let occupation = r.optional_code("occupation", &self.occupation);
        let level = r.optional_level("skill_level", self.skill_level);
        let employer = r.optional_name("employer", &self.employer, "institutions");
        Some(
            act::Apply {
                voucher: VoucherId((r.edge.draw)("voucher")),
                person: person?,
                year: year?,
                programme: programme?,
                category: category?,
                occupation: occupation?,
                level: level?,
                employer: employer?,
            }
            .into(),
        )
    }
}

impl Move for v1::ConfirmApplicationRequest {
    request!("ConfirmApplication");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let holder = r.optional_name("holder", &self.holder, "people");
        let how = r.confirmed_by("how", self.how());
        let evidence = r.digest("evidence", &self.evidence);
        Some(
            act::ConfirmApplication {
                voucher: voucher?,
                holder: holder?,
                how: how?,
                evidence: evidence?,
            }
            .into(),
        )
    }
}

impl Move for v1::WithdrawRequest {
    request!("Withdraw");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let holder = r.optional_name("holder", &self.holder, "people");
        Some(
            act::Withdraw {
                voucher: voucher?,
                holder: holder?,
            }
            .into(),
        )
    }
}

impl Move for v1::RejectApplicationRequest {
    request!("RejectApplication");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let reason = r.code("reason", &self.reason);
        Some(
            act::RejectApplication {
                voucher: voucher?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::ReopenApplicationRequest {
    request!("ReopenApplication");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        Some(act::ReopenApplication { voucher: voucher? }.into())
    }
}

impl Move for v1::ProposeCorrectionRequest {
    request!("ProposeCorrection");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let person = r.name("person", &self.person, "people");
        Some(
            act::ProposeCorrection {
                voucher: voucher?,
                person: person?,
            }
            .into(),
        )
    }
}

impl Move for v1::ConfirmCorrectionRequest {
    request!("ConfirmCorrection");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let person = r.name("person", &self.person, "people");
        Some(
            act::ConfirmCorrection {
                voucher: voucher?,
                person: person?,
            }
            .into(),
        )
    }
}

impl Move for v1::RefuseCorrectionRequest {
    request!("RefuseCorrection");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let reason = r.code("reason", &self.reason);
        Some(
            act::RefuseCorrection {
                voucher: voucher?,
                reason: reason?,
            }
            .into(),
        )
    }
}

super::batches! {
    BatchApplyRequest => ApplyRequest, ApplyResponse, apply_result::ApplyResult, BatchApplyResponse;
    BatchConfirmApplicationRequest => ConfirmApplicationRequest, ConfirmApplicationResponse, confirm_application_result::ConfirmApplicationResult, BatchConfirmApplicationResponse;
    BatchWithdrawRequest => WithdrawRequest, WithdrawResponse, withdraw_result::WithdrawResult, BatchWithdrawResponse;
    BatchRejectApplicationRequest => RejectApplicationRequest, RejectApplicationResponse, reject_application_result::RejectApplicationResult, BatchRejectApplicationResponse;
}
