//! Which indexes PostgreSQL takes on a database that is young: plans are made then, and kept.

use std::time::Duration;

use crate::build::*;
use hefu_store::{RequestKey, Table};
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
