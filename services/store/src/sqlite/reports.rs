//! What the reports are made of, on SQLite.

use super::failure;
use super::read::{counter, get, select};
use crate::error::Result;
use crate::reports::{
    ReportCursor, ReportFact, ReportFactKeys, ReportFactsUnder, ReportFold, ReportQuery, ReportSum,
    month,
};
use crate::rows::big;
use crate::sql;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use std::sync::LazyLock;

static SUMS: LazyLock<String> = LazyLock::new(|| sql::report_sums('?', "max", "min"));

/// Writes all of it in one transaction; false, and nothing, where the cursor was moved meanwhile.
pub(crate) fn fold(conn: &Connection, fold: &ReportFold) -> Result<bool> {
    let transaction =
        Transaction::new_unchecked(conn, TransactionBehavior::Immediate).map_err(failure)?;
    let region = &fold.cursor.region;
    let found = cursors(&transaction, std::slice::from_ref(region))?;
    if found.first() != fold.found.as_ref() {
        return Ok(false);
    }
    if fold.anew {
        for text in [
            "DELETE FROM report_fact WHERE region = ?1",
            "DELETE FROM report_count WHERE region = ?1",
            "DELETE FROM report_month WHERE region = ?1",
        ] {
            transaction.execute(text, [region]).map_err(failure)?;
        }
    }
    put(&transaction, fold)?;
    transaction.commit().map_err(failure)?;
    Ok(true)
}

fn put(transaction: &Transaction<'_>, fold: &ReportFold) -> Result<()> {
    let cursor = &fold.cursor;
    let region = &cursor.region;
    let text = "INSERT INTO report_fact (region, id, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (region, id) DO UPDATE SET body = excluded.body";
    let mut statement = transaction.prepare_cached(text).map_err(failure)?;
    for fact in &fold.facts {
        let bound = params![region, fact.id, fact.body];
        statement.execute(bound).map_err(failure)?;
    }
    let text =
        "INSERT INTO report_count (region, subject, item, day, value) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (region, subject, item, day) DO UPDATE SET value = value + excluded.value";
    let mut statement = transaction.prepare_cached(text).map_err(failure)?;
    for c in &fold.counts {
        let bound = params![region, c.subject, c.item, c.day, c.value];
        statement.execute(bound).map_err(failure)?;
    }
    let text =
        "INSERT INTO report_month (region, subject, item, month, value) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (region, subject, item, month) DO UPDATE SET value = value + excluded.value";
    let mut statement = transaction.prepare_cached(text).map_err(failure)?;
    for ((subject, item, month), value) in fold.months() {
        let bound = params![region, subject, item, month, value];
        statement.execute(bound).map_err(failure)?;
    }
    let text = "INSERT INTO report_cursor (region, version, epoch, idx, leaf) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (region) DO UPDATE SET version = excluded.version, epoch = excluded.epoch, idx = excluded.idx, leaf = excluded.leaf";
    let leaf = cursor.leaf.as_ref().map(<[u8; 32]>::as_slice);
    let bound = params![
        region,
        big(cursor.version),
        big(cursor.epoch),
        big(cursor.idx),
        leaf
    ];
    transaction.execute(text, bound).map_err(failure)?;
    Ok(())
}

pub(crate) fn cursors(conn: &Connection, regions: &[String]) -> Result<Vec<ReportCursor>> {
    let text = "SELECT region, version, epoch, idx, leaf FROM report_cursor WHERE region = ?1";
    let mut found = Vec::with_capacity(regions.len());
    for region in regions {
        select(conn, text, [region], &mut found, cursor)?;
    }
    Ok(found)
}

pub(crate) fn facts(conn: &Connection, keys: &ReportFactKeys) -> Result<Vec<ReportFact>> {
    let text = "SELECT id, body FROM report_fact WHERE region = ?1 AND id = ?2";
    let mut found = Vec::with_capacity(keys.ids.len());
    for id in &keys.ids {
        select(conn, text, (&keys.region, id), &mut found, fact)?;
    }
    Ok(found)
}

pub(crate) fn facts_under(conn: &Connection, of: &ReportFactsUnder) -> Result<Vec<ReportFact>> {
    let text =
        "SELECT id, body FROM report_fact WHERE region = ?1 AND id >= ?2 AND id < ?3 ORDER BY id";
    let end = format!("{}\u{10FFFF}", of.prefix);
    let mut found = Vec::new();
    select(conn, text, (&of.region, &of.prefix, end), &mut found, fact)?;
    Ok(found)
}

pub(crate) fn sums(conn: &Connection, query: &ReportQuery) -> Result<Vec<ReportSum>> {
    let bound = params![
        query.region,
        query.subject,
        query.prefix,
        query.end(),
        query.after,
        query.until,
        month(&query.after),
        month(&query.until)
    ];
    let mut found = Vec::new();
    select(conn, &SUMS, bound, &mut found, sum)?;
    Ok(found)
}

fn cursor(r: &Row<'_>) -> Result<ReportCursor> {
    const TABLE: &str = "report_cursor";
    let region: String = get(r, 0, TABLE, "region", String::new)?;
    let key = || region.clone();
    Ok(ReportCursor {
        version: counter(r, 1, TABLE, "version", key)?,
        epoch: counter(r, 2, TABLE, "epoch", key)?,
        idx: counter(r, 3, TABLE, "idx", key)?,
        leaf: get(r, 4, TABLE, "leaf", key)?,
        region: region.clone(),
    })
}

fn fact(r: &Row<'_>) -> Result<ReportFact> {
    let id: String = get(r, 0, "report_fact", "id", String::new)?;
    Ok(ReportFact {
        body: get(r, 1, "report_fact", "body", || id.clone())?,
        id,
    })
}

fn sum(r: &Row<'_>) -> Result<ReportSum> {
    let item: String = get(r, 0, "report_month", "item", String::new)?;
    let key = || item.clone();
    Ok(ReportSum {
        month: get(r, 1, "report_month", "month", key)?,
        value: get(r, 2, "report_month", "value", key)?,
        item: item.clone(),
    })
}
