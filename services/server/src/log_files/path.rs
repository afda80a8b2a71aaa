//! The names of a log's public files. The invariant: a file has one path, and whatever is spelt otherwise names nothing.

use std::str::FromStr;

use hefu_domain::Region;
use hefu_log::{MAX_INTEGER, TilePath};

/// A file below `/log/`, or of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogPath {
    /// `log.vkey`: a verifier key a line, one per origin and key.
    Keys,
    /// `regions`: a line `region epoch size` for each region of which something is published.
    Regions,
    /// `<region>/…`, or `<region>/epoch/<E>/…` for an epoch before the current one.
    OfLog {
        /// Whose log.
        region: Region,
        /// Which epoch before the current one; none for the current one.
        epoch: Option<u64>,
        /// Which of the log's files.
        file: LogFile,
    },
}

/// A file of one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFile {
    /// `checkpoint`: the last one published.
    Checkpoint,
    /// `checkpoints/<N>`: those published of at least N events, as many as a page holds, an empty line between each two. The
    /// next page begins behind the last of them.
    Checkpoints(u64),
    /// `tile/…` (C2SP tlog-tiles).
    Tile(TilePath),
}

/// There is no file of that name in any log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no file of a log has this name")]
pub struct NoSuchName;

impl FromStr for LogPath {
    type Err = NoSuchName;

    fn from_str(text: &str) -> Result<LogPath, NoSuchName> {
        match text {
            "log.vkey" => return Ok(LogPath::Keys),
            "regions" => return Ok(LogPath::Regions),
            _ => {}
        }
        let (region, rest) = text.split_once('/').ok_or(NoSuchName)?;
        let (epoch, file) = match rest.strip_prefix("epoch/") {
            None => (None, rest),
            Some(rest) => {
                let (epoch, file) = rest.split_once('/').ok_or(NoSuchName)?;
                (Some(number(epoch).ok_or(NoSuchName)?), file)
            }
        };
        Ok(LogPath::OfLog {
            region: region.parse().map_err(|_| NoSuchName)?,
            epoch,
            file: match file {
                "checkpoint" => LogFile::Checkpoint,
                other => match other.strip_prefix("checkpoints/") {
                    Some(from) => LogFile::Checkpoints(number(from).ok_or(NoSuchName)?),
                    None => LogFile::Tile(other.parse().map_err(|_| NoSuchName)?),
                },
            },
        })
    }
}

/// A number in its one spelling: no sign, no leading zero, at most 2^53 - 1.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok().filter(|number| *number <= MAX_INTEGER)?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_one_path() {
        let of = |epoch, file| LogPath::OfLog {
            region: "140725".parse().unwrap(),
            epoch,
            file,
        };
        let tile = |path: &str| LogFile::Tile(path.parse().unwrap());
        let known = [
            ("log.vkey", LogPath::Keys),
            ("regions", LogPath::Regions),
            ("140725/checkpoint", of(None, LogFile::Checkpoint)),
            ("140725/checkpoints/0", of(None, LogFile::Checkpoints(0))),
            (
                "140725/checkpoints/301",
                of(None, LogFile::Checkpoints(301)),
            ),
            (
                "140725/epoch/0/checkpoint",
                of(Some(0), LogFile::Checkpoint),
            ),
            ("140725/tile/0/000", of(None, tile("tile/0/000"))),
            (
                "140725/epoch/12/tile/entries/x001/234.p/5",
                of(Some(12), tile("tile/entries/x001/234.p/5")),
            ),
        ];
        for (text, path) in known {
            assert_eq!(text.parse(), Ok(path), "{text}");
        }
    }

    #[test]
    fn whatever_is_spelt_otherwise_names_nothing() {
        for text in [
            "",
            "/",
            "140725",
            "140725/",
            "140725//checkpoint",
            "/140725/checkpoint",
            "140725/checkpoint/",
            "140725/checkpoint?x",
            "140725/Checkpoint",
            "14072/checkpoint",
            "../140725/checkpoint",
            "140725/../140725/checkpoint",
            "140725/epoch/00/checkpoint",
            "140725/epoch/+1/checkpoint",
            "140725/epoch/-1/checkpoint",
            "140725/epoch/9007199254740992/checkpoint",
            "140725/epoch/1/epoch/0/checkpoint",
            "140725/epoch/1",
            "140725/tile/0/0",
            "140725/tile/00/000",
            "140725/tile/64/000",
            "140725/tile/0/000.p/0",
            "140725/tile/0/000.p/256",
            "140725/tile/0/000.p/05",
            "140725/tile/0/x000/001",
            "140725/tile/entries/000.p",
            "140725/tile/data/000",
            "regions/",
            "log.vkey ",
        ] {
            assert_eq!(text.parse::<LogPath>(), Err(NoSuchName), "{text:?}");
        }
    }
}
