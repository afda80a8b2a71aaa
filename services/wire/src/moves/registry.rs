//! The registry: requests read into moves.

use hefu_domain::command::{self as act, Act};
use hefu_domain::policy::Capacity;
use hefu_domain::state::{CatalogueDetails, CatalogueEntryId, LevelRange, LicenceScope, Site};
use hefu_domain::{InstitutionId, Occupation};

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

/// The most occupations that one listing seals, each under a key of its own.
const MOST_SEALED: usize = 100;

impl Move for v1::RegisterInstitutionRequest {
    request!("RegisterInstitution");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let institution = r.code("credit_code", &self.credit_code);
        let name = r.text("display_name", &self.display_name);
        let capacities = r.list("capacities", &self.capacities, 4, |r, given| {
            capacity(r, "", *given)
        });
        let licence = r.codes("licensed_occupations", &self.licensed_occupations);
        let related = r.codes("related_credit_codes", &self.related_credit_codes);
        let affiliation = r.optional_code("affiliation", &self.affiliation);
        Some(
            act::RegisterInstitution {
                institution: institution?,
                name: name?,
                capacities: capacities?.into_iter().collect(),
                licence: licence?.into_iter().collect(),
                related: related?.into_iter().collect(),
                affiliation: affiliation?,
            }
            .into(),
        )
    }
}

impl Move for v1::ChangeInstitutionRequest {
    request!("ChangeInstitution");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let institution = r.name("name", &self.name, "institutions");
        let name = r.text("display_name", &self.display_name);
        let capacities = r.list("capacities", &self.capacities, 4, |r, given| {
            capacity(r, "", *given)
        });
        let licence = r.codes("licensed_occupations", &self.licensed_occupations);
        let related = r.codes("related_credit_codes", &self.related_credit_codes);
        let affiliation = r.optional_code("affiliation", &self.affiliation);
        Some(
            act::ChangeInstitution {
                institution: institution?,
                name: name?,
                capacities: capacities?.into_iter().collect(),
                licence: licence?.into_iter().collect(),
                related: related?.into_iter().collect(),
                affiliation: affiliation?,
            }
            .into(),
        )
    }
}

impl Move for v1::RegisterClassifiedRequest {
    request!("RegisterClassified");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let region = r.parent("parent", &self.parent);
        let unit = r.clear("credit_code", &self.credit_code, InstitutionId::is_sealed);
        let name = r.text("display_name", &self.display_name);
        let capacities = r.list("capacities", &self.capacities, 4, |r, given| {
            capacity(r, "", *given)
        });
        let given = &self.licensed_occupations;
        let licence = r.list("licensed_occupations", given, MOST_SEALED, |r, code| {
            r.clear("", code, Occupation::is_sealed)
        });
        let document = r.digest("document", &self.document);
        let (region, unit) = (region?, unit?);
        let seal = |what, text: &str| (r.edge.seal)(&region, unit.as_str(), what, text);
        let seal_occupation =
            |code: &Occupation| Occupation::sealed(seal("occupation", code.as_str()));
        Some(
            act::RegisterClassified {
                institution: InstitutionId::sealed(seal("unit", unit.as_str())),
                name: seal("name", &name?),
                capacities: capacities?.into_iter().collect(),
                licence: licence?.iter().map(seal_occupation).collect(),
                document: document?,
            }
            .into(),
        )
    }
}

impl Move for v1::RegisterAccountRequest {
    request!("RegisterAccount");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let institution = r.name("name", &self.name, "institutions");
        let account_name = r.text("account_name", &self.account_name);
        let number = r.text("account_number", &self.account_number);
        let region = r.region().cloned();
        let (tag, commitment) = (r.edge.account)(&region?, &account_name?, &number?);
        Some(
            act::RegisterAccount {
                institution: institution?,
                commitment,
                tag,
            }
            .into(),
        )
    }
}

impl Move for v1::ConfirmAccountRequest {
    request!("ConfirmAccount");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let institution = r.name("name", &self.name, "institutions");
        let proposal = r.digest("proposal", &self.proposal);
        Some(
            act::ConfirmAccount {
                institution: institution?,
                proposal: proposal?,
            }
            .into(),
        )
    }
}

impl Move for v1::FileCatalogueEntryRequest {
    request!("FileCatalogueEntry");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let entry = r
            .required("entry", self.entry.as_ref())
            .and_then(|given| r.within("entry", |r| entry(r, given)));
        let details = match &self.details {
            Some(given) => r.within("details", |r| details(r, given)).map(Some),
            None => Some(None),
        };
        Some(
            act::FileCatalogueEntry {
                entry: entry?,
                details: details?,
            }
            .into(),
        )
    }
}

impl Move for v1::ApproveCatalogueEntryRequest {
    request!("ApproveCatalogueEntry");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let entry = r
            .required("entry", self.entry.as_ref())
            .and_then(|given| r.within("entry", |r| entry(r, given)));
        let proposal = match self.proposal.is_empty() {
            true => Some(None),
            false => r.digest("proposal", &self.proposal).map(Some),
        };
        Some(
            act::ApproveCatalogueEntry {
                entry: entry?,
                proposal: proposal?,
            }
            .into(),
        )
    }
}

impl Move for v1::ChangeCatalogueEntryRequest {
    request!("ChangeCatalogueEntry");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let entry = r.catalogue_entry_name("name", &self.name);
        let details = r
            .required("details", self.details.as_ref())
            .and_then(|given| r.within("details", |r| details(r, given)));
        Some(
            act::ChangeCatalogueEntry {
                entry: entry?,
                details: details?,
            }
            .into(),
        )
    }
}

impl Move for v1::RefuseCatalogueEntryRequest {
    request!("RefuseCatalogueEntry");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let entry = r.catalogue_entry_name("name", &self.name);
        let reason = r.code("reason", &self.reason);
        Some(
            act::RefuseCatalogueEntry {
                entry: entry?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::SuspendCatalogueEntryRequest {
    request!("SuspendCatalogueEntry");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let entry = r.catalogue_entry_name("name", &self.name);
        let reason = r.code("reason", &self.reason);
        Some(
            act::SuspendCatalogueEntry {
                entry: entry?,
                suspended: self.suspended,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::StrikeOffCatalogueEntryRequest {
    request!("StrikeOffCatalogueEntry");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let entry = r.catalogue_entry_name("name", &self.name);
        let reason = r.code("reason", &self.reason);
        Some(
            act::StrikeOffCatalogueEntry {
                entry: entry?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::SuspendInstitutionRequest {
    request!("SuspendInstitution");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let institution = r.name("name", &self.name, "institutions");
        let reason = r.code("reason", &self.reason);
        Some(
            act::SuspendInstitution {
                institution: institution?,
                suspended: self.suspended,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::StrikeOffInstitutionRequest {
    request!("StrikeOffInstitution");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let institution = r.name("name", &self.name, "institutions");
        let reason = r.code("reason", &self.reason);
        Some(
            act::StrikeOffInstitution {
                institution: institution?,
                reason: reason?,
            }
            .into(),
        )
    }
}

fn capacity(r: &mut Reader, field: &str, given: i32) -> Option<Capacity> {
    let capacity = match v1::Capacity::try_from(given) {
        Ok(v1::Capacity::TrainingBody) => Some(Capacity::TrainingBody),
        Ok(v1::Capacity::Enterprise) => Some(Capacity::Enterprise),
        Ok(v1::Capacity::School) => Some(Capacity::School),
        Ok(v1::Capacity::AssessmentBody) => Some(Capacity::AssessmentBody),
        Ok(v1::Capacity::Unspecified) | Err(_) => None,
    };
    r.said(field, capacity)
}

/// What a line says of itself; what is not said is left out.
fn details(r: &mut Reader, given: &v1::CatalogueDetails) -> Option<CatalogueDetails> {
    let project = r.optional_text("project", &given.project);
    let levels = match (given.lowest_level, given.highest_level) {
        (0, 0) => Some(None),
        (lowest, highest) => {
            let lowest = r.level("lowest_level", lowest);
            let highest = r.level("highest_level", highest);
            lowest
                .zip(highest)
                .map(|(lowest, highest)| Some(LevelRange { lowest, highest }))
        }
    };
    let sites = r.list("sites", &given.sites, 50, |r, site| {
        let code = r.code("code", &site.code);
        let address = r.text("address", &site.address);
        let seats = r.small("seats", site.seats);
        let site = Site {
            address: address?,
            seats: seats?,
        };
        Some((code?, site))
    });
    let count = sites.as_ref().map(Vec::len);
    let sites: Option<std::collections::BTreeMap<_, _>> =
        sites.map(|sites| sites.into_iter().collect());
    if sites.as_ref().map(std::collections::BTreeMap::len) != count {
        r.wrong("sites", "each site once");
    }
    let trainers = r.list("trainers", &given.trainers, 300, |r, code| r.code("", code));
    let licence = match &given.licence {
        None => Some(None),
        Some(given) => r.within("licence", |r| licence(r, given)).map(Some),
    };
    Some(CatalogueDetails {
        project: project?,
        levels: levels?,
        sites: sites?,
        yearly_seats: Some(given.yearly_seats).filter(|seats| *seats > 0),
        trainers: trainers?.into_iter().collect(),
        licence: licence?,
    })
}

fn licence(r: &mut Reader, given: &v1::catalogue_details::Licence) -> Option<LicenceScope> {
    let number = r.code("number", &given.number);
    let scope = r.optional_text("scope", &given.scope);
    let valid_until = match given.valid_until.as_str() {
        "" => Some(None),
        day => r.date("valid_until", day).map(Some),
    };
    Some(LicenceScope {
        number: number?,
        scope: scope?,
        valid_until: valid_until?,
    })
}

fn entry(r: &mut Reader, given: &v1::CatalogueLine) -> Option<CatalogueEntryId> {
    let institution = r.name("institution", &given.institution, "institutions");
    let capacity = capacity(r, "capacity", given.capacity);
    let occupation = r.code("occupation", &given.occupation);
    let year = r.plan_year("plan_year", given.plan_year);
    Some(CatalogueEntryId {
        institution: institution?,
        capacity: capacity?,
        occupation: occupation?,
        year: year?,
    })
}
