//! Reports of a whole made-up year, on both engines: what is fed live is what a replay folds, after crashes and side by side, too; every sum is
//! the log's, by a query that shares no code with the fold; the same day gives the same bytes, whenever and wherever it is asked.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod counted;
mod golden;
mod large;
mod played;
mod store;

/// Turns each `async fn name(engine: Engine)` into two tests, `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($($name:ident)+) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(hefu_tests::engines::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(hefu_tests::engines::Engine::Postgres).await;
            }
        }
    )+};
}
pub(crate) use on_both;
