//! A region's log as the engine would store it: envelopes with indexes, streams and chains, so that an auditor can read it.

use std::collections::HashMap;

use hefu_domain::*;
use hefu_log::{Envelope, Hash};

/// The stored bytes of every event, and where each stream stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Logbook {
    pub(crate) events: Vec<Vec<u8>>,
    streams: HashMap<Key, (u64, Hash)>,
}

impl Logbook {
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
        let encoded = Envelope {
            region: region.as_str(),
            index: self.events.len() as u64,
            at: &at.to_string(),
            kind: event.kind(),
            stream: "a stream",
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
