//! A provider's public keys: fetched, kept for a while, and fetched again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use axum::body::Bytes;
use axum::http::{Request, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::Full;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Algorithm;
use crate::outbound::{self, Http};
use crate::witnesses::authority;

/// How often keys are fetched.
const FETCH: Duration = Duration::from_secs(3600);
/// How soon they are fetched again, because it failed or a token names one that is not there.
const AGAIN: Duration = Duration::from_secs(60);
/// How long fetched keys count if no others can be had: a key that was withdrawn must not live for ever.
const LONGEST_KEPT: Duration = Duration::from_secs(86_400);
/// How long fetching may take.
const LONGEST_FETCH: Duration = Duration::from_secs(10);
/// The longest key set, in bytes.
const LONGEST_SET: usize = 256 * 1024;

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Ed25519(Vec<u8>),
    /// The uncompressed point.
    P256(Vec<u8>),
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

impl Key {
    fn algorithm(&self) -> Algorithm {
        match self {
            Key::Ed25519(_) => Algorithm::EdDSA,
            Key::P256(_) => Algorithm::ES256,
            Key::Rsa { .. } => Algorithm::RS256,
        }
    }

    /// Whether this key signed that.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Key::Ed25519(x) => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
            Key::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Key::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.is_ok()
    }
}

/// What a key set says of a key (RFC 7517).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Jwk {
    /// The key, if it is one for signatures that we know. A set may hold others.
    fn key(&self) -> Option<(String, Key)> {
        let bytes = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_deref()?).ok();
        let key = match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => Key::Ed25519(bytes(&self.x)?),
            ("EC", Some("P-256")) => {
                Key::P256([vec![4], bytes(&self.x)?, bytes(&self.y)?].concat())
            }
            ("RSA", None) => Key::Rsa {
                n: bytes(&self.n)?,
                e: bytes(&self.e)?,
            },
            (_, _) => return None,
        };
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let own = key.algorithm().name();
        let is_own = self.alg.as_deref().is_none_or(|alg| alg == own);
        (signs && is_own).then_some((self.kid.clone()?, key))
    }
}

/// The keys of a set.
fn parse(set: &[u8]) -> Result<Vec<(String, Key)>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(set).map_err(|error| format!("no key set: {error}"))?;
    let known = set.keys.into_iter().filter_map(|key| {
        let key: Jwk = serde_json::from_value(key).ok()?;
        key.key()
    });
    let known: Vec<_> = known.collect();
    match known.is_empty() {
        true => Err("no key with a kid is there that signs by EdDSA, ES256 or RS256".to_owned()),
        false => Ok(known),
    }
}

enum Place {
    File(PathBuf),
    Https(Box<Http>, Uri),
}

/// Keys and where they come from.
pub(super) struct KeySource {
    place: Place,
    kept: RwLock<Option<Kept>>,
    /// When it was fetched last, and whether well. Whoever fetches holds it.
    fetched: Mutex<Option<(Instant, bool)>>,
}

#[derive(Clone)]
struct Kept {
    keys: Arc<[(String, Key)]>,
    since: Instant,
}

/// What is known of a key that a token names.
#[derive(Debug)]
pub(super) enum Found {
    Key(Key),
    OfAnotherKind,
    None,
    /// No keys can be had at all.
    NoKeys,
}

impl KeySource {
    /// A key set at an https address, or in a file, which is read at once.
    pub(super) fn new(jwks: &str, ca: Option<&Path>) -> Result<KeySource, String> {
        let mut kept = None;
        let place = if jwks.contains("://") {
            let address: Option<Uri> = jwks.parse().ok();
            let address = address.filter(|uri| outbound::is_secure(uri) && uri.host().is_some());
            let address = address
                .ok_or_else(|| format!("jwks {jwks:?} must be https://… or the path of a file"))?;
            let http = match ca {
                Some(file) => Http::trusting(authority(file)?),
                None => Http::new(true).map_err(|failed| failed.to_string())?,
            };
            Place::Https(Box::new(http), address)
        } else {
            let path = PathBuf::from(jwks);
            let keys = read(&path)?.into();
            let since = Instant::now();
            kept = Some(Kept { keys, since });
            Place::File(path)
        };
        Ok(KeySource {
            place,
            kept: RwLock::new(kept),
            fetched: Mutex::new(None),
        })
    }

    /// The key of that name. One that is not known is looked for where the keys come from, once a minute at the most, whoever asks.
    pub(super) async fn find(&self, kid: &str, by: Algorithm) -> Found {
        self.find_at(kid, by, Instant::now()).await
    }

    async fn find_at(&self, kid: &str, by: Algorithm, now: Instant) -> Found {
        let found = self.known(kid, by, now);
        if matches!(found, Found::Key(_) | Found::OfAnotherKind) {
            return found;
        }
        self.fetch(now).await;
        self.known(kid, by, now)
    }

    fn known(&self, kid: &str, by: Algorithm, now: Instant) -> Found {
        let kept = self
            .kept
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(kept) = kept.filter(|kept| now.duration_since(kept.since) < LONGEST_KEPT) else {
            return Found::NoKeys;
        };
        let mut named = kept.keys.iter().filter(|(name, _)| name == kid).peekable();
        if named.peek().is_none() {
            return Found::None;
        }
        let key = named.find(|(_, key)| key.algorithm() == by);
        key.map_or(Found::OfAnotherKind, |(_, key)| Found::Key(key.clone()))
    }

    pub(super) async fn keep_fetching(&self) {
        loop {
            let wait = if self.fetch(Instant::now()).await {
                FETCH
            } else {
                AGAIN
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Fetches the keys, unless that was done within a minute, and says whether it went well. What is there stays if it does not.
    async fn fetch(&self, now: Instant) -> bool {
        let mut fetched = self.fetched.lock().await;
        if let Some((at, well)) = *fetched
            && now.duration_since(at) < AGAIN
        {
            return well;
        }
        let keys = tokio::time::timeout(LONGEST_FETCH, self.ask()).await;
        let keys = keys.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        *fetched = Some((now, keys.is_ok()));
        match keys {
            Ok(keys) => {
                let (keys, since) = (keys.into(), now);
                *self.kept.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(Kept { keys, since });
                true
            }
            Err(why) => {
                tracing::warn!(from = %self.name(), %why, "a provider's keys could not be fetched; those that are there count for a day");
                false
            }
        }
    }

    async fn ask(&self) -> Result<Vec<(String, Key)>, String> {
        match &self.place {
            Place::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read(&path)).await;
                read.map_err(|error| error.to_string())?
            }
            Place::Https(http, address) => {
                let request = Request::get(address.clone()).body(Full::<Bytes>::default());
                let request = request.map_err(|error| error.to_string())?;
                let answered = http.ask(request, LONGEST_SET).await;
                let answered = answered.map_err(|failed| failed.to_string())?;
                match answered.status {
                    StatusCode::OK => parse(&answered.body),
                    status => Err(format!("it answers {status}")),
                }
            }
        }
    }

    fn name(&self) -> String {
        match &self.place {
            Place::File(path) => path.display().to_string(),
            Place::Https(_, address) => address.to_string(),
        }
    }
}

fn read(path: &Path) -> Result<Vec<(String, Key)>, String> {
    let named = |why: String| format!("jwks {}: {why}", path.display());
    let size = std::fs::metadata(path).map_err(|error| named(error.to_string()))?;
    if size.len() > LONGEST_SET as u64 {
        return Err(named("too large".to_owned()));
    }
    let set = std::fs::read(path).map_err(|error| named(error.to_string()))?;
    parse(&set).map_err(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A set with one Ed25519 key of that name.
    fn set(kid: &str) -> String {
        let x = URL_SAFE_NO_PAD.encode([7; 32]);
        format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":{kid:?},"x":{x:?}}}]}}"#)
    }

    #[test]
    fn only_public_keys_for_signatures_of_the_three_kinds_are_taken() {
        let others = [
            r#"{"kty":"oct","kid":"a","k":"AAAA"}"#,
            r#"{"kty":"OKP","crv":"X25519","kid":"a","x":"AAAA"}"#,
            r#"{"kty":"RSA","kid":"a","n":"AAAA","e":"AQAB","use":"enc"}"#,
            r#"{"kty":"RSA","kid":"a","n":"AAAA","e":"AQAB","alg":"PS256"}"#,
            r#"{"kty":"RSA","n":"AAAA","e":"AQAB"}"#,
            r#"{"kty":"EC","crv":"P-256","kid":"a","x":"AAAA"}"#,
            "7",
        ];
        for other in others {
            assert!(
                parse(format!(r#"{{"keys":[{other}]}}"#).as_bytes()).is_err(),
                "{other}"
            );
        }
        let beside = set("b").replace("[{", &format!("[{},{{", others.join(",")));
        let known = parse(beside.as_bytes()).unwrap();
        assert_eq!(known, [("b".to_owned(), Key::Ed25519(vec![7; 32]))]);
        assert!(parse(b"<html>").is_err());
    }

    #[tokio::test]
    async fn new_keys_are_looked_for_once_a_minute_and_old_ones_do_not_live_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks.json");
        std::fs::write(&file, set("old")).unwrap();
        let source = KeySource::new(file.to_str().unwrap(), None).unwrap();
        let start = Instant::now();
        let find = async |kid: &str, seconds: u64| {
            let at = start + Duration::from_secs(seconds);
            source.find_at(kid, Algorithm::EdDSA, at).await
        };
        assert!(matches!(find("old", 0).await, Found::Key(_)));
        let other = source.find_at("old", Algorithm::RS256, start).await;
        assert!(matches!(other, Found::OfAnotherKind));
        assert!(matches!(find("new", 1).await, Found::None));
        std::fs::write(&file, set("new")).unwrap();
        assert!(
            matches!(find("new", 60).await, Found::None),
            "within a minute"
        );
        assert!(matches!(find("new", 62).await, Found::Key(_)));
        assert!(matches!(find("old", 63).await, Found::None), "withdrawn");
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(find("old", 200).await, Found::None));
        assert!(
            matches!(find("new", 80_000).await, Found::Key(_)),
            "they stay for a day"
        );
        assert!(matches!(find("new", 90_000).await, Found::NoKeys));
        assert!(KeySource::new(file.to_str().unwrap(), None).is_err());
        assert!(
            KeySource::new("http://id.example/jwks", None).is_err(),
            "in clear"
        );
    }
}
