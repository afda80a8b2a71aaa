//! Funds: plan years and accounts, which are the bureau's own affair.

use std::collections::BTreeMap;

use hefu_domain::state::Fact;
use hefu_domain::{Code, Key, PlanYear, Region, Rpc};
use hefu_engine::rows;
use hefu_store::{Scope as Cover, Table};
use hefu_wire::{names, show, states, v1};
use tonic::{Request, Status};

use super::{List, Page, corrupt, region, text};
use crate::api::Api;
use crate::{caller, errors};

impl Api {
    pub(crate) async fn get_plan_year(
        &self,
        request: Request<v1::GetPlanYearRequest>,
    ) -> Result<v1::PlanYear, Status> {
        let name = &request.get_ref().name;
        let (region, year) = self
            .asked(Rpc::GetPlanYear, &request, |r| {
                r.plan_year_name("name", name)
            })
            .await?;
        let state = self
            .fact(
                Rpc::GetPlanYear,
                caller::of(&request)?,
                &region,
                |w| match w.get(&Key::Year(year))? {
                    Some(Fact::Year(state)) => Ok(state.clone()),
                    _ => Err(Code::PlanYearNotFound.into()),
                },
                |_, _| false,
                Code::PlanYearNotFound,
            )
            .await?;
        let mut shown = show::year(&region, year, &state);
        shown.targets_below = self.targets_below(&region, year).await?;
        Ok(shown)
    }

    /// The planned figures of the regions below, added up by code.
    async fn targets_below(
        &self,
        region: &Region,
        year: PlanYear,
    ) -> Result<Vec<v1::Target>, Status> {
        if !region.as_str().ends_with("00") {
            return Ok(Vec::new());
        }
        let store = self.engine.store();
        let heads = store.all_heads().await.map_err(errors::store)?;
        let below = heads
            .iter()
            .filter_map(|head| head.region.parse::<Region>().ok());
        let below = below.filter(|below| region.contains(below));
        let keys: Vec<_> = below
            .map(|below| rows::fact_key(below.as_str(), &Key::Year(year)))
            .collect();
        let mut sums: BTreeMap<String, u32> = BTreeMap::new();
        for row in store.load(&keys).await.map_err(errors::store)? {
            if let Fact::Year(state) = rows::fact(&row).map_err(errors::store)? {
                for (code, people) in state.targets {
                    let sum = sums.entry(code).or_default();
                    *sum = sum.saturating_add(people);
                }
            }
        }
        let target = |(code, people)| v1::Target { code, people };
        Ok(sums.into_iter().map(target).collect())
    }

    pub(crate) async fn list_plan_years(
        &self,
        request: Request<v1::ListPlanYearsRequest>,
    ) -> Result<v1::ListPlanYearsResponse, Status> {
        let asked = request.get_ref();
        let region = region("parent", &asked.parent)?;
        self.admit(Rpc::ListPlanYears, &request, &region).await?;
        let list = List::of(Table::PlanYear, &region, Vec::new());
        let page = Page {
            size: asked.page_size,
            token: &asked.page_token,
        };
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut plan_years = Vec::with_capacity(rows.len());
        for row in rows {
            let name = names::child(&region, "planYears", &row.id);
            let (_, year): (_, PlanYear) =
                names::parse_year(&name, "planYears").map_err(|_| errors::store(corrupt(&row)))?;
            if let Fact::Year(state) = rows::fact(&row).map_err(errors::store)? {
                plan_years.push(show::year(&region, year, &state));
            }
        }
        Ok(v1::ListPlanYearsResponse {
            plan_years,
            next_page_token,
        })
    }

    /// A region's own requests, and where it is a city those of its counties, whose requests are made to it.
    pub(crate) async fn list_top_ups(
        &self,
        request: Request<v1::ListTopUpsRequest>,
    ) -> Result<v1::ListTopUpsResponse, Status> {
        let message = request.get_ref();
        let (region, columns) = self
            .asked(Rpc::ListTopUps, &request, |r| {
                r.parent("parent", &message.parent);
                let state = r.state("state", &message.state, states::TOP_UP);
                let year = r.optional_plan_year("plan_year", message.plan_year);
                Some(vec![("state", state?.to_owned()), ("year", text(year?))])
            })
            .await?;
        self.admit(Rpc::ListTopUps, &request, &region).await?;
        let mut list = List::of(Table::TopUp, &region, columns);
        if let Some(below) = region.as_str().strip_suffix("00") {
            list.cover = Cover::Under(vec![below.trim_end_matches("00").to_owned()]);
        }
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut top_ups = Vec::with_capacity(rows.len());
        for row in rows {
            let of = row
                .region
                .parse()
                .map_err(|_| errors::store(corrupt(&row)))?;
            if let Fact::TopUp(asked) = rows::fact(&row).map_err(errors::store)? {
                top_ups.push(show::top_up(&of, &row.id, &asked));
            }
        }
        Ok(v1::ListTopUpsResponse {
            top_ups,
            next_page_token,
        })
    }

    pub(crate) async fn get_account(
        &self,
        request: Request<v1::GetAccountRequest>,
    ) -> Result<v1::Account, Status> {
        let name = &request.get_ref().name;
        let (region, (year, source)) = self
            .asked(Rpc::GetAccount, &request, |r| r.account_name("name", name))
            .await?;
        let account = self
            .fact(
                Rpc::GetAccount,
                caller::of(&request)?,
                &region,
                |w| w.account(&year, &source).cloned(),
                |_, _| false,
                Code::AccountNotFound,
            )
            .await?;
        Ok(show::account(&region, year, &source, &account))
    }

    pub(crate) async fn list_accounts(
        &self,
        request: Request<v1::ListAccountsRequest>,
    ) -> Result<v1::ListAccountsResponse, Status> {
        let asked = request.get_ref();
        let region = region("parent", &asked.parent)?;
        self.admit(Rpc::ListAccounts, &request, &region).await?;
        let list = List::of(Table::Account, &region, Vec::new());
        let page = Page {
            size: asked.page_size,
            token: &asked.page_token,
        };
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut accounts = Vec::with_capacity(rows.len());
        for row in rows {
            let name = names::child(&region, "planYears", row.id.replace('/', "/accounts/"));
            let (_, year, source) =
                names::parse_account(&name).map_err(|_| errors::store(corrupt(&row)))?;
            if let Fact::Account(account) = rows::fact(&row).map_err(errors::store)? {
                accounts.push(show::account(&region, year, &source, &account));
            }
        }
        Ok(v1::ListAccountsResponse {
            accounts,
            next_page_token,
        })
    }
}
