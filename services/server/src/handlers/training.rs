//! Training (培训): the handlers.

use super::service;

service! {
    training_service_server::TrainingService;
    moves {
        file_class(FileClassRequest) -> FileClassResponse,
        change_class(ChangeClassRequest) -> ChangeClassResponse,
        approve_class(ApproveClassRequest) -> ApproveClassResponse,
        reject_class(RejectClassRequest) -> RejectClassResponse,
        finish_class(FinishClassRequest) -> FinishClassResponse,
        cancel_class(CancelClassRequest) -> CancelClassResponse,
        enrol(EnrolRequest) -> EnrolResponse,
        record_attendance(RecordAttendanceRequest) -> RecordAttendanceResponse,
        request_late_entry(RequestLateEntryRequest) -> RequestLateEntryResponse,
        approve_late_entry(ApproveLateEntryRequest) -> ApproveLateEntryResponse,
        seal_attendance(SealAttendanceRequest) -> SealAttendanceResponse,
        approve_sealed_attendance(ApproveSealedAttendanceRequest) -> ApproveSealedAttendanceResponse,
        drop(DropRequest) -> DropResponse,
        complete(CompleteRequest) -> CompleteResponse,
        record_employment(RecordEmploymentRequest) -> RecordEmploymentResponse,
    }
    batches {
        batch_approve_class(BatchApproveClassRequest) -> BatchApproveClassResponse,
        batch_reject_class(BatchRejectClassRequest) -> BatchRejectClassResponse,
        batch_finish_class(BatchFinishClassRequest) -> BatchFinishClassResponse,
        batch_enrol(BatchEnrolRequest) -> BatchEnrolResponse,
        batch_record_attendance(BatchRecordAttendanceRequest) -> BatchRecordAttendanceResponse,
        batch_drop(BatchDropRequest) -> BatchDropResponse,
        batch_complete(BatchCompleteRequest) -> BatchCompleteResponse,
        batch_record_employment(BatchRecordEmploymentRequest) -> BatchRecordEmploymentResponse,
        batch_file_class(BatchFileClassRequest) -> BatchFileClassResponse,
        batch_approve_sealed_attendance(BatchApproveSealedAttendanceRequest) -> BatchApproveSealedAttendanceResponse,
        batch_approve_late_entry(BatchApproveLateEntryRequest) -> BatchApproveLateEntryResponse,
    }
    others {
        get_class(GetClassRequest) -> TrainingClass,
        get_attendance(GetAttendanceRequest) -> Attendance,
        get_employment(GetEmploymentRequest) -> Employment,
        list_classes(ListClassesRequest) -> ListClassesResponse,
    }
}
