//! Who may call.

use std::collections::BTreeSet;

use crate::ids::*;
use crate::state::*;
use crate::time::Instant;

/// An API key's grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// SHA-256 of the key.
    pub credential: CredentialId,
    /// The subject that it stands for.
    pub subject: SubjectId,
    /// The member of staff.
    pub person: StaffId,
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// The institution that they act for.
    pub institution: Option<InstitutionId>,
    /// The one holder that they are.
    pub holder: Option<PersonId>,
    /// When it runs out.
    pub expires: Option<Instant>,
}

moves! {
    /// Grants a caller.
    GrantCaller {
        /// The grant.
        grant: Grant,
    }
    /// Revokes a caller at once.
    RevokeCaller {
        /// Which.
        credential: CredentialId,
    }
    /// Lends a caller a role from one instant to another.
    AppointDeputy {
        /// To whom.
        credential: CredentialId,
        /// Role and time.
        deputy: Deputy,
    }
}
