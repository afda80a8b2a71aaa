//! People, institutions and what they are registered with.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Holds;
use crate::ids::*;
use crate::money::Fen;
use crate::policy::{Capacity, CreditClass};
use crate::state::OwnCertificate;
use crate::time::{Date, Instant};

/// A person as the rules know them: register answers only, no name, number or birth date.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Person {
    /// The latest answer to each check.
    pub answers: BTreeMap<Check, Answered>,
    /// Every voucher that was ever theirs, whatever became of it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub vouchers: BTreeSet<VoucherId>,
    /// Their certificates without a voucher, in the order of their recording.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<OwnCertificate>,
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
    /// The enterprise that it names, or the school from which somebody graduates, where it does.
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
    /// Refused at filing (catalogue lines only); it may be filed again.
    Refused,
}

impl Standing {
    /// Whether a catalogue line with it is public: what was approved once stays so, whatever became of it.
    pub fn is_published(self) -> bool {
        match self {
            Standing::Good | Standing::Suspended | Standing::StruckOff => true,
            Standing::Filed | Standing::Refused => false,
        }
    }
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
    /// Whose it is (隶属关系): the division whose government it belongs to, GB/T 2260; nobody's, or not said, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliation: Option<Region>,
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
    /// Who filed it, or what stands in it now.
    pub filed_by: StaffId,
    /// What it says of itself; nothing in lines of earlier days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<CatalogueDetails>>,
    /// A change that waits for a reviewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Box<CatalogueChange>>,
    /// Why it is refused, suspended or struck off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Seats of the classes that were approved under it and not cancelled since.
    #[serde(default, skip_serializing_if = "super::is_none")]
    pub seats_taken: u32,
}

impl CatalogueEntry {
    /// Hash of what waits for a reviewer: of the change, or of the line as it was filed; none where it says nothing of itself.
    pub fn proposal(&self) -> Option<Digest> {
        match (&self.change, &self.details, self.standing) {
            (Some(change), ..) => Some(change.digest()),
            (None, Some(details), Standing::Filed) => Some(details.digest(&self.filed_by)),
            (None, Some(_) | None, _) => None,
        }
    }
}

/// A change of a catalogue line, filed and not yet approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueChange {
    /// What the line is to say.
    pub details: CatalogueDetails,
    /// Who filed it.
    pub by: StaffId,
}

/// What a catalogue line says of itself. Nobody's name stands in it: trainers are commitments, or codes of the region's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CatalogueDetails {
    /// The project's name, where the line is for one (项目名称).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The levels that it covers; all, if it says none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<LevelRange>,
    /// The sites, by the codes that classes name; any, if it names none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sites: BTreeMap<Resource, Site>,
    /// How many people it can take in the year (年培训能力).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yearly_seats: Option<u32>,
    /// The trainers or examiners whom classes may name; any, if it names none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub trainers: BTreeSet<Resource>,
    /// The licence that it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<LicenceScope>,
}

impl CatalogueDetails {
    /// Whether a level is among those that it covers.
    pub fn covers(&self, level: SkillLevel) -> bool {
        self.levels
            .is_none_or(|range| range.lowest <= level && level <= range.highest)
    }
}

/// Skill levels from one to another, both of them in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelRange {
    /// The lowest.
    pub lowest: SkillLevel,
    /// The highest.
    pub highest: SkillLevel,
}

/// A site where a line is taught or assessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its address.
    pub address: String,
    /// How many it seats at once.
    pub seats: u16,
}

/// The licence behind a line (办学许可).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceScope {
    /// Its number.
    pub number: Reference,
    /// What it covers, in the authority's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Its last day, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Date>,
}

/// Where a trainer or room is taken from today on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Booking {
    /// `2023-06-01/morning` to the class.
    pub slots: BTreeMap<String, ClassId>,
}
