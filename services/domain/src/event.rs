//! What happened: one struct per event, as it stands in the log. An event says what `apply` needs and what an auditor re-decides from.
//!
//! Money and nullifiers stand in it as effects, so a replay moves them without deciding anything again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use crate::audit::{CheckpointsRecorded, ForkAccepted, LogKeyRotated, LogTree, RegionTree};
use crate::calendar::Calendar;
use crate::command::{CheckAnswer, Confirmation, ConfirmedBy};
use crate::ids::*;
use crate::money::{Days, Fen};
use crate::policy::{Adopted, Capacity, Programme};
use crate::state::*;
use crate::status::Place;
use crate::subsidy::TrailLine;
pub use crate::supervision::{
    CreditPointed, CreditRestored, FindingClosureReported, FindingRechecked, FindingRecorded,
    FindingRectified, FindingReported, FlagClearanceProposed, FlagCleared, FlagRaised, Inspected,
    InspectionConfirmed, SampleDrawn, SamplePlanned,
};
use crate::time::{Date, Instant};

/// An account's money at a closing: it moves into the next year's account of the same source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedAccount {
    /// The source.
    pub source: Source,
    /// Owed on the sheets carried over.
    pub payable: Fen,
    /// The rest (结余).
    pub rest: Fen,
}

/// A voucher's life ended short of being written off: by which move, the event's kind says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherEnded {
    /// Which.
    pub voucher: VoucherId,
    /// By whom; absent when the clock did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<StaffId>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Money that becomes available again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Money>,
    /// Nullifiers that it frees.
    pub frees: Vec<Tag>,
}

/// An assessment's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssessmentResult {
    /// Passed.
    Pass,
    /// Failed.
    Fail,
    /// Did not come.
    Absent,
}

/// The employment share that a sheet was submitted with, compared as integers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmploymentShare {
    /// Employed.
    pub employed: u32,
    /// Everyone enrolled when the roster locked, less the excluded.
    pub of: u32,
    /// Hash of the class's statement.
    pub statement: Digest,
}

macro_rules! events {
    ($($kind:ident => $body:ty, |$e:ident| $stream:expr;)+) => {
        /// Everything that can happen in a region.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {$(
            /// See the body.
            $kind($body),
        )+}

        impl Event {
            /// The kind, as it stands in the log.
            pub fn kind(&self) -> &'static str {
                match self {$(Event::$kind(_) => stringify!($kind),)+}
            }

            /// Every kind.
            pub const KINDS: &[&str] = &[$(stringify!($kind),)+];

            /// The stream that it belongs to, named by the fact that it is about.
            #[allow(unused_variables)]
            pub fn stream(&self) -> Key {
                match self {$(Event::$kind($e) => $stream,)+}
            }

            /// Reads a body of the log back. `None` when the kind is unknown.
            pub fn decode(kind: &str, body: &str) -> Option<Result<Event, serde_json::Error>> {
                match kind {
                    $(stringify!($kind) => Some(serde_json::from_str(body).map(Event::$kind)),)+
                    _ => None,
                }
            }
        }

        /// Serialises the body alone; the kind stands in the envelope.
        impl Serialize for Event {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {$(Event::$kind(body) => body.serialize(serializer),)+}
            }
        }
    };
}

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

/// Body of the event `RosterImported`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RosterImported {
    pub import: ImportId,
    pub by: StaffId,
    #[serde(flatten)]
    pub part: ListPart,
    pub department: Department,
    /// By day the nullifiers that it takes.
    pub takes: BTreeMap<Date, Vec<Tag>>,
    /// By day those that somebody held already, a voucher or another roster: they stay theirs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<Date, Vec<Tag>>,
}

/// Body of the event `CertificatesImported`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CertificatesImported {
    pub import: ImportId,
    pub by: StaffId,
    #[serde(flatten)]
    pub part: ListPart,
    pub certificates: Vec<ListedCertificate>,
}

/// Body of the event `PayoutFileExported`: who took which payees' accounts out of the vault, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PayoutFileExported {
    pub by: StaffId,
    pub reason: Reason,
    pub sheets: Vec<SheetId>,
    pub total: Fen,
    /// Some of them may stand in an earlier file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

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

/// Body of the event `PlanYearOpened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PlanYearOpened {
    pub year: PlanYear,
}

/// Body of the event `TargetsSet`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TargetsSet {
    pub year: PlanYear,
    pub targets: BTreeMap<String, u32>,
}

/// Body of the event `FundsAppropriated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FundsAppropriated {
    pub year: PlanYear,
    pub source: Source,
    pub amount: Fen,
    pub reference: Reference,
}

/// Body of the event `FundsAllocatedOut`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FundsAllocatedOut {
    pub to: Region,
    pub year: PlanYear,
    pub source: Source,
    pub amount: Fen,
    pub reference: Reference,
    /// The county's request that it grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_up: Option<TopUpId>,
}

/// Body of the event `FundsAllocatedIn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FundsAllocatedIn {
    pub from: Region,
    pub year: PlanYear,
    pub source: Source,
    pub amount: Fen,
    pub reference: Reference,
    /// The request that it grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_up: Option<TopUpId>,
}

/// Body of the event `TopUpRequested`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TopUpRequested {
    pub top_up: TopUpId,
    pub by: StaffId,
    pub year: PlanYear,
    pub source: Source,
    pub amount: Fen,
    pub purpose: TopUpPurpose,
    pub reason: Reason,
    pub papers: Digest,
}

/// Body of the event `TopUpRefused`, in the log of the region that refused it. A grant is `FundsAllocatedOut`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TopUpRefused {
    pub to: Region,
    pub top_up: TopUpId,
    pub year: PlanYear,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `TopUpDecided`, in the log of the region that asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TopUpDecided {
    pub top_up: TopUpId,
    /// By which region.
    pub from: Region,
    pub decision: TopUpDecision,
}

/// Body of the event `PlanYearClosing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PlanYearClosing {
    pub year: PlanYear,
    pub by: StaffId,
}

/// Body of the event `PlanYearClosed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PlanYearClosed {
    pub year: PlanYear,
    pub by: StaffId,
    pub carried: Vec<SheetId>,
    pub accounts: Vec<CarriedAccount>,
}

/// Body of the event `Applied`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Applied {
    pub voucher: VoucherId,
    pub person: PersonId,
    pub year: PlanYear,
    pub programme: Programme,
    pub category: Category,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occupation: Option<Occupation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<SkillLevel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employer: Option<InstitutionId>,
    pub by: StaffId,
    pub by_holder: bool,
    pub answers: Vec<CheckAnswer>,
    pub due: Instant,
    pub takes: Vec<Held>,
}

/// Body of the event `ApplicationConfirmed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ApplicationConfirmed {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub by_holder: bool,
    pub how: ConfirmedBy,
    pub evidence: Digest,
}

/// Body of the event `ApplicationReopened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ApplicationReopened {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub due: Instant,
    pub takes: Vec<Held>,
}

/// Body of the event `CorrectionProposed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CorrectionProposed {
    pub voucher: VoucherId,
    pub person: PersonId,
    pub by: StaffId,
}

/// Body of the event `CorrectionConfirmed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CorrectionConfirmed {
    pub voucher: VoucherId,
    pub person: PersonId,
    pub by: StaffId,
    pub frees: Vec<Tag>,
    pub takes: Vec<Held>,
}

/// Body of the event `CorrectionRefused`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CorrectionRefused {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `Issued`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Issued {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub money: Money,
    pub due: Instant,
    pub token: TokenInForce,
    pub serial: u16,
    /// Where the token stands in the region's status lists.
    pub place: Place,
    pub takes: Vec<Held>,
}

/// Body of the event `TokenFetched`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TokenFetched {
    pub voucher: VoucherId,
    pub by: StaffId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<PersonId>,
    /// Which of the voucher's tokens.
    pub serial: u16,
}

/// Body of the event `TokenReissued`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TokenReissued {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub card_seen: Digest,
    pub token: TokenInForce,
    pub serial: u16,
    /// Where the token stands in the region's status lists.
    pub place: Place,
}

/// Body of the event `OverrideProposed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct OverrideProposed {
    pub voucher: VoucherId,
    pub proposal: Override,
}

/// Body of the event `OverrideConfirmed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct OverrideConfirmed {
    pub voucher: VoucherId,
    pub by: StaffId,
    /// Hash of what they saw proposed: it was the standing proposal's.
    pub proposal: Digest,
    pub reserve: Fen,
}

/// Body of the event `Frozen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Frozen {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub reason: Reason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<FindingId>,
}

/// Body of the event `Unfrozen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Unfrozen {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `ClassFiled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassFiled {
    pub class: ClassId,
    pub by: StaffId,
    pub filing: ClassFiling,
}

/// Body of the event `ClassChanged`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassChanged {
    pub class: ClassId,
    pub by: StaffId,
    pub filing: ClassFiling,
}

/// Body of the event `ClassApproved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassApproved {
    pub class: ClassId,
    pub by: StaffId,
    /// Seats that it takes of its deliverer's catalogue line for the year.
    #[serde(default, skip_serializing_if = "crate::state::is_zero")]
    pub seats: u16,
}

/// Body of the event `ClassRejected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassRejected {
    pub class: ClassId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `ClassFinished`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassFinished {
    pub class: ClassId,
    pub by: StaffId,
}

/// Body of the event `ClassCancelled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassCancelled {
    pub class: ClassId,
    pub by: StaffId,
    pub by_bureau: bool,
    pub reason: Reason,
}

/// Body of the event `ClassClosed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClassClosed {
    pub class: ClassId,
}

/// Body of the event `Enrolled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Enrolled {
    pub voucher: VoucherId,
    pub class: ClassId,
    pub seat: u16,
    pub reserve: Fen,
    pub due: Instant,
    pub takes: Vec<Held>,
}

/// Body of the event `AttendanceRecorded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AttendanceRecorded {
    pub class: ClassId,
    pub slot: u16,
    pub entries: Vec<AttendanceEntry>,
}

/// Body of the event `LateEntryRequested`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LateEntryRequested {
    pub class: ClassId,
    pub slot: u16,
    pub entries: Vec<AttendanceEntry>,
    pub reason: Reason,
    pub evidence: Digest,
}

/// Body of the event `LateEntryApproved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LateEntryApproved {
    pub class: ClassId,
    pub slot: u16,
    pub by: StaffId,
    /// Hash of what they saw proposed: it was the standing proposal's.
    pub proposal: Digest,
}

/// Body of the event `AttendanceSealed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AttendanceSealed {
    pub class: ClassId,
    pub sealed: SealedAttendance,
}

/// Body of the event `SealedAttendanceApproved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SealedAttendanceApproved {
    pub class: ClassId,
    pub by: StaffId,
    /// Hash of what they saw sealed: it was the standing seal's.
    pub proposal: Digest,
}

/// Body of the event `Dropped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Dropped {
    pub voucher: VoucherId,
    pub class: ClassId,
    pub seat: u16,
    pub reason: Reason,
    pub due: Instant,
    pub carried_days: Days,
    pub frees: Vec<Tag>,
}

/// Body of the event `Completed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Completed {
    pub voucher: VoucherId,
    pub class: ClassId,
    pub seat: u16,
    pub days: Days,
}

/// Body of the event `EmploymentRecorded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EmploymentRecorded {
    pub class: ClassId,
    pub seats: BTreeMap<u16, Employed>,
}

/// Body of the event `SessionFiled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionFiled {
    pub session: SessionId,
    pub by: StaffId,
    pub filing: SessionFiling,
}

/// Body of the event `SessionApproved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionApproved {
    pub session: SessionId,
    pub by: StaffId,
}

/// Body of the event `SessionRejected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionRejected {
    pub session: SessionId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `SessionFinished`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionFinished {
    pub session: SessionId,
    pub by: StaffId,
}

/// Body of the event `SessionCancelled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionCancelled {
    pub session: SessionId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `SessionClosed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionClosed {
    pub session: SessionId,
}

/// Body of the event `Assessed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Assessed {
    pub voucher: VoucherId,
    pub session: SessionId,
    pub result: AssessmentResult,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Instant>,
    pub occupation_not_covered: bool,
    pub takes: Vec<Held>,
}

/// Body of the event `CertificateConfirmed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CertificateConfirmed {
    pub voucher: VoucherId,
    pub known: bool,
    /// The number that the register denies is no certificate's: it is free again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frees: Vec<Tag>,
}

/// Body of the event `Redeemed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Redeemed {
    pub voucher: VoucherId,
    pub sheet: SheetId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<u16>,
    pub occasion: Occasion,
    pub seat: u16,
    pub amount: Fen,
    pub trail: Vec<TrailLine>,
    pub undertaking: Digest,
    pub confirmation: Confirmation,
}

/// Body of the event `ClaimSubmitted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimSubmitted {
    pub sheet: SheetId,
    pub by: StaffId,
    pub total: Fen,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employment: Option<EmploymentShare>,
}

/// Body of the event `StruckOut`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StruckOut {
    pub sheet: SheetId,
    pub voucher: VoucherId,
    pub by: StaffId,
    pub reason: Reason,
    pub refuse: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Money>,
    pub frees: Vec<Tag>,
    /// Until when a voucher that is back to Completed is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Instant>,
    /// Hash of what stays approved, when the sheet was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Digest>,
}

/// Body of the event `ClaimReturned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimReturned {
    pub sheet: SheetId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `ClaimRefused`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimRefused {
    pub sheet: SheetId,
    pub by: StaffId,
    pub reason: Reason,
}

/// Body of the event `ClaimReopened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimReopened {
    pub sheet: SheetId,
    pub by: StaffId,
}

/// Body of the event `Reclaimed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Reclaimed {
    pub voucher: VoucherId,
    pub sheet: SheetId,
    pub money: Money,
    pub due: Instant,
    pub takes: Vec<Held>,
}

/// Body of the event `ClaimApproved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimApproved {
    pub sheet: SheetId,
    pub by: StaffId,
    pub total: Fen,
    pub approval: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_until: Option<Date>,
    pub released: Vec<Fen>,
}

/// Body of the event `ObjectionRaised`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ObjectionRaised {
    pub sheet: SheetId,
    pub objection: ObjectionId,
    pub statement: Digest,
}

/// Body of the event `ObjectionDecided`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ObjectionDecided {
    pub sheet: SheetId,
    pub objection: ObjectionId,
    pub by: StaffId,
    pub upheld: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Body of the event `PayoutSent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PayoutSent {
    pub sheet: SheetId,
    pub by: StaffId,
    /// Hash of what finance saw approved: it was the approval's.
    pub approval: Digest,
    pub total: Fen,
    pub batch: Digest,
}

/// Body of the event `PayoutRecorded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PayoutRecorded {
    pub sheet: SheetId,
    pub by: StaffId,
    pub batch: Digest,
    pub reference: Reference,
}

/// Body of the event `PayoutReturned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PayoutReturned {
    pub sheet: SheetId,
    pub by: StaffId,
    pub reference: Reference,
    pub reason: Reason,
    /// The plan year whose account owes it now, when the one that paid is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed_by: Option<PlanYear>,
}

/// Body of the event `WrittenOff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct WrittenOff {
    pub voucher: VoucherId,
    pub sheet: SheetId,
    pub by: StaffId,
    pub amount: Fen,
    pub frees: Vec<Tag>,
}

/// Body of the event `ClaimClosed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClaimClosed {
    pub sheet: SheetId,
}

/// Body of the event `ClawBackProposed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClawBackProposed {
    pub voucher: VoucherId,
    pub claw_back: ClawBack,
}

/// Body of the event `ClawBackConfirmed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClawBackConfirmed {
    pub voucher: VoucherId,
    pub by: StaffId,
    /// Hash of what they saw proposed: it was the standing proposal's.
    pub proposal: Digest,
    pub frees: Vec<Tag>,
}

/// Body of the event `ClawBackReceived`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClawBackReceived {
    pub voucher: VoucherId,
    pub amount: Fen,
    pub year: PlanYear,
    pub source: Source,
    pub reference: Reference,
}

events! {
    RegionOpened => RegionState, |e| Key::Region;
    ForkAccepted => ForkAccepted, |e| Key::Region;
    CheckpointsRecorded => CheckpointsRecorded, |e| Key::Region;
    LogKeyRotated => LogKeyRotated, |e| Key::Region;
    CallerGranted => CallerGranted, |e| Key::Credential(e.credential.clone());
    CallerRevoked => CallerRevoked, |e| Key::Credential(e.credential.clone());
    DeputyAppointed => DeputyAppointed, |e| Key::Credential(e.credential.clone());
    PolicyAdopted => Adopted, |e| Key::Policy(e.policy.year);
    CalendarAdopted => Calendar, |e| Key::Calendar(e.year);
    PersonRegistered => PersonRegistered, |e| Key::Person(e.person);
    CheckAnswersRecorded => CheckAnswersRecorded, |e| Key::Person(e.person);
    SubjectErased => SubjectErased, |e| Key::Person(e.person);
    PersonRevealed => PersonRevealed, |e| Key::Person(e.person);
    RosterImported => RosterImported, |e| Key::Import(e.import);
    CertificatesImported => CertificatesImported, |e| Key::Import(e.import);
    PayoutFileExported => PayoutFileExported, |e| Key::Region;
    InstitutionRegistered => InstitutionRegistered, |e| Key::Institution(e.institution.clone());
    InstitutionChanged => InstitutionChanged, |e| Key::Institution(e.institution.clone());
    ClassifiedRegistered => ClassifiedRegistered, |e| Key::Institution(e.institution.clone());
    AccountRegistered => AccountRegistered, |e| Key::Institution(e.institution.clone());
    AccountConfirmed => AccountConfirmed, |e| Key::Institution(e.institution.clone());
    InstitutionSuspended => InstitutionSuspended, |e| Key::Institution(e.institution.clone());
    InstitutionStruckOff => InstitutionStruckOff, |e| Key::Institution(e.institution.clone());
    CatalogueEntryFiled => CatalogueEntryFiled, |e| Key::CatalogueEntry(e.entry.clone());
    CatalogueEntryChanged => CatalogueEntryChanged, |e| Key::CatalogueEntry(e.entry.clone());
    CatalogueEntryApproved => CatalogueEntryApproved, |e| Key::CatalogueEntry(e.entry.clone());
    CatalogueEntryRefused => CatalogueEntryRefused, |e| Key::CatalogueEntry(e.entry.clone());
    CatalogueEntrySuspended => CatalogueEntrySuspended, |e| Key::CatalogueEntry(e.entry.clone());
    CatalogueEntryStruckOff => CatalogueEntryStruckOff, |e| Key::CatalogueEntry(e.entry.clone());
    PlanYearOpened => PlanYearOpened, |e| Key::Year(e.year);
    TargetsSet => TargetsSet, |e| Key::Year(e.year);
    FundsAppropriated => FundsAppropriated, |e| Key::Account(e.year, e.source.clone());
    FundsAllocatedOut => FundsAllocatedOut, |e| Key::Account(e.year, e.source.clone());
    FundsAllocatedIn => FundsAllocatedIn, |e| Key::Account(e.year, e.source.clone());
    TopUpRequested => TopUpRequested, |e| Key::TopUp(e.top_up);
    TopUpRefused => TopUpRefused, |e| Key::Year(e.year);
    TopUpDecided => TopUpDecided, |e| Key::TopUp(e.top_up);
    PlanYearClosing => PlanYearClosing, |e| Key::Year(e.year);
    PlanYearClosed => PlanYearClosed, |e| Key::Year(e.year);
    Applied => Applied, |e| Key::Voucher(e.voucher);
    ApplicationConfirmed => ApplicationConfirmed, |e| Key::Voucher(e.voucher);
    Withdrawn => VoucherEnded, |e| Key::Voucher(e.voucher);
    ApplicationRejected => VoucherEnded, |e| Key::Voucher(e.voucher);
    ApplicationReopened => ApplicationReopened, |e| Key::Voucher(e.voucher);
    CorrectionProposed => CorrectionProposed, |e| Key::Voucher(e.voucher);
    CorrectionConfirmed => CorrectionConfirmed, |e| Key::Voucher(e.voucher);
    CorrectionRefused => CorrectionRefused, |e| Key::Voucher(e.voucher);
    Issued => Issued, |e| Key::Voucher(e.voucher);
    Revoked => VoucherEnded, |e| Key::Voucher(e.voucher);
    TokenFetched => TokenFetched, |e| Key::Voucher(e.voucher);
    TokenReissued => TokenReissued, |e| Key::Voucher(e.voucher);
    Expired => VoucherEnded, |e| Key::Voucher(e.voucher);
    OverrideProposed => OverrideProposed, |e| Key::Voucher(e.voucher);
    OverrideConfirmed => OverrideConfirmed, |e| Key::Voucher(e.voucher);
    Frozen => Frozen, |e| Key::Voucher(e.voucher);
    Unfrozen => Unfrozen, |e| Key::Voucher(e.voucher);
    SamplePlanned => SamplePlanned, |e| Key::Sample(e.sample);
    SampleDrawn => SampleDrawn, |e| Key::Sample(e.sample);
    Inspected => Inspected, |e| Key::Inspection(e.inspection);
    InspectionConfirmed => InspectionConfirmed, |e| Key::Inspection(e.inspection);
    FindingRecorded => FindingRecorded, |e| Key::Finding(e.finding);
    FindingReported => FindingReported, |e| Key::Finding(e.finding);
    FindingClosureReported => FindingClosureReported, |e| Key::Finding(e.finding);
    FindingRectified => FindingRectified, |e| Key::Finding(e.finding);
    FindingRechecked => FindingRechecked, |e| Key::Finding(e.finding);
    FlagRaised => FlagRaised, |e| Key::Flag(e.flag);
    FlagClearanceProposed => FlagClearanceProposed, |e| Key::Flag(e.flag);
    FlagCleared => FlagCleared, |e| Key::Flag(e.flag);
    CreditPointed => CreditPointed, |e| Key::Credit(e.institution.clone());
    CreditRestored => CreditRestored, |e| Key::Credit(e.institution.clone());
    ClassFiled => ClassFiled, |e| Key::Class(e.class);
    ClassChanged => ClassChanged, |e| Key::Class(e.class);
    ClassApproved => ClassApproved, |e| Key::Class(e.class);
    ClassRejected => ClassRejected, |e| Key::Class(e.class);
    ClassFinished => ClassFinished, |e| Key::Class(e.class);
    ClassCancelled => ClassCancelled, |e| Key::Class(e.class);
    ClassClosed => ClassClosed, |e| Key::Class(e.class);
    Enrolled => Enrolled, |e| Key::Voucher(e.voucher);
    AttendanceRecorded => AttendanceRecorded, |e| Key::Class(e.class);
    LateEntryRequested => LateEntryRequested, |e| Key::Class(e.class);
    LateEntryApproved => LateEntryApproved, |e| Key::Class(e.class);
    AttendanceSealed => AttendanceSealed, |e| Key::Class(e.class);
    SealedAttendanceApproved => SealedAttendanceApproved, |e| Key::Class(e.class);
    Dropped => Dropped, |e| Key::Voucher(e.voucher);
    Completed => Completed, |e| Key::Voucher(e.voucher);
    EmploymentRecorded => EmploymentRecorded, |e| Key::Class(e.class);
    SessionFiled => SessionFiled, |e| Key::Session(e.session);
    SessionApproved => SessionApproved, |e| Key::Session(e.session);
    SessionRejected => SessionRejected, |e| Key::Session(e.session);
    SessionFinished => SessionFinished, |e| Key::Session(e.session);
    SessionCancelled => SessionCancelled, |e| Key::Session(e.session);
    SessionClosed => SessionClosed, |e| Key::Session(e.session);
    Assessed => Assessed, |e| Key::Voucher(e.voucher);
    CertificateConfirmed => CertificateConfirmed, |e| Key::Voucher(e.voucher);
    Redeemed => Redeemed, |e| Key::Voucher(e.voucher);
    ClaimSubmitted => ClaimSubmitted, |e| Key::Sheet(e.sheet);
    StruckOut => StruckOut, |e| Key::Sheet(e.sheet);
    ClaimReturned => ClaimReturned, |e| Key::Sheet(e.sheet);
    ClaimRefused => ClaimRefused, |e| Key::Sheet(e.sheet);
    ClaimVoucherRefused => VoucherEnded, |e| Key::Voucher(e.voucher);
    ClaimReopened => ClaimReopened, |e| Key::Sheet(e.sheet);
    Reclaimed => Reclaimed, |e| Key::Voucher(e.voucher);
    ClaimApproved => ClaimApproved, |e| Key::Sheet(e.sheet);
    ObjectionRaised => ObjectionRaised, |e| Key::Sheet(e.sheet);
    ObjectionDecided => ObjectionDecided, |e| Key::Sheet(e.sheet);
    PayoutSent => PayoutSent, |e| Key::Sheet(e.sheet);
    PayoutRecorded => PayoutRecorded, |e| Key::Sheet(e.sheet);
    PayoutReturned => PayoutReturned, |e| Key::Sheet(e.sheet);
    WrittenOff => WrittenOff, |e| Key::Voucher(e.voucher);
    ClaimClosed => ClaimClosed, |e| Key::Sheet(e.sheet);
    ClawBackProposed => ClawBackProposed, |e| Key::Voucher(e.voucher);
    ClawBackConfirmed => ClawBackConfirmed, |e| Key::Voucher(e.voucher);
    ClawBackReceived => ClawBackReceived, |e| Key::Voucher(e.voucher);
}
