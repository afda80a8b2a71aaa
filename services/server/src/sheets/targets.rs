//! A plan year's targets: one move a year, with all of its rows.

use std::collections::BTreeMap;

use hefu_spreadsheet::{Row, Unreadable};
use hefu_wire::{names, v1};
use tonic::Status;

use super::{Asked, File, Import, Outcome, Wrong};

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
        let list = self.list(&filled)?;
        let mut outcome = Outcome::of(filled);
        if outcome.is_wrong() {
            return Ok(Ok(outcome));
        }
        let mut by_year: BTreeMap<u32, Asked<v1::SetTargetsRequest>> = BTreeMap::new();
        for target in targets {
            let asked = by_year.entry(target.year).or_insert_with(|| Asked {
                message: v1::SetTargetsRequest {
                    name: names::child(&self.region, "planYears", target.year),
                    request_id: format!("{list}.{}", target.year),
                    ..v1::SetTargetsRequest::default()
                },
                rows: Vec::new(),
                column: "year",
            });
            asked.rows.push((String::new(), target.row));
            asked.message.targets.push(target.target);
        }
        let moves = by_year.into_values().collect();
        self.moves::<_, v1::SetTargetsResponse>(&mut outcome, moves, |message, dry| {
            v1::SetTargetsRequest {
                validate_only: dry,
                ..message.clone()
            }
        })
        .await?;
        Ok(Ok(outcome))
    }
}
