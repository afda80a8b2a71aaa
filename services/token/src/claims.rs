//! What a token says, and every way in which one can be refused.

use hefu_domain::{Fen, LIST_PLACES, Programme, Region, Tag, VoucherId, VoucherKind};
use serde::{Deserialize, Serialize};

use crate::status_list::{Status, StatusReference, status_list_uri};

/// The claims of a voucher token. They are serialised in the order of these fields, so equal claims are equal bytes.
///
/// Nobody can learn from them whose voucher it is: `hb` is a keyed tag (`hefu-vault`, holder binding).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Issuer: the deployment's public name (RFC 7519 section 4.1.1).
    pub iss: String,
    /// The voucher.
    pub jti: VoucherId,
    /// Issued at, in seconds since 1970.
    pub iat: i64,
    /// The first second in which the token is no longer valid, since 1970 (RFC 7519 section 4.1.4).
    pub exp: i64,
    /// The region whose log holds the voucher.
    pub region: Region,
    /// The programme's code.
    pub prg: Programme,
    /// Training or assessment voucher.
    pub kind: VoucherKind,
    /// The most that the voucher could pay when it was issued, in fen.
    pub cap: Fen,
    /// Holder binding: the presented identity must yield the same tag.
    pub hb: Tag,
    /// Which token of this voucher it is; every reissue raises it and kills the one before.
    pub serial: u32,
    /// Where anybody reads whether it can still be used.
    pub status: Status,
}

impl Claims {
    /// The one spelling of these claims, which is what is signed.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("claims are numbers and texts under fixed names")
    }

    /// Whether the claims could describe a voucher at all. A genuine signature over others is a defect of the issuer.
    pub(crate) fn are_consistent(&self) -> bool {
        self.iat >= 0
            && self.exp > self.iat
            && (Fen::ZERO..=Fen::MAX).contains(&self.cap)
            && self.kind == self.prg.kind()
            && self.is_listed()
    }

    /// Whether the list that it names is one of its own issuer's and region's.
    fn is_listed(&self) -> bool {
        let StatusReference { idx, uri } = &self.status.status_list;
        let list = uri.rsplit('/').next().and_then(|list| list.parse().ok());
        *idx < LIST_PLACES
            && list.is_some_and(|list| *uri == status_list_uri(&self.iss, &self.region, list))
    }
}

/// Why a token was refused. No variant carries anything of the token, so an error may be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`crate::MAX_TOKEN_BYTES`]; nothing was decoded.
    #[error("the token is longer than {} bytes", crate::MAX_TOKEN_BYTES)]
    TooLong,
    /// Not three non-empty parts in canonical base64url.
    #[error("the token is not three base64url parts joined by dots")]
    Shape,
    /// The header is not exactly `alg`, `kid` and `typ`, in that order and without space.
    #[error("the token's header is not exactly alg, kid and typ")]
    Header,
    /// The header's `typ` is another one than `tv+jwt`.
    #[error("the token is of another type than tv+jwt")]
    WrongType,
    /// No key of the set has this `kid`.
    #[error("no key of this issuer has the token's kid")]
    UnknownKey,
    /// The header's `alg` is not the one that its key is for.
    #[error("the token names another algorithm than its key's")]
    WrongAlgorithm,
    /// The signature is not the key's over these bytes, or not in its one canonical form.
    #[error("the token's signature is not genuine")]
    BadSignature,
    /// A genuine signature over claims that this version does not know, spells otherwise, or that contradict themselves.
    #[error("the token's claims are not those of a voucher token")]
    Claims,
    /// Issued by another deployment.
    #[error("the token is another issuer's")]
    WrongIssuer,
    /// `exp` is reached.
    #[error("the token has expired")]
    Expired,
    /// Signed by a retired key for longer than that key's last token lives.
    #[error("the token outlives the retired key that signed it")]
    KeyRetired,
    /// A public key of small order, in a second spelling, no point of the curve at all, or of a suite that is not built.
    #[error("not a usable public key")]
    WeakKey,
}
