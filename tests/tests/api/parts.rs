//! A process of a part of the services, with a state folder in which no key lies that it must not hold.

use std::path::Path;

use hefu_server::{Listen, Services, StartError};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::school::School;
use crate::*;

/// What a process of the training and redemption services is made of.
fn part(place: &Place, state: &Path) -> Setup {
    let services = ["training", "redemption", "audit"].map(str::to_owned);
    Setup {
        database: place.url(),
        state: state.to_owned(),
        listen: Listen {
            services: Services::try_from(services.to_vec()).unwrap(),
            ..Listen::from(([127, 0, 0, 1], 0))
        },
        deployment: ISSUER.to_owned(),
        tree: RegionTree::read(None).unwrap(),
        clock: Clock::simulated(NOW).0,
        source: Source::Seeded([7; 32]),
        writers: 2,
        limits: hefu_server::Limits::default(),
        witnesses: hefu_server::Witnesses::none(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_enrols_and_redeems_without_the_keys_that_sign() {
    let api = Api::start_on(Engine::Postgres).await;
    let mut school = School::open(&api).await;
    school.file(&api, school.filing("room-1", 10)).await;
    school.seats.push(api.issued(0).await);

    // All of the state folder but what signs, and whose keys are the operator's.
    let folder = Folder::new("hefu-part");
    let whole = api.state.path().join("state");
    let mut withheld = 0;
    for entry in std::fs::read_dir(&whole).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let signs =
            name.ends_with(".key") && (name.starts_with("token-") || name.starts_with("log-"));
        if signs || name == "operator.key" || name == "signer" {
            withheld += 1;
            continue;
        }
        std::os::unix::fs::symlink(whole.join(&name), folder.path().join(&name)).unwrap();
    }
    assert_eq!(withheld, 4);

    let setup = part(&api.place, folder.path());
    let (made_up, hand) = Clock::simulated(NOW);
    let running = serve(Setup {
        clock: made_up,
        ..setup
    })
    .await
    .unwrap();
    let client = Client::connect(&running.url()).await.unwrap();
    let channel = tonic::transport::Endpoint::from_shared(running.url()).unwrap();
    let mut health = HealthClient::new(channel.connect().await.unwrap());
    let mut asked = async |service: &str| {
        let service = service.to_owned();
        let answer = health.check(HealthCheckRequest { service }).await;
        answer
            .map(|answer| answer.into_inner().status)
            .map_err(|status| status.code())
    };
    assert_eq!(asked("voucher.v1.RedemptionService").await, Ok(1));
    assert_eq!(
        asked("voucher.v1.IssuanceService").await,
        Err(Code::NotFound)
    );

    let Api {
        running: first,
        client: of_whole,
        office,
        state,
        place,
        ..
    } = api;
    let api = Api {
        running,
        client,
        office,
        state,
        place,
        hand,
    };
    // Tokens are verified here, and none is made.
    school.seat(&api).await;
    school.train(&api).await;
    school.claim(&api).await;
    let issue = api
        .office
        .issue(&school.seats[0].1, api.office.fresh("issue"));
    let status = api
        .refused(&api.office.reviewer, "IssuanceService/Issue", issue)
        .await;
    assert_eq!(status.code(), Code::Unimplemented);
    // What this process wrote is signed by the one that holds the log's key.
    let key = &first.operator_key;
    let request = v1::GetHeadRequest {
        name: api.office.parent(),
    };
    let written: v1::Head = must(&api.client, key, "AuditService/GetHead", request).await;
    first.signing.sign().await.unwrap();
    let request = v1::GetCheckpointRequest {
        name: api.office.parent(),
        epoch: None,
    };
    let checkpoint: v1::Checkpoint =
        must(&of_whole, key, "AuditService/GetCheckpoint", request).await;
    assert_eq!(checkpoint.size, written.size);
    api.running.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_has_nothing_to_begin_with_where_nobody_ever_served() {
    let (place, folder) = (Place::new(Engine::Sqlite).await, Folder::new("hefu-part"));
    let refused = serve(part(&place, folder.path())).await;
    assert!(matches!(refused, Err(StartError::NeverStarted)));
    assert!(!folder.path().join("dedup.key").exists(), "no key was made");
}
