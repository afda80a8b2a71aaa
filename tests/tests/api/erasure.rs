//! Erasing a person, and showing one unmasked: what goes, what stays, and what a crash or a restored backup brings back.

use std::path::Path;

use hefu_domain::{Region, World};
use hefu_engine::Clock;
use hefu_scenario::Client;
use hefu_server::{Offline, Running, Setup, serve};
use hefu_store::PersonKey;
use hefu_tests::canaries;
use hefu_tests::engines::{Backup, Engine, Folder, Place};
use hefu_tests::office::must;
use hefu_vault::{Owner, WrappedKeys};
use hefu_wire::v1;
use tonic::Code;

use crate::personal::{files, shows};
use crate::{Api, NOW, REGION, hidden, reason};

const ERASE: &str = "PeopleService/EraseSubject";
const REVEAL: &str = "PeopleService/RevealPerson";
const FIND: &str = "PeopleService/FindPerson";
const GET: &str = "PeopleService/GetPerson";

impl Api {
    fn erase(&self, name: &str) -> v1::EraseSubjectRequest {
        v1::EraseSubjectRequest {
            name: name.to_owned(),
            reason: "PERSON_ASKED".to_owned(),
            request_id: self.office.fresh("erase"),
            validate_only: false,
        }
    }

    fn reveal(&self, name: &str) -> v1::RevealPersonRequest {
        v1::RevealPersonRequest {
            name: name.to_owned(),
            reason: "IDENTITY_CHECK".to_owned(),
            request_id: self.office.fresh("reveal"),
            validate_only: false,
        }
    }

    fn find(&self, person: u64) -> v1::FindPersonRequest {
        v1::FindPersonRequest {
            parent: self.office.parent(),
            identity_number: self
                .office
                .registration(person, String::new())
                .identity_number,
        }
    }

    async fn withdraw(&self, voucher: String, holder: &str) {
        let request = v1::WithdrawRequest {
            name: voucher,
            holder: holder.to_owned(),
            request_id: self.office.fresh("withdraw"),
            ..v1::WithdrawRequest::default()
        };
        let portal = &self.office.portal;
        let method = "ApplicationService/Withdraw";
        let _: v1::WithdrawResponse = must(&self.client, portal, method, request).await;
    }

    async fn erased(&self, name: &str) -> v1::EraseSubjectResponse {
        let operator = &self.running.operator_key;
        must(&self.client, operator, ERASE, self.erase(name)).await
    }

    /// What the database still holds of a person's ciphertexts.
    async fn ciphertexts(&self, name: &str) -> usize {
        ciphertexts(&self.running, name).await
    }

    fn keys(&self) -> WrappedKeys {
        WrappedKeys::open(&self.state.path().join("state")).unwrap()
    }
}

/// Serves again on what stands on the disk.
pub(crate) async fn again(place: &Place, folder: &Path) -> Running {
    serve(Setup {
        database: place.url(),
        state: folder.join("state"),
        listen: ([127, 0, 0, 1], 0).into(),
        deployment: crate::ISSUER.to_owned(),
        tree: hefu_server::RegionTree::read(None).unwrap(),
        clock: Clock::simulated(NOW).0,
        source: hefu_engine::Source::Seeded([7; 32]),
        writers: 2,
        witnesses: hefu_server::Witnesses::none(),
        limits: hefu_server::Limits::default(),
    })
    .await
    .unwrap()
}

fn id(name: &str) -> &str {
    name.rsplit('/').next().unwrap()
}

async fn ciphertexts(running: &Running, name: &str) -> usize {
    let store = running.engine.store();
    store.people_secrets(&[key(name)]).await.unwrap().len()
}

fn key(name: &str) -> PersonKey {
    PersonKey {
        region: REGION.to_owned(),
        person: id(name).to_owned(),
    }
}

/// Whether the region has it on record that they were erased.
async fn on_record(running: &Running, name: &str) -> bool {
    let (region, person) = (REGION.parse::<Region>().unwrap(), id(name).parse().unwrap());
    let asked = |world: &World, _| Ok(world.person(&person)?.erased);
    running
        .engine
        .inspect(&region, asked)
        .await
        .unwrap()
        .unwrap()
}

fn owner(name: &str) -> Owner {
    Owner::Person(REGION.parse().unwrap(), id(name).parse().unwrap())
}

/// The log holds, the tables are what it says, and every move of it would be decided so again.
async fn holds(running: &Running) {
    let mut snapshot = running.engine.store().snapshot().await.unwrap();
    let verified = hefu_engine::audit(&mut snapshot, true, |_, _| {});
    let verified = verified.await.unwrap();
    assert!(verified.log_verified && verified.replay_equal);
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
}

async fn who_is_erased_is_gone_and_what_was_decided_stays(engine: Engine) {
    let api = Api::start_on(engine).await;
    let (client, office) = (&api.client, &api.office);
    let name = office.person(client, 1).await;
    let voucher = office.applied(client, &name).await;
    let before = api.head().await;
    let refused = api
        .refused(&api.running.operator_key, ERASE, api.erase(&name))
        .await;
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "PERSON_HAS_OPEN_VOUCHER");
    let refused = api.refused(api.clerk(), ERASE, api.erase(&name)).await;
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(api.head().await, before);
    assert_eq!(api.ciphertexts(&name).await, 1);
    api.withdraw(voucher.clone(), &name).await;
    let try_first = v1::EraseSubjectRequest {
        validate_only: true,
        ..api.erase(&name)
    };
    let operator = &api.running.operator_key;
    let _: v1::EraseSubjectResponse = must(client, operator, ERASE, try_first).await;
    assert_eq!(api.ciphertexts(&name).await, 1);

    api.erased(&name).await;
    assert_eq!(api.ciphertexts(&name).await, 0);
    assert_eq!(api.keys().get_many(&[owner(&name)]).unwrap(), [None]);
    hidden(&api, api.clerk(), FIND, api.find(1), "PERSON_NOT_FOUND").await;
    let shown: v1::Person = must(
        client,
        api.clerk(),
        GET,
        v1::GetPersonRequest { name: name.clone() },
    )
    .await;
    assert_eq!(
        (
            shown.masked_name,
            shown.masked_identity_number,
            shown.masked_phone
        ),
        Default::default()
    );
    assert_eq!(shown.answers, []);
    // The voucher's life still reads, and the log still holds.
    let history = v1::VoucherHistoryRequest { name: voucher };
    let told: v1::VoucherHistoryResponse =
        must(client, operator, "AuditService/VoucherHistory", history).await;
    assert_eq!(told.events.len(), 2);
    holds(&api.running).await;
    // Nothing is done in their name any more, and once more is no harm to anybody.
    let apply = office.application(&name, office.fresh("apply"));
    let refused = api
        .refused(&office.portal, "ApplicationService/Apply", apply)
        .await;
    assert_eq!(reason(&refused), "PERSON_ERASED");
    let refused = api.refused(operator, ERASE, api.erase(&name)).await;
    assert_eq!(reason(&refused), "PERSON_ERASED");
    // Who comes back is somebody new to the region.
    let back = office.person(client, 1).await;
    assert_ne!(back, name);
    let found: v1::Person = must(client, api.clerk(), FIND, api.find(1)).await;
    assert_eq!(found.name, back);
    api.running.stop().await;
}

on_both! { who_is_erased_is_gone_and_what_was_decided_stays }

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_shown_once_it_is_on_record_that_it_is_and_only_to_who_may_see_it() {
    let api = Api::start().await;
    let (client, office) = (&api.client, &api.office);
    let name = office.person(client, 1).await;
    let registered = office.registration(1, String::new());
    let before = api.head().await;
    for key in [&office.portal, &api.running.operator_key] {
        let refused = api.refused(key, REVEAL, api.reveal(&name)).await;
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let tried = v1::RevealPersonRequest {
        validate_only: true,
        ..api.reveal(&name)
    };
    let told: v1::RevealPersonResponse = must(client, api.clerk(), REVEAL, tried).await;
    assert_eq!(told.identity_number, "");
    assert_eq!(api.head().await, before);

    let asked = api.reveal(&name);
    let told: v1::RevealPersonResponse = must(client, api.clerk(), REVEAL, asked.clone()).await;
    assert_eq!(
        (&told.identity_number, &told.display_name, &told.phone),
        (
            &registered.identity_number,
            &registered.display_name,
            &registered.phone
        )
    );
    let index = told.receipt.unwrap().recorded.unwrap().first_index;
    let rows = api
        .running
        .engine
        .store()
        .events(REGION, 0, index, 1)
        .await
        .unwrap();
    assert_eq!(rows[0].kind, "PersonRevealed");
    assert!(!shows(&rows[0].bytes, &registered.identity_number));
    // A lost answer is asked for again, and is no second look.
    let head = api.head().await;
    let again: v1::RevealPersonResponse = must(client, api.clerk(), REVEAL, asked.clone()).await;
    assert_eq!(again.identity_number, registered.identity_number);
    assert_eq!(api.head().await, head);
    api.erased(&name).await;
    let refused = api.refused(api.clerk(), REVEAL, asked).await;
    assert_eq!(reason(&refused), "PERSON_ERASED");
    api.running.stop().await;
}

/// A server whose person was erased, and what it had just before that.
struct Restored {
    name: String,
    client_key: String,
    state: Folder,
    place: Place,
    database: Backup,
    keys: Vec<(String, Vec<u8>)>,
    find: v1::FindPersonRequest,
}

impl Restored {
    async fn make(engine: Engine) -> Restored {
        let api = Api::start_on(engine).await;
        let name = api.office.person(&api.client, 1).await;
        let find = api.find(1);
        let erase = api.erase(&name);
        let Api {
            running,
            office,
            state,
            place,
            ..
        } = api;
        running.stop().await;
        closed(state.path()).await;
        let database = place.backup().await;
        let mut keys = files(state.path());
        keys.retain(|(file, _)| file.contains("wrapped-keys"));
        let running = again(&place, state.path()).await;
        let client = connect(&running).await;
        let operator = &running.operator_key;
        let _: v1::EraseSubjectResponse = must(&client, operator, ERASE, erase).await;
        running.stop().await;
        closed(state.path()).await;
        Restored {
            name,
            client_key: office.clerks[0].clone(),
            state,
            place,
            database,
            keys,
            find,
        }
    }

    /// The wrapped keys, as they were. Nothing serves meanwhile.
    fn put_back_keys(&self) {
        for (file, bytes) in &self.keys {
            std::fs::write(file, bytes).unwrap();
        }
    }

    /// What the database holds of their ciphertexts, while nothing serves.
    async fn stored(&self) -> usize {
        let store = self.place.open().await;
        let secrets = store.people_secrets(&[key(&self.name)]).await.unwrap();
        store.close().await;
        secrets.len()
    }

    /// Whether their wrapped key is still there.
    fn is_wrapped(&self) -> bool {
        let keys = WrappedKeys::open(&self.state.path().join("state")).unwrap();
        keys.get_many(&[owner(&self.name)]).unwrap()[0].is_some()
    }

    async fn serve(&self) -> Running {
        again(&self.place, self.state.path()).await
    }

    /// Nobody is there, for the vault and for whoever asks.
    async fn is_gone(&self, running: &Running) {
        assert_eq!(ciphertexts(running, &self.name).await, 0);
        let client = connect(running).await;
        let found = client.call::<_, v1::Person>(&self.client_key, FIND, self.find.clone());
        assert_eq!(found.await.unwrap_err().code(), Code::NotFound);
        let get = v1::GetPersonRequest {
            name: self.name.clone(),
        };
        let shown: v1::Person = must(&client, &self.client_key, GET, get).await;
        assert_eq!(shown.masked_name, "");
        assert!(!self.is_wrapped());
    }
}

/// Waits until nobody has the wrapped keys open: the last to close them takes their write-ahead log away.
async fn closed(folder: &Path) {
    let log = folder.join("state/wrapped-keys.sqlite-wal");
    while log.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn connect(running: &Running) -> Client {
    Client::connect(&format!("http://{}", running.address))
        .await
        .unwrap()
}

async fn a_backup_from_before_an_erasure_brings_nobody_back(engine: Engine) {
    let restored = Restored::make(engine).await;
    assert_eq!(restored.stored().await, 0);
    restored.place.restore(&restored.database).await;
    // The backup has them, and no key opens them any more, whether or not anything is started on it.
    assert_eq!(restored.stored().await, 1);
    assert!(!restored.is_wrapped());
    let running = restored.serve().await;
    // The log is in doubt, and nobody is there to be found all the same.
    restored.is_gone(&running).await;
    assert!(!on_record(&running, &restored.name).await);
    running.stop().await;
    let state = restored.state.path().join("state");
    let mut offline = Offline::open(&restored.place.url(), &state).await.unwrap();
    for region in offline.in_doubt().await.unwrap() {
        let reason = "BACKUP_RESTORED".parse().unwrap();
        offline.accept_fork(&region, reason).await.unwrap();
    }
    offline.close().await;
    // Every later start than the next finds nothing to do.
    for _ in 0..2 {
        let running = restored.serve().await;
        restored.is_gone(&running).await;
        assert!(on_record(&running, &restored.name).await);
        let rows = running
            .engine
            .store()
            .events(REGION, 1, 0, 10)
            .await
            .unwrap();
        let kinds: Vec<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
        assert_eq!(kinds, ["ForkAccepted", "SubjectErased"]);
        holds(&running).await;
        running.stop().await;
    }
    closed(restored.state.path()).await;
    assert_eq!(restored.stored().await, 0);
    for (file, bytes) in files(restored.state.path()) {
        canaries::none_in(&file, &bytes);
    }
}

on_both! { a_backup_from_before_an_erasure_brings_nobody_back }

async fn an_erasure_that_was_cut_off_behind_its_commit_is_ended_at_the_next_start(engine: Engine) {
    let restored = Restored::make(engine).await;
    restored.put_back_keys();
    assert!(restored.is_wrapped());
    let state = restored.state.path().join("state");
    let keys = WrappedKeys::open(&state).unwrap();
    keys.announce(&[owner(&restored.name)]).unwrap();
    drop(keys);
    let running = restored.serve().await;
    restored.is_gone(&running).await;
    holds(&running).await;
    running.stop().await;
}

on_both! { an_erasure_that_was_cut_off_behind_its_commit_is_ended_at_the_next_start }

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_was_announced_and_never_committed_is_none() {
    let api = Api::start().await;
    let name = api.office.person(&api.client, 1).await;
    let asked = api.find(1);
    let clerk = api.clerk().to_owned();
    let Api {
        running,
        state,
        place,
        ..
    } = api;
    running.stop().await;
    let keys = WrappedKeys::open(&state.path().join("state")).unwrap();
    keys.announce(&[owner(&name)]).unwrap();
    let running = again(&place, state.path()).await;
    assert_eq!(keys.erasures().unwrap(), []);
    let client = connect(&running).await;
    let found: v1::Person = must(&client, &clerk, FIND, asked).await;
    assert_ne!(found.masked_name, "");
    running.stop().await;
}
