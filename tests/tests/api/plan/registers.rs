//! Registers are asked through the server: what they say is on record before anything is decided on it, and nothing is where one is silent.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hefu_engine::Clock;
use hefu_server::{RegisterAt, Registers};
use hefu_tests::canaries;
use hefu_tests::engines::{Engine, Folder};
use hefu_tests::office::must;
use hefu_wire::v1;
use tonic::Code;

use super::holds;
use crate::{Api, NOW, hidden, no_role, reason};

const CHECK: &str = "PeopleService/CheckPerson";

on_both! {
    registers_are_asked_and_their_answers_are_on_record
    a_register_that_is_out_of_reach_leaves_nothing_behind
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
    put(
        folder.path(),
        "student.csv",
        &format!("identity_number,answer,valid_until\n{identity},no,2023-07-31\n"),
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
        &format!("identity_number,answer\n{identity},yes\n"),
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
    put(folder.path(), "student.csv", "identity_number,answer\n");
    let api = start(engine, folder.path(), &names).await;
    let person = registered(&api, 1).await;
    let identity = canaries::person(1).identity;
    put(
        folder.path(),
        "student.csv",
        &format!("identity_number,answer\n{identity},no\n"),
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
