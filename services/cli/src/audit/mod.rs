//! `hefu audit`: what somebody runs who distrusts the operator.

mod history;
mod replay;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Rebuild every state and every fen from the log alone; with a database, compare its tables row by row.
    Replay(replay::Replay),
    /// Tell one voucher's life on one page, with the proof of each event.
    History(history::HistoryOf),
}

pub(crate) async fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Replay(replay) => replay::run(replay).await,
        AuditCommand::History(asked) => history::run(asked).await,
    }
}
