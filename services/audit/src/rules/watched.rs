//! The fraud checks run again over the same log ([`Watch`]): every flag on record is one that a rule makes of the events before it, and none
//! that was made is left out while later ones are on record. The server's watch lags behind the moves, so the last ones may be missing.

use std::collections::HashMap;

use hefu_domain::event::FlagRaised;
use hefu_domain::state::LogPlace;
use hefu_domain::{Event, FlagId, Raised, Region, Watch};
use serde::Serialize;

use super::finding::{Finding, Kind};
use crate::replay::Entry;

/// A flag that the rules make of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flagged {
    /// In which region's log.
    pub region: Region,
    /// Its id.
    pub flag: FlagId,
    /// The rule's code.
    pub rule: &'static str,
    /// About what.
    pub about: String,
    /// The event that made it.
    pub at: LogPlace,
    /// Whether the log has it on record.
    pub recorded: bool,
}

/// One region's flags under audit.
pub(super) struct Watched {
    region: Region,
    watch: Watch,
    /// What the rules made, in order, and whether it was recorded.
    made: Vec<(Raised, bool)>,
    by_id: HashMap<FlagId, usize>,
}

impl Watched {
    pub(super) fn new(region: Region) -> Watched {
        Watched {
            region,
            watch: Watch::new(),
            made: Vec::new(),
            by_id: HashMap::new(),
        }
    }

    /// Sees the next event; what is wrong with it, if it is a flag that no rule makes.
    pub(super) fn see(&mut self, entry: &Entry, epoch: u64) -> Option<Finding> {
        let place = LogPlace {
            epoch,
            index: entry.index,
        };
        let wrong = match &entry.event {
            Event::FlagRaised(raised) => self.recorded(raised),
            _ => None,
        };
        for raised in self.watch.see(place, entry.at, &entry.event) {
            self.by_id.insert(raised.flag(), self.made.len());
            self.made.push((raised, false));
        }
        wrong.map(|detail| self.finding(place, &entry.request, detail))
    }

    fn recorded(&mut self, e: &FlagRaised) -> Option<String> {
        let rule = e.record.rule;
        if e.record.version < rule.version() {
            // What an earlier version of the rule saw, this one cannot tell.
            return None;
        }
        let made = self
            .by_id
            .get(&e.flag)
            .and_then(|at| self.made.get_mut(*at));
        match made {
            Some((made, recorded)) if made.severity == e.record.severity => {
                *recorded = true;
                None
            }
            Some(_) => Some(format!(
                "{} does not make it {:?}",
                rule.as_str(),
                e.record.severity
            )),
            None => Some(format!(
                "{} makes no such flag of the events before it",
                rule.as_str()
            )),
        }
    }

    fn finding(&self, place: LogPlace, request: &str, detail: String) -> Finding {
        Finding {
            region: self.region.clone(),
            epoch: place.epoch,
            index: place.index,
            request: request.to_owned(),
            kind: Kind::Rule,
            codes: Vec::new(),
            detail,
        }
    }

    /// The log is over: what was left out though later flags are on record, and every flag.
    pub(super) fn end(self) -> (Vec<Finding>, Vec<Flagged>) {
        let last = self.made.iter().rposition(|(_, recorded)| *recorded);
        let skipped = self.made.iter().take(last.unwrap_or_default());
        let skipped = skipped.filter(|(_, recorded)| !recorded);
        let findings = skipped
            .filter_map(|(made, _)| {
                let rule = made.rule.as_str();
                let detail = format!("{rule} makes a flag about {} that was left out", made.about);
                Some(self.finding(*made.evidence.last()?, "", detail))
            })
            .collect();
        let flags = self.made.iter().filter_map(|(made, recorded)| {
            Some(Flagged {
                region: self.region.clone(),
                flag: made.flag(),
                rule: made.rule.as_str(),
                about: made.about.to_string(),
                at: *made.evidence.last()?,
                recorded: *recorded,
            })
        });
        let flags = flags.collect();
        (findings, flags)
    }
}
