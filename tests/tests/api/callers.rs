//! Who may call: nobody without a key, nobody whom the region does not know, and everybody only as what they are.

use std::path::PathBuf;

use hefu_engine::{Clock, Source};
use hefu_scenario::key;
use hefu_server::{RegionTree, Setup, serve};
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::must;
use hefu_wire::v1;
use tonic::Code;
use v1::audit_service_client::AuditServiceClient;

use crate::{Api, ISSUER, NOW, reason};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_or_with_nonsense_nobody_is_let_in() {
    let api = Api::start().await;
    let head = v1::GetHeadRequest {
        name: api.office.parent(),
    };
    let address = format!("http://{}", api.running.address);
    let mut bare = AuditServiceClient::connect(address).await.unwrap();
    let status = bare.get_head(head.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(reason(&status), "CREDENTIAL_MISSING");
    for nonsense in [
        "",
        "nonsense",
        "hefu_short",
        "hefu_with a space in its middle",
    ] {
        let status = api
            .refused(nonsense, "AuditService/GetHead", head.clone())
            .await;
        assert_eq!(status.code(), Code::Unauthenticated, "{nonsense:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_without_a_grant_in_the_region_may_neither_read_nor_write() {
    let api = Api::start().await;
    let head = v1::GetHeadRequest {
        name: api.office.parent(),
    };
    let stranger = key(9, "stranger");
    let status = api.refused(&stranger, "AuditService/GetHead", head).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "CALLER_UNKNOWN");
    let elsewhere = v1::RegisterPersonRequest {
        parent: "regions/140727".to_owned(),
        ..api.office.registration(1, api.office.fresh("elsewhere"))
    };
    let before = api.head().await;
    let method = "PeopleService/RegisterPerson";
    let status = api.refused(api.clerk(), method, elsewhere).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "CALLER_UNKNOWN");
    assert_eq!(api.head().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_a_move_does_not_take_is_refused_and_a_revoked_key_is_dead_at_once() {
    let api = Api::start().await;
    let asked = || api.office.registration(1, api.office.fresh("person"));
    let method = "PeopleService/RegisterPerson";
    let status = api.refused(&api.office.finance, method, asked()).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "ROLE_MISSING");
    let name = format!(
        "{}/credentials/{}",
        api.office.parent(),
        hefu_scenario::credential(api.clerk())
    );
    let revoke = v1::RevokeCallerRequest {
        name,
        request_id: api.office.fresh("revoke"),
        validate_only: false,
    };
    let operator = &api.running.operator_key;
    let _: v1::RevokeCallerResponse =
        hefu_tests::office::must(&api.client, operator, "AccessService/RevokeCaller", revoke).await;
    let status = api.refused(api.clerk(), method, asked()).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "CALLER_REVOKED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_deployments_operator_opens_a_region() {
    let api = Api::start().await;
    let open = |code: &str| v1::OpenRegionRequest {
        parent: format!("regions/{code}"),
        parent_region: "regions/140700".to_owned(),
        display_name: "样例区".to_owned(),
        display_name_en: "Sample".to_owned(),
        operator: Some(v1::Grant {
            subject: "operator".to_owned(),
            person: "operator".to_owned(),
            roles: vec![v1::Role::Operator.into()],
            ..v1::Grant::default()
        }),
        request_id: api.office.fresh("open"),
        validate_only: false,
    };
    let method = "PolicyService/OpenRegion";
    for nobody in [&key(9, "stranger"), api.clerk()] {
        let status = api.refused(nobody, method, open("140799")).await;
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(reason(&status), "ROLE_MISSING");
    }
    let operator = &api.running.operator_key;
    let _: v1::OpenRegionResponse = must(&api.client, operator, method, open("140799")).await;
}

/// What a fetch that is sent again is told.
async fn fetched_again(api: &Api, fetch: &v1::FetchTokenRequest) -> String {
    let method = "IssuanceService/FetchToken";
    reason(&api.refused(&api.office.portal, method, fetch.clone()).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_fetch_gives_no_token_to_a_revoked_caller_nor_another_token_than_it_fetched() {
    let api = Api::start().await;
    let (client, office) = (&api.client, &api.office);
    let holder = office.person(client, 1).await;
    let voucher = office.applied(client, &holder).await;
    let issue = office.issue(&voucher, office.fresh("issue"));
    let _: v1::IssueResponse = must(client, &office.reviewer, "IssuanceService/Issue", issue).await;
    let fetch = v1::FetchTokenRequest {
        name: voucher.clone(),
        holder,
        request_id: office.fresh("fetch"),
        validate_only: false,
    };
    let method = "IssuanceService/FetchToken";
    let first: v1::FetchTokenResponse = must(client, &office.portal, method, fetch.clone()).await;
    let again: v1::FetchTokenResponse = must(client, &office.portal, method, fetch.clone()).await;
    assert_eq!(first.token, again.token);
    let reissue = v1::ReissueTokenRequest {
        name: voucher,
        card_seen: vec![7; 32],
        request_id: office.fresh("reissue"),
        validate_only: false,
    };
    let _: v1::ReissueTokenResponse =
        must(client, api.clerk(), "IssuanceService/ReissueToken", reissue).await;
    assert_eq!(fetched_again(&api, &fetch).await, "TOKEN_DEAD");
    let credential = hefu_scenario::credential(&office.portal);
    let revoke = v1::RevokeCallerRequest {
        name: format!("{}/credentials/{credential}", office.parent()),
        request_id: office.fresh("revoke"),
        validate_only: false,
    };
    let operator = &api.running.operator_key;
    let _: v1::RevokeCallerResponse =
        must(client, operator, "AccessService/RevokeCaller", revoke).await;
    assert_eq!(fetched_again(&api, &fetch).await, "CALLER_REVOKED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_a_seed_makes_never_serve_in_earnest() {
    let api = Api::start().await;
    let state = api.state.path().join("state");
    let setup = |source: Source, state: PathBuf| async {
        let place = Place::new(Engine::Sqlite).await;
        let served = serve(Setup {
            database: place.url(),
            state,
            listen: ([127, 0, 0, 1], 0).into(),
            deployment: ISSUER.to_owned(),
            tree: RegionTree::read(None).unwrap(),
            clock: Clock::simulated(NOW).0,
            source,
            writers: 1,
            witnesses: hefu_server::Witnesses::none(),
            limits: hefu_server::Limits::default(),
        })
        .await;
        served.err().map(|error| error.to_string())
    };
    let seeded = setup(Source::System, state).await.unwrap();
    assert!(seeded.contains("by a demo from a seed"), "{seeded}");
    let folder = Folder::new("hefu-earnest");
    let earnest = folder.path().join("state");
    assert_eq!(setup(Source::System, earnest.clone()).await, None);
    let random = setup(Source::Seeded([7; 32]), earnest).await.unwrap();
    assert!(random.contains("at random"), "{random}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_a_log_is_told_when_their_grant_ends() {
    let api = Api::start().await;
    let address = format!("http://{}", api.running.address);
    let mut audit = AuditServiceClient::connect(address).await.unwrap();
    let mut asked = tonic::Request::new(v1::StreamEventsRequest {
        parent: api.office.parent(),
        follow: true,
        ..v1::StreamEventsRequest::default()
    });
    let bearer = format!("Bearer {}", api.clerk()).parse().unwrap();
    asked.metadata_mut().insert("authorization", bearer);
    let mut events = audit.stream_events(asked).await.unwrap().into_inner();
    let size = api.head().await.size;
    for index in 0..size {
        assert_eq!(events.message().await.unwrap().unwrap().index, index);
    }
    let credential = hefu_scenario::credential(api.clerk());
    let revoke = v1::RevokeCallerRequest {
        name: format!("{}/credentials/{credential}", api.office.parent()),
        request_id: api.office.fresh("revoke"),
        validate_only: false,
    };
    let operator = &api.running.operator_key;
    let _: v1::RevokeCallerResponse =
        must(&api.client, operator, "AccessService/RevokeCaller", revoke).await;
    // The revocation itself may have come through still.
    let end = async {
        loop {
            match events.message().await {
                Ok(Some(event)) => assert_eq!(event.kind, "CallerRevoked"),
                Ok(None) => panic!("the stream ended without a word"),
                Err(status) => break status,
            }
        }
    };
    let end = tokio::time::timeout(std::time::Duration::from_secs(20), end).await;
    assert_eq!(reason(&end.expect("the stream goes on")), "CALLER_REVOKED");
}
