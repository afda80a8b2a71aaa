//! The tables that grow, parted by region on PostgreSQL: what stood there stands there still, and calls do as they did.

use crate::build::*;
use hefu_store::{OpenOptions, Outcome, RequestKey, Store, StoreError, Table};
use hefu_tests::engines::{Engine, fresh};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const REGIONS: [&str; 3] = [SHOUYANG, QIXIAN, PINGYAO];

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

/// All that a table holds.
async fn contents(url: &str, table: &str) -> (i64, String) {
    let text = format!(
        "SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM {table} AS t"
    );
    let row = sqlx::query_as(AssertSqlSafe(text));
    row.fetch_one(&mut connect(url).await).await.unwrap()
}

async fn names(url: &str, text: &'static str) -> Vec<String> {
    let found = sqlx::query_scalar(text);
    found.fetch_all(&mut connect(url).await).await.unwrap()
}

/// The parts of the log, with the number under which each is kept.
async fn parts(url: &str) -> Vec<String> {
    let text = "SELECT inhrelid::regclass::text || ' ' || inhrelid FROM pg_inherits WHERE inhparent = 'event'::regclass ORDER BY 1";
    names(url, text).await
}

/// The keys and indexes of the tables that are parted; of a part of theirs, those of the table.
async fn indexes(url: &str) -> Vec<String> {
    let text = "SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') || coalesce(' ' || contype::text, '')
        FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid AND conrelid = indrelid
        WHERE indisvalid AND indrelid IN ('event'::regclass, 'voucher'::regclass, 'voucher_link'::regclass) ORDER BY 1";
    names(url, text).await
}

/// Parts the tables while nobody else is connected.
async fn part(url: &str, parts: u32) -> Result<(), StoreError> {
    let store = Store::open(url, OpenOptions::default()).await.unwrap();
    let done = store.partition(parts).await;
    store.close().await;
    done
}

/// A log of every region, with vouchers.
async fn filled(store: &Store) {
    for read in opened(store, &REGIONS).await {
        let rows = (0..20).map(|n| {
            let due = (n % 2 == 0).then_some("2023-06-01T00:00:00.000Z");
            voucher(&read.region, &format!("v{n}"), "issued", due)
        });
        put(store, &read, rows.collect()).await;
    }
}

#[tokio::test]
async fn parted_tables_hold_what_they_held_however_they_stood_before() {
    let (store, place) = fresh(Engine::Postgres).await;
    filled(&store).await;
    store.close().await;
    let url = place.url();
    let tables = ["event", "voucher", "voucher_link"];
    let mut before = Vec::new();
    for table in tables {
        before.push(contents(&url, table).await);
    }
    assert_eq!((before[0].0, before[1].0, before[2].0), (3, 60, 60));
    let keys = indexes(&url).await;
    for (count, each) in [(3_usize, "event_2_of_3"), (2, "event_1_of_2")] {
        part(&url, count as u32).await.unwrap();
        for (table, before) in tables.iter().zip(&before) {
            assert_eq!(contents(&url, table).await, *before, "{table}");
        }
        assert_eq!(indexes(&url).await, keys);
        let stand = parts(&url).await;
        assert_eq!(stand.len(), count);
        assert!(stand.last().unwrap().starts_with(each), "{stand:?}");
        // What stands so already is left alone.
        part(&url, count as u32).await.unwrap();
        assert_eq!(parts(&url).await, stand);
    }
    let others =
        "SELECT relname::text FROM pg_class WHERE relname LIKE '%before%' OR relname LIKE '%_of_3'";
    assert_eq!(names(&url, others).await, [""; 0]);
    let sampled = "SELECT DISTINCT attrelid::regclass::text FROM pg_attribute
        WHERE attname = 'body' AND attstattarget = 0 AND attrelid::regclass::text LIKE 'voucher%' ORDER BY 1";
    let both = ["voucher", "voucher_0_of_2", "voucher_1_of_2"];
    assert_eq!(names(&url, sampled).await, both);
}

#[tokio::test]
async fn a_parted_log_takes_each_event_and_each_request_once() {
    let (made, place) = fresh(Engine::Postgres).await;
    made.close().await;
    part(&place.url(), 2).await.unwrap();
    let store = place.open().await;
    filled(&store).await;
    let read = head_of(&store, SHOUYANG).await;
    let both = one(step(&read, &["a", "b"]));
    assert_eq!(store.commit(both).await, Ok(Outcome::Committed));
    // Over a head that has moved on, and of a request that was done.
    let late = one(step(&read, &["c"]));
    assert_eq!(
        store.commit(late).await,
        Ok(Outcome::GuardLost(vec![SHOUYANG.to_owned()]))
    );
    let read = head_of(&store, SHOUYANG).await;
    let again = RequestKey {
        region: SHOUYANG.to_owned(),
        caller: "clerk".to_owned(),
        request: "a".to_owned(),
    };
    assert_eq!(
        store.commit(one(step(&read, &["a"]))).await,
        Ok(Outcome::RequestExists(vec![again]))
    );
    assert_eq!(head_of(&store, SHOUYANG).await, read);
    // A row is replaced in its part.
    put(&store, &read, vec![voucher(SHOUYANG, "v1", "paid", None)]).await;
    let key = fact(Table::Voucher, SHOUYANG, "v1");
    let row = store.load(&[key]).await.unwrap().remove(0);
    let state = Table::Voucher.spec().position("state").unwrap();
    assert_eq!(row.columns[state].as_deref(), Some("paid"));
    assert_eq!(contents(&place.url(), "voucher").await.0, 60);
}

#[tokio::test]
async fn young_parted_tables_are_looked_up_by_their_own_keys() {
    let (made, place) = fresh(Engine::Postgres).await;
    made.close().await;
    part(&place.url(), 4).await.unwrap();
    let store = Store::open(&place.url(), OpenOptions::default())
        .await
        .unwrap();
    filled(&store).await;
    let request = RequestKey {
        region: SHOUYANG.to_owned(),
        caller: "nobody".to_owned(),
        request: "none".to_owned(),
    };
    assert!(store.requests(&[request]).await.unwrap().is_empty());
    let found = store.load(&[fact(Table::Voucher, SHOUYANG, "v1")]).await;
    assert_eq!(found.unwrap().len(), 1);
    store.close().await;
    let text = "SELECT DISTINCT inhparent::regclass::text FROM pg_stat_user_indexes JOIN pg_inherits ON inhrelid = indexrelid
        WHERE idx_scan > 0 AND (relname LIKE 'event%' OR relname LIKE 'voucher\\___of%') ORDER BY 1";
    // A connection tells what it did when it ends, or a little later.
    for _ in 0..200 {
        let used = names(&place.url(), text).await;
        if used == ["event_request", "voucher_pkey"] {
            return;
        }
        assert!(used.len() < 2, "{used:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("PostgreSQL counted no look-up");
}

#[tokio::test]
async fn tables_are_parted_into_two_to_sixty_four_and_on_postgresql_only() {
    let refused = |done: Result<(), StoreError>, why: &str| match done {
        Err(StoreError::Setup { what }) => assert!(what.contains(why), "{what}"),
        other => panic!("{other:?}"),
    };
    let (store, _place) = fresh(Engine::Sqlite).await;
    refused(store.partition(4).await, "PostgreSQL");
    let (store, place) = fresh(Engine::Postgres).await;
    for parts in [0, 1, 65] {
        refused(store.partition(parts).await, "2 to 64");
    }
    assert_eq!(parts(&place.url()).await, [""; 0]);
}

#[tokio::test]
async fn nothing_is_parted_while_somebody_serves() {
    let (store, place) = fresh(Engine::Postgres).await;
    filled(&store).await;
    let before = contents(&place.url(), "event").await;
    match part(&place.url(), 2).await {
        Err(StoreError::Setup { what }) => assert!(what.contains("stop its servers"), "{what}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(parts(&place.url()).await, [""; 0]);
    assert_eq!(contents(&place.url(), "event").await, before);
    let read = head_of(&store, SHOUYANG).await;
    assert_eq!(
        store.commit(one(step(&read, &["r"]))).await,
        Ok(Outcome::Committed)
    );
    store.close().await;
    part(&place.url(), 2).await.unwrap();
    assert_eq!(contents(&place.url(), "event").await.0, before.0 + 1);
}
