//! An assessment session at play.

use hefu_wire::v1;
use jiff::civil::Date;

use crate::claims::Claim;
use crate::client::{Client, PlayError};
use crate::office::Office;
use crate::plan::Plan;
use crate::seats::{Roster, Seat, answers, apply, counted, fetch, issue, redeem, register};
use crate::year::{Script, SessionStep, days, instant};

/// Who is assessed at a session.
#[derive(Debug, Clone)]
pub(crate) enum People {
    /// A class's, as most are: for what it taught them.
    Trained(Roster),
    /// Others, the first of whom has this number.
    Others(u64),
}

/// A session at play.
#[derive(Debug, Clone)]
pub(crate) struct SessionPlay {
    pub(crate) plan: Plan,
    people: People,
    seats: Vec<Seat>,
    name: String,
}

impl SessionPlay {
    pub(crate) fn new(people: People, plan: Plan) -> SessionPlay {
        SessionPlay {
            plan,
            people,
            seats: Vec::new(),
            name: String::new(),
        }
    }

    fn day(&self) -> Date {
        self.plan.days[0]
    }

    pub(crate) fn agenda(&self) -> Vec<(i64, SessionStep)> {
        let day = self.day();
        vec![
            (instant(days(day, -14), 9, 10), SessionStep::Apply),
            (instant(days(day, -12), 10, 10), SessionStep::Issue),
            (instant(days(day, -10), 10, 40), SessionStep::File),
            (instant(day, 17, 0), SessionStep::Assess),
            (instant(days(day, 4), 15, 0), SessionStep::Confirm),
            (instant(days(day, 11), 14, 30), SessionStep::Redeem),
        ]
    }

    pub(crate) async fn perform(
        &mut self,
        client: &Client,
        script: &Script,
        office: &Office,
        step: SessionStep,
    ) -> Result<Option<Claim>, PlayError> {
        let label = format!("s{}-{}", office.region, self.plan.number);
        match step {
            SessionStep::Apply => {
                self.seats = match &self.people {
                    People::Trained(roster) => roster.get().cloned().unwrap_or_default(),
                    People::Others(first) => {
                        register(client, script, office, &self.plan, *first, &label).await?
                    }
                };
                apply(client, office, &self.plan, None, &mut self.seats, &label).await?;
            }
            // Its class came to nothing.
            _ if self.seats.is_empty() => {}
            SessionStep::Issue => issue(client, office, &mut self.seats, &label).await?,
            SessionStep::File => {
                self.file(client, office, &label).await?;
                fetch(client, office, &mut self.seats, &label).await?;
            }
            SessionStep::Assess => self.assess(client, office, &label).await?,
            SessionStep::Confirm => self.confirm(client, office, &label).await?,
            SessionStep::Redeem => {
                let seats = std::mem::take(&mut self.seats);
                let Some((sheet, vouchers)) =
                    redeem(client, office, &office.assessors, &seats, &label).await?
                else {
                    return Ok(None);
                };
                let insurance = self.insurance_requests(&seats, &label);
                let claim = Claim::submit(
                    client,
                    &office.assessors,
                    sheet,
                    vouchers,
                    days(self.day(), 12),
                    &self.plan,
                    label,
                )
                .await?;
                return Ok(claim.map(|claim| claim.asking_again(insurance)));
            }
        }
        Ok(None)
    }

    async fn file(
        &mut self,
        client: &Client,
        office: &Office,
        label: &str,
    ) -> Result<(), PlayError> {
        let filing = v1::SessionFiling {
            plan_year: 2023,
            body: office.institution(&office.assessors),
            payee: office.institution(&office.assessors),
            occupation: self.plan.occupation.to_owned(),
            skill_level: self.plan.level,
            date: self.day().to_string(),
            examiners: vec![format!("examiner-{}", self.plan.number)],
            capacity: u32::try_from(self.seats.len()).unwrap_or(500).max(1),
            contract: Vec::new(),
        };
        let request = v1::FileSessionRequest {
            parent: office.parent(),
            filing: Some(filing),
            request_id: format!("{label}-file"),
            validate_only: false,
        };
        let answer: v1::FileSessionResponse = client
            .must(
                &office.assessors.key,
                "AssessmentService/FileSession",
                request,
            )
            .await?;
        self.name = answer.receipt.unwrap_or_default().name;
        let request = v1::ApproveSessionRequest {
            name: self.name.clone(),
            request_id: format!("{label}-approve"),
            validate_only: false,
        };
        client
            .must::<_, v1::ApproveSessionResponse>(
                &office.reviewer,
                "AssessmentService/ApproveSession",
                request,
            )
            .await
            .map(|_| ())
    }

    /// One in twenty-five fails, one in fifty does not come.
    async fn assess(
        &mut self,
        client: &Client,
        office: &Office,
        label: &str,
    ) -> Result<(), PlayError> {
        if self.seats.is_empty() {
            return Ok(());
        }
        let outcome = |n: usize| match n {
            n if n % 25 == 11 => v1::Outcome::Fail,
            n if n % 50 == 29 => v1::Outcome::Absent,
            _ => v1::Outcome::Pass,
        };
        let requests = self
            .seats
            .iter()
            .enumerate()
            .map(|(n, seat)| v1::RecordAssessmentRequest {
                name: seat.voucher.clone(),
                session: self.name.clone(),
                token: seat.token.clone(),
                identity_number: seat.identity.clone(),
                outcome: outcome(n).into(),
                certificate_number: if outcome(n) == v1::Outcome::Pass {
                    format!("S{}{:06}{n:03}", office.region, self.plan.number)
                } else {
                    String::new()
                },
                occupation_not_covered: false,
                request_id: format!("{label}-assess-{n}"),
                validate_only: false,
            });
        let batch = v1::BatchRecordAssessmentRequest {
            parent: office.parent(),
            mode: v1::Mode::Each.into(),
            request_id: String::new(),
            requests: requests.collect(),
        };
        let answer: v1::BatchRecordAssessmentResponse = client
            .must(
                &office.assessors.key,
                "AssessmentService/BatchRecordAssessment",
                batch,
            )
            .await?;
        let mut passed = Vec::with_capacity(self.seats.len());
        for (n, (result, seat)) in answer
            .results
            .into_iter()
            .zip(self.seats.drain(..))
            .enumerate()
        {
            if let Some(v1::record_assessment_result::Result::Response(_)) =
                counted(client, result.result)?
                && outcome(n) == v1::Outcome::Pass
            {
                passed.push(seat);
            }
        }
        self.seats = passed;
        let request = v1::FinishSessionRequest {
            name: self.name.clone(),
            request_id: format!("{label}-finish"),
            validate_only: false,
        };
        client
            .must::<_, v1::FinishSessionResponse>(
                &office.assessors.key,
                "AssessmentService/FinishSession",
                request,
            )
            .await
            .map(|_| ())
    }

    async fn confirm(
        &self,
        client: &Client,
        office: &Office,
        label: &str,
    ) -> Result<(), PlayError> {
        let requests =
            self.seats
                .iter()
                .enumerate()
                .map(|(n, seat)| v1::ConfirmCertificateRequest {
                    name: seat.voucher.clone(),
                    known: true,
                    request_id: format!("{label}-confirm-{n}"),
                    validate_only: false,
                });
        let batch = v1::BatchConfirmCertificateRequest {
            parent: office.parent(),
            mode: v1::Mode::Each.into(),
            request_id: String::new(),
            requests: requests.collect(),
        };
        if batch.requests.is_empty() {
            return Ok(());
        }
        let answer: v1::BatchConfirmCertificateResponse = client
            .must(
                &office.clerk,
                "AssessmentService/BatchConfirmCertificate",
                batch,
            )
            .await?;
        for result in answer.results {
            counted(client, result.result)?;
        }
        Ok(())
    }

    /// The insurance register is asked again while the claim is under review: who can claim its skill subsidy gets no other.
    fn insurance_requests(
        &self,
        seats: &[Seat],
        label: &str,
    ) -> Vec<v1::RecordCheckAnswersRequest> {
        let request = |(n, seat): (usize, &Seat)| v1::RecordCheckAnswersRequest {
            name: seat.person.clone(),
            answers: answers("", self.plan.kind, n, true)
                .into_iter()
                .filter(|answer| answer.check == "skill_subsidy_right")
                .collect(),
            request_id: format!("{label}-insurance-{n}"),
            validate_only: false,
        };
        seats.iter().enumerate().map(request).collect()
    }
}
