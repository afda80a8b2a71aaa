//! What a status says of a refusal and of a wrong request: every rule, every field, and nothing that is neither.

#![allow(clippy::unwrap_used)] // a status without the details in question is this test's answer

use hefu_domain::{Checks, Code, Stop};
use hefu_wire::{BadField, BadFields, errors};
use tonic_types::StatusExt as _;

#[test]
fn a_refusal_names_every_rule_and_the_gravest_decides() {
    let mut checks = Checks::new();
    checks.require_of(false, Code::CheckMissing, "pension");
    checks.require(false, Code::SamePerson);
    checks.require(false, Code::FundsExhausted);
    let Err(Stop::Refused(refusals)) = checks.done() else {
        panic!("three rules failed")
    };
    let status = errors::refused("Issue", &refusals);
    assert_eq!(status.code(), tonic::Code::PermissionDenied);
    let details = status.get_error_details();
    assert_eq!(
        details.error_info().expect("an ErrorInfo").reason,
        "SAME_PERSON"
    );
    let violations = &details
        .precondition_failure()
        .expect("a PreconditionFailure")
        .violations;
    let said: Vec<_> = violations
        .iter()
        .map(|v| (v.r#type.as_str(), v.subject.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("CHECK_MISSING", "pension"),
            ("SAME_PERSON", ""),
            ("FUNDS_EXHAUSTED", "")
        ]
    );
    assert!(details.quota_failure().is_some());
}

#[test]
fn the_status_follows_the_class_of_the_gravest_reason() {
    for code in Code::ALL {
        let Stop::Refused(refusals) = Stop::from(*code) else {
            panic!("a code refuses")
        };
        let status = errors::refused("Issue", &refusals);
        let expected = match code.class() {
            hefu_domain::Class::Invalid => tonic::Code::InvalidArgument,
            hefu_domain::Class::NotFound => tonic::Code::NotFound,
            hefu_domain::Class::Denied => tonic::Code::PermissionDenied,
            hefu_domain::Class::Rule => tonic::Code::FailedPrecondition,
            hefu_domain::Class::Exhausted => tonic::Code::ResourceExhausted,
        };
        assert_eq!(status.code(), expected, "{}", code.as_str());
        assert_eq!(
            status
                .get_error_details()
                .error_info()
                .map(|info| info.reason.as_str()),
            Some(code.as_str())
        );
    }
}

#[test]
fn a_refused_request_that_is_wrong_in_itself_has_its_field_named_or_none() {
    let mut checks = Checks::new();
    checks.require(false, Code::BadCapacity);
    checks.require_of(false, Code::DuplicateEntry, "3");
    let Err(Stop::Refused(refusals)) = checks.done() else {
        panic!("two rules failed")
    };
    let fields = |rpc: &str| -> Vec<String> {
        let details = errors::refused(rpc, &refusals).get_error_details();
        let bad = details
            .bad_request()
            .map(|bad| bad.field_violations.clone());
        bad.unwrap_or_default()
            .into_iter()
            .map(|v| v.field)
            .collect()
    };
    assert_eq!(fields("FileClass"), ["filing.capacity"]);
    assert_eq!(fields("RecordAttendance"), ["entries"]);
    assert_eq!(fields("Issue"), [""; 0], "no field has an empty name");
}

#[test]
fn an_items_fields_are_named_from_the_batch_on() {
    let bad = |field: &str| {
        errors::bad_fields(&BadFields(vec![BadField {
            field: field.to_owned(),
            rule: "must be there".to_owned(),
        }]))
    };
    for (field, path) in [("", "requests[7]"), ("phone", "requests[7].phone")] {
        let status = errors::of_item(7, &bad(field));
        let details = status.get_error_details();
        assert_eq!(
            details.bad_request().unwrap().field_violations[0].field,
            path
        );
        assert_eq!(details.error_info().unwrap().reason, "BAD_FIELD");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
    }
    // What blames no field goes through as it is.
    let busy = tonic::Status::unavailable("busy");
    assert_eq!(errors::of_item(7, &busy).message(), "busy");
}
