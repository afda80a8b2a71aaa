//! The region writer's rules (ARCHITECTURE.md, "Invariants"), each held by a test that fails when the rule is taken out, on both
//! engines of the store.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod clocks;
mod guards;
mod neighbours;
mod outcomes;
mod races;
mod support;
mod verify;

/// Turns each `async fn name(field: Field)` with its money into two tests, `name::sqlite` and `name::postgres`. When a test is
/// done, every log must replay to its head and its tables.
#[macro_export]
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($field:ident, $money:expr) $body:block)*) => {
        $(
            $(#[$meta])*
            mod $name {
                use super::*;

                async fn test(engine: hefu_tests::engines::Engine) {
                    let $field = $crate::support::Field::open(engine, $money).await;
                    $body
                    $field.close().await;
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
