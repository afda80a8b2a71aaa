//! Payouts from the bank's file to the bank's answers: by the API, and as somebody of finance walks it with the command.

use std::io::Cursor;
use std::path::Path;
use std::process::Output;

use calamine::{Reader as _, Xlsx};
use hefu_spreadsheet::{Cell, Template};
use hefu_tests::canaries;
use hefu_tests::engines::{Engine, Folder};
use hefu_tests::office::must;
use hefu_wire::v1;

use crate::school::School;
use crate::sheets::{filled, holds, imported, wrong};
use crate::{Api, REGION, no_role, reason};

/// The exit code of a sheet with errors.
const WRONG: i32 = 3;

on_both! {
    the_banks_file_is_on_record_and_its_answers_are_imported
    finance_walks_a_payout_with_the_command
}

/// A claim sheet whose notice is over: its money can be sent.
async fn to_be_paid(api: &Api) -> (School, String) {
    let mut school = School::open(api).await;
    school.enrol(api, 1).await;
    school.train(api).await;
    let sheet = school.claim(api).await;
    school.approve(api, &sheet).await;
    api.stand_at("2023-06-10T02:00:00.000Z");
    (school, sheet)
}

async fn shown(api: &Api, sheet: &str) -> v1::Sheet {
    let get = v1::GetSheetRequest {
        name: sheet.to_owned(),
    };
    let method = "RedemptionService/GetSheet";
    must(&api.client, &api.office.finance, method, get).await
}

async fn send_payout(api: &Api, sheet: &str) {
    let send = v1::SendPayoutRequest {
        name: sheet.to_owned(),
        approval: shown(api, sheet).await.approval,
        request_id: api.office.fresh("send"),
        validate_only: false,
    };
    let method = "SettlementService/SendPayout";
    let _: v1::SendPayoutResponse = must(&api.client, &api.office.finance, method, send).await;
}

/// The command as finance runs it on a file: its exit code, and what it says.
fn hefu(api: &Api, arguments: &[&str], file: &Path) -> (Option<i32>, String) {
    let mut command = hefu_tests::cli::hefu();
    command.args(arguments).arg(file);
    command.args(["--region", REGION, "--server", &api.running.url()]);
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .env("HEFU_KEY", &api.office.finance)
        .output()
        .unwrap();
    let said = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.code(), said.trim().to_owned())
}

/// The rows that finance hands to the bank.
fn bank_rows(file: &Path) -> Vec<Vec<String>> {
    let mut book: Xlsx<_> = calamine::open_workbook(file).unwrap();
    let title = Template::PayoutAnswers.title();
    let sheet = book.worksheet_range(title).unwrap();
    let rows = sheet.rows().skip(2);
    rows.map(|row| row.iter().map(ToString::to_string).collect())
        .collect()
}

async fn the_banks_file_is_on_record_and_its_answers_are_imported(engine: Engine) {
    let api = Api::start_on(engine).await;
    let office = &api.office;
    let (school, sheet) = to_be_paid(&api).await;
    let export = |request_id: String| v1::ExportPayoutsRequest {
        parent: office.parent(),
        sheets: vec![sheet.clone()],
        reason: "BANK_TRANSFER".to_owned(),
        request_id,
        validate_only: false,
        again: false,
    };
    let method = "SpreadsheetService/ExportPayouts";
    let early = api
        .refused(&office.finance, method, export(office.fresh("export")))
        .await;
    assert_eq!(reason(&early), "SHEET_NOT_PAYING");
    send_payout(&api, &sheet).await;
    no_role(&api, api.clerk(), method, export(office.fresh("export"))).await;
    no_role(
        &api,
        &office.reviewer,
        method,
        export(office.fresh("export")),
    )
    .await;

    let size = api.head().await.size;
    let made: v1::ExportPayoutsResponse = must(
        &api.client,
        &office.finance,
        method,
        export(office.fresh("export")),
    )
    .await;
    assert_eq!(api.head().await.size, size + 1, "it is on record");
    // Handed two files, the bank would pay twice: another one is to be asked for.
    let second = export(office.fresh("export"));
    let twice = api.refused(&office.finance, method, second.clone()).await;
    assert_eq!(reason(&twice), "PAYOUT_IN_A_FILE");
    let again = v1::ExportPayoutsRequest {
        request_id: office.fresh("export"),
        again: true,
        ..second
    };
    let once_more: v1::ExportPayoutsResponse =
        must(&api.client, &office.finance, method, again).await;
    assert_eq!(once_more.xlsx, made.xlsx);
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(made.xlsx)).unwrap();
    let range = book
        .worksheet_range(Template::PayoutAnswers.title())
        .unwrap();
    let cell = |column| range.get_value((2, column)).unwrap().to_string();
    let (id, payee) = (cell(0), cell(1));
    assert!(sheet.ends_with(&id));
    assert_eq!(
        (cell(2).as_str(), cell(3).as_str()),
        ("样例账户", "6200000000000001")
    );
    assert_eq!(cell(4), "100");

    // The list that anybody of the bureau sees is masked.
    let masked: v1::ExportSheetResponse = must(
        &api.client,
        &office.reviewer,
        "SpreadsheetService/ExportSheet",
        v1::ExportSheetRequest {
            name: office.parent(),
        },
    )
    .await;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(masked.xlsx)).unwrap();
    let list = book.worksheet_range("在途发放清单").unwrap();
    assert_eq!(list.get_value((1, 3)).unwrap().to_string(), "****0001");
    for name in [&sheet, &school.class] {
        let out: v1::ExportSheetResponse = must(
            &api.client,
            &school.key,
            "SpreadsheetService/ExportSheet",
            v1::ExportSheetRequest { name: name.clone() },
        )
        .await;
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(out.xlsx)).unwrap();
        let range = book.worksheet_range_at(0).unwrap().unwrap();
        let all: String = range.rows().flatten().map(ToString::to_string).collect();
        canaries::none_in("an export", all.as_bytes());
        assert!(all.contains("**************"), "an identity number, masked");
    }

    let answer = |account: &str, amount: &str, result: &str, why: Cell| {
        vec![
            id.as_str().into(),
            payee.as_str().into(),
            "样例账户".into(),
            account.into(),
            amount.into(),
            result.into(),
            "B-0001".into(),
            why,
        ]
    };
    let file = |row| filled(Template::PayoutAnswers, "", vec![row]);
    let place = |errors: Vec<(u32, String, String)>| (errors[0].0, errors[0].1.clone());
    let other = file(answer("6200000000000002", "100.00", "成功", Cell::Empty));
    assert_eq!(
        place(wrong(&api, &office.finance, Template::PayoutAnswers, &other).await),
        (3, "D".to_owned())
    );
    let less = file(answer("6200000000000001", "99.99", "成功", Cell::Empty));
    assert_eq!(
        place(wrong(&api, &office.finance, Template::PayoutAnswers, &less).await),
        (3, "E".to_owned())
    );
    let silent = file(answer("6200000000000001", "100.00", "退回", Cell::Empty));
    assert_eq!(
        place(wrong(&api, &office.finance, Template::PayoutAnswers, &silent).await),
        (3, "H".to_owned())
    );
    let paid = file(answer("6200000000000001", "100.00", "成功", Cell::Empty));
    let done = imported(&api, &office.finance, Template::PayoutAnswers, &paid).await;
    assert_eq!(done.new_parts, 1);
    let again = imported(&api, &office.finance, Template::PayoutAnswers, &paid).await;
    assert_eq!((again.new_parts, again.old_parts), (0, 1));
    assert_eq!(shown(&api, &sheet).await.state, "paid");
    holds(&api).await;
}

async fn finance_walks_a_payout_with_the_command(engine: Engine) {
    let api = Api::start_on(engine).await;
    let (_school, sheet) = to_be_paid(&api).await;
    let folder = Folder::new("hefu-payouts");
    let file = folder.path().join("发放.xlsx");
    let export = |more: &[&str]| {
        let unmasked = [
            "export",
            "payouts",
            "--unmasked",
            "--reason",
            "BANK_TRANSFER",
        ];
        hefu(&api, &[&unmasked, more].concat(), &file)
    };

    let (code, said) = export(&[]);
    let nothing = format!("no payout of {} is under way", api.office.parent());
    assert!(code == Some(1) && said.contains(&nothing), "{said}");
    send_payout(&api, &sheet).await;
    let (code, said) = export(&[]);
    assert_eq!((code, said.as_str()), (Some(0), file.to_str().unwrap()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "accounts in clear are nobody else's");
    }
    let rows = bank_rows(&file);
    std::fs::remove_file(&file).unwrap();
    let (code, said) = export(&[]);
    assert!(code == Some(1) && said.contains("--again"), "{said}");
    assert!(!file.exists(), "what was refused leaves no file");
    assert_eq!(export(&["--again"]).0, Some(0));
    assert_eq!(bank_rows(&file), rows);

    let answer = |result: &str, reason: &str| {
        let row = rows[0].iter().map(String::as_str);
        let answered = row.take(5).chain([result, "B-0001", reason]);
        let row = answered.map(|cell| {
            if cell.is_empty() {
                Cell::Empty
            } else {
                cell.into()
            }
        });
        std::fs::write(
            &file,
            filled(Template::PayoutAnswers, "", vec![row.collect()]),
        )
        .unwrap();
    };
    let import = |more: &[&str]| hefu(&api, &[&["import", "payout-answers"], more].concat(), &file);
    answer("退回", "");
    let (code, said) = import(&[]);
    assert!(code == Some(WRONG) && said.contains("H3"), "{said}");
    assert!(folder.path().join("发放-错误.xlsx").exists());
    answer("成功", "");
    for (more, told) in [
        (&["--dry-run"][..], "检查通过"),
        (&[], "共 1 行,已导入"),
        (&[], "此前已导入"),
    ] {
        let (code, said) = import(more);
        assert!(code == Some(0) && said.contains(told), "{said}");
    }
    assert_eq!(shown(&api, &sheet).await.state, "paid");
    assert_eq!(
        export(&["--again"]).0,
        Some(1),
        "nothing is under way any more"
    );
    holds(&api).await;
}
