//! Filled-in sheets and linked records, from the workbook to the log: what is imported holds, what is wrong writes nothing, and the same
//! sheet again changes nothing.

use std::io::Cursor;

use calamine::{Reader as _, Xlsx};
use hefu_scenario::key;
use hefu_spreadsheet::{Cell, Prefilled, Template};
use hefu_tests::canaries;
use hefu_tests::engines::Engine;
use hefu_tests::office::must;
use hefu_wire::v1;
use hefu_wire::v1::import_sheet_response::Part;
use hefu_wire::v1::spreadsheet_service_client::SpreadsheetServiceClient;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::school::{DAY, OCCUPATION, School, grant};
use crate::{Api, REGION, reason};

on_both! {
    a_roster_blocks_its_peoples_days_and_the_same_sheet_again_changes_nothing
    certificates_without_a_voucher_register_their_holders_and_go_with_them
    attendance_is_filled_into_the_classs_own_sheet
}

/// A sheet filled in.
pub(crate) fn filled(template: Template, context: &str, rows: Vec<Vec<Cell>>) -> Vec<u8> {
    let context = context.to_owned();
    template.workbook(&Prefilled { context, rows }).unwrap()
}

/// What came of a sheet, and its marked copy.
type Imported = Result<(v1::SheetOutcome, Vec<u8>), Status>;

async fn send(api: &Api, key: &str, template: Template, file: &[u8], dry: bool) -> Imported {
    let mut client = SpreadsheetServiceClient::connect(api.running.url())
        .await
        .unwrap();
    let mut messages = vec![v1::ImportSheetRequest {
        parent: format!("regions/{REGION}"),
        template: template.name().to_owned(),
        validate_only: dry,
        chunk: Vec::new(),
    }];
    // Small pieces, so that the file is put together.
    messages.extend(file.chunks(1_000).map(|chunk| v1::ImportSheetRequest {
        chunk: chunk.to_vec(),
        ..v1::ImportSheetRequest::default()
    }));
    let mut request = Request::new(tokio_stream::iter(messages));
    let bearer = format!("Bearer {key}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let mut answer = client.import_sheet(request).await?.into_inner();
    let (mut outcome, mut marked) = (None, Vec::new());
    while let Some(message) = answer.message().await? {
        match message.part {
            Some(Part::Outcome(told)) => outcome = Some(told),
            Some(Part::Marked(chunk)) => marked.extend(chunk),
            None => {}
        }
    }
    Ok((outcome.unwrap(), marked))
}

pub(crate) async fn imported(
    api: &Api,
    key: &str,
    template: Template,
    file: &[u8],
) -> v1::SheetOutcome {
    let (outcome, marked) = send(api, key, template, file, false).await.unwrap();
    assert_eq!(outcome.errors, [], "{outcome:?}");
    assert!(outcome.written && marked.is_empty());
    outcome
}

/// A sheet that must be refused: its errors by row and column, with a marked copy, and nothing in the log.
pub(crate) async fn wrong(
    api: &Api,
    key: &str,
    template: Template,
    file: &[u8],
) -> Vec<(u32, String, String)> {
    let before = api.head().await.size;
    let (outcome, marked) = send(api, key, template, file, false).await.unwrap();
    assert!(
        !outcome.written && !outcome.errors.is_empty(),
        "{outcome:?}"
    );
    let mut copy: Xlsx<_> = Xlsx::new(Cursor::new(marked)).unwrap();
    let sheet = copy.worksheet_range(template.title()).unwrap();
    let last = sheet.width() - 1;
    for error in &outcome.errors {
        canaries::none_in("an error", error.zh.as_bytes());
        canaries::none_in("an error", error.en.as_bytes());
        let told = sheet
            .get((error.row as usize - 1, last))
            .map(ToString::to_string);
        assert!(
            told.unwrap_or_default().contains(&error.zh),
            "{error:?} stands in the copy"
        );
    }
    assert_eq!(api.head().await.size, before, "nothing was written");
    let errors = outcome.errors.into_iter();
    errors
        .map(|error| (error.row, error.column, error.en))
        .collect()
}

/// The log holds, the tables are what it says, and every move of it would be decided so again.
pub(crate) async fn holds(api: &Api) {
    let mut snapshot = api.running.engine.store().snapshot().await.unwrap();
    let verified = hefu_engine::audit(&mut snapshot, true, |_, _| {});
    let verified = verified.await.unwrap();
    assert!(verified.log_verified && verified.replay_equal);
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
}

fn on_roster(person: u64, first: &str, last: &str) -> Vec<Cell> {
    let person = canaries::person(person);
    let last = if last.is_empty() {
        Cell::Empty
    } else {
        last.into()
    };
    vec![
        "农业农村局".into(),
        person.name.into(),
        person.identity.into(),
        Cell::Empty,
        first.into(),
        last,
    ]
}

async fn a_roster_blocks_its_peoples_days_and_the_same_sheet_again_changes_nothing(engine: Engine) {
    let api = Api::start_on(engine).await;
    let mut school = School::open(&api).await;
    // Person 0 sits in a class on its day already; person 1 has a voucher and no seat yet.
    school.enrol(&api, 1).await;
    let (_, voucher, token) = api.issued(1).await;
    let rows = vec![
        on_roster(0, DAY, ""),
        on_roster(1, "2023-05-15", "2023-05-17"),
        on_roster(2, DAY, ""),
    ];
    let file = filled(Template::Roster, "", rows);
    let (tried, _) = send(&api, api.clerk(), Template::Roster, &file, true)
        .await
        .unwrap();
    assert_eq!(
        (tried.rows, tried.written, tried.held_days),
        (3, false, 0),
        "a check tells nothing of others"
    );
    let done = imported(&api, api.clerk(), Template::Roster, &file).await;
    assert_eq!((done.new_parts, done.old_parts), (1, 0));
    assert_eq!(
        (done.held_rows.as_slice(), done.held_days),
        (&[3][..], 1),
        "person 0 was there first"
    );

    let enrol = v1::EnrolRequest {
        name: voucher,
        class: school.class.clone(),
        token,
        identity_number: canaries::person(1).identity,
        request_id: api.office.fresh("enrol"),
        validate_only: false,
    };
    let refused = api
        .refused(&school.key, "TrainingService/Enrol", enrol)
        .await;
    assert_eq!(reason(&refused), "DAY_TAKEN");

    let size = api.head().await.size;
    let again = imported(&api, api.clerk(), Template::Roster, &file).await;
    assert_eq!((again.new_parts, again.old_parts), (0, 1));
    // A colleague, and the same rows saved anew with days instead of text.
    let colleague = key(1, "colleague");
    grant(
        &api,
        &colleague,
        "colleague",
        v1::Role::Clerk,
        String::new(),
    )
    .await;
    let size = size + 1;
    let mut rows = vec![
        on_roster(0, DAY, ""),
        on_roster(1, "2023/5/15", "2023年5月17日"),
        on_roster(2, DAY, ""),
    ];
    rows[0][4] = Cell::Day(DAY.parse().unwrap());
    let saved = filled(Template::Roster, "", rows);
    let again = imported(&api, &colleague, Template::Roster, &saved).await;
    assert_eq!((again.new_parts, again.old_parts), (0, 1));
    assert_eq!(api.head().await.size, size, "nothing was written");

    // A list that is too long for one event is imported in parts; a department's own system names its lists by itself.
    let winter = (10..40).map(|person| on_roster(person, "2023-01-01", "2023-03-31"));
    let long = filled(Template::Roster, "", winter.collect());
    let done = imported(&api, api.clerk(), Template::Roster, &long).await;
    assert_eq!((done.rows, done.new_parts, done.held_days), (30, 2, 0));
    let again = imported(&api, api.clerk(), Template::Roster, &long).await;
    assert_eq!((again.new_parts, again.old_parts), (0, 2));
    let by_rpc = |request_id: String| v1::ImportRosterRequest {
        parent: api.office.parent(),
        list: "NYJ-2023/1".to_owned(),
        part: 1,
        parts: 1,
        department: "agriculture".to_owned(),
        entries: vec![v1::RosterEntry {
            identity_number: canaries::person(10).identity,
            first_day: "2023-03-31".to_owned(),
            last_day: "2023-04-02".to_owned(),
        }],
        request_id,
        validate_only: false,
    };
    let method = "RecordsService/ImportRoster";
    let request = by_rpc(api.office.fresh("roster"));
    let done: v1::ImportRosterResponse = must(&api.client, api.clerk(), method, request).await;
    assert_eq!((done.days, done.held), (2, 1));
    let twice = by_rpc(api.office.fresh("roster"));
    let twice = api.refused(api.clerk(), method, twice).await;
    assert_eq!(reason(&twice), "IMPORTED_BEFORE");

    let mut numeric = on_roster(3, DAY, "");
    numeric[2] = Cell::Number(440_524_188_001_010_014.0);
    let bad = vec![
        on_roster(4, DAY, ""),
        numeric,
        on_roster(4, "2023-05-10", "2023-05-20"),
        on_roster(5, DAY, "2023-05-01"),
    ];
    let errors = wrong(
        &api,
        api.clerk(),
        Template::Roster,
        &filled(Template::Roster, "", bad),
    )
    .await;
    let places: Vec<(u32, &str)> = errors
        .iter()
        .map(|(row, at, _)| (*row, at.as_str()))
        .collect();
    assert_eq!(places, [(4, "C"), (5, "E"), (6, "F")], "{errors:?}");
    assert!(
        errors[0].2.contains("15 digits") && errors[1].2.contains("row 3"),
        "{errors:?}"
    );

    let not_theirs = send(&api, &school.key, Template::Roster, &file, false)
        .await
        .unwrap_err();
    assert_eq!(not_theirs.code(), Code::PermissionDenied, "{not_theirs}");
    let auditor = key(1, "auditor");
    grant(&api, &auditor, "auditor", v1::Role::Auditor, String::new()).await;
    let not_theirs = send(&api, &auditor, Template::Roster, &file, false)
        .await
        .unwrap_err();
    assert_eq!(reason(&not_theirs), "ROLE_MISSING");
    holds(&api).await;
}

fn certificate(person: u64, number: &str, level: &str) -> Vec<Cell> {
    let person = canaries::person(person);
    vec![
        person.name.into(),
        person.identity.into(),
        person.phone.into(),
        OCCUPATION.into(),
        level.into(),
        "2023-05-04".into(),
        number.into(),
    ]
}

async fn certificates_without_a_voucher_register_their_holders_and_go_with_them(engine: Engine) {
    let api = Api::start_on(engine).await;
    let office = &api.office;
    let known = office.person(&api.client, 0).await;
    let rows = vec![
        certificate(0, "S000014070023000001", "中级工"),
        certificate(1, "S000014070023000002", "四级"),
        certificate(1, "S000014070023000003", "3"),
    ];
    let file = filled(Template::Certificates, "", rows);
    let (tried, _) = send(&api, api.clerk(), Template::Certificates, &file, true)
        .await
        .unwrap();
    assert_eq!((tried.registered, tried.written), (1, false));
    let done = imported(&api, api.clerk(), Template::Certificates, &file).await;
    assert_eq!((done.registered, done.new_parts), (1, 1));
    let size = api.head().await.size;
    let again = imported(&api, api.clerk(), Template::Certificates, &file).await;
    assert_eq!(
        (again.registered, again.new_parts, again.old_parts),
        (0, 0, 1)
    );
    assert_eq!(api.head().await.size, size, "nothing was written");

    // A number that is on record, however the rest reads, and nobody of the sheet is registered.
    let taken = vec![
        certificate(2, "S000014070023000004", "2"),
        certificate(3, "S000014070023000002", "2"),
    ];
    let errors = wrong(
        &api,
        api.clerk(),
        Template::Certificates,
        &filled(Template::Certificates, "", taken),
    )
    .await;
    assert_eq!((errors[0].0, errors[0].1.as_str()), (4, "G"), "{errors:?}");
    assert!(
        errors[0].2.contains("CERTIFICATE_NUMBER_TAKEN"),
        "{errors:?}"
    );
    // A digit of a number may be wrong and be somebody else's: the name tells.
    let mut other = certificate(0, "S000014070023000006", "2");
    other[0] = canaries::person(9).name.into();
    let mut own = certificate(4, "S000014070023000007", "2");
    own[0] = canaries::person(9).name.into();
    let named = vec![other, own, certificate(4, "S000014070023000008", "2")];
    let errors = wrong(
        &api,
        api.clerk(),
        Template::Certificates,
        &filled(Template::Certificates, "", named),
    )
    .await;
    let places: Vec<_> = errors
        .iter()
        .map(|(row, at, _)| (*row, at.as_str()))
        .collect();
    assert_eq!(places, [(3, "A"), (5, "A")], "{errors:?}");

    // One of long ago is a good one, and reports go on.
    let mut old = certificate(1, "S000014070098000001", "2");
    old[5] = "1998-05-04".into();
    let file = filled(Template::Certificates, "", vec![old]);
    imported(&api, api.clerk(), Template::Certificates, &file).await;
    let get = v1::GetReportRequest {
        name: format!("{}/reports/certificates", office.parent()),
        as_of: "2023-05-10".to_owned(),
        plan_year: 2023,
        ..v1::GetReportRequest::default()
    };
    let _: v1::Report = must(&api.client, api.clerk(), "ReportingService/GetReport", get).await;

    let mut ahead = certificate(2, "S000014070023000005", "2");
    ahead[5] = "2023-06-04".into();
    let errors = wrong(
        &api,
        api.clerk(),
        Template::Certificates,
        &filled(Template::Certificates, "", vec![ahead]),
    )
    .await;
    assert_eq!((errors[0].0, errors[0].1.as_str()), (3, "F"), "{errors:?}");

    let erase = v1::EraseSubjectRequest {
        name: known,
        reason: "PERSON_ASKED".to_owned(),
        request_id: office.fresh("erase"),
        validate_only: false,
    };
    let operator = &api.running.operator_key;
    let _: v1::EraseSubjectResponse =
        must(&api.client, operator, "PeopleService/EraseSubject", erase).await;
    holds(&api).await;
}

async fn attendance_is_filled_into_the_classs_own_sheet(engine: Engine) {
    let api = Api::start_on(engine).await;
    let mut school = School::open(&api).await;
    school.enrol(&api, 2).await;
    let get = |name: &str| v1::GetTemplateRequest {
        name: name.to_owned(),
        template: "attendance".to_owned(),
    };
    let method = "SpreadsheetService/GetTemplate";
    let made: v1::GetTemplateResponse =
        must(&api.client, &school.key, method, get(&school.class)).await;
    crate::hidden(
        &api,
        &school.stranger,
        method,
        get(&school.class),
        "CLASS_NOT_FOUND",
    )
    .await;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(made.xlsx)).unwrap();
    let sheet = book.worksheet_range(Template::Attendance.title()).unwrap();
    assert_eq!(sheet.height(), 2 + 4, "two seats in two sessions");
    for row in sheet.rows() {
        for cell in row {
            canaries::none_in("a template", cell.to_string().as_bytes());
        }
    }
    let row = |slot: u32, seat: u32, lessons: u32, method: &str| {
        let shown = [Cell::Empty, Cell::Empty];
        let [name, identity] = shown;
        vec![
            slot.into(),
            Cell::Empty,
            Cell::Empty,
            seat.into(),
            name,
            identity,
            lessons.into(),
            method.into(),
        ]
    };
    api.stand_at(&format!("{DAY}T04:20:00.000Z"));
    let morning = vec![row(1, 1, 4, "人脸"), row(1, 2, 3, "刷卡")];
    let file = filled(Template::Attendance, &school.class, morning.clone());
    let done = imported(&api, &school.key, Template::Attendance, &file).await;
    assert_eq!((done.rows, done.new_parts), (2, 1));
    let size = api.head().await.size;
    let again = imported(&api, &school.key, Template::Attendance, &file).await;
    assert_eq!((again.new_parts, again.old_parts), (0, 1));
    assert_eq!(api.head().await.size, size);
    let get = v1::GetAttendanceRequest {
        name: school.class.clone(),
    };
    let attendance: v1::Attendance = must(
        &api.client,
        &school.key,
        "TrainingService/GetAttendance",
        get,
    )
    .await;
    assert_eq!(attendance.slots.len(), 1);

    // The morning is on record, there is no third seat, and the evening is no session: nothing of it is entered.
    let bad = vec![
        row(1, 1, 4, "人脸"),
        row(2, 1, 4, "人脸"),
        row(2, 3, 4, "人脸"),
        row(9, 1, 4, "人脸"),
    ];
    api.stand_at(&format!("{DAY}T10:20:00.000Z"));
    let errors = wrong(
        &api,
        &school.key,
        Template::Attendance,
        &filled(Template::Attendance, &school.class, bad),
    )
    .await;
    let said = |row: u32, code: &str| {
        errors
            .iter()
            .any(|(at, _, en)| *at == row && en.contains(code))
    };
    assert!(
        said(3, "SLOT_ALREADY_RECORDED") && said(5, "SEAT_UNKNOWN") && said(6, "SLOT_UNKNOWN"),
        "{errors:?}"
    );
    let theirs = filled(
        Template::Attendance,
        &school.class,
        vec![row(2, 1, 4, "人脸")],
    );
    let errors = wrong(&api, &school.stranger, Template::Attendance, &theirs).await;
    assert!(errors[0].2.contains("NOT_YOURS"), "{errors:?}");
    holds(&api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_sheet_is_told_so_and_targets_are_set_by_the_operator() {
    let api = Api::start().await;
    let operator = &api.running.operator_key;
    let (outcome, marked) = send(&api, operator, Template::Targets, b"year,people\n", false)
        .await
        .unwrap();
    assert!(
        marked.is_empty() && outcome.errors[0].en.contains("not an XLSX"),
        "{outcome:?}"
    );
    let row = |indicator: &str, people: u32| vec![2023.into(), indicator.into(), people.into()];
    let file = filled(
        Template::Targets,
        "",
        vec![
            row("面向广大劳动者培训", 1_300),
            row("newly_skilled", 1_700),
        ],
    );
    // Which of two would count is not for a server to choose.
    let twice = vec![row("newly_skilled", 1), row("新增技能人才", 2)];
    let twice = filled(Template::Targets, "", twice);
    let errors = wrong(&api, operator, Template::Targets, &twice).await;
    assert!(errors.len() == 1 && errors[0].0 == 4, "{errors:?}");
    let target = |people| v1::Target {
        code: "newly_skilled".to_owned(),
        people,
    };
    let request = v1::SetTargetsRequest {
        name: format!("regions/{REGION}/planYears/2023"),
        targets: vec![target(1), target(2)],
        request_id: api.office.fresh("targets"),
        validate_only: false,
    };
    let refused = api.refused(operator, "FundsService/SetTargets", request);
    let refused = refused.await;
    assert_eq!(refused.code(), Code::InvalidArgument);
    let fields = refused.get_error_details().bad_request().cloned().unwrap();
    assert_eq!(fields.field_violations[0].field, "targets[1].code");
    let refused = send(&api, api.clerk(), Template::Targets, &file, false).await;
    assert_eq!(reason(&refused.unwrap_err()), "ROLE_MISSING");
    let done = imported(&api, operator, Template::Targets, &file).await;
    assert_eq!((done.rows, done.new_parts), (2, 1));
    let get = v1::GetPlanYearRequest {
        name: format!("regions/{REGION}/planYears/2023"),
    };
    let year: v1::PlanYear = must(&api.client, operator, "FundsService/GetPlanYear", get).await;
    let targets: Vec<(&str, u32)> = year
        .targets
        .iter()
        .map(|target| (target.code.as_str(), target.people))
        .collect();
    assert_eq!(targets, [("general", 1_300), ("newly_skilled", 1_700)]);
    // What stands is not set again; after another sheet the first one sets it back.
    let again = imported(&api, operator, Template::Targets, &file).await;
    assert_eq!((again.new_parts, again.old_parts), (0, 1));
    let other = filled(Template::Targets, "", vec![row("newly_skilled", 1_800)]);
    for (file, people) in [(&other, 1_800), (&file, 1_700), (&other, 1_800)] {
        let done = imported(&api, operator, Template::Targets, file).await;
        assert_eq!((done.new_parts, done.old_parts), (1, 0), "{people}");
        let get = v1::GetPlanYearRequest {
            name: format!("regions/{REGION}/planYears/2023"),
        };
        let year: v1::PlanYear = must(&api.client, operator, "FundsService/GetPlanYear", get).await;
        assert_eq!(year.targets[1].people, people);
        assert_eq!(year.targets[0].people, 1_300, "the others stay");
    }
}

/// Whoever asks for a template a second time may have filled in the first.
#[test]
fn a_template_is_not_written_over_a_sheet() {
    let file = std::env::temp_dir().join(format!("花名册-{}.xlsx", std::process::id()));
    let make = || {
        let mut command = hefu_tests::cli::hefu();
        command.args(["template", "roster"]).arg(&file);
        command.output().unwrap()
    };
    assert!(make().status.success());
    std::fs::write(&file, "filled in").unwrap();
    let again = make();
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(
        !again.status.success() && said.contains("name another file"),
        "{said}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), b"filled in");
    std::fs::remove_file(&file).unwrap();
}
