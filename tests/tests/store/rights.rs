//! What a serving process may do to the log on PostgreSQL: add to it. Tried with the real role, and with a login that has no
//! other rights than that role's, so that giving the role back gains nothing.

use crate::build::*;
use hefu_store::{
    CheckpointRow, OpenOptions, Outcome, Store, StoreError, TILE_BYTES, TileKey, TileRow,
};
use hefu_tests::engines::{Engine, Place, fresh};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Ways to change what was written, or to get the right to.
const ATTEMPTS: [&str; 32] = [
    "UPDATE event SET kind = 'Paid'",
    "DELETE FROM event",
    "TRUNCATE event",
    "INSERT INTO event SELECT * FROM event ON CONFLICT (region, epoch, idx) DO UPDATE SET bytes = excluded.leaf",
    "MERGE INTO event e USING head h ON e.region = h.region WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM event RETURNING 1) SELECT count(*) FROM gone",
    "SELECT FROM event FOR UPDATE",
    "DO $$ BEGIN LOCK TABLE event IN ACCESS EXCLUSIVE MODE; END $$",
    "DROP TABLE event",
    "ALTER TABLE event RENAME TO elsewhere",
    "ALTER TABLE event DISABLE TRIGGER ALL",
    "ALTER TABLE event OWNER TO CURRENT_USER",
    "DROP INDEX event_stream",
    "CREATE TRIGGER quiet BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE nothing AS ON INSERT TO event DO INSTEAD NOTHING",
    "CREATE POLICY none ON event USING (false)",
    "COMMENT ON TABLE event IS 'mine'",
    "COPY event TO '/tmp/hefu-event-copy'",
    "COPY event FROM PROGRAM 'true'",
    "ALTER ROLE hefu_service SUPERUSER",
    "SET session_replication_role = replica",
    "SET SESSION AUTHORIZATION postgres",
    "SET ROLE postgres",
    "SET ROLE pg_write_all_data",
    "UPDATE checkpoint SET note = 'another'",
    "DELETE FROM checkpoint",
    "TRUNCATE checkpoint",
    "INSERT INTO checkpoint SELECT * FROM checkpoint ON CONFLICT (region, epoch, size) DO UPDATE SET note = 'another'",
    "DROP TABLE checkpoint",
    "DELETE FROM tile",
    "DELETE FROM _sqlx_migrations",
    "INSERT INTO _sqlx_migrations SELECT 99, 'mine', now(), true, checksum, 1 FROM _sqlx_migrations",
];

/// And those past a log that is in two parts, one of which holds it.
const PAST: [&str; 10] = [
    "SELECT FROM event_0_of_2",
    "SELECT FROM event_1_of_2",
    "INSERT INTO event_0_of_2 SELECT * FROM event",
    "UPDATE event_0_of_2 SET kind = 'Paid'",
    "UPDATE event_1_of_2 SET kind = 'Paid'",
    "DELETE FROM event_0_of_2",
    "DELETE FROM event_1_of_2",
    "TRUNCATE event_0_of_2, event_1_of_2",
    "ALTER TABLE event DETACH PARTITION event_0_of_2",
    "DROP TABLE event_1_of_2",
];

/// A log of one event with a checkpoint and a tile, and the address by which a login without rights of its own comes to it.
async fn signed() -> (Store, Place, String) {
    let (store, place) = fresh(Engine::Postgres).await;
    open_one(&store).await;
    let checkpoint = CheckpointRow {
        region: SHOUYANG.to_owned(),
        epoch: 0,
        size: 1,
        at_ms: 1,
        note: "a note".to_owned(),
    };
    let tile = TileRow {
        key: TileKey {
            region: SHOUYANG.to_owned(),
            epoch: 0,
            level: 0,
            idx: 0,
        },
        hashes: vec![1; TILE_BYTES],
    };
    store.publish(vec![tile], vec![checkpoint]).await.unwrap();
    // Roles are the cluster's: databases have names of their own, and so have these.
    let (owner, database) = place
        .url()
        .rsplit_once('/')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let login = format!("{database}_serves");
    let mut conn = PgConnection::connect(&place.url()).await.unwrap();
    let make = format!("CREATE ROLE {login} LOGIN; GRANT hefu_service TO {login}");
    conn.execute(AssertSqlSafe(make)).await.unwrap();
    let host = owner.rsplit('@').next().unwrap();
    (
        store,
        place,
        format!("postgres://{login}@{host}/{database}"),
    )
}

/// The login goes with its test.
async fn forget(place: &Place) {
    let database = place.url().rsplit_once('/').unwrap().1.to_owned();
    let mut conn = PgConnection::connect(&place.url()).await.unwrap();
    let forget = format!("DROP ROLE {database}_serves");
    conn.execute(AssertSqlSafe(forget)).await.unwrap();
}

#[tokio::test]
async fn nothing_that_was_written_of_a_log_can_be_changed_with_the_serving_rights() {
    let (store, place, url) = signed().await;
    tried(&store, &url, &ATTEMPTS).await;
    store.close().await;
    let owner = Store::open(&place.url(), OpenOptions::default())
        .await
        .unwrap();
    owner.partition(2).await.unwrap();
    owner.close().await;
    let store = place.open().await;
    tried(&store, &url, &[&ATTEMPTS[..], &PAST[..]].concat()).await;
    forget(&place).await;
}

/// Tries all of it, in vain.
async fn tried(store: &Store, url: &str, attempts: &[&'static str]) {
    let before = (
        store.events(SHOUYANG, 0, 0, 9).await.unwrap(),
        store.checkpoints(SHOUYANG, 0, 0, 9).await.unwrap(),
    );
    let mut conn = PgConnection::connect(url).await.unwrap();
    // In the role as a serving connection holds it, and after giving it back.
    for role in ["SET ROLE hefu_service", "RESET ROLE"] {
        // Who has nothing to give is warned, not refused; the attempts that follow show what it gave.
        conn.execute(role).await.unwrap();
        conn.execute("GRANT ALL ON event, checkpoint TO hefu_service")
            .await
            .unwrap();
        for attempt in attempts {
            conn.execute(role).await.unwrap();
            let Err(refused) = conn.execute(*attempt).await else {
                panic!("after {role}: {attempt}")
            };
            let code = refused.as_database_error().and_then(|error| error.code());
            // Insufficient privilege, and what MERGE is to a server that knows none.
            let code = code.unwrap_or_default().into_owned();
            assert!(
                code == "42501" || (code == "42601" && attempt.starts_with("MERGE")),
                "{attempt}: {refused}"
            );
        }
    }
    conn.close().await.unwrap();
    let after = (
        store.events(SHOUYANG, 0, 0, 9).await.unwrap(),
        store.checkpoints(SHOUYANG, 0, 0, 9).await.unwrap(),
    );
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_login_with_the_serving_rights_alone_serves() {
    let (owner, place, url) = signed().await;
    let serving = Store::open(&url, OpenOptions::default()).await.unwrap();
    serving.migrate().await.unwrap();
    assert!(!serving.is_empty().await.unwrap());
    let read = head_of(&serving, SHOUYANG).await;
    let committed = serving.commit(one(step(&read, &["r"]))).await;
    assert_eq!(committed, Ok(Outcome::Committed));
    let next = CheckpointRow {
        size: 2,
        ..serving.checkpoint(SHOUYANG, 0, 1).await.unwrap().unwrap()
    };
    let mut tile = serving
        .tiles(&[TileKey {
            region: SHOUYANG.to_owned(),
            epoch: 0,
            level: 0,
            idx: 0,
        }])
        .await
        .unwrap();
    tile[0].hashes[0] ^= 1;
    serving.publish(tile, vec![next.clone()]).await.unwrap();
    assert_eq!(owner.checkpoint(SHOUYANG, 0, 9).await.unwrap(), Some(next));
    serving.set_alarm(SHOUYANG, Some("a doubt")).await.unwrap();
    serving.set_meta("a", "b").await.unwrap();

    // Tables of another version are the owner's to bring up to date.
    let mut conn = PgConnection::connect(&place.url()).await.unwrap();
    conn.execute("UPDATE _sqlx_migrations SET checksum = checksum || 'x'::bytea")
        .await
        .unwrap();
    let refused = serving.migrate().await;
    assert!(
        matches!(&refused, Err(StoreError::Setup { what }) if what.contains("hefu migrate")),
        "{refused:?}"
    );
    serving.close().await;
    forget(&place).await;
}
