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
mod redemption;
mod registry;
mod settlement;
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

/// The services by name, for the health check.
pub(crate) const NAMES: [&str; 13] = [
    v1::access_service_server::SERVICE_NAME,
    v1::application_service_server::SERVICE_NAME,
    v1::assessment_service_server::SERVICE_NAME,
    v1::audit_service_server::SERVICE_NAME,
    v1::funds_service_server::SERVICE_NAME,
    v1::issuance_service_server::SERVICE_NAME,
    v1::people_service_server::SERVICE_NAME,
    v1::policy_service_server::SERVICE_NAME,
    v1::redemption_service_server::SERVICE_NAME,
    v1::registry_service_server::SERVICE_NAME,
    v1::settlement_service_server::SERVICE_NAME,
    v1::supervision_service_server::SERVICE_NAME,
    v1::training_service_server::SERVICE_NAME,
];

/// Every service of the API.
pub(crate) fn routes(api: Api) -> Routes {
    let gate = api.gate.clone();
    let most = gate.limits().message_bytes;
    let mut routes = Routes::builder();
    routes.add_service(
        v1::access_service_server::AccessServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::application_service_server::ApplicationServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::assessment_service_server::AssessmentServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::funds_service_server::FundsServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::issuance_service_server::IssuanceServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::people_service_server::PeopleServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::policy_service_server::PolicyServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::redemption_service_server::RedemptionServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::registry_service_server::RegistryServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::settlement_service_server::SettlementServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::supervision_service_server::SupervisionServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::training_service_server::TrainingServiceServer::new(api.clone())
            .max_decoding_message_size(most),
    );
    routes.add_service(
        v1::audit_service_server::AuditServiceServer::new(api).max_decoding_message_size(most),
    );
    let app = routes.routes().into_axum_router();
    Routes::from(app.layer(axum::middleware::from_fn_with_state(gate, door::asked)))
}
