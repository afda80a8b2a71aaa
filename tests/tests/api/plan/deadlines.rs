//! What is due ends by itself, at the instant, also what fell due while no server ran; and whoever works with it sees it come.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hefu_domain::Instant;
use hefu_tests::engines::Engine;
use hefu_tests::office::{GENERAL_MAX_FEN, must};
use hefu_wire::v1;

use super::holds;
use crate::closing::again_at;
use crate::school::School;
use crate::{Api, REGION, no_role};

/// The instant at which what is issued in 2023 is over: the year's last day may still be used.
fn over() -> Instant {
    Instant::after("2023-12-31".parse().unwrap())
}

on_both! {
    what_is_due_expires_at_the_instant_and_its_reserve_is_free
    what_fell_due_while_no_server_ran_expires_at_the_start
    a_claim_expires_with_its_open_sheet_and_not_once_it_is_submitted
    whoever_has_a_part_in_it_sees_what_runs_out
    the_desk_sees_what_has_to_be_done_and_by_when
}

impl Api {
    async fn money(&self) -> v1::Account {
        let request = v1::GetAccountRequest {
            name: format!("{}/planYears/2023/accounts/city", self.office.parent()),
        };
        let finance = &self.office.finance;
        must(&self.client, finance, "FundsService/GetAccount", request).await
    }

    async fn state(&self, voucher: &str) -> String {
        let request = v1::GetVoucherRequest {
            name: voucher.to_owned(),
        };
        let method = "ApplicationService/GetVoucher";
        let voucher: v1::Voucher = must(&self.client, self.clerk(), method, request).await;
        voucher.state
    }

    async fn with_issued(&self, number: u64) -> String {
        let person = self.office.person(&self.client, number).await;
        let voucher = self.office.applied(&self.client, &person).await;
        let issue = self.office.issue(&voucher, self.office.fresh("issue"));
        let reviewer = &self.office.reviewer;
        let _: v1::IssueResponse =
            must(&self.client, reviewer, "IssuanceService/Issue", issue).await;
        voucher
    }

    fn set_clock(&self, at: Instant) {
        self.hand.store(at.0, Ordering::SeqCst);
    }

    /// How many vouchers expired by the clock alone.
    async fn expire_due(&self) -> u64 {
        self.running.deadlines.expire_due().await.unwrap().expired
    }
}

async fn what_is_due_expires_at_the_instant_and_its_reserve_is_free(engine: Engine) {
    let api = Api::start_on(engine).await;
    let issued = api.with_issued(1).await;
    let frozen = api.with_issued(2).await;
    let person = api.office.person(&api.client, 3).await;
    let applied = api.office.applied(&api.client, &person).await;
    let supervisor = api
        .grant("supervisor", &[v1::Role::Supervisor], String::new())
        .await;
    let freeze = v1::FreezeRequest {
        name: frozen.clone(),
        reason: "UNDER_INVESTIGATION".to_owned(),
        request_id: api.office.fresh("freeze"),
        validate_only: false,
        finding: String::new(),
    };
    let _: v1::FreezeResponse = must(
        &api.client,
        &supervisor,
        "SupervisionService/Freeze",
        freeze,
    )
    .await;

    api.set_clock(Instant(over().0 - 1));
    let round = api.running.deadlines.expire_due().await.unwrap();
    assert_eq!((round.expired, round.next), (0, Some(over())));
    assert_eq!(api.money().await.reserved_fen, 2 * GENERAL_MAX_FEN);

    api.set_clock(over());
    let head = api.head().await.size;
    // Two at once, as two servers of one database: what one of them does is done for both.
    let (one, two) = tokio::join!(
        api.running.deadlines.expire_due(),
        api.running.deadlines.expire_due()
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(
        (3..=6).contains(&(one.expired + two.expired)),
        "{one:?} {two:?}"
    );
    assert_eq!((one.next, two.next), (None, None));
    for voucher in [&issued, &frozen, &applied] {
        assert_eq!(api.state(voucher).await, "expired");
    }
    let money = api.money().await;
    assert_eq!(
        (money.reserved_fen, money.available_fen),
        (0, money.allocated_fen)
    );
    assert_eq!(api.head().await.size, head + 3);
    // There is nothing left to do, and nothing is written for it.
    assert_eq!(api.expire_due().await, 0);
    assert_eq!(api.head().await.size, head + 3);
    holds(&api.running).await;
    api.running.stop().await;
}

async fn what_fell_due_while_no_server_ran_expires_at_the_start(engine: Engine) {
    let api = Api::start_on(engine).await;
    for number in 1..=5 {
        api.with_issued(number).await;
    }
    let Api {
        running,
        state,
        place,
        ..
    } = api;
    running.stop().await;
    let mut running = again_at(&place, &state, over()).await;
    // Nobody is left who asks for anything; the next look would be an hour later.
    running.expire_due_every(Duration::from_secs(3_600));
    let store = running.engine.store().clone();
    let open = || async { store.next_due(REGION, "").await.unwrap() };
    while open().await.is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.stop().await;
}

async fn a_claim_expires_with_its_open_sheet_and_not_once_it_is_submitted(engine: Engine) {
    let api = Api::start_on(engine).await;
    let mut school = School::open(&api).await;
    school.enrol(&api, 2).await;
    school.train(&api).await;
    let sheet = school.claim(&api).await;
    let (first, second) = (school.seats[0].1.clone(), school.seats[1].1.clone());
    let strike = v1::StrikeOutRequest {
        name: sheet.clone(),
        voucher: second.clone(),
        reason: "PAPERS_MISSING".to_owned(),
        refuse: false,
        request_id: api.office.fresh("strike"),
        validate_only: false,
    };
    let _: v1::StrikeOutResponse = must(
        &api.client,
        &school.approver,
        "RedemptionService/StrikeOut",
        strike,
    )
    .await;
    api.set_clock(Instant::after("2024-03-10".parse().unwrap()));
    // The submitted sheet is the bureau's to decide on, whatever day it is; the voucher that left it is over.
    assert_eq!(api.expire_due().await, 1);
    assert_eq!(api.state(&first).await, "claimed");
    assert_eq!(api.state(&second).await, "expired");
    let back = v1::ReturnClaimRequest {
        name: sheet.clone(),
        reason: "FORM_WRONG".to_owned(),
        request_id: api.office.fresh("return"),
        validate_only: false,
    };
    let _: v1::ReturnClaimResponse = must(
        &api.client,
        &school.approver,
        "RedemptionService/ReturnClaim",
        back,
    )
    .await;
    assert_eq!(api.expire_due().await, 1);
    assert_eq!(api.state(&first).await, "expired");
    let get = v1::GetSheetRequest { name: sheet };
    let sheet: v1::Sheet = must(&api.client, api.clerk(), "RedemptionService/GetSheet", get).await;
    assert_eq!(sheet.state, "closed");
    holds(&api.running).await;
    api.running.stop().await;
}

async fn whoever_has_a_part_in_it_sees_what_runs_out(engine: Engine) {
    let api = Api::start_on(engine).await;
    let mut school = School::open(&api).await;
    school.enrol(&api, 2).await;
    let elsewhere = api.with_issued(11).await;
    let ask =
        |before: Option<Instant>, state: &str, size: u32, token: &str| v1::ListExpiringRequest {
            parent: api.office.parent(),
            before: before.map(hefu_wire::show::timestamp),
            state: state.to_owned(),
            page_size: size,
            page_token: token.to_owned(),
        };
    let list = |key: &str, request: v1::ListExpiringRequest| {
        let (client, key) = (api.client.clone(), key.to_owned());
        async move {
            let page: v1::ListExpiringResponse =
                must(&client, &key, "IssuanceService/ListExpiring", request).await;
            page
        }
    };
    let late = Some(Instant::after("2024-03-10".parse().unwrap()).plus_hours(1));
    // Thirty days from the middle of May nothing is over.
    let soon = list(api.clerk(), ask(None, "", 0, "")).await;
    assert!(soon.expiring.is_empty(), "{soon:?}");
    let all = list(api.clerk(), ask(late, "", 0, "")).await;
    assert_eq!(all.expiring.len(), 3);
    let enrolled = list(api.clerk(), ask(late, "enrolled", 0, "")).await;
    assert_eq!(enrolled.expiring.len(), 2);
    for entry in &enrolled.expiring {
        assert_eq!(
            (&entry.occasion, entry.reserved_fen > 0),
            (&school.class, true)
        );
    }
    // Page by page it is the same list.
    let first = list(api.clerk(), ask(late, "", 2, "")).await;
    let rest = list(api.clerk(), ask(late, "", 2, &first.next_page_token)).await;
    let pages: Vec<_> = first
        .expiring
        .iter()
        .chain(&rest.expiring)
        .cloned()
        .collect();
    assert_eq!(pages, all.expiring);
    // A school sees its classes' people and nobody else.
    let own = list(&school.key, ask(late, "", 0, "")).await;
    let names: Vec<&str> = own
        .expiring
        .iter()
        .map(|entry| entry.voucher.as_str())
        .collect();
    assert_eq!(names.len(), 2);
    assert!(!names.contains(&elsewhere.as_str()));
    assert!(
        list(&school.stranger, ask(late, "", 0, ""))
            .await
            .expiring
            .is_empty()
    );
    let method = "IssuanceService/ListExpiring";
    no_role(&api, &api.office.portal, method, ask(late, "", 0, "")).await;
    api.running.stop().await;
}

/// What is due, with its last part of the name and its instant, before that instant.
async fn due(
    api: &Api,
    key: &str,
    before: Option<&str>,
    page: (u32, &str),
) -> (Vec<v1::Due>, String) {
    let before = before.map(|day| Instant::after(day.parse().unwrap()).plus_hours(1));
    let request = v1::ListDeadlinesRequest {
        parent: api.office.parent(),
        before: before.map(hefu_wire::show::timestamp),
        what: String::new(),
        page_size: page.0,
        page_token: page.1.to_owned(),
    };
    let method = "ReportingService/ListDeadlines";
    let listed: v1::ListDeadlinesResponse = must(&api.client, key, method, request).await;
    (listed.deadlines, listed.next_page_token)
}

fn said(due: &[v1::Due]) -> Vec<(&str, &str, &str)> {
    let of = |one| -> (&str, &str, &str) {
        let one: &v1::Due = one;
        (&one.what, &one.state, &one.name)
    };
    due.iter().map(of).collect()
}

async fn the_desk_sees_what_has_to_be_done_and_by_when(engine: Engine) {
    let api = Api::start_on(engine).await;
    let mut school = School::open(&api).await;
    let late = Some("2024-03-31");
    school.enrol(&api, 1).await;
    let mut other = school.filing("room-2", 10);
    for slot in &mut other.filing.as_mut().unwrap().timetable {
        slot.date = "2023-06-07".to_owned();
    }
    let method = "TrainingService/FileClass";
    let filed: v1::FileClassResponse = must(&api.client, &school.key, method, other).await;
    let filed = filed.receipt.unwrap().name;
    let class = school.class.clone();
    let clerk = api.clerk().to_owned();
    let (all, _) = due(&api, &clerk, None, (0, "")).await;
    assert_eq!(
        said(&all),
        [
            ("enrol", "approved", class.as_str()),
            ("approve", "filed", filed.as_str())
        ]
    );
    let at = |at: Instant| Some(hefu_wire::show::timestamp(at));
    let day = |text: &str| text.parse().unwrap();
    assert_eq!(all[0].due, at(Instant::after(day("2023-05-16"))));
    assert_eq!(
        all[1].due,
        at(Instant::start_of(day("2023-06-07")).plus_hours(8))
    );
    assert_eq!(
        (&all[0].institution, all[0].plan_year),
        (&school.name, 2023)
    );

    school.train(&api).await;
    let (claims, _) = due(&api, &clerk, late, (0, "")).await;
    assert_eq!(
        said(&claims),
        [
            ("approve", "filed", filed.as_str()),
            ("claim", "finished", class.as_str())
        ]
    );
    let sheet = school.claim(&api).await;
    let (submitted, _) = due(&api, &clerk, late, (0, "")).await;
    let review = ("review", "submitted", sheet.as_str());
    assert!(said(&submitted).contains(&review), "{submitted:?}");
    let until = school.approve(&api, &sheet).await;
    let object = v1::RaiseObjectionRequest {
        name: sheet.clone(),
        statement: vec![3; 32],
        request_id: api.office.fresh("object"),
        validate_only: false,
    };
    let method = "RedemptionService/RaiseObjection";
    let raised: v1::RaiseObjectionResponse = must(&api.client, &clerk, method, object).await;
    let (all, _) = due(&api, &clerk, late, (0, "")).await;
    // The class's vouchers are claimed, and not settled before they are written off.
    let noticed = [
        ("notice", "approved", sheet.as_str()),
        ("objection", "approved", raised.objection.as_str()),
        ("approve", "filed", filed.as_str()),
    ];
    assert_eq!(said(&all)[..3], noticed);
    assert_eq!(all[0].due, at(Instant::after(day(&until))));
    assert_eq!(all[1].due, all[0].due);

    // Page by page it is the same list; a token is of its own list.
    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let (page, next) = due(&api, &clerk, late, (1, &token)).await;
        assert_eq!(page.len(), 1);
        pages.extend(page);
        if next.is_empty() {
            break;
        }
        token = next;
    }
    assert_eq!(pages, all);
    let only = v1::ListDeadlinesRequest {
        parent: api.office.parent(),
        what: "objection".to_owned(),
        ..v1::ListDeadlinesRequest::default()
    };
    let method = "ReportingService/ListDeadlines";
    let listed: v1::ListDeadlinesResponse = must(&api.client, &clerk, method, only.clone()).await;
    assert_eq!(listed.deadlines.len(), 1);
    let astray = v1::ListDeadlinesRequest {
        page_token: token,
        ..only.clone()
    };
    let refused = api.refused(&clerk, method, astray).await;
    assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused}");

    // The school sees its own, another one nothing.
    let (own, _) = due(&api, &school.key, late, (0, "")).await;
    assert_eq!(own, all);
    let (others, _) = due(&api, &school.stranger, late, (0, "")).await;
    assert_eq!(others, []);
    no_role(&api, &api.office.portal, method, only).await;
    api.running.stop().await;
}
