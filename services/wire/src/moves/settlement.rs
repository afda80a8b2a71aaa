//! Settlement: requests read into moves.

use hefu_domain::command::{self as act, Act};

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::SendPayoutRequest {
    request!("SendPayout");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let sheet = r.name("name", &self.name, "sheets");
        let approval = r.digest("approval", &self.approval);
        Some(
            act::SendPayout {
                sheet: sheet?,
                approval: approval?,
            }
            .into(),
        )
    }
}

impl Move for v1::RecordPayoutRequest {
    request!("RecordPayout");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let sheet = r.name("name", &self.name, "sheets");
        let batch = r.digest("batch", &self.batch);
        let reference = r.code("reference", &self.reference);
        Some(
            act::RecordPayout {
                sheet: sheet?,
                batch: batch?,
                reference: reference?,
            }
            .into(),
        )
    }
}

impl Move for v1::ReturnPayoutRequest {
    request!("ReturnPayout");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let sheet = r.name("name", &self.name, "sheets");
        let reference = r.code("reference", &self.reference);
        let reason = r.code("reason", &self.reason);
        Some(
            act::ReturnPayout {
                sheet: sheet?,
                reference: reference?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::WriteOffRequest {
    request!("WriteOff");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        Some(act::WriteOff { voucher: voucher? }.into())
    }
}

impl Move for v1::ProposeClawBackRequest {
    request!("ProposeClawBack");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let amount = r.fen("amount_fen", self.amount_fen);
        let reason = r.code("reason", &self.reason);
        let decision = r.digest("decision", &self.decision);
        let hearing = r.digest("hearing", &self.hearing);
        let due = r.date("due", &self.due);
        let finding = r.optional_name("finding", &self.finding, "findings");
        Some(
            act::ProposeClawBack {
                voucher: voucher?,
                amount: amount?,
                reason: reason?,
                decision: decision?,
                hearing: hearing?,
                due: due?,
                finding: finding?,
            }
            .into(),
        )
    }
}

impl Move for v1::ConfirmClawBackRequest {
    request!("ConfirmClawBack");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let proposal = r.digest("proposal", &self.proposal);
        Some(
            act::ConfirmClawBack {
                voucher: voucher?,
                proposal: proposal?,
            }
            .into(),
        )
    }
}

impl Move for v1::ReceiveClawBackRequest {
    request!("ReceiveClawBack");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let amount = r.fen("amount_fen", self.amount_fen);
        let reference = r.code("reference", &self.reference);
        Some(
            act::ReceiveClawBack {
                voucher: voucher?,
                amount: amount?,
                reference: reference?,
            }
            .into(),
        )
    }
}

super::batches! {
    BatchSendPayoutRequest => SendPayoutRequest, SendPayoutResponse, send_payout_result::SendPayoutResult, BatchSendPayoutResponse;
    BatchRecordPayoutRequest => RecordPayoutRequest, RecordPayoutResponse, record_payout_result::RecordPayoutResult, BatchRecordPayoutResponse;
    BatchReturnPayoutRequest => ReturnPayoutRequest, ReturnPayoutResponse, return_payout_result::ReturnPayoutResult, BatchReturnPayoutResponse;
    BatchWriteOffRequest => WriteOffRequest, WriteOffResponse, write_off_result::WriteOffResult, BatchWriteOffResponse;
}
