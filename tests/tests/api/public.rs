//! What is public: the catalogues, and the notice of an approved sheet while it runs.

use hefu_scenario::key;
use hefu_tests::canaries;
use hefu_tests::office::must;
use hefu_wire::v1;
use tonic::Code;

use crate::school::{OCCUPATION, School};
use crate::{Api, hidden};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalogue_is_public() {
    let api = Api::start().await;
    let school = School::open(&api).await;
    let list = |institution: &str, standing: &str| v1::ListCatalogueEntriesRequest {
        parent: api.office.parent(),
        institution: institution.to_owned(),
        standing: standing.to_owned(),
        ..v1::ListCatalogueEntriesRequest::default()
    };
    let method = "RegistryService/ListCatalogueEntries";
    let page: v1::ListCatalogueEntriesResponse =
        must(&api.client, "", method, list(&school.name, "good")).await;
    let [entry] = page.catalogue_entries.as_slice() else {
        panic!("{page:?}")
    };
    let line = format!(
        "{}/catalogueEntries/training-{OCCUPATION}-2023",
        school.name
    );
    assert_eq!(entry.name, line);
    let get = v1::GetCatalogueEntryRequest { name: line.clone() };
    let read: v1::CatalogueEntry =
        must(&api.client, "", "RegistryService/GetCatalogueEntry", get).await;
    let happened: Vec<&str> = read.history.iter().map(|e| e.what.as_str()).collect();
    assert_eq!(happened, ["filed", "approved"]);
    let plain = v1::CatalogueEntry {
        history: Vec::new(),
        ..read
    };
    assert_eq!(&plain, entry);
    let page: v1::ListCatalogueEntriesResponse =
        must(&api.client, "", method, list(&school.name, "filed")).await;
    assert!(page.catalogue_entries.is_empty());
    let other = v1::GetCatalogueEntryRequest {
        name: line.replace("training", "assessment"),
    };
    let method = "RegistryService/GetCatalogueEntry";
    hidden(&api, "", method, other, "CATALOGUE_ENTRY_NOT_FOUND").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anyone_reads_the_public_notice_and_whoever_decides_finds_the_objection() {
    let api = Api::start().await;
    let mut school = School::open(&api).await;
    school.enrol(&api, 2).await;
    school.train(&api).await;
    let sheet = school.claim(&api).await;
    let anybody = key(0, "anybody");
    let (get, list) = (
        "RedemptionService/GetNotice",
        "RedemptionService/ListNotices",
    );
    let asked = v1::GetNoticeRequest {
        name: sheet.clone(),
    };
    let all = v1::ListNoticesRequest {
        parent: api.office.parent(),
        ..v1::ListNoticesRequest::default()
    };
    // Nothing is public before it is approved, and a key must be shown.
    hidden(&api, &anybody, get, asked.clone(), "SHEET_NOT_FOUND").await;
    let until = school.approve(&api, &sheet).await;
    let status = api.refused("", get, asked.clone()).await;
    assert_eq!(status.code(), Code::Unauthenticated);
    let notice: v1::Notice = must(&api.client, &anybody, get, asked.clone()).await;
    assert_eq!((notice.heads, notice.amount_fen), (2, 20_000));
    assert_eq!(
        (&notice.payee, &notice.occasion),
        (&school.name, &school.class)
    );
    assert_eq!(notice.payee_display_name, "样例职业培训学校");
    assert_eq!(notice.until, until);
    assert_eq!(notice.people.len(), 2);
    for (number, person) in notice.people.iter().enumerate() {
        let full = canaries::person(number as u64).name;
        assert!(person.masked_name.contains('*'), "{person:?}");
        assert_ne!(person.masked_name, full);
        assert_eq!(person.amount_fen, 10_000);
    }
    let page: v1::ListNoticesResponse = must(&api.client, &anybody, list, all.clone()).await;
    let [listed] = page.notices.as_slice() else {
        panic!("{page:?}")
    };
    assert_eq!((&listed.sheet, listed.people.len()), (&sheet, 0));

    let object = v1::RaiseObjectionRequest {
        name: sheet.clone(),
        statement: vec![3; 32],
        request_id: api.office.fresh("object"),
        validate_only: false,
    };
    let method = "RedemptionService/RaiseObjection";
    let raised: v1::RaiseObjectionResponse = must(&api.client, &anybody, method, object).await;
    let shown = |key: String| {
        let asked = v1::GetSheetRequest {
            name: sheet.clone(),
        };
        let client = api.client.clone();
        async move {
            let shown: v1::Sheet = must(&client, &key, "RedemptionService/GetSheet", asked).await;
            shown.objections
        }
    };
    let objections = shown(api.office.reviewer.clone()).await;
    assert_eq!(objections[0].name, raised.objection);
    assert_eq!(objections[0].state, "raised");
    let decide = v1::BatchDecideObjectionRequest {
        parent: api.office.parent(),
        mode: v1::Mode::Atomic.into(),
        request_id: api.office.fresh("decide"),
        requests: vec![v1::DecideObjectionRequest {
            name: objections[0].name.clone(),
            ruling: v1::Ruling::Dismiss.into(),
            ..v1::DecideObjectionRequest::default()
        }],
    };
    let method = "RedemptionService/BatchDecideObjection";
    let _: v1::BatchDecideObjectionResponse =
        must(&api.client, &api.office.reviewer, method, decide).await;
    assert_eq!(shown(school.key.clone()).await[0].state, "dismissed");

    // When the notice is over, names are not public any more.
    api.stand_at("2023-06-30T02:00:00.000Z");
    hidden(&api, &anybody, get, asked, "SHEET_NOT_FOUND").await;
    let page: v1::ListNoticesResponse = must(&api.client, &anybody, list, all).await;
    assert!(page.notices.is_empty());
}
