//! A database that things happen to while clients write to a city and one of its counties, and what must hold after each of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use hefu_engine::Clock;
use hefu_scenario::Client;
use hefu_tests::engines::Place;
use hefu_tests::office::Office;

use crate::log::Logs;
use crate::tables;
use crate::writers::{Asked, Work, Writer};

pub(crate) const CITY: &str = "140700";
pub(crate) const COUNTY: &str = "140725";

/// Who writes: most make single calls, some batches, some move money from the city to the county.
const STAFF: [Work; 9] = [
    Work::Single,
    Work::Single,
    Work::Single,
    Work::Single,
    Work::Single,
    Work::Batches,
    Work::Batches,
    Work::Allocations,
    Work::Allocations,
];
/// More than they can spend.
const MONEY_FEN: i64 = 1_000_000_000_000;

/// The writers, and what the logs said when last nobody wrote.
pub(crate) struct Field {
    operator: String,
    pub(crate) writers: Vec<Writer>,
    logs: Logs,
}

impl Field {
    /// Opens both regions' offices.
    pub(crate) async fn open(client: &Client, operator: &str) -> Field {
        let now = Clock::system().now();
        let staff = STAFF.len();
        let city = Office::open(client, operator, CITY, now, 0, MONEY_FEN).await;
        let county = Office::open(client, operator, COUNTY, now, staff, MONEY_FEN).await;
        let (city, county) = (Arc::new(city), Arc::new(county));
        let writers = STAFF.into_iter().enumerate();
        let writers = writers.map(|(number, work)| {
            let (city, county) = (city.clone(), county.clone());
            Writer::new(number, work, city, county)
        });
        Field {
            operator: operator.to_owned(),
            writers: writers.collect(),
            logs: Logs::read(client, operator).await,
        }
    }

    /// Nobody writes any more. What was acknowledged must be there before anything is sent again, for that would do it again; whatever
    /// is there besides was under way, and is there as a whole. Then everything is answered, and nothing is there that was not.
    pub(crate) async fn holds(&mut self, client: &Client, place: &Place) {
        self.logs.read_again(client, &self.operator).await;
        let open: BTreeSet<Asked> = self.writers.iter().flat_map(Writer::open).collect();
        let acknowledged = self.writers.iter().flat_map(|w| &w.acknowledged);
        self.logs.hold(acknowledged, &open);
        tables::are_what_the_logs_say(place).await;
        for writer in &mut self.writers {
            writer.settle(client).await;
        }
        self.logs.read_again(client, &self.operator).await;
        let acknowledged = self.writers.iter().flat_map(|w| &w.acknowledged);
        self.logs.agree_with(acknowledged);
    }

    /// Requests that were answered, by kind of work; there must be some of each.
    pub(crate) fn acknowledged(&self) -> usize {
        for work in [Work::Single, Work::Batches, Work::Allocations] {
            let mut theirs = self.writers.iter().filter(|w| w.work == work);
            assert!(
                theirs.any(|w| !w.acknowledged.is_empty()),
                "{work:?}: nothing was written, so nothing was tried"
            );
        }
        self.writers.iter().map(|w| w.acknowledged.len()).sum()
    }

    /// Requests that a kill left without an answer.
    pub(crate) fn unanswered(&self) -> u32 {
        self.writers.iter().map(|w| w.unanswered).sum()
    }

    /// Events of both logs.
    pub(crate) fn events(&self) -> usize {
        self.logs.size()
    }
}
