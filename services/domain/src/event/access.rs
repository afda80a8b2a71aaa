//! Who may call.

use serde::{Deserialize, Serialize};

use crate::ids::*;
use crate::state::*;

/// Body of the event `CallerGranted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CallerGranted {
    pub credential: CredentialId,
    pub grant: Credential,
}

/// Body of the event `CallerRevoked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CallerRevoked {
    pub credential: CredentialId,
}

/// Body of the event `DeputyAppointed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DeputyAppointed {
    pub credential: CredentialId,
    pub deputy: Deputy,
}
