//! `hefu bench --grow`: one database is filled to one size after another, and the same calls are measured at each. What costs the same
//! at every size keeps its throughput.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hefu_store::{ListQuery, OpenOptions, Scope, Shown, Store, Table};
use hefu_wire::v1;

use super::bed::Bed;
use super::fill::{DAY, DAY_NUMBERS};
use super::kept::Kept;
use super::pgbench::Pgbench;
use super::place::{Engine, Place, Postgres};
use super::progress::Progress;
use super::report::thousands;
use super::server::{self, Server};
use super::stock::{self, Stock};
use super::wire::{Call, Wire};
use super::{Outcome, Plan, Told};

/// More numbers than a region's desk takes while a size is measured.
const MEASURING_NUMBERS: u64 = 1_000_000;

/// Numbers of vouchers, the smallest first: `100k,1M` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sizes(Vec<u64>);

impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Sizes, String> {
        let sizes: Option<Vec<u64>> = text.split(',').map(size).collect();
        let mut sizes = sizes.ok_or("numbers of vouchers such as 100k,1M,5M are wanted")?;
        sizes.sort_unstable();
        sizes.dedup();
        Ok(Sizes(sizes))
    }
}

fn size(text: &str) -> Option<u64> {
    let (digits, unit) = match text.trim() {
        text if text.ends_with(['k', 'K']) => (&text[..text.len() - 1], 1_000),
        text if text.ends_with('M') => (&text[..text.len() - 1], 1_000_000),
        text => (text, 1),
    };
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(unit).filter(|size| *size > 0)
}

/// What all sizes of all engines have in common.
pub(super) struct Growth<'a> {
    pub(super) sizes: &'a Sizes,
    pub(super) keep: Option<&'a PathBuf>,
    pub(super) plan: &'a Plan,
    pub(super) rounds: u16,
    pub(super) postgres: Option<&'a Postgres>,
    pub(super) yardstick: Option<&'a Pgbench>,
    pub(super) progress: &'a Progress,
}

impl Growth<'_> {
    /// Fills and measures, an engine after the other.
    pub(super) async fn run(&self, engines: Vec<Engine>) -> anyhow::Result<Outcome> {
        let mut outcome = Outcome::default();
        for engine in engines {
            let mut kept = match self.keep {
                Some(folder) => Kept::read(&folder.join(engine.name()))?,
                None => Kept::nothing(),
            };
            let mut bed = self.open(engine, &mut kept).await?;
            for size in &self.sizes.0 {
                if kept.memory.measured.contains_key(size) {
                    self.progress.say(&format!(
                        "{}: {} vouchers were measured before",
                        engine.name(),
                        thousands(*size)
                    ));
                    continue;
                }
                bed.grow_to(*size, &mut kept, self.progress).await?;
                self.measure(&mut bed, *size, &mut kept, &mut outcome.pgbench)
                    .await?;
            }
            bed.server.stop()?;
            bed.place.remove(bed.postgres.as_ref()).await?;
            outcome.told.extend(self.told(engine, &kept));
        }
        Ok(outcome)
    }

    async fn open(&self, engine: Engine, kept: &mut Kept) -> anyhow::Result<Bed> {
        let what = format!("{}: starting on what there is", engine.name());
        self.progress.begin(&what);
        let place = match self.keep {
            Some(folder) => {
                let folder = std::path::absolute(folder.join(engine.name()))?;
                Place::kept(engine, &folder, self.postgres, &kept.memory.database).await?
            }
            None => Place::new(engine, self.postgres).await?,
        };
        let opened = !kept.memory.next.is_empty();
        // Of the last day that may have been used some hours may be gone.
        let day = if opened { kept.memory.day + 1 } else { 0 };
        let server = Server::start(
            place.folder(),
            server::FIRST,
            &place.url,
            stock::afternoon(day)?,
            None,
        )?;
        let stock = if opened {
            let sample = kept.memory.sample.clone();
            Stock::again(&server, day, &kept.memory.next, sample).await?
        } else {
            Stock::open(&server).await?
        };
        kept.settle(&stock)?;
        Bed::with(place, server, stock, self.postgres, self.progress)
    }

    /// Measures as the rounds of a bench do, and what may grow besides. A fresh process serves.
    async fn measure(
        &self,
        bed: &mut Bed,
        size: u64,
        kept: &mut Kept,
        pgbench: &mut Vec<f64>,
    ) -> anyhow::Result<()> {
        kept.reserve(&bed.stock, 3 + i64::from(self.rounds), MEASURING_NUMBERS)?;
        bed.note_sizes().await?;
        bed.restart().await?;
        for round in 1..=self.rounds {
            let round = format!(
                "{} vouchers, round {round} of {}",
                thousands(size),
                self.rounds
            );
            let tps = match self.yardstick {
                Some(yardstick) => {
                    bed.rest(&round).await?;
                    self.progress.begin(&format!("{round}: pgbench"));
                    Some(yardstick.tps(self.plan.time).await?)
                }
                None => None,
            };
            pgbench.extend(tps);
            bed.round(self.plan, &round, tps).await?;
            bed.lists(self.plan, &round).await?;
        }
        if let Some(mb) = bed.server.peak_rss_mb()? {
            bed.figures.note("peak_rss_mb", mb);
        }
        let held = bed.held().await?;
        bed.figures.note("vouchers_after", held as f64);
        let figures = std::mem::take(&mut bed.figures);
        kept.memory.measured.insert(size, figures);
        kept.settle(&bed.stock)
    }

    /// What was measured at each size, in relation to the smallest.
    fn told(&self, engine: Engine, kept: &Kept) -> Vec<Told> {
        let measured = self.sizes.0.iter().filter_map(|size| {
            let figures = kept.memory.measured.get(size)?;
            Some((*size, figures.clone()))
        });
        let mut told: Vec<Told> = measured
            .map(|(size, figures)| Told {
                engine,
                vouchers: Some(size),
                figures,
            })
            .collect();
        if let Some((smallest, larger)) = told.split_first_mut() {
            for one in larger {
                one.figures.compare(&smallest.figures);
            }
        }
        told
    }
}

impl Bed {
    /// Fills the database until it holds so many vouchers.
    async fn grow_to(
        &mut self,
        size: u64,
        kept: &mut Kept,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        let before = self.held().await?;
        let (mut held, began) = (before, Instant::now());
        let engine = self.engine().name();
        progress.begin(&filling(engine, (held, size), 0.0));
        progress.bar.set_length(2 * size.saturating_sub(before));
        while held < size {
            kept.reserve(&self.stock, 1, DAY_NUMBERS)?;
            let next = (size - held).min(DAY);
            held += self
                .stock
                .fill(&mut self.server, next, &progress.bar)
                .await?;
            kept.settle(&self.stock)?;
            let rate = (held - before) as f64 / began.elapsed().as_secs_f64();
            let said = filling(engine, (held, size), rate);
            progress.bar.set_message(said.clone());
            if !progress.terminal {
                progress.say(&said);
            }
        }
        if held > before {
            let rate = (held - before) as f64 / began.elapsed().as_secs_f64();
            self.figures.note("filled_per_second", rate);
            if progress.terminal {
                progress.say(&filling(engine, (held, size), rate));
            }
        }
        self.figures.note("filled", (held - before) as f64);
        Ok(())
    }

    /// A reader of the database beside the server.
    pub(super) async fn store(&self) -> anyhow::Result<Store> {
        let store = Store::open(&self.place.url, OpenOptions::reading()).await;
        store.with_context(|| format!("cannot look into the {} database", self.engine().name()))
    }

    /// How many vouchers the database holds, in whatever state.
    async fn held(&self) -> anyhow::Result<u64> {
        self.count(Scope::Under(vec![String::new()])).await
    }

    pub(super) async fn held_in(&self, region: &str) -> anyhow::Result<u64> {
        self.count(Scope::Region(region.to_owned())).await
    }

    async fn count(&self, scope: Scope) -> anyhow::Result<u64> {
        let store = self.store().await?;
        let query = ListQuery {
            table: Table::Voucher,
            scope,
            equals: Vec::new(),
            due_before: None,
            shown: Shown::All,
            after: None,
            limit: 0,
        };
        let count = store.count(&query).await;
        store.close().await;
        Ok(count?)
    }

    /// What the database takes on the disk, whole and by voucher and event.
    async fn note_sizes(&mut self) -> anyhow::Result<()> {
        let store = self.store().await?;
        let heads = store.all_heads().await;
        store.close().await;
        let events: u64 = heads?.iter().map(|head| head.size).sum();
        let vouchers = self.held().await?;
        let bytes = self.place.bytes(self.postgres.as_ref()).await?;
        let keys = self.place.keys_bytes();
        let figures = &mut self.figures;
        figures.note("vouchers_before", vouchers as f64);
        figures.note("log_events", events as f64);
        figures.note("database_bytes", bytes as f64);
        figures.note("keys_bytes", keys as f64);
        figures.note("bytes_per_voucher", bytes as f64 / vouchers.max(1) as f64);
        figures.note("bytes_per_event", bytes as f64 / events.max(1) as f64);
        if let Some(mb) = self.server.peak_rss_mb()? {
            figures.note("peak_rss_filling_mb", mb);
        }
        Ok(())
    }

    /// Ends the server and starts another, and notes how long that takes from its start to its first write's acknowledgement.
    async fn restart(&mut self) -> anyhow::Result<()> {
        self.server.stop()?;
        self.stock.day += 1;
        let at = stock::afternoon(self.stock.day)?;
        let began = Instant::now();
        self.server = Server::start(
            self.place.folder(),
            server::FIRST,
            &self.place.url,
            at,
            None,
        )?;
        let serves = began.elapsed();
        let written = self.first_write().await?;
        self.figures.note("serves_after_s", serves.as_secs_f64());
        self.figures
            .note("first_write_after_s", (serves + written).as_secs_f64());
        self.stock.turn_to(&self.server).await?;
        self.find_counters()
    }

    /// Registers somebody.
    async fn first_write(&self) -> anyhow::Result<Duration> {
        let Some(desk) = self.stock.desks().next() else {
            bail!("there is no region");
        };
        let began = Instant::now();
        let address = &self.server.address;
        let call = Call::new(address, "PeopleService/RegisterPerson", desk.clerk())?;
        let wire = Wire::connect(address, 1).await?;
        let answer: Result<v1::RegisterPersonResponse, _> =
            wire.ask(&call, &desk.registration()).await;
        answer.context("the first write")?;
        Ok(began.elapsed())
    }
}

/// How far filling is, how fast it goes and how long it will take.
fn filling(engine: &str, (held, size): (u64, u64), rate: f64) -> String {
    let of = format!(
        "{engine}: {} of {} vouchers",
        thousands(held),
        thousands(size)
    );
    if rate <= 0.0 {
        return of;
    }
    let left = size.saturating_sub(held) as f64 / rate;
    let left = match left {
        left if left < 1.0 => String::new(),
        left if left < 120.0 => format!(", {left:.0} s left"),
        left => format!(", {:.0} min left", left / 60.0),
    };
    format!("{of}, {rate:.0} a second{left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let sizes = |text: &str| text.parse::<Sizes>().map(|sizes| sizes.0);
        assert_eq!(
            sizes("1M,100k, 250 ,100K"),
            Ok(vec![250, 100_000, 1_000_000])
        );
        for wrong in ["", "0", "1.5M", "k", "1m,"] {
            assert!(sizes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_left_is_told_in_words() {
        assert_eq!(
            filling("sqlite", (1_000, 61_000), 100.0),
            "sqlite: 1,000 of 61,000 vouchers, 100 a second, 10 min left"
        );
        assert_eq!(
            filling("sqlite", (0, 200), 0.0),
            "sqlite: 0 of 200 vouchers"
        );
    }
}
