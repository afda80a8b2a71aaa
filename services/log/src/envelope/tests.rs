use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::*;
use crate::is_canonical;

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
#[serde(deny_unknown_fields)]
struct Redeemed {
    voucher: String,
    amount_fen: u64,
}

fn redeemed() -> Envelope<'static, Redeemed> {
    Envelope {
        region: "140725",
        index: 41,
        at: "2026-03-02T08:30:00.125Z",
        kind: "Redeemed",
        stream: "voucher/0190f3a4-5b1c-7cc1-8e55-1f6f0c9d2a11",
        version: 4,
        prev: Some(leaf_hash(b"the event before")),
        caller: "school-a",
        request: "0190f3a4-5b1c-7cc1-8e55-1f6f0c9d2a12",
        digest: "q0Zk-_8",
        policy: Some(3),
        body: Redeemed {
            voucher: "v1".to_owned(),
            amount_fen: 100_000,
        },
    }
}

#[test]
fn the_stored_bytes_are_these_for_ever() {
    let encoded = redeemed().encode().unwrap();
    assert_eq!(
        std::str::from_utf8(&encoded.bytes).unwrap(),
        "{\"at\":\"2026-03-02T08:30:00.125Z\",\"body\":{\"amount_fen\":100000,\"voucher\":\"v1\"},\
         \"caller\":\"school-a\",\"digest\":\"q0Zk-_8\",\"index\":41,\"kind\":\"Redeemed\",\"policy\":3,\
         \"prev\":\"uSLU5GMQ4YnFeAxhCn9GhfBXNDJV0KdP15Q_ehjE9es\",\
         \"region\":\"140725\",\"request\":\"0190f3a4-5b1c-7cc1-8e55-1f6f0c9d2a12\",\
         \"stream\":\"voucher/0190f3a4-5b1c-7cc1-8e55-1f6f0c9d2a11\",\"v\":1,\"version\":4}"
    );
    assert_eq!(
        encoded.leaf.to_string(),
        "jSuCguAx-CeGfGtJxO1ls7HHqPA43Mw779pLJvndS7A"
    );
    assert!(is_canonical(&encoded.bytes));
}

#[test]
fn an_event_reads_back_as_it_was() {
    let event = redeemed();
    let bytes = event.encode().unwrap().bytes;
    let opened = Opened::<Redeemed>::decode(&bytes).unwrap();
    assert_eq!(opened.body, event.body);
    assert_eq!(
        (opened.index, opened.version, opened.policy),
        (41, 4, Some(3))
    );
    assert_eq!((opened.prev, opened.at.as_str()), (event.prev, event.at));
    assert_eq!(
        (opened.region, opened.kind, opened.stream),
        ("140725".into(), "Redeemed".into(), event.stream.into())
    );
    assert_eq!(
        (opened.caller, opened.request, opened.digest),
        ("school-a".into(), event.request.into(), "q0Zk-_8".into())
    );
    let raw: Opened<Box<RawValue>> = Opened::decode(&bytes).unwrap();
    assert_eq!(raw.body.get(), r#"{"amount_fen":100000,"voucher":"v1"}"#);
}

#[test]
fn the_first_event_of_a_stream_has_neither_prev_nor_a_null_in_its_place() {
    let first = Envelope {
        version: 1,
        prev: None,
        policy: None,
        ..redeemed()
    };
    let bytes = first.encode().unwrap().bytes;
    let text = std::str::from_utf8(&bytes).unwrap();
    assert!(!text.contains("prev") && !text.contains("policy") && !text.contains("null"));
    let opened = Opened::<Redeemed>::decode(&bytes).unwrap();
    assert_eq!((opened.prev, opened.policy), (None, None));
}

#[test]
fn an_envelope_that_breaks_its_rules_is_neither_written_nor_read() {
    let wrong = |field: &'static str, event: Envelope<'_, Redeemed>| {
        let refused = event.encode();
        assert!(
            matches!(refused, Err(LogError::Envelope { field: f, .. }) if f == field),
            "{field}: {refused:?}"
        );
        let bytes = canonical(&event).unwrap();
        let refused = Opened::<Redeemed>::decode(&bytes).map(|_| ());
        assert!(
            matches!(refused, Err(LogError::Envelope { field: f, .. }) if f == field),
            "{field}: {refused:?}"
        );
    };
    wrong(
        "region",
        Envelope {
            region: "",
            ..redeemed()
        },
    );
    wrong(
        "kind",
        Envelope {
            kind: "",
            ..redeemed()
        },
    );
    wrong(
        "stream",
        Envelope {
            stream: "",
            ..redeemed()
        },
    );
    wrong(
        "caller",
        Envelope {
            caller: "",
            ..redeemed()
        },
    );
    wrong(
        "request",
        Envelope {
            request: "",
            ..redeemed()
        },
    );
    wrong(
        "digest",
        Envelope {
            digest: "",
            ..redeemed()
        },
    );
    wrong(
        "digest",
        Envelope {
            digest: "ab+/",
            ..redeemed()
        },
    );
    wrong(
        "version",
        Envelope {
            version: 0,
            prev: None,
            ..redeemed()
        },
    );
    wrong(
        "prev",
        Envelope {
            prev: None,
            ..redeemed()
        },
    );
    wrong(
        "prev",
        Envelope {
            version: 1,
            ..redeemed()
        },
    );
    wrong(
        "at",
        Envelope {
            at: "2026-03-02T08:30:00Z",
            ..redeemed()
        },
    );
    let beyond = Envelope {
        index: MAX_INTEGER + 1,
        ..redeemed()
    };
    assert!(matches!(
        beyond.encode(),
        Err(LogError::Envelope { field: "index", .. })
    ));
}

#[test]
fn bytes_that_are_no_envelope_do_not_open() {
    let good = String::from_utf8(redeemed().encode().unwrap().bytes).unwrap();
    for (why, wrong) in [
        ("a field too many", good.replacen('{', "{\"aa\":1,", 1)),
        (
            "a field missing",
            good.replace("\"caller\":\"school-a\",", ""),
        ),
        ("a field twice", good.replacen('{', "{\"index\":41,", 1)),
        ("another format", good.replace("\"v\":1", "\"v\":2")),
        ("no format", good.replace("\"v\":1,", "")),
        (
            "a null policy",
            good.replace("\"policy\":3", "\"policy\":null"),
        ),
        (
            "a hash cut short",
            good.replace("\"prev\":\"", "\"prev\":\"A"),
        ),
        ("a strange body", good.replace("amount_fen", "amount")),
        ("something behind it", format!("{good} 1")),
        ("nothing", String::new()),
    ] {
        assert!(
            matches!(
                Opened::<Redeemed>::decode(wrong.as_bytes()),
                Err(LogError::Decode(_))
            ),
            "{why}"
        );
    }
    assert!(matches!(
        Opened::<Redeemed>::decode(b"\xff"),
        Err(LogError::Decode(_))
    ));
    let long = Opened::<Redeemed>::decode(&vec![b' '; 65_536]).map(|_| ());
    assert_eq!(long, Err(LogError::TooLarge { bytes: 65_536 }));
}

#[test]
fn a_body_that_cannot_be_logged_is_named_by_its_place() {
    let event = redeemed();
    let Envelope {
        region,
        index,
        at,
        kind,
        stream,
        version,
        prev,
        caller,
        request,
        digest,
        policy,
        ..
    } = event;
    let body = serde_json::json!({"share": 0.8});
    let event = Envelope {
        region,
        index,
        at,
        kind,
        stream,
        version,
        prev,
        caller,
        request,
        digest,
        policy,
        body,
    };
    assert_eq!(
        event.encode().unwrap_err().to_string(),
        "cannot be logged at body.share: a float"
    );
}

#[test]
fn instants_have_one_form_and_exist() {
    for good in [
        "2026-11-30T23:59:59.999Z",
        "2024-02-29T00:00:00.000Z",
        "2000-02-29T00:00:00.000Z",
    ] {
        assert!(is_instant(good), "{good}");
    }
    for wrong in [
        "",
        "2026-11-30",
        "2026-11-30T23:59:59Z",
        "2026-11-30T23:59:59.99Z",
        "2026-11-30T23:59:59.9999Z",
        "2026-11-30 23:59:59.999Z",
        "2026-11-30T23:59:59.999z",
        "2026-11-30T23:59:59.999+",
        "2026-11-31T00:00:00.000Z",
        "2026-13-01T00:00:00.000Z",
        "2026-00-01T00:00:00.000Z",
        "2026-01-00T00:00:00.000Z",
        "2025-02-29T00:00:00.000Z",
        "2100-02-29T00:00:00.000Z",
        "2026-01-01T24:00:00.000Z",
        "2026-01-01T00:60:00.000Z",
        "2026-01-01T00:00:60.000Z",
        "+026-01-01T00:00:00.000Z",
        "２026-01-01T00:00:00.0Z",
    ] {
        assert!(!is_instant(wrong), "{wrong}");
    }
}

proptest! {
    #[test]
    fn whatever_is_written_opens_and_is_canonical(
        region in "\\PC{1,12}", index in 0..=MAX_INTEGER, kind in "\\PC{1,12}", stream in ".{1,40}",
        version in 1_u64..1000, caller in ".{1,20}", policy: Option<u32>, amount_fen in 0..=MAX_INTEGER,
    ) {
        let prev = (version > 1).then(|| leaf_hash(stream.as_bytes()));
        let body = Redeemed { voucher: caller.clone(), amount_fen };
        let (region, kind, stream, caller) = (region.as_str(), kind.as_str(), stream.as_str(), caller.as_str());
        let event = Envelope { region, index, kind, stream, version, prev, caller, policy, body, ..redeemed() };
        let encoded = event.encode().unwrap();
        prop_assert!(is_canonical(&encoded.bytes));
        prop_assert_eq!(encoded.leaf, leaf_hash(&encoded.bytes));
        let opened = Opened::<Redeemed>::decode(&encoded.bytes).unwrap();
        prop_assert_eq!((opened.index, opened.prev, opened.policy, opened.body), (index, prev, policy, event.body));
        prop_assert_eq!((opened.stream.as_str(), opened.caller.as_str()), (stream, caller));
    }

    #[test]
    fn a_view_stands_for_the_bytes_that_are_canonical_and_open(
        first: bool, policy: Option<u32>, caller in ".{1,8}",
        at in any::<prop::sample::Index>(),
        edit in prop_oneof![any::<u8>().prop_map(Some), Just(None), Just(Some(b'"')), Just(Some(b'1'))],
        insert: bool, edited: bool,
    ) {
        let chained = redeemed();
        let (version, prev) = if first { (1, None) } else { (chained.version, chained.prev) };
        let mut bytes = Envelope { version, prev, policy, caller: &caller, ..chained }.encode().unwrap().bytes;
        let at = at.index(bytes.len());
        match edit {
            _ if !edited => {}
            Some(byte) if insert => bytes.insert(at, byte),
            Some(byte) => bytes[at] = byte,
            None => drop(bytes.remove(at)),
        }
        let opened = Opened::<Box<RawValue>>::decode(&bytes);
        let view = View::read(&bytes);
        prop_assert_eq!(view.is_ok(), is_canonical(&bytes) && opened.is_ok(), "{:?} {:?}", view, opened);
        if let (Ok(view), Ok(opened)) = (view, opened) {
            prop_assert_eq!((view.index, view.version, view.policy), (opened.index, opened.version, opened.policy));
            prop_assert_eq!((view.at, view.prev, view.body), (opened.at.as_str(), opened.prev, opened.body.get()));
            let spelt = |text: &str| serde_json::from_str::<String>(&format!("\"{text}\"")).unwrap();
            prop_assert_eq!(
                [view.region, view.kind, view.stream, view.caller, view.request].map(spelt),
                [opened.region, opened.kind, opened.stream, opened.caller, opened.request]
            );
        }
    }

    #[test]
    fn no_bytes_make_opening_panic(bytes: Vec<u8>) {
        let _ = Opened::<Box<RawValue>>::decode(&bytes);
        let _ = View::read(&bytes).map(drop);
    }
}
