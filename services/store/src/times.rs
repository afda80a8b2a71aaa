//! When a transaction was where, for whoever wants to know what it waited for and what it took.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// What a transaction passes on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// It is checked and sorted, and waits for a connection.
    Planned,
    /// It has one.
    Begun,
    /// COMMIT is sent next.
    Sent,
}

/// The instants of one transaction. Nothing is kept unless asked.
#[derive(Debug, Clone, Default)]
pub struct Times(Option<Arc<[OnceLock<Instant>; 3]>>);

impl Times {
    /// Instants that are kept.
    pub fn kept() -> Times {
        Times(Some(Arc::default()))
    }

    /// When that was, if it was and is kept.
    pub fn at(&self, passed: Passed) -> Option<Instant> {
        let times = self.0.as_ref()?;
        times[passed as usize].get().copied()
    }

    /// It is there now.
    pub(crate) fn pass(&self, passed: Passed) {
        if let Some(times) = &self.0 {
            let _ = times[passed as usize].set(Instant::now());
        }
    }
}
