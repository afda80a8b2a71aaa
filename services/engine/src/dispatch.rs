//! Which writer has which region. A region changes writer only with nothing in flight, and a command over two regions waits until
//! one writer has both; so the order in which a region's commands were submitted is the order in which they are decided.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hefu_domain::Region;
use tokio::sync::mpsc;

use crate::cell::Cell;
use crate::error::{EngineError, Stopped};
use crate::{Job, Shared, metrics, writer};

/// How many requests of one region may wait: beyond it callers are told to come back.
const MOST_WAITING: usize = 4_096;

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

#[derive(Default)]
struct State {
    slots: HashMap<Region, Slot>,
    load: Vec<usize>,
    /// Under which this process started to write.
    fences: HashMap<Region, u64>,
    /// Jobs that wait for a writer, in order; nothing of their regions overtakes them.
    parked: VecDeque<Job>,
}

/// Hands jobs to writers.
#[derive(Clone)]
pub(crate) struct Dispatch {
    state: Arc<Mutex<State>>,
    queues: Arc<Vec<mpsc::UnboundedSender<Assigned>>>,
}

impl Dispatch {
    pub(crate) fn start(
        shared: &Arc<Shared>,
        writers: usize,
        fences: HashMap<Region, u64>,
    ) -> Dispatch {
        let (queues, inboxes): (Vec<_>, Vec<_>) =
            (0..writers).map(|_| mpsc::unbounded_channel()).unzip();
        let state = State {
            load: vec![0; writers],
            fences,
            ..State::default()
        };
        let dispatch = Dispatch {
            state: Arc::new(Mutex::new(state)),
            queues: Arc::new(queues),
        };
        for inbox in inboxes {
            // Writers hold the state only, not the queues: when the last engine goes, the queues close and the writers end.
            let state = dispatch.state.clone();
            let queues = Arc::downgrade(&dispatch.queues);
            let finished = move |regions: &[Region]| {
                if let Some(queues) = queues.upgrade() {
                    Dispatch {
                        state: state.clone(),
                        queues,
                    }
                    .finish(regions);
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
    /// `Busy` when too many wait already: a queue is never without a bound.
    pub(crate) fn submit(&self, job: Job) -> Result<(), EngineError> {
        let mut state = self.lock();
        let waiting = job
            .regions()
            .filter_map(|region| state.slots.get(region))
            .map(|slot| slot.in_flight)
            .max()
            .unwrap_or(0);
        if waiting >= MOST_WAITING || state.parked.len() >= MOST_WAITING {
            metrics::busy();
            return Err(EngineError::Busy(
                "too many requests of this region are waiting",
            ));
        }
        if state.blocked(&job) {
            state.parked.push_back(job);
            return Ok(());
        }
        self.place(&mut state, job);
        Ok(())
    }

    pub(crate) fn in_flight(&self) -> usize {
        let state = self.lock();
        state.load.iter().sum::<usize>() + state.parked.len()
    }

    /// Sends a job to the writer that has its regions, or parks it until one can have them all.
    fn place(&self, state: &mut State, job: Job) {
        match state.assign(&job) {
            Some((writer, cells)) => {
                if self.queues[writer].send(Assigned { job, cells }).is_err() {
                    tracing::error!(writer, "a writer has ended");
                }
            }
            None => state.parked.push_back(job),
        }
    }

    /// Regions of answered jobs: their counts go down, and what waited for them may go on.
    fn finish(&self, regions: &[Region]) {
        let mut state = self.lock();
        for region in regions {
            if let Some(slot) = state.slots.get_mut(region) {
                slot.in_flight = slot.in_flight.saturating_sub(1);
                let writer = slot.writer;
                state.load[writer] = state.load[writer].saturating_sub(1);
            }
        }
        // Anybody can ask for any code: what is not open leaves nothing behind.
        for region in regions {
            let empty = |slot: &Slot| {
                slot.in_flight == 0 && slot.cell.try_lock().is_ok_and(|cell| cell.is_absent())
            };
            if state.slots.get(region).is_some_and(empty) {
                state.slots.remove(region);
            }
        }
        let parked = std::mem::take(&mut state.parked);
        for job in parked {
            if state.blocked(&job) {
                state.parked.push_back(job);
            } else {
                self.place(&mut state, job);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a parked job has one of this job's regions: nobody overtakes it.
    fn blocked(&self, job: &Job) -> bool {
        self.parked.iter().any(|parked| {
            parked
                .regions()
                .any(|region| job.regions().any(|mine| mine == region))
        })
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
            None => (0..self.load.len()).min_by_key(|writer| self.load[*writer])?,
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
        State {
            load: vec![0, 0],
            ..State::default()
        }
    }

    /// The number of the writer that gets a job.
    fn writer(state: &mut State, job: &Job) -> Option<usize> {
        state.assign(job).map(|(writer, _)| writer)
    }

    #[test]
    fn a_held_region_stays_with_its_writer() {
        let mut state = two_writers();
        for _ in 0..3 {
            assert_eq!(writer(&mut state, &of(SHOUYANG)), Some(0));
        }
        // The other writer is idle and takes what nobody holds.
        assert_eq!(writer(&mut state, &of(QIXIAN)), Some(1));
        assert_eq!(state.load, [3, 1]);
        assert_eq!(state.slots[&region(SHOUYANG)].in_flight, 3);
    }

    #[test]
    fn a_region_with_nothing_in_flight_goes_to_the_idler_writer() {
        let mut state = two_writers();
        assert_eq!(writer(&mut state, &of(SHOUYANG)), Some(0));
        state.slots.get_mut(&region(SHOUYANG)).unwrap().in_flight = 0;
        state.load = vec![2, 0];
        assert_eq!(writer(&mut state, &of(SHOUYANG)), Some(1));
        assert_eq!(writer(&mut state, &of(SHOUYANG)), Some(1));
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
        let mut state = two_writers();
        state.parked.push_back(over(CITY, SHOUYANG));
        assert!(state.blocked(&of(CITY)));
        assert!(state.blocked(&of(SHOUYANG)));
        assert!(state.blocked(&over(QIXIAN, SHOUYANG)));
        assert!(!state.blocked(&of(QIXIAN)));
    }

    #[test]
    fn jobs_of_a_region_reach_its_writers_in_the_order_in_which_they_came() {
        let (queues, mut inboxes): (Vec<_>, Vec<_>) =
            (0..2).map(|_| mpsc::unbounded_channel()).unzip();
        let dispatch = Dispatch {
            state: Arc::new(Mutex::new(two_writers())),
            queues: Arc::new(queues),
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
        dispatch.finish(&[region(CITY)]);
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
