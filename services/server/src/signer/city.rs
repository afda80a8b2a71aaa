//! The logs of cities: each has on record the last published checkpoints of the regions below it, so that one root covers
//! them all, and a county's log that is shown differently to two people contradicts its city's.

use std::collections::BTreeMap;

use hefu_domain::command::RecordCheckpoints;
use hefu_domain::event::RegionTree;
use hefu_domain::state::RegionState;
use hefu_domain::{Code, Command, CredentialId, Digest, Region, RequestId, Stop, World};
use hefu_engine::{Engine, EngineError};
use hefu_log::{Checkpoint, Note};
use hefu_store::{Head, StoreError};

/// Writes checkpoints into the logs of cities, as the deployment's operator.
#[derive(Clone)]
pub struct CityLogs {
    engine: Engine,
    operator: CredentialId,
}

impl CityLogs {
    pub(crate) const fn new(engine: Engine, operator: CredentialId) -> CityLogs {
        CityLogs { engine, operator }
    }

    /// Records what was published since the last time; nothing where no log below grew. Returns how many cities' logs were written.
    ///
    /// # Errors
    /// The engine's. What another process recorded meanwhile is on record, and no error.
    pub async fn record(&self) -> Result<usize, EngineError> {
        let mut regions: BTreeMap<Region, (Head, RegionState)> = BTreeMap::new();
        for head in self.engine.store().all_heads().await? {
            let region: Region = head.region.parse().map_err(|_| corrupt(&head, "region"))?;
            let state = |world: &World, _| Ok::<_, Stop>(world.state_of_region()?.clone());
            if let Ok(state) = self.engine.inspect(&region, state).await? {
                regions.insert(region, (head, state));
            }
        }
        let mut written = 0;
        for (city, (_, state)) in &regions {
            let mut grown = Vec::new();
            for (region, (head, of)) in &regions {
                if of.parent.as_ref() == Some(city) {
                    grown.extend(self.grown(state, region, head).await?);
                }
            }
            if !grown.is_empty() && self.submit(city, grown).await? {
                written += 1;
            }
        }
        Ok(written)
    }

    /// The last published tree of a region's log, if the city has not got it on record.
    async fn grown(
        &self,
        city: &RegionState,
        region: &Region,
        head: &Head,
    ) -> Result<Option<RegionTree>, EngineError> {
        let store = self.engine.store();
        let row = store.checkpoint(region.as_str(), head.epoch, u64::MAX);
        let Some(row) = row.await? else {
            return Ok(None);
        };
        let note = Note::parse(&row.note).and_then(|note| note.text().parse::<Checkpoint>());
        let checkpoint = note.map_err(|_| corrupt(head, "note"))?;
        let recorded = city.recorded.get(region);
        let newer = recorded.is_none_or(|last| (last.epoch, last.size) < (head.epoch, row.size));
        Ok(newer.then(|| RegionTree {
            region: region.clone(),
            epoch: head.epoch,
            size: checkpoint.size,
            root: Digest(checkpoint.root.0),
        }))
    }

    /// True if it was recorded.
    async fn submit(
        &self,
        city: &Region,
        checkpoints: Vec<RegionTree>,
    ) -> Result<bool, EngineError> {
        // The same trees are the same request, so that a lost answer never records them twice.
        let said = serde_json::to_vec(&checkpoints)
            .map_err(|error| EngineError::Unstorable(error.to_string()))?;
        let secrets = self.engine.people().secrets();
        let digest = secrets.request_digest("RecordCheckpoints", &said);
        let name: String = digest.0[..10].iter().map(|b| format!("{b:02x}")).collect();
        let request: RequestId = format!("checkpoints-{name}")
            .parse()
            .map_err(|_| EngineError::Endless)?;
        let command = Command {
            region: city.clone(),
            by: self.operator.clone(),
            request,
            digest,
            seals: Vec::new(),
            act: RecordCheckpoints { checkpoints }.into(),
        };
        match self.engine.submit(command.into()).await {
            Ok(_) => Ok(true),
            Err(EngineError::Refused(refusals)) if refusals.has(Code::CheckpointNotNewer) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

fn corrupt(head: &Head, column: &'static str) -> EngineError {
    EngineError::Store(StoreError::Corrupt {
        table: "head",
        column,
        key: head.region.clone(),
    })
}
