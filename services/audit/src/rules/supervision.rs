//! What was asked for, read back from a freeze and its end.

use hefu_domain::Act;
use hefu_domain::command::*;
use hefu_domain::event;

pub(super) fn freeze(e: &event::Frozen) -> Act {
    Freeze {
        voucher: e.voucher,
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn unfreeze(e: &event::Unfrozen) -> Act {
    Unfreeze {
        voucher: e.voucher,
        reason: e.reason.clone(),
    }
    .into()
}
