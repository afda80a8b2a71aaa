//! What a register may be, what it may answer, and that no number shows in what goes wrong.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use sha2::Digest as _;

use super::*;

const NUMBER: &str = "11010519491231002X";

fn at(checks: &[&str]) -> RegisterAt {
    RegisterAt {
        checks: checks.iter().map(ToString::to_string).collect(),
        folder: None,
        url: None,
        key_file: None,
        ca: None,
        timeout_seconds: 1,
        attempts: 2,
        valid_days: 30,
    }
}

fn in_folder(checks: &[&str], folder: &Path) -> Registers {
    let at = RegisterAt {
        folder: Some(folder.to_owned()),
        ..at(checks)
    };
    Registers::new(&[at]).unwrap()
}

fn person() -> Subject {
    Subject::Identity(Zeroizing::new(NUMBER.to_owned()))
}

async fn ask(registers: &Registers, check: &str) -> Result<Option<Said>, String> {
    let said = registers.ask(&check.parse().unwrap(), &person()).await;
    said.map_err(|error| {
        let told = error.to_string();
        assert!(!told.contains(NUMBER), "{told}");
        told
    })
}

#[test]
fn a_register_that_cannot_be_asked_is_refused_before_anything_is_served() {
    let url = |url: &str| RegisterAt {
        url: Some(url.to_owned()),
        ..at(&["real_name"])
    };
    let folder = |checks: &[&str]| RegisterAt {
        folder: Some("/nowhere".into()),
        ..at(checks)
    };
    for (why, wrong) in [
        ("neither", vec![at(&["real_name"])]),
        ("no checks", vec![folder(&[])]),
        ("no code", vec![folder(&["Real Name"])]),
        (
            "both",
            vec![RegisterAt {
                folder: Some("/nowhere".into()),
                ..url("https://r.example")
            }],
        ),
        ("in clear", vec![url("http://r.example")]),
        ("no address", vec![url("r.example")]),
        (
            "no time",
            vec![RegisterAt {
                timeout_seconds: 0,
                ..url("https://r.example")
            }],
        ),
        (
            "no attempt",
            vec![RegisterAt {
                attempts: 0,
                ..url("https://r.example")
            }],
        ),
        (
            "no key there",
            vec![RegisterAt {
                key_file: Some("/nowhere/key".into()),
                ..url("http://127.0.0.1:1")
            }],
        ),
        (
            "twice",
            vec![folder(&["real_name"]), folder(&["real_name", "student"])],
        ),
    ] {
        assert!(Registers::new(&wrong).is_err(), "{why}");
    }
    let good = [url("http://127.0.0.1:9"), folder(&["student", CERTIFICATE])];
    let registers = Registers::new(&good).unwrap();
    let about: Vec<&str> = registers.about_people().map(Check::as_str).collect();
    assert_eq!(about, ["real_name", "student"]);
}

#[tokio::test]
async fn a_file_answers_by_number_or_by_its_hash_and_is_read_anew_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let registers = in_folder(&["real_name", "student"], folder.path());
    let missing = ask(&registers, "real_name").await.unwrap_err();
    assert!(missing.contains("real_name.csv"), "{missing}");

    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put(
        "real_name.csv",
        "\u{feff}identity_number,answer,valid_until,reference,employer\n\
         44010519900101001X,none,,,\n\
         11010519491231002x, match ,2023-12-31,GA-77,91350100M000100Y43\n\
         11010519491231002X, match ,2023-12-31,GA-77,91350100M000100Y43\n",
    );
    let said = ask(&registers, "real_name").await.unwrap().unwrap();
    assert_eq!(said.answer.as_str(), "match");
    assert_eq!(said.valid_until.unwrap().to_string(), "2023-12-31");
    assert_eq!(said.reference.unwrap().as_str(), "GA-77");
    assert_eq!(said.employer.unwrap().as_str(), "91350100M000100Y43");

    let hash: String = sha2::Sha256::digest(NUMBER)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    put(
        "student.json",
        &format!(r#"[{{"sha256": "{hash}", "answer": "no"}}]"#),
    );
    let said = ask(&registers, "student").await.unwrap().unwrap();
    assert_eq!((said.answer.as_str(), said.valid_until), ("no", None));

    put("real_name.csv", "sha256,answer\n");
    assert_eq!(ask(&registers, "real_name").await, Ok(None));
}

#[tokio::test]
async fn a_file_that_is_wrong_answers_nothing_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let registers = in_folder(&["real_name"], folder.path());
    let file = folder.path().join("real_name.csv");
    for (text, said) in [
        (
            "identity_number,answer\n11010519491231002X,match,more\n",
            "entry 1",
        ),
        ("identity_number\n11010519491231002X\n", "entry 1"),
        (
            "identity_number,answer\n11010519491231002X,It is so\n",
            "answer",
        ),
        (
            "identity_number,sha256,answer\n11010519491231002X,00,match\n",
            "name one of",
        ),
        (
            "sha256,answer\n11010519491231002X,match\n",
            "64 hexadecimal",
        ),
        (
            "identity_number,answer,valid_until\n11010519491231002X,match,soon\n",
            "valid_until",
        ),
        (
            "identity_number,answer,valid_until\n11010519491231002X,match,9999-12-31\n",
            "valid_until",
        ),
        (
            "identity_number,answer\n11010519491231002X,match\n11010519491231002x,none\n",
            "entry 2",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let told = ask(&registers, "real_name").await.unwrap_err();
        assert!(
            told.contains(said) && told.contains("real_name.csv"),
            "{told}"
        );
    }
    std::fs::write(folder.path().join("real_name.json"), "[]").unwrap();
    let told = ask(&registers, "real_name").await.unwrap_err();
    assert!(told.contains("two files"), "{told}");
}

/// A register that gives these answers one after the other, and what it was asked.
fn served(
    answers: Vec<(&'static str, &'static str)>,
) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            asked.push(request(&mut stream));
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
        asked
    });
    (url, asked)
}

/// A whole request.
fn request(stream: &mut std::net::TcpStream) -> String {
    let mut read = String::new();
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer).unwrap();
        read.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        if length == 0 || read.contains('}') {
            return read;
        }
    }
}

fn at_url(url: &str) -> Registers {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    hefu_token::private_file::create(&key, b"# the office's key\nk-123\n").unwrap();
    let at = RegisterAt {
        url: Some(format!("{url}/v1")),
        key_file: Some(key),
        ..at(&["real_name"])
    };
    Registers::new(&[at]).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_asked_with_the_number_in_the_body_and_once_more_if_it_stumbles() {
    let (url, asked) = served(vec![
        ("503 Busy", ""),
        (
            "200 OK",
            r#"{"answer": "match", "valid_until": "2023-12-31", "reference": "GA-78"}"#,
        ),
        ("404 Not Found", ""),
    ]);
    let registers = at_url(&url);
    let said = ask(&registers, "real_name").await.unwrap().unwrap();
    assert_eq!(
        (said.answer.as_str(), said.reference.unwrap().as_str()),
        ("match", "GA-78")
    );
    assert_eq!(ask(&registers, "real_name").await, Ok(None));
    for asked in asked.join().unwrap() {
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /v1/real_name HTTP/1.1"), "{head}");
        assert!(
            head.to_lowercase().contains("authorization: bearer k-123"),
            "{head}"
        );
        assert!(!head.contains(NUMBER));
        assert_eq!(body, format!(r#"{{"identity_number":"{NUMBER}"}}"#));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_does_not_answer_is_out_of_reach_and_nothing_is_guessed() {
    let (url, asked) = served(vec![("500 Broken", "11010519491231002X"); 2]);
    let told = ask(&at_url(&url), "real_name").await.unwrap_err();
    assert!(told.contains("500"), "{told}");
    asked.join().unwrap();
    for (status, body, said) in [
        ("200 OK", "11010519491231002X is well", "sent no answer"),
        (
            "200 OK",
            r#"{"answer": "11010519491231002X!"}"#,
            "sent no answer",
        ),
        ("403 Forbidden", "", "403"),
    ] {
        let (url, asked) = served(vec![(status, body)]);
        let told = ask(&at_url(&url), "real_name").await.unwrap_err();
        assert!(told.contains(said), "{told}");
        asked.join().unwrap();
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    // It listens and never answers.
    let told = ask(&at_url(&url), "real_name").await.unwrap_err();
    assert!(told.contains("did not answer in 1 s"), "{told}");
    drop(nobody);
    let told = ask(&at_url(&url), "real_name").await.unwrap_err();
    assert!(told.contains("out of reach"), "{told}");
}
