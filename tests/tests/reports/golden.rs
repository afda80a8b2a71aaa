//! The golden set: the reports of the made-up year as an official reads them, in files. Both engines, a server's answer, a database that nobody
//! serves and an exported log must print the very same.

use std::path::Path;
use std::process::Output;

use hefu_tests::cli::{audit, hefu};
use hefu_tests::engines::Engine;

use crate::on_both;
use crate::played::year;

on_both! { the_reports_of_a_year_read_as_they_are_kept }

/// Each report, with the day and what else it is asked with.
const KEPT: [(&str, &str, &[&str]); 12] = [
    ("progress", "2023-09-30", &[]),
    ("progress", "2024-04-30", &["--year", "2023"]),
    ("certificates", "2023-12-31", &[]),
    ("two-week", "2023-06-11", &[]),
    (
        "funds",
        "2024-04-30",
        &["--region", "140725", "--year", "2023"],
    ),
    ("ranking", "2023-05-08", &[]),
    ("ranking", "2023-09-04", &[]),
    ("ranking", "2023-12-05", &["--lang", "en"]),
    ("indicators", "2023-12-31", &[]),
    (
        "institution",
        "2024-04-30",
        &["--region", "140725", "--year", "2023"],
    ),
    ("shares", "2023-12-31", &["--region", "140725"]),
    ("funds", "2023-12-31", &["--lang", "en"]),
];

/// Those that are written in every format.
const EVERY_FORMAT: [(&str, &str); 3] = [
    ("progress", "2024-04-30"),
    ("ranking", "2023-09-04"),
    ("funds", "2024-04-30"),
];

fn said(output: Output) -> Vec<u8> {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    output.stdout
}

fn report(arguments: &[&str]) -> Vec<u8> {
    said(hefu().arg("report").args(arguments).output().unwrap())
}

async fn the_reports_of_a_year_read_as_they_are_kept(engine: Engine) {
    let played = year(engine).await;
    let database = played.place.url();
    let folder = played.state.path().join("export");
    let folder = folder.to_str().unwrap();
    said(audit(&["export", "--database", &database, "--out", folder]));
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/reports");
    let payee = payee(&played.place).await;
    for (name, day, more) in KEPT {
        let mut asked = vec![name, "--as-of", day];
        asked.extend(more);
        if name == "institution" {
            asked.extend(["--institution", &payee]);
        }
        let of = |source: &[&str], format: &str| {
            report(&[&asked, source, &["--format", format]].concat())
        };
        let by_database = ["--database", database.as_str()];
        let text = of(&by_database, "table");
        let file = kept.join(format!("{name}-{day}.txt"));
        golden(&file, &text);
        assert_eq!(
            text,
            of(&["--dir", folder], "table"),
            "{name} of the export"
        );
        if EVERY_FORMAT.contains(&(name, day)) {
            for format in ["json", "csv", "xlsx"] {
                let one = of(&by_database, format);
                assert!(one.len() > 100, "{name} {format}");
                let other = of(&["--dir", folder], format);
                assert_eq!(one, other, "{name} {format} of the export");
            }
        }
    }
    for (name, day) in [("progress", "2024-04-30"), ("ranking", "2023-09-04")] {
        let asked = [
            name,
            "--as-of",
            day,
            "--year",
            "2023",
            "--database",
            &database,
            "--format",
            "svg",
        ];
        let picture = report(&asked);
        golden(&kept.join(format!("{name}-{day}.svg")), &picture);
        let picture = String::from_utf8(picture).unwrap();
        assert!(picture.contains("<text") && !picture.contains("<path"));
    }
    // What is not there is said, and how to go on.
    let early = [
        "ranking",
        "--as-of",
        "2023-04-20",
        "--year",
        "2023",
        "--database",
        &database,
    ];
    let refused = hefu().arg("report").args(early).output().unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && why.contains("month 5"),
        "{why}"
    );
}

/// A payee of 寿阳县, the same in every run.
async fn payee(place: &hefu_tests::engines::Place) -> String {
    let store = place.open().await;
    let rows = store
        .rows(hefu_store::Table::Sheet, "140725", None, 1)
        .await
        .unwrap();
    let payee = match hefu_engine::rows::fact(&rows[0]).unwrap() {
        hefu_domain::Fact::Sheet(sheet) => sheet.payee.to_string(),
        other => panic!("{other:?}"),
    };
    store.close().await;
    payee
}

/// Holds bytes against a file; `HEFU_GOLDEN=new` writes it.
fn golden(file: &Path, bytes: &[u8]) {
    if std::env::var_os("HEFU_GOLDEN").is_some_and(|what| what == "new") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
    let kept = std::fs::read(file).unwrap_or_default();
    let (kept, now) = (
        String::from_utf8(kept).unwrap(),
        String::from_utf8_lossy(bytes),
    );
    assert_eq!(kept, now, "{}", file.display());
}
