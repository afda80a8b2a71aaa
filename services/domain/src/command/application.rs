//! Applications, up to their decision.

use super::ConfirmedBy;
use crate::ids::*;
use crate::policy::Programme;

moves! {
    /// Applies for a voucher (申请).
    Apply {
        /// Its id, drawn at the edge.
        voucher: VoucherId,
        /// For whom.
        person: PersonId,
        /// The plan year.
        year: PlanYear,
        /// The programme.
        programme: Programme,
        /// As what.
        category: Category,
        /// For which occupation (assessment, or where known).
        occupation: Option<Occupation>,
        /// For which level.
        level: Option<SkillLevel>,
        /// The enterprise they work for.
        employer: Option<InstitutionId>,
    }
    /// Confirms in the holder's name an application that somebody else made.
    ConfirmApplication {
        /// Which.
        voucher: VoucherId,
        /// The holder for whom the portal speaks.
        holder: Option<PersonId>,
        /// How.
        how: ConfirmedBy,
        /// Hash of the evidence.
        evidence: Digest,
    }
    /// Takes an application or an unused voucher back.
    Withdraw {
        /// Which.
        voucher: VoucherId,
        /// The holder for whom the portal speaks.
        holder: Option<PersonId>,
    }
    /// Rejects an application.
    RejectApplication {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
    }
    /// Reopens a rejected application, once.
    ReopenApplication {
        /// Which.
        voucher: VoucherId,
    }
    /// Proposes to rebind a voucher to the right person.
    ProposeCorrection {
        /// Which.
        voucher: VoucherId,
        /// The person registered under the right identity.
        person: PersonId,
    }
    /// Confirms a correction of identity.
    ConfirmCorrection {
        /// Which.
        voucher: VoucherId,
        /// The person whom the reviewer saw proposed: a proposal may have been replaced since.
        person: PersonId,
    }
    /// Refuses a proposed correction of identity.
    RefuseCorrection {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
    }
}
