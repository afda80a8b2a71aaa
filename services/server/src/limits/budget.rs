//! Bytes that are held for callers: messages that are being read, answers that are being taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes may be held at once. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Budget {
    held: Arc<AtomicUsize>,
    most: usize,
}

/// What somebody holds of it, given back when dropped.
pub(crate) struct Charge {
    budget: Budget,
    bytes: AtomicUsize,
}

impl Budget {
    pub(super) fn new(most: usize) -> Budget {
        let held = Arc::default();
        Budget { held, most }
    }

    /// Nothing yet.
    pub(super) fn charge(&self) -> Charge {
        Charge {
            budget: self.clone(),
            bytes: AtomicUsize::new(0),
        }
    }
}

impl Charge {
    /// Holds so many more, if there is room for them.
    pub(super) fn more(&self, bytes: usize) -> bool {
        let held = self.budget.held.fetch_add(bytes, Ordering::Relaxed);
        let fits = held.saturating_add(bytes) <= self.budget.most;
        match fits {
            true => self.bytes.fetch_add(bytes, Ordering::Relaxed),
            false => self.budget.held.fetch_sub(bytes, Ordering::Relaxed),
        };
        fits
    }

    /// Gives all of it back.
    pub(super) fn none(&self) {
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        self.budget.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.none();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_held_than_there_is_and_all_of_it_comes_back() {
        let budget = Budget::new(100);
        let (one, two) = (budget.charge(), budget.charge());
        assert!(one.more(60) && !two.more(41) && two.more(40));
        assert!(!one.more(1));
        two.none();
        assert!(one.more(40));
        drop(one);
        assert!(two.more(100));
        drop(two);
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
    }
}
