//! Pages, streams, lists and snapshots.

use crate::build::*;
use hefu_store::{FactKey, Head, ListQuery, Row, Scope, Store, StoreError, Table};
use hefu_tests::on_both_engines;

fn of_state(scope: Scope, state: &str) -> ListQuery {
    ListQuery {
        table: Table::Voucher,
        scope,
        equals: vec![("state", state.to_owned())],
        due_before: None,
        after: None,
        limit: 100,
    }
}

fn places(rows: &[Row]) -> Vec<(&str, &str)> {
    rows.iter()
        .map(|row| (row.region.as_str(), row.id.as_str()))
        .collect()
}

/// Three regions with vouchers a to d; every second one is paid.
async fn stocked(store: &Store) -> Vec<Head> {
    let heads = opened(store, &[SHOUYANG, QIXIAN, "150100"]).await;
    for head in &heads {
        let states = [
            ("a", "issued"),
            ("b", "paid"),
            ("c", "issued"),
            ("d", "paid"),
        ];
        let rows = states.map(|(id, state)| {
            voucher(
                &head.region,
                id,
                state,
                Some(&format!("2023-0{}-01", id.len())),
            )
        });
        put(store, head, rows.to_vec()).await;
    }
    heads
}

on_both_engines! {
    async fn events_page_by_index_and_by_stream(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let requests: Vec<String> = (0..20).map(|n| format!("r{n}")).collect();
        let requests: Vec<&str> = requests.iter().map(String::as_str).collect();
        store.commit(one(step(&read, &requests))).await.unwrap();
        let page = store.events(SHOUYANG, 0, 5, 4).await.unwrap();
        assert_eq!(page.iter().map(|e| e.idx).collect::<Vec<_>>(), [5, 6, 7, 8]);
        assert_eq!(store.events(SHOUYANG, 0, 21, 4).await.unwrap(), []);
        assert_eq!(store.events(SHOUYANG, 0, u64::MAX, 4).await.unwrap(), []);
        assert_eq!(store.events(SHOUYANG, 1, 0, 4).await.unwrap(), []);
        let first = store.events_of_stream(SHOUYANG, "voucher/2", None, 3).await.unwrap();
        assert_eq!(first.iter().map(|e| e.idx).collect::<Vec<_>>(), [2, 5, 8]);
        let rest = store.events_of_stream(SHOUYANG, "voucher/2", Some((0, 8)), 100).await.unwrap();
        assert_eq!(rest.iter().map(|e| e.idx).collect::<Vec<_>>(), [11, 14, 17, 20]);
    }

    async fn events_since_a_head_go_on_into_the_next_epoch(store: Store, _place: Place) {
        let read = open_one(&store).await;
        store.commit(one(step(&read, &["a", "b"]))).await.unwrap();
        let old = head_of(&store, SHOUYANG).await;
        let mut fork = step(&Head { size: 0, epoch: 1, ..old.clone() }, &["fork"]);
        fork.events[0].epoch = 1;
        fork.read = Some(old);
        assert_eq!(store.commit(one(fork)).await, Ok(hefu_store::Outcome::Committed));
        let since = store.events_since(&read).await.unwrap();
        let keys: Vec<_> = since.iter().map(|e| (e.epoch, e.idx)).collect();
        assert_eq!(keys, [(0, 1), (0, 2), (1, 0)]);
        assert_eq!(store.events_since(&head_of(&store, SHOUYANG).await).await.unwrap(), []);
    }

    async fn a_list_filters_one_region_or_all_under_a_prefix(store: Store, _place: Place) {
        stocked(&store).await;
        let here = store.list(&of_state(Scope::Region(QIXIAN.to_owned()), "issued")).await.unwrap();
        assert_eq!(places(&here), [(QIXIAN, "a"), (QIXIAN, "c")]);
        let city = of_state(Scope::Under(vec!["1407".to_owned()]), "paid");
        let there = store.list(&city).await.unwrap();
        assert_eq!(places(&there), [(SHOUYANG, "b"), (SHOUYANG, "d"), (QIXIAN, "b"), (QIXIAN, "d")]);
        assert_eq!(store.count(&city).await.unwrap(), 4);
        assert_eq!(store.count(&of_state(Scope::Under(vec![String::new()]), "paid")).await.unwrap(), 6);
        assert_eq!(store.list(&of_state(Scope::Region("999999".to_owned()), "paid")).await.unwrap(), []);
    }

    async fn pages_of_a_list_meet_without_gap_or_overlap(store: Store, _place: Place) {
        stocked(&store).await;
        let mut query = ListQuery { equals: vec![], limit: 3, ..of_state(Scope::Under(vec![String::new()]), "") };
        let mut all = Vec::new();
        loop {
            let page = store.list(&query).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 3);
            query.after = Some((last.region.clone(), last.id.clone()));
            all.extend(page);
        }
        let mut want = Vec::new();
        for region in [SHOUYANG, QIXIAN, "150100"] {
            want.extend(["a", "b", "c", "d"].map(|id| (region, id)));
        }
        assert_eq!(places(&all), want);
    }

    async fn what_is_due_is_listed_before_its_instant_and_not_at_it(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let rows = vec![
            voucher(SHOUYANG, "a", "issued", Some("2023-06-01T00:00:00.000Z")),
            voucher(SHOUYANG, "b", "issued", Some("2023-05-31T23:59:59.999Z")),
            voucher(SHOUYANG, "c", "issued", None),
        ];
        put(&store, &read, rows).await;
        let due = ListQuery {
            due_before: Some("2023-06-01T00:00:00.000Z".to_owned()),
            ..of_state(Scope::Region(SHOUYANG.to_owned()), "issued")
        };
        assert_eq!(places(&store.list(&due).await.unwrap()), [(SHOUYANG, "b")]);
        assert_eq!(store.count(&due).await.unwrap(), 1);
    }

    async fn a_list_by_what_is_no_index_column_is_refused(store: Store, _place: Place) {
        open_one(&store).await;
        let mut query = of_state(Scope::Region(SHOUYANG.to_owned()), "issued");
        query.equals = vec![("body", "{}".to_owned())];
        assert!(matches!(store.list(&query).await, Err(StoreError::Invalid { column: "body", .. })));
        let due = ListQuery { table: Table::Policy, equals: vec![], due_before: Some("2".to_owned()), ..query };
        assert!(matches!(store.list(&due).await, Err(StoreError::Invalid { column: "due", .. })));
    }

    async fn a_question_with_nul_is_refused_alike(store: Store, _place: Place) {
        open_one(&store).await;
        let asked = store.load(&[fact(Table::Voucher, SHOUYANG, "a\0")]).await;
        assert!(matches!(asked, Err(StoreError::Invalid { .. })));
        assert!(matches!(store.heads(&["\0".to_owned()]).await, Err(StoreError::Invalid { .. })));
        let asked = store.list(&of_state(Scope::Region(SHOUYANG.to_owned()), "\0")).await;
        assert!(matches!(asked, Err(StoreError::Invalid { .. })));
    }

    async fn ids_are_ordered_by_their_bytes(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let ids = ["A", "Z", "a", "aa", "b", "é", "汉", "\u{1F600}"];
        put(&store, &read, ids.iter().rev().map(|id| voucher(SHOUYANG, id, "s", None)).collect()).await;
        let rows = store.rows(Table::Voucher, SHOUYANG, None, 100).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ids);
        let rows = store.rows(Table::Voucher, SHOUYANG, Some("b"), 2).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["é", "汉"]);
    }

    async fn a_load_of_many_keys_finds_those_that_are_there(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let rows: Vec<Row> = (0..2_000).map(|n| voucher(SHOUYANG, &format!("v{n:05}"), "s", None)).collect();
        put(&store, &read, rows).await;
        let keys: Vec<FactKey> = (1_000..3_000).map(|n| fact(Table::Voucher, SHOUYANG, &format!("v{n:05}"))).collect();
        assert_eq!(store.load(&keys).await.unwrap().len(), 1_000);
        assert_eq!(store.load(&[]).await.unwrap(), []);
    }

    async fn a_snapshot_does_not_see_what_is_committed_after_it(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let mut snapshot = store.snapshot().await.unwrap();
        let mut part = step(&read, &["r"]);
        part.rows.push(voucher(SHOUYANG, "v1", "issued", None));
        let mut commit = one(part);
        commit.takes.push(nullifier(1, SHOUYANG, "v1"));
        assert_eq!(store.commit(commit).await, Ok(hefu_store::Outcome::Committed));
        assert_eq!(snapshot.all_heads().await.unwrap(), [read]);
        assert_eq!(snapshot.events(SHOUYANG, 0, 0, 9).await.unwrap().len(), 1);
        assert_eq!(snapshot.rows(Table::Voucher, SHOUYANG, None, 9).await.unwrap(), []);
        assert_eq!(snapshot.all_nullifiers(None, 9).await.unwrap(), []);
        drop(snapshot);
        let mut now = store.snapshot().await.unwrap();
        assert_eq!(now.events(SHOUYANG, 0, 0, 9).await.unwrap().len(), 2);
        assert_eq!(now.all_nullifiers(None, 9).await.unwrap().len(), 1);
    }

    async fn the_clock_of_the_database_is_a_clock(store: Store, _place: Place) {
        let first = store.clock_ms().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let second = store.clock_ms().await.unwrap();
        assert!(first > 1_600_000_000_000, "{first}");
        assert!((first + 15..first + 60_000).contains(&second), "{first} {second}");
    }
}
