//! `hefu audit`: what somebody runs who distrusts the operator. Each subcommand has a file of its own.

mod export;
mod get_receipt;
mod history;
mod live;
mod replay;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Copy the signed logs into a folder, checked against their own checkpoints; a second run fetches only what is new.
    Export(export::Export),
    /// Make the receipt of an event: its bytes, and the signed proof that they were recorded. It is checked offline.
    GetReceipt(get_receipt::GetReceipt),
    /// Rebuild every state and every fen from the log alone; with a database, compare its tables row by row.
    Replay(replay::Replay),
    /// Tell one voucher's life on one page, with the proof of each event.
    History(history::HistoryOf),
}

pub(crate) async fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Export(export) => export::run(&export).await,
        AuditCommand::GetReceipt(asked) => get_receipt::run(&asked).await,
        AuditCommand::Replay(replay) => replay::run(replay).await,
        AuditCommand::History(asked) => history::run(asked).await,
    }
}
