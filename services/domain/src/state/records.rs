//! Linked records: other departments' rosters, and certificates that nobody was paid for.

use serde::{Deserialize, Serialize};

use crate::ids::*;
use crate::time::Date;

/// A part of a list, as it is imported: a list is cut where an event would grow too long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPart {
    /// The list, by its own number or by a keyed hash of what stands in it: the same list is known again, and nobody else's is told by it.
    pub list: Reference,
    /// Which part, from 1.
    pub part: u16,
    /// Of how many.
    pub parts: u16,
}

/// A certificate without a voucher, as it is imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedCertificate {
    /// Whose.
    pub person: PersonId,
    /// For which occupation.
    pub occupation: Occupation,
    /// For which level.
    pub level: SkillLevel,
    /// The day on it.
    pub on: Date,
    /// Nullifier of its number: it is on record once, anywhere.
    pub number: Tag,
    /// Salted commitment to its number.
    pub certificate: Digest,
}

/// A certificate without a voucher, as its holder's record keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnCertificate {
    /// For which occupation.
    pub occupation: Occupation,
    /// For which level.
    pub level: SkillLevel,
    /// The day on it.
    pub on: Date,
    /// Salted commitment to its number.
    pub certificate: Digest,
    /// The part of the list by which it came.
    pub import: ImportId,
}

/// What an imported list is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum ImportedList {
    /// Another department's roster.
    Roster {
        /// Whose.
        department: Department,
        /// Days that it blocks.
        days: u32,
        /// Days that somebody held already.
        held: u32,
    },
    /// Certificates without a voucher.
    Certificates {
        /// How many.
        certificates: u32,
    },
}

/// A part of a list that was imported. It holds the nullifiers that its event took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Which part of which list.
    #[serde(flatten)]
    pub part: ListPart,
    /// What stood in it.
    #[serde(flatten)]
    pub list_of: ImportedList,
    /// Who imported it.
    pub by: StaffId,
}
