//! Registers are asked through the server: what they say is on record before anything is decided on it, and nothing is where one is silent.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hefu_engine::Clock;
use hefu_scenario::made_up::credit_code;
use hefu_server::{RegisterAt, Registers};
use hefu_tests::canaries;
use hefu_tests::engines::{Engine, Folder};
use hefu_tests::office::must;
use hefu_wire::v1;
use tonic::Code;

use super::holds;
use crate::school::{OCCUPATION, School};
use crate::{Api, NOW, hidden, no_role, reason};

const CHECK: &str = "PeopleService/CheckPerson";
const CERTIFICATE: &str = "S1407250001";

on_both! {
    registers_are_asked_and_their_answers_are_on_record
    a_register_that_is_out_of_reach_leaves_nothing_behind
    the_register_of_certificates_confirms_what_it_knows
}

/// Answers `match` to whom it is asked about, while it is up.
struct HttpRegister {
    url: String,
    up: Arc<AtomicBool>,
}

impl HttpRegister {
    fn serve() -> HttpRegister {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let up = Arc::new(AtomicBool::new(true));
        let is_up = up.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut read = String::new();
                let mut buffer = [0; 1024];
                while !read.contains('}') {
                    match stream.read(&mut buffer) {
                        Ok(0) | Err(_) => break,
                        Ok(length) => read.push_str(&String::from_utf8_lossy(&buffer[..length])),
                    }
                }
                let known = read.contains(&canaries::person(1).identity);
                let (status, body) = match (is_up.load(Ordering::SeqCst), known) {
                    (false, _) => ("503 Down", String::new()),
                    (true, true) => (
                        "200 OK",
                        r#"{"answer":"match","reference":"GA-1"}"#.to_owned(),
                    ),
                    (true, false) => ("404 Unknown", String::new()),
                };
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
            }
        });
        HttpRegister { url, up }
    }
}

fn register(checks: &[&str]) -> RegisterAt {
    RegisterAt {
        checks: checks.iter().map(ToString::to_string).collect(),
        folder: None,
        url: None,
        key_file: None,
        ca: None,
        timeout_seconds: 5,
        attempts: 1,
        valid_days: 90,
    }
}

/// A server that asks a folder about students and job-seekers, and an address for real names.
async fn start(engine: Engine, folder: &Path, register_of_names: &HttpRegister) -> Api {
    let registers = [
        RegisterAt {
            folder: Some(folder.to_owned()),
            ..register(&["student", "job_seeker", "certificate"])
        },
        RegisterAt {
            url: Some(register_of_names.url.clone()),
            ..register(&["real_name"])
        },
    ];
    let registers = Registers::new(&registers).unwrap();
    let (clock, hand) = Clock::simulated(NOW);
    let state = Folder::new("hefu-registers");
    Api {
        hand,
        ..Api::start_asking(engine, clock, state, registers).await
    }
}

/// A number as a file names it that nobody should read it from.
fn hashed(number: &str) -> String {
    let hash = hefu_token::token_hash(number);
    hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

async fn registered(api: &Api, number: u64) -> String {
    let request = api.office.registration(number, api.office.fresh("person"));
    let registered: v1::RegisterPersonResponse = must(
        &api.client,
        api.clerk(),
        "PeopleService/RegisterPerson",
        request,
    )
    .await;
    registered.receipt.unwrap().name
}

fn ask(api: &Api, person: &str, checks: &[&str]) -> v1::CheckPersonRequest {
    v1::CheckPersonRequest {
        name: person.to_owned(),
        checks: checks.iter().map(ToString::to_string).collect(),
        refresh: false,
        request_id: api.office.fresh("check"),
        identity_number: String::new(),
    }
}

fn said(response: &v1::CheckPersonResponse) -> Vec<(&str, &str)> {
    let answers = response.answers.iter();
    answers
        .map(|answer| (answer.check.as_str(), answer.answer.as_str()))
        .collect()
}

async fn registers_are_asked_and_their_answers_are_on_record(engine: Engine) {
    let folder = Folder::new("hefu-register-files");
    let names = HttpRegister::serve();
    let identity = canaries::person(1).identity;
    let hash = hashed(&identity);
    put(
        folder.path(),
        "student.csv",
        &format!("sha256,answer,valid_until\n{hash},no,2023-07-31\n"),
    );
    put(folder.path(), "job_seeker.json", "[]");
    let api = start(engine, folder.path(), &names).await;
    let person = registered(&api, 1).await;

    let all = ask(&api, &person, &[]);
    let first: v1::CheckPersonResponse = must(&api.client, api.clerk(), CHECK, all.clone()).await;
    assert_eq!(said(&first), [("real_name", "match"), ("student", "no")]);
    assert_eq!(first.unknown, ["job_seeker"]);
    let [name, student] = first.answers.as_slice() else {
        panic!("{first:?}")
    };
    // Ninety days from the tenth of May, where the register names no day of its own.
    assert_eq!(
        (name.valid_until.as_str(), name.reference.as_str()),
        ("2023-08-08", "GA-1")
    );
    assert_eq!(
        (student.valid_until.as_str(), student.by.as_str()),
        ("2023-07-31", "operator")
    );
    let get = v1::GetPersonRequest {
        name: person.clone(),
    };
    let shown: v1::Person = must(&api.client, api.clerk(), "PeopleService/GetPerson", get).await;
    assert_eq!(shown.answers.len(), 2);

    // Asked again it is the same answer; asked anew, what still counts is left alone.
    let size = api.head().await.size;
    let again: v1::CheckPersonResponse = must(&api.client, api.clerk(), CHECK, all.clone()).await;
    assert_eq!(
        (again.receipt, again.answers),
        (first.receipt, first.answers.clone())
    );
    let reused = v1::CheckPersonRequest {
        checks: vec!["student".to_owned()],
        ..all
    };
    let status = api.refused(api.clerk(), CHECK, reused).await;
    assert_eq!(status.code(), Code::AlreadyExists);
    let anew: v1::CheckPersonResponse = must(
        &api.client,
        api.clerk(),
        CHECK,
        ask(&api, &person, &["real_name", "pension"]),
    )
    .await;
    assert_eq!(
        (anew.receipt, anew.unconfigured),
        (None, vec!["pension".to_owned()])
    );
    assert_eq!(api.head().await.size, size);

    // What has run out is asked for again; who only wants to be sure says so.
    put(
        folder.path(),
        "student.csv",
        &format!("sha256,answer\n{hash},yes\n"),
    );
    api.at("2023-08-01", 9);
    let renewed: v1::CheckPersonResponse = must(
        &api.client,
        &api.office.portal,
        CHECK,
        ask(&api, &person, &[]),
    )
    .await;
    assert_eq!(said(&renewed), [("student", "yes")]);
    let refresh = v1::CheckPersonRequest {
        refresh: true,
        ..ask(&api, &person, &["real_name"])
    };
    let sure: v1::CheckPersonResponse = must(&api.client, api.clerk(), CHECK, refresh).await;
    assert_eq!(said(&sure), [("real_name", "match")]);

    // A school asks about whoever showed it their card, and learns that the answers are there.
    let school = School::open(&api).await;
    let unseen = ask(&api, &person, &[]);
    hidden(&api, &school.key, CHECK, unseen, "PERSON_NOT_FOUND").await;
    let another = v1::CheckPersonRequest {
        identity_number: canaries::person(2).identity,
        ..ask(&api, &person, &[])
    };
    hidden(&api, &school.key, CHECK, another, "PERSON_NOT_FOUND").await;
    let met = v1::CheckPersonRequest {
        identity_number: identity.clone(),
        refresh: true,
        ..ask(&api, &person, &["student"])
    };
    let told: v1::CheckPersonResponse = must(&api.client, &school.key, CHECK, met).await;
    assert_eq!(said(&told), [("student", "")]);

    // Whoever decides asks nobody, and a person who is not there is not asked about.
    no_role(&api, &api.office.reviewer, CHECK, ask(&api, &person, &[])).await;
    let nobody = format!(
        "{}/people/01890000-0000-7000-8000-000000000000",
        api.office.parent()
    );
    hidden(
        &api,
        api.clerk(),
        CHECK,
        ask(&api, &nobody, &[]),
        "PERSON_NOT_FOUND",
    )
    .await;
    holds(&api.running).await;
    api.running.stop().await;
}

async fn a_register_that_is_out_of_reach_leaves_nothing_behind(engine: Engine) {
    let folder = Folder::new("hefu-register-files");
    let names = HttpRegister::serve();
    put(folder.path(), "student.csv", "sha256,answer\n");
    let api = start(engine, folder.path(), &names).await;
    let person = registered(&api, 1).await;
    let identity = canaries::person(1).identity;
    let hash = hashed(&identity);
    put(
        folder.path(),
        "student.csv",
        &format!("sha256,answer\n{hash},no\n"),
    );
    names.up.store(false, Ordering::SeqCst);
    let size = api.head().await.size;
    let request = ask(&api, &person, &["student", "real_name"]);
    let status = api.refused(api.clerk(), CHECK, request.clone()).await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "REGISTER_UNAVAILABLE")
    );
    for told in ["real_name", "503", "nothing was recorded"] {
        assert!(status.message().contains(told), "{status}");
    }
    assert_eq!(api.head().await.size, size);
    // Up again, the same request goes through.
    names.up.store(true, Ordering::SeqCst);
    let done: v1::CheckPersonResponse = must(&api.client, api.clerk(), CHECK, request).await;
    assert_eq!(said(&done), [("real_name", "match"), ("student", "no")]);
    api.running.stop().await;
}

/// An assessment body with its caller, in the catalogue, and a session at which the class's first seat passed; the voucher's name.
async fn passed(api: &Api, school: &School) -> String {
    let office = &api.office;
    let code = credit_code(crate::REGION, 9);
    let name = format!("{}/institutions/{code}", office.parent());
    let register = v1::RegisterInstitutionRequest {
        parent: office.parent(),
        credit_code: code,
        display_name: "样例评价机构".to_owned(),
        capacities: vec![v1::Capacity::AssessmentBody.into()],
        licensed_occupations: vec![OCCUPATION.to_owned()],
        request_id: office.fresh("body"),
        ..v1::RegisterInstitutionRequest::default()
    };
    let method = "RegistryService/RegisterInstitution";
    let _: v1::RegisterInstitutionResponse = must(&api.client, api.clerk(), method, register).await;
    let body = api
        .grant("assessors", &[v1::Role::Assessor], name.clone())
        .await;
    let entry = Some(v1::CatalogueLine {
        institution: name.clone(),
        capacity: v1::Capacity::AssessmentBody.into(),
        occupation: OCCUPATION.to_owned(),
        plan_year: 2023,
    });
    let file = v1::FileCatalogueEntryRequest {
        parent: office.parent(),
        entry: entry.clone(),
        request_id: office.fresh("body"),
        ..v1::FileCatalogueEntryRequest::default()
    };
    let _: v1::FileCatalogueEntryResponse = must(
        &api.client,
        &body,
        "RegistryService/FileCatalogueEntry",
        file,
    )
    .await;
    let approve = v1::ApproveCatalogueEntryRequest {
        parent: office.parent(),
        entry,
        request_id: office.fresh("body"),
        ..v1::ApproveCatalogueEntryRequest::default()
    };
    let method = "RegistryService/ApproveCatalogueEntry";
    let _: v1::ApproveCatalogueEntryResponse =
        must(&api.client, &office.reviewer, method, approve).await;
    let filing = v1::SessionFiling {
        plan_year: 2023,
        body: name.clone(),
        payee: name,
        occupation: OCCUPATION.to_owned(),
        skill_level: 2,
        date: "2023-05-20".to_owned(),
        examiners: vec!["examiner-1".to_owned()],
        capacity: 5,
        contract: Vec::new(),
    };
    let file = v1::FileSessionRequest {
        parent: office.parent(),
        filing: Some(filing),
        request_id: office.fresh("session"),
        validate_only: false,
    };
    let filed: v1::FileSessionResponse =
        must(&api.client, &body, "AssessmentService/FileSession", file).await;
    let session = filed.receipt.unwrap().name;
    let approve = v1::ApproveSessionRequest {
        name: session.clone(),
        request_id: office.fresh("session"),
        validate_only: false,
    };
    let method = "AssessmentService/ApproveSession";
    let _: v1::ApproveSessionResponse = must(&api.client, &office.reviewer, method, approve).await;
    api.at("2023-05-20", 15);
    let voucher = school.seats[0].1.clone();
    let assess = v1::RecordAssessmentRequest {
        name: voucher.clone(),
        session,
        identity_number: canaries::person(0).identity,
        outcome: v1::Outcome::Pass.into(),
        certificate_number: CERTIFICATE.to_owned(),
        request_id: office.fresh("assess"),
        ..v1::RecordAssessmentRequest::default()
    };
    let method = "AssessmentService/RecordAssessment";
    let _: v1::RecordAssessmentResponse = must(&api.client, &body, method, assess).await;
    voucher
}

async fn the_register_of_certificates_confirms_what_it_knows(engine: Engine) {
    let folder = Folder::new("hefu-register-files");
    let names = HttpRegister::serve();
    let api = start(engine, folder.path(), &names).await;
    let mut school = School::open(&api).await;
    school.enrol(&api, 1).await;
    school.train(&api).await;
    let voucher = passed(&api, &school).await;
    let method = "AssessmentService/AskCertificate";
    let ask = |id: &str| v1::AskCertificateRequest {
        name: voucher.clone(),
        request_id: id.to_owned(),
    };
    let size = api.head().await.size;
    no_role(&api, &api.office.reviewer, method, ask("certificate-0")).await;
    // It does not know yet, which is no denial.
    put(
        folder.path(),
        "certificate.csv",
        "certificate_number,answer\nS1407259999,known\n",
    );
    let status = api.refused(api.clerk(), method, ask("certificate-1")).await;
    assert_eq!(reason(&status), "REGISTER_UNAVAILABLE");
    assert!(!status.message().contains(CERTIFICATE), "{status}");
    assert_eq!(api.head().await.size, size);
    put(
        folder.path(),
        "certificate.csv",
        &format!("certificate_number,answer\n{CERTIFICATE},known\n"),
    );
    for _ in 0..2 {
        let asked: v1::AskCertificateResponse =
            must(&api.client, api.clerk(), method, ask("certificate-1")).await;
        assert!(asked.known && asked.receipt.is_some());
    }
    assert_eq!(api.head().await.size, size + 1);
    let status = api.refused(api.clerk(), method, ask("certificate-2")).await;
    assert_eq!(reason(&status), "NOTHING_TO_CONFIRM");
    // A register that takes it back is heard, and final.
    put(
        folder.path(),
        "certificate.csv",
        &format!("certificate_number,answer\n{CERTIFICATE},unknown\n"),
    );
    let asked: v1::AskCertificateResponse =
        must(&api.client, api.clerk(), method, ask("certificate-3")).await;
    assert!(!asked.known);
    holds(&api.running).await;
    api.running.stop().await;
}
