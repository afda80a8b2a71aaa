//! The signer of the region logs (DESIGN.md, section 5): hashes what was written since the last checkpoint anew, stores the
//! full tiles, remembers the tree on the disk, and only then signs and publishes.
//!
//! The invariant: a tree that does not extend the last signed one is never signed. Then the region's alarm is raised,
//! which every writer reads with its head, and stays until an operator accepts the fork.

mod city;
mod desk;
mod fork;
mod log;
mod memory;
mod metrics;
mod rotation;
mod scrub;
mod witnessed;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hefu_engine::Clock;
use hefu_log::{Checkpoint, Doubt, LogError, Note, NoteSigner, Origin, SecondSigner, Vkey};
use hefu_store::{CheckpointRow, Head, Reads, Store, StoreError};
use hefu_token::keys::{self, KeyError, KeyFile, Use};
use hefu_token::private_file::FileError;

use crate::files::Failure;
use crate::witnesses::Witnesses;
pub use city::CityLogs;
use desk::Desk;
use log::Log;
pub use memory::Memory;
use witnessed::Witnessed;
pub use worker::Signing;

/// Why nothing could be signed. Nothing is in doubt because of it: the next round tries again.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The signer's files.
    #[error(transparent)]
    Folder(#[from] Failure),
    /// A file that is not as it should be.
    #[error(transparent)]
    File(#[from] FileError),
    /// The keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key that signs a log is not there any more.
    #[error("{origin} is signed by the key {key}, which is not in the state folder")]
    NoKey {
        /// Which log.
        origin: String,
        /// Which key.
        key: String,
    },
    /// Keys that sign beside a log's own, and none of these.
    #[error("every log key in {} is of a suite that signs beside Ed25519 only: hefu keys new --use log", .0.display())]
    OnlySecond(PathBuf),
    /// The keeping of the signer's files.
    #[error("the signer's files were not kept: {0}")]
    Ended(String),
    /// A name that no log can have.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// How following a log ended: it is in doubt, or could not be followed just now.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The log is not what was signed.
    Doubt(Doubt),
    /// Nothing is known.
    Error(SignerError),
}

impl From<Doubt> for Failed {
    fn from(doubt: Doubt) -> Failed {
        Failed::Doubt(doubt)
    }
}

impl<E: Into<SignerError>> From<E> for Failed {
    fn from(error: E) -> Failed {
        Failed::Error(error.into())
    }
}

/// The log keys of the state folder, the newest first.
pub(crate) struct Keys {
    /// Those that sign for the logs.
    own: Vec<KeyFile>,
    /// The newest of those that sign beside them.
    second: Option<KeyFile>,
}

impl Keys {
    fn load(state: &Path) -> Result<Keys, SignerError> {
        let keys = keys::load(state, Use::Log)?;
        let (own, second): (Vec<_>, Vec<_>) = keys
            .into_iter()
            .partition(|key| key.info().serves(Use::Log));
        if own.is_empty() {
            return Err(SignerError::OnlySecond(state.to_owned()));
        }
        let second = second.into_iter().next();
        Ok(Keys { own, second })
    }

    /// The key that signs a log which begins now.
    fn newest(&self) -> &str {
        self.own.first().map_or("", |key| &key.info().kid)
    }

    /// The key of that name, as it signs that log.
    fn signer(&self, origin: &Origin, name: &str) -> Result<NoteSigner, SignerError> {
        let key = self.own.iter().find(|key| key.info().kid == name);
        let key = key.ok_or_else(|| SignerError::NoKey {
            origin: origin.to_string(),
            key: name.to_owned(),
        })?;
        Ok(NoteSigner::new(&origin.to_string(), key.seed())?)
    }

    /// The public halves of all keys, as they sign that log.
    fn vkeys(&self, origin: &Origin) -> Result<Vec<Vkey>, SignerError> {
        let names = self.own.iter().map(|key| key.info().kid.as_str());
        names.map(|name| self.vkey(origin, name)).collect()
    }

    /// The public half of the key of that name.
    fn vkey(&self, origin: &Origin, name: &str) -> Result<Vkey, SignerError> {
        Ok(self.signer(origin, name)?.vkey().clone())
    }

    /// The name of the key with that public half.
    fn named(&self, vkey: &Vkey) -> Option<&str> {
        let key = self
            .own
            .iter()
            .find(|key| key.info().public.as_bytes() == vkey.public());
        key.map(|key| key.info().kid.as_str())
    }

    /// The key that signs that log beside its own, if there is one.
    fn second(&self, origin: &Origin) -> Result<Option<SecondSigner>, SignerError> {
        let signer = |key: &KeyFile| SecondSigner::new(&origin.to_string(), key.secret().clone());
        Ok(self.second.as_ref().map(signer).transpose()?)
    }
}

/// What a round of the signer found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Whether this process is the one that signs.
    pub signs: bool,
    /// The logs of which a checkpoint was published, unless witnesses are asked about it first.
    pub published: Vec<Origin>,
    /// The regions whose alarm stands.
    pub alarmed: BTreeSet<String>,
}

/// The signer of one process.
pub struct Signer {
    store: Store,
    clock: Clock,
    state: PathBuf,
    deployment: String,
    desk: Option<Arc<Desk>>,
    /// It has no keys, and takes no place.
    looks_on: bool,
    keys: Keys,
    logs: BTreeMap<String, Log>,
    witnessed: Option<Witnessed>,
}

impl Signer {
    /// A signer over that state folder. It takes its place there at the first round, or later, when another process gives it up.
    ///
    /// # Errors
    /// The state folder has no log key.
    pub fn new(
        store: Store,
        clock: Clock,
        state: &Path,
        deployment: &str,
    ) -> Result<Signer, SignerError> {
        Ok(Signer {
            store,
            clock,
            state: state.to_owned(),
            deployment: deployment.to_owned(),
            desk: None,
            looks_on: false,
            keys: Keys::load(state)?,
            logs: BTreeMap::new(),
            witnessed: None,
        })
    }

    /// One that signs nothing and reads no key: it only finds out which logs are in doubt.
    pub fn onlooker(store: Store, clock: Clock, state: &Path, deployment: &str) -> Signer {
        Signer {
            store,
            clock,
            state: state.to_owned(),
            deployment: deployment.to_owned(),
            desk: None,
            looks_on: true,
            keys: Keys {
                own: Vec::new(),
                second: None,
            },
            logs: BTreeMap::new(),
            witnessed: None,
        }
    }

    /// Publishes nothing any more but what enough witnesses have cosigned.
    pub fn witnessed(mut self, witnesses: Witnesses) -> Signer {
        if !witnesses.is_empty() {
            self.witnessed = Some(Witnessed::new(witnesses, self.store.clone()));
        }
        self
    }

    /// Hashes, stores and signs what every log has grown by. A log in doubt raises its alarm and holds nobody else up.
    ///
    /// # Errors
    /// The state folder's or the store's; the next round goes on where this one stopped.
    pub async fn round(&mut self) -> Result<Round, SignerError> {
        let signs = self.take_place()?;
        let mut snapshot = self.store.snapshot().await?;
        let heads = snapshot.all_heads().await?;
        let mut alarmed: BTreeSet<String> = heads
            .iter()
            .filter(|head| head.alarm.is_some())
            .map(|head| head.region.clone())
            .collect();
        // What somebody accepts later is picked up from the disk.
        self.logs.retain(|region, _| !alarmed.contains(region));
        if !signs {
            snapshot.end().await?;
            let published = Vec::new();
            return Ok(Round {
                signs,
                published,
                alarmed,
            });
        }
        let (mut doubts, mut error) = (Vec::new(), None);
        for head in heads.iter().filter(|head| head.alarm.is_none()) {
            match self.follow(&mut snapshot, head).await {
                Ok(()) => {}
                Err(Failed::Doubt(doubt)) => doubts.push((head.region.clone(), doubt)),
                // The others are signed all the same.
                Err(Failed::Error(one)) => error = Some(one),
            }
        }
        snapshot.end().await?;
        for (region, doubt) in doubts {
            self.raise(&region, &doubt, None).await?;
            alarmed.insert(region);
        }
        let published = self.publish().await?;
        match error {
            Some(error) => Err(error),
            None => Ok(Round {
                signs,
                published,
                alarmed,
            }),
        }
    }

    /// Takes the signer's place if nobody holds it.
    pub(crate) fn take_place(&mut self) -> Result<bool, SignerError> {
        if self.desk.is_none() && !self.looks_on {
            self.desk = Desk::take(&self.state)?.map(Arc::new);
            if self.desk.is_some() {
                // Another process may have rotated the key and signed since.
                self.keys = Keys::load(&self.state)?;
                self.logs.clear();
                tracing::info!(state = %self.state.display(), "this process signs the logs");
            }
        }
        Ok(self.desk.is_some())
    }

    /// Follows one log to its head.
    async fn follow(&mut self, reads: &mut Reads, head: &Head) -> Result<(), Failed> {
        let origin = self.origin(head)?;
        let log = match self.logs.remove(&head.region) {
            Some(log) => log,
            None => self.pick_up(reads, head, &origin).await?,
        };
        if log.memory.origin != origin {
            let signed = log.memory.origin.to_string();
            return Err(Doubt::Origin { signed }.into());
        }
        let log = self.logs.entry(head.region.clone()).or_insert(log);
        let followed = log.follow(&self.store, reads, head, &self.keys).await;
        if followed.is_err() {
            self.logs.remove(&head.region);
        }
        followed.map(|_| ())
    }

    /// A log that this process has not followed yet: as it is remembered on the disk, or one that was never signed.
    async fn pick_up(
        &self,
        reads: &mut Reads,
        head: &Head,
        origin: &Origin,
    ) -> Result<Log, Failed> {
        let Some(desk) = self.desk.as_deref() else {
            return Err(Doubt::Memory.into());
        };
        let memory = match desk.memory(&head.region) {
            Ok(memory) => memory,
            // A file that cannot be read remembers nothing.
            Err(SignerError::File(error @ FileError::Malformed { .. })) => {
                tracing::error!(%error, "the signer's state cannot be used");
                return Err(Doubt::Memory.into());
            }
            Err(error) => return Err(error.into()),
        };
        match memory {
            Some(memory) if memory.origin != *origin => {
                let signed = memory.origin.to_string();
                Err(Doubt::Origin { signed }.into())
            }
            Some(memory) if memory.tree.size() > head.size => Err(Doubt::Cut {
                size: head.size,
                signed: memory.tree.size(),
            }
            .into()),
            Some(memory) => {
                self.keys.signer(origin, &memory.key)?;
                Log::resume(reads, memory).await
            }
            None => self.begin(desk, reads, head, origin).await,
        }
    }

    /// Begins with a log that was never signed. Whether it was is known in three places: by its memory, which is written first; by its
    /// line among the public keys, which follows; and by the checkpoints in the database. If only the first is missing, it is lost.
    async fn begin(
        &self,
        desk: &Desk,
        reads: &mut Reads,
        head: &Head,
        origin: &Origin,
    ) -> Result<Log, Failed> {
        let checkpoint = reads.checkpoint(&head.region, head.epoch, u64::MAX).await?;
        let own = |line: &String| signs(line).is_some_and(|log| log.region() == head.region);
        if head.epoch > 0 || checkpoint.is_some() || desk.vkeys()?.iter().any(own) {
            return Err(Doubt::Memory.into());
        }
        let memory = Memory {
            origin: origin.clone(),
            key: self.keys.newest().to_owned(),
            tree: log::nothing(),
        };
        desk.keep(std::slice::from_ref(&memory))?;
        Ok(Log::begin(memory))
    }

    /// Keeps, then signs and publishes every tree that was not published yet, all in one transaction; or hands it to the
    /// witnesses first, where there are any.
    async fn publish(&mut self) -> Result<Vec<Origin>, SignerError> {
        let Some(desk) = self.desk.clone() else {
            return Ok(Vec::new());
        };
        let due: Vec<&Log> = self.logs.values().filter(|log| !log.published).collect();
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let memories: Vec<Memory> = due.iter().map(|log| log.memory.clone()).collect();
        let origins = memories
            .iter()
            .map(|memory| memory.origin.clone())
            .collect();
        let mut vkeys = Vec::with_capacity(due.len());
        let mut checkpoints = Vec::with_capacity(due.len());
        for memory in &memories {
            let signer = self.keys.signer(&memory.origin, &memory.key)?;
            let second = self.keys.second(&memory.origin)?;
            checkpoints.push(signed(
                memory,
                &signer,
                second.as_ref(),
                self.clock.now().0,
            )?);
            vkeys.push(signer.vkey().to_string());
            vkeys.extend(second.map(|second| second.public().to_string()));
        }
        let tiles = due.iter().flat_map(|log| log.tiles.clone()).collect();
        // Nothing that was signed leaves before it is remembered on the disk.
        aside(move || {
            desk.keep(&memories)
                .and_then(|()| desk.record_vkeys(&vkeys))
        })
        .await?;
        let published = match &self.witnessed {
            None => {
                metrics::signed(checkpoints.len());
                self.store.publish(tiles, checkpoints).await?;
                origins
            }
            // Witnesses are shown proofs from the tiles; nobody else relies on them before a checkpoint covers them.
            Some(witnessed) => {
                self.store.publish(tiles, Vec::new()).await?;
                witnessed.offer(checkpoints);
                Vec::new()
            }
        };
        for log in self.logs.values_mut() {
            log.tiles.clear();
            log.published = true;
        }
        Ok(published)
    }

    /// Raises a region's alarm: its writers stop, here and everywhere. `epoch` where it is not the log's last one that is in doubt.
    pub(crate) async fn raise(
        &mut self,
        region: &str,
        doubt: &Doubt,
        epoch: Option<u64>,
    ) -> Result<(), SignerError> {
        self.logs.remove(region);
        let alarm = match epoch {
            Some(epoch) => format!("in epoch {epoch}, {doubt}"),
            None => doubt.to_string(),
        };
        tracing::error!(
            region,
            check = doubt.check(),
            index = doubt.index(),
            alarm,
            "a log is in doubt and is not signed; `hefu log accept-fork` goes on from what is there"
        );
        metrics::alarmed(doubt.check());
        self.store.set_alarm(region, Some(&alarm)).await?;
        Ok(())
    }

    /// What is remembered of every log that this process signs, and the store that they are in.
    pub(crate) fn remembered(&self) -> (Store, Vec<Memory>) {
        let memories = self.logs.values().map(|log| log.memory.clone());
        (self.store.clone(), memories.collect())
    }

    /// Whether everything stored was not hashed anew for that long. A made-up clock's days are not counted.
    pub(crate) fn scrub_is_due(&self, every_ms: i64) -> bool {
        let Some(desk) = self.desk.as_ref().filter(|_| !self.clock.is_simulated()) else {
            return false;
        };
        let now = self.clock.now().0;
        desk.scrubbed()
            .is_none_or(|at| now.saturating_sub(at) >= every_ms)
    }

    /// Notes that everything stored was hashed anew.
    pub(crate) fn note_scrub(&self) -> Result<(), SignerError> {
        match &self.desk {
            Some(desk) => desk.note_scrub(self.clock.now().0),
            None => Ok(()),
        }
    }

    /// Lets another process sign.
    pub(crate) fn give_up_place(&mut self) {
        self.desk = None;
        self.logs.clear();
    }

    fn origin(&self, head: &Head) -> Result<Origin, SignerError> {
        let region = head.region.parse().map_err(|_| StoreError::Corrupt {
            table: "head",
            column: "region",
            key: head.region.clone(),
        })?;
        let simulated = self.clock.is_simulated();
        Ok(log::origin(
            &self.deployment,
            simulated,
            &region,
            head.epoch,
        )?)
    }
}

/// The log that the public key of such a line signs.
fn signs(line: &str) -> Option<Origin> {
    let vkey: Vkey = line.parse().ok()?;
    vkey.name().parse().ok()
}

/// Waits for the disk where nobody else has to.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SignerError> + Send + 'static,
) -> Result<T, SignerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(SignerError::Ended(error.to_string())),
    }
}

/// The checkpoint over what is remembered, as it is published.
fn signed(
    memory: &Memory,
    signer: &NoteSigner,
    second: Option<&SecondSigner>,
    at_ms: i64,
) -> Result<CheckpointRow, LogError> {
    let checkpoint = Checkpoint {
        origin: memory.origin.clone(),
        size: memory.tree.size(),
        root: memory.tree.root(),
    };
    let mut note: Note = checkpoint.sign(signer)?;
    if let Some(second) = second {
        note.add(second.sign(&note));
    }
    Ok(CheckpointRow {
        region: memory.origin.region().to_owned(),
        epoch: memory.origin.epoch(),
        size: checkpoint.size,
        at_ms,
        note: note.to_string(),
    })
}
