//! A region's log as an auditor reads it, against what clients were told.

use std::collections::BTreeMap;

use hefu_audit::{Replay, Replayed};
use hefu_log::Opened;
use hefu_scenario::Client;
use hefu_tests::office::must;
use hefu_wire::v1;

use crate::writers::Acknowledged;

/// A region's log, replayed from its first event; its root is the head's.
pub(crate) struct Log {
    pub(crate) events: Vec<Vec<u8>>,
    pub(crate) replayed: Replayed,
}

impl Log {
    /// Reads the whole log; nobody writes meanwhile.
    pub(crate) async fn read(client: &Client, key: &str, region: &str) -> Log {
        let mut replay = Replay::new(region.parse().unwrap());
        let mut events = Vec::new();
        loop {
            let request = v1::ListEventsRequest {
                parent: format!("regions/{region}"),
                from_index: events.len() as u64,
                page_size: 1_000,
            };
            let page: v1::ListEventsResponse =
                must(client, key, "AuditService/ListEvents", request).await;
            for event in page.events {
                assert_eq!(event.index, events.len() as u64, "indexes are dense");
                replay.feed(&event.canonical).unwrap();
                events.push(event.canonical);
            }
            if page.next_index == 0 {
                break;
            }
        }
        let replayed = replay.end();
        let request = v1::GetHeadRequest {
            name: format!("regions/{region}"),
        };
        let head: v1::Head = must(client, key, "AuditService/GetHead", request).await;
        assert_eq!(head.size, replayed.size);
        assert_eq!(head.root, replayed.root.0);
        Log { events, replayed }
    }

    /// What stood in the log stands there still, byte for byte.
    pub(crate) fn extends(&self, before: &Log) {
        assert_eq!(self.events[..before.events.len()], before.events);
    }

    /// Every acknowledged request is recorded where its receipts say, and nowhere else; nobody's request is recorded that was not
    /// acknowledged in the end. Returns how many requests were compared.
    pub(crate) fn agrees_with<'a>(
        &self,
        acknowledged: impl Iterator<Item = &'a Acknowledged>,
    ) -> usize {
        let mut recorded: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
        for (index, bytes) in self.events.iter().enumerate() {
            let event: Opened = Opened::decode(bytes).unwrap();
            // Writers' request ids begin with their number; the others are the office's own.
            if event.request.starts_with('w') {
                let request = (event.caller, event.request);
                recorded.entry(request).or_default().push(index as u64);
            }
        }
        let mut compared = 0;
        for one in acknowledged {
            let told: Vec<u64> = one
                .receipts
                .iter()
                .flat_map(|r| r.first_index..r.first_index + u64::from(r.event_count))
                .collect();
            let request = (one.subject.clone(), one.request.clone());
            assert_eq!(recorded.remove(&request), Some(told), "{request:?}");
            compared += 1;
        }
        assert!(recorded.is_empty(), "never acknowledged: {recorded:?}");
        compared
    }
}
