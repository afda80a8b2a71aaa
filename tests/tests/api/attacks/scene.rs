//! Who attacks, and with what: a caller of every kind, and a message for every RPC of the descriptors.

use std::collections::BTreeMap;

use hefu_domain::{ROLES, Role, Rpc};
use hefu_scenario::{credential, key};
use hefu_tests::engines::Engine;
use hefu_tests::office::must;
use hefu_wire::v1;
use prost_reflect::{
    DescriptorPool, DynamicMessage, Kind, MessageDescriptor, MethodDescriptor, Value,
};

use crate::school::School;
use crate::{Api, REGION};

/// A region next door, open and without any grant to those who attack it.
pub(super) const NEXT_DOOR: &str = "140727";

/// A training body's sheet under public notice, and callers of every kind.
pub(super) struct Scene {
    pub(super) api: Api,
    pub(super) school: School,
    pub(super) sheet: String,
    pub(super) pool: DescriptorPool,
}

/// One RPC of the descriptors.
pub(super) struct Call {
    pub(super) rpc: Rpc,
    pub(super) path: String,
    method: MethodDescriptor,
}

impl Call {
    /// What the RPC takes.
    pub(super) fn input(&self) -> MessageDescriptor {
        self.method.input()
    }

    /// Whether it answers with many messages.
    pub(super) fn streams(&self) -> bool {
        self.method.is_server_streaming()
    }
}

impl Scene {
    /// Two people sit in a class; nobody has attacked yet, and no sheet stands.
    pub(super) async fn enrolled(engine: Engine) -> Scene {
        let api = Api::start_on(engine).await;
        let mut school = School::open(&api).await;
        school.enrol(&api, 2).await;
        let pool = DescriptorPool::decode(hefu_wire::FILE_DESCRIPTOR_SET).unwrap();
        let sheet = format!("regions/{REGION}/sheets/01890000-0000-7000-8000-000000000000");
        Scene {
            api,
            school,
            sheet,
            pool,
        }
    }

    pub(super) async fn set(engine: Engine) -> Scene {
        let mut scene = Scene::enrolled(engine).await;
        scene.school.train(&scene.api).await;
        scene.sheet = scene.school.claim(&scene.api).await;
        scene.school.approve(&scene.api, &scene.sheet).await;
        for role in ROLES {
            scene.grant(&who(*role), *role, None).await;
        }
        scene.grant("revoked", Role::Clerk, None).await;
        scene.revoke("revoked").await;
        // It runs out while the sheet is under notice still.
        let end = "2023-05-26T00:00:00.000Z".parse().unwrap();
        scene.grant("expired", Role::Clerk, Some(end)).await;
        scene.api.stand_at("2023-05-26T02:00:00.000Z");
        scene
    }

    /// Grants a role; an institution's is the school's.
    async fn grant(&self, who: &str, role: Role, expires: Option<hefu_domain::Instant>) {
        let (api, name) = (&self.api, format!("attacker-{who}"));
        let outside = matches!(role, Role::Institution | Role::Assessor);
        let institution = match outside {
            true => self.school.name.clone(),
            false => String::new(),
        };
        let wire = serde_json::to_value(role).unwrap();
        let wire = format!("ROLE_{}", wire.as_str().unwrap().to_uppercase());
        let request = v1::GrantCallerRequest {
            parent: api.office.parent(),
            credential: credential(&key(4, who)),
            grant: Some(v1::Grant {
                subject: name.clone(),
                person: name,
                roles: vec![v1::Role::from_str_name(&wire).unwrap().into()],
                institution,
                expires: expires.map(hefu_wire::show::timestamp),
                ..v1::Grant::default()
            }),
            request_id: api.office.fresh("grant"),
            validate_only: false,
        };
        let operator = &api.running.operator_key;
        let method = "AccessService/GrantCaller";
        let _: v1::GrantCallerResponse = must(&api.client, operator, method, request).await;
    }

    async fn revoke(&self, who: &str) {
        let credential = credential(&key(4, who));
        let revoke = v1::RevokeCallerRequest {
            name: format!("{}/credentials/{credential}", self.api.office.parent()),
            request_id: self.api.office.fresh("revoke"),
            validate_only: false,
        };
        let operator = &self.api.running.operator_key;
        let method = "AccessService/RevokeCaller";
        let _: v1::RevokeCallerResponse = must(&self.api.client, operator, method, revoke).await;
    }

    /// Every RPC of the API with its row.
    pub(super) fn calls(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        for service in self.pool.services() {
            if service.package_name() != "voucher.v1" {
                continue;
            }
            for method in service.methods() {
                let rpc = Rpc::named(service.name(), method.name());
                let rpc = rpc.unwrap_or_else(|| panic!("{} has no row", method.full_name()));
                calls.push(Call {
                    rpc,
                    path: format!("{}/{}", service.name(), method.name()),
                    method,
                });
            }
        }
        calls
    }

    /// The name that an RPC is about.
    pub(super) fn name(&self, rpc: Rpc) -> String {
        let in_region = |rest: &str| format!("regions/{REGION}/{rest}");
        let of = |parts: &[&str]| parts.iter().any(|part| rpc.name().contains(part));
        match rpc.name() {
            "GetHead" | "GetCheckpoint" => format!("regions/{REGION}"),
            "GetPolicy" => in_region("policies/2023"),
            "GetCalendar" => in_region("calendars/2023"),
            "AppropriateFunds" | "AllocateFunds" | "GetAccount" | "RequestTopUp" => {
                in_region("planYears/2023/accounts/city")
            }
            "GetCatalogueEntry"
            | "ChangeCatalogueEntry"
            | "RefuseCatalogueEntry"
            | "SuspendCatalogueEntry"
            | "StrikeOffCatalogueEntry" => format!(
                "{}/catalogueEntries/training-{}-2023",
                self.school.name,
                crate::school::OCCUPATION
            ),
            "GetReport" => in_region("reports/progress"),
            "Inspect" => self.school.class.clone(),
            "CreditPoints" | "RestoreCredit" => self.school.name.clone(),
            _ if of(&["Sample"]) => in_region("samples/01890000-0000-7000-8000-000000000000"),
            _ if of(&["Inspection"]) => {
                in_region("inspections/01890000-0000-7000-8000-000000000000")
            }
            _ if of(&["Finding", "Rectify", "Recheck"]) => {
                in_region("findings/01890000-0000-7000-8000-000000000000")
            }
            _ if of(&["Flag"]) => in_region("flags/01890000-0000-7000-8000-000000000000"),
            "DecideObjection" => format!("{}/objections/0", self.sheet),
            "Complete" | "Drop" | "Enrol" => self.school.seats[0].1.clone(),
            _ if of(&["PlanYear", "SetTargets"]) => in_region("planYears/2023"),
            _ if of(&["Caller", "Deputy"]) => {
                let operator = credential(&self.api.running.operator_key);
                in_region(&format!("credentials/{operator}"))
            }
            _ if of(&["Person", "CheckAnswers"]) => self.school.seats[0].0.clone(),
            _ if of(&["Institution", "Account"]) => self.school.name.clone(),
            _ if of(&["Session"]) => in_region("sessions/01890000-0000-7000-8000-000000000000"),
            _ if of(&["Class", "Attendance", "LateEntry", "Employment", "Template"]) => {
                self.school.class.clone()
            }
            _ if of(&[
                "Claim",
                "Sheet",
                "Notice",
                "RaiseObjection",
                "StrikeOut",
                "Payout",
            ]) =>
            {
                self.sheet.clone()
            }
            _ => self.school.seats[0].1.clone(),
        }
    }

    /// A message for a call: names of what is there, and as much of the rest as one word fits.
    pub(super) fn message(&self, call: &Call, mode: &str) -> DynamicMessage {
        let mut message = self.filled(call.rpc, call.method.input());
        if message.has_field_by_name("requests") {
            let mode = self
                .pool
                .get_enum_by_name("voucher.v1.Mode")
                .unwrap()
                .get_value_by_name(mode)
                .unwrap();
            message.set_field_by_name("mode", Value::EnumNumber(mode.number()));
        }
        message
    }

    /// Makes a move's message a dry run's, and every item's of a batch.
    pub(super) fn only_asked(&self, message: &mut DynamicMessage) {
        const DRY: &str = "validate_only";
        // Those without the field are reads.
        let _ = message.try_set_field_by_name(DRY, Value::Bool(true));
        if let Some(items) = message.get_field_by_name_mut("requests") {
            let Value::List(items) = items else { return };
            for item in items.iter_mut() {
                let Value::Message(item) = item else { continue };
                let _ = item.try_set_field_by_name(DRY, Value::Bool(true));
            }
        }
    }

    fn filled(&self, rpc: Rpc, descriptor: prost_reflect::MessageDescriptor) -> DynamicMessage {
        let (person, voucher, token) = &self.school.seats[0];
        let mut words: BTreeMap<&str, String> = [
            ("parent", format!("regions/{REGION}")),
            ("name", self.name(rpc)),
            ("person", person.clone()),
            ("holder", person.clone()),
            ("class", self.school.class.clone()),
            ("sheet", self.sheet.clone()),
            ("token", token.clone()),
            ("reason", "HARDSHIP".to_owned()),
            ("reference", "ATTACK-1".to_owned()),
            ("as_of", "2023-05-25".to_owned()),
            ("template", "attendance".to_owned()),
            ("account_name", "样例账户".to_owned()),
            ("account_number", "6200000000000009".to_owned()),
        ]
        .into();
        words.insert("request_id", self.api.office.fresh("attack"));
        if rpc == Rpc::Quote {
            words.insert("voucher", voucher.clone());
        }
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields() {
            match (field.kind(), field.is_list()) {
                (Kind::String, false) => {
                    if let Some(word) = words.get(field.name()) {
                        message.set_field(&field, Value::String(word.clone()));
                    }
                }
                (Kind::Bytes, false) => {
                    message.set_field(&field, Value::Bytes(vec![7; 32].into()));
                }
                (Kind::Int64, false) => message.set_field(&field, Value::I64(1)),
                (Kind::Message(item), true) if field.name() == "requests" => {
                    let item = Value::Message(self.filled(rpc, item));
                    message.set_field(&field, Value::List(vec![item]));
                }
                _ => {}
            }
        }
        message
    }

    /// Every region's head: what was written shows in one of them. A city's log grows by itself, by the checkpoints of those below.
    pub(super) async fn heads(&self) -> BTreeMap<String, (u64, Vec<u8>)> {
        let (client, operator) = (&self.api.client, &self.api.running.operator_key);
        let all = v1::ListRegionsRequest::default();
        let regions: v1::ListRegionsResponse =
            must(client, operator, "PolicyService/ListRegions", all).await;
        let mut heads = BTreeMap::new();
        for region in regions.regions {
            let get = v1::GetHeadRequest {
                name: region.name.clone(),
            };
            let head: v1::Head = must(client, operator, "AuditService/GetHead", get).await;
            heads.insert(region.name, (head.size, head.root));
        }
        assert_eq!(heads.len(), 12);
        heads
    }

    /// Nothing was written since, in any region, but what the server itself records in its cities' logs.
    pub(super) async fn nothing_written(&self, before: &BTreeMap<String, (u64, Vec<u8>)>) {
        let after = self.heads().await;
        for (region, head) in before {
            if after[region] == *head {
                continue;
            }
            let list = v1::ListEventsRequest {
                parent: region.clone(),
                from_index: head.0,
                page_size: 1_000,
            };
            let operator = &self.api.running.operator_key;
            let method = "AuditService/ListEvents";
            let page: v1::ListEventsResponse = must(&self.api.client, operator, method, list).await;
            for event in page.events {
                assert_eq!(
                    event.kind, "CheckpointsRecorded",
                    "{region} {}",
                    event.index
                );
            }
        }
    }
}

/// The attacker of a role, whose key is `key(4, …)`.
pub(super) fn who(role: Role) -> String {
    format!("{role:?}").to_lowercase()
}
