//! How many of a thing are there, in all and of each owner.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Things counted by their owner. It knows those owners only who have one. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Count<K: Hash + Eq + Clone>(Arc<Counting<K>>);

struct Counting<K> {
    most: usize,
    most_of_each: usize,
    there: Mutex<There<K>>,
}

struct There<K> {
    all: usize,
    each: HashMap<K, usize>,
}

/// One of them, counted until it is dropped.
pub(crate) struct Counted<K: Hash + Eq + Clone> {
    count: Count<K>,
    of: K,
}

/// Whose limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enough {
    /// That of all.
    All,
    /// The owner's own.
    OfOne,
}

impl<K: Hash + Eq + Clone> Count<K> {
    pub(crate) fn new(most: usize, most_of_each: usize) -> Count<K> {
        let there = There {
            all: 0,
            each: HashMap::new(),
        };
        Count(Arc::new(Counting {
            most,
            most_of_each,
            there: Mutex::new(there),
        }))
    }

    /// One more, if there is room.
    pub(crate) fn enter(&self, of: K) -> Result<Counted<K>, Enough> {
        let mut there = self.there();
        if there.all >= self.0.most {
            return Err(Enough::All);
        }
        let theirs = there.each.get(&of).copied().unwrap_or(0);
        if theirs >= self.0.most_of_each {
            return Err(Enough::OfOne);
        }
        there.each.insert(of.clone(), theirs + 1);
        there.all += 1;
        drop(there);
        let count = self.clone();
        Ok(Counted { count, of })
    }

    #[cfg(test)]
    fn all(&self) -> usize {
        self.there().all
    }

    fn there(&self) -> MutexGuard<'_, There<K>> {
        self.0.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut there = self.count.there();
        there.all -= 1;
        if let Some(theirs) = there.each.get_mut(&self.of) {
            *theirs -= 1;
            if *theirs == 0 {
                there.each.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_more_than_their_share_and_all_together_no_more_than_all() {
        let count = Count::new(3, 2);
        let held = [count.enter("a"), count.enter("a")].map(Result::ok);
        assert_eq!(count.enter("a").err(), Some(Enough::OfOne));
        let other = count.enter("b").ok();
        assert_eq!(count.enter("b").err(), Some(Enough::All));
        drop(held);
        assert_eq!(count.all(), 1);
        assert!(count.enter("a").is_ok());
        drop(other);
        assert!(count.there().each.is_empty());
    }
}
