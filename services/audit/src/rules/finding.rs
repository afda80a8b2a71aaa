//! What an auditor finds: a move that the rules refuse, or whose events are not what the rules make of it.

use hefu_domain::{Code, Event, Refusals, Region};
use serde::Serialize;

/// What is wrong, gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What may be had once was had twice.
    DoublePayment,
    /// One person did two steps that two people must.
    SeparationOfDuties,
    /// An amount is not what the rules give, or money was not there.
    Amount,
    /// It was done too late or too early.
    Deadline,
    /// Any other rule.
    Rule,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// In which region's log.
    pub region: Region,
    /// In which of its epochs.
    pub epoch: u64,
    /// At which event.
    pub index: u64,
    /// The request that made it.
    pub request: String,
    /// What is wrong.
    pub kind: Kind,
    /// Every rule that refuses it; none where it is accepted with other events.
    pub codes: Vec<Code>,
    /// In words.
    pub detail: String,
}

/// A refusal as a finding: the gravest of its codes says which kind.
pub(super) fn refused(refusals: &Refusals) -> (Kind, Vec<Code>, String) {
    let codes: Vec<Code> = refusals
        .reasons()
        .iter()
        .map(|reason| reason.code)
        .collect();
    let kind = codes.iter().map(|code| kind_of(*code)).min();
    (
        kind.unwrap_or(Kind::Rule),
        codes,
        format!("the rules refuse it: {refusals}"),
    )
}

/// Two readings of one event as a finding: which fields differ says which kind.
pub(super) fn differs(ours: &Event, logged: &Event) -> (Kind, String) {
    if ours.kind() != logged.kind() {
        let detail = format!("the rules make it {}, not {}", ours.kind(), logged.kind());
        return (Kind::Rule, detail);
    }
    let (ours, theirs) = (fields(ours), fields(logged));
    let names = ours.keys().chain(theirs.keys());
    let mut different: Vec<&String> = names
        .filter(|name| ours.get(*name) != theirs.get(*name))
        .collect();
    different.sort();
    different.dedup();
    let kind = different.iter().map(|name| kind_of_field(name)).min();
    let said = different.iter().map(|name| {
        let say = |of: &serde_json::Map<String, serde_json::Value>| {
            of.get(*name)
                .map_or("nothing".to_owned(), ToString::to_string)
        };
        format!(
            "{name}: the rules give {}, the log says {}",
            say(&ours),
            say(&theirs)
        )
    });
    let said: Vec<String> = said.collect();
    (
        kind.unwrap_or(Kind::Rule),
        format!("{}: {}", logged.kind(), said.join("; ")),
    )
}

fn fields(event: &Event) -> serde_json::Map<String, serde_json::Value> {
    match serde_json::to_value(event) {
        Ok(serde_json::Value::Object(fields)) => fields,
        Ok(_) | Err(_) => serde_json::Map::new(),
    }
}

/// What it means that a field of an event is another one.
fn kind_of_field(name: &str) -> Kind {
    match name {
        "takes" | "frees" => Kind::DoublePayment,
        "amount" | "money" | "total" | "reserve" | "release" | "released" | "trail"
        | "accounts" | "days" | "carried_days" | "source" | "owed_by" => Kind::Amount,
        "due" | "notice_until" | "usable_from" | "effective" => Kind::Deadline,
        _ => Kind::Rule,
    }
}

/// The one table of what a refusal means to an auditor.
pub(super) fn kind_of(code: Code) -> Kind {
    use Code::*;
    match code {
        LiveVoucherExists
        | YearlyLimit
        | TrainedBefore
        | AssessedBefore
        | GeneralPaid
        | ApprenticeshipTaken
        | GraduationAssessed
        | DayTaken
        | CertificateTaken
        | VoucherAlreadyRedeemed
        | AssessmentVoucherExists
        | SlotRecorded
        | ImportedBefore
        | PayoutInFile
        | PayoutWrittenOff => Kind::DoublePayment,
        SamePerson => Kind::SeparationOfDuties,
        BadAmount | TopUpTooMuch | FundsExhausted | NothingEarned | ClawBackTooMuch
        | PayoutMismatch | BatchMismatch | PayeeOwes | TooManyDays => Kind::Amount,
        BadDates
        | PlanYearClosed
        | PlanYearNotOpen
        | PlanYearNotDue
        | ApplicationsOver
        | VoucherExpired
        | NotDue
        | ReopenTooLate
        | ClassNotOver
        | RosterLocked
        | FiledTooLate
        | OutsideTrainingPeriod
        | ChangeTooLate
        | OutsideTimetable
        | EntryWindowOver
        | EntryWindowOpen
        | LateWindowOver
        | SheetOverdue
        | NoticeRunning
        | NoticeOver
        | EmploymentHeld => Kind::Deadline,
        BadTimetable | BadSeat | BadCapacity | TrainerMissing | BadPolicy | DuplicateEntry
        | TooMany | TokenMalformed | LevelNeeded | OccupationNeeded | ReasonUnknown
        | SameRegion | SealInvalid | BadDetails | NotBelow | CheckpointNotNewer | RolesMixed => {
            Kind::Rule
        }
        RegionNotFound
        | VoucherNotFound
        | ClassNotFound
        | SessionNotFound
        | SheetNotFound
        | PersonNotFound
        | InstitutionNotFound
        | CatalogueEntryNotFound
        | TopUpNotFound
        | AccountNotFound
        | ObjectionNotFound
        | CredentialNotFound
        | PlanYearNotFound
        | PolicyNotFound
        | CalendarNotFound => Kind::Rule,
        CallerUnknown | CallerRevoked | RoleMissing | NotYours => Kind::Rule,
        RegionAlreadyOpen
        | NoParentRegion
        | TopUpExists
        | TopUpDecided
        | SourceNotOfProgramme
        | CatalogueEntryNotInForce
        | DetailsSealed
        | SiteNotListed
        | SeatsAboveSite
        | LevelNotListed
        | TrainerNotListed
        | BrandNotListed
        | YearlySeats
        | CredentialExists
        | PersonErased
        | PersonHasOpenVoucher
        | ArchiveKept
        | PersonExists
        | IdentityUnchanged
        | InstitutionExists
        | InstitutionSuspended
        | InstitutionStruckOff
        | CapacityMissing
        | AccountMissing
        | AccountUnchanged
        | AccountNotPending
        | NotInCatalogue
        | CatalogueEntryExists
        | CatalogueEntryNotFiled
        | NotLicensed
        | PlanYearAlreadyOpen
        | PlanYearNotClosing
        | PlanYearNotEmpty
        | NextYearNotOpen
        | PolicyMissing
        | CalendarMissing
        | ProgrammeWithoutRate
        | LevelWithoutRate
        | CategoryUnknown
        | CategoryNotEligible
        | CheckMissing
        | NotEligible
        | ConfirmationMissing => Kind::Rule,
        VoucherFrozen | VoucherNotFrozen | VoucherEnded | VoucherNotApplied
        | VoucherNotRejected | VoucherNotIssued | VoucherNotEnrolled | VoucherNotCompleted
        | VoucherNotClaimed | VoucherNotPaid | ReopenedBefore | TokenBad | HolderMismatch
        | TokenDead => Kind::Rule,
        ClassNotFiled | ClassNotApproved | ClassNotRunning | ClassNotFinished | ClassOver
        | ClassFull | ModulesMissing | PutonghuaMissing | DoubleBooked | ProgrammeMismatch
        | SlotUnknown | LateShare | PaperShare | OnlineShare | PresenceMissing
        | AttendanceShort | LessonsShort => Kind::Rule,
        DeadlineAttempts
        | AssessorNotAllowed
        | ExaminerTrained
        | UnitClassified
        | NotClassified
        | ClassNotSealed
        | AttendanceSealed
        | AttendanceUnapproved
        | AttendanceApproved
        | CertificateUnconfirmed
        | CertificateDenied
        | NothingToConfirm
        | PassMissing => Kind::Rule,
        InspectionWindow | RestoreTooEarly => Kind::Deadline,
        BadSample | SampleNotFound | InspectionNotFound | FindingNotFound | FlagNotFound
        | CreditNotFound | SupervisionMissing | SampleEmpty | NotInFrame | SampleAlreadyDrawn
        | SampleNotSigned | SampleSecret | AlreadyConfirmed | FindingOpen | FindingClosed
        | FindingNotRectified | FindingElsewhere | FlagExists | FlagAlreadyCleared
        | BlockingFlag | CreditTooLow | CreditNotLow | PointedBefore | FindingOfOther => Kind::Rule,
        ContractMissing | UndertakingMissing | RosterUnmatched | EvidenceMissing
        | EmploymentShort | SheetNotOpen | SheetNotSubmitted | SheetNotApproved
        | SheetNotPaying | SheetNotPaid | SheetNotRefused | SheetEmpty | SheetHasFrozen
        | InsuranceMissing | ObjectionOpen | ObjectionDecided | ProposalChanged
        | ApprovalChanged => Kind::Rule,
        ClawBackPending | NoClawBack | OverrideNotAllowed | NoOverride | CorrectionPending
        | NoCorrection => Kind::Rule,
    }
}
