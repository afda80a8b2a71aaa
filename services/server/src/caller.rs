//! Who is calling. The edge only says which credential was shown; what it may do is decided under the guard, by the region's grants.
//!
//! A credential is a hash of what was shown, and no two kinds of proof have one in common: what is hashed begins with its kind, and no
//! API key begins like that.

use std::collections::HashMap;

use axum::extract::{ConnectInfo, Request as HttpRequest};
use axum::http::{Extensions, HeaderValue, header};
use hefu_domain::{CredentialId, Digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use sha2::{Digest as _, Sha256};
use tonic::{Request, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::oidc::Providers;
use crate::port::Peer;

/// The prefix by which a key is known for one, by people and by secret scanners.
pub const KEY_PREFIX: &str = "hefu_";
/// The kinds of what is hashed besides keys. No key has a space.
const CERTIFICATE: &[u8] = b"hefu certificate\n";
const SUBJECT: &[u8] = b"hefu oidc\n";

/// The credential of an API key: its SHA-256. The key is random, so no salt and no slow hash is needed, and nobody who reads the log can call with it.
pub fn credential(key: &str) -> CredentialId {
    hashed(&[key.as_bytes()])
}

/// The credential of a client certificate, from its DER.
pub fn of_certificate(der: &[u8]) -> CredentialId {
    hashed(&[CERTIFICATE, der])
}

/// The credential of a provider's subject. No issuer has two lines.
pub fn of_subject(issuer: &str, subject: &str) -> CredentialId {
    hashed(&[SUBJECT, issuer.as_bytes(), b"\n", subject.as_bytes()])
}

/// The credential of the first certificate of a PEM file, which is its owner's own.
///
/// # Errors
/// There is none.
pub fn of_certificate_pem(pem: &[u8]) -> Result<CredentialId, pem::Error> {
    CertificateDer::from_pem_slice(pem).map(|der| of_certificate(&der))
}

fn hashed(parts: &[&[u8]]) -> CredentialId {
    let digest = Digest(Sha256::digest(parts.concat()).into());
    digest
        .to_string()
        .parse()
        .expect("a SHA-256 in base64url has 43 characters")
}

/// An API key from 32 random bytes.
pub fn api_key(random: [u8; 32]) -> String {
    format!("{KEY_PREFIX}{}", Digest(random))
}

/// What a request's caller showed, among its extensions.
#[derive(Clone)]
struct Shown(Result<CredentialId, Status>);

/// Finds out what was shown, once for each request and before any handler sees it. Handlers for everybody do not ask.
pub(crate) async fn shown(providers: &Providers, mut request: HttpRequest) -> HttpRequest {
    let peer: Option<&ConnectInfo<Peer>> = request.extensions().get();
    let certificate = peer.and_then(|ConnectInfo(peer)| peer.certificate.clone());
    let header = request.headers().get(header::AUTHORIZATION).cloned();
    let who = resolve(header, certificate, providers).await;
    request.extensions_mut().insert(Shown(who));
    request
}

/// The credential of a request.
///
/// # Errors
/// UNAUTHENTICATED when there is none, or none that proves anything.
pub(crate) fn of<T>(request: &Request<T>) -> Result<CredentialId, Status> {
    among(request.extensions())
}

/// The same, of a request's extensions.
pub(crate) fn among(asked: &Extensions) -> Result<CredentialId, Status> {
    match asked.get() {
        Some(Shown(who)) => who.clone(),
        None => Err(missing()),
    }
}

/// The credential that was shown. What the header says counts, even if it is wrong; the connection's certificate counts where there is none.
///
/// # Errors
/// UNAUTHENTICATED when there is none, or none that proves anything; UNAVAILABLE while a provider's keys cannot be had.
pub async fn resolve(
    header: Option<HeaderValue>,
    certificate: Option<CredentialId>,
    providers: &Providers,
) -> Result<CredentialId, Status> {
    let Some(value) = header else {
        return certificate.ok_or_else(missing);
    };
    let shown = value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("Bearer "))
        .ok_or_else(|| nobody(NO_CREDENTIAL, "authorization is `Bearer hefu_…`"))?;
    let well_formed = shown.starts_with(KEY_PREFIX)
        && (20..=200).contains(&shown.len())
        && shown.bytes().all(|b| b.is_ascii_graphic());
    if well_formed {
        Ok(credential(shown))
    } else if providers.take(shown) {
        providers.credential(shown).await
    } else {
        Err(nobody(NO_CREDENTIAL, "the key is not of the form hefu_…"))
    }
}

const NO_CREDENTIAL: &str = "CREDENTIAL_MISSING";

fn missing() -> Status {
    nobody(
        NO_CREDENTIAL,
        "send an API key, `authorization: Bearer hefu_…`, or come with a client certificate",
    )
}

/// Nobody was shown to call.
pub(crate) fn nobody(reason: &str, what: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, "hefu", HashMap::new());
    Status::with_error_details(tonic::Code::Unauthenticated, what, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_credential_and_does_not_show_in_it() {
        let key = api_key([7; 32]);
        assert_eq!(credential(&key), credential(&key));
        assert!(!credential(&key).as_str().contains(&key[5..20]));
    }

    fn bearing(value: &str) -> Option<HeaderValue> {
        Some(value.parse().unwrap())
    }

    fn no_providers() -> Providers {
        Providers::new(&[], hefu_engine::Clock::system()).unwrap()
    }

    #[tokio::test]
    async fn without_a_key_or_a_certificate_nobody_is_let_in() {
        let refused = async |header, certificate| {
            let who = resolve(header, certificate, &no_providers()).await;
            assert_eq!(who.unwrap_err().code(), tonic::Code::Unauthenticated);
        };
        refused(None, None).await;
        for bad in [
            "",
            "Basic abc",
            "Bearer ",
            "Bearer nonsense-that-is-long-enough",
            "Bearer hefu_ü",
            "Bearer a.b.c",
        ] {
            refused(bearing(bad), None).await;
            // Whoever shows a key wants to be its caller, and nobody else if it is wrong.
            refused(bearing(bad), Some(of_certificate(b"DER"))).await;
        }
        assert_eq!(
            of(&Request::new(())).unwrap_err().code(),
            tonic::Code::Unauthenticated
        );
    }

    #[tokio::test]
    async fn a_header_goes_before_the_certificate() {
        let (key, certificate) = (api_key([7; 32]), of_certificate(b"DER"));
        let header = bearing(&format!("Bearer {key}"));
        let by_key = resolve(header, Some(certificate.clone()), &no_providers()).await;
        assert_eq!(by_key.unwrap(), credential(&key));
        let by_certificate = resolve(None, Some(certificate.clone()), &no_providers()).await;
        assert_eq!(by_certificate.unwrap(), certificate);
    }

    #[tokio::test]
    async fn credentials_of_two_kinds_never_meet() {
        let key = api_key([7; 32]);
        let of_one_text = [
            credential(&key),
            of_certificate(key.as_bytes()),
            of_subject(&key, ""),
            of_subject("", &key),
        ];
        for (at, one) in of_one_text.iter().enumerate() {
            assert!(!of_one_text[at + 1..].contains(one));
        }
        // What is hashed of the others can be no key.
        for kind in [CERTIFICATE, SUBJECT] {
            let text = String::from_utf8([kind, b"and what follows it"].concat()).unwrap();
            let shown = HeaderValue::from_bytes(format!("Bearer {text}").as_bytes());
            let read = match shown {
                Ok(header) => resolve(Some(header), None, &no_providers()).await.ok(),
                Err(_) => None,
            };
            assert_eq!(read, None);
            assert!(!text.starts_with(KEY_PREFIX));
        }
    }
}
