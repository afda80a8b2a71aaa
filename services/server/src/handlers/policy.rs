//! What is in force: the handlers.

use super::service;

service! {
    policy_service_server::PolicyService;
    moves {
        open_region(OpenRegionRequest) -> OpenRegionResponse,
        adopt_policy(AdoptPolicyRequest) -> AdoptPolicyResponse,
        adopt_calendar(AdoptCalendarRequest) -> AdoptCalendarResponse,
    }
    batches {
    }
    others {
        get_policy(GetPolicyRequest) -> Policy,
        get_calendar(GetCalendarRequest) -> Calendar,
        list_regions(ListRegionsRequest) -> ListRegionsResponse,
    }
}
