//! The year: a calendar of instants, at each of which the regions do what is due. The clock moves only when nothing is in flight.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use hefu_wire::v1;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use crate::client::{Client, PlayError};
use crate::inspections::{CheckStep, ComplaintStep};
use crate::opening::{doubles, fund, open, second_instalment};
use crate::papers::Paper;
use crate::plan::SHARES;
use crate::region::Region;

/// The county whose first instalment is too small: 左权县.
pub(crate) const SHORT_OF_MONEY: usize = 4;

/// What the year is played with.
pub struct Script {
    /// Decides everything.
    pub seed: u64,
    /// Vouchers of the whole deployment, training and assessment, about.
    pub vouchers: u64,
    /// The operator's API key.
    pub operator: String,
    /// The city's policy for 2023, as JSON.
    pub policy_json: String,
    /// Working-day calendars.
    pub calendars: Vec<v1::Calendar>,
    /// One call after the other, so that every log, and so every root, is the same in every run.
    pub sequential: bool,
}

impl Script {
    /// A brand that the policy lists as this region's.
    pub(crate) fn brand_of(&self, region: &str) -> Option<String> {
        let policy: serde_json::Value = serde_json::from_str(&self.policy_json).ok()?;
        let brands = policy["brands"].as_object()?;
        let own = brands.iter().find(|(_, rules)| rules["region"] == region);
        own.map(|(brand, _)| brand.clone())
    }
}

/// Where the year stands, for a progress bar.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The simulated day.
    pub day: Date,
    /// Instants done.
    pub done: usize,
    /// Instants in all.
    pub of: usize,
}

/// What a played year yields.
#[derive(Debug, Clone)]
pub struct Year {
    /// Region codes.
    pub regions: Vec<String>,
    /// The papers that the city had made on their dates, in order.
    pub papers: Vec<v1::Report>,
}

/// One thing that is due in one region.
pub(crate) type Task = (usize, Step);

/// What is due.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Class(usize, ClassStep),
    Session(usize, SessionStep),
    Claim(usize, ClaimStep),
    Check(usize, CheckStep),
    Complaint(ComplaintStep),
    ClearFlags,
    Import,
    Paper(Paper),
    Expire(&'static str),
    Close,
}

/// Steps of a class.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ClassStep {
    Register,
    Apply,
    Issue,
    File,
    Fetch,
    Enrol,
    Slot(usize),
    Late(usize),
    Drop,
    Finish,
    Employment,
    Redeem,
}

/// Steps of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SessionStep {
    Apply,
    Issue,
    File,
    Assess,
    Confirm,
    Redeem,
}

/// Steps of a claim sheet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ClaimStep {
    Review,
    Approve,
    Object,
    Decide,
    Send,
    Answer,
    Again,
    WriteOff,
    ClawBack,
}

/// Milliseconds since 1970 of a wall time in Asia/Shanghai.
pub(crate) fn instant(day: Date, hour: i8, minute: i8) -> i64 {
    let zoned = TimeZone::fixed(jiff::tz::offset(8)).to_timestamp(day.at(hour, minute, 0, 0));
    zoned.map_or(0, |t| t.as_millisecond())
}

/// The day so many days off.
pub(crate) fn days(day: Date, off: i64) -> Date {
    day.checked_add(jiff::Span::new().days(off)).unwrap_or(day)
}

/// The day of an instant (milliseconds since 1970) in Asia/Shanghai.
pub fn day(at: i64) -> Date {
    jiff::Timestamp::from_millisecond(at)
        .map(|t| jiff::tz::offset(8).to_datetime(t).date())
        .unwrap_or_default()
}

/// The month of an instant (milliseconds since 1970) in Asia/Shanghai, counted from the year 0.
pub fn month(at: i64) -> i32 {
    let day = day(at);
    i32::from(day.year()) * 12 + i32::from(day.month())
}

/// Plays the year. `set_clock` moves the server's clock (milliseconds since 1970); it is called only when nothing is in flight, and
/// nothing goes on before it is done, so whatever the server does by itself (flags, checkpoints) has its place there.
///
/// # Errors
/// No server, or a move that the script needs was refused.
pub async fn play(
    client: &Client,
    script: &Script,
    set_clock: impl AsyncFn(i64),
    mut progress: impl FnMut(Progress),
) -> Result<Year, PlayError> {
    let mut regions: Vec<Region> = SHARES
        .iter()
        .map(|(code, share)| Region::new(script, code, *share))
        .collect();
    set_clock(instant(date(2023, 4, 19), 8, 30)).await;
    open(client, script, &regions).await?;
    fund(client, &regions).await?;
    let mut agenda: BTreeMap<i64, Vec<Task>> = BTreeMap::new();
    for (index, region) in regions.iter().enumerate() {
        region.agenda(index, &mut agenda);
    }
    let (mut done, mut doubled, mut topped_up) = (0, false, false);
    while let Some((at, tasks)) = agenda.pop_first() {
        set_clock(at).await;
        let mut due: Vec<Vec<Step>> = regions.iter().map(|_| Vec::new()).collect();
        for (region, step) in tasks {
            due[region].push(step);
        }
        let short = |index| index == SHORT_OF_MONEY && !topped_up;
        let work = regions.iter_mut().zip(due);
        let followed = if script.sequential {
            let mut followed = Vec::new();
            for (region, steps) in work {
                followed.push(region.perform(client, script, steps, true).await?);
            }
            followed
        } else {
            try_join_all(work.enumerate().map(|(index, (region, steps))| {
                region.perform(client, script, steps, short(index))
            }))
            .await?
        };
        for (index, more) in followed.into_iter().enumerate() {
            for (at, step) in more {
                agenda.entry(at).or_default().push((index, step));
            }
        }
        done += 1;
        let day = day(at);
        progress(Progress {
            day,
            done,
            of: done + agenda.len(),
        });
        if day >= date(2023, 5, 22) && !topped_up {
            topped_up = true;
            second_instalment(client, &regions).await?;
        }
        if day >= date(2023, 6, 1) && !doubled {
            doubled = true;
            doubles(client, script, &regions).await?;
        }
    }
    Ok(Year {
        regions: regions
            .iter()
            .map(|region| region.office.region.clone())
            .collect(),
        papers: regions.swap_remove(0).papers,
    })
}
