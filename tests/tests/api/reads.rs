//! What each caller may read: their own, all of it for the bureau, what is public for everybody, and nothing else.

use hefu_scenario::{credential, key};
use hefu_tests::canaries;
use hefu_tests::office::must;
use hefu_wire::v1;
use tonic::Code;

use crate::school::School;
use crate::{Api, REGION, hidden, no_role, reason, wrong_fields};

const LIST_VOUCHERS: &str = "ApplicationService/ListVouchers";

fn name(collection: &str, id: &str) -> String {
    format!("regions/{REGION}/{collection}/{id}")
}

fn voucher_list(person: &str, occasion: &str) -> v1::ListVouchersRequest {
    v1::ListVouchersRequest {
        parent: format!("regions/{REGION}"),
        person: person.to_owned(),
        occasion: occasion.to_owned(),
        ..v1::ListVouchersRequest::default()
    }
}

async fn vouchers(api: &Api, key: &str, list: v1::ListVouchersRequest) -> Vec<String> {
    let page: v1::ListVouchersResponse = must(&api.client, key, LIST_VOUCHERS, list).await;
    page.vouchers.into_iter().map(|v| v.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_and_what_is_hidden_are_both_not_found() {
    let api = Api::start().await;
    let school = School::open(&api).await;
    let year = |id: &str| v1::GetPlanYearRequest {
        name: name("planYears", id),
    };
    let account = |source: &str| v1::GetAccountRequest {
        name: name("planYears", &format!("2023/accounts/{source}")),
    };
    let (plan_year, funds) = ("FundsService/GetPlanYear", "FundsService/GetAccount");
    hidden(
        &api,
        api.clerk(),
        plan_year,
        year("2031"),
        "PLAN_YEAR_NOT_FOUND",
    )
    .await;
    no_role(&api, &school.key, plan_year, year("2023")).await;
    hidden(
        &api,
        api.clerk(),
        funds,
        account("county"),
        "ACCOUNT_NOT_FOUND",
    )
    .await;
    no_role(&api, &school.key, funds, account("city")).await;
    let shown: v1::Account = must(&api.client, api.clerk(), funds, account("city")).await;
    assert_eq!(shown.allocated_fen, 10_000_000);

    let policy = v1::GetPolicyRequest {
        name: name("policies", "2031"),
    };
    hidden(
        &api,
        "",
        "PolicyService/GetPolicy",
        policy,
        "POLICY_NOT_FOUND",
    )
    .await;
    let calendar = |year: &str| v1::GetCalendarRequest {
        name: name("calendars", year),
    };
    let method = "PolicyService/GetCalendar";
    hidden(&api, "", method, calendar("2031"), "CALENDAR_NOT_FOUND").await;
    let shown: v1::Calendar = must(&api.client, "", method, calendar("2023")).await;
    assert!(shown.holidays.contains(&"2023-10-01".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_grant_is_shown_to_those_who_run_or_watch_the_bureau_and_to_the_caller() {
    let api = Api::start().await;
    let school = School::open(&api).await;
    let of = |key: &str| v1::GetCallerRequest {
        name: name("credentials", &credential(key)),
    };
    let method = "AccessService/GetCaller";
    let operator = &api.running.operator_key;
    for key in [operator, &school.key] {
        let own: v1::Caller = must(&api.client, key, method, of(&school.key)).await;
        assert_eq!(own.grant.unwrap().institution, school.name);
    }
    let missing = "CREDENTIAL_NOT_FOUND";
    hidden(&api, &school.key, method, of(api.clerk()), missing).await;
    hidden(&api, api.clerk(), method, of(&school.key), missing).await;
    hidden(&api, operator, method, of(&key(9, "nobody")), missing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holders_see_their_own_vouchers_and_institutions_those_of_their_classes() {
    let api = Api::start().await;
    let mut school = School::open(&api).await;
    school.enrol(&api, 2).await;
    let (first, second) = (&school.seats[0], &school.seats[1]);
    let unused = api.issued(7).await;
    // A holder with a key of their own.
    let holder = key(1, "holder");
    let request = v1::GrantCallerRequest {
        parent: api.office.parent(),
        credential: credential(&holder),
        grant: Some(v1::Grant {
            subject: "holder-1".to_owned(),
            person: "holder-1".to_owned(),
            roles: vec![v1::Role::Holder.into()],
            holder: first.0.clone(),
            ..v1::Grant::default()
        }),
        request_id: api.office.fresh("grant"),
        validate_only: false,
    };
    let operator = &api.running.operator_key;
    let _: v1::GrantCallerResponse =
        must(&api.client, operator, "AccessService/GrantCaller", request).await;

    let all = voucher_list("", "");
    assert_eq!(vouchers(&api, api.clerk(), all.clone()).await.len(), 3);
    // One page of one voucher is enough: the walk is over the holder's own, not over the region.
    let small = v1::ListVouchersRequest {
        page_size: 1,
        ..all.clone()
    };
    assert_eq!(
        vouchers(&api, &holder, small).await,
        std::slice::from_ref(&first.1)
    );
    let others = voucher_list(&second.0, "");
    assert!(vouchers(&api, &holder, others.clone()).await.is_empty());
    let portal = &api.office.portal;
    assert_eq!(
        vouchers(&api, portal, others).await,
        std::slice::from_ref(&second.1)
    );
    let status = api.refused(portal, LIST_VOUCHERS, all.clone()).await;
    assert_eq!(wrong_fields(&status), ["person"]);
    for list in [all.clone(), voucher_list("", &school.class)] {
        let mut seen = vouchers(&api, &school.key, list.clone()).await;
        seen.sort();
        let mut own = vec![first.1.clone(), second.1.clone()];
        own.sort();
        assert_eq!(seen, own);
        assert!(vouchers(&api, &school.stranger, list).await.is_empty());
    }
    let get = |voucher: &str| v1::GetVoucherRequest {
        name: voucher.to_owned(),
    };
    let method = "ApplicationService/GetVoucher";
    let read: v1::Voucher = must(&api.client, &school.key, method, get(&first.1)).await;
    assert!(read.version >= 4, "{}", read.version);
    let missing = "VOUCHER_NOT_FOUND";
    hidden(&api, &school.key, method, get(&unused.1), missing).await;
    hidden(&api, &school.stranger, method, get(&first.1), missing).await;
    hidden(&api, &holder, method, get(&second.1), missing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_shows_attendance_late_entries_and_employment_to_those_who_work_with_it() {
    let api = Api::start().await;
    let mut school = School::open(&api).await;
    school.enrol(&api, 2).await;
    let attendance = || v1::GetAttendanceRequest {
        name: school.class.clone(),
    };
    let (attend, employ) = (
        "TrainingService/GetAttendance",
        "TrainingService/GetEmployment",
    );
    let none: v1::Attendance = must(&api.client, &school.key, attend, attendance()).await;
    assert_eq!((none.entries, none.slots.len()), (0, 0));
    // Three days later a forgotten slot waits for a clerk.
    api.stand_at("2023-05-19T02:00:00.000Z");
    let late = v1::RequestLateEntryRequest {
        name: school.class.clone(),
        slot: 1,
        entries: school.entries(),
        reason: "TERMINAL_BROKEN".to_owned(),
        evidence: vec![7; 32],
        request_id: api.office.fresh("late"),
        validate_only: false,
    };
    let method = "TrainingService/RequestLateEntry";
    let _: v1::RequestLateEntryResponse = must(&api.client, &school.key, method, late).await;
    for key in [api.clerk(), &school.key] {
        let shown: v1::Attendance = must(&api.client, key, attend, attendance()).await;
        let [late] = shown.late_entries.as_slice() else {
            panic!("{shown:?}")
        };
        assert_eq!((late.slot, late.reason.as_str()), (1, "TERMINAL_BROKEN"));
        assert_eq!(late.entries, school.entries());
    }
    let missing = "CLASS_NOT_FOUND";
    hidden(&api, &school.stranger, attend, attendance(), missing).await;
    let employment = v1::GetEmploymentRequest {
        name: school.class.clone(),
    };
    hidden(&api, &school.stranger, employ, employment.clone(), missing).await;
    no_role(&api, &api.office.portal, employ, employment).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attendance_and_employment_are_read_back_as_they_were_recorded() {
    let api = Api::start().await;
    let mut school = School::open(&api).await;
    school.enrol(&api, 2).await;
    school.train(&api).await;
    let asked = v1::GetAttendanceRequest {
        name: school.class.clone(),
    };
    let method = "TrainingService/GetAttendance";
    let shown: v1::Attendance = must(&api.client, api.clerk(), method, asked).await;
    assert_eq!((shown.entries, shown.paper, shown.online), (4, 0, 0));
    assert_eq!(shown.days[0].lessons, [8, 8]);
    assert_eq!(shown.slots.len(), 2);
    let seats = vec![
        v1::Employed {
            seat: 0,
            status: v1::employed::Status::Employed.into(),
            evidence: vec![1; 32],
            since: "2023-05-16".to_owned(),
            monthly_income_fen: 300_000,
            reason: String::new(),
        },
        v1::Employed {
            seat: 1,
            status: v1::employed::Status::Excluded.into(),
            reason: "ILLNESS".to_owned(),
            ..v1::Employed::default()
        },
    ];
    let record = v1::BatchRecordEmploymentRequest {
        parent: api.office.parent(),
        mode: v1::Mode::Each.into(),
        request_id: String::new(),
        requests: vec![v1::RecordEmploymentRequest {
            name: school.class.clone(),
            seats: seats.clone(),
            request_id: api.office.fresh("employed"),
            validate_only: false,
        }],
    };
    let method = "TrainingService/BatchRecordEmployment";
    let _: v1::BatchRecordEmploymentResponse = must(&api.client, &school.key, method, record).await;
    let asked = v1::GetEmploymentRequest {
        name: school.class.clone(),
    };
    let method = "TrainingService/GetEmployment";
    let shown: v1::Employment = must(&api.client, &school.key, method, asked).await;
    assert_eq!(shown.seats, seats);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bureau_and_its_portal_find_who_is_registered_under_a_number() {
    let api = Api::start().await;
    let school = School::open(&api).await;
    let registered = api.office.person(&api.client, 3).await;
    let find = |number: u64| v1::FindPersonRequest {
        parent: api.office.parent(),
        identity_number: canaries::person(number).identity,
    };
    let method = "PeopleService/FindPerson";
    for key in [api.clerk(), &api.office.portal] {
        let found: v1::Person = must(&api.client, key, method, find(3)).await;
        assert_eq!(found.name, registered);
        assert!(found.masked_identity_number.contains('*'));
        assert!(found.masked_name.contains('*'));
    }
    hidden(&api, api.clerk(), method, find(4), "PERSON_NOT_FOUND").await;
    let status = api.refused(&school.key, method, find(3)).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "ROLE_MISSING");
    let wrong = v1::FindPersonRequest {
        identity_number: "110105194912310021".to_owned(),
        ..find(3)
    };
    let status = api.refused(api.clerk(), method, wrong).await;
    assert_eq!(wrong_fields(&status), ["identity_number"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_checker_is_the_bureaus_and_debts_are_not_everybodys() {
    let api = Api::start().await;
    let mut school = School::open(&api).await;
    school.enrol(&api, 1).await;
    api.account(&school.name, "6200000000000002").await;
    let asked = || v1::GetInstitutionRequest {
        name: school.name.clone(),
    };
    let method = "RegistryService/GetInstitution";
    let read = |key: String| {
        let client = api.client.clone();
        let asked = asked();
        async move { must::<_, v1::Institution>(&client, &key, method, asked).await }
    };
    let staff = read(api.office.finance.clone()).await;
    let pending = staff.pending_account.unwrap();
    assert_eq!((pending.commitment.len(), staff.owes_fen), (32, Some(0)));
    assert_eq!(pending.made_by, "clerk-0");
    let own = read(school.key.clone()).await;
    assert_eq!((own.pending_account, own.owes_fen), (None, Some(0)));
    let other = read(school.stranger.clone()).await;
    assert_eq!((other.pending_account, other.owes_fen), (None, None));

    let voucher = school.seats[0].1.clone();
    let lift = v1::ProposeOverrideRequest {
        name: voucher.clone(),
        kind: v1::LiftKind::Cap.into(),
        cap_fen: 120_000,
        reason: "HARDSHIP".to_owned(),
        request_id: api.office.fresh("lift"),
        validate_only: false,
    };
    let method = "IssuanceService/ProposeOverride";
    let told: v1::ProposeOverrideResponse = must(&api.client, api.clerk(), method, lift).await;
    let asked = || v1::GetVoucherRequest {
        name: voucher.clone(),
    };
    let method = "ApplicationService/GetVoucher";
    let staff: v1::Voucher = must(&api.client, &api.office.reviewer, method, asked()).await;
    let lifted = staff.r#override.unwrap();
    assert_eq!(
        (lifted.cap_fen, lifted.kind()),
        (120_000, v1::LiftKind::Cap)
    );
    assert_eq!(lifted.proposed_by, "clerk-0");
    assert_eq!(lifted.proposal, told.proposal);
    assert_eq!(staff.lifted, Some(v1::Lifted::default()));
    let own: v1::Voucher = must(&api.client, &school.key, method, asked()).await;
    assert_eq!(own.r#override, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regions_plan_years_and_accounts_are_paged_like_everything_else() {
    let api = Api::start().await;
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let asked = v1::ListRegionsRequest {
            page_size: 5,
            page_token,
        };
        let page: v1::ListRegionsResponse =
            must(&api.client, "", "PolicyService/ListRegions", asked).await;
        assert!(page.regions.len() <= 5);
        seen.extend(page.regions.into_iter().map(|region| region.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 12);
    assert!(seen.is_sorted());
    for source in ["county", "province"] {
        let money = v1::AppropriateFundsRequest {
            name: name("planYears", &format!("2023/accounts/{source}")),
            amount_fen: 1,
            reference: "TEST-2".to_owned(),
            request_id: api.office.fresh("money"),
            validate_only: false,
        };
        let method = "FundsService/AppropriateFunds";
        let _: v1::AppropriateFundsResponse =
            must(&api.client, &api.office.finance, method, money).await;
    }
    let accounts = |page_token: String| v1::ListAccountsRequest {
        parent: api.office.parent(),
        page_size: 2,
        page_token,
    };
    let method = "FundsService/ListAccounts";
    let first: v1::ListAccountsResponse =
        must(&api.client, api.clerk(), method, accounts(String::new())).await;
    assert_eq!(first.accounts.len(), 2);
    let rest = accounts(first.next_page_token);
    let rest: v1::ListAccountsResponse = must(&api.client, api.clerk(), method, rest).await;
    assert_eq!(rest.accounts.len(), 1);
    assert!(rest.accounts[0].name.ends_with("/2023/accounts/province"));
    let years = v1::ListPlanYearsRequest {
        parent: api.office.parent(),
        ..v1::ListPlanYearsRequest::default()
    };
    let method = "FundsService/ListPlanYears";
    let listed: v1::ListPlanYearsResponse =
        must(&api.client, api.clerk(), method, years.clone()).await;
    assert_eq!(listed.plan_years[0].name, name("planYears", "2023"));
    let status = api.refused(&api.office.portal, method, years).await;
    assert_eq!(reason(&status), "ROLE_MISSING");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_large_events_ends_before_a_client_chokes_on_it() {
    let api = Api::start().await;
    let operator = &api.running.operator_key;
    let asked = v1::GetPolicyRequest {
        name: name("policies", "2023"),
    };
    let shown: v1::Policy = must(&api.client, "", "PolicyService/GetPolicy", asked).await;
    let mut policy: serde_json::Value = serde_json::from_str(&shown.policy_json).unwrap();
    policy["title"] = "x".repeat(48_000).into();
    for _ in 0..100 {
        let adopt = v1::AdoptPolicyRequest {
            parent: api.office.parent(),
            policy_json: policy.to_string(),
            effective: None,
            request_id: api.office.fresh("policy"),
            validate_only: false,
        };
        let method = "PolicyService/AdoptPolicy";
        let _: v1::AdoptPolicyResponse = must(&api.client, operator, method, adopt).await;
    }
    let size = api.head().await.size;
    let (mut from_index, mut pages, mut read) = (0, 0, 0);
    loop {
        let list = v1::ListEventsRequest {
            parent: api.office.parent(),
            from_index,
            page_size: 1_000,
        };
        let page: v1::ListEventsResponse =
            must(&api.client, operator, "AuditService/ListEvents", list).await;
        let bytes: usize = page.events.iter().map(|e| e.canonical.len()).sum();
        assert!(!page.events.is_empty() && bytes <= 2 << 20, "{bytes}");
        read += page.events.len() as u64;
        pages += 1;
        from_index = page.next_index;
        if from_index == 0 {
            break;
        }
    }
    assert_eq!(read, size, "nothing is left out");
    assert!(pages > 2, "{pages}");
}
