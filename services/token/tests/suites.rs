//! Token keys of the suite `sm2-sm3`: where it is built, beside those of Ed25519 and never for them; where it is not, an
//! error that says what to build.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the test's answer"
)]

use std::fs;

use hefu_domain::Instant;
use hefu_suite::SuiteError;
use hefu_token::keys::{self, KeyError, KeyFile, Use};
use hefu_token::{Suite, TokenError};

const SPRING: Instant = Instant(1_680_000_000_000);

/// The claims of `TRAINING` in `tokens.rs`, signed by OpenSSL 3.0 with the key of GB/T 32918.5 annex A
/// (`openssl pkeyutl -sign -rawin -digest sm3 -pkeyopt distid:1234567812345678`, r and s in 32 bytes each).
#[cfg(feature = "sm2-sm3")]
const OPENSSL: &str = "eyJhbGciOiJTTTIiLCJraWQiOiJsZ1ZzblZxZEtzRkxKMnE0eTJsNmdBQ1dhQ09FUWNXUWIxdDMwajRRNmZVIiwidHlwIjoidHYrand0In0.eyJpc3MiOiJ2b3VjaGVyLmV4YW1wbGUuY24iLCJqdGkiOiIwMTkwYTVlMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJpYXQiOjE2ODU1Nzc2MDAsImV4cCI6MTcwMTM2MDAwMCwicmVnaW9uIjoiMTQwNzI1IiwicHJnIjoiZ2VuZXJhbCIsImtpbmQiOiJ0cmFpbmluZyIsImNhcCI6MTAwMDAwLCJoYiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHciLCJzZXJpYWwiOjEsInN0YXR1cyI6eyJzdGF0dXNfbGlzdCI6eyJpZHgiOjQwMzIxLCJ1cmkiOiJodHRwczovL3ZvdWNoZXIuZXhhbXBsZS5jbi9zdGF0dXMvMTQwNzI1LzAifX19.oR-z8Tnbb6_Ykr99kpD3-gMvKfD1bFF1LcG08zHMwowkPe80DnEWKA0Hz-hMiKR17skBPEQQOwxjneYMjJqB1A";

/// An empty folder of the test's own; it is in the system's temporary folder, which forgets it.
fn folder(test: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("hefu-suites-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// A key file as a build with the suite writes it, of d = 1: its public half is the curve's base point.
fn write_sm2_file(dir: &std::path::Path, suite: &str) {
    let text = format!(
        "hefu signing key, version 2\nuse: token\nsuite: {suite}\ncreated: {SPRING}\nkid: {KID}\nseed: {SEED}\n"
    );
    hefu_token::private_file::create(
        &dir.join(format!("token-{}.key", &KID[..8])),
        text.as_bytes(),
    )
    .unwrap();
}

const KID: &str = "y7AjrEynNOtAO0yKBlF9CLhdziAQ9HjaV_uKxJlJ1iY";
const SEED: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE";

#[test]
fn a_file_of_an_unknown_suite_says_which_are_known() {
    let dir = folder("unknown");
    write_sm2_file(&dir, "sm9-sm3");
    let refusal = keys::load(&dir, Use::Token).unwrap_err().to_string();
    assert!(refusal.contains(&KID[..8]), "{refusal}");
    assert!(
        refusal.ends_with(
            "no suite is called \"sm9-sm3\": this version knows ed25519-sha256 and sm2-sm3"
        ),
        "{refusal}"
    );
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_key_of_a_suite_that_is_not_built_says_what_to_build() {
    let dir = folder("not-built");
    let made = keys::new_key_of(&dir, (Use::Token, Suite::Sm2Sm3), &[1; 32], SPRING);
    let public = hefu_token::PublicKey::from_bytes(Suite::Sm2Sm3, &[4; 65]);
    assert_eq!(
        public,
        Err(TokenError::WeakKey),
        "off the curve, or not built"
    );
    if Suite::Sm2Sm3.is_built() {
        assert_eq!(made.unwrap().suite(), Suite::Sm2Sm3);
    } else {
        let missing = SuiteError::NotBuilt(Suite::Sm2Sm3);
        assert!(matches!(made, Err(KeyError::Suite(error)) if error == missing));
        assert!(
            fs::read_dir(&dir).unwrap().next().is_none(),
            "nothing is written"
        );
        write_sm2_file(&dir, "sm2-sm3");
        for refusal in [
            keys::load(&dir, Use::Token).unwrap_err().to_string(),
            keys::list(&dir).unwrap_err().to_string(),
        ] {
            assert!(
                refusal.contains("token-")
                    && refusal.ends_with("cargo build --release --features sm2-sm3"),
                "{refusal}"
            );
        }
    }
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_file_of_version_1_is_an_ed25519_key() {
    let dir = folder("version-1");
    let made = keys::new_key(&dir, Use::Token, &[1; 32], SPRING).unwrap();
    let text = fs::read_to_string(&made.path).unwrap();
    let first = text
        .replace("version 2", "version 1")
        .replace("suite: ed25519-sha256\n", "");
    assert!(first.len() + 22 == text.len());
    fs::write(&made.path, first).unwrap();
    let loaded = keys::load(&dir, Use::Token).unwrap();
    assert_eq!(loaded[0].info(), &made);
    // One that names a suite is of no version.
    fs::write(&made.path, text.replace("version 2", "version 1")).unwrap();
    assert!(keys::load(&dir, Use::Token).is_err());
    fs::remove_dir_all(dir).unwrap();
}

#[cfg(feature = "sm2-sm3")]
mod built {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hefu_domain::{Fen, Programme, Tag, VoucherKind};
    use hefu_suite::SecretKey;
    use hefu_token::{Claims, KeySet, PublicKey, Signer, Status, StatusReference};

    use super::*;

    const ISS: &str = "voucher.example.cn";
    const IN_DATE: Instant = Instant(1_690_000_000_000);

    /// d of GB/T 32918.5 annex A.
    fn secret() -> SecretKey {
        let hex = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
        let d = std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap());
        SecretKey::from_seed(Suite::Sm2Sm3, &d).unwrap()
    }

    fn signer() -> Signer {
        Signer::new(secret())
    }

    fn set_of(keys: &[&Signer]) -> KeySet {
        let mut set = KeySet::new(ISS);
        for key in keys {
            set.insert(key.public().clone(), None);
        }
        set
    }

    fn training() -> Claims {
        Claims {
            iss: ISS.to_owned(),
            jti: "0190a5e0-0000-7000-8000-000000000001".parse().unwrap(),
            iat: 1_685_577_600,
            exp: 1_701_360_000,
            region: "140725".parse().unwrap(),
            prg: Programme::General,
            kind: VoucherKind::Training,
            cap: Fen::yuan(1000),
            hb: Tag(std::array::from_fn(|i| u8::try_from(i).unwrap())),
            serial: 1,
            status: Status {
                status_list: StatusReference {
                    idx: 40_321,
                    uri: "https://voucher.example.cn/status/140725/0".to_owned(),
                },
            },
        }
    }

    /// The token of these claims with that header, signed by that key.
    fn forged(header: &str, key: &SecretKey) -> String {
        let payload = serde_json::to_string(&training()).unwrap();
        let signed = [header, &payload].map(|part| URL_SAFE_NO_PAD.encode(part));
        let signed = signed.join(".");
        let signature = key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn header(alg: &str, kid: &str) -> String {
        format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"tv+jwt"}}"#)
    }

    #[test]
    fn what_openssl_signed_is_verified_and_ours_says_the_same() {
        let set = set_of(&[&signer()]);
        assert_eq!(set.verify(OPENSSL, IN_DATE), Ok(training()));
        let ours = signer().sign(&training());
        assert_eq!(ours, signer().sign(&training()), "derived again, the same");
        assert_eq!(set.verify(&ours, IN_DATE), Ok(training()));
        // Made by another implementation (Python's integers, HMAC and OpenSSL's SM3) by RFC 6979.
        assert!(ours.ends_with(
            ".AL3KAzp-oxfZxzHefm-wGGmFWhJ6FkEU8GcQtGAjFaxseOAkGSe2GiJhjbajidb-8PzEB4v-RRyd-eFOim1qbA"
        ));
        // SM2 gives as many signatures as there are nonces; this one's token is another, which no voucher's row knows.
        assert_eq!(
            ours.rsplit_once('.').unwrap().0,
            OPENSSL.rsplit_once('.').unwrap().0
        );
        assert_ne!(
            hefu_token::token_hash(&ours),
            hefu_token::token_hash(OPENSSL)
        );
    }

    #[test]
    fn a_flipped_bit_anywhere_is_refused() {
        let (set, token) = (set_of(&[&signer()]), signer().sign(&training()));
        assert!(set.verify(&token, IN_DATE).is_ok());
        // A check takes a fraction of a millisecond, so one bit a byte; Ed25519's test takes all.
        for position in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[position] ^= 1 << (position % 7);
            let flipped = String::from_utf8(bytes).unwrap();
            assert!(set.verify(&flipped, IN_DATE).is_err(), "byte {position}");
        }
        for length in 0..token.len() {
            assert!(
                set.verify(&token[..length], IN_DATE).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn the_algorithm_is_the_key_s_and_never_the_token_s() {
        let (sm2, ed25519) = (signer(), Signer::from_seed(&[1; 32]));
        let set = set_of(&[&ed25519, &sm2]);
        let ed25519_secret = SecretKey::ed25519(&[1; 32]);
        // Both are verified by the same set, each under its own name.
        for signer in [&sm2, &ed25519] {
            assert_eq!(
                set.verify(&signer.sign(&training()), IN_DATE),
                Ok(training())
            );
        }
        let wrong = Err(TokenError::WrongAlgorithm);
        for key in [&secret(), &ed25519_secret] {
            let token = forged(&header("EdDSA", sm2.kid()), key);
            assert_eq!(set.verify(&token, IN_DATE), wrong);
            let token = forged(&header("SM2", ed25519.kid()), key);
            assert_eq!(set.verify(&token, IN_DATE), wrong);
            for alg in ["none", "HS256", "ES256", "sm2", "SM3WithSM2", ""] {
                let token = forged(&header(alg, sm2.kid()), key);
                assert_eq!(set.verify(&token, IN_DATE), wrong, "{alg}");
            }
        }
        // The right algorithm for the name, and the other key's signature.
        let bad = Err(TokenError::BadSignature);
        let token = forged(&header("SM2", sm2.kid()), &ed25519_secret);
        assert_eq!(set.verify(&token, IN_DATE), bad);
        let token = forged(&header("EdDSA", ed25519.kid()), &secret());
        assert_eq!(set.verify(&token, IN_DATE), bad);
        // A set without the key.
        let token = sm2.sign(&training());
        let unknown = Err(TokenError::UnknownKey);
        assert_eq!(set_of(&[&ed25519]).verify(&token, IN_DATE), unknown);
    }

    #[test]
    fn the_key_set_document_names_curve_and_algorithm_of_both() {
        let set = set_of(&[&signer(), &Signer::from_seed(&[1; 32])]);
        let jwks = set.jwks_json();
        assert!(
            jwks.starts_with(
                r#"{"keys":[{"kty":"EC","crv":"SM2","x":"CfnfMR5UIaFQ3X0WHkvFxnIXn60YM_wHa7CP81bzUCA","y":"zOpJDOJndaUtxupxjMGqYArtBfvzXghKZjL2By2prRM","kid":"lgVsnVqdKsFLJ2q4y2l6gACWaCOEQcWQb1t30j4Q6fU","alg":"SM2","use":"sig"},{"kty":"OKP","crv":"Ed25519","x":""#
            ),
            "{jwks}"
        );
        let key = signer().public().clone();
        assert_eq!(PublicKey::from_bytes(key.suite(), key.as_bytes()), Ok(key));
    }

    #[test]
    fn a_key_file_knows_its_suite_and_the_newest_key_is_active_whatever_its_suite() {
        let dir = folder("both");
        let later = |ms| Instant(SPRING.0 + ms);
        let old = keys::new_key(&dir, Use::Token, &[1; 32], SPRING).unwrap();
        let sm2 = (Use::Token, Suite::Sm2Sm3);
        let new = keys::new_key_of(&dir, sm2, &[2; 32], later(1)).unwrap();
        let text = fs::read_to_string(&new.path).unwrap();
        assert!(text.contains("\nsuite: sm2-sm3\n"), "{text}");
        let loaded = keys::load(&dir, Use::Token).unwrap();
        assert_eq!([loaded[0].info(), loaded[1].info()], [&new, &old]);
        assert!(new.serves(Use::Token) && old.serves(Use::Token));
        // A token key of either suite must be newer than the active one.
        let again = keys::new_key(&dir, Use::Token, &[3; 32], later(1));
        assert!(matches!(again, Err(KeyError::NotNewest { .. })));
        let set = KeySet::of_keys(
            ISS,
            &loaded.iter().map(KeyFile::public).collect::<Vec<_>>(),
            1000,
        );
        let jwks = set.jwks_json();
        assert!(jwks.contains(&new.kid) && jwks.contains(&old.kid));
        // Both sign, each in its own suite, as long as they are known.
        let mut set = KeySet::of_keys(
            ISS,
            &loaded.iter().map(KeyFile::public).collect::<Vec<_>>(),
            i64::MAX,
        );
        for key in &loaded {
            let token = key.signer().sign(&training());
            assert_eq!(set.verify(&token, IN_DATE), Ok(training()));
        }
        set = set_of(&[&loaded[0].signer()]);
        let token = loaded[1].signer().sign(&training());
        assert_eq!(set.verify(&token, IN_DATE), Err(TokenError::UnknownKey));
        // Under the other suite's name the same bytes are another key, or none.
        fs::write(&new.path, text.replace("sm2-sm3", "ed25519-sha256")).unwrap();
        assert!(keys::load(&dir, Use::Token).is_err());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_second_log_key_has_its_own_order() {
        let dir = folder("log");
        let sm2 = (Use::Log, Suite::Sm2Sm3);
        let second = keys::new_key_of(&dir, sm2, &[2; 32], Instant(SPRING.0 + 5)).unwrap();
        // The log's own key may be older; another second one may not.
        let own = keys::new_key(&dir, Use::Log, &[1; 32], SPRING).unwrap();
        assert!(own.serves(Use::Log) && !second.serves(Use::Log));
        let older = keys::new_key_of(&dir, sm2, &[3; 32], SPRING);
        assert!(matches!(older, Err(KeyError::NotNewest { .. })));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_number_that_is_no_secret_makes_no_file() {
        let dir = folder("range");
        for seed in [[0; 32], [0xff; 32]] {
            let sm2 = (Use::Token, Suite::Sm2Sm3);
            let made = keys::new_key_of(&dir, sm2, &seed, SPRING);
            let refusal = SuiteError::Secret(Suite::Sm2Sm3);
            assert!(matches!(made, Err(KeyError::Suite(error)) if error == refusal));
        }
        assert!(fs::read_dir(&dir).unwrap().next().is_none());
        fs::remove_dir_all(dir).unwrap();
    }
}
