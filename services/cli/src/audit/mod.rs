//! `hefu audit`: what somebody runs who distrusts the operator. Each subcommand has a file of its own.

mod diff;
mod export;
mod get_receipt;
mod history;
mod live;
mod receipt;
mod replay;
mod source;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Copy the signed logs into a folder, checked against their own checkpoints; a second run fetches only what is new.
    Export(export::Export),
    /// Make the receipt of an event: its bytes, and the signed proof that they were recorded. It is checked offline.
    GetReceipt(get_receipt::GetReceipt),
    /// Verify every byte, signature, fork and record of the logs. Exits 0 if all holds, 1 if not, 3 if a fork was accepted, 4 if no key came from outside.
    Verify(verify::Verify),
    /// Tell what happened between two checkpoints: whether the later log extends the earlier, events by kind, money moved.
    Diff(diff::Diff),
    /// Check a receipt offline: the event that it holds, and which log signed for it.
    Receipt(receipt::CheckReceipt),
    /// Rebuild every state and every fen from the log alone; with a database, compare its tables row by row.
    Replay(replay::Replay),
    /// Tell one voucher's life on one page, with the proof of each event.
    History(history::HistoryOf),
}

pub(crate) async fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Export(export) => export::run(&export).await,
        AuditCommand::GetReceipt(asked) => get_receipt::run(&asked).await,
        AuditCommand::Verify(asked) => verify::run(asked).await,
        AuditCommand::Diff(asked) => diff::run(asked).await,
        AuditCommand::Receipt(asked) => receipt::run(&asked),
        AuditCommand::Replay(replay) => replay::run(replay).await,
        AuditCommand::History(asked) => history::run(asked).await,
    }
}
