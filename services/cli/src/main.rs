//! `hefu` (合符): training vouchers from application to write-off.

mod access;
mod audit;
mod bench;
mod call;
mod check;
mod connect;
mod demo;
mod keys;
mod log;
mod made_up_clock;
mod policy;
mod report;
mod serve;
mod sheets;
mod signed;
mod voucher;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads for the vault's short file reads: each keeps memory of its own, so a few are better than tokio's hundreds.
const BLOCKING_THREADS: usize = 8;

/// Training vouchers from application to write-off, with a log that a stranger can verify.
#[derive(Parser)]
#[command(name = "hefu", version, about, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play Jinzhong's plan year 2023 through real gRPC, and check every fen of it.
    Demo(demo::Demo),
    /// Measure a server of its own: throughput, latency, and what both cost.
    Bench(bench::Bench),
    /// Serve gRPC and HTTP. The first start on an empty folder makes keys and opens the regions.
    Serve(serve::Serve),
    /// Bring a database's schema up to date.
    Migrate(serve::Migrate),
    /// Show the rules, and put them into force.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Say what a case is worth, by a server's rules or by the shipped policy.
    Quote(policy::Quote),
    /// Make a report as of the end of a day, out of a server, a database or exported logs.
    Report(report::ReportCommand),
    /// Call any RPC: SERVICE/METHOD and a JSON message.
    Call {
        #[command(flatten)]
        remote: connect::Remote,
        /// For instance AuditService/GetHead.
        method: String,
        /// The message as JSON, for instance '{"name":"regions/140725"}'.
        #[arg(default_value = "{}")]
        json: String,
    },
    /// Grant, revoke and list callers.
    #[command(subcommand)]
    Access(access::AccessCommand),
    /// Copy the signed logs and check them, trusting nobody.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Make, list and rotate signing keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Go on from a log that is in doubt.
    #[command(subcommand)]
    Log(log::LogCommand),
    /// Make an empty sheet to fill in: roster, attendance, certificates, targets or payout-answers.
    Template(sheets::MakeTemplate),
    /// Import a filled-in sheet. Where a row is wrong nothing is written, and a copy says what is wrong beside each cell.
    Import(sheets::ImportSheet),
    /// Take a sheet out: a class's roster, a claim sheet, the payouts under way.
    #[command(subcommand)]
    Export(sheets::ExportCommand),
    /// Show a voucher to its holder.
    #[command(subcommand)]
    Voucher(voucher::VoucherCommand),
    /// Be a witness of other people's logs.
    #[command(subcommand)]
    Witness(witness::WitnessCommand),
}

/// What a shell says of a process that SIGPIPE ended.
const NOBODY_READS: i32 = 128 + 13;

fn main() -> ExitCode {
    end_quietly_when_nobody_reads();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("hefu: cannot start: {error}");
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hefu: {error:#}");
            ExitCode::from(1)
        }
    }
}

/// `hefu … | head` ends as other programs do: at the first line that nobody takes any more, without a word. Rust makes a panic
/// of it, and the signal itself must not end a server whose peers hang up.
fn end_quietly_when_nobody_reads() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to std") && said.contains("Broken pipe") {
            std::process::exit(NOBODY_READS);
        }
        before(panic);
    }));
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Demo(demo) => demo::run(demo).await,
        Command::Bench(bench) => bench::run(bench).await,
        Command::Serve(serve) => serve::serve(serve).await,
        Command::Migrate(migrate) => serve::migrate(migrate).await,
        Command::Policy(command) => policy::run(command).await,
        Command::Quote(quote) => policy::quote(quote).await,
        Command::Report(command) => report::run(command).await,
        Command::Call {
            remote,
            method,
            json,
        } => call::call(&remote, &method, &json)
            .await
            .map(|()| ExitCode::SUCCESS),
        Command::Access(command) => access::run(command).await.map(|()| ExitCode::SUCCESS),
        Command::Audit(command) => audit::run(command).await,
        Command::Keys(command) => keys::run(command).await.map(|()| ExitCode::SUCCESS),
        Command::Log(command) => log::run(command).await.map(|()| ExitCode::SUCCESS),
        Command::Template(make) => sheets::template(make).await,
        Command::Import(import) => sheets::import(import).await,
        Command::Export(command) => sheets::export(command).await,
        Command::Voucher(command) => voucher::run(command).await.map(|()| ExitCode::SUCCESS),
        Command::Witness(command) => witness::run(command).await,
    }
}

/// The state folder of a database: as said, or beside a demo's SQLite file.
fn beside(database: &str) -> Option<PathBuf> {
    database
        .strip_prefix("sqlite://")
        .map(|path| PathBuf::from(format!("{path}.state")))
}
