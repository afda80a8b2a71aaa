//! A signer whose rounds the test says, over two counties and their city.

use std::path::PathBuf;

use hefu_domain::{Fen, Instant, Reason, Region};
use hefu_engine::Source;
use hefu_log::{Checkpoint, Origin, Vkey};
use hefu_server::signer::Round;
use hefu_server::{Offline, OfflineError, Signer};
use hefu_tests::engines::Engine as Kind;
use hefu_token::keys::{self, Use};

use crate::support::{COUNTIES, Field, NOW_MS, recorded};

/// The county that most of it happens in.
pub(crate) const HERE: &str = COUNTIES[0];
/// Its neighbour, which must never suffer from it.
pub(crate) const THERE: &str = COUNTIES[1];

/// Events of the county when a test begins.
const OPENED: u64 = 11;
/// What the logs of these tests are called, with their made-up clock.
pub(crate) const DEPLOYMENT: &str = "test.hefu.local";

/// A field and its signer.
pub(crate) struct Desk {
    pub(crate) field: Field,
    pub(crate) signer: Signer,
}

impl Desk {
    /// The regions are open and nothing is signed yet.
    pub(crate) async fn open(kind: Kind) -> Desk {
        let field = Field::open(kind, Fen::yuan(1_000)).await;
        let seed = Source::Seeded([6; 32]).draw(&["log"]);
        keys::new_key(field.state.path(), Use::Log, &seed, Instant(NOW_MS)).unwrap();
        let secrets = field.one.people().secrets().fingerprint().to_string();
        let store = field.store();
        store.set_meta("vault", &secrets).await.unwrap();
        let deployment = format!("{DEPLOYMENT} (simulated clock)");
        store.set_meta("deployment", &deployment).await.unwrap();
        let signer = signer(&field);
        let desk = Desk { field, signer };
        desk.write(HERE, 1).await;
        assert_eq!(desk.field.head(HERE).await.size, OPENED);
        desk
    }

    /// One round; whether it raised an alarm is for the test to say.
    pub(crate) async fn round(&mut self) -> Round {
        self.signer.round().await.unwrap()
    }

    /// A round after which no alarm stands.
    pub(crate) async fn signs(&mut self) {
        let round = self.round().await;
        assert!(round.alarmed.is_empty(), "{:?}", self.alarm(HERE).await);
    }

    /// A signer as a process has it that starts now: it knows what stands on the disk and nothing else.
    pub(crate) fn restart(&mut self) {
        self.signer = signer(&self.field);
    }

    /// A signer for somebody else; this one's place is free.
    pub(crate) fn give_signer(&mut self) -> Signer {
        self.restart();
        signer(&self.field)
    }

    /// The regions that `hefu log accept-fork` is about where none is named.
    pub(crate) async fn in_doubt(&mut self) -> Vec<Region> {
        let in_doubt = self.offline().await.in_doubt().await;
        self.restart();
        in_doubt.unwrap()
    }

    /// What `hefu log accept-fork` does.
    pub(crate) async fn accept_fork(
        &mut self,
        region: &Region,
        reason: Reason,
    ) -> Result<Origin, OfflineError> {
        let accepted = self.offline().await.accept_fork(region, reason).await;
        self.restart();
        accepted
    }

    /// What `hefu keys rotate --use log` does.
    pub(crate) async fn rotate_log_key(&mut self) -> Result<(String, usize), OfflineError> {
        let rotated = self.offline().await.rotate_log_key().await;
        self.restart();
        rotated
    }

    async fn offline(&mut self) -> Offline {
        self.restart();
        let store = self.field.store().clone();
        Offline::over(store, self.field.state.path()).await.unwrap()
    }

    /// A log key beside the one that signs, and its name.
    pub(crate) fn new_log_key(&self) -> String {
        let seed = Source::Seeded([6; 32]).draw(&["another"]);
        let key = keys::new_key(
            self.field.state.path(),
            Use::Log,
            &seed,
            Instant(NOW_MS + 1),
        );
        key.unwrap().kid
    }

    /// So many accepted commands in that region, an event each.
    pub(crate) async fn write(&self, region: &str, events: usize) {
        for _ in 0..events {
            let command = self.field.bystander(region);
            recorded(self.field.one.submit(command.into()).await);
        }
    }

    /// What that region's alarm says.
    pub(crate) async fn alarm(&self, region: &str) -> Option<String> {
        self.field.head(region).await.alarm
    }

    /// A round must refuse the county's log, in these words, and sign its neighbour's.
    pub(crate) async fn refuses(&mut self, words: &str) {
        self.write(THERE, 1).await;
        self.round().await;
        let alarm = self.alarm(HERE).await.unwrap_or_default();
        assert!(alarm.starts_with(words), "{alarm:?} is not {words:?}");
        assert_eq!(self.alarm(THERE).await, None);
        let there = self.field.head(THERE).await;
        assert_eq!(self.checkpoint(THERE).await.size, there.size);
    }

    /// The last checkpoint of a region's log, opened with the public keys that the signer publishes.
    pub(crate) async fn checkpoint(&self, region: &str) -> Checkpoint {
        let epoch = self.field.head(region).await.epoch;
        let row = self.field.store().checkpoint(region, epoch, u64::MAX).await;
        let row = row.unwrap().expect("a checkpoint is published");
        let checkpoint = Checkpoint::open(&row.note, &self.vkeys()).unwrap();
        assert_eq!((row.size, row.epoch), (checkpoint.size, epoch));
        checkpoint
    }

    /// The public keys that the signer publishes.
    pub(crate) fn vkeys(&self) -> Vec<Vkey> {
        let text = std::fs::read_to_string(self.field.state.path().join("log.vkey")).unwrap();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    /// The file that holds what is remembered of a region's log.
    pub(crate) fn memory(&self, region: &str) -> PathBuf {
        let folder = self.field.state.path().join("signer");
        folder.join(format!("{region}.state"))
    }
}

fn signer(field: &Field) -> Signer {
    let (store, clock) = (field.store().clone(), field.one.clock().clone());
    Signer::new(store, clock, field.state.path(), DEPLOYMENT).unwrap()
}
