//! Reads on PostgreSQL: a join with the unnested keys, one round trip for any number of them.

use super::failure;
use super::several::Texts;
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
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Decode, Postgres, Row as _, Type};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static LOADS: Texts = Texts::new(load_text);

fn load_text(tables: &[Table]) -> String {
    let of_one = |(at, table): (usize, &Table)| {
        format!(
            "SELECT {}, t.region, t.id, t.version, t.leaf, ARRAY[{}]::text[], t.body
             FROM {} t JOIN UNNEST(${}::text[], ${}::text[]) AS k(region, id) ON t.region = k.region AND t.id = k.id",
            *table as usize,
            sql::joined(table.spec().columns, "t."),
            table.spec().name,
            2 * at + 1,
            2 * at + 2,
        )
    };
    let each: Vec<String> = tables.iter().enumerate().map(of_one).collect();
    each.join(" UNION ALL ")
}

macro_rules! text {
    ($name:ident = $format:literal, $columns:expr) => {
        static $name: LazyLock<&'static str> = LazyLock::new(|| format!($format, $columns).leak());
    };
}
text!(
    HEADS = "SELECT {} FROM head WHERE region = ANY($1) ORDER BY region",
    sql::HEAD
);
text!(ALL_HEADS = "SELECT {} FROM head ORDER BY region", sql::HEAD);
text!(
    REQUESTS = "SELECT {} FROM UNNEST($1::text[], $2::text[], $3::text[]) AS k(r, c, q)
        JOIN event ON region = k.r AND caller = k.c AND request = k.q ORDER BY region, caller, request, ordinal",
    sql::EVENT
);
text!(
    EVENTS =
        "SELECT {} FROM event WHERE region = $1 AND epoch = $2 AND idx >= $3 ORDER BY idx LIMIT $4",
    sql::EVENT
);
text!(
    EVENTS_ONWARDS = "SELECT {} FROM event WHERE region = $1 AND (epoch, idx) >= ($2, $3)
        ORDER BY epoch, idx LIMIT $4",
    sql::EVENT
);
text!(
    STREAM = "SELECT {} FROM event WHERE region = $1 AND stream = $2 AND (epoch, idx) > ($3, $4)
        ORDER BY epoch, idx LIMIT $5",
    sql::EVENT
);

pub(crate) async fn heads(conn: &mut PgConnection, regions: &[String]) -> Result<Vec<Head>> {
    let rows = sqlx::query(*HEADS).bind(regions).fetch_all(conn).await;
    decode(rows, head)
}

pub(crate) async fn all_heads(conn: &mut PgConnection, (): &()) -> Result<Vec<Head>> {
    decode(sqlx::query(*ALL_HEADS).fetch_all(conn).await, head)
}

pub(crate) async fn load(conn: &mut PgConnection, keys: &[FactKey]) -> Result<Vec<Row>> {
    let mut tables: BTreeMap<Table, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for key in keys {
        let (regions, ids) = tables.entry(key.table).or_default();
        regions.push(&key.region);
        ids.push(&key.id);
    }
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let set: Vec<Table> = tables.keys().copied().collect();
    let mut load = sqlx::query(LOADS.of(&set));
    for (regions, ids) in tables.into_values() {
        load = load.bind(regions).bind(ids);
    }
    decode(load.fetch_all(conn).await, loaded)
}

pub(crate) async fn requests(
    conn: &mut PgConnection,
    keys: &[RequestKey],
) -> Result<Vec<EventRow>> {
    let mut keys: Vec<&RequestKey> = keys.iter().collect();
    keys.sort();
    keys.dedup();
    let rows = sqlx::query(*REQUESTS)
        .bind(keys.iter().map(|k| k.region.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(|k| k.caller.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(|k| k.request.as_str()).collect::<Vec<_>>())
        .fetch_all(conn)
        .await;
    decode(rows, event)
}

pub(crate) async fn nullifiers(conn: &mut PgConnection, tags: &[Tag]) -> Result<Vec<Nullifier>> {
    let text =
        "SELECT tag, region, voucher FROM UNNEST($1::bytea[]) AS k(t) JOIN nullifier ON tag = k.t";
    let tags: Vec<&[u8]> = tags.iter().map(|tag| &tag[..]).collect();
    decode(
        sqlx::query(text).bind(tags).fetch_all(conn).await,
        nullifier,
    )
}

pub(crate) async fn all_nullifiers(
    conn: &mut PgConnection,
    page: &NullifierPage,
) -> Result<Vec<Nullifier>> {
    let text = "SELECT tag, region, voucher FROM nullifier WHERE tag > $1 ORDER BY tag LIMIT $2";
    // No tag is as short as the empty one.
    let after = page.after.as_ref().map_or(&[][..], |tag| &tag[..]);
    let rows = sqlx::query(text)
        .bind(after)
        .bind(i64::from(page.limit))
        .fetch_all(conn)
        .await;
    decode(rows, nullifier)
}

pub(crate) async fn people_by_tag(
    conn: &mut PgConnection,
    tags: &[(String, Vec<u8>)],
) -> Result<Vec<PersonSecret>> {
    let text = "SELECT region, person, tag, sealed FROM UNNEST($1::text[], $2::bytea[]) AS k(r, t)
        JOIN person_secret ON region = k.r AND tag = k.t";
    let rows = sqlx::query(text)
        .bind(
            tags.iter()
                .map(|(region, _)| region.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            tags.iter()
                .map(|(_, tag)| tag.as_slice())
                .collect::<Vec<_>>(),
        )
        .fetch_all(conn)
        .await;
    decode(rows, secret)
}

pub(crate) async fn people_secrets(
    conn: &mut PgConnection,
    people: &[PersonKey],
) -> Result<Vec<PersonSecret>> {
    let text = "SELECT region, person, tag, sealed FROM UNNEST($1::text[], $2::text[]) AS k(r, p)
        JOIN person_secret ON region = k.r AND person = k.p";
    let rows = sqlx::query(text)
        .bind(people.iter().map(|k| k.region.as_str()).collect::<Vec<_>>())
        .bind(people.iter().map(|k| k.person.as_str()).collect::<Vec<_>>())
        .fetch_all(conn)
        .await;
    decode(rows, secret)
}

pub(crate) async fn committed(
    conn: &mut PgConnection,
    commitments: &[(String, String)],
) -> Result<Vec<CommittedSecret>> {
    let text = "SELECT region, commitment, sealed FROM UNNEST($1::text[], $2::text[]) AS k(r, c)
        JOIN committed_secret ON region = k.r AND commitment = k.c";
    let column = |of: fn(&(String, String)) -> &str| commitments.iter().map(of).collect::<Vec<_>>();
    let rows = sqlx::query(text)
        .bind(column(|(region, _)| region))
        .bind(column(|(_, commitment)| commitment))
        .fetch_all(conn)
        .await;
    decode(rows, committed_secret)
}

pub(crate) async fn people(
    conn: &mut PgConnection,
    page: &PeoplePage,
) -> Result<Vec<PersonSecret>> {
    let text = "SELECT region, person, tag, sealed FROM person_secret
        WHERE region = $1 AND person > $2 ORDER BY person LIMIT $3";
    let rows = sqlx::query(text)
        .bind(&page.region)
        .bind(&page.after)
        .bind(i64::from(page.limit))
        .fetch_all(conn)
        .await;
    decode(rows, secret)
}

pub(crate) async fn events(conn: &mut PgConnection, page: &EventPage) -> Result<Vec<EventRow>> {
    let rows = sqlx::query(if page.onwards {
        *EVENTS_ONWARDS
    } else {
        *EVENTS
    })
    .bind(&page.region)
    .bind(big(page.epoch))
    .bind(big(page.from))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await;
    decode(rows, event)
}

pub(crate) async fn leaves(conn: &mut PgConnection, page: &EventPage) -> Result<Vec<LeafRow>> {
    let text = "SELECT idx, leaf, bytes FROM event WHERE region = $1 AND epoch = $2 AND idx >= $3 ORDER BY idx LIMIT $4";
    let rows = sqlx::query(text)
        .bind(&page.region)
        .bind(big(page.epoch))
        .bind(big(page.from))
        .bind(i64::from(page.limit))
        .fetch_all(conn)
        .await;
    decode(rows, |r| {
        let idx = counter(r, 0, "event", "idx", || page.region.clone())?;
        let key = || format!("{}/{}/{idx}", page.region, page.epoch);
        Ok(LeafRow {
            idx,
            leaf: exact(r, 1, "event", "leaf", key)?,
            bytes: get(r, 2, "event", "bytes", key)?,
        })
    })
}

pub(crate) async fn events_of_stream(
    conn: &mut PgConnection,
    page: &StreamPage,
) -> Result<Vec<EventRow>> {
    let (epoch, idx) = page
        .after
        .map_or((-1, -1), |(epoch, idx)| (big(epoch), big(idx)));
    let rows = sqlx::query(*STREAM)
        .bind(&page.region)
        .bind(&page.stream)
        .bind(epoch)
        .bind(idx)
        .bind(i64::from(page.limit))
        .fetch_all(conn)
        .await;
    decode(rows, event)
}

pub(crate) async fn page(conn: &mut PgConnection, page: &RegionPage) -> Result<Vec<Row>> {
    let mut query = sqlx::query(AssertSqlSafe(page_text(page, false)))
        .bind(&page.region)
        .bind(&page.after);
    for (_, value) in &page.equals {
        query = query.bind(value);
    }
    if let Some(due) = &page.due_before {
        query = query.bind(due);
    }
    for value in page.shown.values(page.table) {
        query = query.bind(value);
    }
    let rows = query.bind(i64::from(page.limit)).fetch_all(conn).await;
    decode(rows, |r| row(r, page.table))
}

pub(crate) async fn rows(conn: &mut PgConnection, page: &TablePage) -> Result<Vec<Row>> {
    let rows = sqlx::query(AssertSqlSafe(sql::rows(page.table, '$')))
        .bind(&page.region)
        .bind(&page.after)
        .bind(i64::from(page.limit))
        .fetch_all(conn)
        .await;
    decode(rows, |r| linked(r, page.table))
}

pub(crate) async fn due(conn: &mut PgConnection, page: &DuePage) -> Result<Vec<String>> {
    let rows = sqlx::query(AssertSqlSafe(sql::due('$')))
        .bind(&page.region)
        .bind(&page.before)
        .bind(i64::from(page.limit))
        .fetch_all(conn)
        .await;
    decode(rows, |r| get(r, 0, "voucher", "id", || page.region.clone()))
}

pub(crate) async fn next_due(
    conn: &mut PgConnection,
    (region, from): &(String, String),
) -> Result<Option<String>> {
    let next = sqlx::query_scalar(AssertSqlSafe(sql::next_due('$')))
        .bind(region)
        .bind(from)
        .fetch_one(conn)
        .await;
    next.map_err(failure)
}

pub(crate) async fn status_entries(
    conn: &mut PgConnection,
    (region, list): &(String, String),
) -> Result<Vec<String>> {
    let text = "SELECT v.status_entry FROM voucher_link AS l JOIN voucher AS v ON v.region = l.region AND v.id = l.id
        WHERE l.region = $1 AND l.status_list = $2";
    let rows = sqlx::query(text)
        .bind(region)
        .bind(list)
        .fetch_all(conn)
        .await;
    decode(rows, |r| {
        get(r, 0, "voucher", "status_entry", || region.clone())
    })
}

pub(crate) async fn count(conn: &mut PgConnection, page: &RegionPage) -> Result<u64> {
    let mut query = sqlx::query_scalar(AssertSqlSafe(page_text(page, true)))
        .bind(&page.region)
        .bind(&page.after);
    for (_, value) in &page.equals {
        query = query.bind(value);
    }
    if let Some(due) = &page.due_before {
        query = query.bind(due);
    }
    for value in page.shown.values(page.table) {
        query = query.bind(value);
    }
    let number: i64 = query.fetch_one(conn).await.map_err(failure)?;
    Ok(number.unsigned_abs())
}

pub(crate) async fn meta(conn: &mut PgConnection, key: &str) -> Result<Option<String>> {
    let text = "SELECT value FROM meta WHERE key = $1";
    let found = sqlx::query_scalar(text)
        .bind(key)
        .fetch_optional(conn)
        .await;
    found.map_err(failure)
}

pub(crate) async fn clock_ms(conn: &mut PgConnection, (): &()) -> Result<i64> {
    let text = "SELECT round(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    sqlx::query_scalar(text)
        .fetch_one(conn)
        .await
        .map_err(failure)
}

fn page_text(page: &RegionPage, count: bool) -> String {
    let equals: Vec<&'static str> = page.equals.iter().map(|(column, _)| *column).collect();
    let due = page.due_before.is_some();
    sql::page(page.table, &equals, due, &page.shown, '$', count)
}

pub(super) fn decode<T>(
    rows: Result<Vec<PgRow>, sqlx::Error>,
    one: impl Fn(&PgRow) -> Result<T>,
) -> Result<Vec<T>> {
    rows.map_err(failure)?.iter().map(one).collect()
}

/// A column, or the error that names its place.
pub(super) fn get<'r, T>(
    row: &'r PgRow,
    at: usize,
    table: &'static str,
    column: &'static str,
    key: impl Fn() -> String,
) -> Result<T>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(at)
        .map_err(|_| StoreError::corrupt(table, column, key()))
}

/// A counter: never negative.
pub(super) fn counter(
    row: &PgRow,
    at: usize,
    table: &'static str,
    column: &'static str,
    key: impl Fn() -> String,
) -> Result<u64> {
    let number: i64 = get(row, at, table, column, &key)?;
    u64::try_from(number).map_err(|_| StoreError::corrupt(table, column, key()))
}

/// A hash or tag: exactly so many bytes.
fn exact<const N: usize>(
    row: &PgRow,
    at: usize,
    table: &'static str,
    column: &'static str,
    key: impl Fn() -> String,
) -> Result<[u8; N]> {
    let bytes: &[u8] = get(row, at, table, column, &key)?;
    bytes
        .try_into()
        .map_err(|_| StoreError::corrupt(table, column, key()))
}

fn head(r: &PgRow) -> Result<Head> {
    let region: String = get(r, 0, "head", "region", String::new)?;
    let key = || region.clone();
    Ok(Head {
        epoch: counter(r, 1, "head", "epoch", key)?,
        size: counter(r, 2, "head", "size", key)?,
        root: exact(r, 3, "head", "root", key)?,
        frontier: get(r, 4, "head", "frontier", key)?,
        at_ms: get(r, 5, "head", "at_ms", key)?,
        fence: counter(r, 6, "head", "fence", key)?,
        alarm: get(r, 7, "head", "alarm", key)?,
        region: region.clone(),
    })
}

fn event(r: &PgRow) -> Result<EventRow> {
    let region: String = get(r, 0, "event", "region", String::new)?;
    let start = || region.clone();
    let epoch = counter(r, 1, "event", "epoch", start)?;
    let idx = counter(r, 2, "event", "idx", start)?;
    let key = || format!("{region}/{epoch}/{idx}");
    let ordinal: i32 = get(r, 8, "event", "ordinal", key)?;
    Ok(EventRow {
        epoch,
        idx,
        kind: get(r, 3, "event", "kind", key)?,
        stream: get(r, 4, "event", "stream", key)?,
        version: counter(r, 5, "event", "version", key)?,
        caller: get(r, 6, "event", "caller", key)?,
        request: get(r, 7, "event", "request", key)?,
        ordinal: u32::try_from(ordinal)
            .map_err(|_| StoreError::corrupt("event", "ordinal", key()))?,
        digest: get(r, 9, "event", "digest", key)?,
        at_ms: get(r, 10, "event", "at_ms", key)?,
        leaf: exact(r, 11, "event", "leaf", key)?,
        bytes: get(r, 12, "event", "bytes", key)?,
        region: region.clone(),
    })
}

fn row(r: &PgRow, table: Table) -> Result<Row> {
    let spec = table.spec();
    let columns = texts(r, 4, spec.name, spec.columns)?;
    whole(r, 0, table, columns, 4 + spec.columns.len())
}

/// A row and, after its body, its links.
fn linked(r: &PgRow, table: Table) -> Result<Row> {
    let spec = table.spec();
    let mut row = row(r, table)?;
    if !spec.links.is_empty() {
        row.links = Some(texts(r, 5 + spec.columns.len(), spec.name, spec.links)?);
    }
    Ok(row)
}

/// Index columns, from one place on.
fn texts(
    r: &PgRow,
    from: usize,
    table: &'static str,
    columns: &'static [&'static str],
) -> Result<Vec<Option<String>>> {
    let each = (from..).zip(columns);
    each.map(|(at, column)| get(r, at, table, column, String::new))
        .collect()
}

/// A row of [`load`], which says first of which table it is.
fn loaded(r: &PgRow) -> Result<Row> {
    let number: i32 = get(r, 0, "a load", "table", String::new)?;
    let table = usize::try_from(number)
        .ok()
        .and_then(|at| Table::ALL.get(at).copied());
    let table = table.ok_or_else(|| StoreError::corrupt("a load", "table", number.to_string()))?;
    let columns = get(r, 5, table.spec().name, "columns", String::new)?;
    whole(r, 1, table, columns, 6)
}

/// A row whose region, id, version and leaf stand from one place on, and whose body at another.
fn whole(
    r: &PgRow,
    from: usize,
    table: Table,
    columns: Vec<Option<String>>,
    body: usize,
) -> Result<Row> {
    let name = table.spec().name;
    let id: String = get(r, from + 1, name, "id", String::new)?;
    let key = || id.clone();
    let leaf: Option<&[u8]> = get(r, from + 3, name, "leaf", key)?;
    let leaf = leaf.map(<[u8; 32]>::try_from).transpose();
    Ok(Row {
        region: get(r, from, name, "region", key)?,
        table,
        version: counter(r, from + 2, name, "version", key)?,
        leaf: leaf.map_err(|_| StoreError::corrupt(name, "leaf", key()))?,
        columns,
        links: None,
        body: get(r, body, name, "body", key)?,
        id: id.clone(),
    })
}

fn nullifier(r: &PgRow) -> Result<Nullifier> {
    let voucher: String = get(r, 2, "nullifier", "voucher", String::new)?;
    let key = || voucher.clone();
    Ok(Nullifier {
        tag: exact(r, 0, "nullifier", "tag", key)?,
        region: get(r, 1, "nullifier", "region", key)?,
        voucher: voucher.clone(),
    })
}

fn committed_secret(r: &PgRow) -> Result<CommittedSecret> {
    let commitment: String = get(r, 1, "committed_secret", "commitment", String::new)?;
    let key = || commitment.clone();
    Ok(CommittedSecret {
        region: get(r, 0, "committed_secret", "region", key)?,
        sealed: get(r, 2, "committed_secret", "sealed", key)?,
        commitment,
    })
}

fn secret(r: &PgRow) -> Result<PersonSecret> {
    let person: String = get(r, 1, "person_secret", "person", String::new)?;
    let key = || person.clone();
    Ok(PersonSecret {
        region: get(r, 0, "person_secret", "region", key)?,
        tag: get(r, 2, "person_secret", "tag", key)?,
        sealed: get(r, 3, "person_secret", "sealed", key)?,
        person: person.clone(),
    })
}
