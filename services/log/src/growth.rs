//! What a log's signer may sign: a tree that extends the last one it signed, hashed anew from the stored bytes.
//!
//! The invariant: nothing is taken over from what is checked. A leaf is the hash of the bytes at hand, never the one
//! stored beside them, and a tree is signed only when everything that says something of it says the same.

use crate::{Frontier, Hash, Opened, Tile, TileBuilder, leaf_hash};

/// A stored event as it is read for signing.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Under which number it stands.
    pub index: u64,
    /// The leaf hash that stands beside it.
    pub leaf: Hash,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// What a region's head says of its log.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// How many events.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// The right edge that the next event is appended to, as stored.
    pub frontier: &'a [u8],
}

/// Why a tree is not signed: which check failed, and at which event.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("check {:?} failed at event {}: {}", self.check(), self.index(), self.what())]
pub enum Doubt {
    /// The log is shorter than what was signed of it.
    Cut {
        /// Its events.
        size: u64,
        /// Those that were signed.
        signed: u64,
    },
    /// An event is not there.
    Gap {
        /// Which.
        index: u64,
    },
    /// An event's bytes are not those that its leaf hash was made of.
    Leaf {
        /// Which.
        index: u64,
    },
    /// An event's bytes say that they belong somewhere else.
    Place {
        /// Where they stand.
        index: u64,
    },
    /// The events hash to another root than the one that was signed, or than the head's.
    Root {
        /// The first event that may be the wrong one.
        index: u64,
    },
    /// The head's right edge is not that of its log.
    Edge {
        /// The event that would be appended to it.
        index: u64,
    },
    /// An event stands beyond the log's end.
    Beyond {
        /// Which.
        index: u64,
    },
    /// A published tile has another hash than the event.
    Tile {
        /// The first event below that hash.
        index: u64,
    },
    /// The log is of another origin than the one that was signed last.
    Origin {
        /// What was signed last.
        signed: String,
    },
    /// The log was signed before, and the signer's memory of it is lost.
    Memory,
    /// An event hands the log over to a key that is not at hand.
    Key {
        /// Which.
        index: u64,
    },
}

impl Doubt {
    /// The check that failed, in a word or two.
    pub const fn check(&self) -> &'static str {
        match self {
            Self::Cut { .. } => "length",
            Self::Gap { .. } => "dense indexes",
            Self::Leaf { .. } => "leaf hash",
            Self::Place { .. } => "place",
            Self::Root { .. } => "root",
            Self::Edge { .. } => "frontier",
            Self::Beyond { .. } => "end of log",
            Self::Tile { .. } => "tile",
            Self::Origin { .. } => "origin",
            Self::Memory => "signer state",
            Self::Key { .. } => "log key",
        }
    }

    /// The first event that may be wrong; 0 where the whole log is in doubt.
    pub const fn index(&self) -> u64 {
        match self {
            Self::Cut { size: index, .. }
            | Self::Gap { index }
            | Self::Leaf { index }
            | Self::Place { index }
            | Self::Root { index }
            | Self::Edge { index }
            | Self::Beyond { index }
            | Self::Tile { index }
            | Self::Key { index } => *index,
            Self::Origin { .. } | Self::Memory => 0,
        }
    }

    fn what(&self) -> String {
        let text = match self {
            Self::Cut { size, signed } => {
                return format!("{size} events are left of {signed} that were signed");
            }
            Self::Origin { signed } => return format!("the log that was signed last is {signed}"),
            Self::Gap { .. } => "it is missing",
            Self::Leaf { .. } => "its bytes were changed",
            Self::Place { .. } => "its bytes belong somewhere else",
            Self::Root { .. } => "the events from there on are not those that the root stands for",
            Self::Edge { .. } => "it would be appended to another tree",
            Self::Beyond { .. } => "it stands beyond the log's end",
            Self::Tile { .. } => "the published tile has another hash",
            Self::Memory => "the log was signed before, and what was signed is not known any more",
            Self::Key { .. } => "it names a log key that is not in the state folder",
        };
        text.to_owned()
    }
}

/// Whether a log's head still extends the tree that was signed last, as far as the two alone tell. True where it grew.
///
/// # Errors
/// `Cut` where it is shorter, `Root` where it is as long and another.
pub fn has_grown(signed: &Frontier, head: &Claim<'_>) -> Result<bool, Doubt> {
    let size = signed.size();
    if head.size < size {
        return Err(Doubt::Cut {
            size: head.size,
            signed: size,
        });
    }
    if head.size > size {
        return Ok(true);
    }
    if head.root != signed.root() {
        // No event is known to be the wrong one: it may be any.
        return Err(Doubt::Root { index: 0 });
    }
    edge(signed, head)?;
    Ok(false)
}

fn edge(tree: &Frontier, head: &Claim<'_>) -> Result<(), Doubt> {
    match tree.to_bytes() == head.frontier {
        true => Ok(()),
        false => Err(Doubt::Edge { index: head.size }),
    }
}

/// A log on its way from one tree to a larger one.
#[derive(Clone, Debug)]
pub struct Growth {
    from: u64,
    builder: TileBuilder,
    tiles: Vec<Tile>,
}

impl Growth {
    /// Starts from the tree that a builder stands at.
    pub const fn from(builder: TileBuilder) -> Self {
        Self {
            from: builder.size(),
            builder,
            tiles: Vec::new(),
        }
    }

    /// Hashes the next event.
    ///
    /// # Errors
    /// `Gap` if another one stands there, `Leaf` if its bytes are not those that its leaf hash was made of.
    pub fn feed(&mut self, event: Stored<'_>) -> Result<(), Doubt> {
        let index = self.builder.size();
        if event.index != index {
            return Err(Doubt::Gap { index });
        }
        let leaf = leaf_hash(event.bytes);
        if leaf != event.leaf {
            return Err(Doubt::Leaf { index });
        }
        self.builder.push(leaf, |tile| self.tiles.push(tile));
        Ok(())
    }

    /// How many events the log has so far.
    pub const fn size(&self) -> u64 {
        self.builder.size()
    }

    /// The tiles that were filled since they were last taken.
    pub fn take_tiles(&mut self) -> Vec<Tile> {
        std::mem::take(&mut self.tiles)
    }

    /// The right edge of the tree so far.
    ///
    /// # Errors
    /// `Root` for a log that is longer than a log can be.
    pub fn frontier(&self) -> Result<Frontier, Doubt> {
        let from = self.from;
        let frontier = self.builder.frontier();
        frontier.map_err(|_| Doubt::Root { index: from })
    }

    /// Ends at the head: the tree that may be signed.
    ///
    /// # Errors
    /// `Gap` if the log ends before the head says, `Root` and `Edge` if it is another log than the head's.
    pub fn end(&self, head: &Claim<'_>) -> Result<Frontier, Doubt> {
        let index = self.size();
        if index != head.size {
            return Err(Doubt::Gap { index });
        }
        let frontier = self.frontier()?;
        if frontier.root() != head.root {
            return Err(Doubt::Root { index: self.from });
        }
        edge(&frontier, head)?;
        Ok(frontier)
    }

    /// The builder, to go on from.
    pub fn into_builder(self) -> TileBuilder {
        self.builder
    }
}

/// Whether an event's bytes say that they belong where they stand: what tells which of many hashed events are the wrong ones.
///
/// # Errors
/// `Place` if they are no event, or another region's, or of another index.
pub fn in_place(region: &str, event: &Stored<'_>) -> Result<(), Doubt> {
    let opened = Opened::<Box<serde_json::value::RawValue>>::decode(event.bytes);
    match opened {
        Ok(opened) if opened.region == region && opened.index == event.index => Ok(()),
        Ok(_) | Err(_) => Err(Doubt::Place { index: event.index }),
    }
}

#[cfg(test)]
mod tests;
