//! The closing of a plan year as a series of small commands: it can be stopped after any of them and resumed by calling it again.

use hefu_domain::command::{Act, ClosePlanYear, ClosingStep};
use hefu_domain::{
    Command, CredentialId, Key, PlanYear, Region, RequestId, Rpc, SheetId, Stop, World, admitted,
};
use hefu_engine::{Answer, Recorded};
use hefu_store::{ListQuery, Scope, Shown, Table};
use hefu_wire::{Outcome, Place, names, v1};
use tonic::{Request, Status};

use crate::api::{Api, Wrong, bad};
use crate::{caller, errors};

/// Vouchers of one step.
const STEP: u32 = 200;
/// Sheets of one year and state; a closing names no more.
const SHEETS: u32 = 1_000;

/// One closing under way.
struct Closing<'a> {
    api: &'a Api,
    by: CredentialId,
    region: Region,
    year: PlanYear,
    request: String,
}

impl Api {
    pub(crate) async fn close_plan_year(
        &self,
        request: Request<v1::ClosePlanYearRequest>,
    ) -> Result<v1::ClosePlanYearResponse, Status> {
        let by = caller::of(&request)?;
        let asked = request.get_ref();
        let (region, year) = match read(asked) {
            Ok(named) => named,
            Err(status) => {
                let region = names::region_of(&asked.name);
                let wrong = Wrong { region, status };
                return Err(self.told(Rpc::ClosePlanYear, &by, wrong).await);
            }
        };
        Closing {
            api: self,
            by,
            region,
            year,
            request: asked.request_id.clone(),
        }
        .run()
        .await
    }
}

fn read(asked: &v1::ClosePlanYearRequest) -> Result<(Region, PlanYear), Status> {
    let named = names::parse_year(&asked.name, "planYears").map_err(|rule| bad("name", rule))?;
    let id = asked.request_id.parse::<RequestId>();
    let id = id.map_err(|rule| bad("request_id", rule.0))?;
    if id.as_str().len() > 40 {
        let rule = "8 to 40 characters: the steps' ids begin with it";
        return Err(bad("request_id", rule));
    }
    Ok(named)
}

impl Closing<'_> {
    async fn run(&self) -> Result<v1::ClosePlanYearResponse, Status> {
        let mut summary = v1::ClosePlanYearResponse::default();
        // Whoever may not close a year does not learn whether it is open.
        let phase = |world: &World, at| {
            admitted(world, Rpc::ClosePlanYear, &self.by, at)?;
            Ok::<_, Stop>(world.year(&self.year)?.phase)
        };
        let phase = self
            .api
            .engine
            .inspect(&self.region, phase)
            .await
            .map_err(errors::status)?
            .map_err(errors::stop)?;
        if phase == hefu_domain::state::YearPhase::Open {
            self.step("begin", ClosingStep::Begin).await?;
        }
        for state in ["applied", "issued", "enrolled", "completed"] {
            loop {
                let ids = self.ids(Table::Voucher, self.year, state, STEP).await?;
                let vouchers: Vec<_> = ids.iter().filter_map(|id| id.parse().ok()).collect();
                let Some(first) = ids.first() else { break };
                summary.expired += u32::try_from(vouchers.len()).unwrap_or(u32::MAX);
                self.step(first, ClosingStep::Vouchers(vouchers)).await?;
            }
        }
        for state in ["open", "submitted"] {
            for id in self.ids(Table::Sheet, self.year, state, SHEETS).await? {
                let sheet: SheetId = id.parse().map_err(|_| errors::internal())?;
                summary.refused_sheets += 1;
                self.step(&id, ClosingStep::Sheet(sheet)).await?;
            }
        }
        let carried = self.carried().await?;
        summary.carried = carried
            .iter()
            .map(|sheet| names::child(&self.region, "sheets", sheet))
            .collect();
        let last = self.step("finish", ClosingStep::Finish { carried }).await?;
        let outcome = Outcome {
            region: &self.region,
            at: last.at,
            place: Some(Place {
                epoch: last.epoch,
                first_index: last.first_index,
            }),
            events: &last.events,
            shown: None,
        };
        summary.receipt = Some(outcome.receipt());
        Ok(summary)
    }

    /// The sheets that go on: the year's own, and those of earlier years that its account still owes. What an earlier closing
    /// carried over, or a returned payout brought back since, is not settled only because another year has passed.
    async fn carried(&self) -> Result<Vec<SheetId>, Status> {
        let mut wanted = vec![(self.year, "paid")];
        let mut year = Some(self.year);
        while let Some(owing) = year {
            wanted.extend([(owing, "approved"), (owing, "paying")]);
            year = self.year_before(owing).await?;
        }
        let mut carried = Vec::new();
        for (year, state) in wanted {
            for id in self.ids(Table::Sheet, year, state, SHEETS).await? {
                carried.push(id.parse().map_err(|_| errors::internal())?);
            }
        }
        Ok(carried)
    }

    /// The plan year before that one, if the region ever opened it.
    async fn year_before(&self, year: PlanYear) -> Result<Option<PlanYear>, Status> {
        let Ok(before) = PlanYear::try_from(year.number().saturating_sub(1)) else {
            return Ok(None);
        };
        let opened = |world: &World, _| Ok::<_, Stop>(world.get(&Key::Year(before))?.is_some());
        let opened = self.api.engine.inspect(&self.region, opened).await;
        let opened = opened.map_err(errors::status)?.map_err(errors::stop)?;
        Ok(opened.then_some(before))
    }

    /// Ids of a year's things in a state. They are hints only: each step decides anew.
    async fn ids(
        &self,
        table: Table,
        year: PlanYear,
        state: &'static str,
        limit: u32,
    ) -> Result<Vec<String>, Status> {
        let equals = vec![("state", state.to_owned()), ("year", year.to_string())];
        let query = ListQuery {
            table,
            scope: Scope::Region(self.region.to_string()),
            equals,
            due_before: None,
            shown: Shown::All,
            after: None,
            limit,
        };
        let rows = self
            .api
            .engine
            .store()
            .list(&query)
            .await
            .map_err(errors::store)?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn step(&self, name: &str, step: ClosingStep) -> Result<Recorded, Status> {
        // A step is named by what it closes, so a closing that is called again goes on where it stopped.
        let digest = self
            .api
            .engine
            .people()
            .secrets()
            .request_digest("ClosePlanYear", format!("{name}/{step:?}").as_bytes());
        let request: RequestId = format!(
            "{}.{}",
            self.request,
            digest.to_string().get(..20).unwrap_or_default()
        )
        .parse()
        .map_err(|_| errors::internal())?;
        let act = Act::ClosePlanYear(ClosePlanYear {
            year: self.year,
            step,
        });
        let command = Command {
            region: self.region.clone(),
            by: self.by.clone(),
            request,
            digest,
            seals: Vec::new(),
            act,
        };
        match self
            .api
            .engine
            .submit(command.into())
            .await
            .map_err(errors::status)?
        {
            Answer::Recorded(recorded) | Answer::Dry(recorded) => Ok(recorded),
        }
    }
}
