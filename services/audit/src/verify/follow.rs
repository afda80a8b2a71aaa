//! What may go along while a log is verified, so that its events are read once for both. The invariant: a follower is
//! handed every event in order, epoch after epoch, each only after all checks of it held.

use hefu_log::{Frontier, Hash, View};

use crate::replay::Check;

/// One region's companion: a replay, or nothing at all.
pub trait Follow {
    /// What can be made of an event by itself, on any thread.
    type Ready: Send;

    /// Makes what can be made of an event by itself.
    ///
    /// # Errors
    /// The check that failed.
    fn ready(event: &View<'_>, leaf: Hash) -> Result<Self::Ready, Check>;

    /// Takes the next event of the log, or the first of a later epoch's.
    ///
    /// # Errors
    /// The check that failed; the walk ends there.
    fn follow(&mut self, epoch: u64, event: &Self::Ready) -> Result<(), Check>;

    /// The epoch's log is over, and this is its tree's right edge: who goes along need not hash it again.
    fn over(&mut self, _edge: Frontier) {}
}

/// Nobody goes along.
impl Follow for () {
    type Ready = ();

    fn ready(_: &View<'_>, _: Hash) -> Result<(), Check> {
        Ok(())
    }

    fn follow(&mut self, _: u64, (): &()) -> Result<(), Check> {
        Ok(())
    }
}
