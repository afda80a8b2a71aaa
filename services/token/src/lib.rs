//! Voucher tokens and the keys that sign them.
//!
//! A token is a compact JWS (RFC 7515) with Ed25519 (RFC 8037) that any JWT library can check offline; where a deployment
//! asks for it and the build has the feature `sm2-sm3`, with SM2 and SM3 instead (see `hefu-suite`). It is one half
//! of the tally: the voucher's row keeps the hash of the one token issued, so a token alone buys nothing, and a stolen
//! signing key mints nothing. Signing is deterministic: a token that nobody kept can be derived again from its claims.
//!
//! Nothing here reads a clock or draws randomness; both come in from the caller. [`keys`], [`KeyRing`] and [`private_file`]
//! alone touch the disk.

mod base64url;
mod claims;
mod key_ring;
pub mod key_set;
pub mod keys;
pub mod private_file;
mod signer;
mod status_list;

pub use hefu_suite::Suite;

pub use claims::{Claims, TokenError};
pub use key_ring::KeyRing;
pub use key_set::{KeySet, MAX_TOKEN_BYTES};
pub use signer::{PublicKey, Signer, same_hash, token_hash};
pub use status_list::{
    EncodedList, ListTimes, STATUS_LIST_TYP, Status, StatusList, StatusReference, status_list_uri,
};
