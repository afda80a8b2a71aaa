//! Erasures after a crash or a restored backup: what the state folder knows to be erased is erased in the database, too.
//!
//! The wrapped keys lie apart from the database, and with them the list of who was erased. A database restored from before an
//! erasure still has the ciphertexts (which nothing opens any more), the lookup tags, and a log that does not say so.

use std::collections::HashMap;

use hefu_domain::event::SubjectErased;
use hefu_domain::{Event, Fact, Key, PersonId, Region};
use hefu_vault::Owner;

use crate::error::EngineError;
use crate::people::{ciphertexts, known};
use crate::system::{self, Notice};
use crate::{Engine, rows};

/// On whose decision an erasure is put on record again.
const BY: &str = "operator";
/// Why.
const REASON: &str = "BACKUP_RESTORED";
/// People looked at at a time.
const PAGE: usize = 1_000;

/// How the database stands to an erasure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is on record.
    Erased,
    /// The person stands there as if nothing had been.
    Present,
    /// It knows nobody of that name.
    Unknown,
}

impl Engine {
    /// Before anything is served: erasures that were announced and are on record are done, those that are not are taken back; and who
    /// was erased before is erased in a restored backup, in its ciphertexts at once and in its log where that may be written. Returns
    /// how many people were put on record again.
    ///
    /// # Errors
    /// The store's and the vault's; it can be asked for again.
    pub async fn apply_erasures(&self) -> Result<usize, EngineError> {
        let people = &self.shared.people;
        let (mut done, mut never, mut again) = (Vec::new(), Vec::new(), Vec::new());
        let erasures = people.erasures().await?;
        for page in erasures.chunks(PAGE) {
            let standing = self.standing(page).await?;
            for ((owner, was_done), standing) in page.iter().zip(standing) {
                match (was_done, standing) {
                    (true, Standing::Present) => again.push(owner.clone()),
                    (true, Standing::Erased | Standing::Unknown) => {}
                    (false, Standing::Erased) => done.push(owner.clone()),
                    (false, Standing::Present | Standing::Unknown) => never.push(owner.clone()),
                }
            }
            let over = page.iter().filter(|(_, done)| *done);
            let over: Vec<Owner> = over.map(|(owner, _)| owner.clone()).collect();
            self.shared.store.erase(ciphertexts(&over)).await?;
        }
        people.settle_erasures(done, never).await?;
        let mut recorded = 0;
        for owner in again {
            if let Owner::Person(region, person) = owner {
                recorded += usize::from(self.put_on_record(&region, person).await?);
            }
        }
        Ok(recorded)
    }

    /// How the database stands to these erasures, each in its place.
    async fn standing(&self, erasures: &[(Owner, bool)]) -> Result<Vec<Standing>, EngineError> {
        let owners: Vec<Owner> = erasures.iter().map(|(owner, _)| owner.clone()).collect();
        let sealed = known(&self.shared.store, &owners).await?;
        let mut keys = Vec::new();
        for owner in &owners {
            if let Owner::Person(region, person) = owner {
                keys.push(rows::fact_key(region.as_str(), &Key::Person(*person)));
            }
        }
        let mut people = HashMap::new();
        for row in self.shared.store.load(&keys).await? {
            if let Fact::Person(person) = rows::fact(&row)? {
                people.insert((row.region, row.id), person.erased);
            }
        }
        let standing = owners
            .iter()
            .zip(sealed)
            .map(|(owner, sealed)| match owner {
                Owner::Person(region, person) => {
                    match people.get(&(region.to_string(), person.to_string())) {
                        Some(true) => Standing::Erased,
                        Some(false) => Standing::Present,
                        None => Standing::Unknown,
                    }
                }
                // Its ciphertext goes in the transaction that has the erasure on record.
                Owner::Committed(..) if sealed => Standing::Present,
                Owner::Committed(..) => Standing::Erased,
            });
        Ok(standing.collect())
    }

    /// Has a person's erasure on record whom a restored backup knows; not where the region's log is in doubt, which comes first.
    async fn put_on_record(&self, region: &Region, person: PersonId) -> Result<bool, EngineError> {
        let store = &self.shared.store;
        let heads = store.heads(&[region.to_string()]).await?;
        if heads.iter().any(|head| head.alarm.is_some()) {
            tracing::warn!(%region, %person, "an erasure waits for the log to be accepted before it is on record again");
            return Ok(false);
        }
        let word = |_| EngineError::Endless;
        let erased = SubjectErased {
            person,
            by: BY.parse().map_err(word)?,
            reason: REASON.parse().map_err(word)?,
            certificates: Default::default(),
        };
        let request = format!("erase-again-{person}");
        let said = format!("{region} {erased:?}");
        let secrets = self.shared.people.secrets();
        let notice = Notice {
            region,
            at: self.shared.clock.now(),
            request: &request,
            digest: secrets.request_digest("EraseSubject", said.as_bytes()),
            event: Event::SubjectErased(erased),
        };
        system::append(store, &notice).await?;
        Ok(true)
    }
}
