//! What runs out as it is shown.

use hefu_domain::Region;
use hefu_domain::state::Voucher;

use super::Eyes;
use crate::v1;

/// A voucher whose time runs out.
pub fn expiring(region: &Region, id: &str, voucher: &Voucher) -> v1::Expiring {
    let whole = super::voucher(region, id, 0, voucher, Eyes::Others);
    v1::Expiring {
        voucher: whole.name,
        state: whole.state,
        due: whole.due,
        plan_year: whole.plan_year,
        programme: whole.programme,
        occasion: whole.occasion,
        sheet: whole.sheet,
        reserved_fen: whole.money.map_or(0, |money| money.amount_fen),
    }
}
