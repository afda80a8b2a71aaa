//! Logs of any size without a server: made-up events, and their checkpoints and tiles as the signer would publish them.

use hefu_domain::Digest;
use hefu_domain::event::{ForkAccepted, LogTree};
use hefu_log::tile::TILE_WIDTH;
use hefu_log::{
    Checkpoint, Envelope, Frontier, Hash, NoteSigner, Origin, Tile, TileBuilder, TileKind, Vkey,
};
use hefu_store::{
    CheckpointRow, Commit, EventRow, Head, Outcome, RegionCommit, Store, TileKey, TileRow,
};
use serde::Serialize;
use sqlx::Connection as _;

use crate::engines::Place;

/// The deployment of these logs.
pub const DEPLOYMENT: &str = "test.hefu.local";

/// Events of one transaction.
const BATCH: u64 = 5_000;

/// 2023-05-10 10:00 in Asia/Shanghai, Unix milliseconds, and as it stands in an event.
const AT_MS: i64 = 1_683_684_000_000;
const AT: &str = "2023-05-10T02:00:00.000Z";

/// One region's made-up log.
#[derive(Debug, Clone)]
pub struct Made {
    pub region: &'static str,
    pub epoch: u64,
    /// The leaf of every event of this epoch.
    pub leaves: Vec<Hash>,
    /// What this epoch goes on from.
    kept: Option<LogTree>,
}

impl Made {
    /// Opens a region's log with one event.
    pub async fn open(store: &Store, region: &'static str) -> Made {
        let mut made = Made {
            region,
            epoch: 0,
            leaves: Vec::new(),
            kept: None,
        };
        made.write(store, None, 1).await;
        made
    }

    /// Writes so many events more.
    pub async fn grow(&mut self, store: &Store, mut by: u64) {
        while by > 0 {
            let now = by.min(BATCH);
            let head = self.head(store).await;
            self.write(store, Some(head), now).await;
            by -= now;
        }
    }

    /// Begins the next epoch with the event that says what it goes on from: everything that was written.
    pub async fn fork(&mut self, store: &Store) {
        let head = self.head(store).await;
        self.kept = Some(LogTree {
            epoch: head.epoch,
            size: head.size,
            root: Digest(head.root),
        });
        self.epoch += 1;
        self.leaves.clear();
        self.write(store, Some(head), 1).await;
    }

    /// Publishes the log's first `size` events: every full tile, and a checkpoint.
    pub async fn publish(&self, store: &Store, size: u64) -> String {
        let mut full = Vec::new();
        let mut builder = TileBuilder::new();
        for leaf in &self.leaves[..size as usize] {
            builder.push(*leaf, |tile| full.push(tile));
        }
        let checkpoint = Checkpoint {
            origin: self.origin(),
            size,
            root: builder.frontier().expect("a small log").root(),
        };
        let note = checkpoint
            .sign(&self.signer())
            .expect("the log's own key")
            .to_string();
        let row = CheckpointRow {
            region: self.region.to_owned(),
            epoch: self.epoch,
            size,
            at_ms: AT_MS,
            note: note.clone(),
        };
        let tiles = full.iter().map(|tile| self.tile(tile)).collect();
        store
            .publish(tiles, vec![row])
            .await
            .expect("the store publishes");
        note
    }

    /// What the log is called.
    pub fn origin(&self) -> Origin {
        Origin::new(DEPLOYMENT, self.region, self.epoch).expect("a well-formed origin")
    }

    /// The key that its checkpoints are verified with.
    pub fn vkey(&self) -> Vkey {
        self.signer().vkey().clone()
    }

    fn signer(&self) -> NoteSigner {
        NoteSigner::new(&self.origin().to_string(), &[5; 32]).expect("a key named as its log")
    }

    async fn head(&self, store: &Store) -> Head {
        let heads = store
            .heads(&[self.region.to_owned()])
            .await
            .expect("the store reads");
        heads.into_iter().next().expect("an open log")
    }

    async fn write(&mut self, store: &Store, read: Option<Head>, count: u64) {
        let from = self.leaves.len() as u64;
        let events: Vec<EventRow> = (from..from + count)
            .map(|index| self.event(index))
            .collect();
        self.leaves
            .extend(events.iter().map(|event| Hash(event.leaf)));
        let mut frontier = Frontier::new();
        self.leaves.iter().for_each(|leaf| frontier.push(*leaf));
        let next = Head {
            region: self.region.to_owned(),
            epoch: self.epoch,
            size: frontier.size(),
            root: frontier.root().0,
            frontier: frontier.to_bytes(),
            at_ms: AT_MS,
            fence: self.epoch + 1,
            alarm: None,
        };
        let commit = Commit {
            regions: vec![RegionCommit {
                read,
                next,
                events,
                rows: Vec::new(),
            }],
            ..Commit::default()
        };
        assert_eq!(store.commit(commit).await, Ok(Outcome::Committed));
    }

    /// An event whose length depends on its index, so that bundles are no grid.
    fn event(&self, index: u64) -> EventRow {
        match &self.kept {
            Some(kept) if index == 0 => {
                let fork = ForkAccepted {
                    reason: "BACKUP_RESTORED".parse().expect("a code"),
                    signed: None,
                    kept: *kept,
                };
                self.row(index, "ForkAccepted", fork)
            }
            Some(_) | None => self.row(index, "Made,\"up\"", "事".repeat(index as usize % 7)),
        }
    }

    fn row(&self, index: u64, kind: &str, body: impl Serialize) -> EventRow {
        let stream = format!("voucher/{index}");
        let request = format!("{}-{index}", self.epoch);
        let encoded = Envelope {
            region: self.region,
            index,
            at: AT,
            kind,
            stream: &stream,
            version: 1,
            prev: None,
            caller: "clerk",
            request: &request,
            digest: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            policy: None,
            body,
        }
        .encode()
        .expect("a well-formed event");
        EventRow {
            region: self.region.to_owned(),
            epoch: self.epoch,
            idx: index,
            kind: kind.to_owned(),
            stream,
            version: 1,
            caller: Some("clerk".to_owned()),
            request,
            ordinal: 0,
            digest: vec![0; 32],
            at_ms: AT_MS,
            leaf: encoded.leaf.0,
            bytes: encoded.bytes,
        }
    }

    fn tile(&self, tile: &Tile) -> TileRow {
        let path = tile.path();
        assert_eq!(path.width(), TILE_WIDTH);
        let TileKind::Hashes(level) = path.kind() else {
            panic!("{path} holds no hashes")
        };
        TileRow {
            key: TileKey {
                region: self.region.to_owned(),
                epoch: self.epoch,
                level,
                idx: path.index(),
            },
            hashes: tile.to_bytes(),
        }
    }
}

/// Removes every tile, as somebody with the database's password could.
pub async fn forget_tiles(place: &Place) {
    tamper(place, "DELETE FROM tile").await;
}

/// Does whatever somebody with the database's password could.
pub async fn tamper(place: &Place, sql: &'static str) {
    const OPENS: &str = "the database opens";
    const OBEYS: &str = "the database obeys";
    match place {
        Place::Sqlite(_) => {
            let file = place.url();
            let mut conn = sqlx::SqliteConnection::connect(&file).await.expect(OPENS);
            sqlx::query(sql).execute(&mut conn).await.expect(OBEYS);
        }
        Place::Postgres(database) => {
            let url = database.url();
            let mut conn = sqlx::PgConnection::connect(url).await.expect(OPENS);
            sqlx::query(sql).execute(&mut conn).await.expect(OBEYS);
        }
    }
}
