//! A map that forgets what was not used lately, so that nobody makes it grow by being many.
//!
//! The invariant: it never holds more than it was made for. There are two generations; when the young one is full it becomes the old
//! one, and what nobody asked for since is gone with the one before.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

const SHARDS: usize = 16;

/// By a keyed hash of what was asked for: two that meet by chance share an entry, and nobody can make them meet.
pub(super) struct Recent<V> {
    shards: [Mutex<Generations<V>>; SHARDS],
    hasher: RandomState,
    /// Of one shard's one generation.
    most: usize,
}

struct Generations<V> {
    young: HashMap<u64, V>,
    old: HashMap<u64, V>,
}

impl<V: Copy> Recent<V> {
    pub(super) fn new(most: usize) -> Recent<V> {
        let empty = || Generations {
            young: HashMap::new(),
            old: HashMap::new(),
        };
        Recent {
            shards: std::array::from_fn(|_| Mutex::new(empty())),
            hasher: RandomState::new(),
            most: (most / SHARDS / 2).max(1),
        }
    }

    /// Looks at an entry, and keeps what it was left as.
    pub(super) fn with<R>(&self, what: impl Hash, look: impl FnOnce(&mut Option<V>) -> R) -> R {
        let key = self.hasher.hash_one(what);
        let shard = &self.shards[(key % SHARDS as u64) as usize];
        let mut held = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let Generations { young, old } = &mut *held;
        if let Some(value) = young.get_mut(&key) {
            let mut entry = Some(*value);
            let result = look(&mut entry);
            match entry {
                Some(entry) => *value = entry,
                None => drop(young.remove(&key)),
            }
            return result;
        }
        let mut entry = old.remove(&key);
        let result = look(&mut entry);
        if let Some(entry) = entry {
            if young.len() >= self.most {
                *old = std::mem::take(young);
            }
            young.insert(key, entry);
        }
        result
    }

    pub(super) fn has(&self, what: impl Hash) -> bool {
        self.with(what, |entry| entry.is_some())
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let held = self.shards.iter().map(|shard| shard.lock().unwrap());
        held.map(|held| held.young.len() + held.old.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_it_was_made_for() {
        let recent = Recent::new(320);
        for number in 0..100_000 {
            recent.with(number, |entry| *entry = Some(number));
            assert!(recent.len() <= 320);
        }
        assert!(recent.len() >= 160);
    }

    #[test]
    fn what_is_asked_for_again_and_again_is_kept() {
        let recent = Recent::new(320);
        recent.with("regular", |entry| *entry = Some(0));
        for number in 0..10_000 {
            recent.with(number, |entry| *entry = Some(number));
            recent.with("regular", |entry| *entry = entry.map(|count| count + 1));
        }
        assert_eq!(recent.with("regular", |entry| *entry), Some(10_000));
        assert!(!recent.has(0));
    }

    #[test]
    fn looking_for_what_is_not_there_leaves_nothing() {
        let recent: Recent<()> = Recent::new(320);
        assert!((0..1_000).all(|number| !recent.has(number)));
        assert_eq!(recent.len(), 0);
    }
}
