//! Rule 8 of the region writer: after an IO error SQLite's process ends. What it acknowledged is there for the next one.

use std::time::Duration;

use hefu_engine::Clock;
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::{Office, must};
use hefu_wire::v1;

use crate::field::COUNTY;
use crate::process::{SAID, Server};

/// Room for the first start and some calls: 2 MiB in blocks of 512 bytes.
const BLOCKS: u32 = 4_096;

fn money(office: &Office, number: usize) -> v1::AppropriateFundsRequest {
    v1::AppropriateFundsRequest {
        name: format!(
            "{}/planYears/{}/accounts/city",
            office.parent(),
            office.year
        ),
        amount_fen: 1,
        reference: format!("TEST-{number}"),
        request_id: format!("appropriate-more-{number}"),
        validate_only: false,
    }
}

const METHOD: &str = "FundsService/AppropriateFunds";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_disk_fails_ends_and_what_it_acknowledged_stands() {
    let place = Place::new(Engine::Sqlite).await;
    let folder = Folder::new("hefu-disk");
    let state = folder.path().join("state");
    let mut server = Server::start_on_a_failing_disk(&place.url(), &state, BLOCKS);
    let client = server.client().await;
    let operator = server.operator().to_owned();
    let now = Clock::system().now();
    let office = Office::open(&client, &operator, COUNTY, now, 1, 1_000_000).await;
    let mut acknowledged = Vec::new();
    let until_it_ends = async {
        let mut ends = std::pin::pin!(server.ends());
        loop {
            let request = money(&office, acknowledged.len());
            let answer =
                client.call::<_, v1::AppropriateFundsResponse>(&office.finance, METHOD, request);
            // What is not answered is sent again, until nobody is there.
            tokio::select! {
                success = &mut ends => break success,
                answer = answer => match answer {
                    Ok(answer) => acknowledged.push(answer.receipt.unwrap()),
                    Err(status) => {
                        assert!(!acknowledged.is_empty(), "nothing was written before: {status}");
                        break ends.await;
                    }
                },
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), until_it_ends).await;
    assert!(
        !in_time.expect("the server goes on"),
        "it calls that a success"
    );
    let said = std::fs::read_to_string(state.join(SAID)).unwrap();
    assert!(
        said.contains("writing stopped: the database file failed"),
        "{said}"
    );

    let server = Server::start(&place.url(), &state);
    let client = server.client().await;
    for (number, receipt) in acknowledged.into_iter().enumerate() {
        let request = money(&office, number);
        let again: v1::AppropriateFundsResponse =
            must(&client, &office.finance, METHOD, request).await;
        assert_eq!(again.receipt, Some(receipt));
    }
}
