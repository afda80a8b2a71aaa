//! The two catalogues: filed, approved, changed, suspended, struck off; and read by anybody, with their history.

use hefu_tests::engines::Engine;
use hefu_tests::office::must;
use hefu_wire::v1;
use prost::Message;

use super::holds;
use crate::endpoints::get;
use crate::school::School;
use crate::{Api, hidden, no_role, reason};

const OTHER: &str = "6-18-01-07";
const GET: &str = "RegistryService/GetCatalogueEntry";
const LIST: &str = "RegistryService/ListCatalogueEntries";

on_both! {
    a_line_lives_from_its_filing_to_its_striking_off_and_anybody_reads_how
    a_class_is_filed_within_its_line
}

fn details(address: &str, seats: u32) -> v1::CatalogueDetails {
    v1::CatalogueDetails {
        project: "祁县玻璃器皿制作".to_owned(),
        lowest_level: 2,
        highest_level: 3,
        sites: vec![v1::catalogue_details::Site {
            code: "room-1".to_owned(),
            address: address.to_owned(),
            seats,
        }],
        yearly_seats: 300,
        trainers: vec!["trainer-room-1".to_owned(), "trainer-2".to_owned()],
        trainer_count: 0,
        licence: Some(v1::catalogue_details::Licence {
            number: "MB-1407250001".to_owned(),
            scope: "玻璃制品".to_owned(),
            valid_until: "2025-12-31".to_owned(),
        }),
    }
}

struct Line<'a> {
    api: &'a Api,
    school: &'a School,
    occupation: &'a str,
}

impl Line<'_> {
    fn name(&self) -> String {
        format!(
            "{}/catalogueEntries/training-{}-2023",
            self.school.name, self.occupation
        )
    }

    fn line(&self) -> v1::CatalogueLine {
        v1::CatalogueLine {
            institution: self.school.name.clone(),
            capacity: v1::Capacity::TrainingBody.into(),
            occupation: self.occupation.to_owned(),
            plan_year: 2023,
        }
    }

    fn id(&self) -> String {
        self.api.office.fresh("catalogue")
    }

    async fn must<Q: Message + Clone + 'static, A: Message + Default + 'static>(
        &self,
        key: &str,
        method: &str,
        message: Q,
    ) -> A {
        must(
            &self.api.client,
            key,
            &format!("RegistryService/{method}"),
            message,
        )
        .await
    }

    async fn file(&self, details: Option<v1::CatalogueDetails>) -> Vec<u8> {
        let request = v1::FileCatalogueEntryRequest {
            parent: self.api.office.parent(),
            entry: Some(self.line()),
            request_id: self.id(),
            validate_only: false,
            details,
        };
        let filed: v1::FileCatalogueEntryResponse = self
            .must(&self.school.key, "FileCatalogueEntry", request)
            .await;
        filed.proposal
    }

    async fn change(&self, details: v1::CatalogueDetails) -> Vec<u8> {
        let request = v1::ChangeCatalogueEntryRequest {
            name: self.name(),
            details: Some(details),
            request_id: self.id(),
            validate_only: false,
        };
        let changed: v1::ChangeCatalogueEntryResponse = self
            .must(&self.school.key, "ChangeCatalogueEntry", request)
            .await;
        changed.proposal
    }

    fn approval(&self, proposal: Vec<u8>) -> v1::ApproveCatalogueEntryRequest {
        v1::ApproveCatalogueEntryRequest {
            parent: self.api.office.parent(),
            entry: Some(self.line()),
            request_id: self.id(),
            validate_only: false,
            proposal,
        }
    }

    async fn approve(&self, proposal: Vec<u8>) {
        let reviewer = &self.api.office.reviewer;
        let request = self.approval(proposal);
        let _: v1::ApproveCatalogueEntryResponse =
            self.must(reviewer, "ApproveCatalogueEntry", request).await;
    }

    fn class_approval(&self, class: &str) -> v1::ApproveClassRequest {
        v1::ApproveClassRequest {
            name: class.to_owned(),
            request_id: self.id(),
            validate_only: false,
        }
    }

    async fn approve_class(&self, class: &str) {
        let method = "TrainingService/ApproveClass";
        let (api, request) = (self.api, self.class_approval(class));
        let _: v1::ApproveClassResponse =
            must(&api.client, &api.office.reviewer, method, request).await;
    }

    async fn read(&self, key: &str) -> v1::CatalogueEntry {
        let request = v1::GetCatalogueEntryRequest { name: self.name() };
        self.must(key, "GetCatalogueEntry", request).await
    }

    async fn list(
        &self,
        key: &str,
        change: impl FnOnce(&mut v1::ListCatalogueEntriesRequest),
    ) -> Vec<v1::CatalogueEntry> {
        let mut request = v1::ListCatalogueEntriesRequest {
            parent: self.api.office.parent(),
            ..v1::ListCatalogueEntriesRequest::default()
        };
        change(&mut request);
        let page: v1::ListCatalogueEntriesResponse =
            must(&self.api.client, key, LIST, request).await;
        page.catalogue_entries
    }
}

/// The school may teach another occupation too.
async fn licence(api: &Api, school: &School) {
    let request = v1::ChangeInstitutionRequest {
        name: school.name.clone(),
        display_name: "样例职业培训学校".to_owned(),
        capacities: vec![v1::Capacity::TrainingBody.into()],
        licensed_occupations: vec![crate::school::OCCUPATION.to_owned(), OTHER.to_owned()],
        related_credit_codes: Vec::new(),
        request_id: api.office.fresh("licence"),
        validate_only: false,
        affiliation: crate::REGION.to_owned(),
    };
    let _: v1::ChangeInstitutionResponse = must(
        &api.client,
        api.clerk(),
        "RegistryService/ChangeInstitution",
        request,
    )
    .await;
}

async fn a_line_lives_from_its_filing_to_its_striking_off_and_anybody_reads_how(engine: Engine) {
    let api = Api::start_on(engine).await;
    let school = School::open(&api).await;
    licence(&api, &school).await;
    let supervisor = api
        .grant("supervisor", &[v1::Role::Supervisor], String::new())
        .await;
    let line = Line {
        api: &api,
        school: &school,
        occupation: OTHER,
    };

    // Filed, it is nobody's business yet but the bureau's and the school's own.
    let proposal = line.file(Some(details("昭余镇1号", 30))).await;
    let asked = v1::GetCatalogueEntryRequest { name: line.name() };
    for key in ["", school.stranger.as_str()] {
        hidden(&api, key, GET, asked.clone(), "CATALOGUE_ENTRY_NOT_FOUND").await;
        let shown = line.list(key, |_| ()).await;
        assert!(
            shown.iter().all(|shown| shown.name != line.name()),
            "{shown:?}"
        );
    }
    assert_eq!(line.read(&school.key).await.proposal, proposal);
    let own = line
        .list(&school.key, |r| r.institution = school.name.clone())
        .await;
    assert_eq!(own.len(), 2);
    assert_eq!(
        line.list(api.clerk(), |r| r.standing = "filed".to_owned())
            .await
            .len(),
        1
    );

    // Somebody refuses it; it is filed again, and approved as it was seen.
    let refuse = v1::RefuseCatalogueEntryRequest {
        name: line.name(),
        reason: "SITE_UNFIT".to_owned(),
        request_id: line.id(),
        validate_only: false,
    };
    no_role(
        &api,
        api.clerk(),
        "RegistryService/RefuseCatalogueEntry",
        refuse.clone(),
    )
    .await;
    let _: v1::RefuseCatalogueEntryResponse = line
        .must(&api.office.reviewer, "RefuseCatalogueEntry", refuse)
        .await;
    let proposal = line.file(Some(details("昭余镇2号", 30))).await;
    let unseen = line.approval(vec![1; 32]);
    let status = api
        .refused(
            &api.office.reviewer,
            "RegistryService/ApproveCatalogueEntry",
            unseen,
        )
        .await;
    assert_eq!(reason(&status), "PROPOSAL_CHANGED");
    line.approve(proposal).await;
    let read = line.read("").await;
    assert_eq!(
        (
            read.standing.as_str(),
            read.details.clone().unwrap().sites[0].seats
        ),
        ("good", 30)
    );
    assert_eq!(read.details.clone().unwrap().trainer_count, 2);
    assert!(read.details.unwrap().trainers.is_empty() && read.proposal.is_empty());

    // A change waits, and the public sees what is in force.
    let proposal = line.change(details("昭余镇2号", 60)).await;
    let read = line.read("").await;
    assert!(read.change.is_none());
    assert_eq!(read.details.unwrap().sites[0].seats, 30);
    assert_eq!(
        line.read(api.clerk()).await.change.unwrap().sites[0].seats,
        60
    );
    line.approve(proposal).await;

    for (suspended, why) in [(true, "SPOT_CHECK"), (false, "RECTIFIED")] {
        let suspend = v1::SuspendCatalogueEntryRequest {
            name: line.name(),
            suspended,
            reason: why.to_owned(),
            request_id: line.id(),
            validate_only: false,
        };
        let done: v1::SuspendCatalogueEntryResponse = line
            .must(&supervisor, "SuspendCatalogueEntry", suspend)
            .await;
        assert_eq!(done.receipt.unwrap().state == "suspended", suspended);
    }
    let strike = v1::StrikeOffCatalogueEntryRequest {
        name: line.name(),
        reason: "NO_CLASSES_HELD".to_owned(),
        request_id: line.id(),
        validate_only: false,
    };
    let _: v1::StrikeOffCatalogueEntryResponse = line
        .must(&supervisor, "StrikeOffCatalogueEntry", strike)
        .await;

    // Struck off, it stays in the catalogue with all that happened, and no member of staff.
    let read = line.read("").await;
    assert_eq!(
        (read.standing.as_str(), read.reason.as_str()),
        ("struck_off", "NO_CLASSES_HELD")
    );
    let happened: Vec<(&str, &str)> = read
        .history
        .iter()
        .map(|e| (e.what.as_str(), e.by.as_str()))
        .collect();
    assert_eq!(
        happened,
        [
            ("filed", "institution"),
            ("refused", "bureau"),
            ("filed", "institution"),
            ("approved", "bureau"),
            ("changed", "institution"),
            ("approved", "bureau"),
            ("suspended", "bureau"),
            ("restored", "bureau"),
            ("struck_off", "bureau"),
        ]
    );
    assert!(
        read.history
            .windows(2)
            .all(|pair| (pair[0].epoch, pair[0].index) < (pair[1].epoch, pair[1].index))
    );
    assert_eq!(read.history[6].reason, "SPOT_CHECK");

    // The filters, as anybody uses them.
    let count = |change: fn(&mut v1::ListCatalogueEntriesRequest)| line.list("", change);
    assert_eq!(count(|_| ()).await.len(), 2);
    assert_eq!(count(|r| r.plan_year = 2023).await.len(), 2);
    assert_eq!(count(|r| r.plan_year = 2024).await.len(), 0);
    assert_eq!(
        count(|r| r.capacity = v1::Capacity::TrainingBody.into())
            .await
            .len(),
        2
    );
    assert_eq!(
        count(|r| r.capacity = v1::Capacity::AssessmentBody.into())
            .await
            .len(),
        0
    );
    assert_eq!(
        count(|r| r.standing = "struck_off".to_owned()).await.len(),
        1
    );
    assert_eq!(count(|r| r.occupation = OTHER.to_owned()).await.len(), 1);

    // The same as a page, and as a table.
    let address = api.running.address;
    let (head, page) = get(address, "/catalogue/140725/2023").await;
    assert!(
        head.starts_with("http/1.1 200") && head.contains("text/html"),
        "{head}"
    );
    for shown in [
        "寿阳县2023年度",
        "样例职业培训学校",
        "昭余镇2号(60)",
        "初级工至中级工",
        "淘汰",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("trainer-2"));
    let (head, table) = get(address, "/catalogue/140725/2023.csv").await;
    assert!(head.contains("text/csv"), "{head}");
    assert_eq!(table.lines().count(), 3);
    let (head, _) = get(address, "/catalogue/999999/2023").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
    // A table that is asked for anew some seconds later; nobody is in good standing with a line whose institution is not.
    assert_eq!(table.matches("在册").count(), 1);
    let suspend = v1::SuspendInstitutionRequest {
        name: school.name.clone(),
        suspended: true,
        reason: "SPOT_CHECK".to_owned(),
        request_id: api.office.fresh("suspend"),
        validate_only: false,
    };
    let method = "RegistryService/SuspendInstitution";
    let _: v1::SuspendInstitutionResponse = must(&api.client, &supervisor, method, suspend).await;
    let later = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let (_, table) = get(address, "/catalogue/140725/2023.csv").await;
        if table.matches("暂停").count() == 1 && !table.contains("在册") {
            break;
        }
        assert!(std::time::Instant::now() < later, "{table}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    holds(&api.running).await;
    api.running.stop().await;
}

async fn a_class_is_filed_within_its_line(engine: Engine) {
    let api = Api::start_on(engine).await;
    let school = School::open(&api).await;
    let line = Line {
        api: &api,
        school: &school,
        occupation: crate::school::OCCUPATION,
    };
    // The line was approved without a word about itself: until it says something it holds nobody to anything.
    let method = "TrainingService/FileClass";
    let _: v1::FileClassResponse = must(
        &api.client,
        &school.key,
        method,
        school.filing("hall-9", 200),
    )
    .await;
    let proposal = line.change(details("昭余镇2号", 30)).await;
    line.approve(proposal).await;
    for (room, seats, code) in [
        ("room-2", 10, "SITE_NOT_IN_CATALOGUE"),
        ("room-1", 31, "SEATS_ABOVE_SITE"),
    ] {
        let status = api
            .refused(&school.key, method, school.filing(room, seats))
            .await;
        let details = tonic_types::StatusExt::get_error_details(&status);
        let violations = details.precondition_failure().unwrap().violations.clone();
        assert!(
            violations.iter().any(|violation| violation.r#type == code),
            "{violations:?}"
        );
    }
    let filed: v1::FileClassResponse = must(
        &api.client,
        &school.key,
        method,
        school.filing("room-1", 30),
    )
    .await;
    // Forty-five a year: the second class of thirty is approved when the first one is cancelled, and not before.
    let forty_five = v1::CatalogueDetails {
        yearly_seats: 45,
        ..details("昭余镇2号", 30)
    };
    let proposal = line.change(forty_five).await;
    line.approve(proposal).await;
    let first = filed.receipt.unwrap().name;
    line.approve_class(&first).await;
    assert_eq!(line.read("").await.seats_taken, 30);
    let mut again = school.filing("room-1", 30);
    again.request_id = line.id();
    for slot in &mut again.filing.as_mut().unwrap().timetable {
        slot.date = "2023-06-07".to_owned();
    }
    let filed: v1::FileClassResponse = must(&api.client, &school.key, method, again).await;
    let second = filed.receipt.unwrap().name;
    let request = line.class_approval(&second);
    let reviewer = &api.office.reviewer;
    let status = api
        .refused(reviewer, "TrainingService/ApproveClass", request)
        .await;
    assert_eq!(reason(&status), "YEARLY_SEATS_TAKEN");
    let cancel = v1::CancelClassRequest {
        name: first,
        reason: "FLOOD".to_owned(),
        request_id: line.id(),
        ..v1::CancelClassRequest::default()
    };
    let _: v1::CancelClassResponse = must(
        &api.client,
        &school.key,
        "TrainingService/CancelClass",
        cancel,
    )
    .await;
    assert_eq!(line.read("").await.seats_taken, 0);
    line.approve_class(&second).await;
    assert_eq!(line.read("").await.seats_taken, 30);
    holds(&api.running).await;
    api.running.stop().await;
}
