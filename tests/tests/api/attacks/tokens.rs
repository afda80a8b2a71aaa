//! Tokens that somebody changed, made, kept too long or carried to two counters at once: none of them enrols or is redeemed.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use hefu_domain::Instant;
use hefu_scenario::made_up::credit_code;
use hefu_tests::canaries;
use hefu_tests::engines::Engine;
use hefu_tests::office::must;
use hefu_token::keys::{self, Use};
use hefu_token::{Claims, KeySet, Signer};
use hefu_wire::v1;
use tonic::Code;

use crate::school::School;
use crate::{Api, ISSUER, REGION, reason};

/// The order of the group, little-endian (RFC 8032 section 5.1): a signature's second half must be below it.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Two people with vouchers before the door of a class.
struct Counter {
    api: Api,
    school: School,
}

impl Counter {
    async fn open(engine: Engine) -> Counter {
        let api = Api::start_on(engine).await;
        let mut school = School::open(&api).await;
        school.file(&api, school.filing("room-1", 10)).await;
        for number in 0..2 {
            school.seats.push(api.issued(number).await);
        }
        api.stand_at(&format!("{}T00:00:00.000Z", crate::school::DAY));
        Counter { api, school }
    }

    fn enrol(&self, seat: usize, token: &str) -> v1::EnrolRequest {
        v1::EnrolRequest {
            name: self.school.seats[seat].1.clone(),
            class: self.school.class.clone(),
            token: token.to_owned(),
            identity_number: canaries::person(seat as u64).identity,
            request_id: self.api.office.fresh("enrol"),
            validate_only: false,
        }
    }

    fn redeem(&self, token: &str) -> v1::RedeemRequest {
        v1::RedeemRequest {
            name: self.school.seats[0].1.clone(),
            token: token.to_owned(),
            undertaking: vec![7; 32],
            confirmation: Some(v1::Confirmation {
                by: v1::ConfirmedBy::Phone.into(),
                evidence: vec![7; 32],
                witness: String::new(),
            }),
            request_id: self.api.office.fresh("redeem"),
            validate_only: false,
        }
    }

    fn token(&self, seat: usize) -> &str {
        &self.school.seats[seat].2
    }

    async fn does_not_enrol(&self, what: &str, token: &str) {
        let method = "TrainingService/Enrol";
        let asked = self.enrol(0, token);
        let status = self.api.refused(&self.school.key, method, asked).await;
        let told = (status.code(), reason(&status));
        assert_eq!(told, answer(token), "{what}");
    }

    async fn is_not_redeemed(&self, what: &str, token: &str) {
        let method = "RedemptionService/Redeem";
        let asked = self.redeem(token);
        let status = self.api.refused(&self.school.key, method, asked).await;
        let told = (status.code(), reason(&status));
        assert_eq!(told, answer(token), "{what}");
    }

    /// The deployment's own signer, as a thief of its file has it.
    fn stolen(&self) -> Signer {
        let folder = self.api.state.path().join("state");
        keys::load(&folder, Use::Token).unwrap()[0].signer()
    }

    fn claims(&self, seat: usize) -> Claims {
        let mut keys = KeySet::new(ISSUER);
        keys.insert(self.stolen().public().clone(), None);
        keys.verify(self.token(seat), self.api.running.engine.clock().now())
            .unwrap()
    }

    async fn written(&self) -> (u64, Vec<u8>) {
        let head = self.api.head().await;
        (head.size, head.root)
    }
}

/// What whoever shows that token is told: of one that no token can look like, that the field is wrong.
fn answer(token: &str) -> (Code, String) {
    let (code, reason) = match token.len() {
        1..=2_048 => (Code::FailedPrecondition, "TOKEN_INVALID"),
        _ => (Code::InvalidArgument, "BAD_FIELD"),
    };
    (code, reason.to_owned())
}

/// The token with one bit of one byte flipped, for every byte; each stays text.
fn flipped(token: &str) -> impl Iterator<Item = String> {
    (0..token.len()).map(|at| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] ^= 1;
        String::from_utf8(bytes).unwrap()
    })
}

/// The token with another signature.
fn signed_as(token: &str, change: impl Fn(&mut [u8; 64])) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes: [u8; 64] = BASE64URL.decode(signature).unwrap().try_into().unwrap();
    change(&mut bytes);
    format!("{signed}.{}", BASE64URL.encode(bytes))
}

/// S + L: the same signature to whoever does not look at the second half's size.
fn malleated(signature: &mut [u8; 64]) {
    let mut carry = 0_u16;
    for (byte, add) in signature[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
}

async fn a_token_that_is_not_the_one_issued_enrols_nobody_and_pays_nothing(engine: Engine) {
    let counter = Counter::open(engine).await;
    let before = counter.written().await;
    let token = counter.token(0).to_owned();
    for changed in flipped(&token) {
        counter.does_not_enrol("a flipped bit", &changed).await;
    }
    let claims = counter.claims(0);
    let other = Signer::from_seed(&[9; 32]);
    let foreign = Claims {
        iss: "other.hefu.local".to_owned(),
        ..claims.clone()
    };
    let longer = Claims {
        exp: claims.exp + 86_400,
        ..claims.clone()
    };
    let (header, rest) = token.split_once('.').unwrap();
    let unsigned = BASE64URL.encode(r#"{"alg":"none","typ":"tv+jwt"}"#);
    let made = [
        ("nothing", String::new()),
        ("far too long", "e".repeat(100_000)),
        (
            "the signature in a second spelling",
            signed_as(&token, malleated),
        ),
        (
            "a point of small order",
            signed_as(&token, |signature| {
                *signature = {
                    let mut weak = [0; 64];
                    weak[0] = 1;
                    weak
                }
            }),
        ),
        ("zeros", signed_as(&token, |signature| *signature = [0; 64])),
        ("another deployment's", other.sign(&foreign)),
        (
            "another deployment's in this one's name",
            other.sign(&claims),
        ),
        (
            "a stolen key's, of another issuer",
            counter.stolen().sign(&foreign),
        ),
        (
            "a stolen key's, that lasts longer",
            counter.stolen().sign(&longer),
        ),
        ("another voucher's", counter.token(1).to_owned()),
        (
            "without a signature",
            format!("{unsigned}.{}", rest.rsplit_once('.').unwrap().0),
        ),
        ("without an algorithm", format!("{unsigned}.{rest}")),
        ("one part", header.to_owned()),
        ("twice", format!("{token}.{token}")),
    ];
    for (what, made) in &made {
        counter.does_not_enrol(what, made).await;
    }
    assert_eq!(counter.written().await, before);

    // What enrols is the one token, and the same goes for its redemption, where only its hash counts.
    counter.school.seat(&counter.api).await;
    counter.school.train(&counter.api).await;
    counter.api.stand_at("2023-05-25T02:00:00.000Z");
    let before = counter.written().await;
    for changed in flipped(&token) {
        counter.is_not_redeemed("a flipped bit", &changed).await;
    }
    for (what, made) in &made {
        counter.is_not_redeemed(what, made).await;
    }
    assert_eq!(counter.written().await, before);
    counter.school.claim(&counter.api).await;
}

async fn a_token_that_was_reissued_or_ran_out_is_worth_nothing(engine: Engine) {
    let mut counter = Counter::open(engine).await;
    let old = counter.token(0).to_owned();
    let reissue = v1::ReissueTokenRequest {
        name: counter.school.seats[0].1.clone(),
        card_seen: vec![7; 32],
        request_id: counter.api.office.fresh("reissue"),
        validate_only: false,
    };
    let method = "IssuanceService/ReissueToken";
    let reissued: v1::ReissueTokenResponse =
        must(&counter.api.client, counter.api.clerk(), method, reissue).await;
    let before = counter.written().await;
    counter.does_not_enrol("the one before", &old).await;
    assert_eq!(counter.written().await, before);
    counter.school.seats[0].2 = reissued.token;
    let enrol = counter.enrol(0, counter.token(0));
    let method = "TrainingService/Enrol";
    let _: v1::EnrolResponse = must(&counter.api.client, &counter.school.key, method, enrol).await;

    // To the millisecond.
    let exp = counter.claims(1).exp;
    counter.api.stand_at(&Instant(exp * 1_000).to_string());
    let before = counter.written().await;
    let late = counter.enrol(1, counter.token(1));
    let status = counter.api.refused(&counter.school.key, method, late).await;
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    assert_eq!(counter.written().await, before);
}

async fn of_two_institutions_that_show_one_token_at_once_one_gets_the_trainee(engine: Engine) {
    let counter = Counter::open(engine).await;
    let (api, school) = (&counter.api, &counter.school);
    let mut other = School {
        name: format!("regions/{REGION}/institutions/{}", credit_code(REGION, 2)),
        key: school.stranger.clone(),
        stranger: String::new(),
        approver: school.approver.clone(),
        class: String::new(),
        seats: Vec::new(),
    };
    api.stand_at("2023-05-10T02:00:00.000Z");
    other.catalogue(api, crate::school::OCCUPATION).await;
    other.file(api, other.filing("room-2", 10)).await;
    api.stand_at(&format!("{}T00:00:00.000Z", crate::school::DAY));
    for seat in 0..2 {
        let here = counter.enrol(seat, counter.token(seat));
        let there = v1::EnrolRequest {
            class: other.class.clone(),
            request_id: api.office.fresh("enrol"),
            ..here.clone()
        };
        let before = counter.written().await.0;
        let method = "TrainingService/Enrol";
        let (here, there) = tokio::join!(
            api.client
                .call::<_, v1::EnrolResponse>(&school.key, method, here),
            api.client
                .call::<_, v1::EnrolResponse>(&other.key, method, there),
        );
        let lost = match (here, there) {
            (Ok(_), Err(status)) | (Err(status), Ok(_)) => status,
            both => panic!("{both:?}"),
        };
        assert_eq!(lost.code(), Code::FailedPrecondition, "{lost}");
        assert_eq!(reason(&lost), "VOUCHER_NOT_ISSUED");
        assert_eq!(counter.written().await.0, before + 1);
    }
}

on_both! {
    a_token_that_is_not_the_one_issued_enrols_nobody_and_pays_nothing
    a_token_that_was_reissued_or_ran_out_is_worth_nothing
    of_two_institutions_that_show_one_token_at_once_one_gets_the_trainee
}
