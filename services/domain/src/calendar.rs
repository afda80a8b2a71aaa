//! Working days are data: the State Council's holiday arrangements, adopted by an event, so that a replay needs no file.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

/// One year's working-day calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// The calendar year.
    pub year: u16,
    /// The document that it comes from.
    pub source: String,
    /// Days off, weekdays and weekends alike.
    pub holidays: BTreeSet<Date>,
    /// Saturdays and Sundays that are worked.
    pub working_weekends: BTreeSet<Date>,
}

impl Calendar {
    /// Whether offices work on that day; `None` when it lies outside this calendar's year.
    pub fn is_working(&self, day: Date) -> Option<bool> {
        if i32::from(day.year()) != i32::from(self.year) {
            return None;
        }
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        Some(self.working_weekends.contains(&day) || (!weekend && !self.holidays.contains(&day)))
    }
}

/// The calendars in force in a region, at most one a year.
pub struct Calendars<'a>(pub Vec<&'a Calendar>);

impl Calendars<'_> {
    fn is_working(&self, day: Date) -> Option<bool> {
        self.0.iter().find_map(|calendar| calendar.is_working(day))
    }

    /// The day on which the `count`th working day after `from` falls; `None` when a calendar for it is missing.
    pub fn working_days_after(&self, from: Date, count: u16) -> Option<Date> {
        let mut day = from;
        let mut left = count;
        while left > 0 {
            day = day.tomorrow().ok()?;
            if self.is_working(day)? {
                left -= 1;
            }
        }
        Some(day)
    }

    /// How many working days lie strictly between two days; `None` when a calendar is missing.
    pub fn working_days_between(&self, from: Date, to: Date) -> Option<u16> {
        let mut count = 0;
        let mut day = from.tomorrow().ok()?;
        while day < to {
            if self.is_working(day)? {
                count += 1;
            }
            day = day.tomorrow().ok()?;
        }
        Some(count)
    }
}
