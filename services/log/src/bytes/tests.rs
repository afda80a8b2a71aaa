use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn text<T: Serialize + ?Sized>(value: &T) -> String {
    String::from_utf8(canonical(value).unwrap()).unwrap()
}

fn refusal<T: Serialize + ?Sized>(value: &T) -> String {
    canonical(value).unwrap_err().to_string()
}

#[test]
fn keys_stand_in_utf16_order_as_in_rfc_8785() {
    // RFC 8785, 3.2.3, its values replaced by short ones.
    let value = json!({
        "\u{20ac}": "euro", "\r": "return", "\u{fb33}": "dalet", "1": "one",
        "\u{1f600}": "face", "\u{80}": "control", "\u{f6}": "o",
    });
    assert_eq!(
        text(&value),
        "{\"\\r\":\"return\",\"1\":\"one\",\"\u{80}\":\"control\",\"\u{f6}\":\"o\",\"\u{20ac}\":\"euro\",\
         \"\u{1f600}\":\"face\",\"\u{fb33}\":\"dalet\"}"
    );
}

#[test]
fn strings_are_escaped_as_in_rfc_8785() {
    // RFC 8785, 3.2.2.2: the string of its example, then every short escape.
    let value = "\u{20ac}$\u{f}\nA'B\"\\\\\"/";
    assert_eq!(text(value), "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"");
    assert_eq!(
        text("\u{8}\t\n\u{c}\r\u{1f}\u{7f}"),
        "\"\\b\\t\\n\\f\\r\\u001f\u{7f}\""
    );
}

#[test]
fn structures_nest_as_in_rfc_8785() {
    // From the test data of RFC 8785's author, "structures.json", without its float, true to its order.
    let value: Value = serde_json::from_str(
        r#"{ "1": {"f": {"f": "hi","F": 5} ,"\n": 56}, "10": { }, "": "empty", "a": { }, "111": [ {"e": "yes","E": "no" } ], "A": { } }"#,
    )
    .unwrap();
    assert_eq!(
        text(&value),
        r#"{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}"#
    );
}

#[derive(Serialize)]
struct Claim<'a> {
    voucher: &'a str,
    amount_fen: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<u8>,
    how: How,
    days: BTreeMap<u16, bool>,
}

#[derive(Serialize)]
enum How {
    Plain,
    Wrapped(i8),
    Pair(u8, char),
    Named { z: u8, a: u8 },
}

#[test]
fn every_shape_of_type_is_put_in_order() {
    let claim = |how, note| Claim {
        voucher: "v",
        amount_fen: 100,
        note,
        how,
        days: BTreeMap::from([(2, true), (10, false)]),
    };
    let days = r#""days":{"10":false,"2":true}"#;
    let rest = r#""voucher":"v"}"#;
    for (how, written) in [
        (How::Plain, r#""Plain""#),
        (How::Wrapped(-3), r#"{"Wrapped":-3}"#),
        (How::Pair(1, '县'), r#"{"Pair":[1,"县"]}"#),
        (How::Named { z: 1, a: 2 }, r#"{"Named":{"a":2,"z":1}}"#),
    ] {
        let expected = format!(r#"{{"amount_fen":100,{days},"how":{written},{rest}"#);
        assert_eq!(text(&claim(how, None)), expected);
    }
    let expected = format!(r#"{{"amount_fen":100,{days},"how":"Plain","note":7,{rest}"#);
    assert_eq!(text(&claim(How::Plain, Some(7))), expected);
}

#[test]
fn integers_end_where_a_double_would_lie() {
    assert_eq!(
        text(&[MAX_INTEGER as i64, -(MAX_INTEGER as i64)]),
        "[9007199254740991,-9007199254740991]"
    );
    for beyond in [
        json!(MAX_INTEGER + 1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(-(MAX_INTEGER as i64) - 1),
    ] {
        assert_eq!(
            refusal(&beyond),
            "cannot be logged: an integer beyond 2^53 - 1",
            "{beyond}"
        );
    }
    assert!(canonical(&u128::MAX).is_err() && canonical(&i128::MIN).is_err());
    assert!(canonical(&HashMap::from([(u64::MAX, 1)])).is_err());
}

#[test]
fn what_has_no_single_text_is_refused_with_its_place() {
    assert_eq!(
        refusal(&json!({"a": [1, {"b": null}]})),
        "cannot be logged at a.1.b: null"
    );
    assert_eq!(
        refusal(&json!({"rate": 0.8})),
        "cannot be logged at rate: a float"
    );
    assert_eq!(
        refusal(&BTreeMap::from([("x", None::<u8>)])),
        "cannot be logged at x: null"
    );
    assert_eq!(refusal(&()), "cannot be logged: null");
    let raw = serde_json::value::RawValue::from_string("{\"b\":1, \"a\":2}".into()).unwrap();
    assert!(refusal(&raw).contains("raw JSON"));
    assert!(refusal(&BTreeMap::from([(true, 1)])).contains("a key that is neither"));
}

#[test]
fn a_key_twice_is_refused_wherever_it_stands() {
    #[derive(Serialize)]
    struct Flat {
        z: u8,
        a: u8,
        #[serde(flatten)]
        more: BTreeMap<String, u8>,
    }
    for key in ["a", "z"] {
        let value = Flat {
            z: 1,
            a: 2,
            more: BTreeMap::from([(key.to_owned(), 3)]),
        };
        assert_eq!(
            refusal(&value),
            format!("cannot be logged at {key}: a key twice")
        );
    }
}

#[test]
fn an_event_may_be_65535_bytes_long_and_no_longer() {
    assert_eq!(
        canonical(&"x".repeat(MAX_BYTES - 2)).unwrap().len(),
        MAX_BYTES
    );
    assert_eq!(
        canonical(&"x".repeat(MAX_BYTES - 1)),
        Err(LogError::TooLarge { bytes: 65_536 })
    );
}

#[test]
fn nesting_ends_at_a_depth_that_every_reader_takes() {
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    assert!(is_canonical(&canonical(&nested(MAX_DEPTH)).unwrap()));
    assert!(refusal(&nested(MAX_DEPTH + 1)).ends_with("nested too deep"));
}

#[test]
fn any_other_spelling_is_not_canonical() {
    assert!(is_canonical(br#"{"a":[1,-2,true,"\n"],"b":{}}"#));
    for spelling in [
        r#"{"b":1,"a":2}"#,
        r#"{"a":1,"a":1}"#,
        r#"{"a": 1}"#,
        r#"{"a":1}x"#,
        r#"{"a":1.0}"#,
        r#"{"a":1e2}"#,
        r#"{"a":-0}"#,
        r#"{"a":null}"#,
        r#"{"a":"\u000a"}"#,
        r#"{"a":"\/"}"#,
        r#"{"a":"\u000F"}"#,
        r#"{"a":9007199254740992}"#,
        r#"{"a":"\ud800"}"#,
        "",
        "{",
        "\u{feff}1",
    ] {
        assert!(!is_canonical(spelling.as_bytes()), "{spelling}");
    }
    assert!(!is_canonical(b"\"\xff\""));
    let escapes = r#"["\b\t\n\f\r\"\\\u0000\u000b\u001f/"]"#;
    assert!(is_canonical(escapes.as_bytes()));
    // Half a surrogate pair sorts before U+E000 and comes after it in UTF-8: keys go by UTF-16.
    assert!(is_canonical("{\"\u{10000}\":1,\"\u{e000}\":2}".as_bytes()));
    assert!(!is_canonical("{\"\u{e000}\":2,\"\u{10000}\":1}".as_bytes()));
    // An escaped key sorts by what it spells: a line feed before a blank.
    assert!(is_canonical(br#"{"\n":1," ":2}"#));
    assert!(!is_canonical(br#"{" ":2,"\n":1}"#));
    assert!(!is_canonical(&[b'['; 60_000]));
}

/// Values that can be logged, keys from all of Unicode included.
fn loggable() -> impl Strategy<Value = Value> {
    let limit = MAX_INTEGER as i64;
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-limit..=limit).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(
                "\\PC{0,3}|[\u{e000}-\u{10ffff}]|[\\x00-\\x7f]{0,4}",
                inner,
                0..6
            )
            .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// What being canonical means, the long way: read into a value and written again, the bytes are the same.
fn rewritten(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_BYTES
        && serde_json::from_slice::<Value>(bytes)
            .ok()
            .and_then(|value| canonical(&value).ok())
            .is_some_and(|again| again == bytes)
}

proptest! {
    #[test]
    fn canonical_bytes_read_back_as_the_same_value(value in loggable()) {
        let bytes = canonical(&value).unwrap();
        prop_assert_eq!(&serde_json::from_slice::<Value>(&bytes).unwrap(), &value);
        prop_assert!(is_canonical(&bytes));
    }

    #[test]
    fn another_implementation_of_rfc_8785_writes_the_same_bytes(value in loggable()) {
        prop_assert_eq!(canonical(&value).unwrap(), serde_json_canonicalizer::to_vec(&value).unwrap());
    }

    #[test]
    fn the_order_in_which_members_come_does_not_show(
        members in prop::collection::vec((any::<String>(), any::<u32>()), 0..12),
    ) {
        struct Members(Vec<(String, u32)>);
        impl Serialize for Members {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
            }
        }
        let unique: HashMap<_, _> = members.into_iter().collect();
        let mut members: Vec<_> = unique.into_iter().collect();
        let written = canonical(&Members(members.clone())).unwrap();
        members.reverse();
        prop_assert_eq!(&canonical(&Members(members.clone())).unwrap(), &written);
        members.sort();
        prop_assert_eq!(&canonical(&Members(members)).unwrap(), &written);
    }

    #[test]
    fn one_pass_accepts_what_reading_and_writing_again_would_not_change(
        value in loggable(),
        at in any::<prop::sample::Index>(),
        edit in prop_oneof![any::<u8>().prop_map(Some), Just(None), Just(Some(b'"')), Just(Some(b'0'))],
        insert in any::<bool>(),
    ) {
        let mut bytes = canonical(&value).unwrap();
        prop_assert!(rewritten(&bytes));
        let at = at.index(bytes.len());
        match edit {
            Some(byte) if insert => bytes.insert(at, byte),
            Some(byte) => bytes[at] = byte,
            None => drop(bytes.remove(at)),
        }
        prop_assert_eq!(is_canonical(&bytes), rewritten(&bytes), "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_bytes_make_the_check_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        is_canonical(&bytes);
    }
}
