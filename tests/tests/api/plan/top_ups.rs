//! A county asks its city for money, and the city grants it, in part or not at all.

use hefu_tests::engines::Engine;
use hefu_tests::office::{Office, must};
use hefu_wire::v1;

use super::holds;
use crate::{Api, NOW, hidden, no_role, reason};

on_both! {
    a_county_asks_and_its_city_decides
    a_citys_plan_is_held_against_what_its_counties_have
}

async fn a_citys_plan_is_held_against_what_its_counties_have(engine: Engine) {
    let api = Api::start_on(engine).await;
    let operator = &api.running.operator_key;
    let city = Office::open(&api.client, operator, "140700", NOW, 1, 1).await;
    let other = Office::open(&api.client, operator, "140727", NOW, 1, 1).await;
    let set = |office: &Office, targets: &[(&str, u32)]| v1::SetTargetsRequest {
        name: format!("{}/planYears/2023", office.parent()),
        targets: targets
            .iter()
            .map(|(code, people)| v1::Target {
                code: (*code).to_owned(),
                people: *people,
            })
            .collect(),
        request_id: office.fresh("targets"),
        validate_only: false,
    };
    let requests = [
        set(&city, &[("general", 13_000), ("newly_skilled", 17_000)]),
        set(&api.office, &[("general", 1_000)]),
        set(&other, &[("general", 900), ("newly_skilled", 500)]),
        // Set again, the figure is replaced and the others stay.
        set(&api.office, &[("general", 1_200)]),
    ];
    for request in requests {
        let _: v1::SetTargetsResponse =
            must(&api.client, operator, "FundsService/SetTargets", request).await;
    }
    let read = |office: &Office| {
        let request = v1::GetPlanYearRequest {
            name: format!("{}/planYears/2023", office.parent()),
        };
        let (client, key) = (api.client.clone(), operator.clone());
        async move {
            let year: v1::PlanYear = must(&client, &key, "FundsService/GetPlanYear", request).await;
            let figures = |targets: Vec<v1::Target>| -> Vec<(String, u32)> {
                let each = targets.into_iter().map(|one| (one.code, one.people));
                each.collect()
            };
            (figures(year.targets), figures(year.targets_below))
        }
    };
    let of = |figures: &[(&str, u32)]| -> Vec<(String, u32)> {
        let each = figures
            .iter()
            .map(|(code, people)| ((*code).to_owned(), *people));
        each.collect()
    };
    let whole = of(&[("general", 13_000), ("newly_skilled", 17_000)]);
    let below = of(&[("general", 2_100), ("newly_skilled", 500)]);
    assert_eq!(read(&city).await, (whole, below));
    assert_eq!(
        read(&api.office).await,
        (of(&[("general", 1_200)]), Vec::new())
    );
    api.running.stop().await;
}

async fn a_county_asks_and_its_city_decides(engine: Engine) {
    let api = Api::start_on(engine).await;
    let operator = &api.running.operator_key;
    let city = Office::open(&api.client, operator, "140700", NOW, 1, 500_000).await;
    let county = &api.office;
    let account = |office: &Office| format!("{}/planYears/2023/accounts/city", office.parent());
    let ask = |amount_fen: i64| v1::RequestTopUpRequest {
        name: account(county),
        amount_fen,
        purpose: v1::TopUpPurpose::Shortfall.into(),
        reason: "ORDERS_ABOVE_PLAN".to_owned(),
        papers: vec![7; 32],
        request_id: county.fresh("top-up"),
        validate_only: false,
    };
    let request = "FundsService/RequestTopUp";
    no_role(&api, api.clerk(), request, ask(1)).await;
    let mut names = Vec::new();
    for amount in [300_000, 90_000] {
        let asked: v1::RequestTopUpResponse =
            must(&api.client, &county.finance, request, ask(amount)).await;
        let receipt = asked.receipt.unwrap();
        assert_eq!(receipt.state, "requested");
        names.push(receipt.name);
        // The list is in the order of their ids, which begin with the time.
        api.hand.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }

    let list = |parent: String, state: &str| v1::ListTopUpsRequest {
        parent,
        state: state.to_owned(),
        ..v1::ListTopUpsRequest::default()
    };
    let all = |key: String, request: v1::ListTopUpsRequest| {
        let client = api.client.clone();
        async move {
            let page: v1::ListTopUpsResponse =
                must(&client, &key, "FundsService/ListTopUps", request).await;
            page.top_ups
        }
    };
    // The city sees what its counties ask for, and each county its own.
    let asked = all(city.finance.clone(), list(city.parent(), "requested")).await;
    assert_eq!(
        asked
            .iter()
            .map(|asked| asked.name.clone())
            .collect::<Vec<_>>(),
        names
    );
    assert_eq!(asked[0].requested_by, "finance");
    assert_eq!(
        all(county.finance.clone(), list(county.parent(), "")).await,
        asked
    );

    let decide = |name: &str, amount_fen: i64, id: &str| v1::DecideTopUpRequest {
        parent: city.parent(),
        top_up: name.to_owned(),
        amount_fen,
        reference: if amount_fen > 0 {
            "CZ-2023-7".to_owned()
        } else {
            String::new()
        },
        reason: if amount_fen > 0 {
            String::new()
        } else {
            "NO_MONEY_LEFT".to_owned()
        },
        request_id: id.to_owned(),
        validate_only: false,
    };
    let method = "FundsService/DecideTopUp";
    // The county does not decide on its own request, and nobody on one that is not there.
    let status = api
        .refused(&county.finance, method, decide(&names[0], 1, "decide-0001"))
        .await;
    assert_eq!(reason(&status), "CALLER_UNKNOWN");
    let missing = format!(
        "{}/topUps/01890000-0000-7000-8000-000000000000",
        county.parent()
    );
    hidden(
        &api,
        &city.finance,
        method,
        decide(&missing, 1, "decide-0002"),
        "TOP_UP_NOT_FOUND",
    )
    .await;
    let status = api
        .refused(
            &city.finance,
            method,
            decide(&names[0], 300_001, "decide-0003"),
        )
        .await;
    assert_eq!(reason(&status), "TOP_UP_TOO_MUCH");

    let before = county_money(&api, county).await;
    let granted = decide(&names[0], 200_000, "decide-0004");
    for _ in 0..2 {
        // Sent again, it is the same answer and no second payment.
        let answer: v1::DecideTopUpResponse =
            must(&api.client, &city.finance, method, granted.clone()).await;
        assert_eq!(answer.receipt.unwrap().state, "granted");
    }
    let answer: v1::DecideTopUpResponse = must(
        &api.client,
        &city.finance,
        method,
        decide(&names[1], 0, "decide-0005"),
    )
    .await;
    assert_eq!(answer.receipt.unwrap().state, "refused");
    let status = api
        .refused(&city.finance, method, decide(&names[1], 5, "decide-0006"))
        .await;
    assert_eq!(reason(&status), "TOP_UP_DECIDED");

    let after = county_money(&api, county).await;
    assert_eq!(after.available_fen - before.available_fen, 200_000);
    assert_eq!(county_money(&api, &city).await.available_fen, 300_000);
    let decided = all(county.finance.clone(), list(county.parent(), "")).await;
    let states: Vec<_> = decided
        .iter()
        .map(|one| (one.state.as_str(), one.granted_fen))
        .collect();
    assert_eq!(states, [("granted", 200_000), ("refused", 0)]);
    assert_eq!(decided[1].refusal, "NO_MONEY_LEFT");

    // Both logs say so, and replayed and decided anew they come to the same.
    holds(&api.running).await;
    api.running.stop().await;
}

async fn county_money(api: &Api, office: &Office) -> v1::Account {
    let request = v1::GetAccountRequest {
        name: format!("{}/planYears/2023/accounts/city", office.parent()),
    };
    must(
        &api.client,
        &office.finance,
        "FundsService/GetAccount",
        request,
    )
    .await
}
