//! What replayed logs come to, region by region: events, vouchers by state, every fen; and whether a database's tables say the same.
//! `hefu audit replay` shows it, and the demo's checks stand on it.

use std::collections::BTreeMap;

use hefu_audit::{Finding, Flagged, Replayed};
use hefu_domain::state::Account;
use hefu_domain::{Fact, Region, VoucherKind};
use hefu_engine::audit;
use hefu_store::Store;

/// What the checks found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// Bytes, chains, indexes and roots are as they must be.
    pub(crate) log_verified: bool,
    /// The tables equal the replay.
    pub(crate) replay_equal: bool,
    /// What does not hold, in words.
    pub(crate) failed: Vec<String>,
    /// What the rules have against the moves, where they were asked.
    pub(crate) findings: Vec<Finding>,
    /// What the fraud rules make of the logs, where the rules were asked.
    pub(crate) flags: Vec<Flagged>,
    /// By region.
    pub(crate) regions: Vec<Figures>,
}

impl Checked {
    /// Events of all regions.
    pub(crate) fn events(&self) -> u64 {
        self.regions.iter().map(|region| region.events).sum()
    }

    /// Vouchers of all regions by state code.
    pub(crate) fn vouchers(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for (state, count) in self.regions.iter().flat_map(|region| &region.vouchers) {
            *all.entry(state.clone()).or_default() += count;
        }
        all
    }

    /// Money of all accounts.
    pub(crate) fn funds(&self) -> Account {
        let mut sum = Account::default();
        for region in &self.regions {
            add(&mut sum, &region.funds);
        }
        sum
    }
}

/// One region's figures, from its replayed log.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) code: Region,
    pub(crate) name: String,
    /// By state code.
    pub(crate) vouchers: BTreeMap<String, u64>,
    pub(crate) training: u64,
    pub(crate) assessment: u64,
    /// Of all epochs.
    pub(crate) events: u64,
    /// Money of all its accounts.
    pub(crate) funds: Account,
    /// The last epoch, its size and root.
    pub(crate) epoch: u64,
    pub(crate) size: u64,
    pub(crate) root: String,
}

impl Figures {
    pub(crate) fn of(code: &Region, replayed: &Replayed) -> Figures {
        let mut region = Figures {
            code: code.clone(),
            name: String::new(),
            vouchers: BTreeMap::new(),
            training: 0,
            assessment: 0,
            events: replayed.events,
            funds: Account::default(),
            epoch: replayed.epoch,
            size: replayed.size,
            root: replayed.root.to_string(),
        };
        // A plan year counts its vouchers; how each of them came to stand where it does is aside.
        for fact in replayed.world.facts() {
            match fact {
                Fact::Region(state) => region.name.clone_from(&state.name),
                Fact::Year(year) => {
                    for (programme, counts) in &year.vouchers {
                        region.count(programme.kind(), counts);
                    }
                }
                Fact::Account(account) => add(&mut region.funds, account),
                _ => {}
            }
        }
        region
    }

    fn count(&mut self, kind: VoucherKind, counts: &BTreeMap<String, u32>) {
        for (state, count) in counts {
            let count = u64::from(*count);
            *self.vouchers.entry(state.clone()).or_default() += count;
            match kind {
                VoucherKind::Training => self.training += count,
                VoucherKind::Assessment => self.assessment += count,
            }
        }
    }
}

/// Checks a whole database in one snapshot; with `rules` every move is decided again. `closed`: the plan year is over, so every voucher
/// must be final and no reserve open.
pub(crate) async fn check(store: &Store, rules: bool, closed: bool) -> anyhow::Result<Checked> {
    let mut snapshot = store.snapshot().await?;
    let mut checked = Checked::default();
    let verified = audit(&mut snapshot, rules, |code, replayed| {
        checked.regions.push(Figures::of(code, replayed));
        if closed {
            checked.failed.extend(not_final(code, replayed));
        }
    })
    .await?;
    checked
        .regions
        .sort_by(|one, other| one.code.cmp(&other.code));
    checked.failed.sort();
    checked.log_verified = verified.log_verified;
    checked.replay_equal = verified.replay_equal;
    checked.failed.extend(verified.failed);
    checked.findings = verified.findings;
    checked.flags = verified.flags;
    Ok(checked)
}

/// What is still open in a region whose plan year is closed.
fn not_final(code: &Region, replayed: &Replayed) -> Vec<String> {
    let mut open = Vec::new();
    let read = replayed.each(|key, fact| match fact {
        Fact::Voucher(voucher) if voucher.state.is_live() => {
            let (_, id) = hefu_engine::rows::place(key);
            let state = voucher.state.code();
            open.push(format!("region {code}: voucher {id} is still {state}"));
        }
        Fact::Account(account) if account.reserved.0 != 0 => {
            let reserved = account.reserved;
            open.push(format!(
                "region {code}: a reserve of {reserved} is still open"
            ));
        }
        _ => {}
    });
    if let Err(error) = read {
        open.push(format!(
            "region {code}: the temporary file cannot be read: {error}"
        ));
    }
    open
}

fn add(sum: &mut Account, account: &Account) {
    sum.allocated += account.allocated;
    sum.available += account.available;
    sum.reserved += account.reserved;
    sum.payable += account.payable;
    sum.paid += account.paid;
}
