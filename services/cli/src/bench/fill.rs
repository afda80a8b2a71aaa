//! Filling a database with a year's vouchers, as far along as they are in a real one: whole batches, from the registration of their
//! people to the claims, with a day and a night for some ten thousand of them.

use hefu_scenario::{Group, Trainee};
use indicatif::ProgressBar;

use super::server::Server;
use super::stock::{SEATS, Stock, on};

/// People of a batch.
const BATCH: usize = 500;
/// Vouchers of a made-up day at the most. The year has some 200 days, and an afternoon's lessons are over after some hours.
pub(super) const DAY: u64 = 44_000;
/// More numbers than a region's desk takes on such a day.
pub(super) const DAY_NUMBERS: u64 = 100_000;
// At most nine requests for each voucher, three for its class, in eleven regions.
const _: () = assert!(DAY_NUMBERS > 12 * DAY / 11);
/// One of so many still waits for a decision.
const WAITING: usize = 50;
/// One of so many has a voucher and never uses it.
const UNUSED: usize = 25;
/// One of so many takes a seat and never comes.
const ABSENT: usize = 24;
/// One of so many has completed the class, and nobody claims it.
const UNCLAIMED: usize = 24;

/// A batch between the evening and the next afternoon.
struct Evening {
    groups: Vec<Group>,
    /// All who applied.
    people: Vec<Trainee>,
}

impl Stock {
    /// Fills in so many vouchers, or a few more. A night passes.
    pub(super) async fn fill(
        &mut self,
        server: &mut Server,
        vouchers: u64,
        bar: &ProgressBar,
    ) -> anyhow::Result<u64> {
        let tomorrow = on(self.day + 1)?;
        let batches = batches(vouchers, self.shelves.len());
        let made: usize = batches.iter().map(|(_, people)| people).sum();
        let evening = self
            .at_once(batches, bar, move |desk, client, people| async move {
                let applied = desk.applied(&client, people).await?;
                let mut issued = applied[people / WAITING..].to_vec();
                desk.issue_to(&client, &mut issued).await?;
                let taught = issued.split_off(people / UNUSED);
                let classes = taught.len().div_ceil(SEATS);
                let mut groups = desk
                    .classes(&client, tomorrow, classes, SEATS as u32)
                    .await?;
                for (group, seated) in groups.iter_mut().zip(taught.chunks(SEATS)) {
                    group.trainees = seated.to_vec();
                    group.absent = seated.len() / ABSENT;
                }
                let evening = Evening {
                    groups,
                    people: applied,
                };
                Ok((evening, people))
            })
            .await?;
        for (region, batch) in &evening {
            let people = batch.people.iter();
            people.for_each(|trainee| self.sample.see(*region, trainee));
        }
        self.night(server)?;
        self.at_once(evening, bar, |desk, client, batch| async move {
            desk.teach(&client, &batch.groups).await?;
            let claimed = batch.groups.iter().flat_map(|group| {
                let present = group.present();
                &present[present.len() / UNCLAIMED..]
            });
            desk.redeem(&client, claimed).await?;
            Ok(((), batch.people.len()))
        })
        .await?;
        Ok(made as u64)
    }
}

/// So many vouchers in batches, region after region and round again: a region's number and how many people.
fn batches(vouchers: u64, regions: usize) -> Vec<(usize, usize)> {
    let each = (vouchers as usize).div_ceil(regions);
    let mut batches = Vec::new();
    for begun in (0..each).step_by(BATCH) {
        let people = BATCH.min(each - begun);
        batches.extend((0..regions).map(|region| (region, people)));
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_what_is_asked_for_and_hardly_more() {
        for vouchers in [1, 10, 11, 200, 5_500, 44_000] {
            let made: u64 = batches(vouchers, 11)
                .iter()
                .map(|(_, people)| *people as u64)
                .sum();
            assert!((vouchers..vouchers + 11).contains(&made), "{vouchers}");
        }
        assert_eq!(batches(11_000, 11).len(), 22);
    }
}
