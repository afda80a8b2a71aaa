//! Supervision: requests read into moves.

use hefu_domain::command::{self as act, Act};

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::FreezeRequest {
    request!("Freeze");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let reason = r.code("reason", &self.reason);
        Some(
            act::Freeze {
                voucher: voucher?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::UnfreezeRequest {
    request!("Unfreeze");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let reason = r.code("reason", &self.reason);
        Some(
            act::Unfreeze {
                voucher: voucher?,
                reason: reason?,
            }
            .into(),
        )
    }
}

super::batches! {
    BatchFreezeRequest => FreezeRequest, FreezeResponse, freeze_result::FreezeResult, BatchFreezeResponse;
    BatchUnfreezeRequest => UnfreezeRequest, UnfreezeResponse, unfreeze_result::UnfreezeResult, BatchUnfreezeResponse;
}
