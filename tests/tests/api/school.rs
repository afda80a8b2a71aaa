//! A training body of the region with a class of its own, played through the API as far as a test needs it.

use std::sync::atomic::Ordering;

use hefu_domain::Instant;
use hefu_scenario::made_up::{credit_code, draw};
use hefu_scenario::{credential, key};
use hefu_tests::canaries;
use hefu_tests::office::must;
use hefu_wire::v1;

use crate::{Api, REGION};

const CALENDAR: &str = include_str!("../../../policy/calendar-2023.toml");
pub(crate) const OCCUPATION: &str = "6-31-01-03";
/// The class's one day.
pub(crate) const DAY: &str = "2023-05-16";

/// A training body and its class.
pub(crate) struct School {
    pub(crate) name: String,
    pub(crate) key: String,
    /// Another body of the same kind, which has nothing to do with this one.
    pub(crate) stranger: String,
    /// A reviewer who issued none of the vouchers.
    pub(crate) approver: String,
    pub(crate) class: String,
    /// Person, voucher and token by seat.
    pub(crate) seats: Vec<(String, String, String)>,
}

impl School {
    /// Registers two training bodies, with accounts, callers and a catalogue line for the first.
    pub(crate) async fn open(api: &Api) -> School {
        let calendar: hefu_domain::calendar::Calendar = toml::from_str(CALENDAR).unwrap();
        let adopt = v1::AdoptCalendarRequest {
            parent: api.office.parent(),
            calendar: Some(hefu_wire::show::calendar(&calendar)),
            request_id: api.office.fresh("calendar"),
            validate_only: false,
        };
        let operator = &api.running.operator_key;
        let _: v1::AdoptCalendarResponse =
            must(&api.client, operator, "PolicyService/AdoptCalendar", adopt).await;
        let own = key(1, "school");
        let stranger = key(1, "stranger-school");
        let approver = key(1, "approver");
        grant(
            api,
            &approver,
            "approver",
            v1::Role::Reviewer,
            String::new(),
        )
        .await;
        let name = body(api, 1, "样例职业培训学校", &own).await;
        body(api, 2, "另一所学校", &stranger).await;
        let school = School {
            name,
            key: own,
            stranger,
            approver,
            class: String::new(),
            seats: Vec::new(),
        };
        school.catalogue(api, OCCUPATION).await;
        school
    }

    /// Enters it in the catalogue of training bodies for an occupation.
    pub(crate) async fn catalogue(&self, api: &Api, occupation: &str) {
        let entry = Some(v1::CatalogueLine {
            institution: self.name.clone(),
            capacity: v1::Capacity::TrainingBody.into(),
            occupation: occupation.to_owned(),
            plan_year: 2023,
        });
        let file = v1::FileCatalogueEntryRequest {
            parent: api.office.parent(),
            entry: entry.clone(),
            request_id: api.office.fresh("line"),
            validate_only: false,
            details: None,
        };
        let method = "RegistryService/FileCatalogueEntry";
        let _: v1::FileCatalogueEntryResponse = must(&api.client, &self.key, method, file).await;
        let approve = v1::ApproveCatalogueEntryRequest {
            parent: api.office.parent(),
            entry,
            request_id: api.office.fresh("line"),
            validate_only: false,
            proposal: Vec::new(),
        };
        let method = "RegistryService/ApproveCatalogueEntry";
        let _: v1::ApproveCatalogueEntryResponse =
            must(&api.client, &api.office.reviewer, method, approve).await;
    }

    /// The filing of a class of one day for so many people, in that room.
    pub(crate) fn filing(&self, room: &str, capacity: u32) -> v1::FileClassRequest {
        let slot = |part: v1::DayPart, modules: [v1::Module; 2]| v1::Slot {
            date: DAY.to_owned(),
            part: part.into(),
            lessons: 4,
            modules: modules.map(Into::into).into(),
        };
        let timetable = vec![
            slot(v1::DayPart::Morning, [v1::Module::Safety, v1::Module::Fire]),
            slot(
                v1::DayPart::Afternoon,
                [v1::Module::Legal, v1::Module::Putonghua],
            ),
        ];
        v1::FileClassRequest {
            parent: format!("regions/{REGION}"),
            filing: Some(v1::ClassFiling {
                plan_year: 2023,
                programme: v1::Programme::General.into(),
                occupation: OCCUPATION.to_owned(),
                skill_level: 2,
                sponsor: self.name.clone(),
                deliverer: self.name.clone(),
                payee: self.name.clone(),
                contract: Vec::new(),
                site: room.to_owned(),
                trainers: vec![format!("trainer-{room}")],
                capacity,
                putonghua: true,
                brand: String::new(),
                timetable,
            }),
            request_id: format!("file-{room}"),
            validate_only: false,
        }
    }

    /// Files and approves a class, and enrols so many people on its morning.
    pub(crate) async fn enrol(&mut self, api: &Api, people: u64) {
        self.enrol_in(api, self.filing("room-1", 10), people).await;
    }

    /// The same, in the class of that filing.
    pub(crate) async fn enrol_in(&mut self, api: &Api, filing: v1::FileClassRequest, people: u64) {
        self.file(api, filing).await;
        for number in 0..people {
            let seat = api.issued(number).await;
            self.seats.push(seat);
        }
        self.seat(api).await;
    }

    /// Files a class and has it approved.
    pub(crate) async fn file(&mut self, api: &Api, filing: v1::FileClassRequest) {
        let method = "TrainingService/FileClass";
        let filed: v1::FileClassResponse = must(&api.client, &self.key, method, filing).await;
        self.class = filed.receipt.unwrap().name;
        let approve = v1::ApproveClassRequest {
            name: self.class.clone(),
            request_id: api.office.fresh("approve"),
            validate_only: false,
        };
        let method = "TrainingService/ApproveClass";
        let _: v1::ApproveClassResponse =
            must(&api.client, &api.office.reviewer, method, approve).await;
    }

    /// Enrols whoever has a voucher, on the morning of the class.
    pub(crate) async fn seat(&self, api: &Api) {
        api.stand_at(&format!("{DAY}T00:00:00.000Z"));
        for (number, (_, voucher, token)) in self.seats.iter().enumerate() {
            let enrol = v1::EnrolRequest {
                name: voucher.clone(),
                class: self.class.clone(),
                token: token.clone(),
                identity_number: canaries::person(number as u64).identity,
                request_id: api.office.fresh("enrol"),
                validate_only: false,
            };
            let method = "TrainingService/Enrol";
            let _: v1::EnrolResponse = must(&api.client, &self.key, method, enrol).await;
        }
    }

    pub(crate) fn entries(&self) -> Vec<v1::AttendanceEntry> {
        let entry = |seat: usize| v1::AttendanceEntry {
            seat: seat as u32,
            lessons: 4,
            method: v1::Method::Face.into(),
            evidence: draw(1, "face", seat as u64).to_vec(),
            presence_checks: 0,
        };
        (0..self.seats.len()).map(entry).collect()
    }

    /// Records the attendance of both slots, finishes the class and completes its vouchers.
    pub(crate) async fn train(&self, api: &Api) {
        for (slot, at) in [(0, "04:20"), (1, "10:20")] {
            api.stand_at(&format!("{DAY}T{at}:00.000Z"));
            let record = v1::RecordAttendanceRequest {
                name: self.class.clone(),
                slot,
                entries: self.entries(),
                request_id: api.office.fresh("attend"),
                validate_only: false,
            };
            let method = "TrainingService/RecordAttendance";
            let _: v1::RecordAttendanceResponse =
                must(&api.client, &self.key, method, record).await;
        }
        api.stand_at(&format!("{DAY}T11:00:00.000Z"));
        self.finish(api).await;
    }

    /// Finishes the class and completes its vouchers.
    pub(crate) async fn finish(&self, api: &Api) {
        let finish = v1::FinishClassRequest {
            name: self.class.clone(),
            request_id: api.office.fresh("finish"),
            validate_only: false,
        };
        let method = "TrainingService/FinishClass";
        let _: v1::FinishClassResponse = must(&api.client, &self.key, method, finish).await;
        for (_, voucher, _) in &self.seats {
            let complete = v1::CompleteRequest {
                name: voucher.clone(),
                request_id: api.office.fresh("complete"),
                validate_only: false,
            };
            let method = "TrainingService/Complete";
            let _: v1::CompleteResponse = must(&api.client, &self.key, method, complete).await;
        }
    }

    /// Redeems the vouchers and submits their sheet; returns its name.
    pub(crate) async fn claim(&self, api: &Api) -> String {
        api.stand_at("2023-05-25T02:00:00.000Z");
        let mut sheet = String::new();
        for (number, (_, voucher, token)) in self.seats.iter().enumerate() {
            let redeem = v1::RedeemRequest {
                name: voucher.clone(),
                token: token.clone(),
                undertaking: draw(1, "undertaking", number as u64).to_vec(),
                confirmation: Some(v1::Confirmation {
                    by: v1::ConfirmedBy::Phone.into(),
                    evidence: draw(1, "days", number as u64).to_vec(),
                    witness: String::new(),
                }),
                request_id: api.office.fresh("redeem"),
                validate_only: false,
            };
            let method = "RedemptionService/Redeem";
            let redeemed: v1::RedeemResponse = must(&api.client, &self.key, method, redeem).await;
            sheet = redeemed.sheet;
        }
        let submit = v1::SubmitClaimRequest {
            name: sheet.clone(),
            request_id: api.office.fresh("submit"),
            validate_only: false,
        };
        let method = "RedemptionService/SubmitClaim";
        let _: v1::SubmitClaimResponse = must(&api.client, &self.key, method, submit).await;
        sheet
    }

    /// Approves a sheet: its public notice opens. Returns the notice's last day.
    pub(crate) async fn approve(&self, api: &Api, sheet: &str) -> String {
        let approve = v1::ApproveClaimRequest {
            name: sheet.to_owned(),
            request_id: api.office.fresh("approve"),
            validate_only: false,
        };
        let method = "RedemptionService/ApproveClaim";
        let approved: v1::ApproveClaimResponse =
            must(&api.client, &self.approver, method, approve).await;
        approved.notice_until
    }
}

/// Registers a training body with an account in force and a caller.
async fn body(api: &Api, number: u32, name: &str, key: &str) -> String {
    let office = &api.office;
    let code = credit_code(REGION, number);
    let register = v1::RegisterInstitutionRequest {
        parent: office.parent(),
        credit_code: code.clone(),
        display_name: name.to_owned(),
        capacities: vec![v1::Capacity::TrainingBody.into()],
        licensed_occupations: vec![OCCUPATION.to_owned()],
        related_credit_codes: Vec::new(),
        request_id: office.fresh("register"),
        validate_only: false,
        affiliation: String::new(),
    };
    let method = "RegistryService/RegisterInstitution";
    let _: v1::RegisterInstitutionResponse = must(&api.client, api.clerk(), method, register).await;
    let name = format!("{}/institutions/{code}", office.parent());
    let who = format!("school-{number}");
    grant(api, key, &who, v1::Role::Institution, name.clone()).await;
    api.account_in_force(&name, "6200000000000001").await;
    name
}

/// Grants a key a role.
pub(crate) async fn grant(api: &Api, key: &str, who: &str, role: v1::Role, institution: String) {
    let request = v1::GrantCallerRequest {
        parent: api.office.parent(),
        credential: credential(key),
        grant: Some(v1::Grant {
            subject: who.to_owned(),
            person: who.to_owned(),
            roles: vec![role.into()],
            institution,
            ..v1::Grant::default()
        }),
        request_id: api.office.fresh("grant"),
        validate_only: false,
    };
    let operator = &api.running.operator_key;
    let method = "AccessService/GrantCaller";
    let _: v1::GrantCallerResponse = must(&api.client, operator, method, request).await;
}

impl Api {
    /// Sets the clock.
    pub(crate) fn stand_at(&self, at: &str) {
        let at: Instant = at.parse().unwrap();
        self.hand.store(at.0, Ordering::Relaxed);
    }

    /// Changes an institution's account; a checker must confirm the proposal, whose hash this returns.
    pub(crate) async fn account(&self, institution: &str, number: &str) -> Vec<u8> {
        let request = v1::RegisterAccountRequest {
            name: institution.to_owned(),
            account_name: "样例账户".to_owned(),
            account_number: number.to_owned(),
            request_id: self.office.fresh("account"),
            validate_only: false,
        };
        let method = "RegistryService/RegisterAccount";
        let made: v1::RegisterAccountResponse =
            must(&self.client, self.clerk(), method, request).await;
        made.proposal
    }

    /// Registers an institution's account and has it confirmed.
    pub(crate) async fn account_in_force(&self, institution: &str, number: &str) {
        let confirm = v1::ConfirmAccountRequest {
            name: institution.to_owned(),
            proposal: self.account(institution, number).await,
            request_id: self.office.fresh("confirm"),
            validate_only: false,
        };
        let method = "RegistryService/ConfirmAccount";
        let finance = &self.office.finance;
        let _: v1::ConfirmAccountResponse = must(&self.client, finance, method, confirm).await;
    }

    /// A person with an issued voucher: person, voucher, token.
    pub(crate) async fn issued(&self, number: u64) -> (String, String, String) {
        let office = &self.office;
        let person = office.person(&self.client, number).await;
        let voucher = office.applied(&self.client, &person).await;
        let issue = office.issue(&voucher, office.fresh("issue"));
        let method = "IssuanceService/Issue";
        let _: v1::IssueResponse = must(&self.client, &office.reviewer, method, issue).await;
        let fetch = v1::FetchTokenRequest {
            name: voucher.clone(),
            holder: person.clone(),
            request_id: office.fresh("fetch"),
            validate_only: false,
        };
        let method = "IssuanceService/FetchToken";
        let fetched: v1::FetchTokenResponse =
            must(&self.client, &office.portal, method, fetch).await;
        (person, voucher, fetched.token)
    }
}
