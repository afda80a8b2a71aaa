//! A real server is killed at any moment while clients write. What it acknowledged is there when it comes back, what it did not
//! acknowledge can be sent again, and nothing is done twice. `HEFU_KILLS` times on each engine.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod disk;
mod log;
mod process;
mod races;
mod writers;

use std::sync::Arc;
use std::time::Duration;

use hefu_engine::{Clock, rows};
use hefu_scenario::made_up::pick;
use hefu_store::{OpenOptions, Store};
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::Office;
use tokio::sync::watch;

use log::Log;
use process::Server;
use writers::Writer;

const REGION: &str = "140725";
/// Writers of single calls, and of batches.
const SINGLE: usize = 5;
const BATCHING: usize = 2;
/// Decides the moments of the kills.
const SEED: u64 = 20_261_124;
/// The longest that a server lives, in milliseconds.
const LONGEST_LIFE_MS: u64 = 1_500;

fn kills() -> u64 {
    match std::env::var("HEFU_KILLS") {
        Ok(count) => count.parse().expect("HEFU_KILLS is a number"),
        Err(_) => 3,
    }
}

async fn kill_loop(engine: Engine) {
    let place = Place::new(engine).await;
    let folder = Folder::new("hefu-crash");
    let state = folder.path().join("state");
    let mut server = Server::start(&place.url(), &state);
    let client = server.client().await;
    let operator = server.operator().to_owned();
    let now = Clock::system().now();
    let money = 1_000_000_000_000;
    let office = Office::open(&client, &operator, REGION, now, SINGLE + BATCHING, money).await;
    let office = Arc::new(office);
    let mut writers: Vec<Writer> = (0..SINGLE + BATCHING)
        .map(|number| Writer::new(number, office.clone(), number >= SINGLE))
        .collect();
    let mut log = Log::read(&client, &operator, REGION).await;
    for kill in 0..kills() {
        let client = server.client().await;
        let (kills, killed) = watch::channel(false);
        let tasks: Vec<_> = writers
            .drain(..)
            .map(|writer| tokio::spawn(writer.write(client.clone(), killed.clone())))
            .collect();
        let life = 20 + pick(SEED, "life", kill, LONGEST_LIFE_MS);
        tokio::time::sleep(Duration::from_millis(life)).await;
        server.kill();
        kills.send(true).unwrap();
        for task in tasks {
            writers.push(task.await.unwrap());
        }
        server = Server::start(&place.url(), &state);
        let client = server.client().await;
        for writer in &mut writers {
            writer.settle(&client).await;
        }
        let after = Log::read(&client, &operator, REGION).await;
        after.extends(&log);
        after.agrees_with(writers.iter().flat_map(|writer| &writer.acknowledged));
        log = after;
    }
    let acknowledged: usize = writers.iter().map(|w| w.acknowledged.len()).sum();
    let unanswered: u32 = writers.iter().map(|w| w.unanswered).sum();
    println!(
        "{engine:?}: {} kills, {acknowledged} requests acknowledged, {unanswered} left open by a kill, {} events",
        kills(),
        log.replayed.size
    );
    assert!(
        acknowledged > 0,
        "nothing was written, so nothing was tried"
    );
    assert!(unanswered > 0, "no kill met a request under way");
    server.kill();
    tables_are_what_the_log_says(&place, &log).await;
}

/// Every fact that the replay yields stands in its table, the same.
async fn tables_are_what_the_log_says(place: &Place, log: &Log) {
    let store = Store::open(&place.url(), OpenOptions::default())
        .await
        .unwrap();
    for (key, fact) in log.replayed.world.all() {
        let (version, leaf) = log.replayed.streams[key];
        let wanted = rows::row(REGION, key, fact, version, Some(leaf.0)).unwrap();
        let found = store.load(&[rows::fact_key(REGION, key)]).await.unwrap();
        assert_eq!(found, [wanted]);
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_sqlite_loses_nothing_acknowledged_and_does_nothing_twice() {
    kill_loop(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_postgres_loses_nothing_acknowledged_and_does_nothing_twice() {
    kill_loop(Engine::Postgres).await;
}
