//! `hefu bench`: measures a real server, a process of its own, with fresh vouchers and a client that costs little. What it says of
//! throughput and latency is the median of several rounds, in relation to pgbench on the same PostgreSQL where that is asked for.

mod bed;
mod collector;
mod figures;
mod load;
mod moves;
mod pgbench;
mod place;
mod profile;
mod progress;
mod report;
mod server;
mod stock;
mod stream;
mod svg;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use bed::Bed;
use figures::{Figures, median, rounded};
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
    /// Take turns with pgbench (TPC-B-like, scale 50, 32 clients) on the same PostgreSQL, and tell the ratios.
    #[arg(long)]
    vs_pgbench: bool,
    /// Tell where the time of one move goes, stage by stage, and how many of its facts were found in memory.
    #[arg(long)]
    profile: bool,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
    /// Draw throughput and latency into this SVG file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// All figures.
struct Outcome {
    /// Transactions a second, by round.
    pgbench: Vec<f64>,
    engines: Vec<(Engine, Figures)>,
}

impl Outcome {
    fn pgbench(&self) -> Option<f64> {
        median(&self.pgbench)
    }

    /// The highest figure whose name ends so.
    fn highest(&self, ending: &str) -> f64 {
        let figures = self.engines.iter().flat_map(|(_, figures)| {
            let loads = figures.loads.iter();
            loads.filter_map(move |load| figures.median(&format!("{load}{ending}")))
        });
        figures.fold(0.0, f64::max)
    }

    fn json(&self) -> Value {
        let mut object = json!({ "pgbench_tps": self.pgbench().map(rounded) });
        for (engine, figures) in &self.engines {
            object[engine.name()] = figures.json();
        }
        object
    }
}

/// How each measurement is made.
struct Plan {
    in_flight: Vec<usize>,
    bulk: usize,
    time: Duration,
}

impl Plan {
    /// The most callers.
    fn most(&self) -> usize {
        self.in_flight.iter().copied().max().unwrap_or(1)
    }
}

impl Bench {
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
            return Ok(Some(Postgres::named(url)));
        }
        if engines.contains(&Engine::Postgres) || self.vs_pgbench {
            return Postgres::throw_away().map(Some);
        }
        Ok(None)
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
    let mut beds = Vec::with_capacity(engines.len() + 1);
    if let Some(server) = bench.elsewhere()? {
        progress.begin("opening eleven counties");
        beds.push(Bed::elsewhere(server, &progress).await?);
    }
    for engine in engines {
        progress.begin(&format!("{}: opening eleven counties", engine.name()));
        beds.push(Bed::open(engine, postgres.as_ref(), bench.profile, &progress).await?);
    }
    let mut tps = Vec::new();
    for round in 1..=bench.rounds {
        let of = format!("round {round} of {}", bench.rounds);
        if let Some(yardstick) = &yardstick {
            progress.begin(&format!("{of}: pgbench"));
            tps.push(yardstick.tps(plan.time).await?);
            progress.say(&format!("{of}: pgbench {:.0} tps", tps[tps.len() - 1]));
        }
        for bed in &mut beds {
            bed.round(&plan, &of, tps.last().copied()).await?;
        }
    }
    let mut outcome = Outcome {
        pgbench: tps,
        engines: Vec::new(),
    };
    for bed in beds {
        let engine = bed.engine();
        outcome.engines.push((engine, bed.end().await?));
    }
    if let (Some(yardstick), Some(postgres)) = (yardstick, &postgres) {
        yardstick.remove(postgres).await?;
    }
    progress.end();
    tell(&bench, &outcome)?;
    Ok(ExitCode::SUCCESS)
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
