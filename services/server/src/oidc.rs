//! Callers whom an OpenID Connect provider vouches for, by a JWT in place of a key.
//!
//! The invariant: whatever a token claims counts only once a key of its provider has signed it, by an algorithm that is allowed there
//! and is the key's own; and the credential is of issuer and subject together, so that no provider speaks for another's people.

mod jwks;
mod proven;

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hefu_domain::CredentialId;
use hefu_engine::Clock;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tonic::Status;

use crate::caller::{nobody, of_subject};
use crate::errors;
use jwks::{Found, KeySource};
use proven::Proven;

/// How far a provider's clock may be off, in seconds.
const LEEWAY: f64 = 60.0;
/// The longest token, in bytes.
const LONGEST: usize = 8 * 1024;
/// The longest subject, in bytes, as OpenID Connect has it.
const LONGEST_SUBJECT: usize = 255;

/// How a provider signs. There is no other way, least of all one that a public key could forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// Ed25519.
    EdDSA,
    /// ECDSA over P-256.
    ES256,
    /// RSA, PKCS #1 v1.5, from 2,048 bits.
    RS256,
}

impl Algorithm {
    const ALL: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];

    fn name(self) -> &'static str {
        match self {
            Algorithm::EdDSA => "EdDSA",
            Algorithm::ES256 => "ES256",
            Algorithm::RS256 => "RS256",
        }
    }
}

/// A provider, as `[[oidc]]` names it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderAt {
    /// Exactly as its tokens say it in `iss`.
    pub issuer: String,
    /// What its tokens must be made for, `aud`.
    pub audience: String,
    /// Its key set: an https address, or a file.
    pub jwks: String,
    /// How it signs; all three without it.
    #[serde(default = "all")]
    pub algorithms: Vec<Algorithm>,
    /// A PEM file with the CA of its https address, where that is none that this system trusts.
    pub ca: Option<PathBuf>,
}

fn all() -> Vec<Algorithm> {
    Algorithm::ALL.to_vec()
}

/// A provider that tokens cannot be taken from.
#[derive(Debug, thiserror::Error)]
#[error("[[oidc]] {issuer}: {why}")]
pub struct OidcError {
    issuer: String,
    why: String,
}

/// All providers. Cheap to clone.
#[derive(Clone)]
pub struct Providers {
    all: Arc<[Provider]>,
    proven: Arc<Proven>,
    clock: Clock,
}

struct Provider {
    at: ProviderAt,
    keys: Arc<KeySource>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood, and none is.
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    #[serde(default)]
    sub: String,
    aud: Option<Audience>,
    exp: Option<f64>,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn holds(&self, wanted: &str) -> bool {
        match self {
            Audience::One(one) => one == wanted,
            Audience::Several(several) => several.iter().any(|one| one == wanted),
        }
    }
}

impl Providers {
    /// Checks the configuration and reads the key sets that are files.
    ///
    /// # Errors
    /// What is wrong with which provider.
    pub fn new(configured: &[ProviderAt], clock: Clock) -> Result<Providers, OidcError> {
        let mut all: Vec<Provider> = Vec::with_capacity(configured.len());
        for at in configured {
            let wrong = |why: String| OidcError {
                issuer: at.issuer.clone(),
                why,
            };
            let blank = |text: &str| text.is_empty() || text.chars().any(char::is_control);
            if blank(&at.issuer) || blank(&at.audience) || at.algorithms.is_empty() {
                let why = "issuer, audience and algorithms must each be there, on one line";
                return Err(wrong(why.to_owned()));
            }
            if all.iter().any(|other| other.at.issuer == at.issuer) {
                return Err(wrong("is configured twice".to_owned()));
            }
            let keys = KeySource::new(&at.jwks, at.ca.as_deref()).map_err(wrong)?;
            all.push(Provider {
                at: at.clone(),
                keys: Arc::new(keys),
            });
        }
        Ok(Providers {
            all: all.into(),
            proven: Arc::default(),
            clock,
        })
    }

    /// Fetches every key set now, and again and again.
    pub(crate) async fn keep_fetching(self) {
        let each = self
            .all
            .iter()
            .map(|provider| provider.keys.keep_fetching());
        futures_util::future::join_all(each).await;
    }

    /// Whether what was shown is to be read as a token: there are providers, and it has a token's three parts.
    pub(crate) fn take(&self, shown: &str) -> bool {
        !self.all.is_empty() && shown.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    /// The credential of a token's subject.
    ///
    /// # Errors
    /// UNAUTHENTICATED with what is wrong; UNAVAILABLE while the provider's keys cannot be had.
    pub(crate) async fn credential(&self, token: &str) -> Result<CredentialId, Status> {
        if token.len() > LONGEST {
            return Err(nobody("JWT_TOO_LARGE", "the token is longer than 8 KiB"));
        }
        let malformed = || {
            nobody(
                "JWT_MALFORMED",
                "the token is no signed JWT in compact form",
            )
        };
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let header: Header = part(header).ok_or_else(malformed)?;
        let claims: Claims = part(claims).ok_or_else(malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
        if header.crit.is_some() {
            return Err(malformed());
        }
        let provider = self
            .all
            .iter()
            .find(|provider| provider.at.issuer == claims.iss);
        let provider = provider
            .ok_or_else(|| nobody("JWT_ISSUER", "the token's issuer is not trusted here"))?;
        let algorithm = || {
            nobody(
                "JWT_ALGORITHM",
                "the token is signed in a way that is not taken",
            )
        };
        let allowed = &provider.at.algorithms;
        let by = allowed.iter().copied().find(|by| by.name() == header.alg);
        let by = by.ok_or_else(algorithm)?;
        let unknown = || nobody("JWT_KEY_UNKNOWN", "the token names no key of its issuer");
        let kid = header.kid.ok_or_else(unknown)?;
        let key = match provider.keys.find(&kid, by).await {
            Found::Key(key) => key,
            Found::OfAnotherKind => return Err(algorithm()),
            Found::None => return Err(unknown()),
            Found::NoKeys => return Err(errors::no_keys()),
        };
        let verifies = || key.verifies(signed.as_bytes(), &signature);
        if !self.proven.holds(token, &key, verifies) {
            return Err(nobody(
                "JWT_SIGNATURE",
                "the token's signature does not hold",
            ));
        }
        let (issuer, subject) = self.check(provider, &claims)?;
        Ok(of_subject(issuer, subject))
    }

    /// Issuer and subject, if the token is for us and of now.
    fn check<'a>(
        &self,
        provider: &'a Provider,
        claims: &'a Claims,
    ) -> Result<(&'a str, &'a str), Status> {
        let wanted = &provider.at.audience;
        if !claims.aud.as_ref().is_some_and(|aud| aud.holds(wanted)) {
            return Err(nobody(
                "JWT_AUDIENCE",
                "the token was made for somebody else",
            ));
        }
        let now = self.clock.now().0 as f64 / 1000.0;
        // A token without an end would call for ever.
        if !claims.exp.is_some_and(|exp| now < exp + LEEWAY) {
            return Err(nobody(
                "JWT_EXPIRED",
                "the token has run out: get a new one",
            ));
        }
        if claims.nbf.is_some_and(|nbf| now < nbf - LEEWAY) {
            return Err(nobody("JWT_NOT_YET_VALID", "the token does not count yet"));
        }
        let subject = claims.sub.as_str();
        let fits = (1..=LONGEST_SUBJECT).contains(&subject.len());
        match fits && !subject.chars().any(char::is_control) {
            true => Ok((&provider.at.issuer, subject)),
            false => Err(nobody("JWT_SUBJECT", "the token names nobody")),
        }
    }
}

/// A part of a token: JSON in base64url.
fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice(&bytes).ok()
}
