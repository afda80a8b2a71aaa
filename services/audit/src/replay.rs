//! Replaying a region's log: the same `apply` as the writer's, over the same bytes, from the first event on, epoch after epoch.
//!
//! The invariant: state, streams and nullifiers carry on over a fork, and nothing else does. A new epoch is a new tree from index 0,
//! whose first event names exactly the tree that the old one was left at. Memory holds what changed of late; of every other voucher, person
//! and class its place in a temporary file.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use hefu_domain::event::LogTree;
use hefu_domain::state::Account;
use hefu_domain::{Digest, Event, Fact, Instant, Key, Need, Region, Stop, Tag, VoucherId, World};
use hefu_log::{Frontier, Hash, View, leaf_hash};

use crate::aside::Shelf;
use crate::verify::Follow;

/// What was checked when the log failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The bytes are one RFC 8785 canonical JSON object in the envelope's form.
    Bytes,
    /// The event names this region.
    Region,
    /// Indexes are dense, from 0.
    Index,
    /// Time never runs back.
    Time,
    /// The stream's version follows the one before.
    StreamVersion,
    /// The event names the leaf hash of the stream's one before.
    StreamChain,
    /// The kind and its body are known.
    Body,
    /// A new epoch begins with the fork that carries on the old one's tree as it stands, and no fork stands elsewhere.
    Fork,
    /// The event applies to the state that the events before it made.
    Apply,
    /// After it, every account is allocated = available + reserved + payable + paid, each at least 0.
    Funds,
    /// A nullifier that is taken was free, and one that is freed was held by that voucher.
    Nullifier,
    /// The events of a whole log give the root that was published of it.
    Root,
    /// Facts that are over could be put aside and read back. It says nothing of the log.
    Aside,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Check::Bytes => "canonical bytes",
            Check::Region => "region",
            Check::Index => "dense indexes",
            Check::Time => "time",
            Check::StreamVersion => "stream version",
            Check::StreamChain => "stream chain",
            Check::Body => "body",
            Check::Fork => "fork",
            Check::Apply => "apply",
            Check::Funds => "fund identity",
            Check::Nullifier => "nullifier",
            Check::Root => "root",
            Check::Aside => {
                "use of a temporary file (see that TMPDIR has room, and try again; the log is not at fault)"
            }
        })
    }
}

/// The first event at which a log failed, and which check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// Which region's log.
    pub region: Region,
    /// In which of its epochs.
    pub epoch: u64,
    /// At which event of the epoch.
    pub index: u64,
    /// Which check.
    pub check: Check,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "region {}", self.region)?;
        if self.epoch > 0 {
            write!(f, ", epoch {}", self.epoch)?;
        }
        write!(f, ", event {}: {} failed", self.index, self.check)
    }
}

/// A stream's version and the leaf hash of its last event.
pub type StreamHead = (u64, Hash);

/// An event of the log, read: what applying it needs.
#[derive(Debug, Clone)]
pub struct Step {
    pub(crate) index: u64,
    pub(crate) at: Instant,
    pub(crate) event: Event,
    version: u64,
    prev: Option<Hash>,
    leaf: Hash,
}

impl Step {
    /// What stands in an envelope of the region's.
    fn of(view: &View<'_>, leaf: Hash) -> Result<Step, Check> {
        Ok(Step {
            index: view.index,
            at: view.at.parse().map_err(|_| Check::Time)?,
            event: Event::decode(view.kind, view.body)
                .and_then(Result::ok)
                .ok_or(Check::Body)?,
            version: view.version,
            prev: view.prev,
            leaf,
        })
    }

    /// SHA-256(0x00 ‖ bytes).
    pub(crate) fn leaf(&self) -> Hash {
        self.leaf
    }
}

/// An event with whoever asked for it, and under which policy: what deciding it again needs besides.
#[derive(Debug, Clone)]
pub struct Entry {
    step: Step,
    pub(crate) caller: String,
    pub(crate) request: String,
    pub(crate) policy: Option<u32>,
}

impl Entry {
    /// Reads stored bytes, as far as they can be checked without the events before them.
    pub(crate) fn read(region: &Region, bytes: &[u8]) -> Result<Entry, Check> {
        Entry::of(&envelope(region, bytes)?, leaf_hash(bytes))
    }

    /// What stands in an envelope of the region's.
    pub(crate) fn of(view: &View<'_>, leaf: Hash) -> Result<Entry, Check> {
        Ok(Entry {
            step: Step::of(view, leaf)?,
            caller: view.caller.to_owned(),
            request: view.request.to_owned(),
            policy: view.policy,
        })
    }
}

impl Deref for Entry {
    type Target = Step;

    fn deref(&self) -> &Step {
        &self.step
    }
}

/// An envelope of the region's.
fn envelope<'a>(region: &Region, bytes: &'a [u8]) -> Result<View<'a>, Check> {
    let view = View::read(bytes).map_err(|_| Check::Bytes)?;
    match view.region == region.as_str() {
        true => Ok(view),
        false => Err(Check::Region),
    }
}

/// One region's replay under way.
pub struct Replay {
    region: Region,
    epoch: u64,
    /// The tree that the epoch before was left at, until the new one's first event names it.
    carries: Option<LogTree>,
    /// Events of the epochs before.
    earlier: u64,
    world: World,
    /// How many facts a generation has: those that did not change for one are put aside.
    generation: usize,
    /// How many young facts the world has when the next generation begins.
    full: usize,
    shelf: Arc<Shelf>,
    /// Whether streams are followed and the tree is grown here; where the log is verified meanwhile, that is done already.
    alone: bool,
    /// Heads of the streams whose facts are held.
    streams: HashMap<Key, StreamHead>,
    nullifiers: HashMap<Tag, VoucherId>,
    /// Events of this epoch.
    size: u64,
    /// The right edge of their tree; where the log is verified meanwhile, once it is over.
    frontier: Frontier,
    last_at: Instant,
}

/// What did not change while so many other facts did is put aside. A county has a few thousand vouchers under way at a time; memory
/// holds two generations.
const GENERATION: usize = 20_000;

/// What stands for a stream's head where nobody follows streams.
const NO_HEAD: StreamHead = (0, Hash::EMPTY);

/// What a whole log yields.
pub struct Replayed {
    /// The region's facts. It holds only those of late, and looks the others up.
    pub world: World,
    streams: HashMap<Key, StreamHead>,
    shelf: Arc<Shelf>,
    /// The nullifiers that its vouchers hold.
    pub nullifiers: HashMap<Tag, VoucherId>,
    /// Events of all epochs.
    pub events: u64,
    /// The last epoch.
    pub epoch: u64,
    /// Events of the last epoch.
    pub size: u64,
    /// Merkle root of the last epoch (RFC 6962).
    pub root: Hash,
    /// The instant of the last event.
    pub at: Instant,
}

impl Replayed {
    /// Shows every fact, in no particular order.
    ///
    /// # Errors
    /// Whatever kept one that was put aside from being read back.
    pub fn each(&self, mut see: impl FnMut(&Key, &Fact)) -> io::Result<()> {
        for (key, fact) in self.world.held() {
            see(key, fact);
        }
        for key in self.shelf.keys() {
            if !self.world.holds(&key)
                && let Some((fact, _)) = self.shelf.get(&key)?
            {
                see(&key, &fact);
            }
        }
        Ok(())
    }

    /// Takes a fact out, with the head of its stream if it has one of its own: what is left in the end was not asked for.
    ///
    /// # Errors
    /// As [`Replayed::each`].
    pub fn take(&mut self, key: &Key) -> io::Result<Option<(Arc<Fact>, Option<StreamHead>)>> {
        let head = self.streams.remove(key);
        let taken = match self.world.take(key) {
            Some(fact) => {
                let head = match head {
                    Some(head) => Some(head),
                    None => self.shelf.head(key)?,
                };
                Some((fact, head))
            }
            None => {
                let aside = self.shelf.get(key)?;
                aside.map(|(fact, then)| (Arc::new(fact), head.or(then)))
            }
        };
        self.shelf.forget(key);
        Ok(taken)
    }

    /// The keys of the facts that were not taken out.
    pub fn left(&self) -> Vec<Key> {
        let aside = self.shelf.keys().into_iter();
        let aside = aside.filter(|key| !self.world.holds(key));
        let held = self.world.held().map(|(key, _)| key.clone());
        held.chain(aside).collect()
    }
}

impl Replay {
    /// A region's replay from its first event.
    pub fn new(region: Region) -> Replay {
        Replay::by_generations(region, GENERATION)
    }

    /// The same, with so many facts to a generation: it comes to the same whatever their number.
    pub fn by_generations(region: Region, generation: usize) -> Replay {
        let shelf = Arc::new(Shelf::default());
        Replay {
            world: World::complete_but(region.clone(), shelf.clone()),
            generation,
            full: generation,
            shelf,
            region,
            epoch: 0,
            carries: None,
            earlier: 0,
            alone: true,
            streams: HashMap::new(),
            nullifiers: HashMap::new(),
            size: 0,
            frontier: Frontier::default(),
            last_at: Instant(0),
        }
    }

    /// Checks the next event's bytes and applies it.
    ///
    /// # Errors
    /// The first check that failed; the replay is then over.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let step = envelope(&self.region, bytes).and_then(|view| Step::of(&view, leaf_hash(bytes)));
        step.and_then(|step| self.apply(&step))
            .map_err(|check| self.failure(self.size, check))
    }

    /// The epoch's log is over: what is fed from now on is that later one's, from index 0. It carries on what this one left, for
    /// the epochs between the two are ones that a restored backup lost.
    pub fn enter(&mut self, epoch: u64) {
        let (size, root) = self.head();
        if size > 0 {
            self.carries = Some(LogTree {
                epoch: self.epoch,
                size,
                root: Digest(root.0),
            });
        }
        self.earlier += size;
        self.epoch = epoch;
        self.size = 0;
        self.frontier = Frontier::default();
    }

    pub(crate) fn failure(&self, index: u64, check: Check) -> Failure {
        Failure {
            region: self.region.clone(),
            epoch: self.epoch,
            index,
            check,
        }
    }

    /// The failure that no answer may be taken from this replay any more, if a fact could not be read back.
    pub(crate) fn lost(&self) -> Option<Failure> {
        let failed = || self.failure(self.size, Check::Aside);
        self.shelf.has_lost().then(failed)
    }

    /// The facts as the events so far made them.
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// The same, to bring in what deciding asks for.
    pub(crate) fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn holder(&self, tag: &Tag) -> Option<VoucherId> {
        self.nullifiers.get(tag).copied()
    }

    /// Checks an event against those before it and applies it.
    pub(crate) fn apply(&mut self, step: &Step) -> Result<(), Check> {
        if step.index != self.size {
            return Err(Check::Index);
        }
        if step.at < self.last_at {
            return Err(Check::Time);
        }
        self.check_fork(&step.event)?;
        if self.alone {
            self.chain(step)?;
        }
        self.world
            .apply(std::slice::from_ref(&step.event), step.at)
            .map_err(|stop| match stop {
                Stop::Missing(Need::Fact(_)) => Check::Aside,
                Stop::Missing(_) | Stop::Refused(_) => Check::Apply,
            })?;
        if !self.world.accounts_changed().all(balances) {
            return Err(Check::Funds);
        }
        self.move_nullifiers()?;
        self.world.settle();
        self.size += 1;
        if self.alone {
            self.frontier.push(step.leaf);
        }
        self.last_at = step.at;
        if self.world.young() >= self.full {
            self.age().map_err(|_| Check::Aside)?;
        }
        Ok(())
    }

    /// Holds an event against the one before it in its stream.
    fn chain(&mut self, step: &Step) -> Result<(), Check> {
        let key = step.event.stream();
        let before = match self.streams.get(&key) {
            Some(head) => Some(*head),
            None => self.shelf.head(&key).map_err(|_| Check::Aside)?,
        };
        if step.version != before.map_or(1, |(version, _)| version + 1) {
            return Err(Check::StreamVersion);
        }
        if step.prev != before.map(|(_, leaf)| leaf) {
            return Err(Check::StreamChain);
        }
        self.streams.insert(key, (step.version, step.leaf));
        Ok(())
    }

    /// Puts aside what did not change for a generation.
    fn age(&mut self) -> io::Result<()> {
        let over = self.world.age(|key| !Shelf::takes(key));
        self.shelf.put(over, |key| match self.alone {
            true => self.streams.remove(key),
            false => Some(NO_HEAD),
        })?;
        self.full = self.world.young() + self.generation;
        Ok(())
    }

    fn check_fork(&mut self, event: &Event) -> Result<(), Check> {
        let kept = match event {
            Event::ForkAccepted(fork) => Some(fork.kept),
            _ => None,
        };
        if self.carries.take() == kept {
            Ok(())
        } else {
            Err(Check::Fork)
        }
    }

    fn move_nullifiers(&mut self) -> Result<(), Check> {
        for (tag, before, after) in self.world.nullifiers_changed() {
            if self.nullifiers.get(&tag) != before.map(|holder| &holder.voucher) {
                return Err(Check::Nullifier);
            }
            match after {
                Some(holder) => self.nullifiers.insert(tag, holder.voucher),
                None => self.nullifiers.remove(&tag),
            };
        }
        Ok(())
    }

    /// How many events of this epoch were fed, and their Merkle root (RFC 6962): what a head of that size must say.
    pub fn head(&self) -> (u64, Hash) {
        (self.size, self.frontier.root())
    }

    /// The end of the log.
    pub fn end(self) -> Replayed {
        Replayed {
            events: self.earlier + self.size,
            epoch: self.epoch,
            size: self.size,
            root: self.frontier.root(),
            world: self.world,
            streams: self.streams,
            shelf: self.shelf,
            nullifiers: self.nullifiers,
            at: self.last_at,
        }
    }
}

/// A replay goes along while the log is verified: its events are read once for both.
impl Follow for Replay {
    type Ready = Step;

    fn ready(event: &View<'_>, leaf: Hash) -> Result<Step, Check> {
        Step::of(event, leaf)
    }

    fn follow(&mut self, epoch: u64, step: &Step) -> Result<(), Check> {
        if self.epoch < epoch {
            self.enter(epoch);
        }
        self.alone = false;
        self.apply(step)
    }

    fn over(&mut self, edge: Frontier) {
        self.frontier = edge;
    }
}

/// allocated = available + reserved + payable + paid, each at least 0.
fn balances(account: &Account) -> bool {
    let parts = [
        account.available,
        account.reserved,
        account.payable,
        account.paid,
    ];
    parts.iter().all(|part| part.0 >= 0)
        && parts.iter().map(|part| i128::from(part.0)).sum::<i128>()
            == i128::from(account.allocated.0)
}
