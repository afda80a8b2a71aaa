//! The connection to the database is cut at COMMIT while clients write. The server looks up what became of it before it answers: no
//! client sees an error, every answer is in the log, and nothing is done twice.
//!
//! On PostgreSQL a proxy cuts the wire; SQLite has none, so its writer loses the answer, or the COMMIT, on demand.

use std::time::{Duration, Instant};

use hefu_engine::{Clock, Source};
use hefu_scenario::Client;
use hefu_scenario::made_up::pick;
use hefu_server::{RegionTree, Setup};
use hefu_store::{Fault, Faults};
use hefu_tests::engines::{Engine, Folder, Place};
use tokio::sync::watch;

use crate::field::Field;
use crate::kills;
use crate::process::Server;
use crate::proxy::{Cut, Proxy};

/// Decides the moments of the cuts.
const SEED: u64 = 20_261_125;
/// The longest time between the writers' start and a cut, in milliseconds.
const LONGEST_CALM_MS: u64 = 500;
/// Nine writers commit many times a second; none for so long is a server that hangs.
const HANGS: Duration = Duration::from_secs(30);
/// How long the writers go on after a cut.
const AFTERMATH: Duration = Duration::from_millis(100);

/// What cuts.
enum Knife {
    Wire(Proxy),
    Store(Faults),
}

impl Knife {
    /// The cuts that it can make.
    fn cuts(&self) -> &'static [Cut] {
        match self {
            Knife::Wire(_) => &[Cut::Before, Cut::Under, Cut::After],
            Knife::Store(_) => &[Cut::Before, Cut::After],
        }
    }

    fn arm(&self, cut: Cut) {
        match (self, cut) {
            (Knife::Wire(proxy), cut) => proxy.arm(cut),
            (Knife::Store(faults), Cut::Before) => faults.next_commit(Fault::CutBeforeCommit),
            (Knife::Store(faults), Cut::After) => faults.next_commit(Fault::CutAfterCommit),
            (Knife::Store(_), Cut::Under) => panic!("nothing is under way in one process"),
        }
    }

    fn is_armed(&self) -> bool {
        match self {
            Knife::Wire(proxy) => proxy.is_armed(),
            Knife::Store(faults) => faults.pending() > 0,
        }
    }

    /// Cuts the next COMMIT; returns once it has met one.
    async fn cut(&self, cut: Cut) {
        self.arm(cut);
        let met = async {
            while self.is_armed() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let met = tokio::time::timeout(HANGS, met).await;
        assert!(met.is_ok(), "{cut:?}: nobody commits any more");
    }
}

async fn cut_loop(place: &Place, client: &Client, operator: &str, knife: Knife) {
    let mut field = Field::open(client, operator).await;
    let started = Instant::now();
    for number in 0..kills() {
        let (tell_over, over) = watch::channel(false);
        let writers = field.writers.drain(..);
        let tasks: Vec<_> = writers
            .map(|writer| tokio::spawn(writer.write_until_over(client.clone(), over.clone())))
            .collect();
        let calm = 20 + pick(SEED, "calm", number, LONGEST_CALM_MS);
        tokio::time::sleep(Duration::from_millis(calm)).await;
        let cuts = knife.cuts();
        knife.cut(cuts[number as usize % cuts.len()]).await;
        tokio::time::sleep(AFTERMATH).await;
        tell_over.send(true).unwrap();
        for task in tasks {
            field.writers.push(task.await.unwrap());
        }
        field.holds(client, place).await;
    }
    println!(
        "{:?}: {} cuts, {} requests acknowledged, {} events, {:.0} s",
        place.engine(),
        kills(),
        field.acknowledged(),
        field.events(),
        started.elapsed().as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_at_commit_sqlite_loses_nothing_acknowledged_and_does_nothing_twice() {
    let place = Place::new(Engine::Sqlite).await;
    let folder = Folder::new("hefu-cuts");
    let running = hefu_server::serve(Setup {
        database: place.url(),
        state: folder.path().join("state"),
        listen: ([127, 0, 0, 1], 0).into(),
        deployment: "test.hefu.local".to_owned(),
        tree: RegionTree::read(None).unwrap(),
        clock: Clock::system(),
        source: Source::System,
        writers: 2,
        witnesses: hefu_server::Witnesses::none(),
        limits: hefu_server::Limits::default(),
    })
    .await
    .unwrap();
    let client = Client::connect(&format!("http://{}", running.address))
        .await
        .unwrap();
    let knife = Knife::Store(running.engine.store().faults().clone());
    cut_loop(&place, &client, &running.operator_key, knife).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_at_commit_postgres_loses_nothing_acknowledged_and_does_nothing_twice() {
    let place = Place::new(Engine::Postgres).await;
    let proxy = Proxy::start(&place.url()).await;
    let folder = Folder::new("hefu-cuts");
    let state = folder.path().join("state");
    let url = proxy.url().to_owned();
    // A start is waited for by blocking, and the proxy must carry it meanwhile.
    let server = tokio::task::spawn_blocking(move || Server::start(&url, &state));
    let server = server.await.unwrap();
    let client = server.client().await;
    cut_loop(&place, &client, server.operator(), Knife::Wire(proxy)).await;
}
