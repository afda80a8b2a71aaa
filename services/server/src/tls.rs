//! The server's certificate, and the files that it comes from.
//!
//! The invariant: what is served is always the last certificate that could be read whole, with the key that belongs to it. A
//! renewal that is half written, or wrong, changes nothing and is logged.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hefu_token::private_file::{self, FileError};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// How often the files are looked at.
const REREAD: Duration = Duration::from_secs(5);
/// No chain of certificates comes near this size, in bytes.
const LONGEST_CHAIN: u64 = 1 << 20;

/// The files of `[tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// PEM: the server's certificate, then those that lead to its CA.
    pub certificate: PathBuf,
    /// PEM: the certificate's private key, which nobody but its owner may read.
    pub key: PathBuf,
    /// PEM: the CAs whose certificates callers may show instead of a key. Nobody has to.
    pub client_ca: Option<PathBuf>,
}

/// Why the files cannot be served from: which, and what is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The private key.
    #[error("[tls] key: {0}")]
    Key(#[from] FileError),
    /// Certificates.
    #[error("[tls] {}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl TlsError {
    fn of(path: &Path, why: &dyn fmt::Display) -> TlsError {
        TlsError::File {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }
}

/// What the files hold at one time.
struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<String>,
    client_ca: Option<Vec<u8>>,
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Contents, TlsError> {
        Ok(Contents {
            certificate: read(&files.certificate)?,
            key: private_file::read(&files.key)?,
            client_ca: files.client_ca.as_deref().map(read).transpose()?,
        })
    }

    /// Tells one state of the files from every other, without keeping the key.
    fn digest(&self) -> [u8; 32] {
        let client_ca = self.client_ca.as_deref().unwrap_or_default();
        let parts = [&self.certificate, self.key.as_bytes(), client_ca];
        let each = parts.map(Sha256::digest);
        Sha256::digest(each.concat()).into()
    }

    fn config(&self, files: &TlsFiles) -> Result<ServerConfig, TlsError> {
        let chain = certificates(&files.certificate, &self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|_| TlsError::of(&files.key, &"no private key in PEM is there"))?;
        let config = ServerConfig::builder();
        let config = match (&files.client_ca, &self.client_ca) {
            (Some(path), Some(pem)) => {
                let roots = Arc::new(roots(path, pem)?);
                let verifier = WebPkiClientVerifier::builder(roots).allow_unauthenticated();
                let verifier = verifier
                    .build()
                    .map_err(|error| TlsError::of(path, &error))?;
                config.with_client_cert_verifier(verifier)
            }
            (None, _) | (_, None) => config.with_no_client_auth(),
        };
        // It refuses a key that is another certificate's.
        let config = config.with_single_cert(chain, key);
        let mut config = config.map_err(|error| {
            let pair = format!("with the key in {}: {error}", files.key.display());
            TlsError::of(&files.certificate, &pair)
        })?;
        if files.client_ca.is_some() {
            // A resumed session would not look at the caller's certificate again.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let size = std::fs::metadata(path).map_err(|error| TlsError::of(path, &error))?;
    if size.len() > LONGEST_CHAIN || !size.is_file() {
        return Err(TlsError::of(
            path,
            &"too large for certificates, or no file",
        ));
    }
    std::fs::read(path).map_err(|error| TlsError::of(path, &error))
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err(TlsError::of(path, &"no certificate in PEM is there")),
        Ok(all) => Ok(all),
        Err(error) => Err(TlsError::of(path, &error)),
    }
}

fn roots(path: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, pem)? {
        let added = roots.add(certificate);
        added.map_err(|error| TlsError::of(path, &error))?;
    }
    Ok(roots)
}

/// What is served by now. New connections take the newest, open ones keep theirs.
pub(crate) struct Served {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
}

impl Served {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub(crate) fn read(files: TlsFiles) -> Result<(Arc<Served>, Seen), TlsError> {
        let contents = Contents::read(&files)?;
        let config = RwLock::new(Arc::new(contents.config(&files)?));
        let seen = Seen(Ok(contents.digest()));
        Ok((Arc::new(Served { files, config }), seen))
    }

    /// The newest.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config)
    }

    /// Looks at the files once more. Each state of theirs is tried once, and told once.
    fn look(&self, seen: &mut Seen) {
        let contents = Contents::read(&self.files);
        let now = match &contents {
            Ok(contents) => Ok(contents.digest()),
            Err(error) => Err(error.to_string()),
        };
        if now == seen.0 {
            return;
        }
        match contents.and_then(|contents| contents.config(&self.files)) {
            Ok(config) => {
                *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                tracing::info!(file = %self.files.certificate.display(), "the certificate was read again, new connections get it");
            }
            Err(error) => {
                tracing::error!(%error, "the certificate files changed and cannot be used: the one before is served still");
            }
        }
        seen.0 = now;
    }
}

/// The state of the files that was tried last: its digest, or why they could not be read.
pub(crate) struct Seen(Result<[u8; 32], String>);

/// Looks at the files again and again.
pub(crate) async fn keep_reading(served: Arc<Served>, mut seen: Seen) {
    loop {
        tokio::time::sleep(REREAD).await;
        let looked = {
            let served = Arc::clone(&served);
            tokio::task::spawn_blocking(move || {
                served.look(&mut seen);
                seen
            })
        };
        match looked.await {
            Ok(after) => seen = after,
            Err(error) => {
                tracing::error!(%error, "the certificate files are not looked at any more");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use tempfile::TempDir;

    use super::*;

    struct Pair {
        folder: TempDir,
        files: TlsFiles,
    }

    impl Pair {
        fn new() -> Pair {
            let folder = tempfile::tempdir().unwrap();
            let at = |name| folder.path().join(name);
            let files = TlsFiles {
                certificate: at("server.pem"),
                key: at("server.key"),
                client_ca: None,
            };
            let pair = Pair { folder, files };
            let fresh = fresh();
            pair.put_certificate(&fresh.cert.pem());
            pair.put_key(&fresh.signing_key.serialize_pem());
            pair
        }

        fn put_certificate(&self, pem: &str) {
            std::fs::write(&self.files.certificate, pem).unwrap();
        }

        /// As a careful renewal does it: beside, then in its place.
        fn put_key(&self, pem: &str) {
            let beside = self.folder.path().join("new");
            private_file::create(&beside, pem.as_bytes()).unwrap();
            std::fs::rename(&beside, &self.files.key).unwrap();
        }

        fn refused(&self) -> String {
            Served::read(self.files.clone()).err().unwrap().to_string()
        }
    }

    fn fresh() -> CertifiedKey<rcgen::KeyPair> {
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap()
    }

    #[test]
    fn a_renewal_is_taken_when_it_is_whole_and_the_old_one_served_until_then() {
        let pair = Pair::new();
        let (served, mut seen) = Served::read(pair.files.clone()).unwrap();
        let old = served.config();
        let mut looks_the_same = |why: &str| {
            served.look(&mut seen);
            assert!(Arc::ptr_eq(&old, &served.config()), "{why}");
        };
        looks_the_same("nothing changed");
        let new = fresh();
        pair.put_certificate(&new.cert.pem());
        looks_the_same("the key is the old one's still");
        pair.put_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n");
        looks_the_same("torn");
        std::fs::remove_file(&pair.files.certificate).unwrap();
        looks_the_same("gone");
        pair.put_certificate(&new.cert.pem());
        pair.put_key(&new.signing_key.serialize_pem());
        served.look(&mut seen);
        let taken = served.config();
        assert!(!Arc::ptr_eq(&old, &taken));
        served.look(&mut seen);
        assert!(Arc::ptr_eq(&taken, &served.config()), "read once");
    }

    #[test]
    fn files_that_cannot_be_served_from_are_named() {
        let pair = Pair::new();
        pair.put_key(&fresh().signing_key.serialize_pem());
        let refused = pair.refused();
        assert!(
            refused.contains("server.pem") && refused.contains("server.key"),
            "{refused}"
        );
        pair.put_key("hefu_nothing");
        assert!(pair.refused().contains("no private key in PEM"));
        let pair = Pair::new();
        for wrong in [
            "",
            "no PEM",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            pair.put_certificate(wrong);
            assert!(pair.refused().contains("server.pem"), "{wrong}");
        }
        std::fs::remove_file(&pair.files.certificate).unwrap();
        assert!(pair.refused().contains("server.pem"));
        let mut pair = Pair::new();
        let ca = pair.folder.path().join("clients.pem");
        pair.files.client_ca = Some(ca.clone());
        assert!(pair.refused().contains("clients.pem"), "no such file");
        std::fs::write(ca, "nothing").unwrap();
        assert!(pair.refused().contains("clients.pem"), "no certificate");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let pair = Pair::new();
        let open = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&pair.files.key, open).unwrap();
        assert!(pair.refused().contains("chmod 600"), "{}", pair.refused());
    }
}
