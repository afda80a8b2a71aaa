//! CAs that no system knows, and what they certify.

use std::path::{Path, PathBuf};

use hefu_tests::engines::Folder;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};

use tonic::transport::Identity;

use super::rustls::RootCertStore;

pub(crate) struct Authority {
    folder: Folder,
    ca: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key.
pub(crate) struct Made {
    pub(crate) der: Vec<u8>,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = Folder::new("hefu-ca");
        std::fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        Authority { folder, ca }
    }

    pub(crate) fn pem(&self) -> String {
        self.ca.pem()
    }

    /// The file that whoever trusts it names in SSL_CERT_FILE.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.der().clone()).unwrap();
        roots
    }

    /// For a server of that name or address.
    pub(crate) fn certify(&self, name: &str) -> Made {
        self.sign(CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    /// For somebody who is called, and does not call.
    pub(crate) fn serve_only(&self, name: &str) -> Made {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// For somebody who calls.
    pub(crate) fn introduce(&self, name: &str) -> Made {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    /// For somebody whose certificate ran out.
    pub(crate) fn introduce_for_the_past(&self, name: &str) -> Made {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Made {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        Made {
            der: certificate.der().to_vec(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Made {
    /// As a client shows it.
    pub(crate) fn identity(&self) -> Identity {
        Identity::from_pem(&self.certificate, &self.key)
    }

    /// Writes the key for its owner alone, then the certificate.
    pub(crate) fn put(&self, certificate: &Path, key: &Path) {
        let beside = key.with_extension("new");
        hefu_token::private_file::create(&beside, self.key.as_bytes()).unwrap();
        std::fs::rename(&beside, key).unwrap();
        std::fs::write(certificate, &self.certificate).unwrap();
    }
}
