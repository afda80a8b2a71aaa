//! Whether events follow those before them in their streams, in memory that does not grow with the log: a province has
//! hundreds of millions of streams. The invariant: an event follows its stream's one before by one version, and names that
//! one's leaf hash; streams carry on over epochs.
//!
//! The heads of some streams are held. Once there are more, links are put aside, in files by stream that have no name and are
//! gone with the process, and looked at when the log is over, file by file.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::BuildHasher as _;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};

use foldhash::{HashMap, HashMapExt as _};
use hefu_log::{Hash, leaf_hash};

use super::check::Stop;
use crate::replay::Check;

/// Streams whose heads are held, some 50 MB of them.
pub(super) const MOST: usize = 500_000;

/// Files that links are put aside in: each file's streams are held while it is looked at.
const FILES: usize = 64;

/// A stream's name as 16 bytes of its SHA-256: nobody finds two names with the same in less than 2^64 tries, and then
/// two streams would only seem broken, never whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct StreamId([u8; 16]);

impl StreamId {
    pub(super) fn of(name: &str) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&leaf_hash(name.as_bytes()).0[..16]);
        Self(id)
    }
}

/// What an event says of its place in its stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Link {
    pub(super) stream: StreamId,
    pub(super) version: u64,
    pub(super) prev: Option<Hash>,
}

/// The last version and leaf of every stream, 52 bytes each, or what to find them by.
pub(super) struct Streams {
    most: usize,
    heads: HashMap<StreamId, Head>,
    aside: Option<Aside>,
}

struct Head {
    // A stream that lives longer cannot be followed here and is reported; it would take decades of one event a second.
    version: u32,
    leaf: Hash,
}

impl Streams {
    /// No stream yet; links are put aside once there are more than so many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            heads: HashMap::new(),
            aside: None,
        }
    }

    /// So many events are to come: room is made at once for the streams that they may have.
    pub(super) fn expect(&mut self, events: u64) {
        if self.aside.is_none() {
            // Events of a voucher's life; what a log claims is believed up to the most that are held.
            let streams = usize::try_from(events / 4).unwrap_or(usize::MAX);
            self.heads
                .reserve(streams.min(self.most + 1 - self.heads.len()));
        }
    }

    /// Takes the next event, which stands at that index of its epoch. Whether it follows may be said by
    /// [`Streams::broken`] only.
    pub(super) fn follow(&mut self, link: &Link, leaf: Hash, index: u64) -> Result<(), Stop> {
        if let Some(aside) = &mut self.aside {
            aside.put(Row::of(link, leaf, index))?;
            return Ok(());
        }
        step(&mut self.heads, link, leaf).map_err(|check| Stop::Failed(index, check.into()))?;
        if self.heads.len() > self.most {
            let mut aside = Aside::new()?;
            for (stream, head) in self.heads.drain() {
                aside.put(Row::head(stream, &head))?;
            }
            self.heads = HashMap::new();
            self.aside = Some(aside);
        }
        Ok(())
    }

    /// The first event of those that were put aside that does not follow. It must be of the epoch that was walked over last:
    /// those of the epochs before were asked for when these were over.
    pub(super) fn broken(&mut self) -> io::Result<Option<(u64, Check)>> {
        match &mut self.aside {
            Some(aside) => aside.broken(),
            None => Ok(None),
        }
    }
}

/// Holds an event against its stream's head.
fn step(heads: &mut HashMap<StreamId, Head>, link: &Link, leaf: Hash) -> Result<(), Check> {
    let version = u32::try_from(link.version).map_err(|_| Check::StreamVersion)?;
    if version == 1 {
        // The envelope's rules leave a first version without `prev`.
        let head = Head { version, leaf };
        return match heads.insert(link.stream, head) {
            None => Ok(()),
            Some(_) => Err(Check::StreamVersion),
        };
    }
    let head = heads
        .get_mut(&link.stream)
        .filter(|head| head.version.checked_add(1) == Some(version))
        .ok_or(Check::StreamVersion)?;
    if link.prev != Some(head.leaf) {
        return Err(Check::StreamChain);
    }
    *head = Head { version, leaf };
    Ok(())
}

/// Links that were put aside, each in its stream's file, in the log's order.
struct Aside {
    // Drawn anew each time, so that nobody makes streams that all end in one file.
    files: RandomState,
    links: Vec<BufWriter<File>>,
}

impl Aside {
    fn new() -> io::Result<Self> {
        let file = || tempfile::tempfile().map(BufWriter::new);
        Ok(Self {
            files: RandomState::new(),
            links: (0..FILES).map(|_| file()).collect::<io::Result<_>>()?,
        })
    }

    fn put(&mut self, row: Row) -> io::Result<()> {
        let file = self.files.hash_one(row.link.stream) as usize % FILES;
        match self.links.get_mut(file) {
            Some(file) => file.write_all(&row.to_bytes()),
            None => Ok(()),
        }
    }

    fn broken(&mut self) -> io::Result<Option<(u64, Check)>> {
        let mut first: Option<(u64, Check)> = None;
        for links in &mut self.links {
            links.flush()?;
            let file = links.get_mut();
            file.rewind()?;
            let found = broken(&mut BufReader::new(&*file))?;
            file.seek(io::SeekFrom::End(0))?;
            if let Some(found) = found
                && first.is_none_or(|(index, _)| found.0 < index)
            {
                first = Some(found);
            }
        }
        Ok(first)
    }
}

/// The first link of a file that does not follow.
fn broken(links: &mut BufReader<&File>) -> io::Result<Option<(u64, Check)>> {
    let mut heads = HashMap::new();
    let mut row = [0; Row::BYTES];
    loop {
        match links.read_exact(&mut row) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let Row {
            link,
            leaf,
            index,
            is_head,
        } = Row::from_bytes(&row);
        if is_head {
            // It was held against those before it already.
            let version = link.version as u32;
            heads.insert(link.stream, Head { version, leaf });
        } else if let Err(check) = step(&mut heads, &link, leaf) {
            return Ok(Some((index, check)));
        }
    }
}

/// A link as it is put aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Row {
    link: Link,
    leaf: Hash,
    index: u64,
    /// Whether it is where a stream stood when its head was put aside.
    is_head: bool,
}

impl Row {
    /// Stream, version, index, what is there of the rest, previous leaf, leaf.
    const BYTES: usize = 16 + 8 + 8 + 1 + 32 + 32;

    fn of(link: &Link, leaf: Hash, index: u64) -> Self {
        Self {
            link: *link,
            leaf,
            index,
            is_head: false,
        }
    }

    fn head(stream: StreamId, head: &Head) -> Self {
        let version = head.version.into();
        Self {
            link: Link {
                stream,
                version,
                prev: None,
            },
            leaf: head.leaf,
            index: 0,
            is_head: true,
        }
    }

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let mark = u8::from(self.is_head) << 1 | u8::from(self.link.prev.is_some());
        bytes[..16].copy_from_slice(&self.link.stream.0);
        bytes[16..24].copy_from_slice(&self.link.version.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.index.to_be_bytes());
        bytes[32] = mark;
        bytes[33..65].copy_from_slice(&self.link.prev.unwrap_or(Hash::EMPTY).0);
        bytes[65..].copy_from_slice(&self.leaf.0);
        bytes
    }

    fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        fn part<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
            let mut part = [0; N];
            part.copy_from_slice(&bytes[from..from + N]);
            part
        }
        let prev = Hash(part(bytes, 33));
        Self {
            link: Link {
                stream: StreamId(part(bytes, 0)),
                version: u64::from_be_bytes(part(bytes, 16)),
                prev: (bytes[32] & 1 == 1).then_some(prev),
            },
            leaf: Hash(part(bytes, 65)),
            index: u64::from_be_bytes(part(bytes, 24)),
            is_head: bytes[32] & 2 == 2,
        }
    }
}
