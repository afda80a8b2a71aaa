//! A class at play: from the registration of its people to the redemption of their vouchers.

use hefu_wire::v1;
use jiff::civil::Date;

use crate::claims::Claim;
use crate::client::{Client, PlayError};
use crate::made_up::pick;
use crate::office::{Body, Office};
use crate::plan::{Kind, Plan, Trouble};
use crate::seats::{
    Roster, Seat, apply, confirmed, counted, evidence, fetch, issue, redeem, register,
};
use crate::year::{ClassStep, Script, days, instant};

/// A class at play.
#[derive(Debug, Clone)]
pub(crate) struct ClassPlay {
    pub(crate) plan: Plan,
    first_person: u64,
    seats: Vec<Seat>,
    roster: Roster,
    name: String,
}

impl ClassPlay {
    pub(crate) fn new(first_person: u64, plan: Plan) -> ClassPlay {
        ClassPlay {
            plan,
            first_person,
            seats: Vec::new(),
            roster: Roster::default(),
            name: String::new(),
        }
    }

    /// Who will have been enrolled.
    pub(crate) fn roster(&self) -> Roster {
        self.roster.clone()
    }

    fn first(&self) -> Date {
        self.plan.days[0]
    }

    pub(crate) fn last(&self) -> Date {
        self.plan.days[self.plan.days.len() - 1]
    }

    /// Slots: a morning and an afternoon of four lessons a day.
    fn slots(&self) -> usize {
        self.plan.days.len() * 2
    }

    pub(crate) fn agenda(&self) -> Vec<(i64, ClassStep)> {
        let first = self.first();
        let mut agenda = vec![
            (instant(days(first, -16), 9, 0), ClassStep::Register),
            (instant(days(first, -15), 9, 30), ClassStep::Apply),
            (instant(days(first, -13), 10, 0), ClassStep::Issue),
            (instant(days(first, -12), 10, 30), ClassStep::File),
            (instant(days(first, -9), 11, 0), ClassStep::Fetch),
            (instant(first, 7, 30), ClassStep::Enrol),
            (instant(days(self.last(), 0), 18, 40), ClassStep::Finish),
        ];
        let late = (self.plan.trouble == Trouble::LateEntry).then_some(1);
        for slot in (0..self.slots()).filter(|slot| Some(*slot) != late) {
            let (hour, minute) = if slot.is_multiple_of(2) {
                (12, 20)
            } else {
                (18, 20)
            };
            agenda.push((
                instant(self.plan.days[slot / 2], hour, minute),
                ClassStep::Slot(slot),
            ));
        }
        if let Some(slot) = late {
            agenda.push((
                instant(days(self.plan.days[slot / 2], 2), 12, 10),
                ClassStep::Late(slot),
            ));
        }
        if self.plan.days.len() > 2 {
            agenda.push((instant(self.plan.days[1], 18, 30), ClassStep::Drop));
        }
        let claimed = if self.plan.kind == Kind::OrderProject {
            agenda.push((instant(days(self.last(), 33), 10, 0), ClassStep::Employment));
            34
        } else {
            9
        };
        agenda.push((
            instant(days(self.last(), claimed), 14, 0),
            ClassStep::Redeem,
        ));
        agenda
    }

    /// The class's name, once it is filed.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_filed(&self) -> bool {
        !self.name.is_empty()
    }

    /// That day's afternoon in the timetable, and who is enrolled then, by seat number.
    pub(crate) fn afternoon(&self, day: Date) -> Option<(u32, Vec<u32>)> {
        let slot = self.plan.days.iter().position(|taught| *taught == day)? * 2 + 1;
        let there = (0..self.seats.len()).filter(|seat| !self.dropped(*seat, slot));
        Some((slot as u32, there.map(|seat| seat as u32).collect()))
    }

    fn label(&self, office: &Office) -> String {
        format!("c{}-{}", office.region, self.plan.number)
    }

    pub(crate) fn deliverer<'o>(&self, office: &'o Office) -> &'o Body {
        let n = self.plan.number as usize;
        match self.plan.kind {
            Kind::EnterpriseStaff => &office.enterprises[n % office.enterprises.len()],
            Kind::OrderProject => &office.school,
            Kind::General | Kind::Assessment => &office.training[n % office.training.len()],
        }
    }

    fn payee<'o>(&self, office: &'o Office) -> &'o Body {
        match self.plan.kind {
            Kind::OrderProject => &office.enterprises[0],
            Kind::General | Kind::EnterpriseStaff | Kind::Assessment => self.deliverer(office),
        }
    }

    pub(crate) async fn perform(
        &mut self,
        client: &Client,
        script: &Script,
        office: &Office,
        step: ClassStep,
    ) -> Result<Option<Claim>, PlayError> {
        let label = self.label(office);
        match step {
            ClassStep::Register => {
                self.seats = register(
                    client,
                    script,
                    office,
                    &self.plan,
                    self.first_person,
                    &label,
                )
                .await?
            }
            ClassStep::Apply => {
                let employer =
                    (self.plan.kind == Kind::EnterpriseStaff).then(|| self.payee(office).clone());
                apply(
                    client,
                    office,
                    &self.plan,
                    employer.as_ref(),
                    &mut self.seats,
                    &label,
                )
                .await?;
            }
            ClassStep::Issue => issue(client, office, &mut self.seats, &label).await?,
            ClassStep::File => self.file(client, script, office, &label).await?,
            ClassStep::Fetch => fetch(client, office, &mut self.seats, &label).await?,
            ClassStep::Enrol => self.enrol(client, office, &label).await?,
            ClassStep::Slot(slot) => self.slot(client, office, slot, &label).await?,
            ClassStep::Late(slot) => self.late(client, office, slot, &label).await?,
            ClassStep::Drop => self.drop_one(client, office, &label).await?,
            ClassStep::Finish => self.finish(client, office, &label).await?,
            ClassStep::Employment => self.employment(client, office, &label).await?,
            ClassStep::Redeem => return self.redeem(client, office, &label).await,
        }
        Ok(None)
    }

    async fn file(
        &mut self,
        client: &Client,
        script: &Script,
        office: &Office,
        label: &str,
    ) -> Result<(), PlayError> {
        let modules = [
            v1::Module::Safety,
            v1::Module::Fire,
            v1::Module::Legal,
            v1::Module::Putonghua,
        ];
        let slot = |n: usize| v1::Slot {
            date: self.plan.days[n / 2].to_string(),
            part: if n.is_multiple_of(2) {
                v1::DayPart::Morning
            } else {
                v1::DayPart::Afternoon
            }
            .into(),
            lessons: 4,
            modules: if n < 4 {
                vec![modules[n].into()]
            } else {
                Vec::new()
            },
        };
        let (deliverer, payee) = (self.deliverer(office), self.payee(office));
        let filing = v1::ClassFiling {
            plan_year: 2023,
            programme: match self.plan.kind {
                Kind::OrderProject => v1::Programme::OrderProject,
                Kind::EnterpriseStaff => v1::Programme::EnterpriseStaff,
                Kind::General | Kind::Assessment => v1::Programme::General,
            }
            .into(),
            occupation: self.plan.occupation.to_owned(),
            skill_level: self.plan.level,
            sponsor: office.institution(payee),
            deliverer: office.institution(deliverer),
            payee: office.institution(payee),
            contract: if payee.code == deliverer.code {
                Vec::new()
            } else {
                evidence(label, 1)
            },
            site: format!("room-{}", self.plan.number),
            trainers: vec![format!("trainer-{}", self.plan.number)],
            capacity: 150
                .min(u32::try_from(self.seats.len()).unwrap_or(150))
                .max(1),
            putonghua: true,
            // Every other class of general training serves the county's own trade.
            brand: match (self.plan.kind, self.plan.number % 2) {
                (Kind::General, 0) => script.brand_of(&office.region).unwrap_or_default(),
                _ => String::new(),
            },
            timetable: (0..self.slots()).map(slot).collect(),
        };
        let request = v1::FileClassRequest {
            parent: office.parent(),
            filing: Some(filing),
            request_id: format!("{label}-file"),
            validate_only: false,
        };
        let answer: v1::FileClassResponse = client
            .must(&deliverer.key, "TrainingService/FileClass", request)
            .await?;
        self.name = answer.receipt.unwrap_or_default().name;
        let request = v1::ApproveClassRequest {
            name: self.name.clone(),
            request_id: format!("{label}-approve"),
            validate_only: false,
        };
        client
            .must::<_, v1::ApproveClassResponse>(
                &office.reviewer,
                "TrainingService/ApproveClass",
                request,
            )
            .await
            .map(|_| ())
    }

    /// On the first morning. One in twenty does not come and keeps an unused voucher.
    async fn enrol(
        &mut self,
        client: &Client,
        office: &Office,
        label: &str,
    ) -> Result<(), PlayError> {
        let mut n = 0;
        self.seats.retain(|seat| {
            n += 1;
            n % 20 != 7 && !seat.token.is_empty()
        });
        if self.seats.is_empty() {
            return Ok(());
        }
        let request = |(n, seat): (usize, &Seat)| v1::EnrolRequest {
            name: seat.voucher.clone(),
            class: self.name.clone(),
            token: seat.token.clone(),
            identity_number: seat.identity.clone(),
            request_id: format!("{label}-enrol-{n}"),
            validate_only: false,
        };
        let batch = v1::BatchEnrolRequest {
            parent: office.parent(),
            mode: v1::Mode::Each.into(),
            request_id: String::new(),
            requests: self.seats.iter().enumerate().map(request).collect(),
        };
        let answer: v1::BatchEnrolResponse = client
            .must(
                &self.deliverer(office).key,
                "TrainingService/BatchEnrol",
                batch,
            )
            .await?;
        let mut kept = Vec::with_capacity(self.seats.len());
        for (result, seat) in answer.results.into_iter().zip(self.seats.drain(..)) {
            if let Some(v1::enrol_result::Result::Response(_)) = counted(client, result.result)? {
                kept.push(seat);
            }
        }
        self.seats = kept;
        // Each class enrols once.
        let _ = self.roster.set(self.seats.clone());
        if self.plan.trouble == Trouble::CopiedToken
            && let Some(seat) = self.seats.first()
        {
            // Another institution holds a copy of the token; the voucher is taken.
            let mut request = request((0, seat));
            request.request_id = format!("{label}-copied");
            let _ = client
                .make::<_, v1::EnrolResponse>(
                    &office.training[0].key,
                    "TrainingService/Enrol",
                    request,
                )
                .await;
        }
        Ok(())
    }

    /// Everybody attends four lessons; one in thirty misses an afternoon now and then.
    fn entries(&self, slot: usize) -> Vec<v1::AttendanceEntry> {
        let entry = |n: usize| v1::AttendanceEntry {
            seat: n as u32,
            lessons: if (n + slot).is_multiple_of(31) && self.plan.days.len() > 4 && slot == 5 {
                2
            } else {
                4
            },
            method: if n % 10 == 3 && self.seats.len() > 10 {
                v1::Method::Paper
            } else {
                v1::Method::Face
            }
            .into(),
            evidence: evidence(&self.name, (slot * 1_000 + n) as u64),
            presence_checks: 0,
        };
        (0..self.seats.len())
            .filter(|n| !self.dropped(*n, slot))
            .map(entry)
            .collect()
    }

    /// The last seat drops out on the second evening.
    fn dropped(&self, seat: usize, slot: usize) -> bool {
        self.plan.days.len() > 2
            && self.seats.len() > 20
            && seat + 1 == self.seats.len()
            && slot > 3
    }

    async fn slot(
        &self,
        client: &Client,
        office: &Office,
        slot: usize,
        label: &str,
    ) -> Result<(), PlayError> {
        if self.seats.is_empty() {
            return Ok(());
        }
        let request = v1::RecordAttendanceRequest {
            name: self.name.clone(),
            slot: slot as u32,
            entries: self.entries(slot),
            request_id: format!("{label}-slot-{slot}"),
            validate_only: false,
        };
        client
            .must::<_, v1::RecordAttendanceResponse>(
                &self.deliverer(office).key,
                "TrainingService/RecordAttendance",
                request,
            )
            .await
            .map(|_| ())
    }

    async fn late(
        &self,
        client: &Client,
        office: &Office,
        slot: usize,
        label: &str,
    ) -> Result<(), PlayError> {
        if self.seats.is_empty() {
            return Ok(());
        }
        let request = v1::RequestLateEntryRequest {
            name: self.name.clone(),
            slot: slot as u32,
            entries: self.entries(slot),
            reason: "TERMINAL_BROKEN".to_owned(),
            evidence: evidence(label, 7),
            request_id: format!("{label}-late-{slot}"),
            validate_only: false,
        };
        let asked = client
            .must::<_, v1::RequestLateEntryResponse>(
                &self.deliverer(office).key,
                "TrainingService/RequestLateEntry",
                request,
            )
            .await?;
        let request = v1::ApproveLateEntryRequest {
            name: self.name.clone(),
            slot: slot as u32,
            proposal: asked.proposal,
            request_id: format!("{label}-allow-{slot}"),
            validate_only: false,
        };
        client
            .must::<_, v1::ApproveLateEntryResponse>(
                &office.clerk,
                "TrainingService/ApproveLateEntry",
                request,
            )
            .await
            .map(|_| ())
    }

    async fn drop_one(
        &self,
        client: &Client,
        office: &Office,
        label: &str,
    ) -> Result<(), PlayError> {
        let Some(seat) = self
            .seats
            .last()
            .filter(|_| self.dropped(self.seats.len() - 1, 4))
        else {
            return Ok(());
        };
        let request = v1::DropRequest {
            name: seat.voucher.clone(),
            reason: "MOVED_AWAY".to_owned(),
            request_id: format!("{label}-drop"),
            validate_only: false,
        };
        client
            .must::<_, v1::DropResponse>(
                &self.deliverer(office).key,
                "TrainingService/Drop",
                request,
            )
            .await
            .map(|_| ())
    }

    async fn finish(
        &mut self,
        client: &Client,
        office: &Office,
        label: &str,
    ) -> Result<(), PlayError> {
        if self.seats.is_empty() {
            return Ok(());
        }
        let attended = (0..self.seats.len()).filter(|n| !self.dropped(*n, usize::MAX));
        let requests = attended.map(|n| v1::CompleteRequest {
            name: self.seats[n].voucher.clone(),
            request_id: format!("{label}-complete-{n}"),
            validate_only: false,
        });
        let batch = v1::BatchCompleteRequest {
            parent: office.parent(),
            mode: v1::Mode::Each.into(),
            request_id: String::new(),
            requests: requests.collect(),
        };
        let key = &self.deliverer(office).key;
        let answer: v1::BatchCompleteResponse = client
            .must(key, "TrainingService/BatchComplete", batch)
            .await?;
        for result in answer.results {
            counted(client, result.result)?;
        }
        let request = v1::FinishClassRequest {
            name: self.name.clone(),
            request_id: format!("{label}-finish"),
            validate_only: false,
        };
        client
            .must::<_, v1::FinishClassResponse>(key, "TrainingService/FinishClass", request)
            .await
            .map(|_| ())
    }

    /// Nine in ten are in work; in the class in trouble just under the gate.
    async fn employment(
        &self,
        client: &Client,
        office: &Office,
        label: &str,
    ) -> Result<(), PlayError> {
        let heads = self.seats.len();
        if heads == 0 {
            return Ok(());
        }
        let employed = if self.plan.trouble == Trouble::EmploymentShort {
            (heads * 4).div_ceil(5) - 1
        } else {
            heads - heads / 12
        };
        let since = days(self.last(), 2).to_string();
        let seat = |n: usize| v1::Employed {
            seat: n as u32,
            status: if n < employed {
                v1::employed::Status::Employed
            } else {
                v1::employed::Status::NotEmployed
            }
            .into(),
            evidence: if n < employed {
                evidence(label, n as u64)
            } else {
                Vec::new()
            },
            since: if n < employed {
                since.clone()
            } else {
                String::new()
            },
            reason: String::new(),
            monthly_income_fen: if n < employed {
                pick(0, label, n as u64, 300_000) as i64 + 200_000
            } else {
                0
            },
        };
        let request = v1::RecordEmploymentRequest {
            name: self.name.clone(),
            seats: (0..heads).map(seat).collect(),
            request_id: format!("{label}-employment"),
            validate_only: false,
        };
        client
            .must::<_, v1::RecordEmploymentResponse>(
                &self.payee(office).key,
                "TrainingService/RecordEmployment",
                request,
            )
            .await
            .map(|_| ())
    }

    async fn redeem(
        &mut self,
        client: &Client,
        office: &Office,
        label: &str,
    ) -> Result<Option<Claim>, PlayError> {
        let seats = std::mem::take(&mut self.seats);
        if self.plan.days.len() > 2 && seats.len() > 20 {
            // The one who dropped out has nothing to claim.
            self.seats = seats[..seats.len() - 1].to_vec();
        } else {
            self.seats = seats;
        }
        let payee = self.payee(office);
        let redeemed = redeem(client, office, payee, &self.seats, label).await?;
        if self.plan.trouble == Trouble::CopiedToken
            && let Some(seat) = self.seats.first()
        {
            let again = v1::RedeemRequest {
                name: seat.voucher.clone(),
                token: seat.token.clone(),
                undertaking: evidence(label, 1),
                confirmation: confirmed(label, 1),
                request_id: format!("{label}-again"),
                validate_only: false,
            };
            let _ = client
                .make::<_, v1::RedeemResponse>(&payee.key, "RedemptionService/Redeem", again)
                .await;
        }
        // What has been claimed needs no token any more.
        self.seats = Vec::new();
        let Some((sheet, vouchers)) = redeemed else {
            return Ok(None);
        };
        let from = days(
            self.last(),
            if self.plan.kind == Kind::OrderProject {
                35
            } else {
                10
            },
        );
        Claim::submit(
            client,
            payee,
            sheet,
            vouchers,
            from,
            &self.plan,
            label.to_owned(),
        )
        .await
    }
}
