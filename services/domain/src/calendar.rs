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

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Vec<Calendar> {
        [
            include_str!("../../../policy/calendar-2023.toml"),
            include_str!("../../../policy/calendar-2024.toml"),
            include_str!("../../../policy/calendar-2025.toml"),
            include_str!("../../../policy/calendar-2026.toml"),
        ]
        .map(|text| toml::from_str(text).unwrap())
        .into()
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn every_shipped_calendar_names_days_of_its_own_year_and_weekends_that_are_worked() {
        for calendar in shipped() {
            let named = calendar.holidays.iter().chain(&calendar.working_weekends);
            for day in named {
                assert_eq!(i32::from(day.year()), i32::from(calendar.year), "{day}");
            }
            for day in &calendar.working_weekends {
                let weekday = day.weekday();
                assert!(
                    matches!(weekday, Weekday::Saturday | Weekday::Sunday),
                    "{day}"
                );
                assert!(!calendar.holidays.contains(day), "{day}");
            }
        }
    }

    /// As the State Council's General Office published them; the numbers of working days are those of the calendars in print.
    #[test]
    fn the_years_have_the_working_days_that_were_announced() {
        let calendars = shipped();
        let days = |calendar: &Calendar| {
            let first = Date::new(calendar.year.try_into().unwrap(), 1, 1).unwrap();
            let all = std::iter::successors(Some(first), |day| day.tomorrow().ok());
            let year = all.take_while(|day| day.year() == first.year());
            year.filter(|day| calendar.is_working(*day) == Some(true))
                .count()
        };
        let counts: Vec<(u16, usize)> = calendars.iter().map(|c| (c.year, days(c))).collect();
        assert_eq!(counts, [(2023, 249), (2024, 251), (2025, 248), (2026, 248)]);
    }

    #[test]
    fn known_days_are_worked_or_not_across_the_years() {
        let calendars = shipped();
        let calendars = Calendars(calendars.iter().collect());
        for (text, works) in [
            ("2025-01-01", false),
            ("2025-01-26", true),
            ("2025-01-27", true),
            ("2025-01-28", false),
            ("2025-02-04", false),
            ("2025-02-08", true),
            ("2025-04-27", true),
            ("2025-05-05", false),
            ("2025-06-02", false),
            ("2025-10-08", false),
            ("2025-10-09", true),
            ("2025-10-11", true),
            ("2026-01-02", false),
            ("2026-01-04", true),
            ("2026-02-14", true),
            ("2026-02-23", false),
            ("2026-02-28", true),
            ("2026-05-09", true),
            ("2026-06-19", false),
            ("2026-09-20", true),
            ("2026-09-25", false),
            ("2026-10-10", true),
        ] {
            assert_eq!(calendars.is_working(day(text)), Some(works), "{text}");
        }
        let after = |from, count| calendars.working_days_after(day(from), count);
        // Over the turn of a year, and over Spring Festival.
        assert_eq!(after("2025-12-31", 1), Some(day("2026-01-04")));
        assert_eq!(after("2026-02-13", 2), Some(day("2026-02-24")));
        let between = calendars.working_days_between(day("2025-09-30"), day("2025-10-11"));
        assert_eq!(between, Some(2));
        assert_eq!(after("2026-12-31", 1), None, "no calendar is guessed");
    }
}
