//! Redemption (兑现): the handlers.

use super::service;

service! {
    redemption_service_server::RedemptionService;
    moves {
        redeem(RedeemRequest) -> RedeemResponse,
        submit_claim(SubmitClaimRequest) -> SubmitClaimResponse,
        strike_out(StrikeOutRequest) -> StrikeOutResponse,
        return_claim(ReturnClaimRequest) -> ReturnClaimResponse,
        refuse_claim(RefuseClaimRequest) -> RefuseClaimResponse,
        reopen_claim(ReopenClaimRequest) -> ReopenClaimResponse,
        approve_claim(ApproveClaimRequest) -> ApproveClaimResponse,
        raise_objection(RaiseObjectionRequest) -> RaiseObjectionResponse,
        decide_objection(DecideObjectionRequest) -> DecideObjectionResponse,
    }
    batches {
        batch_redeem(BatchRedeemRequest) -> BatchRedeemResponse,
        batch_submit_claim(BatchSubmitClaimRequest) -> BatchSubmitClaimResponse,
        batch_strike_out(BatchStrikeOutRequest) -> BatchStrikeOutResponse,
        batch_return_claim(BatchReturnClaimRequest) -> BatchReturnClaimResponse,
        batch_refuse_claim(BatchRefuseClaimRequest) -> BatchRefuseClaimResponse,
        batch_approve_claim(BatchApproveClaimRequest) -> BatchApproveClaimResponse,
        batch_reopen_claim(BatchReopenClaimRequest) -> BatchReopenClaimResponse,
        batch_decide_objection(BatchDecideObjectionRequest) -> BatchDecideObjectionResponse,
    }
    others {
        quote(QuoteRequest) -> QuoteResponse,
        get_sheet(GetSheetRequest) -> Sheet,
        list_sheets(ListSheetsRequest) -> ListSheetsResponse,
        get_notice(GetNoticeRequest) -> Notice,
        list_notices(ListNoticesRequest) -> ListNoticesResponse,
    }
}
