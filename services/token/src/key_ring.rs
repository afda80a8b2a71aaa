//! The token keys of a state folder as a running process has them: whoever adds one need not stop it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use hefu_domain::Instant;

use crate::claims::{Claims, TokenError};
use crate::key_set::KeySet;
use crate::keys::{self, KeyError, KeyFile, Use};
use crate::signer::Signer;
use crate::status_list::{EncodedList, ListTimes};

/// The keys that sign tokens and the set that verifies them. Keys that are added to the folder are taken up by [`Self::refresh`], and at
/// once when a token names one of them.
pub struct KeyRing {
    state: PathBuf,
    issuer: String,
    longest_life: i64,
    signs: bool,
    held: RwLock<Arc<Held>>,
}

/// What stands in the folder at a time.
struct Held {
    /// The active one first, then retired ones.
    signers: Vec<Signer>,
    set: KeySet,
    jwks: Arc<str>,
    files: Vec<PathBuf>,
}

impl KeyRing {
    /// The keys of a folder, of a process that signs with them. No token lives longer than `longest_life` seconds.
    ///
    /// # Errors
    /// There is none, or a file cannot be used.
    pub fn signing(state: &Path, issuer: &str, longest_life: i64) -> Result<KeyRing, KeyError> {
        keys::publish(state, Use::Token)?;
        KeyRing::new(state, issuer, longest_life, true)
    }

    /// The public halves of a folder's keys, of a process that only verifies: no secret half is read.
    ///
    /// # Errors
    /// As for [`KeyRing::signing`].
    pub fn verifying(state: &Path, issuer: &str, longest_life: i64) -> Result<KeyRing, KeyError> {
        KeyRing::new(state, issuer, longest_life, false)
    }

    fn new(
        state: &Path,
        issuer: &str,
        longest_life: i64,
        signs: bool,
    ) -> Result<KeyRing, KeyError> {
        let held = Held::load(state, issuer, longest_life, signs)?;
        Ok(KeyRing {
            state: state.to_owned(),
            issuer: issuer.to_owned(),
            longest_life,
            signs,
            held: RwLock::new(Arc::new(held)),
        })
    }

    /// Takes up what was added to the folder; returns the name of the active key if it is another one now.
    ///
    /// # Errors
    /// A file cannot be used; what was taken up before stays.
    pub fn refresh(&self) -> Result<Option<String>, KeyError> {
        let before = self.held();
        if keys::files(&self.state, Use::Token, self.signs)? == before.files {
            return Ok(None);
        }
        let held = Held::load(&self.state, &self.issuer, self.longest_life, self.signs)?;
        let held = Arc::new(held);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held.clone();
        let active = |held: &Held| held.set.active().map(str::to_owned);
        Ok(active(&held).filter(|now| Some(now) != active(&before).as_ref()))
    }

    /// As [`KeySet::verify`] does; a key that is not known is looked for in the folder first.
    ///
    /// # Errors
    /// Why the token is refused.
    pub fn verify(&self, token: &str, now: Instant) -> Result<Claims, TokenError> {
        match self.held().set.verify(token, now) {
            // What cannot be read now is read by the next refresh, and reported there.
            Err(TokenError::UnknownKey) if self.refresh().is_ok() => {
                self.held().set.verify(token, now)
            }
            told => told,
        }
    }

    /// The token of these claims by the active key; `None` in a process that only verifies.
    pub fn sign(&self, claims: &Claims) -> Option<String> {
        let held = self.held();
        held.signers.first().map(|signer| signer.sign(claims))
    }

    /// The signed status list that is served at `uri`, by the active key; `None` in a process that only verifies.
    pub fn sign_status_list(
        &self,
        uri: &str,
        list: &EncodedList,
        times: ListTimes,
    ) -> Option<String> {
        let held = self.held();
        let signer = held.signers.first()?;
        Some(signer.sign_status_list(uri, list, times))
    }

    /// The tokens of these claims by each key, the active one's first.
    pub fn sign_by_each(&self, claims: &Claims) -> Vec<String> {
        let held = self.held();
        held.signers
            .iter()
            .map(|signer| signer.sign(claims))
            .collect()
    }

    /// The key set as it is published.
    pub fn jwks_json(&self) -> Arc<str> {
        self.held().jwks.clone()
    }

    fn held(&self) -> Arc<Held> {
        let held = self.held.read();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Held {
    fn load(state: &Path, issuer: &str, longest_life: i64, signs: bool) -> Result<Held, KeyError> {
        let files = keys::files(state, Use::Token, signs)?;
        let (signers, public) = match signs {
            true => {
                let keys = keys::load(state, Use::Token)?;
                let public: Vec<_> = keys.iter().map(KeyFile::public).collect();
                (keys.iter().map(KeyFile::signer).collect(), public)
            }
            false => (Vec::new(), keys::load_public(state, Use::Token)?),
        };
        let set = KeySet::of_keys(issuer, &public, longest_life);
        Ok(Held {
            signers,
            jwks: set.jwks_json().into(),
            set,
            files,
        })
    }
}
