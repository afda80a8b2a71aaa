//! Which services a process mounts, so that the one that holds the keys of tokens or logs need not be the one that faces institutions.
//!
//! The invariant: a process without `issuance` reads no secret half of a token key, and one without `signer` none of a log key.

use std::collections::BTreeSet;
use std::str::FromStr;

use hefu_wire::v1;
use serde::Deserialize;

/// A part of the server that a process may be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// A gRPC service, by its full name.
    Grpc(&'static str),
    /// The signer of the logs.
    Signer,
}

/// The gRPC services, by full name.
const GRPC: [&str; 16] = [
    v1::access_service_server::SERVICE_NAME,
    v1::application_service_server::SERVICE_NAME,
    v1::assessment_service_server::SERVICE_NAME,
    v1::audit_service_server::SERVICE_NAME,
    v1::funds_service_server::SERVICE_NAME,
    v1::issuance_service_server::SERVICE_NAME,
    v1::people_service_server::SERVICE_NAME,
    v1::policy_service_server::SERVICE_NAME,
    v1::records_service_server::SERVICE_NAME,
    v1::redemption_service_server::SERVICE_NAME,
    v1::registry_service_server::SERVICE_NAME,
    v1::reporting_service_server::SERVICE_NAME,
    v1::settlement_service_server::SERVICE_NAME,
    v1::spreadsheet_service_server::SERVICE_NAME,
    v1::supervision_service_server::SERVICE_NAME,
    v1::training_service_server::SERVICE_NAME,
];

impl Service {
    /// Every one.
    pub fn all() -> impl Iterator<Item = Service> {
        GRPC.into_iter().map(Service::Grpc).chain([Service::Signer])
    }

    /// As `--services` names it: `voucher.v1.IssuanceService` is `issuance`.
    pub fn name(self) -> String {
        match self {
            Service::Grpc(name) => {
                let name = name.rsplit('.').next().unwrap_or(name);
                name.trim_end_matches("Service").to_lowercase()
            }
            Service::Signer => "signer".to_owned(),
        }
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(name: &str) -> Result<Service, String> {
        let names = || Service::all().map(Service::name).collect::<Vec<_>>();
        Service::all()
            .find(|service| service.name() == name)
            .ok_or_else(|| format!("no service {name:?}; there are {}", names().join(", ")))
    }
}

/// The services of a process. All, unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Services(BTreeSet<Service>);

impl Services {
    /// Those and no others.
    pub fn of(services: impl IntoIterator<Item = Service>) -> Services {
        Services(services.into_iter().collect())
    }

    /// Whether every service is there: such a process makes at its first start what all of them need.
    pub fn are_all(&self) -> bool {
        Service::all().all(|service| self.0.contains(&service))
    }

    /// Whether the gRPC service of that full name is mounted.
    pub(crate) fn mount(&self, name: &'static str) -> bool {
        self.0.contains(&Service::Grpc(name))
    }

    /// The full names of the gRPC services that are mounted.
    pub(crate) fn mounted(&self) -> impl Iterator<Item = &'static str> {
        GRPC.into_iter().filter(|name| self.mount(name))
    }

    /// Whether tokens are signed here.
    pub(crate) fn sign_tokens(&self) -> bool {
        self.mount(v1::issuance_service_server::SERVICE_NAME)
    }

    /// Whether reports are made here, and what they are made of is fed.
    pub(crate) fn report(&self) -> bool {
        self.mount(v1::reporting_service_server::SERVICE_NAME)
    }

    /// Whether logs are signed here.
    pub(crate) fn sign_logs(&self) -> bool {
        self.0.contains(&Service::Signer)
    }
}

impl Default for Services {
    fn default() -> Services {
        Services::of(Service::all())
    }
}

impl TryFrom<Vec<String>> for Services {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Services, String> {
        if names.is_empty() {
            return Err(
                "a server without services serves nobody: leave `services` out for all".to_owned(),
            );
        }
        let services: Result<_, String> = names.iter().map(|name| name.parse()).collect();
        Ok(Services(services?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_go_by_short_names() {
        let names: Vec<String> = Service::all().map(Service::name).collect();
        assert_eq!(names[5], "issuance");
        assert_eq!(Services::try_from(names), Ok(Services::default()));
        let some = Services::try_from(vec!["redemption".to_owned(), "signer".to_owned()]).unwrap();
        assert!(some.sign_logs() && !some.sign_tokens() && !some.are_all());
        assert_eq!(
            some.mounted().collect::<Vec<_>>(),
            ["voucher.v1.RedemptionService"]
        );
        let unknown = Services::try_from(vec!["issuing".to_owned()]).unwrap_err();
        assert!(
            unknown.contains("\"issuing\"") && unknown.contains("issuance, people"),
            "{unknown}"
        );
        assert!(Services::try_from(Vec::new()).is_err());
    }
}
