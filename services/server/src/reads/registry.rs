//! The registry: institutions, and the two catalogues, which are public.

use hefu_domain::policy::Capacity;
use hefu_domain::state::{CatalogueEntryId, Fact};
use hefu_domain::{Code, Instant, InstitutionId, Key, Occupation, Region, Rpc, SEALED};
use hefu_engine::rows;
use hefu_store::{Row, Shown, Table};
use hefu_wire::show::Eyes;
use hefu_wire::{names, show, states, v1};
use tonic::{Request, Status};

use super::{List, Page, Sight, asked, corrupt, region, text};
use crate::api::Api;
use crate::{caller, errors};

/// The most events of one line that are shown: it is filed, changed and suspended a few times in its year.
const MOST_HISTORY: u32 = 500;

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
        let eyes = eyes_of_any(sight.as_ref(), &id.institution);
        if !sees(sight.as_ref(), &id.institution) {
            return Err(errors::stop(Code::CatalogueEntryNotFound.into()));
        }
        let entry = self
            .look(&region, |world, _| {
                world.state_of_region()?;
                let entry = world.catalogue_entry(&id)?;
                match eyes <= Eyes::Own || entry.standing.is_published() {
                    true => Ok(entry.clone()),
                    false => Err(Code::CatalogueEntryNotFound.into()),
                }
            })
            .await?;
        let mut shown = show::catalogue_entry(&region, &id, &entry, eyes);
        shown.history = self.catalogue_history(&region, &id, eyes).await?;
        Ok(shown)
    }

    /// What happened to a line, out of the log.
    async fn catalogue_history(
        &self,
        region: &Region,
        id: &CatalogueEntryId,
        eyes: Eyes,
    ) -> Result<Vec<v1::CatalogueEvent>, Status> {
        let stream = rows::stream(&Key::CatalogueEntry(id.clone()));
        let rows =
            self.engine
                .store()
                .events_of_stream(region.as_str(), &stream, None, MOST_HISTORY);
        let mut history = Vec::new();
        for row in rows.await.map_err(errors::store)? {
            let event = hefu_engine::decode(&row).map_err(errors::status)?;
            let place = (row.epoch, row.idx);
            history.extend(show::catalogue_event(
                Instant(row.at_ms),
                place,
                &event,
                eyes,
            ));
        }
        Ok(history)
    }

    pub(crate) async fn list_catalogue_entries(
        &self,
        request: Request<v1::ListCatalogueEntriesRequest>,
    ) -> Result<v1::ListCatalogueEntriesResponse, Status> {
        let message = request.get_ref();
        let (region, (institution, mut columns)) = asked(|r| {
            r.parent("parent", &message.parent);
            let institution = r.optional_name::<InstitutionId>(
                "institution",
                &message.institution,
                "institutions",
            );
            let occupation = r.optional_code::<Occupation>("occupation", &message.occupation);
            let standing = r.state("standing", &message.standing, states::CATALOGUE_ENTRY);
            let capacity = r.optional_catalogue("capacity", message.capacity);
            let year = r.optional_plan_year("plan_year", message.plan_year);
            let columns = vec![
                ("institution", text(institution.clone()?)),
                ("occupation", text(occupation?)),
                ("state", standing?.to_owned()),
                ("capacity", capacity?.map_or("", catalogue).to_owned()),
                ("year", text(year?)),
            ];
            Some((institution?, columns))
        })?;
        self.open(&region).await?;
        let rpc = Rpc::ListCatalogueEntries;
        let sight = self.sight_if_any(rpc, &request, &region).await;
        let whose = institution.map(|whose| eyes_of_any(sight.as_ref(), &whose));
        let whole = sight.as_ref().is_some_and(Sight::whole) || whose == Some(Eyes::Own);
        columns.extend((!whole).then(|| ("published", "yes".to_owned())));
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
                let eyes = eyes_of_any(sight.as_ref(), &id.institution);
                catalogue_entries.push(show::catalogue_entry(&region, &id, &entry, eyes));
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

/// How anybody sees an institution's lines, with a grant or without.
fn eyes_of_any(sight: Option<&Sight>, institution: &InstitutionId) -> Eyes {
    sight.map_or(Eyes::Others, |sight| eyes_on(sight, institution))
}

/// Which of the two catalogues, as rows name it.
fn catalogue(capacity: Capacity) -> &'static str {
    match capacity {
        Capacity::AssessmentBody => "assessment_body",
        Capacity::TrainingBody | Capacity::Enterprise | Capacity::School => "training_body",
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
