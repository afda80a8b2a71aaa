//! Rule 9: a writer whose clock left its own monotonic clock or the database's by over five seconds stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hefu_engine::{Clock, EngineError, Stopped};
use hefu_tests::engines::Engine as Kind;

use crate::support::*;

const HERE: &str = COUNTIES[0];

/// Two engines under the machine's clock, which is that wrong from the start; the hand sets it wrong later.
async fn wrong_from_the_start(kind: Kind, by_ms: i64) -> (Field, Arc<AtomicI64>) {
    let (clock, hand) = Clock::adjustable(by_ms);
    (Field::under(kind, clock, hand.clone()).await, hand)
}

async fn a_clock_that_jumps_stops_the_writing(kind: Kind) {
    for by_ms in [6_000, -6_000] {
        let (field, hand) = wrong_from_the_start(kind, 0).await;
        for region in [CITY, COUNTIES[0], COUNTIES[1]] {
            field.open_log(region).await;
        }
        // Four seconds are no jump.
        hand.store(by_ms * 2 / 3, Ordering::SeqCst);
        recorded(field.one.submit(field.bystander(HERE).into()).await);
        assert_eq!(field.one.stopped(), None);
        let before = field.head(HERE).await;
        hand.store(by_ms, Ordering::SeqCst);
        let told = said(&field.one.submit(field.bystander(HERE).into()).await);
        assert!(
            told.starts_with("not serving: the clock jumped by"),
            "{told}"
        );
        let stopped = field.one.stopped();
        assert!(
            matches!(stopped, Some(Stopped::ClockJumped { .. })),
            "{stopped:?}"
        );
        // For good: nobody knows what else went by while the clock was wrong.
        hand.store(0, Ordering::SeqCst);
        let told = said(&field.one.submit(field.bystander(HERE).into()).await);
        assert!(told.starts_with("not serving"), "{told}");
        assert_eq!(field.head(HERE).await, before);
        field.close().await;
    }
}

async fn a_clock_that_is_not_the_databases_stops_the_writing(kind: Kind) {
    for by_ms in [6_000, -6_000] {
        let (field, _) = wrong_from_the_start(kind, by_ms).await;
        let stopping = async {
            while field.one.stopped().is_none() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), stopping).await;
        in_time.expect("nobody compared the clocks");
        let stopped = field.one.stopped().unwrap();
        let Stopped::ClockApart { by_ms: apart } = stopped else {
            panic!("{stopped:?}");
        };
        assert_eq!(apart.signum(), by_ms.signum());
        let told = said(&field.one.submit(field.opening(CITY).into()).await);
        assert!(
            told.starts_with("not serving: this machine's clock is"),
            "{told}"
        );
        assert_eq!(field.store().all_heads().await, Ok(Vec::new()));
    }
    let (field, _) = wrong_from_the_start(kind, 4_000).await;
    field.one.compare_clocks().await.unwrap();
    field.open_log(CITY).await;
}

/// Whoever starts a server asks before it serves, and does not wait for the next comparison.
async fn clocks_are_compared_when_asked(kind: Kind) {
    let (field, _) = wrong_from_the_start(kind, 6_000).await;
    let told = field.one.compare_clocks().await;
    assert!(
        matches!(told, Err(EngineError::Stopped(_))),
        "{:?}",
        told.err()
    );
    assert!(field.one.stopped().is_some());
}

macro_rules! on_both_kinds {
    ($($name:ident)*) => {
        $(
            mod $name {
                use super::Kind;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    super::$name(Kind::Sqlite).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    super::$name(Kind::Postgres).await;
                }
            }
        )*
    };
}

on_both_kinds! {
    a_clock_that_jumps_stops_the_writing
    a_clock_that_is_not_the_databases_stops_the_writing
    clocks_are_compared_when_asked
}
