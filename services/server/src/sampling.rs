//! What a sample is taken of, and what draws it: hints that a handler looks up before the rules decide. A plan's population is looked at anew
//! member by member, and `hefu audit` holds it, and the checkpoint that drew it, against the log.

use hefu_domain::command::Recheck;
use hefu_domain::event::LogTree;
use hefu_domain::state::{About, Fact, Frame, LogPlace};
use hefu_domain::{Act, Command, Date, Digest, Event, Key, Region, Rpc, SampleId, Stop, admitted};
use hefu_engine::rows;
use hefu_log::{Checkpoint, Note};
use hefu_store::{EventRow, ListQuery, Scope, Shown, StoreError, Table};
use tonic::Status;

use crate::api::Api;
use crate::errors;

/// Rows that are read at once.
const PAGE: u32 = 1_000;

impl Api {
    /// Looks up what a sample's command lacks, and which city is told of a closed finding; any other command is left as it is.
    pub(crate) async fn look_up(&self, command: &mut Command) -> Result<(), Status> {
        if let Act::Recheck(act) = &mut command.act {
            act.report_to = self.heard_by(&command.region, act).await?;
            return Ok(());
        }
        if !matches!(command.act, Act::PlanSample(_) | Act::DrawSample(_)) {
            return Ok(());
        }
        // Nothing is looked up for whoever may not ask; why, the rules say under the guard.
        let (rpc, by) = (Rpc::of(&command.act), &command.by);
        let may = |world: &hefu_domain::World, at| {
            admitted(world, rpc, by, at)?;
            Ok::<_, Stop>(())
        };
        let may = self.engine.inspect(&command.region, may).await;
        if may.map_err(errors::status)?.is_err() {
            return Ok(());
        }
        let region = command.region.clone();
        let looked_up = match &mut command.act {
            Act::PlanSample(act) => match self.population(&region, &act.frame).await {
                Ok(Some(members)) => {
                    act.members = members;
                    Ok(())
                }
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            },
            Act::DrawSample(act) => match self.covering(&region, act.sample).await {
                Ok(Some((planned, tree))) => {
                    (act.planned, act.tree) = (planned, tree);
                    Ok(())
                }
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            },
            _ => Ok(()),
        };
        looked_up.map_err(errors::store)
    }

    /// The city that heard of a finding which is closed now. What is told to whom stays as it was when the finding was recorded, and the rules
    /// hold it under the guard.
    async fn heard_by(&self, region: &Region, act: &Recheck) -> Result<Option<Region>, Status> {
        let city = |world: &hefu_domain::World, _| {
            let grave = act.due.is_none() && world.finding(&act.finding)?.grave;
            let parent = world.state_of_region()?.parent.clone();
            let parent = parent.filter(|city| city.contains(region));
            Ok::<_, Stop>(parent.filter(|_| grave))
        };
        let found = self.engine.inspect(region, city).await;
        // Why there is none, the rules say.
        Ok(found.map_err(errors::status)?.unwrap_or_default())
    }

    /// The things of which a sample is taken; none where the plan names them.
    async fn population(
        &self,
        region: &Region,
        frame: &Frame,
    ) -> Result<Option<Vec<About>>, StoreError> {
        Ok(Some(match frame {
            Frame::Classes { on } => self.taught_on(region, *on).await?,
            Frame::Sheets => {
                let mut sheets = Vec::new();
                self.each(region, Table::Sheet, "submitted", |key, _| {
                    if let Key::Sheet(id) = key {
                        sheets.push(About::Sheet(id));
                    }
                })
                .await?;
                sheets
            }
            Frame::Paid { epoch, from, until } => self.paid(region, *epoch, *from..*until).await?,
            Frame::Named => return Ok(None),
        }))
    }

    async fn taught_on(&self, region: &Region, on: Date) -> Result<Vec<About>, StoreError> {
        let mut classes = Vec::new();
        for state in ["approved", "running"] {
            self.each(region, Table::Class, state, |key, fact| {
                if let (Key::Class(id), Fact::Class(class)) = (key, fact)
                    && class.filing.timetable.iter().any(|slot| slot.date == on)
                {
                    classes.push(About::Class(id));
                }
            })
            .await?;
        }
        Ok(classes)
    }

    /// Every thing of a table that is in a state.
    async fn each(
        &self,
        region: &Region,
        table: Table,
        state: &str,
        mut see: impl FnMut(Key, Fact),
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let query = ListQuery {
                table,
                scope: Scope::Region(region.to_string()),
                equals: vec![("state", state.to_owned())],
                due_before: None,
                shown: Shown::All,
                after,
                limit: PAGE,
            };
            let page = self.engine.store().list(&query).await?;
            for row in &page {
                if let Some(key) = rows::key(row.table, &row.id) {
                    see(key, rows::fact(row)?);
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE as usize => {
                    after = Some((last.region.clone(), last.id.clone()));
                }
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// The vouchers whose payout was recorded in a stretch of the log, and still stands.
    async fn paid(
        &self,
        region: &Region,
        epoch: u64,
        span: std::ops::Range<u64>,
    ) -> Result<Vec<About>, StoreError> {
        let store = self.engine.store();
        let mut vouchers = Vec::new();
        let mut from = span.start;
        loop {
            let page = store.events(region.as_str(), epoch, from, PAGE).await?;
            let within = page.iter().filter(|row| row.idx < span.end);
            for row in within.filter(|row| row.kind == "PayoutRecorded") {
                vouchers.extend(self.paid_by(region, row).await?);
            }
            match page.last() {
                Some(last) if last.idx + 1 < span.end && page.len() == PAGE as usize => {
                    from = last.idx + 1;
                }
                Some(_) | None => return Ok(vouchers),
            }
        }
    }

    async fn paid_by(&self, region: &Region, row: &EventRow) -> Result<Vec<About>, StoreError> {
        let corrupt = || StoreError::Corrupt {
            table: "event",
            column: "bytes",
            key: format!("{region}/{}/{}", row.epoch, row.idx),
        };
        let Event::PayoutRecorded(paid) = hefu_engine::decode(row).map_err(|_| corrupt())? else {
            return Err(corrupt());
        };
        let sheet = Key::Sheet(paid.sheet);
        let vouchers = match self.facts(region, &[sheet]).await?.pop() {
            Some((_, Fact::Sheet(sheet))) => {
                let standing = sheet.standing().map(|line| Key::Voucher(line.voucher));
                standing.collect()
            }
            Some(_) | None => Vec::new(),
        };
        let standing = self.facts(region, &vouchers).await?.into_iter();
        Ok(standing.filter_map(still_paid).collect())
    }

    async fn facts(&self, region: &Region, keys: &[Key]) -> Result<Vec<(Key, Fact)>, StoreError> {
        let places: Vec<_> = keys
            .iter()
            .map(|key| rows::fact_key(region.as_str(), key))
            .collect();
        let rows = self.engine.store().load(&places).await?;
        let mut facts = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(key) = rows::key(row.table, &row.id) {
                facts.push((key, rows::fact(row)?));
            }
        }
        Ok(facts)
    }

    /// Where a sample's plan stands in the log, and the first published checkpoint that covers it.
    async fn covering(
        &self,
        region: &Region,
        sample: SampleId,
    ) -> Result<Option<(LogPlace, LogTree)>, StoreError> {
        let store = self.engine.store();
        let stream = rows::stream(&Key::Sample(sample));
        let events = store.events_of_stream(region.as_str(), &stream, None, 1);
        let Some(plan) = events.await?.into_iter().next() else {
            return Ok(None);
        };
        let after = plan.idx + 1;
        let checkpoints = store.checkpoints(region.as_str(), plan.epoch, after, 1);
        let Some(row) = checkpoints.await?.into_iter().next() else {
            return Ok(None);
        };
        let corrupt = || StoreError::Corrupt {
            table: "checkpoint",
            column: "note",
            key: format!("{region}/{}/{}", plan.epoch, row.size),
        };
        let note = Note::parse(&row.note).map_err(|_| corrupt())?;
        let checkpoint: Checkpoint = note.text().parse().map_err(|_| corrupt())?;
        let planned = LogPlace {
            epoch: plan.epoch,
            index: plan.idx,
        };
        let tree = LogTree {
            epoch: plan.epoch,
            size: checkpoint.size,
            root: Digest(checkpoint.root.0),
        };
        Ok(Some((planned, tree)))
    }
}

/// A voucher that is paid or written off.
fn still_paid((key, fact): (Key, Fact)) -> Option<About> {
    use hefu_domain::state::VoucherState::{Paid, WrittenOff};
    match (key, fact) {
        (Key::Voucher(id), Fact::Voucher(voucher))
            if matches!(voucher.state, Paid { .. } | WrittenOff { .. }) =>
        {
            Some(About::Voucher(id))
        }
        _ => None,
    }
}
