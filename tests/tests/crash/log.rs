//! The regions' logs as an auditor reads them, against what clients were told.

use std::collections::{BTreeMap, BTreeSet};

use hefu_audit::Replay;
use hefu_domain::{Event, Fen};
use hefu_log::Opened;
use hefu_scenario::Client;
use hefu_tests::office::must;
use hefu_wire::v1;

use crate::field::{CITY, COUNTY};
use crate::writers::{Acknowledged, Asked};

/// On whose behalf the county's half of an allocation is recorded.
const CITY_AS_CALLER: &str = "region/140700";

/// A region's log, replayed as far as it was read; its root is the head's.
pub(crate) struct Log {
    region: &'static str,
    replay: Replay,
    pub(crate) events: Vec<Vec<u8>>,
    opened: Vec<Opened>,
}

impl Log {
    /// Reads the whole log; nobody writes meanwhile.
    pub(crate) async fn read(client: &Client, key: &str, region: &'static str) -> Log {
        let mut log = Log {
            region,
            replay: Replay::new(region.parse().unwrap()),
            events: Vec::new(),
            opened: Vec::new(),
        };
        log.read_again(client, key).await;
        log
    }

    /// Reads the whole log again: what stood in it stands there still, byte for byte, and what is new follows from it. No writer of
    /// ours is at work, but the server itself may put checkpoints on record between two reads.
    async fn read_again(&mut self, client: &Client, key: &str) {
        let mut next = 0;
        let head = loop {
            next = self.read_on(client, key, next).await;
            let request = v1::GetHeadRequest {
                name: format!("regions/{}", self.region),
            };
            let head: v1::Head = must(client, key, "AuditService/GetHead", request).await;
            if head.size <= next {
                break head;
            }
        };
        let (size, root) = self.replay.head();
        assert_eq!(
            (next, head.size),
            (size, size),
            "the head is not the log's end"
        );
        assert_eq!(head.root, root.0);
    }

    /// Reads from an index to the end of the log, and returns where that is.
    async fn read_on(&mut self, client: &Client, key: &str, from: u64) -> u64 {
        let mut next = from;
        loop {
            let request = v1::ListEventsRequest {
                parent: format!("regions/{}", self.region),
                from_index: next,
                page_size: 1_000,
            };
            let page: v1::ListEventsResponse =
                must(client, key, "AuditService/ListEvents", request).await;
            for event in page.events {
                assert_eq!(event.index, next, "indexes are dense");
                self.stands(next as usize, event.canonical);
                next += 1;
            }
            if page.next_index == 0 {
                return next;
            }
        }
    }

    fn stands(&mut self, index: usize, bytes: Vec<u8>) {
        match self.events.get(index) {
            Some(before) => assert_eq!(bytes, *before, "event {index} was changed"),
            None => {
                self.replay.feed(&bytes).unwrap();
                self.opened.push(Opened::decode(&bytes).unwrap());
                self.events.push(bytes);
            }
        }
    }

    /// The bodies of the events of that kind, with their requests, in order.
    fn bodies(&self, kind: &str) -> impl Iterator<Item = (&str, Event)> {
        let events = self.opened.iter().filter(move |event| event.kind == kind);
        events.map(|event| {
            let body = Event::decode(&event.kind, event.body.get());
            (event.request.as_str(), body.unwrap().unwrap())
        })
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

    /// Reads both again; see [`Log::read_again`].
    pub(crate) async fn read_again(&mut self, client: &Client, key: &str) {
        self.city.read_again(client, key).await;
        self.county.read_again(client, key).await;
    }

    /// Events of both.
    pub(crate) fn size(&self) -> usize {
        self.city.events.len() + self.county.events.len()
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
                .filter_map(|receipt| receipt.recorded.as_ref())
                .flat_map(|r| r.first_index..r.first_index + u64::from(r.events))
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
        for log in [&self.city, &self.county] {
            for (index, event) in (0..).zip(&log.opened) {
                if event.request.starts_with('w') && event.caller != CITY_AS_CALLER {
                    let asked = Asked::new(log.region, &event.caller, &event.request);
                    recorded.entry(asked).or_default().push(index);
                }
            }
        }
        recorded
    }

    /// What left the city, by request, in order.
    fn sent(&self) -> Vec<(&str, Fen)> {
        let events = self.city.bodies("FundsAllocatedOut");
        let amounts = events.map(|(request, event)| match event {
            Event::FundsAllocatedOut(out) => (request, out.amount),
            other => panic!("{other:?}"),
        });
        amounts.collect()
    }

    /// What came into the county.
    fn received(&self) -> Vec<(&str, Fen)> {
        let events = self.county.bodies("FundsAllocatedIn");
        let amounts = events.map(|(request, event)| match event {
            Event::FundsAllocatedIn(into) => (request, into.amount),
            other => panic!("{other:?}"),
        });
        amounts.collect()
    }
}
