//! Reading the log: the stored bytes, and nothing made from them.

use std::time::Duration;

use hefu_domain::{CredentialId, Instant, Key, Region, Rpc, VoucherId};
use hefu_engine::rows;
use hefu_store::{EventRow, Head};
use hefu_wire::v1::audit_service_server::AuditService;
use hefu_wire::{names, show, v1};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::api::Api;
use crate::reads::{fitting, region};
use crate::{caller, errors};

/// Events of one page.
const PAGE: u32 = 500;
/// Messages that may wait for a slow reader.
const BUFFER: usize = 32;
/// How often a follower looks for new events.
const FOLLOW: Duration = Duration::from_millis(200);
/// The most events of one voucher's history.
const MOST_HISTORY: u32 = 1_000;

#[tonic::async_trait]
impl AuditService for Api {
    type StreamEventsStream = ReceiverStream<Result<v1::EventRecord, Status>>;

    async fn get_head(
        &self,
        request: Request<v1::GetHeadRequest>,
    ) -> Result<Response<v1::Head>, Status> {
        let region = region("name", &request.get_ref().name)?;
        self.admit(Rpc::GetHead, &request, &region).await?;
        let head = self.head(&region).await?;
        Ok(Response::new(v1::Head {
            name: names::region(&region),
            epoch: head.epoch,
            size: head.size,
            root: head.root.to_vec(),
            at: Some(show::timestamp(Instant(head.at_ms))),
        }))
    }

    async fn list_events(
        &self,
        request: Request<v1::ListEventsRequest>,
    ) -> Result<Response<v1::ListEventsResponse>, Status> {
        let asked = request.get_ref();
        let region = region("parent", &asked.parent)?;
        self.admit(Rpc::ListEvents, &request, &region).await?;
        let head = self.head(&region).await?;
        let size = if asked.page_size == 0 {
            100
        } else {
            asked.page_size.min(1_000)
        };
        let mut rows = self
            .engine
            .store()
            .events(region.as_str(), head.epoch, asked.from_index, size)
            .await
            .map_err(errors::store)?;
        rows.truncate(fitting(rows.iter().map(|row| row.bytes.len())));
        let next = asked.from_index.saturating_add(rows.len() as u64);
        let next_index = if next < head.size && !rows.is_empty() {
            next
        } else {
            0
        };
        Ok(Response::new(v1::ListEventsResponse {
            events: rows.iter().map(|row| record(&region, row)).collect(),
            next_index,
        }))
    }

    async fn stream_events(
        &self,
        request: Request<v1::StreamEventsRequest>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        let asked = request.get_ref().clone();
        let region = region("parent", &asked.parent)?;
        let by = caller::of(&request)?;
        self.sight_of(Rpc::StreamEvents, &by, &region).await?;
        let stream = self.gate.stream(&by)?;
        let current = self.head(&region).await?.epoch;
        let (sender, receiver) = tokio::sync::mpsc::channel(BUFFER);
        let api = self.clone();
        tokio::spawn(async move {
            // The caller's place among open streams, as long as anybody reads this one.
            let _stream = stream;
            let mut from = (asked.from_epoch.unwrap_or(current), asked.from_index);
            loop {
                let rows = match api.next_events(&by, &region, from).await {
                    Ok(rows) => rows,
                    Err(status) => {
                        // The reader may have gone already; there is nobody else to tell.
                        let _ = sender.send(Err(status)).await;
                        return;
                    }
                };
                let full = rows.len() == PAGE as usize;
                for row in &rows {
                    // The channel is bounded: a slow reader slows this down and nothing else.
                    if sender.send(Ok(record(&region, row))).await.is_err() {
                        return;
                    }
                    from = (row.epoch, row.idx + 1);
                }
                if !full {
                    if !asked.follow {
                        return;
                    }
                    tokio::select! {
                        () = sender.closed() => return,
                        () = tokio::time::sleep(FOLLOW) => {}
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn voucher_history(
        &self,
        request: Request<v1::VoucherHistoryRequest>,
    ) -> Result<Response<v1::VoucherHistoryResponse>, Status> {
        let name = &request.get_ref().name;
        let (region, id) = self
            .asked(Rpc::VoucherHistory, &request, |r| {
                r.name::<VoucherId>("name", name, "vouchers")
            })
            .await?;
        self.admit(Rpc::VoucherHistory, &request, &region).await?;
        let own = self.stream(&region, &Key::Voucher(id)).await?;
        // What the voucher's own events point at: its classes, sessions and sheets.
        let mut others = Vec::new();
        for row in &own {
            let event = hefu_engine::decode(row).map_err(errors::status)?;
            others.extend(points_at(&event));
        }
        others.sort();
        others.dedup();
        let mut events = own;
        for key in &others {
            events.extend(self.stream(&region, key).await?);
        }
        events.sort_by_key(|row| (row.epoch, row.idx));
        Ok(Response::new(v1::VoucherHistoryResponse {
            events: events.iter().map(|row| record(&region, row)).collect(),
        }))
    }

    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::Checkpoint>, Status> {
        self.checkpoint(request).await.map(Response::new)
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<v1::GetInclusionProofRequest>,
    ) -> Result<Response<v1::InclusionProof>, Status> {
        self.inclusion(request).await.map(Response::new)
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::ConsistencyProof>, Status> {
        self.consistency(request).await.map(Response::new)
    }

    async fn get_receipt(
        &self,
        request: Request<v1::GetReceiptRequest>,
    ) -> Result<Response<v1::GetReceiptResponse>, Status> {
        self.receipt(request).await.map(Response::new)
    }
}

impl Api {
    /// The next events of a stream, on into the epochs after, for whoever may still read them: a grant may end while a log is followed.
    async fn next_events(
        &self,
        by: &CredentialId,
        region: &Region,
        from: (u64, u64),
    ) -> Result<Vec<EventRow>, Status> {
        self.sight_of(Rpc::StreamEvents, by, region).await?;
        let rows = self
            .engine
            .store()
            .events_onwards(region.as_str(), from, PAGE);
        rows.await.map_err(errors::store)
    }

    async fn head(&self, region: &Region) -> Result<Head, Status> {
        let heads = self
            .engine
            .store()
            .heads(&[region.to_string()])
            .await
            .map_err(errors::store)?;
        heads
            .into_iter()
            .next()
            .ok_or_else(|| errors::stop(hefu_domain::Code::RegionNotFound.into()))
    }

    async fn stream(&self, region: &Region, key: &Key) -> Result<Vec<EventRow>, Status> {
        let rows = self
            .engine
            .store()
            .events_of_stream(region.as_str(), &rows::stream(key), None, MOST_HISTORY)
            .await;
        let rows = rows.map_err(errors::store)?;
        if rows.is_empty() && matches!(key, Key::Voucher(_)) {
            return Err(errors::stop(hefu_domain::Code::VoucherNotFound.into()));
        }
        Ok(rows)
    }
}

fn points_at(event: &hefu_domain::Event) -> Option<Key> {
    use hefu_domain::Event;
    match event {
        Event::Enrolled(e) => Some(Key::Class(e.class)),
        Event::Assessed(e) => Some(Key::Session(e.session)),
        Event::Redeemed(e) => Some(Key::Sheet(e.sheet)),
        _ => None,
    }
}

fn record(region: &Region, row: &EventRow) -> v1::EventRecord {
    v1::EventRecord {
        region: names::region(region),
        index: row.idx,
        kind: row.kind.clone(),
        stream: row.stream.clone(),
        at: Some(show::timestamp(Instant(row.at_ms))),
        leaf_hash: row.leaf.to_vec(),
        canonical: row.bytes.clone(),
        epoch: row.epoch,
    }
}
