//! What callers ask for: one struct per move, typed and validated at the edge. Ids and other randomness were drawn there, once.

/// A subject's moves: a struct for each, which is an [`Act`].
macro_rules! moves {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty),* $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {$(
            $(#[$fdoc])*
            pub $field: $type,
        )*}

        impl From<$name> for $crate::command::Act {
            fn from(act: $name) -> Self {
                $crate::command::Act::$name(act)
            }
        }
    )+};
}

mod access;
mod application;
mod assessment;
mod audit;
mod funds;
mod issuance;
mod people;
mod policy;
mod records;
mod redemption;
mod registry;
mod settlement;
mod supervision;
mod training;

use crate::ids::*;
pub use access::*;
pub use application::*;
pub use assessment::*;
pub use audit::*;
pub use funds::*;
pub use issuance::*;
pub use people::*;
pub use policy::*;
pub use records::*;
pub use redemption::*;
pub use registry::*;
pub use settlement::*;
pub use supervision::*;
pub use training::*;

/// A move asked for in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Where.
    pub region: Region,
    /// With which credential.
    pub by: CredentialId,
    /// The caller's request id, unique per region and subject.
    pub request: RequestId,
    /// Keyed digest of the request, by which its repetition is told from its abuse.
    pub digest: Digest,
    /// The seals under which the institutions that the request names in clear would be listed as classified; a few, mostly none.
    pub seals: Vec<InstitutionId>,
    /// What.
    pub act: Act,
}

/// The holder's own confirmation: proof that they know of what is done in their name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmedBy {
    /// On the holder's phone.
    Phone,
    /// By card swipe.
    Card,
    /// On paper, witnessed by a clerk.
    Paper,
    /// By a clerk's recorded call-back.
    CallBack,
}

/// A recorded confirmation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Confirmation {
    /// How.
    pub by: ConfirmedBy,
    /// Hash of the evidence.
    pub evidence: Digest,
    /// The clerk who witnessed it, on paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<StaffId>,
}

/// A token as it was presented; its signature was checked at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedToken {
    /// SHA-256 of its bytes.
    pub hash: Digest,
    /// The signature is genuine, the token names this voucher and its time is not over. `false` where only the hash counts (Redeem).
    pub genuine: bool,
}

impl Act {
    /// The other region that it changes in the same transaction, where it changes two.
    pub fn other_region(&self) -> Option<&Region> {
        if let Act::AllocateFunds(act) = self {
            Some(&act.to)
        } else if let Act::DecideTopUp(act) = self {
            Some(&act.county)
        } else if let Act::RecordFinding(act) = self {
            act.report_to.as_ref()
        } else if let Act::Recheck(act) = self {
            act.report_to.as_ref()
        } else {
            None
        }
    }
}

macro_rules! acts {
    ($($name:ident),+ $(,)?) => {
        /// Every move.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Act {$(
            /// See the body.
            $name($name),
        )+}

        impl Act {
            /// The move's name, as in the RPC and the refusal matrix.
            pub fn name(&self) -> &'static str {
                match self {$(Act::$name(_) => stringify!($name),)+}
            }

            /// Every move's name.
            pub const NAMES: &[&str] = &[$(stringify!($name),)+];
        }
    };
}

acts! {
    // ---- policy
    OpenRegion,
    AdoptPolicy,
    AdoptCalendar,
    // ---- audit
    RecordCheckpoints,
    // ---- access
    GrantCaller,
    RevokeCaller,
    AppointDeputy,
    // ---- people
    RegisterPerson,
    RecordCheckAnswers,
    EraseSubject,
    RevealPerson,
    // ---- records
    ImportRoster,
    ImportCertificates,
    ExportPayouts,
    // ---- registry
    RegisterInstitution,
    ChangeInstitution,
    RegisterClassified,
    RegisterAccount,
    ConfirmAccount,
    FileCatalogueEntry,
    ChangeCatalogueEntry,
    ApproveCatalogueEntry,
    RefuseCatalogueEntry,
    SuspendCatalogueEntry,
    StrikeOffCatalogueEntry,
    SuspendInstitution,
    StrikeOffInstitution,
    // ---- funds
    AppropriateFunds,
    AllocateFunds,
    RequestTopUp,
    DecideTopUp,
    OpenPlanYear,
    ClosePlanYear,
    SetTargets,
    // ---- application
    Apply,
    ConfirmApplication,
    Withdraw,
    RejectApplication,
    ReopenApplication,
    ProposeCorrection,
    ConfirmCorrection,
    RefuseCorrection,
    // ---- issuance
    Issue,
    Revoke,
    FetchToken,
    ReissueToken,
    Expire,
    ProposeOverride,
    ConfirmOverride,
    // ---- supervision
    Freeze,
    Unfreeze,
    PlanSample,
    DrawSample,
    Inspect,
    ConfirmInspection,
    RecordFinding,
    Rectify,
    Recheck,
    RaiseFlag,
    ClearFlag,
    ConfirmClearFlag,
    CreditPoints,
    RestoreCredit,
    // ---- training
    FileClass,
    ChangeClass,
    ApproveClass,
    RejectClass,
    FinishClass,
    CancelClass,
    Enrol,
    RecordAttendance,
    RequestLateEntry,
    ApproveLateEntry,
    SealAttendance,
    ApproveSealedAttendance,
    Drop,
    Complete,
    RecordEmployment,
    // ---- assessment
    FileSession,
    ApproveSession,
    RejectSession,
    FinishSession,
    CancelSession,
    RecordAssessment,
    ConfirmCertificate,
    // ---- redemption
    Redeem,
    SubmitClaim,
    StrikeOut,
    ReturnClaim,
    RefuseClaim,
    ReopenClaim,
    ApproveClaim,
    RaiseObjection,
    DecideObjection,
    // ---- settlement
    SendPayout,
    RecordPayout,
    ReturnPayout,
    WriteOff,
    ProposeClawBack,
    ConfirmClawBack,
    ReceiveClawBack,
}
