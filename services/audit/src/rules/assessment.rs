//! What was asked for, read back from a session's life. Token and identity stand as recorded results, as at an enrolment; a pass's
//! certificate number is the nullifier that it took.

use hefu_domain::command::*;
use hefu_domain::event::{self, AssessmentResult};
use hefu_domain::state::Once;
use hefu_domain::{Act, World};

use super::{PRESENTED, in_force};

pub(super) fn file_session(e: &event::SessionFiled) -> Act {
    FileSession {
        session: e.session,
        filing: e.filing.clone(),
    }
    .into()
}

pub(super) fn approve_session(e: &event::SessionApproved) -> Act {
    ApproveSession { session: e.session }.into()
}

pub(super) fn reject_session(e: &event::SessionRejected) -> Act {
    RejectSession {
        session: e.session,
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn finish_session(e: &event::SessionFinished) -> Act {
    FinishSession { session: e.session }.into()
}

pub(super) fn cancel_session(e: &event::SessionCancelled) -> Act {
    CancelSession {
        session: e.session,
        reason: e.reason.clone(),
    }
    .into()
}

/// A pass without a certificate, or without its number, is none.
pub(super) fn record_assessment(world: &World, e: &event::Assessed) -> Option<Act> {
    let number = e.takes.iter().find(|held| held.once == Once::Certificate);
    let outcome = match e.result {
        AssessmentResult::Pass => Outcome::Pass {
            number: number?.tag,
            certificate: e.certificate?,
        },
        AssessmentResult::Fail => Outcome::Fail,
        AssessmentResult::Absent => Outcome::Absent,
    };
    Some(
        RecordAssessment {
            voucher: e.voucher,
            session: e.session,
            token: Some(in_force(world, &e.voucher)),
            identity: PRESENTED,
            outcome,
            occupation_not_covered: e.occupation_not_covered,
        }
        .into(),
    )
}

pub(super) fn confirm_certificate(e: &event::CertificateConfirmed) -> Act {
    ConfirmCertificate {
        voucher: e.voucher,
        known: e.known,
    }
    .into()
}
