//! Access: who may call.

use hefu_domain::state::Fact;
use hefu_domain::{Code, CredentialId, Rpc};
use hefu_engine::rows;
use hefu_store::Table;
use hefu_wire::{show, v1};
use tonic::{Request, Status};

use super::{List, Page, Sight, region};
use crate::api::Api;
use crate::{caller, errors};

impl Api {
    pub(crate) async fn get_caller(
        &self,
        request: Request<v1::GetCallerRequest>,
    ) -> Result<v1::Caller, Status> {
        let name = &request.get_ref().name;
        let (region, id) = self
            .asked(Rpc::GetCaller, &request, |r| {
                r.name::<CredentialId>("name", name, "credentials")
            })
            .await?;
        let by = caller::of(&request)?;
        let credential = self
            .look(&region, |world, at| {
                let sight = Sight::of(world, Rpc::GetCaller, &by, at)?;
                if id == by || sight.whole() {
                    world.credential(&id).cloned()
                } else {
                    Err(Code::CredentialNotFound.into())
                }
            })
            .await?;
        Ok(show::caller(&region, id.as_str(), &credential))
    }

    pub(crate) async fn list_callers(
        &self,
        request: Request<v1::ListCallersRequest>,
    ) -> Result<v1::ListCallersResponse, Status> {
        let asked = request.get_ref();
        let region = region("parent", &asked.parent)?;
        self.admit(Rpc::ListCallers, &request, &region).await?;
        let list = List::of(Table::Credential, &region, Vec::new());
        let page = Page {
            size: asked.page_size,
            token: &asked.page_token,
        };
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut callers = Vec::with_capacity(rows.len());
        for row in rows {
            if let Fact::Credential(credential) = rows::fact(&row).map_err(errors::store)? {
                callers.push(show::caller(&region, &row.id, &credential));
            }
        }
        Ok(v1::ListCallersResponse {
            callers,
            next_page_token,
        })
    }
}
