//! Tiles and checkpoints on SQLite.

use super::failure;
use super::read::{counter, get, select};
use crate::error::Result;
use crate::published::{CheckpointPage, CheckpointRow, TileKey, TileRow};
use crate::rows::big;
use rusqlite::{Connection, Row, params};

/// Writes all of it in one transaction. A tile made again replaces the one that stands; a checkpoint that is published stays.
pub(crate) fn publish(
    conn: &Connection,
    tiles: &[TileRow],
    checkpoints: &[CheckpointRow],
) -> Result<()> {
    let transaction =
        rusqlite::Transaction::new_unchecked(conn, rusqlite::TransactionBehavior::Immediate)
            .map_err(failure)?;
    for tile in tiles {
        let text =
            "INSERT INTO tile (region, epoch, level, idx, hashes) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (region, epoch, level, idx) DO UPDATE SET hashes = excluded.hashes";
        let key = &tile.key;
        let bound = params![
            key.region,
            big(key.epoch),
            key.level,
            big(key.idx),
            tile.hashes
        ];
        let mut statement = transaction.prepare_cached(text).map_err(failure)?;
        statement.execute(bound).map_err(failure)?;
    }
    for c in checkpoints {
        let text =
            "INSERT INTO checkpoint (region, epoch, size, at_ms, note) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (region, epoch, size) DO NOTHING";
        let bound = params![c.region, big(c.epoch), big(c.size), c.at_ms, c.note];
        let mut statement = transaction.prepare_cached(text).map_err(failure)?;
        statement.execute(bound).map_err(failure)?;
    }
    transaction.commit().map_err(failure)
}

pub(crate) fn tiles(conn: &Connection, keys: &[TileKey]) -> Result<Vec<TileRow>> {
    let text = "SELECT region, epoch, level, idx, hashes FROM tile
         WHERE region = ?1 AND epoch = ?2 AND level = ?3 AND idx = ?4";
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let bound = params![key.region, big(key.epoch), key.level, big(key.idx)];
        select(conn, text, bound, &mut found, tile)?;
    }
    Ok(found)
}

pub(crate) fn checkpoints(conn: &Connection, page: &CheckpointPage) -> Result<Vec<CheckpointRow>> {
    let text = if page.down {
        "SELECT region, epoch, size, at_ms, note FROM checkpoint
         WHERE region = ?1 AND epoch = ?2 AND size <= ?3 ORDER BY size DESC LIMIT ?4"
    } else {
        "SELECT region, epoch, size, at_ms, note FROM checkpoint
         WHERE region = ?1 AND epoch = ?2 AND size >= ?3 ORDER BY size LIMIT ?4"
    };
    let mut found = Vec::new();
    let bound = params![page.region, big(page.epoch), big(page.from), page.limit];
    select(conn, text, bound, &mut found, checkpoint)?;
    Ok(found)
}

fn tile(r: &Row<'_>) -> Result<TileRow> {
    let region: String = get(r, 0, "tile", "region", String::new)?;
    let key = || region.clone();
    Ok(TileRow {
        hashes: get(r, 4, "tile", "hashes", key)?,
        key: TileKey {
            epoch: counter(r, 1, "tile", "epoch", key)?,
            level: get(r, 2, "tile", "level", key)?,
            idx: counter(r, 3, "tile", "idx", key)?,
            region: region.clone(),
        },
    })
}

fn checkpoint(r: &Row<'_>) -> Result<CheckpointRow> {
    let region: String = get(r, 0, "checkpoint", "region", String::new)?;
    let key = || region.clone();
    Ok(CheckpointRow {
        epoch: counter(r, 1, "checkpoint", "epoch", key)?,
        size: counter(r, 2, "checkpoint", "size", key)?,
        at_ms: get(r, 3, "checkpoint", "at_ms", key)?,
        note: get(r, 4, "checkpoint", "note", key)?,
        region: region.clone(),
    })
}
