//! Applications (申请): the handlers.

use super::service;

service! {
    application_service_server::ApplicationService;
    moves {
        apply(ApplyRequest) -> ApplyResponse,
        confirm_application(ConfirmApplicationRequest) -> ConfirmApplicationResponse,
        withdraw(WithdrawRequest) -> WithdrawResponse,
        reject_application(RejectApplicationRequest) -> RejectApplicationResponse,
        reopen_application(ReopenApplicationRequest) -> ReopenApplicationResponse,
        propose_correction(ProposeCorrectionRequest) -> ProposeCorrectionResponse,
        confirm_correction(ConfirmCorrectionRequest) -> ConfirmCorrectionResponse,
        refuse_correction(RefuseCorrectionRequest) -> RefuseCorrectionResponse,
    }
    batches {
        batch_apply(BatchApplyRequest) -> BatchApplyResponse,
        batch_confirm_application(BatchConfirmApplicationRequest) -> BatchConfirmApplicationResponse,
        batch_withdraw(BatchWithdrawRequest) -> BatchWithdrawResponse,
        batch_reject_application(BatchRejectApplicationRequest) -> BatchRejectApplicationResponse,
    }
    others {
        get_voucher(GetVoucherRequest) -> Voucher,
        list_vouchers(ListVouchersRequest) -> ListVouchersResponse,
    }
}
