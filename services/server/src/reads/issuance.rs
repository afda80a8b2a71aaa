//! Vouchers whose time runs out soon; what else does stands in `deadlines`.

use hefu_domain::state::Fact;
use hefu_domain::{Instant, Rpc};
use hefu_engine::rows;
use hefu_store::Table;
use hefu_wire::{show, states, v1};
use tonic::{Request, Status};

use super::{List, Page};
use crate::api::Api;
use crate::errors;

/// How far a list looks ahead that names no instant.
const THIRTY_DAYS_MS: i64 = 30 * 86_400_000;

impl Api {
    pub(crate) async fn list_expiring(
        &self,
        request: Request<v1::ListExpiringRequest>,
    ) -> Result<v1::ListExpiringResponse, Status> {
        let message = request.get_ref();
        let (region, (before, state)) = self
            .asked(Rpc::ListExpiring, &request, |r| {
                r.parent("parent", &message.parent);
                let before = r.optional_instant("before", message.before.as_ref());
                let state = r.state("state", &message.state, states::EXPIRING);
                Some((before?, state?))
            })
            .await?;
        let sight = self.sight(Rpc::ListExpiring, &request, &region).await?;
        let soon = || Instant(self.engine.clock().now().0 + THIRTY_DAYS_MS);
        // A whole day, so that the list is the same one from page to page.
        let before = before.unwrap_or_else(|| Instant::after(soon().date()));
        let list = List {
            due_before: Some(before.to_string()),
            ..List::of(Table::Voucher, &region, vec![("state", state.to_owned())])
        };
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let (rows, next_page_token) = self.page(list.only(sight.shown()), page).await?;
        let mut expiring = Vec::with_capacity(rows.len());
        for row in rows {
            if let Fact::Voucher(voucher) = rows::fact(&row).map_err(errors::store)? {
                expiring.push(show::expiring(&region, &row.id, &voucher));
            }
        }
        Ok(v1::ListExpiringResponse {
            expiring,
            next_page_token,
        })
    }
}
