//! The regions' logs as an auditor reads them, against what clients were told.

use std::collections::{BTreeMap, BTreeSet};

use hefu_audit::{Replay, Replayed};
use hefu_domain::{Event, Fen};
use hefu_log::Opened;
use hefu_scenario::Client;
use hefu_tests::office::must;
use hefu_wire::v1;

use crate::field::{CITY, COUNTY};
use crate::writers::{Acknowledged, Asked};

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
    fn extends(&self, before: &Log) {
        assert_eq!(self.events[..before.events.len()], before.events);
    }

    /// Its events in order, with their indexes.
    fn opened(&self) -> impl Iterator<Item = (u64, Opened)> {
        let opened = self.events.iter().map(|bytes| {
            let event: Opened = Opened::decode(bytes).unwrap();
            event
        });
        (0..).zip(opened)
    }
}

/// The logs of the city and of its county, between which money moves.
pub(crate) struct Logs {
    city: Log,
    county: Log,
}

impl Logs {
    /// Reads both logs whole; nobody writes meanwhile.
    pub(crate) async fn read(client: &Client, key: &str) -> Logs {
        Logs {
            city: Log::read(client, key, CITY).await,
            county: Log::read(client, key, COUNTY).await,
        }
    }

    /// Events of both.
    pub(crate) fn size(&self) -> u64 {
        self.city.replayed.size + self.county.replayed.size
    }

    pub(crate) fn extends(&self, before: &Logs) {
        self.city.extends(&before.city);
        self.county.extends(&before.county);
    }

    /// Every acknowledged request is recorded where its receipts say and nowhere else, and of the others only such as are `open`.
    /// An allocation is in both logs or in neither.
    pub(crate) fn hold<'a>(
        &self,
        acknowledged: impl Iterator<Item = &'a Acknowledged>,
        open: &BTreeSet<Asked>,
    ) {
        let mut recorded = self.recorded();
        for one in acknowledged {
            let told: Vec<u64> = one
                .receipts
                .iter()
                .flat_map(|r| r.first_index..r.first_index + u64::from(r.event_count))
                .collect();
            assert_eq!(recorded.remove(&one.asked), Some(told), "{:?}", one.asked);
        }
        recorded.retain(|asked, _| !open.contains(asked));
        assert!(recorded.is_empty(), "never acknowledged: {recorded:?}");
        assert_eq!(self.sent(), self.received(), "half an allocation");
    }

    /// As [`Logs::hold`], when every request has been answered.
    pub(crate) fn agree_with<'a>(&self, acknowledged: impl Iterator<Item = &'a Acknowledged>) {
        self.hold(acknowledged, &BTreeSet::new());
    }

    /// Where the writers' requests stand. Their ids begin with `w`; the others are the office's own. The county's half of an
    /// allocation is the city's doing, not a caller's.
    fn recorded(&self) -> BTreeMap<Asked, Vec<u64>> {
        let mut recorded: BTreeMap<Asked, Vec<u64>> = BTreeMap::new();
        for (region, log) in [(CITY, &self.city), (COUNTY, &self.county)] {
            for (index, event) in log.opened() {
                if event.request.starts_with('w') && event.caller != format!("region/{CITY}") {
                    let asked = Asked::new(region, &event.caller, &event.request);
                    recorded.entry(asked).or_default().push(index);
                }
            }
        }
        recorded
    }

    /// What left the city, by request, in order.
    fn sent(&self) -> Vec<(String, Fen)> {
        let events = self.city.opened();
        let amounts = events.filter_map(|(_, event)| match decode(&event) {
            Event::FundsAllocatedOut(out) => Some((event.request, out.amount)),
            _ => None,
        });
        amounts.collect()
    }

    /// What came into the county.
    fn received(&self) -> Vec<(String, Fen)> {
        let events = self.county.opened();
        let amounts = events.filter_map(|(_, event)| match decode(&event) {
            Event::FundsAllocatedIn(into) => Some((event.request, into.amount)),
            _ => None,
        });
        amounts.collect()
    }
}

fn decode(event: &Opened) -> Event {
    Event::decode(&event.kind, event.body.get())
        .unwrap()
        .unwrap()
}
