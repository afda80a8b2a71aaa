//! What was entered, kept small: a province enters ten million lines a year, and each is remembered until the next year but one.

use std::collections::BTreeMap;
use std::hash::Hash;

use foldhash::HashMap;
use serde::{Deserialize, Serialize};

use super::Short;
use crate::ids::{ClassId, PersonId, PlanYear, Resource};
use crate::state::{DayPart, LogPlace};
use crate::time::Date;

/// A session of a class that was entered, and where.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Sitting {
    pub(super) class: ClassId,
    pub(super) slot: u16,
    pub(super) place: LogPlace,
}

/// The classes' plan years. Each thing stands in one of them, that of the session in which it first was.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Years(BTreeMap<PlanYear, Year>);

/// One plan year. The numbers are those of its sittings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Year {
    sittings: Vec<Sitting>,
    evidence: HashMap<Short, u32>,
    /// Who or what was in use when.
    used: HashMap<(Resource, Date, DayPart), u32>,
    /// In which session a person was on a day.
    was: HashMap<(PersonId, Date), u32>,
}

/// The session that is being entered, held against all others.
pub(super) struct Others<'a> {
    years: &'a mut Years,
    year: PlanYear,
    sitting: Sitting,
}

impl Years {
    /// Remembers a session that is entered.
    pub(super) fn add(&mut self, year: PlanYear, sitting: Sitting) -> Others<'_> {
        self.0.entry(year).or_default().sittings.push(sitting);
        Others {
            years: self,
            year,
            sitting,
        }
    }

    pub(super) fn forget_before(&mut self, year: PlanYear) {
        self.0.retain(|of, _| *of >= year);
    }
}

impl Others<'_> {
    /// The session for which this evidence first stood.
    pub(super) fn evidence(&mut self, evidence: Short) -> Sitting {
        self.first(evidence, |year| &mut year.evidence)
    }

    /// The first session that had this trainer or room then.
    pub(super) fn used(&mut self, what: Resource, on: Date, part: DayPart) -> Sitting {
        self.first((what, on, part), |year| &mut year.used)
    }

    /// The first session of that day in which a person was.
    pub(super) fn was(&mut self, person: PersonId, on: Date) -> Sitting {
        self.first((person, on), |year| &mut year.was)
    }

    /// The session that first had a thing: this one, if none did before.
    fn first<T: Eq + Hash>(
        &mut self,
        what: T,
        of: fn(&mut Year) -> &mut HashMap<T, u32>,
    ) -> Sitting {
        for year in self.years.0.values_mut() {
            let number = of(year).get(&what).copied();
            let sitting = number.and_then(|number| year.sittings.get(number as usize));
            if let Some(sitting) = sitting {
                return *sitting;
            }
        }
        let year = self.years.0.entry(self.year).or_default();
        let last = year.sittings.len().saturating_sub(1);
        // A region does not enter four thousand million sessions a year.
        if let Ok(number) = u32::try_from(last) {
            of(year).insert(what, number);
        }
        self.sitting
    }
}
