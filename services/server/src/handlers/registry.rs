//! The registry: the handlers.

use super::service;

service! {
    registry_service_server::RegistryService;
    moves {
        register_institution(RegisterInstitutionRequest) -> RegisterInstitutionResponse,
        change_institution(ChangeInstitutionRequest) -> ChangeInstitutionResponse,
        register_classified(RegisterClassifiedRequest) -> RegisterClassifiedResponse,
        register_account(RegisterAccountRequest) -> RegisterAccountResponse,
        confirm_account(ConfirmAccountRequest) -> ConfirmAccountResponse,
        file_catalogue_entry(FileCatalogueEntryRequest) -> FileCatalogueEntryResponse,
        change_catalogue_entry(ChangeCatalogueEntryRequest) -> ChangeCatalogueEntryResponse,
        refuse_catalogue_entry(RefuseCatalogueEntryRequest) -> RefuseCatalogueEntryResponse,
        suspend_catalogue_entry(SuspendCatalogueEntryRequest) -> SuspendCatalogueEntryResponse,
        strike_off_catalogue_entry(StrikeOffCatalogueEntryRequest) -> StrikeOffCatalogueEntryResponse,
        approve_catalogue_entry(ApproveCatalogueEntryRequest) -> ApproveCatalogueEntryResponse,
        suspend_institution(SuspendInstitutionRequest) -> SuspendInstitutionResponse,
        strike_off_institution(StrikeOffInstitutionRequest) -> StrikeOffInstitutionResponse,
    }
    batches {
    }
    others {
        get_institution(GetInstitutionRequest) -> Institution,
        get_catalogue_entry(GetCatalogueEntryRequest) -> CatalogueEntry,
        list_catalogue_entries(ListCatalogueEntriesRequest) -> ListCatalogueEntriesResponse,
        list_institutions(ListInstitutionsRequest) -> ListInstitutionsResponse,
    }
}
