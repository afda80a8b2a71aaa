//! A region's office and its institutions: five people, a portal, training bodies, enterprises, a school, an assessment body.

use hefu_wire::v1;

use crate::client::{Client, PlayError, credential, key};
use crate::made_up::credit_code;

/// Occupations of the county's local trades and of everybody's.
pub(crate) const OCCUPATIONS: [&str; 6] = [
    "6-31-01-03",
    "4-10-01-05",
    "6-18-02-04",
    "4-03-02-01",
    "6-15-04-02",
    "4-14-02-02",
];

/// An institution of a region.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) capacities: Vec<v1::Capacity>,
    /// The division whose government it belongs to; empty where it is nobody's.
    pub(crate) affiliation: String,
}

/// The second enterprise and the school are the region's own, the third enterprise is the province's, everybody else is nobody's.
fn affiliation(region: &str, number: u32) -> String {
    match number {
        12 | 21 => region.to_owned(),
        13 => format!("{}0000", region.get(..2).unwrap_or("14")),
        _ => String::new(),
    }
}

/// A region's office: keys by duty, institutions.
#[derive(Debug, Clone)]
pub(crate) struct Office {
    pub(crate) region: String,
    pub(crate) clerk: String,
    pub(crate) reviewer: String,
    pub(crate) approver: String,
    pub(crate) finance: String,
    pub(crate) supervisor: String,
    pub(crate) portal: String,
    pub(crate) training: Vec<Body>,
    pub(crate) enterprises: Vec<Body>,
    pub(crate) school: Body,
    pub(crate) assessors: Body,
    seed: u64,
}

impl Office {
    pub(crate) fn new(seed: u64, region: &str) -> Office {
        let staff = |duty: &str| key(seed, &format!("{region}/{duty}"));
        let body = |number: u32, name: &str, capacities: &[v1::Capacity]| Body {
            code: credit_code(region, number),
            name: format!("{name}{number}号"),
            key: key(seed, &format!("{region}/institution/{number}")),
            capacities: capacities.to_vec(),
            affiliation: affiliation(region, number),
        };
        Office {
            region: region.to_owned(),
            clerk: staff("clerk"),
            reviewer: staff("reviewer"),
            approver: staff("approver"),
            finance: staff("finance"),
            supervisor: staff("supervisor"),
            portal: staff("portal"),
            training: (1..=3)
                .map(|n| body(n, "样例职业培训学校", &[v1::Capacity::TrainingBody]))
                .collect(),
            enterprises: (11..=13)
                .map(|n| body(n, "样例企业", &[v1::Capacity::Enterprise]))
                .collect(),
            school: body(
                21,
                "样例职业中学",
                &[v1::Capacity::School, v1::Capacity::TrainingBody],
            ),
            assessors: body(31, "样例评价机构", &[v1::Capacity::AssessmentBody]),
            seed,
        }
    }

    /// `regions/{code}`.
    pub(crate) fn parent(&self) -> String {
        format!("regions/{}", self.region)
    }

    /// A thing of this region by name.
    pub(crate) fn name(&self, collection: &str, id: &str) -> String {
        format!("regions/{}/{collection}/{id}", self.region)
    }

    /// An institution's name.
    pub(crate) fn institution(&self, body: &Body) -> String {
        self.name("institutions", &body.code)
    }

    fn bodies(&self) -> impl Iterator<Item = &Body> {
        self.training
            .iter()
            .chain(&self.enterprises)
            .chain([&self.school, &self.assessors])
    }

    /// Grants the office's people their callers.
    pub(crate) async fn grant_staff(
        &self,
        client: &Client,
        operator: &str,
    ) -> Result<(), PlayError> {
        use v1::Role::*;
        let duties: [(&str, &str, &[v1::Role]); 6] = [
            ("clerk", &self.clerk, &[Clerk]),
            // Who restores credit is not who took the points.
            ("reviewer", &self.reviewer, &[Reviewer, Supervisor]),
            ("approver", &self.approver, &[Reviewer]),
            ("finance", &self.finance, &[Finance]),
            ("supervisor", &self.supervisor, &[Supervisor]),
            ("portal", &self.portal, &[Holder]),
        ];
        for (duty, key, roles) in duties {
            self.grant(client, operator, duty, key, roles, String::new())
                .await?;
        }
        Ok(())
    }

    async fn grant(
        &self,
        client: &Client,
        operator: &str,
        who: &str,
        key: &str,
        roles: &[v1::Role],
        institution: String,
    ) -> Result<(), PlayError> {
        let grant = v1::Grant {
            subject: who.to_owned(),
            person: who.to_owned(),
            roles: roles.iter().map(|role| (*role).into()).collect(),
            institution,
            holder: String::new(),
            expires: None,
        };
        let request = v1::GrantCallerRequest {
            parent: self.parent(),
            credential: credential(key),
            grant: Some(grant),
            request_id: format!("grant-{who}"),
            validate_only: false,
        };
        client
            .must::<_, v1::GrantCallerResponse>(operator, "AccessService/GrantCaller", request)
            .await
            .map(|_| ())
    }

    /// Registers the institutions with licence, account, catalogue lines and callers.
    pub(crate) async fn register_institutions(
        &self,
        client: &Client,
        operator: &str,
    ) -> Result<(), PlayError> {
        for body in self.bodies() {
            let request = v1::RegisterInstitutionRequest {
                parent: self.parent(),
                credit_code: body.code.clone(),
                display_name: body.name.clone(),
                capacities: body.capacities.iter().map(|c| (*c).into()).collect(),
                licensed_occupations: OCCUPATIONS.iter().map(ToString::to_string).collect(),
                related_credit_codes: Vec::new(),
                request_id: format!("register-{}", body.code),
                validate_only: false,
                affiliation: body.affiliation.clone(),
            };
            client
                .must::<_, v1::RegisterInstitutionResponse>(
                    &self.clerk,
                    "RegistryService/RegisterInstitution",
                    request,
                )
                .await?;
            let roles: &[v1::Role] = if body.capacities.contains(&v1::Capacity::AssessmentBody) {
                &[v1::Role::Assessor]
            } else {
                &[v1::Role::Institution]
            };
            let who = format!("inst-{}", body.code.to_lowercase());
            self.grant(
                client,
                operator,
                &who,
                &body.key,
                roles,
                self.institution(body),
            )
            .await?;
            self.account(client, body).await?;
            let catalogue = match body.capacities.as_slice() {
                [v1::Capacity::Enterprise] => None,
                all if all.contains(&v1::Capacity::AssessmentBody) => {
                    Some(v1::Capacity::AssessmentBody)
                }
                _ => Some(v1::Capacity::TrainingBody),
            };
            if let Some(capacity) = catalogue {
                self.catalogue(client, body, capacity).await?;
            }
        }
        Ok(())
    }

    async fn account(&self, client: &Client, body: &Body) -> Result<(), PlayError> {
        let number =
            6_200_000_000_000_000 + crate::made_up::pick(self.seed, &body.code, 0, 1_000_000_000);
        let request = v1::RegisterAccountRequest {
            name: self.institution(body),
            account_name: body.name.clone(),
            account_number: number.to_string(),
            request_id: format!("account-{}", body.code),
            validate_only: false,
        };
        let made = client
            .must::<_, v1::RegisterAccountResponse>(
                &self.clerk,
                "RegistryService/RegisterAccount",
                request,
            )
            .await?;
        let request = v1::ConfirmAccountRequest {
            name: self.institution(body),
            proposal: made.proposal,
            request_id: format!("confirm-{}", body.code),
            validate_only: false,
        };
        client
            .must::<_, v1::ConfirmAccountResponse>(
                &self.finance,
                "RegistryService/ConfirmAccount",
                request,
            )
            .await
            .map(|_| ())
    }

    async fn catalogue(
        &self,
        client: &Client,
        body: &Body,
        capacity: v1::Capacity,
    ) -> Result<(), PlayError> {
        for occupation in OCCUPATIONS {
            let entry = Some(v1::CatalogueLine {
                institution: self.institution(body),
                capacity: capacity.into(),
                occupation: occupation.to_owned(),
                plan_year: 2023,
            });
            let id = |what: &str| format!("{what}-{}-{occupation}", body.code);
            let request = v1::FileCatalogueEntryRequest {
                parent: self.parent(),
                entry: entry.clone(),
                request_id: id("file"),
                validate_only: false,
                details: None,
            };
            client
                .must::<_, v1::FileCatalogueEntryResponse>(
                    &body.key,
                    "RegistryService/FileCatalogueEntry",
                    request,
                )
                .await?;
            let request = v1::ApproveCatalogueEntryRequest {
                parent: self.parent(),
                entry,
                request_id: id("list"),
                validate_only: false,
                proposal: Vec::new(),
            };
            client
                .must::<_, v1::ApproveCatalogueEntryResponse>(
                    &self.reviewer,
                    "RegistryService/ApproveCatalogueEntry",
                    request,
                )
                .await?;
        }
        Ok(())
    }
}
