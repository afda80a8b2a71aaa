//! A region's rows as an older backup has them. On SQLite that is an older file and on PostgreSQL an older dump; what a test
//! does here by hand leaves the same rows.

use hefu_domain::state::RegionState;
use hefu_domain::{Key, Place};
use hefu_store::Head;
use hefu_tests::engines::Engine as Kind;

use crate::desk::{Desk, HERE};

/// Puts the county back to where its head was, with all that followed taken away: events, the grants that they made, and what the
/// region's own row had from them.
pub(crate) async fn restore(desk: &Desk, backup: &Head) {
    let (epoch, size) = (backup.epoch, backup.size);
    let after =
        format!("region = '{HERE}' AND (epoch > {epoch} OR (epoch = {epoch} AND idx >= {size}))");
    let granted = format!("region = '{HERE}' AND leaf IN (SELECT leaf FROM event WHERE {after})");
    let run = async |sql: String| desk.field.tamper(Box::leak(sql.into_boxed_str())).await;
    run(format!("DELETE FROM credential WHERE {granted}")).await;
    run(format!("DELETE FROM event WHERE {after}")).await;
    let stream = format!("event WHERE region = '{HERE}' AND stream = 'region_state/region'");
    run(format!(
        "UPDATE region_state SET version = (SELECT max(version) FROM {stream}), leaf = (SELECT leaf FROM {stream} ORDER BY version DESC LIMIT 1) WHERE region = '{HERE}'"
    ))
    .await;
    run(format!(
        "DELETE FROM checkpoint WHERE region = '{HERE}' AND (epoch > {epoch} OR size > {size})"
    ))
    .await;
    if desk.field.head(HERE).await.epoch > backup.epoch {
        undo_fork(desk, backup).await;
    }
    set_head(desk, backup).await;
}

/// What a fork moved on in the region's own row: where the next token stands, which is the first place again, since none was issued.
async fn undo_fork(desk: &Desk, backup: &Head) {
    assert_eq!(backup.epoch, 0, "an earlier fork's place would stay");
    let key = hefu_engine::rows::fact_key(HERE, &Key::Region);
    let row = desk.field.store().load(&[key]).await.unwrap().remove(0);
    let mut state: RegionState = serde_json::from_str(&row.body).unwrap();
    state.next_place = Place::default();
    let body = serde_json::to_string(&state).unwrap();
    let sql = format!("UPDATE region_state SET body = '{body}' WHERE region = '{HERE}'");
    desk.field.tamper(Box::leak(sql.into_boxed_str())).await;
}

/// Sets the head straight in the database: the store would not do it.
pub(crate) async fn set_head(desk: &Desk, head: &Head) {
    let sql = format!(
        "UPDATE head SET epoch = {}, size = {}, root = {}, frontier = {}, at_ms = {}, fence = {}, alarm = NULL WHERE region = '{HERE}'",
        head.epoch,
        head.size,
        literal(desk, &head.root),
        literal(desk, &head.frontier),
        head.at_ms,
        head.fence,
    );
    desk.field.tamper(Box::leak(sql.into_boxed_str())).await;
}

/// Bytes as they are written in a statement.
pub(crate) fn literal(desk: &Desk, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match desk.field.place.engine() {
        Kind::Sqlite => format!("x'{hex}'"),
        Kind::Postgres => format!("'\\x{hex}'"),
    }
}
