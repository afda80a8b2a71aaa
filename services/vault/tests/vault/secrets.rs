//! The root keys, what is computed with them, and what is sealed. The golden values were computed by another
//! implementation (Python's `hmac`, `hashlib` and `cryptography`) from the same keys: they are stored for years, so a
//! change of any of them is a defect.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the test's answer"
)]

use std::fs;

use crate::common::{
    Folder, IDENTITY, MADE, NAME, PHONE, counting, data_key, hex, kms, owner, person, record,
    region, secrets,
};
use hefu_domain::{Place, Region};
use hefu_token::private_file::FileError;
use hefu_vault::{
    FileKms, Identity, Kms, Owner, PersonRecord, Sealed, Secrets, VaultError, Wrapped, commitment,
    open, open_bytes, seal, seal_bytes,
};
use proptest::prelude::*;

/// The file of the key encryption key 0606….
const KEK: &str = "kek-f2c97843f0b50596.key";

fn identity() -> Identity {
    IDENTITY.parse().unwrap()
}

#[test]
fn tags_digests_and_page_tokens_are_the_golden_ones() {
    let folder = Folder::new("golden-tags");
    let s = secrets(&folder);
    assert_eq!(
        s.nullifier(&identity(), "live", "2023").to_string(),
        "KiLt2GknQyB7QrnTwwlncA"
    );
    assert_eq!(
        s.nullifier_of_text("1400123", "certificate", "")
            .to_string(),
        "Do7M4NVwyr6EIeWO77NqaA"
    );
    assert_eq!(
        s.lookup_tag(&region(), &identity()).to_string(),
        "oMkNBBOLJjYdIiqJGS18Sw"
    );
    assert_eq!(
        s.holder_binding(&region(), person(1), &identity())
            .to_string(),
        "g8aOPOKYw60te2-2CZH_VA"
    );
    assert_eq!(
        s.request_digest("Redeem", &[1, 2]).to_string(),
        "D9iOVjb2_U8aTOgWrSNtHRPxoJXXkv-PoT-nvKrAPDY"
    );
    assert_eq!(
        s.page_seal("vouchers", b"140725\0v1"),
        "MTQwNzI1AHYxYze-SOrz3KPjQb3myOCXxg"
    );
    let committed = commitment(&[9; 32], "工商银行 0001".as_bytes());
    assert_eq!(
        committed.to_string(),
        "IjujG4Socar3f4OtHg5XoLKeTU9e7F8uOUcoDUEnGW0"
    );
}

#[test]
fn a_sealed_record_and_a_wrapped_key_are_the_golden_ones() {
    let folder = Folder::new("golden-seals");
    let kms = kms(&folder);
    assert_eq!(kms.active().to_string(), "f2c97843f0b50596");
    let wrapped = kms.wrap_key(&owner(1), &data_key(8), [7; 12]).unwrap();
    assert_eq!(
        hex(wrapped.as_bytes()),
        "01f2c97843f0b50596070707070707070707070707e10eeb45a706c90a09901e5817bc41a4785a978a0f75504e87e10633a40bb7246fae1991b05b2fa11d445ab1ff247bc7"
    );
    let sealed = seal(&region(), person(1), &record(), &data_key(8), [7; 12]);
    assert_eq!(
        hex(&sealed),
        "0107070707070707070707070766c1338a59bb411f704220ac5a1f4e72990eb14a8af2577e6973154ac59c12e036caa22023e963d22f62918342ba63d8db013a36bd52f3a2296b1de0ead716adea768c28f1a113e7b9fb4605fd2fdc63"
    );
    assert_eq!(
        open(&region(), person(1), &sealed, &data_key(8)).unwrap(),
        record()
    );
}

#[test]
fn the_files_are_made_once_and_loaded_ever_after() {
    let folder = Folder::new("once");
    let first = secrets(&folder);
    let mut panics = |_: &mut [u8]| panic!("no randomness is needed to load");
    let again = Secrets::open(&folder, MADE, &mut panics).unwrap();
    assert_eq!(first.fingerprint(), again.fingerprint());
    assert_eq!(
        first.nullifier(&identity(), "live", "2023"),
        again.nullifier(&identity(), "live", "2023")
    );
    let dedup = fs::read_to_string(folder.join("dedup.key")).unwrap();
    assert_eq!(
        dedup,
        "hefu deduplication key, version 1\ndedup: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n"
    );
    assert!(
        !fs::read_to_string(folder.join("vault.keys"))
            .unwrap()
            .contains(": AQEBAQEB"),
        "dedup lives apart"
    );
    assert!(matches!(
        Secrets::create(&folder, MADE, &mut counting()),
        Err(VaultError::File(FileError::Exists(_)))
    ));
}

#[test]
fn a_lost_key_file_is_never_made_afresh_beside_the_other() {
    for lost in ["dedup.key", "vault.keys", KEK] {
        let folder = Folder::new(&format!("lost-{lost}"));
        secrets(&folder);
        fs::remove_file(folder.join(lost)).unwrap();
        let refusal = Secrets::open(&folder, MADE, &mut counting()).unwrap_err();
        let told = match &refusal {
            VaultError::HalfOfSecrets { missing, .. } => missing.ends_with(lost),
            VaultError::NoKek(missing) => lost == KEK && **missing == *folder,
            _ => false,
        };
        assert!(told, "{refusal}");
        assert!(!folder.join(lost).exists());
    }
    let folder = Folder::new("lost-both");
    secrets(&folder);
    for lost in ["dedup.key", "vault.keys"] {
        fs::remove_file(folder.join(lost)).unwrap();
    }
    let refusal = Secrets::open(&folder, MADE, &mut counting()).unwrap_err();
    assert!(
        matches!(&refusal, VaultError::HalfOfSecrets { .. }),
        "{refusal}"
    );
}

#[test]
fn other_keys_have_another_fingerprint() {
    let (one, two) = (Folder::new("print-1"), Folder::new("print-2"));
    let mut n = 100;
    let other = Secrets::open(&two, MADE, &mut |b: &mut [u8]| {
        n += 1;
        b.fill(n);
    });
    assert_ne!(secrets(&one).fingerprint(), other.unwrap().fingerprint());
}

#[test]
fn a_source_without_randomness_makes_no_keys() {
    let folder = Folder::new("zeros");
    for mut source in [|_: &mut [u8]| {}, |b: &mut [u8]| b.fill(1)] {
        assert!(matches!(
            Secrets::open(&folder, MADE, &mut source),
            Err(VaultError::NoRandomness)
        ));
    }
    assert_eq!(fs::read_dir(&*folder).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn key_files_that_others_may_read_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    for name in ["dedup.key", "vault.keys", KEK] {
        let folder = Folder::new(&format!("mode-{name}"));
        secrets(&folder);
        let path = folder.join(name);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refusal = Secrets::load(&folder)
            .map(drop)
            .and_then(|()| FileKms::open(&folder).map(drop));
        let refusal = refusal.unwrap_err().to_string();
        assert!(refusal.contains("chmod 600"), "{refusal}");
    }
}

#[test]
fn a_tag_changes_with_everything_that_it_covers() {
    let folder = Folder::new("tags");
    let s = secrets(&folder);
    let other: Identity = "440524188001010014".parse().unwrap();
    let elsewhere: Region = "140700".parse().unwrap();
    let tags = [
        s.nullifier(&identity(), "live", "2023"),
        s.nullifier(&identity(), "live", "2024"),
        s.nullifier(&identity(), "day", "2023"),
        s.nullifier(&identity(), "live2", "023"),
        s.nullifier(&other, "live", "2023"),
        s.nullifier_of_text(IDENTITY, "live", "2023"),
        s.lookup_tag(&region(), &identity()),
        s.lookup_tag(&elsewhere, &identity()),
        s.lookup_tag(&region(), &other),
        s.holder_binding(&region(), person(1), &identity()),
        s.holder_binding(&region(), person(2), &identity()),
        s.holder_binding(&elsewhere, person(1), &identity()),
        s.holder_binding(&region(), person(1), &other),
    ];
    for (i, tag) in tags.iter().enumerate() {
        assert!(!tags[i + 1..].contains(tag), "tag {i} appears twice");
    }
    assert_ne!(
        s.request_digest("Issue", b"x"),
        s.request_digest("Issue", b"y")
    );
    assert_ne!(
        s.request_digest("Issue", b"x"),
        s.request_digest("Redeem", b"x")
    );
    assert_ne!(commitment(&[1; 32], b"x"), commitment(&[2; 32], b"x"));
}

#[test]
fn a_seal_follows_from_what_it_seals_and_from_nothing_else() {
    let folder = Folder::new("unit-seals");
    let keys = secrets(&folder);
    let trade = |unit, value| Sealed {
        unit,
        what: "occupation",
        value,
    };
    let first = trade("91350100M000100Y43", "6-31-03-09");
    let again = secrets(&folder).seal_with("salt", &region(), &first);
    assert_eq!(keys.seal_with("salt", &region(), &first), again);
    let elsewhere: Region = "140727".parse().unwrap();
    let others = [
        keys.seal_with("key", &region(), &first),
        keys.seal_with("nonce", &region(), &first),
        keys.seal_with("salt", &elsewhere, &first),
        keys.seal_with(
            "salt",
            &region(),
            &trade("91140725MA0000001B", "6-31-03-09"),
        ),
        keys.seal_with(
            "salt",
            &region(),
            &trade("91350100M000100Y43", "6-31-03-08"),
        ),
        keys.seal_with(
            "salt",
            &region(),
            &Sealed {
                what: "name",
                ..first
            },
        ),
    ];
    for (number, other) in others.iter().enumerate() {
        assert_ne!(*other, again);
        assert!(!others[..number].contains(other));
    }
}

#[test]
fn only_the_holder_matches_the_binding() {
    let folder = Folder::new("holder");
    let s = secrets(&folder);
    let bound = s.holder_binding(&region(), person(1), &identity());
    assert!(s.is_holder(&region(), person(1), &identity(), &bound));
    assert!(!s.is_holder(&region(), person(2), &identity(), &bound));
    assert!(!s.is_holder(
        &region(),
        person(1),
        &"440524188001010014".parse().unwrap(),
        &bound
    ));
}

#[test]
fn a_page_token_opens_its_own_list_only_and_only_unchanged() {
    let folder = Folder::new("page");
    let s = secrets(&folder);
    for place in [&b""[..], b"a", &[0xff; 100]] {
        let token = s.page_seal("vouchers", place);
        assert_eq!(s.page_open("vouchers", &token).as_deref(), Some(place));
        assert_eq!(s.page_open("classes", &token), None);
        for position in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                s.page_open("vouchers", &String::from_utf8(bytes).unwrap()),
                None,
                "byte {position}"
            );
        }
        assert_eq!(s.page_open("vouchers", &format!("{token}=")), None);
        assert_eq!(s.page_open("vouchers", &token[1..]), None);
    }
    assert_eq!(s.page_open("vouchers", ""), None);
    assert_eq!(s.page_open("vouchers", &"A".repeat(5000)), None);
}

#[test]
fn what_is_sealed_opens_for_its_owner_field_and_key_only() {
    let sealed = seal_bytes(
        &owner(1),
        "account/1",
        b"6222020000000000001",
        &data_key(1),
        [5; 12],
    );
    assert_eq!(
        *open_bytes(&owner(1), "account/1", &sealed, &data_key(1)).unwrap(),
        b"6222020000000000001"
    );
    for (owner, field, key) in [
        (owner(2), "account/1", data_key(1)),
        (owner(1), "account/2", data_key(1)),
        (owner(1), "account/1", data_key(2)),
        (
            Owner::Person("140700".parse().unwrap(), person(1)),
            "account/1",
            data_key(1),
        ),
    ] {
        assert!(matches!(
            open_bytes(&owner, field, &sealed, &key),
            Err(VaultError::CannotOpen { .. })
        ));
    }
    for position in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        assert!(
            open_bytes(&owner(1), "account/1", &changed, &data_key(1)).is_err(),
            "byte {position}"
        );
        assert!(open_bytes(&owner(1), "account/1", &sealed[..position], &data_key(1)).is_err());
    }
    // An account number passed off as a record opens as nothing.
    let other = seal_bytes(
        &owner(1),
        "record",
        b"6222020000000000001",
        &data_key(1),
        [5; 12],
    );
    assert!(matches!(
        open(&region(), person(1), &other, &data_key(1)),
        Err(VaultError::UnknownForm { .. })
    ));
}

#[test]
fn a_wrapped_key_opens_for_its_owner_and_vault_only() {
    let (one, two) = (Folder::new("kms-1"), Folder::new("kms-2"));
    let kms = kms(&one);
    let mut n = 100;
    let other = Secrets::open(&two, MADE, &mut |b: &mut [u8]| {
        n += 1;
        b.fill(n);
    });
    let wrapped = kms.wrap_key(&owner(1), &data_key(8), [7; 12]).unwrap();
    assert_eq!(kms.unwrap_key(&owner(1), &wrapped).unwrap(), data_key(8));
    assert!(matches!(
        kms.unwrap_key(&owner(2), &wrapped),
        Err(VaultError::CannotOpen { .. })
    ));
    other.unwrap();
    let other = FileKms::open(&two).unwrap();
    let foreign = other.unwrap_key(&owner(1), &wrapped);
    assert!(
        matches!(&foreign, Err(VaultError::UnknownKek { kek, .. }) if kek.to_string() == "f2c97843f0b50596"),
        "{foreign:?}"
    );
    for position in 0..wrapped.as_bytes().len() {
        let mut changed = wrapped.as_bytes().to_vec();
        changed[position] ^= 1;
        assert!(
            kms.unwrap_key(&owner(1), &Wrapped::from_bytes(changed))
                .is_err(),
            "byte {position}"
        );
        let cut = Wrapped::from_bytes(wrapped.as_bytes()[..position].to_vec());
        assert!(kms.unwrap_key(&owner(1), &cut).is_err());
    }
}

#[test]
fn the_length_of_a_sealed_record_does_not_tell_the_name() {
    let length = |name: &str, phone: Option<&str>| {
        let record = PersonRecord {
            identity: identity(),
            name: name.parse().unwrap(),
            phone: phone.map(|p| p.parse().unwrap()),
        };
        seal(&region(), person(1), &record, &data_key(1), [1; 12]).len()
    };
    assert_eq!(length("三", None), length("欧阳娜娜", Some(PHONE)));
}

#[test]
fn nothing_personal_and_no_key_is_shown_anywhere() {
    let folder = Folder::new("canary");
    let s = secrets(&folder);
    let kms = kms(&folder);
    let sealed = seal(&region(), person(1), &record(), &data_key(0xAB), [1; 12]);
    let wrapped = kms.wrap_key(&owner(1), &data_key(0xAB), [1; 12]).unwrap();
    let mut shown = vec![
        format!(
            "{s:?} {kms:?} {wrapped:?} {:?} {:?}",
            data_key(0xAB),
            record()
        ),
        format!(
            "{} {} {}",
            identity(),
            record().name,
            record().phone.unwrap()
        ),
    ];
    let errors: Vec<VaultError> = vec![
        open(&region(), person(2), &sealed, &data_key(0xAB)).unwrap_err(),
        open(&region(), person(1), &sealed[1..], &data_key(0xAB)).unwrap_err(),
        open(
            &region(),
            person(1),
            &seal_bytes(
                &owner(1),
                "record",
                IDENTITY.as_bytes(),
                &data_key(1),
                [1; 12],
            ),
            &data_key(1),
        )
        .unwrap_err(),
        kms.unwrap_key(&owner(2), &wrapped).unwrap_err(),
    ];
    shown.extend(errors.iter().map(|e| format!("{e} {e:?}")));
    for bad in [
        "11010519491231003X",
        "110105194912310021",
        "11010519491331002X",
        "1101051949123100XX",
    ] {
        shown.push(
            bad.parse::<Identity>()
                .map_or_else(|e| format!("{e} {e:?}"), |_| unreachable!("{bad} is wrong")),
        );
    }
    let name_error = format!("{NAME}\u{202e}")
        .parse::<hefu_vault::PersonName>()
        .unwrap_err();
    let phone_error = format!("{PHONE}0")
        .parse::<hefu_vault::PhoneNumber>()
        .unwrap_err();
    shown.push(format!(
        "{name_error} {name_error:?} {phone_error} {phone_error:?}"
    ));
    for text in shown {
        for canary in [
            IDENTITY,
            "0105194912",
            "19491231",
            NAME,
            PHONE,
            "1234567",
            "abab",
            "171, 171",
            "0101",
            "0606",
            "6, 6, 6",
        ] {
            assert!(!text.contains(canary), "{canary} in {text}");
        }
    }
}

proptest! {
    #[test]
    fn every_record_comes_back_as_it_was(
        name in "[\\p{Han}a-zA-Z·]{1,50}", phone in proptest::option::of("1[0-9]{10}"), key: u8, nonce: [u8; 12],
    ) {
        let record = PersonRecord {
            identity: identity(), name: name.parse().unwrap(), phone: phone.map(|p| p.parse().unwrap()),
        };
        let sealed = seal(&region(), person(1), &record, &data_key(key), nonce);
        prop_assert_eq!(open(&region(), person(1), &sealed, &data_key(key)).unwrap(), record);
    }

    #[test]
    fn no_bytes_make_the_vault_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        let _ = open_bytes(&owner(1), "record", &bytes, &data_key(1));
        let mut formed = vec![1];
        formed.extend(&bytes);
        prop_assert!(open_bytes(&owner(1), "record", &formed, &data_key(1)).is_err());
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(text.parse::<Identity>().is_err());
    }
}

#[test]
fn the_places_of_a_list_are_its_entries_in_another_order() {
    let folder = Folder::new("status");
    let s = secrets(&folder);
    let entries = s.status_entries(&region(), 0);
    assert_eq!(entries.len(), 1 << 16);
    let mut sorted = entries.clone();
    sorted.sort_unstable();
    assert!((0..1 << 16).eq(sorted), "an entry is taken twice");
    for place in [0, 1, 2, 255, 256, 40_000, 65_535] {
        let one = s.status_entry(&region(), Place(place));
        assert_eq!(one, entries[usize::try_from(place).unwrap()], "{place}");
    }
    // The second list begins with its first place.
    let second = s.status_entries(&region(), 1);
    assert_eq!(s.status_entry(&region(), Place(65_536)), second[0]);
}

#[test]
fn neighbours_in_the_order_of_issue_are_strangers_in_the_list() {
    let folder = Folder::new("status-order");
    let s = secrets(&folder);
    let entries = s.status_entries(&region(), 0);
    let steps = entries.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let mut steps: Vec<u32> = steps.collect();
    let ups = entries.windows(2).filter(|pair| pair[0] < pair[1]).count();
    // Half of all steps go up, give or take six standard deviations of a random order: sqrt(65536 / 12).
    assert!(ups.abs_diff(32_768) < 6 * 74, "{ups} steps go up");
    steps.sort_unstable();
    let often = steps.chunk_by(|a, b| a == b).map(<[u32]>::len).max();
    assert!(often < Some(16), "one step is made {often:?} times");
    // Another list's and another region's are other orders; so are another key's.
    let other: Region = "140727".parse().unwrap();
    let elsewhere = Folder::new("status-order-elsewhere");
    let mut next = 77;
    let mut random = |buffer: &mut [u8]| {
        next += 1;
        buffer.fill(next);
    };
    let made = Secrets::create(&elsewhere, MADE, &mut random).unwrap();
    for others in [
        s.status_entries(&region(), 1),
        s.status_entries(&other, 0),
        made.status_entries(&region(), 0),
    ] {
        let same = entries.iter().zip(&others).filter(|(a, b)| a == b).count();
        assert!(same < 16, "{same} places have the same entry");
    }
}

#[test]
fn the_first_places_have_the_golden_entries() {
    let folder = Folder::new("golden-status");
    let s = secrets(&folder);
    let first = [0, 1, 2, 65_535, 65_536].map(|place| s.status_entry(&region(), Place(place)));
    assert_eq!(first, [58_032, 22_333, 31_778, 62_634, 49_136]);
}
