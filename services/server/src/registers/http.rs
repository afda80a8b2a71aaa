//! Registers that are asked over HTTP: `POST {url}/{check}` with `{"identity_number": "…"}`, or `certificate_number`; the answer is
//! `{"answer": "…", "valid_until": "…", "reference": "…", "employer": "…"}`, or 404 for whom the register does not know. A number goes over
//! https only, or to a server on this machine.

use std::path::Path;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Request, StatusCode, Uri, header};
use hefu_domain::Check;
use hefu_token::private_file;
use http_body_util::Full;
use zeroize::Zeroizing;

use super::{RegisterAt, Said, Subject, Written};
use crate::outbound::{Http, below, is_secure};
use crate::witnesses::authority;

/// The longest answer that is read, in bytes.
const LONGEST: usize = 16 * 1024;
/// How long it is until a second attempt; twice as long until each one after.
const PAUSE: Duration = Duration::from_millis(200);

/// A register's address.
pub(super) struct Address {
    url: String,
    http: Http,
    key: Option<Zeroizing<String>>,
    timeout: Duration,
    attempts: u32,
}

/// What one attempt came to that brought no answer.
enum Failed {
    /// It may go better the next time.
    Passing(String),
    /// It will be the same.
    Lasting(String),
}

impl Address {
    pub(super) fn new(
        url: &str,
        at: &RegisterAt,
        timeout: Duration,
        attempts: u32,
    ) -> Result<Address, String> {
        let uri = below(url, "check").map_err(|error| error.to_string())?;
        if !is_secure(&uri) && !is_here(&uri) {
            return Err(
                "identity numbers go over https, or to a server on this machine".to_owned(),
            );
        }
        let http = match &at.ca {
            Some(file) => Http::trusting(authority(file)?),
            None => Http::new(is_secure(&uri)).map_err(|error| error.to_string())?,
        };
        Ok(Address {
            url: url.to_owned(),
            http,
            key: at.key_file.as_deref().map(key).transpose()?,
            timeout,
            attempts,
        })
    }

    /// Asks, again after a while where it may help.
    pub(super) async fn ask(
        &self,
        check: &Check,
        subject: &Subject,
    ) -> Result<Option<Said>, String> {
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let once = tokio::time::timeout(self.timeout, self.once(check, subject)).await;
            let failed = match once {
                Ok(Ok(said)) => return Ok(said),
                Ok(Err(failed)) => failed,
                Err(_) => {
                    Failed::Passing(format!("did not answer in {} s", self.timeout.as_secs()))
                }
            };
            match failed {
                Failed::Passing(why) if attempt >= self.attempts => return Err(why),
                Failed::Lasting(why) => return Err(why),
                Failed::Passing(_) => tokio::time::sleep(pause).await,
            }
            attempt += 1;
            pause *= 2;
        }
    }

    async fn once(&self, check: &Check, subject: &Subject) -> Result<Option<Said>, Failed> {
        let lasting =
            |why: &dyn std::fmt::Display| Failed::Lasting(format!("cannot be asked: {why}"));
        let uri = below(&self.url, check.as_str()).map_err(|error| lasting(&error))?;
        let question = serde_json::json!({ subject.field(): subject.number() }).to_string();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", key.as_str()));
        }
        let request = request
            .body(Full::new(Bytes::from(question)))
            .map_err(|error| lasting(&error))?;
        let answer = self.http.ask(request, LONGEST).await;
        let answer =
            answer.map_err(|error| Failed::Passing(format!("is out of reach: {error}")))?;
        match answer.status {
            StatusCode::OK => {
                let written: Result<Written, _> = serde_json::from_slice(&answer.body);
                // What it sent may repeat the number.
                let unread = |why: String| Failed::Lasting(format!("sent no answer: {why}"));
                let written = written
                    .map_err(|_| unread("it is not the JSON that is agreed on".to_owned()))?;
                written.read().map(Some).map_err(unread)
            }
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(Failed::Passing(format!("answered {status}")))
            }
            status => Err(Failed::Lasting(format!(
                "answered {status}: look at its address and key in the configuration"
            ))),
        }
    }
}

/// Whether an address is one of this machine.
fn is_here(uri: &Uri) -> bool {
    uri.host().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let address: Result<std::net::IpAddr, _> = host.parse();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

/// The first line of a key file that is no remark.
fn key(file: &Path) -> Result<Zeroizing<String>, String> {
    let text = private_file::read(file).map_err(|error| error.to_string())?;
    let mut lines = text.lines().map(str::trim);
    let key = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    match key {
        Some(key) => Ok(Zeroizing::new(key.to_owned())),
        None => Err(format!("{} holds no key", file.display())),
    }
}
