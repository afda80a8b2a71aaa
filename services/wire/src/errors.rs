//! Refusals and bad fields as gRPC statuses with google.rpc details: every rule that failed, every field that is wrong.

use std::collections::HashMap;

use hefu_domain::{Class, Refusal, Refusals};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::blame;
use crate::read::BadFields;

const DOMAIN: &str = "hefu";

/// The status of a refusal: its gravest reason decides the code, all of them stand in the details. A request of that RPC that is
/// wrong in itself has its field named, where one field is to blame.
pub fn refused(rpc: &str, refusals: &Refusals) -> Status {
    let class = refusals.class();
    let code = match class {
        Class::Invalid => Code::InvalidArgument,
        Class::NotFound => Code::NotFound,
        Class::Denied => Code::PermissionDenied,
        Class::Rule => Code::FailedPrecondition,
        Class::Exhausted => Code::ResourceExhausted,
    };
    let gravest = refusals
        .reasons()
        .iter()
        .find(|reason| reason.code.class() == class);
    let reason = gravest.map_or("REFUSED", |reason| reason.code.as_str());
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    for refusal in refusals.reasons() {
        details.add_precondition_failure_violation(
            refusal.code.as_str(),
            &refusal.about,
            refusal.code.meaning(),
        );
        match refusal.code.class() {
            Class::Exhausted => {
                details.add_quota_failure_violation(refusal.code.as_str(), refusal.code.meaning());
            }
            Class::Invalid => {
                if let Some(field) = blame::field(rpc, refusal.code) {
                    details.add_bad_request_violation(field, rule(refusal));
                }
            }
            Class::NotFound | Class::Denied | Class::Rule => {}
        }
    }
    Status::with_error_details(code, refusals.to_string(), details)
}

/// The rule that a field breaks, and which of its items does.
fn rule(refusal: &Refusal) -> String {
    let meaning = refusal.code.meaning();
    match refusal.about.as_str() {
        "" => meaning.to_owned(),
        about => format!("{meaning} ({about})"),
    }
}

/// The status of a request that is wrong in itself.
pub fn bad_fields(bad: &BadFields) -> Status {
    let mut details = ErrorDetails::with_error_info("BAD_FIELD", DOMAIN, HashMap::new());
    for field in &bad.0 {
        details.add_bad_request_violation(field.field.clone(), field.rule.clone());
    }
    Status::with_error_details(Code::InvalidArgument, bad.to_string(), details)
}

/// The status of a batch's item: its fields are named from the batch on, `requests[3].phone`.
pub fn of_item(number: usize, status: &Status) -> Status {
    let mut details = status.get_error_details();
    let item = format!("requests[{number}]");
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.clone());
    let Some(mut violations) = violations else {
        return status.clone();
    };
    for violation in &mut violations {
        violation.field = match violation.field.as_str() {
            "" => item.clone(),
            field => format!("{item}.{field}"),
        };
    }
    details.set_bad_request(violations);
    let message = format!("{item}: {}", status.message());
    Status::with_error_details(status.code(), message, details)
}
