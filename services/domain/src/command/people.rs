//! People and what registers say of them.

use crate::ids::*;
use crate::time::Date;

/// A register's answer about a person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckAnswer {
    /// What was asked.
    pub check: Check,
    /// The coded answer.
    pub answer: Answer,
    /// The last day on which it may be relied on.
    pub valid_until: Date,
    /// The register's or the township's own number of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// The enterprise that it names, where it does: who insures the person, or has a contract with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employer: Option<InstitutionId>,
}

moves! {
    /// Registers a person (实名登记); the vault takes their data in the same transaction.
    RegisterPerson {
        /// Their id in this region, drawn at the edge.
        person: PersonId,
        /// Keyed lookup tag of their identity.
        tag: Tag,
    }
    /// Records registers' answers about a person.
    RecordCheckAnswers {
        /// Whom.
        person: PersonId,
        /// The answers.
        answers: Vec<CheckAnswer>,
    }
    /// Erases a person (PIPL, article 47): what identifies them is destroyed for good, what they were paid stays.
    EraseSubject {
        /// Whom.
        person: PersonId,
        /// Why.
        reason: Reason,
    }
    /// Shows a person's record unmasked, and has it on record that it was.
    RevealPerson {
        /// Whose.
        person: PersonId,
        /// Why.
        reason: Reason,
    }
}
