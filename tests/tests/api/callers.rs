//! Who may call: nobody without a key, nobody whom the region does not know, and everybody only as what they are.

use hefu_scenario::key;
use hefu_wire::v1;
use tonic::Code;
use v1::audit_service_client::AuditServiceClient;

use crate::{Api, reason};

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
