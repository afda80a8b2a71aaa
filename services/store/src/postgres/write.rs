//! One transaction on PostgreSQL: columnar rows, one statement per kind of thing, and one for all events and changed rows.
//!
//! Lock order: heads by region; then nullifier inserts by ascending tag, the only statements that can
//! wait for another region's holder. Frees come after them: only the region that took a nullifier
//! frees it, so under its head's lock a free waits for nobody, and no cycle can close.

use super::several::Texts;
use super::{Conn, failure, read};
use crate::commit::{Erased, Outcome, Plan};
use crate::error::{Result, StoreError};
use crate::faults::Fault;
use crate::rows::{
    CommittedSecret, EventRow, Head, Nullifier, PersonKey, RequestKey, Row, Tag, big,
};
use crate::sql;
use crate::tables::Table;
use crate::times::Passed;
use sqlx::postgres::PgConnection;
use std::time::Duration;

const EVENTS: &str = "INSERT INTO event (region, epoch, idx, kind, stream, version, caller, request, ordinal, digest, at_ms, leaf, bytes)
    SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[],
        $7::text[], $8::text[], $9::int[], $10::bytea[], $11::bigint[], $12::bytea[], $13::bytea[])";

/// Parameters of [`EVENTS`].
const EVENT_COLUMNS: usize = 13;

static WRITES: Texts = Texts::new(write_text);

/// Events, and the changed rows of these tables: in one statement, for its parts touch nothing in common.
fn write_text(tables: &[Table]) -> String {
    let mut next = EVENT_COLUMNS + 1;
    let mut upserts = Vec::with_capacity(tables.len());
    let mut add = |name: &str, columns: &[&str]| {
        let upsert = upsert(name, columns, next);
        upserts.push(format!("new_{name} AS ({upsert})"));
        next += columns.len();
    };
    for table in tables {
        add(table.spec().name, &sql::columns(*table));
        if let Some((name, columns)) = sql::links(*table) {
            add(&name, &columns);
        }
    }
    match upserts.is_empty() {
        true => EVENTS.to_owned(),
        false => format!("WITH {} {EVENTS}", upserts.join(", ")),
    }
}

/// The upsert of a table's rows, whose columns are bound from that parameter on.
fn upsert(name: &str, columns: &[&str], from: usize) -> String {
    let arrays: Vec<String> = (from..)
        .zip(columns)
        .map(|(at, column)| match *column {
            "version" => format!("${at}::bigint[]"),
            "leaf" => format!("${at}::bytea[]"),
            _ => format!("${at}::text[]"),
        })
        .collect();
    format!(
        "INSERT INTO {name} ({}) SELECT * FROM UNNEST({}) {}",
        sql::joined(columns, ""),
        arrays.join(", "),
        sql::overwrite(columns),
    )
}

/// How long after the cut a [`Fault::CutDuringCommit`] is carried out.
const LATE: Duration = Duration::from_millis(300);

/// Why a write stopped.
enum Stop {
    Outcome(Outcome),
    /// A unique key of `event` stands already; which, only a new transaction can tell.
    EventStands,
    Error(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Stop::Error(error)
    }
}

/// Locks these heads in region order. Facts are read by later statements: one that waits for a lock
/// still sees the world as it was before it waited.
pub(crate) async fn lock(conn: &mut PgConnection, regions: &[String]) -> Result<()> {
    let text = "SELECT region FROM head WHERE region = ANY($1) ORDER BY region FOR UPDATE";
    sqlx::query(text)
        .bind(regions)
        .execute(conn)
        .await
        .map_err(failure)?;
    Ok(())
}

/// Writes inside the transaction and ends it.
pub(crate) async fn finish(mut conn: Conn, plan: &Plan, fault: Option<Fault>) -> Result<Outcome> {
    match write(conn.as_mut(), plan).await {
        Ok(()) => {
            plan.times.pass(Passed::Sent);
            commit(conn, fault).await
        }
        Err(Stop::Outcome(outcome)) => conn.roll_back().await.map(|()| outcome),
        Err(Stop::Error(error)) => conn.roll_back().await.and(Err(error)),
        Err(Stop::EventStands) => {
            conn.roll_back().await?;
            event_stands(conn.as_mut(), plan).await
        }
    }
}

async fn commit(mut conn: Conn, fault: Option<Fault>) -> Result<Outcome> {
    match fault {
        Some(Fault::BeforeCommit) => {
            conn.roll_back().await?;
            return Err(StoreError::unavailable("a failure on demand before COMMIT"));
        }
        Some(Fault::CutBeforeCommit | Fault::Disk) => {
            return Err(StoreError::unknown("a cut on demand, before COMMIT"));
        }
        Some(Fault::CutDuringCommit) => {
            tokio::spawn(async move {
                tokio::time::sleep(LATE).await;
                let _ = conn.commit().await; // whoever waited for it was cut off
            });
            return Err(StoreError::unknown("a cut on demand, during COMMIT"));
        }
        Some(Fault::CutAfterCommit) | None => {}
    }
    conn.commit().await.map_err(at_commit)?;
    match fault {
        Some(Fault::CutAfterCommit) => Err(StoreError::unknown("a cut on demand, after COMMIT")),
        _ => Ok(Outcome::Committed),
    }
}

/// A serialization failure or deadlock is a definite no; whatever else, the outcome is unknown.
fn at_commit(error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|answer| answer.code());
    match code.as_deref() {
        Some("40001" | "40P01") => StoreError::unavailable(error),
        _ => StoreError::unknown(error),
    }
}

async fn write(conn: &mut PgConnection, plan: &Plan) -> Result<(), Stop> {
    guard(conn, plan).await?;
    take(conn, &plan.takes).await?;
    hand_on(conn, &plan.handed_on).await?;
    free(conn, &plan.frees).await?;
    secrets(conn, plan).await?;
    committed(conn, &plan.committed).await?;
    // Last: what the same transaction stored of them goes, too.
    erase(conn, &plan.erased).await.map_err(failure)?;
    events_and_rows(conn, plan).await
}

async fn guard(conn: &mut PgConnection, plan: &Plan) -> Result<(), Stop> {
    let mut stand: Vec<String> = Vec::new();
    if !plan.moved.is_empty() {
        stand.extend(move_heads(conn, &plan.moved).await?);
    }
    if !plan.opened.is_empty() {
        stand.extend(open_heads(conn, &plan.opened).await?);
    }
    let moved = plan.moved.iter().map(|(read, _)| &read.region);
    let mut lost: Vec<String> = moved
        .chain(plan.opened.iter().map(|head| &head.region))
        .filter(|region| !stand.contains(region))
        .cloned()
        .collect();
    let regions = plan.checked();
    if !regions.is_empty() {
        let now = read::heads(conn, &regions).await?;
        lost.extend(plan.check_lost(&now));
    }
    if lost.is_empty() {
        return Ok(());
    }
    lost.sort();
    Err(Stop::Outcome(Outcome::GuardLost(lost)))
}

/// Moves every head that still is as it was read; the regions of those. All are locked, in region order, and then looked at.
async fn move_heads(conn: &mut PgConnection, moved: &[(Head, Head)]) -> Result<Vec<String>> {
    let text = "WITH held AS MATERIALIZED (SELECT region FROM head WHERE region = ANY($1) ORDER BY region FOR UPDATE)
        UPDATE head SET epoch = n.epoch, size = n.size, root = n.root, frontier = n.frontier,
            at_ms = n.at_ms, fence = n.fence, alarm = n.alarm
        FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bigint[], $7::bigint[],
            $8::text[], $9::bigint[], $10::bigint[], $11::bytea[], $12::bigint[], $13::text[])
            AS n(region, epoch, size, root, frontier, at_ms, fence, alarm,
                 read_epoch, read_size, read_root, read_fence, read_alarm)
            JOIN held ON held.region = n.region
        WHERE head.region = n.region AND head.epoch = n.read_epoch AND head.size = n.read_size
            AND head.root = n.read_root AND head.fence = n.read_fence
            AND head.alarm IS NOT DISTINCT FROM n.read_alarm
        RETURNING head.region";
    let next = |pick: fn(&Head) -> i64| column(moved, |(_, next)| pick(next));
    let read = |pick: fn(&Head) -> i64| column(moved, |(read, _)| pick(read));
    sqlx::query_scalar(text)
        .bind(column(moved, |(_, next)| next.region.as_str()))
        .bind(next(|h| big(h.epoch)))
        .bind(next(|h| big(h.size)))
        .bind(column(moved, |(_, next)| &next.root[..]))
        .bind(column(moved, |(_, next)| next.frontier.as_slice()))
        .bind(next(|h| h.at_ms))
        .bind(next(|h| big(h.fence)))
        .bind(column(moved, |(_, next)| next.alarm.as_deref()))
        .bind(read(|h| big(h.epoch)))
        .bind(read(|h| big(h.size)))
        .bind(column(moved, |(read, _)| &read.root[..]))
        .bind(read(|h| big(h.fence)))
        .bind(column(moved, |(read, _)| read.alarm.as_deref()))
        .fetch_all(conn)
        .await
        .map_err(failure)
}

async fn open_heads(conn: &mut PgConnection, opened: &[Head]) -> Result<Vec<String>> {
    let text = "INSERT INTO head (region, epoch, size, root, frontier, at_ms, fence, alarm)
        SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bigint[],
            $7::bigint[], $8::text[])
        ON CONFLICT (region) DO NOTHING RETURNING region";
    sqlx::query_scalar(text)
        .bind(column(opened, |h| h.region.as_str()))
        .bind(column(opened, |h| big(h.epoch)))
        .bind(column(opened, |h| big(h.size)))
        .bind(column(opened, |h| &h.root[..]))
        .bind(column(opened, |h| h.frontier.as_slice()))
        .bind(column(opened, |h| h.at_ms))
        .bind(column(opened, |h| big(h.fence)))
        .bind(column(opened, |h| h.alarm.as_deref()))
        .fetch_all(conn)
        .await
        .map_err(failure)
}

async fn take(conn: &mut PgConnection, takes: &[Nullifier]) -> Result<(), Stop> {
    if takes.is_empty() {
        return Ok(());
    }
    let text = "INSERT INTO nullifier (tag, region, voucher)
        SELECT * FROM UNNEST($1::bytea[], $2::text[], $3::text[])
        ON CONFLICT (tag) DO NOTHING RETURNING tag";
    let taken: Vec<Vec<u8>> = sqlx::query_scalar(text)
        .bind(column(takes, |n| &n.tag[..]))
        .bind(column(takes, |n| n.region.as_str()))
        .bind(column(takes, |n| n.voucher.as_str()))
        .fetch_all(conn)
        .await
        .map_err(failure)?;
    if taken.len() == takes.len() {
        return Ok(());
    }
    let ours: std::collections::HashSet<Vec<u8>> = taken.into_iter().collect();
    let stand: Vec<Tag> = takes
        .iter()
        .map(|n| n.tag)
        .filter(|tag| !ours.contains(&tag[..]))
        .collect();
    Err(Stop::Outcome(Outcome::NullifierTaken(stand)))
}

async fn hand_on(conn: &mut PgConnection, pairs: &[(Nullifier, Nullifier)]) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let text = "UPDATE nullifier SET region = n.region, voucher = n.voucher
        FROM UNNEST($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[])
            AS n(tag, old_region, old_voucher, region, voucher)
        WHERE nullifier.tag = n.tag AND nullifier.region = n.old_region AND nullifier.voucher = n.old_voucher
        RETURNING nullifier.tag";
    let hit: Vec<Vec<u8>> = sqlx::query_scalar(text)
        .bind(column(pairs, |(old, _)| &old.tag[..]))
        .bind(column(pairs, |(old, _)| old.region.as_str()))
        .bind(column(pairs, |(old, _)| old.voucher.as_str()))
        .bind(column(pairs, |(_, new)| new.region.as_str()))
        .bind(column(pairs, |(_, new)| new.voucher.as_str()))
        .fetch_all(conn)
        .await
        .map_err(failure)?;
    all_hit(pairs.iter().map(|(old, _)| old), &hit)
}

async fn free(conn: &mut PgConnection, frees: &[Nullifier]) -> Result<()> {
    if frees.is_empty() {
        return Ok(());
    }
    let text = "DELETE FROM nullifier USING UNNEST($1::bytea[], $2::text[], $3::text[]) AS n(tag, region, voucher)
        WHERE nullifier.tag = n.tag AND nullifier.region = n.region AND nullifier.voucher = n.voucher
        RETURNING nullifier.tag";
    let hit: Vec<Vec<u8>> = sqlx::query_scalar(text)
        .bind(column(frees, |n| &n.tag[..]))
        .bind(column(frees, |n| n.region.as_str()))
        .bind(column(frees, |n| n.voucher.as_str()))
        .fetch_all(conn)
        .await
        .map_err(failure)?;
    all_hit(frees.iter(), &hit)
}

fn all_hit<'a>(wanted: impl Iterator<Item = &'a Nullifier>, hit: &[Vec<u8>]) -> Result<()> {
    let hit: std::collections::HashSet<&[u8]> = hit.iter().map(Vec::as_slice).collect();
    for nullifier in wanted {
        if !hit.contains(&nullifier.tag[..]) {
            return Err(StoreError::corrupt(
                "nullifier",
                "voucher",
                &nullifier.voucher,
            ));
        }
    }
    Ok(())
}

async fn committed(conn: &mut PgConnection, secrets: &[CommittedSecret]) -> Result<()> {
    if secrets.is_empty() {
        return Ok(());
    }
    let text = "INSERT INTO committed_secret (region, commitment, sealed)
        SELECT * FROM UNNEST($1::text[], $2::text[], $3::bytea[])";
    let inserted = sqlx::query(text)
        .bind(column(secrets, |s| s.region.as_str()))
        .bind(column(secrets, |s| s.commitment.as_str()))
        .bind(column(secrets, |s| s.sealed.as_slice()))
        .execute(conn)
        .await;
    match inserted {
        Ok(_) => Ok(()),
        Err(e) if constraint(&e) == Some("committed_secret_pkey") => Err(StoreError::corrupt(
            "committed_secret",
            "commitment",
            "a commitment made again",
        )),
        Err(e) => Err(failure(e)),
    }
}

/// Destroys ciphertexts, as far as they are there. Returns how many were.
pub(crate) async fn erase(conn: &mut PgConnection, erased: &Erased) -> Result<u64, sqlx::Error> {
    let mut gone = 0;
    if !erased.people.is_empty() {
        let text =
            "DELETE FROM person_secret USING UNNEST($1::text[], $2::text[]) AS n(region, person)
            WHERE person_secret.region = n.region AND person_secret.person = n.person";
        let done = sqlx::query(text)
            .bind(column(&erased.people, |p| p.region.as_str()))
            .bind(column(&erased.people, |p| p.person.as_str()))
            .execute(&mut *conn)
            .await?;
        gone += done.rows_affected();
    }
    if !erased.committed.is_empty() {
        let text = "DELETE FROM committed_secret USING UNNEST($1::text[], $2::text[]) AS n(region, commitment)
            WHERE committed_secret.region = n.region AND committed_secret.commitment = n.commitment";
        let done = sqlx::query(text)
            .bind(column(&erased.committed, |c| c.0.as_str()))
            .bind(column(&erased.committed, |c| c.1.as_str()))
            .execute(&mut *conn)
            .await?;
        gone += done.rows_affected();
    }
    Ok(gone)
}

async fn secrets(conn: &mut PgConnection, plan: &Plan) -> Result<(), Stop> {
    let new = &plan.secrets;
    if new.is_empty() {
        return Ok(());
    }
    let text = "INSERT INTO person_secret (region, person, tag, sealed)
        SELECT * FROM UNNEST($1::text[], $2::text[], $3::bytea[], $4::bytea[])
        ON CONFLICT (region, tag) DO NOTHING RETURNING region, person";
    let inserted = sqlx::query_as(text)
        .bind(column(new, |s| s.region.as_str()))
        .bind(column(new, |s| s.person.as_str()))
        .bind(column(new, |s| s.tag.as_slice()))
        .bind(column(new, |s| s.sealed.as_slice()))
        .fetch_all(conn)
        .await;
    let inserted: Vec<(String, String)> = match inserted {
        Ok(inserted) => inserted,
        Err(e) if constraint(&e) == Some("person_secret_pkey") => {
            return Err(
                StoreError::corrupt("person_secret", "person", "a person inserted again").into(),
            );
        }
        Err(e) => return Err(failure(e).into()),
    };
    let taken: Vec<PersonKey> = new
        .iter()
        .map(|secret| secret.key())
        .filter(|key| {
            !inserted
                .iter()
                .any(|(r, who)| *r == key.region && *who == key.person)
        })
        .collect();
    match taken.is_empty() {
        true => Ok(()),
        false => Err(Stop::Outcome(Outcome::TagTaken(taken))),
    }
}

async fn events_and_rows(conn: &mut PgConnection, plan: &Plan) -> Result<(), Stop> {
    let events = &plan.events;
    let tables: Vec<Table> = plan.rows.keys().copied().collect();
    let mut query = sqlx::query(WRITES.of(&tables))
        .bind(column(events, |e| e.region.as_str()))
        .bind(column(events, |e| big(e.epoch)))
        .bind(column(events, |e| big(e.idx)))
        .bind(column(events, |e| e.kind.as_str()))
        .bind(column(events, |e| e.stream.as_str()))
        .bind(column(events, |e| big(e.version)))
        .bind(column(events, |e| e.caller.as_deref()))
        .bind(column(events, |e| e.request.as_str()))
        .bind(column(events, |e| e.ordinal as i32))
        .bind(column(events, |e| e.digest.as_slice()))
        .bind(column(events, |e| e.at_ms))
        .bind(column(events, |e| &e.leaf[..]))
        .bind(column(events, |e| e.bytes.as_slice()));
    for (table, rows) in &plan.rows {
        query = query
            .bind(column(rows, |r| r.region.as_str()))
            .bind(column(rows, |r| r.id.as_str()))
            .bind(column(rows, |r| big(r.version)))
            .bind(column(rows, |r| r.leaf.as_ref().map(|leaf| &leaf[..])));
        for at in 0..table.spec().columns.len() {
            query = query.bind(column(rows, |r| r.columns[at].as_deref()));
        }
        query = query.bind(column(rows, |r| r.body.as_str()));
        if table.spec().links.is_empty() {
            continue;
        }
        let linked: Vec<(&Row, &[Option<String>])> = rows
            .iter()
            .filter_map(|row| Some((row, row.links.as_deref()?)))
            .collect();
        query = query
            .bind(column(&linked, |(row, _)| row.region.as_str()))
            .bind(column(&linked, |(row, _)| row.id.as_str()));
        for at in 0..table.spec().links.len() {
            query = query.bind(column(&linked, |(_, links)| links[at].as_deref()));
        }
    }
    match query.execute(conn).await {
        Ok(_) => Ok(()),
        // Of rows nothing is unique but the key, which an upsert takes as it is.
        Err(e) if constraint(&e).is_some() => Err(Stop::EventStands),
        Err(e) => Err(failure(e).into()),
    }
}

/// After the rollback: which requests were done before, or that an index beyond the head is taken.
async fn event_stands(conn: &mut PgConnection, plan: &Plan) -> Result<Outcome> {
    let mut found: Vec<RequestKey> = read::requests(conn, &plan.requests())
        .await?
        .iter()
        .filter_map(EventRow::request_key)
        .collect();
    found.dedup();
    match found.is_empty() {
        true => Err(StoreError::corrupt(
            "event",
            "idx",
            "an event beyond its head, or a request's ordinal twice",
        )),
        false => Ok(Outcome::RequestExists(found)),
    }
}

/// One column of many rows.
fn column<'a, R, T: 'a>(rows: &'a [R], pick: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(pick).collect()
}

/// The unique constraint that an error names.
fn constraint(error: &sqlx::Error) -> Option<&str> {
    let answer = error.as_database_error()?;
    match answer.is_unique_violation() {
        true => Some(answer.constraint().unwrap_or_default()),
        false => None,
    }
}
