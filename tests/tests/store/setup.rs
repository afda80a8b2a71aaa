//! Opening, migrating, closing, and who may write.

use crate::build::*;
use hefu_store::{Access, OpenOptions, Outcome, Store, StoreError};
use hefu_tests::engines::{Engine, Place, fresh};
use hefu_tests::on_both_engines;

on_both_engines! {
    async fn what_was_committed_is_there_after_opening_again(store: Store, place: Place) {
        let read = open_one(&store).await;
        store.commit(one(step(&read, &["r"]))).await.unwrap();
        store.close().await;
        let again = place.open().await;
        assert_eq!(head_of(&again, SHOUYANG).await.size, 2);
        assert_eq!(again.events(SHOUYANG, 0, 0, 9).await.unwrap().len(), 2);
    }

    async fn a_closed_store_says_so(store: Store, _place: Place) {
        let read = open_one(&store).await;
        store.close().await;
        store.close().await;
        let late = store.commit(one(step(&read, &["r"]))).await;
        assert!(matches!(late, Err(StoreError::Unavailable { .. })), "{late:?}");
        assert!(matches!(store.all_heads().await, Err(StoreError::Unavailable { .. })));
        assert!(matches!(store.locked(&[]).await.map(|_| ()), Err(StoreError::Unavailable { .. })));
    }

    async fn a_store_is_empty_until_its_first_region(store: Store, place: Place) {
        let bare = Place::new(place.engine()).await;
        let before = Store::open(&bare.url(), OpenOptions::default()).await.unwrap();
        assert!(before.is_empty().await.unwrap(), "without a schema");
        assert!(store.is_empty().await.unwrap());
        open_one(&store).await;
        assert!(!store.is_empty().await.unwrap());
    }

    async fn migrating_again_changes_nothing(store: Store, _place: Place) {
        let read = open_one(&store).await;
        store.migrate().await.unwrap();
        assert_eq!(store.all_heads().await.unwrap(), [read]);
    }

    async fn a_reader_looks_on_while_another_process_serves(store: Store, place: Place) {
        let read = open_one(&store).await;
        let reader = Store::open(&place.url(), OpenOptions::reading()).await.unwrap();
        assert_eq!(reader.all_heads().await.unwrap(), std::slice::from_ref(&read));
        assert!(matches!(reader.commit(one(step(&read, &["r"]))).await, Err(StoreError::Setup { .. })));
        assert!(matches!(reader.migrate().await, Err(StoreError::Setup { .. })));
        assert!(matches!(reader.set_meta("a", "b").await, Err(StoreError::Setup { .. })));
        store.commit(one(step(&read, &["r"]))).await.unwrap();
        assert_eq!(reader.all_heads().await.unwrap()[0].size, 2);
    }

    async fn facts_of_the_deployment_are_kept(store: Store, _place: Place) {
        assert_eq!(store.meta("deployment").await.unwrap(), None);
        store.set_meta("deployment", "jinzhong").await.unwrap();
        store.set_meta("deployment", "晋中").await.unwrap();
        assert_eq!(store.meta("deployment").await.unwrap().as_deref(), Some("晋中"));
    }

    async fn the_engine_has_a_name(store: Store, place: Place) {
        let name = match place.engine() {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgresql",
        };
        assert_eq!(store.engine_name(), name);
    }
}

#[tokio::test]
async fn one_process_serves_an_sqlite_file() {
    let (store, place) = fresh(Engine::Sqlite).await;
    let second = Store::open(&place.url(), OpenOptions::default()).await;
    assert!(
        matches!(second, Err(StoreError::InUse { .. })),
        "{second:?}"
    );
    store.close().await;
    place.open().await;
}

#[tokio::test]
async fn folders_on_the_way_to_an_sqlite_file_are_made() {
    let place = Place::new(Engine::Sqlite).await;
    let deep = place.url().replace("hefu.db", "var/lib/hefu.db");
    let store = Store::open(&deep, OpenOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    assert!(store.is_empty().await.unwrap());
}

#[tokio::test]
async fn any_number_of_processes_serve_postgresql() {
    let (store, place) = fresh(Engine::Postgres).await;
    let (second, third) = tokio::join!(place.open(), place.open()); // migrating at once, too
    let read = open_one(&store).await;
    assert_eq!(
        second.commit(one(step(&read, &["r"]))).await,
        Ok(Outcome::Committed)
    );
    assert_eq!(head_of(&third, SHOUYANG).await.size, 2);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_showing_a_password() {
    for address in [
        "mysql://root:secret@host/db",
        "",
        "sqlite://",
        "sqlite::memory:",
    ] {
        let refused = Store::open(
            address,
            OpenOptions {
                access: Access::Write,
                ..OpenOptions::default()
            },
        )
        .await;
        let Err(StoreError::Setup { what }) = refused else {
            panic!("{address}: {refused:?}")
        };
        assert!(!what.contains("secret"), "{what}");
    }
    let nowhere = Store::open("sqlite:///proc/nowhere/hefu.db", OpenOptions::default()).await;
    assert!(
        matches!(nowhere, Err(StoreError::Setup { .. })),
        "{nowhere:?}"
    );
    let missing = Store::open("sqlite:///tmp/hefu-no-such-file.db", OpenOptions::reading()).await;
    assert!(
        matches!(missing, Err(StoreError::Setup { .. })),
        "{missing:?}"
    );
}
