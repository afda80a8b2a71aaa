//! `throwaway-postgres run -- CMD ARGS…`: runs CMD with a PostgreSQL cluster of its own in
//! `HEFU_TEST_POSTGRES_URL`, and ends with CMD's exit code. The cluster is gone afterwards.

use hefu_tests::postgres::{Cluster, URL_VARIABLE};
use std::process::{Command, ExitCode};

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
    drop(cluster);
    match status {
        // Ended by a signal, it has no code of its own.
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(e) => {
            eprintln!("{}: {e}", program.display());
            ExitCode::from(127)
        }
    }
}
