//! Vouchers and their tokens.

use serde::{Deserialize, Serialize};

use crate::ids::*;
use crate::money::Fen;
use crate::state::*;
use crate::status::Place;
use crate::time::Instant;

/// Body of the event `Issued`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Issued {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub money: Money,
    pub due: Instant,
    pub token: TokenInForce,
    pub serial: u16,
    /// Where the token stands in the region's status lists.
    pub place: Place,
    pub takes: Vec<Held>,
}

/// Body of the event `TokenFetched`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TokenFetched {
    pub voucher: VoucherId,
    pub by: StaffId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<PersonId>,
    /// Which of the voucher's tokens.
    pub serial: u16,
}

/// Body of the event `TokenReissued`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TokenReissued {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub card_seen: Digest,
    pub token: TokenInForce,
    pub serial: u16,
    /// Where the token stands in the region's status lists.
    pub place: Place,
}

/// Body of the event `OverrideProposed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct OverrideProposed {
    pub voucher: VoucherId,
    pub proposal: Override,
}

/// Body of the event `OverrideConfirmed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct OverrideConfirmed {
    pub voucher: VoucherId,
    pub by: StaffId,
    /// Hash of what they saw proposed: it was the standing proposal's.
    pub proposal: Digest,
    pub reserve: Fen,
}

/// Body of the event `Frozen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Frozen {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub reason: Reason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<FindingId>,
}

/// Body of the event `Unfrozen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Unfrozen {
    pub voucher: VoucherId,
    pub by: StaffId,
    pub reason: Reason,
}
