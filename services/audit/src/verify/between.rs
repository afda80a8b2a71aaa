//! What happened between two checkpoints of a region. The invariant: money is told by replaying the log up to both, so
//! what is said to have moved is the difference of two states, and no event's own word for it.

use std::collections::BTreeMap;

use hefu_domain::state::Account;
use hefu_domain::{Fact, Instant, Region};
use hefu_log::{Checkpoint, Frontier, Hash, View};

use super::follow::Follow;
use crate::replay::{Check, Replay, Step};

/// A place in a region's logs: epoch, and events of it.
type Mark = (u64, u64);

/// Follows a region's log, and looks at its accounts at two checkpoints.
pub struct Between {
    replay: Replay,
    marks: [Mark; 2],
    seen: [Option<Account>; 2],
    kinds: BTreeMap<&'static str, u64>,
    times: Option<(Instant, Instant)>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Events by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// When the first and the last of them happened.
    pub times: Option<(Instant, Instant)>,
    /// All accounts of the region together, at the earlier checkpoint.
    pub before: Account,
    /// And at the later.
    pub after: Account,
}

impl Between {
    /// What happens in a region from the earlier checkpoint to the later.
    pub fn new(region: &Region, earlier: &Checkpoint, later: &Checkpoint) -> Self {
        Self {
            replay: Replay::new(region.clone()),
            marks: [mark(earlier), mark(later)],
            seen: [None; 2],
            kinds: BTreeMap::new(),
            times: None,
        }
    }

    /// What happened, when the log is over.
    pub fn end(self) -> Change {
        let [before, after] = self
            .seen
            .map(|seen| seen.unwrap_or_else(|| sum(&self.replay)));
        Change {
            kinds: self.kinds,
            times: self.times,
            before,
            after,
        }
    }

    /// Looks at the accounts before the first event behind a checkpoint.
    fn look(&mut self, at: Mark) {
        for (mark, seen) in self.marks.iter().zip(&mut self.seen) {
            if seen.is_none() && at >= *mark {
                *seen = Some(sum(&self.replay));
            }
        }
    }
}

impl Follow for Between {
    type Ready = Step;

    fn ready(event: &View<'_>, leaf: Hash) -> Result<Step, Check> {
        Replay::ready(event, leaf)
    }

    fn follow(&mut self, epoch: u64, step: &Step) -> Result<(), Check> {
        self.look((epoch, step.index));
        if let [Some(_), None] = self.seen {
            *self.kinds.entry(step.event.kind()).or_default() += 1;
            let first = self.times.map_or(step.at, |(first, _)| first);
            self.times = Some((first, step.at));
        }
        self.replay.follow(epoch, step)
    }

    fn over(&mut self, edge: Frontier) {
        self.replay.over(edge);
    }
}

fn mark(checkpoint: &Checkpoint) -> Mark {
    (checkpoint.origin.epoch(), checkpoint.size)
}

/// All accounts together.
fn sum(replay: &Replay) -> Account {
    let mut all = Account::default();
    for fact in replay.world().facts() {
        if let Fact::Account(account) = fact {
            all.allocated += account.allocated;
            all.available += account.available;
            all.reserved += account.reserved;
            all.payable += account.payable;
            all.paid += account.paid;
        }
    }
    all
}
