//! Reporting: the handlers.

use super::service;

service! {
    reporting_service_server::ReportingService;
    moves {
    }
    batches {
    }
    others {
        get_report(GetReportRequest) -> Report,
        list_reports(ListReportsRequest) -> ListReportsResponse,
        list_deadlines(ListDeadlinesRequest) -> ListDeadlinesResponse,
    }
}
