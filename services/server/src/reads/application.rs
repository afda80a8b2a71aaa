//! Applications and the vouchers that come of them.

use hefu_domain::state::{EndedClaim, Fact, Occasion, Voucher, VoucherState};
use hefu_domain::{Code, Key, PersonId, PlanYear, Region, Rpc, SheetId, Stop, VoucherId, World};
use hefu_engine::rows;
use hefu_store::{Row, Table};
use hefu_wire::{Reader, show, states, v1};
use tonic::{Request, Status};

use super::assessment::acts_in;
use super::training::is_party;
use super::{List, Page, Sight, text};
use crate::api::{Api, bad};
use crate::errors;

impl Api {
    pub(crate) async fn get_voucher(
        &self,
        request: Request<v1::GetVoucherRequest>,
    ) -> Result<v1::Voucher, Status> {
        let name = &request.get_ref().name;
        let (region, id) = self
            .asked(Rpc::GetVoucher, &request, |r| {
                r.name::<VoucherId>("name", name, "vouchers")
            })
            .await?;
        let sight = self.sight(Rpc::GetVoucher, &request, &region).await?;
        let key = rows::fact_key(region.as_str(), &Key::Voucher(id));
        let row = self
            .engine
            .store()
            .load(&[key])
            .await
            .map_err(errors::store)?;
        let seen = self.seen(&region, &sight, row).await?;
        seen.into_iter()
            .next()
            .ok_or_else(|| errors::stop(Code::VoucherNotFound.into()))
    }

    pub(crate) async fn list_vouchers(
        &self,
        request: Request<v1::ListVouchersRequest>,
    ) -> Result<v1::ListVouchersResponse, Status> {
        let message = request.get_ref();
        let (region, mut filter) = self
            .asked(Rpc::ListVouchers, &request, |r| Filter::read(r, message))
            .await?;
        let sight = self.sight(Rpc::ListVouchers, &request, &region).await?;
        if sight.is_portal() && filter.person.is_none() {
            return Err(bad(
                "person",
                "the portal names the person for whom it speaks",
            ));
        }
        // A holder's list is a walk over their own vouchers, whatever else is in the region.
        if let Some(own) = sight.holder()
            && *filter.person.get_or_insert(own) != own
        {
            return Ok(v1::ListVouchersResponse::default());
        }
        let list = List::of(Table::Voucher, &region, filter.columns()).only(sight.shown());
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let (rows, next_page_token) = self.page(list, page).await?;
        Ok(v1::ListVouchersResponse {
            vouchers: self.seen(&region, &sight, rows).await?,
            next_page_token,
        })
    }

    /// Those of these vouchers that the caller may see, as they may see them. Where they all stand is loaded at once.
    async fn seen(
        &self,
        region: &Region,
        sight: &Sight,
        rows: Vec<Row>,
    ) -> Result<Vec<v1::Voucher>, Status> {
        let mut vouchers = Vec::with_capacity(rows.len());
        for row in rows {
            if let Fact::Voucher(voucher) = rows::fact(&row).map_err(errors::store)? {
                vouchers.push((row, voucher));
            }
        }
        let mut keys: Vec<Key> = if sight.whole() {
            Vec::new()
        } else {
            let places = vouchers.iter().filter_map(|(_, voucher)| place(voucher));
            places.collect()
        };
        keys.sort();
        keys.dedup();
        let world = self.world(region, keys).await?;
        let mut seen = Vec::with_capacity(vouchers.len());
        for (row, voucher) in vouchers {
            if sees_voucher(&world, sight, &voucher).map_err(errors::stop)? {
                let shown = show::voucher(region, &row.id, row.version, &voucher, sight.eyes());
                seen.push(shown);
            }
        }
        Ok(seen)
    }
}

/// Which vouchers are asked for.
struct Filter {
    state: &'static str,
    year: Option<PlanYear>,
    occasion: Option<Occasion>,
    sheet: Option<SheetId>,
    person: Option<PersonId>,
}

impl Filter {
    fn read(r: &mut Reader, asked: &v1::ListVouchersRequest) -> Option<Filter> {
        r.parent("parent", &asked.parent);
        let state = r.state("state", &asked.state, states::VOUCHER);
        let year = r.optional_plan_year("plan_year", asked.plan_year);
        let occasion = r.optional_occasion("occasion", &asked.occasion);
        let sheet = r.optional_name("sheet", &asked.sheet, "sheets");
        let person = r.optional_name("person", &asked.person, "people");
        Some(Filter {
            state: state?,
            year: year?,
            occasion: occasion?,
            sheet: sheet?,
            person: person?,
        })
    }

    fn columns(&self) -> Vec<(&'static str, String)> {
        let occasion = self.occasion.map(|occasion| match occasion {
            Occasion::Class(id) => id.to_string(),
            Occasion::Session(id) => id.to_string(),
        });
        vec![
            ("state", self.state.to_owned()),
            ("year", text(self.year)),
            ("occasion", text(occasion)),
            ("sheet", text(self.sheet)),
            ("person", text(self.person)),
        ]
    }
}

/// Where a voucher stands: its class, its session, or the sheet that it was written off with.
fn place(voucher: &Voucher) -> Option<Key> {
    let occasion = match &voucher.state {
        VoucherState::Enrolled { class, .. } => Occasion::Class(*class),
        VoucherState::Completed { occasion, .. }
        | VoucherState::Claimed { occasion, .. }
        | VoucherState::Approved { occasion, .. }
        | VoucherState::Paid { occasion, .. }
        | VoucherState::Ended {
            claim: Some(EndedClaim { occasion, .. }),
            ..
        } => *occasion,
        VoucherState::WrittenOff { sheet } => return Some(Key::Sheet(*sheet)),
        VoucherState::Applied | VoucherState::Issued | VoucherState::Ended { claim: None, .. } => {
            return None;
        }
    };
    Some(match occasion {
        Occasion::Class(id) => Key::Class(id),
        Occasion::Session(id) => Key::Session(id),
    })
}

/// The bureau sees all; holders see their own, and the portal whom it speaks for by name; institutions see their people and their classes'.
pub(super) fn sees_voucher(world: &World, sight: &Sight, voucher: &Voucher) -> Result<bool, Stop> {
    if sight.whole() || sight.is_portal() || sight.is(&voucher.person) {
        return Ok(true);
    }
    let Some(own) = sight.institution() else {
        return Ok(false);
    };
    if voucher.hands.applied == sight.caller.person || voucher.employer.as_ref() == Some(own) {
        return Ok(true);
    }
    let Some(place) = place(voucher) else {
        return Ok(false);
    };
    Ok(match world.get(&place)? {
        Some(Fact::Class(class)) => is_party(sight, class),
        Some(Fact::Session(session)) => acts_in(sight, session),
        Some(Fact::Sheet(sheet)) => *own == sheet.payee,
        _ => false,
    })
}
