//! Where a log's public files are read from: an exported folder, a server, a database. The paths are the same for all.
//!
//! ```text
//! log.vkey                       a verifier key a line, one per origin and key
//! <region>/checkpoint            the signed checkpoint of the region's current epoch
//! <region>/checkpoints/<N>       those published of at least N events, a page of them (see `hefu_log::series`)
//! <region>/tile/…                its tiles and bundles of entries (C2SP tlog-tiles)
//! <region>/epoch/<E>/…           the same names for an epoch before it
//! ```
//!
//! The invariant: a reader says "no such file" with `None` and nothing else with it. What could not be read is an
//! error, so a disk or network that fails never looks like a log that was cut.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::PathBuf;

use hefu_domain::Region;
use hefu_log::MAX_BYTES;
use hefu_log::tile::TILE_WIDTH;

/// The longest file of a log: a bundle of 256 entries of 65,535 bytes with their lengths.
pub const MAX_FILE: usize = TILE_WIDTH as usize * (2 + MAX_BYTES);

/// The public files of one deployment's logs. It is read from several threads at once.
pub trait Files: Sync {
    /// One file, by its path below the deployment's prefix, with `/` between the parts; `None` if there is none.
    ///
    /// # Errors
    /// Whatever kept it from being read.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// Says that a file will be asked for soon: what is far away is fetched meanwhile. Of a few files at a time, not of all.
    fn expect(&self, _path: &str) {}

    /// The regions that have a log here, in ascending order.
    ///
    /// # Errors
    /// Whatever kept them from being listed.
    fn regions(&self) -> io::Result<Vec<Region>>;
}

/// An exported folder.
#[derive(Debug, Clone)]
pub struct Dir {
    root: PathBuf,
}

impl Dir {
    /// The folder that `hefu audit export` wrote, or any copy of the public files.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Files for Dir {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let place = self.root.join(path);
        let about = match fs::metadata(&place) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(path, error)),
        };
        // A folder from a stranger may hold a pipe, which is never read to its end, and a file of any length: one byte too many
        // is enough to know.
        if !about.is_file() {
            let what = io::Error::new(io::ErrorKind::InvalidData, "is no plain file; export again");
            return Err(at(path, what));
        }
        let file = File::open(&place).map_err(|error| at(path, error))?;
        let length = about.len();
        let mut bytes = Vec::with_capacity(length.min(MAX_FILE as u64) as usize + 1);
        file.take(MAX_FILE as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| at(path, error))?;
        if bytes.len() > MAX_FILE {
            let long = io::Error::new(io::ErrorKind::InvalidData, "longer than any file of a log");
            return Err(at(path, long));
        }
        Ok(Some(bytes))
    }

    fn regions(&self) -> io::Result<Vec<Region>> {
        let mut regions = Vec::new();
        let unread = |error| at(&self.root.display().to_string(), error);
        for entry in fs::read_dir(&self.root).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            // `log.vkey`, and whatever else somebody keeps there, is no region's code.
            let region = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(region) = region
                && entry.path().is_dir()
            {
                regions.push(region);
            }
        }
        regions.sort();
        Ok(regions)
    }
}

/// The same error, with the path in front of it.
fn at(path: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{path}: {error}"))
}
