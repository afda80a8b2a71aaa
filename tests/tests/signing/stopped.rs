//! A round that is stopped between any two of its steps, as a crash would, or by a disk that takes nothing more: what was signed is
//! known to the disk, and the next start goes on without a false alarm.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use hefu_log::{Checkpoint, Hash};
use hefu_store::CheckpointRow;
use hefu_tests::engines::Engine as Kind;

use crate::desk::{Desk, HERE};
use crate::on_both;

/// A step of a round at which it is stopped.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The memory cannot be written.
    Memory,
    /// It was, and the public key cannot be put on record.
    Vkeys,
    /// Both were, and the tiles cannot be stored.
    Tiles,
    /// The checkpoint cannot be, and so neither are the tiles.
    Checkpoint,
}

const STEPS: [Step; 4] = [Step::Memory, Step::Vkeys, Step::Tiles, Step::Checkpoint];

impl Step {
    /// Something stands in the way from now on.
    async fn block(self, desk: &Desk) {
        match self.file(desk) {
            // A folder of the name under which the file is first written: no disk takes that.
            Some(file) => fs::create_dir_all(file).unwrap(),
            None => desk.field.tamper(self.refusal(desk)).await,
        }
    }

    async fn unblock(self, desk: &Desk) {
        match (self.file(desk), desk.field.place.engine()) {
            (Some(file), _) => fs::remove_dir(file).unwrap(),
            (None, Kind::Sqlite) => desk.field.tamper("DROP TRIGGER in_the_way").await,
            (None, Kind::Postgres) => desk.field.tamper("DROP FUNCTION in_the_way CASCADE").await,
        }
    }

    fn file(self, desk: &Desk) -> Option<PathBuf> {
        let mut name = match self {
            Step::Memory => desk.memory(HERE),
            Step::Vkeys => desk.field.state.path().join("log.vkey"),
            Step::Tiles | Step::Checkpoint => return None,
        }
        .into_os_string();
        name.push(".new");
        Some(name.into())
    }

    fn refusal(self, desk: &Desk) -> &'static str {
        let table = if let Step::Tiles = self {
            "tile"
        } else {
            "checkpoint"
        };
        let sql = match desk.field.place.engine() {
            Kind::Sqlite => format!("CREATE TRIGGER in_the_way BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"),
            Kind::Postgres => format!(
                "CREATE FUNCTION in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full'; END $$;
                 CREATE TRIGGER in_the_way BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION in_the_way()"
            ),
        };
        Box::leak(sql.into_boxed_str())
    }
}

/// The county's checkpoints by size. Each must be of the log's own events, and none may go beyond what the disk remembers.
async fn published(desk: &Desk) -> BTreeMap<u64, CheckpointRow> {
    let rows = desk
        .field
        .store()
        .checkpoints(HERE, 0, 0, 100)
        .await
        .unwrap();
    let events = desk.field.store().events(HERE, 0, 0, 10_000).await.unwrap();
    let remembered = fs::read_to_string(desk.memory(HERE)).map_or(0, |text| {
        let size = text.lines().find_map(|line| line.strip_prefix("size: "));
        size.unwrap().parse().unwrap()
    });
    for row in &rows {
        let checkpoint = Checkpoint::open(&row.note, &desk.vkeys()).unwrap();
        let mut tree = hefu_log::Frontier::new();
        events[..row.size as usize]
            .iter()
            .for_each(|event| tree.push(Hash(event.leaf)));
        assert_eq!((checkpoint.size, checkpoint.root), (row.size, tree.root()));
        assert!(
            row.size <= remembered,
            "{} is signed and {remembered} remembered",
            row.size
        );
    }
    rows.into_iter().map(|row| (row.size, row)).collect()
}

/// A round stopped at that step, after which the process ends or goes on; the log may grow before the next round.
async fn stopped(desk: &mut Desk, step: Step, ends: bool, grows: usize) {
    let before = published(desk).await;
    desk.write(HERE, 260).await;
    step.block(desk).await;
    assert!(
        desk.signer.round().await.is_err(),
        "{step:?} was in the way"
    );
    assert_eq!(
        published(desk).await,
        before,
        "{step:?}: nothing was published"
    );
    assert!(desk.signer.round().await.is_err(), "{step:?} still is");
    if ends {
        desk.restart();
    }
    step.unblock(desk).await;
    desk.write(HERE, grows).await;
    desk.signs().await;
    let mut after = published(desk).await;
    assert_eq!(
        after.pop_last().map(|(size, _)| size),
        Some(desk.field.head(HERE).await.size)
    );
    assert_eq!(
        after, before,
        "{step:?}: one checkpoint more, the others untouched"
    );
    desk.restart();
    assert_eq!(
        desk.round().await.published,
        [],
        "the next start has nothing to do"
    );
}

on_both! {
    async fn a_first_round_that_is_stopped_anywhere_is_made_up_for(desk) {
        let kind = desk.field.place.engine();
        for step in STEPS {
            desk = Desk::open(kind).await;
            stopped(&mut desk, step, true, 0).await;
        }
        desk.field.close().await;
    }

    async fn a_later_round_that_is_stopped_anywhere_is_made_up_for_by_the_next_start(desk) {
        desk.signs().await;
        // The public keys are on record from the first round on.
        for step in [Step::Memory, Step::Tiles, Step::Checkpoint] {
            stopped(&mut desk, step, true, 0).await;
            stopped(&mut desk, step, true, 1).await;
        }
        desk.field.close().await;
    }

    async fn a_later_round_that_is_stopped_anywhere_is_made_up_for_by_the_same_process(desk) {
        desk.signs().await;
        for step in [Step::Memory, Step::Tiles, Step::Checkpoint] {
            stopped(&mut desk, step, false, 0).await;
            stopped(&mut desk, step, false, 1).await;
        }
        desk.field.close().await;
    }

    async fn what_somebody_left_of_a_file_that_was_being_written_is_written_over(desk) {
        desk.signs().await;
        let mut torn = desk.memory(HERE).into_os_string();
        torn.push(".new");
        fs::write(torn, "hefu signer state, version 1\norigin: ").unwrap();
        desk.restart();
        desk.write(HERE, 1).await;
        desk.signs().await;
        published(&desk).await;
        desk.field.close().await;
    }
}
