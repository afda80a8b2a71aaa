//! Tiles and checkpoints on PostgreSQL.

use super::read::{counter, decode, get};
use super::{Conn, failure};
use crate::error::{Result, StoreError};
use crate::published::{CheckpointPage, CheckpointRow, TileKey, TileRow};
use crate::rows::big;
use sqlx::postgres::{PgConnection, PgRow};

/// Writes all of it in one transaction. A tile made again replaces the one that stands; a checkpoint that is published stays.
pub(crate) async fn publish(
    mut conn: Conn,
    tiles: &[TileRow],
    checkpoints: &[CheckpointRow],
) -> Result<()> {
    conn.begin("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    put_tiles(conn.as_mut(), tiles).await?;
    put_checkpoints(conn.as_mut(), checkpoints).await?;
    conn.commit().await.map_err(failure)
}

async fn put_tiles(conn: &mut PgConnection, tiles: &[TileRow]) -> Result<()> {
    let text = "INSERT INTO tile (region, epoch, level, idx, hashes)
        SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::int[], $4::bigint[], $5::bytea[])
        ON CONFLICT (region, epoch, level, idx) DO UPDATE SET hashes = excluded.hashes";
    let (regions, epochs, levels, places) = places(tiles.iter().map(|tile| &tile.key));
    let hashes: Vec<&[u8]> = tiles.iter().map(|tile| tile.hashes.as_slice()).collect();
    let put = sqlx::query(text)
        .bind(regions)
        .bind(epochs)
        .bind(levels)
        .bind(places)
        .bind(hashes);
    put.execute(conn).await.map_err(failure).map(|_| ())
}

async fn put_checkpoints(conn: &mut PgConnection, checkpoints: &[CheckpointRow]) -> Result<()> {
    let text = "INSERT INTO checkpoint (region, epoch, size, at_ms, note)
        SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
        ON CONFLICT (region, epoch, size) DO NOTHING";
    let text_of = |of: fn(&CheckpointRow) -> &str| checkpoints.iter().map(of).collect::<Vec<_>>();
    let number_of = |of: fn(&CheckpointRow) -> i64| checkpoints.iter().map(of).collect::<Vec<_>>();
    let put = sqlx::query(text)
        .bind(text_of(|c| &c.region))
        .bind(number_of(|c| big(c.epoch)))
        .bind(number_of(|c| big(c.size)))
        .bind(number_of(|c| c.at_ms))
        .bind(text_of(|c| &c.note));
    put.execute(conn).await.map_err(failure).map(|_| ())
}

pub(crate) async fn tiles(conn: &mut PgConnection, keys: &[TileKey]) -> Result<Vec<TileRow>> {
    let text = "SELECT t.region, t.epoch, t.level, t.idx, t.hashes
        FROM UNNEST($1::text[], $2::bigint[], $3::int[], $4::bigint[]) AS k(r, e, l, i)
        JOIN tile t ON t.region = k.r AND t.epoch = k.e AND t.level = k.l AND t.idx = k.i";
    let (regions, epochs, levels, places) = places(keys.iter());
    let rows = sqlx::query(text)
        .bind(regions)
        .bind(epochs)
        .bind(levels)
        .bind(places)
        .fetch_all(conn)
        .await;
    decode(rows, tile)
}

pub(crate) async fn checkpoints(
    conn: &mut PgConnection,
    page: &CheckpointPage,
) -> Result<Vec<CheckpointRow>> {
    let text = if page.down {
        "SELECT region, epoch, size, at_ms, note FROM checkpoint
         WHERE region = $1 AND epoch = $2 AND size <= $3 ORDER BY size DESC LIMIT $4"
    } else {
        "SELECT region, epoch, size, at_ms, note FROM checkpoint
         WHERE region = $1 AND epoch = $2 AND size >= $3 ORDER BY size LIMIT $4"
    };
    let rows = sqlx::query(text)
        .bind(&page.region)
        .bind(big(page.epoch))
        .bind(big(page.from))
        .bind(i64::from(page.limit))
        .fetch_all(conn)
        .await;
    decode(rows, checkpoint)
}

/// Tile keys by column.
fn places<'a>(
    keys: impl Iterator<Item = &'a TileKey> + Clone,
) -> (Vec<&'a str>, Vec<i64>, Vec<i32>, Vec<i64>) {
    (
        keys.clone().map(|key| key.region.as_str()).collect(),
        keys.clone().map(|key| big(key.epoch)).collect(),
        keys.clone().map(|key| i32::from(key.level)).collect(),
        keys.map(|key| big(key.idx)).collect(),
    )
}

fn tile(r: &PgRow) -> Result<TileRow> {
    let region: String = get(r, 0, "tile", "region", String::new)?;
    let key = || region.clone();
    let level: i32 = get(r, 2, "tile", "level", key)?;
    Ok(TileRow {
        hashes: get(r, 4, "tile", "hashes", key)?,
        key: TileKey {
            epoch: counter(r, 1, "tile", "epoch", key)?,
            level: u8::try_from(level).map_err(|_| StoreError::corrupt("tile", "level", key()))?,
            idx: counter(r, 3, "tile", "idx", key)?,
            region: region.clone(),
        },
    })
}

fn checkpoint(r: &PgRow) -> Result<CheckpointRow> {
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
