//! Vouchers that are ready to be redeemed, made through the API in batches: only as many as the next measurements will use.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use bytes::{BufMut as _, Bytes, BytesMut};
use hefu_domain::Policy;
use hefu_scenario::{Client, Desk, Group, Opening, PlayError};
use hefu_wire::v1;
use indicatif::ProgressBar;
use jiff::civil::{Date, date};
use prost::Message as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::load::Job;
use super::sample::{Sample, Seen};
use super::server::Server;
use super::wire::{self, Call};
use crate::policy::JINZHONG_2023;

/// The counties of the built-in tree; the city looks after them and teaches nobody here.
const REGIONS: [&str; 11] = [
    "140702", "140703", "140721", "140722", "140723", "140724", "140725", "140727", "140728",
    "140729", "140781",
];
/// Seats of a class, about as many as a real one has.
pub(super) const SEATS: usize = 50;
/// Classes that are prepared in one batch: 500 people.
const CLASSES: usize = 10;
/// Batches under way at once.
const BATCHES: usize = 8;
/// What people, keys and numbers are made from.
const SEED: u64 = 1;
const FIRST_DAY: Date = date(2023, 4, 19);
/// In the midst of an afternoon's lessons: who is enrolled now attends them, and who attends them completes a class of one afternoon.
const HOUR: i8 = 15;

/// An afternoon's instant, in milliseconds since 1970; days count from the first one.
pub(crate) fn afternoon(day: i64) -> anyhow::Result<i64> {
    let at = on(day)?.at(HOUR, 0, 0, 0);
    let at = jiff::tz::offset(8).to_timestamp(at)?;
    Ok(at.as_millisecond())
}

pub(super) fn on(day: i64) -> anyhow::Result<Date> {
    let date = FIRST_DAY.checked_add(jiff::Span::new().days(day))?;
    if date > jiff::civil::date(2023, 11, 30) {
        anyhow::bail!("the made-up year is over: take fewer --rounds, or grow a fresh database");
    }
    Ok(date)
}

/// A region's desk and what lies there.
pub(super) struct Shelf {
    pub(super) desk: Arc<Desk>,
    redeem: Arc<Call>,
    bulk: Arc<Call>,
    read: Arc<Call>,
    /// Redemptions, framed.
    ready: Vec<Bytes>,
}

/// What is ready.
pub(crate) struct Stock {
    client: Client,
    pub(super) shelves: Vec<Shelf>,
    pub(super) day: i64,
    /// Vouchers to be read, of all that were made.
    pub(super) sample: Sample,
}

/// The shipped rules, with classes of one afternoon that may be filed the day before: so all moves of a voucher up to its redemption can
/// be made within one day.
fn policy_json() -> anyhow::Result<String> {
    let mut policy = Policy::from_toml(JINZHONG_2023).context("the shipped policy")?;
    policy.classes.filed_working_days = 0;
    for rules in policy.programmes.values_mut() {
        rules.day_lessons = rules.day_lessons.min(4);
        rules.min_lessons = rules.min_lessons.min(4);
    }
    Ok(serde_json::to_string(&policy)?)
}

impl Stock {
    /// Opens the counties of a fresh server.
    pub(crate) async fn open(server: &Server) -> anyhow::Result<Stock> {
        let client = Client::connect(&server.address).await?;
        let opening = Arc::new(Opening {
            seed: SEED,
            operator: server.operator.clone(),
            policy_json: policy_json()?,
            calendars: crate::demo::calendars()?,
        });
        let mut opened = Vec::with_capacity(REGIONS.len());
        for region in REGIONS {
            let (client, opening) = (client.clone(), opening.clone());
            let desk = async move { Desk::open(&client, region, &opening).await };
            opened.push(tokio::spawn(desk));
        }
        let mut shelves = Vec::with_capacity(REGIONS.len());
        for desk in opened {
            shelves.push(Shelf::of(Arc::new(desk.await??), &server.address)?);
        }
        Ok(Stock {
            client,
            shelves,
            day: 0,
            sample: Sample::default(),
        })
    }

    /// The desks of counties that were opened before: on that day, with the numbers from which each goes on, and with what was
    /// sampled of their vouchers.
    pub(super) async fn again(
        server: &Server,
        day: i64,
        next: &BTreeMap<String, u64>,
        sample: Sample,
    ) -> anyhow::Result<Stock> {
        let shelf = |region: &str| {
            let next = next.get(region).copied();
            let next = next.with_context(|| format!("region {region} was never opened"))?;
            Shelf::of(Arc::new(Desk::again(SEED, region, next)), &server.address)
        };
        Ok(Stock {
            client: Client::connect(&server.address).await?,
            shelves: REGIONS.map(shelf).into_iter().collect::<Result<_, _>>()?,
            day,
            sample,
        })
    }

    /// Turns to another process of the server. What is ready stays so.
    pub(super) async fn turn_to(&mut self, server: &Server) -> anyhow::Result<()> {
        self.client = Client::connect(&server.address).await?;
        for shelf in &mut self.shelves {
            let ready = std::mem::take(&mut shelf.ready);
            *shelf = Shelf::of(shelf.desk.clone(), &server.address)?;
            shelf.ready = ready;
        }
        Ok(())
    }

    /// A night passes: it is the next day's afternoon.
    pub(super) fn night(&mut self, server: &mut Server) -> anyhow::Result<()> {
        self.day += 1;
        server.set_clock(afternoon(self.day)?)
    }

    /// The regions' desks.
    pub(crate) fn desks(&self) -> impl Iterator<Item = &Arc<Desk>> {
        self.shelves.iter().map(|shelf| &shelf.desk)
    }

    /// Makes sure that so many vouchers are ready, `many` spread over all regions and `one` more in the first; and that so many
    /// classes stand open today in each region. A night passes.
    pub(crate) async fn prepare(
        &mut self,
        server: &mut Server,
        (many, one): (usize, usize),
        classes: usize,
        bar: &ProgressBar,
    ) -> anyhow::Result<Vec<Vec<Group>>> {
        let each = many.div_ceil(self.shelves.len());
        let tomorrow = on(self.day + 1)?;
        let batches = self.batches(each, one);
        let people: usize = batches.iter().map(|(_, classes)| classes * SEATS).sum();
        bar.set_length(2 * people as u64);
        bar.set_position(0);
        let issued = self
            .at_once(batches, bar, move |desk, client, classes| async move {
                let mut groups = desk
                    .classes(&client, tomorrow, classes, SEATS as u32)
                    .await?;
                let mut people = desk.issued(&client, classes * SEATS).await?.into_iter();
                for group in &mut groups {
                    group.trainees = people.by_ref().take(SEATS).collect();
                }
                Ok((groups, classes * SEATS))
            })
            .await?;
        let mut open = Vec::with_capacity(self.shelves.len());
        for shelf in &self.shelves {
            let mut filed = Vec::with_capacity(classes);
            while filed.len() < classes {
                let next = (classes - filed.len()).min(500);
                let made = shelf
                    .desk
                    .classes(&self.client, tomorrow, next, SEATS as u32);
                filed.extend(made.await?);
            }
            open.push(filed);
        }
        self.night(server)?;
        let taught = self
            .at_once(issued, bar, |desk, client, groups: Vec<Group>| async move {
                desk.teach(&client, &groups).await?;
                let people = groups.len() * SEATS;
                Ok((groups, people))
            })
            .await?;
        for (region, groups) in taught {
            self.put(region, &groups);
        }
        Ok(open)
    }

    /// What is missing, in batches: a region and how many classes.
    fn batches(&self, each: usize, one: usize) -> Vec<(usize, usize)> {
        let mut missing: Vec<usize> = self
            .shelves
            .iter()
            .enumerate()
            .map(|(n, shelf)| {
                let wanted = each + if n == 0 { one } else { 0 };
                wanted.saturating_sub(shelf.ready.len()).div_ceil(SEATS)
            })
            .collect();
        let mut batches = Vec::new();
        // Region after region and round again, so that all of them are at work.
        while missing.iter().any(|classes| *classes > 0) {
            for (region, classes) in missing.iter_mut().enumerate() {
                let next = (*classes).min(CLASSES);
                if next > 0 {
                    batches.push((region, next));
                    *classes -= next;
                }
            }
        }
        batches
    }

    /// Does some batches at a time, each at its region's desk.
    pub(super) async fn at_once<T, A, F>(
        &self,
        batches: Vec<(usize, T)>,
        bar: &ProgressBar,
        work: impl Fn(Arc<Desk>, Client, T) -> F,
    ) -> anyhow::Result<Vec<(usize, A)>>
    where
        A: Send + 'static,
        F: Future<Output = Result<(A, usize), PlayError>> + Send + 'static,
    {
        let gate = Arc::new(Semaphore::new(BATCHES));
        let mut under_way = JoinSet::new();
        for (region, batch) in batches {
            let (gate, bar) = (gate.clone(), bar.clone());
            let work = work(
                self.shelves[region].desk.clone(),
                self.client.clone(),
                batch,
            );
            under_way.spawn(async move {
                let _turn = gate.acquire().await?;
                let (answer, people) = work.await?;
                bar.inc(people as u64);
                anyhow::Ok((region, answer))
            });
        }
        let mut done = Vec::with_capacity(under_way.len());
        while let Some(batch) = under_way.join_next().await {
            done.push(batch??);
        }
        Ok(done)
    }

    /// Puts a batch's vouchers on the shelf.
    fn put(&mut self, region: usize, groups: &[Group]) {
        let shelf = &mut self.shelves[region];
        for trainee in groups.iter().flat_map(|group| &group.trainees) {
            shelf
                .ready
                .push(wire::framed(&shelf.desk.redemption(trainee)));
            self.sample.see(region, trainee);
        }
    }

    /// Takes so many single redemptions, region by region in turn.
    pub(crate) fn take(&mut self, calls: usize) -> Vec<Job> {
        let mut taken = Vec::with_capacity(calls);
        while taken.len() < calls {
            let before = taken.len();
            for shelf in &mut self.shelves {
                taken.extend(shelf.take_one());
            }
            if taken.len() == before {
                break;
            }
        }
        taken
    }

    /// Puts back what was taken and not sent.
    pub(crate) fn put_back(&mut self, left: &[Job]) {
        for job in left {
            let mut shelves = self.shelves.iter_mut();
            let shelf = shelves.find(|shelf| Arc::ptr_eq(&shelf.redeem, &job.call));
            if let Some(shelf) = shelf {
                shelf.ready.push(job.frame.clone());
            }
        }
    }

    /// Takes so many from the first region.
    pub(crate) fn take_of_one(&mut self, calls: usize) -> Vec<Job> {
        let shelf = &mut self.shelves[0];
        (0..calls).map_while(|_| shelf.take_one()).collect()
    }

    /// Takes so many vouchers in batches of `size`, each of one region.
    pub(crate) fn take_bulk(&mut self, vouchers: usize, size: usize) -> Vec<Job> {
        let mut taken = Vec::new();
        let mut left = vouchers;
        while left > 0 {
            let before = taken.len();
            for shelf in &mut self.shelves {
                if left > 0 && shelf.ready.len() >= size {
                    let from = shelf.ready.len() - size;
                    let items: Vec<Bytes> = shelf.ready.drain(from..).collect();
                    left = left.saturating_sub(size);
                    taken.push(Job {
                        call: shelf.bulk.clone(),
                        frame: batch(&shelf.desk.parent(), &items),
                        ops: u32::try_from(size).unwrap_or(u32::MAX),
                    });
                }
            }
            if taken.len() == before {
                break;
            }
        }
        taken
    }

    /// Reads of vouchers, to be done round and round.
    pub(crate) fn reads(&self) -> Vec<Job> {
        let read = |seen: &Seen| Job {
            call: self.shelves[seen.region].read.clone(),
            frame: wire::framed(&v1::GetVoucherRequest {
                name: seen.voucher.clone(),
            }),
            ops: 1,
        };
        self.sample.mixed().map(read).collect()
    }
}

impl Shelf {
    fn of(desk: Arc<Desk>, address: &str) -> anyhow::Result<Shelf> {
        let call = |method: &str, key: &str| Call::new(address, method, key);
        Ok(Shelf {
            redeem: Arc::new(call("RedemptionService/Redeem", desk.school())?),
            bulk: Arc::new(call("RedemptionService/BatchRedeem", desk.school())?),
            read: Arc::new(call("ApplicationService/GetVoucher", desk.clerk())?),
            desk,
            ready: Vec::new(),
        })
    }

    fn take_one(&mut self) -> Option<Job> {
        self.ready.pop().map(|frame| Job {
            call: self.redeem.clone(),
            frame,
            ops: 1,
        })
    }
}

/// A batch of redemptions that were framed one by one. A repeated field is its items one after the other, each with tag and length.
fn batch(parent: &str, items: &[Bytes]) -> Bytes {
    let empty = v1::BatchRedeemRequest {
        parent: parent.to_owned(),
        mode: v1::Mode::Each.into(),
        ..Default::default()
    };
    let mut message = BytesMut::from(&empty.encode_to_vec()[..]);
    for item in items {
        let item = wire::body(item);
        prost::encoding::encode_key(4, prost::encoding::WireType::LengthDelimited, &mut message);
        prost::encoding::encode_varint(item.len() as u64, &mut message);
        message.put(item);
    }
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put(message);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_encoded_items_is_the_batch_of_the_items() {
        let item = |name: &str| v1::RedeemRequest {
            name: name.to_owned(),
            token: "t".repeat(300),
            ..Default::default()
        };
        let whole = v1::BatchRedeemRequest {
            parent: "regions/140725".to_owned(),
            mode: v1::Mode::Each.into(),
            request_id: String::new(),
            requests: vec![item("a"), item("b")],
        };
        let items = [wire::framed(&item("a")), wire::framed(&item("b"))];
        assert_eq!(batch("regions/140725", &items), wire::framed(&whole));
    }

    #[test]
    fn afternoons_are_a_day_apart() {
        assert_eq!(afternoon(0).unwrap(), 1_681_887_600_000);
        assert_eq!(afternoon(1).unwrap() - afternoon(0).unwrap(), 86_400_000);
        assert!(afternoon(300).is_err());
    }
}
