//! Instants are milliseconds since 1970 in UTC; days are civil days of the region's time zone, Asia/Shanghai.

use std::fmt;

pub use jiff::civil::Date;
use jiff::civil::Time;
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
        read(text).ok_or_else(|| {
            crate::BadCode(format!(
                "a time is YYYY-MM-DDTHH:MM:SS.mmmZ, not {text:.40}"
            ))
        })
    }
}

/// Reads the one form in which a time stands in an event. A log has times by the million: nothing else is looked for.
fn read(text: &str) -> Option<Instant> {
    const FORM: &[u8; 24] = b"dddd-dd-ddTdd:dd:dd.dddZ";
    let text: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let formed = text.iter().zip(FORM).all(|(byte, form)| match form {
        b'd' => byte.is_ascii_digit(),
        mark => byte == mark,
    });
    if !formed {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to]
            .iter()
            .fold(0_i16, |n, digit| n * 10 + i16::from(digit - b'0'))
    };
    let two = |at| number(at, at + 2) as i8;
    let date = Date::new(number(0, 4), two(5), two(8)).ok()?;
    let time = Time::new(
        two(11),
        two(14),
        two(17),
        i32::from(number(20, 23)) * 1_000_000,
    );
    let at = Offset::UTC.to_timestamp(date.to_datetime(time.ok()?));
    Some(Instant(at.ok()?.as_millisecond()))
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

    #[test]
    fn a_time_has_one_spelling() {
        // Every field's first, last and leap values, in years on both sides of 1970.
        for days in [-719_528, -141_428, -1, 0, 11_016, 19_416, 19_782, 2_932_894] {
            for ms in [0, 1, 999, 59_999, 3_599_999, 86_399_999] {
                let at = Instant(days * 86_400_000 + ms);
                assert_eq!(at.to_string().parse(), Ok(at), "{at}");
            }
        }
        for bad in [
            "",
            "2023-12-01T00:00:00Z",
            "2023-12-01T00:00:00.00Z",
            "2023-12-01T00:00:00.0000Z",
            "2023-12-01T00:00:00.000",
            "2023-12-01t00:00:00.000Z",
            "2023-12-01 00:00:00.000Z",
            "2023-12-01T00:00:00,000Z",
            "2023-12-01T00:00:00.000z",
            "2023-02-29T00:00:00.000Z",
            "2023-00-01T00:00:00.000Z",
            "2023-12-32T00:00:00.000Z",
            "2023-12-01T24:00:00.000Z",
            "2023-12-01T00:60:00.000Z",
            "2016-12-31T23:59:60.000Z",
            "+002023-12-01T00:00:00.0",
            "2023-12-01T00:00:00.0é0Z",
            "9999-12-31T23:59:59.999Z",
        ] {
            assert!(bad.parse::<Instant>().is_err(), "{bad}");
        }
    }
}
