//! Instants are milliseconds since 1970 in UTC; days are civil days of the region's time zone, Asia/Shanghai.

use std::fmt;

pub use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

/// China has kept UTC+8 all year round since 1991, so the zone needs no table.
const OFFSET: Offset = jiff::tz::offset(8);

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Instant(pub i64);

impl Instant {
    /// The civil day in Asia/Shanghai.
    pub fn date(self) -> Date {
        OFFSET.to_datetime(self.timestamp()).date()
    }

    /// The hour of the day in Asia/Shanghai, 0 to 23.
    pub fn hour(self) -> i8 {
        OFFSET.to_datetime(self.timestamp()).hour()
    }

    /// The first moment of a civil day in Asia/Shanghai.
    pub fn start_of(date: Date) -> Instant {
        let at = TimeZone::fixed(OFFSET).to_timestamp(date.at(0, 0, 0, 0));
        Instant(at.map_or(i64::MAX, |t| t.as_millisecond()))
    }

    /// The first moment after a civil day: deadlines are exclusive.
    pub fn after(date: Date) -> Instant {
        Instant::start_of(date.tomorrow().unwrap_or(date))
    }

    /// This moment, so many hours later.
    pub fn plus_hours(self, hours: u32) -> Instant {
        Instant(self.0.saturating_add(i64::from(hours) * 3_600_000))
    }

    fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }
}

impl fmt::Display for Instant {
    /// `YYYY-MM-DDTHH:MM:SS.mmmZ`, the only form in which a time stands in an event.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = Offset::UTC.to_datetime(self.timestamp());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond()
        )
    }
}

impl std::str::FromStr for Instant {
    type Err = crate::BadCode;
    fn from_str(text: &str) -> Result<Self, crate::BadCode> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(|t| Instant(t.as_millisecond()))
            .filter(|instant| instant.to_string() == text)
            .ok_or_else(|| {
                crate::BadCode(format!(
                    "a time is YYYY-MM-DDTHH:MM:SS.mmmZ, not {text:.40}"
                ))
            })
    }
}

/// The day so many days later.
pub fn plus_days(date: Date, days: u16) -> Date {
    (0..days).fold(date, |d, _| d.tomorrow().unwrap_or(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_sixteen_hours_utc_of_the_day_before() {
        let start = Instant::start_of(jiff::civil::date(2023, 12, 1));
        assert_eq!(start.to_string(), "2023-11-30T16:00:00.000Z");
        assert_eq!(start.date(), jiff::civil::date(2023, 12, 1));
        assert_eq!(Instant(start.0 - 1).date(), jiff::civil::date(2023, 11, 30));
        assert_eq!(start.to_string().parse(), Ok(start));
    }
}
