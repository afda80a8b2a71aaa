//! `throwaway-postgres run -- CMD ARGS…`: runs CMD with a PostgreSQL cluster of its own in
//! `HEFU_TEST_POSTGRES_URL`, and ends with CMD's exit code. The cluster is gone afterwards; before, it is looked
//! into for canaries, and one that is found makes the exit code 3 where CMD's was 0.

use hefu_tests::canaries;
use hefu_tests::postgres::{Cluster, URL_VARIABLE};
use std::process::{Command, ExitCode, ExitStatus};
use std::time::Instant;

/// The exit code of a command that went well on a cluster that is not clean.
const NOT_CLEAN: u8 = 3;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let verb = arguments.next();
    let dashes = arguments.next();
    let (Some("run"), Some("--"), Some(program)) = (
        verb.as_deref().and_then(|v| v.to_str()),
        dashes.as_deref().and_then(|d| d.to_str()),
        arguments.next(),
    ) else {
        eprintln!("usage: throwaway-postgres run -- COMMAND [ARGUMENT…]");
        return ExitCode::from(2);
    };
    let cluster = Cluster::start();
    let status = Command::new(&program)
        .args(arguments)
        .env(URL_VARIABLE, cluster.url())
        .status();
    let is_clean = is_clean(&cluster);
    drop(cluster);
    match status {
        Ok(status) if status.success() && !is_clean => ExitCode::from(NOT_CLEAN),
        Ok(status) => code_of(status),
        Err(e) => {
            eprintln!("{}: {e}", program.display());
            ExitCode::from(127)
        }
    }
}

/// Ended by a signal, it has no code of its own.
fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Says what was found, or that nothing was.
fn is_clean(cluster: &Cluster) -> bool {
    let watch = Instant::now();
    let searched = match cluster.search() {
        Ok(searched) => searched,
        Err(e) => {
            eprintln!("throwaway-postgres: not looked into for canaries: {e}");
            return false;
        }
    };
    if !searched.is_whole {
        eprintln!(
            "throwaway-postgres: the write-ahead log was longer than what is kept of it: its first part was not looked into"
        );
    }
    if !searched.looked.found.is_empty() {
        eprintln!(
            "throwaway-postgres: {}",
            canaries::report(&searched.looked.found)
        );
        return false;
    }
    eprintln!(
        "throwaway-postgres: no canary in {} MB of the cluster, looked into in {:.1} s",
        searched.looked.bytes / 1_000_000,
        watch.elapsed().as_secs_f64()
    );
    true
}
