//! People, institutions and what they are registered with.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Holds;
use crate::ids::*;
use crate::money::Fen;
use crate::policy::{Capacity, CreditClass};
use crate::time::{Date, Instant};

/// A person as the rules know them: register answers only, no name, number or birth date.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Person {
    /// The latest answer to each check.
    pub answers: BTreeMap<Check, Answered>,
    /// Every voucher that was ever theirs, whatever became of it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub vouchers: BTreeSet<VoucherId>,
    /// Whether their data were erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

/// A register's recorded answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The coded answer.
    pub answer: Answer,
    /// The last day on which it may be relied on.
    pub valid_until: Date,
    /// The enterprise that it names, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employer: Option<InstitutionId>,
    /// When it was recorded.
    pub at: Instant,
    /// Who recorded it.
    pub by: StaffId,
    /// The register's or the township's own number of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

/// Whether an institution or a catalogue line may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Waiting for approval (catalogue lines only).
    Filed,
    /// In force.
    Good,
    /// Suspended (暂停).
    Suspended,
    /// Struck off (淘汰).
    StruckOff,
}

/// An institution registered in the region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Institution {
    /// Its registered name.
    pub name: String,
    /// What it is.
    pub capacities: BTreeSet<Capacity>,
    /// Occupations that its licence covers.
    pub licence: BTreeSet<Occupation>,
    /// Institutions under the same control.
    pub related: BTreeSet<InstitutionId>,
    /// Whether it may act.
    pub standing: Standing,
    /// The corporate account in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<CorporateAccount>,
    /// A change of account that waits for its checker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_account: Option<PendingAccount>,
    /// Confirmed claw-backs that are not met yet.
    pub owes: Fen,
    /// On what ground the city listed it as classified, if it did; its name then stands nowhere in clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classified: Option<Classified>,
    /// Its credit class, once there was anything to class it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<CreditClass>,
    /// Findings that it has not put right yet.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub findings: BTreeSet<FindingId>,
    /// What stands in the way of its claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Box<Holds>>,
}

/// A unit that the city listed as classified ("涉密单位除外").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classified {
    /// Hash of the secrecy authority's document that the city cites.
    pub document: Digest,
    /// Salted commitment to the unit's registered name.
    pub name: Digest,
}

/// A corporate account, by commitment; the number stands in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorporateAccount {
    /// Salted commitment to account name and number.
    pub commitment: Digest,
    /// Keyed tag of the same.
    pub tag: Tag,
    /// The first day on which money may go to it.
    pub usable_from: Date,
}

/// A change of account, made and not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAccount {
    /// Salted commitment to account name and number.
    pub commitment: Digest,
    /// Keyed tag of the same.
    pub tag: Tag,
    /// Who made it.
    pub maker: StaffId,
}

/// A catalogue line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueEntry {
    /// Whether it is in force.
    pub standing: Standing,
    /// Who filed it.
    pub filed_by: StaffId,
}

/// Where a trainer or room is taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Booking {
    /// `2023-06-01/morning` to the class.
    pub slots: BTreeMap<String, ClassId>,
}
