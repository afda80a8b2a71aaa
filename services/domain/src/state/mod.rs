//! The state of a region: what the rules read and what an event changes. State data lives in the variants.
//!
//! Everything here can be rebuilt from the region's log alone, and is stored row by row as its canonical JSON.

mod assessment;
mod records;
mod redemption;
mod region;
mod registry;
mod supervision;
mod training;
mod voucher;

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::ids::*;
use crate::policy::Capacity;

pub use assessment::*;
pub use records::*;
pub use redemption::*;
pub use region::*;
pub use registry::*;
pub use supervision::*;
pub use training::*;
pub use voucher::*;

/// Names one fact of a region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The region itself.
    Region,
    /// The policies of a plan year.
    Policy(PlanYear),
    /// The working-day calendar of a calendar year.
    Calendar(u16),
    /// A plan year.
    Year(PlanYear),
    /// A fund account.
    Account(PlanYear, Source),
    /// A request for more money.
    TopUp(TopUpId),
    /// A caller's credential.
    Credential(CredentialId),
    /// A person.
    Person(PersonId),
    /// A part of a list that was imported.
    Import(ImportId),
    /// An institution.
    Institution(InstitutionId),
    /// A line of a catalogue.
    CatalogueEntry(CatalogueEntryId),
    /// The slots in which a trainer or room is taken.
    Booking(Resource),
    /// A class.
    Class(ClassId),
    /// A class's attendance.
    Attendance(ClassId),
    /// A class's employment statement.
    Employment(ClassId),
    /// An assessment session.
    Session(SessionId),
    /// A claim sheet.
    Sheet(SheetId),
    /// A voucher.
    Voucher(VoucherId),
    /// A sample.
    Sample(SampleId),
    /// An inspection.
    Inspection(InspectionId),
    /// A finding.
    Finding(FindingId),
    /// A flag.
    Flag(FlagId),
    /// An institution's credit.
    Credit(InstitutionId),
}

/// A catalogue line: institution, capacity, occupation (or project), plan year.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CatalogueEntryId {
    /// Whose.
    pub institution: InstitutionId,
    /// `training_body` or `assessment_body`: which of the two catalogues.
    pub capacity: Capacity,
    /// For what.
    pub occupation: Occupation,
    /// For which plan year.
    pub year: PlanYear,
}

/// One fact, of the kind that its key names.
///
/// Serialised as that kind's canonical JSON; read back by [`Fact::read`].
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Fact {
    /// See [`RegionState`].
    Region(RegionState),
    /// See [`Policies`].
    Policy(Policies),
    /// See [`Calendar`].
    Calendar(Calendar),
    /// See [`YearState`].
    Year(YearState),
    /// See [`Account`].
    Account(Account),
    /// See [`TopUp`].
    TopUp(TopUp),
    /// See [`Credential`].
    Credential(Credential),
    /// See [`Person`].
    Person(Person),
    /// See [`Import`].
    Import(Import),
    /// See [`Institution`].
    Institution(Institution),
    /// See [`CatalogueEntry`].
    CatalogueEntry(CatalogueEntry),
    /// See [`Booking`].
    Booking(Booking),
    /// See [`TrainingClass`].
    Class(TrainingClass),
    /// See [`Attendance`].
    Attendance(Attendance),
    /// See [`Employment`].
    Employment(Employment),
    /// See [`Session`].
    Session(Session),
    /// See [`Sheet`].
    Sheet(Sheet),
    /// See [`Voucher`].
    Voucher(Voucher),
    /// See [`Sample`].
    Sample(Sample),
    /// See [`Inspection`].
    Inspection(Inspection),
    /// See [`Finding`].
    Finding(Finding),
    /// See [`Flag`].
    Flag(Flag),
    /// See [`Credit`].
    Credit(Credit),
}

impl Fact {
    /// Reads the fact that a key names back from its JSON.
    pub fn read(key: &Key, json: &[u8]) -> Result<Fact, serde_json::Error> {
        fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, serde_json::Error> {
            serde_json::from_slice(json)
        }
        Ok(match key {
            Key::Region => Fact::Region(read(json)?),
            Key::Policy(_) => Fact::Policy(read(json)?),
            Key::Calendar(_) => Fact::Calendar(read(json)?),
            Key::Year(_) => Fact::Year(read(json)?),
            Key::Account(..) => Fact::Account(read(json)?),
            Key::TopUp(_) => Fact::TopUp(read(json)?),
            Key::Credential(_) => Fact::Credential(read(json)?),
            Key::Person(_) => Fact::Person(read(json)?),
            Key::Import(_) => Fact::Import(read(json)?),
            Key::Institution(_) => Fact::Institution(read(json)?),
            Key::CatalogueEntry(_) => Fact::CatalogueEntry(read(json)?),
            Key::Booking(_) => Fact::Booking(read(json)?),
            Key::Class(_) => Fact::Class(read(json)?),
            Key::Attendance(_) => Fact::Attendance(read(json)?),
            Key::Employment(_) => Fact::Employment(read(json)?),
            Key::Session(_) => Fact::Session(read(json)?),
            Key::Sheet(_) => Fact::Sheet(read(json)?),
            Key::Voucher(_) => Fact::Voucher(read(json)?),
            Key::Sample(_) => Fact::Sample(read(json)?),
            Key::Inspection(_) => Fact::Inspection(read(json)?),
            Key::Finding(_) => Fact::Finding(read(json)?),
            Key::Flag(_) => Fact::Flag(read(json)?),
            Key::Credit(_) => Fact::Credit(read(json)?),
        })
    }
}

pub(crate) fn is_zero(n: &u16) -> bool {
    *n == 0
}

fn is_none(n: &u32) -> bool {
    *n == 0
}
