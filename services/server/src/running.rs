//! A server that runs, and what works beside it until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hefu_engine::Engine;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::deadlines::Deadlines;
use crate::files::Duty;
use crate::offline::Presence;
use crate::signer::{CityLogs, Signing};
use crate::start::StartError;
use crate::watching::{Watched, Watching, keep_watching};

/// How long calls under way may take when the server is told to stop.
const LAST_CALLS: Duration = Duration::from_secs(10);

/// A server that runs until it is told to stop.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub secure: bool,
    /// The operator's API key, from the state folder; empty in a process of a part of the services, which needs none.
    pub operator_key: String,
    /// The file that the operator's key is in.
    pub operator_key_file: PathBuf,
    /// Whether this start made the state folder's keys.
    pub first_start: bool,
    /// The engine.
    pub engine: Engine,
    /// The signer of the logs.
    pub signing: Signing,
    /// What records counties' checkpoints in their city's log.
    pub city_logs: CityLogs,
    /// What lets expire what is due.
    pub deadlines: Deadlines,
    pub(crate) recorder: Option<JoinHandle<()>>,
    pub(crate) clockwork: Option<JoinHandle<()>>,
    pub(crate) watching: Watching,
    pub(crate) watching_duty: Duty,
    pub(crate) watcher: Option<JoinHandle<()>>,
    pub(crate) feeder: Option<JoinHandle<()>>,
    pub(crate) _presence: Presence,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) served: JoinHandle<()>,
}

impl Running {
    /// Where it answers, as a URL.
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Stops taking calls, lets those under way end, and closes the database.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // The server may have ended already.
            let _ = stop.send(());
        }
        match tokio::time::timeout(LAST_CALLS, &mut self.served).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the server ended badly"),
            // A reader that follows a log would hold it for ever.
            Err(_) => self.served.abort(),
        }
        let workers = [&self.recorder, &self.clockwork, &self.feeder];
        workers.into_iter().flatten().for_each(JoinHandle::abort);
        if let Some(watcher) = self.watcher.take() {
            watcher.abort();
            // Either it was over or it ends here; what it did until then stands.
            let _ = watcher.await;
        }
        self.watching.keep_all().await;
        self.signing.stop().await;
        self.engine.store().close().await;
    }

    /// Signs all logs, and records those of counties in their city's.
    ///
    /// # Errors
    /// The signer's or the engine's; it can be asked for again.
    pub async fn record_checkpoints(&self) -> Result<(), StartError> {
        self.signing.sign().await?;
        self.city_logs.record().await?;
        Ok(())
    }

    /// Records counties' checkpoints in their city's log again and again, as long as the server runs.
    pub fn record_checkpoints_every(&mut self, every: Duration) {
        let recording = keep_recording(self.city_logs.clone(), every);
        self.recorder = Some(tokio::spawn(recording));
    }

    /// Lets expire what is due, at once and again and again, as long as the server runs.
    pub fn expire_due_every(&mut self, every: Duration) {
        self.clockwork = Some(tokio::spawn(self.deadlines.clone().keep(every)));
    }

    /// Lets the fraud rules see what was written since the last time.
    ///
    /// # Errors
    /// The engine's; it can be asked for again.
    pub async fn watch_logs(&self) -> Result<Watched, StartError> {
        Ok(self.watching.round().await?)
    }

    /// Lets them see it again and again, as long as the server runs, if no other one over the same state folder does.
    pub fn watch_logs_every(&mut self, every: Duration) {
        let watching = keep_watching(self.watching.clone(), self.watching_duty.clone(), every);
        self.watcher = Some(tokio::spawn(watching));
    }

    /// Waits until the server ends by itself.
    pub async fn wait(&mut self) {
        if let Err(error) = (&mut self.served).await {
            tracing::error!(%error, "the server ended badly");
        }
    }
}

/// Records what cities have not got on record, at every tick.
async fn keep_recording(city_logs: CityLogs, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        if let Err(error) = city_logs.record().await {
            tracing::warn!(%error, "the counties' checkpoints were not recorded; the next time tries again");
        }
    }
}
