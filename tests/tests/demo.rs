//! `hefu demo` as somebody runs it, and a server that writes everything into its log: both end well, and leave nothing of anybody behind.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};

use hefu_domain::Instant;
use hefu_engine::{Clock, Source};
use hefu_scenario::{Client, key, made_up};
use hefu_server::{RegionTree, Setup, serve};
use hefu_tests::canaries::{self, none_in, person};
use hefu_tests::cli::{audit, hefu};
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::{Office, must};
use hefu_wire::v1;

const REGION: &str = "140725";
/// 2024-06-01 08:00 in Asia/Shanghai: the demo's year is over.
const AFTERWARDS: Instant = Instant(1_717_200_000_000);

/// What a command that went well printed, which names nobody.
fn well(output: Output) -> String {
    none_in("what a command prints", &output.stdout);
    none_in("what a command says", &output.stderr);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The name under which the demo's database knows somebody by their identity number.
async fn known(database: &str, state: &Path, who: &made_up::MadeUpPerson) -> v1::Person {
    let running = serve(Setup {
        database: database.to_owned(),
        state: state.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        deployment: "demo.hefu.local".to_owned(),
        tree: RegionTree::read(None).unwrap(),
        clock: Clock::simulated(AFTERWARDS).0,
        source: Source::Seeded([7; 32]),
        writers: 1,
        limits: hefu_server::Limits::default(),
        witnesses: hefu_server::Witnesses::none(),
    })
    .await
    .unwrap();
    let address = format!("http://{}", running.address);
    let client = Client::connect(&address).await.unwrap();
    let find = v1::FindPersonRequest {
        parent: format!("regions/{REGION}"),
        identity_number: who.identity.clone(),
    };
    let clerk = key(1, &format!("{REGION}/clerk"));
    let found = must(&client, &clerk, "PeopleService/FindPerson", find).await;
    running.stop().await;
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_names_nobody_in_its_files_in_what_it_prints_and_in_its_exports() {
    let folder = Folder::new("hefu-demo");
    let at = |name: &str| folder.path().join(name);
    let (database, state) = (format!("sqlite://{}", at("demo.db").display()), at("state"));
    let mut demo = hefu();
    demo.args(["demo", "--vouchers", "300", "--json"]);
    demo.args(["--database", &database]).arg("--state");
    let printed = well(
        demo.arg(&state)
            .current_dir(folder.path())
            .output()
            .unwrap(),
    );
    let told: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(told["log_verified"], true, "{told}");
    assert_eq!(told["replay_equal"], true, "{told}");
    assert_eq!(told["invariants_failed"], serde_json::json!([]), "{told}");
    assert!(told["written_off"].as_u64() > Some(100), "{told}");

    let (out, keys) = (at("export"), state.join("log.vkey"));
    let paths = [&out, &keys].map(|path| path.to_str().unwrap());
    well(audit(&[
        "export",
        "--database",
        &database,
        "--out",
        paths[0],
    ]));
    for file in ["events.jsonl", "events.csv"] {
        let bytes = std::fs::read(out.join(REGION).join(file)).unwrap();
        assert!(bytes.len() > 10_000, "{file}");
        none_in(file, &bytes);
    }
    let verified = well(audit(&["verify", "--dir", paths[0], "--vkey", paths[1]]));
    assert!(!verified.is_empty());

    // Nobody is found because nobody is in clear, and not because somebody else was looked for.
    let who = made_up::person(1, REGION, 0);
    assert!(!canaries::in_bytes(who.identity.as_bytes()).is_empty());
    let found = known(&database, &state, &who).await;
    assert!(found.masked_identity_number.contains('*'), "{found:?}");
    assert!(canaries::in_folder(folder.path()).unwrap().bytes > 1_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_logs_everything_names_nobody_in_its_log_and_in_its_refusals() {
    let folder = Folder::new("hefu-traced");
    let at = |name: &str| folder.path().join(name);
    let config = format!(
        "database = 'sqlite://{}'\nstate = '{}'\nlisten = '127.0.0.1:0'\nlog = 'trace'\n",
        at("hefu.db").display(),
        at("state").display(),
    );
    std::fs::write(at("hefu.toml"), config).unwrap();
    let mut serving = hefu()
        .args(["serve", "--config"])
        .arg(at("hefu.toml"))
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(at("said.log")).unwrap())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let address = lines.find_map(|line| {
        let line = line.ok()?;
        let rest = line.strip_prefix("hefu serves on ")?;
        Some(rest.split(' ').next()?.to_owned())
    });
    let Some(address) = address else {
        panic!("{}", std::fs::read_to_string(at("said.log")).unwrap());
    };
    let client = Client::connect(&address).await.unwrap();
    let operator = std::fs::read_to_string(at("state").join("operator.key")).unwrap();
    let operator = operator.lines().find(|line| line.starts_with("hefu_"));
    let now = Clock::system().now();
    let office = Office::open(&client, operator.unwrap(), REGION, now, 1, 10_000_000).await;
    let register = "PeopleService/RegisterPerson";
    for number in 0..10 {
        let name = office.person(&client, number).await;
        office.applied(&client, &name).await;
        // Known already, and wrong in a field.
        let again = office.registration(number, office.fresh("again"));
        let mut wrong = again.clone();
        wrong.phone.push('0');
        wrong.display_name.push('\u{0}');
        wrong.identity_number.push('0');
        for asked in [again, wrong] {
            let refused = client.call::<_, v1::Head>(&office.clerks[0], register, asked);
            let refused = refused.await.unwrap_err();
            none_in("a refusal", refused.message().as_bytes());
            none_in("a refusal's details", refused.details());
        }
    }
    let find = v1::FindPersonRequest {
        parent: office.parent(),
        identity_number: person(3).identity,
    };
    let _: v1::Person = must(&client, &office.portal, "PeopleService/FindPerson", find).await;
    serving.kill().unwrap();
    serving.wait().unwrap();
    // It did log: each call, and what the libraries do below it.
    let said = std::fs::read_to_string(at("said.log")).unwrap();
    for wanted in ["TRACE", "voucher.v1.PeopleService/RegisterPerson"] {
        assert!(said.contains(wanted), "{wanted}");
    }
    none_in("its log", said.as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_is_played_on_tables_that_are_parted_by_region() {
    let folder = Folder::new("hefu-demo");
    let place = Place::new(Engine::Postgres).await;
    let mut migrate = hefu();
    migrate.args(["migrate", "--database", &place.url(), "--partitions", "3"]);
    let printed = well(migrate.current_dir(folder.path()).output().unwrap());
    assert!(
        printed.ends_with("The log and the vouchers stand in 3 partitions by region.\n"),
        "{printed}"
    );
    let mut demo = hefu();
    demo.args(["demo", "--vouchers", "300", "--json", "--state", "state"]);
    demo.args(["--database", &place.url()]);
    let printed = well(demo.current_dir(folder.path()).output().unwrap());
    let told: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(told["log_verified"], true, "{told}");
    assert_eq!(told["replay_equal"], true, "{told}");
    assert_eq!(told["invariants_failed"], serde_json::json!([]), "{told}");
    assert!(told["written_off"].as_u64() > Some(100), "{told}");
}
