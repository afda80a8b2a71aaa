//! Supervision at play: each month a sample of one day's classes, planned before anybody can know what it draws; unannounced visits to
//! what was drawn; what they find, and what becomes of it.

use std::time::Duration;

use hefu_wire::v1;
use jiff::civil::{Date, date};
use sha2::{Digest, Sha256};

use crate::classes::ClassPlay;
use crate::client::{Client, PlayError};
use crate::office::Office;
use crate::seats::evidence;
use crate::year::{days, instant};

/// The months whose classes are looked at.
const MONTHS: std::ops::RangeInclusive<i8> = 6..=11;
/// The county in which a class is found half empty: 榆次区.
const GAP: &str = "140702";
/// How often a draw is asked for while the checkpoint that draws it is not signed yet.
const ASKED: u32 = 100;

/// Steps of a month's check.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CheckStep {
    Plan,
    Draw,
    Visit,
    Rectify,
    Recheck,
}

/// A month's check at play.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    /// The day whose classes are looked at.
    day: Date,
    sample: String,
    drawn: Vec<String>,
    /// What was found, and the key of the institution that puts it right.
    findings: Vec<(String, String)>,
}

impl Check {
    /// One for each month in which the region teaches anything from the third on.
    pub(crate) fn of_year(classes: &[ClassPlay]) -> Vec<Check> {
        let taught = |month: i8| {
            let days = classes.iter().flat_map(|class| &class.plan.days);
            days.copied()
                .filter(|day| day.month() == month && day.day() >= 3)
                .min()
        };
        let check = |day| Check {
            day,
            sample: String::new(),
            drawn: Vec::new(),
            findings: Vec::new(),
        };
        MONTHS.filter_map(taught).map(check).collect()
    }

    /// Planned on the last night of the month before, drawn on the morning after.
    pub(crate) fn agenda(&self) -> [(i64, CheckStep); 5] {
        let first = self.day.first_of_month();
        [
            (instant(days(first, -1), 23, 0), CheckStep::Plan),
            (instant(first, 7, 0), CheckStep::Draw),
            (instant(self.day, 15, 30), CheckStep::Visit),
            (instant(days(self.day, 5), 10, 10), CheckStep::Rectify),
            (instant(days(self.day, 7), 10, 10), CheckStep::Recheck),
        ]
    }

    fn id(&self, office: &Office, what: &str) -> String {
        format!("check-{}-{}-{what}", office.region, self.day)
    }

    /// What the planner keeps to themself until the draw.
    fn secret(&self, office: &Office) -> Vec<u8> {
        evidence(&self.id(office, "secret"), 0)
    }

    pub(crate) async fn perform(
        &mut self,
        client: &Client,
        office: &Office,
        classes: &[ClassPlay],
        step: CheckStep,
    ) -> Result<(), PlayError> {
        match step {
            CheckStep::Plan => self.plan(client, office, classes).await,
            CheckStep::Draw => self.draw(client, office).await,
            CheckStep::Visit => self.visit(client, office, classes).await,
            CheckStep::Rectify => self.rectify(client, office).await,
            CheckStep::Recheck => self.recheck(client, office).await,
        }
    }

    async fn plan(
        &mut self,
        client: &Client,
        office: &Office,
        classes: &[ClassPlay],
    ) -> Result<(), PlayError> {
        // A class that is approved only this month is not in the population yet.
        let known = |class: &&ClassPlay| class.is_filed() && class.plan.days.contains(&self.day);
        if !classes.iter().any(|class| known(&class)) {
            return Ok(());
        }
        let request = v1::PlanSampleRequest {
            parent: office.parent(),
            kind: v1::SampleKind::Proportional.into(),
            of: Some(v1::plan_sample_request::Of::TaughtOn(self.day.to_string())),
            strata: v1::Strata::Credit.into(),
            share: Some(v1::plan_sample_request::Share::ByCredit(true)),
            commitment: Sha256::digest(self.secret(office)).to_vec(),
            request_id: self.id(office, "plan"),
            validate_only: false,
        };
        let answer: v1::PlanSampleResponse = client
            .must(&office.supervisor, "SupervisionService/PlanSample", request)
            .await?;
        self.sample = answer.receipt.unwrap_or_default().name;
        Ok(())
    }

    /// The draw follows from the first checkpoint that covers the plan, so it waits for the signer.
    async fn draw(&mut self, client: &Client, office: &Office) -> Result<(), PlayError> {
        if self.sample.is_empty() {
            return Ok(());
        }
        let request = v1::DrawSampleRequest {
            name: self.sample.clone(),
            secret: self.secret(office),
            request_id: self.id(office, "draw"),
            validate_only: false,
        };
        for _ in 0..ASKED {
            let drawn: Result<v1::DrawSampleResponse, _> = client
                .call(
                    &office.supervisor,
                    "SupervisionService/DrawSample",
                    request.clone(),
                )
                .await;
            match drawn {
                Err(status) if status.message().contains("SAMPLE_NOT_SIGNED") => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Ok(_) | Err(_) => break,
            }
        }
        let answer: v1::DrawSampleResponse = client
            .must(&office.supervisor, "SupervisionService/DrawSample", request)
            .await?;
        self.drawn = answer.draw.unwrap_or_default().drawn;
        Ok(())
    }

    /// Two officers come unannounced, while the afternoon is taught.
    async fn visit(
        &mut self,
        client: &Client,
        office: &Office,
        classes: &[ClassPlay],
    ) -> Result<(), PlayError> {
        let mut gap = office.region == GAP;
        for (n, name) in std::mem::take(&mut self.drawn).into_iter().enumerate() {
            let Some(class) = classes.iter().find(|class| class.name() == name) else {
                continue;
            };
            let Some((slot, mut present)) = class.afternoon(self.day) else {
                continue;
            };
            // A short class is over for whoever loses a day of it, so nobody is missing there.
            if class.plan.days.len() > 4 && present.len() > 10 {
                let missing = if gap { present.len() / 3 } else { 1 };
                gap = false;
                present.drain(..missing);
            }
            let request = v1::InspectRequest {
                name,
                slot,
                present,
                evidence: evidence(&self.id(office, "record"), n as u64),
                sample: self.sample.clone(),
                request_id: self.id(office, &format!("visit-{n}")),
                validate_only: false,
            };
            let entered: v1::InspectResponse = client
                .must(&office.supervisor, "SupervisionService/Inspect", request)
                .await?;
            let request = v1::ConfirmInspectionRequest {
                name: entered.receipt.unwrap_or_default().name,
                proposal: entered.proposal,
                request_id: self.id(office, &format!("confirm-{n}")),
                validate_only: false,
            };
            let confirmed: v1::ConfirmInspectionResponse = client
                .must(
                    &office.clerk,
                    "SupervisionService/ConfirmInspection",
                    request,
                )
                .await?;
            if !confirmed.finding.is_empty() {
                let body = class.deliverer(office);
                let institution = office.institution(body);
                credit(
                    client,
                    office,
                    institution,
                    "ATTENDANCE_GAP",
                    &confirmed.finding,
                )
                .await?;
                self.findings.push((confirmed.finding, body.key.clone()));
            }
        }
        Ok(())
    }

    async fn rectify(&self, client: &Client, office: &Office) -> Result<(), PlayError> {
        for (n, (finding, key)) in self.findings.iter().enumerate() {
            put_right(
                client,
                key,
                finding,
                self.id(office, &format!("rectify-{n}")),
            )
            .await?;
        }
        Ok(())
    }

    async fn recheck(&self, client: &Client, office: &Office) -> Result<(), PlayError> {
        for (n, (finding, _)) in self.findings.iter().enumerate() {
            look_again(
                client,
                office,
                finding,
                self.id(office, &format!("recheck-{n}")),
            )
            .await?;
        }
        Ok(())
    }
}

/// The institution says that it put a finding right.
async fn put_right(
    client: &Client,
    key: &str,
    finding: &str,
    request_id: String,
) -> Result<(), PlayError> {
    let request = v1::RectifyRequest {
        name: finding.to_owned(),
        evidence: evidence(finding, 1),
        request_id,
        validate_only: false,
    };
    client
        .must::<_, v1::RectifyResponse>(key, "SupervisionService/Rectify", request)
        .await
        .map(|_| ())
}

/// An officer who did not record it sees that it was.
async fn look_again(
    client: &Client,
    office: &Office,
    finding: &str,
    request_id: String,
) -> Result<(), PlayError> {
    let request = v1::RecheckRequest {
        name: finding.to_owned(),
        evidence: evidence(finding, 2),
        due: String::new(),
        request_id,
        validate_only: false,
    };
    client
        .must::<_, v1::RecheckResponse>(&office.reviewer, "SupervisionService/Recheck", request)
        .await
        .map(|_| ())
}

/// Takes points for a finding, as long as that leaves the institution above class D: whom a sample hits is not the script's to say, and the
/// classes that it planned for a body in class D would not be approved. Whether they were taken.
async fn credit(
    client: &Client,
    office: &Office,
    institution: String,
    code: &str,
    finding: &str,
) -> Result<bool, PlayError> {
    let id = finding.rsplit('/').next().unwrap_or_default();
    let request = v1::CreditPointsRequest {
        name: institution,
        code: code.to_owned(),
        evidence: evidence(finding, 3),
        finding: finding.to_owned(),
        request_id: format!("credit-{id}"),
        validate_only: false,
    };
    let tried = v1::CreditPointsRequest {
        validate_only: true,
        ..request.clone()
    };
    let method = "SupervisionService/CreditPoints";
    let would: Result<v1::CreditPointsResponse, _> =
        client.call(&office.supervisor, method, tried).await;
    if would.is_ok_and(|would| would.credit_class == "D") {
        return Ok(false);
    }
    let _: v1::CreditPointsResponse = client.must(&office.supervisor, method, request).await?;
    Ok(true)
}

/// Steps of a complaint.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ComplaintStep {
    Record,
    Rectify,
    Recheck,
    Restore,
}

/// A training body that took a fee from people whose training is free: a grave finding, which the city hears of at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Complaint {
    finding: String,
    took_points: bool,
}

impl Complaint {
    /// The county in which it happens: 平遥县.
    pub(crate) const COUNTY: &str = "140728";

    pub(crate) fn agenda() -> [(i64, ComplaintStep); 4] {
        [
            (instant(date(2023, 7, 20), 9, 40), ComplaintStep::Record),
            (instant(date(2023, 7, 28), 9, 40), ComplaintStep::Rectify),
            (instant(date(2023, 8, 4), 9, 40), ComplaintStep::Recheck),
            (instant(date(2023, 11, 15), 9, 40), ComplaintStep::Restore),
        ]
    }

    pub(crate) async fn perform(
        &mut self,
        client: &Client,
        office: &Office,
        step: ComplaintStep,
    ) -> Result<(), PlayError> {
        let body = &office.training[1];
        let id = |what: &str| format!("complaint-{}-{what}", office.region);
        match step {
            ComplaintStep::Record => {
                let request = v1::RecordFindingRequest {
                    parent: office.parent(),
                    about: office.institution(body),
                    code: "FEE_CHARGED".to_owned(),
                    grave: true,
                    blocks: false,
                    due: "2023-08-04".to_owned(),
                    evidence: evidence(&office.region, 11),
                    inspection: String::new(),
                    request_id: id("record"),
                    validate_only: false,
                };
                let recorded: v1::RecordFindingResponse = client
                    .must(
                        &office.supervisor,
                        "SupervisionService/RecordFinding",
                        request,
                    )
                    .await?;
                self.finding = recorded.receipt.unwrap_or_default().name;
                let institution = office.institution(body);
                self.took_points =
                    credit(client, office, institution, "FEE_CHARGED", &self.finding).await?;
                Ok(())
            }
            ComplaintStep::Rectify => {
                put_right(client, &body.key, &self.finding, id("rectify")).await
            }
            ComplaintStep::Recheck => {
                look_again(client, office, &self.finding, id("recheck")).await
            }
            ComplaintStep::Restore if !self.took_points => Ok(()),
            ComplaintStep::Restore => {
                let request = v1::RestoreCreditRequest {
                    name: office.institution(body),
                    reason: "RECTIFIED".to_owned(),
                    evidence: evidence(&self.finding, 4),
                    request_id: id("restore"),
                    validate_only: false,
                };
                client
                    .must::<_, v1::RestoreCreditResponse>(
                        &office.reviewer,
                        "SupervisionService/RestoreCredit",
                        request,
                    )
                    .await
                    .map(|_| ())
            }
        }
    }
}

/// What the fraud rules saw is looked into; a block is cleared by two people, of whom neither approves claims.
pub(crate) async fn clear_flags(client: &Client, office: &Office) -> Result<(), PlayError> {
    let list = v1::ListFlagsRequest {
        parent: office.parent(),
        page_size: 1_000,
        state: "open".to_owned(),
        ..v1::ListFlagsRequest::default()
    };
    let refused = |status| PlayError::Refused {
        what: "ListFlags".to_owned(),
        status: Box::new(status),
    };
    let open: v1::ListFlagsResponse = client
        .call(&office.supervisor, "SupervisionService/ListFlags", list)
        .await
        .map_err(refused)?;
    for flag in open.flags {
        let id = flag.name.rsplit('/').next().unwrap_or_default().to_owned();
        let request = v1::ClearFlagRequest {
            name: flag.name.clone(),
            reason: "LOOKED_INTO".to_owned(),
            evidence: evidence(&flag.name, 0),
            request_id: format!("clear-{id}"),
            validate_only: false,
        };
        let cleared: v1::ClearFlagResponse = client
            .must(&office.supervisor, "SupervisionService/ClearFlag", request)
            .await?;
        if cleared.proposal.is_empty() {
            continue;
        }
        let request = v1::ConfirmClearFlagRequest {
            name: flag.name,
            proposal: cleared.proposal,
            request_id: format!("confirm-{id}"),
            validate_only: false,
        };
        client
            .must::<_, v1::ConfirmClearFlagResponse>(
                &office.reviewer,
                "SupervisionService/ConfirmClearFlag",
                request,
            )
            .await?;
    }
    Ok(())
}
