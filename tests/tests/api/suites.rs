//! A deployment whose token key is of `sm2-sm3` and whose checkpoints bear a second signature: tokens, key set and logs as
//! outsiders meet them.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hefu_log::{Checkpoint, Note, VerifierKeys};
use hefu_tests::cli::{audit_json, audit_text, hefu};
use hefu_token::keys::{self, KeyError, Use};
use hefu_token::{KeySet, PublicKey, Suite};

use crate::endpoints::get;
use crate::*;

/// A state folder with an old Ed25519 token key, a newer one of SM2, and a second log key.
fn prepared() -> Option<Folder> {
    let state = Folder::new("hefu-suites");
    let dir = state.path().join("state");
    std::fs::create_dir_all(&dir).unwrap();
    let made = |usage, suite, seed, at| keys::new_key_of(&dir, (usage, suite), &[seed; 32], at);
    made(Use::Token, Suite::Ed25519Sha256, 1, Instant(NOW.0 - 2)).unwrap();
    let second = made(Use::Log, Suite::Sm2Sm3, 3, Instant(NOW.0 + 1));
    if !Suite::Sm2Sm3.is_built() {
        assert!(matches!(second, Err(KeyError::Suite(_))));
        return None;
    }
    second.unwrap();
    made(Use::Token, Suite::Sm2Sm3, 2, Instant(NOW.0 - 1)).unwrap();
    Some(state)
}

/// The key of a JWK, by its own curve.
fn key_of(jwk: &serde_json::Value) -> PublicKey {
    let part = |name: &str| {
        let text = jwk[name].as_str().unwrap();
        BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
    };
    assert!(jwk.get("d").is_none(), "a private key is published");
    match (
        jwk["kty"].as_str(),
        jwk["crv"].as_str(),
        jwk["alg"].as_str(),
    ) {
        (Some("OKP"), Some("Ed25519"), Some("EdDSA")) => {
            PublicKey::from_bytes(Suite::Ed25519Sha256, &part("x")).unwrap()
        }
        (Some("EC"), Some("SM2"), Some("SM2")) => {
            let point = [vec![4], part("x"), part("y")].concat();
            PublicKey::from_bytes(Suite::Sm2Sm3, &point).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_key_in_force_signs_in_its_own_suite_and_both_keys_are_published() {
    let Some(state) = prepared() else { return };
    let api = Api::start_in(Engine::Sqlite, Clock::simulated(NOW).0, state).await;
    let office = &api.office;
    let person = office.person(&api.client, 1).await;
    let voucher = office.applied(&api.client, &person).await;
    let issue = office.issue(&voucher, office.fresh("issue"));
    let method = "IssuanceService/Issue";
    let _: v1::IssueResponse = must(&api.client, &office.reviewer, method, issue).await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let fetch = v1::FetchTokenRequest {
            name: voucher.clone(),
            holder: person.clone(),
            request_id: office.fresh("fetch"),
            validate_only: false,
        };
        let method = "IssuanceService/FetchToken";
        let fetched: v1::FetchTokenResponse =
            must(&api.client, &office.portal, method, fetch).await;
        tokens.push(fetched.token);
    }
    assert_eq!(tokens[0], tokens[1], "derived again, byte for byte");
    let header = tokens[0].split('.').next().unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["alg"], "SM2");

    let (head, body) = get(api.running.address, "/.well-known/jwks.json").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let published: serde_json::Value = serde_json::from_str(&body).unwrap();
    let published = published["keys"].as_array().unwrap();
    let known: Vec<PublicKey> = published.iter().map(key_of).collect();
    let suites: Vec<Suite> = known.iter().map(PublicKey::suite).collect();
    assert_eq!(suites, [Suite::Sm2Sm3, Suite::Ed25519Sha256]);
    assert_eq!(header["kid"], known[0].kid());
    let mut keys = KeySet::new(ISSUER);
    known.into_iter().for_each(|key| keys.insert(key, None));
    let claims = keys.verify(&tokens[0], NOW).unwrap();
    assert!(voucher.ends_with(&claims.jti.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signature_is_published_checked_where_its_key_is_known_and_ignored_elsewhere() {
    let Some(state) = prepared() else { return };
    let api = Api::start_in(Engine::Sqlite, Clock::simulated(NOW).0, state).await;
    api.running.signing.sign().await.unwrap();
    let (_, vkeys) = get(api.running.address, "/log/log.vkey").await;
    let read = VerifierKeys::parse(&vkeys).unwrap();
    assert_eq!(
        read.keys.len(),
        read.second.len(),
        "a line of each for each log"
    );
    let (_, note) = get(api.running.address, &format!("/log/{REGION}/checkpoint")).await;
    let parsed = Note::parse(&note).unwrap();
    assert_eq!(parsed.signatures().len(), 2);
    // Whoever knows Ed25519 only.
    assert!(Checkpoint::open(&note, &read.keys).unwrap().size > 0);
    assert_eq!(
        hefu_log::second::signers(&parsed, &read.second)
            .unwrap()
            .len(),
        1
    );

    // From an export, as an auditor has it: the keys from outside, with the second ones and without.
    let at = |name: &str| api.state.path().join(name).to_str().unwrap().to_owned();
    let (copy, both, own, later) = (at("copy"), at("both"), at("own"), at("later"));
    let server = format!("http://{}", api.running.address);
    let (code, said) = audit_text(&["export", "--server", &server, "--out", &copy]);
    assert_eq!(code, Some(0), "{said}");
    assert!(read.keys.iter().all(|key| vkeys.contains(&key.to_string())));
    std::fs::write(&both, &vkeys).unwrap();
    let only: Vec<String> = read.keys.iter().map(|key| format!("{key}\n")).collect();
    std::fs::write(&own, only.concat()).unwrap();
    // A type that this build does not know, as SM2's is to one without it.
    let unknown = BASE64_STANDARD.encode(b"\xffof the year 2100");
    std::fs::write(&later, format!("{}x+01020304+{unknown}\n", only.concat())).unwrap();
    let (copied, logs) = (format!("{copy}/log.vkey"), read.keys.len());
    let kept = std::fs::read_to_string(copied).unwrap();
    assert_eq!(
        VerifierKeys::parse(&kept).unwrap(),
        read,
        "an export keeps every line"
    );
    for (keys, second) in [(&both, logs), (&own, 0), (&later, 0)] {
        let (code, report) = audit_json(&["verify", "--dir", &copy, "--vkey", keys]);
        assert_eq!(
            (code, &report["verified"]),
            (Some(0), &true.into()),
            "{report}"
        );
        assert_eq!(report["second_signatures"], second, "{report}");
    }
    let (_, said) = audit_text(&["verify", "--dir", &copy, "--vkey", &later]);
    assert!(
        said.contains("1 verifier keys are of a type that this build does not check"),
        "{said}"
    );
    let (_, said) = audit_text(&["verify", "--dir", &copy, "--vkey", &both]);
    assert!(
        said.contains("(SM2)") && !said.contains("does not check"),
        "{said}"
    );

    // Somebody takes the line away: who brought its key notices, who did not cannot.
    let checkpoint = format!("{copy}/{REGION}/checkpoint");
    let (first, _) = note.trim_end().rsplit_once('\n').unwrap();
    std::fs::write(checkpoint, format!("{first}\n")).unwrap();
    let (code, report) = audit_json(&["verify", "--dir", &copy, "--vkey", &both]);
    assert_eq!(code, Some(1), "{report}");
    assert_eq!(report["failure"]["check"], "second signature");
    let (code, _) = audit_json(&["verify", "--dir", &copy, "--vkey", &own]);
    assert_eq!(code, Some(0));
}

/// Exit code and what was printed of `hefu keys`.
pub(crate) fn keys_command(arguments: &[&str], state: &str) -> (Option<i32>, String) {
    let mut command = hefu();
    command.arg("keys").args(arguments).args(["--state", state]);
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn the_command_makes_keys_of_a_suite_or_says_what_to_build() {
    let folder = Folder::new("hefu-suites");
    let state = folder.path().to_str().unwrap();
    let new = |usage, suite| keys_command(&["new", "--use", usage, "--suite", suite], state);
    let (code, said) = new("token", "sm9");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("this version knows ed25519-sha256 and sm2-sm3"),
        "{said}"
    );
    for usage in ["log", "token"] {
        assert_eq!(keys_command(&["new", "--use", usage], state).0, Some(0));
    }
    // The logs have their signer: another key of theirs takes a rotation, one beside theirs does not.
    std::fs::create_dir(folder.path().join("signer")).unwrap();
    let (code, said) = new("log", "ed25519-sha256");
    assert!(
        code == Some(1) && said.contains("hefu keys rotate --use log"),
        "{said}"
    );
    for usage in ["log", "token"] {
        let (code, said) = new(usage, "sm2-sm3");
        match Suite::Sm2Sm3.is_built() {
            true => assert!(code == Some(0) && said.contains(" key "), "{said}"),
            false => assert!(
                code == Some(1) && said.contains("cargo build --release --features sm2-sm3"),
                "{said}"
            ),
        }
    }
    let (_, listed) = keys_command(&["list"], state);
    let of = |suite| listed.matches(suite).count();
    let second = if Suite::Sm2Sm3.is_built() { 2 } else { 0 };
    assert_eq!(
        (of("ed25519-sha256"), of("sm2-sm3")),
        (2, second),
        "{listed}"
    );
}
