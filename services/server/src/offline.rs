//! Work on a deployment while nothing serves it: forks are accepted and log keys rotated under the locks that a server holds.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use hefu_domain::{Instant, Region};
use hefu_engine::{Clock, EngineError};
use hefu_store::{OpenOptions, Store, StoreError};
use hefu_vault::{Secrets, VaultError};

use crate::signer::{Signer, SignerError};
use crate::strays::Stray;

/// What a database says of a deployment whose clock is made up, behind its name.
pub(crate) const SIMULATED: &str = " (simulated clock)";

/// Why the work is not done: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// A server runs on this state folder.
    #[error("a server runs on the state folder {}: stop it first", .0.display())]
    Serving(PathBuf),
    /// The state folder cannot be used.
    #[error("the state folder {} cannot be used: {source}", path.display())]
    State {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state folder belongs to another database.
    #[error("the state folder {} belongs to another database: name the right one with --state", .0.display())]
    ForeignState(PathBuf),
    /// No deployment was ever started on this database.
    #[error("no server was ever started on this database")]
    NoDeployment,
    /// The region is not open here.
    #[error("region {0} is not open here")]
    NotOpen(Region),
    /// The region's log is not in doubt.
    #[error(
        "region {0} has no alarm: its log extends what was signed, and there is nothing to accept"
    )]
    NoAlarm(Region),
    /// Rows would be left that belong to no log.
    #[error(
        "region {region} has event rows that belong to no log, from epoch {}, index {} on: nothing goes on beside them. Copy them for \
         whoever asks what was lost; then, as the database's owner (on SQLite without the trigger event_is_never_deleted, which is put \
         back afterwards), {}; and accept the fork again",
        stray.epoch, stray.index, stray.removal(region.as_str())
    )]
    Strays {
        /// Whose.
        region: Region,
        /// The first of them.
        stray: Stray,
    },
    /// A log is in doubt: nothing is changed under it.
    #[error(
        "the log of region {0} is in doubt (see its alarm); accept the fork, or put the right database back, first"
    )]
    InDoubt(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signer.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The writing of an event.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Says that a server runs on a state folder, or that none may start there. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    _lock: File,
}

impl Presence {
    /// A server's, beside any number of others.
    pub(crate) fn serving(state: &Path) -> std::io::Result<Option<Presence>> {
        Presence::take(state, File::try_lock_shared)
    }

    /// That of somebody who must be alone.
    pub(crate) fn alone(state: &Path) -> std::io::Result<Option<Presence>> {
        Presence::take(state, File::try_lock)
    }

    fn take(
        state: &Path,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> std::io::Result<Option<Presence>> {
        let mut options = File::options();
        options.create(true).append(true);
        let file = options.open(state.join("serving.lock"))?;
        match lock(&file) {
            Ok(()) => Ok(Some(Presence { _lock: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// A deployment that nothing serves, held by this process.
pub struct Offline {
    pub(crate) store: Store,
    pub(crate) state: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) deployment: String,
    pub(crate) secrets: Secrets,
    pub(crate) signer: Signer,
    _alone: Presence,
}

impl Offline {
    /// Takes the locks, then opens the database.
    ///
    /// # Errors
    /// `Serving` while a server runs; `NoDeployment` and `ForeignState` where database and state folder are none or not one.
    pub async fn open(database: &str, state: &Path) -> Result<Offline, OfflineError> {
        let alone = be_alone(state)?;
        let store = Store::open(database, OpenOptions::default()).await?;
        Offline::alone_over(store, state, alone).await
    }

    /// The same over a database that is open already.
    ///
    /// # Errors
    /// Those of [`Offline::open`].
    pub async fn over(store: Store, state: &Path) -> Result<Offline, OfflineError> {
        let alone = be_alone(state)?;
        Offline::alone_over(store, state, alone).await
    }

    async fn alone_over(
        store: Store,
        state: &Path,
        alone: Presence,
    ) -> Result<Offline, OfflineError> {
        let secrets = Secrets::load(state)?;
        if store.meta("vault").await? != Some(secrets.fingerprint().to_string()) {
            return Err(OfflineError::ForeignState(state.to_owned()));
        }
        let named = store.meta("deployment").await?;
        let named = named.ok_or(OfflineError::NoDeployment)?;
        let (deployment, clock) = match named.strip_suffix(SIMULATED) {
            // A made-up clock stands where its last event left it.
            Some(deployment) => (deployment.to_owned(), stopped_clock(&store).await?),
            None => (named, Clock::system()),
        };
        let mut signer = Signer::new(store.clone(), clock.clone(), state, &deployment)?;
        if !signer.take_place()? {
            return Err(OfflineError::Serving(state.to_owned()));
        }
        Ok(Offline {
            store,
            state: state.to_owned(),
            clock,
            deployment,
            secrets,
            signer,
            _alone: alone,
        })
    }

    /// Gives everything back.
    pub async fn close(self) {
        self.store.close().await;
    }
}

fn be_alone(state: &Path) -> Result<Presence, OfflineError> {
    let failed = |source| OfflineError::State {
        path: state.to_owned(),
        source,
    };
    let alone = Presence::alone(state).map_err(failed)?;
    alone.ok_or_else(|| OfflineError::Serving(state.to_owned()))
}

async fn stopped_clock(store: &Store) -> Result<Clock, StoreError> {
    let heads = store.all_heads().await?;
    let last = heads.iter().map(|head| head.at_ms).max().unwrap_or(0);
    Ok(Clock::simulated(Instant(last)).0)
}
