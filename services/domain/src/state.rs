//! The state of a region: what the rules read and what an event changes. State data lives in the variants.
//!
//! Everything here can be rebuilt from the region's log alone, and is stored row by row as its canonical JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::ids::*;
use crate::money::{Days, Fen};
use crate::policy::{Adopted, Capacity, Module, Programme};
use crate::time::{Date, Instant};

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
    /// A caller's credential.
    Credential(CredentialId),
    /// A person.
    Person(PersonId),
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
// Facts live behind an `Arc` each, so that the largest kind sets no other's size but its own.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// See [`Credential`].
    Credential(Credential),
    /// See [`Person`].
    Person(Person),
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
}

/// What event 0 says of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionState {
    /// The parent region, absent at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Region>,
    /// Its Chinese name.
    pub name: String,
    /// Its English name.
    pub name_en: String,
    /// The deployment that runs it: the first part of the log's origin and the tokens' issuer.
    pub deployment: String,
    /// Whether its clock is made up (a demo's).
    pub simulated: bool,
}

/// The policy versions of one plan year that are in force or will be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Policies {
    /// In order of `effective`; the first is the one in force when the last was adopted.
    pub versions: Vec<Adopted>,
}

/// A plan year's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum YearPhase {
    /// Vouchers are applied for, issued, used, claimed and paid.
    Open,
    /// The closing run is under way: nothing new begins.
    Closing,
    /// Closed; what was under way is carried in the next year's account.
    Closed,
}

/// A plan year and its running counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearState {
    /// Where it stands.
    pub phase: YearPhase,
    /// Vouchers by programme, then by state code.
    pub vouchers: BTreeMap<Programme, BTreeMap<String, u32>>,
    /// Sheets by state code.
    pub sheets: BTreeMap<String, u32>,
    /// Planned people by programme or indicator code.
    pub targets: BTreeMap<String, u32>,
    /// Sources of which the year has an account, so that its closing leaves none out.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sources: BTreeSet<Source>,
}

impl YearState {
    /// A programme's vouchers that were issued and have not ended unused or unpaid.
    pub fn issued(&self, programme: Programme) -> u32 {
        const ISSUED: [&str; 7] = [
            "issued",
            "enrolled",
            "completed",
            "claimed",
            "approved",
            "paid",
            "written_off",
        ];
        self.vouchers.get(&programme).map_or(0, |counts| {
            ISSUED.iter().filter_map(|state| counts.get(*state)).sum()
        })
    }
}

/// A fund account: allocated = available + reserved + payable + paid, each at least 0, after every event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// 已下达.
    pub allocated: Fen,
    /// 可用.
    pub available: Fen,
    /// 预留.
    pub reserved: Fen,
    /// 应付.
    pub payable: Fen,
    /// 已付.
    pub paid: Fen,
}

/// What a caller may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person with a voucher, or the bureau's portal that has authenticated one.
    Holder,
    /// An institution's account.
    Institution,
    /// An assessment body's account.
    Assessor,
    /// 经办 (maker).
    Clerk,
    /// 复核 (checker).
    Reviewer,
    /// 财务.
    Finance,
    /// 监督.
    Supervisor,
    /// 审计.
    Auditor,
    /// Runs the system: regions, callers, policies, calendars.
    Operator,
}

/// A grant: who calls with this credential, and as what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Stable while keys change.
    pub subject: SubjectId,
    /// The member of staff behind it: incompatible duties are kept apart by person.
    pub person: StaffId,
    /// What they may do. One person may hold several.
    pub roles: BTreeSet<Role>,
    /// The institution that they act for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub institution: Option<InstitutionId>,
    /// The one holder that they are, for role `holder`; absent: the bureau's portal, acting for a named holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<PersonId>,
    /// When it runs out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Instant>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Instant>,
    /// Roles lent to a deputy, each from one instant to another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deputies: Vec<Deputy>,
}

/// A role lent for a time (代理).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deputy {
    /// Which role.
    pub role: Role,
    /// From then.
    pub from: Instant,
    /// Until then, exclusive.
    pub until: Instant,
}

/// A person as the rules know them: register answers only, no name, number or birth date.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Person {
    /// The latest answer to each check.
    pub answers: BTreeMap<Check, Answered>,
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

/// Part of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayPart {
    /// 08:00 to 12:00.
    Morning,
    /// 14:00 to 18:00.
    Afternoon,
    /// 19:00 to 22:00.
    Evening,
}

impl DayPart {
    /// The hours of the day that it spans.
    pub fn hours(self) -> (u32, u32) {
        match self {
            DayPart::Morning => (8, 12),
            DayPart::Afternoon => (14, 18),
            DayPart::Evening => (19, 22),
        }
    }
}

/// A timetable's slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The day.
    pub date: Date,
    /// The part of the day.
    pub part: DayPart,
    /// Lessons (课时) taught.
    pub lessons: u16,
    /// Basic course modules taught in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<Module>,
}

impl Slot {
    /// The slot's name in bookings, `2023-06-01/morning`.
    pub fn name(&self) -> String {
        let part = match self.part {
            DayPart::Morning => "morning",
            DayPart::Afternoon => "afternoon",
            DayPart::Evening => "evening",
        };
        format!("{}/{part}", self.date)
    }

    /// When it begins and ends.
    pub fn span(&self) -> (Instant, Instant) {
        let (from, to) = self.part.hours();
        let day = Instant::start_of(self.date);
        (day.plus_hours(from), day.plus_hours(to))
    }
}

/// What a class is filed as (开班备案).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassFiling {
    /// The plan year.
    pub year: PlanYear,
    /// The programme.
    pub programme: Programme,
    /// The occupation.
    pub occupation: Occupation,
    /// The level that it trains for.
    pub level: SkillLevel,
    /// 主办单位.
    pub sponsor: InstitutionId,
    /// 承办机构.
    pub deliverer: InstitutionId,
    /// 收款单位, fixed at approval.
    pub payee: InstitutionId,
    /// Hash of the entrustment contract, where payee and deliverer differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Digest>,
    /// The room or site.
    pub site: Resource,
    /// Trainers, as commitments.
    pub trainers: Vec<Resource>,
    /// Seats, at most 500.
    pub capacity: u16,
    /// Taught in Putonghua.
    pub putonghua: bool,
    /// By session, in order.
    pub timetable: Vec<Slot>,
}

impl ClassFiling {
    /// The filed days, in order, each once.
    pub fn dates(&self) -> Vec<Date> {
        let days: BTreeSet<Date> = self.timetable.iter().map(|slot| slot.date).collect();
        days.into_iter().collect()
    }

    /// How many days are filed.
    pub fn days(&self) -> Days {
        Days(u16::try_from(self.dates().len()).unwrap_or(u16::MAX))
    }

    /// The lessons of the whole timetable.
    pub fn lessons(&self) -> u32 {
        self.timetable
            .iter()
            .map(|slot| u32::from(slot.lessons))
            .sum()
    }
}

/// Where a class or an assessment session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassState {
    /// Waiting for approval.
    Filed,
    /// May enrol.
    Approved,
    /// Its first session is on record (classes only).
    Running,
    /// Over; claims may be submitted.
    Finished,
    /// All settled.
    Closed,
    /// Refused at filing.
    Rejected,
    /// Stopped.
    Cancelled,
}

/// A class (班期).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingClass {
    /// As filed, with changes applied.
    pub filing: ClassFiling,
    /// Where it stands.
    pub state: ClassState,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<StaffId>,
    /// Seats in the order of enrolment; a dropped one stays empty.
    pub seats: Vec<Seat>,
    /// Its claim sheets in order.
    pub sheets: Vec<SheetId>,
    /// Vouchers of it that are Enrolled, Completed or Claimed.
    pub unsettled: u16,
    /// Sheets of it that are not Closed or Refused.
    pub open_sheets: u16,
}

impl TrainingClass {
    /// How many seats are taken; a dropped one is free for somebody else, under a new number.
    pub fn occupied(&self) -> usize {
        self.seats.iter().filter(|seat| seat.left.is_none()).count()
    }
}

/// A seat of a class or a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The voucher on it.
    pub voucher: VoucherId,
    /// When it was taken.
    pub taken: Instant,
    /// When it was left, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Instant>,
}

impl Seat {
    /// Whether somebody sat on it for any part of the slot: taken before the slot's end, left after its beginning. Who is enrolled
    /// at the door of the first session counts in it, with the lessons that they heard; nobody counts in one that was over.
    pub fn overlaps(&self, slot: &Slot) -> bool {
        let (begins, ends) = slot.span();
        self.taken < ends && self.left.is_none_or(|left| left > begins)
    }
}

/// How an attendance was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Face recognition.
    Face,
    /// Card swipe.
    Card,
    /// QR code.
    Qr,
    /// Paper list.
    Paper,
    /// Online platform, with presence checks.
    Online,
}

/// A class's attendance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attendance {
    /// Recorded slots by their number in the timetable.
    pub slots: BTreeMap<u16, RecordedSlot>,
    /// Lessons attended, by day, then by seat number.
    pub lessons: BTreeMap<Date, Vec<u16>>,
    /// All entries.
    pub entries: u32,
    /// Entries on paper.
    pub paper: u32,
    /// Entries online.
    pub online: u32,
    /// Late entries that wait for a clerk, by slot number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub late_requests: BTreeMap<u16, LateRequest>,
}

/// A recorded slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedSlot {
    /// Lessons taught.
    pub lessons: u16,
    /// Entered after the window.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Modules taught.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<Module>,
}

/// An attendance that was entered after the window and waits for a clerk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateRequest {
    /// Entries as asked for.
    pub entries: Vec<AttendanceEntry>,
    /// Why.
    pub reason: Reason,
    /// Hash of the evidence.
    pub evidence: Digest,
}

/// One person's attendance of one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttendanceEntry {
    /// Seat number, from 0.
    pub seat: u16,
    /// Lessons attended.
    pub lessons: u16,
    /// How it was taken.
    pub method: Method,
    /// Hash of the evidence.
    pub evidence: Digest,
    /// Presence checks passed, for online time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub presence_checks: u16,
}

fn is_zero(n: &u16) -> bool {
    *n == 0
}

/// What became of one seat's holder after the class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Employed {
    /// In work; it counts when it pays at or over the local minimum-living standard ("就业" in the notice's terms).
    Yes {
        /// Hash of the evidence.
        evidence: Digest,
        /// Since when.
        since: Date,
        /// What it pays a month.
        monthly_income_fen: Fen,
    },
    /// Not in work.
    No,
    /// Left out of the denominator: death, illness, enlistment.
    Excluded {
        /// `DEATH`, `ILLNESS` or `ENLISTMENT`.
        reason: Reason,
    },
}

/// A class's employment statement; its hash binds all claims of the class.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Employment {
    /// By seat number.
    pub seats: BTreeMap<u16, Employed>,
}

/// What an assessment session is filed as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFiling {
    /// The plan year.
    pub year: PlanYear,
    /// 评价机构.
    pub body: InstitutionId,
    /// 收款单位.
    pub payee: InstitutionId,
    /// The occupation.
    pub occupation: Occupation,
    /// The level.
    pub level: SkillLevel,
    /// The day.
    pub date: Date,
    /// Examiners, as commitments.
    pub examiners: Vec<Resource>,
    /// Seats, at most 500.
    pub capacity: u16,
    /// Hash of the entrustment contract, where payee and body differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Digest>,
}

/// An assessment session (评价场次).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// As filed.
    pub filing: SessionFiling,
    /// Where it stands; a session is never Running.
    pub state: ClassState,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<StaffId>,
    /// Everybody who was recorded here, whatever came of it: the session's capacity counts them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recorded: BTreeSet<VoucherId>,
    /// Assessment vouchers that passed here, in order.
    pub seats: Vec<Seat>,
    /// Its claim sheets in order.
    pub sheets: Vec<SheetId>,
    /// Vouchers of it that are Completed or Claimed.
    pub unsettled: u16,
    /// Sheets of it that are not Closed or Refused.
    pub open_sheets: u16,
}

/// Where a claim sheet stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SheetState {
    /// Vouchers may be put on it.
    Open,
    /// Waiting for review.
    Submitted {
        /// Since when: registers are asked again from then on.
        at: Instant,
    },
    /// Approved; the public notice runs until the end of `notice_until`.
    Approved {
        /// Hash of what was approved: lines and amounts.
        approval: Digest,
        /// Last day of the public notice.
        notice_until: Date,
    },
    /// With the bank.
    Paying {
        /// Hash of what was approved.
        approval: Digest,
        /// Last day of the public notice.
        notice_until: Date,
        /// Hash of account, name and amount.
        batch: Digest,
    },
    /// The bank has paid.
    Paid {
        /// Hash of what was approved.
        approval: Digest,
        /// Last day of the public notice.
        notice_until: Date,
        /// Hash of account, name and amount.
        batch: Digest,
        /// The bank's reference.
        reference: Reference,
    },
    /// Every voucher is written off or clawed back.
    Closed,
    /// Refused as a whole.
    Refused {
        /// When.
        at: Instant,
        /// By whom.
        by: StaffId,
    },
}

impl SheetState {
    /// The state's code.
    pub fn code(&self) -> &'static str {
        match self {
            SheetState::Open => "open",
            SheetState::Submitted { .. } => "submitted",
            SheetState::Approved { .. } => "approved",
            SheetState::Paying { .. } => "paying",
            SheetState::Paid { .. } => "paid",
            SheetState::Closed => "closed",
            SheetState::Refused { .. } => "refused",
        }
    }
}

/// What a sheet claims for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A class.
    Class(ClassId),
    /// An assessment session.
    Session(SessionId),
}

/// A claim sheet (申领表).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The plan year.
    pub year: PlanYear,
    /// What it claims for.
    pub occasion: Occasion,
    /// Its number among the occasion's sheets, from 1.
    pub number: u16,
    /// Who is paid.
    pub payee: InstitutionId,
    /// The programme.
    pub programme: Programme,
    /// Where it stands.
    #[serde(flatten)]
    pub state: SheetState,
    /// Its lines in the order of redeeming.
    pub lines: Vec<Line>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<StaffId>,
    /// Reopened once already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reopened: bool,
    /// Objections.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub objections: BTreeMap<ObjectionId, Objection>,
    /// Lines that are paid and not yet written off or clawed back.
    pub to_write_off: u16,
}

impl Sheet {
    /// The lines that still stand.
    pub fn standing(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.struck.is_none())
    }

    /// The amount of the lines that stand.
    pub fn total(&self) -> Fen {
        self.standing().map(|line| line.amount).sum()
    }
}

/// A sheet's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The voucher.
    pub voucher: VoucherId,
    /// Its amount.
    pub amount: Fen,
    /// Why it was struck out, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub struck: Option<Reason>,
}

/// An objection during the public notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objection {
    /// Hash of what was said; the text stands in the vault.
    pub statement: Digest,
    /// The decision: upheld or dismissed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upheld: Option<bool>,
}

/// How a voucher's life ended short of being written off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The application was rejected; may be reopened once.
    Rejected,
    /// The holder or the applicant took it back.
    Withdrawn,
    /// The reviewer revoked it.
    Revoked,
    /// Its time ran out.
    Expired,
    /// Its claim was refused; a refused sheet may be reopened once.
    Refused,
    /// The money was claimed back.
    ClawedBack,
}

/// Where a voucher stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum VoucherState {
    /// Applied for.
    Applied,
    /// Issued, its token signed.
    Issued,
    /// In a class.
    Enrolled {
        /// The class.
        class: ClassId,
        /// The seat.
        seat: u16,
    },
    /// Training or assessment completed.
    Completed {
        /// Where.
        occasion: Occasion,
        /// The seat.
        seat: u16,
    },
    /// On a claim sheet that is open or submitted.
    Claimed {
        /// Where it was earned.
        occasion: Occasion,
        /// The seat.
        seat: u16,
        /// The sheet.
        sheet: SheetId,
    },
    /// Approved (with the bank or not).
    Approved {
        /// Where it was earned.
        occasion: Occasion,
        /// The seat.
        seat: u16,
        /// The sheet.
        sheet: SheetId,
    },
    /// Paid.
    Paid {
        /// Where it was earned.
        occasion: Occasion,
        /// The seat.
        seat: u16,
        /// The sheet.
        sheet: SheetId,
    },
    /// Written off.
    WrittenOff {
        /// The sheet.
        sheet: SheetId,
    },
    /// Ended otherwise.
    Ended {
        /// How.
        how: End,
        /// When: Reopen counts its days from here.
        at: Instant,
        /// By whom; absent when the clock did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<StaffId>,
        /// The refused sheet, and where the claim was earned, so that a reopened sheet takes it back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim: Option<EndedClaim>,
    },
}

/// Where an ended voucher's claim stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedClaim {
    /// Where it was earned.
    pub occasion: Occasion,
    /// The seat.
    pub seat: u16,
    /// The sheet.
    pub sheet: SheetId,
    /// Under which rules it gave nullifiers back, its days among them: a reopened sheet takes them all again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freed: Vec<Once>,
}

impl VoucherState {
    /// The state's code, as counted in a plan year and filtered in lists.
    pub fn code(&self) -> &'static str {
        match self {
            VoucherState::Applied => "applied",
            VoucherState::Issued => "issued",
            VoucherState::Enrolled { .. } => "enrolled",
            VoucherState::Completed { .. } => "completed",
            VoucherState::Claimed { .. } => "claimed",
            VoucherState::Approved { .. } => "approved",
            VoucherState::Paid { .. } => "paid",
            VoucherState::WrittenOff { .. } => "written_off",
            VoucherState::Ended { how, .. } => match how {
                End::Rejected => "rejected",
                End::Withdrawn => "withdrawn",
                End::Revoked => "revoked",
                End::Expired => "expired",
                End::Refused => "refused",
                End::ClawedBack => "clawed_back",
            },
        }
    }

    /// In none of the ends and not written off.
    pub fn is_live(&self) -> bool {
        match self {
            VoucherState::Applied
            | VoucherState::Issued
            | VoucherState::Enrolled { .. }
            | VoucherState::Completed { .. }
            | VoucherState::Claimed { .. }
            | VoucherState::Approved { .. }
            | VoucherState::Paid { .. } => true,
            VoucherState::WrittenOff { .. } | VoucherState::Ended { .. } => false,
        }
    }
}

/// A voucher (电子券).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// Whose.
    pub person: PersonId,
    /// Of which plan year.
    pub year: PlanYear,
    /// For which programme.
    pub programme: Programme,
    /// As what they applied.
    pub category: Category,
    /// For which occupation; a class's must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occupation: Option<Occupation>,
    /// For which level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<SkillLevel>,
    /// The enterprise they work for (staff programmes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employer: Option<InstitutionId>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: VoucherState,
    /// Frozen by a supervisor, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Reason>,
    /// The instant from which Expire takes it; exclusive deadlines. Absent when nothing can run out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Instant>,
    /// Money set aside or owed for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
    /// The token in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenInForce>,
    /// How many tokens were ever issued.
    pub token_serial: u16,
    /// Nullifiers that it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
    /// Who did what on it, by person.
    pub hands: Hands,
    /// Reopened once already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reopened: bool,
    /// Assessment attempts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u16,
    /// A recorded pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
    /// Days earned in a class that the bureau stopped.
    #[serde(default, skip_serializing_if = "no_days")]
    pub carried_days: Days,
    /// An override that waits for a second person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_: Option<Override>,
    /// What confirmed overrides lift.
    #[serde(default, skip_serializing_if = "Lifted::is_nothing")]
    pub lifted: Lifted,
    /// A correction of identity that waits for a reviewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<Correction>,
    /// A claw-back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claw_back: Option<ClawBack>,
}

fn no_days(days: &Days) -> bool {
    days.0 == 0
}

/// Money that a voucher binds: reserved until approval, payable until payment, then paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// The account's plan year (the next one's after a closing).
    pub year: PlanYear,
    /// The account's source.
    pub source: Source,
    /// How much.
    pub amount: Fen,
}

/// The one token in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInForce {
    /// SHA-256 of its bytes.
    pub hash: Digest,
    /// The cap that it states.
    pub cap: Fen,
    /// When it was signed.
    pub issued: Instant,
    /// When it runs out.
    pub expires: Instant,
}

/// What a nullifier stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Once {
    /// One live voucher per person, programme and plan year.
    Live {
        /// Programme.
        programme: Programme,
        /// Plan year.
        year: PlanYear,
    },
    /// One class per person and day.
    Day {
        /// The day.
        date: Date,
    },
    /// The same occupation and level trained is paid once ever.
    Trained {
        /// Occupation.
        occupation: Occupation,
        /// Level.
        level: SkillLevel,
    },
    /// And so is its assessment.
    Assessed {
        /// Occupation.
        occupation: Occupation,
        /// Level.
        level: SkillLevel,
    },
    /// Subsidised trainings per person and year, slots 1..=n.
    Yearly {
        /// Plan year.
        year: PlanYear,
        /// Slot.
        slot: u16,
    },
    /// One paid general voucher a plan year.
    GeneralPaid {
        /// Plan year.
        year: PlanYear,
    },
    /// One apprenticeship a plan year.
    Apprenticeship {
        /// Plan year.
        year: PlanYear,
    },
    /// One free assessment per graduation year.
    Graduation {
        /// The calendar year in which the school year ends.
        year: u16,
    },
    /// A certificate number is on record once.
    Certificate,
}

impl Once {
    /// The rule's name and its scope, as they enter the HMAC.
    pub fn rule_and_scope(&self) -> (&'static str, String) {
        match self {
            Once::Live { programme, year } => ("live", format!("{}/{year}", programme.as_str())),
            Once::Day { date } => ("day", date.to_string()),
            Once::Trained { occupation, level } => {
                ("trained", format!("{occupation}/{}", level.ordinal()))
            }
            Once::Assessed { occupation, level } => {
                ("assessed", format!("{occupation}/{}", level.ordinal()))
            }
            Once::Yearly { year, slot } => ("yearly", format!("{year}/{slot}")),
            Once::GeneralPaid { year } => ("general_paid", year.to_string()),
            Once::Apprenticeship { year } => ("apprenticeship", year.to_string()),
            Once::Graduation { year } => ("graduation", year.to_string()),
            Once::Certificate => ("certificate", String::new()),
        }
    }
}

/// A nullifier held by a voucher.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Held {
    /// What it stands for.
    #[serde(flatten)]
    pub once: Once,
    /// The keyed tag.
    pub tag: Tag,
}

/// Who did what on one voucher, by person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hands {
    /// Who applied.
    pub applied: StaffId,
    /// Whether the holder applied by themselves.
    pub by_holder: bool,
    /// Who handled the application: rejected, reopened, corrected or witnessed it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub handled: BTreeSet<StaffId>,
    /// Who issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<StaffId>,
}

/// A recorded pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The level reached.
    pub level: SkillLevel,
    /// The assessment body.
    pub body: InstitutionId,
    /// The session.
    pub session: SessionId,
    /// The session's day.
    pub on: Date,
    /// Salted commitment to the certificate number.
    pub certificate: Digest,
    /// The register's answer, once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<bool>,
}

/// What an override lifts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "lifts", rename_all = "snake_case")]
pub enum Lift {
    /// The programme's cap, to that amount.
    Cap {
        /// The new cap.
        fen: Fen,
    },
    /// The employment gate.
    Gate,
    /// The catalogue.
    Catalogue,
}

/// What confirmed overrides lift of one voucher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lifted {
    /// The cap in force instead of the programme's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Fen>,
    /// The employment gate does not hold it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gate: bool,
    /// Its class may be taught by somebody outside the catalogue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub catalogue: bool,
}

impl Lifted {
    fn is_nothing(&self) -> bool {
        *self == Lifted::default()
    }

    /// With one thing more lifted; a later cap stands instead of an earlier one.
    pub fn and(self, lift: &Lift) -> Lifted {
        match lift {
            Lift::Cap { fen } => Lifted {
                cap: Some(*fen),
                ..self
            },
            Lift::Gate => Lifted { gate: true, ..self },
            Lift::Catalogue => Lifted {
                catalogue: true,
                ..self
            },
        }
    }
}

/// An override, proposed by one person and to be confirmed by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// What it lifts.
    #[serde(flatten)]
    pub lift: Lift,
    /// Why.
    pub reason: Reason,
    /// Who proposed it.
    pub proposed_by: StaffId,
}

/// A correction of identity that waits for a reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// The person as which the right identity is registered in the region.
    pub person: PersonId,
    /// The clerk who proposed it.
    pub proposed_by: StaffId,
}

/// A claw-back (追回).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClawBack {
    /// How much, at most what was paid.
    pub amount: Fen,
    /// Why; `IDENTITY_MISUSED` gives the person their entitlement back.
    pub reason: Reason,
    /// Hash of the decision.
    pub decision: Digest,
    /// Hash of the hearing's record.
    pub hearing: Digest,
    /// When it is due.
    pub due: Date,
    /// The sheet on which it was paid.
    pub sheet: SheetId,
    /// Who owes it.
    pub payee: InstitutionId,
    /// Who proposed it.
    pub proposed_by: StaffId,
    /// Who confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<StaffId>,
    /// What came back.
    pub received: Fen,
}
