//! The token status lists as somebody reads them who has a voucher's token and nothing else: no key, and none of our code.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::ZlibDecoder;
use hefu_scenario::key;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use crate::log_files::{Answer, ask, header, tag};
use crate::school::{School, grant};
use crate::*;

pub(crate) const VALID: u8 = 0;
pub(crate) const INVALID: u8 = 1;
const SUSPENDED: u8 = 2;
const USED: u8 = 3;

on_both! {
    anybody_reads_a_vouchers_status_through_its_life
    a_reissue_kills_the_old_token_for_everybody_to_read
    entries_are_in_no_order_each_its_own_and_the_same_after_a_restart
}

async fn get(api: &Api, path: &str, lines: &str) -> Answer {
    ask(api.running.address, "GET", path, lines).await
}

/// The claims of a JWS that one of the published keys signed, and its type.
async fn verified(api: &Api, token: &str) -> (Value, String) {
    let keys = get(api, "/.well-known/jwks.json", "").await;
    let keys: JwkSet = serde_json::from_slice(&keys.body).unwrap();
    let named = decode_header(token).unwrap();
    let key = keys.find(&named.kid.unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::EdDSA);
    // The clock here is made up: what it says of `exp` is looked at by hand.
    rules.validate_exp = false;
    let read = decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &rules);
    (read.unwrap().claims, named.typ.unwrap())
}

/// Entry and list of a token.
async fn reference(api: &Api, token: &str) -> (u64, String) {
    let (claims, typ) = verified(api, token).await;
    assert_eq!(typ, "tv+jwt");
    let status = &claims["status"]["status_list"];
    let uri = status["uri"].as_str().unwrap().to_owned();
    (status["idx"].as_u64().unwrap(), uri)
}

/// The path of a list's URI on the server at hand.
fn path(uri: &str) -> &str {
    uri.strip_prefix(&format!("https://{ISSUER}")).unwrap()
}

/// The bytes of the list that is served at a URI, as the draft has them checked.
async fn list(api: &Api, uri: &str) -> Vec<u8> {
    let answer = get(api, path(uri), "").await;
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert_eq!(
        header(&answer, "content-type"),
        "application/statuslist+jwt"
    );
    let token = String::from_utf8(answer.body).unwrap();
    let (claims, typ) = verified(api, &token).await;
    assert_eq!(typ, "statuslist+jwt");
    assert_eq!(claims["sub"], uri);
    let now = api.hand.load(Ordering::Relaxed) / 1_000;
    let times = ["iat", "exp", "ttl"].map(|name| claims[name].as_i64().unwrap());
    assert!(times[0] <= now && now < times[1], "{times:?} at {now}");
    assert_eq!(times[2], 60);
    assert_eq!(claims["status_list"]["bits"], 2);
    let lst = claims["status_list"]["lst"].as_str().unwrap();
    let zlib = URL_SAFE_NO_PAD.decode(lst).unwrap();
    let mut bytes = Vec::new();
    ZlibDecoder::new(&zlib[..]).read_to_end(&mut bytes).unwrap();
    bytes
}

fn entry(list: &[u8], idx: u64) -> u8 {
    list[usize::try_from(idx / 4).unwrap()] >> (idx % 4 * 2) & 0b11
}

/// What anybody reads of a token, a minute after the last one who did.
pub(crate) async fn status(api: &Api, token: &str) -> u8 {
    api.hand.fetch_add(60_000, Ordering::Relaxed);
    let (idx, uri) = reference(api, token).await;
    entry(&list(api, &uri).await, idx)
}

async fn supervisor(api: &Api) -> String {
    let supervisor = key(1, "supervisor");
    let role = v1::Role::Supervisor;
    grant(api, &supervisor, "supervisor", role, String::new()).await;
    supervisor
}

async fn freeze(api: &Api, supervisor: &str, voucher: &str) {
    let freeze = v1::FreezeRequest {
        name: voucher.to_owned(),
        reason: "SPOT_CHECK".to_owned(),
        request_id: api.office.fresh("freeze"),
        validate_only: false,
        finding: String::new(),
    };
    let method = "SupervisionService/Freeze";
    let _: v1::FreezeResponse = must(&api.client, supervisor, method, freeze).await;
}

async fn unfreeze(api: &Api, supervisor: &str, voucher: &str) {
    let unfreeze = v1::UnfreezeRequest {
        name: voucher.to_owned(),
        reason: "CLEARED".to_owned(),
        request_id: api.office.fresh("unfreeze"),
        validate_only: false,
    };
    let method = "SupervisionService/Unfreeze";
    let _: v1::UnfreezeResponse = must(&api.client, supervisor, method, unfreeze).await;
}

async fn anybody_reads_a_vouchers_status_through_its_life(engine: Engine) {
    let api = Api::start_on(engine).await;
    let supervisor = supervisor(&api).await;
    let mut school = School::open(&api).await;
    let (_, revoked, revoked_token) = api.issued(10).await;
    let (_, late, late_token) = api.issued(11).await;
    assert_eq!(status(&api, &revoked_token).await, VALID);
    freeze(&api, &supervisor, &revoked).await;
    assert_eq!(status(&api, &revoked_token).await, SUSPENDED);
    unfreeze(&api, &supervisor, &revoked).await;
    assert_eq!(status(&api, &revoked_token).await, VALID);
    let revoke = v1::RevokeRequest {
        name: revoked,
        reason: "MISTAKE".to_owned(),
        request_id: api.office.fresh("revoke"),
        validate_only: false,
    };
    let reviewer = &api.office.reviewer;
    let _: v1::RevokeResponse = must(&api.client, reviewer, "IssuanceService/Revoke", revoke).await;
    assert_eq!(status(&api, &revoked_token).await, INVALID);

    school.enrol(&api, 2).await;
    let used = school.seats[0].2.clone();
    assert_eq!(status(&api, &used).await, VALID, "enrolled");
    school.train(&api).await;
    assert_eq!(status(&api, &used).await, VALID, "completed");
    let sheet = school.claim(&api).await;
    assert_eq!(status(&api, &used).await, USED, "claimed");
    freeze(&api, &supervisor, &school.seats[0].1).await;
    assert_eq!(status(&api, &used).await, USED, "frozen when it was used");
    unfreeze(&api, &supervisor, &school.seats[0].1).await;
    school.approve(&api, &sheet).await;
    assert_eq!(status(&api, &school.seats[1].2).await, USED, "approved");

    assert_eq!(status(&api, &late_token).await, VALID);
    api.stand_at("2024-01-02T02:00:00.000Z");
    let expire = v1::ExpireRequest {
        name: late,
        request_id: api.office.fresh("expire"),
        validate_only: false,
    };
    let _: v1::ExpireResponse =
        must(&api.client, api.clerk(), "IssuanceService/Expire", expire).await;
    assert_eq!(status(&api, &late_token).await, INVALID, "lapsed");
    assert_eq!(status(&api, &revoked_token).await, INVALID);
    assert_eq!(status(&api, &used).await, USED);
}

async fn a_reissue_kills_the_old_token_for_everybody_to_read(engine: Engine) {
    let api = Api::start_on(engine).await;
    let (_, voucher, old) = api.issued(1).await;
    let (_, _, other) = api.issued(2).await;
    let reissue = v1::ReissueTokenRequest {
        name: voucher,
        card_seen: vec![7; 32],
        request_id: api.office.fresh("reissue"),
        validate_only: false,
    };
    let method = "IssuanceService/ReissueToken";
    let reissued: v1::ReissueTokenResponse = must(&api.client, api.clerk(), method, reissue).await;
    let new = reissued.token;
    assert_ne!(
        reference(&api, &old).await.0,
        reference(&api, &new).await.0,
        "a new token has an entry of its own"
    );
    assert_eq!(status(&api, &old).await, INVALID);
    assert_eq!(status(&api, &new).await, VALID);
    assert_eq!(status(&api, &other).await, VALID);
}

async fn entries_are_in_no_order_each_its_own_and_the_same_after_a_restart(engine: Engine) {
    let api = Api::start_on(engine).await;
    let mut tokens = Vec::new();
    for number in 0..12 {
        tokens.push(api.issued(number).await);
    }
    let mut entries = Vec::new();
    for (_, _, token) in &tokens {
        let (idx, uri) = reference(&api, token).await;
        assert_eq!(uri, format!("https://{ISSUER}/status/{REGION}/0"));
        assert!(idx < 65_536);
        entries.push(idx);
    }
    let distinct: BTreeSet<u64> = entries.iter().copied().collect();
    assert_eq!(distinct.len(), 12);
    assert!(!entries.is_sorted() && !entries.iter().rev().is_sorted());
    let apart = entries.windows(2).map(|pair| pair[0].abs_diff(pair[1]));
    assert!(apart.min() > Some(1), "{entries:?}");
    let (person, voucher, token) = tokens.swap_remove(3);
    let before = list(&api, &format!("https://{ISSUER}/status/{REGION}/0")).await;

    let api = restarted(api).await;
    let fetch = v1::FetchTokenRequest {
        name: voucher,
        holder: person,
        request_id: api.office.fresh("fetch"),
        validate_only: false,
    };
    let method = "IssuanceService/FetchToken";
    let fetched: v1::FetchTokenResponse =
        must(&api.client, &api.office.portal, method, fetch).await;
    assert_eq!(fetched.token, token);
    let uri = format!("https://{ISSUER}/status/{REGION}/0");
    assert_eq!(list(&api, &uri).await, before);
    let (_, _, next) = api.issued(20).await;
    assert!(!distinct.contains(&reference(&api, &next).await.0));
    assert_eq!(status(&api, &next).await, VALID);
}

/// The same deployment, served again.
pub(crate) async fn restarted(api: Api) -> Api {
    let Api {
        running,
        office,
        state,
        place,
        hand,
        ..
    } = api;
    running.stop().await;
    let (clock, again) = Clock::simulated(Instant(hand.load(Ordering::Relaxed) + 1));
    let running = serve(Setup {
        database: place.url(),
        state: state.path().join("state"),
        listen: ([127, 0, 0, 1], 0).into(),
        deployment: ISSUER.to_owned(),
        tree: RegionTree::read(None).unwrap(),
        clock,
        source: Source::Seeded([7; 32]),
        writers: 2,
        limits: hefu_server::Limits::default(),
        witnesses: hefu_server::Witnesses::none(),
    })
    .await
    .unwrap();
    let client = Client::connect(&format!("http://{}", running.address))
        .await
        .unwrap();
    Api {
        running,
        client,
        office,
        state,
        place,
        hand: again,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_kept_by_caches_for_a_minute_and_not_sent_again_to_who_has_it() {
    let api = Api::start().await;
    let (_, voucher, token) = api.issued(1).await;
    let (idx, uri) = reference(&api, &token).await;
    let first = get(&api, path(&uri), "").await;
    assert_eq!(header(&first, "cache-control"), "public, max-age=60");
    assert_eq!(header(&first, "access-control-allow-origin"), "*");
    assert_eq!(header(&first, "x-content-type-options"), "nosniff");
    let known_as = header(&first, "etag");

    // Within the minute it is what it was, whatever happened since.
    freeze(&api, &supervisor(&api).await, &voucher).await;
    api.hand.fetch_add(45_000, Ordering::Relaxed);
    let again = get(&api, path(&uri), "").await;
    assert_eq!(again.body, first.body);
    assert_eq!(header(&again, "cache-control"), "public, max-age=15");
    let exact = tag(api.running.address, path(&uri)).await;
    assert_eq!(exact.to_ascii_lowercase(), known_as);
    let known = get(&api, path(&uri), &format!("If-None-Match: {exact}\r\n")).await;
    assert_eq!((known.status, known.body.len()), (304, 0));

    api.hand.fetch_add(15_000, Ordering::Relaxed);
    let asked = format!("If-None-Match: {exact}\r\n");
    let changed = get(&api, path(&uri), &asked).await;
    assert_eq!(changed.status, 200);
    assert_eq!(entry(&list(&api, &uri).await, idx), SUSPENDED);

    // The log goes on and this list's vouchers do not: the same bytes, so that they need not be sent.
    let exact = tag(api.running.address, path(&uri)).await;
    api.office.person(&api.client, 2).await;
    api.hand.fetch_add(60_000, Ordering::Relaxed);
    let asked = format!("If-None-Match: {exact}\r\n");
    assert_eq!(get(&api, path(&uri), &asked).await.status, 304);
    // But never so long that they run out.
    api.hand.fetch_add(900_000, Ordering::Relaxed);
    assert_eq!(get(&api, path(&uri), &asked).await.status, 200);
    let head = ask(api.running.address, "HEAD", path(&uri), "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_tells_nothing_of_how_many_vouchers_there_are() {
    let api = Api::start().await;
    let empty = list(&api, &format!("https://{ISSUER}/status/140727/0")).await;
    assert_eq!(empty, vec![0; 16_384]);
    for number in 0..3 {
        api.issued(number).await;
    }
    let three = list(&api, &format!("https://{ISSUER}/status/{REGION}/0")).await;
    assert_eq!(three, empty, "vouchers that can be used look like none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_list_is_not_found_and_nobody_writes_one() {
    let api = Api::start().await;
    api.issued(1).await;
    for wrong in [
        format!("{REGION}/1"),
        format!("{REGION}/18446744073709551615"),
        format!("{REGION}/18446744073709551616"),
        format!("{REGION}/00"),
        format!("{REGION}/-1"),
        format!("{REGION}/0/"),
        format!("{REGION}/0?x=1"),
        format!("{REGION}/%30"),
        REGION.to_owned(),
        "999999/0".to_owned(),
        "nowhere/0".to_owned(),
        String::new(),
    ] {
        let answer = get(&api, &format!("/status/{wrong}"), "").await;
        assert_eq!(answer.status, 404, "{wrong}: {}", answer.head);
        let body = String::from_utf8(answer.body).unwrap();
        assert!(!body.contains("voucher"), "{body}");
    }
    let path = format!("/status/{REGION}/0");
    for method in ["POST", "PUT", "DELETE"] {
        let answer = ask(api.running.address, method, &path, "Content-Length: 0\r\n").await;
        assert_eq!(answer.status, 405, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_signed_about_a_region_whose_log_is_in_doubt() {
    let api = Api::start().await;
    let (_, _, token) = api.issued(1).await;
    let (_, uri) = reference(&api, &token).await;
    let store = api.running.engine.store();
    store.set_alarm(REGION, Some("TEST")).await.unwrap();
    let answer = get(&api, path(&uri), "").await;
    assert_eq!(answer.status, 503);
    assert_eq!(header(&answer, "cache-control"), "no-store");
    let body = String::from_utf8(answer.body).unwrap();
    assert!(!body.contains("TEST"), "{body}");
}
