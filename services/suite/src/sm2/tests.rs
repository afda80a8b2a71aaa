use sm3::{Digest as _, Sm3};

use super::*;

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let hex = hex.replace(' ', "");
    assert_eq!(hex.len(), 2 * N);
    std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
}

/// GB/T 32918.5 annex A (GM/T 0003.5 annex A): the signature example on the recommended curve.
const MESSAGE: &[u8] = b"message digest";
const D: &str = "3945208F 7B2144B1 3F36E38A C6D39F95 88939369 2860B51A 42FB81EF 4DF7C5B8";
const X: &str = "09F9DF31 1E5421A1 50DD7D16 1E4BC5C6 72179FAD 1833FC07 6BB08FF3 56F35020";
const Y: &str = "CCEA490C E26775A5 2DC6EA71 8CC1AA60 0AED05FB F35E084A 6632F607 2DA9AD13";
const ZA: &str = "B2E14C5C 79C6DF5B 85F4FE7E D8DB7A26 2B9DA7E0 7CCB0EA9 F4747B8C CDA8A4F3";
const E: &str = "F0B43E94 BA45ACCA ACE692ED 534382EB 17E6AB5A 19CE7B31 F4486FDF C0D28640";
const R: &str = "F5A03B06 48D2C463 0EEAC513 E1BB81A1 5944DA38 27D5B741 43AC7EAC EEE720B3";
const S: &str = "B1B6AA29 DF212FD8 763182BC 0D421CA1 BB9038FD 1F7F42D4 840B69C4 85BBC1AA";
const N: &str = "FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF 7203DF6B 21C6052B 53BBF409 39D54123";

/// The recommended curve: a, b, and the base point's coordinates (GB/T 32918.5, section 2).
const CURVE: [&str; 4] = [
    "FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF 00000000 FFFFFFFF FFFFFFFC",
    "28E9FA9E 9D9F5E34 4D5A9E4B CF6509A7 F39789F5 15AB8F92 DDBCBD41 4D940E93",
    "32C4AE2C 1F198119 5F990446 6A39C994 8FE30BBF F2660BE1 715A4589 334C74C7",
    "BC3736A2 F4F6779C 59BDCEE3 6B692153 D0A9877C C62A4740 02DF32E5 2139F0A0",
];

fn of_the_standard() -> (Secret, Public) {
    key(&bytes(D)).unwrap()
}

fn signature(r: &str, s: &str) -> [u8; 64] {
    bytes(&(r.to_owned() + s))
}

/// GB/T 32905 annex A.
#[test]
fn sm3_hashes_what_its_standard_hashes() {
    for (message, hash) in [
        (
            b"abc".to_vec(),
            "66c7f0f4 62eeedd9 d1f2d46b dc10e4e2 4167c487 5cf2f7a2 297da02b 8f4ba8e0",
        ),
        (
            b"abcd".repeat(16),
            "debe9ff9 2275b8a1 38604889 c18e5a4d 6fdb70e5 387e5765 293dcba3 9c0c5732",
        ),
    ] {
        assert_eq!(<[u8; 32]>::from(Sm3::digest(message)), bytes(hash));
    }
}

#[test]
fn the_standard_s_key_is_made_and_its_signature_verified() {
    let (_, public) = of_the_standard();
    let point: [u8; 65] = bytes(&format!("04{X}{Y}"));
    assert_eq!(public.as_bytes(), point);
    assert!(public == Public::from_bytes(&point).unwrap());
    assert!(public.verifies(MESSAGE, &signature(R, S)));
    assert!(!public.verifies(b"message digesT", &signature(R, S)));
}

/// What the default user id gives: ZA and e as the standard prints them, by SM3 alone.
#[test]
fn the_user_id_is_the_one_that_the_standard_hashes() {
    let mut sm3 = Sm3::new();
    sm3.update(u16::try_from(USER_ID.len() * 8).unwrap().to_be_bytes());
    sm3.update(USER_ID);
    for coordinate in CURVE.into_iter().chain([X, Y]) {
        sm3.update(bytes::<32>(coordinate));
    }
    let za: [u8; 32] = sm3.finalize().into();
    assert_eq!(za, bytes(ZA));
    let e: [u8; 32] = Sm3::new()
        .chain_update(za)
        .chain_update(MESSAGE)
        .finalize()
        .into();
    assert_eq!(e, bytes(E));
    // Under another id the same signature is another message's.
    let other = VerifyingKey::from_sec1_bytes("ALICE123@YAHOO.COM", of_the_standard().1.as_bytes());
    let standard = Signature::from_slice(&signature(R, S)).unwrap();
    assert!(other.unwrap().verify(MESSAGE, &standard).is_err());
}

/// Made by another implementation (Python's integers, HMAC and OpenSSL's SM3): tokens are derived again from their
/// claims, so a library that draws its nonces otherwise must not come in unnoticed.
#[test]
fn the_nonce_is_that_of_rfc_6979_with_sm3() {
    let r = "24858EE7 1D63E687 FEEFE41F 5AF80A59 F0791EB1 DABC2BBE 71DAF0E5 7F06C367";
    let s = "3D15550D E52785A4 35004C93 7256AC71 5C0E0417 6AC57062 C6722FA6 92F7A491";
    let (secret, public) = of_the_standard();
    assert_eq!(secret.sign(MESSAGE), signature(r, s));
    assert!(public.verifies(MESSAGE, &signature(r, s)));
}

#[test]
fn signing_is_deterministic_and_no_nonce_serves_two_messages() {
    let (secret, public) = of_the_standard();
    let (one, other) = (secret.sign(b"one"), secret.sign(b"other"));
    assert_eq!(one, secret.sign(b"one"));
    assert!(public.verifies(b"one", &one) && public.verifies(b"other", &other));
    assert!(!public.verifies(b"one", &other));
    // r - e is the x of the nonce's point: with one nonce it would be the same for both.
    let x = |message: &[u8], signature: &[u8; 64]| {
        let e = Sm3::new()
            .chain_update(bytes::<32>(ZA))
            .chain_update(message);
        let (r, e): ([u8; 32], [u8; 32]) =
            (signature[..32].try_into().unwrap(), e.finalize().into());
        difference(r, e)
    };
    assert_ne!(x(b"one", &one), x(b"other", &other));
    let (stranger, _) = key(&[7; 32]).unwrap();
    assert!(!public.verifies(b"one", &stranger.sign(b"one")));
}

/// (a - b) mod n.
fn difference(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    let less = |a: [u8; 32], b: [u8; 32]| {
        let (mut out, mut borrow) = ([0; 32], 0i16);
        for i in (0..32).rev() {
            let digit = i16::from(a[i]) - i16::from(b[i]) - borrow;
            borrow = i16::from(digit < 0);
            out[i] = digit.rem_euclid(256).to_le_bytes()[0];
        }
        (out, borrow == 1)
    };
    let n = bytes(N);
    let (b, _) = if b >= n { less(b, n) } else { (b, false) };
    match less(a, b) {
        (out, false) => out,
        // Below zero by 2^256: then n - (b - a).
        (_, true) => less(n, less(b, a).0).0,
    }
}

#[test]
fn r_and_s_out_of_range_are_refused() {
    let (_, public) = of_the_standard();
    const ZERO: &str = "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000";
    const LAST: &str = "FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF";
    for (r, s) in [
        (ZERO, S),
        (R, ZERO),
        (ZERO, ZERO),
        (N, S),
        (R, N),
        (LAST, S),
        (R, LAST),
        (S, R),
    ] {
        assert!(!public.verifies(MESSAGE, &signature(r, s)), "{r} {s}");
    }
    // t = r + s = n, which the standard refuses by itself.
    let opposite = difference(bytes(ZERO), bytes(R));
    let mut sum = signature(R, S);
    sum[32..].copy_from_slice(&opposite);
    assert!(!public.verifies(MESSAGE, &sum));
    for at in 0..64 {
        let mut flipped = signature(R, S);
        flipped[at] ^= 1;
        assert!(!public.verifies(MESSAGE, &flipped), "byte {at}");
    }
}

#[test]
fn keys_out_of_range_or_off_the_curve_are_refused() {
    let n: [u8; 32] = bytes(N);
    assert!(key(&LARGEST).is_ok());
    assert_eq!(difference(n, LARGEST)[31], 2);
    let mut before_n = n;
    before_n[31] -= 1;
    for seed in [[0; 32], before_n, n, [0xff; 32]] {
        assert!(matches!(key(&seed), Err(SuiteError::Secret(Suite::Sm2Sm3))));
    }
    let point = of_the_standard().1.bytes;
    type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
    let with = |change: Change<'_>| {
        let mut bytes = point.to_vec();
        change(&mut bytes);
        Public::from_bytes(&bytes)
    };
    assert!(with(&|_| ()).is_ok());
    let changes: [(&str, Change<'_>); 8] = [
        ("another y", &|bytes| bytes[64] ^= 1),
        ("the point at infinity", &|bytes| *bytes = vec![0]),
        ("compressed", &|bytes| {
            bytes.truncate(33);
            bytes[0] = 3;
        }),
        ("hybrid", &|bytes| bytes[0] = 7),
        ("short", &|bytes| bytes.truncate(64)),
        ("long", &|bytes| bytes.push(0)),
        ("a coordinate beyond the prime", &|bytes| {
            bytes[1..33].fill(0xff);
        }),
        ("nothing", &|bytes| bytes.clear()),
    ];
    for (why, change) in changes {
        assert!(matches!(with(change), Err(SuiteError::Public(_))), "{why}");
    }
}
