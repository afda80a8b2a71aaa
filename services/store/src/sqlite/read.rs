//! Reads on SQLite: a prepared look-up per key is its fastest bulk form.

use super::failure;
use crate::error::{Result, StoreError};
use crate::reads::{
    DuePage, EventPage, NullifierPage, PeoplePage, RegionPage, StreamPage, TablePage,
};
use crate::rows::{
    CommittedSecret, EventRow, FactKey, Head, LeafRow, Nullifier, PersonKey, PersonSecret,
    RequestKey, Row, Tag, big,
};
use crate::sql;
use crate::tables::Table;
use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, Params, params};
use std::sync::LazyLock;

static LOADS: LazyLock<Vec<String>> = LazyLock::new(|| Table::ALL.map(load_text).into());

fn load_text(table: Table) -> String {
    let columns = sql::joined(&sql::columns(table), "");
    format!(
        "SELECT {columns} FROM {} WHERE region = ?1 AND id = ?2",
        table.spec().name
    )
}

pub(crate) fn heads(conn: &Connection, regions: &[String]) -> Result<Vec<Head>> {
    let text = format!("SELECT {} FROM head WHERE region = ?1", sql::HEAD);
    let mut heads = Vec::with_capacity(regions.len());
    for region in regions {
        select(conn, &text, [region], &mut heads, head)?;
    }
    heads.sort_by(|a, b| a.region.cmp(&b.region));
    Ok(heads)
}

pub(crate) fn all_heads(conn: &Connection, (): &()) -> Result<Vec<Head>> {
    let mut heads = Vec::new();
    let text = format!("SELECT {} FROM head ORDER BY region", sql::HEAD);
    select(conn, &text, [], &mut heads, head)?;
    Ok(heads)
}

pub(crate) fn load(conn: &Connection, keys: &[FactKey]) -> Result<Vec<Row>> {
    let mut rows = Vec::with_capacity(keys.len());
    for key in keys {
        let text = &LOADS[key.table as usize];
        select(conn, text, (&key.region, &key.id), &mut rows, |r| {
            row(r, key.table)
        })?;
    }
    Ok(rows)
}

pub(crate) fn requests(conn: &Connection, keys: &[RequestKey]) -> Result<Vec<EventRow>> {
    let text = format!(
        "SELECT {} FROM event WHERE region = ?1 AND caller = ?2 AND request = ?3 ORDER BY ordinal",
        sql::EVENT
    );
    let mut keys: Vec<&RequestKey> = keys.iter().collect();
    keys.sort();
    keys.dedup();
    let mut events = Vec::new();
    for key in keys {
        select(
            conn,
            &text,
            (&key.region, &key.caller, &key.request),
            &mut events,
            event,
        )?;
    }
    Ok(events)
}

pub(crate) fn nullifiers(conn: &Connection, tags: &[Tag]) -> Result<Vec<Nullifier>> {
    let mut found = Vec::new();
    for tag in tags {
        let text = "SELECT tag, region, voucher FROM nullifier WHERE tag = ?1";
        select(conn, text, [tag], &mut found, nullifier)?;
    }
    Ok(found)
}

pub(crate) fn all_nullifiers(conn: &Connection, page: &NullifierPage) -> Result<Vec<Nullifier>> {
    let text = "SELECT tag, region, voucher FROM nullifier WHERE tag > ?1 ORDER BY tag LIMIT ?2";
    // No tag is as short as the empty one.
    let after = page.after.as_ref().map_or(&[][..], |tag| &tag[..]);
    let mut found = Vec::new();
    select(
        conn,
        text,
        params![after, page.limit],
        &mut found,
        nullifier,
    )?;
    Ok(found)
}

pub(crate) fn people_by_tag(
    conn: &Connection,
    tags: &[(String, Vec<u8>)],
) -> Result<Vec<PersonSecret>> {
    let text =
        "SELECT region, person, tag, sealed FROM person_secret WHERE region = ?1 AND tag = ?2";
    let mut found = Vec::new();
    for (region, tag) in tags {
        select(conn, text, (region, tag), &mut found, secret)?;
    }
    Ok(found)
}

pub(crate) fn people_secrets(conn: &Connection, people: &[PersonKey]) -> Result<Vec<PersonSecret>> {
    let text =
        "SELECT region, person, tag, sealed FROM person_secret WHERE region = ?1 AND person = ?2";
    let mut found = Vec::new();
    for key in people {
        select(conn, text, (&key.region, &key.person), &mut found, secret)?;
    }
    Ok(found)
}

pub(crate) fn committed(
    conn: &Connection,
    commitments: &[(String, String)],
) -> Result<Vec<CommittedSecret>> {
    let text = "SELECT region, commitment, sealed FROM committed_secret
         WHERE region = ?1 AND commitment = ?2";
    let mut found = Vec::new();
    for (region, commitment) in commitments {
        select(
            conn,
            text,
            (region, commitment),
            &mut found,
            committed_secret,
        )?;
    }
    Ok(found)
}

pub(crate) fn people(conn: &Connection, page: &PeoplePage) -> Result<Vec<PersonSecret>> {
    let text = "SELECT region, person, tag, sealed FROM person_secret
         WHERE region = ?1 AND person > ?2 ORDER BY person LIMIT ?3";
    let mut found = Vec::new();
    select(
        conn,
        text,
        params![page.region, page.after, page.limit],
        &mut found,
        secret,
    )?;
    Ok(found)
}

pub(crate) fn events(conn: &Connection, page: &EventPage) -> Result<Vec<EventRow>> {
    let place = match page.onwards {
        false => "epoch = ?2 AND idx >= ?3",
        true => "(epoch, idx) >= (?2, ?3)",
    };
    let text = format!(
        "SELECT {} FROM event WHERE region = ?1 AND {place} ORDER BY epoch, idx LIMIT ?4",
        sql::EVENT
    );
    let mut events = Vec::new();
    let bounds = params![page.region, big(page.epoch), big(page.from), page.limit];
    select(conn, &text, bounds, &mut events, event)?;
    Ok(events)
}

pub(crate) fn leaves(conn: &Connection, page: &EventPage) -> Result<Vec<LeafRow>> {
    let text = "SELECT idx, leaf, bytes FROM event WHERE region = ?1 AND epoch = ?2 AND idx >= ?3 ORDER BY idx LIMIT ?4";
    let mut events = Vec::new();
    let bounds = params![page.region, big(page.epoch), big(page.from), page.limit];
    select(conn, text, bounds, &mut events, |r| {
        let idx = counter(r, 0, "event", "idx", || page.region.clone())?;
        let key = || format!("{}/{}/{idx}", page.region, page.epoch);
        Ok(LeafRow {
            idx,
            leaf: get(r, 1, "event", "leaf", key)?,
            bytes: get(r, 2, "event", "bytes", key)?,
        })
    })?;
    Ok(events)
}

pub(crate) fn events_of_stream(conn: &Connection, page: &StreamPage) -> Result<Vec<EventRow>> {
    let text = format!(
        "SELECT {} FROM event WHERE region = ?1 AND stream = ?2 AND (epoch, idx) > (?3, ?4)
         ORDER BY epoch, idx LIMIT ?5",
        sql::EVENT
    );
    let (epoch, idx) = page
        .after
        .map_or((-1, -1), |(epoch, idx)| (big(epoch), big(idx)));
    let mut events = Vec::new();
    let bounds = params![page.region, page.stream, epoch, idx, page.limit];
    select(conn, &text, bounds, &mut events, event)?;
    Ok(events)
}

pub(crate) fn page(conn: &Connection, page: &RegionPage) -> Result<Vec<Row>> {
    let mut bound = bindings(page);
    bound.push(&page.limit);
    let mut rows = Vec::new();
    select(conn, &page_text(page, false), &bound[..], &mut rows, |r| {
        row(r, page.table)
    })?;
    Ok(rows)
}

pub(crate) fn rows(conn: &Connection, page: &TablePage) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let bound = params![page.region, page.after, page.limit];
    select(conn, &sql::rows(page.table, '?'), bound, &mut rows, |r| {
        linked(r, page.table)
    })?;
    Ok(rows)
}

pub(crate) fn due(conn: &Connection, page: &DuePage) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    let bound = params![page.region, page.before, page.limit];
    select(conn, &sql::due('?'), bound, &mut ids, |r| {
        get(r, 0, "voucher", "id", || page.region.clone())
    })?;
    Ok(ids)
}

pub(crate) fn next_due(
    conn: &Connection,
    (region, from): &(String, String),
) -> Result<Option<String>> {
    let mut found: Vec<Option<String>> = Vec::new();
    select(conn, &sql::next_due('?'), (region, from), &mut found, |r| {
        get(r, 0, "voucher", "due", || region.clone())
    })?;
    Ok(found.pop().flatten())
}

pub(crate) fn status_entries(
    conn: &Connection,
    (region, list): &(String, String),
) -> Result<Vec<String>> {
    let text = "SELECT v.status_entry FROM voucher_link AS l JOIN voucher AS v ON v.region = l.region AND v.id = l.id
         WHERE l.region = ?1 AND l.status_list = ?2";
    let mut entries = Vec::new();
    select(conn, text, (region, list), &mut entries, |r| {
        get(r, 0, "voucher", "status_entry", || region.clone())
    })?;
    Ok(entries)
}

pub(crate) fn count(conn: &Connection, page: &RegionPage) -> Result<u64> {
    let mut statement = conn
        .prepare_cached(&page_text(page, true))
        .map_err(failure)?;
    let number: i64 = statement
        .query_row(&bindings(page)[..], |r| r.get(0))
        .map_err(failure)?;
    Ok(number.unsigned_abs())
}

pub(crate) fn meta(conn: &Connection, key: &str) -> Result<Option<String>> {
    let mut found = Vec::new();
    let text = "SELECT value FROM meta WHERE key = ?1";
    select(conn, text, [key], &mut found, |r| {
        get(r, 0, "meta", "value", || key.to_owned())
    })?;
    Ok(found.pop())
}

pub(crate) fn clock_ms(conn: &Connection, (): &()) -> Result<i64> {
    let text = "SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER)";
    conn.query_row(text, [], |r| r.get(0)).map_err(failure)
}

fn page_text(page: &RegionPage, count: bool) -> String {
    let equals: Vec<&'static str> = page.equals.iter().map(|(column, _)| *column).collect();
    let due = page.due_before.is_some();
    sql::page(page.table, &equals, due, &page.shown, '?', count)
}

fn bindings(page: &RegionPage) -> Vec<&dyn ToSql> {
    let mut bound: Vec<&dyn ToSql> = vec![&page.region, &page.after];
    bound.extend(page.equals.iter().map(|(_, value)| value as &dyn ToSql));
    if let Some(due) = &page.due_before {
        bound.push(due);
    }
    let shown = page.shown.values(page.table);
    bound.extend(shown.into_iter().map(|value| value as &dyn ToSql));
    bound
}

pub(super) fn select<T>(
    conn: &Connection,
    text: &str,
    bound: impl Params,
    into: &mut Vec<T>,
    decode: impl Fn(&rusqlite::Row<'_>) -> Result<T>,
) -> Result<()> {
    let mut statement = conn.prepare_cached(text).map_err(failure)?;
    let mut rows = statement.query(bound).map_err(failure)?;
    while let Some(row) = rows.next().map_err(failure)? {
        into.push(decode(row)?);
    }
    Ok(())
}

/// A column, or the error that names its place.
pub(super) fn get<T: FromSql>(
    row: &rusqlite::Row<'_>,
    at: usize,
    table: &'static str,
    column: &'static str,
    key: impl Fn() -> String,
) -> Result<T> {
    row.get(at)
        .map_err(|_| StoreError::corrupt(table, column, key()))
}

/// A counter: never negative.
pub(super) fn counter(
    row: &rusqlite::Row<'_>,
    at: usize,
    table: &'static str,
    column: &'static str,
    key: impl Fn() -> String,
) -> Result<u64> {
    let number: i64 = get(row, at, table, column, &key)?;
    u64::try_from(number).map_err(|_| StoreError::corrupt(table, column, key()))
}

fn head(r: &rusqlite::Row<'_>) -> Result<Head> {
    let region: String = get(r, 0, "head", "region", String::new)?;
    let key = || region.clone();
    Ok(Head {
        epoch: counter(r, 1, "head", "epoch", key)?,
        size: counter(r, 2, "head", "size", key)?,
        root: get(r, 3, "head", "root", key)?,
        frontier: get(r, 4, "head", "frontier", key)?,
        at_ms: get(r, 5, "head", "at_ms", key)?,
        fence: counter(r, 6, "head", "fence", key)?,
        alarm: get(r, 7, "head", "alarm", key)?,
        region: region.clone(),
    })
}

fn event(r: &rusqlite::Row<'_>) -> Result<EventRow> {
    let region: String = get(r, 0, "event", "region", String::new)?;
    let start = || region.clone();
    let epoch = counter(r, 1, "event", "epoch", start)?;
    let idx = counter(r, 2, "event", "idx", start)?;
    let key = || format!("{region}/{epoch}/{idx}");
    Ok(EventRow {
        epoch,
        idx,
        kind: get(r, 3, "event", "kind", key)?,
        stream: get(r, 4, "event", "stream", key)?,
        version: counter(r, 5, "event", "version", key)?,
        caller: get(r, 6, "event", "caller", key)?,
        request: get(r, 7, "event", "request", key)?,
        ordinal: get(r, 8, "event", "ordinal", key)?,
        digest: get(r, 9, "event", "digest", key)?,
        at_ms: get(r, 10, "event", "at_ms", key)?,
        leaf: get(r, 11, "event", "leaf", key)?,
        bytes: get(r, 12, "event", "bytes", key)?,
        region: region.clone(),
    })
}

fn row(r: &rusqlite::Row<'_>, table: Table) -> Result<Row> {
    let spec = table.spec();
    let id: String = get(r, 1, spec.name, "id", String::new)?;
    let key = || id.clone();
    Ok(Row {
        region: get(r, 0, spec.name, "region", key)?,
        table,
        version: counter(r, 2, spec.name, "version", key)?,
        leaf: get(r, 3, spec.name, "leaf", key)?,
        columns: texts(r, 4, spec.name, spec.columns)?,
        links: None,
        body: get(r, 4 + spec.columns.len(), spec.name, "body", key)?,
        id: id.clone(),
    })
}

/// A row and, after its body, its links.
fn linked(r: &rusqlite::Row<'_>, table: Table) -> Result<Row> {
    let spec = table.spec();
    let mut row = row(r, table)?;
    if !spec.links.is_empty() {
        row.links = Some(texts(r, 5 + spec.columns.len(), spec.name, spec.links)?);
    }
    Ok(row)
}

/// Index columns, from one place on.
fn texts(
    r: &rusqlite::Row<'_>,
    from: usize,
    table: &'static str,
    columns: &'static [&'static str],
) -> Result<Vec<Option<String>>> {
    let each = (from..).zip(columns);
    each.map(|(at, column)| get(r, at, table, column, String::new))
        .collect()
}

fn nullifier(r: &rusqlite::Row<'_>) -> Result<Nullifier> {
    let voucher: String = get(r, 2, "nullifier", "voucher", String::new)?;
    let key = || voucher.clone();
    Ok(Nullifier {
        tag: get(r, 0, "nullifier", "tag", key)?,
        region: get(r, 1, "nullifier", "region", key)?,
        voucher: voucher.clone(),
    })
}

fn committed_secret(r: &rusqlite::Row<'_>) -> Result<CommittedSecret> {
    let commitment: String = get(r, 1, "committed_secret", "commitment", String::new)?;
    let key = || commitment.clone();
    Ok(CommittedSecret {
        region: get(r, 0, "committed_secret", "region", key)?,
        sealed: get(r, 2, "committed_secret", "sealed", key)?,
        commitment,
    })
}

fn secret(r: &rusqlite::Row<'_>) -> Result<PersonSecret> {
    let person: String = get(r, 1, "person_secret", "person", String::new)?;
    let key = || person.clone();
    Ok(PersonSecret {
        region: get(r, 0, "person_secret", "region", key)?,
        tag: get(r, 2, "person_secret", "tag", key)?,
        sealed: get(r, 3, "person_secret", "sealed", key)?,
        person: person.clone(),
    })
}
