//! A region's desk for the bench: every request of a training voucher's way up to its redemption, and whole classes taken there in batches.
//! Everybody is new, nobody is refused, and a request is the same whether it goes alone or in a batch.

mod batches;

use std::sync::atomic::{AtomicU64, Ordering};

use hefu_wire::v1;
use jiff::civil::Date;

use crate::client::{Client, PlayError};
use crate::made_up::person;
use crate::office::{Body, OCCUPATIONS, Office};
use crate::plan::Kind;
use crate::seats::{answers, confirmed, evidence};

/// The plan year of the shipped rules.
const YEAR: u32 = 2023;
/// More than all vouchers of a bench can take.
const MONEY_FEN: i64 = 1_000_000_000_000_000;
const LEVEL: u32 = 4;
/// Lessons of an afternoon.
const LESSONS: u32 = 4;

/// What a region is opened with.
pub struct Opening {
    /// Decides people and keys.
    pub seed: u64,
    /// The operator's API key.
    pub operator: String,
    /// The region's policy for 2023, as JSON.
    pub policy_json: String,
    /// Working-day calendars.
    pub calendars: Vec<v1::Calendar>,
}

/// A region's desk.
pub struct Desk {
    office: Office,
    seed: u64,
    /// People and request ids, by number.
    next: AtomicU64,
}

/// Somebody with a voucher on the way.
#[derive(Debug, Clone, Default)]
pub struct Trainee {
    /// By which they were made up.
    pub number: u64,
    /// Identity number.
    pub identity: String,
    /// `regions/…/people/{uuid}`.
    pub person: String,
    /// `regions/…/vouchers/{uuid}`.
    pub voucher: String,
    /// The voucher's token.
    pub token: String,
}

/// A class and those who are to be taught in it.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// `regions/…/classes/{uuid}`.
    pub class: String,
    /// By seat number.
    pub trainees: Vec<Trainee>,
    /// How many of them, the last ones, take their seat and never come.
    pub absent: usize,
}

impl Group {
    /// Those who come.
    pub fn present(&self) -> &[Trainee] {
        let present = self.trainees.len().saturating_sub(self.absent);
        &self.trainees[..present]
    }
}

impl Desk {
    /// Opens a region: rules, calendars, the plan year, staff, institutions and money.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn open(client: &Client, region: &str, with: &Opening) -> Result<Desk, PlayError> {
        let office = Office::new(with.seed, region);
        let policy = v1::AdoptPolicyRequest {
            parent: office.parent(),
            policy_json: with.policy_json.clone(),
            request_id: "policy-2023".to_owned(),
            ..Default::default()
        };
        let method = "PolicyService/AdoptPolicy";
        let _: v1::AdoptPolicyResponse = client.must(&with.operator, method, policy).await?;
        for calendar in &with.calendars {
            let request = v1::AdoptCalendarRequest {
                parent: office.parent(),
                calendar: Some(calendar.clone()),
                request_id: format!("calendar-{}", calendar.year),
                ..Default::default()
            };
            let method = "PolicyService/AdoptCalendar";
            let _: v1::AdoptCalendarResponse = client.must(&with.operator, method, request).await?;
        }
        let year = v1::OpenPlanYearRequest {
            name: office.name("planYears", "2023"),
            request_id: "open-year-2023".to_owned(),
            validate_only: false,
        };
        let method = "FundsService/OpenPlanYear";
        let _: v1::OpenPlanYearResponse = client.must(&with.operator, method, year).await?;
        office.grant_staff(client, &with.operator).await?;
        office.register_institutions(client, &with.operator).await?;
        let money = v1::AppropriateFundsRequest {
            name: format!("{}/planYears/2023/accounts/city", office.parent()),
            amount_fen: MONEY_FEN,
            reference: "BENCH-2023".to_owned(),
            request_id: "appropriate-2023".to_owned(),
            validate_only: false,
        };
        let method = "FundsService/AppropriateFunds";
        let _: v1::AppropriateFundsResponse = client.must(&office.finance, method, money).await?;
        Ok(Desk {
            office,
            seed: with.seed,
            next: AtomicU64::new(0),
        })
    }

    /// The desk of a region that was opened from the same seed before; its numbers go on from `next`.
    pub fn again(seed: u64, region: &str, next: u64) -> Desk {
        Desk {
            office: Office::new(seed, region),
            seed,
            next: AtomicU64::new(next),
        }
    }

    /// `regions/{code}`.
    pub fn parent(&self) -> String {
        self.office.parent()
    }

    /// The region's code.
    pub fn region(&self) -> &str {
        &self.office.region
    }

    /// From here on nobody has had a number.
    pub fn next_number(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// A number that nobody had: of a person, or of a request.
    pub fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The clerk's key.
    pub fn clerk(&self) -> &str {
        &self.office.clerk
    }

    /// The portal's key.
    pub fn portal(&self) -> &str {
        &self.office.portal
    }

    /// The reviewer's key.
    pub fn reviewer(&self) -> &str {
        &self.office.reviewer
    }

    /// The key of the institution that teaches and is paid.
    pub fn school(&self) -> &str {
        &self.body().key
    }

    /// The key of whoever may read every event.
    pub fn supervisor(&self) -> &str {
        &self.office.supervisor
    }

    fn body(&self) -> &Body {
        &self.office.training[0]
    }

    /// The filing of a class of one afternoon.
    pub fn filing(&self, day: Date, seats: u32) -> v1::FileClassRequest {
        let n = self.number();
        let modules = [
            v1::Module::Safety,
            v1::Module::Fire,
            v1::Module::Legal,
            v1::Module::Putonghua,
        ];
        let school = self.office.institution(self.body());
        v1::FileClassRequest {
            parent: self.office.parent(),
            filing: Some(v1::ClassFiling {
                plan_year: YEAR,
                programme: v1::Programme::General.into(),
                occupation: OCCUPATIONS[0].to_owned(),
                skill_level: LEVEL,
                sponsor: school.clone(),
                deliverer: school.clone(),
                payee: school,
                contract: Vec::new(),
                site: format!("room-{n}"),
                trainers: vec![format!("trainer-{n}")],
                capacity: seats,
                putonghua: true,
                brand: String::new(),
                timetable: vec![v1::Slot {
                    date: day.to_string(),
                    part: v1::DayPart::Afternoon.into(),
                    lessons: LESSONS,
                    modules: modules.map(Into::into).into(),
                }],
            }),
            request_id: format!("class-{n:08}"),
            validate_only: false,
        }
    }

    /// The approval of a class.
    pub fn approval(&self, class: &str) -> v1::ApproveClassRequest {
        v1::ApproveClassRequest {
            name: class.to_owned(),
            request_id: self.id("approve"),
            validate_only: false,
        }
    }

    fn id(&self, what: &str) -> String {
        format!("{what}-{:08}", self.number())
    }

    /// The registration of somebody new.
    pub fn registration(&self) -> v1::RegisterPersonRequest {
        self.registration_of(self.number())
    }

    /// The identity number of whoever was made up by that number.
    pub fn identity(&self, number: u64) -> String {
        person(self.seed, &self.office.region, number).identity
    }

    fn registration_of(&self, n: u64) -> v1::RegisterPersonRequest {
        let person = person(self.seed, &self.office.region, n);
        v1::RegisterPersonRequest {
            parent: self.office.parent(),
            identity_number: person.identity,
            display_name: person.name,
            phone: person.phone,
            request_id: format!("person-{n:08}"),
            validate_only: false,
        }
    }

    /// Registers' answers that let them apply.
    pub fn answers(&self, person: &str) -> v1::RecordCheckAnswersRequest {
        v1::RecordCheckAnswersRequest {
            name: person.to_owned(),
            answers: answers("", Kind::General, 0, true),
            request_id: self.id("answers"),
            validate_only: false,
        }
    }

    /// Their application, through the portal.
    pub fn application(&self, person: &str) -> v1::ApplyRequest {
        v1::ApplyRequest {
            parent: self.office.parent(),
            person: person.to_owned(),
            plan_year: YEAR,
            programme: v1::Programme::General.into(),
            category: "flexible".to_owned(),
            request_id: self.id("apply"),
            ..Default::default()
        }
    }

    /// The issue of their voucher.
    pub fn issue(&self, voucher: &str) -> v1::IssueRequest {
        v1::IssueRequest {
            name: voucher.to_owned(),
            request_id: self.id("issue"),
            validate_only: false,
        }
    }

    /// They fetch its token.
    pub fn fetch(&self, trainee: &Trainee) -> v1::FetchTokenRequest {
        v1::FetchTokenRequest {
            name: trainee.voucher.clone(),
            holder: trainee.person.clone(),
            request_id: self.id("fetch"),
            validate_only: false,
        }
    }

    /// They take a seat of a class.
    pub fn enrolment(&self, class: &str, trainee: &Trainee) -> v1::EnrolRequest {
        v1::EnrolRequest {
            name: trainee.voucher.clone(),
            class: class.to_owned(),
            token: trainee.token.clone(),
            identity_number: trainee.identity.clone(),
            request_id: self.id("enrol"),
            validate_only: false,
        }
    }

    /// Everybody attended.
    pub fn attendance(&self, class: &str, seats: u32) -> v1::RecordAttendanceRequest {
        let entry = |seat: u32| v1::AttendanceEntry {
            seat,
            lessons: LESSONS,
            method: v1::Method::Face.into(),
            evidence: evidence(class, u64::from(seat)),
            presence_checks: 0,
        };
        v1::RecordAttendanceRequest {
            name: class.to_owned(),
            slot: 0,
            entries: (0..seats).map(entry).collect(),
            request_id: self.id("attend"),
            validate_only: false,
        }
    }

    /// They have completed the class.
    pub fn completion(&self, voucher: &str) -> v1::CompleteRequest {
        v1::CompleteRequest {
            name: voucher.to_owned(),
            request_id: self.id("complete"),
            validate_only: false,
        }
    }

    /// The school claims what their voucher is worth.
    pub fn redemption(&self, trainee: &Trainee) -> v1::RedeemRequest {
        let n = self.number();
        v1::RedeemRequest {
            name: trainee.voucher.clone(),
            token: trainee.token.clone(),
            undertaking: evidence("undertaking", n),
            confirmation: confirmed("days", n),
            request_id: format!("redeem-{n:08}"),
            validate_only: false,
        }
    }
}
