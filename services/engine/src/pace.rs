//! How fast moves are answered, and so how many may wait for how long. Pure: whoever asks brings the time, since some beginning.
//!
//! The invariant: a rate is learnt only while enough moves are there to keep the writers busy. An idle hour says nothing of what the
//! machine can do, so the rate that was seen last stands until the next load tells another.

use std::time::Duration;

/// So many moves keep writers busy: what is answered while fewer are there tells how often somebody asked.
const BUSY: usize = 64;
/// A sample is at least so long: shorter ones hold one batch or none.
const SAMPLE: Duration = Duration::from_millis(50);
/// What is older than this counts for little.
const MEMORY: Duration = Duration::from_millis(500);
/// The most that one sample counts for: a commit that hung for a second is no new speed of the machine.
const HEAVIEST: f64 = 0.5;
/// So many always fit, however slow the machine was lately: large batches are what makes a slow disk faster.
const LEAST: usize = 320;
/// How long those of batches may wait: a program's time. It lets some batches be under way at once, on which throughput depends.
const MANY: Duration = Duration::from_millis(500);
/// So many of those always fit.
const LEAST_OF_MANY: usize = 4_096;
/// So many fit before any rate is known.
const UNKNOWN: usize = 1_024;
/// When to come back before any rate is known.
const SOON: Duration = Duration::from_millis(200);
/// Nobody is told to come back later than this.
const LATEST: Duration = Duration::from_secs(5);

/// How fast moves are answered.
pub(crate) struct Pace {
    /// How long a move may wait.
    longest: Duration,
    /// Moves a second, once it was seen.
    rate: Option<f64>,
    /// Since when enough moves are there, or since the last sample.
    since: Option<Duration>,
    /// Moves answered since then.
    answered: usize,
    /// When something was answered last, or came in where nothing was.
    moved: Duration,
}

impl Pace {
    pub(crate) fn new(longest: Duration) -> Pace {
        Pace {
            longest,
            rate: None,
            since: None,
            answered: 0,
            moved: Duration::ZERO,
        }
    }

    /// How many moves may be there for the next one to be answered in time.
    pub(crate) fn bound(&self) -> usize {
        match self.rate {
            None => UNKNOWN,
            Some(rate) => LEAST.max((rate * self.longest.as_secs_f64()) as usize),
        }
    }

    /// How many moves of batches may be there for the next one to begin.
    pub(crate) fn many(&self) -> usize {
        let in_time = self
            .rate
            .map_or(0, |rate| (rate * MANY.as_secs_f64()) as usize);
        LEAST_OF_MANY.max(in_time)
    }

    /// Until so many are answered. Where nothing has moved for a while, it may take as long again.
    pub(crate) fn drained(&self, waiting: usize, now: Duration) -> Duration {
        let standing = match waiting {
            0 => Duration::ZERO,
            _ => now.saturating_sub(self.moved),
        };
        let draining = match self.rate {
            None => SOON,
            Some(rate) => {
                let seconds = waiting as f64 / rate.max(1.0);
                Duration::from_secs_f64(seconds.min(LATEST.as_secs_f64()))
            }
        };
        (draining + standing).min(LATEST)
    }

    /// Something came in; so many are there now, and so many were before.
    pub(crate) fn entered(&mut self, before: usize, waiting: usize, now: Duration) {
        if before == 0 {
            self.moved = now;
        }
        if waiting >= BUSY && self.since.is_none() {
            self.begin(now);
        }
    }

    /// So many were answered; so many are left.
    pub(crate) fn answered(&mut self, moves: usize, waiting: usize, now: Duration) {
        self.moved = now;
        let Some(since) = self.since else { return };
        self.answered += moves;
        let took = now.saturating_sub(since);
        if took >= SAMPLE {
            self.learn(self.answered as f64 / took.as_secs_f64(), took);
            self.begin(now);
        }
        if waiting < BUSY {
            self.since = None;
        }
    }

    fn begin(&mut self, now: Duration) {
        self.since = Some(now);
        self.answered = 0;
    }

    /// Takes a sample in, by how long it is.
    fn learn(&mut self, sample: f64, took: Duration) {
        let weight = 1.0 - (-took.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        let weight = weight.min(HEAVIEST);
        self.rate = Some(match self.rate {
            None => sample,
            Some(rate) => rate + (sample - rate) * weight,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_millis(200);
    const STEP: Duration = Duration::from_millis(10);

    /// A queue under a made-up clock: as many come in as fit, and so many a second are answered.
    struct Run {
        pace: Pace,
        now: Duration,
        waiting: usize,
    }

    impl Run {
        fn new() -> Run {
            Run {
                pace: Pace::new(LONGEST),
                now: Duration::ZERO,
                waiting: 0,
            }
        }

        fn offer(&mut self, moves: usize) {
            let room = self.pace.bound().saturating_sub(self.waiting);
            let before = self.waiting;
            self.waiting += moves.min(room);
            self.pace.entered(before, self.waiting, self.now);
        }

        fn answer(&mut self, moves: usize) {
            let moves = moves.min(self.waiting);
            self.waiting -= moves;
            self.pace.answered(moves, self.waiting, self.now);
        }

        /// More is offered than is answered, for so many steps of 10 ms.
        fn overload(&mut self, steps: u32, per_second: usize) {
            for _ in 0..steps {
                self.offer(10_000);
                self.now += STEP;
                self.answer(per_second / 100);
            }
        }

        /// The bound is what that rate makes, within a hundredth.
        fn stands_at(&self, per_second: usize) {
            let (bound, wanted) = (self.pace.bound(), per_second / 5);
            assert!(bound.abs_diff(wanted) <= wanted / 100, "{bound}, {wanted}");
        }
    }

    #[test]
    fn before_a_rate_is_known_a_bulk_call_and_some_more_fit() {
        let run = Run::new();
        assert_eq!(run.pace.bound(), UNKNOWN);
        assert_eq!(run.pace.drained(700, run.now), SOON);
    }

    #[test]
    fn the_bound_follows_the_rate_up_and_down() {
        let mut run = Run::new();
        run.overload(100, 5_000);
        run.stands_at(5_000);
        run.overload(500, 20_000);
        run.stands_at(20_000);
        run.overload(500, 4_000);
        run.stands_at(4_000);
        let drained = run.pace.drained(800, run.now).as_secs_f64();
        assert!((drained - 0.2).abs() < 0.01, "{drained}");
    }

    #[test]
    fn a_slow_machine_still_gathers_batches() {
        let mut run = Run::new();
        run.overload(500, 100);
        assert_eq!(run.pace.bound(), LEAST);
    }

    #[test]
    fn what_is_answered_while_few_ask_says_nothing_of_the_rate() {
        let mut run = Run::new();
        run.overload(300, 10_000);
        run.answer(run.waiting);
        for _ in 0..100_000 {
            run.offer(1);
            run.now += STEP;
            run.answer(1);
        }
        run.stands_at(10_000);
        // Nor does an hour in which nobody comes.
        run.now += Duration::from_secs(3_600);
        run.offer(100);
        run.now += STEP;
        run.answer(100);
        run.stands_at(10_000);
        assert_eq!(run.pace.drained(0, run.now), Duration::ZERO);
    }

    #[test]
    fn a_commit_that_hangs_lets_no_more_in_and_is_forgotten_soon() {
        let mut run = Run::new();
        run.overload(300, 10_000);
        let before = run.pace.bound();
        let quick = run.pace.drained(before, run.now);
        for _ in 0..100 {
            run.offer(10_000);
            run.now += STEP;
            assert!(run.waiting <= before);
        }
        // Whoever asks now is told that nothing moves.
        let slow = run.pace.drained(run.waiting, run.now);
        assert!(slow >= quick + Duration::from_millis(900), "{slow:?}");
        run.answer(512);
        let after = run.pace.bound();
        assert!((LEAST..before).contains(&after), "{after}");
        run.overload(200, 10_000);
        run.stands_at(10_000);
    }

    #[test]
    fn nobody_is_sent_away_for_longer_than_the_latest() {
        let mut run = Run::new();
        run.overload(300, 10);
        run.now += Duration::from_secs(1_000);
        assert_eq!(run.pace.drained(usize::MAX, run.now), LATEST);
    }
}
