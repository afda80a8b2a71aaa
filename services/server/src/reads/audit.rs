//! Checkpoints, proofs and receipts. The first two are public, as the files that they are made from are; so is a receipt by index.
//! By request id the caller's own are found, by voucher those of a voucher that the caller may see.

use std::collections::BTreeSet;

use hefu_domain::{Key, Region, RequestId, VoucherId};
use hefu_engine::rows;
use hefu_log::proof::{Node, Nodes};
use hefu_log::tile::{tiles_for_consistency, tiles_for_inclusion};
use hefu_log::{
    Checkpoint, LogError, Note, Receipt, TileKind, TilePath, TileSet, consistency_proof,
    inclusion_proof,
};
use hefu_store::{EventRow, RequestKey, StoreError};
use hefu_wire::v1::get_receipt_request::Of;
use hefu_wire::{names, v1};
use tonic::{Request, Status};

use super::{asked, region};
use crate::api::{Api, bad};
use crate::log_files::Published;
use crate::{caller, errors};

/// The most events of one voucher or request whose receipts are answered at once.
const MOST_RECEIPTS: usize = 1_000;

impl Api {
    pub(crate) async fn checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<v1::Checkpoint, Status> {
        let asked = request.get_ref();
        let log = self
            .public_log(&region("name", &asked.name)?, asked.epoch)
            .await?;
        Ok(v1::Checkpoint {
            region: names::region(&log.region),
            epoch: log.epoch,
            size: log.size,
            root: root(&log)?,
            note: log.note,
        })
    }

    pub(crate) async fn inclusion(
        &self,
        request: Request<v1::GetInclusionProofRequest>,
    ) -> Result<v1::InclusionProof, Status> {
        let asked = request.get_ref();
        let log = self
            .public_log(&region("parent", &asked.parent)?, asked.epoch)
            .await?;
        let size = asked.size.unwrap_or(log.size);
        if size > log.size || asked.index >= log.size {
            return Err(errors::not_published());
        }
        if asked.index >= size {
            return Err(bad("index", "must be below the size"));
        }
        let nodes = self
            .nodes(&log, inclusion_tiles(asked.index, size, &log))
            .await?;
        let leaf = Node {
            level: 0,
            index: asked.index,
        };
        let proof = inclusion_proof(asked.index, size, &nodes).map_err(unproven)?;
        Ok(v1::InclusionProof {
            region: names::region(&log.region),
            epoch: log.epoch,
            index: asked.index,
            size,
            leaf_hash: nodes.node(leaf).map_err(unproven)?.0.to_vec(),
            hashes: proof.iter().map(|hash| hash.0.to_vec()).collect(),
            note: self.note_of(&log, size).await?,
        })
    }

    pub(crate) async fn consistency(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<v1::ConsistencyProof, Status> {
        let asked = request.get_ref();
        let log = self
            .public_log(&region("parent", &asked.parent)?, asked.epoch)
            .await?;
        let (from, to) = (asked.from_size, asked.to_size.unwrap_or(log.size));
        if from.max(to) > log.size {
            return Err(errors::not_published());
        }
        if from > to {
            return Err(bad("from_size", "must be at most the later size"));
        }
        let tiles = tiles_for_consistency(from, to).map(|tiles| as_published(tiles, &log));
        let nodes = self.nodes(&log, tiles).await?;
        let proof = consistency_proof(from, to, &nodes).map_err(unproven)?;
        Ok(v1::ConsistencyProof {
            region: names::region(&log.region),
            epoch: log.epoch,
            from_size: from,
            to_size: to,
            hashes: proof.iter().map(|hash| hash.0.to_vec()).collect(),
            note: self.note_of(&log, to).await?,
        })
    }

    pub(crate) async fn receipt(
        &self,
        request: Request<v1::GetReceiptRequest>,
    ) -> Result<v1::GetReceiptResponse, Status> {
        let message = request.get_ref();
        let region = region("parent", &message.parent)?;
        let rows = match &message.of {
            None => return Err(bad("of", "name an index, a request or a voucher")),
            Some(Of::Index(index)) => self.public_event(&region, message.epoch, *index).await?,
            Some(Of::Request(id)) => self.own_request(&region, &request, id).await?,
            Some(Of::Voucher(name)) => self.of_voucher(&region, &request, name).await?,
        };
        let mut receipts = Vec::with_capacity(rows.len());
        for epoch in rows.chunk_by(|one, next| one.epoch == next.epoch) {
            receipts.extend(self.receipts(&region, epoch).await?);
        }
        if receipts.is_empty() {
            return Err(errors::not_signed_yet());
        }
        Ok(v1::GetReceiptResponse { receipts })
    }

    /// The receipts of those of one epoch's events that its last checkpoint covers.
    async fn receipts(
        &self,
        region: &Region,
        rows: &[EventRow],
    ) -> Result<Vec<v1::EventReceipt>, Status> {
        let Some(epoch) = rows.first().map(|row| row.epoch) else {
            return Ok(Vec::new());
        };
        let Some(log) = self.log(region, Some(epoch)).await? else {
            return Ok(Vec::new());
        };
        let covered: Vec<&EventRow> = rows.iter().filter(|row| row.idx < log.size).collect();
        let tiles: Result<Vec<_>, LogError> = covered
            .iter()
            .map(|row| tiles_for_inclusion(row.idx, log.size))
            .collect();
        let nodes = self.nodes(&log, tiles.map(|tiles| tiles.concat())).await?;
        let receipt = |row: &EventRow| {
            let receipt = Receipt {
                entry: row.bytes.clone(),
                index: row.idx,
                proof: inclusion_proof(row.idx, log.size, &nodes).map_err(unproven)?,
                note: log.note.clone(),
            };
            Ok(v1::EventReceipt {
                epoch,
                index: row.idx,
                text: receipt.to_string(),
            })
        };
        covered.into_iter().map(receipt).collect()
    }

    /// One event of a log, if a checkpoint covers it.
    async fn public_event(
        &self,
        region: &Region,
        epoch: Option<u64>,
        index: u64,
    ) -> Result<Vec<EventRow>, Status> {
        let log = self.public_log(region, epoch).await?;
        if index >= log.size {
            return Err(errors::not_published());
        }
        let rows = self
            .engine
            .store()
            .events(region.as_str(), log.epoch, index, 1);
        rows.await.map_err(errors::store)
    }

    /// The events of a request that the caller made. Whoever lost their grant since may still prove what they did.
    async fn own_request<T>(
        &self,
        region: &Region,
        request: &Request<T>,
        id: &str,
    ) -> Result<Vec<EventRow>, Status> {
        let by = caller::of(request)?;
        let id: RequestId = id
            .parse()
            .map_err(|rule: hefu_domain::BadCode| bad("request", rule.to_string()))?;
        let key = RequestKey {
            region: region.to_string(),
            caller: self
                .look(region, |world, _| hefu_domain::subject(world, &by))
                .await?,
            request: id.to_string(),
        };
        let rows = self.engine.store().requests(&[key]).await;
        let rows = rows.map_err(errors::store)?;
        if rows.is_empty() {
            return Err(errors::no_such_request());
        }
        Ok(rows)
    }

    /// A voucher's own events, for whoever may see it.
    async fn of_voucher<T>(
        &self,
        region: &Region,
        request: &Request<T>,
        name: &str,
    ) -> Result<Vec<EventRow>, Status> {
        let (of, id) = asked(|r| r.name::<VoucherId>("voucher", name, "vouchers"))?;
        if of != *region {
            return Err(bad("voucher", "must be of the same region as `parent`"));
        }
        let mut get = Request::new(v1::GetVoucherRequest {
            name: name.to_owned(),
        });
        // Who asks stands there.
        get.extensions_mut().clone_from(request.extensions());
        self.get_voucher(get).await?;
        let stream = rows::stream(&Key::Voucher(id));
        let rows = self
            .engine
            .store()
            .events_of_stream(region.as_str(), &stream, None, MOST_RECEIPTS as u32)
            .await;
        rows.map_err(errors::store)
    }

    /// What is public of a log, or NOT_FOUND.
    async fn public_log(&self, region: &Region, epoch: Option<u64>) -> Result<Published, Status> {
        let log = self.log(region, epoch).await?;
        log.ok_or_else(errors::not_published)
    }

    /// What is public of a log; the current epoch may be named too.
    async fn log(&self, region: &Region, epoch: Option<u64>) -> Result<Option<Published>, Status> {
        let current = self.files.published(region, None).await;
        let current = current.map_err(errors::store)?;
        if epoch.is_none() || epoch == current.as_ref().map(|log| log.epoch) {
            return Ok(current);
        }
        let before = self.files.published(region, epoch).await;
        before.map_err(errors::store)
    }

    /// The tiles at these paths.
    async fn nodes(
        &self,
        log: &Published,
        tiles: Result<Vec<TilePath>, LogError>,
    ) -> Result<TileSet, Status> {
        let once: BTreeSet<TilePath> = tiles.map_err(unproven)?.into_iter().collect();
        let once: Vec<TilePath> = once.into_iter().collect();
        let nodes = self.files.tiles(log, &once).await;
        nodes
            .map_err(errors::store)?
            .ok_or_else(errors::not_published)
    }

    /// The note over a tree of just that size, if one was published.
    async fn note_of(&self, log: &Published, size: u64) -> Result<String, Status> {
        let checkpoint = self.files.checkpoint(&log.region, log.epoch, size).await;
        let exact = checkpoint
            .map_err(errors::store)?
            .filter(|checkpoint| checkpoint.size == size);
        Ok(exact.map(|checkpoint| checkpoint.note).unwrap_or_default())
    }
}

/// The tiles of an inclusion proof and of the leaf that it is about, as the last checkpoint shows them.
fn inclusion_tiles(index: u64, size: u64, log: &Published) -> Result<Vec<TilePath>, LogError> {
    let mut tiles = tiles_for_inclusion(index, size)?;
    let width = u64::from(hefu_log::tile::TILE_WIDTH);
    tiles.extend(TilePath::in_log(
        TileKind::Hashes(0),
        index / width,
        log.size,
    ));
    Ok(as_published(tiles, log))
}

/// A tree of an earlier size stands in the tiles of the published one, which are as wide or wider.
fn as_published(tiles: Vec<TilePath>, log: &Published) -> Vec<TilePath> {
    let wide = |tile: TilePath| TilePath::in_log(tile.kind(), tile.index(), log.size);
    tiles.into_iter().filter_map(wide).collect()
}

/// The root that a published note signs.
fn root(log: &Published) -> Result<Vec<u8>, Status> {
    let checkpoint = Note::parse(&log.note).and_then(|note| note.text().parse::<Checkpoint>());
    let checkpoint = checkpoint.map_err(|_| {
        errors::store(StoreError::Corrupt {
            table: "checkpoint",
            column: "note",
            key: format!("{} epoch {} size {}", log.region, log.epoch, log.size),
        })
    })?;
    Ok(checkpoint.root.0.to_vec())
}

/// Sizes and indexes were checked and every tile is there, so this is a defect of ours.
fn unproven(error: LogError) -> Status {
    tracing::error!(%error, "a proof could not be made");
    errors::internal()
}
