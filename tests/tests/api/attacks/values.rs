//! Hostile values in every field of every RPC: statements for a database, characters that nobody sees, numbers at their edges,
//! enumerators that nobody defined. Each call is sent by whoever may make it.

use hefu_domain::{Door, ROLES, Rpc};
use hefu_scenario::key;
use hefu_tests::engines::Engine;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use tonic::Code;

use crate::reason;

use super::scene::{Call, Scene, who};

/// What a database, a shell, a page or a terminal would take for more than text.
const STATEMENTS: [&str; 4] = [
    "'; DROP TABLE event; --",
    "x' OR '1'='1",
    "%00$(reboot)`reboot`",
    "<script>alert(1)</script>",
];
/// Text that is not what it looks like: a NUL, a direction override, a space of no width.
const HIDDEN: [&str; 3] = ["样\u{0}例", "样\u{202e}例", "样\u{200b}例"];
/// A letter in two pieces: text for people keeps it as it is, and nothing else takes it.
const UNNORMALISED: &str = "e\u{301}";

/// An answer of which nothing is read.
#[derive(Clone, PartialEq, prost::Message)]
struct Unread {}

/// A field of a message, and the path by which it is named.
struct Place {
    path: Vec<FieldDescriptor>,
}

impl Place {
    fn field(&self) -> &FieldDescriptor {
        self.path.last().unwrap()
    }

    fn name(&self) -> String {
        let names: Vec<&str> = self.path.iter().map(|field| field.name()).collect();
        names.join(".")
    }

    /// Puts a value there, through whatever messages lie between; the lists on the way get one element.
    fn put(&self, message: &mut DynamicMessage, value: Value) {
        put(message, &self.path, value);
    }
}

fn put(message: &mut DynamicMessage, path: &[FieldDescriptor], value: Value) {
    let (field, rest) = path.split_first().unwrap();
    if rest.is_empty() {
        let value = if field.is_list() {
            Value::List(vec![value])
        } else {
            value
        };
        message.set_field(field, value);
        return;
    }
    if field.is_list() {
        let mut items = message.get_field(field).as_list().unwrap().to_vec();
        if items.is_empty() {
            items.push(Value::Message(DynamicMessage::new(kind(field))));
        }
        let Value::Message(first) = &mut items[0] else {
            panic!("a list of messages")
        };
        put(first, rest, value);
        message.set_field(field, Value::List(items));
    } else {
        put(
            message.get_field_mut(field).as_message_mut().unwrap(),
            rest,
            value,
        );
    }
}

fn kind(field: &FieldDescriptor) -> MessageDescriptor {
    match field.kind() {
        Kind::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

/// Every field of a message and of those within it, none twice on one path.
fn places(message: &MessageDescriptor, path: &[FieldDescriptor], found: &mut Vec<Place>) {
    for field in message.fields() {
        if field.is_map() || path.contains(&field) {
            continue;
        }
        let path = [path, std::slice::from_ref(&field)].concat();
        match field.kind() {
            Kind::Message(inner) if inner.package_name() == "voucher.v1" => {
                places(&inner, &path, found);
            }
            _ => found.push(Place { path }),
        }
    }
}

/// Whether no field takes it: text in which something is hidden, and what stands for no enumerator.
fn refused(value: &Value) -> bool {
    match value {
        Value::String(text) => HIDDEN.contains(&text.as_str()),
        Value::EnumNumber(_) => true,
        _ => false,
    }
}

/// The items of an atomic batch have one request id, the batch's; theirs is not looked at.
fn of_a_group(place: &str) -> bool {
    place == "requests.request_id"
}

impl Scene {
    /// The key of somebody who may make a call.
    fn admitted(&self, call: &Call) -> String {
        let role = ROLES.iter().find(|role| call.rpc.scope(**role).is_some());
        match (call.rpc.door(), role) {
            (Door::Granted, Some(role)) if call.rpc != Rpc::OpenRegion => key(4, &who(*role)),
            _ => self.api.running.operator_key.clone(),
        }
    }
}

async fn no_value_of_any_field_breaks_the_server_or_is_written(engine: Engine) {
    let scene = Scene::set(engine).await;
    let before = scene.heads().await;
    let mut sent = 0;
    for call in scene.calls() {
        let key = scene.admitted(&call);
        let mut found = Vec::new();
        places(&call.input(), &[], &mut found);
        for place in found {
            let values: Vec<Value> = match place.field().kind() {
                Kind::String => {
                    let texts = STATEMENTS.iter().chain(&HIDDEN).chain([&UNNORMALISED]);
                    texts
                        .map(|text| Value::String((*text).to_owned()))
                        .collect()
                }
                Kind::Int64 => [i64::MIN, -1, 0, i64::MAX].map(Value::I64).to_vec(),
                Kind::Int32 => [i32::MIN, -1, i32::MAX].map(Value::I32).to_vec(),
                Kind::Uint64 => [0, u64::MAX].map(Value::U64).to_vec(),
                Kind::Uint32 => [0, u32::MAX].map(Value::U32).to_vec(),
                Kind::Enum(_) => [-1, 99, i32::MAX].map(Value::EnumNumber).to_vec(),
                Kind::Bytes => vec![Value::Bytes(vec![0; 100_000].into())],
                _ => continue,
            };
            for value in values {
                let mut message = scene.message(&call, "MODE_ATOMIC");
                place.put(&mut message, value.clone());
                scene.only_asked(&mut message);
                let answer = scene
                    .api
                    .client
                    .call::<_, Unread>(&key, &call.path, message)
                    .await;
                sent += 1;
                let place = place.name();
                let status = match answer {
                    Ok(Unread {}) => {
                        assert!(
                            !refused(&value) || of_a_group(&place),
                            "{} {place} took {value:?}",
                            call.path
                        );
                        continue;
                    }
                    Err(status) => status,
                };
                // A stream that ends without a message is no answer to a client that waits for one.
                let ours = matches!(
                    status.code(),
                    Code::Internal | Code::Unknown | Code::Unavailable | Code::DataLoss
                );
                assert!(
                    !ours || call.streams(),
                    "{} {place} {value:?}: {status}",
                    call.path
                );
                // A token is compared and never read; what is not there has no place for a wrong word.
                let read = !place.ends_with("token") && status.code() != Code::NotFound;
                if refused(&value) && read && !of_a_group(&place) {
                    assert_eq!(
                        status.code(),
                        Code::InvalidArgument,
                        "{} {place} {value:?}: {status}",
                        call.path
                    );
                    assert_eq!(reason(&status), "BAD_FIELD", "{} {place}", call.path);
                }
            }
        }
    }
    assert!(sent > 4_000, "{sent}");
    scene.nothing_written(&before).await;
}

on_both! {
    no_value_of_any_field_breaks_the_server_or_is_written
}
