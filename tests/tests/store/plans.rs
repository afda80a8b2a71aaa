//! Which indexes PostgreSQL takes on a database that is young: plans are made then, and kept.

use std::time::Duration;

use crate::build::*;
use hefu_store::{OpenOptions, RequestKey, Store, Table};
use hefu_tests::engines::{Engine, fresh};
use sqlx::{Connection as _, PgConnection};

/// The indexes of vouchers and events in which anything was looked up, once something was in both.
async fn looked_up(url: &str) -> Vec<String> {
    let mut conn = PgConnection::connect(url).await.unwrap();
    let text = "SELECT indexrelname::text FROM pg_stat_user_indexes
        WHERE relname IN ('voucher', 'event') AND idx_scan > 0 ORDER BY indexrelname";
    // A connection tells what it did when it ends, or a little later.
    for _ in 0..200 {
        let found: Vec<String> = sqlx::query_scalar(text).fetch_all(&mut conn).await.unwrap();
        let of = |table| found.iter().any(|index| index.starts_with(table));
        if of("voucher") && of("event") {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("PostgreSQL counted no look-up");
}

#[tokio::test]
async fn rows_are_looked_up_by_their_own_keys_before_any_table_was_analysed() {
    let (store, place) = fresh(Engine::Postgres).await;
    let read = open_one(&store).await;
    let due = Some("2023-06-01T00:00:00.000Z");
    put(&store, &read, vec![voucher(SHOUYANG, "a", "issued", due)]).await;
    let loaded = store.load(&[fact(Table::Voucher, SHOUYANG, "a")]).await;
    assert_eq!(loaded.unwrap().len(), 1);
    let request = RequestKey {
        region: SHOUYANG.to_owned(),
        caller: "nobody".to_owned(),
        request: "none".to_owned(),
    };
    assert!(store.requests(&[request]).await.unwrap().is_empty());
    store.close().await;
    let indexes = looked_up(&place.url()).await;
    assert_eq!(indexes, ["event_request", "voucher_pkey"]);
}

/// How many entries of an index were read.
async fn entries_read(url: &str, index: &str) -> i64 {
    let mut conn = PgConnection::connect(url).await.unwrap();
    let text =
        "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = $1 AND idx_scan >= 20";
    for _ in 0..200 {
        let read = sqlx::query_scalar(text)
            .bind(index)
            .fetch_optional(&mut conn)
            .await;
        if let Some(read) = read.unwrap() {
            return read;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("PostgreSQL counted no look-up");
}

#[tokio::test]
async fn a_plan_made_over_empty_tables_is_good_once_they_are_full() {
    let (made, place) = fresh(Engine::Postgres).await;
    made.close().await;
    let one = OpenOptions {
        deciders: 1,
        ..OpenOptions::default()
    };
    let store = Store::open(&place.url(), one).await.unwrap();
    let read = open_one(&store).await;
    let look_up = async |times: usize| {
        for _ in 0..times {
            let key = fact(Table::Voucher, SHOUYANG, "v00007");
            store.load(&[key]).await.unwrap();
        }
    };
    // From the sixth time on the connection keeps its plan.
    look_up(10).await;
    let rows = (0..2_000).map(|n| voucher(SHOUYANG, &format!("v{n:05}"), "issued", None));
    put(&store, &read, rows.collect()).await;
    look_up(10).await;
    store.close().await;
    let read = entries_read(&place.url(), "voucher_pkey").await;
    assert!((10..100).contains(&read), "{read} entries for 20 look-ups");
}

#[tokio::test]
async fn analyse_leaves_out_what_no_statement_looks_for() {
    let (store, place) = fresh(Engine::Postgres).await;
    store.close().await;
    let mut conn = PgConnection::connect(&place.url()).await.unwrap();
    let text = "SELECT attname::text FROM pg_attribute WHERE attrelid = 'voucher'::regclass AND attnum > 0 AND attstattarget = $1
        ORDER BY attname";
    let mut columns = async |target: i32| {
        let found = sqlx::query_scalar(text).bind(target).fetch_all(&mut conn);
        let found: Vec<String> = found.await.unwrap();
        found
    };
    assert_eq!(columns(10).await, ["due", "id", "region", "state"]);
    assert!(columns(0).await.contains(&"body".to_owned()));
    assert!(columns(-1).await.is_empty());
}

#[tokio::test]
async fn a_snapshot_that_ends_gives_its_connection_to_the_next() {
    let (made, place) = fresh(Engine::Postgres).await;
    made.close().await;
    let store = Store::open(&place.url(), OpenOptions::default())
        .await
        .unwrap();
    let mut conn = PgConnection::connect(&place.url()).await.unwrap();
    // Those whose last statement ended a snapshot; whoever looked at the server when the store was opened may still be on its way out.
    let text = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hefu' AND query = 'ROLLBACK'";
    let mut connected = async || {
        let found: Vec<i32> = sqlx::query_scalar(text).fetch_all(&mut conn).await.unwrap();
        found
    };
    store.snapshot().await.unwrap().end().await.unwrap();
    let first = connected().await;
    assert_eq!(first.len(), 1);
    for _ in 0..5 {
        let mut snapshot = store.snapshot().await.unwrap();
        assert_eq!(snapshot.all_heads().await.unwrap(), []);
        snapshot.end().await.unwrap();
    }
    // The pool looks at what it gets back before it hands it out, so another may have been made meanwhile; the first is there still.
    let now = connected().await;
    assert!(now.contains(&first[0]), "{first:?}, {now:?}");
}
