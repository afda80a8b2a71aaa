//! Whoever holds a log's key may sign anything at all. Whatever stands in an event, an auditor who replays it and decides it again
//! says what is wrong with it, or takes it; nothing in it stops the audit.

use hefu_audit::Auditor;
use hefu_domain::Region;
use hefu_log::{Envelope, MAX_INTEGER, Opened};
use serde_json::{Value, json};

use crate::support::*;

/// A training and an assessment, from application to write-off.
const LIVES: [&str; 2] = [
    "
    voucher v1 general
    class   c1 general days=3 from=2023-06-05
    enrol   v1 c1
    teach   c1
    complete v1
    redeem  v1
    submit  c1#1
    approve c1#1
    at      2023-07-10
    send    c1#1
    paid    c1#1
    write-off v1",
    "
    voucher v1 assessment
    session s1
    at      2023-07-03
    assess  v1 s1 fail
    assess  v1 s1 pass
    redeem  v1
    finish-session s1
    submit  s1#1
    certificate v1
    answer  p-v1 skill_subsidy_right no
    approve s1#1
    at      2023-07-12
    send    s1#1
    paid    s1#1
    write-off v1",
];

/// What may stand in the place of a number, and of a text.
fn numbers() -> [Value; 5] {
    let most = MAX_INTEGER as i64;
    [json!(0), json!(-1), json!(1), json!(most), json!(-most)]
}

fn texts() -> [Value; 4] {
    [
        json!(""),
        json!("2023-02-30"),
        json!("9999-12-31T23:59:59.999Z"),
        json!("x".repeat(300)),
    ]
}

/// Every body that differs from this one in one place.
fn spoilt(body: &Value) -> Vec<Value> {
    match body {
        Value::Number(_) => numbers().to_vec(),
        Value::String(_) => texts().to_vec(),
        Value::Bool(is) => vec![json!(!is)],
        Value::Array(items) => {
            let with = |at: usize, item: Value| {
                let mut items = items.clone();
                items[at] = item;
                Value::Array(items)
            };
            let inside = items.iter().enumerate().take(3);
            let inside =
                inside.flat_map(|(at, item)| spoilt(item).into_iter().map(move |item| (at, item)));
            let mut all: Vec<Value> = inside.map(|(at, item)| with(at, item)).collect();
            all.push(json!([]));
            all.push(Value::Array(items.iter().chain(items).cloned().collect()));
            all
        }
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| spoilt(value).into_iter().map(move |value| (name, value)))
            .map(|(name, value)| {
                let mut fields = fields.clone();
                fields.insert(name.clone(), value);
                Value::Object(fields)
            })
            .chain(fields.keys().map(|name| {
                let mut fields = fields.clone();
                fields.remove(name);
                Value::Object(fields)
            }))
            .collect(),
        Value::Null => Vec::new(),
    }
}

/// The same event with another body.
fn with_body(event: &Opened<Value>, body: &Value) -> Option<Vec<u8>> {
    let encoded = Envelope {
        region: &event.region,
        index: event.index,
        at: &event.at,
        kind: &event.kind,
        stream: &event.stream,
        version: event.version,
        prev: event.prev,
        caller: &event.caller,
        request: &event.request,
        digest: &event.digest,
        policy: event.policy,
        body,
    };
    Some(encoded.encode().ok()?.bytes)
}

/// What the log is found to be with one of its events replaced: whether it fails, or has findings.
fn audited(region: &Region, log: &[Vec<u8>], at: usize, event: &[u8]) -> bool {
    let mut auditor = Auditor::new(region.clone(), true);
    log[..at].iter().for_each(|bytes| auditor.feed(bytes));
    auditor.feed(event);
    log[at + 1..].iter().for_each(|bytes| auditor.feed(bytes));
    let audited = auditor.end();
    audited.log.is_err() || !audited.findings.is_empty()
}

#[test]
fn whatever_stands_in_an_event_the_audit_comes_to_its_end() {
    let (mut tried, mut found) = (0, 0);
    for life in LIVES {
        let mut town = county();
        check_on(&mut town, life);
        let log = town.stored.events.clone();
        for (at, bytes) in log.iter().enumerate() {
            let event: Opened<Value> = Opened::decode(bytes).unwrap();
            // A policy has thousands of places: some of them.
            let step = if bytes.len() > 4_000 { 41 } else { 1 };
            for body in spoilt(&event.body).iter().step_by(step) {
                let spoilt = with_body(&event, body);
                let Some(spoilt) = spoilt.filter(|spoilt| spoilt != bytes) else {
                    continue;
                };
                tried += 1;
                found += usize::from(audited(&town.region, &log, at, &spoilt));
            }
        }
    }
    assert!(tried > 1_000, "{tried} events were made up");
    assert!(found > tried / 2, "{found} of {tried} were found out");
}
