//! The server's own port: TLS that it ends itself, and how callers prove there who they are.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod authority;
mod mutual;
mod oidc;
mod secure;

use std::time::Duration;

use authority::Authority;
use hefu_engine::{Clock, Source};
use hefu_server::{
    Listen, ProviderAt, RegionTree, Running, Services, Setup, StartError, TlsFiles, serve,
};
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::on_both_engines;
use tokio_rustls::rustls;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

const REGION: &str = "140725";

/// What a server with a certificate stands on.
struct House {
    place: Place,
    folder: Folder,
    authority: Authority,
}

impl House {
    async fn new() -> House {
        House::at(Place::new(Engine::Sqlite).await)
    }

    fn at(place: Place) -> House {
        House {
            place,
            folder: Folder::new("hefu-door"),
            authority: Authority::new("city"),
        }
    }

    /// The server's certificate and key, as files.
    fn files(&self) -> TlsFiles {
        let files = TlsFiles {
            certificate: self.folder.path().join("server.pem"),
            key: self.folder.path().join("server.key"),
            client_ca: None,
        };
        self.renew(&files);
        files
    }

    /// Puts a new certificate into the files, and says what it is.
    fn renew(&self, files: &TlsFiles) -> Vec<u8> {
        let made = self.authority.certify("127.0.0.1");
        made.put(&files.certificate, &files.key);
        made.der
    }

    async fn serve(&self, tls: Option<TlsFiles>) -> Result<Running, StartError> {
        self.serve_with(tls, Vec::new()).await
    }

    async fn serve_with(
        &self,
        tls: Option<TlsFiles>,
        oidc: Vec<ProviderAt>,
    ) -> Result<Running, StartError> {
        serve(Setup {
            database: self.place.url(),
            state: self.folder.path().join("state"),
            listen: Listen {
                tls,
                services: Services::default(),
                oidc,
                ..([127, 0, 0, 1], 0).into()
            },
            deployment: "door.hefu.local".to_owned(),
            tree: RegionTree::read(None).unwrap(),
            clock: Clock::system(),
            source: Source::System,
            writers: 1,
            witnesses: hefu_server::Witnesses::none(),
            limits: hefu_server::Limits::default(),
        })
        .await
    }

    /// A client that trusts the server's CA.
    fn trusting(&self) -> ClientTlsConfig {
        ClientTlsConfig::new().ca_certificate(Certificate::from_pem(self.authority.pem()))
    }
}

/// The stable code of a refusal.
fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().map(|info| info.reason.clone());
    info.unwrap_or_default()
}

/// A request with that key, if there is one.
fn asked<T>(message: T, bearer: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(bearer) = bearer {
        let value = format!("Bearer {bearer}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    request
}

async fn connect(running: &Running, tls: ClientTlsConfig) -> Channel {
    let endpoint = Endpoint::from_shared(running.url()).unwrap();
    let endpoint = endpoint.connect_timeout(Duration::from_secs(20));
    endpoint.tls_config(tls).unwrap().connect().await.unwrap()
}
