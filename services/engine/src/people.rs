//! The people's side of a command: identities opened for as long as a batch lasts, keyed tags, tokens. What is opened here goes
//! into keyed hashes only, never into an event, a log line or an error.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use hefu_domain::event::SubjectErased;
use hefu_domain::state::TokenInForce;
use hefu_domain::{
    Digest, Event, Instant, Occupation, PersonId, Place, Programme, Region, Tag, VoucherId,
};
use hefu_store::{CommittedSecret, Erased, PersonKey, PersonSecret, Reads, Store, StoreError};
use hefu_token::{Claims, KeyRing, Status, StatusReference};
use hefu_vault::{
    DataKey, FileKms, Identity, Kms as _, Nonce, Owner, PersonRecord, Salt, Secrets, VaultError,
    Wrapped, WrappedKeys,
};
use zeroize::Zeroizing;

use crate::batch::Verdict;
use crate::clock::{Clock, Source};
use crate::error::EngineError;
use crate::{Answer, Job, Recorded};

/// The field under which a committed value is sealed.
const VALUE: &str = "value";

/// A wrapped data key and whose it is.
pub type WrappedKey = (Owner, Wrapped);

/// The vault's share of a move: what is sealed for the database, and the wrapped key for the file apart from it.
#[derive(Debug, Clone)]
pub struct NewSecret {
    pub(crate) sealed: Sealed,
    pub(crate) wrapped: WrappedKey,
}

/// What is sealed.
#[derive(Debug, Clone)]
pub(crate) enum Sealed {
    /// Who a person is.
    Person(PersonSecret),
    /// What an event commits to.
    Committed(CommittedSecret),
}

/// A value that an event names by a salted commitment only.
pub struct Committed {
    /// The commitment.
    pub commitment: Digest,
    /// Its salt.
    pub salt: Salt,
    /// The value; wiped when dropped.
    pub value: Zeroizing<String>,
}

impl Committed {
    /// Commits to a value.
    pub fn to(value: String, salt: Salt) -> Committed {
        Committed {
            commitment: hefu_vault::commitment(&salt, value.as_bytes()),
            salt,
            value: Zeroizing::new(value),
        }
    }
}

/// Root keys, wrapped keys and token keys of one process. Cheap to clone.
#[derive(Clone)]
pub struct People {
    inner: Arc<Inner>,
}

struct Inner {
    secrets: Secrets,
    kms: FileKms,
    wrapped: WrappedKeys,
    issuer: String,
    tokens: KeyRing,
    clock: Clock,
}

impl People {
    /// Opens the state folder's wrapped keys beside the root and token keys at hand. `issuer` is the tokens'.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn open(
        state_dir: &Path,
        secrets: Secrets,
        issuer: String,
        tokens: KeyRing,
        clock: Clock,
    ) -> Result<People, EngineError> {
        let wrapped = WrappedKeys::open(state_dir).map_err(vault)?;
        let kms = FileKms::open(state_dir).map_err(vault)?;
        Ok(People {
            inner: Arc::new(Inner {
                secrets,
                kms,
                wrapped,
                issuer,
                tokens,
                clock,
            }),
        })
    }

    /// The root keys, for tags and digests at the edge.
    pub fn secrets(&self) -> &Secrets {
        &self.inner.secrets
    }

    /// The keys of voucher tokens.
    pub fn tokens(&self) -> &KeyRing {
        &self.inner.tokens
    }

    /// Seals a new person's record under a key of their own. `random` is 32 bytes for the key, then 24 for two nonces.
    ///
    /// # Errors
    /// The key encryption key is out of reach.
    pub fn seal(
        &self,
        region: &Region,
        person: PersonId,
        record: &PersonRecord,
        key: Zeroizing<[u8; 32]>,
        nonces: [u8; 32],
    ) -> Result<NewSecret, EngineError> {
        let owner = Owner::Person(region.clone(), person);
        let (key, nonce, wrapped) = self.wrap(owner, key, nonces)?;
        let secret = PersonSecret {
            region: region.to_string(),
            person: person.to_string(),
            tag: self
                .inner
                .secrets
                .lookup_tag(region, &record.identity)
                .0
                .to_vec(),
            sealed: hefu_vault::seal(region, person, record, &key, nonce),
        };
        Ok(NewSecret {
            sealed: Sealed::Person(secret),
            wrapped,
        })
    }

    /// Seals what an event commits to, with its salt, under a key of its own. `random` as for [`People::seal`].
    ///
    /// # Errors
    /// The key encryption key is out of reach.
    pub fn seal_committed(
        &self,
        region: &Region,
        committed: &Committed,
        key: Zeroizing<[u8; 32]>,
        nonces: [u8; 32],
    ) -> Result<NewSecret, EngineError> {
        let owner = Owner::Committed(region.clone(), committed.commitment);
        let (key, nonce, wrapped) = self.wrap(owner, key, nonces)?;
        let mut plain = Zeroizing::new(committed.salt.to_vec());
        plain.extend(committed.value.as_bytes());
        let secret = CommittedSecret {
            region: region.to_string(),
            commitment: committed.commitment.to_string(),
            sealed: hefu_vault::seal_bytes(&wrapped.0, VALUE, &plain, &key, nonce),
        };
        Ok(NewSecret {
            sealed: Sealed::Committed(secret),
            wrapped,
        })
    }

    /// A new data key, the nonce to seal with, and the key wrapped for its owner.
    fn wrap(
        &self,
        owner: Owner,
        key: Zeroizing<[u8; 32]>,
        nonces: [u8; 32],
    ) -> Result<(DataKey, Nonce, WrappedKey), EngineError> {
        let key = DataKey::from_bytes(key);
        let (mut first, mut second) = ([0; 12], [0; 12]);
        first.copy_from_slice(&nonces[..12]);
        second.copy_from_slice(&nonces[12..24]);
        let wrapped = self.inner.kms.wrap_key(&owner, &key, second);
        Ok((key, first, (owner, wrapped.map_err(vault)?)))
    }

    /// Opens the value behind a commitment; `None` where it was never kept, or was erased.
    ///
    /// # Errors
    /// The store, or a value that does not open or is not what was committed to: tampered with, or of another state folder.
    pub async fn committed(
        &self,
        reads: &mut Reads,
        region: &Region,
        commitment: Digest,
    ) -> Result<Option<Committed>, EngineError> {
        let asked = [(region.to_string(), commitment.to_string())];
        match reads.committed(&asked).await?.pop() {
            Some(row) => self.open_committed(region, commitment, row).await,
            None => Ok(None),
        }
    }

    /// The occupation behind a seal; `None` where the region sealed none so. Once-only rules are about it, so a seal whose key is gone
    /// is an error and not another occupation.
    ///
    /// # Errors
    /// As for [`People::committed`]; and where the key is missing.
    pub(crate) async fn occupation(
        &self,
        reads: &mut Reads,
        region: &Region,
        seal: Digest,
    ) -> Result<Option<Occupation>, EngineError> {
        let asked = [(region.to_string(), seal.to_string())];
        let Some(row) = reads.committed(&asked).await?.pop() else {
            return Ok(None);
        };
        let opened = self.open_committed(region, seal, row).await?;
        let opened = opened.ok_or_else(|| {
            EngineError::Vault(format!("the key of {seal} in {region} is missing"))
        })?;
        let occupation = opened.value.parse().ok();
        Ok(occupation.filter(|occupation: &Occupation| !occupation.is_sealed()))
    }

    /// Opens what a row holds; `None` where its key was destroyed.
    async fn open_committed(
        &self,
        region: &Region,
        commitment: Digest,
        row: CommittedSecret,
    ) -> Result<Option<Committed>, EngineError> {
        let owner = Owner::Committed(region.clone(), commitment);
        let inner = self.inner.clone();
        blocking(move || {
            let wrapped = inner.wrapped.get_many(std::slice::from_ref(&owner))?;
            let Some(wrapped) = wrapped.into_iter().next().flatten() else {
                return Ok(None);
            };
            let key = inner.kms.unwrap_key(&owner, &wrapped)?;
            let plain = hefu_vault::open_bytes(&owner, VALUE, &row.sealed, &key)?;
            let opened = plain.split_first_chunk().and_then(|(salt, value)| {
                let value = String::from_utf8(value.to_vec()).ok()?;
                Some(Committed::to(value, *salt))
            });
            let kept = opened.filter(|opened| opened.commitment == commitment);
            kept.map(Some).ok_or_else(|| VaultError::CannotOpen {
                owner: owner.clone(),
                field: VALUE.to_owned(),
            })
        })
        .await
    }

    /// Opens people's records, those that there are.
    ///
    /// # Errors
    /// The store, or a record that does not open: tampered with, or of another state folder.
    pub async fn records(
        &self,
        reads: &mut Reads,
        people: &[(Region, PersonId)],
    ) -> Result<HashMap<(Region, PersonId), PersonRecord>, EngineError> {
        let keys: Vec<PersonKey> = people
            .iter()
            .map(|(region, person)| PersonKey {
                region: region.to_string(),
                person: person.to_string(),
            })
            .collect();
        let mut sealed: HashMap<PersonKey, Vec<u8>> = HashMap::new();
        for row in reads.people_secrets(&keys).await? {
            sealed.insert(
                PersonKey {
                    region: row.region,
                    person: row.person,
                },
                row.sealed,
            );
        }
        let inner = self.inner.clone();
        let wanted: Vec<((Region, PersonId), Vec<u8>)> = people
            .iter()
            .cloned()
            .zip(keys)
            .filter_map(|(person, key)| Some((person, sealed.remove(&key)?)))
            .collect();
        blocking(move || {
            let owners: Vec<Owner> = wanted
                .iter()
                .map(|((region, person), _)| Owner::Person(region.clone(), *person))
                .collect();
            let wrapped = inner.wrapped.get_many(&owners)?;
            let mut opened = HashMap::with_capacity(wanted.len());
            for (((place, sealed), owner), wrapped) in wanted.into_iter().zip(owners).zip(wrapped) {
                let Some(wrapped) = wrapped else { continue };
                let key = inner.kms.unwrap_key(&owner, &wrapped)?;
                let record = hefu_vault::open(&place.0, place.1, &sealed, &key)?;
                opened.insert(place, record);
            }
            Ok(opened)
        })
        .await
    }

    /// People's identities, for as long as a batch lasts.
    pub(crate) async fn identities(
        &self,
        reads: &mut Reads,
        people: &[(Region, PersonId)],
    ) -> Result<HashMap<(Region, PersonId), Identity>, EngineError> {
        let records = self.records(reads, people).await?;
        Ok(records
            .into_iter()
            .map(|(place, record)| (place, record.identity))
            .collect())
    }

    /// Destroys the wrapped keys put before that instant of whom the database does not know: their transactions never committed.
    /// Returns how many. `before` must lie further back than any transaction lasts.
    ///
    /// # Errors
    /// The vault's.
    pub async fn sweep(&self, store: &Store, before: Instant) -> Result<usize, EngineError> {
        let (inner, store) = (self.inner.clone(), store.clone());
        let runtime = tokio::runtime::Handle::current();
        let mut known = move |owners: &[Owner]| match runtime.block_on(known(&store, owners)) {
            Ok(known) => Some(known),
            Err(error) => {
                tracing::warn!(%error, "orphans of wrapped keys were not looked for to the end");
                None
            }
        };
        blocking(move || inner.wrapped.sweep_orphans(before, &mut known)).await
    }

    /// Puts the wrapped keys of newly accepted secrets on the disk, before the transaction that needs them, and announces who is erased by it.
    pub(crate) async fn keep(&self, jobs: &[Job], verdicts: &[Verdict]) -> Result<(), EngineError> {
        let accepted = jobs
            .iter()
            .zip(verdicts)
            .filter(|(_, verdict)| matches!(verdict, Ok(Answer::Recorded(_))));
        let keys: Vec<WrappedKey> = accepted
            .flat_map(|(job, _)| &job.secrets)
            .map(|secret| secret.wrapped.clone())
            .collect();
        let erased = erased(verdicts);
        if keys.is_empty() && erased.is_empty() {
            return Ok(());
        }
        let inner = self.inner.clone();
        blocking(move || {
            let mut nonce = || {
                let mut nonce = [0; 12];
                nonce.copy_from_slice(&Source::System.draw(&[])[..12]);
                nonce
            };
            let at = inner.clock.now();
            inner.wrapped.keep(&inner.kms, &keys, at, &mut nonce)?;
            match erased.is_empty() {
                true => Ok(()),
                false => inner.wrapped.announce(&erased),
            }
        })
        .await
    }

    /// Destroys the keys of whom these answers say that they were erased.
    ///
    /// # Errors
    /// The vault's: then the answers must not leave. What is announced is done at the next start, or when it is asked for again.
    pub(crate) async fn erase(&self, verdicts: &[Verdict]) -> Result<(), EngineError> {
        let erased = erased(verdicts);
        if erased.is_empty() {
            return Ok(());
        }
        let inner = self.inner.clone();
        blocking(move || inner.wrapped.erase(&erased).map(|_| ())).await
    }

    /// Every erasure that was announced, and whether it was done.
    pub(crate) async fn erasures(&self) -> Result<Vec<(Owner, bool)>, EngineError> {
        let inner = self.inner.clone();
        blocking(move || inner.wrapped.erasures()).await
    }

    /// Ends announced erasures: those that are on record are done, the others never were.
    pub(crate) async fn settle_erasures(
        &self,
        on_record: Vec<Owner>,
        never: Vec<Owner>,
    ) -> Result<(), EngineError> {
        let inner = self.inner.clone();
        blocking(move || {
            inner.wrapped.erase(&on_record)?;
            inner.wrapped.recall(&never)
        })
        .await
    }

    /// A person's nullifier under a rule and its scope.
    pub(crate) fn nullifier(&self, identity: &Identity, rule: &str, scope: &str) -> Tag {
        self.inner.secrets.nullifier(identity, rule, scope)
    }

    /// What a voucher's token says.
    #[allow(clippy::too_many_arguments)] // the claims are these eight facts
    pub(crate) fn claims(
        &self,
        region: &Region,
        voucher: VoucherId,
        person: PersonId,
        identity: &Identity,
        programme: Programme,
        token: &TokenInForce,
        serial: u16,
        place: Place,
    ) -> Claims {
        let status_list = StatusReference {
            idx: self.inner.secrets.status_entry(region, place),
            uri: self.status_list_uri(region, place.list()),
        };
        Claims {
            iss: self.inner.issuer.clone(),
            jti: voucher,
            iat: token.issued.0.div_euclid(1_000),
            exp: token.expires.0.div_euclid(1_000),
            region: region.clone(),
            prg: programme,
            kind: programme.kind(),
            cap: token.cap,
            hb: self.inner.secrets.holder_binding(region, person, identity),
            serial: u32::from(serial),
            status: Status { status_list },
        }
    }

    /// Where a region's status list is served.
    pub fn status_list_uri(&self, region: &Region, list: u64) -> String {
        hefu_token::status_list_uri(&self.inner.issuer, region, list)
    }
}

/// Whom these answers say to be erased.
fn erased(verdicts: &[Verdict]) -> Vec<Owner> {
    let recorded = verdicts.iter().filter_map(|verdict| match verdict {
        Ok(Answer::Recorded(recorded)) => Some(recorded),
        Ok(Answer::Dry(_)) | Err(_) => None,
    });
    recorded.flat_map(erased_by).collect()
}

/// Whom a command's events say to be erased, and what went with them.
pub(crate) fn erased_by(recorded: &Recorded) -> impl Iterator<Item = Owner> {
    let erasures = recorded.events.iter().filter_map(|event| match event {
        Event::SubjectErased(e) => Some(e),
        _ => None,
    });
    erasures.flat_map(|e| owners_of(&recorded.region, e))
}

/// Whose keys an erasure destroys.
pub(crate) fn owners_of(region: &Region, e: &SubjectErased) -> impl Iterator<Item = Owner> {
    let certificates = e.certificates.iter();
    let certificates = certificates.map(|number| Owner::Committed(region.clone(), *number));
    std::iter::once(Owner::Person(region.clone(), e.person)).chain(certificates)
}

/// What these owners have sealed in the database.
pub(crate) fn ciphertexts(owners: &[Owner]) -> Erased {
    let mut erased = Erased::default();
    for owner in owners {
        match owner {
            Owner::Person(region, person) => erased.people.push(PersonKey {
                region: region.to_string(),
                person: person.to_string(),
            }),
            Owner::Committed(region, commitment) => {
                let place = (region.to_string(), commitment.to_string());
                erased.committed.push(place);
            }
        }
    }
    erased
}

/// Which of these owners have something sealed in the database.
pub(crate) async fn known(store: &Store, owners: &[Owner]) -> Result<Vec<bool>, StoreError> {
    let asked = ciphertexts(owners);
    let mut reads = store.deciding().await?;
    let people = reads.people_secrets(&asked.people).await?.into_iter();
    let people: HashSet<_> = people.map(|row| (row.region, row.person)).collect();
    let commitments = reads.committed(&asked.committed).await?.into_iter();
    let commitments: HashSet<_> = commitments
        .map(|row| (row.region, row.commitment))
        .collect();
    let known = |owner: &Owner| match owner {
        Owner::Person(region, id) => people.contains(&(region.to_string(), id.to_string())),
        Owner::Committed(region, id) => commitments.contains(&(region.to_string(), id.to_string())),
    };
    Ok(owners.iter().map(known).collect())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| EngineError::Vault("its thread ended".to_owned()))?
        .map_err(vault)
}

/// Errors of the vault name keys and owners, never what they hold.
fn vault(error: VaultError) -> EngineError {
    EngineError::Vault(error.to_string())
}
