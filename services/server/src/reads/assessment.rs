//! Assessment sessions.

use hefu_domain::state::{Fact, Session};
use hefu_domain::{Code, Rpc, SessionId};
use hefu_engine::rows;
use hefu_store::Table;
use hefu_wire::{show, states, v1};
use tonic::{Request, Status};

use super::{List, Page, Sight};
use crate::api::Api;
use crate::{caller, errors};

impl Api {
    pub(crate) async fn get_session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Result<v1::AssessmentSession, Status> {
        let name = &request.get_ref().name;
        let (region, id) = self
            .asked(Rpc::GetSession, &request, |r| {
                r.name::<SessionId>("name", name, "sessions")
            })
            .await?;
        let session = self
            .fact(
                Rpc::GetSession,
                caller::of(&request)?,
                &region,
                |w| w.session(&id).cloned(),
                acts_in,
                Code::SessionNotFound,
            )
            .await?;
        Ok(show::session(&region, &id.to_string(), &session))
    }

    pub(crate) async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<v1::ListSessionsResponse, Status> {
        let message = request.get_ref();
        let (region, state) = self
            .asked(Rpc::ListSessions, &request, |r| {
                r.parent("parent", &message.parent);
                r.state("state", &message.state, states::SESSION)
            })
            .await?;
        let sight = self.sight(Rpc::ListSessions, &request, &region).await?;
        let columns = vec![("state", state.to_owned())];
        let list = List::of(Table::AssessmentSession, &region, columns).only(sight.shown());
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut sessions = Vec::with_capacity(rows.len());
        for row in rows {
            if let Fact::Session(session) = rows::fact(&row).map_err(errors::store)?
                && (sight.whole() || acts_in(&sight, &session))
            {
                sessions.push(show::session(&region, &row.id, &session));
            }
        }
        Ok(v1::ListSessionsResponse {
            sessions,
            next_page_token,
        })
    }
}

/// A session's own body and payee.
pub(super) fn acts_in(sight: &Sight, session: &Session) -> bool {
    sight.acts_for_any([&session.filing.body, &session.filing.payee])
}
