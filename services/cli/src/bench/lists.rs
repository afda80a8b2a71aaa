//! Reads that a large database could make slow: pages of lists at their beginning and half-way down, an institution's own lists, a person
//! by identity number, a voucher's whole history.

use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use hefu_wire::v1;

use super::Plan;
use super::bed::{Bed, CALLERS};
use super::load::{self, Job, Jobs};
use super::report::in_words;
use super::sample::Seen;
use super::stock::Shelf;
use super::wire::{self, Call, Wire};

/// Regions in which a list is walked half-way down.
const WALKED: usize = 3;
/// Vouchers of a page that is walked over.
const LONG_PAGE: u32 = 1_000;

/// A load's name, and its calls.
type Load = (&'static str, Vec<Job>);

impl Bed {
    /// Reads of every kind, each for so long.
    pub(super) async fn lists(&mut self, plan: &Plan, round: &str) -> anyhow::Result<()> {
        let round = &format!("{round}, {}", self.engine().name());
        for (load, jobs) in self.list_loads().await? {
            let wire = self.begin(round, load).await?;
            let measured = load::closed(&wire, &Jobs::again(jobs), CALLERS, plan.time).await;
            self.note(round, load, &measured.checked(&in_words(load))?);
        }
        Ok(())
    }

    async fn list_loads(&self) -> anyhow::Result<Vec<Load>> {
        let wire = Wire::connect(&self.server.address, 1).await?;
        let mut deep = Vec::new();
        for shelf in self.stock.shelves.iter().take(WALKED) {
            let token = self.half_way(&wire, shelf).await?;
            deep.push((shelf, token));
        }
        let address = self.server.address.as_str();
        let pages = |token: &str, state: &str, shelf: &Shelf| {
            list(address, shelf, shelf.desk.clerk(), token, state)
        };
        let each = |job: &dyn Fn(&Shelf) -> anyhow::Result<Job>| {
            let jobs = self.stock.shelves.iter().map(job);
            jobs.collect::<anyhow::Result<Vec<Job>>>()
        };
        let half_way = deep
            .iter()
            .map(|(shelf, token)| pages(token, "", shelf))
            .collect::<anyhow::Result<_>>()?;
        Ok(vec![
            ("list_first", each(&|shelf| pages("", "", shelf))?),
            ("list_half_way", half_way),
            ("list_applied", each(&|shelf| pages("", "applied", shelf))?),
            (
                "list_of_school",
                each(&|shelf| list(address, shelf, shelf.desk.school(), "", ""))?,
            ),
            ("classes_of_school", each(&|shelf| classes(address, shelf))?),
            ("sheets_of_school", each(&|shelf| sheets(address, shelf))?),
            ("find_person", self.sampled(address, find)?),
            ("history", self.sampled(address, history)?),
        ])
    }

    /// The token of the page in the middle of a region's vouchers.
    async fn half_way(&self, wire: &Wire, shelf: &Shelf) -> anyhow::Result<String> {
        let call = Call::new(
            &self.server.address,
            "ApplicationService/ListVouchers",
            shelf.desk.clerk(),
        )?;
        let half = self.held_in(shelf.desk.region()).await? / 2;
        let (mut passed, mut token) = (0, String::new());
        while passed < half {
            let request = v1::ListVouchersRequest {
                parent: shelf.desk.parent(),
                page_size: LONG_PAGE.min(u32::try_from(half - passed).unwrap_or(LONG_PAGE)),
                page_token: token,
                ..Default::default()
            };
            let page: v1::ListVouchersResponse = wire.ask(&call, &request).await?;
            passed += page.vouchers.len() as u64;
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        Ok(token)
    }

    /// A job for every voucher of the sample.
    fn sampled(
        &self,
        address: &str,
        frame: fn(&Shelf, &Seen) -> (&'static str, Bytes),
    ) -> anyhow::Result<Vec<Job>> {
        let mut calls: Vec<Option<Arc<Call>>> = vec![None; self.stock.shelves.len()];
        let mut jobs = Vec::new();
        for seen in self.stock.sample.mixed() {
            let shelf = self.stock.shelves.get(seen.region);
            let shelf = shelf.context("a sampled voucher is of no region")?;
            let (method, frame) = frame(shelf, seen);
            let call = match &calls[seen.region] {
                Some(call) => call.clone(),
                None => {
                    let call = Arc::new(Call::new(address, method, shelf.desk.clerk())?);
                    calls[seen.region] = Some(call.clone());
                    call
                }
            };
            jobs.push(Job {
                call,
                frame,
                ops: 1,
            });
        }
        Ok(jobs)
    }
}

fn find(shelf: &Shelf, seen: &Seen) -> (&'static str, Bytes) {
    let request = v1::FindPersonRequest {
        parent: shelf.desk.parent(),
        identity_number: shelf.desk.identity(seen.holder),
    };
    ("PeopleService/FindPerson", wire::framed(&request))
}

fn history(_: &Shelf, seen: &Seen) -> (&'static str, Bytes) {
    let request = v1::VoucherHistoryRequest {
        name: seen.voucher.clone(),
    };
    ("AuditService/VoucherHistory", wire::framed(&request))
}

/// A page of a region's vouchers in a state, or in any.
fn list(address: &str, shelf: &Shelf, key: &str, token: &str, state: &str) -> anyhow::Result<Job> {
    let request = v1::ListVouchersRequest {
        parent: shelf.desk.parent(),
        page_token: token.to_owned(),
        state: state.to_owned(),
        ..Default::default()
    };
    job(address, "ApplicationService/ListVouchers", key, &request)
}

fn classes(address: &str, shelf: &Shelf) -> anyhow::Result<Job> {
    let request = v1::ListClassesRequest {
        parent: shelf.desk.parent(),
        ..Default::default()
    };
    let key = shelf.desk.school();
    job(address, "TrainingService/ListClasses", key, &request)
}

/// What the school is owed and was paid: its statement.
fn sheets(address: &str, shelf: &Shelf) -> anyhow::Result<Job> {
    let request = v1::ListSheetsRequest {
        parent: shelf.desk.parent(),
        ..Default::default()
    };
    let key = shelf.desk.school();
    job(address, "RedemptionService/ListSheets", key, &request)
}

fn job(
    address: &str,
    method: &str,
    key: &str,
    request: &impl prost::Message,
) -> anyhow::Result<Job> {
    Ok(Job {
        call: Arc::new(Call::new(address, method, key)?),
        frame: wire::framed(request),
        ops: 1,
    })
}
