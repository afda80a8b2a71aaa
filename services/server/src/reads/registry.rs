//! The registry: institutions, and the two catalogues, which are public.

use hefu_domain::policy::Capacity;
use hefu_domain::state::{CatalogueEntryId, Credential, Fact};
use hefu_domain::{Code, InstitutionId, Occupation, Region};
use hefu_engine::rows;
use hefu_store::{Row, Table};
use hefu_wire::show::Eyes;
use hefu_wire::{names, show, states, v1};
use tonic::{Request, Status};

use super::{List, Page, asked, corrupt, eyes, in_force, region, text};
use crate::api::Api;
use crate::{caller, errors};

impl Api {
    /// The grant of whoever reads something public, where they show a key that has one.
    async fn grant_if_any<T>(&self, request: &Request<T>, region: &Region) -> Option<Credential> {
        let by = caller::of(request).ok()?;
        self.grant(region, &by).await.ok()
    }

    pub(crate) async fn get_institution(
        &self,
        request: Request<v1::GetInstitutionRequest>,
    ) -> Result<v1::Institution, Status> {
        let name = &request.get_ref().name;
        let (region, id) = asked(|r| r.name::<InstitutionId>("name", name, "institutions"))?;
        let by = caller::of(&request)?;
        let (institution, eyes) = self
            .look(&region, |world, at| {
                let grant = in_force(world, &by, at)?;
                let institution = world.institution(&id)?;
                if sees(Some(grant), &id) {
                    Ok((institution.clone(), eyes_on(grant, id.as_str())))
                } else {
                    Err(Code::InstitutionNotFound.into())
                }
            })
            .await?;
        Ok(show::institution(&region, id.as_str(), &institution, eyes))
    }

    pub(crate) async fn list_institutions(
        &self,
        request: Request<v1::ListInstitutionsRequest>,
    ) -> Result<v1::ListInstitutionsResponse, Status> {
        let asked = request.get_ref();
        let region = region("parent", &asked.parent)?;
        let grant = self.grant(&region, &caller::of(&request)?).await?;
        let list = List::of(Table::Institution, &region, Vec::new());
        let page = Page {
            size: asked.page_size,
            token: &asked.page_token,
        };
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut institutions = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id.parse().map_err(|_| errors::store(corrupt(&row)))?;
            if let Fact::Institution(institution) = rows::fact(&row).map_err(errors::store)?
                && sees(Some(&grant), &id)
            {
                let eyes = eyes_on(&grant, &row.id);
                institutions.push(show::institution(&region, &row.id, &institution, eyes));
            }
        }
        Ok(v1::ListInstitutionsResponse {
            institutions,
            next_page_token,
        })
    }

    pub(crate) async fn get_catalogue_entry(
        &self,
        request: Request<v1::GetCatalogueEntryRequest>,
    ) -> Result<v1::CatalogueEntry, Status> {
        let name = &request.get_ref().name;
        let (region, id) = asked(|r| r.catalogue_entry_name("name", name))?;
        let grant = self.grant_if_any(&request, &region).await;
        if !sees(grant.as_ref(), &id.institution) {
            return Err(errors::stop(Code::CatalogueEntryNotFound.into()));
        }
        let entry = self
            .look(&region, |world, _| {
                world.state_of_region()?;
                world.catalogue_entry(&id).cloned()
            })
            .await?;
        Ok(show::catalogue_entry(&region, &id, &entry))
    }

    pub(crate) async fn list_catalogue_entries(
        &self,
        request: Request<v1::ListCatalogueEntriesRequest>,
    ) -> Result<v1::ListCatalogueEntriesResponse, Status> {
        let message = request.get_ref();
        let (region, columns) = asked(|r| {
            r.parent("parent", &message.parent);
            let institution = r.optional_name::<InstitutionId>(
                "institution",
                &message.institution,
                "institutions",
            );
            let occupation = r.optional_code::<Occupation>("occupation", &message.occupation);
            let standing = r.state("standing", &message.standing, states::CATALOGUE_ENTRY);
            Some(vec![
                ("institution", text(institution?)),
                ("occupation", text(occupation?)),
                ("state", standing?.to_owned()),
            ])
        })?;
        self.open(&region).await?;
        let grant = self.grant_if_any(&request, &region).await;
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let list = List::of(Table::CatalogueEntry, &region, columns);
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut catalogue_entries = Vec::with_capacity(rows.len());
        for row in rows {
            let id = line(&row).ok_or_else(|| errors::store(corrupt(&row)))?;
            if let Fact::CatalogueEntry(entry) = rows::fact(&row).map_err(errors::store)?
                && sees(grant.as_ref(), &id.institution)
            {
                catalogue_entries.push(show::catalogue_entry(&region, &id, &entry));
            }
        }
        Ok(v1::ListCatalogueEntriesResponse {
            catalogue_entries,
            next_page_token,
        })
    }
}

/// Whether a caller may know of an institution: of a classified unit only itself and the bureau's own may.
fn sees(grant: Option<&Credential>, institution: &InstitutionId) -> bool {
    let inside = |grant| eyes_on(grant, institution.as_str()) <= Eyes::Own;
    !institution.is_sealed() || grant.is_some_and(inside)
}

/// How a caller sees an institution: its own account sees what it owes.
fn eyes_on(grant: &Credential, institution: &str) -> Eyes {
    let own = grant.institution.as_ref().map(InstitutionId::as_str) == Some(institution);
    match eyes(grant) {
        Eyes::Others if own => Eyes::Own,
        eyes => eyes,
    }
}

/// The catalogue line of a row, whose id is `{year}/{capacity}/{occupation}/{institution}`.
fn line(row: &Row) -> Option<CatalogueEntryId> {
    let parts: Vec<&str> = row.id.split('/').collect();
    let [year, capacity, occupation, institution] = parts.as_slice() else {
        return None;
    };
    let region = row.region.parse().ok()?;
    let year = names::child(&region, "planYears", year);
    let (_, year) = names::parse_year(&year, "planYears").ok()?;
    Some(CatalogueEntryId {
        institution: institution.parse().ok()?,
        capacity: serde_json::from_value::<Capacity>((*capacity).into()).ok()?,
        occupation: occupation.parse().ok()?,
        year,
    })
}
