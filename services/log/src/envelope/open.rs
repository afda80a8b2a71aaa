//! Reading stored bytes back. The invariant: only what [`Envelope::encode`](super::Envelope::encode) could have
//! written opens: a field too many, a null, another format version is an error, never a default.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{FORMAT, Facts};
use crate::{Hash, LogError, MAX_BYTES};

/// A stored event, read. The body is the raw JSON of the domain's event unless a type is named.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened<B = Box<RawValue>> {
    /// The instant in UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`.
    pub at: String,
    /// The domain's event.
    pub body: B,
    /// On whose behalf.
    pub caller: String,
    /// Keyed digest of the request, base64url.
    pub digest: String,
    /// Number of the event in its log, from 0.
    pub index: u64,
    /// What happened.
    pub kind: String,
    /// Version of the policy that decided it, if one did.
    #[serde(default, deserialize_with = "present")]
    pub policy: Option<u32>,
    /// Leaf of the stream's event before this one.
    #[serde(default, deserialize_with = "present")]
    pub prev: Option<Hash>,
    /// The region's code.
    pub region: String,
    /// The caller's request id.
    pub request: String,
    /// What it happened to.
    pub stream: String,
    #[serde(rename = "v", deserialize_with = "this_format")]
    _format: IgnoredAny,
    /// Number of the event in its stream, from 1.
    pub version: u64,
}

impl<B: DeserializeOwned> Opened<B> {
    /// Reads stored bytes. That they are canonical is for [`crate::is_canonical`] to say, that they are the log's own
    /// for the leaf hash.
    ///
    /// # Errors
    /// `TooLarge`; `Decode` if they are not the JSON of an envelope around a `B`; `Envelope` if a field breaks the
    /// envelope's rules.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        if bytes.len() > MAX_BYTES {
            return Err(LogError::TooLarge { bytes: bytes.len() });
        }
        let not_event = |error: &dyn std::fmt::Display| LogError::Decode(error.to_string());
        // Checked as a whole, text is not checked again string by string.
        let text = std::str::from_utf8(bytes).map_err(|error| not_event(&error))?;
        let opened: Self = serde_json::from_str(text).map_err(|error| not_event(&error))?;
        Facts {
            index: opened.index,
            version: opened.version,
            chained: opened.prev.is_some(),
            at: &opened.at,
            named: [
                &opened.region,
                &opened.kind,
                &opened.stream,
                &opened.caller,
                &opened.request,
            ],
            digest: &opened.digest,
        }
        .check()?;
        Ok(opened)
    }
}

/// A field that may be left out, but not be null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn this_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IgnoredAny, D::Error> {
    match u32::deserialize(deserializer)? {
        FORMAT => Ok(IgnoredAny),
        other => Err(serde::de::Error::custom(format_args!(
            "format version {other} is not known here"
        ))),
    }
}
