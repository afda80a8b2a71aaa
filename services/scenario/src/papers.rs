//! The city's papers on their dates: the fortnight's report, the month's ranking, the quarter's funds.

use hefu_wire::v1;
use jiff::civil::{Date, date};

use crate::client::{Client, PlayError};
use crate::office::Office;
use crate::year::{days, instant};

/// A paper that is due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paper {
    name: &'static str,
    /// The last day that it counts.
    as_of: Date,
}

/// Every paper of the year, with its instant: a ranking on the first days of a month from May's on (自5月开始,每月月初5个工作日之内).
pub(crate) fn of_year() -> Vec<(i64, Paper)> {
    let paper = |name, as_of: Date, after: i64| {
        let due = instant(days(as_of, after), 9, 20);
        (due, Paper { name, as_of })
    };
    let fortnights = (0..22).map(|n| paper("two-week", days(date(2023, 6, 2), n * 14), 1));
    let rankings = (6..=12).map(|month| paper("ranking", days(date(2023, month, 1), -1), 5));
    let quarters = [date(2023, 6, 30), date(2023, 9, 30), date(2023, 12, 31)];
    let funds = quarters.map(|day| paper("funds", day, 2));
    fortnights.chain(rankings).chain(funds).collect()
}

/// Has it made.
pub(crate) async fn make(
    client: &Client,
    office: &Office,
    paper: Paper,
) -> Result<v1::Report, PlayError> {
    let request = v1::GetReportRequest {
        name: office.name("reports", paper.name),
        as_of: paper.as_of.to_string(),
        plan_year: 2023,
        ..v1::GetReportRequest::default()
    };
    let refused = |status| PlayError::Refused {
        what: format!("GetReport {}", paper.name),
        status: Box::new(status),
    };
    client
        .call(&office.supervisor, "ReportingService/GetReport", request)
        .await
        .map_err(refused)
}
