//! Callers who show a certificate instead of a key.

use std::sync::Arc;

use hefu_tests::cli::hefu;
use hefu_wire::v1;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::Code;
use v1::access_service_client::AccessServiceClient;
use v1::audit_service_client::AuditServiceClient;

use super::authority::Made;
use super::rustls::ClientConfig;
use super::rustls::pki_types::pem::PemObject as _;
use super::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use super::*;

/// The head of the region's log, as the caller on that channel sees it.
async fn head(channel: &Channel, bearer: Option<&str>) -> Result<v1::Head, Status> {
    let name = format!("regions/{REGION}");
    let message = asked(v1::GetHeadRequest { name }, bearer);
    let mut client = AuditServiceClient::new(channel.clone());
    client
        .get_head(message)
        .await
        .map(tonic::Response::into_inner)
}

/// Runs the command with the house's CA.
async fn run(house: &House, arguments: &[&str]) -> (bool, String) {
    let mut command = hefu();
    command.args(arguments);
    command.env("SSL_CERT_FILE", house.authority.file());
    command.env_remove("SSL_CERT_DIR");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

on_both_engines! {
    async fn a_certificate_calls_once_it_is_granted_and_never_after_it_is_revoked(store: Store, place: Place) {
        store.close().await; // the server opens it itself
        let house = House::at(place);
        let callers = Authority::new("callers");
        let files = TlsFiles {
            client_ca: Some(callers.file()),
            ..house.files()
        };
        let running = house.serve(Some(files)).await.unwrap();
        let made = callers.introduce("auditor");
        let at = |name: &str| house.folder.path().join(name).to_str().unwrap().to_owned();
        let (certificate, key) = (at("auditor.pem"), at("auditor.key"));
        made.put(certificate.as_ref(), key.as_ref());
        let channel = connect(&running, house.trusting().identity(made.identity())).await;
        let status = head(&channel, None).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(reason(&status), "CALLER_UNKNOWN");
        let (url, operator) = (running.url(), running.operator_key_file.clone());
        let to = ["--server", &url, "--region", REGION];
        let as_operator = ["--key", operator.to_str().unwrap()];
        let grant = [
            "access",
            "grant",
            "--person",
            "auditor-1",
            "--role",
            "auditor",
        ];
        let grant = [
            &grant[..],
            &to,
            &as_operator,
            &["--certificate", &certificate],
        ]
        .concat();
        let (granted, said) = run(&house, &grant).await;
        assert!(granted, "{said}");
        let credential = said
            .trim()
            .trim_start_matches("Granted to ")
            .trim_end_matches('.')
            .to_owned();
        let size = head(&channel, None).await.unwrap().size;
        // The command calls with it, too.
        let shows = ["--client-certificate", &certificate, "--client-key", &key];
        let name = format!(r#"{{"name":"regions/{REGION}"}}"#);
        let call = ["call", "AuditService/GetHead", &name, "--server", &url];
        let (called, said) = run(&house, &[&call[..], &shows].concat()).await;
        assert!(called && said.contains("\"size\""), "{said}");
        // What the header says goes before: the operator's key does what no auditor may, and a wrong one helps nobody.
        let revoke = v1::RevokeCallerRequest {
            name: format!("regions/{REGION}/credentials/{credential}"),
            request_id: "revoke-auditor".to_owned(),
            validate_only: false,
        };
        let mut access = AccessServiceClient::new(channel.clone());
        let status = access
            .revoke_caller(asked(revoke.clone(), None))
            .await
            .unwrap_err();
        assert_eq!(reason(&status), "ROLE_MISSING");
        let status = head(&channel, Some("hefu_wrong")).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(
            head(&channel, None).await.unwrap().size,
            size,
            "nothing was written"
        );
        let by_operator = asked(revoke, Some(&running.operator_key));
        access.revoke_caller(by_operator).await.unwrap();
        let status = head(&channel, None).await.unwrap_err();
        assert_eq!(
            reason(&status),
            "CALLER_REVOKED",
            "on the connection that is open still"
        );
        running.stop().await;
    }
}

/// What a connection with that certificate ends with, before anything was asked.
async fn turned_away(house: &House, running: &Running, made: &Made) -> std::io::Error {
    let chain = vec![CertificateDer::from(made.der.clone())];
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(house.authority.roots());
    let config = config.with_client_auth_cert(chain, key).unwrap();
    let stream = TcpStream::connect(running.address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    // In TLS 1.3 the client is done first, and hears then.
    match connector.connect(name, stream).await {
        Ok(mut stream) => stream.read_u8().await.unwrap_err(),
        Err(error) => error,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_calls_with_a_certificate_of_a_stranger_or_of_the_past_and_nobody_has_to_show_one() {
    let house = House::new().await;
    let callers = Authority::new("callers");
    let files = TlsFiles {
        client_ca: Some(callers.file()),
        ..house.files()
    };
    let running = house.serve(Some(files)).await.unwrap();
    let strangers = Authority::new("callers");
    for (why, made) in [
        ("a stranger's", strangers.introduce("auditor")),
        ("the server's CA's", house.authority.introduce("auditor")),
        ("run out", callers.introduce_for_the_past("auditor")),
        ("a server's", callers.serve_only("auditor")),
    ] {
        let error = turned_away(&house, &running, &made).await;
        let inside = error.get_ref().and_then(|inside| inside.downcast_ref());
        let alert = matches!(inside, Some(rustls::Error::AlertReceived(_)));
        assert!(alert, "{why}: {error}");
    }
    let own = callers.introduce("auditor");
    let channel = connect(&running, house.trusting().identity(own.identity())).await;
    head(&channel, Some(&running.operator_key)).await.unwrap();
    let channel = connect(&running, house.trusting()).await;
    head(&channel, Some(&running.operator_key)).await.unwrap();
    let status = head(&channel, None).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(reason(&status), "CREDENTIAL_MISSING");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_ca_of_callers_a_certificate_is_not_asked_for_and_counts_for_nothing() {
    let house = House::new().await;
    let running = house.serve(Some(house.files())).await.unwrap();
    let made = house.authority.introduce("auditor");
    let channel = connect(&running, house.trusting().identity(made.identity())).await;
    let status = head(&channel, None).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    running.stop().await;
}
