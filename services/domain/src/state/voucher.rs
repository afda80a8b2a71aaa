//! Vouchers: where they stand, what they hold, and what was decided on them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::*;
use crate::ids::*;
use crate::money::{Days, Fen};
use crate::policy::Programme;
use crate::status::Place;
use crate::time::{Date, Instant};

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
    /// Where the last of them stands in the region's status lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Nullifiers that it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
    /// Who did what on it, by person.
    pub hands: Hands,
    /// Reopened once already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reopened: bool,
    /// Assessment attempts.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub attempts: u16,
    /// A recorded pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
    /// Days earned in a class that the bureau stopped.
    #[serde(default, skip_serializing_if = "no_days")]
    pub carried_days: Days,
    /// An override that waits for a second person. What few vouchers have is boxed: a county holds tens of thousands of vouchers in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_: Option<Box<Override>>,
    /// What confirmed overrides lift.
    #[serde(default, skip_serializing_if = "Lifted::is_nothing")]
    pub lifted: Lifted,
    /// A correction of identity that waits for a reviewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<Box<Correction>>,
    /// A claw-back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claw_back: Option<Box<ClawBack>>,
    /// What stands in the way of its claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Box<Holds>>,
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
    ///
    /// A sealed occupation tells nothing of the one behind it: whoever makes a tag opens it first, see [`Once::of_occupation`].
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

    /// The occupation that it is about, where it is about one.
    pub fn occupation(&self) -> Option<&Occupation> {
        match self {
            Once::Trained { occupation, .. } | Once::Assessed { occupation, .. } => {
                Some(occupation)
            }
            Once::Live { .. }
            | Once::Day { .. }
            | Once::Yearly { .. }
            | Once::GeneralPaid { .. }
            | Once::Apprenticeship { .. }
            | Once::Graduation { .. }
            | Once::Certificate => None,
        }
    }

    /// The same rule about another occupation: the one behind a seal, so that what is once only is so whoever teaches it.
    pub fn of_occupation(&self, occupation: Occupation) -> Once {
        match self {
            Once::Trained { level, .. } => Once::Trained {
                occupation,
                level: *level,
            },
            Once::Assessed { level, .. } => Once::Assessed {
                occupation,
                level: *level,
            },
            Once::Live { .. }
            | Once::Day { .. }
            | Once::Yearly { .. }
            | Once::GeneralPaid { .. }
            | Once::Apprenticeship { .. }
            | Once::Graduation { .. }
            | Once::Certificate => self.clone(),
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
    /// Whether the holder confirmed what somebody else applied for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirmed: bool,
    /// Who handled the application: rejected, reopened or corrected it, or recorded the holder's confirmation.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub handled: BTreeSet<StaffId>,
    /// Who issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<StaffId>,
}

impl Hands {
    /// Whether the holder knows of the application: nothing is issued before.
    pub fn known_to_holder(&self) -> bool {
        self.by_holder || self.confirmed
    }
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
    /// The finding that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<FindingId>,
}
