//! Two server processes on one PostgreSQL database: whatever their clients race for, exactly one wins.

use std::future::Future;

use hefu_engine::Clock;
use hefu_scenario::Client;
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::{GENERAL_MAX_FEN, Office, must};
use hefu_wire::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::log::Log;
use crate::process::Server;
use crate::tables;

/// Clients of each server in one race.
const RACERS: usize = 3;
/// Vouchers, or people, that are raced for.
const PRIZES: u64 = 8;

/// The reasons of those who lost; exactly `wins` won.
async fn race<F>(racers: Vec<F>, wins: usize) -> Vec<String>
where
    F: Future<Output = Result<(), Status>> + Send + 'static,
{
    let running: Vec<_> = racers.into_iter().map(tokio::spawn).collect();
    let (mut won, mut lost) = (0, Vec::new());
    for racer in running {
        match racer.await.unwrap() {
            Ok(()) => won += 1,
            Err(status) => {
                assert_ne!(status.code(), Code::Internal, "{status}");
                let why = status.get_error_details();
                let why = why.error_info().map(|info| info.reason.clone());
                lost.push(why.unwrap_or_else(|| status.to_string()));
            }
        }
    }
    assert_eq!(won, wins, "the others: {lost:?}");
    lost
}

async fn issue(
    client: Client,
    office: std::sync::Arc<Office>,
    voucher: String,
) -> Result<(), Status> {
    let request = office.issue(&voucher, office.fresh("race-issue"));
    let answer: Result<v1::IssueResponse, Status> = client
        .call(&office.reviewer, "IssuanceService/Issue", request)
        .await;
    answer.map(|_| ())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_racing_for_the_same_thing_exactly_one_wins() {
    let place = Place::new(Engine::Postgres).await;
    let folder = Folder::new("hefu-race");
    let state = folder.path().join("state");
    // Two processes of one deployment: the second finds the keys that the first has made.
    let (one, two) = (
        Server::start(&place.url(), &state),
        Server::start(&place.url(), &state),
    );
    let clients = [one.client().await, two.client().await];
    let now = Clock::system().now();
    let rich = PRIZES as i64 * GENERAL_MAX_FEN;
    let office = Office::open(&clients[0], one.operator(), "140725", now, 1, rich).await;
    let office = std::sync::Arc::new(office);
    let poor = Office::open(
        &clients[1],
        one.operator(),
        "140727",
        now,
        1,
        GENERAL_MAX_FEN,
    )
    .await;
    let poor = std::sync::Arc::new(poor);

    // One voucher, six reviewers at two servers.
    for person in 0..PRIZES {
        let name = office.person(&clients[0], person).await;
        let voucher = office.applied(&clients[1], &name).await;
        let racers = (0..2 * RACERS)
            .map(|n| issue(clients[n % 2].clone(), office.clone(), voucher.clone()))
            .collect();
        for why in race(racers, 1).await {
            assert_eq!(why, "VOUCHER_NOT_APPLIED");
        }
    }

    // One person, two counties, a server each.
    for person in 100..100 + PRIZES {
        let mut racers = Vec::new();
        for (client, office) in clients.iter().zip([&office, &poor]) {
            let name = office.person(client, person).await;
            let (client, office) = (client.clone(), office.clone());
            racers.push(async move {
                let request = office.application(&name, office.fresh("race-apply"));
                let answer: Result<v1::ApplyResponse, Status> = client
                    .call(&office.portal, "ApplicationService/Apply", request)
                    .await;
                answer.map(|_| ())
            });
        }
        assert_eq!(race(racers, 1).await, ["LIVE_VOUCHER_EXISTS"]);
    }

    // Money for one voucher, and many who want it.
    let mut racers = Vec::new();
    for person in 200..200 + PRIZES {
        let client = &clients[person as usize % 2];
        let name = poor.person(client, person).await;
        let voucher = poor.applied(client, &name).await;
        racers.push(issue(client.clone(), poor.clone(), voucher));
    }
    for why in race(racers, 1).await {
        assert_eq!(why, "FUNDS_EXHAUSTED");
    }

    for region in ["140725", "140727"] {
        let read = [
            Log::read(&clients[0], one.operator(), region).await,
            Log::read(&clients[1], one.operator(), region).await,
        ];
        assert_eq!(read[0].events, read[1].events, "both show the same log");
    }
    let list = v1::ListAccountsRequest {
        parent: poor.parent(),
        ..v1::ListAccountsRequest::default()
    };
    let accounts: v1::ListAccountsResponse = must(
        &clients[0],
        one.operator(),
        "FundsService/ListAccounts",
        list,
    )
    .await;
    let reserved: i64 = accounts.accounts.iter().map(|a| a.reserved_fen).sum();
    assert_eq!(reserved, GENERAL_MAX_FEN);
    tables::are_what_the_logs_say(&place).await;
}
