//! The worker that feeds the reports' figures: one over a state folder, and it never takes more than a part of the machine.

use std::time::{Duration, Instant as Stopwatch};

use hefu_store::Head;
use tokio::time::MissedTickBehavior;

use super::{ReadModel, ReportsError};
use crate::files::Duty;

/// How often the logs are looked at. A report does not wait for it: what is not written yet is counted when it is asked for.
const EVERY: Duration = Duration::from_secs(10);
/// After each page it rests so many times as long as that took: moves come first.
const REST: u32 = 3;

/// Feeds all regions, again and again, as long as that is this process's duty.
pub(crate) async fn keep_feeding(model: ReadModel, duty: Duty) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // A start has other things to do.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if duty.is_ours()
            && let Err(error) = round(&model).await
        {
            tracing::warn!(%error, "the reports' figures were not brought up to date; the next round tries again");
        }
    }
}

async fn round(model: &ReadModel) -> Result<(), ReportsError> {
    for Head { region, .. } in model.store.all_heads().await? {
        if let Err(error) = feed_region(model, &region).await {
            // The other regions' figures do not wait for this one.
            tracing::error!(region, %error, "the reports' figures of a region stand still");
        }
    }
    Ok(())
}

async fn feed_region(model: &ReadModel, region: &str) -> Result<(), ReportsError> {
    loop {
        let watch = Stopwatch::now();
        let fed = {
            let _alone = model.feeding.lock().await;
            model.feed(region).await?
        };
        if fed.behind.is_none() {
            return Ok(());
        }
        tokio::time::sleep(watch.elapsed() * REST).await;
    }
}
