//! A region's log as the engine would store it: envelopes with indexes, streams and chains, so that an auditor can read it.

use std::collections::{BTreeMap, HashMap};

use hefu_audit::{Audited, Auditor, Replayed};
use hefu_domain::event::LogTree;
use hefu_domain::*;
use hefu_log::{Envelope, Frontier, Hash, leaf_hash};

/// The stored bytes of every event of every epoch, and where each stream stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Logbook {
    /// Epochs that a fork ended.
    pub(crate) ended: Vec<Vec<Vec<u8>>>,
    /// The present one.
    pub(crate) events: Vec<Vec<u8>>,
    streams: HashMap<Key, (u64, Hash)>,
}

impl Logbook {
    /// The log is over, and the next epoch's begins: indexes start anew, streams carry on. Returns the tree that it was left at.
    pub(crate) fn next_epoch(&mut self) -> LogTree {
        let mut frontier = Frontier::default();
        let leaves = self.events.iter().map(|bytes| leaf_hash(bytes));
        leaves.for_each(|leaf| frontier.push(leaf));
        let tree = LogTree {
            epoch: self.ended.len() as u64,
            size: frontier.size(),
            root: Digest(frontier.root().0),
        };
        self.ended.push(std::mem::take(&mut self.events));
        tree
    }

    /// An auditor, who reads all of it and decides every move again. It comes to the same however little of it memory holds at a time.
    pub(crate) fn audited(&self, region: &Region) -> Audited {
        let read = |auditor| self.read_by(auditor);
        for generation in [0, 1, 5] {
            let aside = read(Auditor::by_generations(region.clone(), generation));
            same(aside, read(Auditor::new(region.clone(), true)));
        }
        read(Auditor::new(region.clone(), true))
    }

    fn read_by(&self, mut auditor: Auditor) -> Audited {
        for (epoch, events) in (1..).zip(&self.ended) {
            events.iter().for_each(|bytes| auditor.feed(bytes));
            auditor.enter(epoch);
        }
        self.events.iter().for_each(|bytes| auditor.feed(bytes));
        auditor.end()
    }

    /// Writes an event into the log behind every rule's back.
    pub(crate) fn write(
        &mut self,
        region: &Region,
        at: Instant,
        (caller, request): (&str, &str),
        policy: Option<u32>,
        event: &Event,
    ) {
        let key = event.stream();
        let before = self.streams.get(&key).copied();
        let version = before.map_or(1, |(version, _)| version + 1);
        let stream = format!("{key:?}");
        let encoded = Envelope {
            region: region.as_str(),
            index: self.events.len() as u64,
            at: &at.to_string(),
            kind: event.kind(),
            stream: &stream,
            version,
            prev: before.map(|(_, leaf)| leaf),
            caller,
            request,
            digest: "request",
            policy,
            body: event,
        };
        let encoded = encoded.encode().unwrap();
        self.streams.insert(key, (version, encoded.leaf));
        self.events.push(encoded.bytes);
    }
}

/// Two audits of one log came to the same, to the last fact, head and finding.
fn same(one: Audited, other: Audited) {
    assert_eq!(one.findings, other.findings);
    let (mut one, mut other) = match (one.log, other.log) {
        (Ok(one), Ok(other)) => (one, other),
        (one, other) => return assert_eq!(one.err(), other.err()),
    };
    assert_eq!(
        (one.events, one.epoch, one.size, one.root, one.at),
        (other.events, other.epoch, other.size, other.root, other.at)
    );
    assert_eq!(one.nullifiers, other.nullifiers);
    let shown = |replayed: &Replayed| {
        let mut facts = BTreeMap::new();
        let all = replayed.each(|key, fact| {
            let twice = facts.insert(key.clone(), fact.clone());
            assert_eq!(twice, None, "{key:?} is shown twice");
        });
        all.unwrap();
        facts
    };
    let facts = shown(&one);
    assert_eq!(facts, shown(&other));
    for (key, fact) in facts {
        assert_eq!(one.world.get(&key).unwrap(), Some(&fact));
        let taken = one.take(&key).unwrap();
        assert_eq!(taken, other.take(&key).unwrap(), "{key:?}");
        assert_eq!(*taken.unwrap().0, fact);
        assert_eq!(one.take(&key).unwrap(), None, "{key:?} is taken twice");
    }
    assert_eq!((one.left(), other.left()), (vec![], vec![]));
}
