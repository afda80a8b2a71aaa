//! What has to be done about a class, a session or a claim sheet before when: for the desk's own list. The moves hold each deadline
//! themselves, and the clock ends vouchers by theirs (docs/DEADLINES.md); here nothing is decided.
//!
//! Every instant is the first at which it is too late.

use crate::ids::ObjectionId;
use crate::policy::Policy;
use crate::state::{ClassState, Session, Sheet, SheetState, TrainingClass};
use crate::time::{Date, Instant, plus_days};
use crate::training::lock_instant;

/// What runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deadline {
    /// A class or a session is approved before it begins.
    Approve,
    /// People are enrolled before the roster locks.
    Enrol,
    /// The last session's attendance is entered within its window.
    Record,
    /// A session's results are entered on its day.
    Assess,
    /// What was earned in a class is claimed.
    Claim,
    /// An open sheet is submitted, or its vouchers expire.
    Submit,
    /// A submitted sheet is decided on before the plan year closes.
    Review,
    /// The public notice runs until then; nobody objects after it.
    Notice,
    /// An approved sheet is paid before the plan year closes.
    Pay,
    /// What was paid is written off before the plan year closes.
    WriteOff,
    /// A refused sheet is reopened.
    Reopen,
    /// An objection is decided: nothing is paid before it is.
    Objection,
}

impl Deadline {
    /// Every one of them.
    pub const ALL: [Deadline; 12] = [
        Deadline::Approve,
        Deadline::Enrol,
        Deadline::Record,
        Deadline::Assess,
        Deadline::Claim,
        Deadline::Submit,
        Deadline::Review,
        Deadline::Notice,
        Deadline::Pay,
        Deadline::WriteOff,
        Deadline::Reopen,
        Deadline::Objection,
    ];

    /// Its code.
    pub fn as_str(self) -> &'static str {
        match self {
            Deadline::Approve => "approve",
            Deadline::Enrol => "enrol",
            Deadline::Record => "record",
            Deadline::Assess => "assess",
            Deadline::Claim => "claim",
            Deadline::Submit => "submit",
            Deadline::Review => "review",
            Deadline::Notice => "notice",
            Deadline::Pay => "pay",
            Deadline::WriteOff => "write_off",
            Deadline::Reopen => "reopen",
            Deadline::Objection => "objection",
        }
    }
}

impl TrainingClass {
    /// States in which something runs out.
    pub const WITH_DEADLINES: [&'static str; 4] = ["filed", "approved", "running", "finished"];

    /// What runs out next, by the policy in force.
    pub fn deadline(&self, policy: &Policy) -> Option<(Deadline, Instant)> {
        let slots = &self.filing.timetable;
        match self.state {
            ClassState::Filed => Some((Deadline::Approve, slots.first()?.span().0)),
            ClassState::Approved => Some((Deadline::Enrol, lock_instant(policy, &self.filing)?)),
            ClassState::Running => {
                let window = policy.classes.entry_window_hours;
                let until = slots.last()?.span().1.plus_hours(window);
                Some((Deadline::Record, until))
            }
            ClassState::Finished if self.unsettled > 0 => {
                Some((Deadline::Claim, Instant::after(policy.dates.claim_by)))
            }
            ClassState::Finished
            | ClassState::Closed
            | ClassState::Rejected
            | ClassState::Cancelled => None,
        }
    }
}

impl Session {
    /// States in which something runs out.
    pub const WITH_DEADLINES: [&'static str; 2] = ["filed", "approved"];

    /// What runs out next.
    pub fn deadline(&self) -> Option<(Deadline, Instant)> {
        let day = self.filing.date;
        match self.state {
            ClassState::Filed => Some((Deadline::Approve, Instant::start_of(day))),
            ClassState::Approved => Some((Deadline::Assess, Instant::after(day))),
            ClassState::Running
            | ClassState::Finished
            | ClassState::Closed
            | ClassState::Rejected
            | ClassState::Cancelled => None,
        }
    }
}

/// What a sheet's deadlines follow from, beside the sheet.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The policy in force of the sheet's plan year.
    pub policy: &'a Policy,
    /// The day of the assessment session that it claims for; none of a class's.
    pub assessed: Option<Date>,
    /// Now.
    pub at: Instant,
}

impl Sheet {
    /// States in which something runs out.
    pub const WITH_DEADLINES: [&'static str; 6] =
        ["open", "submitted", "approved", "paying", "paid", "refused"];

    /// What runs out next of the sheet itself.
    pub fn deadline(&self, around: Around) -> Option<(Deadline, Instant)> {
        let claims = &around.policy.claims;
        let closes = Instant::after(around.policy.dates.closes);
        match &self.state {
            SheetState::Open => {
                let claim_by = around.policy.dates.claim_by;
                let until = match around.assessed {
                    Some(day) => plus_days(day, claims.assessment_claim_days).min(claim_by),
                    None => claim_by,
                };
                Some((Deadline::Submit, Instant::after(until)))
            }
            SheetState::Submitted { .. } => Some((Deadline::Review, closes)),
            SheetState::Approved { notice_until, .. } => Some(match notice_until {
                Some(last) if around.at < Instant::after(*last) => {
                    (Deadline::Notice, Instant::after(*last))
                }
                Some(_) | None => (Deadline::Pay, closes),
            }),
            SheetState::Paying { .. } => Some((Deadline::Pay, closes)),
            SheetState::Refused { at, .. } if !self.reopened => {
                let last_day = plus_days(at.date(), claims.reopen_days);
                Some((Deadline::Reopen, Instant::after(last_day)))
            }
            SheetState::Paid { .. } => Some((Deadline::WriteOff, closes)),
            SheetState::Refused { .. } | SheetState::Closed => None,
        }
    }

    /// Objections that nobody decided yet. From the end of the notice on they stand in the way of the payout, which has to be made before the
    /// plan year closes.
    pub fn open_objections(
        &self,
        around: Around,
    ) -> impl Iterator<Item = (ObjectionId, Instant)> + '_ {
        let until = match &self.state {
            SheetState::Approved {
                notice_until: Some(last),
                ..
            } if around.at < Instant::after(*last) => Some(*last),
            SheetState::Approved { .. } => Some(around.policy.dates.closes),
            SheetState::Open
            | SheetState::Submitted { .. }
            | SheetState::Paying { .. }
            | SheetState::Paid { .. }
            | SheetState::Closed
            | SheetState::Refused { .. } => None,
        };
        let open = self.objections.iter();
        let open = open.filter(|(_, one)| one.upheld.is_none());
        let open = open.map(|(id, _)| *id);
        open.filter_map(move |id| Some((id, Instant::after(until?))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ObjectionId;
    use crate::policy::Programme;
    use crate::sample::*;
    use crate::state::{Objection, Occasion};

    fn class(state: ClassState) -> TrainingClass {
        TrainingClass {
            filing: filing(Programme::General, &["06-12", "06-13"]),
            state,
            approved_by: None,
            seats: Vec::new(),
            sheets: Vec::new(),
            unsettled: 1,
            open_sheets: 0,
            holds: None,
            line_seats: 0,
        }
    }

    #[test]
    fn a_class_is_approved_filled_taught_and_claimed_in_this_order() {
        let next = |state| class(state).deadline(&policy());
        let claims_over = Instant::after("2024-03-10".parse().unwrap());
        assert_eq!(
            [
                next(ClassState::Filed),
                next(ClassState::Approved),
                next(ClassState::Running),
                next(ClassState::Finished),
                next(ClassState::Closed),
            ],
            [
                Some((Deadline::Approve, at("06-12 8"))),
                // The first day is the one day of grace.
                Some((Deadline::Enrol, at("06-13"))),
                // The last session ends at six; a day's window to enter it.
                Some((Deadline::Record, at("06-14 18"))),
                Some((Deadline::Claim, claims_over)),
                None,
            ]
        );
        let settled = TrainingClass {
            unsettled: 0,
            ..class(ClassState::Finished)
        };
        assert_eq!(settled.deadline(&policy()), None);
    }

    fn sheet(state: SheetState) -> Sheet {
        Sheet {
            year: year(),
            occasion: Occasion::Class(class_id(1)),
            number: 1,
            payee: institution(SCHOOL),
            programme: Programme::General,
            state,
            lines: Vec::new(),
            approved_by: None,
            reopened: false,
            objections: Default::default(),
            to_write_off: 0,
            holds: None,
        }
    }

    fn next(state: SheetState, assessed: Option<&str>, now: &str) -> Option<(Deadline, Instant)> {
        let rules = policy();
        let around = Around {
            policy: &rules,
            assessed: assessed.map(date),
            at: at(now),
        };
        sheet(state).deadline(around)
    }

    #[test]
    fn a_sheet_is_submitted_reviewed_noticed_and_paid_before_the_year_closes() {
        let closes = Instant::after("2024-03-31".parse().unwrap());
        let approved = || SheetState::Approved {
            approval: crate::Digest([1; 32]),
            notice_until: Some(date("07-07")),
        };
        let claim_by = Instant::after("2024-03-10".parse().unwrap());
        assert_eq!(
            next(SheetState::Open, None, "07-01"),
            Some((Deadline::Submit, claim_by))
        );
        // A hundred and twenty days after the pass, and no later than everybody.
        assert_eq!(
            next(SheetState::Open, Some("06-01"), "07-01"),
            Some((Deadline::Submit, Instant::after(date("09-29"))))
        );
        assert_eq!(
            next(SheetState::Open, Some("11-25"), "11-26"),
            Some((Deadline::Submit, claim_by))
        );
        assert_eq!(
            next(SheetState::Submitted { at: at("07-01") }, None, "07-01"),
            Some((Deadline::Review, closes))
        );
        assert_eq!(
            next(approved(), None, "07-07 23"),
            Some((Deadline::Notice, at("07-08")))
        );
        assert_eq!(
            next(approved(), None, "07-08"),
            Some((Deadline::Pay, closes))
        );
        let refused = SheetState::Refused {
            at: at("07-01 9"),
            by: code("reviewer"),
        };
        assert_eq!(
            next(refused, None, "07-02"),
            Some((Deadline::Reopen, at("08-01")))
        );
    }

    #[test]
    fn an_objection_is_due_while_nobody_decided_it() {
        let mut noticed = sheet(SheetState::Approved {
            approval: crate::Digest([1; 32]),
            notice_until: Some(date("07-07")),
        });
        let objection = |upheld| Objection {
            statement: crate::Digest([2; 32]),
            upheld,
        };
        let id = |n| ObjectionId(uuid::Uuid::from_u128(n));
        noticed.objections = [(id(1), objection(None)), (id(2), objection(Some(false)))].into();
        let due = |now: &str| {
            let rules = policy();
            let around = Around {
                policy: &rules,
                assessed: None,
                at: at(now),
            };
            noticed.open_objections(around).collect::<Vec<_>>()
        };
        assert_eq!(due("07-05"), [(id(1), at("07-08"))]);
        let closes = Instant::after("2024-03-31".parse().unwrap());
        assert_eq!(due("07-09"), [(id(1), closes)]);
    }
}
