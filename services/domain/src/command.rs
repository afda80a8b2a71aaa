//! What callers ask for: one struct per move, typed and validated at the edge. Ids and other randomness were drawn there, once.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::{LogTree, RegionTree};
use crate::calendar::Calendar;
use crate::ids::*;
use crate::money::{Days, Fen};
use crate::policy::{Capacity, FraudRule, Policy, Programme, Severity};
use crate::state::*;
use crate::time::{Date, Instant};

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

/// An API key's grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// SHA-256 of the key.
    pub credential: CredentialId,
    /// The subject that it stands for.
    pub subject: SubjectId,
    /// The member of staff.
    pub person: StaffId,
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// The institution that they act for.
    pub institution: Option<InstitutionId>,
    /// The one holder that they are.
    pub holder: Option<PersonId>,
    /// When it runs out.
    pub expires: Option<Instant>,
}

/// A register's answer about a person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckAnswer {
    /// What was asked.
    pub check: Check,
    /// The coded answer.
    pub answer: Answer,
    /// The last day on which it may be relied on.
    pub valid_until: Date,
    /// The register's or the township's own number of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// The enterprise that it names, where it does: who insures the person, or has a contract with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employer: Option<InstitutionId>,
}

/// The outcome of an assessment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Passed, with a certificate.
    Pass {
        /// Nullifier of the certificate number: it is on record once, anywhere.
        number: Tag,
        /// Salted commitment to the certificate number.
        certificate: Digest,
    },
    /// Failed.
    Fail,
    /// Did not come.
    Absent,
}

/// What is decided about an objection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// Dismissed.
    Dismiss,
    /// Upheld: one voucher is struck out.
    StrikeOut {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
        /// Refused for good, or back to Completed.
        refuse: bool,
    },
    /// Upheld: the sheet is refused.
    Refuse {
        /// Why.
        reason: Reason,
    },
}

/// What is decided about a top-up request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopUpRuling {
    /// Granted, in full or in part.
    Grant {
        /// How much.
        amount: Fen,
        /// Treasury reference.
        reference: Reference,
    },
    /// Refused.
    Refuse {
        /// Why.
        reason: Reason,
    },
}

/// A step of the closing run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClosingStep {
    /// From now on nothing new begins.
    Begin,
    /// These vouchers expire (PLAN_YEAR_CLOSED).
    Vouchers(Vec<VoucherId>),
    /// This sheet is refused with its vouchers (PLAN_YEAR_CLOSED).
    Sheet(SheetId),
    /// What is under way is named and carried over with the rest. `carried` are all sheets still Approved, Paying or Paid with a line not written off.
    Finish {
        /// Sheets carried over.
        carried: Vec<SheetId>,
    },
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
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty),* $(,)? })+) => {
        /// Every move.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Act {$(
            $(#[$doc])*
            $name($name),
        )+}

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $name {$(
                $(#[$fdoc])*
                pub $field: $type,
            )*}

            impl From<$name> for Act {
                fn from(act: $name) -> Act {
                    Act::$name(act)
                }
            }
        )+

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
    /// Opens a region's log: its event 0, and the operator's grant.
    OpenRegion {
        /// What event 0 says.
        state: RegionState,
        /// The operator's grant; its credential is the caller's.
        operator: Grant,
        /// Whether the caller is the deployment's own operator, as the server found: a region that is not open has granted nobody anything.
        of_deployment: bool,
    }
    /// Adopts a policy for a plan year.
    AdoptPolicy {
        /// The rules, whole.
        policy: Policy,
        /// From when they decide; not before now.
        effective: Instant,
    }
    /// Adopts a working-day calendar.
    AdoptCalendar {
        /// The calendar.
        calendar: Calendar,
    }
    // ---- audit
    /// Records the signed trees of the logs of regions below this one.
    RecordCheckpoints {
        /// By region, each once.
        checkpoints: Vec<RegionTree>,
    }
    // ---- access
    /// Grants a caller.
    GrantCaller {
        /// The grant.
        grant: Grant,
    }
    /// Revokes a caller at once.
    RevokeCaller {
        /// Which.
        credential: CredentialId,
    }
    /// Lends a caller a role from one instant to another.
    AppointDeputy {
        /// To whom.
        credential: CredentialId,
        /// Role and time.
        deputy: Deputy,
    }
    // ---- people
    /// Registers a person (实名登记); the vault takes their data in the same transaction.
    RegisterPerson {
        /// Their id in this region, drawn at the edge.
        person: PersonId,
        /// Keyed lookup tag of their identity.
        tag: Tag,
    }
    /// Records registers' answers about a person.
    RecordCheckAnswers {
        /// Whom.
        person: PersonId,
        /// The answers.
        answers: Vec<CheckAnswer>,
    }
    /// Erases a person (PIPL, article 47): what identifies them is destroyed for good, what they were paid stays.
    EraseSubject {
        /// Whom.
        person: PersonId,
        /// Why.
        reason: Reason,
    }
    /// Shows a person's record unmasked, and has it on record that it was.
    RevealPerson {
        /// Whose.
        person: PersonId,
        /// Why.
        reason: Reason,
    }
    // ---- records
    /// Imports a part of another department's roster: the days on which its people are trained are blocked, in every region.
    ImportRoster {
        /// Which part of which list.
        part: ListPart,
        /// Whose roster it is.
        department: Department,
        /// By day the nullifiers of those who are trained on it, computed at the edge; no name or number comes this far.
        days: BTreeMap<Date, Vec<Tag>>,
    }
    /// Imports a part of a list of certificates without a voucher, which count in the plan.
    ImportCertificates {
        /// Which part of which list.
        part: ListPart,
        /// The certificates.
        certificates: Vec<ListedCertificate>,
    }
    /// Shows the accounts to which the payouts under way go unmasked, in a file for the bank, and has it on record that they were.
    ExportPayouts {
        /// Which sheets, all of them Paying.
        sheets: Vec<SheetId>,
        /// Why.
        reason: Reason,
        /// Whether those may be among them that stand in an earlier file.
        again: bool,
    }
    // ---- registry
    /// Registers an institution.
    RegisterInstitution {
        /// Its credit code.
        institution: InstitutionId,
        /// Its registered name.
        name: String,
        /// What it is.
        capacities: BTreeSet<Capacity>,
        /// Occupations that its licence covers.
        licence: BTreeSet<Occupation>,
        /// Institutions under the same control.
        related: BTreeSet<InstitutionId>,
        /// The division whose government it belongs to, if it belongs to one.
        affiliation: Option<Region>,
    }
    /// Changes what an institution is registered as; all of it is given anew.
    ChangeInstitution {
        /// Which.
        institution: InstitutionId,
        /// Its registered name.
        name: String,
        /// What it is.
        capacities: BTreeSet<Capacity>,
        /// Occupations that its licence covers.
        licence: BTreeSet<Occupation>,
        /// Institutions under the same control.
        related: BTreeSet<InstitutionId>,
        /// The division whose government it belongs to, if it belongs to one.
        affiliation: Option<Region>,
    }
    /// Registers a unit that the city listed as classified: its code, name and occupations by commitments only.
    RegisterClassified {
        /// Its credit code, sealed.
        institution: InstitutionId,
        /// Commitment to its registered name.
        name: Digest,
        /// What it is.
        capacities: BTreeSet<Capacity>,
        /// Occupations that its licence covers, sealed, in the order given.
        licence: Vec<Occupation>,
        /// Hash of the secrecy authority's document.
        document: Digest,
    }
    /// Registers or changes an institution's corporate account (maker).
    RegisterAccount {
        /// Whose.
        institution: InstitutionId,
        /// Salted commitment to account name and number.
        commitment: Digest,
        /// Keyed tag of the same: the same account has the same tag wherever it stands.
        tag: Tag,
    }
    /// Confirms a corporate account (checker).
    ConfirmAccount {
        /// Whose.
        institution: InstitutionId,
        /// Hash of the change that the checker saw; must be the pending one's.
        proposal: Digest,
    }
    /// Files a catalogue line.
    FileCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// What it says of itself.
        details: Option<CatalogueDetails>,
    }
    /// Files a change of a catalogue line.
    ChangeCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// What it says of itself from its approval on.
        details: CatalogueDetails,
    }
    /// Approves a catalogue line, or a change of one.
    ApproveCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// Hash of what the reviewer saw; must be that of what waits. None where the line says nothing of itself.
        proposal: Option<Digest>,
    }
    /// Refuses a catalogue line, or a change of one.
    RefuseCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// Why.
        reason: Reason,
    }
    /// Suspends a catalogue line, or lifts its suspension.
    SuspendCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// Suspended, or back in force.
        suspended: bool,
        /// Why.
        reason: Reason,
    }
    /// Strikes a catalogue line off.
    StrikeOffCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// Why.
        reason: Reason,
    }
    /// Suspends an institution, or lifts its suspension.
    SuspendInstitution {
        /// Which.
        institution: InstitutionId,
        /// Why.
        reason: Reason,
        /// Suspended, or back in good standing.
        suspended: bool,
    }
    /// Strikes an institution off.
    StrikeOffInstitution {
        /// Which.
        institution: InstitutionId,
        /// Why.
        reason: Reason,
    }
    // ---- funds
    /// Money enters (treasury).
    AppropriateFunds {
        /// The account's plan year.
        year: PlanYear,
        /// The account's source.
        source: Source,
        /// How much.
        amount: Fen,
        /// Treasury reference.
        reference: Reference,
    }
    /// Money moves from the city's account to a county's: an event in each log, in one transaction.
    AllocateFunds {
        /// The county.
        to: Region,
        /// The accounts' plan year.
        year: PlanYear,
        /// The accounts' source.
        source: Source,
        /// How much.
        amount: Fen,
        /// Treasury reference.
        reference: Reference,
    }
    /// Asks the region above for more money (追加、专项申请).
    RequestTopUp {
        /// Its id, drawn at the edge.
        top_up: TopUpId,
        /// The account's plan year.
        year: PlanYear,
        /// The account's source.
        source: Source,
        /// How much.
        amount: Fen,
        /// What for.
        purpose: TopUpPurpose,
        /// Why.
        reason: Reason,
        /// Hash of the papers.
        papers: Digest,
    }
    /// Grants a county's request, which is the allocation itself, or refuses it: an event in each log, in one transaction.
    DecideTopUp {
        /// The county.
        county: Region,
        /// Which.
        top_up: TopUpId,
        /// How.
        decision: TopUpRuling,
    }
    /// Opens a plan year.
    OpenPlanYear {
        /// Which.
        year: PlanYear,
    }
    /// A step of the closing run.
    ClosePlanYear {
        /// Which.
        year: PlanYear,
        /// The step.
        step: ClosingStep,
    }
    /// Sets the year's targets.
    SetTargets {
        /// Which year.
        year: PlanYear,
        /// Planned people by programme or indicator code.
        targets: BTreeMap<String, u32>,
    }
    // ---- application
    /// Applies for a voucher (申请).
    Apply {
        /// Its id, drawn at the edge.
        voucher: VoucherId,
        /// For whom.
        person: PersonId,
        /// The plan year.
        year: PlanYear,
        /// The programme.
        programme: Programme,
        /// As what.
        category: Category,
        /// For which occupation (assessment, or where known).
        occupation: Option<Occupation>,
        /// For which level.
        level: Option<SkillLevel>,
        /// The enterprise they work for.
        employer: Option<InstitutionId>,
    }
    /// Confirms in the holder's name an application that somebody else made.
    ConfirmApplication {
        /// Which.
        voucher: VoucherId,
        /// The holder for whom the portal speaks.
        holder: Option<PersonId>,
        /// How.
        how: ConfirmedBy,
        /// Hash of the evidence.
        evidence: Digest,
    }
    /// Takes an application or an unused voucher back.
    Withdraw {
        /// Which.
        voucher: VoucherId,
        /// The holder for whom the portal speaks.
        holder: Option<PersonId>,
    }
    /// Rejects an application.
    RejectApplication {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
    }
    /// Reopens a rejected application, once.
    ReopenApplication {
        /// Which.
        voucher: VoucherId,
    }
    /// Proposes to rebind a voucher to the right person.
    ProposeCorrection {
        /// Which.
        voucher: VoucherId,
        /// The person registered under the right identity.
        person: PersonId,
    }
    /// Confirms a correction of identity.
    ConfirmCorrection {
        /// Which.
        voucher: VoucherId,
        /// The person whom the reviewer saw proposed: a proposal may have been replaced since.
        person: PersonId,
    }
    /// Refuses a proposed correction of identity.
    RefuseCorrection {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
    }
    // ---- issuance
    /// Issues a voucher (发券).
    Issue {
        /// Which.
        voucher: VoucherId,
    }
    /// Revokes an issued or enrolled voucher.
    Revoke {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
    }
    /// Hands the token in force to its holder.
    FetchToken {
        /// Which.
        voucher: VoucherId,
        /// The holder for whom the portal speaks.
        holder: Option<PersonId>,
    }
    /// Signs a new token; the old one is dead.
    ReissueToken {
        /// Which.
        voucher: VoucherId,
        /// Hash of the record that the clerk saw the person's card.
        card_seen: Digest,
    }
    /// Lets a voucher expire whose time is over.
    Expire {
        /// Which.
        voucher: VoucherId,
    }
    /// Proposes to lift the cap, the gate or the catalogue for one voucher.
    ProposeOverride {
        /// Which.
        voucher: VoucherId,
        /// What is lifted.
        lift: Lift,
        /// Why.
        reason: Reason,
    }
    /// Confirms an override; reserves the difference or is refused.
    ConfirmOverride {
        /// Which.
        voucher: VoucherId,
        /// Hash of the proposal that was seen; must be the standing one's.
        proposal: Digest,
    }
    // ---- supervision
    /// Freezes a voucher.
    Freeze {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
        /// The finding that led to it.
        finding: Option<FindingId>,
    }
    /// Unfreezes a voucher.
    Unfreeze {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
    }
    /// Plans a sample (抽查): of what, by which strata, which share. Nobody can know yet what it draws.
    PlanSample {
        /// Its id, drawn at the edge.
        sample: SampleId,
        /// Why.
        kind: SampleKind,
        /// Of what.
        frame: Frame,
        /// By what it is stratified.
        by: Strata,
        /// Which share.
        share: Share,
        /// The population, as found at the edge; each member is looked at anew.
        members: Vec<About>,
        /// SHA-256 of the planner's secret.
        commitment: Option<Digest>,
    }
    /// Publishes a sample's draw, which follows from the first signed tree that covers its plan.
    DrawSample {
        /// Which.
        sample: SampleId,
        /// Where the plan stands in the log, as the server found; the log says so, too.
        planned: LogPlace,
        /// The first signed tree that covers it.
        tree: LogTree,
        /// The planner's secret.
        secret: Option<Digest>,
    }
    /// Enters an unannounced inspection of one session: the first officer's half.
    Inspect {
        /// Its id, drawn at the edge.
        inspection: InspectionId,
        /// Of which class.
        class: ClassId,
        /// The slot's number in the timetable, from 0.
        slot: u16,
        /// Who was there, by seat number.
        present: BTreeSet<u16>,
        /// Hash of the record that both officers signed.
        evidence: Digest,
        /// The sample that drew the class.
        sample: Option<SampleId>,
    }
    /// Confirms an inspection: the second officer's half. Whoever was missing loses the day.
    ConfirmInspection {
        /// Which.
        inspection: InspectionId,
        /// Hash of what the officer saw entered; must be the inspection's.
        proposal: Digest,
        /// The id of the finding that is recorded if the gap is too wide, drawn at the edge.
        finding: FindingId,
    }
    /// Records a finding; a grave one stands in the city's log in the same transaction (要情报告).
    RecordFinding {
        /// Its id, drawn at the edge.
        finding: FindingId,
        /// About what.
        about: About,
        /// What was found.
        code: Reason,
        /// Whether it is grave.
        grave: bool,
        /// Whether no claim that it touches goes on before it is closed.
        blocks: bool,
        /// Until when it is put right.
        due: Date,
        /// Hash of the evidence.
        evidence: Digest,
        /// The inspection that found it.
        inspection: Option<InspectionId>,
        /// The city that hears of it, if it is grave.
        report_to: Option<Region>,
    }
    /// The institution says that it put a finding right (整改).
    Rectify {
        /// Which.
        finding: FindingId,
        /// Hash of the evidence.
        evidence: Digest,
    }
    /// Another officer looks again (复查).
    Recheck {
        /// Which.
        finding: FindingId,
        /// Hash of the evidence.
        evidence: Digest,
        /// Until when it is put right now, if it stands; none closes it.
        due: Option<Date>,
        /// The city that heard of a county's grave finding, when it is closed.
        report_to: Option<Region>,
    }
    /// Raises a flag that a fraud rule made.
    RaiseFlag {
        /// The rule.
        rule: FraudRule,
        /// Its version.
        version: u16,
        /// What the flag does.
        severity: Severity,
        /// About what.
        about: About,
        /// The events that it rests on, in the log's order.
        evidence: Vec<LogPlace>,
    }
    /// Clears a warning, or proposes to clear a block.
    ClearFlag {
        /// Which.
        flag: FlagId,
        /// Why.
        reason: Reason,
        /// Hash of the evidence.
        evidence: Digest,
    }
    /// Clears a block as the second person.
    ConfirmClearFlag {
        /// Which.
        flag: FlagId,
        /// Hash of what was seen proposed; must be the standing proposal's.
        proposal: Digest,
    }
    /// Records a coded event of an institution's credit; the policy says how many points it gives or takes.
    CreditPoints {
        /// Whose.
        institution: InstitutionId,
        /// The coded event.
        code: Reason,
        /// Hash of the evidence.
        evidence: Digest,
        /// The finding that led to it.
        finding: Option<FindingId>,
    }
    /// Restores an institution's credit (信用修复).
    RestoreCredit {
        /// Whose.
        institution: InstitutionId,
        /// Why.
        reason: Reason,
        /// Hash of the evidence.
        evidence: Digest,
    }
    // ---- training
    /// Files a class (开班备案).
    FileClass {
        /// Its id, drawn at the edge.
        class: ClassId,
        /// As what.
        filing: ClassFiling,
    }
    /// Changes a filed, approved or running class ahead of the sessions that change.
    ChangeClass {
        /// Which.
        class: ClassId,
        /// As what from now on.
        filing: ClassFiling,
    }
    /// Approves a class; fixes its payee.
    ApproveClass {
        /// Which.
        class: ClassId,
    }
    /// Rejects a class.
    RejectClass {
        /// Which.
        class: ClassId,
        /// Why.
        reason: Reason,
    }
    /// Finishes a class after its last slot.
    FinishClass {
        /// Which.
        class: ClassId,
    }
    /// Cancels a class; the enrolled return to Issued, or expire.
    CancelClass {
        /// Which.
        class: ClassId,
        /// Why.
        reason: Reason,
    }
    /// Puts a voucher's holder on a class's next seat.
    Enrol {
        /// Which voucher.
        voucher: VoucherId,
        /// Which class.
        class: ClassId,
        /// The token presented.
        token: PresentedToken,
        /// Lookup tag of the identity presented.
        identity: Tag,
    }
    /// Records one session's attendance, all entries at once.
    RecordAttendance {
        /// Which class.
        class: ClassId,
        /// The slot's number in the timetable, from 0.
        slot: u16,
        /// The entries.
        entries: Vec<AttendanceEntry>,
    }
    /// Asks for an entry after the window.
    RequestLateEntry {
        /// Which class.
        class: ClassId,
        /// The slot's number in the timetable, from 0.
        slot: u16,
        /// The entries.
        entries: Vec<AttendanceEntry>,
        /// Why.
        reason: Reason,
        /// Hash of the evidence.
        evidence: Digest,
    }
    /// Approves a late entry.
    ApproveLateEntry {
        /// Which class.
        class: ClassId,
        /// The slot's number.
        slot: u16,
        /// Hash of the request that the clerk saw; must be the waiting one's.
        proposal: Digest,
    }
    /// Seals a classified unit's attendance when its class is over.
    SealAttendance {
        /// Of which class.
        class: ClassId,
        /// Hash of the attendance lists.
        hash: Digest,
        /// Their totals.
        totals: SealedTotals,
        /// Days that count, by seat number.
        days: Vec<Days>,
        /// Whether the mandatory modules were taught.
        modules_taught: bool,
    }
    /// Approves a sealed attendance; the second officer's approval puts it in force.
    ApproveSealedAttendance {
        /// Of which class.
        class: ClassId,
        /// Hash of the sealed attendance that the officer saw; must be the standing one's.
        proposal: Digest,
    }
    /// Takes a voucher off its class.
    Drop {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
    }
    /// Completes a training.
    Complete {
        /// Which.
        voucher: VoucherId,
    }
    /// Records what became of a class's people.
    RecordEmployment {
        /// Which class.
        class: ClassId,
        /// By seat number.
        seats: BTreeMap<u16, Employed>,
    }
    // ---- assessment
    /// Files an assessment session.
    FileSession {
        /// Its id, drawn at the edge.
        session: SessionId,
        /// As what.
        filing: SessionFiling,
    }
    /// Approves a session.
    ApproveSession {
        /// Which.
        session: SessionId,
    }
    /// Rejects a session.
    RejectSession {
        /// Which.
        session: SessionId,
        /// Why.
        reason: Reason,
    }
    /// Finishes a session after its day.
    FinishSession {
        /// Which.
        session: SessionId,
    }
    /// Cancels a session at which nobody passed.
    CancelSession {
        /// Which.
        session: SessionId,
        /// Why.
        reason: Reason,
    }
    /// Records an assessment.
    RecordAssessment {
        /// Which voucher.
        voucher: VoucherId,
        /// At which session.
        session: SessionId,
        /// The token presented (assessment vouchers).
        token: Option<PresentedToken>,
        /// Lookup tag of the identity presented.
        identity: Tag,
        /// The outcome.
        outcome: Outcome,
        /// The deliverer's own body does not cover the occupation.
        occupation_not_covered: bool,
    }
    /// Records the certificate register's answer.
    ConfirmCertificate {
        /// Which voucher.
        voucher: VoucherId,
        /// Whether the register knows it.
        known: bool,
    }
    // ---- redemption
    /// Puts a completed voucher on the open sheet of its class or session (兑现).
    Redeem {
        /// Which voucher.
        voucher: VoucherId,
        /// The id of the sheet that is opened if none is open, drawn at the edge.
        new_sheet: SheetId,
        /// The token's hash.
        token: PresentedToken,
        /// Hash of the signed undertaking (承诺书).
        undertaking: Digest,
        /// The holder's confirmation of the days attended and that no fee was charged.
        confirmation: Confirmation,
    }
    /// Submits a sheet.
    SubmitClaim {
        /// Which.
        sheet: SheetId,
    }
    /// Strikes one voucher out.
    StrikeOut {
        /// Which sheet.
        sheet: SheetId,
        /// Which voucher.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
        /// Refused for good, or back to Completed.
        refuse: bool,
    }
    /// Returns a submitted sheet.
    ReturnClaim {
        /// Which.
        sheet: SheetId,
        /// Why.
        reason: Reason,
    }
    /// Refuses a submitted sheet with its vouchers.
    RefuseClaim {
        /// Which.
        sheet: SheetId,
        /// Why.
        reason: Reason,
    }
    /// Reopens a refused sheet, once.
    ReopenClaim {
        /// Which.
        sheet: SheetId,
    }
    /// Approves a sheet; the public notice opens.
    ApproveClaim {
        /// Which.
        sheet: SheetId,
    }
    /// Objects during the public notice.
    RaiseObjection {
        /// Against which sheet.
        sheet: SheetId,
        /// Its id, drawn at the edge.
        objection: ObjectionId,
        /// Salted commitment to what is said.
        statement: Digest,
    }
    /// Decides an objection.
    DecideObjection {
        /// On which sheet.
        sheet: SheetId,
        /// Which.
        objection: ObjectionId,
        /// How.
        ruling: Ruling,
    }
    // ---- settlement
    /// Sends a payout to the bank.
    SendPayout {
        /// Which sheet.
        sheet: SheetId,
        /// Hash of what finance saw approved; must be the approval's.
        approval: Digest,
    }
    /// Records the bank's answer.
    RecordPayout {
        /// Which sheet.
        sheet: SheetId,
        /// Hash of account, name and amount in the bank's answer; must be the batch's.
        batch: Digest,
        /// The bank's reference.
        reference: Reference,
    }
    /// Records a returned payout.
    ReturnPayout {
        /// Which sheet.
        sheet: SheetId,
        /// The bank's reference.
        reference: Reference,
        /// Why.
        reason: Reason,
    }
    /// Writes a paid voucher off (核销).
    WriteOff {
        /// Which.
        voucher: VoucherId,
    }
    /// Proposes a claw-back.
    ProposeClawBack {
        /// Of which voucher.
        voucher: VoucherId,
        /// How much.
        amount: Fen,
        /// Why.
        reason: Reason,
        /// Hash of the decision.
        decision: Digest,
        /// Hash of the hearing's record.
        hearing: Digest,
        /// When it is due.
        due: Date,
        /// The finding that led to it.
        finding: Option<FindingId>,
    }
    /// Confirms a claw-back.
    ConfirmClawBack {
        /// Of which voucher.
        voucher: VoucherId,
        /// Hash of the proposal that was seen; must be the standing one's.
        proposal: Digest,
    }
    /// Records money that came back.
    ReceiveClawBack {
        /// Of which voucher.
        voucher: VoucherId,
        /// How much.
        amount: Fen,
        /// Treasury reference.
        reference: Reference,
    }
}
