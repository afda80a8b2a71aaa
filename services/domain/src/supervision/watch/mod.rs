//! The fraud checks (DOMAIN, section 8) as rules over a region's log: events go in, in order, and flags come out. Nothing else is read, so
//! the server that puts flags on record and an auditor who reads the log years later come to the same ones. Thresholds are the policy's
//! that was in force when the last event was written; a rule that the policy does not name does not run.
//!
//! One flag stands for a rule and a thing at a time: what else the rule sees of it adds nothing until the flag is cleared.
//!
//! When a plan year is closed, what belongs to the years before it is forgotten: a log of ten years takes no more memory than one of two.

mod classes;
mod entered;
mod people;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use serde::{Deserialize, Serialize};

use super::flag::{MOST_EVIDENCE, flag_id};
use crate::command::RaiseFlag;
use crate::event::Event;
use crate::ids::*;
use crate::policy::{Adopted, FraudRule, Policy, Severity, SupervisionRules};
use crate::state::*;
use crate::time::Instant;

/// A flag that a rule makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// The rule.
    pub rule: FraudRule,
    /// What its flag does.
    pub severity: Severity,
    /// About what.
    pub about: About,
    /// The events that it rests on, in the log's order; the last is the one that made it.
    pub evidence: Vec<LogPlace>,
    /// When that one was written.
    pub at: Instant,
}

impl Raised {
    /// The flag's id, which follows from the rest.
    pub fn flag(&self) -> FlagId {
        flag_id(self.rule, self.rule.version(), &self.about, &self.evidence)
    }

    /// The move that puts it on record.
    pub fn act(&self) -> RaiseFlag {
        RaiseFlag {
            rule: self.rule,
            version: self.rule.version(),
            severity: self.severity,
            about: self.about.clone(),
            evidence: self.evidence.clone(),
        }
    }
}

/// An event's place and time.
#[derive(Debug, Clone, Copy)]
struct Now {
    place: LogPlace,
    at: Instant,
}

/// What one event makes of the rules: each rule, the plan year whose policy decides about it, what it is about and what it rests on.
#[derive(Default)]
struct Seen(Vec<(FraudRule, Option<PlanYear>, About, Vec<LogPlace>)>);

impl Seen {
    fn add(&mut self, rule: FraudRule, year: PlanYear, about: About, evidence: Vec<LogPlace>) {
        self.0.push((rule, Some(year), about, evidence));
    }

    /// About what belongs to no plan year.
    fn add_now(&mut self, rule: FraudRule, about: About, evidence: Vec<LogPlace>) {
        self.0.push((rule, None, about, evidence));
    }
}

/// The first 96 bits of a hash: enough to tell any two apart, and a third of its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Short([u32; 3]);

impl Short {
    fn of(digest: &Digest) -> Short {
        let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = digest.0;
        Short([[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(u32::from_be_bytes))
    }
}

/// The policies in force, by plan year.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Policies(BTreeMap<PlanYear, Vec<Adopted>>);

impl Policies {
    fn of(&self, year: PlanYear, at: Instant) -> Option<&Policy> {
        let adopted = self.0.get(&year)?.iter().rev();
        let mut in_force = adopted.filter(|adopted| adopted.effective <= at);
        in_force.next().map(|adopted| &adopted.policy)
    }

    fn rules(&self, year: PlanYear, at: Instant) -> Option<&SupervisionRules> {
        self.of(year, at)?.supervision.as_ref()
    }

    /// For what belongs to no plan year: this year's, or until they are adopted those of the year before.
    fn rules_now(&self, at: Instant) -> Option<&SupervisionRules> {
        let this = u16::try_from(at.date().year()).ok()?;
        let years = [this, this.saturating_sub(1)];
        let mut rules = years
            .into_iter()
            .filter_map(|year| self.rules(PlanYear::try_from(year).ok()?, at));
        rules.next()
    }
}

/// One region's log under watch. It can be written down and read back, so that nobody has to begin with the log's first event again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Watch {
    policies: Policies,
    people: people::People,
    classes: classes::Classes,
    sessions: sessions::Sessions,
    /// What stands flagged, or is about to.
    open: BTreeSet<(FraudRule, About)>,
    /// The flags on record.
    flags: HashMap<FlagId, (FraudRule, About)>,
}

impl Watch {
    /// Of what is remembered and how it is written down: the memory of another version is none of this one's.
    pub const VERSION: u32 = 1;

    /// A log that begins.
    pub fn new() -> Watch {
        Watch::default()
    }

    /// Sees the next event; the flags that it makes.
    pub fn see(&mut self, place: LogPlace, at: Instant, event: &Event) -> Vec<Raised> {
        let now = Now { place, at };
        let mut seen = Seen::default();
        if let Event::PolicyAdopted(adopted) = event {
            let versions = self.policies.0.entry(adopted.policy.year).or_default();
            versions.push(adopted.clone());
        }
        self.note_flags(event);
        self.people.see(&self.policies, now, event, &mut seen);
        self.sessions.see(&self.policies, now, event, &mut seen);
        let (policies, people) = (&self.policies, &self.people);
        self.classes.see(policies, people, now, event, &mut seen);
        if let Event::PlanYearClosed(e) = event {
            self.forget_before(e.year);
        }
        seen.0
            .into_iter()
            .filter_map(|(rule, year, about, evidence)| {
                self.raise(now, rule, year, about, evidence)
            })
            .collect()
    }

    /// A year's classes, sessions and vouchers are over once the year after it is closed. The closed one stays: this year's evidence may
    /// not be last year's.
    fn forget_before(&mut self, year: PlanYear) {
        self.policies.0.retain(|of, _| *of >= year);
        self.people.forget_before(year);
        self.sessions.forget_before(year);
        self.classes.forget_before(year);
    }

    /// A flag that was cleared makes room for the next one of its rule about the same thing.
    fn note_flags(&mut self, event: &Event) {
        if let Event::FlagRaised(e) = event {
            let of = (e.record.rule, e.record.about.clone());
            self.flags.insert(e.flag, of);
        }
        if let Event::FlagCleared(e) = event
            && let Some(of) = self.flags.remove(&e.flag)
        {
            self.open.remove(&of);
        }
    }

    fn raise(
        &mut self,
        now: Now,
        rule: FraudRule,
        year: Option<PlanYear>,
        about: About,
        mut evidence: Vec<LogPlace>,
    ) -> Option<Raised> {
        let rules = match year {
            Some(year) => self.policies.rules(year, now.at),
            None => self.policies.rules_now(now.at),
        }?;
        let severity = *rules.fraud.get(&rule)?;
        if !self.open.insert((rule, about.clone())) {
            return None;
        }
        evidence.push(now.place);
        evidence.sort_unstable();
        evidence.dedup();
        let first = evidence.len().saturating_sub(MOST_EVIDENCE);
        Some(Raised {
            rule,
            severity,
            about,
            evidence: evidence.split_off(first),
            at: now.at,
        })
    }
}
