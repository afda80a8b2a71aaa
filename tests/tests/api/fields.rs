//! A request that is wrong in itself names every field that is wrong, and a name of nothing is NOT_FOUND.

use hefu_tests::office::must;
use hefu_wire::v1;
use prost::Message;
use tonic::Code;

use crate::personal::shows;
use crate::school::School;
use crate::{Api, REGION, reason, wrong_fields};

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// One call that must be refused as wrong, with the fields that it must name.
async fn wrong<Q>(api: &Api, key: &str, method: &str, message: Q, fields: &[&str])
where
    Q: Message + Clone + 'static,
{
    let status = api.refused(key, method, message).await;
    assert_eq!(status.code(), Code::InvalidArgument, "{method}: {status}");
    assert_eq!(reason(&status), "BAD_FIELD", "{method}");
    assert_eq!(wrong_fields(&status), fields, "{method}: {status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_names_each_of_its_wrong_fields() {
    let api = Api::start().await;
    let good = || api.office.registration(1, api.office.fresh("person"));
    let cases: Vec<(&str, v1::RegisterPersonRequest)> = vec![
        (
            "parent",
            v1::RegisterPersonRequest {
                parent: "regions/14072".to_owned(),
                ..good()
            },
        ),
        (
            "parent",
            v1::RegisterPersonRequest {
                parent: "140725".to_owned(),
                ..good()
            },
        ),
        (
            "identity_number",
            v1::RegisterPersonRequest {
                identity_number: "110105194912310021".to_owned(),
                ..good()
            },
        ),
        (
            "identity_number",
            v1::RegisterPersonRequest {
                identity_number: "1101051949123100\u{0}X".to_owned(),
                ..good()
            },
        ),
        (
            "display_name",
            v1::RegisterPersonRequest {
                display_name: "王\u{0}伟".to_owned(),
                ..good()
            },
        ),
        (
            "display_name",
            v1::RegisterPersonRequest {
                display_name: "王".repeat(51),
                ..good()
            },
        ),
        (
            "display_name",
            v1::RegisterPersonRequest {
                display_name: "王\u{202e}伟".to_owned(),
                ..good()
            },
        ),
        (
            "display_name",
            v1::RegisterPersonRequest {
                display_name: String::new(),
                ..good()
            },
        ),
        (
            "phone",
            v1::RegisterPersonRequest {
                phone: "0351-1234567".to_owned(),
                ..good()
            },
        ),
        (
            "request_id",
            v1::RegisterPersonRequest {
                request_id: "short".to_owned(),
                ..good()
            },
        ),
        (
            "request_id",
            v1::RegisterPersonRequest {
                request_id: "with\u{0}nul-in-it".to_owned(),
                ..good()
            },
        ),
        (
            "request_id",
            v1::RegisterPersonRequest {
                request_id: "r".repeat(65),
                ..good()
            },
        ),
    ];
    let before = api.head().await;
    let method = "PeopleService/RegisterPerson";
    for (field, message) in cases {
        wrong(&api, api.clerk(), method, message, &[field]).await;
    }
    let all = v1::RegisterPersonRequest {
        identity_number: "1".to_owned(),
        display_name: String::new(),
        phone: "1".to_owned(),
        request_id: String::new(),
        ..good()
    };
    let fields = ["request_id", "identity_number", "display_name", "phone"];
    wrong(&api, api.clerk(), method, all, &fields).await;
    assert_eq!(api.head().await, before, "a wrong request writes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_enums_dates_and_foreign_regions_are_named() {
    let api = Api::start().await;
    let office = &api.office;
    let account = format!("{}/planYears/2023/accounts/city", office.parent());
    for amount_fen in [-1, 0, i64::MIN, i64::MAX] {
        let money = v1::AppropriateFundsRequest {
            name: account.clone(),
            amount_fen,
            reference: "TEST-2".to_owned(),
            request_id: office.fresh("money"),
            validate_only: false,
        };
        let method = "FundsService/AppropriateFunds";
        wrong(&api, &office.finance, method, money, &["amount_fen"]).await;
    }
    let person = office.person(&api.client, 1).await;
    let apply = "ApplicationService/Apply";
    for programme in [0, 99, -1] {
        let mut message = office.application(&person, office.fresh("apply"));
        message.programme = programme;
        wrong(&api, &office.portal, apply, message, &["programme"]).await;
    }
    let mut message = office.application(&person.replace(REGION, "140727"), office.fresh("apply"));
    wrong(&api, &office.portal, apply, message.clone(), &["person"]).await;
    message.person = person.to_uppercase();
    wrong(&api, &office.portal, apply, message.clone(), &["person"]).await;
    message.person = "x".repeat(5_000);
    wrong(&api, &office.portal, apply, message.clone(), &["person"]).await;
    message.person = person.clone();
    message.plan_year = 70_000;
    message.skill_level = 9;
    message.occupation = "9-99-99-99".to_owned();
    let fields = ["plan_year", "occupation", "skill_level"];
    wrong(&api, &office.portal, apply, message, &fields).await;
    let mut message = office.answers(&person, office.fresh("answers"));
    message.answers[2].valid_until = "2023-02-30".to_owned();
    message.answers[4].answer = "NO\u{0}".to_owned();
    let fields = ["answers[2].valid_until", "answers[4].answer"];
    let method = "PeopleService/RecordCheckAnswers";
    wrong(&api, api.clerk(), method, message, &fields).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_of_one_region_one_mode_and_a_thousand_items_at_most() {
    let api = Api::start().await;
    let office = &api.office;
    let item = || office.registration(1, office.fresh("person"));
    let batch =
        |mode: v1::Mode, requests: Vec<v1::RegisterPersonRequest>| v1::BatchRegisterPersonRequest {
            parent: office.parent(),
            mode: mode.into(),
            request_id: String::new(),
            requests,
        };
    let method = "PeopleService/BatchRegisterPerson";
    let none = batch(v1::Mode::Each, Vec::new());
    wrong(&api, api.clerk(), method, none, &["requests"]).await;
    let many = batch(v1::Mode::Each, vec![item(); 1_001]);
    wrong(&api, api.clerk(), method, many, &["requests"]).await;
    let unsaid = batch(v1::Mode::Unspecified, vec![item()]);
    wrong(&api, api.clerk(), method, unsaid, &["mode"]).await;
    let nowhere = v1::BatchRegisterPersonRequest {
        parent: "regions/nowhere".to_owned(),
        ..batch(v1::Mode::Each, vec![item()])
    };
    wrong(&api, api.clerk(), method, nowhere, &["parent"]).await;

    let before = api.head().await;
    let foreign = v1::RegisterPersonRequest {
        parent: "regions/140727".to_owned(),
        ..item()
    };
    let unreadable = v1::RegisterPersonRequest {
        phone: "1".to_owned(),
        ..item()
    };
    let mixed = batch(v1::Mode::Each, vec![foreign, unreadable, item()]);
    let answer: v1::BatchRegisterPersonResponse =
        must(&api.client, api.clerk(), method, mixed).await;
    let codes: Vec<i32> = answer
        .results
        .iter()
        .map(|result| match &result.result {
            Some(v1::register_person_result::Result::Error(error)) => error.code,
            Some(v1::register_person_result::Result::Response(_)) => 0,
            None => panic!("an item without a result"),
        })
        .collect();
    let invalid = Code::InvalidArgument as i32;
    assert_eq!(codes, [invalid, invalid, 0], "one item spoils no other");
    assert_eq!(api.head().await.size, before.size + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_not_found() {
    let api = Api::start().await;
    let office = &api.office;
    let name = |collection: &str| format!("{}/{collection}/{NOBODY}", office.parent());
    let get = api.refused(
        api.clerk(),
        "ApplicationService/GetVoucher",
        v1::GetVoucherRequest {
            name: name("vouchers"),
        },
    );
    let issue = api.refused(
        &office.reviewer,
        "IssuanceService/Issue",
        office.issue(&name("vouchers"), office.fresh("issue")),
    );
    let person = api.refused(
        api.clerk(),
        "PeopleService/GetPerson",
        v1::GetPersonRequest {
            name: name("people"),
        },
    );
    let apply = api.refused(
        &office.portal,
        "ApplicationService/Apply",
        office.application(&name("people"), office.fresh("apply")),
    );
    let nowhere = api.refused(
        api.clerk(),
        "AuditService/GetHead",
        v1::GetHeadRequest {
            name: "regions/999999".to_owned(),
        },
    );
    for (status, code) in [
        (get.await, "VOUCHER_NOT_FOUND"),
        (issue.await, "VOUCHER_NOT_FOUND"),
        (person.await, "PERSON_NOT_FOUND"),
        (apply.await, "PERSON_NOT_FOUND"),
        (nowhere.await, "REGION_NOT_FOUND"),
    ] {
        assert_eq!(status.code(), Code::NotFound, "{code}: {status}");
        assert_eq!(reason(&status), code);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_names_each_filter_that_is_wrong() {
    let api = Api::start().await;
    let parent = api.office.parent();
    let all = v1::ListVouchersRequest {
        parent: parent.clone(),
        state: "issued\0".to_owned(),
        plan_year: 70_000,
        occasion: format!("regions/140727/classes/{NOBODY}"),
        sheet: format!("{parent}/classes/{NOBODY}"),
        person: format!("regions/140727/people/{NOBODY}"),
        ..v1::ListVouchersRequest::default()
    };
    let status = api
        .refused(api.clerk(), "ApplicationService/ListVouchers", all)
        .await;
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let fields = ["state", "plan_year", "occasion", "sheet", "person"];
    assert_eq!(wrong_fields(&status), fields);
    for (method, fields) in [
        ("TrainingService/ListClasses", &["state", "deliverer"][..]),
        ("RedemptionService/ListSheets", &["state", "payee"]),
    ] {
        // The two requests have the same shape.
        let wrong = v1::ListClassesRequest {
            parent: parent.clone(),
            state: "no-such-state".to_owned(),
            deliverer: "regions/140725/institutions/x\0".to_owned(),
            ..v1::ListClassesRequest::default()
        };
        let status = api.refused(api.clerk(), method, wrong).await;
        assert_eq!(wrong_fields(&status), fields, "{method}");
    }
    let running = v1::ListSessionsRequest {
        parent: parent.clone(),
        state: "running".to_owned(),
        ..v1::ListSessionsRequest::default()
    };
    let method = "AssessmentService/ListSessions";
    let status = api.refused(api.clerk(), method, running).await;
    assert_eq!(wrong_fields(&status), ["state"]);
    let head = v1::GetHeadRequest {
        name: "140725".to_owned(),
    };
    let status = api.refused(api.clerk(), "AuditService/GetHead", head).await;
    assert_eq!(wrong_fields(&status), ["name"]);
    let quote = v1::QuoteRequest {
        parent,
        skill_level: 9,
        days: 70_000,
        ..v1::QuoteRequest::default()
    };
    let status = api
        .refused(api.clerk(), "RedemptionService/Quote", quote)
        .await;
    let fields = ["plan_year", "programme", "skill_level", "days"];
    assert_eq!(wrong_fields(&status), fields);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batchs_wrong_items_are_named_by_number() {
    let api = Api::start().await;
    let school = School::open(&api).await;
    let good = || api.office.registration(1, api.office.fresh("person"));
    let wrong = v1::RegisterPersonRequest {
        phone: "1".to_owned(),
        ..good()
    };
    let elsewhere = v1::RegisterPersonRequest {
        parent: "regions/140727".to_owned(),
        ..good()
    };
    let batch = |mode: v1::Mode| v1::BatchRegisterPersonRequest {
        parent: api.office.parent(),
        mode: mode.into(),
        request_id: api.office.fresh("batch"),
        requests: vec![good(), wrong.clone(), elsewhere.clone()],
    };
    let method = "PeopleService/BatchRegisterPerson";
    let each: v1::BatchRegisterPersonResponse =
        must(&api.client, api.clerk(), method, batch(v1::Mode::Each)).await;
    let named: Vec<Vec<String>> = each.results.into_iter().map(fields).collect();
    assert_eq!(
        named,
        [
            vec![],
            vec!["requests[1].phone".to_owned()],
            vec!["requests[2]".to_owned()]
        ]
    );
    // Rules that find a request wrong in itself name the field, too: of one move and of a batch's item.
    let mut filing = school.filing("room-9", 501);
    let status = api
        .refused(&school.key, "TrainingService/FileClass", filing.clone())
        .await;
    assert_eq!(reason(&status), "CAPACITY_INVALID");
    assert_eq!(wrong_fields(&status), ["filing.capacity"]);
    filing.filing.as_mut().unwrap().trainers.clear();
    let atomic = v1::BatchFileClassRequest {
        parent: api.office.parent(),
        mode: v1::Mode::Atomic.into(),
        request_id: api.office.fresh("batch"),
        requests: vec![school.filing("room-8", 10), filing],
    };
    let method = "TrainingService/BatchFileClass";
    let status = api.refused(&school.key, method, atomic).await;
    let fields = ["requests[1].filing.capacity", "requests[1].filing.trainers"];
    assert_eq!(wrong_fields(&status), fields, "{status}");
    let mut unreadable = school.filing("room-7", 10);
    unreadable.filing.as_mut().unwrap().occupation.clear();
    let atomic = v1::BatchFileClassRequest {
        parent: api.office.parent(),
        mode: v1::Mode::Atomic.into(),
        request_id: api.office.fresh("batch"),
        requests: vec![school.filing("room-8", 10), unreadable],
    };
    let status = api.refused(&school.key, method, atomic).await;
    assert_eq!(wrong_fields(&status), ["requests[1].filing.occupation"]);
}

/// The wrong fields that an item's result names.
fn fields(result: v1::RegisterPersonResult) -> Vec<String> {
    use tonic_types::RpcStatusExt as _;
    match result.result {
        Some(v1::register_person_result::Result::Error(error)) => error
            .get_details_bad_request()
            .map(|bad| bad.field_violations.into_iter().map(|v| v.field).collect())
            .unwrap_or_default(),
        Some(v1::register_person_result::Result::Response(_)) | None => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_names_its_wrong_fields_and_repeats_none_of_them() {
    let api = Api::start().await;
    let operator = &api.running.operator_key;
    let unit = hefu_scenario::made_up::credit_code(REGION, 77);
    let slip = if unit.ends_with('0') { '1' } else { '0' };
    let sealed = format!("sealed-{}", "A".repeat(43));
    let trades = |codes: &[&str]| codes.iter().map(ToString::to_string).collect();
    let good = || v1::RegisterClassifiedRequest {
        parent: api.office.parent(),
        credit_code: unit.clone(),
        display_name: "样例涉密研究所".to_owned(),
        capacities: vec![v1::Capacity::Enterprise.into()],
        licensed_occupations: trades(&["6-25-04-07"]),
        document: vec![9; 32],
        request_id: api.office.fresh("list"),
        validate_only: false,
    };
    let cases: [(&[&str], v1::RegisterClassifiedRequest); 6] = [
        (
            &["credit_code"],
            v1::RegisterClassifiedRequest {
                credit_code: format!("{}{slip}", &unit[..17]),
                ..good()
            },
        ),
        (
            &["credit_code", "licensed_occupations[0]"],
            v1::RegisterClassifiedRequest {
                credit_code: sealed.clone(),
                licensed_occupations: trades(&[&sealed]),
                ..good()
            },
        ),
        (
            &["display_name", "capacities[0]"],
            v1::RegisterClassifiedRequest {
                display_name: String::new(),
                capacities: vec![99],
                ..good()
            },
        ),
        (
            &["document"],
            v1::RegisterClassifiedRequest {
                document: vec![9; 31],
                ..good()
            },
        ),
        (
            &["licensed_occupations"],
            v1::RegisterClassifiedRequest {
                licensed_occupations: vec!["6-25-04-07".to_owned(); 101],
                ..good()
            },
        ),
        (
            &["licensed_occupations[1]"],
            v1::RegisterClassifiedRequest {
                licensed_occupations: trades(&["6-25-04-07", "6-25-04-7"]),
                ..good()
            },
        ),
    ];
    let before = api.head().await;
    let method = "RegistryService/RegisterClassified";
    for (fields, message) in cases {
        let status = api.refused(operator, method, message).await;
        assert_eq!(wrong_fields(&status), fields, "{status}");
        for clear in [&unit[..17], "6-25-04", "样例"] {
            let shown = status.message().contains(clear) || shows(status.details(), clear);
            assert!(!shown, "{clear} stands in {status:?}");
        }
    }
    // What only the rules find wrong names its field, too.
    let twice = v1::RegisterClassifiedRequest {
        licensed_occupations: trades(&["6-25-04-07", "6-25-04-07"]),
        ..good()
    };
    let status = api.refused(operator, method, twice).await;
    assert_eq!(reason(&status), "DUPLICATE_ENTRY");
    assert_eq!(wrong_fields(&status), ["licensed_occupations"]);
    // A dry run tells the seals that the listing will make, and makes none.
    let dry = v1::RegisterClassifiedRequest {
        validate_only: true,
        ..good()
    };
    let foretold: v1::RegisterClassifiedResponse = must(&api.client, operator, method, dry).await;
    assert_eq!(api.head().await, before, "nothing was written");
    let made: v1::RegisterClassifiedResponse = must(&api.client, operator, method, good()).await;
    assert_eq!(made.sealed_occupations, foretold.sealed_occupations);
    assert_eq!(made.receipt.unwrap().name, foretold.receipt.unwrap().name);
}
