//! The file of wrapped keys: what must survive, what must not, and what must never be overwritten.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the test's answer"
)]

use std::collections::HashSet;
use std::fs;

use crate::common::{Folder, data_key, kms, owner};
use hefu_domain::Instant;
use hefu_vault::{Kms, Owner, VaultError, Wrapped, WrappedKeys};

const MORNING: Instant = Instant(1_000);
const EVENING: Instant = Instant(2_000);
const NIGHT: Instant = Instant(3_000);

fn wrapped(n: u8) -> Wrapped {
    Wrapped::from_bytes(vec![n; 69])
}

fn owners(range: std::ops::Range<u8>) -> Vec<Owner> {
    range.map(owner).collect()
}

#[test]
fn keys_survive_a_restart_and_come_in_the_order_asked_for() {
    let folder = Folder::new("restart");
    let kms = kms(&folder);
    let put: Vec<_> = (1..=3)
        .map(|n| {
            (
                owner(n),
                kms.wrap_key(&owner(n), &data_key(n), [n; 12]).unwrap(),
            )
        })
        .collect();
    WrappedKeys::open(&folder)
        .unwrap()
        .put_many(&put, MORNING)
        .unwrap();

    let store = WrappedKeys::open(&folder).unwrap();
    let got = store
        .get_many(&[owner(3), owner(9), owner(1), owner(3)])
        .unwrap();
    let keys: Vec<_> = got
        .iter()
        .map(|w| w.as_ref().map(|w| w.as_bytes().to_vec()))
        .collect();
    assert_eq!(keys[0].as_deref(), Some(put[2].1.as_bytes()));
    assert_eq!(keys[1], None);
    assert_eq!(keys[3], keys[0]);
    assert_eq!(
        kms.unwrap_key(&owner(1), got[2].as_ref().unwrap()).unwrap(),
        data_key(1)
    );
}

#[test]
fn putting_the_same_key_again_is_harmless_and_another_one_is_refused_with_all_of_its_batch() {
    let folder = Folder::new("again");
    let store = WrappedKeys::open(&folder).unwrap();
    store.put_many(&[(owner(1), wrapped(1))], MORNING).unwrap();
    store
        .put_many(&[(owner(1), wrapped(1)), (owner(2), wrapped(2))], EVENING)
        .unwrap();
    let refused = store.put_many(&[(owner(3), wrapped(3)), (owner(1), wrapped(9))], EVENING);
    assert!(
        matches!(&refused, Err(VaultError::KeyReplaced(o)) if *o == owner(1)),
        "{refused:?}"
    );
    assert_eq!(
        store.get_many(&owners(1..4)).unwrap(),
        [Some(wrapped(1)), Some(wrapped(2)), None]
    );
}

#[test]
fn a_removed_key_is_gone_from_every_file() {
    let folder = Folder::new("erase");
    let store = WrappedKeys::open(&folder).unwrap();
    let canary = Wrapped::from_bytes(b"canary-of-a-wrapped-key-that-must-not-stay".repeat(2));
    store
        .put_many(
            &[(owner(1), canary.clone()), (owner(2), wrapped(2))],
            MORNING,
        )
        .unwrap();
    let on_disk = || {
        fs::read_dir(&*folder).unwrap().any(|entry| {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            bytes.windows(24).any(|w| w == &canary.as_bytes()[..24])
        })
    };
    assert!(on_disk(), "the test can find it");
    assert_eq!(store.erase(&[owner(1), owner(7)]).unwrap(), 1);
    assert_eq!(store.erase(&[owner(1)]).unwrap(), 0);
    assert!(!on_disk());
    assert_eq!(
        store.get_many(&owners(1..3)).unwrap(),
        [None, Some(wrapped(2))]
    );
}

#[test]
fn a_sweep_takes_old_orphans_and_nothing_else() {
    let folder = Folder::new("sweep");
    let store = WrappedKeys::open(&folder).unwrap();
    let put = |range: std::ops::Range<u8>, at| {
        let keys: Vec<_> = range.map(|n| (owner(n), wrapped(n))).collect();
        store.put_many(&keys, at).unwrap();
    };
    put(1..5, MORNING);
    put(5..7, NIGHT);
    put(4..5, NIGHT); // a retry came back to the fourth
    let known: HashSet<Owner> = owners(1..3).into_iter().collect();
    assert_eq!(
        store
            .sweep_orphans(EVENING, &mut |page| Some(
                page.iter().map(|o| known.contains(o)).collect()
            ))
            .unwrap(),
        1
    );
    let left: Vec<bool> = store
        .get_many(&owners(1..7))
        .unwrap()
        .iter()
        .map(Option::is_some)
        .collect();
    assert_eq!(left, [true, true, false, true, true, true]);
    assert_eq!(
        store
            .sweep_orphans(EVENING, &mut |page| Some(
                page.iter().map(|o| known.contains(o)).collect()
            ))
            .unwrap(),
        0
    );
}

#[test]
fn a_key_put_again_while_the_sweep_looks_stays() {
    let folder = Folder::new("sweep-race");
    let (store, other) = (
        WrappedKeys::open(&folder).unwrap(),
        WrappedKeys::open(&folder).unwrap(),
    );
    store.put_many(&[(owner(1), wrapped(1))], MORNING).unwrap();
    let swept = store.sweep_orphans(EVENING, &mut |page| {
        other
            .put_many(&[(page[0].clone(), wrapped(1))], NIGHT)
            .unwrap();
        Some(vec![false; page.len()])
    });
    assert_eq!(swept.unwrap(), 0);
    assert_eq!(store.get_many(&[owner(1)]).unwrap(), [Some(wrapped(1))]);
}

#[test]
fn a_sweep_passes_through_more_rows_than_it_takes_at_a_time() {
    let folder = Folder::new("sweep-many");
    let store = WrappedKeys::open(&folder).unwrap();
    let all: Vec<(Owner, Wrapped)> = (0..2500u32)
        .map(|n| {
            (
                format!("140725/person/0190a5e0-0000-7000-8000-{n:012x}")
                    .parse()
                    .unwrap(),
                wrapped(1),
            )
        })
        .collect();
    store.put_many(&all, MORNING).unwrap();
    let mut asked = 0;
    let swept = store.sweep_orphans(EVENING, &mut |page| {
        asked += page.len();
        Some((0..page.len()).map(|n| n % 2 == 1).collect())
    });
    assert_eq!((swept.unwrap(), asked), (1250, 2500));
    // The next sweep looks at what was put since, and at nothing else.
    store.put_many(&[(owner(1), wrapped(1))], NIGHT).unwrap();
    let mut asked = Vec::new();
    let later = Instant(NIGHT.0 + 1);
    let swept = store.sweep_orphans(later, &mut |page| {
        asked.extend_from_slice(page);
        Some(vec![true; page.len()])
    });
    assert_eq!((swept.unwrap(), asked), (0, vec![owner(1)]));
}

#[test]
fn who_cannot_tell_whose_keys_they_are_destroys_none() {
    let folder = Folder::new("sweep-blind");
    let store = WrappedKeys::open(&folder).unwrap();
    store.put_many(&[(owner(1), wrapped(1))], MORNING).unwrap();
    assert_eq!(store.sweep_orphans(EVENING, &mut |_| None).unwrap(), 0);
    assert_eq!(store.get_many(&[owner(1)]).unwrap(), [Some(wrapped(1))]);
    // Nor does that count as a sweep.
    let swept = store.sweep_orphans(EVENING, &mut |page| Some(vec![false; page.len()]));
    assert_eq!(swept.unwrap(), 1);
}

#[test]
fn of_many_writers_with_different_keys_for_one_owner_exactly_one_wins() {
    let folder = Folder::new("race");
    let store = WrappedKeys::open(&folder).unwrap();
    let wins = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|n| {
                let store = &store;
                scope.spawn(move || store.put_many(&[(owner(1), wrapped(n))], MORNING))
            })
            .collect();
        writers
            .into_iter()
            .map(|w| w.join().unwrap())
            .filter(Result::is_ok)
            .count()
    });
    assert_eq!(wins, 1);
}

#[cfg(unix)]
#[test]
fn no_file_of_the_store_is_readable_by_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("mode");
    let store = WrappedKeys::open(&folder).unwrap();
    store.put_many(&[(owner(1), wrapped(1))], MORNING).unwrap();
    for entry in fs::read_dir(&*folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o077,
            0,
            "{}",
            path.display()
        );
    }
    drop(store);
    let path = folder.join("wrapped-keys.sqlite");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(
        WrappedKeys::open(&folder)
            .unwrap_err()
            .to_string()
            .contains("chmod 600")
    );
}

#[test]
fn another_programs_file_is_left_alone() {
    let folder = Folder::new("foreign");
    let path = folder.join("wrapped-keys.sqlite");
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(foreign);
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(matches!(
        WrappedKeys::open(&folder),
        Err(VaultError::UnknownStore(_))
    ));
}
