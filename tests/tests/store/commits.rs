//! What a commit may hold, and that it comes back as it went in.

use crate::build::*;
use hefu_store::{
    Commit, EventRow, Head, MAX_EVENT_BYTES, MAX_KEY_BYTES, Outcome, RegionCommit, Row, Store,
    StoreError, Table,
};
use hefu_tests::engines::Place;
use hefu_tests::on_both_engines;
use sqlx::{ConnectOptions, Executor};

async fn invalid(store: &Store, part: RegionCommit, column: &str) {
    match store.commit(one(part)).await {
        Err(StoreError::Invalid { column: found, .. }) => assert_eq!(found, column),
        other => panic!("{column}: {other:?}"),
    }
}

fn with_row(read: &Head, row: Row) -> RegionCommit {
    RegionCommit {
        rows: vec![row],
        ..step(read, &[])
    }
}

on_both_engines! {
    async fn every_table_gives_back_what_it_was_given(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let awkward = "a 'quoted' \"name\"; -- \\ 汉字 \u{1F600} \n %_ \u{FEFF}";
        let mut rows = Vec::new();
        for (number, table) in Table::ALL.into_iter().enumerate() {
            let mut full = row(table, SHOUYANG, &format!("{number}-{awkward}"), awkward);
            full.version = i64::MAX as u64;
            let filled = |columns: &[&str]| columns.iter().map(|column| Some(format!("{column} {awkward}"))).collect();
            full.columns = filled(table.spec().columns);
            full.links = full.links.map(|_| filled(table.spec().links));
            let empty = Row { leaf: None, version: 0, ..row(table, SHOUYANG, "empty", "") };
            rows.extend([full, empty]);
        }
        put(&store, &read, rows.clone()).await;
        let keys: Vec<_> = rows.iter().map(|row| fact(row.table, SHOUYANG, &row.id)).collect();
        let mut found = store.load(&keys).await.unwrap();
        found.sort_by_key(|row| (row.table, row.id.clone()));
        let facts: Vec<Row> = rows.iter().cloned().map(unlinked).collect();
        assert_eq!(found, facts);
        let mut whole = Vec::new();
        for table in Table::ALL {
            whole.extend(store.rows(table, SHOUYANG, None, 9).await.unwrap());
        }
        assert_eq!(whole, rows);
    }

    async fn a_row_that_is_written_without_its_links_keeps_them(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let mut first = voucher(SHOUYANG, "v1", "issued", None);
        first.links = first.links.map(|links| vec![Some("1".to_owned()); links.len()]);
        put(&store, &read, vec![first.clone()]).await;
        let next = unlinked(voucher(SHOUYANG, "v1", "enrolled", None));
        put(&store, &read, vec![next.clone()]).await;
        let stands = store.rows(Table::Voucher, SHOUYANG, None, 9).await.unwrap();
        assert_eq!(stands, [Row { links: first.links, ..next }]);
    }

    async fn an_upsert_replaces_the_whole_row(store: Store, _place: Place) {
        let read = open_one(&store).await;
        put(&store, &read, vec![voucher(SHOUYANG, "v1", "issued", Some("2023-06-01"))]).await;
        let next = Row { version: 2, leaf: None, body: "{\"b\":2}".to_owned(), ..voucher(SHOUYANG, "v1", "enrolled", None) };
        put(&store, &read, vec![next.clone()]).await;
        assert_eq!(store.load(&[fact(Table::Voucher, SHOUYANG, "v1")]).await.unwrap(), [unlinked(next)]);
    }

    async fn an_event_and_its_head_come_back_byte_for_byte(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let most = i64::MAX as u64;
        let mut part = step(&read, &["r"]);
        part.events[0] = EventRow {
            version: most,
            caller: None,
            ordinal: i32::MAX as u32,
            digest: vec![],
            at_ms: i64::MIN,
            bytes: (0..=255).cycle().take(MAX_EVENT_BYTES).collect(),
            ..part.events[0].clone()
        };
        part.next = Head { at_ms: i64::MAX, fence: most, frontier: vec![], ..part.next };
        let (event, next) = (part.events[0].clone(), part.next.clone());
        assert_eq!(store.commit(one(part)).await, Ok(Outcome::Committed));
        assert_eq!(store.events(SHOUYANG, 0, 1, 1).await.unwrap(), [event]);
        assert_eq!(head_of(&store, SHOUYANG).await, next);
    }

    async fn numbers_beyond_the_database_s_are_refused(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let beyond = i64::MAX as u64 + 1;
        invalid(&store, with_row(&read, Row { version: beyond, ..voucher(SHOUYANG, "v", "s", None) }), "version").await;
        let mut part = step(&read, &["r"]);
        part.events[0].ordinal = u32::MAX;
        invalid(&store, part, "ordinal").await;
        let mut part = step(&read, &[]);
        part.next.fence = beyond;
        invalid(&store, part, "fence").await;
    }

    async fn text_that_one_engine_could_not_hold_is_refused_by_both(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let long = "x".repeat(MAX_KEY_BYTES + 1);
        for bad in ["a\0b", long.as_str(), ""] {
            invalid(&store, with_row(&read, row(Table::Policy, SHOUYANG, bad, "{}")), "id").await;
        }
        invalid(&store, with_row(&read, row(Table::Policy, SHOUYANG, "p", "{\0}")), "body").await;
        invalid(&store, with_row(&read, voucher(SHOUYANG, "v", "sta\0te", None)), "state").await;
        let mut part = step(&read, &["r"]);
        part.events[0].stream = "voucher/\0".to_owned();
        invalid(&store, part, "stream").await;
        assert!(matches!(store.set_alarm(SHOUYANG, Some("\0")).await, Err(StoreError::Invalid { .. })));
        assert!(matches!(store.set_meta("key", "\0").await, Err(StoreError::Invalid { .. })));
        assert_eq!(head_of(&store, SHOUYANG).await, read);
    }

    async fn an_event_longer_than_the_log_allows_is_refused(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let mut part = step(&read, &["r"]);
        part.events[0].bytes = vec![b' '; MAX_EVENT_BYTES + 1];
        invalid(&store, part, "bytes").await;
        let long = row(Table::Policy, SHOUYANG, "p", &" ".repeat(hefu_store::MAX_BODY_BYTES + 1));
        invalid(&store, with_row(&read, long), "body").await;
    }

    async fn a_commit_that_contradicts_itself_is_refused(store: Store, _place: Place) {
        let heads = opened(&store, &[SHOUYANG, QIXIAN]).await;
        let read = &heads[0];
        let mut gap = step(read, &["r"]);
        gap.events[0].idx = 2;
        invalid(&store, gap, "idx").await;
        let mut short = step(read, &["r"]);
        short.next.size = 3;
        invalid(&store, short, "size").await;
        invalid(&store, with_row(read, voucher(QIXIAN, "v", "s", None)), "region").await;
        let mut twice = with_row(read, voucher(SHOUYANG, "v", "s", None));
        twice.rows.push(twice.rows[0].clone());
        invalid(&store, twice, "id").await;
        let mut narrow = with_row(read, voucher(SHOUYANG, "v", "s", None));
        narrow.rows[0].columns.pop();
        invalid(&store, narrow, "*").await;
        let foreign = Commit { takes: vec![nullifier(1, QIXIAN, "v")], ..one(step(read, &["r"])) };
        assert!(matches!(store.commit(foreign).await, Err(StoreError::Invalid { column: "region", .. })));
        let takes = vec![nullifier(1, SHOUYANG, "v"), nullifier(1, SHOUYANG, "w")];
        let twice = Commit { takes, ..one(step(read, &["r"])) };
        assert!(matches!(store.commit(twice).await, Err(StoreError::Invalid { column: "tag", .. })));
    }

    async fn the_log_refuses_to_be_edited(store: Store, place: Place) {
        let read = open_one(&store).await;
        store.commit(one(step(&read, &["r"]))).await.unwrap();
        let before = store.events(SHOUYANG, 0, 0, 9).await.unwrap();
        for edit in ["UPDATE event SET kind = 'Paid'", "DELETE FROM event", "UPDATE event SET idx = idx + 1"] {
            // As a serving process could: on PostgreSQL in the role that its connections hold.
            let refused = match &place {
                Place::Sqlite(folder) => {
                    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("hefu.db"));
                    options.connect().await.unwrap().execute(edit).await.unwrap_err()
                }
                Place::Postgres(database) => {
                    let mut conn = database.connect().await;
                    conn.execute("SET ROLE hefu_service").await.unwrap();
                    conn.execute(edit).await.unwrap_err()
                }
            };
            let said = refused.to_string();
            assert!(said.contains("append-only") || said.contains("permission denied"), "{said}");
        }
        assert_eq!(store.events(SHOUYANG, 0, 0, 9).await.unwrap(), before);
    }

    async fn a_row_that_nobody_can_have_written_is_named(store: Store, place: Place) {
        let read = open_one(&store).await;
        put(&store, &read, vec![voucher(SHOUYANG, "v1", "issued", None)]).await;
        behind_its_back(&place, "UPDATE voucher SET version = -1").await;
        let corrupt = StoreError::Corrupt { table: "voucher", column: "version", key: "v1".to_owned() };
        assert_eq!(store.load(&[fact(Table::Voucher, SHOUYANG, "v1")]).await, Err(corrupt));
        behind_its_back(&place, "UPDATE head SET root = substr(root, 1, 31)").await;
        let corrupt = StoreError::Corrupt { table: "head", column: "root", key: SHOUYANG.to_owned() };
        assert_eq!(store.all_heads().await, Err(corrupt));
    }
}

async fn behind_its_back(place: &Place, edit: &'static str) {
    let done = match place {
        Place::Sqlite(folder) => {
            let options =
                sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("hefu.db"));
            options
                .connect()
                .await
                .unwrap()
                .execute(edit)
                .await
                .map(|done| done.rows_affected())
        }
        Place::Postgres(database) => database
            .connect()
            .await
            .execute(edit)
            .await
            .map(|done| done.rows_affected()),
    };
    assert_eq!(done.unwrap(), 1);
}
