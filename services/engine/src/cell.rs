//! One region in memory: what was read under its head, the overlay of the batch at hand, and the log's right edge.
//! Whatever is here is true exactly as long as the head is still the one that was read.

use std::collections::{BTreeMap, HashMap};

use hefu_domain::{Digest, Event, Fact, Instant, Key, Region, World};
use hefu_log::{Envelope, Frontier, Hash};
use hefu_store::{EventRow, Head, RegionCommit};

use crate::error::{EngineError, Stopped};
use crate::rows;

/// How many facts a region keeps in memory before it starts afresh.
const MOST_FACTS: usize = 1_500;

/// A stream's version and last leaf.
pub(crate) type Stream = (u64, Option<[u8; 32]>);

/// What is known of a region's head.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum HeadRead {
    /// Not read yet, or lost.
    Unread,
    /// The region is not open.
    Absent,
    /// As read, or as last committed by us.
    Read(Head),
}

/// Who asks for what, as it stands in the envelope of each of a command's events.
pub(crate) struct Asked<'a> {
    pub(crate) caller: &'a str,
    /// Whether request ids are numbered here (not where a city's move enters a county's log).
    pub(crate) numbered: bool,
    pub(crate) request: &'a str,
    pub(crate) digest: &'a Digest,
}

/// One region's cache, overlay and log edge.
pub(crate) struct Cell {
    pub(crate) region: Region,
    pub(crate) world: World,
    pub(crate) head: HeadRead,
    streams: HashMap<Key, Stream>,
    streams_over: HashMap<Key, Stream>,
    frontier: Frontier,
    pending: Vec<EventRow>,
    last_at: Instant,
    /// The fence under which this process writes; another one stops it.
    fence: u64,
}

impl Cell {
    /// A region of which nothing was read yet, to be written under that fence.
    pub(crate) fn new(region: Region, fence: u64) -> Cell {
        Cell {
            world: World::new(region.clone()),
            region,
            head: HeadRead::Unread,
            streams: HashMap::new(),
            streams_over: HashMap::new(),
            frontier: Frontier::default(),
            pending: Vec::new(),
            last_at: Instant(0),
            fence,
        }
    }

    /// Takes a head as read from the store (`None`: the region is not open). What was cached under another head is forgotten.
    pub(crate) fn take_head(&mut self, head: Option<Head>) -> Result<(), EngineError> {
        self.forget();
        match head {
            None => self.head = HeadRead::Absent,
            Some(head) => self.head = HeadRead::Read(head),
        }
        self.rewind()
    }

    /// Whether the region's head, as it is now, is still the one that all this was read under.
    pub(crate) fn stands(&self, now: Option<&Head>) -> bool {
        match (&self.head, now) {
            (HeadRead::Read(read), Some(now)) => read.guards(now),
            (HeadRead::Absent, None) => true,
            (HeadRead::Read(_) | HeadRead::Absent | HeadRead::Unread, _) => false,
        }
    }

    /// Why this process may not write here, if so. It is a fact of the head like any other: it is read with it, and its answer
    /// leaves only while that head stands.
    pub(crate) fn barred(&self) -> Option<Stopped> {
        let HeadRead::Read(head) = &self.head else {
            return None;
        };
        if self.fence != head.fence {
            return Some(Stopped::Fenced {
                region: self.region.clone(),
            });
        }
        Some(Stopped::Alarmed {
            region: self.region.clone(),
            alarm: head.alarm.clone()?,
        })
    }

    /// Sets the log's edge and time back to the head's.
    fn rewind(&mut self) -> Result<(), EngineError> {
        self.pending.clear();
        (self.frontier, self.last_at) = match &self.head {
            HeadRead::Read(head) => (
                Frontier::from_bytes(&head.frontier)
                    .map_err(|_| corrupt(&self.region, "frontier"))?,
                Instant(head.at_ms),
            ),
            HeadRead::Absent | HeadRead::Unread => (Frontier::default(), Instant(0)),
        };
        Ok(())
    }

    /// The instant at which a command is decided: never before the last event's.
    pub(crate) fn instant(&self, now: Instant) -> Instant {
        now.max(self.last_at)
    }

    /// Brings a fact in with its stream.
    pub(crate) fn bring(&mut self, key: Key, fact: Option<Fact>, stream: Stream) {
        self.streams.insert(key.clone(), stream);
        self.world.bring(key, fact);
    }

    /// Makes the bytes of a command's events and appends them to the overlay of the log. The events are applied to the world already.
    /// Returns the log's epoch and the index of the first.
    pub(crate) fn append(
        &mut self,
        events: &[Event],
        asked: &Asked,
        at: Instant,
        first_ordinal: usize,
    ) -> Result<(u64, u64), EngineError> {
        let epoch = match &self.head {
            HeadRead::Read(head) => head.epoch,
            HeadRead::Absent | HeadRead::Unread => 0,
        };
        let first = self.frontier.size();
        for (ordinal, event) in events.iter().enumerate() {
            let key = event.stream();
            let (version, prev) = self
                .streams_over
                .get(&key)
                .or_else(|| self.streams.get(&key))
                .copied()
                .unwrap_or_default();
            let index = self.frontier.size();
            let stream = rows::stream(&key);
            let policy = self.world.policy_version(&key, at).unwrap_or_default();
            let digest = asked.digest.to_string();
            let encoded = Envelope {
                region: self.region.as_str(),
                index,
                at: &at.to_string(),
                kind: event.kind(),
                stream: &stream,
                version: version + 1,
                prev: prev.map(Hash),
                caller: asked.caller,
                request: asked.request,
                digest: &digest,
                policy,
                body: event,
            }
            .encode()
            .map_err(|error| EngineError::Unstorable(error.to_string()))?;
            self.frontier.push(encoded.leaf);
            self.streams_over
                .insert(key, (version + 1, Some(encoded.leaf.0)));
            self.pending.push(EventRow {
                region: self.region.to_string(),
                epoch,
                idx: index,
                kind: event.kind().to_owned(),
                stream,
                version: version + 1,
                caller: asked.numbered.then(|| asked.caller.to_owned()),
                request: asked.request.to_owned(),
                ordinal: u32::try_from(first_ordinal + ordinal).unwrap_or(u32::MAX),
                digest: asked.digest.0.to_vec(),
                at_ms: at.0,
                leaf: encoded.leaf.0,
                bytes: encoded.bytes,
            });
        }
        self.last_at = self.last_at.max(at);
        Ok((epoch, first))
    }

    /// Whether the region is known not to be open.
    pub(crate) fn is_absent(&self) -> bool {
        self.head == HeadRead::Absent
    }

    /// Whether this batch writes here.
    pub(crate) fn writes(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The head after this batch.
    pub(crate) fn next_head(&self) -> Head {
        let (epoch, fence, alarm) = match &self.head {
            HeadRead::Read(head) => (head.epoch, head.fence, head.alarm.clone()),
            HeadRead::Absent | HeadRead::Unread => (0, self.fence, None),
        };
        Head {
            region: self.region.to_string(),
            epoch,
            size: self.frontier.size(),
            root: self.frontier.root().0,
            frontier: self.frontier.to_bytes(),
            at_ms: self.last_at.0,
            fence,
            alarm,
        }
    }

    /// The region's share of the transaction.
    pub(crate) fn commit(&self) -> Result<RegionCommit, EngineError> {
        let read = match &self.head {
            HeadRead::Read(head) => Some(head.clone()),
            HeadRead::Absent | HeadRead::Unread => None,
        };
        let rows = self.rows()?.into_iter().map(|(key, fact)| {
            let (version, leaf) = self
                .streams_over
                .get(key)
                .or_else(|| self.streams.get(key))
                .copied()
                .unwrap_or_default();
            let before = self.world.before(key);
            rows::row_after(self.region.as_str(), key, before, fact, version, leaf)
                .map_err(EngineError::from)
        });
        Ok(RegionCommit {
            read,
            next: self.next_head(),
            events: self.pending.clone(),
            rows: rows.collect::<Result<_, _>>()?,
        })
    }

    /// The rows that this batch writes, in key order: what changed, and what only moved on in its stream. An event may leave
    /// its own stream's fact as it was (days attended stand beside the class), yet the row is where the stream's version is kept.
    fn rows(&self) -> Result<BTreeMap<&Key, &Fact>, EngineError> {
        let mut rows: BTreeMap<&Key, &Fact> = self.world.changed().into_iter().collect();
        for key in self.streams_over.keys() {
            if !rows.contains_key(key) {
                let Ok(Some(fact)) = self.world.get(key) else {
                    let stream = rows::stream(key);
                    return Err(EngineError::Unstorable(format!(
                        "an event's stream {stream} has no row"
                    )));
                };
                rows.insert(key, fact);
            }
        }
        Ok(rows)
    }

    /// The commit was acknowledged: the overlay is what stands now.
    pub(crate) fn settle(&mut self, next: Option<Head>) {
        self.streams.extend(self.streams_over.drain());
        self.world.settle();
        self.pending.clear();
        if let Some(head) = next {
            self.head = HeadRead::Read(head);
        }
        if self.world.len() > MOST_FACTS {
            self.world.forget();
            self.streams.clear();
        }
    }

    /// The commit did not happen: the overlay never was.
    pub(crate) fn discard(&mut self) -> Result<(), EngineError> {
        self.streams_over.clear();
        self.world.discard();
        self.rewind()
    }

    /// Forgets head, cache and overlay.
    pub(crate) fn forget(&mut self) {
        self.world.forget();
        self.streams.clear();
        self.streams_over.clear();
        self.pending.clear();
        self.head = HeadRead::Unread;
    }

    /// Goes back to a mark: what a group of commands did is undone.
    pub(crate) fn back_to(&mut self, saved: Before) -> Result<(), EngineError> {
        self.world.restore(saved.world);
        self.streams_over = saved.streams_over;
        self.pending.truncate(saved.mark);
        self.frontier = saved.frontier;
        self.last_at = saved.last_at;
        Ok(())
    }

    /// The overlay as it stands, before a group of commands.
    pub(crate) fn before(&self) -> Before {
        Before {
            world: self.world.save(),
            streams_over: self.streams_over.clone(),
            mark: self.pending.len(),
            frontier: self.frontier.clone(),
            last_at: self.last_at,
        }
    }
}

/// An overlay to go back to.
pub(crate) struct Before {
    world: hefu_domain::Saved,
    streams_over: HashMap<Key, Stream>,
    mark: usize,
    frontier: Frontier,
    last_at: Instant,
}

fn corrupt(region: &Region, column: &'static str) -> EngineError {
    EngineError::Store(hefu_store::StoreError::Corrupt {
        table: "head",
        column,
        key: region.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hefu_domain::state::RegionState;

    fn region_state() -> RegionState {
        RegionState {
            parent: None,
            name: "祁县".to_owned(),
            name_en: "Qi County".to_owned(),
            deployment: "hefu.example.org".to_owned(),
            simulated: true,
            recorded: Default::default(),
            next_place: Default::default(),
        }
    }

    fn append(cell: &mut Cell) {
        let asked = Asked {
            caller: "operator",
            numbered: true,
            request: "request-1",
            digest: &Digest([7; 32]),
        };
        // Appended and not applied: the event leaves its stream's fact as it was.
        let event = Event::RegionOpened(region_state());
        cell.append(&[event], &asked, Instant(1_000), 0).unwrap();
    }

    #[test]
    fn an_event_that_leaves_its_streams_row_as_it_was_still_moves_the_rows_version_on() {
        let mut cell = Cell::new("140727".parse().unwrap(), 0);
        let fact = Fact::Region(region_state());
        cell.bring(Key::Region, Some(fact), (27, Some([1; 32])));
        append(&mut cell);
        let commit = cell.commit().unwrap();
        let [row] = &commit.rows[..] else {
            panic!("{} rows", commit.rows.len())
        };
        assert_eq!((row.version, row.leaf), (28, Some(commit.events[0].leaf)));
        assert_eq!(commit.events[0].version, 28);
    }

    #[test]
    fn an_event_whose_stream_has_no_row_is_not_written() {
        let mut cell = Cell::new("140727".parse().unwrap(), 0);
        append(&mut cell);
        assert!(matches!(cell.commit(), Err(EngineError::Unstorable(_))));
    }
}
