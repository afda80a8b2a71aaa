//! The people's side of a command: identities opened for as long as a batch lasts, keyed tags, tokens. What is opened here goes
//! into keyed hashes only, never into an event, a log line or an error.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use hefu_domain::state::TokenInForce;
use hefu_domain::{PersonId, Programme, Region, Tag, VoucherId};
use hefu_store::{PersonKey, PersonSecret, Reads};
use hefu_token::{Claims, Signer};
use hefu_vault::{
    DataKey, FileKms, Identity, Kms as _, Owner, PersonRecord, Secrets, VaultError, Wrapped,
    WrappedKeys,
};
use zeroize::Zeroizing;

use crate::batch::Verdict;
use crate::clock::Clock;
use crate::error::EngineError;
use crate::{Answer, Job};

/// A wrapped data key and whose it is.
pub type WrappedKey = (Owner, Wrapped);

/// The vault's share of RegisterPerson: the sealed record for the database, the wrapped key for the file apart from it.
#[derive(Debug, Clone)]
pub struct NewPerson {
    pub(crate) secret: PersonSecret,
    pub(crate) wrapped: WrappedKey,
}

/// Root keys, wrapped keys and token signers of one process. Cheap to clone.
#[derive(Clone)]
pub struct People {
    inner: Arc<Inner>,
}

struct Inner {
    secrets: Secrets,
    kms: FileKms,
    wrapped: WrappedKeys,
    issuer: String,
    /// The active signer first, then retired ones.
    signers: Vec<Signer>,
    clock: Clock,
}

impl People {
    /// Opens the state folder's wrapped keys beside the root keys at hand. `signers` has the active one first.
    ///
    /// # Errors
    /// The folder cannot be used, or there is no signer.
    pub fn open(
        state_dir: &Path,
        secrets: Secrets,
        issuer: String,
        signers: Vec<Signer>,
        clock: Clock,
    ) -> Result<People, EngineError> {
        if signers.is_empty() {
            return Err(EngineError::Vault("there is no token key".to_owned()));
        }
        let wrapped = WrappedKeys::open(state_dir).map_err(vault)?;
        let kms = secrets.kms();
        Ok(People {
            inner: Arc::new(Inner {
                secrets,
                kms,
                wrapped,
                issuer,
                signers,
                clock,
            }),
        })
    }

    /// The root keys, for tags and digests at the edge.
    pub fn secrets(&self) -> &Secrets {
        &self.inner.secrets
    }

    /// The signer of new tokens.
    pub(crate) fn signer(&self) -> &Signer {
        &self.inner.signers[0]
    }

    /// Every signer, the active one first.
    pub(crate) fn signers(&self) -> impl Iterator<Item = &Signer> {
        self.inner.signers.iter()
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
    ) -> Result<NewPerson, EngineError> {
        let key = DataKey::from_bytes(key);
        let (mut first, mut second) = ([0; 12], [0; 12]);
        first.copy_from_slice(&nonces[..12]);
        second.copy_from_slice(&nonces[12..24]);
        let owner = Owner::Person(region.clone(), person);
        let wrapped = self
            .inner
            .kms
            .wrap_key(&owner, &key, second)
            .map_err(vault)?;
        let secret = PersonSecret {
            region: region.to_string(),
            person: person.to_string(),
            tag: self
                .inner
                .secrets
                .lookup_tag(region, &record.identity)
                .0
                .to_vec(),
            sealed: hefu_vault::seal(region, person, record, &key, first),
        };
        Ok(NewPerson {
            secret,
            wrapped: (owner, wrapped),
        })
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

    /// Puts the wrapped keys of newly accepted people on the disk, before the transaction that needs them.
    pub(crate) async fn keep(&self, jobs: &[Job], verdicts: &[Verdict]) -> Result<(), EngineError> {
        let accepted = jobs
            .iter()
            .zip(verdicts)
            .filter(|(_, verdict)| matches!(verdict, Ok(Answer::Recorded(_))));
        let keys: Vec<WrappedKey> = accepted
            .filter_map(|(job, _)| job.wrapped.clone())
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let inner = self.inner.clone();
        blocking(move || inner.wrapped.put_many(&keys, inner.clock.now())).await
    }

    /// A person's nullifier under a rule and its scope.
    pub(crate) fn nullifier(&self, identity: &Identity, rule: &str, scope: &str) -> Tag {
        self.inner.secrets.nullifier(identity, rule, scope)
    }

    /// What a voucher's token says.
    #[allow(clippy::too_many_arguments)] // the claims are these seven facts
    pub(crate) fn claims(
        &self,
        region: &Region,
        voucher: VoucherId,
        person: PersonId,
        identity: &Identity,
        programme: Programme,
        token: &TokenInForce,
        serial: u16,
    ) -> Claims {
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
        }
    }
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
