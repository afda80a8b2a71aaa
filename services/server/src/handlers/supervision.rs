//! Supervision: the handlers.

use super::service;

service! {
    supervision_service_server::SupervisionService;
    moves {
        freeze(FreezeRequest) -> FreezeResponse,
        unfreeze(UnfreezeRequest) -> UnfreezeResponse,
        plan_sample(PlanSampleRequest) -> PlanSampleResponse,
        draw_sample(DrawSampleRequest) -> DrawSampleResponse,
        inspect(InspectRequest) -> InspectResponse,
        confirm_inspection(ConfirmInspectionRequest) -> ConfirmInspectionResponse,
        record_finding(RecordFindingRequest) -> RecordFindingResponse,
        rectify(RectifyRequest) -> RectifyResponse,
        recheck(RecheckRequest) -> RecheckResponse,
        clear_flag(ClearFlagRequest) -> ClearFlagResponse,
        confirm_clear_flag(ConfirmClearFlagRequest) -> ConfirmClearFlagResponse,
        credit_points(CreditPointsRequest) -> CreditPointsResponse,
        restore_credit(RestoreCreditRequest) -> RestoreCreditResponse,
    }
    batches {
        batch_freeze(BatchFreezeRequest) -> BatchFreezeResponse,
        batch_unfreeze(BatchUnfreezeRequest) -> BatchUnfreezeResponse,
    }
    others {
        get_sample(GetSampleRequest) -> Sample,
        list_samples(ListSamplesRequest) -> ListSamplesResponse,
        list_inspections(ListInspectionsRequest) -> ListInspectionsResponse,
        get_finding(GetFindingRequest) -> Finding,
        list_findings(ListFindingsRequest) -> ListFindingsResponse,
        get_flag(GetFlagRequest) -> Flag,
        list_flags(ListFlagsRequest) -> ListFlagsResponse,
        list_credit_ratings(ListCreditRatingsRequest) -> ListCreditRatingsResponse,
    }
}
