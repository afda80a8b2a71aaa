//! What the vault's tests share: a folder of their own, keys that anybody can guess, and one made-up person.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use hefu_domain::{Instant, PersonId, Region};
use hefu_vault::{DataKey, FileKms, Owner, PersonRecord, Secrets};
use zeroize::Zeroizing;

pub(crate) const IDENTITY: &str = "11010519491231002X";
pub(crate) const NAME: &str = "张三";
pub(crate) const PHONE: &str = "13812345678";

/// A folder of the test's own, removed when it is over.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("hefu-vault-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Deref for Folder {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.0
    }
}

/// Fills the first buffer with ones, the second with twos, …
pub(crate) fn counting() -> impl FnMut(&mut [u8]) {
    let mut n = 0;
    move |buffer: &mut [u8]| {
        n += 1;
        buffer.fill(n);
    }
}

/// When the keys were made.
pub(crate) const MADE: Instant = Instant(500);

/// Root keys dedup = 0101…, lookup = 0202…, binding = 0303…, digest = 0404…, page = 0505…, and a key encryption key 0606….
pub(crate) fn secrets(folder: &Folder) -> Secrets {
    Secrets::open(folder, MADE, &mut counting()).unwrap()
}

/// The key encryption key of such secrets.
pub(crate) fn kms(folder: &Folder) -> FileKms {
    secrets(folder);
    FileKms::open(folder).unwrap()
}

pub(crate) fn region() -> Region {
    "140725".parse().unwrap()
}

pub(crate) fn person(n: u8) -> PersonId {
    format!("0190a5e0-0000-7000-8000-0000000000{n:02x}")
        .parse()
        .unwrap()
}

pub(crate) fn owner(n: u8) -> Owner {
    Owner::Person(region(), person(n))
}

pub(crate) fn record() -> PersonRecord {
    PersonRecord {
        identity: IDENTITY.parse().unwrap(),
        name: NAME.parse().unwrap(),
        phone: Some(PHONE.parse().unwrap()),
    }
}

pub(crate) fn data_key(n: u8) -> DataKey {
    DataKey::from_bytes(Zeroizing::new([n; 32]))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
