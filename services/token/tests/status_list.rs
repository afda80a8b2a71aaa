//! Status lists against the draft's own examples and test vectors, read by a reader that shares nothing with the writer.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the test's answer"
)]

use std::io::Read as _;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hefu_domain::{Instant, TokenStatus};
use hefu_token::{KeySet, ListTimes, Signer, StatusList, TokenError, status_list_uri};
use proptest::prelude::*;
use serde_json::Value;

/// draft-ietf-oauth-status-list-17, section 4.2: `byte_array = [0xc9, 0x44, 0xf9]`.
const EXAMPLE: &str = "eNo76fITAAPfAgc";
const EXAMPLE_ENTRIES: [u8; 12] = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];

/// The same draft, appendix "Test vectors for Status List encoding", two bits: 2^20 entries, all 0 but these.
const VECTOR: &str = "eNrt2zENACEQAEEuoaBABP5VIO01fCjIHTMStt9ovGVIAAAAAABAbiEBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEB5WwIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAID0ugQAAAAAAAAAAAAAAAAAQG12SgAAAAAAAAAAAAAAAAAAAAAAAAAAAOCSIQEAAAAAAAAAAAAAAAAAAAAAAAD8ExIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwJEuAQAAAAAAAAAAAAAAAAAAAAAAAMB9SwIAAAAAAAAAAAAAAAAAAACoYUoAAAAAAAAAAAAAAEBqH81gAQw";
const VECTOR_ENTRIES: [(u32, u8); 11] = [
    (0, 1),
    (1_993, 2),
    (25_460, 1),
    (159_495, 3),
    (495_669, 1),
    (554_353, 1),
    (645_645, 2),
    (723_232, 1),
    (854_545, 1),
    (934_534, 2),
    (1_000_345, 3),
];

/// What `lst` inflates to.
fn inflated(lst: &str) -> Vec<u8> {
    let zlib = URL_SAFE_NO_PAD.decode(lst).unwrap();
    let mut bytes = Vec::new();
    flate2::read::ZlibDecoder::new(&zlib[..])
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// An entry, as section 8.3 has it read: two bits of its byte, the first entry in the lowest.
fn entry(bytes: &[u8], idx: u32) -> u8 {
    bytes[idx as usize / 4] >> (idx % 4 * 2) & 0b11
}

fn list_of(entries: u32, set: &[(u32, u8)]) -> StatusList {
    let mut list = StatusList::new(entries);
    for (idx, value) in set {
        list.set(*idx, TokenStatus::ALL[usize::from(*value)]);
    }
    list
}

/// `lst` as it is signed.
fn lst(list: &StatusList) -> String {
    let claims = signed(list);
    claims["status_list"]["lst"].as_str().unwrap().to_owned()
}

const TIMES: ListTimes = ListTimes {
    iat: 1_685_577_600,
    exp: 1_685_581_200,
    ttl: 60,
};

fn signer() -> Signer {
    Signer::from_seed(&std::array::from_fn(|i| i as u8))
}

fn token(list: &StatusList) -> String {
    let uri = status_list_uri("voucher.example.cn", &"140725".parse().unwrap(), 3);
    signer().sign_status_list(&uri, &list.encode(), TIMES)
}

/// The claims of the signed list.
fn signed(list: &StatusList) -> Value {
    let token = token(list);
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn the_drafts_example_is_packed_to_its_bytes() {
    let set: Vec<(u32, u8)> = (0..).zip(EXAMPLE_ENTRIES).collect();
    let ours = inflated(&lst(&list_of(12, &set)));
    assert_eq!(ours, [0xc9, 0x44, 0xf9]);
    assert_eq!(ours, inflated(EXAMPLE));
}

#[test]
fn the_drafts_test_vector_is_packed_to_its_bytes() {
    let ours = inflated(&lst(&list_of(1 << 20, &VECTOR_ENTRIES)));
    assert_eq!(ours.len(), (1 << 20) / 4);
    assert!(ours == inflated(VECTOR), "another byte array");
    for (idx, value) in VECTOR_ENTRIES {
        assert_eq!(entry(&ours, idx), value, "{idx}");
    }
}

#[test]
fn a_signed_list_says_where_it_is_served_and_how_long_it_holds() {
    let list = list_of(1 << 16, &[(65_535, 3)]);
    let token = token(&list);
    let header = URL_SAFE_NO_PAD
        .decode(token.split('.').next().unwrap())
        .unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(
        header,
        serde_json::json!({"alg": "EdDSA", "kid": signer().kid(), "typ": "statuslist+jwt"})
    );
    let claims = signed(&list);
    assert_eq!(claims["sub"], "https://voucher.example.cn/status/140725/3");
    let times = ["iat", "exp", "ttl"].map(|name| claims[name].as_i64().unwrap());
    assert_eq!(times, [TIMES.iat, TIMES.exp, 60]);
    assert_eq!(claims["status_list"]["bits"], 2);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key =
        ed25519_dalek::VerifyingKey::from_bytes(signer().public().as_bytes().try_into().unwrap());
    let signature = ed25519_dalek::Signature::from_slice(&signature).unwrap();
    key.unwrap()
        .verify_strict(signed.as_bytes(), &signature)
        .unwrap();
}

#[test]
fn a_list_is_no_voucher_though_the_same_key_signed_it() {
    let mut set = KeySet::new("voucher.example.cn");
    set.insert(signer().public().clone(), None);
    let token = signer().sign_status_list("https://x", &StatusList::new(12).encode(), TIMES);
    assert_eq!(
        set.verify(&token, Instant(TIMES.iat * 1_000)),
        Err(TokenError::WrongType)
    );
}

#[test]
fn a_list_is_as_long_however_many_of_its_places_are_taken() {
    let none = inflated(&lst(&StatusList::new(1 << 16)));
    let all: Vec<(u32, u8)> = (0..1 << 16).map(|idx| (idx, (idx % 4) as u8)).collect();
    let all = inflated(&lst(&list_of(1 << 16, &all)));
    assert_eq!((none.len(), all.len()), (16_384, 16_384));
    assert!(none.iter().all(|byte| *byte == 0));
}

proptest! {
    #[test]
    fn every_entry_is_read_as_it_was_last_set(set in prop::collection::vec((0u32..500, 0u8..4), 0..200)) {
        let bytes = inflated(&lst(&list_of(500, &set)));
        for idx in 0..500 {
            let last = set.iter().rev().find(|(at, _)| *at == idx).map_or(0, |(_, value)| *value);
            prop_assert_eq!(entry(&bytes, idx), last);
        }
    }
}
