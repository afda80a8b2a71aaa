//! Claim sheets, their public notices, and what a case is worth.

use std::collections::HashMap;

use hefu_domain::state::{Fact, Sheet, SheetState};
use hefu_domain::{
    Code, Date, Days, Instant, InstitutionId, Key, PersonId, PlanYear, Programme, Region, Rpc,
    SheetId, SkillLevel, Stop, VoucherId,
};
use hefu_engine::rows;
use hefu_store::{Shown, Table};
use hefu_wire::{Reader, show, states, v1};
use tonic::{Request, Status};

use super::application::sees_voucher;
use super::{List, Page, Sight, asked, corrupt, region, text};
use crate::api::Api;
use crate::{caller, errors};

impl Api {
    pub(crate) async fn get_sheet(
        &self,
        request: Request<v1::GetSheetRequest>,
    ) -> Result<v1::Sheet, Status> {
        let name = &request.get_ref().name;
        let (region, id) = self
            .asked(Rpc::GetSheet, &request, |r| {
                r.name::<SheetId>("name", name, "sheets")
            })
            .await?;
        let sheet = self
            .fact(
                Rpc::GetSheet,
                caller::of(&request)?,
                &region,
                |w| w.sheet(&id).cloned(),
                |sight, sheet| sight.acts_for_any([&sheet.payee]),
                Code::SheetNotFound,
            )
            .await?;
        Ok(show::sheet(&region, id, &sheet))
    }

    pub(crate) async fn list_sheets(
        &self,
        request: Request<v1::ListSheetsRequest>,
    ) -> Result<v1::ListSheetsResponse, Status> {
        let message = request.get_ref();
        let (region, (state, payee)) = self
            .asked(Rpc::ListSheets, &request, |r| {
                r.parent("parent", &message.parent);
                let state = r.state("state", &message.state, states::SHEET);
                let payee =
                    r.optional_name::<InstitutionId>("payee", &message.payee, "institutions");
                Some((state?, payee?))
            })
            .await?;
        let sight = self.sight(Rpc::ListSheets, &request, &region).await?;
        let payee = if sight.whole() {
            payee
        } else {
            let own = sight.institution().cloned();
            if own.is_none() || payee.is_some_and(|asked| Some(asked) != own) {
                return Ok(v1::ListSheetsResponse::default());
            }
            own
        };
        let columns = vec![("state", state.to_owned()), ("payee", text(payee))];
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let list = List::of(Table::Sheet, &region, columns);
        let (sheets, next_page_token) = self.sheets(list, page).await?;
        Ok(v1::ListSheetsResponse {
            sheets: sheets
                .iter()
                .map(|(id, sheet)| show::sheet(&region, *id, sheet))
                .collect(),
            next_page_token,
        })
    }

    pub(crate) async fn get_notice(
        &self,
        request: Request<v1::GetNoticeRequest>,
    ) -> Result<v1::Notice, Status> {
        let name = &request.get_ref().name;
        let (region, id) = asked(|r| r.name::<SheetId>("name", name, "sheets"))?;
        caller::of(&request)?;
        let (sheet, until, payee) = self
            .look(&region, |world, at| {
                world.state_of_region()?;
                let sheet = world.sheet(&id)?;
                let until = runs_until(sheet, at).ok_or(Code::SheetNotFound)?;
                let payee = world.institution(&sheet.payee)?;
                Ok((sheet.clone(), until, payee.name.clone()))
            })
            .await?;
        let mut notice = show::notice(&region, id, &sheet, until);
        notice.payee_display_name = payee;
        notice.people = self.named(&region, &sheet).await?;
        Ok(notice)
    }

    pub(crate) async fn list_notices(
        &self,
        request: Request<v1::ListNoticesRequest>,
    ) -> Result<v1::ListNoticesResponse, Status> {
        let asked = request.get_ref();
        let region = region("parent", &asked.parent)?;
        caller::of(&request)?;
        self.open(&region).await?;
        let page = Page {
            size: asked.page_size,
            token: &asked.page_token,
        };
        let columns = vec![("state", "approved".to_owned())];
        let now = self.engine.clock().now();
        let day = now.date().to_string();
        let list = List::of(Table::Sheet, &region, columns).only(Shown::Noticed { day });
        let (sheets, next_page_token) = self.sheets(list, page).await?;
        let notices = sheets.iter().filter_map(|(id, sheet)| {
            let until = runs_until(sheet, now)?;
            Some(show::notice(&region, *id, sheet, until))
        });
        Ok(v1::ListNoticesResponse {
            notices: notices.collect(),
            next_page_token,
        })
    }

    async fn sheets(
        &self,
        list: List,
        page: Page<'_>,
    ) -> Result<(Vec<(SheetId, Sheet)>, String), Status> {
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut sheets = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id.parse().map_err(|_| errors::store(corrupt(&row)))?;
            if let Fact::Sheet(sheet) = rows::fact(&row).map_err(errors::store)? {
                sheets.push((id, sheet));
            }
        }
        Ok((sheets, next_page_token))
    }

    /// The people of a sheet's standing lines by masked name, with what is paid for each.
    async fn named(
        &self,
        region: &Region,
        sheet: &Sheet,
    ) -> Result<Vec<v1::notice::Person>, Status> {
        let keys = sheet.standing().map(|line| Key::Voucher(line.voucher));
        let world = self.world(region, keys.collect()).await?;
        let people: HashMap<VoucherId, PersonId> = sheet
            .standing()
            .map(|line| Ok((line.voucher, world.voucher(&line.voucher)?.person)))
            .collect::<Result<_, Stop>>()
            .map_err(errors::stop)?;
        let places: Vec<_> = people
            .values()
            .map(|person| (region.clone(), *person))
            .collect();
        let mut reads = self
            .engine
            .store()
            .deciding()
            .await
            .map_err(errors::store)?;
        let records = self
            .engine
            .people()
            .records(&mut reads, &places)
            .await
            .map_err(errors::status)?;
        let named = sheet.standing().map(|line| {
            let person = people.get(&line.voucher);
            let record = person.and_then(|person| records.get(&(region.clone(), *person)));
            v1::notice::Person {
                masked_name: text(record.map(|record| &record.name)),
                amount_fen: line.amount.0,
            }
        });
        Ok(named.collect())
    }

    pub(crate) async fn quote(
        &self,
        request: Request<v1::QuoteRequest>,
    ) -> Result<v1::QuoteResponse, Status> {
        let message = request.get_ref();
        let (region, case) = self
            .asked(Rpc::Quote, &request, |r| Case::read(r, message))
            .await?;
        let by = caller::of(&request)?;
        let worth = self.engine.inspect(&region, |world, at| {
            let sight = Sight::of(world, Rpc::Quote, &by, at)?;
            match &case {
                Case::Supposed(case) => {
                    let (_, policy) = world.policy(case.year, at)?;
                    hefu_domain::subsidy::quote(
                        policy,
                        case.programme,
                        case.level,
                        case.days,
                        case.employment,
                    )
                }
                Case::Voucher(id) => {
                    let voucher = world.voucher(id)?;
                    if !sees_voucher(world, &sight, voucher)? {
                        return Err(Code::VoucherNotFound.into());
                    }
                    hefu_domain::quote(world, *id, at)
                }
            }
        });
        let worth = worth
            .await
            .map_err(errors::status)?
            .map_err(|stop| errors::stopped("Quote", stop))?;
        Ok(v1::QuoteResponse {
            amount_fen: worth.amount.0,
            trail: show::trail(&worth.trail),
        })
    }
}

/// The last day of a sheet's public notice, while it runs. When it is over, nobody reads the people's names any more; a classified
/// unit's sheet never has one.
fn runs_until(sheet: &Sheet, now: Instant) -> Option<Date> {
    match &sheet.state {
        SheetState::Approved { notice_until, .. } => {
            notice_until.filter(|until| now < Instant::after(*until))
        }
        SheetState::Open
        | SheetState::Submitted { .. }
        | SheetState::Paying { .. }
        | SheetState::Paid { .. }
        | SheetState::Closed
        | SheetState::Refused { .. } => None,
    }
}

/// What is to be quoted.
enum Case {
    Voucher(VoucherId),
    Supposed(Supposed),
}

/// A case that is only supposed.
struct Supposed {
    year: PlanYear,
    programme: Programme,
    level: Option<SkillLevel>,
    days: Days,
    employment: Option<(u32, u32)>,
}

impl Case {
    fn read(r: &mut Reader, asked: &v1::QuoteRequest) -> Option<Case> {
        r.parent("parent", &asked.parent);
        if !asked.voucher.is_empty() {
            let supposed = [
                ("plan_year", asked.plan_year != 0),
                ("programme", asked.programme != 0),
                ("days", asked.days != 0),
                ("skill_level", asked.skill_level != 0),
                ("trained", asked.trained != 0),
                ("employed", asked.employed != 0),
            ];
            for (field, _) in supposed.iter().filter(|(_, said)| *said) {
                r.wrong(field, "of a supposed case only: a voucher has its own");
            }
            let voucher = r.name("voucher", &asked.voucher, "vouchers");
            return voucher.map(Case::Voucher);
        }
        let year = r.plan_year("plan_year", asked.plan_year);
        let programme = r.said("programme", show::domain_programme(asked.programme()));
        let level = r.optional_level("skill_level", asked.skill_level);
        let days = r.small("days", asked.days);
        Some(Case::Supposed(Supposed {
            year: year?,
            programme: programme?,
            level: level?,
            days: Days(days?),
            employment: (asked.trained > 0).then_some((asked.employed, asked.trained)),
        }))
    }
}
