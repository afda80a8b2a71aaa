//! The ghost: an institution that holds copies of people's cards, and means to be paid for teaching people who know nothing of it. Each
//! step where it fails, and what the holder's own word changes.

use hefu_tests::canaries::person;

use crate::school::School;
use crate::*;

/// An institution with copies, and the people whose cards they are.
struct Ghost {
    api: Api,
    school: School,
}

impl Ghost {
    /// The institution tries; it must be refused just so.
    async fn fails<Q>(&self, method: &str, message: Q, told: (Code, &str))
    where
        Q: prost::Message + Clone + 'static,
    {
        refused_as(&self.api, &self.school.key, method, message, told).await;
    }

    async fn applies(&self, holder: &str) -> String {
        let asked = v1::ApplyRequest {
            request_id: self.api.office.fresh("apply"),
            ..self.api.office.application(holder, String::new())
        };
        let method = "ApplicationService/Apply";
        let applied: v1::ApplyResponse =
            must(&self.api.client, &self.school.key, method, asked).await;
        applied.receipt.unwrap().name
    }

    fn confirmation(&self, voucher: &str, how: v1::ConfirmedBy) -> v1::ConfirmApplicationRequest {
        v1::ConfirmApplicationRequest {
            name: voucher.to_owned(),
            holder: String::new(),
            how: how.into(),
            evidence: vec![7; 32],
            request_id: self.api.office.fresh("confirm"),
            validate_only: false,
        }
    }

    async fn voucher(&self, name: &str) -> v1::Voucher {
        let get = v1::GetVoucherRequest {
            name: name.to_owned(),
        };
        let method = "ApplicationService/GetVoucher";
        must(&self.api.client, self.api.clerk(), method, get).await
    }

    /// What is not free any more of the money.
    async fn bound(&self) -> i64 {
        let get = v1::GetAccountRequest {
            name: format!("{}/planYears/2023/accounts/city", self.api.office.parent()),
        };
        let method = "FundsService/GetAccount";
        let account: v1::Account =
            must(&self.api.client, &self.api.office.finance, method, get).await;
        account.allocated_fen - account.available_fen
    }
}

async fn refused_as<Q>(api: &Api, key: &str, method: &str, message: Q, told: (Code, &str))
where
    Q: prost::Message + Clone + 'static,
{
    let status = api.refused(key, method, message).await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        told,
        "{method}: {status}"
    );
}

async fn copies_of_cards_get_nobody_a_voucher_a_seat_or_a_fen(engine: Engine) {
    let api = Api::start_on(engine).await;
    let mut school = School::open(&api).await;
    school.file(&api, school.filing("room-1", 10)).await;
    let ghost = Ghost { api, school };
    let (no_role, rule) = (Code::PermissionDenied, Code::FailedPrecondition);
    let office = &ghost.api.office;
    let client = &ghost.api.client;
    let reviewer = &office.reviewer;

    // It may put a card's number on record, but no register answers for it, and without that nobody is eligible.
    let register = office.registration(2, office.fresh("register"));
    let number = register.identity_number.clone();
    let method = "PeopleService/RegisterPerson";
    let registered: v1::RegisterPersonResponse =
        must(client, &ghost.school.key, method, register).await;
    let stranger = registered.receipt.unwrap().name;
    let answers = office.answers(&stranger, office.fresh("answers"));
    let method = "PeopleService/RecordCheckAnswers";
    ghost
        .fails(method, answers, (no_role, "ROLE_MISSING"))
        .await;
    let asked = office.application(&stranger, office.fresh("apply"));
    let method = "ApplicationService/Apply";
    ghost.fails(method, asked, (rule, "CHECK_MISSING")).await;
    let find = v1::FindPersonRequest {
        parent: office.parent(),
        identity_number: number,
    };
    ghost
        .fails("PeopleService/FindPerson", find, (no_role, "ROLE_MISSING"))
        .await;

    // Of somebody whom the bureau knows it may ask for a voucher, which is nobody's before they say so: it cannot say it for them, nor
    // does a clerk who saw nobody.
    let holder = office.person(client, 0).await;
    let voucher = ghost.applies(&holder).await;
    assert!(ghost.voucher(&voucher).await.awaits_holder);
    let issue = || office.issue(&voucher, office.fresh("issue"));
    let method = "IssuanceService/Issue";
    let missing = (rule, "CONFIRMATION_MISSING");
    refused_as(&ghost.api, reviewer, method, issue(), missing).await;
    let confirm = "ApplicationService/ConfirmApplication";
    for how in [
        v1::ConfirmedBy::Phone,
        v1::ConfirmedBy::Card,
        v1::ConfirmedBy::Paper,
    ] {
        let word = ghost.confirmation(&voucher, how);
        ghost.fails(confirm, word, (no_role, "ROLE_MISSING")).await;
    }
    let word = ghost.confirmation(&voucher, v1::ConfirmedBy::Phone);
    refused_as(&ghost.api, ghost.api.clerk(), confirm, word, missing).await;
    let fetch = || v1::FetchTokenRequest {
        name: voucher.clone(),
        holder: String::new(),
        request_id: office.fresh("fetch"),
        validate_only: false,
    };
    ghost
        .fails(
            "IssuanceService/FetchToken",
            fetch(),
            (no_role, "NOT_YOURS"),
        )
        .await;
    let enrol = |token: &str| v1::EnrolRequest {
        name: voucher.clone(),
        class: ghost.school.class.clone(),
        token: token.to_owned(),
        identity_number: person(0).identity,
        request_id: office.fresh("enrol"),
        validate_only: false,
    };
    ghost
        .api
        .stand_at(&format!("{}T00:00:00.000Z", crate::school::DAY));
    let (_, _, other) = ghost.api.issued(1).await;
    let status = ghost
        .api
        .refused(&ghost.school.key, "TrainingService/Enrol", enrol(&other))
        .await;
    assert_eq!(status.code(), rule, "{status}");
    assert_eq!(reason(&status), "VOUCHER_NOT_ISSUED");
    let bound = ghost.bound().await;

    // The holder's own word opens the door to the issue, and to nothing that the institution could do without the token.
    let word = v1::ConfirmApplicationRequest {
        holder: holder.clone(),
        ..ghost.confirmation(&voucher, v1::ConfirmedBy::Phone)
    };
    let _: v1::ConfirmApplicationResponse = must(client, &office.portal, confirm, word).await;
    assert!(!ghost.voucher(&voucher).await.awaits_holder);
    let _: v1::IssueResponse = must(client, reviewer, method, issue()).await;
    assert!(ghost.bound().await > bound, "the issue reserves");
    ghost
        .fails(
            "IssuanceService/FetchToken",
            fetch(),
            (no_role, "NOT_YOURS"),
        )
        .await;
    for guess in [other.as_str(), "e30.e30.AA"] {
        ghost
            .fails(
                "TrainingService/Enrol",
                enrol(guess),
                (rule, "TOKEN_INVALID"),
            )
            .await;
    }
    let redeem = v1::RedeemRequest {
        name: voucher.clone(),
        token: other.clone(),
        undertaking: vec![7; 32],
        confirmation: Some(v1::Confirmation {
            by: v1::ConfirmedBy::Phone.into(),
            evidence: vec![7; 32],
            witness: String::new(),
        }),
        request_id: office.fresh("redeem"),
        validate_only: false,
    };
    ghost
        .fails(
            "RedemptionService/Redeem",
            redeem,
            (rule, "VOUCHER_NOT_COMPLETED"),
        )
        .await;

    // With the token in hand, another's card is not the holder's.
    let own = v1::FetchTokenRequest {
        holder: holder.clone(),
        ..fetch()
    };
    let fetched: v1::FetchTokenResponse =
        must(client, &office.portal, "IssuanceService/FetchToken", own).await;
    let swapped = v1::EnrolRequest {
        identity_number: person(1).identity,
        ..enrol(&fetched.token)
    };
    ghost
        .fails("TrainingService/Enrol", swapped, (rule, "HOLDER_MISMATCH"))
        .await;
    let seated = enrol(&fetched.token);
    let _: v1::EnrolResponse =
        must(client, &ghost.school.key, "TrainingService/Enrol", seated).await;
    assert_eq!(ghost.voucher(&voucher).await.state, "enrolled");
}

on_both! {
    copies_of_cards_get_nobody_a_voucher_a_seat_or_a_fen
}
