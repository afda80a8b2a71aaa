//! One file per service, each a list of its RPCs: a move is read, submitted and answered the same way everywhere.

mod access;
mod application;
mod assessment;
mod audit;
mod door;
mod funds;
mod issuance;
mod people;
mod policy;
mod records;
mod redemption;
mod registry;
mod reporting;
mod settlement;
mod spreadsheet;
mod supervision;
mod training;

/// Implements a service: moves and batches go through [`crate::api::Api`]; the others are its methods of the same name.
macro_rules! service {
    (
        $module:ident::$service:ident;
        moves { $($move:ident($move_request:ident) -> $move_response:ident,)* }
        batches { $($batch:ident($batch_request:ident) -> $batch_response:ident,)* }
        others { $($other:ident($other_request:ident) -> $other_response:ident,)* }
    ) => {
        #[tonic::async_trait]
        impl hefu_wire::v1::$module::$service for crate::api::Api {
            $(async fn $move(
                &self,
                request: tonic::Request<hefu_wire::v1::$move_request>,
            ) -> Result<tonic::Response<hefu_wire::v1::$move_response>, tonic::Status> {
                self.write(request).await
            })*
            $(async fn $batch(
                &self,
                request: tonic::Request<hefu_wire::v1::$batch_request>,
            ) -> Result<tonic::Response<hefu_wire::v1::$batch_response>, tonic::Status> {
                self.batch(request).await
            })*
            $(async fn $other(
                &self,
                request: tonic::Request<hefu_wire::v1::$other_request>,
            ) -> Result<tonic::Response<hefu_wire::v1::$other_response>, tonic::Status> {
                crate::api::Api::$other(self, request).await.map(tonic::Response::new)
            })*
        }
    };
}
use service;

use hefu_wire::v1;
use tonic::service::Routes;

use crate::api::Api;
use crate::services::Services;

/// The services that are mounted.
pub(crate) fn routes(api: &Api, services: &Services) -> Routes {
    let at_the_door = (api.gate.clone(), api.engine.clone());
    let most = api.gate.limits().message_bytes;
    let mut routes = Routes::builder();
    macro_rules! mount {
        ($($module:ident::$Server:ident,)*) => {$(
            if services.mount(v1::$module::SERVICE_NAME) {
                let server = v1::$module::$Server::new(api.clone());
                routes.add_service(server.max_decoding_message_size(most));
            }
        )*};
    }
    mount! {
        access_service_server::AccessServiceServer,
        application_service_server::ApplicationServiceServer,
        assessment_service_server::AssessmentServiceServer,
        audit_service_server::AuditServiceServer,
        funds_service_server::FundsServiceServer,
        issuance_service_server::IssuanceServiceServer,
        people_service_server::PeopleServiceServer,
        policy_service_server::PolicyServiceServer,
        records_service_server::RecordsServiceServer,
        redemption_service_server::RedemptionServiceServer,
        registry_service_server::RegistryServiceServer,
        reporting_service_server::ReportingServiceServer,
        settlement_service_server::SettlementServiceServer,
        spreadsheet_service_server::SpreadsheetServiceServer,
        supervision_service_server::SupervisionServiceServer,
        training_service_server::TrainingServiceServer,
    }
    let app = routes.routes().into_axum_router();
    Routes::from(app.layer(axum::middleware::from_fn_with_state(
        at_the_door,
        door::asked,
    )))
}
