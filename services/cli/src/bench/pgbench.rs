//! The yardstick: pgbench's TPC-B-like run on the same PostgreSQL, in a database of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, bail};

use super::place::Postgres;

/// What its database is for.
const DATABASE: &str = "pgbench";
const SCALE: &str = "50";
const CLIENTS: &str = "32";
const THREADS: &str = "2";

/// pgbench with its tables filled.
pub(crate) struct Pgbench {
    program: PathBuf,
    url: String,
}

/// Where pgbench is: beside PostgreSQL's server, or in PATH.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    let beside = hefu_cluster::tools().map(|folder| folder.join("pgbench"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    beside
        .into_iter()
        .chain(std::env::split_paths(&path).map(|folder| folder.join("pgbench")))
        .find(|program| program.is_file())
        .context(
            "--vs-pgbench needs pgbench, which is not found: on Debian it is in the package `postgresql-contrib` or `postgresql`, or put it into PATH",
        )
}

impl Pgbench {
    /// Fills its tables.
    pub(crate) async fn new(postgres: &Postgres) -> anyhow::Result<Pgbench> {
        let program = program()?;
        let url = postgres.database(DATABASE).await?;
        let filled = run(&program, &["-i", "-q", "-s", SCALE], &url);
        said(filled.await?, "pgbench -i")?;
        Ok(Pgbench { program, url })
    }

    /// Transactions a second over so long a run.
    pub(crate) async fn tps(&self, time: Duration) -> anyhow::Result<f64> {
        let seconds = time.as_secs().max(1).to_string();
        let arguments = [
            "-n", "-M", "prepared", "-c", CLIENTS, "-j", THREADS, "-T", &seconds,
        ];
        let printed = said(run(&self.program, &arguments, &self.url).await?, "pgbench")?;
        tps(&printed).with_context(|| format!("pgbench printed no tps: {printed}"))
    }

    /// Removes its database.
    pub(crate) async fn remove(self, postgres: &Postgres) -> anyhow::Result<()> {
        postgres.drop_database(DATABASE).await
    }
}

async fn run(program: &Path, arguments: &[&str], url: &str) -> anyhow::Result<Output> {
    let mut command = Command::new(program);
    command.args(arguments).arg(url);
    let output = tokio::task::spawn_blocking(move || command.output()).await?;
    output.with_context(|| format!("cannot run {}", program.display()))
}

fn said(output: Output, what: &str) -> anyhow::Result<String> {
    if !output.status.success() {
        bail!(
            "{what} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The figure in what pgbench prints.
fn tps(printed: &str) -> Option<f64> {
    let rest = printed
        .lines()
        .find_map(|line| line.strip_prefix("tps = "))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_found_in_what_pgbench_prints() {
        let printed = "number of failed transactions: 0 (0.000%)\nlatency average = 9.6 ms\n\
                       tps = 3321.507412 (without initial connection time)\n";
        assert_eq!(tps(printed), Some(3_321.507_412));
        assert_eq!(tps("nothing"), None);
    }
}
