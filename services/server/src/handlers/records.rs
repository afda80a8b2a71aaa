//! Linked records: the handlers.

use super::service;

service! {
    records_service_server::RecordsService;
    moves {
        import_roster(ImportRosterRequest) -> ImportRosterResponse,
        import_certificates(ImportCertificatesRequest) -> ImportCertificatesResponse,
    }
    batches {
    }
    others {
    }
}
