//! What the reports are made of, on PostgreSQL.

use super::read::{counter, decode, get};
use super::{Conn, failure};
use crate::error::{Result, StoreError};
use crate::reports::{
    ReportCursor, ReportFact, ReportFactKeys, ReportFactsUnder, ReportFold, ReportQuery, ReportSum,
    month,
};
use crate::rows::big;
use crate::sql;
use sqlx::postgres::{PgConnection, PgRow};
use std::sync::LazyLock;

const ADD_DAYS: &str = "INSERT INTO report_count (region, subject, item, day, value)
    SELECT $1, * FROM UNNEST($2::text[], $3::text[], $4::text[], $5::bigint[])
    ON CONFLICT (region, subject, item, day) DO UPDATE SET value = report_count.value + excluded.value";
const ADD_MONTHS: &str = "INSERT INTO report_month (region, subject, item, month, value)
    SELECT $1, * FROM UNNEST($2::text[], $3::text[], $4::text[], $5::bigint[])
    ON CONFLICT (region, subject, item, month) DO UPDATE SET value = report_month.value + excluded.value";

static SUMS: LazyLock<&'static str> =
    LazyLock::new(|| sql::report_sums('$', "greatest", "least").leak());

/// Writes all of it in one transaction; false, and nothing, where the cursor was moved meanwhile.
pub(crate) async fn fold(mut conn: Conn, fold: &ReportFold) -> Result<bool> {
    conn.begin("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    if !move_cursor(conn.as_mut(), fold).await? {
        conn.roll_back().await?;
        return Ok(false);
    }
    if fold.anew {
        for text in [
            "DELETE FROM report_fact WHERE region = $1",
            "DELETE FROM report_count WHERE region = $1",
            "DELETE FROM report_month WHERE region = $1",
        ] {
            let delete = sqlx::query(text).bind(&fold.cursor.region);
            delete.execute(conn.as_mut()).await.map_err(failure)?;
        }
    }
    put_facts(conn.as_mut(), fold).await?;
    let region = &fold.cursor.region;
    let counts = fold.counts.iter();
    let days: Vec<_> = counts
        .map(|c| (c.subject.as_str(), c.item.as_str(), c.day.as_str(), c.value))
        .collect();
    add(conn.as_mut(), ADD_DAYS, region, &days).await?;
    let months = fold.months().into_iter();
    let months: Vec<_> = months
        .map(|((subject, item, month), value)| (subject, item, month, value))
        .collect();
    add(conn.as_mut(), ADD_MONTHS, region, &months).await?;
    conn.commit().await.map_err(StoreError::unknown)?;
    Ok(true)
}

/// The cursor's row is the lock: whoever comes second finds it moved.
async fn move_cursor(conn: &mut PgConnection, fold: &ReportFold) -> Result<bool> {
    let to = &fold.cursor;
    let bound = |text: &'static str| {
        sqlx::query(text)
            .bind(&to.region)
            .bind(big(to.version))
            .bind(big(to.epoch))
            .bind(big(to.idx))
            .bind(to.leaf.map(|leaf| leaf.to_vec()))
    };
    let moved = match &fold.found {
        None => {
            let text = "INSERT INTO report_cursor (region, version, epoch, idx, leaf)
                VALUES ($1, $2, $3, $4, $5) ON CONFLICT (region) DO NOTHING";
            bound(text).execute(conn).await
        }
        Some(from) => {
            let text = "UPDATE report_cursor SET version = $2, epoch = $3, idx = $4, leaf = $5
                WHERE region = $1 AND version = $6 AND epoch = $7 AND idx = $8 AND leaf IS NOT DISTINCT FROM $9";
            bound(text)
                .bind(big(from.version))
                .bind(big(from.epoch))
                .bind(big(from.idx))
                .bind(from.leaf.map(|leaf| leaf.to_vec()))
                .execute(conn)
                .await
        }
    };
    Ok(moved.map_err(failure)?.rows_affected() == 1)
}

async fn put_facts(conn: &mut PgConnection, fold: &ReportFold) -> Result<()> {
    let text = "INSERT INTO report_fact (region, id, body)
        SELECT $1, * FROM UNNEST($2::text[], $3::text[])
        ON CONFLICT (region, id) DO UPDATE SET body = excluded.body";
    let ids: Vec<&str> = fold.facts.iter().map(|fact| fact.id.as_str()).collect();
    let bodies: Vec<&str> = fold.facts.iter().map(|fact| fact.body.as_str()).collect();
    let put = sqlx::query(text)
        .bind(&fold.cursor.region)
        .bind(ids)
        .bind(bodies);
    put.execute(conn).await.map_err(failure).map(|_| ())
}

/// Adds to counters of a region: subject, item, day or month, and by how much.
async fn add(
    conn: &mut PgConnection,
    text: &'static str,
    region: &str,
    changes: &[(&str, &str, &str, i64)],
) -> Result<()> {
    let subjects: Vec<&str> = changes.iter().map(|change| change.0).collect();
    let items: Vec<&str> = changes.iter().map(|change| change.1).collect();
    let times: Vec<&str> = changes.iter().map(|change| change.2).collect();
    let values: Vec<i64> = changes.iter().map(|change| change.3).collect();
    let add = sqlx::query(text)
        .bind(region)
        .bind(subjects)
        .bind(items)
        .bind(times)
        .bind(values);
    add.execute(conn).await.map_err(failure).map(|_| ())
}

pub(crate) async fn cursors(
    conn: &mut PgConnection,
    regions: &[String],
) -> Result<Vec<ReportCursor>> {
    let text = "SELECT region, version, epoch, idx, leaf FROM report_cursor WHERE region = ANY($1) ORDER BY region";
    let rows = sqlx::query(text).bind(regions).fetch_all(conn).await;
    decode(rows, cursor)
}

pub(crate) async fn facts(
    conn: &mut PgConnection,
    keys: &ReportFactKeys,
) -> Result<Vec<ReportFact>> {
    let text = "SELECT id, body FROM report_fact WHERE region = $1 AND id = ANY($2)";
    let rows = sqlx::query(text)
        .bind(&keys.region)
        .bind(&keys.ids)
        .fetch_all(conn)
        .await;
    decode(rows, fact)
}

pub(crate) async fn facts_under(
    conn: &mut PgConnection,
    of: &ReportFactsUnder,
) -> Result<Vec<ReportFact>> {
    let text =
        "SELECT id, body FROM report_fact WHERE region = $1 AND id >= $2 AND id < $3 ORDER BY id";
    let rows = sqlx::query(text)
        .bind(&of.region)
        .bind(&of.prefix)
        .bind(format!("{}\u{10FFFF}", of.prefix))
        .fetch_all(conn)
        .await;
    decode(rows, fact)
}

pub(crate) async fn sums(conn: &mut PgConnection, query: &ReportQuery) -> Result<Vec<ReportSum>> {
    let rows = sqlx::query(*SUMS)
        .bind(&query.region)
        .bind(&query.subject)
        .bind(&query.prefix)
        .bind(query.end())
        .bind(&query.after)
        .bind(&query.until)
        .bind(month(&query.after))
        .bind(month(&query.until))
        .fetch_all(conn)
        .await;
    decode(rows, sum)
}

fn cursor(r: &PgRow) -> Result<ReportCursor> {
    const TABLE: &str = "report_cursor";
    let region: String = get(r, 0, TABLE, "region", String::new)?;
    let key = || region.clone();
    let leaf: Option<Vec<u8>> = get(r, 4, TABLE, "leaf", key)?;
    let leaf = leaf.map(<[u8; 32]>::try_from).transpose();
    Ok(ReportCursor {
        version: counter(r, 1, TABLE, "version", key)?,
        epoch: counter(r, 2, TABLE, "epoch", key)?,
        idx: counter(r, 3, TABLE, "idx", key)?,
        leaf: leaf.map_err(|_| StoreError::corrupt(TABLE, "leaf", key()))?,
        region: region.clone(),
    })
}

fn fact(r: &PgRow) -> Result<ReportFact> {
    let id: String = get(r, 0, "report_fact", "id", String::new)?;
    Ok(ReportFact {
        body: get(r, 1, "report_fact", "body", || id.clone())?,
        id,
    })
}

fn sum(r: &PgRow) -> Result<ReportSum> {
    let item: String = get(r, 0, "report_month", "item", String::new)?;
    let key = || item.clone();
    Ok(ReportSum {
        month: get(r, 1, "report_month", "month", key)?,
        value: get(r, 2, "report_month", "value", key)?,
        item: item.clone(),
    })
}
