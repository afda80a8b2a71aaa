//! A class's or a session's people, from their registration to the redemption of their vouchers: what both do alike.

use std::sync::{Arc, OnceLock};

use hefu_wire::v1;

use crate::client::{Client, PlayError};
use crate::made_up::{draw, person, pick};
use crate::office::{Body, Office};
use crate::plan::{Kind, Plan};
use crate::year::Script;

/// One voucher of a class or session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seat {
    pub(crate) identity: String,
    pub(crate) person: String,
    /// Which the registers' answers prove.
    pub(crate) category: &'static str,
    pub(crate) voucher: String,
    pub(crate) token: String,
}

/// Who a class enrolled, once it has.
pub(crate) type Roster = Arc<OnceLock<Vec<Seat>>>;

/// Of the people who are no enterprise's, every so many are in their graduating year.
const ONE_GRADUATES_IN: usize = 8;

fn graduates(kind: Kind, number: usize) -> bool {
    kind != Kind::EnterpriseStaff && number % ONE_GRADUATES_IN == ONE_GRADUATES_IN - 1
}

/// What registers answered about a made-up person: everybody's, the category's, and nothing about the insurance subsidy. Whoever
/// graduates does so from that school.
pub(crate) fn answers(
    school: &str,
    kind: Kind,
    category: usize,
    eligible: bool,
) -> Vec<v1::CheckAnswer> {
    let student = graduates(kind, category);
    let mut list = vec![
        ("real_name", "match"),
        ("age", "working"),
        ("alive", "yes"),
        ("pension", if eligible { "none" } else { "drawing" }),
        ("public_payroll", "no"),
        ("student", if student { "graduating" } else { "no" }),
        ("skill_subsidy_right", "no"),
    ];
    list.extend_from_slice(match (kind, category % 4) {
        _ if student => &[],
        (Kind::EnterpriseStaff, _) => &[("insurance", "employee")],
        (_, 0) => &[("flexible", "yes")],
        (_, 1) => &[
            ("household", "local"),
            ("job_seeker", "registered"),
            ("able_to_work", "yes"),
            ("insurance", "none"),
        ],
        (_, 2) => &[("rural", "yes"), ("insurance", "none")],
        (_, _) => &[("poverty", "lifted")],
    });
    let answer = |(check, answer): (&str, &str)| v1::CheckAnswer {
        check: check.to_owned(),
        answer: answer.to_owned(),
        valid_until: "2024-03-31".to_owned(),
        employer: match answer {
            "graduating" => school.to_owned(),
            _ => String::new(),
        },
        ..v1::CheckAnswer::default()
    };
    list.into_iter().map(answer).collect()
}

/// The category that those answers prove.
fn category(kind: Kind, number: usize) -> &'static str {
    match (kind, number % 4) {
        _ if graduates(kind, number) => "graduating_student",
        (Kind::EnterpriseStaff, _) => "enterprise_employee",
        (_, 0) => "flexible",
        (_, 1) => "unemployed",
        (_, 2) => "rural_transfer",
        (_, _) => "lifted_from_poverty",
    }
}

/// A hash of evidence that does not exist either.
pub(crate) fn evidence(label: &str, number: u64) -> Vec<u8> {
    draw(0, label, number).to_vec()
}

/// The holder's confirmation on their phone.
pub(crate) fn confirmed(label: &str, number: u64) -> Option<v1::Confirmation> {
    Some(v1::Confirmation {
        by: v1::ConfirmedBy::Phone.into(),
        evidence: evidence(label, number),
        witness: String::new(),
    })
}

/// Registers people and records registers' answers; returns a seat for each. One in forty draws a pension.
pub(crate) async fn register(
    client: &Client,
    script: &Script,
    office: &Office,
    plan: &Plan,
    first: u64,
    label: &str,
) -> Result<Vec<Seat>, PlayError> {
    let people: Vec<_> = (first..first + plan.applied)
        .map(|index| person(script.seed, &made_in(office), index))
        .collect();
    let requests = people
        .iter()
        .enumerate()
        .map(|(n, person)| v1::RegisterPersonRequest {
            parent: office.parent(),
            identity_number: person.identity.clone(),
            display_name: person.name.clone(),
            phone: person.phone.clone(),
            request_id: format!("{label}-person-{n}"),
            validate_only: false,
        });
    let batch = v1::BatchRegisterPersonRequest {
        parent: office.parent(),
        mode: v1::Mode::Each.into(),
        request_id: String::new(),
        requests: requests.collect(),
    };
    let answer: v1::BatchRegisterPersonResponse = client
        .must(&office.clerk, "PeopleService/BatchRegisterPerson", batch)
        .await?;
    let mut seats = Vec::with_capacity(people.len());
    for (result, person) in answer.results.into_iter().zip(people) {
        let category = category(plan.kind, seats.len());
        if let Some(v1::register_person_result::Result::Response(response)) =
            counted(client, result.result)?
        {
            let name = response.receipt.unwrap_or_default().name;
            seats.push(Seat {
                identity: person.identity,
                person: name,
                category,
                ..Seat::default()
            });
        }
    }
    let school = office.institution(&office.school);
    let requests = seats
        .iter()
        .enumerate()
        .map(|(n, seat)| v1::RecordCheckAnswersRequest {
            name: seat.person.clone(),
            answers: answers(
                &school,
                plan.kind,
                n,
                pick(script.seed, &seat.identity, 1, 60) > 0,
            ),
            request_id: format!("{label}-checks-{n}"),
            validate_only: false,
        });
    let batch = v1::BatchRecordCheckAnswersRequest {
        parent: office.parent(),
        mode: v1::Mode::Each.into(),
        request_id: String::new(),
        requests: requests.collect(),
    };
    let answer: v1::BatchRecordCheckAnswersResponse = client
        .must(
            &office.clerk,
            "PeopleService/BatchRecordCheckAnswers",
            batch,
        )
        .await?;
    for result in answer.results {
        counted(client, result.result)?;
    }
    Ok(seats)
}

/// Numbers begin with a county's code, also those of the city's own line.
fn made_in(office: &Office) -> String {
    if office.region.ends_with("00") {
        "140702".replace('2', "1")
    } else {
        office.region.clone()
    }
}

/// The result of an item, counted.
pub(crate) trait Counted {
    /// The refusal, if it is one.
    fn error(&self) -> Option<&tonic_types::pb::Status>;
}

macro_rules! counted {
    ($($module:ident)+) => {$(
        impl Counted for v1::$module::Result {
            fn error(&self) -> Option<&tonic_types::pb::Status> {
                match self {
                    v1::$module::Result::Error(error) => Some(error),
                    v1::$module::Result::Response(_) => None,
                }
            }
        }
    )+};
}

counted! {
    register_person_result record_check_answers_result apply_result confirm_application_result withdraw_result reject_application_result issue_result fetch_token_result enrol_result
    drop_result complete_result record_assessment_result confirm_certificate_result redeem_result write_off_result
}

/// Counts an item's result; an item without one is a defect of the server.
pub(crate) fn counted<R: Counted>(
    client: &Client,
    result: Option<R>,
) -> Result<Option<R>, PlayError> {
    let result = result
        .ok_or_else(|| PlayError::Script("an item of a batch without a result".to_owned()))?;
    client.count(result.error());
    Ok(Some(result))
}

/// Applies for the seats' vouchers; whoever is refused loses the seat.
pub(crate) async fn apply(
    client: &Client,
    office: &Office,
    plan: &Plan,
    employer: Option<&Body>,
    seats: &mut Vec<Seat>,
    label: &str,
) -> Result<(), PlayError> {
    let programme = match plan.kind {
        Kind::General => v1::Programme::General,
        Kind::EnterpriseStaff => v1::Programme::EnterpriseStaff,
        Kind::OrderProject => v1::Programme::OrderProject,
        Kind::Assessment => v1::Programme::Assessment,
    };
    if seats.is_empty() {
        return Ok(());
    }
    let assessed = plan.kind == Kind::Assessment;
    let requests = seats.iter().enumerate().map(|(n, seat)| v1::ApplyRequest {
        parent: office.parent(),
        person: seat.person.clone(),
        plan_year: 2023,
        programme: programme.into(),
        category: seat.category.to_owned(),
        occupation: if assessed {
            plan.occupation.to_owned()
        } else {
            String::new()
        },
        skill_level: if assessed { plan.level } else { 0 },
        employer: employer
            .map(|body| office.institution(body))
            .unwrap_or_default(),
        request_id: format!("{label}-apply-{n}"),
        validate_only: false,
    });
    let batch = v1::BatchApplyRequest {
        parent: office.parent(),
        mode: v1::Mode::Each.into(),
        request_id: String::new(),
        requests: requests.collect(),
    };
    let key = employer.map_or(&office.portal, |body| &body.key);
    let answer: v1::BatchApplyResponse = client
        .must(key, "ApplicationService/BatchApply", batch)
        .await?;
    let mut kept = Vec::with_capacity(seats.len());
    for (result, mut seat) in answer.results.into_iter().zip(seats.drain(..)) {
        if let Some(v1::apply_result::Result::Response(response)) = counted(client, result.result)?
        {
            seat.voucher = response.receipt.unwrap_or_default().name;
            kept.push(seat);
        }
    }
    *seats = kept;
    match employer {
        Some(_) => confirm(client, office, seats, label).await,
        None => Ok(()),
    }
}

/// The holders confirm by phone what their employer applied for.
async fn confirm(
    client: &Client,
    office: &Office,
    seats: &[Seat],
    label: &str,
) -> Result<(), PlayError> {
    let request = |(n, seat): (usize, &Seat)| v1::ConfirmApplicationRequest {
        name: seat.voucher.clone(),
        holder: seat.person.clone(),
        how: v1::ConfirmedBy::Phone.into(),
        evidence: evidence(label, n as u64),
        request_id: format!("{label}-confirm-{n}"),
        validate_only: false,
    };
    let batch = v1::BatchConfirmApplicationRequest {
        parent: office.parent(),
        mode: v1::Mode::Each.into(),
        request_id: String::new(),
        requests: seats.iter().enumerate().map(request).collect(),
    };
    let method = "ApplicationService/BatchConfirmApplication";
    let answer: v1::BatchConfirmApplicationResponse =
        client.must(&office.portal, method, batch).await?;
    for result in answer.results {
        counted(client, result.result)?;
    }
    Ok(())
}

/// A clerk rejects one application in fifty, one in fifty is withdrawn, the rest is issued.
pub(crate) async fn issue(
    client: &Client,
    office: &Office,
    seats: &mut Vec<Seat>,
    label: &str,
) -> Result<(), PlayError> {
    if seats.is_empty() {
        return Ok(());
    }
    let mut kept = Vec::with_capacity(seats.len());
    for (n, seat) in seats.drain(..).enumerate() {
        match n % 50 {
            17 => {
                let request = v1::RejectApplicationRequest {
                    name: seat.voucher.clone(),
                    reason: "PAPERS_INCOMPLETE".to_owned(),
                    request_id: format!("{label}-reject-{n}"),
                    validate_only: false,
                };
                client
                    .must::<_, v1::RejectApplicationResponse>(
                        &office.clerk,
                        "ApplicationService/RejectApplication",
                        request,
                    )
                    .await?;
            }
            33 => {
                let holder = seat.person.clone();
                let request = v1::WithdrawRequest {
                    name: seat.voucher.clone(),
                    holder,
                    request_id: format!("{label}-withdraw-{n}"),
                    validate_only: false,
                };
                client
                    .must::<_, v1::WithdrawResponse>(
                        &office.portal,
                        "ApplicationService/Withdraw",
                        request,
                    )
                    .await?;
            }
            _ => kept.push(seat),
        }
    }
    let requests = kept.iter().enumerate().map(|(n, seat)| v1::IssueRequest {
        name: seat.voucher.clone(),
        request_id: format!("{label}-issue-{n}"),
        validate_only: false,
    });
    let batch = v1::BatchIssueRequest {
        parent: office.parent(),
        mode: v1::Mode::Each.into(),
        request_id: String::new(),
        requests: requests.collect(),
    };
    let answer: v1::BatchIssueResponse = client
        .must(&office.reviewer, "IssuanceService/BatchIssue", batch)
        .await?;
    for (result, seat) in answer.results.into_iter().zip(kept) {
        if let Some(v1::issue_result::Result::Response(_)) = counted(client, result.result)? {
            seats.push(seat);
        }
    }
    Ok(())
}

/// The holders fetch their tokens through the portal.
pub(crate) async fn fetch(
    client: &Client,
    office: &Office,
    seats: &mut [Seat],
    label: &str,
) -> Result<(), PlayError> {
    if seats.is_empty() {
        return Ok(());
    }
    let requests = seats
        .iter()
        .enumerate()
        .map(|(n, seat)| v1::FetchTokenRequest {
            name: seat.voucher.clone(),
            holder: seat.person.clone(),
            request_id: format!("{label}-fetch-{n}"),
            validate_only: false,
        });
    let batch = v1::BatchFetchTokenRequest {
        parent: office.parent(),
        mode: v1::Mode::Each.into(),
        request_id: String::new(),
        requests: requests.collect(),
    };
    let answer: v1::BatchFetchTokenResponse = client
        .must(&office.portal, "IssuanceService/BatchFetchToken", batch)
        .await?;
    for (result, seat) in answer.results.into_iter().zip(seats) {
        if let Some(v1::fetch_token_result::Result::Response(response)) =
            counted(client, result.result)?
        {
            seat.token = response.token;
        }
    }
    Ok(())
}

/// Redeems the seats' vouchers as their payee; returns the sheet and the vouchers on it.
pub(crate) async fn redeem(
    client: &Client,
    office: &Office,
    payee: &Body,
    seats: &[Seat],
    label: &str,
) -> Result<Option<(String, Vec<String>)>, PlayError> {
    if seats.is_empty() {
        return Ok(None);
    }
    let requests = seats.iter().enumerate().map(|(n, seat)| v1::RedeemRequest {
        name: seat.voucher.clone(),
        token: seat.token.clone(),
        undertaking: evidence(&format!("{label}/undertaking"), n as u64),
        confirmation: confirmed(&format!("{label}/days"), n as u64),
        request_id: format!("{label}-redeem-{n}"),
        validate_only: false,
    });
    let batch = v1::BatchRedeemRequest {
        parent: office.parent(),
        mode: v1::Mode::Each.into(),
        request_id: String::new(),
        requests: requests.collect(),
    };
    let answer: v1::BatchRedeemResponse = client
        .must(&payee.key, "RedemptionService/BatchRedeem", batch)
        .await?;
    let mut sheet = None;
    let mut vouchers = Vec::with_capacity(seats.len());
    for (result, seat) in answer.results.into_iter().zip(seats) {
        if let Some(v1::redeem_result::Result::Response(response)) = counted(client, result.result)?
        {
            sheet = Some(response.sheet);
            vouchers.push(seat.voucher.clone());
        }
    }
    Ok(sheet.map(|sheet| (sheet, vouchers)))
}
