//! Assessment (评价): requests read into moves.

use hefu_domain::SessionId;
use hefu_domain::command::{self as act, Act};
use hefu_domain::state::SessionFiling;

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::FileSessionRequest {
    request!("FileSession");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let filing = r
            .required("filing", self.filing.as_ref())
            .and_then(|given| r.within("filing", |r| filing(r, given)));
        Some(
            act::FileSession {
                session: SessionId((r.edge.draw)("session")),
                filing: filing?,
            }
            .into(),
        )
    }
}

impl Move for v1::ApproveSessionRequest {
    request!("ApproveSession");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let session = r.name("name", &self.name, "sessions");
        Some(act::ApproveSession { session: session? }.into())
    }
}

impl Move for v1::RejectSessionRequest {
    request!("RejectSession");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let session = r.name("name", &self.name, "sessions");
        let reason = r.code("reason", &self.reason);
        Some(
            act::RejectSession {
                session: session?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::FinishSessionRequest {
    request!("FinishSession");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let session = r.name("name", &self.name, "sessions");
        Some(act::FinishSession { session: session? }.into())
    }
}

impl Move for v1::CancelSessionRequest {
    request!("CancelSession");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let session = r.name("name", &self.name, "sessions");
        let reason = r.code("reason", &self.reason);
        Some(
            act::CancelSession {
                session: session?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::RecordAssessmentRequest {
    request!("RecordAssessment");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let session = r.name("session", &self.session, "sessions");
        let token = if self.token.is_empty() {
            Some(None)
        } else {
            r.token("token", &self.token, voucher).map(Some)
        };
        let identity = r.identity("identity_number", &self.identity_number);
        let outcome = match self.outcome() {
            v1::Outcome::Pass => certificate(r, &self.certificate_number),
            v1::Outcome::Fail => Some(act::Outcome::Fail),
            v1::Outcome::Absent => Some(act::Outcome::Absent),
            v1::Outcome::Unspecified => r.said("outcome", None),
        };
        let occupation_not_covered = self.occupation_not_covered;
        Some(
            act::RecordAssessment {
                voucher: voucher?,
                session: session?,
                token: token?,
                identity: identity?,
                outcome: outcome?,
                occupation_not_covered,
            }
            .into(),
        )
    }
}

impl Move for v1::ConfirmCertificateRequest {
    request!("ConfirmCertificate");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        Some(
            act::ConfirmCertificate {
                voucher: voucher?,
                known: self.known,
            }
            .into(),
        )
    }
}

/// A pass's certificate.
fn certificate(r: &mut Reader, number: &str) -> Option<act::Outcome> {
    let (number, certificate) = r.certificate("certificate_number", number)?;
    Some(act::Outcome::Pass {
        number,
        certificate,
    })
}

fn filing(r: &mut Reader, given: &v1::SessionFiling) -> Option<SessionFiling> {
    let year = r.plan_year("plan_year", given.plan_year);
    let body = r.name("body", &given.body, "institutions");
    let payee = r.name("payee", &given.payee, "institutions");
    let occupation = r.code("occupation", &given.occupation);
    let level = r.level("skill_level", given.skill_level);
    let date = r.date("date", &given.date);
    let examiners = r.codes("examiners", &given.examiners);
    let capacity = r.small("capacity", given.capacity);
    let contract = r.optional_digest("contract", &given.contract);
    Some(SessionFiling {
        year: year?,
        body: body?,
        payee: payee?,
        occupation: occupation?,
        level: level?,
        date: date?,
        examiners: examiners?,
        capacity: capacity?,
        contract: contract?,
    })
}

super::batches! {
    BatchApproveSessionRequest => ApproveSessionRequest, ApproveSessionResponse, approve_session_result::ApproveSessionResult, BatchApproveSessionResponse;
    BatchRejectSessionRequest => RejectSessionRequest, RejectSessionResponse, reject_session_result::RejectSessionResult, BatchRejectSessionResponse;
    BatchFinishSessionRequest => FinishSessionRequest, FinishSessionResponse, finish_session_result::FinishSessionResult, BatchFinishSessionResponse;
    BatchRecordAssessmentRequest => RecordAssessmentRequest, RecordAssessmentResponse, record_assessment_result::RecordAssessmentResult, BatchRecordAssessmentResponse;
    BatchConfirmCertificateRequest => ConfirmCertificateRequest, ConfirmCertificateResponse, confirm_certificate_result::ConfirmCertificateResult, BatchConfirmCertificateResponse;
}
