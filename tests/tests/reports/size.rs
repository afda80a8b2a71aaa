//! A read model as a year of a million vouchers leaves it behind, to be measured by hand: `cargo nextest run … --run-ignored only -E 'test(a_large_year)'`.

use std::time::Instant as Stopwatch;

use hefu_domain::{Date, Programme};
use hefu_report::{Lang, Name};
use hefu_server::reports::ReadModel;
use hefu_store::{ReportCount, ReportFold};
use hefu_tests::engines::Engine;

use crate::played::{ask, regions, year};

/// Counters of every day and measure, of 12 regions with 200 institutions each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn a_large_year() {
    for engine in Engine::BOTH {
        let played = year(engine).await;
        let store = played.place.open().await;
        let regions = regions(&store).await;
        let model = ReadModel::new(store.clone());
        model.catch_up(&regions, None).await.unwrap();
        for region in &regions {
            let mut reads = store.snapshot().await.unwrap();
            let found = reads.report_cursors(&[region.to_string()]).await.unwrap();
            drop(reads);
            let fold = ReportFold {
                cursor: found[0].clone(),
                found: found.into_iter().next(),
                anew: false,
                facts: Vec::new(),
                counts: counts(),
            };
            assert!(store.fold_report(fold).await.unwrap());
        }
        for name in Name::ALL {
            if name == Name::Institution {
                continue;
            }
            let ask = hefu_report::Ask {
                lang: Lang::En,
                ..ask(name, "2023-12-31")
            };
            let watch = Stopwatch::now();
            let report = model.report(&ask).await.unwrap();
            let took = watch.elapsed();
            println!("{engine:?} {name}: {} rows in {took:?}", report.rows.len());
        }
        store.close().await;
    }
}

fn counts() -> Vec<ReportCount> {
    let first: Date = "2023-01-01".parse().unwrap();
    let days = first.series(jiff::Span::new().days(1)).take(365);
    let mut counts = Vec::new();
    for day in days {
        let mut put = |subject: &str, item: String| {
            counts.push(ReportCount {
                subject: subject.to_owned(),
                item,
                day: day.to_string(),
                value: 457,
            });
        };
        for programme in Programme::ALL {
            for measure in [
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
            ] {
                put("plan", format!("2023/{}/{measure}", programme.as_str()));
            }
            for level in 2..=4 {
                for category in ["flexible", "rural_transfer", "unemployed", "other_worker"] {
                    for measure in ["certificates", "first", "first_high"] {
                        let of = programme.as_str();
                        put(
                            "certificate",
                            format!("2023/{of}/{level}/{category}/{measure}"),
                        );
                    }
                }
            }
        }
        for source in ["city", "county"] {
            for bucket in ["allocated", "available", "reserved", "payable", "paid"] {
                put("fund", format!("2023/{source}/{bucket}"));
            }
        }
    }
    counts
}
