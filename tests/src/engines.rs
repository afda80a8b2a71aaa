//! A fresh database on each engine, for tests that must see no difference between them.

use crate::canaries;
use crate::postgres::Database;
use hefu_store::{OpenOptions, Store};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The two engines of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
}

/// Where a test's database lives; it goes when this is dropped.
#[derive(Debug)]
pub enum Place {
    Sqlite(Folder),
    Postgres(Database),
}

impl Place {
    /// An empty place without a schema.
    pub async fn new(engine: Engine) -> Place {
        match engine {
            Engine::Sqlite => Place::Sqlite(Folder::new("hefu-test")),
            Engine::Postgres => Place::Postgres(Database::create().await),
        }
    }

    pub fn engine(&self) -> Engine {
        match self {
            Place::Sqlite(_) => Engine::Sqlite,
            Place::Postgres(_) => Engine::Postgres,
        }
    }

    /// What [`Store::open`] and `hefu serve --database` take.
    pub fn url(&self) -> String {
        match self {
            Place::Sqlite(folder) => {
                format!("sqlite://{}", folder.path().join("hefu.db").display())
            }
            Place::Postgres(database) => database.url().to_owned(),
        }
    }

    /// The database as it stands now. Nothing may serve it.
    pub async fn backup(&self) -> Backup {
        match self {
            Place::Sqlite(folder) => {
                let files = std::fs::read_dir(folder.path()).expect("our own folder");
                let read = files.map(|file| {
                    let path = file?.path();
                    Ok((std::fs::read(&path)?, path))
                });
                let read: std::io::Result<_> = read.collect();
                Backup::Files(read.expect("our own files"))
            }
            Place::Postgres(database) => Backup::Copy(database.copy().await),
        }
    }

    /// Puts a backup of this place back. Nothing may serve it.
    pub async fn restore(&self, backup: &Backup) {
        match (self, backup) {
            (Place::Sqlite(_), Backup::Files(files)) => {
                for (bytes, path) in files {
                    std::fs::write(path, bytes).expect("our own files");
                }
            }
            (Place::Postgres(database), Backup::Copy(copy)) => database.becomes(copy).await,
            _ => panic!("a backup is put back where it is from"),
        }
    }

    /// Opens and migrates.
    pub async fn open(&self) -> Store {
        let store = Store::open(&self.url(), OpenOptions::default())
            .await
            .expect("the database opens");
        store.migrate().await.expect("the migrations run");
        store
    }
}

/// What a database was, to be put back.
#[derive(Debug)]
pub enum Backup {
    Files(Vec<(Vec<u8>, PathBuf)>),
    Copy(Database),
}

/// A store with its schema and nothing in it. Keep the place: dropping it drops the database.
pub async fn fresh(engine: Engine) -> (Store, Place) {
    let place = Place::new(engine).await;
    (place.open().await, place)
}

/// A folder that goes when this is dropped. Before it does, everything in it, and every log line of this process since it was made, is
/// looked into for canaries: one that is found fails the test.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        canaries::listen();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("{name}-{}-{next}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Folder(path),
                // Left behind by an earlier process of this number.
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => panic!("{}: {e}", path.display()),
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let looked = canaries::in_folder(&self.0);
        let _ = std::fs::remove_dir_all(&self.0);
        // A test that fails already has something else to say.
        if std::thread::panicking() {
            return;
        }
        let looked = looked.unwrap_or_else(|e| panic!("not looked into for canaries: {e}"));
        let mut found = looked.found;
        found.extend(canaries::overheard());
        assert!(found.is_empty(), "{}", canaries::report(&found));
    }
}

/// Turns each `async fn name(store: Store, place: Place)` into two tests, `name::sqlite` and
/// `name::postgres`.
#[macro_export]
macro_rules! on_both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($store:ident: Store, $place:ident: Place) $body:block)*) => {
        $(
            $(#[$meta])*
            mod $name {
                use super::*;

                async fn test($store: hefu_store::Store, $place: $crate::engines::Place) $body

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    let (store, place) = $crate::engines::fresh($crate::engines::Engine::Sqlite).await;
                    test(store, place).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    let (store, place) = $crate::engines::fresh($crate::engines::Engine::Postgres).await;
                    test(store, place).await;
                }
            }
        )*
    };
}
