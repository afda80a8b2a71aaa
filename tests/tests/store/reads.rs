//! Pages, streams, lists and snapshots.

use crate::build::*;
use hefu_store::{FactKey, Head, ListQuery, Row, Scope, Shown, Store, StoreError, Table};
use hefu_tests::on_both_engines;

fn of_state(scope: Scope, state: &str) -> ListQuery {
    ListQuery {
        table: Table::Voucher,
        scope,
        equals: vec![("state", state.to_owned())],
        due_before: None,
        shown: Shown::All,
        after: None,
        limit: 100,
    }
}

/// A row with a body and columns of its table.
fn bodied(table: Table, id: &str, body: &str, columns: &[(&str, &str)]) -> Row {
    let mut row = row(table, SHOUYANG, id, body);
    for (column, value) in columns {
        let value = Some((*value).to_owned());
        match table.spec().position(column) {
            Some(at) => row.columns[at] = value,
            None => row.links.as_mut().unwrap()[table.spec().link(column).unwrap()] = value,
        }
    }
    row
}

/// The ids of a region's rows that are shown so, by pages of one row each: none is empty.
async fn shown(store: &Store, table: Table, shown: Shown) -> String {
    shown_of(store, table, vec![], shown).await
}

/// The same, of the rows with these columns.
async fn shown_of(
    store: &Store,
    table: Table,
    equals: Vec<(&'static str, String)>,
    shown: Shown,
) -> String {
    let mut query = ListQuery {
        table,
        equals,
        limit: 1,
        shown,
        ..of_state(Scope::Region(SHOUYANG.to_owned()), "")
    };
    let count = store.count(&query).await.unwrap();
    let mut ids = Vec::new();
    while let Some(row) = store.list(&query).await.unwrap().pop() {
        query.after = Some((row.region, row.id.clone()));
        ids.push(row.id);
    }
    assert_eq!(ids.len() as u64, count);
    ids.join(" ")
}

fn of(institution: &str, person: &str) -> Shown {
    Shown::Of {
        institution: institution.to_owned(),
        person: person.to_owned(),
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

    async fn a_status_list_has_its_own_vouchers_entries_as_they_stand_now(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let listed = |id: &str, list: &str, entry: &str| {
            bodied(Table::Voucher, id, "{}", &[("status_list", list), ("status_entry", entry)])
        };
        let rows = vec![
            listed("v1", "0", "0/0"),
            listed("v2", "0", "65535/0"),
            listed("v3", "1", "0/0"),
            listed("v4", "10", "0/1"),
            // Applied for, without a token yet.
            bodied(Table::Voucher, "v5", "{}", &[]),
        ];
        put(&store, &read, rows).await;
        put(&store, &read, vec![listed("v2", "0", "65535/3")]).await;
        let entries = async |region: &str, list: u64| {
            let mut entries = store.status_entries(region, list).await.unwrap();
            entries.sort();
            entries.join(" ")
        };
        assert_eq!(entries(SHOUYANG, 0).await, "0/0 65535/3");
        assert_eq!(entries(SHOUYANG, 1).await, "0/0");
        assert_eq!(entries(SHOUYANG, 10).await, "0/1");
        assert_eq!(entries(SHOUYANG, 2).await, "");
        assert_eq!(entries("140727", 0).await, "");
    }

    async fn an_institution_is_shown_what_it_has_a_part_in_and_pages_tell_of_nothing_else(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let class = |id: &str, deliverer: &str, payee: &str, sponsor: &str| {
            let parts = [("state", "open"), ("deliverer", deliverer), ("payee", payee), ("sponsor", sponsor)];
            bodied(Table::Class, id, "{}", &parts)
        };
        let session = |id: &str, body: &str, payee: &str| {
            bodied(Table::AssessmentSession, id, "{}", &[("assessor", body), ("payee", payee)])
        };
        let sheet = |id: &str, payee: &str, body: &str| bodied(Table::Sheet, id, body, &[("payee", payee)]);
        let voucher = |id: &str, body: &str, columns: &[(&str, &str)]| bodied(Table::Voucher, id, body, columns);
        let rows = vec![
            class("c1", "A", "A", "A"),
            class("c2", "B", "A", "B"),
            class("c3", "B", "B", "A"),
            class("c4", "B", "B", "B"),
            session("s1", "A", "B"),
            session("s2", "B", "A"),
            session("s3", "B", "B"),
            sheet("t1", "A", r#"{"notice_until":"2023-06-01"}"#),
            sheet("t2", "B", r#"{"notice_until":"2023-06-02"}"#),
            sheet("t3", "B", "{}"),
            voucher("v1", "{}", &[("employer", "A")]),
            voucher("v2", "{}", &[("applicant", "A/desk")]),
            voucher("v3", "{}", &[("applicant", "A/other")]),
            voucher("v4", "{}", &[("occasion", "c2")]),
            voucher("v5", "{}", &[("occasion", "c4")]),
            voucher("v6", "{}", &[("occasion", "s2")]),
            voucher("v7", "{}", &[("sheet", "t1"), ("written_off", "t1")]),
            voucher("v8", "{}", &[("sheet", "t2"), ("written_off", "t2")]),
            voucher("v9", "{}", &[("employer", "B"), ("occasion", "s3"), ("sheet", "t1")]),
        ];
        put(&store, &read, rows).await;
        let own = || of("A", "A/desk");
        assert_eq!(shown(&store, Table::Class, own()).await, "c1 c2 c3");
        assert_eq!(shown(&store, Table::AssessmentSession, own()).await, "s1 s2");
        assert_eq!(shown(&store, Table::Sheet, own()).await, "t1");
        assert_eq!(shown(&store, Table::Voucher, own()).await, "v1 v2 v4 v6 v7");
        assert_eq!(shown(&store, Table::Voucher, of("C", "C/desk")).await, "");
        // However the list is narrowed down, the same rows of it are shown.
        let narrowed = async |table, column, value: &str| {
            let equals = vec![(column, value.to_owned())];
            shown_of(&store, table, equals, own()).await
        };
        assert_eq!(narrowed(Table::Class, "deliverer", "B").await, "c2 c3");
        assert_eq!(narrowed(Table::Class, "state", "open").await, "c1 c2 c3");
        assert_eq!(narrowed(Table::Class, "state", "done").await, "");
        assert_eq!(narrowed(Table::Voucher, "occasion", "c2").await, "v4");
        assert_eq!(narrowed(Table::Voucher, "occasion", "c4").await, "");
        assert_eq!(narrowed(Table::Voucher, "occasion", "s2").await, "v6");
        assert_eq!(narrowed(Table::Voucher, "sheet", "t1").await, "v7");
        assert_eq!(narrowed(Table::Voucher, "employer", "A").await, "v1");
        assert_eq!(shown(&store, Table::Voucher, Shown::All).await.len(), 9 * 3 - 1);
        let day = |day: &str| Shown::Noticed { day: day.to_owned() };
        assert_eq!(shown(&store, Table::Sheet, day("2023-06-01")).await, "t1 t2");
        assert_eq!(shown(&store, Table::Sheet, day("2023-06-02")).await, "t2");
        assert_eq!(shown(&store, Table::Sheet, day("2023-06-03")).await, "");
        let quoted = shown(&store, Table::Voucher, of("' OR '1'='1", "%")).await;
        assert_eq!(quoted, "");
    }

    async fn what_is_due_comes_earliest_first_but_for_what_the_bureau_has_to_decide_on(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let at = |day: &str| format!("2023-06-{day}T00:00:00.000Z");
        let claimed = |id: &str, sheet: &str| {
            let mut row = voucher(SHOUYANG, id, "claimed", Some(&at("01")));
            row.columns[Table::Voucher.spec().position("sheet").unwrap()] = Some(sheet.to_owned());
            row
        };
        let rows = vec![
            voucher(SHOUYANG, "a", "issued", Some(&at("03"))),
            voucher(SHOUYANG, "b", "enrolled", Some(&at("02"))),
            voucher(SHOUYANG, "c", "applied", None),
            claimed("d", "open"),
            claimed("e", "submitted"),
            bodied(Table::Sheet, "open", "{}", &[("state", "open")]),
            bodied(Table::Sheet, "submitted", "{}", &[("state", "submitted")]),
        ];
        put(&store, &read, rows).await;
        let due = async |before: &str, most: u32| store.due(SHOUYANG, &at(before), most).await.unwrap();
        assert_eq!(due("04", 10).await, ["d", "b", "a"]);
        assert_eq!(due("03", 10).await, ["d", "b"]);
        assert_eq!(due("04", 1).await, ["d"]);
        assert!(due("01", 10).await.is_empty());
        let next = async |from: &str| store.next_due(SHOUYANG, &at(from)).await.unwrap();
        assert_eq!(next("02").await, Some(at("02")));
        assert_eq!(next("04").await, None);
        assert_eq!(store.next_due("140727", "").await.unwrap(), None);
    }

    async fn what_is_hidden_is_shown_to_its_own_only(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let entry = |id: &str, of: &str| bodied(Table::CatalogueEntry, id, "{}", &[("institution", of)]);
        let rows = vec![
            entry("1", "sealed-a"),
            entry("2", "open-a"),
            entry("3", "sealed-b"),
            row(Table::Institution, SHOUYANG, "open-a", "{}"),
            row(Table::Institution, SHOUYANG, "sealed-a", "{}"),
        ];
        put(&store, &read, rows).await;
        let clear = |own: &str| Shown::Clear { hidden: "sealed-".to_owned(), own: own.to_owned() };
        assert_eq!(shown(&store, Table::CatalogueEntry, clear("")).await, "2");
        assert_eq!(shown(&store, Table::CatalogueEntry, clear("sealed-b")).await, "2 3");
        assert_eq!(shown(&store, Table::Institution, clear("open-a")).await, "open-a");
        assert_eq!(shown(&store, Table::Institution, clear("sealed-a")).await, "open-a sealed-a");
        let wrong = ListQuery { shown: of("A", "A/desk"), ..of_state(Scope::Region(SHOUYANG.to_owned()), "issued") };
        let wrong = ListQuery { table: Table::Account, equals: vec![], ..wrong };
        assert!(matches!(store.list(&wrong).await, Err(StoreError::Invalid { column: "shown", .. })));
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
