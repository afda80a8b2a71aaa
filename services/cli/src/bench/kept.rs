//! What is remembered of a stock beside its database, so that it can grow on later: which numbers may be taken, how far the made-up year
//! is, which vouchers can be read back, and what was measured at which size.
//!
//! Invariant: what a step may use is written down before the step. Whatever ends it, no number and no day is used twice; how many
//! vouchers there are is never remembered, but counted in the database.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use hefu_engine::Source;
use serde::{Deserialize, Serialize};

use super::figures::Figures;
use super::sample::Sample;
use super::stock::Stock;

/// What is remembered.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The database's name in its PostgreSQL server.
    pub(super) database: String,
    /// The last day that may have been used.
    pub(super) day: i64,
    /// By region, the number from which on nobody has had one; empty before the regions are open.
    pub(super) next: BTreeMap<String, u64>,
    /// By size, what was measured there.
    pub(super) measured: BTreeMap<u64, Figures>,
    pub(super) sample: Sample,
}

/// The file of it; none where nothing is kept.
pub(super) struct Kept {
    file: Option<PathBuf>,
    pub(super) memory: Memory,
}

impl Kept {
    /// Remembers nothing beyond this run.
    pub(super) fn nothing() -> Kept {
        Kept {
            file: None,
            memory: Memory::default(),
        }
    }

    /// What is remembered in that folder, which is made where it is not there.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Kept> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let file = folder.join("grow.json");
        let memory = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!(
                    "{} is not as `hefu bench --grow` writes it: name another folder with --keep",
                    file.display()
                )
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Memory {
                database: new_name(),
                ..Memory::default()
            },
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        };
        let kept = Kept {
            file: Some(file),
            memory,
        };
        kept.write()?;
        Ok(kept)
    }

    /// Says that as many days, and as many numbers of each region, are about to be used.
    pub(super) fn reserve(&mut self, stock: &Stock, days: i64, numbers: u64) -> anyhow::Result<()> {
        self.note(stock, days, numbers);
        self.write()
    }

    /// Remembers the stock as it is now.
    pub(super) fn settle(&mut self, stock: &Stock) -> anyhow::Result<()> {
        self.note(stock, 0, 0);
        self.memory.sample = stock.sample.clone();
        self.write()
    }

    fn note(&mut self, stock: &Stock, days: i64, numbers: u64) {
        self.memory.day = stock.day + days;
        let next = |shelf: &super::stock::Shelf| {
            let desk = &shelf.desk;
            (desk.region().to_owned(), desk.next_number() + numbers)
        };
        self.memory.next = stock.shelves.iter().map(next).collect();
    }

    /// Replaces the file whole: an interrupt leaves the old one or the new one.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let folder = file.parent().unwrap_or(Path::new("."));
        let written = || -> anyhow::Result<()> {
            let mut whole = tempfile::NamedTempFile::new_in(folder)?;
            whole.write_all(&serde_json::to_vec(&self.memory)?)?;
            whole.as_file().sync_all()?;
            whole.persist(file)?;
            Ok(())
        };
        written().with_context(|| format!("cannot write {}", file.display()))
    }
}

/// A database's name that nobody has.
fn new_name() -> String {
    let drawn = Source::System.draw(&["bench"]);
    let digits: String = drawn.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("hefu_bench_{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_anything_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Kept::read(folder.path()).unwrap();
        let database = kept.memory.database.clone();
        kept.memory.day = 7;
        kept.memory.measured.insert(100, Figures::default());
        kept.write().unwrap();
        let again = Kept::read(folder.path()).unwrap();
        assert_eq!((again.memory.day, again.memory.database), (7, database));
        assert!(again.memory.measured.contains_key(&100));
        std::fs::write(folder.path().join("grow.json"), "{").unwrap();
        let refused = Kept::read(folder.path()).err().unwrap();
        assert!(refused.to_string().contains("--keep"), "{refused}");
    }
}
