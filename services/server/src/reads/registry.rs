//! The registry: institutions, and the two catalogues, which are public.

use hefu_domain::policy::Capacity;
use hefu_domain::state::{CatalogueEntryId, Fact};
use hefu_domain::{Code, InstitutionId, Occupation, Region, Rpc, SEALED};
use hefu_engine::rows;
use hefu_store::{Row, Shown, Table};
use hefu_wire::show::Eyes;
use hefu_wire::{names, show, states, v1};
use tonic::{Request, Status};

use super::{List, Page, Sight, asked, corrupt, region, text};
use crate::api::Api;
use crate::{caller, errors};

impl Api {
    /// How far whoever reads something public reaches beyond that, where they show a key that has a grant.
    async fn sight_if_any<T>(
        &self,
        rpc: Rpc,
        request: &Request<T>,
        region: &Region,
    ) -> Option<Sight> {
        self.sight(rpc, request, region).await.ok()
    }

    pub(crate) async fn get_institution(
        &self,
        request: Request<v1::GetInstitutionRequest>,
    ) -> Result<v1::Institution, Status> {
        let name = &request.get_ref().name;
        let (region, id) = self
            .asked(Rpc::GetInstitution, &request, |r| {
                r.name::<InstitutionId>("name", name, "institutions")
            })
            .await?;
        let by = caller::of(&request)?;
        let (institution, eyes) = self
            .look(&region, |world, at| {
                let sight = Sight::of(world, Rpc::GetInstitution, &by, at)?;
                let institution = world.institution(&id)?;
                if sees(Some(&sight), &id) {
                    Ok((institution.clone(), eyes_on(&sight, &id)))
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
        let sight = self.sight(Rpc::ListInstitutions, &request, &region).await?;
        let list = List::of(Table::Institution, &region, Vec::new()).only(clear(Some(&sight)));
        let page = Page {
            size: asked.page_size,
            token: &asked.page_token,
        };
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut institutions = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id.parse().map_err(|_| errors::store(corrupt(&row)))?;
            if let Fact::Institution(institution) = rows::fact(&row).map_err(errors::store)?
                && sees(Some(&sight), &id)
            {
                let eyes = eyes_on(&sight, &id);
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
        let rpc = Rpc::GetCatalogueEntry;
        let sight = self.sight_if_any(rpc, &request, &region).await;
        if !sees(sight.as_ref(), &id.institution) {
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
        let rpc = Rpc::ListCatalogueEntries;
        let sight = self.sight_if_any(rpc, &request, &region).await;
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let list = List::of(Table::CatalogueEntry, &region, columns).only(clear(sight.as_ref()));
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut catalogue_entries = Vec::with_capacity(rows.len());
        for row in rows {
            let id = line(&row).ok_or_else(|| errors::store(corrupt(&row)))?;
            if let Fact::CatalogueEntry(entry) = rows::fact(&row).map_err(errors::store)?
                && sees(sight.as_ref(), &id.institution)
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
fn sees(sight: Option<&Sight>, institution: &InstitutionId) -> bool {
    let inside = |sight| eyes_on(sight, institution) <= Eyes::Own;
    !institution.is_sealed() || sight.is_some_and(inside)
}

/// The same as rows.
fn clear(sight: Option<&Sight>) -> Shown {
    if sight.is_some_and(Sight::whole) {
        return Shown::All;
    }
    Shown::Clear {
        hidden: SEALED.to_owned(),
        own: text(sight.and_then(Sight::institution)),
    }
}

/// How a caller sees an institution: its own account sees what it owes.
fn eyes_on(sight: &Sight, institution: &InstitutionId) -> Eyes {
    match sight.eyes() {
        Eyes::Others if sight.acts_for_any([institution]) => Eyes::Own,
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
