//! Supervision: the handlers.

use super::service;

service! {
    supervision_service_server::SupervisionService;
    moves {
        freeze(FreezeRequest) -> FreezeResponse,
        unfreeze(UnfreezeRequest) -> UnfreezeResponse,
    }
    batches {
        batch_freeze(BatchFreezeRequest) -> BatchFreezeResponse,
        batch_unfreeze(BatchUnfreezeRequest) -> BatchUnfreezeResponse,
    }
    others {
    }
}
