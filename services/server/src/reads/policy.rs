//! What is in force. It is public: no key is asked for.

use hefu_domain::state::Fact;
use hefu_domain::{Code, Key};
use hefu_engine::rows;
use hefu_store::{Scope as Cover, Shown, Table};
use hefu_wire::{show, v1};
use tonic::{Request, Status};

use super::{List, Page, asked};
use crate::api::Api;
use crate::errors;

impl Api {
    pub(crate) async fn get_policy(
        &self,
        request: Request<v1::GetPolicyRequest>,
    ) -> Result<v1::Policy, Status> {
        let name = &request.get_ref().name;
        let (region, year) = asked(|r| r.year_name("name", name, "policies"))?;
        let adopted = self
            .look(&region, |world, at| {
                world.state_of_region()?;
                let versions = match world.get(&Key::Policy(year))? {
                    Some(Fact::Policy(policies)) => policies.versions.as_slice(),
                    _ => &[],
                };
                let in_force = versions
                    .iter()
                    .rev()
                    .find(|adopted| adopted.effective <= at);
                in_force.cloned().ok_or_else(|| Code::PolicyNotFound.into())
            })
            .await?;
        Ok(show::policy(&region, &adopted))
    }

    pub(crate) async fn get_calendar(
        &self,
        request: Request<v1::GetCalendarRequest>,
    ) -> Result<v1::Calendar, Status> {
        let name = &request.get_ref().name;
        let (region, year) = asked(|r| r.year_name("name", name, "calendars"))?;
        let calendar = self
            .look(&region, |world, _| {
                world.state_of_region()?;
                match world.get(&Key::Calendar(year.number()))? {
                    Some(Fact::Calendar(calendar)) => Ok(calendar.clone()),
                    _ => Err(Code::CalendarNotFound.into()),
                }
            })
            .await?;
        Ok(show::calendar(&calendar))
    }

    pub(crate) async fn list_regions(
        &self,
        request: Request<v1::ListRegionsRequest>,
    ) -> Result<v1::ListRegionsResponse, Status> {
        let asked = request.get_ref();
        let list = List {
            table: Table::RegionState,
            cover: Cover::Under(vec![String::new()]),
            equals: Vec::new(),
            shown: Shown::All,
            due_before: None,
        };
        let page = Page {
            size: asked.page_size,
            token: &asked.page_token,
        };
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut regions = Vec::with_capacity(rows.len());
        for row in rows {
            if let (Ok(code), Fact::Region(state)) =
                (row.region.parse(), rows::fact(&row).map_err(errors::store)?)
            {
                regions.push(show::region(&code, &state));
            }
        }
        Ok(v1::ListRegionsResponse {
            regions,
            next_page_token,
        })
    }
}
