//! One transaction on SQLite: BEGIN IMMEDIATE is the lock, prepared rows are the bulk form.

use super::{Lane, failure, read};
use crate::commit::{Erased, Outcome, Plan};
use crate::error::{Result, StoreError};
use crate::faults::Fault;
use crate::rows::{CommittedSecret, EventRow, Head, Row, big};
use crate::sql;
use crate::tables::Table;
use crate::times::Passed;
use rusqlite::{CachedStatement, Connection, ErrorCode, ffi, params};
use std::sync::LazyLock;

/// Of each table, the upsert of a row and that of its links, where it has any.
static UPSERTS: LazyLock<Vec<(String, Option<String>)>> = LazyLock::new(|| {
    let of = |table: Table| {
        let row = upsert(table.spec().name, &sql::columns(table));
        let links = sql::links(table).map(|(name, columns)| upsert(&name, &columns));
        (row, links)
    };
    Table::ALL.map(of).into()
});

fn upsert(name: &str, columns: &[&str]) -> String {
    let marks = vec!["?"; columns.len()].join(", ");
    format!(
        "INSERT INTO {name} ({}) VALUES ({marks}) {}",
        sql::joined(columns, ""),
        sql::overwrite(columns),
    )
}

pub(super) fn commit(conn: &Connection, plan: &Plan, fault: Option<Fault>) -> Result<Outcome> {
    plan.times.pass(Passed::Begun);
    conn.execute_batch("BEGIN IMMEDIATE").map_err(failure)?;
    finish(conn, plan, fault)
}

/// Writes inside a held transaction and ends it.
pub(crate) async fn commit_held(
    mut lane: Lane,
    plan: Plan,
    fault: Option<Fault>,
) -> Result<Outcome> {
    lane.ask(move |conn| {
        if conn.is_autocommit() {
            return Err(StoreError::unavailable(
                "the transaction was held too long and has ended",
            ));
        }
        finish(conn, &plan, fault)
    })
    .await
}

fn finish(conn: &Connection, plan: &Plan, fault: Option<Fault>) -> Result<Outcome> {
    let written = write(conn, plan).and_then(|outcome| match (&outcome, fault) {
        (Outcome::Committed, Some(Fault::BeforeCommit)) => {
            Err(StoreError::unavailable("a failure on demand before COMMIT"))
        }
        (Outcome::Committed, Some(Fault::Disk)) => {
            Err(StoreError::fatal("a disk failure on demand"))
        }
        _ => Ok(outcome),
    });
    match written {
        Ok(Outcome::Committed) if fault == Some(Fault::CutBeforeCommit) => {
            roll_back(conn)?;
            Err(StoreError::unknown("a cut on demand, before COMMIT"))
        }
        Ok(Outcome::Committed) => {
            plan.times.pass(Passed::Sent);
            conn.execute_batch("COMMIT").map_err(at_commit)?;
            match fault {
                Some(Fault::CutAfterCommit | Fault::CutDuringCommit) => {
                    Err(StoreError::unknown("a cut on demand, after COMMIT"))
                }
                _ => Ok(Outcome::Committed),
            }
        }
        Ok(outcome) => roll_back(conn).map(|()| outcome),
        Err(e @ StoreError::Fatal { .. }) => Err(e), // nothing is asked of that connection any more
        Err(e) => roll_back(conn).and(Err(e)),
    }
}

fn roll_back(conn: &Connection) -> Result<()> {
    if conn.is_autocommit() {
        return Ok(()); // some errors end the transaction by themselves
    }
    conn.execute_batch("ROLLBACK")
        .map_err(|e| StoreError::fatal(format!("rolling back: {e}")))
}

/// Whatever COMMIT says but yes, what it wrote is unknown; after a failed disk nobody asks again.
fn at_commit(error: rusqlite::Error) -> StoreError {
    match failure(error) {
        fatal @ StoreError::Fatal { .. } => fatal,
        other => StoreError::unknown(other),
    }
}

fn write(conn: &Connection, plan: &Plan) -> Result<Outcome> {
    let lost = guard(conn, plan)?;
    if !lost.is_empty() {
        return Ok(Outcome::GuardLost(lost));
    }
    let taken = nullifiers(conn, plan)?;
    if !taken.is_empty() {
        return Ok(Outcome::NullifierTaken(taken));
    }
    if let Some(outcome) = secrets(conn, plan)? {
        return Ok(outcome);
    }
    committed(conn, &plan.committed)?;
    // Last: what the same transaction stored of them goes, too.
    erase(conn, &plan.erased)?;
    if !events(conn, &plan.events)? {
        let mut found: Vec<_> = read::requests(conn, &plan.requests())?
            .into_iter()
            .filter(|old| !plan.events.contains(old)) // those before the clash are here already
            .filter_map(|event| event.request_key())
            .collect();
        found.dedup();
        return match found.is_empty() {
            true => Err(StoreError::corrupt(
                "event",
                "ordinal",
                "a request's events repeat an ordinal",
            )),
            false => Ok(Outcome::RequestExists(found)),
        };
    }
    for (table, rows) in &plan.rows {
        let (text, links) = &UPSERTS[*table as usize];
        let mut statement = conn.prepare_cached(text).map_err(failure)?;
        for row in rows {
            upsert_row(&mut statement, row).map_err(failure)?;
        }
        let Some(text) = links else { continue };
        let mut statement = conn.prepare_cached(text).map_err(failure)?;
        for row in rows {
            upsert_links(&mut statement, row).map_err(failure)?;
        }
    }
    Ok(Outcome::Committed)
}

/// Moves every head that still is as it was read; the regions of those that are not.
fn guard(conn: &Connection, plan: &Plan) -> Result<Vec<String>> {
    let mut lost = Vec::new();
    let text = "UPDATE head SET epoch = ?2, size = ?3, root = ?4, frontier = ?5, at_ms = ?6, fence = ?7, alarm = ?8
         WHERE region = ?1 AND epoch = ?9 AND size = ?10 AND root = ?11 AND fence = ?12 AND alarm IS ?13";
    let mut update = conn.prepare_cached(text).map_err(failure)?;
    for (read, next) in &plan.moved {
        let hit = update
            .execute(params![
                next.region,
                big(next.epoch),
                big(next.size),
                next.root,
                next.frontier,
                next.at_ms,
                big(next.fence),
                next.alarm,
                big(read.epoch),
                big(read.size),
                read.root,
                big(read.fence),
                read.alarm,
            ])
            .map_err(failure)?;
        if hit != 1 {
            lost.push(read.region.clone());
        }
    }
    let text = "INSERT INTO head (region, epoch, size, root, frontier, at_ms, fence, alarm)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (region) DO NOTHING";
    let mut insert = conn.prepare_cached(text).map_err(failure)?;
    for Head {
        region,
        epoch,
        size,
        root,
        frontier,
        at_ms,
        fence,
        alarm,
    } in &plan.opened
    {
        let hit = insert
            .execute(params![
                region,
                big(*epoch),
                big(*size),
                root,
                frontier,
                at_ms,
                big(*fence),
                alarm
            ])
            .map_err(failure)?;
        if hit != 1 {
            lost.push(region.clone());
        }
    }
    let checked = plan.checked();
    if !checked.is_empty() {
        let now = read::heads(conn, &checked)?;
        lost.extend(plan.check_lost(&now));
    }
    lost.sort();
    Ok(lost)
}

fn nullifiers(conn: &Connection, plan: &Plan) -> Result<Vec<crate::rows::Tag>> {
    let text = "INSERT INTO nullifier (tag, region, voucher) VALUES (?1, ?2, ?3) ON CONFLICT (tag) DO NOTHING";
    let mut take = conn.prepare_cached(text).map_err(failure)?;
    let mut taken = Vec::new();
    for new in &plan.takes {
        if take
            .execute((new.tag, &new.region, &new.voucher))
            .map_err(failure)?
            != 1
        {
            taken.push(new.tag);
        }
    }
    let text = "UPDATE nullifier SET region = ?4, voucher = ?5 WHERE tag = ?1 AND region = ?2 AND voucher = ?3";
    let mut hand_on = conn.prepare_cached(text).map_err(failure)?;
    for (old, new) in &plan.handed_on {
        let hit = hand_on
            .execute((
                old.tag,
                &old.region,
                &old.voucher,
                &new.region,
                &new.voucher,
            ))
            .map_err(failure)?;
        hit_one(hit, "nullifier", "voucher", &old.voucher)?;
    }
    let text = "DELETE FROM nullifier WHERE tag = ?1 AND region = ?2 AND voucher = ?3";
    let mut free = conn.prepare_cached(text).map_err(failure)?;
    for old in &plan.frees {
        let hit = free
            .execute((old.tag, &old.region, &old.voucher))
            .map_err(failure)?;
        hit_one(hit, "nullifier", "voucher", &old.voucher)?;
    }
    Ok(taken)
}

fn secrets(conn: &Connection, plan: &Plan) -> Result<Option<Outcome>> {
    let text = "INSERT INTO person_secret (region, person, tag, sealed) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (region, tag) DO NOTHING";
    let mut insert = conn.prepare_cached(text).map_err(failure)?;
    let mut taken = Vec::new();
    for secret in &plan.secrets {
        let inserted =
            insert.execute((&secret.region, &secret.person, &secret.tag, &secret.sealed));
        match inserted {
            Ok(1) => {}
            Ok(_) => taken.push(secret.key()),
            Err(e) if is_constraint(&e) => {
                return Err(StoreError::corrupt(
                    "person_secret",
                    "person",
                    &secret.person,
                ));
            }
            Err(e) => return Err(failure(e)),
        }
    }
    Ok((!taken.is_empty()).then_some(Outcome::TagTaken(taken)))
}

/// Destroys ciphertexts, as far as they are there. Returns how many were.
pub(crate) fn erase(conn: &Connection, erased: &Erased) -> Result<usize> {
    let mut gone = 0;
    let text = "DELETE FROM person_secret WHERE region = ?1 AND person = ?2";
    let mut remove = conn.prepare_cached(text).map_err(failure)?;
    for person in &erased.people {
        let place = (&person.region, &person.person);
        gone += remove.execute(place).map_err(failure)?;
    }
    let text = "DELETE FROM committed_secret WHERE region = ?1 AND commitment = ?2";
    let mut remove = conn.prepare_cached(text).map_err(failure)?;
    for place in &erased.committed {
        gone += remove.execute((&place.0, &place.1)).map_err(failure)?;
    }
    Ok(gone)
}

fn committed(conn: &Connection, secrets: &[CommittedSecret]) -> Result<()> {
    let text = "INSERT INTO committed_secret (region, commitment, sealed) VALUES (?1, ?2, ?3)";
    let mut insert = conn.prepare_cached(text).map_err(failure)?;
    for secret in secrets {
        insert
            .execute((&secret.region, &secret.commitment, &secret.sealed))
            .map_err(|e| match is_constraint(&e) {
                true => StoreError::corrupt("committed_secret", "commitment", &secret.commitment),
                false => failure(e),
            })?;
    }
    Ok(())
}

/// False where a request has events already.
fn events(conn: &Connection, events: &[EventRow]) -> Result<bool> {
    let text = format!(
        "INSERT INTO event ({}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        sql::EVENT
    );
    let mut insert = conn.prepare_cached(&text).map_err(failure)?;
    for e in events {
        let inserted = insert.execute(params![
            e.region,
            big(e.epoch),
            big(e.idx),
            e.kind,
            e.stream,
            big(e.version),
            e.caller,
            e.request,
            e.ordinal,
            e.digest,
            e.at_ms,
            e.leaf,
            e.bytes,
        ]);
        match inserted {
            Ok(_) => {}
            Err(rusqlite::Error::SqliteFailure(code, _))
                if code.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE =>
            {
                return Ok(false);
            }
            // The head says that this index is free.
            Err(error) if is_constraint(&error) => {
                return Err(StoreError::corrupt(
                    "event",
                    "idx",
                    format!("{}/{}/{}", e.region, e.epoch, e.idx),
                ));
            }
            Err(error) => return Err(failure(error)),
        }
    }
    Ok(true)
}

fn upsert_row(statement: &mut CachedStatement<'_>, row: &Row) -> rusqlite::Result<usize> {
    statement.raw_bind_parameter(1, &row.region)?;
    statement.raw_bind_parameter(2, &row.id)?;
    statement.raw_bind_parameter(3, big(row.version))?;
    statement.raw_bind_parameter(4, row.leaf)?;
    let mut next = 5;
    for column in &row.columns {
        statement.raw_bind_parameter(next, column)?;
        next += 1;
    }
    statement.raw_bind_parameter(next, &row.body)?;
    statement.raw_execute()
}

/// Nothing, where they stay as they are.
fn upsert_links(statement: &mut CachedStatement<'_>, row: &Row) -> rusqlite::Result<usize> {
    let Some(links) = &row.links else {
        return Ok(0);
    };
    statement.raw_bind_parameter(1, &row.region)?;
    statement.raw_bind_parameter(2, &row.id)?;
    for (at, link) in (3..).zip(links) {
        statement.raw_bind_parameter(at, link)?;
    }
    statement.raw_execute()
}

fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn hit_one(hit: usize, table: &'static str, column: &'static str, key: &str) -> Result<()> {
    match hit {
        1 => Ok(()),
        _ => Err(StoreError::corrupt(table, column, key)),
    }
}
