//! Funds: the handlers.

use super::service;

service! {
    funds_service_server::FundsService;
    moves {
        appropriate_funds(AppropriateFundsRequest) -> AppropriateFundsResponse,
        allocate_funds(AllocateFundsRequest) -> AllocateFundsResponse,
        open_plan_year(OpenPlanYearRequest) -> OpenPlanYearResponse,
        request_top_up(RequestTopUpRequest) -> RequestTopUpResponse,
        decide_top_up(DecideTopUpRequest) -> DecideTopUpResponse,
        set_targets(SetTargetsRequest) -> SetTargetsResponse,
    }
    batches {
    }
    others {
        close_plan_year(ClosePlanYearRequest) -> ClosePlanYearResponse,
        get_plan_year(GetPlanYearRequest) -> PlanYear,
        list_plan_years(ListPlanYearsRequest) -> ListPlanYearsResponse,
        get_account(GetAccountRequest) -> Account,
        list_accounts(ListAccountsRequest) -> ListAccountsResponse,
        list_top_ups(ListTopUpsRequest) -> ListTopUpsResponse,
    }
}
