//! The closing of plan years, one after the other: what is owed goes on until it is paid.

use std::sync::atomic::Ordering;

use hefu_domain::Instant;
use hefu_domain::calendar::Calendar;
use hefu_engine::Clock;
use hefu_scenario::made_up::draw;
use hefu_scenario::{Client, credential, key};
use hefu_server::{RegionTree, Running, Setup, serve};
use hefu_tests::canaries;
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::{must, policy_json};
use hefu_wire::v1;
use prost::Message;

use crate::Api;

const CALENDAR: &str = include_str!("../../../policy/calendar-2023.toml");
const SCHOOL: &str = "91350100M000100Y43";
const OCCUPATION: &str = "6-31-01-03";
/// A Monday of one full day.
const TAUGHT: &str = "2023-05-22";

/// A class of one person, step by step through the API.
pub(crate) struct Class<'a> {
    api: &'a Api,
    pub(crate) school: String,
    approver: String,
    person: String,
    voucher: String,
    pub(crate) class: String,
}

impl Api {
    /// The clock stands at that hour of that day.
    pub(crate) fn at(&self, day: &str, hour: u32) {
        let at = Instant::start_of(day.parse().unwrap()).plus_hours(hour);
        self.hand.fetch_max(at.0, Ordering::SeqCst);
    }

    pub(crate) async fn must<Q, A>(&self, key: &str, method: &str, message: Q) -> A
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        must(&self.client, key, method, message).await
    }

    pub(crate) fn id(&self) -> String {
        self.office.fresh("closing")
    }

    /// Rules of another plan year, and the year opened.
    pub(crate) async fn open_year(&self, year: u16) {
        let operator = &self.running.operator_key;
        let request = v1::AdoptPolicyRequest {
            parent: self.office.parent(),
            policy_json: policy_json(year),
            request_id: self.id(),
            ..v1::AdoptPolicyRequest::default()
        };
        let _: v1::AdoptPolicyResponse = self
            .must(operator, "PolicyService/AdoptPolicy", request)
            .await;
        let request = v1::OpenPlanYearRequest {
            name: format!("{}/planYears/{year}", self.office.parent()),
            request_id: self.id(),
            validate_only: false,
        };
        let _: v1::OpenPlanYearResponse = self
            .must(operator, "FundsService/OpenPlanYear", request)
            .await;
    }

    pub(crate) async fn close_year(&self, year: u16) -> v1::ClosePlanYearResponse {
        let request = v1::ClosePlanYearRequest {
            name: format!("{}/planYears/{year}", self.office.parent()),
            request_id: format!("closing-{year}"),
        };
        let operator = &self.running.operator_key;
        self.must(operator, "FundsService/ClosePlanYear", request)
            .await
    }

    pub(crate) async fn grant(&self, who: &str, roles: &[v1::Role], institution: String) -> String {
        let own = key(1, who);
        let request = v1::GrantCallerRequest {
            parent: self.office.parent(),
            credential: credential(&own),
            grant: Some(v1::Grant {
                subject: who.to_owned(),
                person: who.to_owned(),
                roles: roles.iter().map(|role| (*role).into()).collect(),
                institution,
                ..v1::Grant::default()
            }),
            request_id: self.id(),
            validate_only: false,
        };
        let operator = &self.running.operator_key;
        let _: v1::GrantCallerResponse = self
            .must(operator, "AccessService/GrantCaller", request)
            .await;
        own
    }

    pub(crate) fn school(&self) -> String {
        format!("{}/institutions/{SCHOOL}", self.office.parent())
    }

    /// A school in the catalogue, with its caller.
    pub(crate) async fn open_school(&self) -> String {
        let request = v1::RegisterInstitutionRequest {
            parent: self.office.parent(),
            credit_code: SCHOOL.to_owned(),
            display_name: "职业培训学校".to_owned(),
            capacities: vec![v1::Capacity::TrainingBody.into()],
            licensed_occupations: vec![OCCUPATION.to_owned()],
            request_id: self.id(),
            ..v1::RegisterInstitutionRequest::default()
        };
        let _: v1::RegisterInstitutionResponse = self
            .must(self.clerk(), "RegistryService/RegisterInstitution", request)
            .await;
        let line = v1::CatalogueLine {
            institution: self.school(),
            capacity: v1::Capacity::TrainingBody.into(),
            occupation: OCCUPATION.to_owned(),
            plan_year: 2023,
        };
        let request = v1::FileCatalogueEntryRequest {
            parent: self.office.parent(),
            entry: Some(line.clone()),
            request_id: self.id(),
            validate_only: false,
            details: None,
        };
        let _: v1::FileCatalogueEntryResponse = self
            .must(self.clerk(), "RegistryService/FileCatalogueEntry", request)
            .await;
        let request = v1::ApproveCatalogueEntryRequest {
            parent: self.office.parent(),
            entry: Some(line),
            request_id: self.id(),
            validate_only: false,
            proposal: Vec::new(),
        };
        let reviewer = &self.office.reviewer;
        let _: v1::ApproveCatalogueEntryResponse = self
            .must(reviewer, "RegistryService/ApproveCatalogueEntry", request)
            .await;
        self.grant("school", &[v1::Role::Institution], self.school())
            .await
    }

    pub(crate) async fn adopt_calendar(&self) {
        let calendar: Calendar = toml::from_str(CALENDAR).unwrap();
        let request = v1::AdoptCalendarRequest {
            parent: self.office.parent(),
            calendar: Some(hefu_wire::show::calendar(&calendar)),
            request_id: self.id(),
            validate_only: false,
        };
        let operator = &self.running.operator_key;
        let _: v1::AdoptCalendarResponse = self
            .must(operator, "PolicyService/AdoptCalendar", request)
            .await;
    }
}

pub(crate) fn evidence(number: u64) -> Vec<u8> {
    draw(1, "closing", number).to_vec()
}

/// The one person, there for a whole session.
pub(crate) fn there(slot: u32) -> v1::AttendanceEntry {
    v1::AttendanceEntry {
        seat: 0,
        lessons: 4,
        method: v1::Method::Face.into(),
        evidence: evidence(u64::from(slot)),
        presence_checks: 0,
    }
}

impl<'a> Class<'a> {
    /// Issued, filed and approved, before its first day.
    pub(crate) async fn open(api: &'a Api) -> Class<'a> {
        let (office, school) = (&api.office, api.open_school().await);
        let approver = api
            .grant("reviewer-2", &[v1::Role::Reviewer], String::new())
            .await;
        let person = office.person(&api.client, 1).await;
        let voucher = office.applied(&api.client, &person).await;
        let issue = office.issue(&voucher, api.id());
        let _: v1::IssueResponse = api
            .must(&office.reviewer, "IssuanceService/Issue", issue)
            .await;
        let request = v1::FileClassRequest {
            parent: office.parent(),
            filing: Some(filing(&api.school())),
            request_id: api.id(),
            validate_only: false,
        };
        let filed: v1::FileClassResponse = api
            .must(&school, "TrainingService/FileClass", request)
            .await;
        let class = filed.receipt.unwrap().name;
        let request = v1::ApproveClassRequest {
            name: class.clone(),
            request_id: api.id(),
            validate_only: false,
        };
        let _: v1::ApproveClassResponse = api
            .must(&office.reviewer, "TrainingService/ApproveClass", request)
            .await;
        Class {
            api,
            school,
            approver,
            person,
            voucher,
            class,
        }
    }

    pub(crate) async fn token(&self) -> String {
        let request = v1::FetchTokenRequest {
            name: self.voucher.clone(),
            holder: self.person.clone(),
            request_id: self.api.id(),
            validate_only: false,
        };
        let portal = &self.api.office.portal;
        let fetched: v1::FetchTokenResponse = self
            .api
            .must(portal, "IssuanceService/FetchToken", request)
            .await;
        fetched.token
    }

    /// On the first morning.
    pub(crate) async fn enrol(&self, token: &str) {
        let api = self.api;
        api.at(TAUGHT, 7);
        let request = v1::EnrolRequest {
            name: self.voucher.clone(),
            class: self.class.clone(),
            token: token.to_owned(),
            identity_number: canaries::person(1).identity,
            request_id: api.id(),
            validate_only: false,
        };
        let _: v1::EnrolResponse = api
            .must(&self.school, "TrainingService/Enrol", request)
            .await;
    }

    /// There all day, completed in the evening.
    async fn teach(&self) {
        let api = self.api;
        api.at(TAUGHT, 18);
        for slot in 0..2 {
            let request = v1::RecordAttendanceRequest {
                name: self.class.clone(),
                slot,
                entries: vec![there(slot)],
                request_id: api.id(),
                validate_only: false,
            };
            let _: v1::RecordAttendanceResponse = api
                .must(&self.school, "TrainingService/RecordAttendance", request)
                .await;
        }
        let request = v1::CompleteRequest {
            name: self.voucher.clone(),
            request_id: api.id(),
            validate_only: false,
        };
        let _: v1::CompleteResponse = api
            .must(&self.school, "TrainingService/Complete", request)
            .await;
        let request = v1::FinishClassRequest {
            name: self.class.clone(),
            request_id: api.id(),
            validate_only: false,
        };
        let _: v1::FinishClassResponse = api
            .must(&self.school, "TrainingService/FinishClass", request)
            .await;
    }

    /// Redeemed, submitted and approved; the sheet's name.
    async fn claim(&self, token: &str) -> String {
        let api = self.api;
        let request = v1::RedeemRequest {
            name: self.voucher.clone(),
            token: token.to_owned(),
            undertaking: evidence(10),
            confirmation: Some(v1::Confirmation {
                by: v1::ConfirmedBy::Phone.into(),
                evidence: evidence(11),
                witness: String::new(),
            }),
            request_id: api.id(),
            validate_only: false,
        };
        let redeemed: v1::RedeemResponse = api
            .must(&self.school, "RedemptionService/Redeem", request)
            .await;
        let sheet = redeemed.sheet;
        let request = v1::SubmitClaimRequest {
            name: sheet.clone(),
            request_id: api.id(),
            validate_only: false,
        };
        let _: v1::SubmitClaimResponse = api
            .must(&self.school, "RedemptionService/SubmitClaim", request)
            .await;
        let request = v1::ApproveClaimRequest {
            name: sheet.clone(),
            request_id: api.id(),
            validate_only: false,
        };
        let _: v1::ApproveClaimResponse = api
            .must(&self.approver, "RedemptionService/ApproveClaim", request)
            .await;
        sheet
    }
}

/// One day in two sessions, with every module in the first.
fn filing(school: &str) -> v1::ClassFiling {
    let modules = [
        v1::Module::Safety,
        v1::Module::Fire,
        v1::Module::Legal,
        v1::Module::Putonghua,
    ];
    let slot = |part: v1::DayPart, modules: &[v1::Module]| v1::Slot {
        date: TAUGHT.to_owned(),
        part: part.into(),
        lessons: 4,
        modules: modules.iter().map(|module| (*module).into()).collect(),
    };
    v1::ClassFiling {
        plan_year: 2023,
        programme: v1::Programme::General.into(),
        occupation: OCCUPATION.to_owned(),
        skill_level: 2,
        sponsor: school.to_owned(),
        deliverer: school.to_owned(),
        payee: school.to_owned(),
        contract: Vec::new(),
        site: "room-1".to_owned(),
        trainers: vec!["trainer-1".to_owned()],
        capacity: 1,
        putonghua: true,
        brand: String::new(),
        timetable: vec![
            slot(v1::DayPart::Morning, &modules),
            slot(v1::DayPart::Afternoon, &[]),
        ],
    }
}

#[tokio::test]
async fn a_claim_that_is_still_owed_is_carried_from_year_to_year() {
    let api = Api::start().await;
    api.adopt_calendar().await;
    let class = Class::open(&api).await;
    let token = class.token().await;
    class.enrol(&token).await;
    class.teach().await;
    let sheet = class.claim(&token).await;
    api.open_year(2024).await;
    api.open_year(2025).await;
    for (year, closes) in [(2023, "2024-04-01"), (2024, "2025-04-01")] {
        api.at(closes, 0);
        let closed = api.close_year(year).await;
        assert_eq!(closed.carried, std::slice::from_ref(&sheet), "{year}");
    }
    api.running.stop().await;
}

on_both! {
    a_closing_that_is_stopped_goes_on_where_it_was
}

/// Whoever runs it goes away, and the server with it, as soon as something new stands in the log; again and again, until it is done.
async fn a_closing_that_is_stopped_goes_on_where_it_was(engine: Engine) {
    let api = Api::start_on(engine).await;
    api.adopt_calendar().await;
    let class = Class::open(&api).await;
    for number in 2..6 {
        let person = api.office.person(&api.client, number).await;
        let voucher = api.office.applied(&api.client, &person).await;
        if number % 2 == 0 {
            let issue = api.office.issue(&voucher, api.id());
            let reviewer = &api.office.reviewer;
            let _: v1::IssueResponse = api.must(reviewer, "IssuanceService/Issue", issue).await;
        }
    }
    let token = class.token().await;
    class.enrol(&token).await;
    class.teach().await;
    let sheet = class.claim(&token).await;
    api.open_year(2024).await;
    let name = format!("{}/planYears/2023", api.office.parent());
    let Api {
        mut running,
        office,
        state,
        place,
        ..
    } = api;
    let operator = running.operator_key.clone();
    let closes = Instant::start_of("2024-04-01".parse().unwrap());
    let request = v1::ClosePlanYearRequest {
        name: name.clone(),
        request_id: "closing-2023".to_owned(),
    };
    let mut stops = 0;
    let closed = loop {
        running.stop().await;
        running = again_at(&place, &state, closes).await;
        let client = Client::connect(&running.url()).await.unwrap();
        let size = size_of(&running).await;
        let (key, asked) = (operator.clone(), request.clone());
        let mut closing = tokio::spawn(async move {
            let method = "FundsService/ClosePlanYear";
            let closed: v1::ClosePlanYearResponse = must(&client, &key, method, asked).await;
            closed
        });
        tokio::select! {
            closed = &mut closing => break closed.unwrap(),
            () = grown(&running, size) => {
                closing.abort();
                stops += 1;
            }
        }
    };
    assert!(stops > 0, "it was never stopped");
    assert_eq!(closed.carried, std::slice::from_ref(&sheet));
    let client = Client::connect(&running.url()).await.unwrap();
    let method = "FundsService/GetPlanYear";
    let read: v1::PlanYear =
        must(&client, &operator, method, v1::GetPlanYearRequest { name }).await;
    assert_eq!(read.phase, "closed");
    let account = |year: u16| v1::GetAccountRequest {
        name: format!("{}/planYears/{year}/accounts/city", office.parent()),
    };
    let money = |request| must(&client, &operator, "FundsService/GetAccount", request);
    let (old, new): (v1::Account, v1::Account) =
        (money(account(2023)).await, money(account(2024)).await);
    assert_eq!((old.allocated_fen, old.paid_fen), (0, 0));
    assert_eq!(
        (new.allocated_fen, new.payable_fen, new.reserved_fen),
        (10_000_000, 10_000, 0)
    );
    running.stop().await;
}

/// Serves what stands on the disk, at that instant.
pub(crate) async fn again_at(place: &Place, folder: &Folder, now: Instant) -> Running {
    let setup = Setup {
        database: place.url(),
        state: folder.path().join("state"),
        listen: ([127, 0, 0, 1], 0).into(),
        deployment: crate::ISSUER.to_owned(),
        tree: RegionTree::read(None).unwrap(),
        clock: Clock::simulated(now).0,
        source: hefu_engine::Source::Seeded([7; 32]),
        writers: 2,
        witnesses: hefu_server::Witnesses::none(),
        limits: hefu_server::Limits::default(),
    };
    serve(setup).await.unwrap()
}

async fn size_of(running: &Running) -> u64 {
    let heads = running.engine.store().all_heads().await.unwrap();
    let own = heads.iter().find(|head| head.region == crate::REGION);
    own.unwrap().size
}

/// Waits until the region's log is larger than that.
async fn grown(running: &Running, size: u64) {
    while size_of(running).await <= size {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
