//! Some of all the vouchers that were made, the old as likely as the new: what is read back must not be only what was written last.

use hefu_scenario::{Trainee, made_up};
use serde::{Deserialize, Serialize};

/// So many are kept at the least, once there are as many.
const LEAST: usize = 20_000;

/// A voucher that is in the sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The region's number among the desks.
    pub(super) region: usize,
    /// `regions/…/vouchers/{uuid}`.
    pub(super) voucher: String,
    /// By which its holder was made up: what is personal is not kept, even of nobody.
    pub(super) holder: u64,
}

/// Every so many-th voucher, in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sample {
    every: u64,
    seen: u64,
    kept: Vec<Seen>,
}

impl Default for Sample {
    fn default() -> Sample {
        Sample {
            every: 1,
            seen: 0,
            kept: Vec::new(),
        }
    }
}

impl Sample {
    /// Takes notice of the next voucher. When there are too many, every second one goes.
    pub(super) fn see(&mut self, region: usize, trainee: &Trainee) {
        if self.seen.is_multiple_of(self.every) {
            self.kept.push(Seen {
                region,
                voucher: trainee.voucher.clone(),
                holder: trainee.number,
            });
        }
        self.seen += 1;
        if self.kept.len() >= 2 * LEAST {
            let mut even = false;
            self.kept.retain(|_| {
                even = !even;
                even
            });
            self.every *= 2;
        }
    }

    /// As many as there are, drawn at random: neighbours in time are none here.
    pub(super) fn mixed(&self) -> impl Iterator<Item = &Seen> {
        let count = self.kept.len() as u64;
        (0..count).map(move |n| &self.kept[made_up::pick(1, "read", n, count) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_stay_and_gaps_are_even() {
        let mut sample = Sample::default();
        for n in 0..100_000 {
            let voucher = format!("{n}");
            let trainee = Trainee {
                voucher,
                ..Trainee::default()
            };
            sample.see(0, &trainee);
        }
        let numbers: Vec<usize> = sample
            .kept
            .iter()
            .map(|seen| seen.voucher.parse().unwrap())
            .collect();
        assert_eq!((sample.every, numbers[0]), (4, 0));
        assert!(numbers.windows(2).all(|pair| pair[1] - pair[0] == 4));
        assert_eq!(numbers.len(), 25_000);
        assert_eq!(sample.mixed().count(), 25_000);
    }
}
