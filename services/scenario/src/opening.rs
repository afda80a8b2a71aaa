//! How the year begins: policy, calendars, callers, institutions and money in every region; and who applies in two of them.

use futures_util::future::try_join_all;
use hefu_wire::v1;

use crate::client::{Client, PlayError};
use crate::made_up::person;
use crate::office::Office;
use crate::plan::Kind;
use crate::region::Region;
use crate::seats::evidence;
use crate::year::{SHORT_OF_MONEY, Script};

/// Opens the plan year everywhere: policy, calendars, years, callers, institutions.
pub(crate) async fn open(
    client: &Client,
    script: &Script,
    regions: &[Region],
) -> Result<(), PlayError> {
    let opening = regions.iter().map(|region| async {
        let office = &region.office;
        let request = v1::AdoptPolicyRequest {
            parent: office.parent(),
            policy_json: script.policy_json.clone(),
            effective: None,
            request_id: "policy-2023".to_owned(),
            validate_only: false,
        };
        client
            .must::<_, v1::AdoptPolicyResponse>(
                &script.operator,
                "PolicyService/AdoptPolicy",
                request,
            )
            .await?;
        for calendar in &script.calendars {
            let request = v1::AdoptCalendarRequest {
                parent: office.parent(),
                calendar: Some(calendar.clone()),
                request_id: format!("calendar-{}", calendar.year),
                validate_only: false,
            };
            client
                .must::<_, v1::AdoptCalendarResponse>(
                    &script.operator,
                    "PolicyService/AdoptCalendar",
                    request,
                )
                .await?;
        }
        for year in ["2023", "2024"] {
            let request = v1::OpenPlanYearRequest {
                name: office.name("planYears", year),
                request_id: format!("open-year-{year}"),
                validate_only: false,
            };
            client
                .must::<_, v1::OpenPlanYearResponse>(
                    &script.operator,
                    "FundsService/OpenPlanYear",
                    request,
                )
                .await?;
        }
        let heads = |kind: Kind| {
            region
                .classes
                .iter()
                .filter(|class| class.plan.kind == kind)
                .map(|class| class.plan.applied as u32)
                .sum::<u32>()
        };
        let target = |code: &str, people: u32| v1::Target {
            code: code.to_owned(),
            people,
        };
        let targets = vec![
            // Order and project training counts inside the general plan.
            target("general", heads(Kind::General) + heads(Kind::OrderProject)),
            target("enterprise_staff", heads(Kind::EnterpriseStaff)),
            target("order_project", heads(Kind::OrderProject)),
        ];
        let request = v1::SetTargetsRequest {
            name: office.name("planYears", "2023"),
            targets,
            request_id: "targets-2023".to_owned(),
            validate_only: false,
        };
        client
            .must::<_, v1::SetTargetsResponse>(&script.operator, "FundsService/SetTargets", request)
            .await?;
        office.grant_staff(client, &script.operator).await?;
        office.register_institutions(client, &script.operator).await
    });
    if script.sequential {
        for region in opening {
            region.await?;
        }
        return Ok(());
    }
    try_join_all(opening).await.map(|_| ())
}

/// Money: the treasury's into the city's account, the city's share to each county; one county gets a first instalment that is too small.
pub(crate) async fn fund(client: &Client, regions: &[Region]) -> Result<(), PlayError> {
    let city = &regions[0].office;
    // Generous per voucher: what is left is carried over.
    let need = |region: &Region| {
        let classes = region.classes.iter().map(|class| {
            class.plan.applied
                * if class.plan.kind == Kind::OrderProject {
                    200_000
                } else {
                    100_000
                }
        });
        let sessions = region
            .sessions
            .iter()
            .map(|session| session.plan.applied * 30_000);
        classes.sum::<u64>() + sessions.sum::<u64>()
    };
    let total: u64 = regions.iter().map(need).sum();
    let request = v1::AppropriateFundsRequest {
        name: format!("{}/planYears/2023/accounts/city", city.parent()),
        amount_fen: i64::try_from(total + total / 5).unwrap_or(i64::MAX),
        reference: "JZ-CZ-2023-001".to_owned(),
        request_id: "appropriate-2023".to_owned(),
        validate_only: false,
    };
    client
        .must::<_, v1::AppropriateFundsResponse>(
            &city.finance,
            "FundsService/AppropriateFunds",
            request,
        )
        .await?;
    for (index, region) in regions.iter().enumerate().skip(1) {
        let amount = if index == SHORT_OF_MONEY {
            need(region) / 60
        } else {
            need(region)
        };
        allocate(client, city, &region.office, amount.max(1)).await?;
    }
    Ok(())
}

/// The county whose first instalment was too small asks for the rest, and the city grants it.
pub(crate) async fn second_instalment(
    client: &Client,
    regions: &[Region],
) -> Result<(), PlayError> {
    let (city, county) = (&regions[0].office, &regions[SHORT_OF_MONEY]);
    let heads = county
        .classes
        .iter()
        .map(|class| class.plan.applied * 200_000)
        .chain(
            county
                .sessions
                .iter()
                .map(|session| session.plan.applied * 30_000),
        );
    let request = v1::RequestTopUpRequest {
        name: county.office.name("planYears", "2023/accounts/city"),
        amount_fen: i64::try_from(heads.sum::<u64>()).unwrap_or(i64::MAX),
        purpose: v1::TopUpPurpose::Shortfall.into(),
        reason: "ORDER_PROJECT_SHORT".to_owned(),
        papers: evidence(&county.office.region, 10),
        request_id: "top-up-2023".to_owned(),
        validate_only: false,
    };
    let asked: v1::RequestTopUpResponse = client
        .must(
            &county.office.finance,
            "FundsService/RequestTopUp",
            request.clone(),
        )
        .await?;
    let request = v1::DecideTopUpRequest {
        parent: city.parent(),
        top_up: asked.receipt.unwrap_or_default().name,
        amount_fen: request.amount_fen,
        reference: format!("JZ-XB-{}-2", county.office.region),
        reason: String::new(),
        request_id: format!("grant-{}", county.office.region),
        validate_only: false,
    };
    client
        .must::<_, v1::DecideTopUpResponse>(&city.finance, "FundsService/DecideTopUp", request)
        .await
        .map(|_| ())
}

/// One allocation from the city to a county.
async fn allocate(
    client: &Client,
    city: &Office,
    county: &Office,
    amount: u64,
) -> Result<(), PlayError> {
    let request = v1::AllocateFundsRequest {
        name: format!("{}/planYears/2023/accounts/city", city.parent()),
        to: county.parent(),
        amount_fen: i64::try_from(amount).unwrap_or(i64::MAX),
        reference: format!("JZ-XB-{}-1", county.region),
        request_id: format!("allocate-{}", county.region),
        validate_only: false,
    };
    client
        .must::<_, v1::AllocateFundsResponse>(&city.finance, "FundsService/AllocateFunds", request)
        .await
        .map(|_| ())
}

/// People who apply in two counties: contended, so it runs alone. The second county learns only that there is a live voucher somewhere.
pub(crate) async fn doubles(
    client: &Client,
    script: &Script,
    regions: &[Region],
) -> Result<(), PlayError> {
    for n in 0..5 {
        let twin = person(script.seed, "140702", 9_000_000 + n);
        for (place, region) in [&regions[3], &regions[4]].into_iter().enumerate() {
            let office = &region.office;
            let id = |what: &str| format!("double-{what}-{n}-{place}");
            let request = v1::RegisterPersonRequest {
                parent: office.parent(),
                identity_number: twin.identity.clone(),
                display_name: twin.name.clone(),
                phone: twin.phone.clone(),
                request_id: id("person"),
                validate_only: false,
            };
            let registered: v1::RegisterPersonResponse = client
                .must(&office.clerk, "PeopleService/RegisterPerson", request)
                .await?;
            let name = registered.receipt.unwrap_or_default().name;
            let request = v1::RecordCheckAnswersRequest {
                name: name.clone(),
                answers: crate::seats::answers("", Kind::General, 0, true),
                request_id: id("checks"),
                validate_only: false,
            };
            client
                .must::<_, v1::RecordCheckAnswersResponse>(
                    &office.clerk,
                    "PeopleService/RecordCheckAnswers",
                    request,
                )
                .await?;
            let request = v1::ApplyRequest {
                parent: office.parent(),
                person: name,
                plan_year: 2023,
                programme: v1::Programme::General.into(),
                category: "flexible".to_owned(),
                request_id: id("apply"),
                ..v1::ApplyRequest::default()
            };
            // The second one is refused, and that is the point.
            let _ = client
                .make::<_, v1::ApplyResponse>(&office.portal, "ApplicationService/Apply", request)
                .await;
        }
    }
    Ok(())
}
