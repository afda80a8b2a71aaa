//! A read model as a year of a million vouchers leaves it behind: counters of every day and measure, in every region. For the bench of the
//! reports, and for the test that its sums are right.

use std::sync::atomic::Ordering;

use hefu_domain::{Date, Instant, Programme, Region};
use hefu_engine::{Clock, Source};
use hefu_report::{Ask, Lang, Name};
use hefu_scenario::Client;
use hefu_scenario::made_up::credit_code;
use hefu_server::reports::ReadModel;
use hefu_server::{Limits, RegionTree, Setup, Witnesses, serve};
use hefu_store::{ReportCount, ReportFold, Store};

use crate::engines::{Engine, Folder, Place};
use crate::office::Office;

/// By how much every counter changes on every day.
pub const EACH_DAY: i64 = 457;
/// The city, whose reports cover the counties.
pub const CITY: &str = "140700";
/// Enterprises of a region that trained staff.
const ENTERPRISES: u32 = 200;
/// 2023-04-19 08:00 in Asia/Shanghai.
const START: Instant = Instant(1_681_862_400_000);

const MEASURES: [&str; 14] = [
    "applied",
    "issued",
    "enrolled",
    "dropped",
    "completed",
    "claimed",
    "claimed_fen",
    "approved",
    "approved_fen",
    "paid",
    "paid_fen",
    "written_off",
    "assessed",
    "passed",
];

/// The read model of a city with its counties, each with a policy and a plan year in force and counters of so many days of 2023.
pub struct LargeYear {
    pub model: ReadModel,
    pub regions: Vec<Region>,
    store: Store,
    _place: Place,
}

impl LargeYear {
    /// Opens the regions and writes the counters.
    pub async fn of_days(engine: Engine, days: usize) -> LargeYear {
        let place = Place::new(engine).await;
        let regions = opened(&place).await;
        let store = place.open().await;
        let model = ReadModel::new(store.clone());
        model
            .catch_up(&regions, None)
            .await
            .expect("the logs are folded");
        for region in &regions {
            written(&store, region, days).await;
        }
        LargeYear {
            model,
            regions,
            store,
            _place: place,
        }
    }

    /// The question for a report of the city and its counties at the end of the year; an institution's statement is none of them.
    pub fn ask(name: Name) -> Ask {
        Ask {
            name,
            region: CITY.parse().expect("a region"),
            below: true,
            as_of: "2023-12-31".parse().expect("a day"),
            year: None,
            institution: None,
            lang: Lang::En,
        }
    }

    pub async fn close(self) {
        self.store.close().await;
    }
}

/// A server opens the regions, and an office in each of them its year.
async fn opened(place: &Place) -> Vec<Region> {
    let state = Folder::new("hefu-large-year");
    let (clock, hand) = Clock::simulated(START);
    let running = serve(Setup {
        database: place.url(),
        state: state.path().join("state"),
        listen: ([127, 0, 0, 1], 0).into(),
        deployment: "test.hefu.local".to_owned(),
        tree: RegionTree::read(None).expect("the shipped regions"),
        clock,
        source: Source::Seeded([7; 32]),
        writers: 2,
        witnesses: Witnesses::none(),
        limits: Limits::default(),
    })
    .await
    .expect("a server starts");
    let address = format!("http://{}", running.address);
    let client = Client::connect(&address).await.expect("it answers");
    let heads = running.engine.store().all_heads().await;
    let codes = heads
        .expect("the heads")
        .into_iter()
        .map(|head| head.region);
    let regions: Vec<Region> = codes.map(|code| code.parse().expect("a region")).collect();
    for region in &regions {
        let now = Instant(hand.load(Ordering::SeqCst));
        let operator = &running.operator_key;
        Office::open(&client, operator, region.as_str(), now, 0, 100).await;
    }
    running.stop().await;
    regions
}

/// Puts the counters behind what is folded already.
async fn written(store: &Store, region: &Region, days: usize) {
    let mut reads = store.snapshot().await.expect("a snapshot");
    let found = reads.report_cursors(&[region.to_string()]).await;
    let found = found.expect("the cursor").into_iter().next();
    drop(reads);
    let fold = ReportFold {
        cursor: found.clone().expect("the region is folded"),
        found,
        anew: false,
        facts: Vec::new(),
        counts: counts(region, days),
    };
    let written = store.fold_report(fold).await.expect("the counters");
    assert!(written, "nobody else folds");
}

fn counts(region: &Region, days: usize) -> Vec<ReportCount> {
    let first: Date = "2023-01-01".parse().expect("a day");
    let mut counts = Vec::new();
    for day in first.series(jiff::Span::new().days(1)).take(days) {
        let mut put = |subject: &str, item: String| {
            counts.push(ReportCount {
                subject: subject.to_owned(),
                item,
                day: day.to_string(),
                value: EACH_DAY,
            });
        };
        for programme in Programme::ALL {
            let of = programme.as_str();
            for measure in MEASURES {
                put("plan", format!("2023/{of}/{measure}"));
            }
            for level in 2..=4 {
                for category in ["flexible", "rural_transfer", "unemployed", "other_worker"] {
                    for measure in ["certificates", "first", "first_high"] {
                        let item = format!("2023/{of}/{level}/{category}/{measure}");
                        put("certificate", item);
                    }
                }
            }
        }
        for source in ["city", "county"] {
            for bucket in ["allocated", "available", "reserved", "payable", "paid"] {
                put("fund", format!("2023/{source}/{bucket}"));
            }
        }
        if day.day() == 1 {
            for number in 0..ENTERPRISES {
                let code = credit_code(region.as_str(), number);
                put("share", format!("2023/staff/{code}"));
            }
        }
    }
    counts
}
