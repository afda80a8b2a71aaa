//! Load and what it meets: closed loop (so many callers, each waits for its answer) and open loop (calls at instants that were fixed
//! before, whatever the server does; latency counts from the instant, so a slow answer never hides those that it delayed).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use bytes::Bytes;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use super::wire::{Call, Refused, Wire};

/// Longer than any call may take, in microseconds.
const LONGEST: u64 = 120_000_000;
/// Callers of an open loop: more than are ever under way while the server keeps up.
pub(crate) const OPEN_CALLERS: usize = 2_048;

/// A call that is ready to be sent.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) call: Arc<Call>,
    pub(crate) frame: Bytes,
    /// What it counts for.
    pub(crate) ops: u32,
}

/// What came of a load.
pub(crate) struct Measured {
    pub(crate) ops: u64,
    /// Answered after the time was over.
    late: u64,
    pub(crate) seconds: f64,
    /// Of calls, in microseconds.
    pub(crate) latency: Histogram<u64>,
    pub(crate) refused: u64,
    pub(crate) first_refusal: Option<String>,
    /// There was nothing left to send before the time was over.
    pub(crate) ran_out: bool,
}

impl Measured {
    pub(crate) fn new() -> Measured {
        #[allow(clippy::expect_used)] // bounds that are constants
        let latency = Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds of a histogram");
        Measured {
            ops: 0,
            late: 0,
            seconds: 0.0,
            latency,
            refused: 0,
            first_refusal: None,
            ran_out: false,
        }
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.ops as f64 / self.seconds.max(f64::EPSILON)
    }

    /// A percentile of the latency, in milliseconds.
    pub(crate) fn millis(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1_000.0
    }

    /// Notes an answer to a call that counts for so much, in time or late.
    pub(crate) fn note<A>(
        &mut self,
        answer: &Result<A, Refused>,
        took: Duration,
        ops: u32,
        in_time: bool,
    ) {
        match answer {
            Ok(_) => {
                let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST);
                self.latency.saturating_record(micros.max(1));
                let count = if in_time {
                    &mut self.ops
                } else {
                    &mut self.late
                };
                *count += u64::from(ops);
            }
            Err(why) => {
                self.refused += 1;
                self.first_refusal.get_or_insert_with(|| why.to_string());
            }
        }
    }

    /// What a measurement stands on: calls that were answered.
    pub(crate) fn checked(self, what: &str) -> anyhow::Result<Measured> {
        if let Some(why) = &self.first_refusal {
            bail!("{what}: {} calls were refused, first: {why}", self.refused);
        }
        if self.ops == 0 {
            bail!(
                "{what}: nothing was answered in {:.1} s; give it more time with --seconds",
                self.seconds
            );
        }
        Ok(self)
    }
}

/// What all callers of a load met, noted as they meet it: a histogram for each of thousands would be hundreds of megabytes, and their first
/// use the first second of the load.
#[derive(Clone)]
pub(crate) struct Notes(Arc<Mutex<Measured>>);

impl Notes {
    pub(crate) fn new() -> Notes {
        Notes(Arc::new(Mutex::new(Measured::new())))
    }

    pub(crate) fn take(&self) -> MutexGuard<'_, Measured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The calls of a load, handed out once each, or again and again.
pub(crate) struct Jobs {
    jobs: Vec<Job>,
    next: AtomicUsize,
    again: bool,
}

impl Jobs {
    /// Each once.
    pub(crate) fn once(jobs: Vec<Job>) -> Arc<Jobs> {
        Jobs::new(jobs, false)
    }

    /// Round and round.
    pub(crate) fn again(jobs: Vec<Job>) -> Arc<Jobs> {
        Jobs::new(jobs, true)
    }

    fn new(jobs: Vec<Job>, again: bool) -> Arc<Jobs> {
        Arc::new(Jobs {
            jobs,
            next: AtomicUsize::new(0),
            again,
        })
    }

    /// What nobody sent.
    pub(crate) fn left(&self) -> &[Job] {
        let sent = self.next.load(Ordering::Relaxed).min(self.jobs.len());
        &self.jobs[sent..]
    }

    /// The next one with its number.
    fn next(&self) -> Option<(usize, &Job)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let at = if self.again {
            number.checked_rem(self.jobs.len())?
        } else {
            number
        };
        self.jobs.get(at).map(|job| (number, job))
    }
}

/// So many callers, for so long.
pub(crate) async fn closed(
    wire: &Arc<Wire>,
    jobs: &Arc<Jobs>,
    in_flight: usize,
    time: Duration,
) -> Measured {
    let began = Instant::now();
    let until = began + time;
    let (mut callers, notes) = (JoinSet::new(), Notes::new());
    for _ in 0..in_flight {
        let (wire, jobs, notes) = (wire.clone(), jobs.clone(), notes.clone());
        callers.spawn(async move {
            let mut sent = Instant::now();
            while sent < until {
                let Some((_, job)) = jobs.next() else {
                    notes.take().ran_out = true;
                    break;
                };
                let answer = wire.send_until(&job.call, &job.frame, until).await;
                let answered = Instant::now();
                let in_time = answered <= until;
                notes
                    .take()
                    .note(&answer, answered - sent, job.ops, in_time);
                sent = answered;
            }
        });
    }
    together(callers, notes, began, time).await
}

/// So many calls a second, for so long.
pub(crate) async fn open(
    wire: &Arc<Wire>,
    jobs: &Arc<Jobs>,
    per_second: f64,
    time: Duration,
) -> Measured {
    let began = Instant::now() + Duration::from_millis(20);
    let until = began + time;
    let (mut callers, notes) = (JoinSet::new(), Notes::new());
    for _ in 0..OPEN_CALLERS {
        let (wire, jobs, notes) = (wire.clone(), jobs.clone(), notes.clone());
        callers.spawn(async move {
            loop {
                let Some((number, job)) = jobs.next() else {
                    notes.take().ran_out = true;
                    break;
                };
                let due = began + Duration::from_secs_f64(number as f64 / per_second);
                if due >= until {
                    break;
                }
                tokio::time::sleep_until(due.into()).await;
                let answer = wire.send(&job.call, job.frame.clone()).await;
                notes.take().note(&answer, due.elapsed(), job.ops, true);
            }
        });
    }
    let mut measured = together(callers, notes, began, time).await;
    // All calls count, so the time goes on to the last answer: a server that did not keep up is seen to be slower than what was asked.
    measured.seconds = began.elapsed().as_secs_f64();
    measured
}

/// What all callers met. Where they ran out, the time is over with the last answer.
pub(crate) async fn together(
    mut callers: JoinSet<()>,
    notes: Notes,
    began: Instant,
    time: Duration,
) -> Measured {
    while let Some(done) = callers.join_next().await {
        if let Err(error) = done {
            let mut all = notes.take();
            all.refused += 1;
            all.first_refusal.get_or_insert(error.to_string());
        }
    }
    let mut all = std::mem::replace(&mut *notes.take(), Measured::new());
    all.seconds = time.as_secs_f64().min(began.elapsed().as_secs_f64());
    // What is answered late has its latency and counts for nothing. Where that is most of it, the time was too short to be cut off: then
    // everything counts, to the last answer.
    if all.late > all.ops {
        all.ops += all.late;
        all.seconds = began.elapsed().as_secs_f64();
    }
    all
}
