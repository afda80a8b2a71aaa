//! Rotating the key encryption key, also under whoever wraps meanwhile, and after a rotation that stopped half-way.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Folder, MADE, data_key, kms, owner, secrets};
use hefu_domain::Instant;
use hefu_vault::{FileKms, Kms, Nonce, Owner, Rotated, VaultError, Wrapped, WrappedKeys};

const LATER: Instant = Instant(9_000);

/// Randomness that anybody can guess, another at every draw.
fn random(from: u8) -> impl FnMut(&mut [u8]) {
    let mut n = from;
    move |buffer: &mut [u8]| {
        n = n.wrapping_add(1);
        buffer.fill(n);
    }
}

fn rotate(folder: &Folder, from: u8) -> Result<Rotated, VaultError> {
    hefu_vault::rotate_kek(folder, LATER, &mut random(from), &mut |_| {})
}

fn nonce() -> Nonce {
    [9; 12]
}

fn wrap(kms: &FileKms, n: u8) -> (Owner, Wrapped) {
    let wrapped = kms.wrap_key(&owner(n), &data_key(n), [n; 12]).unwrap();
    (owner(n), wrapped)
}

/// Whether the keys of these owners open, each to its own.
fn all_open(folder: &Folder, kms: &FileKms, owners: std::ops::Range<u8>) -> bool {
    let store = WrappedKeys::open(folder).unwrap();
    owners.into_iter().all(|n| {
        let wrapped = store.get_many(&[owner(n)]).unwrap().remove(0).unwrap();
        kms.unwrap_key(&owner(n), &wrapped).unwrap() == data_key(n)
    })
}

#[test]
fn every_data_key_opens_after_a_rotation_and_none_needs_the_old_key() {
    let folder = Folder::new("rotate");
    let before = kms(&folder);
    let store = WrappedKeys::open(&folder).unwrap();
    let keys: Vec<_> = (1..200).map(|n| wrap(&before, n)).collect();
    store.put_many(&keys, MADE).unwrap();
    let old = before.active();
    let fingerprint = secrets(&folder).fingerprint();

    let rotated = rotate(&folder, 50).unwrap();
    assert_eq!(rotated.data_keys, 199);
    assert_eq!(rotated.retired, [old]);
    assert_eq!(store.retired().unwrap(), [(old, true)]);
    // Whoever runs still finds the new key when a data key names it.
    assert!(all_open(&folder, &before, 1..200));
    assert_eq!(before.active(), rotated.active);
    // The old key is needed for nothing that stands here, and nothing of it is left in the file.
    fs::remove_file(folder.join(format!("kek-{old}.key"))).unwrap();
    let after = FileKms::open(&folder).unwrap();
    assert!(all_open(&folder, &after, 1..200));
    for name in ["wrapped-keys.sqlite", "wrapped-keys.sqlite-wal"] {
        let bytes = fs::read(folder.join(name)).unwrap();
        let old = keys[0].1.as_bytes();
        assert!(!bytes.windows(old.len()).any(|part| part == old), "{name}");
    }
    // What the database was bound to is as it was.
    assert_eq!(secrets(&folder).fingerprint(), fingerprint);

    let again = rotate(&folder, 60).unwrap();
    assert_ne!(again.active, rotated.active);
    assert_eq!((again.data_keys, again.retired.len()), (199, 1));
}

#[test]
fn what_is_wrapped_under_a_retired_key_is_refused_or_wrapped_anew() {
    let folder = Folder::new("overtaken");
    let stale = kms(&folder);
    let store = WrappedKeys::open(&folder).unwrap();
    let (first, second) = (wrap(&stale, 1), wrap(&stale, 2));
    store.put_many(std::slice::from_ref(&first), MADE).unwrap();
    let old = stale.active();
    rotate(&folder, 50).unwrap();

    let refused = store.put_many(std::slice::from_ref(&second), LATER);
    assert!(matches!(refused, Err(VaultError::KekRetired(id)) if id == old));
    assert_eq!(store.get_many(&[owner(2)]).unwrap(), [None]);
    // The first one is asked for again, as a lost reply would, and is the same data key under another wrap.
    store
        .keep(&stale, &[first.clone(), second], LATER, &mut nonce)
        .unwrap();
    assert!(all_open(&folder, &stale, 1..3));
    // Another data key stays refused, however it is wrapped.
    let other = stale.wrap_key(&owner(1), &data_key(7), [7; 12]).unwrap();
    let refused = store.keep(&stale, &[(owner(1), other)], LATER, &mut nonce);
    assert!(matches!(refused, Err(VaultError::KeyReplaced(of)) if of == owner(1)));
}

#[test]
fn a_rotation_that_stopped_half_way_goes_on_and_makes_no_third_key() {
    let folder = Folder::new("half-way");
    let stale = kms(&folder);
    let store = WrappedKeys::open(&folder).unwrap();
    store.put_many(&[wrap(&stale, 1)], MADE).unwrap();
    let old = stale.active();
    // A data key that opens under no key here stops it, behind the making of the new key.
    let broken = Wrapped::from_bytes([&wrap(&stale, 2).1.as_bytes()[..20], &[0; 49]].concat());
    store.put_many(&[(owner(2), broken)], MADE).unwrap();
    for _ in 0..2 {
        let stopped = rotate(&folder, 50);
        assert!(matches!(stopped, Err(VaultError::CannotOpen { .. })));
        assert_eq!(hefu_vault::list_keks(&folder).unwrap().len(), 2);
        assert_eq!(store.retired().unwrap(), [(old, false)]);
    }
    store.erase(&[owner(2)]).unwrap();
    let rotated = rotate(&folder, 60).unwrap();
    assert_eq!(rotated.data_keys, 1);
    assert_eq!(hefu_vault::list_keks(&folder).unwrap().len(), 2);
    assert!(all_open(&folder, &stale, 1..2));
}

#[test]
fn nothing_is_lost_of_what_is_wrapped_while_rotations_go_on() {
    let folder = Folder::new("meanwhile");
    let (kms, store) = (kms(&folder), WrappedKeys::open(&folder).unwrap());
    let over = AtomicBool::new(false);
    let kept = std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            let mut kept = 0;
            while kept < 250 && !(over.load(Ordering::Relaxed) && kept > 20) {
                let key = wrap(&kms, kept);
                store.keep(&kms, &[key], MADE, &mut nonce).unwrap();
                kept += 1;
            }
            kept
        });
        for round in 0..5 {
            rotate(&folder, 50 + 20 * round).unwrap();
        }
        over.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    let last = rotate(&folder, 200).unwrap();
    for retired in last.retired {
        fs::remove_file(folder.join(format!("kek-{retired}.key"))).unwrap();
    }
    let kms = FileKms::open(&folder).unwrap();
    assert!(all_open(&folder, &kms, 0..kept));
}

#[test]
fn a_key_file_under_another_keys_name_is_refused() {
    let folder = Folder::new("renamed");
    let active = kms(&folder).active();
    let other = folder.join("kek-00000000000000aa.key");
    fs::rename(folder.join(format!("kek-{active}.key")), &other).unwrap();
    let refusal = FileKms::open(&folder).unwrap_err().to_string();
    assert!(refusal.contains("kek-00000000000000aa.key"), "{refusal}");
}
