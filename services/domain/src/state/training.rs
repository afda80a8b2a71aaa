//! Classes: filing, seats, attendance, and what became of their people.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Holds;
use crate::ids::*;
use crate::money::{Days, Fen};
use crate::policy::{Module, Programme};
use crate::time::{Date, Instant};

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
    /// The local brand that it trains for (地方特色品牌), one of the policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// By session, in order.
    pub timetable: Vec<Slot>,
}

impl ClassFiling {
    /// Whether it is a classified unit's class: its attendance is sealed, and nobody outside sees it.
    pub fn is_classified(&self) -> bool {
        let parties = [&self.sponsor, &self.deliverer, &self.payee];
        parties.into_iter().any(InstitutionId::is_sealed)
    }

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
    /// What stands in the way of its claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Box<Holds>>,
    /// Seats that it takes of its deliverer's catalogue line; none before its approval, and none where no such line describes itself.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub line_seats: u16,
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
    /// A classified unit's attendance, sealed when the class is over; nothing else is then on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedAttendance>,
    /// Seats that two officers found empty, by day: nobody is paid for a day on which they were not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub absent: BTreeMap<Date, BTreeSet<u16>>,
}

impl Attendance {
    /// The lessons of a seat, by day, but for those days on which officers found it empty.
    pub fn lessons_of(&self, seat: u16) -> impl Iterator<Item = u16> {
        let lost = move |day: &Date| {
            self.absent
                .get(day)
                .is_some_and(|seats| seats.contains(&seat))
        };
        let days = self.lessons.iter().filter(move |(day, _)| !lost(day));
        days.filter_map(move |(_, lessons)| lessons.get(usize::from(seat)).copied())
    }

    /// The sealed attendance, once two officers have approved it.
    pub fn in_force(&self) -> Option<&SealedAttendance> {
        self.sealed.as_ref().filter(|sealed| sealed.is_approved())
    }
}

/// A classified unit's attendance: the lists stay with the unit, their hash and totals stand here, and of each seat only the number
/// of days that count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedAttendance {
    /// Hash of the attendance lists.
    pub hash: Digest,
    /// Their totals.
    pub totals: SealedTotals,
    /// Days that count, by seat number.
    pub days: Vec<Days>,
    /// Whether the mandatory modules were taught.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub modules_taught: bool,
    /// Who sealed it, for the deliverer.
    pub sealed_by: StaffId,
    /// The officers who saw the lists and approve it, in order; two of them put it in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<StaffId>,
}

impl SealedAttendance {
    /// How many officers approve it.
    pub const OFFICERS: usize = 2;

    /// Whether enough officers have approved it: then its days count, and it stands.
    pub fn is_approved(&self) -> bool {
        self.approved_by.len() >= SealedAttendance::OFFICERS
    }

    /// The days of a seat that count.
    pub fn days_of(&self, seat: u16) -> Days {
        self.days.get(usize::from(seat)).copied().unwrap_or(Days(0))
    }
}

/// The totals of a class's attendance lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedTotals {
    /// Slots of the timetable that were taught.
    pub slots: u16,
    /// Entries of them all.
    pub entries: u32,
    /// Entries on paper.
    pub paper: u32,
    /// Entries online.
    pub online: u32,
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
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub presence_checks: u16,
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
