//! Replaying a region's log: the same `apply` as the writer's, over the same bytes, from the first event on.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use hefu_domain::{Event, Fact, Instant, Key, Region, Tag, VoucherId, World};
use hefu_log::{Frontier, Hash, Opened, is_canonical, leaf_hash};

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
    /// The event applies to the state that the events before it made.
    Apply,
    /// After it, every account is allocated = available + reserved + payable + paid, each at least 0.
    Funds,
    /// A nullifier that is taken was free, and one that is freed was held by that voucher.
    Nullifier,
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
            Check::Apply => "apply",
            Check::Funds => "fund identity",
            Check::Nullifier => "nullifier",
        })
    }
}

/// The first event at which a log failed, and which check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("region {region}, event {index}: {check} failed")]
pub struct Failure {
    /// Which region's log.
    pub region: Region,
    /// At which event.
    pub index: u64,
    /// Which check.
    pub check: Check,
}

/// A stream's version and the leaf hash of its last event.
pub type StreamHead = (u64, Hash);

/// One region's replay under way.
pub struct Replay {
    region: Region,
    world: World,
    streams: HashMap<Key, StreamHead>,
    nullifiers: BTreeMap<Tag, VoucherId>,
    frontier: Frontier,
    last_at: Instant,
}

/// What a whole log yields.
pub struct Replayed {
    /// The region's facts.
    pub world: World,
    /// Its streams.
    pub streams: HashMap<Key, StreamHead>,
    /// The nullifiers that its vouchers hold.
    pub nullifiers: BTreeMap<Tag, VoucherId>,
    /// Events.
    pub size: u64,
    /// Merkle root (RFC 6962).
    pub root: Hash,
    /// The instant of the last event.
    pub at: Instant,
}

impl Replay {
    /// A region's replay from its first event.
    pub fn new(region: Region) -> Replay {
        Replay {
            world: World::complete(region.clone()),
            region,
            streams: HashMap::new(),
            nullifiers: BTreeMap::new(),
            frontier: Frontier::default(),
            last_at: Instant(0),
        }
    }

    /// Checks the next event's bytes and applies it.
    ///
    /// # Errors
    /// The first check that failed; the replay is then over.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let index = self.frontier.size();
        self.step(bytes, index).map_err(|check| Failure {
            region: self.region.clone(),
            index,
            check,
        })
    }

    fn step(&mut self, bytes: &[u8], index: u64) -> Result<(), Check> {
        if !is_canonical(bytes) {
            return Err(Check::Bytes);
        }
        let opened: Opened = Opened::decode(bytes).map_err(|_| Check::Bytes)?;
        if opened.region != self.region.as_str() {
            return Err(Check::Region);
        }
        if opened.index != index {
            return Err(Check::Index);
        }
        let at: Instant = opened.at.parse().map_err(|_| Check::Time)?;
        if at < self.last_at {
            return Err(Check::Time);
        }
        let event = Event::decode(&opened.kind, opened.body.get())
            .and_then(Result::ok)
            .ok_or(Check::Body)?;
        let key = event.stream();
        let before = self.streams.get(&key);
        if opened.version != before.map_or(1, |(version, _)| version + 1) {
            return Err(Check::StreamVersion);
        }
        if opened.prev != before.map(|(_, leaf)| *leaf) {
            return Err(Check::StreamChain);
        }
        self.world
            .apply(std::slice::from_ref(&event), at)
            .map_err(|_| Check::Apply)?;
        self.check_funds()?;
        self.move_nullifiers()?;
        self.world.settle();
        let leaf = leaf_hash(bytes);
        self.frontier.push(leaf);
        self.streams.insert(key, (opened.version, leaf));
        self.last_at = at;
        Ok(())
    }

    fn check_funds(&self) -> Result<(), Check> {
        let balanced = self
            .world
            .changed()
            .into_iter()
            .all(|(_, fact)| match fact {
                Fact::Account(a) => {
                    let parts = [a.available, a.reserved, a.payable, a.paid];
                    parts.iter().all(|part| part.0 >= 0)
                        && parts.iter().map(|part| i128::from(part.0)).sum::<i128>()
                            == i128::from(a.allocated.0)
                }
                Fact::Region(_)
                | Fact::Policy(_)
                | Fact::Calendar(_)
                | Fact::Year(_)
                | Fact::Credential(_)
                | Fact::Person(_)
                | Fact::Institution(_)
                | Fact::CatalogueEntry(_)
                | Fact::Booking(_)
                | Fact::Class(_)
                | Fact::Attendance(_)
                | Fact::Employment(_)
                | Fact::Session(_)
                | Fact::Sheet(_)
                | Fact::Voucher(_) => true,
            });
        if balanced { Ok(()) } else { Err(Check::Funds) }
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

    /// How many events were fed, and their Merkle root (RFC 6962): what a head of that size must say.
    pub fn head(&self) -> (u64, Hash) {
        (self.frontier.size(), self.frontier.root())
    }

    /// The end of the log.
    pub fn end(self) -> Replayed {
        Replayed {
            size: self.frontier.size(),
            root: self.frontier.root(),
            world: self.world,
            streams: self.streams,
            nullifiers: self.nullifiers,
            at: self.last_at,
        }
    }
}
