//! The heads of a region's streams, kept small: a province has hundreds of millions. The invariant: an event follows
//! its stream's one before by one version, and names that one's leaf hash; streams carry on over epochs.

use foldhash::HashMap;
use hefu_log::{Hash, leaf_hash};

use crate::replay::Check;

/// A stream's name as 16 bytes of its SHA-256: nobody finds two names with the same in less than 2^64 tries, and then
/// two streams would only seem broken, never whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct StreamId([u8; 16]);

impl StreamId {
    pub(super) fn of(name: &str) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&leaf_hash(name.as_bytes()).0[..16]);
        Self(id)
    }
}

/// What an event says of its place in its stream.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) stream: StreamId,
    pub(super) version: u64,
    pub(super) prev: Option<Hash>,
}

/// The last version and leaf of every stream, 52 bytes each.
#[derive(Default)]
pub(super) struct Streams {
    heads: HashMap<StreamId, Head>,
}

struct Head {
    // A stream that lives longer cannot be followed here and is reported; it would take decades of one event a second.
    version: u32,
    leaf: Hash,
}

impl Streams {
    /// Takes the next event.
    pub(super) fn follow(&mut self, link: &Link, leaf: Hash) -> Result<(), Check> {
        let version = u32::try_from(link.version).map_err(|_| Check::StreamVersion)?;
        if version == 1 {
            // The envelope's rules leave a first version without `prev`.
            let head = Head { version, leaf };
            return match self.heads.insert(link.stream, head) {
                None => Ok(()),
                Some(_) => Err(Check::StreamVersion),
            };
        }
        let head = self
            .heads
            .get_mut(&link.stream)
            .filter(|head| head.version.checked_add(1) == Some(version))
            .ok_or(Check::StreamVersion)?;
        if link.prev != Some(head.leaf) {
            return Err(Check::StreamChain);
        }
        *head = Head { version, leaf };
        Ok(())
    }
}
