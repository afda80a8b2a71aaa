//! A second signature: a log key of `sm2-sm3` in the state folder signs beside the logs' own, and never for them.

use hefu_domain::Instant;
use hefu_log::{Checkpoint, Note, SecondKey, VerifierKeys, second};
use hefu_server::Signer;
use hefu_tests::engines::Folder;
use hefu_token::Suite;
use hefu_token::keys::{self, KeyError, Use};

use crate::desk::{DEPLOYMENT, Desk, HERE, THERE};
use crate::on_both;
use crate::support::NOW_MS;

/// Makes a second log key, where it is built; else nothing can be made of it.
fn new_second_key(desk: &Desk, seed: u8) -> bool {
    let at = Instant(NOW_MS + i64::from(seed));
    let made = keys::new_key_of(
        desk.field.state.path(),
        (Use::Log, Suite::Sm2Sm3),
        &[seed; 32],
        at,
    );
    if Suite::Sm2Sm3.is_built() {
        made.unwrap();
    } else {
        assert!(matches!(made, Err(KeyError::Suite(_))));
    }
    Suite::Sm2Sm3.is_built()
}

/// The last checkpoint of a region, and which of the second keys on record signed it.
async fn signed(desk: &Desk, region: &str) -> (Note, Vec<SecondKey>) {
    let head = desk.field.head(region).await;
    let row = desk
        .field
        .store()
        .checkpoint(region, head.epoch, u64::MAX)
        .await;
    let text = row.unwrap().unwrap().note;
    let read = on_record(desk);
    let opened = Checkpoint::open(&text, &read.keys).unwrap();
    assert_eq!(
        opened.size, head.size,
        "signed to its end by the log's own key"
    );
    let note = Note::parse(&text).unwrap();
    let by = second::signers(&note, &read.second)
        .unwrap()
        .into_iter()
        .cloned()
        .collect();
    (note, by)
}

fn on_record(desk: &Desk) -> VerifierKeys {
    let text = std::fs::read_to_string(desk.field.state.path().join("log.vkey")).unwrap();
    VerifierKeys::parse(&text).unwrap()
}

on_both! {
    async fn a_second_key_signs_what_is_written_from_its_first_start_on(desk) {
        desk.signs().await;
        if !new_second_key(&desk, 1) {
            return desk.field.close().await;
        }
        // Not before the next start, and not what did not grow.
        desk.write(HERE, 1).await;
        desk.signs().await;
        assert_eq!(signed(&desk, HERE).await.1, []);
        desk.restart();
        desk.write(HERE, 1).await;
        desk.signs().await;
        let (note, by) = signed(&desk, HERE).await;
        assert_eq!((note.signatures().len(), by.len()), (2, 1));
        assert_eq!(by[0].name(), format!("{DEPLOYMENT}/simulated/{HERE}/0"));
        assert_eq!(on_record(&desk).second, by, "on record with its first signature");
        assert_eq!(signed(&desk, THERE).await.0.signatures().len(), 1);
        // A later second key takes its place; both stay on record.
        new_second_key(&desk, 2);
        desk.restart();
        desk.write(HERE, 1).await;
        desk.signs().await;
        let (_, later) = signed(&desk, HERE).await;
        assert_ne!(later, by);
        assert_eq!(on_record(&desk).second, [by, later].concat());
        desk.field.close().await;
    }

    async fn the_log_key_is_rotated_and_a_fork_accepted_as_without_it(desk) {
        let built = new_second_key(&desk, 1);
        desk.restart();
        desk.signs().await;
        let seconds = usize::from(built);
        assert_eq!(signed(&desk, HERE).await.1.len(), seconds);
        let (_, handed_over) = desk.rotate_log_key().await.unwrap();
        assert_eq!(handed_over, 3);
        let (note, by) = signed(&desk, HERE).await;
        assert_eq!((note.signatures().len(), by.len()), (1 + seconds, seconds));
        // The signer's memory is lost: the alarm, then another origin, which the same second key signs under its new name.
        std::fs::remove_file(desk.memory(HERE)).unwrap();
        desk.restart();
        desk.round().await;
        assert!(desk.alarm(HERE).await.is_some());
        let here = HERE.parse().unwrap();
        let origin = desk.accept_fork(&here, "RESTORED_BACKUP".parse().unwrap()).await.unwrap();
        let (_, by) = signed(&desk, HERE).await;
        let names: Vec<&str> = by.iter().map(SecondKey::name).collect();
        assert_eq!(names, vec![origin.to_string(); seconds]);
        desk.field.close().await;
    }

    async fn a_second_key_alone_signs_nothing(desk) {
        let built = new_second_key(&desk, 1);
        let alone = Folder::new("hefu-second");
        for key in keys::list(desk.field.state.path()).unwrap_or_default() {
            if key.suite() == Suite::Sm2Sm3 {
                std::fs::copy(&key.path, alone.path().join(key.path.file_name().unwrap())).unwrap();
            }
        }
        let (store, clock) = (desk.field.store().clone(), desk.field.one.clock().clone());
        let refused = Signer::new(store, clock, alone.path(), DEPLOYMENT).err().unwrap().to_string();
        let words = match built {
            true => "every log key in ",
            false => "there is no log key in ",
        };
        assert!(refused.starts_with(words), "{refused}");
        desk.field.close().await;
    }
}
