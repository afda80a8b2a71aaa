//! Failures at and before COMMIT, unknown outcomes, and deciding under the lock.

use crate::build::*;
use hefu_store::{Fault, OpenOptions, Outcome, RequestKey, StoreError, Table};
use hefu_tests::engines::{Engine, fresh};
use hefu_tests::on_both_engines;
use std::time::Duration;

fn request(name: &str) -> RequestKey {
    RequestKey {
        region: SHOUYANG.to_owned(),
        caller: "clerk".to_owned(),
        request: name.to_owned(),
    }
}

fn here() -> [String; 1] {
    [SHOUYANG.to_owned()]
}

on_both_engines! {
    async fn a_failure_before_commit_writes_nothing_and_can_be_retried(store: Store, _place: Place) {
        let read = open_one(&store).await;
        store.faults().next_commit(Fault::BeforeCommit);
        let failed = store.commit(one(step(&read, &["r"]))).await;
        assert!(matches!(failed, Err(StoreError::Unavailable { .. })), "{failed:?}");
        assert_eq!(store.requests(&[request("r")]).await.unwrap(), []);
        assert_eq!(store.commit(one(step(&read, &["r"]))).await, Ok(Outcome::Committed));
    }

    async fn an_unknown_outcome_is_settled_under_the_lock(store: Store, _place: Place) {
        let read = open_one(&store).await;
        for (fault, request_id, done) in [(Fault::CutBeforeCommit, "r1", false), (Fault::CutAfterCommit, "r2", true)] {
            store.faults().next_commit(fault);
            let cut = store.commit(one(step(&read, &[request_id]))).await;
            assert!(matches!(cut, Err(StoreError::OutcomeUnknown { .. })), "{cut:?}");
            let mut locked = store.locked(&here()).await.unwrap();
            let found = locked.requests(&[request(request_id)]).await.unwrap();
            assert_eq!(found.len(), usize::from(done), "{fault:?}");
            assert_eq!(locked.heads(&here()).await.unwrap()[0].size, read.size + u64::from(done));
        }
    }

    async fn whoever_holds_the_lock_decides_and_commits_undisturbed(store: Store, _place: Place) {
        let read = open_one(&store).await;
        store.commit(one(step(&read, &["before"]))).await.unwrap();
        let mut locked = store.locked(&here()).await.unwrap();
        let now = locked.heads(&here()).await.unwrap().remove(0);
        let rival = tokio::spawn({
            let (store, commit) = (store.clone(), one(step(&now, &["rival"])));
            async move { store.commit(commit).await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!rival.is_finished(), "the rival must wait for the lock");
        assert_eq!(locked.events_since(&read).await.unwrap().len(), 1);
        assert_eq!(locked.load(&[fact(Table::Voucher, SHOUYANG, "v")]).await.unwrap(), []);
        assert_eq!(locked.nullifiers(&[tagged(1)]).await.unwrap(), []);
        assert_eq!(locked.commit(one(step(&now, &["under the lock"]))).await, Ok(Outcome::Committed));
        assert_eq!(rival.await.unwrap(), Ok(Outcome::GuardLost(here().to_vec())));
        assert_eq!(head_of(&store, SHOUYANG).await.size, 3);
    }

    async fn a_lock_that_is_dropped_leaves_nothing_behind(store: Store, _place: Place) {
        let read = open_one(&store).await;
        for _ in 0..8 {
            let mut locked = store.locked(&here()).await.unwrap();
            locked.heads(&here()).await.unwrap();
            drop(locked);
        }
        let locked = store.locked(&here()).await.unwrap();
        let lost = locked.commit(one(step(&head(SHOUYANG, 9), &["r"]))).await;
        assert_eq!(lost, Ok(Outcome::GuardLost(here().to_vec())));
        assert_eq!(store.commit(one(step(&read, &["r"]))).await, Ok(Outcome::Committed));
    }

    async fn readers_do_not_wait_for_a_held_lock(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let locked = store.locked(&here()).await.unwrap();
        let seen = tokio::time::timeout(Duration::from_secs(5), head_of(&store, SHOUYANG)).await;
        assert_eq!(seen.expect("a reader waited"), read);
        drop(locked);
    }

    async fn a_commit_given_up_by_its_caller_leaves_the_store_usable(store: Store, _place: Place) {
        let read = open_one(&store).await;
        for n in 0..20 {
            let commit = one(step(&head_of(&store, SHOUYANG).await, &[&format!("given up {n}")]));
            let _ = tokio::time::timeout(Duration::from_micros(100 * n), store.commit(commit)).await;
        }
        // Whatever was given up has ended once the lock is ours.
        let mut locked = store.locked(&here()).await.unwrap();
        let now = locked.heads(&here()).await.unwrap().remove(0);
        assert_eq!(locked.events_since(&read).await.unwrap().len() as u64, now.size - read.size);
        assert_eq!(locked.commit(one(step(&now, &["last"]))).await, Ok(Outcome::Committed));
    }
}

#[tokio::test]
async fn after_a_disk_failure_sqlite_writes_no_more_and_says_that_the_process_must_end() {
    let (store, place) = fresh(Engine::Sqlite).await;
    let read = open_one(&store).await;
    store.faults().next_commit(Fault::Disk);
    for _ in 0..2 {
        let failed = store.commit(one(step(&read, &["r"]))).await;
        assert!(
            matches!(failed, Err(StoreError::Fatal { .. })),
            "{failed:?}"
        );
    }
    assert!(matches!(
        store.locked(&here()).await,
        Err(StoreError::Fatal { .. })
    ));
    // The lock went with the writer: the next process finds everything that was acknowledged.
    let next = place.open().await;
    assert_eq!(head_of(&next, SHOUYANG).await, read);
}

#[tokio::test]
async fn a_commit_waits_while_a_foreign_process_writes_to_the_file() {
    let (store, place) = fresh(Engine::Sqlite).await;
    let read = open_one(&store).await;
    // Somebody's sqlite3 shell, which knows nothing of our lock file.
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(place.url().trim_start_matches("sqlite://"));
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::Executor::execute(&mut other, "BEGIN IMMEDIATE")
        .await
        .unwrap();
    let waiting = tokio::spawn({
        let (store, commit) = (store.clone(), one(step(&read, &["r"])));
        async move { store.commit(commit).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    sqlx::Executor::execute(&mut other, "ROLLBACK")
        .await
        .unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(Outcome::Committed));
}

#[tokio::test]
async fn a_server_that_ends_a_connection_is_a_reason_to_retry() {
    let (store, place) = fresh(Engine::Postgres).await;
    let hefu_tests::engines::Place::Postgres(database) = &place else {
        unreachable!()
    };
    let read = open_one(&store).await;
    let mut locked = store.locked(&here()).await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::Executor::execute(&mut database.connect().await, end)
        .await
        .unwrap();
    let cut = locked.heads(&here()).await;
    assert!(
        matches!(cut, Err(StoreError::Unavailable { .. })),
        "{cut:?}"
    );
    drop(locked);
    // Idle connections were cut, too: each costs one retry, nothing else.
    let mut tries = 0;
    let outcome = loop {
        tries += 1;
        match store.commit(one(step(&read, &["r"]))).await {
            Err(StoreError::Unavailable { .. }) if tries < 10 => {}
            other => break other,
        }
    };
    assert_eq!(outcome, Ok(Outcome::Committed));
    assert!(OpenOptions::default().deciders >= tries);
}
