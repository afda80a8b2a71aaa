//! The one order of locks, seen from behind PostgreSQL's back: who waits for a later key holds every earlier one, and nobody waits
//! for an earlier one while holding a later. So no two transactions can wait for each other.

use crate::build::*;
use hefu_store::{Commit, Outcome, Store};
use hefu_tests::engines::{Engine, Place, fresh};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor};
use std::time::Duration;

/// What a session is told that did not get its lock in time (PostgreSQL's error codes).
const LOCK_NOT_AVAILABLE: &str = "55P03";

struct Field {
    store: Store,
    place: Place,
}

impl Field {
    async fn open() -> Field {
        let (store, place) = fresh(Engine::Postgres).await;
        Field { store, place }
    }

    /// A session of somebody else's.
    async fn session(&self) -> PgConnection {
        let Place::Postgres(database) = &self.place else {
            unreachable!()
        };
        database.connect().await
    }

    /// Returns once a session of this database waits for a lock.
    async fn somebody_waits(&self) {
        let mut session = self.session().await;
        let text = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock')";
        let waiting = async {
            while !sqlx::query_scalar::<_, bool>(text)
                .fetch_one(&mut session)
                .await
                .unwrap()
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        in_time.expect("nobody waits for a lock");
    }

    /// Whether somebody holds what this statement needs.
    async fn is_held(&self, text: String) -> bool {
        let mut session = self.session().await;
        session.execute("SET lock_timeout = '200ms'").await.unwrap();
        match session.execute(AssertSqlSafe(text)).await {
            Ok(_) => false,
            Err(error) => {
                let error = error.into_database_error().unwrap();
                assert_eq!(error.code().as_deref(), Some(LOCK_NOT_AVAILABLE), "{error}");
                true
            }
        }
    }
}

fn locking(region: &str) -> String {
    format!("SELECT size FROM head WHERE region = '{region}' FOR UPDATE")
}

fn taking(tag: u8, region: &str) -> String {
    let tag = format!("{tag:02x}").repeat(16);
    format!(
        "INSERT INTO nullifier (tag, region, voucher) VALUES ('\\x{tag}', '{region}', 'theirs')"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_locks_its_heads_in_region_order() {
    let field = Field::open().await;
    let heads = opened(&field.store, &[SHOUYANG, QIXIAN, PINGYAO]).await;
    let mut other = field.session().await;
    other.execute("BEGIN").await.unwrap();
    other.execute(AssertSqlSafe(locking(QIXIAN))).await.unwrap();
    let commit = Commit {
        regions: heads.iter().rev().map(|head| step(head, &["r"])).collect(),
        ..Commit::default()
    };
    let store = field.store.clone();
    let waiting = tokio::spawn(async move { store.commit(commit).await });
    field.somebody_waits().await;
    assert!(field.is_held(locking(SHOUYANG)).await);
    assert!(!field.is_held(locking(PINGYAO)).await);
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(Outcome::Committed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_decides_under_the_lock_takes_it_in_region_order() {
    let field = Field::open().await;
    opened(&field.store, &[SHOUYANG, QIXIAN, PINGYAO]).await;
    let mut other = field.session().await;
    other.execute("BEGIN").await.unwrap();
    other.execute(AssertSqlSafe(locking(QIXIAN))).await.unwrap();
    let store = field.store.clone();
    let waiting = tokio::spawn(async move {
        let regions = [PINGYAO, QIXIAN, SHOUYANG].map(str::to_owned);
        store.locked(&regions).await
    });
    field.somebody_waits().await;
    assert!(field.is_held(locking(SHOUYANG)).await);
    assert!(!field.is_held(locking(PINGYAO)).await);
    other.execute("ROLLBACK").await.unwrap();
    let locked = waiting.await.unwrap().unwrap();
    assert!(field.is_held(locking(PINGYAO)).await);
    drop(locked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_takes_its_nullifiers_in_the_order_of_their_tags() {
    let field = Field::open().await;
    let read = open_one(&field.store).await;
    let mut other = field.session().await;
    other.execute("BEGIN").await.unwrap();
    other
        .execute(AssertSqlSafe(taking(2, QIXIAN)))
        .await
        .unwrap();
    let commit = Commit {
        takes: [3, 2, 1].map(|tag| nullifier(tag, SHOUYANG, "ours")).into(),
        ..one(step(&read, &["r"]))
    };
    let store = field.store.clone();
    let waiting = tokio::spawn(async move { store.commit(commit).await });
    field.somebody_waits().await;
    assert!(field.is_held(taking(1, QIXIAN)).await);
    assert!(
        !field
            .is_held(format!("BEGIN; {}; ROLLBACK", taking(3, QIXIAN)))
            .await
    );
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(Outcome::Committed));
}
