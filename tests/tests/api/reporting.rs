//! Reports over gRPC: the bureau's people get all of them, an institution its own statement, and nobody else any.

use hefu_report::{Lang, Name};
use hefu_tests::cli::hefu;
use hefu_tests::engines::Engine;
use hefu_tests::office::must;
use hefu_wire::v1;
use tonic::Code;

use crate::school::School;
use crate::*;

const GET: &str = "ReportingService/GetReport";

fn get(report: &str, day: &str) -> v1::GetReportRequest {
    v1::GetReportRequest {
        name: format!("regions/{REGION}/reports/{report}"),
        as_of: day.to_owned(),
        ..v1::GetReportRequest::default()
    }
}

/// What a row of a report says in a column.
fn number(report: &v1::Report, row: usize, key: &str) -> Option<i64> {
    let column = report.columns.iter().position(|column| column.key == key);
    match report.rows[row].cells[column.unwrap()].said {
        Some(v1::report_cell::Said::Number(number)) => Some(number),
        Some(v1::report_cell::Said::Text(_)) | None => None,
    }
}

on_both! { reports_are_the_bureaus_and_a_statement_its_institutions what_is_asked_wrongly_is_named }

async fn reports_are_the_bureaus_and_a_statement_its_institutions(engine: Engine) {
    let api = Api::start_on(engine).await;
    let mut school = School::open(&api).await;
    school.enrol(&api, 2).await;
    school.train(&api).await;
    api.stand_at("2023-06-30T02:00:00.000Z");
    let day = "2023-05-31";
    for name in Name::ALL {
        // A ranking is of the month before.
        let day = if name == Name::Ranking {
            "2023-06-30"
        } else {
            day
        };
        let mut asked = get(name.as_str(), day);
        if name == Name::Institution {
            asked.institution = school.name.rsplit('/').next().unwrap().to_owned();
        }
        for key in [api.clerk(), &api.office.finance, &api.running.operator_key] {
            let report: v1::Report = must(&api.client, key, GET, asked.clone()).await;
            assert!(
                report.title.starts_with(name.title(Lang::Zh)),
                "{}",
                report.title
            );
            assert!(report.logs.iter().any(|log| log.size > 0), "{report:?}");
        }
        no_role(&api, &api.office.portal, GET, asked.clone()).await;
        if name != Name::Institution {
            hidden(&api, &school.key, GET, asked, "REPORT_NOT_FOUND").await;
        }
    }
    // What was enrolled and trained a moment ago counts at once.
    let progress: v1::Report = must(&api.client, api.clerk(), GET, get("progress", day)).await;
    let last = progress.rows.len() - 1;
    assert_eq!(number(&progress, last, "trained"), Some(2), "{progress:?}");
    // As of the day before, nobody had been trained; of a day before the office opened there is no plan year.
    let before: v1::Report =
        must(&api.client, api.clerk(), GET, get("progress", "2023-05-10")).await;
    let last = before.rows.len() - 1;
    assert_eq!(number(&before, last, "trained"), Some(0), "{before:?}");
    let early = api
        .refused(api.clerk(), GET, get("progress", "2023-05-09"))
        .await;
    assert_eq!(early.code(), Code::FailedPrecondition, "{early}");
    assert_eq!(reason(&early), "PLAN_YEAR_NOT_FOUND");
    let early = api
        .refused(api.clerk(), GET, get("ranking", "2023-04-30"))
        .await;
    assert_eq!(reason(&early), "PLAN_YEAR_NOT_FOUND");

    // An institution's own statement, named or not; another's is not there.
    let own: v1::Report = must(&api.client, &school.key, GET, get("institution", day)).await;
    let last = own.rows.len() - 1;
    assert_eq!(number(&own, last, "completed"), Some(2), "{own:?}");
    let code = school.name.rsplit('/').next().unwrap();
    assert!(own.title.contains(code), "{}", own.title);
    let theirs = v1::GetReportRequest {
        institution: code.to_owned(),
        ..get("institution", day)
    };
    let same: v1::Report = must(&api.client, &school.key, GET, theirs.clone()).await;
    assert_eq!(same, own);
    hidden(&api, &school.stranger, GET, theirs, "REPORT_NOT_FOUND").await;
    let stranger: v1::Report =
        must(&api.client, &school.stranger, GET, get("institution", day)).await;
    assert_eq!(
        number(&stranger, stranger.rows.len() - 1, "completed"),
        Some(0)
    );

    // The command prints the same of a server and of its database beside it.
    let (url, database) = (api.running.url(), api.place.url());
    let key = api.clerk().to_owned();
    let printed = tokio::task::spawn_blocking(move || {
        let of = |source: &[&str]| {
            let mut command = hefu();
            command.args(["report", "progress", "--as-of", day, "--region", REGION]);
            let output = command.args(source).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{said}");
            String::from_utf8(output.stdout).unwrap()
        };
        [
            of(&["--server", &url, "--key", &key]),
            of(&["--database", &database]),
        ]
    });
    let [by_server, by_database] = printed.await.unwrap();
    assert_eq!(by_server, by_database);
    assert!(
        by_server.contains("小计") && by_server.contains("寿阳县"),
        "{by_server}"
    );

    let list = v1::ListReportsRequest {
        parent: format!("regions/{REGION}"),
        language: "en".to_owned(),
        ..v1::ListReportsRequest::default()
    };
    let listed: v1::ListReportsResponse =
        must(&api.client, "", "ReportingService/ListReports", list).await;
    assert_eq!(listed.reports.len(), Name::ALL.len());
    assert!(listed.reports[0].name.ends_with("/reports/progress"));
    assert!(listed.reports[0].title.contains("Progress"));
}

async fn what_is_asked_wrongly_is_named(engine: Engine) {
    let api = Api::start_on(engine).await;
    api.stand_at("2023-05-31T15:59:59.000Z");
    // In Asia/Shanghai the day after has not begun.
    let to_come = api
        .refused(api.clerk(), GET, get("progress", "2023-06-01"))
        .await;
    assert_eq!(wrong_fields(&to_come), ["as_of"]);
    let _: v1::Report = must(&api.client, api.clerk(), GET, get("progress", "2023-05-31")).await;
    let wrong = v1::GetReportRequest {
        as_of: "31.5.2023".to_owned(),
        plan_year: 70_000,
        institution: "somebody".to_owned(),
        language: "fr".to_owned(),
        ..get("Progress!", "")
    };
    let status = api.refused(api.clerk(), GET, wrong).await;
    let fields = ["name", "as_of", "plan_year", "institution", "language"];
    assert_eq!(wrong_fields(&status), fields);
    hidden(
        &api,
        api.clerk(),
        GET,
        get("weather", "2023-05-31"),
        "REPORT_NOT_FOUND",
    )
    .await;
    let nobody = api
        .refused(api.clerk(), GET, get("institution", "2023-05-31"))
        .await;
    assert_eq!(reason(&nobody), "INSTITUTION_MISSING");
    let unknown = v1::GetReportRequest {
        institution: "91350100M000100Y43".to_owned(),
        ..get("institution", "2023-05-31")
    };
    hidden(&api, api.clerk(), GET, unknown, "INSTITUTION_NOT_FOUND").await;
    let elsewhere = v1::GetReportRequest {
        name: "regions/140727/reports/progress".to_owned(),
        ..get("progress", "2023-05-31")
    };
    let status = api.refused(api.clerk(), GET, elsewhere).await;
    assert_eq!(reason(&status), "CALLER_UNKNOWN", "{status}");
}
