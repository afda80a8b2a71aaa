//! The root keys, in two files of the state folder: `dedup.key`, which lives apart from all others, and `vault.keys` with the
//! rest. Both are made once, at the first start, beside the first key encryption key, and never replaced: without the first every
//! "once only" is void, without the second nobody is found again. Back them up, apart from the database.
//!
//! ```text
//! hefu deduplication key, version 1      hefu vault keys, version 2
//! dedup: <32 bytes in base64url>         lookup: <32 bytes in base64url>
//!                                        binding: …   digest: …   page: …   (a line each)
//! ```

use std::fmt;
use std::path::{Path, PathBuf};

use hefu_domain::{Digest, Instant};
use hefu_token::private_file::{self, Reader, Writer};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::kek;
use crate::mac::mac;

const DEDUP_TITLE: &str = "hefu deduplication key, version 1";
const VAULT_TITLE: &str = "hefu vault keys, version 2";

type Key = Zeroizing<[u8; 32]>;

/// The root keys. Each serves one purpose; all are wiped from memory when this is dropped.
pub struct Secrets {
    /// Nullifiers: the same in every region of the deployment, for ever.
    pub(crate) dedup: Key,
    /// Lookup tags of identities, per region.
    pub(crate) lookup: Key,
    /// Holder bindings in tokens.
    pub(crate) binding: Key,
    /// Digests of requests in events.
    pub(crate) digest: Key,
    /// Page tokens of lists.
    pub(crate) page: Key,
}

impl Secrets {
    /// Loads both files, or makes both and a key encryption key if none of the three is there. One without the others is an error: a
    /// new one in its place would open nothing. `random` fills a buffer with bytes that nobody can guess.
    pub fn open(
        state_dir: &Path,
        now: Instant,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Secrets, VaultError> {
        let (dedup, vault) = (dedup_path(state_dir), vault_path(state_dir));
        match (dedup.exists(), vault.exists(), kek::any(state_dir)?) {
            (false, false, false) => Secrets::create(state_dir, now, random),
            (true, true, true) => Secrets::load(state_dir),
            (true, true, false) => Err(VaultError::NoKek(state_dir.to_owned())),
            (false, true, _) => Err(half(dedup, vault)),
            (true, false, _) => Err(half(vault, dedup)),
            (false, false, true) => Err(half(dedup, state_dir.join("kek-*.key"))),
        }
    }

    /// Makes both files and the first key encryption key, 0600 and synced to disk; fails if one is there.
    pub fn create(
        state_dir: &Path,
        now: Instant,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Secrets, VaultError> {
        let mut key = || {
            let mut key = Zeroizing::new([0; 32]);
            random(&mut *key);
            key
        };
        let secrets = Secrets {
            dedup: key(),
            lookup: key(),
            binding: key(),
            digest: key(),
            page: key(),
        };
        let kek = key();
        if secrets.refuse_repetition().is_err() || secrets.all().contains(&&*kek) {
            return Err(VaultError::NoRandomness);
        }
        Writer::new(DEDUP_TITLE)
            .secret("dedup", &secrets.dedup)
            .create(&dedup_path(state_dir))?;
        Writer::new(VAULT_TITLE)
            .secret("lookup", &secrets.lookup)
            .secret("binding", &secrets.binding)
            .secret("digest", &secrets.digest)
            .secret("page", &secrets.page)
            .create(&vault_path(state_dir))?;
        kek::create(state_dir, &kek, now)?;
        Ok(secrets)
    }

    /// Loads both files.
    pub fn load(state_dir: &Path) -> Result<Secrets, VaultError> {
        let path = dedup_path(state_dir);
        let text = private_file::read(&path)?;
        let mut dedup_file = Reader::new(&path, &text, DEDUP_TITLE)?;
        let dedup = dedup_file.secret("dedup")?;
        dedup_file.end()?;

        let path = vault_path(state_dir);
        let text = private_file::read(&path)?;
        let mut file = Reader::new(&path, &text, VAULT_TITLE)?;
        let secrets = Secrets {
            dedup,
            lookup: file.secret("lookup")?,
            binding: file.secret("binding")?,
            digest: file.secret("digest")?,
            page: file.secret("page")?,
        };
        file.end()?;
        secrets.refuse_repetition()?;
        Ok(secrets)
    }

    /// Tells one set of root keys from another and nothing else of them. Keep it beside the data and compare at start:
    /// a state folder that belongs to another database is then found before it does harm.
    pub fn fingerprint(&self) -> Digest {
        let parts = self
            .all()
            .map(|key| mac(key, "hefu/fingerprint/part/v1", &[]));
        let parts: Vec<&[u8]> = parts.iter().map(<[u8; 32]>::as_slice).collect();
        Digest(mac(&[0; 32], "hefu/fingerprint/v1", &parts))
    }

    fn all(&self) -> [&[u8; 32]; 5] {
        [
            &self.dedup,
            &self.lookup,
            &self.binding,
            &self.digest,
            &self.page,
        ]
    }

    /// A source of randomness that is broken repeats itself or stays silent; one key must not serve two purposes.
    fn refuse_repetition(&self) -> Result<(), VaultError> {
        let keys = self.all();
        let distinct = keys
            .iter()
            .enumerate()
            .all(|(i, key)| **key != [0; 32] && !keys[..i].contains(key));
        if distinct {
            Ok(())
        } else {
            Err(VaultError::NoRandomness)
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

fn dedup_path(state_dir: &Path) -> PathBuf {
    state_dir.join("dedup.key")
}

fn vault_path(state_dir: &Path) -> PathBuf {
    state_dir.join("vault.keys")
}

fn half(missing: PathBuf, present: PathBuf) -> VaultError {
    VaultError::HalfOfSecrets { missing, present }
}
