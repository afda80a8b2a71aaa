//! One region: its epochs in order, each log walked over and held against what was signed and said of it. The
//! invariant: what a log says of the one before is believed only as far as the one before bears it out.

use hefu_domain::Region;
use hefu_domain::event::{ForkAccepted, RegionTree};
use hefu_domain::state::RegionState;
use hefu_log::{Hash, Origin, View};

use super::bundle::Told;
use super::check::{Check, Failure, Stop};
use super::follow::Follow;
use super::keys::{Keys, LogKeys};
use super::log::{Log, Said, split_entry};
use super::report::{Fork, Seen};
use super::tree::Tree;
use super::walk::Walk;
use super::witnessed::{Witnessed, Witnesses};
use super::{Head, Unverified};
use crate::{Files, MOST_EPOCHS, replay};

/// A region whose logs held.
pub(super) struct Verified<'f, F> {
    pub(super) epochs: Vec<Epoch<'f>>,
    pub(super) keys: Vec<LogKeys>,
    pub(super) seen: Seen,
    pub(super) forks: Vec<Fork>,
    pub(super) recorded: Vec<Recorded>,
    pub(super) follower: F,
}

/// A log that held, and its tree.
pub(super) struct Epoch<'f> {
    pub(super) log: Log<'f>,
    pub(super) tree: Tree,
    /// Whether what a fork kept of it is not what was signed, event for event.
    pub(super) rewritten: bool,
}

/// What a city's event says of another log.
pub(super) struct Recorded {
    pub(super) epoch: u64,
    pub(super) index: u64,
    pub(super) tree: RegionTree,
}

/// What a region is verified with.
pub(super) struct Means<'a> {
    pub(super) keys: &'a Keys,
    pub(super) threads: usize,
    pub(super) streams: usize,
    pub(super) head: Option<&'a Head>,
    pub(super) witnesses: &'a Witnesses,
}

/// A region's logs, before any event was checked: the present one first.
struct Plan<'f> {
    said: Said,
    logs: Vec<Log<'f>>,
}

pub(super) fn verify<'f, F: Follow>(
    files: &'f dyn Files,
    region: &Region,
    note: Option<Vec<u8>>,
    means: &Means<'_>,
    follower: F,
) -> Result<Verified<'f, F>, Unverified> {
    let fail = |epoch, stop| unverified(region, epoch, stop);
    let said = note
        .and_then(|note| Said::parse(&note))
        .ok_or_else(|| fail(0, Stop::Failed(0, Check::Checkpoint)))?;
    let epoch = said.checkpoint.origin.epoch();
    if said.checkpoint.origin.region() != region.as_str() {
        return Err(fail(
            epoch,
            Stop::Failed(said.checkpoint.size, Check::Origin),
        ));
    }
    let plan =
        Plan::of(files, region, said, means.head).map_err(|(epoch, stop)| fail(epoch, stop))?;
    let mut walked = Walked {
        files,
        said: plan.said,
        epochs: Vec::new(),
        keys: Vec::new(),
        forks: Vec::new(),
        recorded: Vec::new(),
    };
    let mut walk = Walk::new(follower, means.streams);
    for log in plan.logs.into_iter().rev() {
        let epoch = log.epoch;
        walked
            .next(log, means, &mut walk)
            .map_err(|stop| fail(epoch, stop))?;
    }
    let seen = walked
        .seen(region, means, walk.last())
        .map_err(|stop| fail(epoch, stop))?;
    Ok(Verified {
        epochs: walked.epochs,
        keys: walked.keys,
        seen,
        forks: walked.forks,
        recorded: walked.recorded,
        follower: walk.follower,
    })
}

pub(super) fn unverified(region: &Region, epoch: u64, stop: Stop) -> Unverified {
    match stop {
        Stop::Failed(index, check) => Unverified::Failed(Failure {
            region: region.clone(),
            epoch,
            index,
            check,
        }),
        Stop::Unread(error) => Unverified::Unread(error),
    }
}

impl<'f> Plan<'f> {
    /// From the present log back to the first, by what the first event of each says that it goes on from.
    fn of(
        files: &'f dyn Files,
        region: &Region,
        said: Said,
        head: Option<&Head>,
    ) -> Result<Self, (u64, Stop)> {
        let mut log = Log::current(files, region, &said.checkpoint);
        if let Some(head) = head.filter(|head| head.epoch == log.epoch) {
            log.size = log.size.max(head.size);
        }
        let mut logs = vec![log];
        while let Some(log) = logs.last()
            && log.epoch > 0
        {
            if logs.len() > MOST_EPOCHS {
                return Err((log.epoch, Stop::Failed(0, Check::Fork)));
            }
            let fork = fork(log).map_err(|stop| (log.epoch, stop))?;
            logs.push(Log::ended(files, region, &fork));
        }
        Ok(Self { said, logs })
    }
}

/// The fork that a log says it begins with.
fn fork(log: &Log<'_>) -> Result<ForkAccepted, Stop> {
    let none = Stop::Failed(0, Check::Fork);
    if log.size == 0 {
        return Err(none);
    }
    let bundle = log.bundle(0)?;
    let (entry, _) = split_entry(&bundle.bytes).ok_or(Stop::Failed(0, Check::Entries))?;
    let event = View::read(entry).map_err(|_| Stop::Failed(0, replay::Check::Bytes.into()))?;
    match Told::by(&event).map_err(|check| Stop::Failed(0, check))? {
        Some(Told::Forked(event)) if event.kept.epoch < log.epoch => Ok(event),
        Some(Told::Forked(_) | Told::Opened(_) | Told::Recorded(_) | Told::Rotated(_)) | None => {
            Err(none)
        }
    }
}

/// A region's logs as far as they were walked over.
struct Walked<'f> {
    files: &'f dyn Files,
    said: Said,
    epochs: Vec<Epoch<'f>>,
    keys: Vec<LogKeys>,
    forks: Vec<Fork>,
    recorded: Vec<Recorded>,
}

impl<'f> Walked<'f> {
    /// Walks over the next epoch's log.
    fn next<F: Follow>(
        &mut self,
        mut log: Log<'f>,
        means: &Means<'_>,
        walk: &mut Walk<F>,
    ) -> Result<(), Stop> {
        let today = &self.said.checkpoint.origin;
        let origin = Origin::new(today.deployment(), today.region(), log.epoch)
            .map_err(|_| Stop::Failed(log.size, Check::Origin))?;
        if !log.current
            && let Some(old) = said(self.files, &log.region, log.epoch)?.and_then(Result::ok)
        {
            // What an ended log published stands up to its last checkpoint, of which fewer events may be left.
            log.tiled = old.checkpoint.size;
        }
        let present = log.current.then_some(&self.said.note);
        let witnessed = Witnessed::read(&log, &origin, present, means.witnesses)?;
        log.intervals = witnessed.intervals(&origin);
        let mut keys = LogKeys::of(&origin, means.keys, self.keys.last());
        if log.current && keys.are_belied(&self.said.note) {
            return Err(Stop::Failed(self.said.checkpoint.size, Check::Signature));
        }
        let mut fork = None;
        let mut recorded = Vec::new();
        let mut hear = |index: u64, told: Option<&Told>| {
            let failed = |check| Stop::Failed(index, check);
            match (index, told, self.epochs.last()) {
                (0, Some(Told::Opened(region)), None) if names(region, &origin) => Ok(()),
                (0, _, None) => Err(failed(Check::Origin)),
                (0, Some(Told::Forked(event)), Some(before)) => {
                    let confirmed = self.judge(event, before)?;
                    fork = Some(Fork::new(&log, event, confirmed, before));
                    Ok(())
                }
                (0, _, Some(_)) | (_, Some(Told::Forked(_)), _) => Err(failed(Check::Fork)),
                (_, Some(Told::Rotated(event)), _) => keys.rotate(index, event).map_err(failed),
                (_, Some(Told::Recorded(event)), _) => {
                    recorded.extend(event.checkpoints.iter().map(|tree| Recorded {
                        epoch: log.epoch,
                        index,
                        tree: tree.clone(),
                    }));
                    Ok(())
                }
                (_, Some(Told::Opened(_)) | None, _) => Ok(()),
            }
        };
        let tree = walk.over(&log, means.threads, &mut hear)?;
        witnessed.holds(&tree, &log)?;
        handed_over(&keys, &tree, &log)?;
        if log.current {
            keys.end_at(self.said.checkpoint.size);
        }
        let rewritten = !log.current && rewritten(&log, &tree)?;
        self.forks.extend(fork);
        self.recorded.append(&mut recorded);
        self.keys.push(keys);
        self.epochs.push(Epoch {
            log,
            tree,
            rewritten,
        });
        Ok(())
    }

    /// Whether a fork tells the truth: it goes on from the tree of the log before it, and the last checkpoint that was
    /// signed of that, where it is there, is the one that the fork names. False if it is not there.
    fn judge(&self, event: &ForkAccepted, before: &Epoch<'_>) -> Result<bool, Stop> {
        const LIE: Stop = Stop::Failed(0, Check::Fork);
        let (log, kept) = (&before.log, &event.kept);
        let root = before.tree.root_at(before.tree.size(), log)?;
        if (kept.epoch, kept.size, kept.root.0) != (log.epoch, before.tree.size(), root.0) {
            return Err(LIE);
        }
        // It was read before, to find that log, and must still say the same.
        if event.signed.filter(|signed| signed.epoch == log.epoch) != log.signed {
            return Err(LIE);
        }
        let epoch = event.signed.map_or(kept.epoch, |signed| signed.epoch);
        if epoch < kept.epoch || epoch >= self.said.checkpoint.origin.epoch() {
            return Err(LIE);
        }
        let Some(old) = said(self.files, &log.region, epoch)? else {
            return Ok(false);
        };
        let old = old?;
        let Some(keys) = self.keys.last().filter(|keys| {
            // The key of a log that is gone whole is not known any more.
            epoch == kept.epoch && keys.known()
        }) else {
            return Ok(false);
        };
        let (size, root) = (old.checkpoint.size, old.checkpoint.root);
        if keys.check(&old.note, size).is_err() {
            return Err(LIE);
        }
        match event.signed {
            Some(signed) if (signed.size, signed.root.0) == (size, root.0) => Ok(true),
            Some(signed) if size >= signed.size => Err(LIE),
            // An earlier one than the last: then it is one of the tree that was kept, unless that was rewritten.
            Some(_) if before.rewritten => Ok(false),
            Some(_) | None => match size <= kept.size && before.tree.root_at(size, log)? == root {
                true => Ok(false),
                false => Err(LIE),
            },
        }
    }

    /// Holds the present log against its checkpoint, and the head row if there is one.
    fn seen(&self, region: &Region, means: &Means<'_>, at: Option<String>) -> Result<Seen, Stop> {
        let said = &self.said.checkpoint;
        let failed = |check| Stop::Failed(said.size, check);
        let (Some(today), Some(keys)) = (self.epochs.last(), self.keys.last()) else {
            return Err(failed(Check::Checkpoint));
        };
        if today.tree.root_at(said.size, &today.log)? != said.root {
            return Err(failed(Check::Root));
        }
        let signer = keys.check(&self.said.note, said.size).map_err(failed)?;
        let second = means.keys.second(&self.said.note, &said.origin);
        let second = second.map_err(failed)?.map(u32::from_be_bytes);
        if means.keys.are_from_outside() && !keys.reaches(means.keys) {
            return Err(failed(Check::Replaced));
        }
        if let Some(head) = means.head {
            today.holds(head)?;
        }
        Ok(Seen {
            region: region.clone(),
            epoch: today.log.epoch,
            size: said.size,
            root: said.root,
            signer: u32::from_be_bytes(signer.id()),
            second,
            at,
            unsigned: today.tree.size() - said.size,
            words: means.witnesses.words(&self.said.note, said.size)?,
        })
    }
}

impl Epoch<'_> {
    /// Whether the log had this tree; nothing if a fork lost the events that would tell.
    pub(super) fn agrees(&self, size: u64, root: Hash) -> Result<Option<bool>, Stop> {
        if size <= self.tree.size() {
            return Ok(Some(self.tree.root_at(size, &self.log)? == root));
        }
        // What was signed last is the end of it.
        Ok(match self.log.signed {
            _ if self.log.current => Some(false),
            Some(signed) if size >= signed.size => {
                Some((size, root.0) == (signed.size, signed.root.0))
            }
            Some(_) | None => None,
        })
    }

    /// Whether the database's head row is what the log gives.
    fn holds(&self, head: &Head) -> Result<(), Stop> {
        let size = self.tree.size();
        let same = head.epoch == self.log.epoch
            && head.size == size
            && head.root == self.tree.root_at(size, &self.log)?
            && head.frontier == Some(self.tree.frontier_at(size, &self.log)?);
        same.then_some(()).ok_or(Stop::Failed(size, Check::Head))
    }
}

/// The checkpoint that lies in the folder of a log that ended, if one does.
fn said(
    files: &dyn Files,
    region: &Region,
    epoch: u64,
) -> Result<Option<Result<Said, Stop>>, Stop> {
    let note = Log::said(files, region, Some(epoch))?;
    Ok(note.map(|note| {
        Said::parse(&note)
            .filter(|said| {
                let origin = &said.checkpoint.origin;
                origin.region() == region.as_str() && origin.epoch() == epoch
            })
            .ok_or(Stop::Failed(0, Check::Fork))
    }))
}

/// Whether the log's name is that of the deployment which opened the region; one with a made-up clock says so.
fn names(region: &RegionState, origin: &Origin) -> bool {
    let simulated = format!("{}/simulated", region.deployment);
    origin.deployment()
        == match region.simulated {
            true => &simulated,
            false => &region.deployment,
        }
}

/// Holds the trees that changes of keys name against the log's: what the old key signed last is what the new one goes on from.
fn handed_over(keys: &LogKeys, tree: &Tree, log: &Log<'_>) -> Result<(), Stop> {
    let sizes: Vec<u64> = keys.trees().map(|(_, signed)| signed.size).collect();
    let roots = tree.roots(&sizes, log)?;
    let another = keys.trees().zip(roots);
    match another
        .into_iter()
        .find(|((_, signed), root)| signed.root.0 != root.0)
    {
        Some(((index, _), _)) => Err(Stop::Failed(index, Check::Rotation)),
        None => Ok(()),
    }
}

/// Whether what was kept of a log that ended is not what was signed of it, event for event. Where all that was signed is
/// still there, its root tells; where events are lost, the signed tiles do. Where the tiles differ and the root does not,
/// or the events are not those that were kept either, something was changed since.
fn rewritten(log: &Log<'_>, tree: &Tree) -> Result<bool, Stop> {
    if let (Some(kept), Some(index)) = (log.kept, tree.unlike)
        && kept.root.0 != tree.root_at(tree.size(), log)?.0
    {
        return Err(Stop::Failed(index, Check::Leaf));
    }
    let whole = log.signed.filter(|signed| signed.size <= tree.size());
    let same = match whole {
        Some(signed) => Some(tree.root_at(signed.size, log)?.0 == signed.root.0),
        None => None,
    };
    match (same, tree.unlike) {
        (Some(true), Some(index)) => Err(Stop::Failed(index, Check::Leaf)),
        (Some(same), _) => Ok(!same),
        (None, unlike) => Ok(unlike.is_some()),
    }
}
