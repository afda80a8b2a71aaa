//! HTTP to other people's machines, one way for all of it: witnesses that are asked, and logs that are read from outside.
//!
//! The invariant: over https nobody is spoken to who does not prove the name that was asked for, to a CA that this system trusts.
//! HTTP/1.1 is what is spoken, for every server, proxy and host of files understands it.

use std::error::Error;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The system trusts nobody.
    #[error(
        "this system has no CA certificates, so no https server can be trusted: install them (on Debian, ca-certificates), or name a file of \
         them in SSL_CERT_FILE{0}"
    )]
    NoRoots(String),
    /// The other side did not prove who it is.
    #[error("{0}")]
    Untrusted(String),
    /// The answer is longer than was asked for.
    #[error("the answer is longer than {0} bytes")]
    Long(usize),
    /// Anything else on the way.
    #[error("{0}")]
    Broken(String),
}

/// An address that cannot be spoken to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address: it must be http://… or https://…, without a query")]
pub struct NoAddress(String);

/// What a server said.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Connections, kept open between requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http(legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    /// A client for http, and if `secure` for https as well, by the CAs that this system trusts.
    ///
    /// # Errors
    /// `NoRoots`, only if `secure`.
    pub fn new(secure: bool) -> Result<Http, Failed> {
        Ok(Http::trusting(match secure {
            true => trusted()?,
            false => RootCertStore::empty(),
        }))
    }

    /// A client for http and https, by these CAs and no others.
    pub fn trusting(roots: RootCertStore) -> Http {
        let tls = ClientConfig::builder().with_root_certificates(roots);
        let mut plain = HttpConnector::new();
        plain.set_nodelay(true);
        plain.set_connect_timeout(Some(CONNECT));
        plain.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .wrap_connector(plain);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Http(client)
    }

    /// Sends a request and reads the answer, of so many bytes at the most. It waits as long as it takes.
    ///
    /// # Errors
    /// See [`Failed`].
    pub async fn ask(
        &self,
        request: Request<Full<Bytes>>,
        longest: usize,
    ) -> Result<Answered, Failed> {
        let answer = self.0.request(request).await;
        let (head, body) = answer.map_err(|error| failed(&error))?.into_parts();
        let body = Limited::new(body, longest).collect().await;
        let body = body.map_err(|error| match error.is::<LengthLimitError>() {
            true => Failed::Long(longest),
            false => failed(error.as_ref()),
        })?;
        Ok(Answered {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }
}

/// The CA certificates that count: the system's, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name in their place.
///
/// # Errors
/// `NoRoots`.
pub fn trusted() -> Result<RootCertStore, Failed> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.iter().map(|error| format!("; {error}"));
        return Err(Failed::NoRoots(why.collect()));
    }
    Ok(roots)
}

/// A path below an address.
///
/// # Errors
/// The address is not of http or https.
pub fn below(address: &str, path: &str) -> Result<Uri, NoAddress> {
    let uri: Result<Uri, _> = format!("{}/{path}", address.trim_end_matches('/')).parse();
    let uri = uri.ok().filter(|uri| {
        let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
        is_known && uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none()
    });
    uri.ok_or_else(|| NoAddress(address.to_owned()))
}

/// Whether an address is of https.
pub fn is_secure(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

/// What a connection failed of, in words: an error with all that lies under it, for the outermost one rarely says why.
pub fn failed(error: &(dyn Error + 'static)) -> Failed {
    let mut text = error.to_string();
    let mut under = error.source();
    let mut tls = tls_error(error);
    while let Some(error) = under {
        let why = error.to_string();
        if !text.ends_with(&why) {
            text = format!("{text}: {why}");
        }
        tls = tls.or_else(|| tls_error(error));
        under = error.source();
    }
    match tls {
        Some(rustls::Error::InvalidCertificate(why)) => Failed::Untrusted(format!(
            "its certificate is not trusted ({why}). Is it a private CA's? Name the CA's certificate in SSL_CERT_FILE, a file in PEM"
        )),
        Some(_) | None => Failed::Broken(text),
    }
}

/// What TLS has against the other side: it stands inside an error of input and output, or inside one that stands inside one.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut inside = error;
    while let Some(error) = inside.downcast_ref::<std::io::Error>() {
        inside = error.get_ref()?;
    }
    inside.downcast_ref()
}
