//! A writer: gathers what has come in while the last commit was under way, decides it, writes it in one transaction, answers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use hefu_domain::event::PersonRevealed;
use hefu_domain::{Code, CredentialId, Event, Instant, Region, Stop, World};
use hefu_store::{Outcome, StoreError};
use hefu_vault::PersonRecord;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::batch::{Attempt, Cells, Verdict};
use crate::cell::Cell;
use crate::dispatch::{Assigned, SharedCell};
use crate::error::{EngineError, Stopped};
use crate::queue::Ticket;
use crate::stages::{Laps, Mark, Stage};
use crate::{Job, Shared, metrics};

/// The most jobs of one transaction.
const MOST_JOBS: usize = 512;
/// Where somebody else writes the same regions, so many batches lock first before one tries without a lock again.
const BATCHES_UNDER_LOCK: usize = 32;
/// After so many attempts callers are told to come back.
const MOST_ATTEMPTS: usize = 12;

/// Jobs that are decided and written together.
struct Part {
    jobs: Vec<Job>,
    /// A commit of these jobs was not answered, and what became of it was not found out since.
    unknown: bool,
    /// What it took so far.
    laps: Laps,
}

impl Part {
    /// Two parts to try one after the other. What is not known of the whole is not known of either.
    fn halves(mut self) -> [Part; 2] {
        let rest = self.jobs.split_off(self.jobs.len().div_ceil(2));
        let unknown = self.unknown;
        [(self.jobs, self.laps), (rest, Laps::default())].map(|(jobs, laps)| Part {
            jobs,
            unknown,
            laps,
        })
    }

    /// What its callers hear when it ends in an error: most errors promise that nothing was written, and after an unknown outcome
    /// only the requests themselves, looked for under the lock, can say so.
    fn told(&self, error: EngineError) -> EngineError {
        if self.unknown {
            EngineError::OutcomeUnknown
        } else {
            error
        }
    }
}

/// Whether others write what this writer does: then deciding without a lock is mostly in vain.
#[derive(Default)]
struct Rivals {
    /// Batches that still lock first.
    under_lock: usize,
}

impl Rivals {
    fn seen(&mut self) {
        self.under_lock = BATCHES_UNDER_LOCK;
    }

    fn lock_first(&mut self) -> bool {
        let locks = self.under_lock > 0;
        self.under_lock = self.under_lock.saturating_sub(1);
        locks
    }
}

/// How an attempt at a batch ended.
enum Tried {
    /// It stands; these are the answers.
    Done(Vec<Verdict>),
    /// Somebody else wrote in between: decide again.
    Lost,
    /// Decide its parts one after the other.
    Split,
}

/// Runs until the engine is gone.
pub(crate) async fn run(
    shared: Arc<Shared>,
    mut inbox: mpsc::UnboundedReceiver<Assigned>,
    finished: impl Fn(&[Ticket]) + Send,
) {
    let mut gathered = Vec::with_capacity(MOST_JOBS);
    let mut rivals = Rivals::default();
    while inbox.recv_many(&mut gathered, MOST_JOBS).await > 0 {
        let mut jobs = Vec::with_capacity(gathered.len());
        let mut cells: BTreeMap<Region, SharedCell> = BTreeMap::new();
        for Assigned { job, cells: of_job } in gathered.drain(..) {
            cells.extend(job.regions().cloned().zip(of_job));
            jobs.push(job);
        }
        let tickets: Vec<Ticket> = jobs.iter().map(Ticket::of).collect();
        let mut guards = Vec::with_capacity(cells.len());
        for (region, cell) in cells {
            guards.push((region, cell.lock_owned().await));
        }
        let mut held: Cells = guards
            .iter_mut()
            .map(|(region, guard)| (region.clone(), &mut **guard))
            .collect();
        process(&shared, jobs, &mut held, &mut rivals).await;
        drop(guards);
        finished(&tickets);
    }
}

/// Decides and writes jobs, in parts where a part must not spoil the others.
async fn process(shared: &Shared, jobs: Vec<Job>, cells: &mut Cells<'_>, rivals: &mut Rivals) {
    let (unknown, laps) = Default::default();
    let begun = Mark::now();
    jobs.iter().for_each(|job| job.begins(begun));
    let mut work = VecDeque::from([Part {
        jobs,
        unknown,
        laps,
    }]);
    while let Some(mut part) = work.pop_front() {
        let settled = settle(shared, &mut part, cells, rivals).await;
        part.laps.stand();
        if !matches!(settled, Ok(None)) {
            part.laps.note(part.jobs.iter().map(Job::moves).sum());
        }
        match settled {
            Ok(Some(verdicts)) => answer(part.jobs, verdicts),
            Ok(None) => part
                .halves()
                .into_iter()
                .rev()
                .for_each(|half| work.push_front(half)),
            Err(error) => {
                let error = part.told(error);
                let verdicts = part.jobs.iter().map(|_| Err(error.clone())).collect();
                answer(part.jobs, verdicts);
            }
        }
    }
}

fn answer(jobs: Vec<Job>, verdicts: Vec<Verdict>) {
    let answered = Mark::now();
    for (job, verdict) in jobs.into_iter().zip(verdicts) {
        metrics::answered(job.commands.first(), &verdict);
        // A caller that went away is no reason to undo anything.
        let _ = job.reply.send((verdict, answered));
    }
}

/// Tries until the jobs stand, must be split (`None`), or cannot be written. Once a commit was not answered, it is looked for under
/// the lock in every attempt that follows.
async fn settle(
    shared: &Shared,
    part: &mut Part,
    cells: &mut Cells<'_>,
    rivals: &mut Rivals,
) -> Result<Option<Vec<Verdict>>, EngineError> {
    let Part {
        jobs,
        unknown,
        laps,
    } = part;
    laps.enter(Stage::Facts);
    let jobs = jobs.as_slice();
    let regions: Vec<Region> = jobs.iter().flat_map(Job::regions).cloned().collect();
    let mut mine: Cells = cells
        .iter_mut()
        .filter(|(region, _)| regions.contains(region))
        .map(|(region, cell)| (region.clone(), &mut **cell))
        .collect();
    // After a loss the heads are locked first and the batch is decided under the lock.
    let mut lost = false;
    for attempt in 0..MOST_ATTEMPTS {
        shared.check_running()?;
        let locked = *unknown || lost || rivals.lock_first();
        let tried = if locked {
            try_locked(shared, jobs, &mut mine, laps).await
        } else {
            try_open(shared, jobs, &mut mine, laps).await
        };
        if !matches!(tried, Ok(Tried::Done(_))) {
            discard(&mut mine)?;
        }
        match tried {
            Ok(Tried::Done(verdicts)) => {
                if let Err(error) = shared.people.erase(&verdicts).await {
                    tracing::error!(%error, "the keys of erased people are not destroyed yet; ask again, or start again");
                    return Err(EngineError::OutcomeUnknown);
                }
                return Ok(Some(verdicts));
            }
            Ok(Tried::Lost) => {
                rivals.seen();
                lost = true;
            }
            Ok(Tried::Split) if jobs.len() > 1 => return Ok(None),
            Ok(Tried::Split) => lost = true,
            Err(EngineError::Store(StoreError::OutcomeUnknown { what })) => {
                tracing::warn!(%what, "a commit was not answered; looking for its requests");
                forget(&mut mine);
                *unknown = true;
            }
            Err(EngineError::Store(StoreError::Fatal { what })) => {
                forget(&mut mine);
                shared.stop(Stopped::Disk { what });
                return Err(EngineError::OutcomeUnknown);
            }
            Err(EngineError::Store(StoreError::Unavailable { what })) => {
                tracing::warn!(%what, attempt, "the store is unavailable");
                metrics::retried();
                tokio::time::sleep(Duration::from_millis(10 << attempt.min(6))).await;
            }
            // One command's poison must not spoil its neighbours.
            Err(
                error @ (EngineError::Store(_)
                | EngineError::Unstorable(_)
                | EngineError::Vault(_)
                | EngineError::Endless),
            ) => {
                forget(&mut mine);
                if jobs.len() > 1 {
                    return Ok(None);
                }
                // Facts that came in while somebody else wrote may fit no single head. Under the lock they do, and only from
                // there is it told that a command cannot be written.
                if !locked {
                    lost = true;
                    continue;
                }
                tracing::error!(%error, "a command cannot be decided");
                return Err(error);
            }
            Err(
                error @ (EngineError::Stopped(_)
                | EngineError::Busy(_)
                | EngineError::Full(_)
                | EngineError::OutcomeUnknown),
            ) => return Err(error),
            Err(
                error @ (EngineError::Refused(_)
                | EngineError::GroupRefused { .. }
                | EngineError::RequestReused),
            ) => return Err(error),
        }
    }
    Err(EngineError::Busy(
        "the database did not take the transaction",
    ))
}

fn discard(cells: &mut Cells<'_>) -> Result<(), EngineError> {
    cells.values_mut().try_for_each(|cell| cell.discard())
}

fn forget(cells: &mut Cells<'_>) {
    cells.values_mut().for_each(|cell| cell.forget());
}

/// Decides without a lock; the guard in the transaction, or the heads read again, say whether it still holds.
async fn try_open(
    shared: &Shared,
    jobs: &[Job],
    cells: &mut Cells<'_>,
    laps: &mut Laps,
) -> Result<Tried, EngineError> {
    let mut reads = shared.store.deciding().await?;
    let now = shared.clock.now();
    let mut attempt = Attempt::new(&mut reads, cells, &shared.people, now, laps);
    let verdicts = attempt.decide(jobs).await?;
    if attempt.collides() && jobs.len() > 1 {
        return Ok(Tried::Split);
    }
    let Some(mut commit) = attempt.commit()? else {
        laps.enter(Stage::Facts);
        return still_stands(&mut reads, cells, verdicts).await;
    };
    laps.enter(Stage::Sql);
    shared.people.keep(jobs, &verdicts).await?;
    laps.hand_over(&mut commit);
    let started = std::time::Instant::now();
    let span = tracing::info_span!("commit", batch.size = jobs.len());
    let outcome = shared
        .store
        .commit_after(reads, commit)
        .instrument(span)
        .await?;
    metrics::committed(started.elapsed(), jobs.len());
    laps.enter(Stage::Facts);
    finish(cells, outcome, verdicts)
}

/// Locks the heads first and decides under the lock: after lost guards, and after a commit that was not answered. What is cached
/// under a head that still stands is kept.
async fn try_locked(
    shared: &Shared,
    jobs: &[Job],
    cells: &mut Cells<'_>,
    laps: &mut Laps,
) -> Result<Tried, EngineError> {
    let regions: Vec<String> = cells.keys().map(ToString::to_string).collect();
    let mut locked = shared.store.locked(&regions).await?;
    let heads = locked.heads(&regions).await?;
    for cell in cells.values_mut() {
        let head = heads
            .iter()
            .find(|head| head.region == cell.region.as_str());
        if !cell.stands(head) {
            cell.take_head(head.cloned())?;
        }
    }
    let now = shared.clock.now();
    let mut attempt = Attempt::new(&mut locked, cells, &shared.people, now, laps);
    let verdicts = attempt.decide(jobs).await?;
    let Some(mut commit) = attempt.commit()? else {
        cells.values_mut().for_each(|cell| cell.settle(None));
        return Ok(Tried::Done(verdicts));
    };
    laps.enter(Stage::Sql);
    shared.people.keep(jobs, &verdicts).await?;
    laps.hand_over(&mut commit);
    let outcome = locked.commit(commit).await?;
    laps.enter(Stage::Facts);
    finish(cells, outcome, verdicts)
}

/// A batch that writes nothing is answered only if its heads are still the ones that it was decided on.
async fn still_stands(
    reads: &mut hefu_store::Reads,
    cells: &mut Cells<'_>,
    verdicts: Vec<Verdict>,
) -> Result<Tried, EngineError> {
    let regions: Vec<String> = cells.keys().map(ToString::to_string).collect();
    let now = reads.heads(&regions).await?;
    let mut stands = true;
    for cell in cells.values_mut() {
        let head = now.iter().find(|head| head.region == cell.region.as_str());
        if cell.stands(head) {
            cell.settle(None);
        } else {
            cell.forget();
            stands = false;
        }
    }
    Ok(if stands {
        Tried::Done(verdicts)
    } else {
        Tried::Lost
    })
}

fn finish(
    cells: &mut Cells<'_>,
    outcome: Outcome,
    verdicts: Vec<Verdict>,
) -> Result<Tried, EngineError> {
    match outcome {
        Outcome::Committed => {
            for cell in cells.values_mut() {
                let next = cell.writes().then(|| cell.next_head());
                cell.settle(next);
            }
            Ok(Tried::Done(verdicts))
        }
        Outcome::GuardLost(regions) => {
            metrics::guard_lost();
            for cell in cells
                .values_mut()
                .filter(|cell| regions.iter().any(|region| region == cell.region.as_str()))
            {
                cell.forget();
            }
            Ok(Tried::Lost)
        }
        // Another region took it in between, or another process did this very request: what was read is old.
        Outcome::NullifierTaken(_) => Ok(Tried::Split),
        Outcome::RequestExists(_) | Outcome::TagTaken(_) => {
            forget(cells);
            Ok(Tried::Lost)
        }
    }
}

/// See [`crate::Engine::inspect`].
pub(crate) async fn inspect<T>(
    shared: &Shared,
    region: &Region,
    ask: impl Fn(&World, Instant) -> Result<T, Stop>,
) -> Result<Result<T, Stop>, EngineError> {
    for _ in 0..MOST_ATTEMPTS {
        let mut reads = shared.store.deciding().await?;
        let mut cell = Cell::new(region.clone(), 0);
        let mut cells: Cells = BTreeMap::from([(region.clone(), &mut cell)]);
        let (now, mut laps) = (shared.clock.now(), Laps::default());
        let mut attempt = Attempt::new(&mut reads, &mut cells, &shared.people, now, &mut laps);
        let answer = attempt.inspect(region, &ask).await?;
        if let Tried::Done(_) = still_stands(&mut reads, &mut cells, Vec::new()).await? {
            return Ok(answer);
        }
    }
    Err(EngineError::Busy(
        "the region is written faster than it can be read",
    ))
}

/// See [`crate::Engine::token`].
pub(crate) async fn token(
    shared: &Shared,
    region: &Region,
    by: &CredentialId,
    event: &Event,
) -> Result<String, EngineError> {
    let handed_out = |world: &World, at| {
        hefu_domain::handed_out(world, by, event, at).map(|(id, voucher)| (id, voucher.clone()))
    };
    let (id, voucher) = match inspect(shared, region, handed_out).await? {
        Ok(found) => found,
        Err(Stop::Refused(refusals)) => return Err(EngineError::Refused(refusals)),
        Err(Stop::Missing(_)) => return Err(EngineError::Endless),
    };
    let dead = || match Stop::from(Code::TokenDead) {
        Stop::Refused(refusals) => EngineError::Refused(refusals),
        Stop::Missing(_) => EngineError::Endless,
    };
    let token = voucher.token.as_ref().ok_or_else(dead)?;
    let place = voucher.place.ok_or_else(dead)?;
    let mut reads = shared.store.deciding().await?;
    let opened = shared
        .people
        .identities(&mut reads, &[(region.clone(), voucher.person)])
        .await?;
    let identity = opened
        .get(&(region.clone(), voucher.person))
        .ok_or_else(dead)?;
    let claims = shared.people.claims(
        region,
        id,
        voucher.person,
        identity,
        voucher.programme,
        token,
        voucher.token_serial,
        place,
    );
    let signed = shared.people.tokens().sign_by_each(&claims);
    signed
        .into_iter()
        .find(|signed| hefu_token::token_hash(signed) == token.hash)
        .ok_or_else(dead)
}

/// See [`crate::Engine::revealed`].
pub(crate) async fn revealed(
    shared: &Shared,
    region: &Region,
    by: &CredentialId,
    event: &PersonRevealed,
) -> Result<PersonRecord, EngineError> {
    let person = |world: &World, at| hefu_domain::revealed(world, by, event, at);
    let person = match inspect(shared, region, person).await? {
        Ok(person) => person,
        Err(Stop::Refused(refusals)) => return Err(EngineError::Refused(refusals)),
        Err(Stop::Missing(_)) => return Err(EngineError::Endless),
    };
    let place = (region.clone(), person);
    let mut reads = shared.store.deciding().await?;
    let asked = std::slice::from_ref(&place);
    let mut records = shared.people.records(&mut reads, asked).await?;
    let lost = || EngineError::Vault("no record of the person is kept".to_owned());
    records.remove(&place).ok_or_else(lost)
}

/// Compares the machine's clock with the database's now and then.
pub(crate) async fn watch_clock(shared: Weak<Shared>) {
    let mut every = tokio::time::interval(Duration::from_secs(10));
    loop {
        every.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        if let Err(EngineError::Stopped(_)) = shared.compare_clocks().await {
            return;
        }
    }
}
