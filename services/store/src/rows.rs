//! The rows that cross this crate's border, and what both engines can hold.
//!
//! Whatever passes `check` is stored and read back alike on SQLite and PostgreSQL: no NUL in text
//! (PostgreSQL refuses it), keys short enough for an index page, counters below 2^63.

use crate::error::{Result, StoreError};
use crate::tables::Table;

/// Longest region, id, stream, caller, request id or index column, in bytes.
pub const MAX_KEY_BYTES: usize = 512;
/// Longest event, in bytes: DESIGN.md, section 5.
pub const MAX_EVENT_BYTES: usize = 65_535;
/// Longest body of a state row or sealed secret, in bytes.
pub const MAX_BODY_BYTES: usize = 8 << 20;

/// A nullifier's key: a keyed hash, cut to 16 bytes.
pub type Tag = [u8; 16];

/// The version of everything in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub region: String,
    pub epoch: u64,
    /// Events in this epoch's log.
    pub size: u64,
    /// Merkle root over them.
    pub root: [u8; 32],
    /// The tree's right edge, opaque here.
    pub frontier: Vec<u8>,
    /// Instant of the last event, Unix milliseconds.
    pub at_ms: i64,
    pub fence: u64,
    pub alarm: Option<String>,
}

impl Head {
    /// True while whatever was read under `other` is still true.
    pub fn guards(&self, other: &Head) -> bool {
        self.region == other.region
            && self.size == other.size
            && self.root == other.root
            && self.epoch == other.epoch
            && self.fence == other.fence
            && self.alarm == other.alarm
    }

    pub(crate) fn check(&self) -> Result<()> {
        let at = At("head", &self.region);
        at.key("region", &self.region)?;
        at.number("epoch", self.epoch)?;
        at.number("size", self.size)?;
        at.number("fence", self.fence)?;
        at.size("frontier", &self.frontier, 64 * 32 + 16)?;
        at.optional("alarm", self.alarm.as_deref())
    }
}

/// One event of a region's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    pub region: String,
    pub epoch: u64,
    /// Dense from 0 in every epoch.
    pub idx: u64,
    pub kind: String,
    pub stream: String,
    /// Version of the stream after this event, from 1.
    pub version: u64,
    /// The subject that asked; none for the clock's and the city's moves.
    pub caller: Option<String>,
    pub request: String,
    /// Which of its request's events this is, from 0.
    pub ordinal: u32,
    /// Keyed digest of the request.
    pub digest: Vec<u8>,
    /// Unix milliseconds.
    pub at_ms: i64,
    pub leaf: [u8; 32],
    /// What was hashed and signed.
    pub bytes: Vec<u8>,
}

/// What of an event is hashed and signed, for whoever reads a whole log: far less than an [`EventRow`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafRow {
    pub idx: u64,
    pub leaf: [u8; 32],
    /// What was hashed and signed.
    pub bytes: Vec<u8>,
}

impl EventRow {
    /// The request that this event answered, if somebody asked.
    pub fn request_key(&self) -> Option<RequestKey> {
        Some(RequestKey {
            region: self.region.clone(),
            caller: self.caller.clone()?,
            request: self.request.clone(),
        })
    }

    pub(crate) fn check(&self) -> Result<()> {
        let at = At("event", &self.request);
        at.key("region", &self.region)?;
        at.number("epoch", self.epoch)?;
        at.number("idx", self.idx)?;
        at.key("kind", &self.kind)?;
        at.key("stream", &self.stream)?;
        at.number("version", self.version)?;
        at.optional("caller", self.caller.as_deref())?;
        at.key("request", &self.request)?;
        if i32::try_from(self.ordinal).is_err() {
            return Err(at.invalid("ordinal", "is beyond the largest stored number"));
        }
        at.size("digest", &self.digest, MAX_KEY_BYTES)?;
        at.size("bytes", &self.bytes, MAX_EVENT_BYTES)
    }
}

/// One row of a state table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub region: String,
    pub table: Table,
    pub id: String,
    /// The stream's version; 0 while it has no event of its own.
    pub version: u64,
    /// Leaf hash of the stream's last event.
    pub leaf: Option<[u8; 32]>,
    /// In the order of the table's [`Spec`](crate::Spec).
    pub columns: Vec<Option<String>>,
    /// In its order, too. Written: none where they stay as they are. Read: none but by [`Reads::rows`](crate::Reads::rows).
    pub links: Option<Vec<Option<String>>>,
    /// Canonical JSON, opaque here.
    pub body: String,
}

impl Row {
    pub(crate) fn check(&self) -> Result<()> {
        let spec = self.table.spec();
        let at = At(spec.name, &self.id);
        at.key("region", &self.region)?;
        at.key("id", &self.id)?;
        at.number("version", self.version)?;
        if self.columns.len() != spec.columns.len() {
            return Err(at.invalid("*", "has another number of index columns than its table"));
        }
        let links = self.links.as_deref().unwrap_or_default();
        if self.links.is_some() && links.len() != spec.links.len() {
            return Err(at.invalid("*", "has another number of links than its table"));
        }
        let links = spec.links.iter().zip(links);
        for (name, value) in spec.columns.iter().zip(&self.columns).chain(links) {
            at.optional(name, value.as_deref())?;
        }
        at.size("body", self.body.as_bytes(), MAX_BODY_BYTES)?;
        at.no_nul("body", &self.body)
    }
}

/// Where a row of a state table stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FactKey {
    pub region: String,
    pub table: Table,
    pub id: String,
}

/// A request as its caller named it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey {
    pub region: String,
    pub caller: String,
    pub request: String,
}

/// "Once only" across regions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Nullifier {
    pub tag: Tag,
    pub region: String,
    pub voucher: String,
}

impl Nullifier {
    pub(crate) fn check(&self) -> Result<()> {
        let at = At("nullifier", &self.voucher);
        at.key("region", &self.region)?;
        at.key("voucher", &self.voucher)
    }
}

/// A subject whose secrets are asked for or removed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonKey {
    pub region: String,
    pub person: String,
}

/// The vault's ciphertext of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonSecret {
    pub region: String,
    pub person: String,
    /// Keyed tag of the identity, unique in the region.
    pub tag: Vec<u8>,
    pub sealed: Vec<u8>,
}

impl PersonSecret {
    pub(crate) fn key(&self) -> PersonKey {
        PersonKey {
            region: self.region.clone(),
            person: self.person.clone(),
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let at = At("person_secret", &self.person);
        at.key("region", &self.region)?;
        at.key("person", &self.person)?;
        at.size("tag", &self.tag, MAX_KEY_BYTES)?;
        at.size("sealed", &self.sealed, MAX_BODY_BYTES)
    }
}

/// The vault's ciphertext of a value that stands in the log as a commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedSecret {
    pub region: String,
    /// The commitment as it stands in the log.
    pub commitment: String,
    pub sealed: Vec<u8>,
}

impl CommittedSecret {
    pub(crate) fn check(&self) -> Result<()> {
        let at = At("committed_secret", &self.commitment);
        at.key("region", &self.region)?;
        at.key("commitment", &self.commitment)?;
        at.size("sealed", &self.sealed, MAX_BODY_BYTES)
    }
}

/// A row under scrutiny: its table and key, for the error.
pub(crate) struct At<'a>(pub(crate) &'static str, pub(crate) &'a str);

impl At<'_> {
    pub(crate) fn invalid(&self, column: &'static str, why: &'static str) -> StoreError {
        StoreError::Invalid {
            table: self.0,
            column,
            key: self.1.escape_default().take(MAX_KEY_BYTES).collect(),
            why,
        }
    }

    pub(crate) fn key(&self, column: &'static str, value: &str) -> Result<()> {
        if value.is_empty() {
            return Err(self.invalid(column, "is empty"));
        }
        self.optional(column, Some(value))
    }

    fn optional(&self, column: &'static str, value: Option<&str>) -> Result<()> {
        let Some(value) = value else { return Ok(()) };
        self.size(column, value.as_bytes(), MAX_KEY_BYTES)?;
        self.no_nul(column, value)
    }

    pub(crate) fn size(&self, column: &'static str, value: &[u8], most: usize) -> Result<()> {
        match value.len() <= most {
            true => Ok(()),
            false => Err(self.invalid(column, "is too long")),
        }
    }

    pub(crate) fn no_nul(&self, column: &'static str, value: &str) -> Result<()> {
        match value.as_bytes().contains(&0) {
            false => Ok(()),
            true => Err(self.invalid(column, "contains NUL, which text cannot hold")),
        }
    }

    pub(crate) fn number(&self, column: &'static str, value: u64) -> Result<()> {
        match i64::try_from(value) {
            Ok(_) => Ok(()),
            Err(_) => Err(self.invalid(column, "is beyond the largest stored number")),
        }
    }
}

/// A counter that passed `check`, as SQL's signed BIGINT. A bound of a read may be larger than any
/// row: the largest BIGINT then stands for it.
pub(crate) fn big(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
