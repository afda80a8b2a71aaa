//! A read model with the counters of a large year: no sum loses anything of them.

use hefu_domain::Programme;
use hefu_report::{Cell, Name, Report};
use hefu_tests::engines::Engine;
use hefu_tests::large_year::{EACH_DAY, LargeYear};

use crate::on_both;

on_both! { the_sums_of_a_large_year_are_those_of_its_counters }

/// A week is as good as a year for a sum.
const DAYS: usize = 7;

/// A number of the last row, which is the sum of all regions.
fn last(report: &Report, key: &str) -> i64 {
    let column = report.columns.iter().position(|column| column.key == key);
    match report.rows.last().unwrap().cells[column.unwrap()] {
        Cell::Number(number) => number,
        ref other => panic!("{key}: {other:?}"),
    }
}

async fn the_sums_of_a_large_year_are_those_of_its_counters(engine: Engine) {
    let year = LargeYear::of_days(engine, DAYS).await;
    let regions = year.regions.len() as i64;
    assert_eq!(regions, 12);
    let each = regions * DAYS as i64 * EACH_DAY;
    let every_programme = each * Programme::ALL.len() as i64;
    let progress = year.model.report(&LargeYear::ask(Name::Progress)).await;
    let progress = progress.unwrap();
    for key in ["applied", "issued", "trained", "paid", "paid_fen"] {
        assert_eq!(last(&progress, key), every_programme, "{key}");
    }
    // Three levels, four categories.
    assert_eq!(last(&progress, "newly_skilled"), 12 * every_programme);
    let certificates = year.model.report(&LargeYear::ask(Name::Certificates)).await;
    assert_eq!(
        last(&certificates.unwrap(), "certificates"),
        12 * every_programme
    );
    for name in Name::ALL {
        if name != Name::Institution {
            let report = year.model.report(&LargeYear::ask(name)).await.unwrap();
            assert!(!report.rows.is_empty(), "{name}");
        }
    }
    year.close().await;
}
