//! One region's log under audit: replayed, and where asked every move decided again.

use hefu_domain::Region;
use hefu_log::Hash;

use crate::replay::{Check, Entry, Failure, Replay, Replayed};
use crate::rules::{Finding, Flagged, Ledger, Rules};

/// A region's audit under way.
pub struct Auditor {
    replay: Replay,
    rules: Option<Rules>,
    failed: Option<Failure>,
}

/// What a region's log came to.
pub struct Audited {
    /// Every state and every fen, or where the log failed.
    pub log: Result<Replayed, Failure>,
    /// What the rules have against its moves, by index, up to where the log failed.
    pub findings: Vec<Finding>,
    /// What other regions' logs are held against; absent where the rules were not asked.
    pub ledger: Option<Ledger>,
    /// What the fraud rules make of it, in order; nothing where the rules were not asked.
    pub flags: Vec<Flagged>,
}

impl Auditor {
    /// An audit from the first event on; with `rules` every move is decided again.
    pub fn new(region: Region, rules: bool) -> Auditor {
        let rules = rules.then(|| Rules::new(region.clone()));
        Auditor::of(Replay::new(region), rules)
    }

    /// The same with rules, and with so many facts to a generation: see [`Replay::by_generations`].
    pub fn by_generations(region: Region, generation: usize) -> Auditor {
        let rules = Rules::new(region.clone());
        Auditor::of(Replay::by_generations(region, generation), Some(rules))
    }

    fn of(replay: Replay, rules: Option<Rules>) -> Auditor {
        Auditor {
            replay,
            rules,
            failed: None,
        }
    }

    /// Checks the next event. With rules it is applied when its request is over. Nothing more is read of a log that failed.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.step(bytes).err();
        }
    }

    fn step(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let Some(rules) = &mut self.rules else {
            return self.replay.feed(bytes);
        };
        match Entry::read(self.replay.region(), bytes) {
            Ok(entry) => rules.take(&mut self.replay, entry),
            Err(check) => {
                let index = self.replay.head().0 + rules.waiting();
                rules.settle(&mut self.replay)?;
                Err(self.replay.failure(index, check))
            }
        }
    }

    /// The epoch's log is over: what is fed from now on is that later one's.
    pub fn enter(&mut self, epoch: u64) {
        self.settle();
        self.replay.enter(epoch);
    }

    /// The log is over: it must be as long as was published of it, and have that root.
    pub fn ends_at(&mut self, size: u64, root: Hash) {
        self.settle();
        if self.failed.is_none() && self.replay.head() != (size, root) {
            self.failed = Some(self.replay.failure(size, Check::Root));
        }
    }

    /// Whether the log failed, so that nothing more of it needs to be fed.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    fn settle(&mut self) {
        if let (Some(rules), None) = (&mut self.rules, &self.failed) {
            self.failed = rules.settle(&mut self.replay).err();
        }
    }

    /// The end of the log.
    pub fn end(mut self) -> Audited {
        self.settle();
        let lost = self.replay.lost();
        let (mut findings, ledger, flags) =
            self.rules.map_or((Vec::new(), None, Vec::new()), |rules| {
                let (findings, ledger, flags) = rules.end();
                (findings, Some(ledger), flags)
            });
        if lost.is_some() {
            // They may come from what could not be read.
            findings.clear();
        }
        let log = match lost.or(self.failed) {
            Some(failure) => Err(failure),
            None => Ok(self.replay.end()),
        };
        Audited {
            log,
            findings,
            ledger,
            flags,
        }
    }
}
