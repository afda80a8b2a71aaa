//! Who is calling. The edge only says which credential was shown; what it may do is decided under the guard, by the region's grants.

use hefu_domain::{CredentialId, Digest};
use sha2::{Digest as _, Sha256};
use tonic::{Request, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The prefix by which a key is known for one, by people and by secret scanners.
pub const KEY_PREFIX: &str = "hefu_";

/// The credential of an API key: its SHA-256. The key is random, so no salt and no slow hash is needed, and nobody who reads the log can call with it.
pub fn credential(key: &str) -> CredentialId {
    let digest = Digest(Sha256::digest(key.as_bytes()).into());
    digest
        .to_string()
        .parse()
        .expect("a SHA-256 in base64url has 43 characters")
}

/// An API key from 32 random bytes.
pub fn api_key(random: [u8; 32]) -> String {
    format!("{KEY_PREFIX}{}", Digest(random))
}

/// The credential of a request.
///
/// # Errors
/// UNAUTHENTICATED when there is none, or not of the form of a key.
pub(crate) fn of<T>(request: &Request<T>) -> Result<CredentialId, Status> {
    let missing = |what: &str| {
        let details = ErrorDetails::with_error_info(
            "CREDENTIAL_MISSING",
            "hefu",
            std::collections::HashMap::new(),
        );
        Status::with_error_details(tonic::Code::Unauthenticated, what, details)
    };
    let value = request
        .metadata()
        .get("authorization")
        .ok_or_else(|| missing("send an API key: `authorization: Bearer hefu_…`"))?;
    let key = value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("Bearer "))
        .ok_or_else(|| missing("authorization is `Bearer hefu_…`"))?;
    let well_formed = key.starts_with(KEY_PREFIX)
        && (20..=200).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_graphic());
    if well_formed {
        Ok(credential(key))
    } else {
        Err(missing("the key is not of the form hefu_…"))
    }
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

    #[test]
    fn without_a_key_nobody_is_let_in() {
        let mut request = Request::new(());
        assert_eq!(
            of(&request).unwrap_err().code(),
            tonic::Code::Unauthenticated
        );
        for bad in [
            "Basic abc",
            "Bearer ",
            "Bearer nonsense-that-is-long-enough",
            "Bearer hefu_ü",
        ] {
            if let Ok(value) = bad.parse() {
                request.metadata_mut().insert("authorization", value);
                assert_eq!(
                    of(&request).unwrap_err().code(),
                    tonic::Code::Unauthenticated,
                    "{bad}"
                );
            }
        }
    }
}
