//! Verifying exported logs as a stranger would who trusts nobody: every byte of every region and epoch, from the keys
//! that they brought along to the last event.
//!
//! The invariant: nothing that is read vouches for itself. What a checkpoint, a tile, a fork, a city's record or a head
//! row says is held against what the entries give, and the checkpoint against a key from outside; the first place that
//! fails is named with its check. Memory holds a few bundles, one hash for 256 events, and the heads of some streams.

mod between;
mod bundle;
mod check;
mod follow;
mod keys;
mod log;
mod region;
mod report;
mod streams;
mod tree;
mod walk;
mod witnessed;

use std::io;

use hefu_domain::Region;
use hefu_log::{Checkpoint, Frontier, Hash, LogError, Origin};

pub use between::{Between, Change};
pub use check::{Check, Failure};
pub use follow::Follow;
pub use keys::Keys;
pub use report::{Fork, Report, Seen};
pub use witnessed::Witnesses;

use check::Stop;
use keys::LogKeys;
use log::{Log, Said};
use region::{Epoch, Means, Recorded, Verified};

use crate::Files;

/// What a log is verified with.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose signatures count.
    pub keys: Keys,
    /// Checkpoints from before, that today's logs must extend.
    pub since: Vec<Older>,
    /// Only these regions; all, if there are none.
    pub regions: Vec<Region>,
    /// Whether the files may be a copy of some regions only. Otherwise a log that a key was brought along for must be here.
    pub partial: bool,
    /// Whose cosignatures count, and how many of a log's checkpoint are required.
    pub witnesses: Witnesses,
    /// How many threads check bundles.
    pub threads: usize,
    /// Of how many streams a region's walk holds the heads in memory; what more there are it follows in temporary files.
    pub streams: usize,
}

impl Asked {
    /// Everything that is there, with these keys.
    pub fn all(keys: Keys) -> Self {
        Self {
            keys,
            since: Vec::new(),
            regions: Vec::new(),
            partial: false,
            witnesses: Witnesses::default(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            streams: streams::MOST,
        }
    }
}

/// A checkpoint that somebody kept. Its signature is looked at when the log's keys are known.
#[derive(Clone, Debug)]
pub struct Older(Said);

impl Older {
    /// Reads a signed checkpoint.
    ///
    /// # Errors
    /// `Checkpoint` if it is none.
    pub fn parse(note: &str) -> Result<Self, LogError> {
        Said::parse(note.as_bytes())
            .map(Self)
            .ok_or(LogError::Checkpoint("not a signed checkpoint"))
    }

    /// What it says.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.0.checkpoint
    }
}

/// A region's head row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Whose log.
    pub region: Region,
    /// Its epoch.
    pub epoch: u64,
    /// Events.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Right edge of the tree; absent if the row's is none.
    pub frontier: Option<Frontier>,
    /// The first event row that belongs to none of the region's logs: its epoch and index.
    pub stray: Option<(u64, u64)>,
}

/// Why a region is not verified.
enum Unverified {
    Failed(Failure),
    Unread(io::Error),
}

/// No head rows: only a database has them.
///
/// # Errors
/// None.
pub fn no_heads() -> io::Result<Vec<Head>> {
    Ok(Vec::new())
}

/// Verifies logs. `heads` is asked for a database's head rows when the checkpoints have been read, so that a log which
/// is being written to is never behind what was signed of it. `begin` gives each region what goes along with it, and
/// `end` takes it back if the region held.
///
/// # Errors
/// Only what kept the files from being read, or a region that has none: `NotFound`. What a log fails is in the report.
pub fn verify<F: Follow>(
    files: &dyn Files,
    asked: &Asked,
    heads: &dyn Fn() -> io::Result<Vec<Head>>,
    begin: impl Fn(&Region) -> F,
    mut end: impl FnMut(&Region, F),
) -> io::Result<Report> {
    let mut report = Report {
        verified: false,
        key_from_outside: asked.keys.are_from_outside(),
        regions: 0,
        events: 0,
        forks: Vec::new(),
        witnesses: Vec::new(),
        second_signatures: 0,
        failure: None,
        missing: Vec::new(),
        logs: Vec::new(),
        unseen: 0,
    };
    let begin_end = (
        &begin as &dyn Fn(&Region) -> F,
        &mut end as &mut dyn FnMut(&Region, F),
    );
    match all(files, asked, heads, begin_end, &mut report) {
        Ok(()) => report.verified = report.key_from_outside,
        Err(Unverified::Failed(failure)) => report.failure = Some(failure),
        Err(Unverified::Unread(error)) => return Err(error),
    }
    Ok(report)
}

/// What gives each region its companion, and what takes it back.
type Companions<'a, F> = (&'a dyn Fn(&Region) -> F, &'a mut dyn FnMut(&Region, F));

fn all<F: Follow>(
    files: &dyn Files,
    asked: &Asked,
    heads: &dyn Fn() -> io::Result<Vec<Head>>,
    (begin, end): Companions<'_, F>,
    report: &mut Report,
) -> Result<(), Unverified> {
    // A city's checkpoint is read before its counties', whose codes follow it: whatever the city recorded, the counties
    // have it, even where they are being written to meanwhile.
    let mut regions = Vec::new();
    for region in chosen(files, asked)? {
        let note = Log::said(files, &region, None)?;
        regions.push((region, note));
    }
    let heads = heads()?;
    none_is_hidden(&heads, asked, &regions)?;
    let mut held: Vec<Held<'_>> = Vec::new();
    for (region, note) in regions {
        let means = Means {
            keys: &asked.keys,
            threads: asked.threads,
            streams: asked.streams,
            head: heads.iter().find(|head| head.region == region),
            witnesses: &asked.witnesses,
        };
        let verified = region::verify(files, &region, note, &means, begin(&region))?;
        if let Some((epoch, index)) = means.head.and_then(|head| head.stray) {
            let stop = Stop::Failed(index, Check::Beyond);
            return Err(region::unverified(&region, epoch, stop));
        }
        for older in &asked.since {
            since(&region, &verified, older)?;
        }
        report.regions += 1;
        report.events += verified
            .epochs
            .iter()
            .map(|epoch| epoch.tree.size())
            .sum::<u64>();
        report.forks.extend(verified.forks);
        let signed = verified.seen.words.iter().map(|word| word.witness.clone());
        report.witnesses.extend(signed);
        report.second_signatures += u64::from(verified.seen.second.is_some());
        report.logs.push(verified.seen);
        end(&region, verified.follower);
        held.push(Held {
            region,
            epochs: verified.epochs,
            keys: verified.keys,
            recorded: verified.recorded,
        });
    }
    report.witnesses.sort();
    report.witnesses.dedup();
    for fork in &mut report.forks {
        let origins = asked
            .since
            .iter()
            .map(|Older(said)| &said.checkpoint.origin);
        let mut of_region = origins.filter(|origin| origin.region() == fork.region.as_str());
        fork.seen = of_region.any(|origin| origin.epoch() >= fork.epoch);
    }
    recorded(&held, &mut report.unseen)?;
    report.missing = missing(asked, &held);
    match report.missing.first() {
        Some(region) if !asked.partial => {
            let stop = Stop::Failed(0, Check::Missing);
            Err(region::unverified(region, 0, stop))
        }
        Some(_) | None => Ok(()),
    }
}

/// A region whose log held, for what others say of it.
struct Held<'f> {
    region: Region,
    epochs: Vec<Epoch<'f>>,
    keys: Vec<LogKeys>,
    recorded: Vec<Recorded>,
}

impl From<io::Error> for Unverified {
    fn from(error: io::Error) -> Self {
        Self::Unread(error)
    }
}

/// The regions to verify. A checkpoint from before, of a region without a log, is of one that was hidden.
fn chosen(files: &dyn Files, asked: &Asked) -> Result<Vec<Region>, Unverified> {
    let mut regions = files.regions()?;
    regions.sort();
    // A listing that names one twice would count it twice.
    regions.dedup();
    let none = |what: String| Unverified::Unread(io::Error::new(io::ErrorKind::NotFound, what));
    let missing = |region: &&Region| !regions.contains(region);
    if let Some(region) = asked.regions.iter().find(missing) {
        return Err(none(format!("no log of region {region} is here")));
    }
    if !asked.regions.is_empty() {
        regions.retain(|region| asked.regions.contains(region));
    }
    for Older(said) in &asked.since {
        let origin = &said.checkpoint.origin;
        if (regions.iter()).any(|region| region.as_str() == origin.region()) {
            continue;
        }
        let region: Result<Region, _> = origin.region().parse();
        let region = region.map_err(|_| none(format!("{origin} names no region")))?;
        if !asked.regions.is_empty() && !asked.regions.contains(&region) {
            let what =
                format!("the older checkpoint of {origin} is of no region that is asked for");
            return Err(none(what));
        }
        let stop = Stop::Failed(said.checkpoint.size, Check::Since);
        return Err(region::unverified(&region, origin.epoch(), stop));
    }
    match regions.is_empty() {
        true => Err(none("no region's log is here".to_owned())),
        false => Ok(regions),
    }
}

/// Whether every head row has a log.
fn none_is_hidden(
    heads: &[Head],
    asked: &Asked,
    regions: &[(Region, Option<Vec<u8>>)],
) -> Result<(), Unverified> {
    let hidden = |head: &&Head| {
        let wanted = asked.regions.is_empty() || asked.regions.contains(&head.region);
        wanted && !regions.iter().any(|(region, _)| *region == head.region)
    };
    match heads.iter().find(hidden) {
        Some(head) => {
            let stop = Stop::Failed(head.size, Check::Head);
            Err(region::unverified(&head.region, head.epoch, stop))
        }
        None => Ok(()),
    }
}

/// The logs of this deployment that a key was brought along for and that are not here, if all of them were asked for.
fn missing(asked: &Asked, held: &[Held<'_>]) -> Vec<Region> {
    if !asked.keys.are_from_outside() || !asked.regions.is_empty() {
        return Vec::new();
    }
    let away = |named: &&Origin| {
        let same = |of: &Held<'_>| {
            of.keys
                .iter()
                .any(|keys| keys.deployment() == named.deployment())
        };
        held.iter().any(same) && !held.iter().any(|of| of.region.as_str() == named.region())
    };
    let origins: Vec<Origin> = asked.keys.origins().collect();
    let away = origins.iter().filter(away);
    let mut regions: Vec<Region> = away
        .filter_map(|named| named.region().parse().ok())
        .collect();
    regions.sort();
    regions.dedup();
    regions
}

/// Holds a checkpoint from before against the region's logs.
fn since<F>(
    region: &Region,
    verified: &Verified<'_, F>,
    Older(said): &Older,
) -> Result<(), Unverified> {
    let old = &said.checkpoint;
    if old.origin.region() != region.as_str() {
        return Ok(());
    }
    let failed =
        |check| region::unverified(region, old.origin.epoch(), Stop::Failed(old.size, check));
    let epochs = verified.epochs.iter().zip(&verified.keys);
    let found = epochs
        .into_iter()
        .find(|(epoch, _)| epoch.log.epoch == old.origin.epoch());
    let Some((epoch, keys)) = found else {
        return Err(failed(Check::Since));
    };
    if !keys.are_of(&old.origin) {
        return Err(failed(Check::Origin));
    }
    keys.check(&said.note, old.size).map_err(failed)?;
    // A fork may have lost events that were signed: then this log does not extend that checkpoint, whoever accepted it.
    let root = match old.size <= epoch.tree.size() {
        true => epoch.tree.root_at(old.size, &epoch.log),
        false => return Err(failed(Check::Since)),
    };
    match root {
        Ok(root) if root == old.root => Ok(()),
        Ok(_) => Err(failed(Check::Since)),
        Err(stop) => Err(region::unverified(region, epoch.log.epoch, stop)),
    }
}

/// Holds what cities recorded against the logs of which they did, and counts what cannot be told any more.
fn recorded(held: &[Held<'_>], unseen: &mut u64) -> Result<(), Unverified> {
    for city in held {
        for record in &city.recorded {
            let lie = || {
                let stop = Stop::Failed(record.index, Check::Recorded);
                region::unverified(&city.region, record.epoch, stop)
            };
            let of = held.iter().find(|of| of.region == record.tree.region);
            let epoch = of.and_then(|of| {
                (of.epochs.iter()).find(|epoch| epoch.log.epoch == record.tree.epoch)
            });
            let Some(epoch) = epoch else {
                *unseen += 1;
                continue;
            };
            match epoch.agrees(record.tree.size, Hash(record.tree.root.0)) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return Err(lie()),
                Ok(None) => *unseen += 1,
                Err(stop) => {
                    return Err(region::unverified(&epoch.log.region, epoch.log.epoch, stop));
                }
            }
        }
    }
    Ok(())
}
