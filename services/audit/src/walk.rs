//! Walking over whole logs by their public files: every region, every epoch of it, every event in order.
//!
//! The invariant: a log is read exactly as far as it says that it goes. The present epoch as far as its checkpoint; one that a fork
//! ended as far as the fork kept it, which its own last checkpoint need not know. Signatures are not looked at here.

use std::io;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use hefu_domain::event::LogTree;
use hefu_domain::{Event, Region};
use hefu_log::tile::{TILE_WIDTH, decode_entries};
use hefu_log::{Checkpoint, Note, TileKind, TilePath, View};

use crate::{Audited, Auditor, Files};

/// The most logs of one region that are walked over: who has accepted so many forks shows another one without end.
pub const MOST_EPOCHS: usize = 10_000;

/// One epoch of a region's log, as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Which epoch.
    pub epoch: u64,
    /// How many events of it are read.
    pub size: u64,
    /// Its folder, with a slash behind it.
    pub folder: String,
}

impl Stretch {
    /// Hands over every event in order, until it has seen enough.
    ///
    /// # Errors
    /// Whatever kept a file from being read; `InvalidData` where one is missing or not a bundle.
    pub fn each(
        &self,
        files: &dyn Files,
        mut see: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> io::Result<()> {
        for number in 0..self.size.div_ceil(TILE_WIDTH.into()) {
            let (name, width, bytes) = self.bundle(files, number)?;
            let entries = decode_entries(&bytes, width).map_err(|error| broken(&name, error))?;
            let left = self.size - number * u64::from(TILE_WIDTH);
            let entries = entries.into_iter().zip(0..left);
            for (entry, _) in entries {
                if see(entry).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// A bundle's path, how many entries its file holds, and its bytes.
    fn bundle(&self, files: &dyn Files, number: u64) -> io::Result<(String, u16, Vec<u8>)> {
        let path = TilePath::in_log(TileKind::Entries, number, self.size)
            .ok_or_else(|| broken(&self.folder, "has no such bundle"))?;
        let name = format!("{}{path}", self.folder);
        if let Some(bytes) = files.read(&name)? {
            return Ok((name, path.width(), bytes));
        }
        // A partial bundle may have given way to the full one (C2SP tlog-tiles).
        let full = TilePath::new(TileKind::Entries, number, TILE_WIDTH)
            .map_err(|error| broken(&name, error))?;
        let name = format!("{}{full}", self.folder);
        match files.read(&name)? {
            Some(bytes) => Ok((name, TILE_WIDTH, bytes)),
            None => Err(broken(&name, "is missing")),
        }
    }

    /// The first event.
    fn first(&self, files: &dyn Files) -> io::Result<Option<Vec<u8>>> {
        let mut first = None;
        self.each(files, |bytes| {
            first = Some(bytes.to_vec());
            ControlFlow::Break(())
        })?;
        Ok(first)
    }
}

/// The epochs of a region's log, the first one first.
///
/// # Errors
/// Whatever kept a file from being read; `InvalidData` where one is missing or not what it must be.
pub fn stretches(files: &dyn Files, region: &Region) -> io::Result<Vec<Stretch>> {
    let said = published(files, region)?;
    let mut later = Stretch {
        epoch: said.origin.epoch(),
        size: said.size,
        folder: format!("{region}/"),
    };
    let mut stretches = Vec::new();
    while later.epoch > 0 {
        if stretches.len() == MOST_EPOCHS {
            return Err(broken(&later.folder, "is one log of too many"));
        }
        let first = later.first(files)?;
        let kept = first.as_deref().and_then(kept);
        // An epoch that a restored backup lost is not there at all.
        let kept = kept.filter(|kept| kept.epoch < later.epoch);
        let kept = kept.ok_or_else(|| broken(&later.folder, "does not begin with a fork"))?;
        let (epoch, size) = (kept.epoch, kept.size);
        stretches.push(later);
        later = Stretch {
            epoch,
            size,
            folder: format!("{region}/epoch/{epoch}/"),
        };
    }
    stretches.push(later);
    stretches.reverse();
    Ok(stretches)
}

/// What the checkpoint of a region's present epoch says.
fn published(files: &dyn Files, region: &Region) -> io::Result<Checkpoint> {
    let name = format!("{region}/checkpoint");
    let note = files.read(&name)?;
    let note = note.ok_or_else(|| broken(&name, "is missing"))?;
    checkpoint(&note).ok_or_else(|| broken(&name, "is not a signed checkpoint"))
}

fn checkpoint(note: &[u8]) -> Option<Checkpoint> {
    let note = Note::parse(std::str::from_utf8(note).ok()?).ok()?;
    note.text().parse().ok()
}

/// What a fork kept of the epoch before it.
fn kept(bytes: &[u8]) -> Option<LogTree> {
    let view = View::read(bytes).ok()?;
    match Event::decode(view.kind, view.body)? {
        Ok(Event::ForkAccepted(fork)) => Some(fork.kept),
        Ok(_) | Err(_) => None,
    }
}

fn broken(path: &str, what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{path} {what}"))
}

/// Audits one region's whole log.
///
/// # Errors
/// As [`stretches`].
pub fn audit_region(files: &dyn Files, region: &Region, rules: bool) -> io::Result<Audited> {
    let mut auditor = Auditor::new(region.clone(), rules);
    for stretch in stretches(files, region)? {
        if stretch.epoch > 0 {
            auditor.enter(stretch.epoch);
        }
        stretch.each(files, |bytes| {
            auditor.feed(bytes);
            match auditor.has_failed() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
    }
    let said = published(files, region)?;
    auditor.ends_at(said.size, said.root);
    Ok(auditor.end())
}

/// Audits every region, several side by side; each one's end is made into what is kept of it before the next one begins, so that no more
/// than `threads` of them are in memory at once. In ascending order of regions.
///
/// # Errors
/// As [`stretches`], of the first region that could not be read.
pub fn audit_regions<T: Send>(
    files: &dyn Files,
    rules: bool,
    threads: usize,
    keep: impl Fn(&Region, Audited) -> T + Sync,
) -> io::Result<Vec<T>> {
    let regions = files.regions()?;
    // The largest first: the last one to begin is then a small one, and no thread waits long for another.
    let mut order = Vec::with_capacity(regions.len());
    for (place, region) in regions.iter().enumerate() {
        // What a checkpoint claims may be more than there is.
        let sizes = stretches(files, region)?.into_iter().map(|one| one.size);
        let events = sizes.fold(0, u64::saturating_add);
        order.push((events, place));
    }
    order.sort();
    let todo = Mutex::new(order);
    let next = || {
        let mut todo = todo.lock().unwrap_or_else(PoisonError::into_inner);
        todo.pop().map(|(_, place)| place)
    };
    let work = || -> io::Result<Vec<(usize, T)>> {
        let mut done = Vec::new();
        while let Some(place) = next() {
            let region = &regions[place];
            done.push((place, keep(region, audit_region(files, region, rules)?)));
        }
        Ok(done)
    };
    let results: Vec<io::Result<Vec<(usize, T)>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|worker| match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    });
    let done = results.into_iter().collect::<io::Result<Vec<_>>>()?;
    let mut all: Vec<(usize, T)> = done.into_iter().flatten().collect();
    all.sort_by_key(|(place, _)| *place);
    Ok(all.into_iter().map(|(_, kept)| kept).collect())
}
