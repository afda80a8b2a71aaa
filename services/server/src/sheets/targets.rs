//! A plan year's targets: one move a year, with all of its rows. What a year says already is not set again, and a sheet that was imported
//! before another one sets it back: unlike a record, a target may become again what it was.

use std::collections::BTreeMap;

use hefu_domain::{Fact, Key, PlanYear};
use hefu_spreadsheet::{Row, Unreadable};
use hefu_wire::{names, v1};
use tonic::Status;

use super::{Asked, File, Import, Outcome, Wrong};
use crate::errors;

/// Of a list's name so much stands in a request's id, beside the year and how far the log goes.
const OF_LIST: usize = 30;

struct Target {
    row: u32,
    year: u32,
    target: v1::Target,
}

fn read(row: &Row) -> Result<Target, Wrong> {
    Ok(Target {
        row: row.number,
        year: row.number("year").unwrap_or_default(),
        target: v1::Target {
            code: row.text("indicator").to_owned(),
            people: row.number("people").unwrap_or_default(),
        },
    })
}

impl Import {
    pub(super) async fn targets(&self, file: &File) -> Result<Result<Outcome, Unreadable>, Status> {
        let (filled, targets) = match self.rows(file, |row| read(&row)).await? {
            Ok(read) => read,
            Err(why) => return Ok(Err(why)),
        };
        let list = self.list(&filled)?.to_string();
        let list = list.get(..OF_LIST).unwrap_or(&list);
        let mut outcome = Outcome::of(filled);
        if outcome.is_wrong() {
            return Ok(Ok(outcome));
        }
        let mut by_year: BTreeMap<u32, Asked<v1::SetTargetsRequest>> = BTreeMap::new();
        for target in targets {
            let asked = by_year.entry(target.year).or_insert_with(|| Asked {
                message: v1::SetTargetsRequest {
                    name: names::child(&self.region, "planYears", target.year),
                    ..v1::SetTargetsRequest::default()
                },
                rows: Vec::new(),
                column: "year",
            });
            asked.rows.push((String::new(), target.row));
            asked.message.targets.push(target.target);
        }
        let log = self.log_goes_to().await?;
        let mut moves = Vec::with_capacity(by_year.len());
        let mut set_already = 0;
        for (year, mut asked) in by_year {
            let stands = self.stand(year).await?;
            let targets = &asked.message.targets;
            if targets
                .iter()
                .all(|of| stands.get(&of.code) == Some(&of.people))
            {
                set_already += 1;
                continue;
            }
            asked.message.request_id = format!("{list}.{year}.{log}");
            moves.push(asked);
        }
        self.moves::<_, v1::SetTargetsResponse>(&mut outcome, moves, |message, dry| {
            v1::SetTargetsRequest {
                validate_only: dry,
                ..message.clone()
            }
        })
        .await?;
        outcome.old_parts += set_already;
        Ok(Ok(outcome))
    }

    /// Another place once anything was written: the same sheet is another request then.
    async fn log_goes_to(&self) -> Result<String, Status> {
        let heads = self.api.engine.store().all_heads().await;
        let heads = heads.map_err(errors::store)?;
        let mut own = heads
            .iter()
            .filter(|head| head.region == self.region.as_str());
        let own = own.next().ok_or_else(errors::internal)?;
        Ok(format!("{}.{}", own.epoch, own.size))
    }

    /// A year's targets as they stand.
    async fn stand(&self, year: u32) -> Result<BTreeMap<String, u32>, Status> {
        let year = u16::try_from(year).ok();
        let year = year.and_then(|year| PlanYear::try_from(year).ok());
        let look = |world: &hefu_domain::World, _| {
            let Some(year) = year else {
                return Ok(BTreeMap::new());
            };
            Ok(match world.get(&Key::Year(year))? {
                Some(Fact::Year(state)) => state.targets.clone(),
                Some(_) | None => BTreeMap::new(),
            })
        };
        self.api.look(&self.region, look).await
    }
}
