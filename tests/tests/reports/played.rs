//! A year played call after call, with reports asked for on the way.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use hefu_domain::calendar::Calendar;
use hefu_domain::{Date, Instant, Policy, Region};
use hefu_engine::{Clock, Source};
use hefu_report::{Ask, Lang, Name, Report};
use hefu_scenario::{Client, Script, month, play};
use hefu_server::reports::ReadModel;
use hefu_server::{RegionTree, Setup, serve};
use hefu_store::Store;
use hefu_tests::engines::{Engine, Folder, Place};

const POLICY: &str = include_str!("../../../policy/jinzhong-2023.toml");
const CALENDARS: [&str; 2] = [
    include_str!("../../../policy/calendar-2023.toml"),
    include_str!("../../../policy/calendar-2024.toml"),
];
/// 2023-04-19 08:00 in Asia/Shanghai.
const START_MS: i64 = 1_681_862_400_000;
pub(crate) const CITY: &str = "140700";

/// A year that is over; nothing serves its database any more.
pub(crate) struct Played {
    pub(crate) place: Place,
    pub(crate) state: Folder,
    /// Reports as they were asked for over gRPC in the course of the year, each of a day that was over then.
    pub(crate) on_the_way: BTreeMap<(Name, Date), Report>,
}

/// A question about the city and its counties.
pub(crate) fn ask(name: Name, as_of: &str) -> Ask {
    Ask {
        name,
        region: CITY.parse().unwrap(),
        below: true,
        as_of: as_of.parse().unwrap(),
        year: hefu_domain::PlanYear::try_from(2023).ok(),
        institution: None,
        lang: Lang::Zh,
    }
}

/// The last day of the month before.
fn month_before(at: i64) -> Date {
    let day = Instant(at).date();
    day.first_of_month().yesterday().unwrap()
}

pub(crate) async fn year(engine: Engine) -> Played {
    let place = Place::new(engine).await;
    let state = Folder::new("hefu-reports");
    let (clock, hand) = Clock::simulated(Instant(START_MS));
    let running = serve(Setup {
        database: place.url(),
        state: state.path().join("state"),
        listen: ([127, 0, 0, 1], 0).into(),
        deployment: "test.hefu.local".to_owned(),
        tree: RegionTree::read(None).unwrap(),
        clock,
        source: Source::Seeded([7; 32]),
        writers: 2,
        witnesses: hefu_server::Witnesses::none(),
        limits: hefu_server::Limits::default(),
    })
    .await
    .unwrap();
    let client = Client::connect(&format!("http://{}", running.address))
        .await
        .unwrap();
    let calendars: Vec<Calendar> = CALENDARS.map(|text| toml::from_str(text).unwrap()).into();
    let script = Script {
        seed: 3,
        vouchers: 400,
        operator: running.operator_key.clone(),
        policy_json: serde_json::to_string(&Policy::from_toml(POLICY).unwrap()).unwrap(),
        calendars: calendars.iter().map(hefu_wire::show::calendar).collect(),
        sequential: true,
    };
    let on_the_way = Mutex::new(BTreeMap::new());
    let key = running.operator_key.clone();
    play(
        &client,
        &script,
        async |at| {
            let before = hand.load(Ordering::SeqCst);
            if month(at) > month(before) && month(before) > month(START_MS) {
                let name = match month(at) % 3 {
                    0 => Name::Progress,
                    1 => Name::Funds,
                    _ => Name::Certificates,
                };
                let day = month_before(before);
                let asked = served(&client, &key, name, day).await;
                on_the_way.lock().unwrap().insert((name, day), asked);
            }
            hand.fetch_max(at, Ordering::SeqCst);
        },
        |_| {},
    )
    .await
    .unwrap();
    // For the export: everything is signed.
    running.record_checkpoints().await.unwrap();
    running.record_checkpoints().await.unwrap();
    running.stop().await;
    Played {
        place,
        state,
        on_the_way: on_the_way.into_inner().unwrap(),
    }
}

/// A report over gRPC.
pub(crate) async fn served(client: &Client, key: &str, name: Name, day: Date) -> Report {
    let get = hefu_wire::v1::GetReportRequest {
        name: format!("regions/{CITY}/reports/{name}"),
        as_of: day.to_string(),
        ..Default::default()
    };
    let report: hefu_wire::v1::Report =
        hefu_tests::office::must(client, key, "ReportingService/GetReport", get).await;
    hefu_wire::show::read_report(&report).unwrap()
}

/// Every region of the database.
pub(crate) async fn regions(store: &Store) -> Vec<Region> {
    let heads = store.all_heads().await.unwrap();
    let codes = heads.iter().map(|head| head.region.parse().unwrap());
    codes.collect()
}

/// The report, out of a database that nothing serves.
pub(crate) async fn report(store: &Store, ask: &Ask) -> Report {
    ReadModel::new(store.clone()).report(ask).await.unwrap()
}
