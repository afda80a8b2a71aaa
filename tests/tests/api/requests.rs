//! What holds for every request: its id, dry runs, pages, and how large it may be.

use hefu_tests::office::must;
use hefu_wire::v1;
use tonic::Code;

use crate::{Api, reason, wrong_fields};

const REGISTER: &str = "PeopleService/RegisterPerson";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_gets_the_same_answer_and_another_body_is_refused() {
    let api = Api::start().await;
    let asked = api.office.registration(1, api.office.fresh("person"));
    let first: v1::RegisterPersonResponse =
        must(&api.client, api.clerk(), REGISTER, asked.clone()).await;
    let recorded = api.head().await;
    let again: v1::RegisterPersonResponse =
        must(&api.client, api.clerk(), REGISTER, asked.clone()).await;
    assert_eq!(again, first);
    let mut other = asked.clone();
    other.display_name.push('某');
    let status = api.refused(api.clerk(), REGISTER, other).await;
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    // Another move under the same id is another request too.
    let person = first.receipt.unwrap().name;
    let answers = api.office.answers(&person, asked.request_id.clone());
    let method = "PeopleService/RecordCheckAnswers";
    let status = api.refused(api.clerk(), method, answers).await;
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(api.head().await, recorded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_answers_like_the_move_and_writes_nothing() {
    let api = Api::start().await;
    let before = api.head().await;
    let mut asked = api.office.registration(1, api.office.fresh("person"));
    asked.validate_only = true;
    let dry: v1::RegisterPersonResponse =
        must(&api.client, api.clerk(), REGISTER, asked.clone()).await;
    let dry = dry.receipt.unwrap();
    assert_eq!(dry.recorded, None);
    assert_eq!(api.head().await, before);
    // The dry run did not use the request id up.
    asked.validate_only = false;
    let made: v1::RegisterPersonResponse =
        must(&api.client, api.clerk(), REGISTER, asked.clone()).await;
    let made = made.receipt.unwrap();
    let stands = v1::Recorded {
        region: api.office.parent(),
        epoch: before.epoch,
        first_index: before.size,
        events: 1,
    };
    assert_eq!(made.recorded, Some(stands));
    // Where it stands is told the same way to whoever asks again.
    let again: v1::RegisterPersonResponse =
        must(&api.client, api.clerk(), REGISTER, asked.clone()).await;
    assert_eq!(again.receipt.unwrap(), made);
    let recorded = api.head().await;
    // A dry run of what a rule refuses is refused, and stores nothing either.
    asked.request_id = api.office.fresh("person");
    asked.validate_only = true;
    let status = api.refused(api.clerk(), REGISTER, asked).await;
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "PERSON_ALREADY_REGISTERED");
    assert_eq!(api.head().await, recorded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_each_other_and_a_token_that_somebody_made_is_refused() {
    let api = Api::start().await;
    let mut made = Vec::new();
    for person in 0..5 {
        let person = api.office.person(&api.client, person).await;
        made.push(api.office.applied(&api.client, &person).await);
    }
    made.sort();
    let list = |state: &str, token: &str| v1::ListVouchersRequest {
        parent: api.office.parent(),
        page_size: 2,
        page_token: token.to_owned(),
        state: state.to_owned(),
        ..v1::ListVouchersRequest::default()
    };
    let method = "ApplicationService/ListVouchers";
    let (mut seen, mut token, mut tokens) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page: v1::ListVouchersResponse =
            must(&api.client, api.clerk(), method, list("applied", &token)).await;
        assert!(page.vouchers.len() <= 2);
        seen.extend(page.vouchers.into_iter().map(|voucher| voucher.name));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        tokens.push(token.clone());
    }
    assert_eq!(seen, made);
    let genuine = &tokens[0];
    let mut flipped = genuine.clone();
    let last = if flipped.ends_with('A') { 'B' } else { 'A' };
    flipped.replace_range(flipped.len() / 2..flipped.len() / 2 + 1, "~");
    let mut cut = genuine.clone();
    cut.pop();
    let mut swapped = cut.clone();
    swapped.insert(0, last);
    for forged in [
        "x",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        &flipped,
        &cut,
        &swapped,
    ] {
        let status = api
            .refused(api.clerk(), method, list("applied", forged))
            .await;
        assert_eq!(status.code(), Code::InvalidArgument, "{forged}");
        assert_eq!(wrong_fields(&status), ["page_token"]);
    }
    // A genuine token of another list.
    let status = api
        .refused(api.clerk(), method, list("issued", genuine))
        .await;
    assert_eq!(wrong_fields(&status), ["page_token"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_item_of_a_batch_says_where_its_events_stand() {
    let api = Api::start().await;
    let office = &api.office;
    let mut people = Vec::new();
    for number in 0..4 {
        people.push(office.person(&api.client, number).await);
    }
    let store = api.running.engine.store();
    let head = api.head().await;
    let mut next = head.size;
    let groups = [
        (v1::Mode::Atomic, &people[..2]),
        (v1::Mode::Each, &people[2..]),
    ];
    for (mode, people) in groups {
        let batch = v1::BatchApplyRequest {
            parent: office.parent(),
            mode: mode.into(),
            request_id: match mode {
                v1::Mode::Atomic => office.fresh("group"),
                v1::Mode::Each | v1::Mode::Unspecified => String::new(),
            },
            requests: people
                .iter()
                .map(|person| match mode {
                    v1::Mode::Atomic => office.application(person, String::new()),
                    v1::Mode::Each | v1::Mode::Unspecified => {
                        office.application(person, office.fresh("apply"))
                    }
                })
                .collect(),
        };
        let method = "ApplicationService/BatchApply";
        let told: v1::BatchApplyResponse =
            must(&api.client, &office.portal, method, batch.clone()).await;
        let mut places = Vec::new();
        for result in &told.results {
            let Some(v1::apply_result::Result::Response(answer)) = &result.result else {
                panic!("{result:?}")
            };
            let receipt = answer.receipt.clone().unwrap();
            let at = receipt.recorded.unwrap();
            assert_eq!((&at.region, at.epoch), (&office.parent(), head.epoch));
            // What stands there is about the very thing that the receipt names.
            let rows = store
                .events(crate::REGION, 0, at.first_index, at.events)
                .await;
            let voucher = receipt.name.rsplit('/').next().unwrap();
            assert!(rows.unwrap()[0].stream.ends_with(voucher));
            places.extend(at.first_index..at.first_index + u64::from(at.events));
        }
        places.sort_unstable();
        let end = next + places.len() as u64;
        assert_eq!(places, (next..end).collect::<Vec<_>>());
        next = end;
        let again: v1::BatchApplyResponse = must(&api.client, &office.portal, method, batch).await;
        assert_eq!(again, told);
    }
    assert_eq!(api.head().await.size, next);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_turned_away_before_it_is_read_and_the_server_serves_on() {
    let api = Api::start().await;
    let before = api.head().await;
    let mut asked = api.office.registration(1, api.office.fresh("person"));
    asked.display_name = "王".repeat(5 << 20);
    let status = api.refused(api.clerk(), REGISTER, asked).await;
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert_eq!(reason(&status), "MESSAGE_TOO_LARGE");
    assert!(status.message().len() < 1_000);
    assert_eq!(api.head().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_message_are_refused_as_the_senders_fault_and_leave_nothing_behind() {
    let api = Api::start().await;
    let before = api.head().await;
    // Where the method takes a text in field 1, bytes that are no text.
    let nonsense = vec![0xff_u8, 0xfe];
    let status = api.refused(api.clerk(), REGISTER, nonsense).await;
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert_eq!(reason(&status), "MESSAGE_UNREADABLE");
    assert!(!status.message().contains("UTF"), "{status}");
    assert_eq!(api.head().await, before);
}
