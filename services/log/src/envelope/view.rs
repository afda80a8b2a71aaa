//! Looking at stored bytes where they lie. The invariant: a [`View`] stands only for bytes that
//! [`Envelope::encode`](super::Envelope::encode) could have written, canonical spelling included; it is what
//! [`Opened::decode`](super::Opened::decode) and [`crate::is_canonical`] say together, in one pass and without a copy.

use super::{FORMAT, Facts};
use crate::bytes::scan::{Cursor, Misspelt};
use crate::{Hash, LogError, MAX_BYTES};

/// A stored event, borrowed. Text is as spelt in the JSON: equal texts have equal spellings, and whatever is a code or
/// an id has no escapes.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The instant in UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`; in this form instants sort as text.
    pub at: &'a str,
    /// The canonical JSON of the domain's event.
    pub body: &'a str,
    /// On whose behalf.
    pub caller: &'a str,
    /// Keyed digest of the request, base64url.
    pub digest: &'a str,
    /// Number of the event in its log, from 0.
    pub index: u64,
    /// What happened.
    pub kind: &'a str,
    /// Version of the policy that decided it, if one did.
    pub policy: Option<u32>,
    /// Leaf of the stream's event before this one.
    pub prev: Option<Hash>,
    /// The region's code.
    pub region: &'a str,
    /// The caller's request id.
    pub request: &'a str,
    /// What it happened to.
    pub stream: &'a str,
    /// Number of the event in its stream, from 1.
    pub version: u64,
}

impl<'a> View<'a> {
    /// Reads stored bytes.
    ///
    /// # Errors
    /// `TooLarge`; `Decode` if they are not the canonical JSON of an envelope of this format; `Envelope` if a field
    /// breaks the envelope's rules.
    pub fn read(bytes: &'a [u8]) -> Result<Self, LogError> {
        if bytes.len() > MAX_BYTES {
            return Err(LogError::TooLarge { bytes: bytes.len() });
        }
        let text =
            std::str::from_utf8(bytes).map_err(|error| LogError::Decode(error.to_string()))?;
        let view = Self::scan(Cursor::new(text)).map_err(|Misspelt| {
            LogError::Decode("not canonical JSON in the envelope's form".to_owned())
        })?;
        Facts {
            index: view.index,
            version: view.version,
            chained: view.prev.is_some(),
            at: view.at,
            named: [
                view.region,
                view.kind,
                view.stream,
                view.caller,
                view.request,
            ],
            digest: view.digest,
        }
        .check()?;
        Ok(view)
    }

    /// The envelope's fields in the one order that canonical JSON gives them.
    fn scan(mut json: Cursor<'a>) -> Result<Self, Misspelt> {
        json.pass(r#"{"at":"#)?;
        let at = json.string()?;
        json.pass(r#","body":"#)?;
        let body = json.value(1)?;
        json.pass(r#","caller":"#)?;
        let caller = json.string()?;
        json.pass(r#","digest":"#)?;
        let digest = json.string()?;
        json.pass(r#","index":"#)?;
        let index = natural(&mut json)?;
        json.pass(r#","kind":"#)?;
        let kind = json.string()?;
        let policy = match json.try_pass(r#","policy":"#) {
            true => Some(u32::try_from(natural(&mut json)?).map_err(|_| Misspelt)?),
            false => None,
        };
        let prev = match json.try_pass(r#","prev":"#) {
            true => Some(json.string()?.parse().map_err(|_| Misspelt)?),
            false => None,
        };
        json.pass(r#","region":"#)?;
        let region = json.string()?;
        json.pass(r#","request":"#)?;
        let request = json.string()?;
        json.pass(r#","stream":"#)?;
        let stream = json.string()?;
        json.pass(r#","v":"#)?;
        if natural(&mut json)? != u64::from(FORMAT) {
            return Err(Misspelt);
        }
        json.pass(r#","version":"#)?;
        let version = natural(&mut json)?;
        json.pass("}")?;
        json.end()?;
        Ok(Self {
            at,
            body,
            caller,
            digest,
            index,
            kind,
            policy,
            prev,
            region,
            request,
            stream,
            version,
        })
    }
}

fn natural(json: &mut Cursor<'_>) -> Result<u64, Misspelt> {
    u64::try_from(json.integer()?).map_err(|_| Misspelt)
}
