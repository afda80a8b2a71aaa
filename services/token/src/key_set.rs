//! The issuer's public keys, and the only way a token becomes claims: every check passed, in an order in which nothing
//! of the token is trusted before its signature. The algorithm is the key's, never the token's choice.

use hefu_domain::Instant;
use hefu_suite::SIGNATURE_BYTES;
use serde::{Deserialize, Serialize};

use crate::base64url;
use crate::claims::{Claims, TokenError};
use crate::signer::{PublicKey, TYP};

/// The longest token that is looked at, in bytes; a genuine one has about 600, with the longest of issuers less than 1,000.
pub const MAX_TOKEN_BYTES: usize = 2048;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

#[derive(Debug, Clone)]
struct Entry {
    key: PublicKey,
    /// For a retired key: the latest `exp` among the tokens it signed, in seconds since 1970.
    last_exp: Option<i64>,
}

/// The public keys of one issuer: the active one, and retired ones until their last token has expired.
#[derive(Debug, Clone)]
pub struct KeySet {
    iss: String,
    entries: Vec<Entry>,
}

impl KeySet {
    /// An issuer without keys yet.
    pub fn new(iss: impl Into<String>) -> KeySet {
        KeySet {
            iss: iss.into(),
            entries: Vec::new(),
        }
    }

    /// The keys of an issuer with the instants at which they were made, newest first. A key retires when its successor was made, and its
    /// last token expires at most `longest_life` seconds later.
    pub fn of_keys(
        iss: impl Into<String>,
        keys: &[(PublicKey, Instant)],
        longest_life: i64,
    ) -> KeySet {
        let mut set = KeySet::new(iss);
        let mut successor: Option<Instant> = None;
        for (key, created) in keys {
            let last_exp = successor.map(|at| at.0.div_euclid(1000).saturating_add(longest_life));
            set.insert(key.clone(), last_exp);
            successor = Some(*created);
        }
        set
    }

    /// The name of the active key.
    pub fn active(&self) -> Option<&str> {
        let active = self.entries.iter().find(|entry| entry.last_exp.is_none());
        active.map(|entry| entry.key.kid())
    }

    /// Adds a key, or changes what is known of it. `last_exp` is `None` for the active key; for a retired one the
    /// latest `exp` among its tokens, in seconds since 1970: nothing that it signs may live longer, so a retired key
    /// that leaks is worth little.
    pub fn insert(&mut self, key: PublicKey, last_exp: Option<i64>) {
        self.entries.retain(|entry| entry.key.kid() != key.kid());
        self.entries.push(Entry { key, last_exp });
    }

    /// Drops the retired keys whose last token has expired.
    pub fn drop_expired(&mut self, now: Instant) {
        self.entries
            .retain(|entry| entry.last_exp.is_none_or(|exp| !over(exp, now)));
    }

    /// The claims of a token that is genuine, this issuer's and in date; else why it is refused.
    ///
    /// Whether it is the voucher's one living token is not known here: compare [`crate::token_hash`] with the row's.
    /// `iat` is no bar (RFC 7519 section 4.1.6): writers on several machines may differ by seconds.
    pub fn verify(&self, token: &str, now: Instant) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Shape)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Shape)?;
        if payload.is_empty() || payload.contains('.') {
            return Err(TokenError::Shape);
        }
        let entry = self.signer_of(header)?;

        let mut bytes = [0; SIGNATURE_BYTES];
        if !base64url::decode_array(signature, &mut bytes) {
            return Err(TokenError::Shape);
        }
        if !entry.key.verifies(signed.as_bytes(), &bytes) {
            return Err(TokenError::BadSignature);
        }

        let payload = base64url::decode(payload).ok_or(TokenError::Shape)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)?;
        if !claims.are_consistent() || claims.to_bytes() != payload {
            return Err(TokenError::Claims);
        }
        if claims.iss != self.iss {
            return Err(TokenError::WrongIssuer);
        }
        if entry.last_exp.is_some_and(|last| claims.exp > last) {
            return Err(TokenError::KeyRetired);
        }
        if over(claims.exp, now) {
            return Err(TokenError::Expired);
        }
        Ok(claims)
    }

    fn signer_of(&self, header: &str) -> Result<&Entry, TokenError> {
        let bytes = base64url::decode(header).ok_or(TokenError::Shape)?;
        let header: Header<'_> = serde_json::from_slice(&bytes).map_err(|_| TokenError::Header)?;
        if header.typ != TYP {
            return Err(TokenError::WrongType);
        }
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.key.kid() == header.kid)
            .ok_or(TokenError::UnknownKey)?;
        if header.alg != entry.key.jose().alg {
            return Err(TokenError::WrongAlgorithm);
        }
        // The same fields in another order, with space or as an array: not what this issuer writes.
        if entry.key.header(TYP).as_bytes() != bytes {
            return Err(TokenError::Header);
        }
        Ok(entry)
    }

    /// The set as `/.well-known/jwks.json` serves it (RFC 7517, RFC 8037 section 2), retired keys included, of every suite.
    pub fn jwks_json(&self) -> String {
        let keys: Vec<Jwk<'_>> = self.entries.iter().map(|e| Jwk::of(&e.key)).collect();
        serde_json::to_string(&Jwks { keys }).expect("a key set is texts under fixed names")
    }
}

/// RFC 7519 section 4.1.4: `exp` is the first moment at which the token is not accepted.
fn over(exp: i64, now: Instant) -> bool {
    now.0 >= exp.saturating_mul(1000)
}

#[derive(Serialize)]
struct Jwks<'a> {
    keys: Vec<Jwk<'a>>,
}

#[derive(Serialize)]
struct Jwk<'a> {
    kty: &'static str,
    crv: &'static str,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    kid: &'a str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
}

impl Jwk<'_> {
    fn of(key: &PublicKey) -> Jwk<'_> {
        let jose = key.jose();
        Jwk {
            kty: jose.kty,
            crv: jose.crv,
            x: key.x(),
            y: key.y(),
            kid: key.kid(),
            alg: jose.alg,
            usage: "sig",
        }
    }
}
