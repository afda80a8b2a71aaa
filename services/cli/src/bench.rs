//! `hefu bench`: measures a real server, a process of its own, with fresh vouchers and a client that costs little. What it says of
//! throughput and latency is the median of several rounds, in relation to pgbench on the same PostgreSQL where that is asked for.

mod bed;
mod collector;
mod figures;
mod fill;
mod grow;
mod kept;
mod lists;
mod load;
mod moves;
mod overload;
mod pair;
mod pgbench;
mod place;
mod profile;
mod progress;
mod recovery;
mod report;
mod sample;
mod server;
mod stock;
mod stream;
mod svg;
mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use bed::Bed;
use figures::{Figures, median, rounded};
use grow::{Growth, Sizes};
use pgbench::Pgbench;
use place::{Engine, Postgres};
use progress::Progress;
use server::Server;

use crate::connect::Remote;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engines {
    Sqlite,
    Postgres,
    Both,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Load {
    /// Redemptions one by one over all regions, for each of --in-flight.
    Single,
    /// The same, with the most in flight, shared with a second process of the server on the same database. PostgreSQL only.
    TwoProcesses,
    /// The same on one region.
    OneRegion,
    /// Redemptions at fixed instants, at 70 % of what the most callers got, in the warm-up if they are not measured.
    OpenLoop,
    /// Twice what the most callers get, found out just before, and then 70 % of it again.
    Overload,
    /// Redemptions in calls of --bulk.
    Bulk,
    /// Whole classes from enrolment to redemption.
    Loop,
    /// Vouchers read.
    Reads,
    /// Events streamed.
    Streams,
}

/// What is measured of a database as it grows. The others tell of the process, and would fill it further.
const OF_EACH_SIZE: [Load; 7] = [
    Load::Single,
    Load::OneRegion,
    Load::OpenLoop,
    Load::Bulk,
    Load::Loop,
    Load::Reads,
    Load::Streams,
];

#[derive(Args)]
pub(crate) struct Bench {
    /// Which databases. Default: both, where PostgreSQL's server is found or named.
    #[arg(long, value_enum)]
    engine: Option<Engines>,
    /// A PostgreSQL server, postgres://…, in which databases may be made. Default: a throw-away cluster.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// A server that runs elsewhere, http://HOST:PORT, on a fresh database and under `--made-up-clock 1681887600000`. Its figures stand
    /// under `server`.
    #[arg(long, value_name = "URL", requires_all = ["key", "clock"], conflicts_with_all = ["engine", "database", "vs_pgbench"])]
    server: Option<String>,
    /// Its operator's key, or a file that holds it.
    #[arg(
        long,
        env = "HEFU_KEY",
        hide_env_values = true,
        value_name = "KEY|FILE"
    )]
    key: Option<String>,
    /// Where lines are taken for its standard input, which set its clock forward: `nc -l PORT | hefu serve …` there.
    #[arg(long, value_name = "HOST:PORT", requires = "server")]
    clock: Option<String>,
    /// Callers that each wait for their answer.
    #[arg(long, value_delimiter = ',', default_value = "1,64,256", value_name = "LIST", value_parser = clap::value_parser!(u16).range(1..=1024))]
    in_flight: Vec<u16>,
    /// Redemptions of one bulk call.
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    bulk: u16,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 5.0, value_name = "S")]
    seconds: f64,
    /// How often all of it is measured; medians are told.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// What is measured. Default: everything; with --grow everything but overload and two-processes.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST")]
    loads: Vec<Load>,
    /// Fill one database to one size after the other, in vouchers, and measure at each; --seconds 2 --rounds 1 leaves the sizes about as
    /// they are.
    #[arg(
        long,
        value_name = "SIZES",
        num_args = 0..=1,
        default_missing_value = "100k,1M,5M",
        conflicts_with = "server"
    )]
    grow: Option<Sizes>,
    /// Keep what was filled in that folder, and go on from what is there. With --database it goes to that server, in a database of its own;
    /// otherwise PostgreSQL's cluster is in the folder, too.
    #[arg(long, value_name = "FOLDER", requires = "grow")]
    keep: Option<PathBuf>,
    /// Part PostgreSQL's log and vouchers by region into so many tables, as `hefu migrate --partitions` does.
    #[arg(long, value_name = "N", conflicts_with = "server")]
    partitions: Option<u32>,
    /// Take turns with pgbench (TPC-B-like, scale 50, 32 clients) on the same PostgreSQL, and tell the ratios.
    #[arg(long)]
    vs_pgbench: bool,
    /// Tell where the time of one move goes, stage by stage, and how many of its facts were found in memory.
    #[arg(long, conflicts_with = "grow")]
    profile: bool,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
    /// Draw throughput and latency into this SVG file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// All figures.
#[derive(Default)]
struct Outcome {
    /// Transactions a second, by round.
    pgbench: Vec<f64>,
    told: Vec<Told>,
}

/// An engine's figures, at a size if it was grown.
struct Told {
    engine: Engine,
    vouchers: Option<u64>,
    figures: Figures,
}

impl Told {
    /// What was measured, in words.
    fn name(&self) -> String {
        let engine = self.engine.name();
        match self.vouchers {
            Some(vouchers) => format!("{engine}, {} vouchers", report::thousands(vouchers)),
            None => engine.to_owned(),
        }
    }
}

impl Outcome {
    fn pgbench(&self) -> Option<f64> {
        median(&self.pgbench)
    }

    /// The highest figure whose name ends so.
    fn highest(&self, ending: &str) -> f64 {
        let figures = self.told.iter().flat_map(|Told { figures, .. }| {
            let loads = figures.loads.iter();
            loads.filter_map(move |load| figures.median(&format!("{load}{ending}")))
        });
        figures.fold(0.0, f64::max)
    }

    fn json(&self) -> Value {
        let mut object = json!({ "pgbench_tps": self.pgbench().map(rounded) });
        let mut grown = BTreeMap::new();
        for one in &self.told {
            let (engine, figures) = (one.engine.name(), one.figures.json());
            match one.vouchers {
                None => object[engine] = figures,
                Some(vouchers) => {
                    let size = grown.entry(vouchers);
                    size.or_insert_with(|| json!({ "vouchers": vouchers }))[engine] = figures;
                }
            }
        }
        if !grown.is_empty() {
            object["grow"] = grown.into_values().collect();
        }
        object
    }
}

/// How each measurement is made.
struct Plan {
    in_flight: Vec<usize>,
    bulk: usize,
    time: Duration,
    loads: Vec<Load>,
}

impl Plan {
    fn measures(&self, load: Load) -> bool {
        self.loads.is_empty() || self.loads.contains(&load)
    }

    /// The most callers.
    fn most(&self) -> usize {
        self.in_flight.iter().copied().max().unwrap_or(1)
    }
}

impl Bench {
    /// What is measured; empty for everything.
    fn measured(&self) -> Vec<Load> {
        match self.grow {
            Some(_) if self.loads.is_empty() => OF_EACH_SIZE.to_vec(),
            _ => self.loads.clone(),
        }
    }

    /// Which engines are measured; says what is missing where nobody asked for one of them by name.
    fn engines(&self) -> Vec<Engine> {
        let found = self.database.is_some() || hefu_cluster::tools().is_some();
        match self.engine {
            _ if self.server.is_some() => Vec::new(),
            Some(Engines::Sqlite) => vec![Engine::Sqlite],
            Some(Engines::Postgres) => vec![Engine::Postgres],
            Some(Engines::Both) => vec![Engine::Postgres, Engine::Sqlite],
            None if found => vec![Engine::Postgres, Engine::Sqlite],
            None => {
                eprintln!("Only SQLite is measured. {}", hefu_cluster::WANTED);
                vec![Engine::Sqlite]
            }
        }
    }

    fn plan(&self) -> anyhow::Result<Plan> {
        if !(0.05..=600.0).contains(&self.seconds) {
            bail!("--seconds must be 0.05 to 600");
        }
        if self.profile && self.server.is_some() {
            bail!(
                "--profile takes the metrics of a server that the bench starts itself: leave --server out. One that runs elsewhere sends its own to its telemetry.otlp_endpoint"
            );
        }
        let mut in_flight: Vec<usize> = self.in_flight.iter().map(|n| usize::from(*n)).collect();
        in_flight.sort_unstable();
        in_flight.dedup();
        Ok(Plan {
            in_flight,
            bulk: self.bulk.into(),
            time: Duration::from_secs_f64(self.seconds),
            loads: self.measured(),
        })
    }

    /// The server that runs elsewhere, if one is named.
    fn elsewhere(&self) -> anyhow::Result<Option<Server>> {
        let (Some(address), Some(clock)) = (&self.server, &self.clock) else {
            return Ok(None);
        };
        let address = address.trim_end_matches('/').to_owned();
        let key = Remote::new(address.clone(), self.key.clone()).key()?;
        let key = key.context("--server needs the operator's key: --key")?;
        Server::elsewhere(address, key, clock).map(Some)
    }

    fn postgres(&self, engines: &[Engine]) -> anyhow::Result<Option<Postgres>> {
        if let Some(url) = &self.database {
            if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
                bail!(
                    "--database names a PostgreSQL server (postgres://…); SQLite is measured in a file of the bench's own"
                );
            }
            return Ok(Some(Postgres::named(url).parted(self.partitions)));
        }
        if !engines.contains(&Engine::Postgres) && !self.vs_pgbench {
            return Ok(None);
        }
        let postgres = match &self.keep {
            Some(folder) => Postgres::kept(&folder.join(Engine::Postgres.name()))?,
            None => Postgres::throw_away()?,
        };
        Ok(Some(postgres.parted(self.partitions)))
    }
}

pub(crate) async fn run(bench: Bench) -> anyhow::Result<ExitCode> {
    let plan = bench.plan()?;
    if bench.vs_pgbench {
        // Before anything takes time.
        pgbench::program()?;
    }
    let engines = bench.engines();
    let progress = Progress::new();
    progress.begin("starting databases and servers");
    let postgres = bench.postgres(&engines)?;
    let yardstick = match &postgres {
        Some(postgres) if bench.vs_pgbench => {
            progress.begin("filling pgbench's tables");
            Some(Pgbench::new(postgres).await?)
        }
        _ => None,
    };
    let outcome = match &bench.grow {
        Some(sizes) => {
            let growth = Growth {
                sizes,
                keep: bench.keep.as_ref(),
                plan: &plan,
                rounds: bench.rounds,
                postgres: postgres.as_ref(),
                yardstick: yardstick.as_ref(),
                progress: &progress,
            };
            growth.run(engines).await?
        }
        None => {
            let with = (postgres.as_ref(), yardstick.as_ref());
            rounds(&bench, &plan, engines, with, &progress).await?
        }
    };
    if let (Some(yardstick), Some(postgres)) = (yardstick, &postgres) {
        yardstick.remove(postgres).await?;
    }
    progress.end();
    tell(&bench, &outcome)?;
    Ok(ExitCode::SUCCESS)
}

/// Measures round after round, the engines in turn.
async fn rounds(
    bench: &Bench,
    plan: &Plan,
    engines: Vec<Engine>,
    (postgres, yardstick): (Option<&Postgres>, Option<&Pgbench>),
    progress: &Progress,
) -> anyhow::Result<Outcome> {
    let mut beds = Vec::with_capacity(engines.len() + 1);
    if let Some(server) = bench.elsewhere()? {
        progress.begin("opening eleven counties");
        beds.push(Bed::elsewhere(server, progress).await?);
    }
    for engine in engines {
        progress.begin(&format!("{}: opening eleven counties", engine.name()));
        beds.push(Bed::open(engine, postgres, bench.profile, progress).await?);
    }
    let mut tps = Vec::new();
    for round in 1..=bench.rounds {
        let of = format!("round {round} of {}", bench.rounds);
        if let Some(yardstick) = yardstick {
            for bed in &beds {
                bed.rest(&of).await?;
            }
            progress.begin(&format!("{of}: pgbench"));
            tps.push(yardstick.tps(plan.time).await?);
            progress.say(&format!("{of}: pgbench {:.0} tps", tps[tps.len() - 1]));
        }
        for bed in &mut beds {
            bed.round(plan, &of, tps.last().copied()).await?;
        }
    }
    let mut outcome = Outcome {
        pgbench: tps,
        told: Vec::new(),
    };
    for bed in beds {
        outcome.told.push(Told {
            engine: bed.engine(),
            vouchers: None,
            figures: bed.end().await?,
        });
    }
    Ok(outcome)
}

fn tell(bench: &Bench, outcome: &Outcome) -> anyhow::Result<()> {
    if bench.json {
        println!("{}", outcome.json());
    } else {
        println!("{}", report::loads(outcome));
        for (what, table) in report::profiles(outcome) {
            println!("{what}\n{table}");
        }
        for line in report::costs(outcome) {
            println!("{line}");
        }
        println!(
            "medians of {} rounds of {} s a measurement; fsync, authentication and access checks on, plaintext on loopback, client included",
            bench.rounds, bench.seconds
        );
    }
    if let Some(file) = &bench.svg {
        std::fs::write(file, svg::picture(outcome))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
