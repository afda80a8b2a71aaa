//! What waits for a second person: a reply and a read show its hash, and only that hash confirms it.

use hefu_wire::v1;

use crate::closing::{Class, evidence, there};
use crate::{Api, reason};

impl Api {
    fn confirmation(&self, proposal: &[u8]) -> v1::ConfirmAccountRequest {
        v1::ConfirmAccountRequest {
            name: self.school(),
            proposal: proposal.to_vec(),
            request_id: self.office.fresh("confirm"),
            validate_only: false,
        }
    }
}

#[tokio::test]
async fn an_account_that_was_exchanged_before_the_checker_spoke_is_not_confirmed() {
    const CONFIRM: &str = "RegistryService/ConfirmAccount";
    let api = Api::start().await;
    api.open_school().await;
    let seen = api.account(&api.school(), "6222000000000001").await;
    let exchanged = api.account(&api.school(), "6222000000000002").await;
    let finance = &api.office.finance;
    let refused = api.refused(finance, CONFIRM, api.confirmation(&seen)).await;
    assert_eq!(reason(&refused), "PROPOSAL_CHANGED");
    let read = v1::GetInstitutionRequest { name: api.school() };
    let shown: v1::Institution = api
        .must(finance, "RegistryService/GetInstitution", read.clone())
        .await;
    let pending = shown.pending_account.expect("it waits for its checker");
    assert_eq!((&pending.proposal, shown.has_account), (&exchanged, false));
    let confirm = api.confirmation(&pending.proposal);
    let _: v1::ConfirmAccountResponse = api.must(finance, CONFIRM, confirm).await;
    let shown: v1::Institution = api
        .must(finance, "RegistryService/GetInstitution", read)
        .await;
    assert!(shown.has_account && shown.pending_account.is_none());
    api.running.stop().await;
}

#[tokio::test]
async fn a_clerk_approves_the_late_entry_that_the_class_shows() {
    let api = Api::start().await;
    api.adopt_calendar().await;
    let class = Class::open(&api).await;
    class.enrol(&class.token().await).await;
    api.at("2023-05-24", 9);
    let request = v1::RequestLateEntryRequest {
        name: class.class.clone(),
        slot: 0,
        entries: vec![there(0)],
        reason: "POWER_CUT".to_owned(),
        evidence: evidence(5),
        request_id: api.office.fresh("late"),
        validate_only: false,
    };
    let asked: v1::RequestLateEntryResponse = api
        .must(&class.school, "TrainingService/RequestLateEntry", request)
        .await;
    let read = v1::GetAttendanceRequest {
        name: class.class.clone(),
    };
    let shown: v1::Attendance = api
        .must(api.clerk(), "TrainingService/GetAttendance", read.clone())
        .await;
    let [late] = shown.late_entries.as_slice() else {
        panic!("one late entry waits: {:?}", shown.late_entries)
    };
    assert_eq!((late.slot, &late.proposal), (0, &asked.proposal));
    assert_eq!(
        (&late.entries, &late.evidence),
        (&vec![there(0)], &evidence(5))
    );
    let request = v1::ApproveLateEntryRequest {
        name: class.class.clone(),
        slot: 0,
        proposal: late.proposal.clone(),
        request_id: api.office.fresh("late"),
        validate_only: false,
    };
    let _: v1::ApproveLateEntryResponse = api
        .must(api.clerk(), "TrainingService/ApproveLateEntry", request)
        .await;
    let shown: v1::Attendance = api
        .must(api.clerk(), "TrainingService/GetAttendance", read)
        .await;
    assert!(shown.late_entries.is_empty());
    api.running.stop().await;
}
