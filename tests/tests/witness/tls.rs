//! Witnesses behind TLS, as a proxy ends it before them.

use std::sync::Arc;

use hefu_server::Behind;
use hefu_tests::engines::Folder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpStream as Stream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::*;

/// An authority of somebody's own.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A proxy on loopback with a certificate of that authority, in front of a witness.
async fn proxy(authority: &CertifiedIssuer<'static, KeyPair>, witness: SocketAddr) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Whoever does not trust the certificate leaves.
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut behind = Stream::connect(witness).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_witness_behind_tls_is_believed_by_the_authority_that_is_named_for_it() {
    let folder = Folder::new("hefu-witness");
    let log = Log::new("140725", 20);
    let running = witness(&folder.path().join("state"), &[&log]).await;
    let (own, other) = (authority(), authority());
    let address = proxy(&own, running.address).await;
    let file = |name: &str, pem: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let at = |ca| WitnessAt {
        url: format!("https://{address}/"),
        vkey: running.state.public().to_string(),
        ca,
    };
    let (own, other) = (file("own.pem", own.pem()), file("other.pem", other.pem()));
    let asked = witnesses(&[at(Some(own))], 1);
    for size in [5, 9] {
        let cosigned = log.cosign(&asked, size).await;
        assert!(cosigned.enough, "{:?}", cosigned.behind);
    }
    // By the authorities of browsers, or by another, it is nobody.
    for ca in [None, Some(other)] {
        let cosigned = log.cosign(&witnesses(&[at(ca)], 1), 12).await;
        assert!(!cosigned.enough);
        let (_, behind) = &cosigned.behind[0];
        assert!(
            matches!(behind, Behind::Unreachable(why) if why.contains("certificate")),
            "{behind}"
        );
    }
    let key = at(None).vkey;
    for (name, pem) in [
        ("empty.pem", ""),
        (
            "torn.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
    ] {
        let unfit = WitnessAt {
            ca: Some(file(name, pem.to_owned())),
            ..at(None)
        };
        let refused = Witnesses::new(&[unfit], 1, Clock::system())
            .err()
            .unwrap()
            .to_string();
        assert!(
            refused.contains(name) && !refused.contains(&key),
            "{refused}"
        );
    }
    running.stop().await;
}
