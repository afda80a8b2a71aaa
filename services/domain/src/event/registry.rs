//! Institutions, their accounts and their lines in the catalogues.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::*;
use crate::policy::Capacity;
use crate::state::*;
use crate::time::Date;

/// Body of the event `InstitutionRegistered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct InstitutionRegistered {
    pub institution: InstitutionId,
    pub record: Institution,
}

/// Body of the event `InstitutionChanged`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct InstitutionChanged {
    pub institution: InstitutionId,
    pub by: StaffId,
    pub name: String,
    pub capacities: BTreeSet<Capacity>,
    pub licence: BTreeSet<Occupation>,
    pub related: BTreeSet<InstitutionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliation: Option<Region>,
}

/// Body of the event `ClassifiedRegistered`: a unit that the city listed as classified, by commitments only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassifiedRegistered {
    pub institution: InstitutionId,
    pub by: StaffId,
    pub classified: Classified,
    pub capacities: BTreeSet<Capacity>,
    /// In the order of the listing, so that whoever listed it can tell which is which.
    pub licence: Vec<Occupation>,
}

/// Body of the event `AccountRegistered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AccountRegistered {
    pub institution: InstitutionId,
    pub commitment: Digest,
    pub tag: Tag,
    pub maker: StaffId,
}

/// Body of the event `AccountConfirmed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AccountConfirmed {
    pub institution: InstitutionId,
    pub checker: StaffId,
    pub usable_from: Date,
    /// Hash of what they saw proposed: it was the standing proposal's.
    pub proposal: Digest,
}

/// Body of the event `InstitutionSuspended`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct InstitutionSuspended {
    pub institution: InstitutionId,
    pub suspended: bool,
    pub reason: Reason,
}

/// Body of the event `InstitutionStruckOff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct InstitutionStruckOff {
    pub institution: InstitutionId,
    pub reason: Reason,
}

/// Body of the event `CatalogueEntryFiled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CatalogueEntryFiled {
    pub entry: CatalogueEntryId,
    pub by: StaffId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<CatalogueDetails>,
}

/// Body of the event `CatalogueEntryChanged`: a change that waits for a reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CatalogueEntryChanged {
    pub entry: CatalogueEntryId,
    pub by: StaffId,
    pub details: CatalogueDetails,
}

/// Body of the event `CatalogueEntryApproved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CatalogueEntryApproved {
    pub entry: CatalogueEntryId,
    pub by: StaffId,
    /// Hash of what they saw filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Digest>,
}

/// Body of the event `CatalogueEntryRefused`: the line, or the change of it that waited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CatalogueEntryRefused {
    pub entry: CatalogueEntryId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `CatalogueEntrySuspended`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CatalogueEntrySuspended {
    pub entry: CatalogueEntryId,
    pub by: StaffId,
    pub suspended: bool,
    pub reason: Reason,
}

/// Body of the event `CatalogueEntryStruckOff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CatalogueEntryStruckOff {
    pub entry: CatalogueEntryId,
    pub by: StaffId,
    pub reason: Reason,
}
