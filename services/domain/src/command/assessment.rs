//! Assessment sessions and their results.

use super::PresentedToken;
use crate::ids::*;
use crate::state::*;

/// The outcome of an assessment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Passed, with a certificate.
    Pass {
        /// Nullifier of the certificate number: it is on record once, anywhere.
        number: Tag,
        /// Salted commitment to the certificate number.
        certificate: Digest,
    },
    /// Failed.
    Fail,
    /// Did not come.
    Absent,
}

moves! {
    /// Files an assessment session.
    FileSession {
        /// Its id, drawn at the edge.
        session: SessionId,
        /// As what.
        filing: SessionFiling,
    }
    /// Approves a session.
    ApproveSession {
        /// Which.
        session: SessionId,
    }
    /// Rejects a session.
    RejectSession {
        /// Which.
        session: SessionId,
        /// Why.
        reason: Reason,
    }
    /// Finishes a session after its day.
    FinishSession {
        /// Which.
        session: SessionId,
    }
    /// Cancels a session at which nobody passed.
    CancelSession {
        /// Which.
        session: SessionId,
        /// Why.
        reason: Reason,
    }
    /// Records an assessment.
    RecordAssessment {
        /// Which voucher.
        voucher: VoucherId,
        /// At which session.
        session: SessionId,
        /// The token presented (assessment vouchers).
        token: Option<PresentedToken>,
        /// Lookup tag of the identity presented.
        identity: Tag,
        /// The outcome.
        outcome: Outcome,
        /// The deliverer's own body does not cover the occupation.
        occupation_not_covered: bool,
    }
    /// Records the certificate register's answer.
    ConfirmCertificate {
        /// Which voucher.
        voucher: VoucherId,
        /// Whether the register knows it.
        known: bool,
    }
}
