//! What an auditor reads over https, from a proxy that ends TLS or from a web server with a copy of the files, is what the server itself
//! shows; and nobody is believed whose certificate the auditor's system does not trust.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use hefu_store::Store;
use hefu_tests::cli::hefu;
use hefu_tests::engines::{Engine, Folder, Place};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::export::{REGION, files, server};

/// Where the copy is found on its web server.
const PREFIX: &str = "/mirrors/2026";

/// A CA that no system knows, and its word for this machine.
struct Authority {
    folder: Folder,
    served: ServerConfig,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let served = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let served = served.signed_by(&key, &ca).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let folder = Folder::new("hefu-ca");
        std::fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let served = config.with_single_cert(vec![served.der().clone()], key.into());
        Authority {
            folder,
            served: served.unwrap(),
        }
    }

    /// The file that an auditor who trusts it names in SSL_CERT_FILE.
    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Ends TLS before whatever answers a connection; the address is of https.
    async fn before<F>(
        &self,
        protocols: &[&str],
        answer: impl Fn(Secure) -> F + Send + 'static,
    ) -> String
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let mut config = self.served.clone();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let (acceptor, listener) = (
            TlsAcceptor::from(Arc::new(config)),
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
        );
        let address = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // Whoever does not trust us hangs up here.
                if let Ok(stream) = acceptor.accept(stream).await {
                    tokio::spawn(answer(stream));
                }
            }
        });
        address
    }
}

type Secure = tokio_rustls::server::TlsStream<TcpStream>;

/// Hands everything on to a server in clear, and back.
async fn hand_on(mut stream: Secure, to: std::net::SocketAddr) -> std::io::Result<()> {
    let mut behind = TcpStream::connect(to).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut behind).await?;
    Ok(())
}

/// A web server of the plainest kind: files of a folder below a prefix, over HTTP/1.1.
async fn host(stream: impl AsyncRead + AsyncWrite + Unpin, root: PathBuf) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let path = head.split(' ').nth(1).unwrap_or_default();
        let file = path.strip_prefix(&format!("{PREFIX}/log/"));
        let file = file.and_then(|path| std::fs::read(root.join(path)).ok());
        let (status, body) = match file {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", b"nothing here".to_vec()),
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
        stream.flush().await?;
    }
}

/// Runs the command with these CA certificates and no others.
async fn run(arguments: &[&str], trusted: &Path) -> Output {
    let mut command: Command = hefu();
    command
        .args(arguments)
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

fn well(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What the command said when it failed in this way.
fn ill(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty());
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_and_on_a_mirror_the_log_is_the_servers() {
    let place = Place::new(Engine::Sqlite).await;
    let store: Store = place.open().await;
    store.close().await;
    let state = Folder::new("hefu-secure-state");
    let running = server(&place, &state).await;
    running.signing.sign().await.unwrap();
    let (ca, at) = (Authority::new("one"), running.address);
    let clear = format!("http://{at}");
    let proxy = ca
        .before(&["h2", "http/1.1"], move |stream| hand_on(stream, at))
        .await;
    let old_proxy = ca
        .before(&["http/1.1"], move |stream| hand_on(stream, at))
        .await;
    let copies: Vec<Folder> = (0..4).map(|_| Folder::new("hefu-secure")).collect();
    let out = |copy: usize| copies[copy].path().to_str().unwrap();
    let export = |server: String, copy| {
        let trusted = ca.file();
        let out = out(copy).to_owned();
        async move {
            let arguments = ["audit", "export", "--server", &server, "--out", &out];
            well(&run(&arguments, &trusted).await)
        }
    };
    export(clear, 0).await;
    let exported = files(copies[0].path());
    assert!(exported.contains_key(Path::new("140725/checkpoint")));
    export(proxy.clone(), 1).await;
    export(old_proxy, 2).await;
    // A copy is a whole mirror: it is exported from in its turn.
    let root = copies[0].path().to_owned();
    let mirror = ca
        .before(&[], move |stream| host(stream, root.clone()))
        .await
        + PREFIX;
    export(mirror.clone() + "/", 3).await;
    for copy in &copies[1..] {
        assert!(files(copy.path()) == exported);
    }
    let keys = copies[0].path().join("log.vkey");
    let keys = keys.to_str().unwrap();
    let verify = ["audit", "verify", "--server", &mirror, "--vkey", keys];
    assert!(well(&run(&verify, &ca.file()).await).contains("verified: "));
    let receipt = [
        "audit",
        "get-receipt",
        "--server",
        &mirror,
        "--region",
        REGION,
        "--index",
        "0",
    ];
    assert!(well(&run(&receipt, &ca.file()).await).contains("c2sp.org"));
    // gRPC takes the same way.
    let operator = state.path().join("state/operator.key");
    let call = [
        "call",
        "PolicyService/ListRegions",
        "--server",
        &proxy,
        "--key",
        operator.to_str().unwrap(),
    ];
    assert!(well(&run(&call, &ca.file()).await).contains("regions/140725"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_certificate_of_somebody_else_is_told_apart_from_one_that_is_away() {
    let (trusted, stranger) = (Authority::new("one"), Authority::new("other"));
    let nobody = Folder::new("hefu-secure");
    let none = nobody.path().join("none.pem");
    std::fs::write(&none, "").unwrap();
    let server = stranger
        .before(&["h2", "http/1.1"], |_| async { Ok(()) })
        .await;
    let out = nobody.path().join("out");
    let export = [
        "audit",
        "export",
        "--server",
        &server,
        "--out",
        out.to_str().unwrap(),
    ];
    let verify = ["audit", "verify", "--server", &server];
    let call = ["call", "PolicyService/ListRegions", "--server", &server];
    for (command, code) in [(&export[..], 1), (&verify[..], 2), (&call[..], 1)] {
        let said = ill(&run(command, &trusted.file()).await, code);
        let wanted = format!("hefu: {server}: its certificate is not trusted");
        assert!(
            said.starts_with(&wanted) && said.contains("SSL_CERT_FILE"),
            "{said}"
        );
        let said = ill(&run(command, &none).await, code);
        assert!(said.contains("has no CA certificates"), "{said}");
    }
    let away = ["audit", "verify", "--server", "https://127.0.0.1:9"];
    let said = ill(&run(&away, &trusted.file()).await, 2);
    assert!(
        said.contains("no server answers at https://127.0.0.1:9"),
        "{said}"
    );
    for wrong in [
        "vouchers.example.gov",
        "ftp://127.0.0.1",
        "https://",
        "http://127.0.0.1/?a=b",
    ] {
        let said = ill(
            &run(&["audit", "verify", "--server", wrong], &none).await,
            2,
        );
        assert!(said.contains("is no address: it must be http://"), "{said}");
        let said = ill(
            &run(
                &["call", "PolicyService/ListRegions", "--server", wrong],
                &none,
            )
            .await,
            1,
        );
        assert!(said.contains("is no address: it must be http://"), "{said}");
    }
}
