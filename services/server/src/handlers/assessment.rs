//! Assessment (评价): the handlers.

use super::service;

service! {
    assessment_service_server::AssessmentService;
    moves {
        file_session(FileSessionRequest) -> FileSessionResponse,
        approve_session(ApproveSessionRequest) -> ApproveSessionResponse,
        reject_session(RejectSessionRequest) -> RejectSessionResponse,
        finish_session(FinishSessionRequest) -> FinishSessionResponse,
        cancel_session(CancelSessionRequest) -> CancelSessionResponse,
        record_assessment(RecordAssessmentRequest) -> RecordAssessmentResponse,
        confirm_certificate(ConfirmCertificateRequest) -> ConfirmCertificateResponse,
    }
    batches {
        batch_approve_session(BatchApproveSessionRequest) -> BatchApproveSessionResponse,
        batch_reject_session(BatchRejectSessionRequest) -> BatchRejectSessionResponse,
        batch_finish_session(BatchFinishSessionRequest) -> BatchFinishSessionResponse,
        batch_record_assessment(BatchRecordAssessmentRequest) -> BatchRecordAssessmentResponse,
        batch_confirm_certificate(BatchConfirmCertificateRequest) -> BatchConfirmCertificateResponse,
    }
    others {
        ask_certificate(AskCertificateRequest) -> AskCertificateResponse,
        get_session(GetSessionRequest) -> AssessmentSession,
        list_sessions(ListSessionsRequest) -> ListSessionsResponse,
    }
}
