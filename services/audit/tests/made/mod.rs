//! Logs made of real events, for the tests and the benchmark: a county's people apply, are issued a voucher, look at it
//! and have it revoked, in waves, so that many streams are under way at once. Written as an export is.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

// Each binary that shares this file uses a part of it.
#![allow(dead_code)]

mod found;
pub(crate) mod trained;

use std::collections::HashMap;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hefu_domain::command::CheckAnswer;
use hefu_domain::event::*;
use hefu_domain::state::{Held, Money, Once, RegionState, TokenInForce};
use hefu_domain::{
    Date, Digest, Event, Fen, Instant, Key, PersonId, Place, PlanYear, Programme, Tag, VoucherId,
};
use hefu_log::{
    Checkpoint, Envelope, Frontier, Hash, NoteSigner, Origin, TileBuilder, TileKind, TilePath,
    leaf_hash,
};

#[allow(unused_imports)]
pub(crate) use found::*;

pub(crate) const DEPLOYMENT: &str = "jinzhong.example";
pub(crate) const COUNTY: &str = "140725";
pub(crate) const CITY: &str = "140700";

/// The first event's instant: 2023-04-19T00:00:00Z.
const FIRST: i64 = 1_681_862_400_000;

/// People whose moves are mixed with each other.
const WAVE: u64 = 40;

pub(crate) fn code<T: FromStr>(text: impl Display) -> T
where
    T::Err: std::fmt::Debug,
{
    text.to_string().parse().unwrap()
}

/// A folder of this test's own, empty.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn origin(region: &str, epoch: u64) -> Origin {
    Origin::new(DEPLOYMENT, region, epoch).unwrap()
}

pub(crate) fn signer(region: &str, epoch: u64, seed: u8) -> NoteSigner {
    NoteSigner::new(&origin(region, epoch).to_string(), &[seed; 32]).unwrap()
}

/// What a county's log begins with.
pub(crate) fn opened(region: &str) -> Event {
    Event::RegionOpened(RegionState {
        parent: (region != CITY).then(|| code(CITY)),
        name: "寿阳县".to_owned(),
        name_en: "Shouyang".to_owned(),
        deployment: DEPLOYMENT.to_owned(),
        simulated: false,
        recorded: Default::default(),
        next_place: Default::default(),
    })
}

/// A county's events, without end.
pub(crate) fn county() -> impl Iterator<Item = Event> {
    let year = PlanYear::try_from(2023).unwrap();
    let waves = (0..).flat_map(move |wave| {
        (0..8).flat_map(move |step| {
            (0..WAVE).map(move |person| step_of(year, wave * WAVE + person, step))
        })
    });
    begin(year).into_iter().chain(waves)
}

/// A county is opened and has money.
fn begin(year: PlanYear) -> [Event; 3] {
    [
        opened(COUNTY),
        Event::PlanYearOpened(PlanYearOpened { year }),
        Event::FundsAppropriated(FundsAppropriated {
            year,
            source: code("county"),
            amount: Fen::yuan(5_000_000_000),
            reference: code("2023-41"),
        }),
    ]
}

/// The id of the so-manieth thing of its kind.
fn id<T: FromStr>(kind: &str, n: u64) -> T
where
    T::Err: std::fmt::Debug,
{
    code(format!("{kind}{:05x}-aaaa-7bbb-8ccc-{n:012x}", n % 0xfffff))
}

fn digest(seed: impl Display) -> Digest {
    Digest(leaf_hash(seed.to_string().as_bytes()).0)
}

fn tag(seed: impl Display) -> Tag {
    Tag(digest(seed).0[..16].try_into().unwrap())
}

/// One step of a person's voucher.
fn step_of(year: PlanYear, n: u64, step: u64) -> Event {
    let person: PersonId = id("018", n);
    let voucher: VoucherId = id("019", n);
    let programme = Programme::General;
    let live = Held {
        once: Once::Live { programme, year },
        tag: tag(format!("live {n}")),
    };
    let slot = Held {
        once: Once::Yearly { year, slot: 1 },
        tag: tag(format!("yearly {n}")),
    };
    let until: Date = code("2023-12-31");
    let due = Instant(FIRST + 200 * 86_400_000);
    let amount = Fen::yuan(1_500);
    let by = || code("140725-clerk");
    match step {
        0 => Event::PersonRegistered(PersonRegistered { person }),
        1 => Event::CheckAnswersRecorded(CheckAnswersRecorded {
            person,
            by: by(),
            answers: vec![CheckAnswer {
                check: code("real_name"),
                answer: code("match"),
                valid_until: until,
                reference: Some(code(format!("RN-{n}"))),
                employer: None,
            }],
        }),
        2 => Event::Applied(Applied {
            voucher,
            person,
            year,
            programme,
            category: code("rural"),
            occupation: Some(code("6-31-01-03")),
            level: Some(3.try_into().unwrap()),
            employer: None,
            by: by(),
            by_holder: true,
            answers: Vec::new(),
            due,
            takes: vec![live],
        }),
        3 => Event::Issued(Issued {
            voucher,
            by: code("140725-reviewer"),
            money: Money {
                year,
                source: code("county"),
                amount,
            },
            due,
            token: TokenInForce {
                hash: digest(n),
                cap: amount,
                issued: Instant(FIRST),
                expires: due,
            },
            serial: 1,
            place: Place(n),
            takes: vec![slot],
        }),
        4 => Event::TokenFetched(TokenFetched {
            voucher,
            by: by(),
            holder: Some(person),
            serial: 1,
        }),
        5 => Event::Frozen(Frozen {
            voucher,
            by: code("140725-supervisor"),
            reason: code("SPOT_CHECK"),
            finding: None,
        }),
        6 => Event::Unfrozen(Unfrozen {
            voucher,
            by: code("140725-supervisor"),
            reason: code("CLEARED"),
        }),
        _ => Event::Revoked(VoucherEnded {
            voucher,
            by: Some(code("140725-reviewer")),
            reason: Some(code("MOVED_AWAY")),
            release: Some(Money {
                year,
                source: code("county"),
                amount,
            }),
            frees: vec![live.tag, slot.tag],
        }),
    }
}

/// A stream's name: what it is about, and its id.
fn stream(event: &Event) -> String {
    match event.stream() {
        Key::Voucher(voucher) => format!("voucher/{voucher}"),
        Key::Person(person) => format!("person/{person}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Streams and time, which carry on from epoch to epoch.
#[derive(Clone, Default)]
pub(crate) struct Chain {
    streams: HashMap<String, (u64, Hash)>,
    seconds: i64,
}

impl Chain {
    /// The bytes of the next event.
    pub(crate) fn next(&mut self, region: &str, index: u64, event: &Event) -> Vec<u8> {
        let stream = stream(event);
        let before = self.streams.get(&stream).copied();
        let version = before.map_or(1, |(version, _)| version + 1);
        let encoded = Envelope {
            region,
            index,
            at: &Instant(FIRST + 1_000 * self.seconds).to_string(),
            kind: event.kind(),
            stream: &stream,
            version,
            prev: before.map(|(_, leaf)| leaf),
            caller: "desk",
            request: &format!("0190f3a4-5b1c-7cc1-8e55-{index:012x}"),
            digest: "x8T0vOHhS3q0Vv6oM1m5Fg",
            policy: Some(1),
            body: event,
        }
        .encode()
        .unwrap();
        self.streams.insert(stream, (version, encoded.leaf));
        self.seconds += 1;
        encoded.bytes
    }

    /// A log of these events.
    pub(crate) fn log(
        &mut self,
        region: &str,
        epoch: u64,
        events: impl IntoIterator<Item = Event>,
    ) -> History {
        let entries = (0..)
            .zip(events)
            .map(|(index, event)| self.next(region, index, &event))
            .collect();
        History {
            region: region.to_owned(),
            epoch,
            entries,
        }
    }
}

/// A log's stored bytes.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) region: String,
    pub(crate) epoch: u64,
    pub(crate) entries: Vec<Vec<u8>>,
}

impl History {
    /// A county's log of so many events.
    pub(crate) fn county(size: usize) -> Self {
        Chain::default().log(COUNTY, 0, county().take(size))
    }

    pub(crate) fn frontier_at(&self, size: usize) -> Frontier {
        let mut frontier = Frontier::new();
        self.entries[..size]
            .iter()
            .for_each(|entry| frontier.push(leaf_hash(entry)));
        frontier
    }

    pub(crate) fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn root(&self) -> Hash {
        self.frontier_at(self.entries.len()).root()
    }

    pub(crate) fn tree(&self) -> LogTree {
        self.tree_at(self.entries.len())
    }

    pub(crate) fn tree_at(&self, size: usize) -> LogTree {
        let root = Digest(self.frontier_at(size).root().0);
        LogTree {
            epoch: self.epoch,
            size: size as u64,
            root,
        }
    }

    /// The signed checkpoint of the first `size` events.
    pub(crate) fn note(&self, size: usize, signer: &NoteSigner) -> String {
        let root = self.frontier_at(size).root();
        let origin = origin(&self.region, self.epoch);
        Checkpoint {
            origin,
            size: size as u64,
            root,
        }
        .sign(signer)
        .unwrap()
        .to_string()
    }

    /// Writes entries, tiles and checkpoint into a log's folder.
    pub(crate) fn write(&self, folder: &Path, signer: &NoteSigner) {
        self.write_files(folder);
        put(
            folder,
            "checkpoint",
            self.note(self.entries.len(), signer).as_bytes(),
        );
    }

    /// Writes entries and tiles.
    pub(crate) fn write_files(&self, folder: &Path) {
        let mut tiles = TileBuilder::new();
        for entry in &self.entries {
            tiles.push(leaf_hash(entry), |tile| {
                put(folder, &tile.path().to_string(), &tile.to_bytes())
            });
        }
        for tile in tiles.partial() {
            put(folder, &tile.path().to_string(), &tile.to_bytes());
        }
        for (number, entries) in (0..).zip(self.entries.chunks(256)) {
            let path = TilePath::new(TileKind::Entries, number, entries.len() as u16).unwrap();
            put(folder, &path.to_string(), &bundle(entries));
        }
    }
}

/// A bundle of entries, of whatever number.
pub(crate) fn bundle(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bundle = Vec::new();
    for entry in entries {
        bundle.extend((entry.len() as u16).to_be_bytes());
        bundle.extend(entry);
    }
    bundle
}

/// Writes a file of a log.
pub(crate) fn put(folder: &Path, path: &str, bytes: &[u8]) {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}
