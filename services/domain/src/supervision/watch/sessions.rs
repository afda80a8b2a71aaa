//! Pass rates held against those of the same occupation and level.

use foldhash::HashMap;
use serde::{Deserialize, Serialize};

use super::{Now, Policies, Seen};
use crate::event::{AssessmentResult, Event};
use crate::ids::*;
use crate::policy::FraudRule;
use crate::state::{About, LogPlace};

/// So many passed of so many who came.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Tally {
    passed: u32,
    assessed: u32,
}

impl Tally {
    /// Whether two rates lie more than so many points apart, compared as whole numbers.
    fn is_apart_from(self, other: Tally, points: u16) -> bool {
        let own = u64::from(self.passed) * u64::from(other.assessed);
        let others = u64::from(other.passed) * u64::from(self.assessed);
        let all = u64::from(self.assessed) * u64::from(other.assessed);
        own.abs_diff(others) * 100 > all * u64::from(points)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sitting {
    trade: (PlanYear, Occupation, SkillLevel),
    filed: LogPlace,
    tally: Tally,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Sessions {
    /// Sessions that are not finished.
    sittings: HashMap<SessionId, Sitting>,
    /// The finished ones of each occupation and level together.
    peers: HashMap<(PlanYear, Occupation, SkillLevel), Tally>,
}

impl Sessions {
    pub(super) fn see(&mut self, policies: &Policies, now: Now, event: &Event, seen: &mut Seen) {
        if let Event::SessionFiled(e) = event {
            let filing = &e.filing;
            let sitting = Sitting {
                trade: (filing.year, filing.occupation.clone(), filing.level),
                filed: now.place,
                tally: Tally::default(),
            };
            self.sittings.insert(e.session, sitting);
        }
        if let Event::Assessed(e) = event
            && let Some(sitting) = self.sittings.get_mut(&e.session)
        {
            let came = e.result != AssessmentResult::Absent;
            let passed = e.result == AssessmentResult::Pass;
            sitting.tally.assessed += u32::from(came);
            sitting.tally.passed += u32::from(passed);
        }
        if let Event::SessionCancelled(e) = event {
            self.sittings.remove(&e.session);
        }
        if let Event::SessionFinished(e) = event {
            self.finish(policies, now, e.session, seen);
        }
    }

    /// What belongs to a plan year before that one is over for good.
    pub(super) fn forget_before(&mut self, year: PlanYear) {
        self.sittings.retain(|_, sitting| sitting.trade.0 >= year);
        self.peers.retain(|(of, _, _), _| *of >= year);
    }

    fn finish(&mut self, policies: &Policies, now: Now, id: SessionId, seen: &mut Seen) {
        let Some(sitting) = self.sittings.remove(&id) else {
            return;
        };
        let (year, own) = (sitting.trade.0, sitting.tally);
        let peers = self.peers.entry(sitting.trade).or_default();
        if let Some(rules) = policies.rules(year, now.at) {
            let limits = &rules.limits;
            let enough =
                own.assessed >= limits.pass_assessed && peers.assessed >= limits.pass_peers;
            if enough && own.is_apart_from(*peers, limits.pass_gap) {
                let about = About::Session(id);
                seen.add(FraudRule::PassRate, year, about, vec![sitting.filed]);
            }
        }
        peers.passed += own.passed;
        peers.assessed += own.assessed;
    }
}
