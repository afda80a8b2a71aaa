//! What is personal is nowhere in clear: not in the database's files, not beside them, not in an event, not in an answer or an error.

use std::path::Path;

use hefu_domain::Event;
use hefu_scenario::made_up;
use hefu_tests::canaries;
use hefu_tests::office::must;
use hefu_wire::v1;
use prost::Message;

use crate::Api;

pub(crate) fn shows(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Every file of a folder, with its bytes.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_stands_in_a_file_an_event_an_answer_or_an_error() {
    let api = Api::start().await;
    let office = &api.office;
    let register = "PeopleService/RegisterPerson";
    let mut said: Vec<(String, Vec<u8>)> = Vec::new();
    for number in 0..20 {
        let name = office.person(&api.client, number).await;
        office.applied(&api.client, &name).await;
        let shown: v1::Person = must(
            &api.client,
            api.clerk(),
            "PeopleService/GetPerson",
            v1::GetPersonRequest { name },
        )
        .await;
        assert!(shown.masked_identity_number.contains('*'));
        said.push(("GetPerson".to_owned(), shown.encode_to_vec()));
        // Refused by a rule, wrong in a field beside the personal ones, wrong in the personal ones.
        let good = office.registration(number, office.fresh("again"));
        let mut wrong_phone = good.clone();
        wrong_phone.phone.push('0');
        let mut wrong_name = good.clone();
        wrong_name.display_name.push('\u{0}');
        let mut wrong_number = good.clone();
        wrong_number.identity_number.push('0');
        let mut wrong_id = good.clone();
        wrong_id.request_id.clear();
        for asked in [good, wrong_phone, wrong_name, wrong_number, wrong_id] {
            let status = api.refused(api.clerk(), register, asked).await;
            said.push((status.to_string(), status.message().as_bytes().to_vec()));
            said.push((status.to_string(), status.details().to_vec()));
        }
    }
    let list = v1::ListEventsRequest {
        parent: office.parent(),
        from_index: 0,
        page_size: 1_000,
    };
    let operator = &api.running.operator_key;
    let events: v1::ListEventsResponse =
        must(&api.client, operator, "AuditService/ListEvents", list).await;
    assert!(events.events.len() > 60);
    said.extend(events.events.into_iter().map(|e| (e.kind, e.canonical)));
    let hefu_tests::engines::Place::Sqlite(folder) = &api.place else {
        panic!("the files of SQLite are looked into");
    };
    // While the server runs, what was written last stands in the write-ahead log.
    let stored = files(folder.path());
    assert!(
        stored
            .iter()
            .any(|(name, bytes)| name.ends_with("-wal") && !bytes.is_empty())
    );
    said.extend(stored);
    said.extend(files(api.state.path()));
    api.running.stop().await;
    said.extend(files(folder.path()));
    for (place, bytes) in &said {
        canaries::none_in(place, bytes);
    }
    // The search itself finds what is there.
    let region = said.iter().filter(|(_, bytes)| shows(bytes, crate::REGION));
    assert!(region.count() > 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_number_stands_in_the_vault_and_in_the_log_as_a_commitment_only() {
    let api = Api::start().await;
    let (client, office) = (&api.client, &api.office);
    let school = made_up::credit_code("140725", 1);
    let registered = v1::RegisterInstitutionRequest {
        parent: office.parent(),
        credit_code: school.clone(),
        display_name: "样例学校".to_owned(),
        capacities: vec![v1::Capacity::TrainingBody.into()],
        request_id: office.fresh("school"),
        ..v1::RegisterInstitutionRequest::default()
    };
    let method = "RegistryService/RegisterInstitution";
    let _: v1::RegisterInstitutionResponse = must(client, api.clerk(), method, registered).await;
    let account = |number: &str| v1::RegisterAccountRequest {
        name: format!("{}/institutions/{school}", office.parent()),
        account_name: "样例学校账户".to_owned(),
        account_number: number.to_owned(),
        request_id: office.fresh("account"),
        validate_only: false,
    };
    let number = "6222020200112233445";
    let method = "RegistryService/RegisterAccount";
    let told: v1::RegisterAccountResponse =
        must(client, api.clerk(), method, account(number)).await;
    let store = api.running.engine.store();
    let index = told.receipt.unwrap().recorded.unwrap().first_index;
    let rows = store.events(crate::REGION, 0, index, 1).await.unwrap();
    let Event::AccountRegistered(event) = hefu_engine::decode(&rows[0]).unwrap() else {
        panic!("{rows:?}");
    };
    let region = crate::REGION.parse().unwrap();
    let people = api.running.engine.people();
    let mut reads = store.deciding().await.unwrap();
    let opened = people
        .committed(&mut reads, &region, event.commitment)
        .await;
    let opened = opened.unwrap().expect("the vault has it");
    assert_eq!(*opened.value, format!("样例学校账户\n{number}"));
    let other = people
        .committed(&mut reads, &region, hefu_domain::Digest([1; 32]))
        .await;
    assert!(other.unwrap().is_none());
    drop(reads);
    let hefu_tests::engines::Place::Sqlite(folder) = &api.place else {
        panic!("the files of SQLite are looked into");
    };
    for (place, bytes) in files(folder.path())
        .into_iter()
        .chain(files(api.state.path()))
    {
        assert!(
            !shows(&bytes, number),
            "the account number stands in {place}"
        );
    }
}
