//! Access: the handlers.

use super::service;

service! {
    access_service_server::AccessService;
    moves {
        grant_caller(GrantCallerRequest) -> GrantCallerResponse,
        revoke_caller(RevokeCallerRequest) -> RevokeCallerResponse,
        appoint_deputy(AppointDeputyRequest) -> AppointDeputyResponse,
    }
    batches {
    }
    others {
        get_caller(GetCallerRequest) -> Caller,
        list_callers(ListCallersRequest) -> ListCallersResponse,
    }
}
