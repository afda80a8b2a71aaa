//! The signer of the logs: what it signs, and what it never signs whatever somebody does with the database in hand, on both
//! engines of the store.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod desk;
mod forks;
mod growth;
mod mutations;
mod replayed;
mod reports;
mod restored;
mod scrubs;
mod second;
mod served;
mod sizes;
mod stopped;
mod strays;
mod tampering;
mod unfinished;

// The two counties of the region writer's tests; not everything there is needed here.
#[allow(dead_code)]
#[path = "../engine/support.rs"]
mod support;

/// Turns each `async fn name(desk: Desk)` into two tests, `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($desk:ident) $body:block)*) => {
        $(
            $(#[$meta])*
            mod $name {
                use super::*;

                #[allow(unused_mut)] // not every test has a signer sign
                async fn test(engine: hefu_tests::engines::Engine) {
                    let mut $desk = $crate::desk::Desk::open(engine).await;
                    $body
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    test(hefu_tests::engines::Engine::Sqlite).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    test(hefu_tests::engines::Engine::Postgres).await;
                }
            }
        )*
    };
}
