//! A course of load that rises to twice the capacity and falls again, and what its calls tell of the server. Pure.

use std::time::Duration;

use super::bed::OPEN_LOOP;

/// Calls are looked at together by the instants at which they were due.
const WINDOW: Duration = Duration::from_millis(100);
/// As before is who is so for so many windows.
const QUIET: usize = 5;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Accepted,
    /// RESOURCE_EXHAUSTED, and whether it was told when to come back.
    Refused {
        told_when: bool,
    },
}

/// A call: when it was due since the course began, and how long after that it was answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) due: Duration,
    pub(super) took: Duration,
    pub(super) how: How,
}

/// What is offered when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    capacity: f64,
    pub(super) before: Duration,
    pub(super) over: Duration,
    after: Duration,
}

/// What came of the part with too much.
pub(super) struct Overloaded {
    /// Calls a second.
    pub(super) offered: f64,
    /// Answered a second, whenever they were due.
    pub(super) goodput: f64,
    pub(super) refused: f64,
    /// How long the accepted took, the shortest first.
    took: Vec<Duration>,
}

impl Overloaded {
    /// A percentile of the accepted, in milliseconds.
    pub(super) fn millis(&self, quantile: f64) -> f64 {
        percentile(&self.took, quantile).as_secs_f64() * 1e3
    }
}

fn percentile(sorted: &[Duration], quantile: f64) -> Duration {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    let at = rank.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).copied().unwrap_or_default()
}

impl Course {
    pub(super) fn of(capacity: f64, before: Duration, over: Duration, after: Duration) -> Course {
        Course {
            capacity,
            before,
            over,
            after,
        }
    }

    /// Its parts: how long, and at how many calls a second.
    fn parts(&self) -> [(Duration, f64); 3] {
        let light = self.capacity * OPEN_LOOP;
        let twice = self.capacity * super::overload::TWICE;
        [
            (self.before, light),
            (self.over, twice),
            (self.after, light),
        ]
    }

    pub(super) fn whole(&self) -> Duration {
        self.before + self.over + self.after
    }

    /// All calls of it.
    pub(super) fn calls(&self) -> usize {
        let calls = self.parts().map(|(time, rate)| time.as_secs_f64() * rate);
        calls.iter().sum::<f64>() as usize
    }

    /// When the call of that number is due; not at all once the course is over.
    pub(super) fn due(&self, number: usize) -> Option<Duration> {
        let (mut left, mut from) = (number as f64, Duration::ZERO);
        for (time, rate) in self.parts() {
            let calls = time.as_secs_f64() * rate;
            if left < calls {
                return Some(from + Duration::from_secs_f64(left / rate));
            }
            left -= calls;
            from += time;
        }
        None
    }

    fn end(&self) -> Duration {
        self.before + self.over
    }

    pub(super) fn accepted(&self, seen: &[Seen]) -> usize {
        seen.iter().filter(|one| one.how == How::Accepted).count()
    }

    pub(super) fn refused(&self, seen: &[Seen]) -> usize {
        seen.len() - self.accepted(seen)
    }

    pub(super) fn not_told_when(&self, seen: &[Seen]) -> usize {
        let untold = How::Refused { told_when: false };
        seen.iter().filter(|one| one.how == untold).count()
    }

    /// What came of the part with too much.
    pub(super) fn overloaded(&self, seen: &[Seen]) -> Overloaded {
        let part = self.before..self.end();
        let seconds = self.over.as_secs_f64().max(f64::EPSILON);
        let due = || seen.iter().filter(|one| part.contains(&one.due));
        let accepted = |one: &&Seen| one.how == How::Accepted;
        let mut took: Vec<Duration> = due().filter(accepted).map(|one| one.took).collect();
        took.sort_unstable();
        let answered = |one: &&Seen| part.contains(&(one.due + one.took));
        let goodput = seen.iter().filter(accepted).filter(answered).count();
        Overloaded {
            offered: due().count() as f64 / seconds,
            goodput: goodput as f64 / seconds,
            refused: (due().count() - took.len()) as f64 / seconds,
            took,
        }
    }

    /// How long after the load fell the server was as before and stayed so: nobody refused, and p99 no higher than it was in any window
    /// before. As long as it was watched, where it never was.
    pub(super) fn recovery(&self, seen: &[Seen]) -> Duration {
        let (before, _) = windows(seen, Duration::ZERO, self.before);
        let highest = before.iter().map(|window| window.p99()).max();
        let highest = highest.unwrap_or_default();
        let (after, of) = windows(seen, self.end(), self.whole());
        let back = |window: &Window| window.refused == 0 && window.p99() <= highest;
        let all_back = |run: &[Window]| run.iter().all(back);
        let quiet = QUIET.min(after.len()).max(1);
        let first = after.windows(quiet).position(all_back);
        first.map_or(self.after, |first| {
            of * u32::try_from(first).unwrap_or(u32::MAX)
        })
    }
}

/// Calls that were due at about the same time.
#[derive(Default)]
struct Window {
    took: Vec<Duration>,
    refused: usize,
}

impl Window {
    fn p99(&self) -> Duration {
        let mut sorted = self.took.clone();
        sorted.sort_unstable();
        percentile(&sorted, 0.99)
    }
}

/// The windows of a part, in order, and how long one is.
fn windows(seen: &[Seen], from: Duration, to: Duration) -> (Vec<Window>, Duration) {
    let count = to.saturating_sub(from).div_duration_f64(WINDOW) as usize;
    let mut windows: Vec<Window> = (0..count).map(|_| Window::default()).collect();
    for one in seen.iter().filter(|one| one.due >= from) {
        let at = (one.due - from).div_duration_f64(WINDOW) as usize;
        let Some(window) = windows.get_mut(at) else {
            continue;
        };
        match one.how {
            How::Accepted => window.took.push(one.took),
            How::Refused { .. } => window.refused += 1,
        }
    }
    (windows, WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn course() -> Course {
        Course::of(1_000.0, SECOND, SECOND, 3 * SECOND)
    }

    /// Every call of the course, by how it ends from when it is due.
    fn all(ends: impl Fn(Duration) -> (u64, How)) -> Vec<Seen> {
        let dues = (0..).map_while(|number| course().due(number));
        let seen = dues.map(|due| {
            let (millis, how) = ends(due);
            let took = Duration::from_millis(millis);
            Seen { due, took, how }
        });
        seen.collect()
    }

    #[test]
    fn a_course_rises_to_twice_and_falls_again() {
        let calls = all(|_| (1, How::Accepted));
        assert_eq!(calls.len(), course().calls());
        assert_eq!(calls.len(), 700 + 2_000 + 2_100);
        let within = |from: u32, to: u32| {
            let part = from * SECOND..to * SECOND;
            calls.iter().filter(|one| part.contains(&one.due)).count()
        };
        assert_eq!(
            (within(0, 1), within(1, 2), within(2, 5)),
            (700, 2_000, 2_100)
        );
        assert!(calls.windows(2).all(|pair| pair[0].due < pair[1].due));
    }

    #[test]
    fn what_is_answered_and_refused_under_overload_is_told_by_the_second() {
        let half = std::cell::Cell::new(false);
        let seen = all(|due| {
            half.set(!half.get());
            match (1..2).contains(&due.as_secs()) {
                true if half.get() => (0, How::Refused { told_when: true }),
                true => (100, How::Accepted),
                false => (10, How::Accepted),
            }
        });
        let under = course().overloaded(&seen);
        assert_eq!((under.offered, under.refused), (2_000.0, 1_000.0));
        // What was due in its last tenth of a second was answered after it, and a little of before in it.
        assert!(
            (905.0..=909.0).contains(&under.goodput),
            "{}",
            under.goodput
        );
        assert_eq!((under.millis(0.5), under.millis(0.99)), (100.0, 100.0));
        assert_eq!(course().refused(&seen), 1_000);
        assert_eq!(course().not_told_when(&seen), 0);
        assert_eq!(course().accepted(&seen), 3_800);
        assert_eq!(course().recovery(&seen), Duration::ZERO);
    }

    #[test]
    fn as_before_is_nobody_refused_and_nobody_slower_and_stays_so() {
        let slow_until = |slow: u64, refused: u64| {
            all(|due| match due.as_millis() as u64 {
                ms if ms < 2_000 => (10, How::Accepted),
                ms if ms < refused => (0, How::Refused { told_when: false }),
                ms if ms < slow => (11, How::Accepted),
                _ => (10, How::Accepted),
            })
        };
        let recovery = |seen: Vec<Seen>| course().recovery(&seen).as_millis();
        assert_eq!(recovery(slow_until(2_000, 2_000)), 0);
        assert_eq!(recovery(slow_until(2_350, 2_000)), 400);
        assert_eq!(recovery(slow_until(2_000, 2_050)), 100);
        assert_eq!(recovery(slow_until(2_900, 2_100)), 900);
        assert_eq!(recovery(slow_until(5_000, 2_000)), 3_000, "never");
        assert_eq!(course().not_told_when(&slow_until(2_000, 3_000)), 700);
    }
}
