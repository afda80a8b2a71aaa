//! Status lists as anybody reads them (draft-ietf-oauth-status-list-17): two bits for every place, compressed, signed.
//!
//! A reader takes `status.status_list` of a token, fetches `uri`, checks that the list's `sub` is that very text, and finds its entry at
//! `idx`. What the values mean, and which voucher has which, is not known here.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use hefu_domain::{Region, TokenStatus};
use serde::{Deserialize, Serialize};

use crate::base64url;
use crate::signer::Signer;

/// The media type of a signed list, without `application/` (section 5.1).
pub const STATUS_LIST_TYP: &str = "statuslist+jwt";

/// Bits of an entry.
const BITS: usize = 2;
/// Entries of a byte, the first in its lowest bits (section 4.1).
const IN_A_BYTE: usize = 8 / BITS;

/// Where a region's list is served, below the deployment's name, which is also the tokens' issuer.
pub fn status_list_uri(issuer: &str, region: &Region, list: u64) -> String {
    format!("https://{issuer}/status/{region}/{list}")
}

/// What a token says of its status (section 6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Where it stands.
    pub status_list: StatusReference,
}

/// Where a token stands in which list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusReference {
    /// Which entry, from 0.
    pub idx: u32,
    /// Which list: `sub` of that list says the same.
    pub uri: String,
}

/// The entries of one list, all of them [`TokenStatus::Valid`] at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusList(Vec<u8>);

impl StatusList {
    /// A list of so many entries.
    pub fn new(entries: u32) -> StatusList {
        StatusList(vec![0; (entries as usize).div_ceil(IN_A_BYTE)])
    }

    /// Says something else of an entry.
    ///
    /// # Panics
    /// If the list has no such entry.
    pub fn set(&mut self, entry: u32, status: TokenStatus) {
        let (byte, shift) = (
            entry as usize / IN_A_BYTE,
            entry as usize % IN_A_BYTE * BITS,
        );
        self.0[byte] = self.0[byte] & !(0b11 << shift) | status.value() << shift;
    }

    /// The list as it is signed: zlib (RFC 1950), then base64url.
    pub fn encode(&self) -> EncodedList {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        let packed = zlib.write_all(&self.0).and_then(|()| zlib.finish());
        EncodedList(base64url::encode(
            &packed.expect("memory takes what is written"),
        ))
    }
}

/// A list as it is signed: `lst`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedList(String);

/// From when on and how long a signed list may be relied on, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListTimes {
    /// When it was signed, since 1970.
    pub iat: i64,
    /// From then on it says nothing any more, since 1970.
    pub exp: i64,
    /// How long a reader keeps it before asking for a newer one.
    pub ttl: u32,
}

#[derive(Serialize)]
struct ListClaims<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
    ttl: u32,
    status_list: Lst<'a>,
}

#[derive(Serialize)]
struct Lst<'a> {
    bits: usize,
    lst: &'a str,
}

impl Signer {
    /// The signed list that is served at `uri`: a compact JWS of type [`STATUS_LIST_TYP`], so that it is never taken for a token.
    pub fn sign_status_list(&self, uri: &str, list: &EncodedList, times: ListTimes) -> String {
        let ListTimes { iat, exp, ttl } = times;
        let claims = ListClaims {
            sub: uri,
            iat,
            exp,
            ttl,
            status_list: Lst {
                bits: BITS,
                lst: &list.0,
            },
        };
        let claims = serde_json::to_vec(&claims).expect("claims are numbers and texts");
        self.sign_as(STATUS_LIST_TYP, &claims)
    }
}
