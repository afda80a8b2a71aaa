//! Twice the load that the server can take: what it still answers, whom it turns away, and how soon it is as before.
//!
//! One open loop of three parts, without a gap: 70 % of the capacity, twice the capacity, 70 % again. Calls come at instants that were
//! fixed before, and what was refused is sent again as a later call: to the server it is new.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hefu_store::{ListQuery, Scope, Shown, Table};
use tokio::task::JoinSet;
use tonic::Code;

use super::Plan;
use super::bed::{Bed, OPEN_LOOP};
use super::figures::Figures;
use super::load::{self, Job, Jobs, OPEN_CALLERS};
use super::place::Engine;
use super::recovery::{Course, How, Seen};
use super::server::Server;
use super::wire::{Refused, Wire};

/// Of the capacity, what is offered.
pub(super) const TWICE: f64 = 2.0;
/// How long it is watched that the server is as before.
const AFTER: Duration = Duration::from_secs(3);
/// The part before needs no more.
const BEFORE: Duration = Duration::from_secs(2);
/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Calls of which the refused come back.
struct Returning(Mutex<(Vec<Job>, VecDeque<Job>)>);

impl Returning {
    fn new(fresh: Vec<Job>) -> Arc<Returning> {
        Arc::new(Returning(Mutex::new((fresh, VecDeque::new()))))
    }

    fn next(&self) -> Option<Job> {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (fresh, refused) = &mut *jobs;
        // New ones first: the same few would be turned away again and again.
        fresh.pop().or_else(|| refused.pop_front())
    }

    fn put_back(&self, job: Job) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.1.push_back(job);
    }

    /// What nobody took.
    fn left(&self) -> Vec<Job> {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (fresh, refused) = std::mem::take(&mut *jobs);
        fresh.into_iter().chain(refused).collect()
    }
}

/// So many vouchers are redeemed by it, at a rate and for so long.
pub(super) fn vouchers(capacity: f64, time: Duration) -> usize {
    let light = time.min(BEFORE) + AFTER;
    // While the capacity is found out, and while there is more to do than that.
    let full = time + time;
    (capacity * (light.as_secs_f64() * OPEN_LOOP + full.as_secs_f64())).ceil() as usize
}

/// Runs the course; what is not redeemed is left.
async fn run(wire: &Arc<Wire>, jobs: &Arc<Returning>, course: Course) -> anyhow::Result<Vec<Seen>> {
    let began = Instant::now() + Duration::from_millis(20);
    let seen = Arc::new(Mutex::new(Vec::with_capacity(course.calls())));
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..OPEN_CALLERS {
        let (wire, jobs, seen, next) = (wire.clone(), jobs.clone(), seen.clone(), next.clone());
        callers.spawn(async move {
            loop {
                let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(due) = course.due(number) else {
                    return Ok(());
                };
                tokio::time::sleep_until((began + due).into()).await;
                let job = jobs.next().context("nothing was left to send")?;
                let answer = wire.send(&job.call, job.frame.clone()).await;
                let took = (began + due).elapsed();
                let how = match answer {
                    Ok(_) => How::Accepted,
                    Err(Refused::Status {
                        code: Code::ResourceExhausted,
                        retry,
                        ..
                    }) => {
                        jobs.put_back(job);
                        How::Refused {
                            told_when: retry.is_some(),
                        }
                    }
                    Err(other) => return Err(anyhow::Error::from(other)),
                };
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.push(Seen { due, took, how });
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *seen))
}

/// The server's memory while a course is run, in megabytes: before the load doubled, and the most from then on.
async fn memory(server: &Server, course: Course) -> anyhow::Result<Option<(f64, f64)>> {
    let began = Instant::now();
    let (mut before, mut most) = (0.0_f64, 0.0_f64);
    while began.elapsed() < course.whole() {
        let Some(mb) = server.rss_mb()? else {
            return Ok(None);
        };
        match began.elapsed() < course.before {
            true => before = mb,
            false => most = most.max(mb),
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(Some((before, most.max(before))))
}

impl Bed {
    /// What the server can take, twice of it, and what comes after.
    pub(super) async fn overload(
        &mut self,
        plan: &Plan,
        round: &str,
        calls: usize,
    ) -> anyhow::Result<()> {
        let load = "overload";
        let wire = self.begin(round, load).await?;
        let jobs = Jobs::once(self.stock.take(calls));
        let measured = load::closed(&wire, &jobs, plan.most(), plan.time).await;
        let capacity = measured.checked("the capacity")?.per_second();
        let course = Course::of(capacity, plan.time.min(BEFORE), plan.time, AFTER);
        self.stock.put_back(jobs.left());
        // Enough even if nothing is refused. What is there already was meant to be so.
        self.prepare(round, (course.calls(), 0), 0).await?;
        self.rest(round).await?;
        let wire = self.begin(round, load).await?;
        let jobs = self.stock.take(course.calls());
        let before = self.redeemed().await?;
        self.counts().await?;
        self.forget_queue();
        let returning = Returning::new(jobs);
        let (seen, memory) =
            tokio::join!(run(&wire, &returning, course), memory(&self.server, course));
        let seen = seen.context("under twice the capacity")?;
        self.counts().await?;
        self.stock.put_back(&returning.left());
        let redeemed = self.redeemed().await?.zip(before);
        if let Some((after, before)) = redeemed {
            are_there(&seen, after - before)?;
        }
        self.note_overload(capacity, &course, &seen);
        if let Some((before, most)) = memory? {
            self.figures.note("overload_rss_mb", most);
            self.figures.note("overload_rss_growth_mb", most - before);
        }
        let said = told(&self.figures, course.over);
        self.progress.say(&format!("{round}: {said}"));
        Ok(())
    }

    fn note_overload(&mut self, capacity: f64, course: &Course, seen: &[Seen]) {
        let under = course.overloaded(seen);
        let figures = &mut self.figures;
        figures.throughput("overload", under.goodput);
        for (name, value) in [
            ("capacity_per_second", capacity),
            ("offered_per_second", under.offered),
            ("goodput_ratio", under.goodput / capacity),
            ("refused_per_second", under.refused),
            ("refused", course.refused(seen) as f64),
            ("without_retry_info", course.not_told_when(seen) as f64),
            ("accepted", course.accepted(seen) as f64),
            ("p50_ms", under.millis(0.5)),
            ("p99_ms", under.millis(0.99)),
            ("recovery_ms", course.recovery(seen).as_secs_f64() * 1e3),
        ] {
            figures.note(&format!("overload_{name}"), value);
        }
        if let Some((waiting, bound)) = self.queue() {
            self.figures.note("overload_queue_most", waiting as f64);
            self.figures.note("overload_queue_bound", bound as f64);
        }
    }

    /// Vouchers that were redeemed, where the database can be looked into; that the log has them too, the bench's end shows.
    async fn redeemed(&self) -> anyhow::Result<Option<u64>> {
        if self.engine() == Engine::Elsewhere {
            return Ok(None);
        }
        let store = self.store().await?;
        let mut redeemed = 0;
        for desk in self.stock.desks() {
            let query = ListQuery {
                table: Table::Voucher,
                scope: Scope::Region(desk.region().to_owned()),
                equals: vec![("state", "claimed".to_owned())],
                due_before: None,
                shown: Shown::All,
                after: None,
                limit: u32::MAX,
            };
            redeemed += store.count(&query).await?;
        }
        store.close().await;
        Ok(Some(redeemed))
    }
}

/// What was acknowledged is there, once, and nothing else is.
fn are_there(seen: &[Seen], redeemed: u64) -> anyhow::Result<()> {
    let accepted = seen.iter().filter(|one| one.how == How::Accepted).count() as u64;
    if accepted != redeemed {
        bail!(
            "{accepted} redemptions were acknowledged under overload, and {redeemed} vouchers are redeemed"
        );
    }
    Ok(())
}

/// The last round, in words.
fn told(figures: &Figures, over: Duration) -> String {
    format!("{:.1} s of {}", over.as_secs_f64(), in_words(figures))
}

/// What overload did to a server, in words.
pub(super) fn in_words(figures: &Figures) -> String {
    let of = |name: &str| {
        figures
            .median(&format!("overload_{name}"))
            .unwrap_or_default()
    };
    let memory = figures
        .median("overload_rss_growth_mb")
        .map_or(String::new(), |grown| {
            format!(", its memory grew by {grown:.0} MB to {:.0}", of("rss_mb"))
        });
    format!(
        "twice its capacity ({:.0} a second of {:.0}): {:.0} answered, {:.0} % of the capacity, p50 {:.0} ms, p99 {:.0} ms; {:.0} a second refused, {:.0} in all without RetryInfo{memory}; as before {:.1} s later",
        of("offered_per_second"),
        of("capacity_per_second"),
        of("per_second"),
        of("goodput_ratio") * 100.0,
        of("p50_ms"),
        of("p99_ms"),
        of("refused_per_second"),
        of("without_retry_info"),
        of("recovery_ms") / 1e3,
    )
}
