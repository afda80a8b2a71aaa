//! One engine's server with its stock of vouchers and its client, and the measurements that are made of it, round after round.

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use hefu_scenario::Group;
use serde_json::Value;

use super::collector::Collector;
use super::figures::Figures;
use super::load::{self, Jobs, Measured};
use super::moves::{self, Counter, MOVES_OF_CLASS};
use super::overload;
use super::place::{Engine, Place, Postgres};
use super::profile::Counts;
use super::progress::Progress;
use super::report::in_words;
use super::server::{self, Server};
use super::stock::{self, Stock};
use super::stream;
use super::wire::Wire;
use super::{Load, Plan};

/// HTTP/2 connections of the client.
pub(super) const CONNECTIONS: usize = 4;
/// Bulk calls under way at once.
const BULK_CALLS: usize = 8;
/// Callers of the loop, and of the reads.
pub(super) const CALLERS: usize = 64;
/// So much more is prepared than the last rate would use.
const MARGIN: f64 = 1.3;
/// So much more after a warm-up, which is slower than what comes after it.
const FIRST_MARGIN: f64 = 1.7;
/// The part of the most that an open loop offers.
pub(super) const OPEN_LOOP: f64 = 0.7;
/// A server is at rest when it used less than [`IDLE`] of a core in each of so many seconds: longer than any of its workers sleeps.
const QUIET_SECONDS: u32 = 11;
const IDLE: f64 = 0.1;
/// Whoever is not at rest after so many seconds is measured as it is.
const MOST_SECONDS: u32 = 180;
/// A warm-up's calls for each caller.
const WARM_UP_CALLS: usize = 30;

/// What is measured, and how much of it there was a second.
pub(crate) struct Bed {
    pub(super) place: Place,
    /// The PostgreSQL server, to ask for its log's length.
    pub(super) postgres: Option<Postgres>,
    pub(super) server: Server,
    /// Where its metrics come in, if they are asked for.
    collector: Option<Collector>,
    pub(super) stock: Stock,
    counters: Arc<Vec<Counter>>,
    pub(super) figures: Figures,
    /// The last rate of each load.
    rates: HashMap<String, f64>,
    pub(super) progress: Progress,
}

/// How many vouchers, or classes, each load of a round may use.
struct Needs {
    single: Vec<usize>,
    pair: usize,
    one_region: usize,
    open_loop: usize,
    overload: usize,
    bulk: usize,
    classes: usize,
}

impl Bed {
    /// Starts a server on a fresh database and opens its regions.
    pub(crate) async fn open(
        engine: Engine,
        postgres: Option<&Postgres>,
        profile: bool,
        progress: &Progress,
    ) -> anyhow::Result<Bed> {
        let place = Place::new(engine, postgres).await?;
        let collector = match profile {
            true => Some(Collector::start().await?),
            false => None,
        };
        let at = stock::afternoon(0)?;
        let server = Server::start(
            place.folder(),
            server::FIRST,
            &place.url,
            at,
            collector.as_ref(),
        )?;
        let mut bed = Bed::of(place, server, postgres, progress).await?;
        bed.collector = collector;
        Ok(bed)
    }

    /// Opens the regions of a server that runs elsewhere.
    pub(crate) async fn elsewhere(server: Server, progress: &Progress) -> anyhow::Result<Bed> {
        let place = Place::new(Engine::Elsewhere, None).await?;
        Bed::of(place, server, None, progress).await
    }

    async fn of(
        place: Place,
        server: Server,
        postgres: Option<&Postgres>,
        progress: &Progress,
    ) -> anyhow::Result<Bed> {
        let stock = Stock::open(&server).await?;
        Bed::with(place, server, stock, postgres, progress)
    }

    /// A server whose regions are open.
    pub(super) fn with(
        place: Place,
        server: Server,
        stock: Stock,
        postgres: Option<&Postgres>,
        progress: &Progress,
    ) -> anyhow::Result<Bed> {
        let mut bed = Bed {
            postgres: postgres.map(Postgres::again),
            place,
            server,
            collector: None,
            stock,
            counters: Arc::default(),
            figures: Figures::default(),
            rates: HashMap::new(),
            progress: progress.clone(),
        };
        bed.find_counters()?;
        Ok(bed)
    }

    /// Finds the calls of the server as it answers now.
    pub(super) fn find_counters(&mut self) -> anyhow::Result<()> {
        let counter = |desk| Counter::new(&self.server.address, desk);
        let counters: anyhow::Result<Vec<_>> = self.stock.desks().map(counter).collect();
        self.counters = Arc::new(counters?);
        Ok(())
    }

    pub(crate) fn engine(&self) -> Engine {
        self.place.engine
    }

    /// Measures everything once.
    pub(crate) async fn round(
        &mut self,
        plan: &Plan,
        round: &str,
        yardstick: Option<f64>,
    ) -> anyhow::Result<()> {
        let round = format!("{round}, {}", self.engine().name());
        if self.rates.is_empty() {
            self.warm_up(plan, &round).await?;
        }
        let needs = self.needs(plan);
        let single = needs.single.iter().sum::<usize>() + needs.pair;
        let many = single + needs.open_loop + needs.overload + needs.bulk;
        let classes = self
            .prepare(&round, (many, needs.one_region), needs.classes)
            .await?;
        self.rest(&round).await?;
        if plan.measures(Load::Single) {
            for (callers, calls) in plan.in_flight.iter().zip(&needs.single) {
                self.single(plan, &round, (*callers, *calls), yardstick)
                    .await?;
            }
        }
        if plan.measures(Load::TwoProcesses) {
            self.pair(plan, &round, needs.pair).await?;
        }
        if plan.measures(Load::OneRegion) {
            self.one_region(plan, &round, needs.one_region, yardstick)
                .await?;
        }
        if plan.measures(Load::OpenLoop) {
            self.open_loop(plan, &round, needs.open_loop).await?;
        }
        if plan.measures(Load::Overload) {
            self.overload(plan, &round, needs.overload).await?;
        }
        if plan.measures(Load::Bulk) {
            self.bulk(plan, &round, needs.bulk, yardstick).await?;
        }
        if plan.measures(Load::Loop) {
            self.whole_loop(plan, &round, classes).await?;
        }
        if plan.measures(Load::Reads) {
            self.reads(plan, &round).await?;
        }
        if plan.measures(Load::Streams) {
            self.streams(plan, &round).await?;
        }
        Ok(())
    }

    /// Finds out how fast the server is, roughly, so that as many vouchers are prepared as will be used.
    async fn warm_up(&mut self, plan: &Plan, round: &str) -> anyhow::Result<()> {
        let time = plan.time.min(Duration::from_secs(1));
        let calls = |callers: usize| {
            let calls = (callers * WARM_UP_CALLS).clamp(300, 6_000) as f64;
            (calls * time.as_secs_f64()) as usize
        };
        let bulk = 2 * BULK_CALLS * plan.bulk;
        let many: usize = plan.in_flight.iter().map(|callers| calls(*callers)).sum();
        self.prepare(&format!("{round}, warm-up"), (many + bulk, 0), 0)
            .await?;
        let wire = self.connect().await?;
        let mut most = 0.0_f64;
        for callers in &plan.in_flight {
            let jobs = Jobs::once(self.stock.take(calls(*callers)));
            let measured = load::closed(&wire, &jobs, *callers, time).await;
            self.stock.put_back(jobs.left());
            most = most.max(measured.checked("the warm-up")?.per_second());
        }
        // The first of them met a cold server, so none is expected to be slower than the fastest; what is left over stays ready.
        for callers in &plan.in_flight {
            self.rates.insert(format!("single_{callers}"), most);
            self.rates.insert(format!("one_region_{callers}"), most);
        }
        self.rates.insert("loop_moves".to_owned(), most);
        let jobs = Jobs::once(self.stock.take_bulk(bulk, plan.bulk));
        let measured = load::closed(&wire, &jobs, BULK_CALLS, time).await;
        let measured = measured.checked("the warm-up in bulk")?;
        self.rates.insert("bulk".to_owned(), measured.per_second());
        Ok(())
    }

    /// The last rate of a load.
    pub(super) fn rate(&self, load: &str) -> Option<f64> {
        self.rates.get(load).copied()
    }

    fn needs(&self, plan: &Plan) -> Needs {
        let seconds = plan.time.as_secs_f64();
        let margin = if self.figures.loads.is_empty() {
            FIRST_MARGIN
        } else {
            MARGIN
        };
        let of = |name: String, part: f64| {
            let rate = self.rates.get(&name).copied().unwrap_or(1_000.0);
            (rate * part * seconds * margin).ceil() as usize
        };
        let most = plan.most();
        let classes = of("loop_moves".to_owned(), 1.0) as f64 / MOVES_OF_CLASS;
        let regions = self.counters.len();
        let classes = classes.ceil() as usize / regions + CALLERS.div_ceil(regions) + 1;
        let where_measured = |load, many: usize| if plan.measures(load) { many } else { 0 };
        let single = |callers: &usize| {
            let calls = of(format!("single_{callers}"), 1.0).max(2 * callers);
            where_measured(Load::Single, calls)
        };
        let pair = of(format!("single_{most}"), 1.0).max(2 * most);
        let one_region = of(format!("one_region_{most}"), 1.0).max(2 * most);
        let open_loop = of(format!("single_{most}"), OPEN_LOOP).max(most);
        let rate = self.rates.get(&format!("single_{most}")).copied();
        let overload = overload::vouchers(rate.unwrap_or(1_000.0) * margin, plan.time);
        let bulk = of("bulk".to_owned(), 1.0).max(2 * BULK_CALLS * plan.bulk);
        Needs {
            single: plan.in_flight.iter().map(single).collect(),
            pair: where_measured(Load::TwoProcesses, pair),
            one_region: where_measured(Load::OneRegion, one_region),
            open_loop: where_measured(Load::OpenLoop, open_loop),
            overload: where_measured(Load::Overload, overload.max(2 * most)),
            bulk: where_measured(Load::Bulk, bulk),
            classes: where_measured(Load::Loop, classes),
        }
    }

    pub(super) async fn prepare(
        &mut self,
        round: &str,
        vouchers: (usize, usize),
        classes: usize,
    ) -> anyhow::Result<Vec<Vec<Group>>> {
        let what = format!("{round}: preparing {} vouchers", vouchers.0 + vouchers.1);
        self.progress.begin(&what);
        let bar = self.progress.bar.clone();
        self.stock
            .prepare(&mut self.server, vouchers, classes, &bar)
            .await
    }

    /// Waits until the server is through with what it does behind the moves (it watches, counts and signs the log), so that this is
    /// measured of the calls that come next and not of those before. How a server elsewhere does is not to be seen.
    pub(crate) async fn rest(&self, round: &str) -> anyhow::Result<()> {
        self.progress
            .begin(&format!("{round}: at rest before it is measured"));
        let mut quiet = 0;
        for _ in 0..MOST_SECONDS {
            let before = self.server.cpu_seconds()?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let Some((now, before)) = self.server.cpu_seconds()?.zip(before) else {
                return Ok(());
            };
            quiet = if now - before < IDLE { quiet + 1 } else { 0 };
            if quiet == QUIET_SECONDS {
                return Ok(());
            }
        }
        self.progress.say(&format!(
            "{round}: the server is busy still after {MOST_SECONDS} s, and is measured so"
        ));
        Ok(())
    }

    /// Says what is measured next, and connects for it: a server closes connections on which nothing comes.
    pub(super) async fn begin(&self, round: &str, load: &str) -> anyhow::Result<Arc<Wire>> {
        self.progress.begin(&format!("{round}: {}", in_words(load)));
        self.connect().await
    }

    async fn connect(&self) -> anyhow::Result<Arc<Wire>> {
        let wire = Wire::connect(&self.server.address, CONNECTIONS).await?;
        Ok(Arc::new(wire))
    }

    /// Notes what was measured, and says it.
    pub(super) fn note(&mut self, round: &str, load: &str, measured: &Measured) {
        self.rates.insert(load.to_owned(), measured.per_second());
        self.figures.load(load, measured);
        let early = if measured.ran_out {
            format!(
                ", ended after {:.1} s: nothing was left to send",
                measured.seconds
            )
        } else {
            String::new()
        };
        self.progress.say(&format!(
            "{round}: {}: {:.0} a second, p50 {:.2} ms, p99 {:.2} ms{early}",
            in_words(load),
            measured.per_second(),
            measured.millis(0.5),
            measured.millis(0.99),
        ));
    }

    /// Single redemptions over all regions. Of the most callers' run it is told what it cost.
    async fn single(
        &mut self,
        plan: &Plan,
        round: &str,
        (callers, calls): (usize, usize),
        yardstick: Option<f64>,
    ) -> anyhow::Result<()> {
        let load = format!("single_{callers}");
        let wire = self.begin(round, &load).await?;
        let jobs = Jobs::once(self.stock.take(calls));
        let counts = self.counts().await?;
        let cpu = self.server.cpu_seconds()?;
        let written = self.written().await?;
        let measured = load::closed(&wire, &jobs, callers, plan.time).await;
        let cpu = self.server.cpu_seconds()?.zip(cpu);
        let written = self.written().await?.zip(written);
        self.stock.put_back(jobs.left());
        let measured = measured.checked(&in_words(&load))?;
        self.note(round, &load, &measured);
        self.figures.ratio(&load, &measured, yardstick);
        if let Some((after, before)) = self.counts().await?.zip(counts) {
            self.figures.profile(&load, &after.since(&before));
        }
        if callers == plan.most() {
            // What was answered when the time was over cost the server as much.
            let calls = measured.latency.len() as f64;
            if let Some((after, before)) = cpu {
                let micros = (after - before) * 1e6;
                self.figures.note("server_cpu_us_per_op", micros / calls);
            }
            if let Some((after, before)) = written {
                let bytes = after.saturating_sub(before) as f64;
                self.figures.note("wal_bytes_per_op", bytes / calls);
            }
        }
        Ok(())
    }

    /// What the server counted so far, where that is asked for.
    pub(super) async fn counts(&self) -> anyhow::Result<Option<Counts>> {
        match &self.collector {
            Some(collector) => collector.counts().await.map(Some),
            None => Ok(None),
        }
    }

    /// From here on the most that waits is looked for.
    pub(super) fn forget_queue(&self) {
        if let Some(collector) = &self.collector {
            collector.forget_queue();
        }
    }

    /// The most moves that waited since then, and the most beyond which calls were refused, where that is asked for.
    pub(super) fn queue(&self) -> Option<(u64, u64)> {
        self.collector.as_ref().map(Collector::queue)
    }

    async fn written(&self) -> anyhow::Result<Option<u64>> {
        self.place
            .written(&self.server, self.postgres.as_ref())
            .await
    }

    async fn one_region(
        &mut self,
        plan: &Plan,
        round: &str,
        calls: usize,
        yardstick: Option<f64>,
    ) -> anyhow::Result<()> {
        let load = format!("one_region_{}", plan.most());
        let wire = self.begin(round, &load).await?;
        let jobs = Jobs::once(self.stock.take_of_one(calls));
        let measured = load::closed(&wire, &jobs, plan.most(), plan.time).await;
        self.stock.put_back(jobs.left());
        let measured = measured.checked(&in_words(&load))?;
        self.note(round, &load, &measured);
        self.figures.ratio(&load, &measured, yardstick);
        Ok(())
    }

    /// Calls at fixed instants, at a part of what the most callers got in this round.
    async fn open_loop(&mut self, plan: &Plan, round: &str, calls: usize) -> anyhow::Result<()> {
        let load = "open_loop_70";
        let wire = self.begin(round, load).await?;
        let most = self.rates.get(&format!("single_{}", plan.most()));
        let per_second = most.context("nothing was measured before")? * OPEN_LOOP;
        let jobs = Jobs::once(self.stock.take(calls));
        let measured = load::open(&wire, &jobs, per_second, plan.time).await;
        self.stock.put_back(jobs.left());
        self.note(round, load, &measured.checked(&in_words(load))?);
        Ok(())
    }

    async fn bulk(
        &mut self,
        plan: &Plan,
        round: &str,
        vouchers: usize,
        yardstick: Option<f64>,
    ) -> anyhow::Result<()> {
        let load = "bulk";
        let wire = self.begin(round, load).await?;
        let jobs = Jobs::once(self.stock.take_bulk(vouchers, plan.bulk));
        let measured = load::closed(&wire, &jobs, BULK_CALLS, plan.time).await;
        let measured = measured.checked(&in_words(load))?;
        self.note(round, load, &measured);
        self.figures.ratio(load, &measured, yardstick);
        Ok(())
    }

    async fn whole_loop(
        &mut self,
        plan: &Plan,
        round: &str,
        classes: Vec<Vec<Group>>,
    ) -> anyhow::Result<()> {
        let load = "loop_moves";
        let wire = self.begin(round, load).await?;
        let measured = moves::moves(&wire, &self.counters, classes, CALLERS, plan.time).await;
        self.note(round, load, &measured.checked(&in_words(load))?);
        Ok(())
    }

    async fn reads(&mut self, plan: &Plan, round: &str) -> anyhow::Result<()> {
        let load = "reads";
        let wire = self.begin(round, load).await?;
        let jobs = Jobs::again(self.stock.reads());
        let measured = load::closed(&wire, &jobs, CALLERS, plan.time).await;
        self.note(round, load, &measured.checked(&in_words(load))?);
        Ok(())
    }

    async fn streams(&mut self, plan: &Plan, round: &str) -> anyhow::Result<()> {
        let load = "streamed_events";
        let wire = self.begin(round, load).await?;
        let desks = self.stock.desks();
        let regions = desks.map(|desk| (desk.parent(), desk.supervisor().to_owned()));
        let address = &self.server.address;
        let measured = stream::events(&wire, address, regions.collect(), plan.time).await?;
        let measured = measured.checked(&in_words(load))?;
        self.figures.throughput(load, measured.per_second());
        self.progress.say(&format!(
            "{round}: {}: {:.0} a second",
            in_words(load),
            measured.per_second()
        ));
        Ok(())
    }

    /// Stops the server and replays its logs, as an auditor would. One that runs elsewhere ends when its clock is let go.
    pub(crate) async fn end(mut self) -> anyhow::Result<Figures> {
        let load = "replay_events";
        self.progress
            .begin(&format!("{}: {}", self.engine().name(), in_words(load)));
        if let Some(mb) = self.server.peak_rss_mb()? {
            self.figures.note("peak_rss_mb", mb);
        }
        self.server.stop()?;
        if self.place.engine == Engine::Elsewhere {
            return Ok(self.figures);
        }
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut replay = Command::new(program);
        replay.args(["audit", "replay", "--json", "--database", &self.place.url]);
        let output = tokio::task::spawn_blocking(move || replay.output()).await??;
        if !output.status.success() {
            bail!(
                "the bench's logs do not replay: {}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let told: Value = serde_json::from_slice(&output.stdout)?;
        let per_second = told["events_per_second"].as_f64();
        let per_second = per_second.context("`hefu audit replay` tells no rate")?;
        self.figures.throughput(load, per_second);
        self.place.remove(self.postgres.as_ref()).await?;
        Ok(self.figures)
    }
}
