//! `hefu audit history` over a folder, a server and a database: one voucher's life, in a log that was verified.

use hefu_tests::cli::{audit_json, audit_text};
use hefu_tests::engines::{Engine, Folder};
use hefu_tests::office::must;
use hefu_wire::v1;
use serde_json::{Value, json};

use crate::{Api, REGION};

/// Every source tells the same, and says whose keys it stands on.
fn told_alike(sources: &[Vec<&str>], voucher: &str, keys: &str) {
    let mut told = Vec::new();
    for source in sources {
        let ask = [&["history", voucher], &source[..]].concat();
        let with_key = [&ask[..], &["--vkey", keys]].concat();
        let (code, found) = audit_json(&with_key);
        assert_eq!(code, Some(0), "{found}");
        assert_eq!(found["report"]["verified"], json!(true), "{found}");
        let history = found["history"].clone();
        assert_eq!(
            (&history["state"], &history["region"]),
            (&json!("issued"), &json!(REGION))
        );
        let steps = history["steps"].as_array().unwrap();
        let kinds: Vec<&Value> = steps.iter().map(|step| &step["kind"]).collect();
        assert_eq!(kinds, [&json!("Applied"), &json!("Issued")]);
        assert!(
            steps.iter().all(|step| step["proven"] == json!(true)),
            "{history}"
        );
        let (code, said) = audit_text(&with_key);
        assert!(
            code == Some(0) && said.contains("all 2 events are in these trees"),
            "{said}"
        );
        assert!(said.contains("from a key that you brought along"), "{said}");
        // The keys beside the logs are the operator's own.
        let (code, said) = audit_text(&ask);
        assert!(
            code == Some(4) && said.contains("SELF-CONSISTENT ONLY"),
            "{said}"
        );
        told.push(history);
    }
    assert!(told.iter().all(|history| *history == told[0]));
}

/// By a key that signed nothing, and of vouchers that nobody knows, nothing is told.
fn nothing_told(source: &[&str], voucher: &str, keys: &str, foreign: &str) {
    let ask = [&["history", voucher], source].concat();
    let (code, found) = audit_json(&[&ask[..], &["--vkey", foreign]].concat());
    assert_eq!(
        (code, &found["history"]),
        (Some(1), &Value::Null),
        "{found}"
    );
    assert_eq!(found["report"]["failure"]["check"], "signature");
    for (voucher, why) in [
        (
            "0198c6a2-0000-7000-8000-000000000000",
            "no log here knows the voucher",
        ),
        (
            "regions/140727/vouchers/0198c6a2-0000-7000-8000-000000000000",
            "no log here knows the voucher",
        ),
        (
            "regions/999999/vouchers/0198c6a2-0000-7000-8000-000000000000",
            "no log of region 999999 is here",
        ),
        ("vouchers/1", "a voucher is named by its id"),
        ("1", "1 is no voucher's id"),
    ] {
        let ask = [&["history", voucher], source, &["--vkey", keys]].concat();
        let (code, said) = audit_text(&ask);
        assert!(code == Some(2) && said.contains(why), "{voucher}: {said}");
    }
}

async fn a_vouchers_life_is_told_from_wherever_the_logs_are(engine: Engine) {
    let api = Api::start_on(engine).await;
    let person = api.office.person(&api.client, 1).await;
    let voucher = api.office.applied(&api.client, &person).await;
    let issue = api.office.issue(&voucher, api.office.fresh("issue"));
    let _: v1::IssueResponse = must(
        &api.client,
        &api.office.reviewer,
        "IssuanceService/Issue",
        issue,
    )
    .await;
    api.running.signing.sign().await.unwrap();
    let copies = Folder::new("hefu-history");
    let at = |name: &str| copies.path().join(name).to_str().unwrap().to_owned();
    let (copy, keys, foreign) = (at("copy"), at("keys"), at("foreign"));
    let (server, url) = (format!("http://{}", api.running.address), api.place.url());
    let state = api.state.path().join("state");
    let lines = std::fs::read_to_string(state.join("log.vkey")).unwrap();
    std::fs::write(&keys, &lines).unwrap();
    let strange = |line: &str| {
        let name = line.split('+').next().unwrap();
        format!(
            "{}\n",
            hefu_log::NoteSigner::new(name, &[1; 32]).unwrap().vkey()
        )
    };
    std::fs::write(&foreign, lines.lines().map(strange).collect::<String>()).unwrap();
    tokio::task::block_in_place(|| {
        let (code, said) = audit_text(&["export", "--server", &server, "--out", &copy]);
        assert_eq!(code, Some(0), "{said}");
        let state = state.to_str().unwrap();
        let sources = [
            vec!["--dir", &copy],
            vec!["--server", &server],
            vec!["--database", &url, "--state", state],
        ];
        told_alike(&sources, &voucher, &keys);
        nothing_told(&sources[0], &voucher, &keys, &foreign);
    });
    api.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vouchers_life_is_told_from_wherever_the_logs_are_on_sqlite() {
    a_vouchers_life_is_told_from_wherever_the_logs_are(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vouchers_life_is_told_from_wherever_the_logs_are_on_postgres() {
    a_vouchers_life_is_told_from_wherever_the_logs_are(Engine::Postgres).await;
}
