//! People and what registers say of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::command::CheckAnswer;
use crate::ids::*;

/// Body of the event `PersonRegistered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PersonRegistered {
    pub person: PersonId,
}

/// Body of the event `CheckAnswersRecorded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CheckAnswersRecorded {
    pub person: PersonId,
    pub by: StaffId,
    pub answers: Vec<CheckAnswer>,
}

/// Body of the event `SubjectErased`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SubjectErased {
    pub person: PersonId,
    pub by: StaffId,
    pub reason: Reason,
    /// The commitments whose values went with them: their certificates' numbers.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub certificates: BTreeSet<Digest>,
}

/// Body of the event `PersonRevealed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PersonRevealed {
    pub person: PersonId,
    pub by: StaffId,
    pub reason: Reason,
}
