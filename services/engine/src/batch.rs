//! One attempt at a batch: facts in, each command decided in order over the overlay, one transaction out.
//!
//! Nothing here answers anybody: verdicts leave only when the transaction, or the heads read again, say that what they were
//! decided on still stands.

mod facts;

use std::collections::{BTreeMap, HashMap};

use hefu_domain::command::Act;
use hefu_domain::{
    Command, Digest, Event, Instant, Need, Occupation, PersonId, Refusals, Region, Stop, Tag,
};
use hefu_log::Opened;
use hefu_store::{Commit, EventRow, Nullifier, Reads, RequestKey};
use hefu_vault::{Identity, Owner};

use crate::cell::{Asked, Cell, HeadRead};
use crate::error::EngineError;
use crate::people::{self, People, Sealed};
use crate::stages::{Laps, Stage};
use crate::{Answer, Job, MOST_GROUP_EVENTS, Recorded};
use facts::Unknown;

/// How often a rule may ask for a missing fact before we call it a defect of ours.
const MOST_ASKS: usize = 4_000;

/// An event's ordinal within its request is `item << ITEM_BITS | number`, so that a repeated group's answer can be taken apart again.
const ITEM_BITS: u32 = 16;

/// The regions of a batch, in region order, which is the order of locks.
pub(crate) type Cells<'a> = BTreeMap<Region, &'a mut Cell>;

/// What was decided about one job, not yet told.
pub(crate) type Verdict = Result<Answer, EngineError>;

/// One attempt.
pub(crate) struct Attempt<'a, 'c> {
    pub(crate) reads: &'a mut Reads,
    pub(crate) cells: &'a mut Cells<'c>,
    pub(crate) people: &'a People,
    pub(crate) now: Instant,
    pub(crate) laps: &'a mut Laps,
    done: HashMap<RequestKey, Vec<EventRow>>,
    recorded: HashMap<RequestKey, (Vec<u8>, Recorded)>,
    identities: HashMap<(Region, PersonId), Identity>,
    /// Sealed occupations that were looked for, with what stands behind them.
    occupations: HashMap<(Region, Digest), Option<Occupation>>,
    secrets: Vec<Sealed>,
    erased: Vec<Owner>,
}

impl<'a, 'c> Attempt<'a, 'c> {
    pub(crate) fn new(
        reads: &'a mut Reads,
        cells: &'a mut Cells<'c>,
        people: &'a People,
        now: Instant,
        laps: &'a mut Laps,
    ) -> Attempt<'a, 'c> {
        let (done, recorded, identities, occupations, secrets, erased) = Default::default();
        Attempt {
            reads,
            cells,
            people,
            now,
            laps,
            done,
            recorded,
            identities,
            occupations,
            secrets,
            erased,
        }
    }

    /// Decides every job. The overlay, the log's edge and the secrets to store are then what [`Attempt::commit`] writes.
    pub(crate) async fn decide(&mut self, jobs: &[Job]) -> Result<Vec<Verdict>, EngineError> {
        self.laps.enter(Stage::Facts);
        self.read_heads().await?;
        self.prefetch(jobs).await?;
        self.read_requests(jobs).await?;
        self.laps.enter(Stage::Decide);
        let mut verdicts = Vec::with_capacity(jobs.len());
        for job in jobs {
            // An error may have come between a command's changes and their events: it ends the attempt, so that half a command
            // can never be written with its neighbours.
            verdicts.push(self.job(job).await?);
        }
        Ok(verdicts)
    }

    fn request_key(&self, job: &Job) -> Option<RequestKey> {
        let command = job.commands.first()?;
        let cell = self.cells.get(&command.region)?;
        let caller = hefu_domain::subject(&cell.world, &command.by).ok()?;
        Some(RequestKey {
            region: command.region.to_string(),
            caller,
            request: command.request.to_string(),
        })
    }

    async fn job(&mut self, job: &Job) -> Result<Verdict, EngineError> {
        let Some(first) = job.commands.first() else {
            return Err(EngineError::Endless);
        };
        let key = self.request_key(job).ok_or(EngineError::Endless)?;
        if !job.dry {
            if let Some((digest, recorded)) = self.recorded.get(&key) {
                return Ok(if *digest == first.digest.0 {
                    Ok(Answer::Recorded(recorded.clone()))
                } else {
                    Err(EngineError::RequestReused)
                });
            }
            if let Some(rows) = self.done.get(&key) {
                return replayed(first, rows);
            }
        }
        // What was done before stays done, so it is told above; a cut-off commit may have been the last before the bar.
        let barred = job
            .regions()
            .find_map(|region| self.cells.get(region)?.barred());
        if let Some(why) = barred {
            return Ok(Err(EngineError::Stopped(why)));
        }
        let verdict = self.decide_group(job, &key.caller).await?;
        if let Ok(Answer::Recorded(recorded)) = &verdict {
            self.recorded
                .insert(key, (first.digest.0.to_vec(), recorded.clone()));
            let sealed = job.secrets.iter().map(|secret| secret.sealed.clone());
            self.secrets.extend(sealed);
            self.erased.extend(people::erased_by(recorded));
        }
        Ok(verdict)
    }

    /// Decides a job's commands one after the other; all of them go through, or none.
    async fn decide_group(&mut self, job: &Job, caller: &str) -> Result<Verdict, EngineError> {
        let grouped = job.commands.len() > 1 || job.dry;
        let before = if grouped {
            job.regions()
                .filter_map(|r| Some((r.clone(), self.cells.get(r)?.before())))
                .collect()
        } else {
            Vec::new()
        };
        let mut recorded: Option<Recorded> = None;
        for (item, command) in job.commands.iter().enumerate() {
            match self
                .decide_one(command, caller, job, item << ITEM_BITS)
                .await?
            {
                Ok(part) => match &mut recorded {
                    Some(whole) => {
                        whole.events.extend(part.events);
                        whole.parts.extend(part.parts);
                    }
                    None => recorded = Some(part),
                },
                Err(refusals) => {
                    self.undo(before)?;
                    return Ok(Err(if job.commands.len() > 1 {
                        EngineError::GroupRefused { item, refusals }
                    } else {
                        EngineError::Refused(refusals)
                    }));
                }
            }
        }
        let Some(recorded) = recorded else {
            return Err(EngineError::Endless);
        };
        if recorded.parts.len() > 1 && recorded.events.len() > MOST_GROUP_EVENTS {
            self.undo(before)?;
            return Ok(Err(EngineError::Unstorable(format!(
                "a group makes at most {MOST_GROUP_EVENTS} events"
            ))));
        }
        if job.dry {
            self.undo(before)?;
            return Ok(Ok(Answer::Dry(recorded)));
        }
        Ok(Ok(Answer::Recorded(recorded)))
    }

    fn undo(&mut self, before: Vec<(Region, crate::cell::Before)>) -> Result<(), EngineError> {
        for (region, before) in before {
            if let Some(cell) = self.cells.get_mut(&region) {
                cell.back_to(before)?;
            }
        }
        Ok(())
    }

    async fn decide_one(
        &mut self,
        command: &Command,
        caller: &str,
        job: &Job,
        ordinal: usize,
    ) -> Result<Result<Recorded, Refusals>, EngineError> {
        let at = job
            .regions()
            .filter_map(|r| self.cells.get(r))
            .map(|cell| cell.instant(self.now))
            .max()
            .unwrap_or(self.now);
        let (mut events, other) = match self.ask(command, job, at).await? {
            Ok(decided) => decided,
            Err(refusals) => return Ok(Err(refusals)),
        };
        self.sign(command, &mut events).await?;
        self.apply(&command.region, &events, at).await?;
        self.laps.enter(Stage::Encode);
        let cell = self
            .cells
            .get_mut(&command.region)
            .ok_or(EngineError::Endless)?;
        let asked = Asked {
            caller,
            numbered: true,
            request: command.request.as_str(),
            digest: &command.digest,
        };
        let (epoch, first_index) = cell.append(&events, &asked, at, ordinal)?;
        if let (Some(region), Some(other)) = (command.act.other_region(), other) {
            self.apply(region, &other, at).await?;
            let own = format!("region/{}", command.region);
            let asked = Asked {
                caller: &own,
                numbered: false,
                request: command.request.as_str(),
                digest: &command.digest,
            };
            self.cells
                .get_mut(region)
                .ok_or(EngineError::Endless)?
                .append(&other, &asked, at, 0)?;
        }
        if let Act::RegisterPerson(act) = &command.act
            && let Some(cell) = self.cells.get_mut(&command.region)
        {
            cell.world.take_identity(act.tag, act.person);
        }
        self.laps.enter(Stage::Decide);
        let parts = vec![events.len()];
        Ok(Ok(Recorded {
            region: command.region.clone(),
            at,
            epoch,
            first_index,
            events,
            parts,
        }))
    }

    /// Asks the domain, bringing in what it misses until it has its answer.
    #[allow(clippy::type_complexity)]
    async fn ask(
        &mut self,
        command: &Command,
        job: &Job,
        at: Instant,
    ) -> Result<Result<(Vec<Event>, Option<Vec<Event>>), Refusals>, EngineError> {
        for _ in 0..MOST_ASKS {
            let need = {
                let cell = self
                    .cells
                    .get_mut(&command.region)
                    .ok_or(EngineError::Endless)?;
                cell.world.set_blind(job.dry);
                let decided = match command.act.other_region() {
                    Some(other) => {
                        let (own, other) =
                            match (self.cells.get(&command.region), self.cells.get(other)) {
                                (Some(own), Some(other)) => (&own.world, &other.world),
                                _ => return Err(EngineError::Endless),
                            };
                        hefu_domain::decide_both(own, other, command, at)
                            .map(|(events, others)| (events, Some(others)))
                    }
                    None => hefu_domain::decide(&self.cells[&command.region].world, command, at)
                        .map(|events| (events, None)),
                };
                if let Some(cell) = self.cells.get_mut(&command.region) {
                    cell.world.set_blind(false);
                }
                match decided {
                    Ok(decided) => return Ok(Ok(decided)),
                    Err(Stop::Refused(refusals)) => return Ok(Err(refusals)),
                    Err(Stop::Missing(need)) => need,
                }
            };
            let region = self.misses(command, &need);
            self.bring(vec![(region, need)], Unknown::Refused).await?;
        }
        Err(EngineError::Endless)
    }

    /// In which of a command's regions a need is still unmet.
    fn misses(&self, command: &Command, need: &Need) -> Region {
        match command.act.other_region() {
            Some(other)
                if self
                    .cells
                    .get(&command.region)
                    .is_some_and(|cell| cell.world.knows(need)) =>
            {
                other.clone()
            }
            _ => command.region.clone(),
        }
    }

    /// Applies a command's events to the overlay, bringing in what they touch, and the rows of their streams and the policy that their
    /// envelopes name.
    async fn apply(
        &mut self,
        region: &Region,
        events: &[Event],
        at: Instant,
    ) -> Result<(), EngineError> {
        let mut applied = false;
        for _ in 0..MOST_ASKS {
            let cell = self.cells.get_mut(region).ok_or(EngineError::Endless)?;
            let missing = if applied {
                events.iter().map(Event::stream).find_map(|stream| {
                    let row = cell.world.get(&stream).err();
                    row.or_else(|| cell.world.policy_version(&stream, at).err())
                })
            } else {
                cell.world.apply(events, at).err()
            };
            match missing {
                None if applied => return Ok(()),
                None => applied = true,
                Some(Stop::Missing(need)) => {
                    self.bring(vec![(region.clone(), need)], Unknown::Refused)
                        .await?
                }
                Some(Stop::Refused(refusals)) => {
                    return Err(EngineError::Unstorable(format!(
                        "an accepted event cannot be applied: {refusals}"
                    )));
                }
            }
        }
        Err(EngineError::Endless)
    }

    /// Answers a question over one region's facts; nullifiers read as free, for they are other regions' knowledge.
    pub(crate) async fn inspect<T>(
        &mut self,
        region: &Region,
        ask: &impl Fn(&hefu_domain::World, Instant) -> Result<T, Stop>,
    ) -> Result<Result<T, Stop>, EngineError> {
        self.read_heads().await?;
        for _ in 0..MOST_ASKS {
            let cell = self.cells.get_mut(region).ok_or(EngineError::Endless)?;
            cell.world.set_blind(true);
            match ask(&cell.world, cell.instant(self.now)) {
                Err(Stop::Missing(need)) => {
                    self.bring(vec![(region.clone(), need)], Unknown::Refused)
                        .await?
                }
                answer => return Ok(answer),
            }
        }
        Err(EngineError::Endless)
    }

    /// Signs the tokens of a command's events: what `decide` cannot know, added before the bytes are made.
    async fn sign(&mut self, command: &Command, events: &mut [Event]) -> Result<(), EngineError> {
        for event in events {
            let (voucher, token, serial, place) = match event {
                Event::Issued(e) => (e.voucher, &mut e.token, e.serial, e.place),
                Event::TokenReissued(e) => (e.voucher, &mut e.token, e.serial, e.place),
                _ => continue,
            };
            let (person, programme) = {
                let cell = self
                    .cells
                    .get(&command.region)
                    .ok_or(EngineError::Endless)?;
                let voucher = cell
                    .world
                    .voucher(&voucher)
                    .map_err(|_| EngineError::Endless)?;
                (voucher.person, voucher.programme)
            };
            self.open_identities(vec![(command.region.clone(), person)])
                .await?;
            let identity = self
                .identities
                .get(&(command.region.clone(), person))
                .ok_or_else(|| EngineError::Vault("no identity on record".to_owned()))?;
            let claims = self.people.claims(
                &command.region,
                voucher,
                person,
                identity,
                programme,
                token,
                serial,
                place,
            );
            self.laps.enter(Stage::Encode);
            let signed = self.people.tokens().sign(&claims).ok_or_else(|| {
                EngineError::Vault("this process holds no key that signs tokens".to_owned())
            })?;
            token.hash = hefu_token::token_hash(&signed);
            self.laps.enter(Stage::Decide);
        }
        Ok(())
    }

    /// The transaction of this attempt; `None` when nothing is to be written.
    pub(crate) fn commit(&mut self) -> Result<Option<Commit>, EngineError> {
        self.laps.enter(Stage::Encode);
        let mut commit = Commit::default();
        for secret in std::mem::take(&mut self.secrets) {
            match secret {
                Sealed::Person(secret) => commit.secrets.push(secret),
                Sealed::Committed(secret) => commit.committed.push(secret),
            }
        }
        commit.erased = people::ciphertexts(&self.erased);
        for cell in self.cells.values() {
            match &cell.head {
                _ if cell.writes() => commit.regions.push(cell.commit()?),
                HeadRead::Read(head) => commit.check.push(head.clone()),
                HeadRead::Absent => commit.absent.push(cell.region.to_string()),
                HeadRead::Unread => {}
            }
            for (tag, before, after) in cell.world.nullifiers_changed() {
                commit
                    .frees
                    .extend(before.map(|holder| nullifier(tag, holder)));
                commit
                    .takes
                    .extend(after.map(|holder| nullifier(tag, holder)));
            }
        }
        Ok((!commit.regions.is_empty()).then_some(commit))
    }

    /// Whether two regions of this batch take the same nullifier, or somebody is erased whose lookup tag the store still has while the
    /// others are decided: then they must be decided one after the other.
    pub(crate) fn collides(&self) -> bool {
        let mut seen = HashMap::new();
        !self.erased.is_empty()
            || self.cells.values().any(|cell| {
                cell.world.nullifiers_changed().iter().any(|(tag, ..)| {
                    seen.insert(*tag, &cell.region)
                        .is_some_and(|other| *other != cell.region)
                })
            })
    }
}

fn nullifier(tag: Tag, holder: &hefu_domain::Holder) -> Nullifier {
    Nullifier {
        tag: tag.0,
        region: holder.region.to_string(),
        voucher: holder.voucher.to_string(),
    }
}

/// The answer to a request that was done before, from its own events.
fn replayed(command: &Command, rows: &[EventRow]) -> Result<Verdict, EngineError> {
    let Some(first) = rows.first() else {
        return Err(EngineError::Endless);
    };
    if first.digest != command.digest.0 {
        return Ok(Err(EngineError::RequestReused));
    }
    let events = rows.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
    let parts = rows
        .chunk_by(|a, b| a.ordinal >> ITEM_BITS == b.ordinal >> ITEM_BITS)
        .map(<[EventRow]>::len)
        .collect();
    Ok(Ok(Answer::Recorded(Recorded {
        region: command.region.clone(),
        at: Instant(first.at_ms),
        epoch: first.epoch,
        first_index: first.idx,
        events,
        parts,
    })))
}

/// Reads a stored event back.
pub fn decode(row: &EventRow) -> Result<Event, EngineError> {
    let corrupt = || {
        EngineError::Store(hefu_store::StoreError::Corrupt {
            table: "event",
            column: "bytes",
            key: format!("{}/{}", row.region, row.idx),
        })
    };
    let opened: Opened = Opened::decode(&row.bytes).map_err(|_| corrupt())?;
    match Event::decode(&opened.kind, opened.body.get()) {
        Some(Ok(event)) => Ok(event),
        Some(Err(_)) | None => Err(corrupt()),
    }
}
