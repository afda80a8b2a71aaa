//! The demo's checks: the whole log is verified and replayed, and what comes out must equal the tables row by row, every fen of it.

use std::collections::HashMap;

use hefu_audit::{Replay, Replayed};
use hefu_domain::state::Account;
use hefu_domain::{Fact, Key, Region, Tag, VoucherId};
use hefu_engine::rows;
use hefu_store::{Head, Row, Snapshot, Store, StoreError, Table};

/// Events or rows of one read.
const PAGE: u32 = 2_000;

/// Who holds a nullifier: the region's place in [`Checked::regions`], and the voucher. There are hundreds of thousands of them.
type Held = (usize, VoucherId);

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
    let heads = snapshot.all_heads().await?;
    let mut checked = Checked {
        log_verified: true,
        replay_equal: true,
        ..Checked::default()
    };
    let mut nullifiers: HashMap<Tag, Held> = HashMap::new();
    for head in heads {
        let code: Region = head.region.parse()?;
        let Some(replayed) = replay(&mut snapshot, &code, &head, &mut checked).await? else {
            continue;
        };
        compare(&mut snapshot, &code, &replayed, &mut checked).await?;
        for (tag, voucher) in &replayed.nullifiers {
            // The region that is checked now is the next of the list.
            let held = (checked.regions.len(), *voucher);
            if nullifiers.insert(*tag, held).is_some() {
                checked
                    .failed
                    .push(format!("region {code}: a nullifier is held twice"));
            }
        }
        let region = figures(&code, &replayed, closed, &mut checked.failed);
        checked.events += region.events;
        add(&mut checked.funds, &region.funds);
        for (state, count) in &region.vouchers {
            *checked.vouchers.entry(state.clone()).or_default() += count;
        }
        checked.regions.push(region);
    }
    compare_nullifiers(&mut snapshot, nullifiers, &mut checked).await?;
    Ok(checked)
}

/// Replays one region's log from the stored bytes and compares its end with the head.
async fn replay(
    snapshot: &mut Snapshot,
    code: &Region,
    head: &Head,
    checked: &mut Checked,
) -> anyhow::Result<Option<Replayed>> {
    let mut replay = Replay::new(code.clone());
    let mut from = 0;
    loop {
        let events = snapshot
            .events(code.as_str(), head.epoch, from, PAGE)
            .await?;
        for event in &events {
            if let Err(failure) = replay.feed(&event.bytes) {
                checked.log_verified = false;
                checked.replay_equal = false;
                checked.failed.push(failure.to_string());
                return Ok(None);
            }
        }
        from += events.len() as u64;
        if events.len() < PAGE as usize {
            break;
        }
    }
    let replayed = replay.end();
    if replayed.size != head.size || replayed.root.0 != head.root || replayed.at.0 != head.at_ms {
        checked.log_verified = false;
        checked
            .failed
            .push(format!("region {code}: the head is not the log's end"));
    }
    Ok(Some(replayed))
}

/// Compares the tables with the replay, row by row. Rows are made one at a time from what the replay holds already: a second copy of
/// a large region would be the most memory that this process ever takes.
async fn compare(
    snapshot: &mut Snapshot,
    code: &Region,
    replayed: &Replayed,
    checked: &mut Checked,
) -> anyhow::Result<()> {
    let mut expected: HashMap<(Table, String), (&Key, &Fact)> = replayed
        .world
        .all()
        .into_iter()
        .map(|(key, fact)| (rows::place(key), (key, fact)))
        .collect();
    for table in Table::ALL {
        let mut after: Option<String> = None;
        loop {
            let page = snapshot
                .rows(table, code.as_str(), after.as_deref(), PAGE)
                .await?;
            after = page.last().map(|row| row.id.clone());
            let full = page.len() == PAGE as usize;
            for row in page {
                let wanted = expected
                    .remove(&(table, row.id.clone()))
                    .map(|(key, fact)| expected_row(code, replayed, key, fact))
                    .transpose()?;
                if wanted.as_ref() != Some(&row) {
                    differs(
                        checked,
                        format!(
                            "region {code}: {}/{} is not what the log says",
                            table.spec().name,
                            row.id
                        ),
                    );
                }
            }
            if !full {
                break;
            }
        }
    }
    for (table, id) in expected.keys() {
        differs(
            checked,
            format!(
                "region {code}: {}/{id} is missing from the tables",
                table.spec().name
            ),
        );
    }
    Ok(())
}

/// A fact's row as the log says that it must be.
fn expected_row(
    code: &Region,
    replayed: &Replayed,
    key: &Key,
    fact: &Fact,
) -> Result<Row, StoreError> {
    let (version, leaf) = replayed
        .streams
        .get(key)
        .map_or((0, None), |(version, leaf)| (*version, Some(leaf.0)));
    rows::row(code.as_str(), key, fact, version, leaf)
}

async fn compare_nullifiers(
    snapshot: &mut Snapshot,
    mut expected: HashMap<Tag, Held>,
    checked: &mut Checked,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = snapshot.all_nullifiers(after, PAGE).await?;
        after = page.last().map(|row| row.tag);
        let full = page.len() == PAGE as usize;
        for row in page {
            let same = expected
                .remove(&Tag(row.tag))
                .is_some_and(|(region, voucher)| {
                    checked.regions[region].code.as_str() == row.region
                        && voucher.to_string() == row.voucher
                });
            if !same {
                differs(
                    checked,
                    format!(
                        "region {}: a nullifier of {} is not what the log says",
                        row.region, row.voucher
                    ),
                );
            }
        }
        if !full {
            break;
        }
    }
    if !expected.is_empty() {
        differs(
            checked,
            format!("{} nullifiers are missing from the table", expected.len()),
        );
    }
    Ok(())
}

fn differs(checked: &mut Checked, what: String) {
    checked.replay_equal = false;
    if checked.failed.len() < 50 {
        checked.failed.push(what);
    }
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
