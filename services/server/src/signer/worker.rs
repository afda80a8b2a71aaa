//! The signer at work: a round when it is time, and whoever needs a checkpoint now may ask for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::scrub::{Found, scrub};
use super::{Round, Signer, SignerError, metrics};

/// How often the logs are signed. With the time that a round takes itself, a checkpoint stands within a second of a write.
const PACE: Duration = Duration::from_millis(750);

/// How often everything is hashed anew, and how often it is asked whether that is due.
const DAY_MS: i64 = 86_400_000;
const HOUR: Duration = Duration::from_secs(3_600);

/// The signer of a running server. Cheap to clone.
#[derive(Clone)]
pub struct Signing {
    signer: Arc<Mutex<Signer>>,
    alarmed: Arc<AtomicBool>,
    rounds: Arc<JoinHandle<()>>,
    scrubs: Arc<JoinHandle<()>>,
}

impl Signing {
    /// Signs what there is, and goes on signing.
    ///
    /// # Errors
    /// Those of [`Signer::round`].
    pub async fn start(signer: Signer) -> Result<Signing, SignerError> {
        let signer = Arc::new(Mutex::new(signer));
        let alarmed = Arc::new(AtomicBool::new(false));
        round(&signer, &alarmed).await?;
        let rounds = tokio::spawn(keep_signing(signer.clone(), alarmed.clone()));
        let scrubs = tokio::spawn(keep_scrubbing(signer.clone()));
        Ok(Signing {
            signer,
            alarmed,
            rounds: Arc::new(rounds),
            scrubs: Arc::new(scrubs),
        })
    }

    /// Signs what there is now.
    ///
    /// # Errors
    /// Those of [`Signer::round`].
    pub async fn sign(&self) -> Result<Round, SignerError> {
        round(&self.signer, &self.alarmed).await
    }

    /// Hashes everything that is stored anew; what is not as it was signed raises the region's alarm.
    ///
    /// # Errors
    /// The store's or the state folder's.
    pub async fn scrub(&self) -> Result<(), SignerError> {
        scrub_all(&self.signer).await
    }

    /// Whether a log is in doubt.
    pub fn alarmed(&self) -> bool {
        self.alarmed.load(Ordering::Relaxed)
    }

    /// Signs once more and gives the signer's place up, for another process or a later start.
    pub async fn stop(self) {
        self.rounds.abort();
        self.scrubs.abort();
        let mut signer = self.signer.lock().await;
        if let Err(error) = signer.round().await {
            tracing::warn!(%error, "the logs' last events are signed at the next start");
        }
        signer.give_up_place();
    }
}

async fn round(signer: &Mutex<Signer>, alarmed: &AtomicBool) -> Result<Round, SignerError> {
    let mut signer = signer.lock().await;
    let watch = Stopwatch::now();
    let round = signer.round().await?;
    metrics::round(watch.elapsed());
    alarmed.store(!round.alarmed.is_empty(), Ordering::Relaxed);
    Ok(round)
}

async fn keep_signing(signer: Arc<Mutex<Signer>>, alarmed: Arc<AtomicBool>) {
    let mut ticks = tokio::time::interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = round(&signer, &alarmed).await {
            tracing::error!(%error, "the logs could not be signed; the next round tries again");
        }
    }
}

/// Once a day, and at a start when the last time is longer ago. A made-up clock has no days worth counting.
async fn keep_scrubbing(signer: Arc<Mutex<Signer>>) {
    loop {
        let due = signer.lock().await.scrub_is_due(DAY_MS);
        if due && let Err(error) = scrub_all(&signer).await {
            tracing::error!(%error, "the logs could not be hashed anew");
        }
        tokio::time::sleep(HOUR).await;
    }
}

/// Hashes every log anew that this process signs. The signer is held only to be asked and told: it signs on meanwhile.
async fn scrub_all(signer: &Mutex<Signer>) -> Result<(), SignerError> {
    let (store, memories) = signer.lock().await.remembered();
    for memory in memories {
        if let Some(Found { epoch, doubt }) = scrub(&store, &memory).await? {
            let region = memory.origin.region();
            signer.lock().await.raise(region, &doubt, epoch).await?;
        }
    }
    signer.lock().await.note_scrub()
}
