//! A log key that follows another: in every log an event that both have signed, and from the checkpoint that covers it on
//! the new one signs.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hefu_domain::event::{LogKeyRotated, LogTree};
use hefu_domain::{Digest, Event, Instant, Region};
use hefu_engine::Source;
use hefu_engine::system::{self, Notice};
use hefu_log::{LogError, Note, NoteSigner};
use hefu_store::StoreError;
use hefu_token::keys::{self, Use};

use super::log::Log;
use super::{Keys, Signer, SignerError};
use crate::offline::{Offline, OfflineError};

impl Offline {
    /// Rotates the log key: every log that another key signs is handed over to the newest one, which is made unless an earlier
    /// rotation made it and stopped half-way. Returns its name and how many logs were handed over.
    ///
    /// # Errors
    /// `InDoubt` while a log is in doubt; the store's and the signer's. Called again, it goes on where it stopped.
    pub async fn rotate_log_key(&mut self) -> Result<(String, usize), OfflineError> {
        let before = self.signer.signing_keys().await?;
        let round = self.signer.round().await?;
        if let Some(region) = round.alarmed.into_iter().next() {
            return Err(OfflineError::InDoubt(region));
        }
        let newest = self.signer.keys.newest().to_owned();
        // Handed over by a rotation that was killed before it signed anything with the new key.
        let taken_up = |log: &&Log| {
            let before = before.get(log.memory.origin.region());
            before.is_some_and(|before| *before != log.memory.key) && log.memory.key == newest
        };
        let taken_up = self.signer.logs.values().filter(taken_up).count();
        let mut logs = self.signer.logs.values();
        if taken_up == 0 && logs.all(|log| log.memory.key == newest) {
            self.make_log_key()?;
        }
        self.signer.keys = Keys::load(&self.state)?;
        let handed_over = taken_up + self.hand_over().await?;
        self.signer.round().await?;
        Ok((self.signer.keys.newest().to_owned(), handed_over))
    }

    /// A new key, which is the newest whatever a made-up clock says.
    fn make_log_key(&self) -> Result<(), OfflineError> {
        let known = keys::list(&self.state).map_err(SignerError::from)?;
        let log = known.iter().filter(|key| key.usage == Use::Log);
        let last = log.map(|key| key.created.0 + 1).max().unwrap_or(0);
        let created = Instant(self.clock.now().0.max(last));
        let seed = Source::System.draw(&["log key"]);
        keys::new_key(&self.state, Use::Log, &seed, created).map_err(SignerError::from)?;
        Ok(())
    }

    /// Writes the event into every log that another key than the newest signs.
    async fn hand_over(&self) -> Result<usize, OfflineError> {
        let keys = &self.signer.keys;
        let mut handed_over = 0;
        for log in self.signer.logs.values() {
            let memory = &log.memory;
            if memory.key == keys.newest() {
                continue;
            }
            let old = keys.signer(&memory.origin, &memory.key)?;
            let new = keys.signer(&memory.origin, keys.newest())?;
            let signed = LogTree {
                epoch: memory.origin.epoch(),
                size: memory.tree.size(),
                root: Digest(memory.tree.root().0),
            };
            let rotated = rotated(&old, &new, signed).map_err(SignerError::from)?;
            let region: Region = memory.origin.region().parse().map_err(|_| unknown())?;
            let request = format!(
                "rotate-log-key-{}",
                new.vkey().id().map(|b| format!("{b:02x}")).concat()
            );
            let said = format!("{region} {rotated:?}");
            let notice = Notice {
                region: &region,
                at: self.clock.now(),
                request: &request,
                digest: self.secrets.request_digest("RotateLogKey", said.as_bytes()),
                event: Event::LogKeyRotated(rotated),
            };
            system::append(&self.store, &notice).await?;
            handed_over += 1;
        }
        Ok(handed_over)
    }
}

impl Signer {
    /// The name of the key that signed each log last, as it is remembered, by region.
    async fn signing_keys(&self) -> Result<BTreeMap<String, String>, SignerError> {
        let mut keys = BTreeMap::new();
        let Some(desk) = &self.desk else {
            return Ok(keys);
        };
        for head in self.store.all_heads().await? {
            // What cannot be read is for the round to raise.
            if let Ok(Some(memory)) = desk.memory(&head.region) {
                keys.insert(head.region, memory.key);
            }
        }
        Ok(keys)
    }
}

/// The event, with both keys' signatures over what it says.
fn rotated(old: &NoteSigner, new: &NoteSigner, signed: LogTree) -> Result<LogKeyRotated, LogError> {
    let (from, to) = (old.vkey().to_string(), new.vkey().to_string());
    let statement = Note::new(LogKeyRotated::statement(&from, &to, &signed))?;
    let by = |key: &NoteSigner| BASE64_STANDARD.encode(key.sign(&statement).bytes());
    Ok(LogKeyRotated {
        by_old: by(old),
        by_new: by(new),
        old: from,
        new: to,
        signed,
    })
}

fn unknown() -> StoreError {
    StoreError::Corrupt {
        table: "head",
        column: "region",
        key: "*".to_owned(),
    }
}
