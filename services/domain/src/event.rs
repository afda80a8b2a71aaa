//! What happened: one struct per event, as it stands in the log. An event says what `apply` needs and what an auditor re-decides from.
//!
//! Money and nullifiers stand in it as effects, so a replay moves them without deciding anything again.

mod access;
mod application;
mod assessment;
mod funds;
mod issuance;
mod people;
mod records;
mod redemption;
mod registry;
mod settlement;
mod training;

use serde::{Deserialize, Serialize};

pub use crate::audit::{CheckpointsRecorded, ForkAccepted, LogKeyRotated, LogTree, RegionTree};
use crate::calendar::Calendar;
use crate::ids::*;
use crate::policy::Adopted;
use crate::state::*;
pub use crate::supervision::{
    CreditPointed, CreditRestored, FindingClosureReported, FindingRechecked, FindingRecorded,
    FindingRectified, FindingReported, FlagClearanceProposed, FlagCleared, FlagRaised, Inspected,
    InspectionConfirmed, SampleDrawn, SamplePlanned,
};
pub use access::*;
pub use application::*;
pub use assessment::*;
pub use funds::*;
pub use issuance::*;
pub use people::*;
pub use records::*;
pub use redemption::*;
pub use registry::*;
pub use settlement::*;
pub use training::*;

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
