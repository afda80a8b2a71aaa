//! Key files in a state folder: what an operator does to them, by intent or by accident.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the test's answer"
)]

use std::fs;
use std::path::{Path, PathBuf};

use hefu_domain::Instant;
use hefu_token::keys::{self, KeyError, Use};
use hefu_token::private_file::{self, FileError};
use hefu_token::{KeySet, PublicKey};

fn public(keys: &[keys::KeyFile]) -> Vec<(PublicKey, Instant)> {
    keys.iter().map(keys::KeyFile::public).collect()
}

/// A folder of the test's own, removed when it is over.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("hefu-token-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl std::ops::Deref for Folder {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.0
    }
}

/// The key of RFC 8037 appendix A.
fn rfc_8037_seed() -> [u8; 32] {
    let hex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
}

const SPRING: Instant = Instant(1_680_000_000_000);
const SUMMER: Instant = Instant(1_688_000_000_000);

#[test]
fn a_key_file_says_what_it_is_and_holds_the_seed() {
    let dir = Folder::new("golden");
    let info = keys::new_key(&dir, Use::Token, &rfc_8037_seed(), SPRING).unwrap();
    assert_eq!(info.path, dir.join("token-kPrK_qmx.key"));
    assert_eq!(
        fs::read_to_string(&info.path).unwrap(),
        "hefu signing key, version 2\nuse: token\nsuite: ed25519-sha256\ncreated: 2023-03-28T10:40:00.000Z\n\
         kid: kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\nseed: nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\n"
    );
    let loaded = keys::load(&dir, Use::Token).unwrap();
    assert_eq!(
        (loaded[0].info(), loaded[0].seed()),
        (&info, &rfc_8037_seed())
    );
    assert_eq!(
        dir.files(),
        ["token-kPrK_qmx.key", "token-kPrK_qmx.pub"],
        "no temporary file stays behind"
    );
    let public = info.path.with_extension("pub");
    assert_eq!(
        fs::read_to_string(&public).unwrap(),
        "hefu public key, version 1\nuse: token\nsuite: ed25519-sha256\ncreated: 2023-03-28T10:40:00.000Z\n\
         public: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\n"
    );
    assert_eq!(
        keys::load_public(&dir, Use::Token).unwrap(),
        [loaded[0].public()]
    );
    // Another key under that name would have this one's tokens refused and its own taken.
    let other = fs::read_to_string(&public)
        .unwrap()
        .replace("11qYAYKx", "11qYAYKy");
    fs::remove_file(&public).unwrap();
    private_file::create(&public, other.as_bytes()).unwrap();
    let refused = keys::load_public(&dir, Use::Token).unwrap_err().to_string();
    assert!(refused.contains("token-kPrK_qmx.pub"), "{refused}");
}

#[test]
fn the_newest_key_is_active_and_the_others_are_retired() {
    let dir = Folder::new("newest");
    let old = keys::new_key(&dir, Use::Token, &[1; 32], SPRING).unwrap();
    let log = keys::new_key(&dir, Use::Log, &[2; 32], SPRING).unwrap();
    let new = keys::new_key(&dir, Use::Token, &[3; 32], SUMMER).unwrap();
    let loaded = keys::load(&dir, Use::Token).unwrap();
    assert_eq!(
        loaded.iter().map(|key| key.info()).collect::<Vec<_>>(),
        [&new, &old]
    );
    assert_eq!(keys::list(&dir).unwrap(), [new.clone(), old.clone(), log]);

    let mut set = KeySet::of_keys("x", &public(&loaded), 1000);
    assert!(set.jwks_json().contains(&new.kid) && set.jwks_json().contains(&old.kid));
    set.drop_expired(Instant(SUMMER.0 + 999_999));
    assert!(set.jwks_json().contains(&old.kid));
    set.drop_expired(Instant(SUMMER.0 + 1_000_000));
    assert!(set.jwks_json().contains(&new.kid) && !set.jwks_json().contains(&old.kid));
}

#[test]
fn a_key_is_never_replaced_and_never_older_than_the_active_one() {
    let dir = Folder::new("replace");
    keys::new_key(&dir, Use::Token, &[1; 32], SUMMER).unwrap();
    let again = keys::new_key(&dir, Use::Token, &[1; 32], Instant(SUMMER.0 + 1));
    assert!(
        matches!(again, Err(KeyError::File(FileError::Exists(_)))),
        "{again:?}"
    );
    for created in [SPRING, SUMMER] {
        let older = keys::new_key(&dir, Use::Token, &[2; 32], created);
        assert!(
            matches!(older, Err(KeyError::NotNewest { .. })),
            "{older:?}"
        );
    }
    // The one key and its public half.
    assert_eq!(dir.files().len(), 2);
}

#[test]
fn a_state_folder_without_keys_says_so() {
    let dir = Folder::new("empty");
    assert_eq!(keys::list(&dir).unwrap(), []);
    let missing = keys::load(&dir, Use::Log).unwrap_err().to_string();
    assert!(missing.starts_with("there is no log key in "), "{missing}");
    assert!(matches!(
        keys::load(&dir.join("nowhere"), Use::Log),
        Err(KeyError::Folder { .. })
    ));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused_with_the_remedy() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Folder::new("mode");
    let path = keys::new_key(&dir, Use::Token, &[1; 32], SPRING)
        .unwrap()
        .path;
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for mode in [0o640, 0o604, 0o620, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let refusal = keys::load(&dir, Use::Token).unwrap_err().to_string();
        assert!(
            refusal.contains(&format!("mode {mode:o}")) && refusal.contains("chmod 600"),
            "{refusal}"
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(keys::load(&dir, Use::Token).is_ok());
}

#[test]
fn a_damaged_renamed_or_foreign_file_is_refused_and_its_seed_never_shown() {
    let dir = Folder::new("damage");
    let path = keys::new_key(&dir, Use::Token, &rfc_8037_seed(), SPRING)
        .unwrap()
        .path;
    let good = fs::read_to_string(&path).unwrap();
    for bad in [
        good.replace("version 2", "version 3"),
        good.replace("version 2", "version 1"),
        good.replace("use: token", "use: log"),
        good.replace("2023-03-28T10", "yesterday"),
        good.replace("kid: kPrK", "kid: KPrK"),
        good.replace("nWGx", "nWGy"),
        good.replace("nWGx", "nWG"),
        good.replace("yuf2A\n", "yuf2B\n"),
        good.replace("seed: ", "Seed: "),
        format!("{good}more: x\n"),
        good[..good.len() / 2].to_owned(),
        String::new(),
        "\0".repeat(100),
    ] {
        assert_ne!(bad, good);
        fs::write(&path, &bad).unwrap();
        let refusal = keys::load(&dir, Use::Token).unwrap_err();
        let shown = format!("{refusal} {refusal:?}");
        assert!(!shown.contains("ne_9WmC6hEr0kuw"), "{shown}");
    }
    fs::write(&path, &good).unwrap();
    assert!(keys::load(&dir, Use::Token).is_ok());
    assert!(!format!("{:?}", keys::load(&dir, Use::Token)).contains("ne_9WmC6hEr0kuw"));
    fs::rename(&path, dir.join("token-AAAAAAAA.key")).unwrap();
    assert!(keys::load(&dir, Use::Token).is_err());
}

#[test]
fn of_two_writers_of_one_file_exactly_one_wins() {
    let dir = Folder::new("race");
    let path = dir.join("x.key");
    let wins = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8u8)
            .map(|n| {
                let path = &path;
                scope.spawn(move || private_file::create(path, &[n; 4096]))
            })
            .collect();
        writers
            .into_iter()
            .map(|w| w.join().unwrap())
            .filter(Result::is_ok)
            .count()
    });
    assert_eq!(wins, 1);
    let bytes = fs::read(&path).unwrap();
    assert!(
        bytes.len() == 4096 && bytes.iter().all(|b| *b == bytes[0]),
        "written whole"
    );
    assert_eq!(dir.files(), ["x.key"]);
}
