//! `hefu serve` and `hefu migrate`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use hefu_engine::{Clock, Engine, Source, Stopped};
use hefu_server::{
    Config, Listen, RegionTree, Registers, Service, Services, Setup, Witnesses, telemetry,
};
use hefu_store::{OpenOptions, Store};

use crate::made_up_clock;

#[derive(Args)]
pub(crate) struct Serve {
    /// The configuration file (see deploy/hefu.toml).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// sqlite://PATH (made if missing) or postgres://…
    #[arg(long, env = "HEFU_DATABASE", value_name = "URL")]
    database: Option<String>,
    /// Where to listen, HOST:PORT.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Keys and signer state.
    #[arg(long, env = "HEFU_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// Mount these services only, such as redemption,training: without issuance no token key is held, without signer no log key.
    /// PostgreSQL only; the first start is of all.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    services: Vec<Service>,
    /// Serve without TLS on an address that is not loopback.
    #[arg(long)]
    plaintext: bool,
    /// Serve under a made-up clock that begins at this instant, in milliseconds since 1970; every log says so.
    #[arg(long, hide = true, value_name = "MS")]
    made_up_clock: Option<i64>,
}

#[derive(Args)]
pub(crate) struct Migrate {
    /// The configuration file (see deploy/hefu.toml).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// sqlite://PATH (made if missing) or postgres://…
    #[arg(long, env = "HEFU_DATABASE", value_name = "URL")]
    database: Option<String>,
    /// Part the log and the vouchers by region into so many tables (PostgreSQL; 2 to 64). They are copied, and no server may be
    /// connected.
    #[arg(long, value_name = "N")]
    partitions: Option<u32>,
}

/// The configuration of a file, or the default one, with another database where one is named.
fn configured(file: Option<&PathBuf>, database: Option<&String>) -> anyhow::Result<Config> {
    let mut config = match file {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    if let Some(database) = database {
        config.database.clone_from(database);
    }
    Ok(config)
}

impl Serve {
    fn config(&self) -> anyhow::Result<Config> {
        let mut config = configured(self.config.as_ref(), self.database.as_ref())?;
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(state) = &self.state {
            config.state.clone_from(state);
        }
        if !self.services.is_empty() {
            config.services = Services::of(self.services.iter().copied());
        }
        config.plaintext |= self.plaintext;
        config.check()?;
        Ok(config)
    }
}

pub(crate) async fn serve(command: Serve) -> anyhow::Result<ExitCode> {
    let config = command.config()?;
    let telemetry = telemetry::start(&config.log, config.telemetry.otlp_endpoint.as_deref())?;
    let (clock, hand) = match command.made_up_clock {
        Some(at) => made_up_clock::begin(at),
        None => (Clock::system(), None),
    };
    let setup = Setup {
        database: config.database.clone(),
        tree: RegionTree::read(config.region_tree.as_deref())?,
        state: config.state,
        listen: Listen {
            listen: config.listen,
            tls: config.tls,
            oidc: config.oidc,
            services: config.services,
        },
        deployment: config.deployment,
        clock: clock.clone(),
        source: Source::System,
        writers: config.writers,
        limits: config.limits,
        witnesses: Witnesses::new(&config.witness, config.witnesses_required, clock)?,
    };
    let registers = Registers::new(&config.register)?;
    let mut running = hefu_server::serve_asking(setup, registers).await?;
    if running.first_start {
        println!(
            "First start: keys were made. The operator's API key is in {}",
            running.operator_key_file.display()
        );
    }
    println!(
        "hefu serves on {} ({})",
        running.url(),
        running.engine.store().engine_name()
    );
    if config.city_log_minutes > 0 {
        let every = std::time::Duration::from_secs(60 * config.city_log_minutes);
        running.record_checkpoints_every(every);
    }
    if config.deadline_seconds > 0 {
        running.expire_due_every(std::time::Duration::from_secs(config.deadline_seconds));
    }
    if config.watch_seconds > 0 {
        let every = std::time::Duration::from_secs(config.watch_seconds);
        running.watch_logs_every(every);
    }
    let engine = running.engine.clone();
    tokio::select! {
        () = interrupted() => println!("stopping"),
        () = made_up_clock::drive(hand) => println!("stopping"),
        () = running.wait() => anyhow::bail!("the server ended by itself"),
        why = must_end(&engine) => {
            telemetry.shutdown();
            anyhow::bail!("writing stopped: {why}");
        }
    }
    running.stop().await;
    telemetry.shutdown();
    Ok(ExitCode::SUCCESS)
}

/// Waits until writing stopped for a reason that ends the process.
async fn must_end(engine: &Engine) -> Stopped {
    loop {
        if let Some(why) = engine.stopped().filter(|why| why.ends_the_process()) {
            return why.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
}

/// Ctrl-C, or SIGTERM where there is one.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = term.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

pub(crate) async fn migrate(command: Migrate) -> anyhow::Result<ExitCode> {
    // A warning that the serving role could not be set up comes with the SQL that sets it up.
    let telemetry = telemetry::start("warn", None)?;
    let config = configured(command.config.as_ref(), command.database.as_ref())?;
    let store = Store::open(&config.database, OpenOptions::default()).await?;
    store
        .migrate()
        .await
        .context("the schema could not be brought up to date")?;
    println!("The schema is up to date ({}).", store.engine_name());
    if let Some(parts) = command.partitions {
        store
            .partition(parts)
            .await
            .context("the tables could not be parted")?;
        println!("The log and the vouchers stand in {parts} partitions by region.");
    }
    store.close().await;
    telemetry.shutdown();
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrate_finds_the_database_that_serve_would_serve() {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/hefu.toml");
        let file = PathBuf::from(example);
        let config = configured(Some(&file), None).unwrap();
        assert_eq!(config.database, "sqlite:///var/lib/hefu/hefu.db");
        let other = "postgres://hefu@localhost/hefu".to_owned();
        let config = configured(Some(&file), Some(&other)).unwrap();
        assert_eq!(config.database, other);
        let config = configured(None, None).unwrap();
        assert_eq!(config.database, Config::default().database);
    }
}
