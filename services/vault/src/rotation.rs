//! A key encryption key that follows another. The invariant: a data key is at all times wrapped under a key that is in the state folder,
//! and once a rotation has ended nothing is stored under the old ones, whoever wraps meanwhile.

use std::path::Path;

use hefu_domain::Instant;
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::kek::{self, KekId};
use crate::kms::{FileKms, Kms as _};
use crate::wrapped::WrappedKeys;

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key that wraps from now on.
    pub active: KekId,
    /// The keys that wrap nothing any more, by this rotation or an earlier one. Backups of the wrapped keys from before it need them.
    pub retired: Vec<KekId>,
    /// How many data keys were wrapped anew.
    pub data_keys: usize,
}

/// Rotates the key encryption key of a state folder: makes a new one, unless an earlier rotation made it and stopped half-way, retires
/// the others and wraps every data key under it. Servers may run meanwhile: whatever they wrap under an old key is refused and wrapped
/// anew. `random` fills a buffer with bytes that nobody can guess; `seen` is told how many data keys were wrapped so far.
///
/// # Errors
/// A key file or the file of wrapped keys cannot be used; called again, it goes on where it stopped. `LogHeld`: all is done but for the
/// clearing of the write-ahead log.
pub fn rotate_kek(
    state_dir: &Path,
    now: Instant,
    random: &mut dyn FnMut(&mut [u8]),
    seen: &mut dyn FnMut(usize),
) -> Result<Rotated, VaultError> {
    let wrapped = WrappedKeys::open(state_dir)?;
    let before: Vec<KekId> = kek::load(state_dir)?.iter().map(|kek| kek.id).collect();
    let retired = wrapped.retired()?;
    // A key that was made and has not retired the others, or has not emptied them.
    let unretired = |id: &&KekId| !retired.iter().any(|(old, _)| old == *id);
    let half_way =
        before.iter().filter(unretired).count() > 1 || retired.iter().any(|(_, emptied)| !emptied);
    if !half_way {
        let mut key = Zeroizing::new([0; 32]);
        random(&mut *key);
        if *key == [0; 32] {
            return Err(VaultError::NoRandomness);
        }
        kek::create(state_dir, &key, now)?;
    }
    let kms = FileKms::open(state_dir)?;
    let active = kms.active();
    let others = kek::load(state_dir)?.into_iter().map(|kek| kek.id);
    let others: Vec<KekId> = others.filter(|id| *id != active).collect();
    wrapped.retire(&others)?;
    let mut nonce = || {
        let mut nonce = [0; 12];
        random(&mut nonce);
        nonce
    };
    let data_keys = wrapped.wrap_anew(&kms, &others, &mut nonce, seen)?;
    Ok(Rotated {
        active,
        retired: others,
        data_keys,
    })
}
