//! Keys that rotate under a running server: whoever holds an older token keeps it, nobody's record is lost, and no call fails meanwhile.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hefu_vault::WrappedKeys;

use crate::endpoints::get;
use crate::erasure::again;
use crate::school::School;
use crate::suites::keys_command;
use crate::*;

impl Api {
    fn keys_folder(&self) -> PathBuf {
        self.state.path().join("state")
    }

    /// Rotates the key of that use; what the command says.
    fn rotate(&self, usage: &str) -> String {
        let folder = self.keys_folder();
        let (code, said) = keys_command(&["rotate", "--use", usage], folder.to_str().unwrap());
        assert_eq!(code, Some(0), "{said}");
        said
    }

    /// The names of the published token keys.
    async fn kids(&self) -> Vec<String> {
        let (_, body) = get(self.running.address, "/.well-known/jwks.json").await;
        let set: serde_json::Value = serde_json::from_str(&body).unwrap();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn found(&self, person: u64) -> v1::Person {
        let request = v1::FindPersonRequest {
            parent: self.office.parent(),
            identity_number: self
                .office
                .registration(person, String::new())
                .identity_number,
        };
        must(
            &self.client,
            self.clerk(),
            "PeopleService/FindPerson",
            request,
        )
        .await
    }
}

/// The name of the key that signed a token.
fn kid(token: &str) -> String {
    let (header, _) = token.split_once('.').unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn a_token_key_follows_another_while_vouchers_are_out(engine: Engine) {
    let api = Api::start_on(engine).await;
    let mut school = School::open(&api).await;
    school.file(&api, school.filing("room-1", 10)).await;
    school.seats.push(api.issued(0).await);
    let said = api.rotate("token");
    assert!(said.contains("signs from now on"), "{said}");
    while api.kids().await.len() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    school.seats.push(api.issued(1).await);
    let [old, new] = [0, 1].map(|seat| kid(&school.seats[seat].2));
    assert_ne!(old, new);
    assert_eq!(api.kids().await, [new, old]);
    // Fetched again, a token is the same bytes by the key that signed it.
    let (person, voucher, token) = school.seats[0].clone();
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
    // Both enrol, train and are redeemed.
    school.seat(&api).await;
    school.train(&api).await;
    school.claim(&api).await;
}

async fn the_key_encryption_key_rotates_while_people_are_registered(engine: Engine) {
    let api = Api::start_on(engine).await;
    for person in 0..20 {
        api.office.person(&api.client, person).await;
    }
    let over = AtomicBool::new(false);
    let registering = async {
        let mut person = 20;
        while !over.load(Ordering::Relaxed) {
            api.office.person(&api.client, person).await;
            person += 1;
        }
        person
    };
    let rotating = async {
        for _ in 0..3 {
            tokio::task::block_in_place(|| api.rotate("kek"));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    let (people, ()) = tokio::join!(registering, rotating);
    assert!(people > 20, "somebody was registered meanwhile");

    // Everything opens without any of the keys before, also after a restart.
    let store = WrappedKeys::open(&api.keys_folder()).unwrap();
    let retired = store.retired().unwrap();
    assert_eq!(retired.len(), 3);
    for (id, emptied) in retired {
        assert!(emptied);
        std::fs::remove_file(api.keys_folder().join(format!("kek-{id}.key"))).unwrap();
    }
    drop(store);
    let mut before = Vec::new();
    for person in 0..people {
        before.push(api.found(person).await);
    }
    let Api {
        running,
        office,
        state,
        place,
        hand,
        ..
    } = api;
    running.stop().await;
    let running = again(&place, state.path()).await;
    let client = Client::connect(&running.url()).await.unwrap();
    let api = Api {
        running,
        client,
        office,
        state,
        place,
        hand,
    };
    for (person, before) in (0..people).zip(before) {
        assert!(before.masked_identity_number.contains('*'));
        assert_eq!(api.found(person).await, before);
    }
    api.office.person(&api.client, people).await;
}

on_both! {
    a_token_key_follows_another_while_vouchers_are_out
    the_key_encryption_key_rotates_while_people_are_registered
}
