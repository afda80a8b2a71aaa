//! Settlement: the handlers.

use super::service;

service! {
    settlement_service_server::SettlementService;
    moves {
        send_payout(SendPayoutRequest) -> SendPayoutResponse,
        record_payout(RecordPayoutRequest) -> RecordPayoutResponse,
        return_payout(ReturnPayoutRequest) -> ReturnPayoutResponse,
        write_off(WriteOffRequest) -> WriteOffResponse,
        propose_claw_back(ProposeClawBackRequest) -> ProposeClawBackResponse,
        confirm_claw_back(ConfirmClawBackRequest) -> ConfirmClawBackResponse,
        receive_claw_back(ReceiveClawBackRequest) -> ReceiveClawBackResponse,
    }
    batches {
        batch_send_payout(BatchSendPayoutRequest) -> BatchSendPayoutResponse,
        batch_record_payout(BatchRecordPayoutRequest) -> BatchRecordPayoutResponse,
        batch_return_payout(BatchReturnPayoutRequest) -> BatchReturnPayoutResponse,
        batch_write_off(BatchWriteOffRequest) -> BatchWriteOffResponse,
    }
    others {
    }
}
