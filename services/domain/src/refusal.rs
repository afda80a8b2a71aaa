//! Why a move was refused: stable codes, all that apply, each with what it is about.
//!
//! A code is part of the API: once released it keeps its name and its meaning.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a refusal is classed, gravest first (the precedence of the gRPC status).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The request is wrong whatever the state: INVALID_ARGUMENT.
    Invalid,
    /// It does not exist, or the caller may not see it: NOT_FOUND.
    NotFound,
    /// The caller may not do this: PERMISSION_DENIED.
    Denied,
    /// A rule said no: FAILED_PRECONDITION.
    Rule,
    /// Money is used up: RESOURCE_EXHAUSTED.
    Exhausted,
}

macro_rules! codes {
    ($($class:ident { $($name:ident $code:literal $meaning:literal;)+ })+) => {
        /// A refusal's stable code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {$($(
            #[doc = $meaning]
            #[serde(rename = $code)]
            $name,
        )+)+}

        impl Code {
            /// Every code.
            pub const ALL: &[Code] = &[$($(Code::$name,)+)+];

            /// The code as it stands in `ErrorInfo.reason`.
            pub fn as_str(self) -> &'static str {
                match self {$($(Code::$name => $code,)+)+}
            }

            /// How it is classed.
            pub fn class(self) -> Class {
                match self {$($(Code::$name => Class::$class,)+)+}
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self {$($(Code::$name => $meaning,)+)+}
            }
        }
    };
}

codes! {
    Invalid {
        BadTimetable "BAD_TIMETABLE" "The timetable is empty, out of order, or has more lessons in a slot than the policy allows.";
        BadSample "SAMPLE_INVALID" "A share is 1 to 100 percent or at least one, and a share by credit goes with strata by credit.";
        BadSeat "SEAT_UNKNOWN" "The class, session or sheet has no such seat.";
        BadCapacity "CAPACITY_INVALID" "A class or an assessment session has 1 to 500 seats.";
        TrainerMissing "TRAINER_MISSING" "A class names its trainers, an assessment session its examiners.";
        BadAmount "AMOUNT_NOT_POSITIVE" "An amount of money is more than zero.";
        BadDetails "CATALOGUE_DETAILS_INVALID" "Something that the catalogue line says of itself is empty, too long or out of order.";
        BadPolicy "POLICY_INVALID" "The policy contradicts itself or lacks a figure.";
        BadDates "DATES_INVALID" "The dates are not in order.";
        DuplicateEntry "DUPLICATE_ENTRY" "The same seat or item is named twice in one request.";
        NotBelow "REGION_NOT_BELOW" "A region's log records the checkpoints of the regions below it.";
        TooMany "TOO_MANY_ITEMS" "More items than one move may carry.";
        TokenMalformed "TOKEN_MALFORMED" "The token is not a voucher token.";
        LevelNeeded "LEVEL_NEEDED" "An assessment names an occupation and a level.";
        OccupationNeeded "OCCUPATION_NEEDED" "This programme names an occupation.";
        ReasonUnknown "REASON_UNKNOWN" "This move does not take that reason.";
        SameRegion "SAME_REGION" "Money is allocated to another region, and a region's parent is another one.";
        SealInvalid "SEAL_INVALID" "The sealed attendance has no hash, or its totals or days contradict the timetable or each other.";
        RolesMixed "ROLES_MIXED" "Whoever acts for an institution or as a citizen has no role of the bureau's, and none is lent to them.";
    }
    NotFound {
        RegionNotFound "REGION_NOT_FOUND" "The region is not opened here.";
        VoucherNotFound "VOUCHER_NOT_FOUND" "No such voucher in this region, or none that the caller may see.";
        ClassNotFound "CLASS_NOT_FOUND" "No such class in this region, or none that the caller may see.";
        SessionNotFound "SESSION_NOT_FOUND" "No such assessment session in this region, or none that the caller may see.";
        SheetNotFound "SHEET_NOT_FOUND" "No such claim sheet in this region, or none that the caller may see.";
        PersonNotFound "PERSON_NOT_FOUND" "No such person in this region, or none that the caller may see.";
        InstitutionNotFound "INSTITUTION_NOT_FOUND" "No such institution is registered in this region.";
        CatalogueEntryNotFound "CATALOGUE_ENTRY_NOT_FOUND" "No such catalogue entry in this region.";
        TopUpNotFound "TOP_UP_NOT_FOUND" "No such top-up request in that region.";
        AccountNotFound "ACCOUNT_NOT_FOUND" "The region has no account of that year and source.";
        ObjectionNotFound "OBJECTION_NOT_FOUND" "No such objection against this sheet.";
        CredentialNotFound "CREDENTIAL_NOT_FOUND" "No such credential in this region.";
        PlanYearNotFound "PLAN_YEAR_NOT_FOUND" "No such plan year in this region, or none that the caller may see.";
        PolicyNotFound "POLICY_NOT_FOUND" "No policy is in force for that plan year.";
        CalendarNotFound "CALENDAR_NOT_FOUND" "The region has no working-day calendar of that year.";
        SampleNotFound "SAMPLE_NOT_FOUND" "There is no such sample.";
        InspectionNotFound "INSPECTION_NOT_FOUND" "There is no such inspection.";
        FindingNotFound "FINDING_NOT_FOUND" "There is no such finding.";
        FlagNotFound "FLAG_NOT_FOUND" "There is no such flag.";
        CreditNotFound "CREDIT_NOT_FOUND" "Nothing is on record of the institution's credit.";
    }
    Denied {
        CallerUnknown "CALLER_UNKNOWN" "The credential has no grant in this region.";
        CallerRevoked "CALLER_REVOKED" "The credential was revoked or has run out.";
        RoleMissing "ROLE_MISSING" "The caller's role does not allow this move.";
        NotYours "NOT_YOURS" "The thing belongs to another person or institution.";
        SamePerson "SAME_PERSON" "One person may not do both of these steps on one voucher.";
    }
    Exhausted {
        FundsExhausted "FUNDS_EXHAUSTED" "No source of the programme has enough available money.";
    }
    Rule {
        RegionAlreadyOpen "REGION_ALREADY_OPEN" "The region's log exists already.";
        CheckpointNotNewer "CHECKPOINT_NOT_NEWER" "The checkpoint on record covers as much of that log, or more.";
        CredentialExists "CREDENTIAL_EXISTS" "The credential was granted already.";
        ImportedBefore "IMPORTED_BEFORE" "This part of the list was imported already.";
        PersonErased "PERSON_ERASED" "The person's data were erased.";
        PersonHasOpenVoucher "PERSON_HAS_OPEN_VOUCHER" "A voucher of the person is not over, or money of it is still owed.";
        ArchiveKept "ARCHIVE_KEPT" "The archive of a subsidy paid for the person must be kept longer.";
        PersonExists "PERSON_ALREADY_REGISTERED" "The identity is registered in this region already.";
        IdentityUnchanged "IDENTITY_UNCHANGED" "The corrected identity is the one on record.";
        InstitutionExists "INSTITUTION_ALREADY_REGISTERED" "The institution is registered in this region already.";
        UnitClassified "UNIT_CLASSIFIED" "A classified unit is listed by the city and named by its seal, never registered, changed or named in clear.";
        NotClassified "NOT_CLASSIFIED" "Only a classified unit's class or session is sealed, and none of these is one.";
        ClassNotSealed "CLASS_NOT_SEALED" "A classified unit's class or session names its occupation, site, trainers and examiners by commitments only.";
        InstitutionSuspended "INSTITUTION_SUSPENDED" "The institution is suspended.";
        InstitutionStruckOff "INSTITUTION_STRUCK_OFF" "The institution was struck off.";
        CapacityMissing "CAPACITY_MISSING" "The institution has not the capacity that this needs.";
        AccountMissing "ACCOUNT_MISSING" "The payee has no corporate account in force.";
        AccountUnchanged "ACCOUNT_UNCHANGED" "That account is the one on record.";
        AccountNotPending "ACCOUNT_NOT_PENDING" "No change of account is waiting for a checker.";
        NotInCatalogue "NOT_IN_CATALOGUE" "The institution is not in the region's catalogue for this occupation and year.";
        CatalogueEntryExists "CATALOGUE_ENTRY_EXISTS" "The catalogue entry was filed already.";
        CatalogueEntryNotFiled "CATALOGUE_ENTRY_NOT_FILED" "The catalogue entry is not waiting for approval.";
        CatalogueEntryNotInForce "CATALOGUE_ENTRY_NOT_IN_FORCE" "The catalogue entry is not in the standing that this needs.";
        DetailsSealed "CATALOGUE_DETAILS_SEALED" "A classified unit's catalogue entry says nothing of sites, trainers or licence.";
        SiteNotListed "SITE_NOT_IN_CATALOGUE" "The deliverer's catalogue entry names other sites.";
        SeatsAboveSite "SEATS_ABOVE_SITE" "The class has more seats than the catalogue gives its site.";
        LevelNotListed "LEVEL_NOT_IN_CATALOGUE" "The catalogue entry does not cover the level.";
        TrainerNotListed "TRAINER_NOT_IN_CATALOGUE" "The deliverer's catalogue entry names other trainers.";
        NotLicensed "NOT_LICENSED" "The institution's licence does not cover the occupation.";
        NoParentRegion "NO_PARENT_REGION" "The region has no region above it that could grant the money.";
        TopUpExists "TOP_UP_EXISTS" "The top-up request exists already.";
        TopUpDecided "TOP_UP_DECIDED" "The top-up request was decided already.";
        TopUpTooMuch "TOP_UP_TOO_MUCH" "More than was asked for.";
        SourceNotOfProgramme "SOURCE_NOT_OF_PROGRAMME" "The policy does not pay order and project training from that source.";
        PlanYearNotOpen "PLAN_YEAR_NOT_OPEN" "The plan year is not open in this region.";
        PlanYearClosed "PLAN_YEAR_CLOSED" "The plan year is closed.";
        PlanYearAlreadyOpen "PLAN_YEAR_ALREADY_OPEN" "The plan year was opened already.";
        PlanYearNotClosing "PLAN_YEAR_NOT_CLOSING" "The plan year's closing has not begun.";
        PlanYearNotDue "PLAN_YEAR_NOT_DUE" "The plan year closes after its closing day.";
        PlanYearNotEmpty "PLAN_YEAR_NOT_EMPTY" "Vouchers or sheets of the year are still to be closed.";
        NextYearNotOpen "NEXT_YEAR_NOT_OPEN" "The next plan year is not open, so the rest cannot be carried over.";
        PolicyMissing "POLICY_MISSING" "No policy is in force for the plan year.";
        CalendarMissing "CALENDAR_MISSING" "No working-day calendar covers the days in question.";
        ProgrammeWithoutRate "PROGRAMME_WITHOUT_RATE" "The policy has no rate or no limit for this programme.";
        LevelWithoutRate "LEVEL_WITHOUT_RATE" "The policy has no rate for this level.";
        CategoryUnknown "CATEGORY_UNKNOWN" "The policy does not know this category.";
        CategoryNotEligible "CATEGORY_NOT_ELIGIBLE" "This category may not apply for this programme.";
        CheckMissing "CHECK_MISSING" "A register's answer that the policy asks for is not on record or has run out.";
        NotEligible "NOT_ELIGIBLE" "A register's answer rules the person out.";
        ConfirmationMissing "CONFIRMATION_MISSING" "The holder's own confirmation is missing.";
        ApplicationsOver "APPLICATIONS_OVER" "The plan year's training has ended.";
        LiveVoucherExists "LIVE_VOUCHER_EXISTS" "The person has a live voucher of this programme and year.";
        YearlyLimit "YEARLY_LIMIT_REACHED" "The person's subsidised trainings of the year are used up.";
        TrainedBefore "OCCUPATION_ALREADY_TRAINED" "This occupation and level was paid for this person before.";
        AssessedBefore "OCCUPATION_ALREADY_ASSESSED" "This occupation and level was assessed for this person before.";
        GeneralPaid "GENERAL_ALREADY_PAID" "The person had a general voucher paid in this plan year.";
        ApprenticeshipTaken "APPRENTICESHIP_TAKEN" "The person had an apprenticeship in this plan year.";
        GraduationAssessed "GRADUATION_ASSESSMENT_TAKEN" "The student had the free assessment of the graduation year.";
        DayTaken "DAY_TAKEN" "The person is in another class on one of these days.";
        CertificateTaken "CERTIFICATE_NUMBER_TAKEN" "The certificate number is on record for another voucher.";
        VoucherFrozen "VOUCHER_FROZEN" "The voucher is frozen.";
        VoucherNotFrozen "VOUCHER_NOT_FROZEN" "The voucher is not frozen.";
        VoucherEnded "VOUCHER_ENDED" "The voucher's life is over.";
        VoucherNotApplied "VOUCHER_NOT_APPLIED" "The voucher is not waiting for issue.";
        VoucherNotRejected "VOUCHER_NOT_REJECTED" "The application is not rejected.";
        VoucherNotIssued "VOUCHER_NOT_ISSUED" "The voucher is not issued and unused.";
        VoucherNotEnrolled "VOUCHER_NOT_ENROLLED" "The voucher is not enrolled.";
        VoucherNotCompleted "VOUCHER_NOT_COMPLETED" "The voucher's training or assessment is not completed.";
        VoucherAlreadyRedeemed "VOUCHER_ALREADY_REDEEMED" "The voucher was redeemed already.";
        VoucherNotClaimed "VOUCHER_NOT_CLAIMED" "The voucher is not on this sheet.";
        VoucherNotPaid "VOUCHER_NOT_PAID" "The voucher is not paid.";
        VoucherExpired "VOUCHER_EXPIRED" "The voucher's time is over.";
        NotDue "NOT_DUE" "The voucher's time is not over yet.";
        ReopenedBefore "REOPENED_BEFORE" "It was reopened once already.";
        ReopenTooLate "REOPEN_TOO_LATE" "The days in which it could be reopened are over.";
        TokenBad "TOKEN_INVALID" "The token is not this voucher's genuine token in force.";
        HolderMismatch "HOLDER_MISMATCH" "The identity presented is not the voucher's holder's.";
        ClassNotFiled "CLASS_NOT_FILED" "The class is not waiting for approval.";
        ClassNotApproved "CLASS_NOT_APPROVED" "The class is not approved, or is over.";
        ClassNotRunning "CLASS_NOT_RUNNING" "The class is not running.";
        ClassNotFinished "CLASS_NOT_FINISHED" "The class or session is not finished.";
        ClassOver "CLASS_OVER" "The class is finished, closed or cancelled, or somebody has completed it.";
        ClassNotOver "CLASS_NOT_OVER" "The class's last slot is still to come.";
        ClassFull "CLASS_FULL" "No seat is left.";
        RosterLocked "ROSTER_LOCKED" "The roster is locked.";
        FiledTooLate "FILED_TOO_LATE" "The class was filed too few working days before its start.";
        OutsideTrainingPeriod "OUTSIDE_TRAINING_PERIOD" "A day lies outside the plan year's training period.";
        TooManyDays "TOO_MANY_DAYS" "The class has more days than the policy pays.";
        ModulesMissing "MODULES_MISSING" "A mandatory module is missing from the timetable or was not taught.";
        PutonghuaMissing "PUTONGHUA_MISSING" "Teaching is in Putonghua.";
        DoubleBooked "DOUBLE_BOOKED" "A trainer or room is in another class in the same slot.";
        ChangeTooLate "CHANGE_TOO_LATE" "The change was filed after the session that it changes.";
        ProgrammeMismatch "PROGRAMME_MISMATCH" "The voucher and the class are of different programmes, years, occupations or levels.";
        SlotUnknown "SLOT_UNKNOWN" "The timetable has no such slot.";
        SlotRecorded "SLOT_ALREADY_RECORDED" "The session's attendance is on record.";
        OutsideTimetable "OUTSIDE_TIMETABLE" "The session has not begun, or its lessons exceed the timetable.";
        EntryWindowOver "ENTRY_WINDOW_OVER" "The entry window is over; a late entry needs a clerk's approval.";
        EntryWindowOpen "ENTRY_WINDOW_OPEN" "The entry window is still open.";
        LateWindowOver "LATE_WINDOW_OVER" "The time for late entries is over.";
        LateShare "LATE_SHARE_EXCEEDED" "More sessions were entered late than the policy allows.";
        PaperShare "PAPER_SHARE_EXCEEDED" "More entries are on paper than the policy allows.";
        OnlineShare "ONLINE_SHARE_EXCEEDED" "More entries are online than the policy allows.";
        PresenceMissing "PRESENCE_CHECKS_MISSING" "Online time without presence checks does not count.";
        AttendanceSealed "ATTENDANCE_SEALED" "A classified unit's attendance is sealed when the class is over, and never entered by session.";
        AttendanceUnapproved "ATTENDANCE_NOT_APPROVED" "The sealed attendance is not approved by two officers.";
        AttendanceApproved "ATTENDANCE_ALREADY_APPROVED" "The sealed attendance is approved by two officers and stands.";
        AttendanceShort "ATTENDANCE_SHORT" "The attendance is below the policy's share.";
        LessonsShort "LESSONS_SHORT" "The lessons are below the policy's minimum.";
        DeadlineAttempts "ATTEMPTS_USED_UP" "The voucher's assessment attempts are used up.";
        AssessorNotAllowed "ASSESSOR_NOT_ALLOWED" "Deliverer and assessment body are the same or related, or the deliverer's own filed body comes first.";
        ExaminerTrained "EXAMINER_TRAINED_THE_PERSON" "A trainer of a person may not examine them.";
        AssessmentVoucherExists "ASSESSMENT_VOUCHER_EXISTS" "The holder has an assessment voucher for this occupation and level and is recorded there.";
        CertificateUnconfirmed "CERTIFICATE_UNCONFIRMED" "The register has not confirmed the certificate.";
        CertificateDenied "CERTIFICATE_DENIED" "The register does not know the certificate.";
        NothingToConfirm "NOTHING_TO_CONFIRM" "Nothing on record waits for this confirmation.";
        PassMissing "PASS_MISSING" "The policy pays only after a recorded pass.";
        ContractMissing "CONTRACT_MISSING" "The entrustment contract's hash is missing where the payee is not the deliverer or assessment body.";
        UndertakingMissing "UNDERTAKING_MISSING" "The signed undertaking is missing.";
        RosterUnmatched "ROSTER_UNMATCHED" "No insurance or contract in force matches the person with the voucher's employer.";
        NothingEarned "NOTHING_EARNED" "The claim comes to nothing.";
        EvidenceMissing "EVIDENCE_MISSING" "Employment without evidence is not recorded.";
        EmploymentShort "EMPLOYMENT_SHARE_SHORT" "The class's employment share is below the policy's.";
        EmploymentHeld "EMPLOYMENT_NOT_HELD" "The employment was not held for the policy's days.";
        SheetNotOpen "SHEET_NOT_OPEN" "The claim sheet is not open.";
        SheetNotSubmitted "SHEET_NOT_SUBMITTED" "The claim sheet is not submitted.";
        SheetNotApproved "SHEET_NOT_APPROVED" "The claim sheet is not approved.";
        SheetNotPaying "SHEET_NOT_PAYING" "No payout of this sheet is under way.";
        SheetNotPaid "SHEET_NOT_PAID" "The claim sheet is not paid.";
        SheetNotRefused "SHEET_NOT_REFUSED" "The claim sheet is not refused.";
        SheetEmpty "SHEET_EMPTY" "No voucher is left on the sheet.";
        SheetHasFrozen "SHEET_HAS_FROZEN_VOUCHERS" "A frozen voucher is on the sheet.";
        SheetOverdue "CLAIM_BY_OVER" "The time for claims of this plan year is over.";
        InsuranceMissing "INSURANCE_ANSWER_MISSING" "The insurance register's answer must be fresh at approval.";
        NoticeRunning "NOTICE_RUNNING" "The public notice is not over.";
        NoticeOver "NOTICE_OVER" "The public notice is over.";
        ObjectionOpen "OBJECTION_OPEN" "An objection is open.";
        ObjectionDecided "OBJECTION_DECIDED" "The objection was decided already.";
        ProposalChanged "PROPOSAL_CHANGED" "The proposal that stands is not the one that was seen.";
        ApprovalChanged "APPROVAL_CHANGED" "What was approved is not what is to be acted on.";
        BatchMismatch "BATCH_MISMATCH" "The bank's answer does not match the payout batch.";
        PayoutInFile "PAYOUT_IN_A_FILE" "The payout stands in an earlier file for the bank, and in a second one could be paid twice; `again` takes it out once more.";
        PayoutWrittenOff "PAYOUT_WRITTEN_OFF" "A voucher of the payout is written off.";
        PayeeOwes "PAYEE_OWES" "A claw-back of this payee is not met; payouts are withheld.";
        PayoutMismatch "PAYOUT_MISMATCH" "Payout and approval differ.";
        ClawBackPending "CLAW_BACK_PENDING" "A claw-back of this voucher was proposed already.";
        NoClawBack "NO_CLAW_BACK_PENDING" "No claw-back of this voucher waits for it.";
        ClawBackTooMuch "CLAW_BACK_TOO_MUCH" "More than was paid.";
        OverrideNotAllowed "OVERRIDE_NOT_ALLOWED" "The policy does not allow this override.";
        NoOverride "NO_OVERRIDE_PENDING" "No override of this voucher waits for confirmation.";
        CorrectionPending "CORRECTION_PENDING" "A correction of identity waits for confirmation.";
        NoCorrection "NO_CORRECTION_PENDING" "No correction of identity waits for confirmation.";
        SupervisionMissing "SUPERVISION_RULES_MISSING" "The policy in force has no rules of supervision; adopt one that has.";
        SampleEmpty "SAMPLE_EMPTY" "There is nothing to take a sample of.";
        NotInFrame "NOT_IN_FRAME" "That is none of the things of which the sample is taken.";
        SampleAlreadyDrawn "SAMPLE_ALREADY_DRAWN" "The sample's draw is published.";
        SampleNotSigned "SAMPLE_NOT_SIGNED" "No signed checkpoint covers the sample's plan yet; one does within seconds.";
        SampleSecret "SAMPLE_SECRET_MISMATCH" "The secret is not the one that the sample's plan commits to.";
        InspectionWindow "INSPECTION_WINDOW_OVER" "An inspection is entered from its session's beginning until the policy's hours after its end.";
        AlreadyConfirmed "INSPECTION_ALREADY_CONFIRMED" "The inspection was confirmed already.";
        YearlySeats "YEARLY_SEATS_TAKEN" "The deliverer's catalogue line can take no more people in the year: change the line, or fewer seats.";
        BrandNotListed "BRAND_NOT_LISTED" "The policy in force lists no such local brand.";
        FindingOpen "FINDING_OPEN" "A finding about it is not closed, and nothing is claimed before it is.";
        FindingClosed "FINDING_CLOSED" "The finding is closed.";
        FindingNotRectified "FINDING_NOT_RECTIFIED" "A finding is closed only after the institution said that it put it right.";
        FindingElsewhere "FINDING_OF_ANOTHER_REGION" "The finding is a county's; it runs in the county's log.";
        FlagExists "FLAG_ALREADY_RAISED" "The flag was raised already.";
        FlagAlreadyCleared "FLAG_ALREADY_CLEARED" "The flag was cleared already.";
        BlockingFlag "BLOCKING_FLAG" "A flag that blocks stands on it; two people clear it.";
        CreditTooLow "CREDIT_TOO_LOW" "The institution is of credit class D.";
        CreditNotLow "CREDIT_NOT_LOW" "The institution's credit needs no restoration.";
        PointedBefore "POINTS_ALREADY_RECORDED" "These points are on record already for that finding or evidence: one event counts once.";
        FindingOfOther "FINDING_OF_ANOTHER_INSTITUTION" "Another institution has to answer for that finding.";
        RestoreTooEarly "RESTORATION_TOO_EARLY" "Too few days have passed since the last points were taken.";
        TokenDead "TOKEN_DEAD" "The voucher has no token in force; it must be reissued.";
    }
}

/// One reason, and what it is about (a field, a seat, a day, a check), never anything personal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// What it is about, empty when the code says all.
    pub about: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        if self.about.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", self.about)
        }
    }
}

/// Every reason for which a move was refused, never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals(Vec<Refusal>);

impl Refusals {
    /// The reasons in the order of the rules.
    pub fn reasons(&self) -> &[Refusal] {
        &self.0
    }

    /// The gravest class decides the status of the answer.
    pub fn class(&self) -> Class {
        self.0
            .iter()
            .map(|r| r.code.class())
            .min()
            .unwrap_or(Class::Rule)
    }

    /// Whether that code is among them.
    pub fn has(&self, code: Code) -> bool {
        self.0.iter().any(|r| r.code == code)
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, refusal) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            refusal.fmt(f)?;
        }
        Ok(())
    }
}

/// Why deciding stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The rules said no.
    Refused(Refusals),
    /// A fact is not in the world yet: bring it in and decide again.
    Missing(crate::Need),
}

impl From<Code> for Stop {
    fn from(code: Code) -> Stop {
        Stop::Refused(Refusals(vec![Refusal {
            code,
            about: String::new(),
        }]))
    }
}

impl Code {
    /// This refusal, about that thing.
    pub fn about(self, about: impl fmt::Display) -> Stop {
        Stop::Refused(Refusals(vec![Refusal {
            code: self,
            about: about.to_string(),
        }]))
    }
}

/// Collects every rule that fails, so that a refusal names them all and not only the first.
#[derive(Debug, Default)]
#[must_use = "collected refusals must be settled with done()"]
pub struct Checks(Vec<Refusal>);

impl Checks {
    /// Nothing failed yet.
    pub fn new() -> Checks {
        Checks::default()
    }

    /// The rule holds, or the code is collected.
    pub fn require(&mut self, holds: bool, code: Code) {
        self.require_of(holds, code, "");
    }

    /// The rule holds of that thing, or the code is collected with it.
    pub fn require_of(&mut self, holds: bool, code: Code, about: impl fmt::Display) {
        if !holds {
            self.0.push(Refusal {
                code,
                about: about.to_string(),
            });
        }
    }

    /// Takes a sub-decision's value, or collects its refusals. A missing fact is passed on at once.
    pub fn take<T>(&mut self, result: Result<T, Stop>) -> Result<Option<T>, Stop> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Stop::Refused(refusals)) => {
                self.0.extend(refusals.0);
                Ok(None)
            }
            Err(Stop::Missing(need)) => Err(Stop::Missing(need)),
        }
    }

    /// Whether every rule held so far.
    pub fn passed(&self) -> bool {
        self.0.is_empty()
    }

    /// All rules held, or all that failed.
    pub fn done(mut self) -> Result<(), Stop> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.dedup();
        Err(Stop::Refused(Refusals(self.0)))
    }
}
