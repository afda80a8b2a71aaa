//! What was asked for, read back from the registers of people, institutions, accounts and catalogues.

use hefu_domain::Act;
use hefu_domain::command::*;
use hefu_domain::event;

use super::PRESENTED;

/// Whose number it is stands as a recorded result: nobody's in this region, or it would be no registration.
pub(super) fn register_person(e: &event::PersonRegistered) -> Act {
    RegisterPerson {
        person: e.person,
        tag: PRESENTED,
    }
    .into()
}

pub(super) fn record_check_answers(e: &event::CheckAnswersRecorded) -> Act {
    RecordCheckAnswers {
        person: e.person,
        answers: e.answers.clone(),
    }
    .into()
}

pub(super) fn erase_subject(e: &event::SubjectErased) -> Act {
    EraseSubject {
        person: e.person,
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn reveal_person(e: &event::PersonRevealed) -> Act {
    RevealPerson {
        person: e.person,
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn register_institution(e: &event::InstitutionRegistered) -> Act {
    RegisterInstitution {
        institution: e.institution.clone(),
        name: e.record.name.clone(),
        capacities: e.record.capacities.clone(),
        licence: e.record.licence.clone(),
        related: e.record.related.clone(),
        affiliation: e.record.affiliation.clone(),
    }
    .into()
}

pub(super) fn change_institution(e: &event::InstitutionChanged) -> Act {
    ChangeInstitution {
        institution: e.institution.clone(),
        name: e.name.clone(),
        capacities: e.capacities.clone(),
        licence: e.licence.clone(),
        related: e.related.clone(),
        affiliation: e.affiliation.clone(),
    }
    .into()
}

pub(super) fn register_classified(e: &event::ClassifiedRegistered) -> Act {
    RegisterClassified {
        institution: e.institution.clone(),
        name: e.classified.name,
        capacities: e.capacities.clone(),
        licence: e.licence.clone(),
        document: e.classified.document,
    }
    .into()
}

pub(super) fn register_account(e: &event::AccountRegistered) -> Act {
    RegisterAccount {
        institution: e.institution.clone(),
        commitment: e.commitment,
        tag: e.tag,
    }
    .into()
}

pub(super) fn confirm_account(e: &event::AccountConfirmed) -> Act {
    ConfirmAccount {
        institution: e.institution.clone(),
        proposal: e.proposal,
    }
    .into()
}

pub(super) fn suspend_institution(e: &event::InstitutionSuspended) -> Act {
    SuspendInstitution {
        institution: e.institution.clone(),
        reason: e.reason.clone(),
        suspended: e.suspended,
    }
    .into()
}

pub(super) fn strike_off_institution(e: &event::InstitutionStruckOff) -> Act {
    StrikeOffInstitution {
        institution: e.institution.clone(),
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn file_catalogue_entry(e: &event::CatalogueEntryFiled) -> Act {
    FileCatalogueEntry {
        entry: e.entry.clone(),
        details: e.details.clone(),
    }
    .into()
}

pub(super) fn change_catalogue_entry(e: &event::CatalogueEntryChanged) -> Act {
    ChangeCatalogueEntry {
        entry: e.entry.clone(),
        details: e.details.clone(),
    }
    .into()
}

pub(super) fn approve_catalogue_entry(e: &event::CatalogueEntryApproved) -> Act {
    ApproveCatalogueEntry {
        entry: e.entry.clone(),
        proposal: e.proposal,
    }
    .into()
}

pub(super) fn refuse_catalogue_entry(e: &event::CatalogueEntryRefused) -> Act {
    RefuseCatalogueEntry {
        entry: e.entry.clone(),
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn suspend_catalogue_entry(e: &event::CatalogueEntrySuspended) -> Act {
    SuspendCatalogueEntry {
        entry: e.entry.clone(),
        suspended: e.suspended,
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn strike_off_catalogue_entry(e: &event::CatalogueEntryStruckOff) -> Act {
    StrikeOffCatalogueEntry {
        entry: e.entry.clone(),
        reason: e.reason.clone(),
    }
    .into()
}
