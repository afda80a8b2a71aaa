//! Racers on one voucher, on the last fen and on one person from two regions: exactly one wins, every refusal is true, indexes stay
//! dense and roots recompute. On PostgreSQL two servers share the database; on SQLite there is one.

// A failed expectation is this test's answer.
#![allow(clippy::unwrap_used)]

use futures_util::future::join_all;
use hefu_audit::Replay;
use hefu_domain::calendar::Calendar;
use hefu_domain::{Instant, Policy};
use hefu_engine::{Clock, Source};
use hefu_scenario::{Client, credential, key};
use hefu_server::{RegionTree, Running, Setup, serve};
use hefu_tests::canaries;
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_wire::v1;
use tonic::Status;
use tonic_types::StatusExt as _;

const POLICY: &str = include_str!("../../policy/jinzhong-2023.toml");
const CALENDAR: &str = include_str!("../../policy/calendar-2023.toml");
/// 2023-05-10 10:00 in Asia/Shanghai.
const NOW_MS: i64 = 1_683_684_000_000;
const RACERS: usize = 8;
const REGIONS: [&str; 2] = ["140725", "140727"];
/// What one general voucher reserves.
const ONE_VOUCHER: i64 = 100_000;

/// Servers on one database, and a client of each.
struct Field {
    servers: Vec<Running>,
    clients: Vec<Client>,
    _place: Place,
    _state: Folder,
}

impl Field {
    async fn open(engine: Engine, funds_fen: i64) -> Field {
        let place = Place::new(engine).await;
        let state = Folder::new("hefu-races");
        let mut servers = Vec::new();
        let mut clients = Vec::new();
        for _ in 0..if engine == Engine::Postgres { 2 } else { 1 } {
            let running = serve(Setup {
                database: place.url(),
                state: state.path().join("state"),
                listen: ([127, 0, 0, 1], 0).into(),
                deployment: "test.hefu.local".to_owned(),
                tree: RegionTree::read(None).unwrap(),
                clock: Clock::simulated(Instant(NOW_MS)).0,
                source: Source::Seeded([9; 32]),
                writers: 2,
                witnesses: hefu_server::Witnesses::none(),
                limits: hefu_server::Limits::default(),
            })
            .await
            .unwrap();
            clients.push(
                Client::connect(&format!("http://{}", running.address))
                    .await
                    .unwrap(),
            );
            servers.push(running);
        }
        let field = Field {
            servers,
            clients,
            _place: place,
            _state: state,
        };
        for region in REGIONS {
            field.set_up(region, funds_fen).await;
        }
        field
    }

    /// Each racer at another server, where there are two.
    fn client(&self, racer: usize) -> &Client {
        &self.clients[racer % self.clients.len()]
    }

    async fn must<Q, A>(&self, key: &str, method: &str, request: Q) -> A
    where
        Q: prost::Message + Clone + 'static,
        A: prost::Message + Default + 'static,
    {
        self.clients[0].call(key, method, request).await.unwrap()
    }

    async fn set_up(&self, region: &str, funds_fen: i64) {
        let operator = self.servers[0].operator_key.clone();
        let parent = format!("regions/{region}");
        let policy = Policy::from_toml(POLICY).unwrap();
        let request = v1::AdoptPolicyRequest {
            parent: parent.clone(),
            policy_json: serde_json::to_string(&policy).unwrap(),
            request_id: "policy-2023".to_owned(),
            ..Default::default()
        };
        let _: v1::AdoptPolicyResponse = self
            .must(&operator, "PolicyService/AdoptPolicy", request)
            .await;
        let calendar: Calendar = toml::from_str(CALENDAR).unwrap();
        let request = v1::AdoptCalendarRequest {
            parent: parent.clone(),
            calendar: Some(hefu_wire::show::calendar(&calendar)),
            request_id: "calendar-2023".to_owned(),
            ..Default::default()
        };
        let _: v1::AdoptCalendarResponse = self
            .must(&operator, "PolicyService/AdoptCalendar", request)
            .await;
        let request = v1::OpenPlanYearRequest {
            name: format!("{parent}/planYears/2023"),
            request_id: "open-2023".to_owned(),
            ..Default::default()
        };
        let _: v1::OpenPlanYearResponse = self
            .must(&operator, "FundsService/OpenPlanYear", request)
            .await;
        for (who, role) in [
            ("clerk", v1::Role::Clerk),
            ("reviewer", v1::Role::Reviewer),
            ("finance", v1::Role::Finance),
            ("portal", v1::Role::Holder),
        ] {
            let request = v1::GrantCallerRequest {
                parent: parent.clone(),
                credential: credential(&staff(region, who)),
                grant: Some(v1::Grant {
                    subject: who.to_owned(),
                    person: who.to_owned(),
                    roles: vec![role.into()],
                    ..Default::default()
                }),
                request_id: format!("grant-{who}"),
                validate_only: false,
            };
            let _: v1::GrantCallerResponse = self
                .must(&operator, "AccessService/GrantCaller", request)
                .await;
        }
        let request = v1::AppropriateFundsRequest {
            name: format!("{parent}/planYears/2023/accounts/city"),
            amount_fen: funds_fen,
            reference: "CZ-1".to_owned(),
            request_id: "appropriate".to_owned(),
            validate_only: false,
        };
        let _: v1::AppropriateFundsResponse = self
            .must(
                &staff(region, "finance"),
                "FundsService/AppropriateFunds",
                request,
            )
            .await;
    }

    /// A registered person who is eligible.
    async fn person(&self, region: &str, number: u64) -> String {
        let who = canaries::villager(number);
        let request = v1::RegisterPersonRequest {
            parent: format!("regions/{region}"),
            identity_number: who.identity,
            display_name: who.name,
            phone: who.phone,
            request_id: format!("person-{number}"),
            validate_only: false,
        };
        let clerk = staff(region, "clerk");
        let registered: v1::RegisterPersonResponse = self
            .must(&clerk, "PeopleService/RegisterPerson", request)
            .await;
        let name = registered.receipt.unwrap().name;
        let answer = |(check, answer): (&str, &str)| v1::CheckAnswer {
            check: check.to_owned(),
            answer: answer.to_owned(),
            valid_until: "2023-12-31".to_owned(),
            ..v1::CheckAnswer::default()
        };
        let answers = [
            ("real_name", "match"),
            ("age", "working"),
            ("alive", "yes"),
            ("pension", "none"),
            ("public_payroll", "no"),
            ("student", "no"),
            ("flexible", "yes"),
        ];
        let request = v1::RecordCheckAnswersRequest {
            name: name.clone(),
            answers: answers.map(answer).to_vec(),
            request_id: format!("checks-{number}"),
            validate_only: false,
        };
        let _: v1::RecordCheckAnswersResponse = self
            .must(&clerk, "PeopleService/RecordCheckAnswers", request)
            .await;
        name
    }

    async fn apply(
        &self,
        racer: usize,
        region: &str,
        person: &str,
        request_id: String,
    ) -> Result<String, Status> {
        let request = v1::ApplyRequest {
            parent: format!("regions/{region}"),
            person: person.to_owned(),
            plan_year: 2023,
            programme: v1::Programme::General.into(),
            category: "flexible".to_owned(),
            request_id,
            ..Default::default()
        };
        let answer: v1::ApplyResponse = self
            .client(racer)
            .call(
                &staff(region, "portal"),
                "ApplicationService/Apply",
                request,
            )
            .await?;
        Ok(answer.receipt.unwrap().name)
    }

    async fn issue(
        &self,
        racer: usize,
        region: &str,
        voucher: &str,
        request_id: String,
    ) -> Result<v1::IssueResponse, Status> {
        let request = v1::IssueRequest {
            name: voucher.to_owned(),
            request_id,
            validate_only: false,
        };
        self.client(racer)
            .call(&staff(region, "reviewer"), "IssuanceService/Issue", request)
            .await
    }

    /// Every log verifies and ends where its head says.
    async fn close(self) {
        let store = self.servers[0].engine.store().clone();
        for head in store.all_heads().await.unwrap() {
            let mut replay = Replay::new(head.region.parse().unwrap());
            let events = store
                .events(&head.region, head.epoch, 0, 10_000)
                .await
                .unwrap();
            for event in events {
                replay.feed(&event.bytes).unwrap();
            }
            let end = replay.end();
            assert_eq!((end.size, end.root.0), (head.size, head.root));
        }
        for server in self.servers {
            server.stop().await;
        }
    }
}

fn staff(region: &str, who: &str) -> String {
    key(1, &format!("{region}/{who}"))
}

/// How many won, and the codes of those who did not.
fn settle<T>(answers: Vec<Result<T, Status>>) -> (usize, Vec<String>) {
    let mut codes = Vec::new();
    let mut won = 0;
    for answer in answers {
        match answer {
            Ok(_) => won += 1,
            Err(status) => codes.push(
                status
                    .get_details_error_info()
                    .map(|info| info.reason)
                    .unwrap_or_else(|| status.to_string()),
            ),
        }
    }
    codes.dedup();
    (won, codes)
}

async fn one_person_from_two_regions(engine: Engine) {
    let field = Field::open(engine, ONE_VOUCHER).await;
    let people = [
        field.person(REGIONS[0], 1).await,
        field.person(REGIONS[1], 1).await,
    ];
    let racers = (0..RACERS).map(|n| {
        let (region, person) = (REGIONS[n / 2 % 2], &people[n / 2 % 2]);
        field.apply(n, region, person, format!("twin-apply-{n}"))
    });
    let (won, codes) = settle(join_all(racers).await);
    assert_eq!((won, codes), (1, vec!["LIVE_VOUCHER_EXISTS".to_owned()]));
    field.close().await;
}

async fn the_last_fen(engine: Engine) {
    let field = Field::open(engine, ONE_VOUCHER).await;
    let region = REGIONS[0];
    let mut vouchers = Vec::new();
    for n in 0..RACERS {
        let person = field.person(region, 10 + n as u64).await;
        let applied = field.apply(0, region, &person, format!("fen-apply-{n}"));
        vouchers.push(applied.await.unwrap());
    }
    let racers = vouchers
        .iter()
        .enumerate()
        .map(|(n, voucher)| field.issue(n, region, voucher, format!("fen-issue-{n}")));
    let (won, codes) = settle(join_all(racers).await);
    assert_eq!((won, codes), (1, vec!["FUNDS_EXHAUSTED".to_owned()]));
    let request = v1::ListAccountsRequest {
        parent: format!("regions/{region}"),
        ..v1::ListAccountsRequest::default()
    };
    let accounts: v1::ListAccountsResponse = field
        .must(
            &staff(region, "finance"),
            "FundsService/ListAccounts",
            request,
        )
        .await;
    let account = &accounts.accounts[0];
    assert_eq!(
        (account.available_fen, account.reserved_fen),
        (0, ONE_VOUCHER)
    );
    field.close().await;
}

async fn one_voucher(engine: Engine) {
    let field = Field::open(engine, 10 * ONE_VOUCHER).await;
    let region = REGIONS[0];
    let person = field.person(region, 30).await;
    let voucher = field
        .apply(0, region, &person, "one-apply".to_owned())
        .await
        .unwrap();
    let racers = (0..RACERS).map(|n| field.issue(n, region, &voucher, format!("one-issue-{n}")));
    let (won, codes) = settle(join_all(racers).await);
    assert_eq!((won, codes), (1, vec!["VOUCHER_NOT_APPLIED".to_owned()]));
    field.close().await;
}

async fn one_request_sent_many_times(engine: Engine) {
    let field = Field::open(engine, 10 * ONE_VOUCHER).await;
    let region = REGIONS[0];
    let person = field.person(region, 40).await;
    let voucher = field
        .apply(0, region, &person, "same-apply".to_owned())
        .await
        .unwrap();
    let racers = (0..RACERS).map(|n| field.issue(n, region, &voucher, "same-issue".to_owned()));
    let answers = join_all(racers).await;
    let first = answers[0].as_ref().unwrap();
    for answer in &answers {
        assert_eq!(answer.as_ref().unwrap(), first, "one request, one answer");
    }
    let elsewhere = person.replace("people", "vouchers");
    let other = field.issue(0, region, &elsewhere, "same-issue".to_owned());
    let reused = other.await.unwrap_err();
    assert_eq!(reused.code(), tonic::Code::AlreadyExists, "{reused}");
    field.close().await;
}

macro_rules! on_both {
    ($($name:ident)+) => {$(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres_with_two_servers() {
                super::$name(Engine::Postgres).await;
            }
        }
    )+};
}

on_both! { one_person_from_two_regions the_last_fen one_voucher one_request_sent_many_times }
