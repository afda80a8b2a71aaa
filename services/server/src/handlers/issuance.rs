//! Issue (发券) and what follows until use: the handlers.

use super::service;

service! {
    issuance_service_server::IssuanceService;
    moves {
        issue(IssueRequest) -> IssueResponse,
        revoke(RevokeRequest) -> RevokeResponse,
        fetch_token(FetchTokenRequest) -> FetchTokenResponse,
        reissue_token(ReissueTokenRequest) -> ReissueTokenResponse,
        expire(ExpireRequest) -> ExpireResponse,
        propose_override(ProposeOverrideRequest) -> ProposeOverrideResponse,
        confirm_override(ConfirmOverrideRequest) -> ConfirmOverrideResponse,
    }
    batches {
        batch_issue(BatchIssueRequest) -> BatchIssueResponse,
        batch_revoke(BatchRevokeRequest) -> BatchRevokeResponse,
        batch_fetch_token(BatchFetchTokenRequest) -> BatchFetchTokenResponse,
        batch_expire(BatchExpireRequest) -> BatchExpireResponse,
        batch_reissue_token(BatchReissueTokenRequest) -> BatchReissueTokenResponse,
    }
    others {
        list_expiring(ListExpiringRequest) -> ListExpiringResponse,
    }
}
