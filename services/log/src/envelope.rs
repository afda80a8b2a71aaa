//! The event as it is stored: an envelope that says where, when, who and what came before, around a body.
//!
//! The invariant: an event is encoded once, and its leaf is the hash of exactly those bytes. `prev` chains the events
//! of one stream, so that a stream's history can be checked without the rest of the log. The epoch is not in the
//! bytes: the log's origin names it.

mod open;
mod view;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

pub use open::Opened;
pub use view::View;

use crate::{Hash, LogError, MAX_INTEGER, canonical, leaf_hash};

/// The format version that this crate writes and reads.
pub const FORMAT: u32 = 1;

/// An event to be stored. Text is borrowed: it is only looked at once, to be written.
#[derive(Clone, Debug)]
pub struct Envelope<'a, B> {
    /// The region's code.
    pub region: &'a str,
    /// Number of the event in its log, from 0, without gaps.
    pub index: u64,
    /// The instant in UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`; never before that of the event before it.
    pub at: &'a str,
    /// What happened, in the domain's words.
    pub kind: &'a str,
    /// What it happened to.
    pub stream: &'a str,
    /// Number of the event in its stream, from 1.
    pub version: u64,
    /// Leaf of the stream's event before this one; absent at version 1 only.
    pub prev: Option<Hash>,
    /// On whose behalf.
    pub caller: &'a str,
    /// The caller's request id.
    pub request: &'a str,
    /// Keyed digest of the request, base64url.
    pub digest: &'a str,
    /// Version of the policy that decided it; absent if none did.
    pub policy: Option<u32>,
    /// The domain's event.
    pub body: B,
}

/// The stored bytes of an event and their leaf hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Encoded {
    /// Canonical JSON, never to be encoded again.
    pub bytes: Vec<u8>,
    /// SHA-256(0x00 ‖ bytes).
    pub leaf: Hash,
}

impl<B: Serialize> Envelope<'_, B> {
    /// Makes the bytes that will be stored, hashed and shown.
    ///
    /// # Errors
    /// `Envelope` if a field breaks the rules that its documentation gives; those of [`canonical`].
    pub fn encode(&self) -> Result<Encoded, LogError> {
        Facts {
            index: self.index,
            version: self.version,
            chained: self.prev.is_some(),
            at: self.at,
            named: [
                self.region,
                self.kind,
                self.stream,
                self.caller,
                self.request,
            ],
            digest: self.digest,
        }
        .check()?;
        let bytes = canonical(self)?;
        Ok(Encoded {
            leaf: leaf_hash(&bytes),
            bytes,
        })
    }
}

impl<B: Serialize> Serialize for Envelope<'_, B> {
    /// In the order of canonical JSON, so that nothing has to be moved afterwards.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let absent = usize::from(self.prev.is_none()) + usize::from(self.policy.is_none());
        let mut out = serializer.serialize_struct("Envelope", 13 - absent)?;
        out.serialize_field("at", self.at)?;
        out.serialize_field("body", &self.body)?;
        out.serialize_field("caller", self.caller)?;
        out.serialize_field("digest", self.digest)?;
        out.serialize_field("index", &self.index)?;
        out.serialize_field("kind", self.kind)?;
        match self.policy {
            Some(version) => out.serialize_field("policy", &version)?,
            None => out.skip_field("policy")?,
        }
        match &self.prev {
            Some(leaf) => out.serialize_field("prev", leaf)?,
            None => out.skip_field("prev")?,
        }
        out.serialize_field("region", self.region)?;
        out.serialize_field("request", self.request)?;
        out.serialize_field("stream", self.stream)?;
        out.serialize_field("v", &FORMAT)?;
        out.serialize_field("version", &self.version)?;
        out.end()
    }
}

/// What both directions check alike.
struct Facts<'a> {
    index: u64,
    version: u64,
    chained: bool,
    at: &'a str,
    /// region, kind, stream, caller, request
    named: [&'a str; 5],
    digest: &'a str,
}

impl Facts<'_> {
    fn check(&self) -> Result<(), LogError> {
        let wrong = |field, what| Err(LogError::Envelope { field, what });
        for (field, text) in ["region", "kind", "stream", "caller", "request"]
            .into_iter()
            .zip(self.named)
        {
            if text.is_empty() {
                return wrong(field, "is empty");
            }
        }
        if self.index > MAX_INTEGER {
            return wrong("index", "is beyond 2^53 - 1");
        }
        if self.version == 0 || self.version > MAX_INTEGER {
            return wrong("version", "is outside 1 to 2^53 - 1");
        }
        if self.chained != (self.version > 1) {
            return wrong("prev", "stands at every version but the first");
        }
        if !is_instant(self.at) {
            return wrong("at", "is not YYYY-MM-DDTHH:MM:SS.mmmZ");
        }
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if self.digest.is_empty() || !self.digest.bytes().all(base64url) {
            return wrong("digest", "is not base64url");
        }
        Ok(())
    }
}

/// Whether this is an instant of the proleptic Gregorian calendar in the one form that is stored.
pub fn is_instant(text: &str) -> bool {
    const FORM: &[u8; 24] = b"dddd-dd-ddTdd:dd:dd.dddZ";
    let text = text.as_bytes();
    let formed = text.len() == FORM.len()
        && text.iter().zip(FORM).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            mark => byte == mark,
        });
    if !formed {
        return false;
    }
    let number = |from, to| {
        text[from..to]
            .iter()
            .fold(0, |n, digit| n * 10 + u32::from(digit - b'0'))
    };
    let year = number(0, 4);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match number(5, 7) {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 0,
    };
    (1..=days).contains(&number(8, 10))
        && number(11, 13) < 24
        && number(14, 16) < 60
        && number(17, 19) < 60
}

#[cfg(test)]
mod tests;
