//! Supervision: samples, inspections, findings, flags, and credit, which is public.

use hefu_domain::state::Fact;
use hefu_domain::{
    BadCode, ClassId, Code, FindingId, FlagId, InstitutionId, Region, Rpc, SEALED, SampleId,
};
use hefu_engine::rows;
use hefu_store::{Row, Shown, Table};
use hefu_wire::{show, states, v1};
use tonic::{Request, Status};

use super::{List, Page, Sight, asked, corrupt, region, text};
use crate::api::Api;
use crate::{caller, errors};

/// A row's id as that type.
fn id<T: std::str::FromStr<Err = BadCode>>(row: &Row) -> Result<T, Status> {
    row.id.parse().map_err(|_| errors::store(corrupt(row)))
}

impl Api {
    pub(crate) async fn get_sample(
        &self,
        request: Request<v1::GetSampleRequest>,
    ) -> Result<v1::Sample, Status> {
        let name = &request.get_ref().name;
        let read = |r: &mut hefu_wire::Reader| r.name::<SampleId>("name", name, "samples");
        let (region, id) = self.asked(Rpc::GetSample, &request, read).await?;
        let by = caller::of(&request)?;
        let sample = self
            .look(&region, |world, at| {
                Sight::of(world, Rpc::GetSample, &by, at)?;
                world.sample(&id).cloned()
            })
            .await?;
        Ok(show::sample(&region, id, &sample))
    }

    pub(crate) async fn list_samples(
        &self,
        request: Request<v1::ListSamplesRequest>,
    ) -> Result<v1::ListSamplesResponse, Status> {
        let asked = request.get_ref();
        let region = region("parent", &asked.parent)?;
        self.admit(Rpc::ListSamples, &request, &region).await?;
        let page = Page {
            size: asked.page_size,
            token: &asked.page_token,
        };
        let list = List::of(Table::Sample, &region, Vec::new());
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut samples = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Fact::Sample(sample) = rows::fact(row).map_err(errors::store)? {
                samples.push(show::sample(&region, id(row)?, &sample));
            }
        }
        Ok(v1::ListSamplesResponse {
            samples,
            next_page_token,
        })
    }

    pub(crate) async fn list_inspections(
        &self,
        request: Request<v1::ListInspectionsRequest>,
    ) -> Result<v1::ListInspectionsResponse, Status> {
        let message = request.get_ref();
        let (region, columns) = asked(|r| {
            r.parent("parent", &message.parent);
            let class = r.optional_name::<ClassId>("class", &message.class, "classes");
            Some(vec![("class", text(class?))])
        })?;
        self.admit(Rpc::ListInspections, &request, &region).await?;
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let list = List::of(Table::Inspection, &region, columns);
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut inspections = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Fact::Inspection(inspection) = rows::fact(row).map_err(errors::store)? {
                inspections.push(show::inspection(&region, id(row)?, &inspection));
            }
        }
        Ok(v1::ListInspectionsResponse {
            inspections,
            next_page_token,
        })
    }

    pub(crate) async fn get_finding(
        &self,
        request: Request<v1::GetFindingRequest>,
    ) -> Result<v1::Finding, Status> {
        let name = &request.get_ref().name;
        let read = |r: &mut hefu_wire::Reader| r.name::<FindingId>("name", name, "findings");
        let (region, id) = self.asked(Rpc::GetFinding, &request, read).await?;
        let by = caller::of(&request)?;
        let (finding, eyes) = self
            .look(&region, |world, at| {
                let sight = Sight::of(world, Rpc::GetFinding, &by, at)?;
                let finding = world.finding(&id)?;
                let own = finding.institution.as_ref();
                let theirs = own.is_some_and(|own| sight.acts_for_any([own]));
                if sight.whole() || theirs {
                    Ok((finding.clone(), sight.eyes()))
                } else {
                    Err(Code::FindingNotFound.into())
                }
            })
            .await?;
        Ok(show::finding(&region, id, &finding, eyes))
    }

    pub(crate) async fn list_findings(
        &self,
        request: Request<v1::ListFindingsRequest>,
    ) -> Result<v1::ListFindingsResponse, Status> {
        let message = request.get_ref();
        let (region, (state, institution)) = asked(|r| {
            r.parent("parent", &message.parent);
            let state = r.state("state", &message.state, states::FINDING);
            let given = &message.institution;
            let institution =
                r.optional_name::<InstitutionId>("institution", given, "institutions");
            Some((state?, institution?))
        })?;
        let sight = self.sight(Rpc::ListFindings, &request, &region).await?;
        let none = v1::ListFindingsResponse::default();
        // Outside the bureau everybody sees what is theirs to put right, and nothing else.
        let institution = match (sight.whole(), sight.institution(), institution) {
            (true, _, asked) => asked,
            (false, Some(own), asked) if asked.as_ref().is_none_or(|asked| asked == own) => {
                Some(own.clone())
            }
            (false, _, _) => return Ok(none),
        };
        let columns = vec![
            ("state", state.to_owned()),
            ("institution", text(institution)),
        ];
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let list = List::of(Table::Finding, &region, columns);
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut findings = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Fact::Finding(finding) = rows::fact(row).map_err(errors::store)? {
                findings.push(show::finding(&region, id(row)?, &finding, sight.eyes()));
            }
        }
        Ok(v1::ListFindingsResponse {
            findings,
            next_page_token,
        })
    }

    pub(crate) async fn get_flag(
        &self,
        request: Request<v1::GetFlagRequest>,
    ) -> Result<v1::Flag, Status> {
        let name = &request.get_ref().name;
        let read = |r: &mut hefu_wire::Reader| r.name::<FlagId>("name", name, "flags");
        let (region, id) = self.asked(Rpc::GetFlag, &request, read).await?;
        let by = caller::of(&request)?;
        let flag = self
            .look(&region, |world, at| {
                Sight::of(world, Rpc::GetFlag, &by, at)?;
                world.flag(&id).cloned()
            })
            .await?;
        Ok(show::flag(&region, id, &flag))
    }

    pub(crate) async fn list_flags(
        &self,
        request: Request<v1::ListFlagsRequest>,
    ) -> Result<v1::ListFlagsResponse, Status> {
        let message = request.get_ref();
        let rules: Vec<&'static str> = hefu_domain::policy::FraudRule::ALL
            .iter()
            .map(|rule| rule.as_str())
            .collect();
        let (region, columns) = asked(|r| {
            r.parent("parent", &message.parent);
            let state = r.state("state", &message.state, states::FLAG);
            let rule = r.state("rule", &message.rule, &rules);
            Some(vec![
                ("state", state?.to_owned()),
                ("rule", rule?.to_owned()),
            ])
        })?;
        self.admit(Rpc::ListFlags, &request, &region).await?;
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let list = List::of(Table::Flag, &region, columns);
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut flags = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Fact::Flag(flag) = rows::fact(row).map_err(errors::store)? {
                flags.push(show::flag(&region, id(row)?, &flag));
            }
        }
        Ok(v1::ListFlagsResponse {
            flags,
            next_page_token,
        })
    }

    pub(crate) async fn list_credit_ratings(
        &self,
        request: Request<v1::ListCreditRatingsRequest>,
    ) -> Result<v1::ListCreditRatingsResponse, Status> {
        let message = request.get_ref();
        let (region, columns) = asked(|r| {
            r.parent("parent", &message.parent);
            let class = r.state("credit_class", &message.credit_class, states::CREDIT);
            Some(vec![("state", class?.to_owned())])
        })?;
        self.open(&region).await?;
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let list = List::of(Table::Credit, &region, columns).only(published());
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut credit_ratings = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Fact::Credit(credit) = rows::fact(row).map_err(errors::store)? {
                credit_ratings.push(rating(&region, row, &credit)?);
            }
        }
        Ok(v1::ListCreditRatingsResponse {
            credit_ratings,
            next_page_token,
        })
    }
}

/// A classified unit's credit is not published.
fn published() -> Shown {
    Shown::Clear {
        hidden: SEALED.to_owned(),
        own: String::new(),
    }
}

fn rating(
    region: &Region,
    row: &Row,
    credit: &hefu_domain::state::Credit,
) -> Result<v1::CreditRating, Status> {
    let institution: InstitutionId = id(row)?;
    Ok(show::credit(region, &institution, credit))
}
