//! The attack suite of access, made from the descriptors: every RPC against every caller who may not call it, each with the exact
//! answer, and nothing written. What each may is the table's to say (`hefu_domain::Rpc`): a new RPC is attacked as soon as it has a row.

mod scene;
mod tokens;
mod values;

use hefu_domain::{Door, ROLES, Role, Rpc, Scope};
use hefu_scenario::key;
use hefu_tests::engines::Engine;
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage as _};
use tonic::client::Grpc;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{REGION, reason};
use scene::{Call, NEXT_DOOR, Scene, who};

/// What a caller is told.
type Told = (Code, &'static str);
const NOBODY: Told = (Code::Unauthenticated, "CREDENTIAL_MISSING");
const UNKNOWN: Told = (Code::PermissionDenied, "CALLER_UNKNOWN");
const OVER: Told = (Code::PermissionDenied, "CALLER_REVOKED");
const NO_ROLE: Told = (Code::PermissionDenied, "ROLE_MISSING");

/// A batch's answer by item, as every batch has it.
#[derive(Clone, PartialEq, Message)]
struct EachAnswer {
    #[prost(message, repeated, tag = "1")]
    results: Vec<EachResult>,
}

#[derive(Clone, PartialEq, Message)]
struct EachResult {
    #[prost(bytes = "vec", optional, tag = "1")]
    response: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    error: Option<tonic_types::pb::Status>,
}

/// A list's answer, as every list has it.
#[derive(Clone, PartialEq, Message)]
struct Listed {
    #[prost(bytes = "vec", repeated, tag = "1")]
    items: Vec<Vec<u8>>,
    #[prost(string, tag = "2")]
    next_page_token: String,
}

impl Scene {
    /// A call that must be refused just so.
    async fn refused_as(&self, key: &str, call: &Call, message: DynamicMessage, told: Told) {
        let status = self.api.refused(key, &call.path, message).await;
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            told,
            "{}: {status}",
            call.path
        );
        let details = status.get_error_details();
        let fields = details.bad_request();
        assert!(fields.is_none(), "{} tells of the message", call.path);
    }

    /// A call that must be refused just so, alone and by every way of batching.
    async fn denied(&self, key: &str, call: &Call, told: Told) {
        self.denied_in(REGION, key, call, told).await;
    }

    /// The same, with every name moved to another region.
    async fn denied_in(&self, region: &str, key: &str, call: &Call, told: Told) {
        // Whoever is not the deployment's own operator opens no region, whatever they are elsewhere.
        let told = match call.rpc {
            Rpc::OpenRegion => NO_ROLE,
            _ => told,
        };
        let message = moved(self.message(call, "MODE_ATOMIC"), region);
        self.refused_as(key, call, message, told).await;
        if !call.path.contains("/Batch") {
            return;
        }
        let message = moved(self.message(call, "MODE_EACH"), region);
        let answer = self.api.client.call(key, &call.path, message).await;
        let answer: EachAnswer = answer.unwrap();
        let [item] = answer.results.as_slice() else {
            panic!("{}: {answer:?}", call.path)
        };
        assert_eq!(item.response, None, "{}", call.path);
        let error = item.error.clone().unwrap();
        let status = Status::with_details(
            error.code.into(),
            error.message.clone(),
            error.encode_to_vec().into(),
        );
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            told,
            "{}",
            call.path
        );
    }

    /// A call with that header, or none.
    async fn bare(&self, call: &Call, authorization: Option<&str>) -> Result<EachAnswer, Status> {
        let address = format!("http://{}", self.api.running.address);
        let channel = Endpoint::try_from(address).unwrap().connect_lazy();
        let mut grpc = Grpc::new(channel);
        grpc.ready().await.unwrap();
        let mut request = tonic::Request::new(self.message(call, "MODE_ATOMIC"));
        if let Some(text) = authorization {
            let value = MetadataValue::try_from(text).unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        let path = format!("/voucher.v1.{}", call.path).parse().unwrap();
        let codec = tonic_prost::ProstCodec::<DynamicMessage, EachAnswer>::default();
        let answer = grpc.unary(request, path, codec).await;
        answer.map(tonic::Response::into_inner)
    }
}

/// The same message about another region.
fn moved(message: DynamicMessage, region: &str) -> DynamicMessage {
    if region == REGION {
        return message;
    }
    let descriptor = message.descriptor();
    let (here, there) = (format!("regions/{REGION}"), format!("regions/{region}"));
    let text = serde_json::to_string(&message)
        .unwrap()
        .replace(&here, &there);
    let mut text = serde_json::Deserializer::from_str(&text);
    DynamicMessage::deserialize(descriptor, &mut text).unwrap()
}

async fn whoever_shows_no_credential_or_nonsense_is_turned_away(engine: Engine) {
    let scene = Scene::set(engine).await;
    let before = scene.heads().await;
    let headers = [
        None,
        Some("Basic aGVmdTpoZWZ1"),
        Some("Bearer "),
        Some("Bearer nonsense-that-is-long-enough"),
        Some("Bearer hefu_short"),
        Some("hefu_0123456789012345678901234567890123456789012"),
    ];
    let mut shut = 0;
    for call in scene.calls() {
        for header in headers {
            let answer = scene.bare(&call, header).await;
            if call.rpc.door() == Door::Open {
                let code = answer.err().map(|status| status.code());
                assert_ne!(code, Some(Code::Unauthenticated), "{}", call.path);
                continue;
            }
            let status = answer.unwrap_err();
            let told = (status.code(), reason(&status));
            assert_eq!(told, (NOBODY.0, NOBODY.1.to_owned()), "{}", call.path);
            shut += 1;
        }
    }
    assert!(shut > 100 * headers.len(), "{shut}");
    scene.nothing_written(&before).await;
}

async fn a_credential_without_a_grant_in_force_opens_nothing(engine: Engine) {
    let scene = Scene::set(engine).await;
    let before = scene.heads().await;
    let granted = |call: &Call| call.rpc.door() == Door::Granted;
    for call in scene.calls().iter().filter(|call| granted(call)) {
        scene.denied(&key(4, "stranger"), call, UNKNOWN).await;
        scene.denied(&key(4, "revoked"), call, OVER).await;
        scene.denied(&key(4, "expired"), call, OVER).await;
    }
    scene.nothing_written(&before).await;
}

async fn a_role_calls_what_its_row_says_and_nothing_else(engine: Engine) {
    let scene = Scene::set(engine).await;
    let before = scene.heads().await;
    let mut refused = 0;
    for call in scene.calls() {
        for role in ROLES {
            if call.rpc.scope(*role).is_none() {
                scene.denied(&key(4, &who(*role)), &call, NO_ROLE).await;
                refused += 1;
            }
        }
    }
    assert!(refused > 500, "{refused}");
    scene.nothing_written(&before).await;
}

async fn a_grant_in_one_region_is_none_in_the_next(engine: Engine) {
    let scene = Scene::set(engine).await;
    let before = scene.heads().await;
    let granted = |call: &Call| call.rpc.door() == Door::Granted;
    for call in scene.calls().iter().filter(|call| granted(call)) {
        for role in ROLES {
            // Whoever may call it at home is the one to fear.
            if call.rpc.scope(*role).is_some() {
                let key = key(4, &who(*role));
                scene.denied_in(NEXT_DOOR, &key, call, UNKNOWN).await;
            }
        }
    }
    scene.nothing_written(&before).await;
}

/// What is hidden from this caller, and the same call about nothing: answers that nobody can tell apart.
async fn alike(scene: &Scene, key: &str, call: &Call) {
    let there = scene.message(call, "MODE_ATOMIC");
    let mut nothing = there.clone();
    let field = match call.rpc {
        Rpc::Quote => "voucher",
        _ => "name",
    };
    let name = scene.name(call.rpc);
    let (collection, _) = name.rsplit_once('/').unwrap();
    let missing = match call.rpc {
        Rpc::GetCaller => format!("{collection}/{}", hefu_scenario::credential("nobody")),
        _ => format!("{collection}/01890000-0000-7000-8000-000000000000"),
    };
    nothing.set_field_by_name(field, prost_reflect::Value::String(missing));
    let hidden = scene.api.refused(key, &call.path, there).await;
    let missing = scene.api.refused(key, &call.path, nothing).await;
    assert_eq!(hidden.code(), Code::NotFound, "{}: {hidden}", call.path);
    assert_eq!(hidden.code(), missing.code(), "{}", call.path);
    assert_eq!(hidden.message(), missing.message(), "{}", call.path);
    assert_eq!(hidden.details(), missing.details(), "{}", call.path);
}

/// Reads over things that have an owner, all of which this caller may call and none of which are theirs.
async fn sees_nothing(scene: &Scene, key: &str, role: Role, scope: Scope) {
    let mut asked = 0;
    for call in scene.calls() {
        let theirs = call.rpc.scope(role) == Some(scope);
        // Of institutions and of the catalogue everybody sees what is public; a number finds nobody without a number.
        let public = [
            Rpc::GetInstitution,
            Rpc::ListInstitutions,
            Rpc::GetCatalogueEntry,
            Rpc::ListCatalogueEntries,
            Rpc::FindPerson,
            // A sheet asks for moves, each of which is decided by itself.
            Rpc::ImportSheet,
        ];
        if call.rpc.is_move() || !theirs || public.contains(&call.rpc) {
            continue;
        }
        if call.rpc.name().starts_with("List") {
            let mut message = scene.message(&call, "MODE_ATOMIC");
            message.clear_field_by_name("person");
            message.clear_field_by_name("sheet");
            message.set_field_by_name("page_size", prost_reflect::Value::U32(1));
            let answer = scene.api.client.call(key, &call.path, message).await;
            let listed: Listed = answer.unwrap();
            assert_eq!(listed, Listed::default(), "{}", call.path);
        } else {
            alike(scene, key, &call).await;
        }
        asked += 1;
    }
    assert!(asked >= 3, "{asked}");
}

async fn what_belongs_to_others_reads_as_what_does_not_exist(engine: Engine) {
    let scene = Scene::set(engine).await;
    let before = scene.heads().await;
    let stranger = scene.school.stranger.clone();
    sees_nothing(&scene, &stranger, Role::Institution, Scope::Institution).await;
    // Another holder, with a key of their own.
    let (other, _, _) = scene.api.issued(9).await;
    let holder = key(4, "other-holder");
    let request = hefu_wire::v1::GrantCallerRequest {
        parent: scene.api.office.parent(),
        credential: hefu_scenario::credential(&holder),
        grant: Some(hefu_wire::v1::Grant {
            subject: "other-holder".to_owned(),
            person: "other-holder".to_owned(),
            roles: vec![hefu_wire::v1::Role::Holder.into()],
            holder: other,
            ..hefu_wire::v1::Grant::default()
        }),
        request_id: scene.api.office.fresh("grant"),
        validate_only: false,
    };
    let operator = &scene.api.running.operator_key;
    let method = "AccessService/GrantCaller";
    let _: hefu_wire::v1::GrantCallerResponse =
        hefu_tests::office::must(&scene.api.client, operator, method, request).await;
    let granted = scene.heads().await;
    assert_ne!(before, granted);
    for call in scene.calls() {
        let own = call.rpc.scope(Role::Holder) == Some(Scope::Own);
        match call.rpc {
            Rpc::GetVoucher | Rpc::GetPerson | Rpc::GetCaller | Rpc::Quote => {
                assert!(own);
                alike(&scene, &holder, &call).await;
            }
            _ => {}
        }
    }
    // Nor does a holder learn by registering somebody whether they are registered.
    for person in [0, 99] {
        let office = &scene.api.office;
        let asked = office.registration(person, office.fresh("probe"));
        let method = "PeopleService/RegisterPerson";
        let status = scene.api.refused(&holder, method, asked).await;
        assert_eq!(status.message(), "NOT_YOURS", "{person}");
    }
    scene.nothing_written(&granted).await;
}

async fn nobody_moves_what_belongs_to_another(engine: Engine) {
    let mut scene = Scene::enrolled(engine).await;
    let before = scene.heads().await;
    let mut tried = Vec::new();
    for call in scene.calls() {
        let theirs = call.rpc.scope(Role::Institution) == Some(Scope::Institution);
        if !call.rpc.is_move() || !theirs {
            continue;
        }
        // Some need more than one word a field: `foreign` has them whole.
        let message = scene.message(&call, "MODE_ATOMIC");
        let key = &scene.school.stranger;
        let status = scene.api.refused(key, &call.path, message).await;
        if reason(&status) == "NOT_YOURS" {
            tried.push(call.rpc);
        }
    }
    for rpc in [
        Rpc::Withdraw,
        Rpc::FetchToken,
        Rpc::RegisterAccount,
        Rpc::FinishClass,
        Rpc::CancelClass,
        Rpc::Drop,
        Rpc::Complete,
    ] {
        assert!(
            tried.contains(&rpc),
            "{rpc:?} was not answered with NOT_YOURS"
        );
    }
    foreign(&scene).await;
    scene.nothing_written(&before).await;

    scene.school.train(&scene.api).await;
    let before = scene.heads().await;
    let (_, voucher, token) = scene.school.seats[0].clone();
    let redeem = hefu_wire::v1::RedeemRequest {
        name: voucher,
        token,
        undertaking: vec![7; 32],
        confirmation: Some(hefu_wire::v1::Confirmation {
            by: hefu_wire::v1::ConfirmedBy::Phone.into(),
            evidence: vec![7; 32],
            witness: String::new(),
        }),
        request_id: scene.api.office.fresh("foreign"),
        validate_only: false,
    };
    not_yours(&scene, "RedemptionService/Redeem", redeem).await;
    scene.nothing_written(&before).await;

    scene.sheet = scene.school.claim(&scene.api).await;
    let before = scene.heads().await;
    let submit = hefu_wire::v1::SubmitClaimRequest {
        name: scene.sheet.clone(),
        request_id: scene.api.office.fresh("foreign"),
        validate_only: false,
    };
    not_yours(&scene, "RedemptionService/SubmitClaim", submit).await;
    scene.nothing_written(&before).await;
}

/// A whole request of a stranger about what is the school's: they hear that it is not theirs, and nothing else.
async fn not_yours<Q: Message + Clone + 'static>(scene: &Scene, method: &str, message: Q) {
    let key = &scene.school.stranger;
    let status = scene.api.refused(key, method, message).await;
    assert_eq!(status.code(), Code::PermissionDenied, "{method}: {status}");
    assert_eq!(status.message(), "NOT_YOURS", "{method}");
}

/// Whole requests of a stranger about the school's class and vouchers.
async fn foreign(scene: &Scene) {
    use hefu_wire::v1;
    let (api, school) = (&scene.api, &scene.school);
    let fresh = || api.office.fresh("foreign");
    let (_, voucher, token) = school.seats[0].clone();
    let number = hefu_tests::canaries::person(0).identity;
    let file = v1::FileClassRequest {
        request_id: fresh(),
        ..school.filing("room-9", 10)
    };
    not_yours(scene, "TrainingService/FileClass", file).await;
    let change = v1::ChangeClassRequest {
        name: school.class.clone(),
        filing: school.filing("room-1", 11).filing,
        request_id: fresh(),
        validate_only: false,
    };
    not_yours(scene, "TrainingService/ChangeClass", change).await;
    let enrol = v1::EnrolRequest {
        name: voucher.clone(),
        class: school.class.clone(),
        token: token.clone(),
        identity_number: number,
        request_id: fresh(),
        validate_only: false,
    };
    not_yours(scene, "TrainingService/Enrol", enrol).await;
    let record = v1::RecordAttendanceRequest {
        name: school.class.clone(),
        slot: 0,
        entries: school.entries(),
        request_id: fresh(),
        validate_only: false,
    };
    not_yours(scene, "TrainingService/RecordAttendance", record).await;
    let late = v1::RequestLateEntryRequest {
        name: school.class.clone(),
        slot: 1,
        entries: school.entries(),
        reason: "TERMINAL_BROKEN".to_owned(),
        evidence: vec![7; 32],
        request_id: fresh(),
        validate_only: false,
    };
    not_yours(scene, "TrainingService/RequestLateEntry", late).await;
    let employed = v1::RecordEmploymentRequest {
        name: school.class.clone(),
        seats: vec![v1::Employed {
            seat: 0,
            status: v1::employed::Status::Excluded.into(),
            reason: "ILLNESS".to_owned(),
            ..v1::Employed::default()
        }],
        request_id: fresh(),
        validate_only: false,
    };
    not_yours(scene, "TrainingService/RecordEmployment", employed).await;
    let line = v1::FileCatalogueEntryRequest {
        parent: api.office.parent(),
        entry: Some(v1::CatalogueLine {
            institution: school.name.clone(),
            capacity: v1::Capacity::TrainingBody.into(),
            occupation: crate::school::OCCUPATION.to_owned(),
            plan_year: 2023,
        }),
        request_id: fresh(),
        validate_only: false,
        details: None,
    };
    not_yours(scene, "RegistryService/FileCatalogueEntry", line).await;
}

on_both! {
    whoever_shows_no_credential_or_nonsense_is_turned_away
    a_credential_without_a_grant_in_force_opens_nothing
    a_role_calls_what_its_row_says_and_nothing_else
    a_grant_in_one_region_is_none_in_the_next
    what_belongs_to_others_reads_as_what_does_not_exist
    nobody_moves_what_belongs_to_another
}
