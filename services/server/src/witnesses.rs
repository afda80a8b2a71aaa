//! Asking witnesses to cosign what a log's key signed (C2SP tlog-witness), and counting who did.
//!
//! The invariant: of a witness's answer nothing counts but a cosignature that holds, over this very note and with a time
//! that is now. A witness that is dead, slow or lying costs its own cosignature and nothing else: whether enough of them
//! gave theirs is all that a log's publication waits for.

mod ask;
pub(crate) use ask::authority;
mod metrics;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hefu_audit::witness::AddCheckpoint;
use hefu_engine::Clock;
use hefu_log::cosignature::distinct;
use hefu_log::{Checkpoint, Hash, LogError, Note, Signature, WitnessKey};
use rustls::RootCertStore;
use serde::Deserialize;
use tokio::time::Instant;

pub use ask::Behind;
use ask::{Answer, Client};

use crate::config::ConfigError;
use crate::outbound::Http;

/// How long a witness may take for its answer, its second chance included.
const LONGEST_ANSWER: Duration = Duration::from_secs(3);

/// How long the others are waited for once enough have cosigned.
const GRACE: Duration = Duration::from_millis(500);

/// A witness as the configuration names it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessAt {
    /// Its submission prefix, `http://…` or `https://…`; `add-checkpoint` is put behind it.
    pub url: String,
    /// Its public key, as it prints it.
    pub vkey: String,
    /// A PEM file with the authority that its certificate leads to, where that is none that this system trusts.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

/// A deployment's witnesses, and how many of them must cosign what it publishes. Cheap to clone.
#[derive(Clone)]
pub struct Witnesses {
    all: Arc<[Witness]>,
    required: usize,
    clock: Clock,
}

/// One of them.
struct Witness {
    key: WitnessKey,
    client: Client,
    /// Where it stands with each log, by the log's name.
    standing: Mutex<HashMap<String, Standing>>,
}

/// Where a witness stands with a log.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    /// The size that it holds, if it ever said so.
    size: Option<u64>,
    /// Whether it did not cosign last time, so that only changes are told.
    behind: bool,
}

/// A note after its witnesses were asked.
#[derive(Debug)]
pub struct Cosigned {
    /// The note, with every cosignature that holds.
    pub note: Note,
    /// Whether enough witnesses cosigned it to publish it.
    pub enough: bool,
    /// Which witnesses did not, by name, and why.
    pub behind: Vec<(String, Behind)>,
}

impl Witnesses {
    /// Nobody is asked, and nobody waited for.
    pub fn none() -> Witnesses {
        Witnesses {
            all: Arc::default(),
            required: 0,
            clock: Clock::system(),
        }
    }

    /// The witnesses of a configuration. With a made-up clock nobody's time is held against it.
    ///
    /// # Errors
    /// `Witness`: a URL, key or authority that is none, one witness twice, more required than there are, or one of https where
    /// the system trusts no CA.
    pub fn new(
        configured: &[WitnessAt],
        required: usize,
        clock: Clock,
    ) -> Result<Witnesses, ConfigError> {
        let checked = check(configured, required)?;
        let mut all = Vec::with_capacity(checked.len());
        for Checked { key, url, roots } in checked {
            let http = match roots {
                Some(roots) => Ok(Http::trusting(roots)),
                None => Http::new(url.is_secure()),
            };
            let http = http.map_err(|failed| wrong(key.name(), failed.to_string()))?;
            all.push(Witness {
                key,
                client: Client::new(http, url),
                standing: Mutex::default(),
            });
        }
        Ok(Witnesses {
            all: all.into(),
            required,
            clock,
        })
    }

    /// Whether there are none, so that nobody has to be asked.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Asks every witness at once to cosign a log's signed checkpoint. `proof` makes the consistency proof from a size above
    /// 0 and below the checkpoint's. It takes three seconds at the most, and half a second from when enough have cosigned.
    pub async fn cosign<P, F, E>(&self, checkpoint: &Checkpoint, note: Note, proof: P) -> Cosigned
    where
        P: Fn(u64) -> F + Sync,
        F: Future<Output = Result<Vec<Hash>, E>> + Send,
        E: fmt::Display,
    {
        let mut answers: Vec<Result<Signature, Behind>> =
            self.all.iter().map(|_| Err(Behind::Silent)).collect();
        let ask = |at: usize| {
            let (note, proof) = (&note, &proof);
            async move {
                (
                    at,
                    self.all[at].ask(checkpoint, note, proof, &self.clock).await,
                )
            }
        };
        let mut asked: FuturesUnordered<_> = (0..self.all.len()).map(ask).collect();
        let mut until = Instant::now() + LONGEST_ANSWER;
        let mut cosigned = 0;
        loop {
            if cosigned >= self.required {
                until = until.min(Instant::now() + GRACE);
            }
            let Ok(Some((at, answer))) = tokio::time::timeout_at(until, asked.next()).await else {
                break;
            };
            cosigned += usize::from(answer.is_ok());
            answers[at] = answer;
        }
        drop(asked);
        self.count(checkpoint, note, answers)
    }

    /// Puts the cosignatures on the note, in the configuration's order: a note does not depend on who was quicker.
    fn count(
        &self,
        checkpoint: &Checkpoint,
        mut note: Note,
        answers: Vec<Result<Signature, Behind>>,
    ) -> Cosigned {
        let mut behind = Vec::new();
        let mut cosigned = 0;
        for (witness, answer) in self.all.iter().zip(answers) {
            witness.tell(checkpoint, answer.as_ref().err());
            match answer {
                Ok(signature) => {
                    cosigned += 1;
                    note.add(signature);
                }
                Err(why) => behind.push((witness.key.name().to_owned(), why)),
            }
        }
        Cosigned {
            note,
            enough: cosigned >= self.required,
            behind,
        }
    }
}

/// A witness of a configuration, before anybody is asked.
pub(crate) struct Checked {
    key: WitnessKey,
    url: ask::Address,
    /// The authorities of its own, where it has any.
    roots: Option<RootCertStore>,
}

/// The witnesses of a configuration.
///
/// # Errors
/// See [`Witnesses::new`].
pub(crate) fn check(
    configured: &[WitnessAt],
    required: usize,
) -> Result<Vec<Checked>, ConfigError> {
    let mut keys: Vec<WitnessKey> = Vec::with_capacity(configured.len());
    let mut checked = Vec::with_capacity(configured.len());
    for WitnessAt { url, vkey, ca } in configured {
        let key = vkey.parse();
        let key: WitnessKey = key.map_err(|error: LogError| wrong(vkey, error.to_string()))?;
        keys.push(key.clone());
        distinct(&keys).map_err(|error| wrong(vkey, error.to_string()))?;
        let roots = ca.as_deref().map(ask::authority).transpose();
        checked.push(Checked {
            key,
            roots: roots.map_err(|why| wrong(url, why))?,
            url: ask::address(url).map_err(|why| wrong(url, why))?,
        });
    }
    if required > keys.len() {
        let why = format!("{required} of {} witnesses cannot be", keys.len());
        return Err(wrong("witnesses_required", why));
    }
    Ok(checked)
}

fn wrong(witness: &str, why: String) -> ConfigError {
    ConfigError::Witness {
        witness: witness.to_owned(),
        why,
    }
}

impl Witness {
    /// Asks for a cosignature, from the size that it is known to hold; once more if it names another.
    async fn ask<P, F, E>(
        &self,
        checkpoint: &Checkpoint,
        note: &Note,
        proof: &P,
        clock: &Clock,
    ) -> Result<Signature, Behind>
    where
        P: Fn(u64) -> F + Sync,
        F: Future<Output = Result<Vec<Hash>, E>> + Send,
        E: fmt::Display,
    {
        let log = checkpoint.origin.to_string();
        let size = checkpoint.size;
        let known = self.standing(&log).size.filter(|known| *known <= size);
        let mut old = known.unwrap_or(0);
        for _ in 0..2 {
            let proof = match old == 0 || old == size {
                true => Vec::new(),
                false => proof(old)
                    .await
                    .map_err(|error| Behind::NoProof(error.to_string()))?,
            };
            let note = note.clone();
            let request = AddCheckpoint { old, proof, note };
            match self.client.add(&request).await? {
                Answer::Lines(lines) => {
                    let signature = ask::cosignature(&lines, &request.note, &self.key, clock)?;
                    self.learn(&log, size);
                    return Ok(signature);
                }
                Answer::Size(other) if other > size => return Err(Behind::Ahead { size: other }),
                Answer::Size(other) if other == old => return Err(Behind::Fork { size: other }),
                Answer::Size(other) => {
                    self.learn(&log, other);
                    old = other;
                }
                Answer::NoProof => return Err(Behind::Fork { size: old }),
            }
        }
        Err(Behind::Moving)
    }

    fn standing(&self, log: &str) -> Standing {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.get(log).copied().unwrap_or_default()
    }

    fn learn(&self, log: &str, size: u64) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.entry(log.to_owned()).or_default().size = Some(size);
    }

    /// Counts an answer, and tells the operator when it is another than the one before.
    fn tell(&self, checkpoint: &Checkpoint, behind: Option<&Behind>) {
        let log = checkpoint.origin.to_string();
        let witness = self.key.name();
        let before = {
            let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            let standing = standing.entry(log.clone()).or_default();
            let before = *standing;
            standing.behind = behind.is_some();
            before
        };
        metrics::answered(witness, behind.map_or("cosigned", Behind::code));
        let held = match behind {
            Some(_) => before.size.unwrap_or(0),
            None => checkpoint.size,
        };
        let missing = checkpoint.size.saturating_sub(held);
        metrics::behind(witness, checkpoint.origin.region(), missing);
        match behind {
            Some(why) if !before.behind && why.is_grave() => {
                tracing::error!(witness, log, missing, "a witness does not cosign: {why}");
            }
            Some(why) if !before.behind => {
                tracing::warn!(witness, log, missing, "a witness is behind: {why}");
            }
            Some(why) => tracing::debug!(witness, log, missing, "a witness is behind: {why}"),
            None if before.behind => tracing::info!(witness, log, "a witness cosigns again"),
            None => {}
        }
    }
}
