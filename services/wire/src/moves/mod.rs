//! Requests read into moves: one `read` per RPC, by subject.

mod access;
mod application;
mod assessment;
mod funds;
mod issuance;
mod people;
mod policy;
mod records;
mod redemption;
mod registry;
mod settlement;
mod spreadsheet;
mod supervision;
mod training;

use std::collections::BTreeSet;

use hefu_domain::command::{Act, Grant};
use hefu_domain::{CredentialId, Programme, Role, StaffId, SubjectId};

use crate::read::Reader;
use crate::v1;

/// A request that asks for a move.
pub trait Move: prost::Message + Clone + Default + 'static {
    /// The RPC's name, which is the move's.
    const NAME: &'static str;

    /// The caller's request id.
    fn request_id(&self) -> &str;

    /// Decide only.
    fn validate_only(&self) -> bool;

    /// The request without request id and flag: what its digest is made of.
    fn bare(&self) -> Self;

    /// Reads the move; what is wrong is noted in the reader.
    fn read(&self, r: &mut Reader) -> Option<Act>;
}

/// A batch of one kind of requests.
pub trait Batch: prost::Message + Default + 'static {
    /// One item.
    type Item: Move;
    /// An item's response.
    type Response: crate::replies::Reply;
    /// The batch's response.
    type Responses;

    /// `regions/{code}`.
    fn parent(&self) -> &str;
    /// Each on its own, or all or none.
    fn mode(&self) -> v1::Mode;
    /// The batch's request id.
    fn request_id(&self) -> &str;
    /// The items.
    fn requests(&self) -> &[Self::Item];
    /// The batch's response from the items'.
    fn responses(results: Vec<Result<Self::Response, tonic::Status>>) -> Self::Responses;
}

macro_rules! request {
    ($name:literal) => {
        const NAME: &'static str = $name;

        fn request_id(&self) -> &str {
            &self.request_id
        }

        fn validate_only(&self) -> bool {
            self.validate_only
        }

        fn bare(&self) -> Self {
            Self {
                request_id: String::new(),
                validate_only: false,
                ..self.clone()
            }
        }
    };
}
use request;

macro_rules! batches {
    ($($batch:ident => $item:ident, $response:ident, $module:ident::$result:ident, $responses:ident;)+) => {$(
        impl super::Batch for crate::v1::$batch {
            type Item = crate::v1::$item;
            type Response = crate::v1::$response;
            type Responses = crate::v1::$responses;

            fn parent(&self) -> &str {
                &self.parent
            }

            fn mode(&self) -> crate::v1::Mode {
                crate::v1::Mode::try_from(self.mode).unwrap_or_default()
            }

            fn request_id(&self) -> &str {
                &self.request_id
            }

            fn requests(&self) -> &[Self::Item] {
                &self.requests
            }

            fn responses(results: Vec<Result<Self::Response, tonic::Status>>) -> Self::Responses {
                use crate::v1::$module::Result as Either;
                let either = |result| match result {
                    Ok(response) => Either::Response(response),
                    Err(status) => Either::Error(super::status(status)),
                };
                let results = results.into_iter().map(|result| crate::v1::$result { result: Some(either(result)) });
                crate::v1::$responses { results: results.collect() }
            }
        }
    )+};
}
use batches;

/// A status as a message within a batch's response.
fn status(status: tonic::Status) -> tonic_types::pb::Status {
    match prost::Message::decode(status.details()) {
        Ok(full) => full,
        Err(_) => tonic_types::pb::Status {
            code: status.code().into(),
            message: status.message().to_owned(),
            details: Vec::new(),
        },
    }
}

/// A programme that must be said.
fn programme(r: &mut Reader, field: &str, given: i32) -> Option<Programme> {
    let programme = v1::Programme::try_from(given)
        .ok()
        .and_then(crate::show::domain_programme);
    r.said(field, programme)
}

/// A role that must be said.
fn role(r: &mut Reader, field: &str, given: i32) -> Option<Role> {
    let role = match v1::Role::try_from(given) {
        Ok(v1::Role::Holder) => Some(Role::Holder),
        Ok(v1::Role::Institution) => Some(Role::Institution),
        Ok(v1::Role::Assessor) => Some(Role::Assessor),
        Ok(v1::Role::Clerk) => Some(Role::Clerk),
        Ok(v1::Role::Reviewer) => Some(Role::Reviewer),
        Ok(v1::Role::Finance) => Some(Role::Finance),
        Ok(v1::Role::Supervisor) => Some(Role::Supervisor),
        Ok(v1::Role::Auditor) => Some(Role::Auditor),
        Ok(v1::Role::Operator) => Some(Role::Operator),
        Ok(v1::Role::Unspecified) | Err(_) => None,
    };
    r.said(field, role)
}

/// A grant; without a credential it is the caller's own, which the server fills in.
fn grant(r: &mut Reader, given: &v1::Grant, credential: Option<CredentialId>) -> Option<Grant> {
    let subject = r.code("subject", &given.subject);
    let person = r.code("person", &given.person);
    // The institution is said in its own field, and nobody is granted another one's code.
    let plain = |r: &mut Reader, field: &str, plain: bool| {
        if !plain {
            r.wrong(field, "a code of its own, without an institution");
        }
    };
    plain(
        r,
        "subject",
        subject.as_ref().is_none_or(SubjectId::is_plain),
    );
    plain(r, "person", person.as_ref().is_none_or(StaffId::is_plain));
    let roles = r.list("roles", &given.roles, 9, |r, given| role(r, "", *given));
    let institution = r.optional_name("institution", &given.institution, "institutions");
    let holder = r.optional_name("holder", &given.holder, "people");
    let expires = r.optional_instant("expires", given.expires.as_ref());
    Some(Grant {
        credential: credential.or_else(own_credential)?,
        subject: subject?,
        person: person?,
        roles: roles?.into_iter().collect::<BTreeSet<_>>(),
        institution: institution?,
        holder: holder?,
        expires: expires?,
    })
}

/// Stands for the caller's own credential until the server puts it in.
fn own_credential() -> Option<CredentialId> {
    "A".repeat(43).parse().ok()
}
