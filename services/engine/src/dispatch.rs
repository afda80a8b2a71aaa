//! Which writer has which region. A region changes writer only with nothing in flight, and a command over two regions waits until
//! one writer has both; so the order in which a region's commands were submitted is the order in which they are decided.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hefu_domain::{CredentialId, Region};
use tokio::sync::{Notify, mpsc};

use crate::cell::Cell;
use crate::error::{EngineError, Stopped};
use crate::queue::{Full, Queue, Queues, Ticket, Whose};
use crate::{Job, Shared, metrics, writer};

/// A region's cell, held by the writer that has the region.
pub(crate) type SharedCell = Arc<tokio::sync::Mutex<Cell>>;

/// A job with its regions' cells.
pub(crate) struct Assigned {
    pub(crate) job: Job,
    pub(crate) cells: Vec<SharedCell>,
}

struct Slot {
    cell: SharedCell,
    writer: usize,
    in_flight: usize,
}

struct State {
    /// From which the queue's instants count.
    began: Instant,
    queue: Queue,
    slots: HashMap<Region, Slot>,
    load: Vec<usize>,
    /// Under which this process started to write.
    fences: HashMap<Region, u64>,
    parked: Parked,
}

/// Jobs that wait for a writer, in order; nothing of their regions overtakes them.
#[derive(Default)]
struct Parked {
    jobs: VecDeque<Job>,
    /// How many of them each region has: asked with every job, so not by looking through them.
    regions: HashMap<Region, usize>,
}

/// Hands jobs to writers.
#[derive(Clone)]
pub(crate) struct Dispatch {
    state: Arc<Mutex<State>>,
    queues: Arc<Vec<mpsc::UnboundedSender<Assigned>>>,
    /// Something was answered.
    answered: Arc<Notify>,
}

impl Dispatch {
    pub(crate) fn start(
        shared: &Arc<Shared>,
        writers: usize,
        fences: HashMap<Region, u64>,
        most: Queues,
    ) -> Dispatch {
        // What goes through a channel was taken into the queue before, which has a bound.
        let (queues, inboxes): (Vec<_>, Vec<_>) =
            (0..writers).map(|_| mpsc::unbounded_channel()).unzip();
        let state = State::new(writers, fences, most);
        let dispatch = Dispatch {
            state: Arc::new(Mutex::new(state)),
            queues: Arc::new(queues),
            answered: Arc::default(),
        };
        for inbox in inboxes {
            // Writers hold the state only, not the queues: when the last engine goes, the queues close and the writers end.
            let (state, answered) = (dispatch.state.clone(), dispatch.answered.clone());
            let queues = Arc::downgrade(&dispatch.queues);
            let finished = move |tickets: &[Ticket]| {
                if let Some(queues) = queues.upgrade() {
                    Dispatch {
                        state: state.clone(),
                        queues,
                        answered: answered.clone(),
                    }
                    .finish(tickets);
                }
            };
            let running = tokio::spawn(writer::run(shared.clone(), inbox, finished));
            let watched = Arc::downgrade(shared);
            tokio::spawn(async move {
                // The regions that it held would wait for ever, behind a server that says it serves.
                if running.await.is_err()
                    && let Some(shared) = watched.upgrade()
                {
                    shared.stop(Stopped::Writer);
                }
            });
        }
        dispatch
    }

    /// Queues a job.
    ///
    /// # Errors
    /// `Full` when too much waits already; nothing of the job is kept then.
    pub(crate) fn submit(&self, job: Job) -> Result<(), EngineError> {
        let ticket = Ticket::of(&job);
        let mut state = self.lock();
        let now = state.now();
        state.queue.enter(&ticket, now).map_err(told)?;
        metrics::waiting(&state.queue);
        if state.parked.blocks(&job) {
            state.parked.push(job);
            return Ok(());
        }
        self.place(&mut state, job);
        Ok(())
    }

    /// See [`crate::Engine::room`].
    pub(crate) fn room(&self, by: &CredentialId) -> Result<(), EngineError> {
        let mut state = self.lock();
        let now = state.now();
        state.queue.room(by, now).map_err(told)
    }

    /// See [`crate::Engine::room_for_many`].
    pub(crate) async fn room_for_many(&self, by: &CredentialId, region: &Region) {
        // An empty queue has room; in any other something will be answered.
        while !self.lock().queue.room_for_many(by, region) {
            self.answered.notified().await;
        }
    }

    /// See [`crate::Engine::full`].
    pub(crate) fn full(&self, whose: Whose) -> EngineError {
        let mut state = self.lock();
        let now = state.now();
        told(state.queue.full(whose, now))
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.lock().queue.jobs()
    }

    /// Sends a job to the writer that has its regions, or parks it until one can have them all.
    fn place(&self, state: &mut State, job: Job) {
        match state.assign(&job) {
            Some((writer, cells)) => {
                if self.queues[writer].send(Assigned { job, cells }).is_err() {
                    tracing::error!(writer, "a writer has ended");
                }
            }
            None => state.parked.push(job),
        }
    }

    /// Answered jobs: the counts of their regions go down, and what waited for them may go on.
    fn finish(&self, answered: &[Ticket]) {
        let mut state = self.lock();
        let now = state.now();
        state.queue.leave(answered, now);
        metrics::waiting(&state.queue);
        self.answered.notify_one();
        let regions = || answered.iter().flat_map(|ticket| &ticket.regions);
        for region in regions() {
            if let Some(slot) = state.slots.get_mut(region) {
                slot.in_flight = slot.in_flight.saturating_sub(1);
                let writer = slot.writer;
                state.load[writer] = state.load[writer].saturating_sub(1);
            }
        }
        // Anybody can ask for any code: what is not open leaves nothing behind.
        for region in regions() {
            let empty = |slot: &Slot| {
                slot.in_flight == 0 && slot.cell.try_lock().is_ok_and(|cell| cell.is_absent())
            };
            if state.slots.get(region).is_some_and(empty) {
                state.slots.remove(region);
            }
        }
        for job in state.parked.take() {
            if state.parked.blocks(&job) {
                state.parked.push(job);
            } else {
                self.place(&mut state, job);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is turned away, counted.
fn told(full: Full) -> EngineError {
    metrics::full(full.whose);
    EngineError::Full(full)
}

impl Parked {
    fn push(&mut self, job: Job) {
        for region in job.regions() {
            *self.regions.entry(region.clone()).or_default() += 1;
        }
        self.jobs.push_back(job);
    }

    /// All of them, in order.
    fn take(&mut self) -> VecDeque<Job> {
        self.regions.clear();
        std::mem::take(&mut self.jobs)
    }

    /// Whether one of them has one of this job's regions: nobody overtakes it.
    fn blocks(&self, job: &Job) -> bool {
        !self.jobs.is_empty()
            && job
                .regions()
                .any(|region| self.regions.contains_key(region))
    }
}

impl State {
    fn new(writers: usize, fences: HashMap<Region, u64>, most: Queues) -> State {
        State {
            began: Instant::now(),
            queue: Queue::new(most),
            slots: HashMap::new(),
            load: vec![0; writers],
            fences,
            parked: Parked::default(),
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// The writer for a region that none has. Each has one that it prefers, the same in every process, so that two processes on the same
    /// regions meet in one lane and leave each other the rest; but nobody waits for a busy writer beside an idle one.
    fn free_writer(&self, region: &Region) -> usize {
        let writers = self.load.len();
        let digits = region.as_str().bytes().map(usize::from);
        let preferred = digits.sum::<usize>() % writers;
        let idlest = (0..writers).min_by_key(|writer| self.load[*writer]);
        match idlest {
            Some(idlest) if 4 * self.load[preferred] > 5 * self.load[idlest] => idlest,
            _ => preferred,
        }
    }

    /// The writer for a job, if one can have all its regions now.
    fn assign(&mut self, job: &Job) -> Option<(usize, Vec<SharedCell>)> {
        let mut held = job
            .regions()
            .filter_map(|region| self.slots.get(region))
            .filter(|slot| slot.in_flight > 0)
            .map(|slot| slot.writer);
        let writer = match held.next() {
            Some(writer) if held.all(|other| other == writer) => writer,
            Some(_) => return None,
            None => self.free_writer(&job.commands.first()?.region),
        };
        let mut cells = Vec::new();
        for region in job.regions() {
            // A region that is opened later begins under fence 0.
            let fence = self.fences.get(region).copied().unwrap_or_default();
            let slot = self.slots.entry(region.clone()).or_insert_with(|| Slot {
                cell: Arc::new(tokio::sync::Mutex::new(Cell::new(region.clone(), fence))),
                writer,
                in_flight: 0,
            });
            slot.writer = writer;
            slot.in_flight += 1;
            self.load[writer] += 1;
            cells.push(slot.cell.clone());
        }
        Some((writer, cells))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hefu_domain::command::{Act, AllocateFunds, OpenPlanYear};
    use hefu_domain::{Command, Digest, Fen, PlanYear};

    const CITY: &str = "140700";
    const SHOUYANG: &str = "140725";
    const QIXIAN: &str = "140727";

    fn region(code: &str) -> Region {
        code.parse().unwrap()
    }

    fn job(code: &str, act: Act) -> Job {
        let command = Command {
            region: region(code),
            by: "A".repeat(43).parse().unwrap(),
            request: "request-1".parse().unwrap(),
            digest: Digest([0; 32]),
            seals: Vec::new(),
            act,
        };
        Job {
            commands: vec![command],
            dry: false,
            secrets: Vec::new(),
            bytes: 0,
            let_in: false,
            submitted: crate::stages::Mark::default(),
            reply: tokio::sync::oneshot::channel().0,
        }
    }

    /// A job of one region.
    fn of(code: &str) -> Job {
        let year = PlanYear::try_from(2023).unwrap();
        job(code, OpenPlanYear { year }.into())
    }

    /// A job of two.
    fn over(code: &str, other: &str) -> Job {
        let act = AllocateFunds {
            to: region(other),
            year: PlanYear::try_from(2023).unwrap(),
            source: "city".parse().unwrap(),
            amount: Fen(1),
            reference: "XB-2023/1".parse().unwrap(),
        };
        job(code, act.into())
    }

    fn two_writers() -> State {
        State::new(2, HashMap::new(), Queues::default())
    }

    /// The number of the writer that gets a job.
    fn writer(state: &mut State, job: &Job) -> Option<usize> {
        state.assign(job).map(|(writer, _)| writer)
    }

    #[test]
    fn a_held_region_stays_with_its_writer() {
        let mut state = two_writers();
        for _ in 0..3 {
            assert_eq!(writer(&mut state, &of(SHOUYANG)), Some(1));
        }
        // It would prefer the same writer, but the other one is idle.
        assert_eq!(writer(&mut state, &of(QIXIAN)), Some(0));
        assert_eq!(state.load, [1, 3]);
        assert_eq!(state.slots[&region(SHOUYANG)].in_flight, 3);
    }

    #[test]
    fn a_region_with_nothing_in_flight_goes_to_the_idler_writer() {
        let mut state = two_writers();
        assert_eq!(writer(&mut state, &of(SHOUYANG)), Some(1));
        state.slots.get_mut(&region(SHOUYANG)).unwrap().in_flight = 0;
        state.load = vec![0, 2];
        assert_eq!(writer(&mut state, &of(SHOUYANG)), Some(0));
        assert_eq!(writer(&mut state, &of(SHOUYANG)), Some(0));
    }

    #[test]
    fn a_job_over_two_regions_waits_while_two_writers_hold_them() {
        let mut state = two_writers();
        assert_eq!(writer(&mut state, &of(CITY)), Some(0));
        assert_eq!(writer(&mut state, &of(SHOUYANG)), Some(1));
        let job = over(CITY, SHOUYANG);
        assert_eq!(writer(&mut state, &job), None);
        assert_eq!(state.load, [1, 1], "who waits holds nothing");
        state.slots.get_mut(&region(CITY)).unwrap().in_flight = 0;
        assert_eq!(writer(&mut state, &job), Some(1));
        for code in [CITY, SHOUYANG] {
            assert_eq!(state.slots[&region(code)].writer, 1);
        }
    }

    #[test]
    fn a_parked_job_is_overtaken_in_neither_of_its_regions() {
        let mut parked = Parked::default();
        parked.push(over(CITY, SHOUYANG));
        assert!(parked.blocks(&of(CITY)));
        assert!(parked.blocks(&of(SHOUYANG)));
        assert!(parked.blocks(&over(QIXIAN, SHOUYANG)));
        assert!(!parked.blocks(&of(QIXIAN)));
        assert_eq!(parked.take().len(), 1);
        assert!(!parked.blocks(&of(CITY)), "it waits no more");
    }

    #[test]
    fn jobs_of_a_region_reach_its_writers_in_the_order_in_which_they_came() {
        let (queues, mut inboxes): (Vec<_>, Vec<_>) =
            (0..2).map(|_| mpsc::unbounded_channel()).unzip();
        let dispatch = Dispatch {
            state: Arc::new(Mutex::new(two_writers())),
            queues: Arc::new(queues),
            answered: Arc::default(),
        };
        // The city is the first writer's and Shouyang the second's; so the allocation waits, and what came after it.
        for job in [
            of(CITY),
            of(SHOUYANG),
            over(CITY, SHOUYANG),
            of(CITY),
            of(SHOUYANG),
        ] {
            dispatch.submit(job).unwrap();
        }
        assert_eq!(dispatch.in_flight(), 5);
        dispatch.finish(&[Ticket::of(&of(CITY))]);
        let mut lengths = |writer: usize| {
            let taken = std::iter::from_fn(|| inboxes[writer].try_recv().ok());
            taken
                .map(|assigned| assigned.job.regions().count())
                .collect::<Vec<_>>()
        };
        assert_eq!(lengths(0), [1]);
        assert_eq!(lengths(1), [1, 2, 1, 1]);
    }
}
