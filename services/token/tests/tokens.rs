//! Voucher tokens as the outside world meets them. The golden tokens were made by another implementation (Python's
//! `cryptography` and `json`) from the same seed and claims, so they pin the format and not only our own habits.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the test's answer"
)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use hefu_domain::{Fen, Instant, Programme, Tag, VoucherId, VoucherKind};
use hefu_token::{
    Claims, KeySet, PublicKey, Signer, Status, StatusReference, TokenError, same_hash,
    status_list_uri, token_hash,
};
use proptest::prelude::*;
use uuid::Uuid;

const ISS: &str = "voucher.example.cn";
const EXP: i64 = 1_701_360_000;
const IN_DATE: Instant = Instant(1_690_000_000_000);

const TRAINING: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6IjFJRzJ0TUg3SjJ3Ykpabk9mOExKelFpdEtmN0xNdm9BRWxzdURNVk01NFkiLCJ0eXAiOiJ0ditqd3QifQ.eyJpc3MiOiJ2b3VjaGVyLmV4YW1wbGUuY24iLCJqdGkiOiIwMTkwYTVlMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJpYXQiOjE2ODU1Nzc2MDAsImV4cCI6MTcwMTM2MDAwMCwicmVnaW9uIjoiMTQwNzI1IiwicHJnIjoiZ2VuZXJhbCIsImtpbmQiOiJ0cmFpbmluZyIsImNhcCI6MTAwMDAwLCJoYiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHciLCJzZXJpYWwiOjEsInN0YXR1cyI6eyJzdGF0dXNfbGlzdCI6eyJpZHgiOjQwMzIxLCJ1cmkiOiJodHRwczovL3ZvdWNoZXIuZXhhbXBsZS5jbi9zdGF0dXMvMTQwNzI1LzAifX19.rGLN5URhzg67saXQOreVMhb4NpoSkaPkTjZL_7a6MMwUCCPzdH2dzLJmb8HgOI2rXEiWYCCATrfYx8KTRSMZBA";
const TRAINING_HASH: &str = "i-TSUEzMjXVE8SLCpsfTb9sk92Tb-jKsCpyZR0V6IUY";
const ASSESSMENT: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6IjFJRzJ0TUg3SjJ3Ykpabk9mOExKelFpdEtmN0xNdm9BRWxzdURNVk01NFkiLCJ0eXAiOiJ0ditqd3QifQ.eyJpc3MiOiJ2b3VjaGVyLmV4YW1wbGUuY24iLCJqdGkiOiIwMTkwYTVlMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDIiLCJpYXQiOjE2ODU1Nzc2MDAsImV4cCI6MTcwMTM2MDAwMCwicmVnaW9uIjoiMTQwNzAwIiwicHJnIjoiYXNzZXNzbWVudCIsImtpbmQiOiJhc3Nlc3NtZW50IiwiY2FwIjowLCJoYiI6Il9fX19fX19fX19fX19fX19fX19fX3ciLCJzZXJpYWwiOjQyOTQ5NjcyOTUsInN0YXR1cyI6eyJzdGF0dXNfbGlzdCI6eyJpZHgiOjY1NTM1LCJ1cmkiOiJodHRwczovL3ZvdWNoZXIuZXhhbXBsZS5jbi9zdGF0dXMvMTQwNzAwLzE3In19fQ.S37wA7ZgbjZb8AqZx9d327LvHzZyTrXxaTpOJsIRFL7a9fTXnluBACZvZ-EygTklilqleTLCNLHjHLSHcoadBw";
const ASSESSMENT_HASH: &str = "RDstfuJpbbLJzU9LY9EjGYklIJLTx7Oz1zFK_fkeJrI";

/// The bytes 0, 1, 2, … 31.
fn seed() -> [u8; 32] {
    std::array::from_fn(|i| i as u8)
}

fn signer() -> Signer {
    Signer::from_seed(&seed())
}

fn key_set() -> KeySet {
    let mut set = KeySet::new(ISS);
    set.insert(signer().public().clone(), None);
    set
}

fn training() -> Claims {
    Claims {
        iss: ISS.to_owned(),
        jti: "0190a5e0-0000-7000-8000-000000000001".parse().unwrap(),
        iat: 1_685_577_600,
        exp: EXP,
        region: "140725".parse().unwrap(),
        prg: Programme::General,
        kind: VoucherKind::Training,
        cap: Fen::yuan(1000),
        hb: Tag(std::array::from_fn(|i| i as u8)),
        serial: 1,
        status: listed(40_321, ISS, "140725", 0),
    }
}

/// What a token of that issuer and region says of its status.
fn listed(idx: u32, iss: &str, region: &str, list: u64) -> Status {
    let uri = status_list_uri(iss, &region.parse().unwrap(), list);
    Status {
        status_list: StatusReference { idx, uri },
    }
}

fn assessment() -> Claims {
    Claims {
        jti: "0190a5e0-0000-7000-8000-000000000002".parse().unwrap(),
        region: "140700".parse().unwrap(),
        prg: Programme::Assessment,
        kind: VoucherKind::Assessment,
        cap: Fen::ZERO,
        hb: Tag([0xff; 16]),
        serial: u32::MAX,
        status: listed(65_535, ISS, "140700", 17),
        ..training()
    }
}

fn header_of(alg: &str, typ: &str) -> String {
    format!(
        r#"{{"alg":"{alg}","kid":"{}","typ":"{typ}"}}"#,
        signer().kid()
    )
}

/// A genuine signature of the right key over any header and payload: what a careless issuer might have made.
fn forge(header: &str, payload: &str) -> String {
    let signed = [header, payload]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".");
    let signature = SigningKey::from_bytes(&seed()).sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn good_payload() -> String {
    serde_json::to_string(&training()).unwrap()
}

fn refused(token: &str, because: TokenError) {
    assert_eq!(key_set().verify(token, IN_DATE), Err(because), "{token}");
}

#[test]
fn the_golden_tokens_are_signed_byte_for_byte_and_verified() {
    for (claims, token, hash) in [
        (training(), TRAINING, TRAINING_HASH),
        (assessment(), ASSESSMENT, ASSESSMENT_HASH),
    ] {
        assert_eq!(signer().sign(&claims), token);
        assert_eq!(token_hash(token).to_string(), hash);
        assert_eq!(key_set().verify(token, IN_DATE), Ok(claims));
    }
    assert!(same_hash(
        &token_hash(TRAINING),
        &TRAINING_HASH.parse().unwrap()
    ));
    assert!(!same_hash(&token_hash(TRAINING), &token_hash(ASSESSMENT)));
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let set = key_set();
    for position in 0..TRAINING.len() {
        for bit in 0..7 {
            let mut bytes = TRAINING.as_bytes().to_vec();
            bytes[position] ^= 1 << bit;
            let token = String::from_utf8(bytes).unwrap();
            assert!(
                set.verify(&token, IN_DATE).is_err(),
                "bit {bit} of byte {position}"
            );
        }
    }
}

#[test]
fn a_token_cut_short_or_lengthened_is_refused() {
    let set = key_set();
    for length in 0..TRAINING.len() {
        assert!(
            set.verify(&TRAINING[..length], IN_DATE).is_err(),
            "{length} bytes"
        );
    }
    for extra in [".", "..", "=", "==", "A", " ", "\n", "."] {
        assert!(
            set.verify(&format!("{TRAINING}{extra}"), IN_DATE).is_err(),
            "{extra:?} behind"
        );
        assert!(
            set.verify(&format!("{extra}{TRAINING}"), IN_DATE).is_err(),
            "{extra:?} before"
        );
    }
}

#[test]
fn anything_but_three_parts_is_refused_as_such() {
    let parts: Vec<&str> = TRAINING.split('.').collect();
    refused("", TokenError::Shape);
    refused("..", TokenError::Shape);
    refused(&parts[..2].join("."), TokenError::Shape);
    refused(&format!("{}..{}", parts[0], parts[2]), TokenError::Shape);
    refused(&format!("{TRAINING}."), TokenError::Shape);
    refused(&format!("{TRAINING}.{}", parts[2]), TokenError::Shape);
}

#[test]
fn the_token_does_not_choose_its_algorithm() {
    refused(
        &forge(&header_of("none", "tv+jwt"), &good_payload()),
        TokenError::WrongAlgorithm,
    );
    refused(
        &forge(&header_of("HS256", "tv+jwt"), &good_payload()),
        TokenError::WrongAlgorithm,
    );
    refused(
        &forge(&header_of("eddsa", "tv+jwt"), &good_payload()),
        TokenError::WrongAlgorithm,
    );
    let none = forge(&header_of("none", "tv+jwt"), &good_payload());
    let unsigned = &none[..=none.rfind('.').unwrap()];
    assert!(key_set().verify(unsigned, IN_DATE).is_err());
}

#[test]
fn another_type_of_token_is_refused() {
    for typ in ["JWT", "jwt", "TV+JWT", "application/tv+jwt", ""] {
        refused(
            &forge(&header_of("EdDSA", typ), &good_payload()),
            TokenError::WrongType,
        );
    }
}

#[test]
fn a_header_with_more_less_or_repeated_fields_is_refused() {
    let kid = signer().kid().to_owned();
    let x = signer().public().x();
    for header in [
        format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
        r#"{"alg":"EdDSA","typ":"tv+jwt"}"#.to_owned(),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"tv+jwt","crit":["exp"]}}"#),
        format!(
            r#"{{"alg":"EdDSA","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{x}"}},"kid":"{kid}","typ":"tv+jwt"}}"#
        ),
        format!(r#"{{"alg":"none","alg":"EdDSA","kid":"{kid}","typ":"tv+jwt"}}"#),
        format!(r#"["EdDSA","{kid}"]"#),
        format!(r#"["EdDSA","{kid}","tv+jwt"]"#),
        format!(r#"{{"kid":"{kid}","alg":"EdDSA","typ":"tv+jwt"}}"#),
        format!(r#"{{"alg":"EdDSA", "kid":"{kid}","typ":"tv+jwt"}}"#),
        "not json".to_owned(),
        String::from("{}"),
    ] {
        refused(&forge(&header, &good_payload()), TokenError::Header);
    }
}

#[test]
fn another_keys_token_is_refused() {
    let other = Signer::from_seed(&[7; 32]);
    refused(&other.sign(&training()), TokenError::UnknownKey);

    // Under our key's name, too.
    let payload = TRAINING.split('.').nth(1).unwrap();
    let signed = format!("{}.{payload}", TRAINING.split('.').next().unwrap());
    let signature = SigningKey::from_bytes(&[7; 32]).sign(signed.as_bytes());
    refused(
        &format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())),
        TokenError::BadSignature,
    );
}

#[test]
fn a_token_expires_at_its_exp_and_not_a_millisecond_before() {
    let set = key_set();
    assert!(set.verify(TRAINING, Instant(EXP * 1000 - 1)).is_ok());
    assert_eq!(
        set.verify(TRAINING, Instant(EXP * 1000)),
        Err(TokenError::Expired)
    );
    assert_eq!(
        set.verify(TRAINING, Instant(i64::MAX)),
        Err(TokenError::Expired)
    );
}

#[test]
fn another_deployments_token_is_refused_though_the_key_is_the_same() {
    let claims = Claims {
        iss: "voucher.example.com".to_owned(),
        status: listed(40_321, "voucher.example.com", "140725", 0),
        ..training()
    };
    refused(&signer().sign(&claims), TokenError::WrongIssuer);
}

#[test]
fn claims_that_no_voucher_has_are_refused() {
    for claims in [
        Claims {
            iat: -1,
            ..training()
        },
        Claims {
            exp: training().iat,
            ..training()
        },
        Claims {
            cap: Fen(-1),
            ..training()
        },
        Claims {
            kind: VoucherKind::Assessment,
            ..training()
        },
        Claims {
            status: listed(65_536, ISS, "140725", 0),
            ..training()
        },
        Claims {
            status: listed(40_321, ISS, "140727", 0),
            ..training()
        },
        Claims {
            status: listed(40_321, "voucher.example.com", "140725", 0),
            ..training()
        },
    ] {
        refused(&signer().sign(&claims), TokenError::Claims);
    }
    let header = header_of("EdDSA", "tv+jwt");
    let known = good_payload();
    for payload in [
        known.replace(r#""serial":1"#, r#""serial":1,"admin":true"#),
        known.replace(r#","serial":1"#, ""),
        known.replace(r#""serial":1"#, r#""serial":1,"serial":2"#),
        known.replace(r#""cap":100000"#, r#""cap":1000.5"#),
        known.replace("140725", "14072x"),
        known.replace("/140725/0", "/140725/00"),
        known.replace("/140725/0", "/140725/-1"),
        known.replace("https://", "http://"),
        known.replace(r#""idx":40321"#, r#""idx":40321,"bits":2"#),
        known.replace("general", "generous"),
        format!("{known} {known}"),
        format!("{known} "),
        known.replace("0190a5e0", "0190A5E0"),
    ] {
        refused(&forge(&header, &payload), TokenError::Claims);
    }
}

#[test]
fn a_long_token_is_refused_before_any_work() {
    refused(&"A".repeat(2049), TokenError::TooLong);
    refused(
        &format!("{TRAINING}{}", "A".repeat(2048)),
        TokenError::TooLong,
    );
}

#[test]
fn a_retired_key_verifies_until_its_last_token_expires_and_signs_nothing_longer() {
    let mut set = KeySet::new(ISS);
    set.insert(Signer::from_seed(&[9; 32]).public().clone(), None);
    set.insert(signer().public().clone(), Some(EXP));
    assert!(set.verify(TRAINING, IN_DATE).is_ok());
    let stolen = signer().sign(&Claims {
        exp: EXP + 1,
        ..training()
    });
    assert_eq!(set.verify(&stolen, IN_DATE), Err(TokenError::KeyRetired));

    set.drop_expired(Instant(EXP * 1000 - 1));
    assert!(set.verify(TRAINING, IN_DATE).is_ok());
    set.drop_expired(Instant(EXP * 1000));
    assert_eq!(set.verify(TRAINING, IN_DATE), Err(TokenError::UnknownKey));
    assert!(
        set.verify(&Signer::from_seed(&[9; 32]).sign(&training()), IN_DATE)
            .is_ok()
    );
}

#[test]
fn the_key_set_document_is_that_of_rfc_8037() {
    assert_eq!(
        key_set().jwks_json(),
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg","kid":"1IG2tMH7J2wbJZnOf8LJzQitKf7LMvoAElsuDMVM54Y","alg":"EdDSA","use":"sig"}]}"#
    );
    assert_eq!(KeySet::new(ISS).jwks_json(), r#"{"keys":[]}"#);
}

#[test]
fn a_public_key_survives_its_own_bytes() {
    let key = signer().public().clone();
    assert_eq!(PublicKey::from_bytes(key.suite(), key.as_bytes()), Ok(key));
}

proptest! {
    #[test]
    fn whatever_is_signed_comes_back_as_it_was(
        id: u128, iat in 0i64..4_000_000_000, life in 1i64..100_000_000, cap in 0i64..(1 << 53), hb: [u8; 16], serial: u32,
        idx: u16, list: u64,
        prg in prop::sample::select(Programme::ALL.to_vec()), secret: [u8; 32],
    ) {
        let signer = Signer::from_seed(&secret);
        let claims = Claims {
            jti: VoucherId(Uuid::from_u128(id)), iat, exp: iat + life, prg, kind: prg.kind(), cap: Fen(cap), hb: Tag(hb), serial,
            status: listed(idx.into(), ISS, "140725", list), ..training()
        };
        let mut set = KeySet::new(ISS);
        set.insert(signer.public().clone(), None);
        let token = signer.sign(&claims);
        prop_assert_eq!(&token, &signer.sign(&claims));
        prop_assert_eq!(set.verify(&token, Instant(iat * 1000)), Ok(claims));
    }

    #[test]
    fn no_text_makes_the_verifier_panic_or_accept(text in "[A-Za-z0-9_.=-]{0,200}|.{0,60}") {
        prop_assert!(key_set().verify(&text, IN_DATE).is_err());
    }
}
