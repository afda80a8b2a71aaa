//! A bucket of tokens that fills again by time. Whoever finds one token in it may take more than there are, and waits the longer for the
//! next: so a batch larger than the bucket goes through, and still costs what it costs.

use std::time::Duration;

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    per_token: Duration,
    burst: u32,
}

impl Rate {
    /// So many tokens a while. Both counts are at least 1.
    pub(super) fn new(tokens: u64, during: Duration, burst: u64) -> Rate {
        let tokens = u32::try_from(tokens).unwrap_or(u32::MAX).max(1);
        Rate {
            per_token: (during / tokens).max(Duration::from_nanos(1)),
            burst: u32::try_from(burst).unwrap_or(u32::MAX).max(1),
        }
    }
}

/// A bucket, by when it will be full.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bucket {
    full_at: Duration,
    /// It was empty when somebody asked last.
    ran_dry: bool,
}

/// How an empty bucket says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dry {
    /// Until there is a token.
    pub(super) wait: Duration,
    /// Nobody was told so since it last had one.
    pub(super) first: bool,
}

impl Bucket {
    /// Whether there is a token, at an instant since some beginning.
    pub(super) fn look(&mut self, rate: Rate, now: Duration) -> Result<(), Dry> {
        let missing = self.full_at.saturating_sub(now);
        let wait = missing.saturating_sub(rate.per_token * (rate.burst - 1));
        let first = !std::mem::replace(&mut self.ran_dry, !wait.is_zero());
        match wait.is_zero() {
            true => Ok(()),
            false => Err(Dry { wait, first }),
        }
    }

    /// Takes so many, whether they are there or not.
    pub(super) fn charge(&mut self, rate: Rate, now: Duration, tokens: usize) {
        let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
        let filling = rate.per_token.saturating_mul(tokens);
        self.full_at = self.full_at.max(now).saturating_add(filling);
    }

    /// Takes so many, if there is one.
    pub(super) fn take(&mut self, rate: Rate, now: Duration, tokens: usize) -> Result<(), Dry> {
        self.look(rate, now)?;
        self.charge(rate, now, tokens);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_goes_through_and_then_one_token_at_a_time() {
        let rate = Rate::new(10, SECOND, 3);
        let mut bucket = Bucket::default();
        let tenth = SECOND / 10;
        for _ in 0..3 {
            bucket.take(rate, SECOND, 1).unwrap();
        }
        let dry = bucket.take(rate, SECOND, 1).unwrap_err();
        assert_eq!((dry.wait, dry.first), (tenth, true));
        let again = bucket.take(rate, SECOND + tenth / 2, 1).unwrap_err();
        assert_eq!((again.wait, again.first), (tenth / 2, false));
        bucket.take(rate, SECOND + tenth, 1).unwrap();
        assert!(bucket.take(rate, SECOND + tenth, 1).unwrap_err().first);
        // It does not fill beyond its size, however long it stands.
        for _ in 0..3 {
            bucket.take(rate, 100 * SECOND, 1).unwrap();
        }
        bucket.take(rate, 100 * SECOND, 1).unwrap_err();
    }

    #[test]
    fn a_batch_larger_than_the_bucket_goes_through_and_is_paid_for() {
        let rate = Rate::new(10, SECOND, 5);
        let mut bucket = Bucket::default();
        bucket.take(rate, SECOND, 100).unwrap();
        // 95 are owed, and there must be one.
        assert_eq!(
            bucket.look(rate, SECOND).unwrap_err().wait,
            SECOND * 96 / 10
        );
        bucket.look(rate, SECOND + SECOND * 96 / 10).unwrap();
    }

    #[test]
    fn no_count_overflows() {
        let rate = Rate::new(1, SECOND * 86_400, u64::MAX);
        let mut bucket = Bucket::default();
        bucket.charge(rate, SECOND, usize::MAX);
        bucket.charge(rate, SECOND, usize::MAX);
        let _ = bucket.look(rate, SECOND);
    }
}
