//! Classes of classified units ("涉密单位除外") over the API, on both engines: from the listing to the write-off, with nothing of the unit
//! in clear anywhere, nothing for anybody outside to see, and what was trained there paid nowhere else.

use std::io;
use std::sync::Mutex;

use hefu_audit::Replay;
use hefu_domain::Occupation;
use hefu_scenario::key;
use hefu_scenario::made_up::credit_code;
use hefu_tests::engines::{Engine, Place};
use hefu_tests::office::{Office, must};
use hefu_vault::{Owner, WrappedKeys};
use hefu_wire::v1;
use sqlx::AssertSqlSafe;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::personal::{files, shows};
use crate::school::{DAY, School, grant};
use crate::{Api, NOW, REGION, hidden, reason};

const NAME: &str = "样例涉密研究所";
const OCCUPATION: &str = "6-25-04-07";
const SITE: &str = "site-behind-the-seventh-gate";
const ACCOUNT: &str = "6222020200998877665";
const OTHER_REGION: &str = "140727";

/// What the process logged so far, in all its tests.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what is logged, once a process.
fn keep_log() {
    let _ = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_writer(|| Log)
        .try_init();
}

fn unit_code() -> String {
    credit_code(REGION, 77)
}

fn listing(region: &str, request_id: &str) -> v1::RegisterClassifiedRequest {
    v1::RegisterClassifiedRequest {
        parent: format!("regions/{region}"),
        credit_code: unit_code(),
        display_name: NAME.to_owned(),
        capacities: vec![
            v1::Capacity::TrainingBody.into(),
            v1::Capacity::Enterprise.into(),
        ],
        licensed_occupations: vec![OCCUPATION.to_owned()],
        document: vec![9; 32],
        request_id: request_id.to_owned(),
        validate_only: false,
    }
}

/// A refused call's bytes, to be searched for what must not stand there.
#[derive(Default)]
struct Said(Vec<(String, Vec<u8>)>);

impl Said {
    fn hear(&mut self, status: &Status) {
        self.0
            .push((status.to_string(), status.message().as_bytes().to_vec()));
        self.0.push((status.to_string(), status.details().to_vec()));
    }
}

/// Every code that a refusal names.
fn codes(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details.precondition_failure().map(|f| f.violations.clone());
    let violations = violations.unwrap_or_default().into_iter();
    violations.map(|violation| violation.r#type).collect()
}

/// The unit, listed, with its caller, account and catalogue line; and the name of what it teaches.
async fn listed(api: &Api, said: &mut Said) -> (School, String) {
    let operator = &api.running.operator_key;
    let list = "RegistryService/RegisterClassified";
    let first = listing(REGION, "list-unit-1");
    let denied = api.refused(api.clerk(), list, first.clone()).await;
    assert_eq!(reason(&denied), "ROLE_MISSING");
    said.hear(&denied);
    let told: v1::RegisterClassifiedResponse =
        must(&api.client, operator, list, first.clone()).await;
    let again: v1::RegisterClassifiedResponse = must(&api.client, operator, list, first).await;
    assert_eq!(told, again, "one request, one answer");
    let twice = listing(REGION, "list-unit-2");
    let twice = api.refused(operator, list, twice).await;
    assert_eq!(reason(&twice), "INSTITUTION_ALREADY_REGISTERED");
    said.hear(&twice);
    let mut slip = listing(REGION, "list-unit-3");
    slip.licensed_occupations = vec![OCCUPATION.to_owned(), OCCUPATION.to_owned()];
    slip.credit_code = credit_code(REGION, 78);
    said.hear(&api.refused(operator, list, slip).await);

    // From now on nobody names it in clear, be it as an institution or as somebody's employer.
    let register = v1::RegisterInstitutionRequest {
        parent: api.office.parent(),
        credit_code: unit_code(),
        display_name: "样例".to_owned(),
        capacities: vec![v1::Capacity::Enterprise.into()],
        request_id: api.office.fresh("register"),
        ..Default::default()
    };
    let method = "RegistryService/RegisterInstitution";
    let named = api.refused(api.clerk(), method, register).await;
    assert_eq!(reason(&named), "UNIT_CLASSIFIED");
    said.hear(&named);
    let person = api.office.person(&api.client, 40).await;
    let mut answers = api.office.answers(&person, api.office.fresh("answers"));
    answers.answers[0].employer = format!("{}/institutions/{}", api.office.parent(), unit_code());
    let method = "PeopleService/RecordCheckAnswers";
    let named = api.refused(api.clerk(), method, answers).await;
    assert_eq!(reason(&named), "UNIT_CLASSIFIED");
    said.hear(&named);

    // Whoever stands outside learns nothing by trying.
    let apply = v1::ApplyRequest {
        programme: v1::Programme::EnterpriseStaff.into(),
        employer: format!("{}/institutions/{}", api.office.parent(), unit_code()),
        ..api.office.application(&person, api.office.fresh("apply"))
    };
    let method = "ApplicationService/Apply";
    let outside = api.refused(&api.office.portal, method, apply).await;
    let told_outside = codes(&outside);
    assert!(
        told_outside.contains(&"INSTITUTION_NOT_FOUND".to_owned()),
        "{told_outside:?}"
    );
    assert!(!told_outside.contains(&"UNIT_CLASSIFIED".to_owned()));
    said.hear(&outside);

    let unit = told.receipt.unwrap().name;
    assert!(unit.starts_with(&format!("regions/{REGION}/institutions/sealed-")));
    let open = School::open(api).await;
    let own = key(1, "unit");
    grant(api, &own, "unit", v1::Role::Institution, unit.clone()).await;
    api.account_in_force(&unit, ACCOUNT).await;
    let [occupation] = told.sealed_occupations.as_slice() else {
        panic!("{:?}", told.sealed_occupations)
    };
    let unit = School {
        name: unit,
        key: own,
        ..open
    };
    unit.catalogue(api, occupation).await;
    (unit, occupation.clone())
}

/// What the unit files: seals only.
fn filing(unit: &School, occupation: &str) -> v1::FileClassRequest {
    let mut request = unit.filing("sealed", 10);
    let filing = request.filing.as_mut().unwrap();
    filing.occupation = occupation.to_owned();
    filing.site = "S".repeat(42) + "A";
    filing.trainers = vec!["T".repeat(42) + "A"];
    request
}

/// Seals the attendance, and has two officers approve it.
async fn seal(api: &Api, unit: &School, said: &mut Said) {
    let record = v1::RecordAttendanceRequest {
        name: unit.class.clone(),
        slot: 0,
        entries: unit.entries(),
        request_id: api.office.fresh("attend"),
        validate_only: false,
    };
    api.stand_at(&format!("{DAY}T04:20:00.000Z"));
    let method = "TrainingService/RecordAttendance";
    let refused = api.refused(&unit.key, method, record).await;
    assert_eq!(reason(&refused), "ATTENDANCE_SEALED");
    said.hear(&refused);
    api.stand_at(&format!("{DAY}T11:00:00.000Z"));
    let seal = v1::SealAttendanceRequest {
        name: unit.class.clone(),
        hash: vec![5; 32],
        totals: Some(v1::SealedTotals {
            slots: 2,
            entries: 4,
            paper: 0,
            online: 0,
        }),
        days: vec![1, 1],
        modules_taught: true,
        request_id: api.office.fresh("seal"),
        validate_only: false,
    };
    let method = "TrainingService/SealAttendance";
    let sealed: v1::SealAttendanceResponse = must(&api.client, &unit.key, method, seal).await;
    let approve = |proposal: Vec<u8>| v1::ApproveSealedAttendanceRequest {
        name: unit.class.clone(),
        proposal,
        request_id: api.office.fresh("approve-seal"),
        validate_only: false,
    };
    let method = "TrainingService/ApproveSealedAttendance";
    let another = api.refused(api.clerk(), method, approve(vec![1; 32])).await;
    assert_eq!(reason(&another), "PROPOSAL_CHANGED");
    let (first, second) = (api.clerk(), unit.approver.as_str());
    let seen = approve(sealed.proposal.clone());
    let _: v1::ApproveSealedAttendanceResponse = must(&api.client, first, method, seen).await;
    let same = api
        .refused(first, method, approve(sealed.proposal.clone()))
        .await;
    assert_eq!(reason(&same), "SAME_PERSON");
    let batch = v1::BatchApproveSealedAttendanceRequest {
        parent: api.office.parent(),
        mode: v1::Mode::Atomic.into(),
        request_id: api.office.fresh("approve-seal"),
        requests: vec![v1::ApproveSealedAttendanceRequest {
            request_id: String::new(),
            ..approve(sealed.proposal.clone())
        }],
    };
    let method = "TrainingService/BatchApproveSealedAttendance";
    let _: v1::BatchApproveSealedAttendanceResponse =
        must(&api.client, second, method, batch).await;
    let asked = v1::GetAttendanceRequest {
        name: unit.class.clone(),
    };
    let method = "TrainingService/GetAttendance";
    let shown: v1::Attendance = must(&api.client, &unit.key, method, asked).await;
    let shown = shown.sealed.unwrap();
    assert_eq!(
        (shown.days, shown.approved_by.len(), shown.proposal),
        (vec![1, 1], 2, sealed.proposal)
    );
}

/// Pays an approved sheet out at once, and writes its vouchers off.
async fn settle(api: &Api, unit: &School, sheet: &str) {
    let office = &api.office;
    let get = v1::GetSheetRequest {
        name: sheet.to_owned(),
    };
    let method = "RedemptionService/GetSheet";
    let shown: v1::Sheet = must(&api.client, &unit.key, method, get).await;
    assert_eq!((shown.notice_until.as_str(), shown.total_fen), ("", 20_000));
    let send = v1::SendPayoutRequest {
        name: sheet.to_owned(),
        approval: shown.approval,
        request_id: office.fresh("send"),
        validate_only: false,
    };
    let method = "SettlementService/SendPayout";
    let sent: v1::SendPayoutResponse = must(&api.client, &office.finance, method, send).await;
    let paid = v1::RecordPayoutRequest {
        name: sheet.to_owned(),
        batch: sent.batch,
        reference: "BANK-1".to_owned(),
        request_id: office.fresh("paid"),
        validate_only: false,
    };
    let method = "SettlementService/RecordPayout";
    let _: v1::RecordPayoutResponse = must(&api.client, &office.finance, method, paid).await;
    let writer = key(1, "writer-off");
    grant(
        api,
        &writer,
        "writer-off",
        v1::Role::Reviewer,
        String::new(),
    )
    .await;
    for (_, voucher, _) in &unit.seats {
        let write_off = v1::WriteOffRequest {
            name: voucher.clone(),
            request_id: office.fresh("write-off"),
            validate_only: false,
        };
        let method = "SettlementService/WriteOff";
        let done: v1::WriteOffResponse = must(&api.client, &writer, method, write_off).await;
        assert_eq!(done.amount_fen, 10_000);
    }
}

/// Neither another institution nor anybody at all sees the unit, its line, its class, its attendance or its sheet.
async fn outsiders_see_nothing(api: &Api, unit: &School, occupation: &str, sheet: &str) {
    let (stranger, anybody) = (unit.stranger.as_str(), key(0, "anybody"));
    let name = unit.name.clone();
    let get = v1::GetInstitutionRequest { name: name.clone() };
    let method = "RegistryService/GetInstitution";
    hidden(api, stranger, method, get.clone(), "INSTITUTION_NOT_FOUND").await;
    let own: v1::Institution = must(&api.client, &unit.key, method, get.clone()).await;
    let staff: v1::Institution = must(&api.client, api.clerk(), method, get).await;
    assert_eq!(own.display_name, "");
    assert_eq!(staff.classified.unwrap().document, vec![9; 32]);
    let all = v1::ListInstitutionsRequest {
        parent: api.office.parent(),
        ..Default::default()
    };
    let method = "RegistryService/ListInstitutions";
    let count = |page: &v1::ListInstitutionsResponse| {
        let sealed = page.institutions.iter().filter(|i| i.name == name);
        (page.institutions.len(), sealed.count())
    };
    let seen: v1::ListInstitutionsResponse = must(&api.client, stranger, method, all.clone()).await;
    assert_eq!(count(&seen), (2, 0));
    let seen: v1::ListInstitutionsResponse = must(&api.client, api.clerk(), method, all).await;
    assert_eq!(count(&seen), (3, 1));

    let line = format!("{name}/catalogueEntries/training-{occupation}-2023");
    let get = v1::GetCatalogueEntryRequest { name: line };
    let list = v1::ListCatalogueEntriesRequest {
        parent: api.office.parent(),
        ..Default::default()
    };
    let (get_line, lines) = (
        "RegistryService/GetCatalogueEntry",
        "RegistryService/ListCatalogueEntries",
    );
    for key in [stranger, &anybody, ""] {
        hidden(api, key, get_line, get.clone(), "CATALOGUE_ENTRY_NOT_FOUND").await;
        let page: v1::ListCatalogueEntriesResponse =
            must(&api.client, key, lines, list.clone()).await;
        assert_eq!(page.catalogue_entries.len(), 1, "the open school's alone");
    }
    for key in [&unit.key, api.clerk()] {
        let _: v1::CatalogueEntry = must(&api.client, key, get_line, get.clone()).await;
        let page: v1::ListCatalogueEntriesResponse =
            must(&api.client, key, lines, list.clone()).await;
        assert_eq!(page.catalogue_entries.len(), 2);
    }

    let class = || unit.class.clone();
    let get = v1::GetClassRequest { name: class() };
    let method = "TrainingService/GetClass";
    hidden(api, stranger, method, get, "CLASS_NOT_FOUND").await;
    let get = v1::GetAttendanceRequest { name: class() };
    let method = "TrainingService/GetAttendance";
    hidden(api, stranger, method, get, "CLASS_NOT_FOUND").await;
    let list = v1::ListClassesRequest {
        parent: api.office.parent(),
        ..Default::default()
    };
    let method = "TrainingService/ListClasses";
    let page: v1::ListClassesResponse = must(&api.client, stranger, method, list).await;
    assert!(page.classes.is_empty());

    let name = || sheet.to_owned();
    let get = v1::GetSheetRequest { name: name() };
    let method = "RedemptionService/GetSheet";
    hidden(api, stranger, method, get, "SHEET_NOT_FOUND").await;
    let object = v1::RaiseObjectionRequest {
        name: name(),
        statement: vec![3; 32],
        request_id: api.office.fresh("object"),
        validate_only: false,
    };
    let list = v1::ListNoticesRequest {
        parent: api.office.parent(),
        ..Default::default()
    };
    for key in [stranger, &anybody] {
        let get = v1::GetNoticeRequest { name: name() };
        let method = "RedemptionService/GetNotice";
        hidden(api, key, method, get, "SHEET_NOT_FOUND").await;
        let method = "RedemptionService/RaiseObjection";
        hidden(api, key, method, object.clone(), "SHEET_NOT_FOUND").await;
        let method = "RedemptionService/ListNotices";
        let page: v1::ListNoticesResponse = must(&api.client, key, method, list.clone()).await;
        assert!(page.notices.is_empty());
    }
}

/// Everything that the server keeps, as bytes: events, the database, the state folder, the log.
async fn kept(api: &Api) -> Vec<(String, Vec<u8>)> {
    let store = api.running.engine.store();
    let mut kept = Vec::new();
    for head in store.all_heads().await.unwrap() {
        let events = store.events(&head.region, head.epoch, 0, 10_000).await;
        for event in events.unwrap() {
            kept.push((
                format!("event {} of {}", event.idx, event.region),
                event.bytes,
            ));
        }
    }
    kept.extend(files(api.state.path()));
    match &api.place {
        Place::Sqlite(folder) => kept.extend(files(folder.path())),
        Place::Postgres(database) => {
            let mut session = database.connect().await;
            let tables = "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables
                WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')";
            let tables: Vec<String> = sqlx::query_scalar(tables)
                .fetch_all(&mut session)
                .await
                .unwrap();
            assert!(tables.len() > 10, "{tables:?}");
            for table in tables {
                let text = AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
                let rows: Vec<String> = sqlx::query_scalar(text)
                    .fetch_all(&mut session)
                    .await
                    .unwrap();
                kept.push((table, rows.concat().into_bytes()));
            }
        }
    }
    kept.push(("the log".to_owned(), LOG.lock().unwrap().clone()));
    kept
}

/// As it reads, and as PostgreSQL writes bytes.
fn shows_in_any_form(bytes: &[u8], text: &str) -> bool {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    shows(bytes, text) || shows(bytes, &hex)
}

async fn a_classified_class_is_paid_and_nothing_of_it_stands_in_clear(engine: Engine) {
    keep_log();
    let api = Api::start_on(engine).await;
    let mut said = Said::default();
    let (mut unit, occupation) = listed(&api, &mut said).await;
    let mut clear = filing(&unit, &occupation);
    clear.filing.as_mut().unwrap().site = SITE.to_owned();
    clear.request_id = api.office.fresh("clear-site");
    let refused = api
        .refused(&unit.key, "TrainingService/FileClass", clear)
        .await;
    assert_eq!(reason(&refused), "CLASS_NOT_SEALED");
    said.hear(&refused);
    let mut clear = filing(&unit, OCCUPATION);
    clear.request_id = api.office.fresh("clear-trade");
    let refused = api
        .refused(&unit.key, "TrainingService/FileClass", clear)
        .await;
    assert_eq!(reason(&refused), "CLASS_NOT_SEALED");
    said.hear(&refused);

    unit.enrol_in(&api, filing(&unit, &occupation), 2).await;
    seal(&api, &unit, &mut said).await;
    unit.finish(&api).await;
    let sheet = unit.claim(&api).await;
    assert_eq!(unit.approve(&api, &sheet).await, "", "no notice is opened");
    outsiders_see_nothing(&api, &unit, &occupation, &sheet).await;
    settle(&api, &unit, &sheet).await;

    // The log replays to its head.
    let store = api.running.engine.store();
    for head in store.all_heads().await.unwrap() {
        let mut replay = Replay::new(head.region.parse().unwrap());
        let events = store.events(&head.region, head.epoch, 0, 10_000).await;
        for event in events.unwrap() {
            replay.feed(&event.bytes).unwrap();
        }
        assert_eq!(replay.end().root.0, head.root);
    }
    let mut kept = kept(&api).await;
    kept.extend(said.0);
    let unit_code = unit_code();
    for (place, bytes) in &kept {
        for canary in [unit_code.as_str(), NAME, OCCUPATION, SITE, ACCOUNT] {
            let found = shows_in_any_form(bytes, canary);
            assert!(!found, "{canary} stands in {place}");
        }
    }
    // The search itself finds what is there: the seals, in events, tables and files.
    let seal = kept
        .iter()
        .filter(|(_, bytes)| shows_in_any_form(bytes, &occupation));
    assert!(seal.count() > 3);
    assert!(!LOG.lock().unwrap().is_empty());
    api.running.stop().await;
}

/// Refused in the other county: the same person, occupation and level; a seal of that county's own makes no other occupation of it.
async fn what_a_classified_unit_taught_is_paid_in_no_other_county(engine: Engine) {
    let api = Api::start_on(engine).await;
    let (mut unit, occupation) = listed(&api, &mut Said::default()).await;
    unit.enrol_in(&api, filing(&unit, &occupation), 1).await;
    let operator = &api.running.operator_key;
    let money = 10_000_000;
    let other = Office::open(&api.client, operator, OTHER_REGION, NOW, 1, money).await;
    let list = listing(OTHER_REGION, "list-unit-other");
    let method = "RegistryService/RegisterClassified";
    let there: v1::RegisterClassifiedResponse = must(&api.client, operator, method, list).await;
    let there = &there.sealed_occupations[0];
    assert_ne!(*there, occupation, "no two counties' seals can be matched");
    let (trained, fresh) = (
        other.person(&api.client, 0).await,
        other.person(&api.client, 50).await,
    );
    let apply = |person: &str, occupation: &str, level: u32| v1::ApplyRequest {
        occupation: occupation.to_owned(),
        skill_level: level,
        ..other.application(person, other.fresh("apply"))
    };
    let method = "ApplicationService/Apply";
    let taken = "OCCUPATION_ALREADY_TRAINED".to_owned();
    for (what, level, is_taken) in [
        (OCCUPATION, 2, true),
        (there.as_str(), 2, true),
        // Another level, another occupation, and a seal behind which nothing stands here.
        (OCCUPATION, 3, false),
        ("6-25-04-08", 2, false),
        (occupation.as_str(), 2, false),
    ] {
        let asked = apply(&trained, what, level);
        let refused = api.refused(&other.portal, method, asked).await;
        let codes = codes(&refused);
        // They have a live general voucher in the first county, whatever they apply for.
        assert!(
            codes.contains(&"LIVE_VOUCHER_EXISTS".to_owned()),
            "{codes:?}"
        );
        assert_eq!(
            codes.contains(&taken),
            is_taken,
            "{what} {level}: {codes:?}"
        );
    }
    let asked = apply(&fresh, there, 2);
    let _: v1::ApplyResponse = must(&api.client, &other.portal, method, asked).await;
    api.running.stop().await;
}

/// A seal whose key is gone is an error, and no other occupation.
async fn a_seal_that_cannot_be_opened_lets_nobody_through(engine: Engine) {
    let api = Api::start_on(engine).await;
    let (_, occupation) = listed(&api, &mut Said::default()).await;
    let person = api.office.person(&api.client, 0).await;
    let sealed: Occupation = occupation.parse().unwrap();
    let owner = Owner::Committed(REGION.parse().unwrap(), sealed.commitment().unwrap());
    let keys = WrappedKeys::open(&api.state.path().join("state")).unwrap();
    assert_eq!(keys.erase(&[owner]).unwrap(), 1);
    let asked = v1::ApplyRequest {
        occupation,
        skill_level: 2,
        ..api.office.application(&person, api.office.fresh("apply"))
    };
    let method = "ApplicationService/Apply";
    let status = api.refused(&api.office.portal, method, asked).await;
    assert_eq!(status.code(), Code::Internal, "{status}");
    api.running.stop().await;
}

on_both! {
    a_classified_class_is_paid_and_nothing_of_it_stands_in_clear
    what_a_classified_unit_taught_is_paid_in_no_other_county
    a_seal_that_cannot_be_opened_lets_nobody_through
}
