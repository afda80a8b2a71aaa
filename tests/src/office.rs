//! A small office of one region, set up through the API: rules, an open plan year, money, callers. Everything that it does must be accepted.

use std::sync::atomic::{AtomicU64, Ordering};

use hefu_domain::{Instant, PlanYear, Policy};
use hefu_scenario::{Client, credential, key};
use hefu_wire::v1;

use crate::canaries;

const POLICY: &str = include_str!("../../policy/jinzhong-2023.toml");

/// What registers must have answered about everybody, with the answers that let a person apply as `flexible`.
const ANSWERS: [(&str, &str); 7] = [
    ("real_name", "match"),
    ("age", "working"),
    ("alive", "yes"),
    ("pension", "none"),
    ("public_payroll", "no"),
    ("student", "no"),
    ("flexible", "yes"),
];

/// The most that a general voucher can pay, which is what its issue reserves, in fen.
pub const GENERAL_MAX_FEN: i64 = 100_000;

/// A region's office by its callers' keys.
#[derive(Debug)]
pub struct Office {
    pub region: String,
    pub year: u16,
    /// Clerks by number: callers of their own, so that each has request ids of its own.
    pub clerks: Vec<String>,
    pub reviewer: String,
    pub finance: String,
    pub portal: String,
    next: AtomicU64,
}

impl Office {
    /// Opens the plan year in which `at` lies, with so many clerks and so much money.
    pub async fn open(
        client: &Client,
        operator: &str,
        region: &str,
        at: Instant,
        clerks: usize,
        amount_fen: i64,
    ) -> Office {
        let own = |who: &str| key(1, &format!("{region}/{who}"));
        let office = Office {
            region: region.to_owned(),
            year: year_of(at),
            clerks: (0..clerks).map(|n| own(&format!("clerk-{n}"))).collect(),
            reviewer: own("reviewer"),
            finance: own("finance"),
            portal: own("portal"),
            next: AtomicU64::new(0),
        };
        office.rules(client, operator).await;
        for (number, clerk) in office.clerks.iter().enumerate() {
            let who = format!("clerk-{number}");
            office
                .grant(client, operator, &who, clerk, v1::Role::Clerk)
                .await;
        }
        for (who, key, role) in [
            ("reviewer", &office.reviewer, v1::Role::Reviewer),
            ("finance", &office.finance, v1::Role::Finance),
            ("portal", &office.portal, v1::Role::Holder),
        ] {
            office.grant(client, operator, who, key, role).await;
        }
        let money = v1::AppropriateFundsRequest {
            name: format!(
                "{}/planYears/{}/accounts/city",
                office.parent(),
                office.year
            ),
            amount_fen,
            reference: "TEST-1".to_owned(),
            request_id: "appropriate-1".to_owned(),
            validate_only: false,
        };
        let _: v1::AppropriateFundsResponse = must(
            client,
            &office.finance,
            "FundsService/AppropriateFunds",
            money,
        )
        .await;
        office
    }

    async fn rules(&self, client: &Client, operator: &str) {
        let policy = v1::AdoptPolicyRequest {
            parent: self.parent(),
            policy_json: policy_json(self.year),
            effective: None,
            request_id: "adopt-policy".to_owned(),
            validate_only: false,
        };
        let _: v1::AdoptPolicyResponse =
            must(client, operator, "PolicyService/AdoptPolicy", policy).await;
        let year = v1::OpenPlanYearRequest {
            name: format!("{}/planYears/{}", self.parent(), self.year),
            request_id: "open-plan-year".to_owned(),
            validate_only: false,
        };
        let _: v1::OpenPlanYearResponse =
            must(client, operator, "FundsService/OpenPlanYear", year).await;
    }

    async fn grant(&self, client: &Client, operator: &str, who: &str, key: &str, role: v1::Role) {
        let request = v1::GrantCallerRequest {
            parent: self.parent(),
            credential: credential(key),
            grant: Some(v1::Grant {
                subject: who.to_owned(),
                person: who.to_owned(),
                roles: vec![role.into()],
                ..v1::Grant::default()
            }),
            request_id: format!("grant-{who}"),
            validate_only: false,
        };
        let _: v1::GrantCallerResponse =
            must(client, operator, "AccessService/GrantCaller", request).await;
    }

    /// `regions/{code}`.
    pub fn parent(&self) -> String {
        format!("regions/{}", self.region)
    }

    /// The registration of a person who does not exist; the same number is the same person in every region.
    pub fn registration(&self, person: u64, request_id: String) -> v1::RegisterPersonRequest {
        let person = canaries::person(person);
        v1::RegisterPersonRequest {
            parent: self.parent(),
            identity_number: person.identity,
            display_name: person.name,
            phone: person.phone,
            request_id,
            validate_only: false,
        }
    }

    /// Registers' answers that let a person apply.
    pub fn answers(&self, person: &str, request_id: String) -> v1::RecordCheckAnswersRequest {
        let answers = ANSWERS.map(|(check, answer)| v1::CheckAnswer {
            check: check.to_owned(),
            answer: answer.to_owned(),
            valid_until: format!("{}-12-31", self.year + 1),
            ..v1::CheckAnswer::default()
        });
        v1::RecordCheckAnswersRequest {
            name: person.to_owned(),
            answers: answers.into(),
            request_id,
            validate_only: false,
        }
    }

    /// A person's application for a general voucher, through the portal.
    pub fn application(&self, person: &str, request_id: String) -> v1::ApplyRequest {
        v1::ApplyRequest {
            parent: self.parent(),
            person: person.to_owned(),
            plan_year: self.year.into(),
            programme: v1::Programme::General.into(),
            category: "flexible".to_owned(),
            request_id,
            ..v1::ApplyRequest::default()
        }
    }

    /// The issue of a voucher.
    pub fn issue(&self, voucher: &str, request_id: String) -> v1::IssueRequest {
        v1::IssueRequest {
            name: voucher.to_owned(),
            request_id,
            validate_only: false,
        }
    }

    /// A request id that nobody had.
    pub fn fresh(&self, what: &str) -> String {
        format!("{what}-{:06}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Registers a person with the answers that let them apply; returns their name.
    pub async fn person(&self, client: &Client, person: u64) -> String {
        let request = self.registration(person, self.fresh("person"));
        let clerk = &self.clerks[0];
        let registered: v1::RegisterPersonResponse =
            must(client, clerk, "PeopleService/RegisterPerson", request).await;
        let name = registered.receipt.expect("a move has a receipt").name;
        let request = self.answers(&name, self.fresh("answers"));
        let _: v1::RecordCheckAnswersResponse =
            must(client, clerk, "PeopleService/RecordCheckAnswers", request).await;
        name
    }

    /// A person's voucher, applied for; returns its name.
    pub async fn applied(&self, client: &Client, person: &str) -> String {
        let request = self.application(person, self.fresh("apply"));
        let applied: v1::ApplyResponse =
            must(client, &self.portal, "ApplicationService/Apply", request).await;
        applied.receipt.expect("a move has a receipt").name
    }
}

/// A call that must be accepted.
pub async fn must<Q, A>(client: &Client, key: &str, method: &str, message: Q) -> A
where
    Q: prost::Message + Clone + 'static,
    A: prost::Message + Default + 'static,
{
    match client.call(key, method, message).await {
        Ok(answer) => answer,
        Err(status) => panic!("{method}: {status}"),
    }
}

/// The calendar year of an instant in Asia/Shanghai.
fn year_of(at: Instant) -> u16 {
    let at = jiff::Timestamp::from_millisecond(at.0).expect("a clock's instant");
    let year = jiff::tz::offset(8).to_datetime(at).year();
    u16::try_from(year).expect("a year of our time")
}

/// The shipped rules moved to another year, in which training may go on to its last day.
pub fn policy_json(year: u16) -> String {
    let day = |year: u16, rest: &str| format!("{year}-{rest}").parse().expect("a day");
    let mut policy = Policy::from_toml(POLICY).expect("the shipped policy");
    policy.year = PlanYear::try_from(year).expect("a plan year");
    policy.dates.training_ends = day(year, "12-31");
    policy.dates.use_by = day(year, "12-31");
    policy.dates.claim_by = day(year + 1, "03-10");
    policy.dates.closes = day(year + 1, "03-31");
    serde_json::to_string(&policy).expect("a policy is data")
}
