//! The demo's checks: the tables equal the replayed log row by row, and what stands in them after a plan year adds up, every fen of it.

use std::collections::HashMap;

use hefu_audit::Replayed;
use hefu_domain::state::Account;
use hefu_domain::{Fact, Key, Region};
use hefu_engine::{rows, verify};
use hefu_store::Store;

/// What the checks found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// Events of all regions.
    pub(crate) events: u64,
    /// Bytes, chains, indexes and roots are as they must be.
    pub(crate) log_verified: bool,
    /// The tables equal the replay.
    pub(crate) replay_equal: bool,
    /// What does not hold, in words.
    pub(crate) failed: Vec<String>,
    /// Money of all accounts.
    pub(crate) funds: Account,
    /// Vouchers by state code.
    pub(crate) vouchers: HashMap<String, u64>,
    /// By region.
    pub(crate) regions: Vec<RegionChecked>,
}

/// One region's figures.
#[derive(Debug)]
pub(crate) struct RegionChecked {
    pub(crate) code: Region,
    pub(crate) name: String,
    pub(crate) vouchers: HashMap<String, u64>,
    pub(crate) training: u64,
    pub(crate) assessment: u64,
    pub(crate) events: u64,
    pub(crate) funds: Account,
    pub(crate) root: String,
}

/// Checks a whole database in one snapshot. `closed`: the plan year is over, so every voucher must be final and no reserve open.
pub(crate) async fn check(store: &Store, closed: bool) -> anyhow::Result<Checked> {
    let mut snapshot = store.snapshot().await?;
    let mut checked = Checked::default();
    let verified = verify(&mut snapshot, |code, replayed| {
        let region = figures(code, replayed, closed, &mut checked.failed);
        checked.events += region.events;
        add(&mut checked.funds, &region.funds);
        for (state, count) in &region.vouchers {
            *checked.vouchers.entry(state.clone()).or_default() += count;
        }
        checked.regions.push(region);
    })
    .await?;
    checked.log_verified = verified.log_verified;
    checked.replay_equal = verified.replay_equal;
    checked.failed.extend(verified.failed);
    Ok(checked)
}

/// A region's figures from the replay, and what must hold after a closing.
fn figures(
    code: &Region,
    replayed: &Replayed,
    closed: bool,
    failed: &mut Vec<String>,
) -> RegionChecked {
    let mut region = RegionChecked {
        code: code.clone(),
        name: String::new(),
        vouchers: HashMap::new(),
        training: 0,
        assessment: 0,
        events: replayed.size,
        funds: Account::default(),
        root: replayed.root.to_string(),
    };
    for (key, fact) in replayed.world.all() {
        match (key, fact) {
            (_, Fact::Region(state)) => region.name.clone_from(&state.name),
            (_, Fact::Voucher(voucher)) => {
                *region
                    .vouchers
                    .entry(voucher.state.code().to_owned())
                    .or_default() += 1;
                match voucher.programme.kind() {
                    hefu_domain::VoucherKind::Training => region.training += 1,
                    hefu_domain::VoucherKind::Assessment => region.assessment += 1,
                }
                if closed && voucher.state.is_live() {
                    failed.push(format!(
                        "region {code}: voucher {} is still {}",
                        show(key),
                        voucher.state.code()
                    ));
                }
            }
            (Key::Account(..), Fact::Account(account)) => {
                add(&mut region.funds, account);
                if closed && account.reserved.0 != 0 {
                    failed.push(format!(
                        "region {code}: a reserve of {} is still open",
                        account.reserved
                    ));
                }
            }
            _ => {}
        }
    }
    region
}

fn show(key: &Key) -> String {
    rows::place(key).1
}

fn add(sum: &mut Account, account: &Account) {
    sum.allocated += account.allocated;
    sum.available += account.available;
    sum.reserved += account.reserved;
    sum.payable += account.payable;
    sum.paid += account.paid;
}
