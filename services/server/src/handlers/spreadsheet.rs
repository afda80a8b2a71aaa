//! Spreadsheets: the handlers.

use hefu_wire::v1;
use hefu_wire::v1::spreadsheet_service_server::SpreadsheetService;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::api::Api;
use crate::caller;
use crate::sheets::Import;

/// Messages that may wait for a slow reader.
const BUFFER: usize = 2;

#[tonic::async_trait]
impl SpreadsheetService for Api {
    type ImportSheetStream = ReceiverStream<Result<v1::ImportSheetResponse, Status>>;

    async fn get_template(
        &self,
        request: Request<v1::GetTemplateRequest>,
    ) -> Result<Response<v1::GetTemplateResponse>, Status> {
        self.template(request).await.map(Response::new)
    }

    async fn import_sheet(
        &self,
        request: Request<Streaming<v1::ImportSheetRequest>>,
    ) -> Result<Response<Self::ImportSheetStream>, Status> {
        let by = caller::of(&request)?;
        let stream = self.gate.stream(&by)?;
        let (import, file) = Import::receive(self, by, request.into_inner()).await?;
        let (sender, receiver) = tokio::sync::mpsc::channel(BUFFER);
        tokio::spawn(async move {
            // The caller's place among open streams, as long as the sheet is worked on.
            let _stream = stream;
            if let Err(status) = import.run(file, sender.clone()).await {
                // The reader may have gone already; what was written stays written.
                let _ = sender.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn export_sheet(
        &self,
        request: Request<v1::ExportSheetRequest>,
    ) -> Result<Response<v1::ExportSheetResponse>, Status> {
        self.exported(request).await.map(Response::new)
    }

    async fn export_payouts(
        &self,
        request: Request<v1::ExportPayoutsRequest>,
    ) -> Result<Response<v1::ExportPayoutsResponse>, Status> {
        self.write(request).await
    }
}
