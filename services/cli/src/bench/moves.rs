//! The whole loop as single calls: people are registered, apply, get a voucher, are taught, and what they are worth is claimed.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use hefu_scenario::{Desk, Group, Trainee};
use hefu_wire::v1;
use tokio::task::JoinSet;

use super::load::{Measured, Notes, together};
use super::wire::{Call, Refused, Wire};

/// The largest class of the loop. Sizes differ, so that callers are at different steps.
const MOST_SEATS: usize = 12;

/// Moves of a class of the loop, on the average: eight for each of its people, and what they attended.
pub(crate) const MOVES_OF_CLASS: f64 = 8.0 * (1.0 + MOST_SEATS as f64) / 2.0 + 1.0;

/// A region's calls.
pub(crate) struct Counter {
    desk: Arc<Desk>,
    register: Call,
    answers: Call,
    apply: Call,
    issue: Call,
    fetch: Call,
    enrol: Call,
    attend: Call,
    complete: Call,
    redeem: Call,
}

impl Counter {
    pub(crate) fn new(address: &str, desk: &Arc<Desk>) -> anyhow::Result<Counter> {
        let call = |method: &str, key: &str| Call::new(address, method, key);
        Ok(Counter {
            register: call("PeopleService/RegisterPerson", desk.clerk())?,
            answers: call("PeopleService/RecordCheckAnswers", desk.clerk())?,
            apply: call("ApplicationService/Apply", desk.portal())?,
            issue: call("IssuanceService/Issue", desk.reviewer())?,
            fetch: call("IssuanceService/FetchToken", desk.portal())?,
            enrol: call("TrainingService/Enrol", desk.school())?,
            attend: call("TrainingService/RecordAttendance", desk.school())?,
            complete: call("TrainingService/Complete", desk.school())?,
            redeem: call("RedemptionService/Redeem", desk.school())?,
            desk: desk.clone(),
        })
    }
}

/// One caller of the loop.
struct Caller {
    wire: Arc<Wire>,
    until: Instant,
    notes: Notes,
}

impl Caller {
    /// Makes a move; `None` when the time is over, or the server said no.
    async fn make<Q, A>(&self, call: &Call, message: Q) -> Option<A>
    where
        Q: prost::Message,
        A: prost::Message + Default,
    {
        let sent = Instant::now();
        if sent >= self.until {
            return None;
        }
        let answer: Result<A, Refused> = self.wire.ask(call, &message).await;
        let answered = Instant::now();
        let in_time = answered <= self.until;
        self.notes.take().note(&answer, answered - sent, 1, in_time);
        answer.ok()
    }

    /// Takes a class from its people's registration to their claims.
    async fn class(&self, at: &Counter, class: &str, seats: usize) -> Option<()> {
        let mut trainees = Vec::with_capacity(seats);
        for _ in 0..seats {
            trainees.push(self.enrolled(at, class).await?);
        }
        let message = at
            .desk
            .attendance(class, u32::try_from(seats).unwrap_or(u32::MAX));
        let _: v1::RecordAttendanceResponse = self.make(&at.attend, message).await?;
        for trainee in &trainees {
            let message = at.desk.completion(&trainee.voucher);
            let _: v1::CompleteResponse = self.make(&at.complete, message).await?;
            let message = at.desk.redemption(trainee);
            let _: v1::RedeemResponse = self.make(&at.redeem, message).await?;
        }
        Some(())
    }

    /// Somebody new with a seat.
    async fn enrolled(&self, at: &Counter, class: &str) -> Option<Trainee> {
        let message = at.desk.registration();
        let identity = message.identity_number.clone();
        let registered: v1::RegisterPersonResponse = self.make(&at.register, message).await?;
        let person = registered.receipt?.name;
        let message = at.desk.answers(&person);
        let _: v1::RecordCheckAnswersResponse = self.make(&at.answers, message).await?;
        let message = at.desk.application(&person);
        let applied: v1::ApplyResponse = self.make(&at.apply, message).await?;
        let mut trainee = Trainee {
            identity,
            person,
            voucher: applied.receipt?.name,
            ..Trainee::default()
        };
        let message = at.desk.issue(&trainee.voucher);
        let _: v1::IssueResponse = self.make(&at.issue, message).await?;
        let message = at.desk.fetch(&trainee);
        let fetched: v1::FetchTokenResponse = self.make(&at.fetch, message).await?;
        trainee.token = fetched.token;
        let message = at.desk.enrolment(class, &trainee);
        let _: v1::EnrolResponse = self.make(&at.enrol, message).await?;
        Some(trainee)
    }
}

/// So many callers go through the loop, each with one class after the other, over all regions. `classes` are those that stand open
/// today, by region.
pub(crate) async fn moves(
    wire: &Arc<Wire>,
    counters: &Arc<Vec<Counter>>,
    classes: Vec<Vec<Group>>,
    in_flight: usize,
    time: Duration,
) -> Measured {
    let classes = Arc::new(Mutex::new(classes));
    let began = Instant::now();
    let (mut callers, notes) = (JoinSet::new(), Notes::new());
    for lane in 0..in_flight {
        let caller = Caller {
            wire: wire.clone(),
            until: began + time,
            notes: notes.clone(),
        };
        let (counters, classes) = (counters.clone(), classes.clone());
        callers.spawn(async move {
            let mut turn = lane;
            while Instant::now() < caller.until {
                let region = turn % counters.len();
                let next = classes
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_mut(region)
                    .and_then(Vec::pop);
                let Some(next) = next else {
                    caller.notes.take().ran_out = true;
                    break;
                };
                // Callers begin with classes of different sizes.
                let seats = 1 + (turn * 5 + lane) % MOST_SEATS;
                if caller
                    .class(&counters[region], &next.class, seats)
                    .await
                    .is_none()
                {
                    break;
                }
                turn += 1;
            }
        });
    }
    together(callers, notes, began, time).await
}
