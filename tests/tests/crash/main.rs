//! A real server is killed at any moment while clients write, or its connection to the database is cut at COMMIT. What it acknowledged
//! is there afterwards, what it did not acknowledge can be sent again, and nothing is done twice or by half. `HEFU_KILLS` times on each
//! engine.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod cuts;
mod disk;
mod field;
mod imports;
mod log;
mod process;
mod proxy;
mod races;
mod tables;
mod writers;

use std::time::{Duration, Instant};

use hefu_scenario::Client;
use hefu_scenario::made_up::pick;
use hefu_tests::engines::{Engine, Folder, Place};
use tokio::sync::watch;

use field::Field;
use process::Server;

/// Decides the moments of the kills.
const SEED: u64 = 20_261_124;
/// The longest that a server lives, in milliseconds.
const LONGEST_LIFE_MS: u64 = 1_500;
/// How long the others go on after one server of several was killed.
const AFTERMATH: Duration = Duration::from_millis(200);

fn kills() -> u64 {
    match std::env::var("HEFU_KILLS") {
        Ok(count) => count.parse().expect("HEFU_KILLS is a number"),
        Err(_) => 3,
    }
}

/// So many servers serve one database; they are killed in turn.
async fn kill_loop(engine: Engine, servers: usize) {
    let place = Place::new(engine).await;
    let folder = Folder::new("hefu-crash");
    let state = folder.path().join("state");
    let mut servers: Vec<Server> = (0..servers)
        .map(|_| Server::start(&place.url(), &state))
        .collect();
    let client = servers[0].client().await;
    let mut field = Field::open(&client, servers[0].operator()).await;
    let started = Instant::now();
    for kill in 0..kills() {
        let victim = kill as usize % servers.len();
        kill_one(&mut field, &mut servers, victim, kill).await;
        servers[victim] = Server::start(&place.url(), &state);
        let client = servers[victim].client().await;
        field.holds(&client, &place).await;
    }
    println!(
        "{engine:?}, {} serving: {} kills, {} requests acknowledged, {} left open by a kill, {} events, {:.0} s",
        servers.len(),
        kills(),
        field.acknowledged(),
        field.unanswered(),
        field.events(),
        started.elapsed().as_secs_f64()
    );
    assert!(field.unanswered() > 0, "no kill met a request under way");
    tables::are_what_the_logs_say(&place).await;
    tables::are_signed(&place).await;
}

/// The writers spread over the servers; one server is killed, the others' writers go on for a while.
async fn kill_one(field: &mut Field, servers: &mut [Server], victim: usize, kill: u64) {
    let mut clients: Vec<Client> = Vec::new();
    for server in &*servers {
        clients.push(server.client().await);
    }
    let (tell_killed, killed) = watch::channel(false);
    let (tell_over, over) = watch::channel(false);
    let mut tasks = Vec::new();
    for (number, writer) in field.writers.drain(..).enumerate() {
        let server = number % clients.len();
        let client = clients[server].clone();
        tasks.push(if server == victim {
            tokio::spawn(writer.write_until_killed(client, killed.clone()))
        } else {
            tokio::spawn(writer.write_until_over(client, over.clone()))
        });
    }
    let life = 20 + pick(SEED, "life", kill, LONGEST_LIFE_MS);
    tokio::time::sleep(Duration::from_millis(life)).await;
    servers[victim].kill();
    tell_killed.send(true).unwrap();
    if servers.len() > 1 {
        tokio::time::sleep(AFTERMATH).await;
    }
    tell_over.send(true).unwrap();
    for task in tasks {
        field.writers.push(task.await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_sqlite_loses_nothing_acknowledged_and_does_nothing_twice() {
    kill_loop(Engine::Sqlite, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_postgres_loses_nothing_acknowledged_and_does_nothing_twice() {
    kill_loop(Engine::Postgres, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_servers_killed_at_any_moment_the_other_goes_on_and_nothing_is_lost() {
    kill_loop(Engine::Postgres, 2).await;
}
