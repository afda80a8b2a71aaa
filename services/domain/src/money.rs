//! Money is integer fen and days are whole; arithmetic that would leave the range is refused, never wrapped.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// An amount in fen (1 yuan = 100 fen).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Fen(pub i64);

impl Fen {
    /// No money.
    pub const ZERO: Fen = Fen(0);
    /// The largest amount that an event can carry exactly (below 2^53, DESIGN: integers only).
    pub const MAX: Fen = Fen((1 << 53) - 1);

    /// Whole yuan as fen.
    pub const fn yuan(yuan: i64) -> Fen {
        Fen(yuan * 100)
    }

    /// The sum, unless it leaves 0..=MAX.
    pub fn checked_add(self, other: Fen) -> Option<Fen> {
        self.0
            .checked_add(other.0)
            .map(Fen)
            .filter(|sum| (Fen::ZERO..=Fen::MAX).contains(sum))
    }

    /// The difference, unless it would be negative.
    pub fn checked_sub(self, other: Fen) -> Option<Fen> {
        self.0
            .checked_sub(other.0)
            .map(Fen)
            .filter(|rest| *rest >= Fen::ZERO)
    }

    /// The difference, or nothing.
    pub fn saturating_sub(self, other: Fen) -> Fen {
        self.checked_sub(other).unwrap_or(Fen::ZERO)
    }
}

impl fmt::Display for Fen {
    /// Yuan with two decimals, as officials write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(
            f,
            "{sign}{}.{:02}",
            self.0.unsigned_abs() / 100,
            self.0.unsigned_abs() % 100
        )
    }
}

impl Add for Fen {
    type Output = Fen;
    fn add(self, other: Fen) -> Fen {
        Fen(self.0.saturating_add(other.0))
    }
}

impl Sub for Fen {
    type Output = Fen;
    fn sub(self, other: Fen) -> Fen {
        Fen(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Fen {
    fn add_assign(&mut self, other: Fen) {
        *self = *self + other;
    }
}

impl SubAssign for Fen {
    fn sub_assign(&mut self, other: Fen) {
        *self = *self - other;
    }
}

impl Sum for Fen {
    fn sum<I: Iterator<Item = Fen>>(iter: I) -> Fen {
        iter.fold(Fen::ZERO, Add::add)
    }
}

/// A number of training days.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Days(pub u16);

impl Sub for Days {
    type Output = Days;
    fn sub(self, other: Days) -> Days {
        Days(self.0.saturating_sub(other.0))
    }
}

impl Add for Days {
    type Output = Days;
    fn add(self, other: Days) -> Days {
        Days(self.0.saturating_add(other.0))
    }
}

impl Mul<Fen> for Days {
    type Output = Fen;
    fn mul(self, rate: Fen) -> Fen {
        Fen(rate.0.saturating_mul(i64::from(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fen_prints_as_yuan_and_never_leaves_the_range() {
        assert_eq!(Fen(150_000).to_string(), "1500.00");
        assert_eq!(Fen(-5).to_string(), "-0.05");
        assert_eq!(Fen::MAX.checked_add(Fen(1)), None);
        assert_eq!(Fen(1).checked_sub(Fen(2)), None);
        assert_eq!(Days(3) * Fen::yuan(100), Fen(30_000));
    }
}
